"""Reduce a response to traces that were not seen before, by their ids and start times, without decoding it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

import msgspec

from tracetui.ingest.servers.request_errors import NO_JSON
from tracetui.model.json_decoding import RAW_ITEMS, RAW_MEMBERS

TraceStarts = dict[str, int]
"""Start times of traces in nanoseconds since the epoch, by id; 0 if unknown."""


class _V1Span(msgspec.Struct, rename="camel"):
    start_time: int = 0


class _V1Trace(msgspec.Struct):
    trace_id: str = msgspec.field(name="traceID")
    spans: list[_V1Span] | None = None


class _V1(msgspec.Struct):
    data: list[msgspec.Raw] | None
    errors: list[msgspec.Raw] | None = None


class _ZipkinSpan(msgspec.Struct, rename="camel"):
    trace_id: str
    timestamp: int | None = None


class _SpanHead(msgspec.Struct, rename="camel"):
    trace_id: str
    start_time_unix_nano: int = 0


class _Scope(msgspec.Struct, rename="camel"):
    spans: list[_SpanHead] | None = None


class _Resource(msgspec.Struct, rename="camel"):
    scope_spans: list[_Scope] | None = None


class _HeadResult(msgspec.Struct, rename="camel"):
    resource_spans: list[_Resource] | None = None


class _Otlp(msgspec.Struct):
    result: _HeadResult


class _RawResult(msgspec.Struct, rename="camel"):
    resource_spans: list[msgspec.Raw] | None = None


class _RawOtlp(msgspec.Struct):
    result: _RawResult


_OTLP: Final = msgspec.json.Decoder(_Otlp, strict=False)
_OTLP_GROUPS: Final = msgspec.json.Decoder(_RawOtlp)
_SPAN_HEAD: Final = msgspec.json.Decoder(_SpanHead, strict=False)
_V1_RESPONSE: Final = msgspec.json.Decoder(_V1)
_V1_TRACE: Final = msgspec.json.Decoder(_V1Trace)
_ZIPKIN_SPANS: Final = msgspec.json.Decoder(list[_ZipkinSpan], strict=False)


def otlp_starts(document: bytes) -> TraceStarts:
    """Read the traces of a response of Jaeger's v3 API, without damaged spans."""
    found: TraceStarts = {}
    with suppress(*NO_JSON):
        for trace_id, start_ns in _otlp_spans(document):
            _begin(found, trace_id, start_ns)
    return found


def unseen_otlp(document: bytes, seen: TraceStarts) -> tuple[TraceStarts, bytes]:
    """Reduce a response of Jaeger's v3 API, as `unseen_v1`."""
    starts = otlp_starts(document)
    if not starts.keys() & seen.keys():
        return starts, document
    if starts.keys() <= seen.keys():
        return starts, b""
    try:
        response = RAW_MEMBERS.decode(document)
        result = RAW_MEMBERS.decode(response["result"])
        groups = [
            group
            for raw in RAW_ITEMS.decode(result["resourceSpans"])
            if (group := _unseen_group(RAW_MEMBERS.decode(raw), seen))
        ]
    except (*NO_JSON, KeyError):
        return starts, document
    result["resourceSpans"] = msgspec.Raw(msgspec.json.encode(groups))
    response["result"] = msgspec.Raw(msgspec.json.encode(result))
    return starts, msgspec.json.encode(response)


def _unseen_group(group: dict[str, msgspec.Raw], seen: TraceStarts) -> dict[str, msgspec.Raw]:
    """Return the spans of a resource without those of traces in `seen`; empty if none is left. Damaged ones stay."""
    scopes = []
    for raw in RAW_ITEMS.decode(group["scopeSpans"]):
        scope = RAW_MEMBERS.decode(raw)
        spans = [span for span in RAW_ITEMS.decode(scope["spans"]) if _trace_of(span) not in seen]
        if spans:
            scopes.append({**scope, "spans": spans})
    return {**group, "scopeSpans": msgspec.Raw(msgspec.json.encode(scopes))} if scopes else {}


def _trace_of(span: msgspec.Raw) -> str:
    """Return the id of a span's trace, '' if it is damaged."""
    try:
        return _SPAN_HEAD.decode(span).trace_id
    except NO_JSON:
        return ""


def unseen_v1(document: bytes, seen: TraceStarts) -> tuple[TraceStarts, bytes]:
    """Reduce a response of Jaeger's v1 API. -> its traces, and a response with those not in `seen`, b"" for none

    A damaged one is returned unchanged, and damaged items stay: the decoder recovers the intact parts.
    """
    try:
        response = _V1_RESPONSE.decode(document)
    except NO_JSON:
        return {}, document
    starts: TraceStarts = {}
    new = []
    for item in response.data or ():
        try:
            trace = _V1_TRACE.decode(item)
        except NO_JSON:
            new.append(item)
            continue
        starts[trace.trace_id] = min((span.start_time for span in trace.spans or ()), default=0) * 1_000
        if trace.trace_id not in seen:
            new.append(item)
    response.data = new
    return starts, msgspec.json.encode(response) if new or response.errors else b""


def jaeger_starts(document: bytes) -> TraceStarts:
    """Read the traces of a response of either API of Jaeger; none if it is damaged."""
    return otlp_starts(document) or unseen_v1(document, {})[0]


def unseen_jaeger(document: bytes, seen: TraceStarts) -> tuple[TraceStarts, bytes]:
    """Reduce a response of either API, as v1 falls back to v3, to traces that are not in `seen`."""
    return unseen_otlp(document, seen) if otlp_starts(document) else unseen_v1(document, seen)


def unseen_zipkin(document: bytes, seen: TraceStarts) -> tuple[TraceStarts, bytes]:
    """Reduce a response of Zipkin in the way of `unseen_v1`."""
    try:
        items = RAW_ITEMS.decode(document)
    except NO_JSON:
        return {}, document
    starts: TraceStarts = {}
    new = []
    for item in items:
        try:
            spans = _ZIPKIN_SPANS.decode(item)
        except NO_JSON:
            new.append(item)
            continue
        for span in spans:
            _begin(starts, span.trace_id, (span.timestamp or 0) * 1_000)
        if not spans or spans[0].trace_id not in seen:
            new.append(item)
    return starts, msgspec.json.encode(new) if new else b""


def latest_starts(document: bytes) -> TraceStarts:
    """Read the start of the last span of each trace in a response of any of these APIs; none if it is damaged.

    Servers take those traces for the newest that have the newest span, whenever they began.
    """
    for spans_of in (_otlp_spans, _v1_spans, _zipkin_spans):
        found: TraceStarts = {}
        try:
            for trace_id, start_ns in spans_of(document):
                found[trace_id] = max(found.get(trace_id, 0), start_ns)
        except NO_JSON:
            continue
        return found
    return {}


def _otlp_spans(document: bytes) -> Iterator[tuple[str, int]]:
    try:
        groups: Iterable[_Resource] = _OTLP.decode(document).result.resource_spans or ()
    except NO_JSON:
        groups = _intact_groups(document)
    for group in groups:
        for scope in group.scope_spans or ():
            yield from ((span.trace_id, span.start_time_unix_nano) for span in scope.spans or ())


def _intact_groups(document: bytes) -> Iterator[_Resource]:
    """Yield what is intact of a damaged response, one scope for each span. Raises one of NO_JSON for another one."""
    for group in _OTLP_GROUPS.decode(document).result.resource_spans or ():
        for scope in _members_of_list(group, "scopeSpans"):
            for span in _members_of_list(scope, "spans"):
                with suppress(*NO_JSON):
                    yield _Resource([_Scope([_SPAN_HEAD.decode(span)])])


def _members_of_list(value: msgspec.Raw, key: str) -> list[msgspec.Raw]:
    try:
        return RAW_ITEMS.decode(RAW_MEMBERS.decode(value)[key])
    except (*NO_JSON, KeyError):
        return []


def _v1_spans(document: bytes) -> Iterator[tuple[str, int]]:
    for item in _V1_RESPONSE.decode(document).data or ():
        with suppress(*NO_JSON):
            trace = _V1_TRACE.decode(item)
            yield from ((trace.trace_id, span.start_time * 1_000) for span in trace.spans or ())


def _zipkin_spans(document: bytes) -> Iterator[tuple[str, int]]:
    for item in RAW_ITEMS.decode(document):
        with suppress(*NO_JSON):
            yield from ((span.trace_id, (span.timestamp or 0) * 1_000) for span in _ZIPKIN_SPANS.decode(item))


def add_starts(found: TraceStarts, starts: TraceStarts) -> None:
    """Add the traces of another document; the earliest start counts if a trace is divided between documents."""
    for trace_id, start_ns in starts.items():
        _begin(found, trace_id, start_ns)


def add_latest_starts(latest: TraceStarts, document: bytes) -> None:
    """Add the `latest_starts` of another document; the latest counts if a trace is divided between documents."""
    for trace_id, start_ns in latest_starts(document).items():
        latest[trace_id] = max(latest.get(trace_id, 0), start_ns)


def _begin(found: TraceStarts, trace_id: str, start_ns: int) -> None:
    """Note the start of a span if it is the earliest known of its trace."""
    before = found.get(trace_id, 0)
    found[trace_id] = min(before, start_ns) if before and start_ns else before or start_ns
