"""Protocol of a function that runs work outside the UI loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

_T = TypeVar("_T")


class Work(Protocol):
    """Run `work` outside the UI loop, then `done` with its result on the loop.

    The result is dropped once other traces are shown, or with `outlives_set`, once other sources are.
    """

    def __call__(
        self, name: str, work: Callable[[], _T], done: Callable[[_T], Any], *, outlives_set: bool = False
    ) -> None: ...
