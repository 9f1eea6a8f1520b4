"""Lists in the structures of other writers.

A list is written as JSON in a text (dumps of SQL tables), as an object with positions as keys (PHP arrays with gaps),
or as one list for each member (`{"key": ["a", "b"], "value": [1, 2]}`: the fields of an Elasticsearch search).
"""

from __future__ import annotations

from typing import Any

from tracetui.ingest.formats.field_names import plain
from tracetui.ingest.json_repair import lenient_json


def as_object(value: Any) -> dict[str, Any]:
    """Return an object unchanged, {} for any other value."""
    return value if isinstance(value, dict) else {}


def objects_of(value: Any) -> list[dict[str, Any]]:
    """List the objects of a list in any structure, or a single object."""
    found = items_of(value)
    if isinstance(found, dict):
        return rows_of(found) or ([found] if found else [])
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def items_of(value: Any) -> Any:
    """Convert a list in a text, or an object with positions as keys, to a list; anything else stays."""
    if isinstance(value, str):
        value = lenient_json.container_in(value)
    if isinstance(value, dict) and value and all(map(_is_position, value)):
        items = list(value.values())
        # the values of tags such as `{"200": "OK"}` are not objects, except for a few
        return items if 2 * sum(isinstance(item, dict) for item in items) > len(items) else value
    return value


def pairs_in(value: Any) -> Any:
    """Convert a list of keys and values in any structure to a list; an object with the keys as members stays."""
    found = items_of(value)
    if isinstance(found, dict) and {"key", "value"} <= {plain(name) for name in found}:
        return rows_of(found) or found
    return found


def rows_of(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Convert one list for each member to a list of objects; [] if it is anything else."""
    lists = [items for items in columns.values() if isinstance(items, list)]
    lengths = set(map(len, lists))
    if len(lists) < max(2, len(columns)) or len(lengths) != 1 or 0 in lengths:
        return []
    if all(type(item) is int and 0 <= item < 256 for items in lists for item in items):
        # ids as lists of their bytes
        return []
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]


def _is_position(key: str) -> bool:
    return key.isascii() and key.isdecimal()
