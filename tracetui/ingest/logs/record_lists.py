"""Records in the lists of an object: payloads and query results of log stores, console output of PHP's SDK.

`[{"common": {"attributes": {...}}, "logs": [...]}]` of New Relic, `{"results": [{"events": [...]}]}` of its queries,
`{"resource": {...}, "scopes": [{"logs": [...]}]}` of OpenTelemetry's PHP SDK, hits of a search, `{"logs": [...]}`;
`{"time": 1774000000.1, "event": {...}}` of Splunk's HTTP event collector.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tracetui.ingest.json_repair.lenient_json import loads_or_none
from tracetui.ingest.json_tables import TABLE_KEYS
from tracetui.ingest.logs.fields import holds_spans, is_message, names_trace, plain_key

_MAY_HOLD: Final = re.compile(
    rb'"(?:logs|events?|results|hits|scopes|entries|records|messages|data|values|rows|datarows|tables|detail)"\s*:\s*[\[{]',
    re.IGNORECASE,
)
_SEARCHED: Final = 1 << 16
_COLLECTOR: Final = frozenset(("time", "host", "source", "sourcetype", "index", "fields"))
_SHARED: Final = ("common", "resource")
_MAX_OBJECTS: Final = 100_000


class ListedRecord(NamedTuple):
    """Record in a list."""

    fields: dict[str, Any]
    shared: dict[str, Any]
    """Fields that apply to all records of the list."""


def records_within(text: bytes) -> list[ListedRecord]:
    """List the records in an object that is not one itself; [] for any other text."""
    if text[:1] != b"{" or not _MAY_HOLD.search(text, 0, _SEARCHED) or holds_spans(text[:_SEARCHED]):
        return []
    value = loads_or_none(text)
    if not isinstance(value, dict):
        return []
    key = "event" if "event" in value else "detail"
    event = value.get(key)
    if isinstance(event, dict) and not _COLLECTOR.isdisjoint(value):
        fields = value.get("fields")
        outer = {**value, **fields} if isinstance(fields, dict) else value
        return [ListedRecord(event, {name: item for name, item in outer.items() if name != key})]
    if any(is_message(plain_key(key)) for key, item in value.items() if isinstance(item, str)) or names_trace(value):
        return []
    return list(_found_in(value))


def _found_in(value: dict[str, Any]) -> Iterator[ListedRecord]:
    """Search the outer objects first."""
    waiting: list[tuple[Any, dict[str, Any]]] = [(value, {})]
    at = 0
    while at < len(waiting) and len(waiting) < _MAX_OBJECTS:
        holder, shared = waiting[at]
        at += 1
        if isinstance(holder, list):
            items = [_document(item) for item in holder if isinstance(item, dict)]
            if any(map(_is_record, items)):
                yield from (ListedRecord(item, shared) for item in items)
            else:
                waiting += [(item, shared) for item in items]
            continue
        rows = _rows(holder)
        if rows:
            yield from (ListedRecord(row, shared) for row in rows)
            continue
        own = {**shared, **_shared(holder)}
        inner = [item for key, item in holder.items() if key not in _SHARED and isinstance(item, (dict, list))]
        waiting += [(item, own) for item in inner]


def _rows(holder: dict[str, Any]) -> list[dict[str, Any]]:
    """Build the rows of a table with a column of messages or trace ids; [] for any other object."""
    keys = next((keys for keys in TABLE_KEYS if holder.keys() >= set(keys)), None)
    if keys is None:
        return []
    columns, rows = (holder[key] for key in keys)
    if not (isinstance(columns, list) and isinstance(rows, list)):
        return []
    names = [str(column.get("name")) if isinstance(column, dict) else str(column) for column in columns]
    found = [dict(zip(names, row, strict=False)) for row in rows if isinstance(row, list)]
    return found if any(map(_is_record, found)) else []


def _shared(holder: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in _SHARED:
        part = holder.get(key)
        if isinstance(part, dict):
            attributes = part.get("attributes")
            found |= {name: item for name, item in part.items() if not isinstance(item, (dict, list))}
            found |= attributes if isinstance(attributes, dict) else {}
    return found


def _document(item: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a hit of Elasticsearch, or the item itself."""
    source = item.get("_source")
    return source if isinstance(source, dict) else item


def _is_record(item: dict[str, Any]) -> bool:
    return any(is_message(plain_key(key)) for key in item) or names_trace(item)
