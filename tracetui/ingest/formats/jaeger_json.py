"""Jaeger JSON: responses of its API and downloads of its UI.

One trace is `{"traceID", "spans": [...], "processes": {"p1": {...}}}`. Times are integer microseconds. The schema is
jaegertracing/jaeger's `internal/uimodel`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec
from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext, UnreadCounts
from tracetui.ingest.formats.deciding_attributes import AttributeDecider
from tracetui.ingest.formats.error_rule import STATUS_CODE, StatusSource, decide_status, has_unknown_code
from tracetui.ingest.formats.field_names import read_kind, read_reference_type
from tracetui.ingest.formats.jaeger_json_fields import JaegerProcess, JaegerReference, JaegerSpan, JaegerTrace
from tracetui.ingest.formats.jaeger_lenient import lenient_trace
from tracetui.ingest.formats.jaeger_values import CODEC, LINK_KINDS, JaegerCodec, usual_tags
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.json_value_limit import MORE_VALUES, first_values
from tracetui.model.ids import canonical_trace_id
from tracetui.model.json_decoding import MALFORMED, RAW_ITEMS, RAW_MEMBERS
from tracetui.model.span import FLAG_SHIFT, NO_DURATION, NO_START, Flag, Kind, Status, Value, pack_state
from tracetui.model.span_chunks import CHUNK_SPANS
from tracetui.model.span_rows import UndecidedRows

__all__ = ["CODEC", "JaegerCodec", "add_trace", "decode_trace"]

_UNKNOWN_CODE = Flag.SOURCE_WARNING
"""Set by `_state` for an unknown kind or status code, and cleared when that is noted."""
_BEGINNINGS = {b'[{"key"', b"[]", b"null"}
"""Beginnings of tags from nearly every writer."""
_TRACE = msgspec.json.Decoder(JaegerTrace)
_ID = msgspec.json.Decoder(str)
_LARGE_BYTES: Final = 8 << 20


def _state(attributes: dict[str, Value], flags: int) -> int:
    kind = read_kind(attributes.get("span.kind"))
    if kind is None:
        kind, flags = Kind.UNSPECIFIED, flags | _UNKNOWN_CODE
    if has_unknown_code(attributes):
        flags |= _UNKNOWN_CODE
    status, error = decide_status(kind, Status.UNSET, attributes, StatusSource.TAGS)
    return pack_state(kind, status, error, flags)


_decider = AttributeDecider(CODEC.attributes, _state, common_key="span.kind")


def decode_trace(raw: bytes | Raw, context: DecodeContext) -> None:
    """Decode one trace object. Raises MalformedError if it is not JSON.

    Items that are not spans are skipped and fields of a wrong type repaired, each with a warning.
    """
    for part in _parts(raw):
        _decode_part(part, context)


def _parts(raw: bytes | Raw) -> Iterator[bytes | Raw]:
    """Divide a large trace into traces of some of its spans each, as a decoded span takes several times its size."""
    if memoryview(raw).nbytes <= _LARGE_BYTES:
        yield raw
        return
    try:
        members = RAW_MEMBERS.decode(raw)
        spans = RAW_ITEMS.decode(members.pop("spans"))
        named = bool(_ID.decode(members["traceID"]))
    except (*MALFORMED, KeyError):
        named = False
    if not named or len(spans) <= CHUNK_SPANS:
        yield raw
        return
    for begin in range(0, len(spans), CHUNK_SPANS):
        head = msgspec.json.encode(members)[:-1]
        yield b'%b,"spans":[%b]}' % (head, b",".join(spans[begin : begin + CHUNK_SPANS]))
        # they concern the whole trace
        members.pop("warnings", None)


def _decode_part(raw: bytes | Raw, context: DecodeContext) -> None:
    try:
        trace = _TRACE.decode(raw)
    except MALFORMED:
        trace = lenient_trace(lenient_json.loads(raw), context)
    add_trace(trace, context)


def add_trace(trace: JaegerTrace, context: DecodeContext) -> None:
    """Add a decoded trace to the intake."""
    spans = trace.spans
    if not spans:
        return
    intake = context.intake
    trace_id = trace.traceID or spans[0].traceID
    others = {span.traceID for span in spans}
    others.discard(trace_id)
    others.discard("")
    if others:
        _add_mixed(trace, trace_id, context)
        return
    number = context.trace(trace_id)
    if trace.warnings:
        intake.traces.warn(number, trace.warnings)
    resources = {}
    for pid, process in (trace.processes or {}).items():
        service = _service_of(process)
        if service is None:
            context.warn(f"process {pid!r} has no service name; its spans have an unknown service")
        resources[pid] = intake.resources(service or "", bytes(process.tags), CODEC)
    lost = next((span.processID for span in spans if span.processID not in resources), None)
    if lost is not None:
        context.warn(f"process {lost!r} is not listed; its spans have an unknown service")
        unknown = intake.resources("", b"", CODEC)
        resources.update((span.processID, unknown) for span in spans if span.processID not in resources)
    rows = intake.rows
    position = len(intake)
    rows.trace += [number] * len(spans)
    rows.span_id += [span.spanID for span in spans]
    rows.name += intake.names.many([span.operationName for span in spans])
    rows.resource += [resources[span.processID] for span in spans]
    starts, durations = [span.startTime for span in spans], [span.duration for span in spans]
    rows.start_ns += [(start or 0) * 1000 for start in starts]
    rows.duration_ns += [(duration or 0) * 1000 for duration in durations]
    tags = [bytes(span.tags) for span in spans]
    unread = UnreadCounts()
    if not {raw[:7] for raw in tags} <= _BEGINNINGS:
        tags = [_usual_tags(raw, unread) for raw in tags]
    rows.attributes += tags
    rows.events += [_list_of(span.logs) if span.logs else b"" for span in spans]
    states = [0] * len(tags)
    rows.peer += states
    words = UnreadCounts()
    begin = len(rows.attributes) - len(tags)
    rows.undecided.append(
        UndecidedRows(begin, len(rows.attributes), _decider, partial(_note_words, words), partial(words.warn, context))
    )
    for times, flag in ((starts, NO_START), (durations, NO_DURATION)):
        if None in times:
            states = [state | flag if time is None else state for state, time in zip(states, times, strict=True)]
    parents: list[str] = []
    links: list[bytes] = []
    for i, span in enumerate(spans):
        references = span.references
        # old writers give roots the parent 0
        if span.parentSpanID and span.parentSpanID.strip("0"):
            references = _with_parent(references or [], span.parentSpanID, trace_id)
        if not references:
            parents.append("")
            links.append(b"")
        elif len(references) == 1 and references[0].traceID == trace_id and references[0].refType == "CHILD_OF":
            parents.append(references[0].spanID)
            links.append(b"")
        else:
            _name_types(references, unread)
            parent = _parent(references, trace_id)
            parents.append(parent.spanID if parent else "")
            others_than = [ref for ref in references if ref is not parent]
            links.append(msgspec.json.encode(others_than) if others_than else b"")
            if parent and parent.refType == "FOLLOWS_FROM":
                states[i] |= Flag.FOLLOWS_FROM << FLAG_SHIFT
        if span.warnings:
            intake.texts.warn(position + i, span.warnings)
            states[i] |= Flag.SOURCE_WARNING << FLAG_SHIFT
    unread.warn(context)
    rows.parent_id += parents
    rows.links += links
    rows.state += states
    intake.flush_if_full()


def _usual_tags(raw: bytes, unread: UnreadCounts) -> bytes:
    limited = bytes(first_values(raw))
    if len(limited) < len(raw):
        unread.note("tags", f"hold {MORE_VALUES}")
    usual = usual_tags(limited)
    if usual is None:
        unread.note("tags")
    return usual or b""


def _note_words(unread: UnreadCounts, _row: int, tags: bytes) -> None:
    attributes = CODEC.attributes(tags)
    kind = attributes.get("span.kind")
    if read_kind(kind) is None:
        unread.note(f"kind {kind!r}", "is unknown; read as internal")
    if has_unknown_code(attributes):
        unread.note(f"status code {attributes[STATUS_CODE]!r}", "is unknown; read as unset")


def _service_of(process: JaegerProcess) -> str | None:
    """Get the service of a process, from OpenTelemetry's attribute if the field is missing."""
    if process.serviceName is None and b'"service.name"' in bytes(process.tags):
        name = CODEC.attributes(bytes(process.tags)).get("service.name")
        return name if isinstance(name, str) else None
    return process.serviceName


def _name_types(references: list[JaegerReference], unread: UnreadCounts) -> None:
    """Normalize the types of references; one of an unknown type stays a link."""
    for reference in references:
        if reference.refType not in LINK_KINDS:
            known = read_reference_type(reference.refType)
            if known is None:
                unread.note(f"reference type {reference.refType!r}", "is unknown; read as a link")
            reference.refType = known or reference.refType


def _add_mixed(trace: JaegerTrace, trace_id: str, context: DecodeContext) -> None:
    by_trace: dict[str, list[JaegerSpan]] = {}
    for span in trace.spans:
        by_trace.setdefault(canonical_trace_id(span.traceID or trace_id), []).append(span)
    for key, spans in by_trace.items():
        for span in spans:
            for reference in span.references or []:
                if canonical_trace_id(reference.traceID) == key:
                    reference.traceID = spans[0].traceID
            span.traceID = spans[0].traceID
        add_trace(JaegerTrace(spans, spans[0].traceID or trace_id, trace.processes, trace.warnings), context)


def _parent(references: list[JaegerReference], trace_id: str) -> JaegerReference | None:
    canonical = canonical_trace_id(trace_id)
    same = [ref for ref in references if not ref.traceID or canonical_trace_id(ref.traceID) == canonical]
    return next((ref for ref in same if ref.refType == "CHILD_OF"), None) or next(
        (ref for ref in same if ref.refType == "FOLLOWS_FROM"), None
    )


def _with_parent(references: list[JaegerReference], parent: str, trace_id: str) -> list[JaegerReference]:
    """Put the parent field of old spans first, which takes precedence over other references."""
    trace = canonical_trace_id(trace_id)
    of_trace = [ref for ref in references if not ref.traceID or canonical_trace_id(ref.traceID) == trace]
    named = [ref for ref in of_trace if ref.spanID == parent]
    if len(of_trace) == 1 and named:
        return references
    others = [ref for ref in references if ref not in named]
    return [JaegerReference(parent, traceID=trace_id), *others]


def _list_of(items: list[Raw]) -> bytes:
    return b"[" + b",".join(items) + b"]"
