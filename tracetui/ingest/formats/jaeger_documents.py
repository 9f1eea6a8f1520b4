"""Jaeger spans with an inline `process`: Elasticsearch documents and lists of spans.

A document is a span of Jaeger's JSON with additional fields: `startTimeMillis`; `tag`, an object of tags with `@` for
the dots of a key; in old ones `parentSpanID`. All tag values are text, binary ones in hex. The schema is
jaegertracing/jaeger's `internal/storage/elasticsearch` (`dbmodel`).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field
from tracetui.ingest.formats.jaeger_json import add_trace
from tracetui.ingest.formats.jaeger_json_fields import JaegerProcess, JaegerSpan, JaegerTrace
from tracetui.ingest.formats.jaeger_lenient import lenient_process, lenient_span
from tracetui.ingest.formats.numbers import whole_number
from tracetui.ingest.formats.otlp_values import flattened
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.record_errors import skip_record
from tracetui.model.ids import canonical_trace_id
from tracetui.model.json_decoding import MALFORMED, MalformedError

_NONE = Raw(b"null")


class _Process(JaegerProcess):
    tag: Raw = _NONE


class _Document(JaegerSpan, gc=False):
    process: Raw = _NONE  # type: ignore[assignment]  # absent if the trace lists its processes
    startTimeMillis: int | None = None  # noqa: N815 - the wire's spelling
    tag: Raw = _NONE


_DOCUMENT = msgspec.json.Decoder(_Document)
_PROCESS = msgspec.json.Decoder(_Process)


class _Traces:
    """Documents by trace, and their processes."""

    def __init__(self) -> None:
        self.spans: dict[str, list[JaegerSpan]] = {}
        self.contexts: dict[str, DecodeContext] = {}
        self._processes: dict[bytes, str] = {}
        self._described: dict[str, JaegerProcess] = {}

    def add(self, document: _Document, context: DecodeContext) -> None:
        trace = canonical_trace_id(document.traceID)
        self.contexts.setdefault(trace, context)
        spans = self.spans.setdefault(trace, [])
        spans.append(_span(document, spans[0].traceID if spans else document.traceID))
        process = bytes(document.process)
        name = self._processes.get(process)
        if name is None:
            name = self._processes[process] = self._describe(process)
        document.processID = name

    def _describe(self, raw: bytes) -> str:
        process = _process(raw)
        if process is None:
            return ""
        name = f"p{len(self._described) + 1}"
        self._described[name] = process
        return name

    def add_to_intake(self) -> None:
        for trace, spans in self.spans.items():
            names = dict.fromkeys(span.processID for span in spans)
            processes = {name: self._described[name] for name in names if name in self._described}
            try:
                add_trace(JaegerTrace(spans, spans[0].traceID, processes), self.contexts[trace])
            except Exception as error:
                skip_record(self.contexts[trace], error)


def decode_documents(items: Sequence[tuple[Raw | bytes, DecodeContext]]) -> None:
    """Decode documents, each with its context.

    Items that are not spans are skipped and fields of a wrong type repaired, each with a warning.
    """
    traces = _Traces()
    lost: list[DecodeContext] = []
    for item, context in items:
        try:
            document = _document(item, context)
            if document is None:
                lost.append(context)
            else:
                traces.add(document, context)
        except Exception as error:
            skip_record(context, error)
    if lost:
        more = f" (and {len(lost) - 1:,} more like it)" if len(lost) > 1 else ""
        lost[0].warn(f"skipped: not a span object with a spanID{more}")
    traces.add_to_intake()


def _document(item: Raw | bytes, context: DecodeContext) -> _Document | None:
    try:
        document = _DOCUMENT.decode(item)
    except MALFORMED:
        return _lenient_document(item, context)
    return document if document.spanID else None


def _lenient_document(item: Raw | bytes, context: DecodeContext) -> _Document | None:
    fields = _loads(item)
    span = lenient_span(fields, context)
    if span is None:
        return None
    return _Document(
        **msgspec.structs.asdict(span) | {"process": _raw(field(fields, "process"))},
        startTimeMillis=whole_number(field(fields, "startTimeMillis")),
        tag=_raw(field(fields, "tag")),
    )


def _span(document: _Document, trace_id: str) -> _Document:
    """Convert a document to a span of Jaeger JSON."""
    document.traceID = trace_id
    if not document.startTime and document.startTimeMillis:
        document.startTime = document.startTimeMillis * 1000
    document.tags = _tags(document.tags, document.tag)
    if document.logs:
        document.logs = [_raw(_with_base64(_loads(log))) if b'"binary"' in bytes(log) else log for log in document.logs]
    return document


def _process(raw: bytes) -> JaegerProcess | None:
    try:
        process = _PROCESS.decode(raw)
    except MALFORMED:
        fields = _loads(raw)
        if not isinstance(fields, (dict, str)):
            return None
        found = lenient_process(fields)
        tag = field(fields, "tag") if isinstance(fields, dict) else None
        process = _Process(found.serviceName, found.tags, tag=_raw(tag))
    return JaegerProcess(process.serviceName, _tags(process.tags, process.tag))


def _tags(tags: Raw, by_key: Raw) -> Raw:
    """Join the tags of both forms in one list, binary ones in base64."""
    written = bytes(tags)
    if bytes(by_key) in (b"null", b"{}") and b'"binary"' not in written:
        return tags
    both = _loads(written)
    both = _with_base64(both) if isinstance(both, list) else []
    fields = _loads(by_key)
    if isinstance(fields, dict):
        both += [{"key": key.replace("@", "."), "value": value} for key, value in flattened(fields).items()]
    return _raw(both)


def _with_base64(value: Any) -> Any:
    """Convert binary values in tags or logs to base64, as in other Jaeger JSON."""
    if isinstance(value, list):
        return [_with_base64(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("fields"), list):
        return {**value, "fields": _with_base64(value["fields"])}
    if value.get("type") == "binary" and isinstance(value.get("value"), str):
        try:
            return {**value, "value": base64.b64encode(bytes.fromhex(value["value"])).decode()}
        except ValueError:
            pass
    return value


def _loads(raw: Raw | bytes) -> Any:
    try:
        return lenient_json.loads(raw)
    except MalformedError:
        return None


def _raw(value: Any) -> Raw:
    try:
        return Raw(msgspec.json.encode(value))
    except (ValueError, RecursionError):
        return _NONE
