"""The nesting limit of attribute values, the same for every format and for saved files."""

from __future__ import annotations

from typing import Final

from tracetui.model.span import Value

VALUE_NESTING: Final = 64
"""Deepest nesting of lists and maps within an attribute value."""

SKIPPED: Final = f"(nested more than {VALUE_NESTING} levels deep)"
"""Text that replaces a value nested deeper. It is visible wherever values are shown, and survives saving."""


def within_limit(value: Value, depth: int = 0) -> Value:
    """Replace lists and maps that are nested too deeply by SKIPPED. Other values are returned unchanged."""
    match value:
        case list() | dict() if depth >= VALUE_NESTING:
            return SKIPPED
        case list():
            return [within_limit(item, depth + 1) for item in value]
        case dict():
            return {key: within_limit(item, depth + 1) for key, item in value.items()}
        case _:
            return value


def limit_values(attributes: dict[str, Value]) -> dict[str, Value]:
    """Apply `within_limit` to every value, in place."""
    for key, value in attributes.items():
        if isinstance(value, (list, dict)):
            attributes[key] = within_limit(value)
    return attributes
