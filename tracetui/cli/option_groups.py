"""Option groups: one parameter of a command stands for several options."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_type_hints


class OptionGroup:
    """A dataclass whose fields are options, each with a default."""


def expand_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command to take the options of its groups one by one, for Typer to read."""
    own = inspect.signature(command, eval_str=True)
    groups = {name: one.annotation for name, one in own.parameters.items() if _is_group(one.annotation)}
    parameters: list[inspect.Parameter] = []
    for name, one in own.parameters.items():
        parameters += _options(groups[name]) if name in groups else [one.replace(kind=inspect.Parameter.KEYWORD_ONLY)]

    @functools.wraps(command)
    def grouped(**given: Any) -> None:
        made = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**given, **made)

    grouped.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    grouped.__annotations__ = {one.name: one.annotation for one in parameters}
    return grouped


def _is_group(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, OptionGroup)


def _options(group: Any) -> list[inspect.Parameter]:
    kinds = get_type_hints(group, include_extras=True)
    assert all(field.default is not MISSING for field in fields(group))
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=kinds[field.name]
        )
        for field in fields(group)
    ]
