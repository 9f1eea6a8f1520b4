"""Lenient reading of OTLP JSON: other spellings of names, other types of values, items that are not spans.

Anything readable is accepted without a warning, since nothing is lost; anything else gives one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field, plain
from tracetui.ingest.formats.item_lists import items_of, objects_of
from tracetui.ingest.formats.numbers import moment_ns, whole_number
from tracetui.ingest.formats.otlp_json_fields import (
    NONE,
    OtlpRequest,
    OtlpResourceSpans,
    OtlpScope,
    OtlpScopeSpans,
    OtlpSpan,
    OtlpStatus,
)
from tracetui.ingest.formats.otlp_values import (
    are_readable,
    attributes_of,
    encoded,
    encoded_pairs,
    id_of,
    text_of,
)
from tracetui.ingest.formats.saved_fields import FIELD
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.json_repair.lenient_json import EMPTY, loads_or_none
from tracetui.ingest.json_repair.nesting import TOO_DEEP, prune
from tracetui.model.json_decoding import MalformedError

_USUAL: Final = re.compile(rb"\[\s*(?:\{\s*\"key\"\s*:|\])")
_LIST: Final = re.compile(rb"\[\s*\{")
_NOT_ATTRIBUTES: Final = frozenset(("droppedattributescount", "entityrefs", "schemaurl"))


def lenient_request(raw: bytes, context: DecodeContext) -> OtlpRequest:
    """Read a request from any JSON. Raises MalformedError if it is not a JSON object."""
    less = prune(raw)
    if less is not raw:
        context.warn(TOO_DEEP)
    value = lenient_json.loads(less)
    if not isinstance(value, dict):
        raise MalformedError("not an OTLP request: not a JSON object")
    reader = _LenientReader()
    request = reader.request(value, context)
    for problem, (first, count) in reader.problems.items():
        first.warn(problem if count == 1 else f"{problem} (and {count - 1:,} more like it)")
    return request


def usual_list(raw: bytes) -> bytes | None:
    """Convert a list of events or links of any structure, b"" for an empty one; None if it cannot be read."""
    if _LIST.match(raw):
        return raw
    if EMPTY.fullmatch(raw):
        return b""
    value = loads_or_none(raw)
    found = objects_of(value)
    return encoded(found) if found else None


def usual_attributes(raw: bytes) -> bytes | None:
    """Convert attributes of any structure to OTLP's list of pairs; None if they cannot be read."""
    if _USUAL.match(raw):
        return raw
    if EMPTY.fullmatch(raw):
        return b""
    value = loads_or_none(raw)
    return encoded_pairs(attributes_of(value)) if are_readable(value) else None


@lru_cache(maxsize=256)
def resource_of(raw: bytes) -> tuple[str, bytes, bool]:
    """Read a resource of any structure.

    -> its service name, '' if missing; its attributes without that name, which has a column of its own; True if it
    seems to have a service name that cannot be read
    """
    if EMPTY.fullmatch(raw):
        return "", b"", False
    value = loads_or_none(raw)
    given = value
    if isinstance(value, dict):
        given = field(value, "attributes")
        if given is None:
            # bare attributes instead of the message
            given = {key: item for key, item in value.items() if plain(key) not in _NOT_ATTRIBUTES}
            given.pop("attributes", None)
    attributes = attributes_of(given)
    key = next((key for key in attributes if key == "service.name"), None) or next(
        (key for key in attributes if plain(key) == "servicename"), None
    )
    name = attributes.pop(key) if key else None
    if name is None and isinstance(nested := attributes.get("service"), dict):
        name = nested.get("name")
    if isinstance(name, (dict, list)):
        name = None
    lost = name is None and (not are_readable(given) or "servicename" in plain(raw.decode("utf-8", "replace")))
    return text_of(name), encoded_pairs(attributes), lost


class _LenientReader:
    """Fills messages with all readable fields, and counts the problems: one bad field often recurs in many spans."""

    def __init__(self) -> None:
        self.problems: dict[str, tuple[DecodeContext, int]] = {}

    def note(self, problem: str, context: DecodeContext) -> None:
        first, count = self.problems.get(problem, (context, 0))
        self.problems[problem] = first, count + 1

    def request(self, item: dict[str, Any], context: DecodeContext) -> OtlpRequest:
        return OtlpRequest(
            resourceSpans=self._members(item, "resourceSpans", context, self._resource_spans),
            batches=self._members(item, "batches", context, self._resource_spans),
        )

    def _members(self, item: dict[str, Any], name: str, context: DecodeContext, read: Any) -> list[Any]:
        """Read the messages of a repeated field; a single one counts as a list."""
        value = items_of(field(item, name))
        if value is None:
            return []
        found = []
        for i, member in enumerate(value if isinstance(value, list) else [value]):
            at = context.at(f"{name}[{i}]")
            if isinstance(member, dict):
                found.append(read(member, at))
            else:
                self.note("skipped: not an object", at)
        return found

    def _resource_spans(self, item: dict[str, Any], context: DecodeContext) -> OtlpResourceSpans:
        resource = field(item, "resource")
        return OtlpResourceSpans(
            resource=NONE if resource is None else Raw(encoded(resource)),
            scopeSpans=self._members(item, "scopeSpans", context, self._scope_spans),
            instrumentationLibrarySpans=self._members(item, "instrumentationLibrarySpans", context, self._scope_spans),
        )

    def _scope_spans(self, item: dict[str, Any], context: DecodeContext) -> OtlpScopeSpans:
        scope = field(item, "scope", "instrumentationLibrary")
        if not isinstance(scope, dict):
            scope = {"name": scope}
        return OtlpScopeSpans(
            scope=OtlpScope(text_of(field(scope, "name")), text_of(field(scope, "version"))),
            spans=self._members(item, "spans", context, self._span),
        )

    def _span(self, item: dict[str, Any], context: DecodeContext) -> OtlpSpan:
        above = field(item, "parentSpanId", "parentId")
        parent = id_of(above, 16)
        if above and not parent:
            self.note("parentSpanId cannot be read; shown as a root", context)
        return OtlpSpan(
            traceId=id_of(field(item, "traceId"), 32),
            spanId=id_of(field(item, "spanId"), 16),
            parentSpanId=parent,
            name=text_of(field(item, "name")),
            kind=_enum(field(item, "kind", "spanKind")),
            startTimeUnixNano=self._time(item, "startTimeUnixNano", "startTime", context),
            endTimeUnixNano=self._time(item, "endTimeUnixNano", "endTime", context),
            attributes=_raw(field(item, "attributes")),
            droppedAttributesCount=whole_number(field(item, "droppedAttributesCount")) or 0,
            events=_raw(field(item, "events")),
            droppedEventsCount=whole_number(field(item, "droppedEventsCount")) or 0,
            links=_raw(field(item, "links")),
            droppedLinksCount=whole_number(field(item, "droppedLinksCount")) or 0,
            status=_status(item),
            tracetui=_raw(item.get(FIELD)),
        )

    def _time(self, item: dict[str, Any], name: str, other: str, context: DecodeContext) -> int:
        value = field(item, name, other)
        if value is None or value == "":
            return 0
        time = moment_ns(value)
        if time is None:
            self.note(f"{name} is not a time; read as missing", context)
        return time or 0


def _status(item: dict[str, Any]) -> OtlpStatus:
    """Read a status message, its JSON in a text, or a bare code."""
    status = field(item, "status")
    if isinstance(status, str) and status.lstrip()[:1] == "{":
        status = lenient_json.container_in(status)
    if not isinstance(status, dict):
        code = field(item, "statusCode") if status is None else status
        return OtlpStatus(_enum(code), text_of(field(item, "statusMessage")))
    return OtlpStatus(
        _enum(field(status, "code", "statusCode")), text_of(field(status, "message", "description", "statusMessage"))
    )


def _enum(value: Any) -> int | str:
    if value is None:
        return 0
    return value if isinstance(value, (int, str)) and not isinstance(value, bool) else text_of(value)


def _raw(value: Any) -> Raw:
    # undecoded values are searched for this name only
    return NONE if value is None else Raw(encoded(value).replace(b'"kvlist_value":', b'"kvlistValue":'))
