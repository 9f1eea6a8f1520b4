"""Lenient reading of Jaeger JSON: other spellings of names, other types of values, items that are not spans.

Anything readable is accepted without a warning, since nothing is lost; anything else gives one.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field, read_reference_type
from tracetui.ingest.formats.item_lists import items_of, objects_of
from tracetui.ingest.formats.jaeger_json_fields import JaegerProcess, JaegerReference, JaegerSpan, JaegerTrace
from tracetui.ingest.formats.jaeger_values import are_readable, tags_json, tags_of
from tracetui.ingest.formats.numbers import length_ns, moment_ns
from tracetui.ingest.formats.otlp_values import id_of, text_of
from tracetui.ingest.json_repair import lenient_json
from tracetui.model.json_decoding import MalformedError


def lenient_trace(value: Any, context: DecodeContext) -> JaegerTrace:
    """Read a trace from any JSON. Raises MalformedError if it has no list of spans."""
    items = items_of(field(value, "spans")) if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise MalformedError("not a trace: it has no list of spans")
    processes = _processes(field(value, "processes"))
    inline: dict[bytes, str] = {}
    spans = []
    lost = 0
    for i, item in enumerate(items):
        span = lenient_span(item, context.at(f"spans[{i}]"))
        if span is None:
            lost += 1
            continue
        spans.append(span)
        process = field(item, "process")
        if process is not None and span.processID not in processes:
            # the process inline in each span, as in Jaeger's stores
            span.processID = inline.setdefault(msgspec.json.encode(process), f"process {len(inline) + 1}")
            processes.setdefault(span.processID, lenient_process(process))
    if lost:
        context.warn(f"{lost} of {len(items)} spans skipped: not an object with a spanID")
    return JaegerTrace(spans, _id(field(value, "traceID"), 32), processes, _texts(field(value, "warnings")))


def _processes(value: Any) -> dict[str, JaegerProcess]:
    if isinstance(value, dict):
        return {pid: lenient_process(item) for pid, item in value.items()}
    names = ((text_of(field(item, "processID", "key", "id")), item) for item in objects_of(value))
    return {name or f"p{i}": lenient_process(item) for i, (name, item) in enumerate(names, 1)}


def lenient_process(item: Any) -> JaegerProcess:
    """Read a process from an object, also as JSON in a text, or from a bare service name."""
    if isinstance(item, str) and isinstance(found := lenient_json.container_in(item), dict):
        item = found
    if not isinstance(item, dict):
        return JaegerProcess(item if isinstance(item, str) and item else None)
    tags = tags_of(field(item, "tags"))
    name = field(item, "serviceName", "service", "name")
    if name is None:
        name = next((tag.value for tag in tags if tag.key == "service.name"), None)
    return JaegerProcess(None if name is None else text_of(name), Raw(tags_json(tags)))


def lenient_span(item: Any, context: DecodeContext) -> JaegerSpan | None:
    """Read a span from any JSON; None if it has no id."""
    span_id = _id(field(item, "spanID"), 16) if isinstance(item, dict) else ""
    if not span_id:
        return None
    for key in ("tags", "logs", "references"):
        if not are_readable(field(item, key)):
            context.at(key).warn("cannot be read: unknown structure")
    start, length = field(item, "startTime"), field(item, "duration")
    start_ns, length_in_ns = moment_ns(start, 1000), length_ns(length, 1000)
    if start_ns is None and start is not None:
        context.at("startTime").warn("not a time; shown at its parent's start")
    if length_in_ns is None and length is not None:
        context.at("duration").warn("not a number; ignored")
    listed = items_of(field(item, "references"))
    if isinstance(listed, list) and not all(isinstance(ref, dict) for ref in listed):
        context.warn("a parent or link cannot be read: not an object; ignored")
    references = [
        JaegerReference(
            spanID=_id(field(ref, "spanID"), 16),
            refType=_reference_type(field(ref, "refType", "type")),
            traceID=_id(field(ref, "traceID"), 32),
        )
        for ref in objects_of(listed)
    ]
    above = field(item, "parentSpanID", "parentID")
    parent = _id(above, 16)
    if (above and not parent) or not all(reference.spanID for reference in references):
        context.warn("the id of a parent or link cannot be read; ignored")
    return JaegerSpan(
        spanID=span_id,
        traceID=_id(field(item, "traceID"), 32),
        operationName=text_of(field(item, "operationName")),
        references=[reference for reference in references if reference.spanID],
        startTime=None if start_ns is None else start_ns // 1000,
        duration=None if length_in_ns is None else length_in_ns // 1000,
        tags=Raw(tags_json(tags_of(field(item, "tags")))),
        logs=[Raw(msgspec.json.encode(log)) for log in objects_of(field(item, "logs"))],
        processID=text_of(field(item, "processID")),
        warnings=_texts(field(item, "warnings")),
        parentSpanID=parent or None,
    )


def _reference_type(value: Any) -> str:
    return read_reference_type(value) or text_of(value)


def _id(value: Any, digits: int) -> str:
    """Read an id as written, or as hex if it is base64 (protobuf JSON) or a list of bytes."""
    return value if isinstance(value, str) and not value.endswith("=") else id_of(value, digits)


def _texts(value: Any) -> list[str]:
    return [text_of(item) for item in value] if isinstance(value, list) else []
