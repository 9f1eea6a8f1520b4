"""Jaeger's JSON: what its API answers and what its UI downloads.

One trace is `{"traceID", "spans": [...], "processes": {"p1": {...}}}`. Times are integer microseconds. The schema is
jaegertracing/jaeger's `internal/uimodel`.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tracetui.ingest import lenient
from tracetui.ingest.attribute_search import AttributeSearch
from tracetui.ingest.error_rule import StatedBy, decide_status
from tracetui.ingest.formats.numbers import whole_number
from tracetui.ingest.place import Place
from tracetui.ingest.status import kind_named
from tracetui.model.ids import canonical_trace_id
from tracetui.model.intake import CHUNK_SPANS, MARK_SHIFT, pack_state
from tracetui.model.span import Event, Link, Mark, Status, Value

_EMPTY = Raw(b"[]")
_NO_START = Mark.START_REPAIRED << MARK_SHIFT
_NO_DURATION = Mark.NO_DURATION << MARK_SHIFT
_LARGEST_EXACT = 1 << 53


class JaegerReference(Struct, gc=False):
    refType: str = "CHILD_OF"  # noqa: N815 - the wire's spelling, as below
    traceID: str = ""  # noqa: N815
    spanID: str = ""  # noqa: N815


class JaegerSpan(Struct, gc=False):
    spanID: str  # noqa: N815
    traceID: str = ""  # noqa: N815
    operationName: str = ""  # noqa: N815
    references: list[JaegerReference] | None = None
    startTime: int | None = None  # noqa: N815
    duration: int | None = None
    tags: Raw = _EMPTY
    logs: list[Raw] | None = None
    processID: str = ""  # noqa: N815
    warnings: list[str] | None = None


class JaegerProcess(Struct, gc=False):
    serviceName: str = ""  # noqa: N815
    tags: Raw = _EMPTY


class JaegerTrace(Struct, gc=False):
    spans: list[JaegerSpan]
    traceID: str = ""  # noqa: N815
    processes: dict[str, JaegerProcess] | None = None
    warnings: list[str] | None = None


class _Tag(Struct, gc=False):
    key: str
    type: str = ""
    value: Any = None


class _Log(Struct, gc=False):
    timestamp: int = 0
    fields: list[_Tag] = []


_TRACE = msgspec.json.Decoder(JaegerTrace)
_TAGS = msgspec.json.Decoder(list[_Tag])
_LOGS = msgspec.json.Decoder(list[_Log])
_REFERENCES = msgspec.json.Decoder(list[JaegerReference])


class JaegerCodec:
    """Reads Jaeger's tags, logs and references."""

    def attributes(self, raw: bytes) -> dict[str, Value]:
        if raw in (b"", b"[]", b"null"):
            return {}
        try:
            tags = _TAGS.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            tags = tags_of(_loads(raw))
        return {tag.key: _value(tag) for tag in tags}

    def events(self, raw: bytes) -> list[Event]:
        if raw in (b"", b"[]", b"null"):
            return []
        try:
            logs = _LOGS.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            logs = [
                _Log(whole_number(item.get("timestamp")) or 0, tags_of(item.get("fields")))
                for item in _objects(_loads(raw))
            ]
        events = []
        for log in logs:
            fields = {tag.key: _value(tag) for tag in log.fields}
            naming = next((key for key in ("event", "message", "log") if fields.get(key)), None)
            name = str(fields.pop(naming)) if naming else ""
            events.append(Event(log.timestamp * 1000, name, fields))
        return events

    def links(self, raw: bytes) -> list[Link]:
        if not raw:
            return []
        return [Link(ref.traceID, ref.spanID, ref.refType) for ref in _REFERENCES.decode(raw)]


CODEC = JaegerCodec()


def _state(attributes: dict[str, Value], marks: int) -> int:
    kind = kind_named(attributes.get("span.kind"))
    status, error = decide_status(kind, Status.UNSET, attributes, StatedBy.TAGS)
    return pack_state(kind, status, error, marks)


_search = AttributeSearch(CODEC.attributes, _state, once="span.kind")


def decode_trace(raw: bytes | Raw, place: Place) -> None:
    """Take in one trace object; ValueError if it is no JSON at all.

    A span that is no span is left out and a field of a wrong type is repaired, each with a warning.
    """
    try:
        trace = _TRACE.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        trace = _lenient_trace(lenient.loads(raw), place)
    take_trace(trace, place)


def take_trace(trace: JaegerTrace, place: Place) -> None:
    """Add a decoded trace to the intake."""
    spans = trace.spans
    if not spans:
        return
    intake = place.intake
    trace_id = trace.traceID or spans[0].traceID
    others = {span.traceID for span in spans}
    others.discard(trace_id)
    others.discard("")
    if others:
        _take_mixed(trace, trace_id, place)
        return
    number = place.trace(trace_id)
    if trace.warnings:
        intake.warn_trace(number, trace.warnings)
    resources = {
        pid: intake.resource(process.serviceName, bytes(process.tags), CODEC)
        for pid, process in (trace.processes or {}).items()
    }
    lost = next((span.processID for span in spans if span.processID not in resources), None)
    if lost is not None:
        place.warn(f"process {lost!r} is not described; its spans have an unknown service")
        unknown = intake.resource("", b"", CODEC)
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
    rows.attributes += tags
    rows.events += [_list_of(span.logs) if span.logs else b"" for span in spans]
    states, peers = _search.states(tags, [0] * len(tags))
    rows.peer += intake.peers.many(peers)
    for times, mark in ((starts, _NO_START), (durations, _NO_DURATION)):
        if None in times:
            states = [state | mark if time is None else state for state, time in zip(states, times, strict=True)]
    parents: list[str] = []
    links: list[bytes] = []
    for i, span in enumerate(spans):
        references = span.references
        if not references:
            parents.append("")
            links.append(b"")
        elif len(references) == 1 and references[0].traceID == trace_id and references[0].refType == "CHILD_OF":
            parents.append(references[0].spanID)
            links.append(b"")
        else:
            parent = _parent(references, trace_id)
            parents.append(parent.spanID if parent else "")
            others_than = [ref for ref in references if ref is not parent]
            links.append(msgspec.json.encode(others_than) if others_than else b"")
            if parent and parent.refType == "FOLLOWS_FROM":
                states[i] |= Mark.FOLLOWS_FROM << MARK_SHIFT
        if span.warnings:
            intake.warn_span(position + i, span.warnings)
            states[i] |= Mark.SOURCE_WARNING << MARK_SHIFT
    rows.parent_id += parents
    rows.links += links
    rows.state += states
    if len(rows.trace) >= CHUNK_SPANS:
        intake.flush()


def _take_mixed(trace: JaegerTrace, trace_id: str, place: Place) -> None:
    by_trace: dict[str, list[JaegerSpan]] = {}
    for span in trace.spans:
        by_trace.setdefault(canonical_trace_id(span.traceID or trace_id), []).append(span)
    for key, spans in by_trace.items():
        for span in spans:
            for reference in span.references or []:
                if canonical_trace_id(reference.traceID) == key:
                    reference.traceID = spans[0].traceID
            span.traceID = spans[0].traceID
        take_trace(JaegerTrace(spans, spans[0].traceID or trace_id, trace.processes, trace.warnings), place)


def _parent(references: list[JaegerReference], trace_id: str) -> JaegerReference | None:
    canonical = canonical_trace_id(trace_id)
    same = [ref for ref in references if not ref.traceID or canonical_trace_id(ref.traceID) == canonical]
    return next((ref for ref in same if ref.refType == "CHILD_OF"), None) or next(
        (ref for ref in same if ref.refType == "FOLLOWS_FROM"), None
    )


def _list_of(items: list[Raw]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def _value(tag: _Tag) -> Value:
    value, kind = tag.value, tag.type
    if kind == "string" or not kind:
        return value  # type: ignore[no-any-return]  # any JSON value is a Value
    try:
        if kind == "int64" and isinstance(value, str):
            return int(value)
        if kind == "float64" and isinstance(value, (str, int)):
            return float(value)
        if kind == "bool" and isinstance(value, str):
            return value.lower() == "true"
        if kind == "binary" and isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        pass
    return value  # type: ignore[no-any-return]


def _loads(raw: bytes) -> Any:
    try:
        return lenient.loads(raw)
    except ValueError:
        return None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def tags_of(value: Any) -> list[_Tag]:
    if isinstance(value, dict):
        return [_Tag(key, "", item) for key, item in value.items()]
    return [
        _Tag(item["key"], item["type"] if isinstance(item.get("type"), str) else "", item.get("value"))
        for item in _objects(value)
        if isinstance(item.get("key"), str)
    ]


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value) if value else b"[]"


def _lenient_trace(value: Any, place: Place) -> JaegerTrace:
    if not isinstance(value, dict) or not isinstance(value.get("spans"), list):
        raise ValueError("not a trace: it has no list of spans")
    spans = []
    lost = 0
    for i, item in enumerate(value["spans"]):
        span = lenient_span(item, place.at(f"spans[{i}]"))
        if span is None:
            lost += 1
        else:
            spans.append(span)
    if lost:
        place.warn(f"{lost} of {len(value['spans'])} spans left out: no object with a spanID")
    processes = {}
    if isinstance(value.get("processes"), dict):
        for pid, item in value["processes"].items():
            process = item if isinstance(item, dict) else {}
            tags = [msgspec.structs.asdict(tag) for tag in tags_of(process.get("tags"))]
            processes[pid] = JaegerProcess(_text(process.get("serviceName")), Raw(_json(tags)))
    return JaegerTrace(spans, _text(value.get("traceID")), processes, _texts(value.get("warnings")))


def lenient_span(item: Any, place: Place) -> JaegerSpan | None:
    """A span from whatever is there, or None if it has no id."""
    if not isinstance(item, dict) or not _text(item.get("spanID")):
        return None
    times = {}
    for key in ("startTime", "duration"):
        times[key] = whole_number(item.get(key))
        if times[key] is None and item.get(key) is not None:
            place.at(key).warn(f"not a number; shown {'as its parent' if key == 'startTime' else 'without'}")
    references = [
        JaegerReference(_text(ref.get("refType")) or "CHILD_OF", _text(ref.get("traceID")), _text(ref.get("spanID")))
        for ref in _objects(item.get("references"))
    ]
    tags = [msgspec.structs.asdict(tag) for tag in tags_of(item.get("tags"))]
    return JaegerSpan(
        spanID=_text(item.get("spanID")),
        traceID=_text(item.get("traceID")),
        operationName=_text(item.get("operationName")),
        references=references,
        startTime=times["startTime"],
        duration=times["duration"],
        tags=Raw(_json(tags)),
        logs=[Raw(msgspec.json.encode(log)) for log in _objects(item.get("logs"))],
        processID=_text(item.get("processID")),
        warnings=_texts(item.get("warnings")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _texts(value: Any) -> list[str]:
    return [_text(item) for item in value] if isinstance(value, list) else []
