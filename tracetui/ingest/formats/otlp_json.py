"""OTLP JSON: files of collectors, and responses of Jaeger's v3 API and Tempo.

One request is `{"resourceSpans": [{"resource", "scopeSpans": [{"scope", "spans": [...]}]}]}`, times in nanoseconds.
The schema is open-telemetry/opentelemetry-proto's `trace/v1/trace.proto`. Besides the JSON that OTLP specifies (hex
ids, enums as numbers) this reads protobuf's JSON mapping of the same messages (base64 ids, enums by name, snake_case),
as sent by Tempo and older Jaegers, and names from before 2022 (`instrumentationLibrarySpans`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from tracetui.ingest.decode_context import DecodeContext, UnreadCounts
from tracetui.ingest.formats.deciding_attributes import AttributeDecider
from tracetui.ingest.formats.field_names import read_kind, read_status
from tracetui.ingest.formats.otlp_json_fields import (
    NONE,
    RAW_REQUEST,
    REQUEST,
    OtlpRequest,
    OtlpResourceSpans,
    OtlpScope,
    OtlpSpan,
)
from tracetui.ingest.formats.otlp_lenient import lenient_request, resource_of, usual_attributes, usual_list
from tracetui.ingest.formats.otlp_span_rules import (
    JAEGER_WARNINGS,
    dropped_warnings,
    hex_id,
    mark_missing_times,
    state_of_otlp,
)
from tracetui.ingest.formats.otlp_values import any_value, attributes_of, events_of, links_of
from tracetui.ingest.formats.saved_fields import saved_of
from tracetui.ingest.json_repair.lenient_json import loads_or_none
from tracetui.ingest.json_value_limit import MORE_VALUES, first_values
from tracetui.ingest.record_errors import add_each, skip_record
from tracetui.model.intake import Intake
from tracetui.model.json_decoding import MALFORMED
from tracetui.model.span import ERROR_SHIFT, FLAG_SHIFT, STATUS_SHIFT, Event, Flag, Kind, Link, Value
from tracetui.model.span_chunks import CHUNK_SPANS
from tracetui.model.span_rows import UndecidedRows

_KINDS: dict[int | str, int] = {int(kind): int(kind) for kind in Kind}
_BEGINNINGS = {b'[{"key"', b"[]", b""}
"""Beginnings of attributes from nearly every writer."""
_LISTS = {b"[{", b""}
_ABSENT = (NONE, Raw(b"null"))
_LARGE_BYTES: Final = 8 << 20
_EMPTY_OR_LISTS = {*_LISTS, b"[]"}


class _KeyValue(Struct, gc=False):
    key: str
    value: Any = None
    Value: None = None
    # members of AnyValue next to the key: see `otlp_json_fields`
    stringValue: None = None  # noqa: N815 - the wire's spelling, as below
    boolValue: None = None  # noqa: N815
    intValue: None = None  # noqa: N815
    doubleValue: None = None  # noqa: N815
    bytesValue: None = None  # noqa: N815
    arrayValue: None = None  # noqa: N815
    kvlistValue: None = None  # noqa: N815
    string_value: None = None
    bool_value: None = None
    int_value: None = None
    double_value: None = None
    vStr: None = None  # noqa: N815
    vBool: None = None  # noqa: N815
    vInt64: None = None  # noqa: N815
    vFloat64: None = None  # noqa: N815


_PAIRS = msgspec.json.Decoder(list[_KeyValue])


class OtlpJsonCodec:
    """Codec for OTLP attributes, events and links in JSON."""

    is_text = True

    def attributes(self, raw: bytes) -> dict[str, Value]:
        if raw in (b"", b"[]", b"null"):
            return {}
        try:
            return {pair.key: any_value(pair.value) for pair in _PAIRS.decode(raw)}
        except MALFORMED:
            return attributes_of(loads_or_none(raw))

    def events(self, raw: bytes) -> list[Event]:
        return events_of(loads_or_none(raw)) if raw else []

    def links(self, raw: bytes) -> list[Link]:
        return links_of(loads_or_none(raw)) if raw else []


CODEC = OtlpJsonCodec()

_decider = AttributeDecider(
    CODEC.attributes, state_of_otlp, more_keys=(JAEGER_WARNINGS,), closing=1, nested=b"kvlistValue"
)


def decode_request(raw: bytes | Raw, context: DecodeContext) -> None:
    """Decode one request object. Raises MalformedError if it is not one.

    Items that are not spans are skipped and fields of a wrong type repaired, each with a warning.
    """
    unread = UnreadCounts()
    for part in _parts(raw):
        try:
            request = REQUEST.decode(part)
        except MALFORMED as error:
            request = _damaged_request(part, error, context)
        for resource_spans in (request.resourceSpans or []) + (request.batches or []):
            try:
                _add_resource(resource_spans, context, unread)
            except Exception as error:
                skip_record(context, error)
    unread.warn(context)


def _parts(raw: bytes | Raw) -> Iterator[bytes | Raw]:
    """Divide a large request into requests with some of its spans each, as a decoded span takes several times its size.

    A damaged one stays whole.
    """
    if memoryview(raw).nbytes <= _LARGE_BYTES:
        yield raw
        return
    try:
        request = RAW_REQUEST.decode(raw)
    except MALFORMED:
        yield raw
        return
    resources: list[bytes] = []
    count = 0
    for resource_spans in (request.resourceSpans or []) + (request.batches or []):
        resource = bytes(resource_spans.resource) or b"null"
        scopes: list[bytes] = []
        for part in (resource_spans.scopeSpans or []) + (resource_spans.instrumentationLibrarySpans or []):
            scope = next(
                (bytes(one) for one in (part.scope, part.instrumentationLibrary) if one not in _ABSENT), b"null"
            )
            for at in range(0, len(part.spans or []), CHUNK_SPANS):
                spans = (part.spans or [])[at : at + CHUNK_SPANS]
                scopes.append(b'{"scope":%b,"spans":[%b]}' % (scope, b",".join(spans)))
                count += len(spans)
                if count >= CHUNK_SPANS:
                    yield _request([*resources, _resource_spans(resource, scopes)])
                    resources, scopes, count = [], [], 0
        if scopes:
            resources.append(_resource_spans(resource, scopes))
    if resources:
        yield _request(resources)


def _resource_spans(resource: bytes, scopes: list[bytes]) -> bytes:
    return b'{"resource":%b,"scopeSpans":[%b]}' % (resource, b",".join(scopes))


def _request(resources: list[bytes]) -> bytes:
    return b'{"resourceSpans":[%b]}' % b",".join(resources)


def _damaged_request(raw: bytes | Raw, error: Exception, context: DecodeContext) -> OtlpRequest:
    text = bytes(memoryview(raw))
    if isinstance(error, UnicodeDecodeError):
        text = text.decode("utf-8", "replace").encode()
        with suppress(*MALFORMED):
            return REQUEST.decode(text)
    return lenient_request(text, context)


def _add_resource(resource_spans: OtlpResourceSpans, context: DecodeContext, unread: UnreadCounts) -> None:
    resource = bytes(first_values(resource_spans.resource))
    if len(resource) < memoryview(resource_spans.resource).nbytes:
        context.warn(f"a resource with {MORE_VALUES}")
    service, attributes, lost = resource_of(resource)
    for part in (resource_spans.scopeSpans or []) + (resource_spans.instrumentationLibrarySpans or []):
        spans = part.spans or []
        if lost and spans:
            unread.note("service name", spans=len(spans))
        scope = part.scope or part.instrumentationLibrary or OtlpScope()
        number = context.intake.resources(service, attributes, CODEC, scope.name, scope.version) if spans else 0
        if len(spans) == 1:
            # the common case in collector files, where every call counts; the caller handles errors
            add_spans(spans, number, context, unread)
            continue
        add = partial(add_spans, resource=number, context=context, unread=unread)
        for at in range(0, len(spans), CHUNK_SPANS):
            add_each(add, spans[at : at + CHUNK_SPANS], context)


def add_spans(spans: Sequence[OtlpSpan], resource: int, context: DecodeContext, unread: UnreadCounts) -> None:
    """Add spans of one resource and scope to the intake."""
    intake = context.intake
    position = len(intake)
    traces = [span.traceId for span in spans]
    saved = {
        i: found for i, span in enumerate(spans) if span.tracetui is not NONE and (found := saved_of(span.tracetui))
    }
    named = {spans[i].traceId: context.trace(more.traceId) for i, more in saved.items() if more.traceId}
    trace_numbers = {
        text: context.trace(hex_id(text, 32)) for text in dict.fromkeys(traces) if text not in named
    } | named
    ids = [span.spanId for span in spans]
    if set(map(len, ids)) != {16}:
        ids = [hex_id(text, 16) for text in ids]
        if "" in ids:
            context.warn(f"{ids.count('')} spans without a span id; they cannot have children")
    parents = [span.parentSpanId for span in spans]
    if not set(map(len, parents)) <= {0, 16}:
        parents = [hex_id(text, 16) for text in parents]
    starts = [span.startTimeUnixNano for span in spans]
    ends = [span.endTimeUnixNano for span in spans]
    attributes = [bytes(span.attributes) for span in spans]
    if not {raw[:7] for raw in attributes} <= _BEGINNINGS:
        attributes = [_usual(raw, "attributes", usual_attributes, unread) for raw in attributes]
    natives = []
    warnings: dict[int, list[str]] = {}
    for i, span in enumerate(spans):
        kind = _KINDS.get(span.kind)
        if kind is None:
            known = read_kind(span.kind)
            if known is None:
                unread.note(f"kind {span.kind!r}", "is unknown; read as unspecified")
            kind = known or 0
        status = span.status
        if status is not None:
            if status.code:
                code = read_status(status.code)
                if code is None:
                    unread.note(f"status code {status.code!r}", "is unknown; read as unset")
                kind |= (code or 0) << STATUS_SHIFT
            if status.message:
                intake.texts.status_messages[position + i] = status.message
        natives.append(kind)
        if span.droppedAttributesCount or span.droppedEventsCount or span.droppedLinksCount:
            warnings[i] = dropped_warnings(span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount)
    # errors in a saved file may differ from those by attributes, so decide now
    later = not any(more.error is not None for more in saved.values())
    states, peers = (natives, [""] * len(natives)) if later else _decider.states(attributes, natives)
    for i, state in enumerate(states):
        if state >= 1 << FLAG_SHIFT:
            warnings.setdefault(i, []).extend(_jaeger_warnings(attributes[i]))
    for i, more in saved.items():
        warnings.setdefault(i, []).extend(more.warnings)
    for i, texts in warnings.items():
        if texts:
            intake.texts.warn(position + i, texts)
            states[i] |= Flag.SOURCE_WARNING << FLAG_SHIFT
    durations = list(map(operator.sub, ends, starts))
    literal = {i: (starts[i], durations[i], states[i]) for i in saved}
    mark_missing_times(starts, ends, durations, states)
    for i, more in saved.items():
        starts[i], durations[i], state = literal[i]
        states[i] = state | more.flags << FLAG_SHIFT
        if more.error is not None:
            states[i] = states[i] & ~(1 << ERROR_SHIFT) | more.error << ERROR_SHIFT
        ids[i] = ids[i] if more.spanId is None else more.spanId
        parents[i] = parents[i] if more.parentSpanId is None else more.parentSpanId
        if more.traceWarnings:
            intake.traces.warn(trace_numbers[traces[i]], more.traceWarnings)
    rows = intake.rows
    rows.trace += map(trace_numbers.__getitem__, traces)
    rows.span_id += ids
    rows.parent_id += parents
    rows.name += intake.names.many([span.name for span in spans])
    rows.resource += [resource] * len(spans)
    rows.start_ns += starts
    rows.duration_ns += durations
    rows.state += states
    rows.peer += intake.peers.many(peers)
    if later:
        first = len(rows.attributes)
        rows.undecided.append(
            UndecidedRows(first, first + len(attributes), _decider, partial(_note_warning, intake), _nothing_more)
        )
    rows.attributes += attributes
    rows.events += _lists("events", [span.events for span in spans], unread)
    rows.links += _lists("links", [span.links for span in spans], unread)
    intake.flush_if_full()


def _lists(what: str, raws: list[Raw], unread: UnreadCounts) -> list[bytes]:
    """Convert lists of events or links to bytes, b"" for an empty list."""
    # this test is cheaper than copying an empty list
    written = [b"" if raw is NONE else bytes(raw) for raw in raws]
    beginnings = {text[:2] for text in written}
    if beginnings <= _LISTS:
        return written
    if beginnings <= _EMPTY_OR_LISTS:
        return [b"" if text == b"[]" else text for text in written]
    return [_usual(text, what, usual_list, unread) for text in written]


def _usual(raw: bytes, what: str, read: Callable[[bytes], bytes | None], unread: UnreadCounts) -> bytes:
    """Convert a list to OTLP's own structure; an unreadable one is noted and becomes b""."""
    limited = bytes(first_values(raw))
    if len(limited) < len(raw):
        unread.note(what, f"hold {MORE_VALUES}")
    usual = read(limited)
    if usual is None:
        unread.note(what)
    return usual or b""


def _note_warning(intake: Intake, row: int, attributes: bytes) -> None:
    """Store Jaeger's warning for a row that is not flushed yet."""
    position = len(intake) - len(intake.rows.trace) + row
    known = intake.texts.warnings.get(position, [])
    intake.texts.warn(position, [*known, *_jaeger_warnings(attributes)])
    intake.rows.state[row] |= Flag.SOURCE_WARNING << FLAG_SHIFT


def _nothing_more() -> None:
    pass


def _jaeger_warnings(attributes: bytes) -> list[str]:
    value = CODEC.attributes(attributes).get(JAEGER_WARNINGS)
    return [str(text) for text in (value if isinstance(value, list) else [value])]
