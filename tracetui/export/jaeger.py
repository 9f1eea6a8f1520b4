"""Export to Jaeger JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracetui.export.common import (
    INT64,
    SAFE_INTEGER,
    Json,
    as_text,
    base64_text,
    count_flags,
    count_fractions,
    json_bytes,
    json_float,
    json_items,
    json_text,
    source_warnings,
    spans_in_input_order,
    unique_keys,
    with_otel_tags,
)
from tracetui.export.exporter import Exporter, Losses
from tracetui.model.span import Attributes, Flag, Kind, Span, Status, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracetui.model.traces import TraceSet


def jaeger_json(spans: Iterable[Span]) -> bytes:
    """Encode spans as a search response of the Jaeger API, which the Jaeger UI can also open.

    Lost: times below a microsecond, attributes of links, null attributes (written as empty text) and the types within
    lists and maps (written as JSON text). Jaeger has links only as references, so a reader takes a link within the
    trace as the parent if the span has none, or if the link is CHILD_OF and the parent FOLLOWS_FROM.
    """
    traces: dict[str, list[Span]] = {}
    for span in unique_keys(spans):
        traces.setdefault(span.trace_id, []).append(span)
    data = [_jaeger_trace(trace_id, members) for trace_id, members in traces.items()]
    return json_bytes({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": None})


def _encode(traces: TraceSet, losses: Losses) -> Iterator[bytes]:
    """Encode a set as `jaeger_json` does, including the source's warnings about traces."""
    count_flags(traces, losses, Flag.NONE)
    yield b'{"data":['
    for trace, trace_id in enumerate(traces.trace_ids):
        processes = _Processes()

        def encode(span: Span, processes: _Processes = processes) -> Json:
            losses["attribute{} of links"] += sum(len(link.attributes) for link in span.links)
            attributes = (span.attributes, span.resource, *(event.attributes for event in span.events))
            losses["list{} or map{} (written as text)"] += sum(
                isinstance(value, list | dict) for of_one in attributes for value in of_one.values()
            )
            count_fractions(span, losses)
            return _jaeger_span(span, processes.name_of(span))

        yield b"," * bool(trace) + b'{"traceID":%b,"spans":[' % json_bytes(trace_id)
        yield from json_items(unique_keys(spans_in_input_order(traces, trace)), encode)
        warnings = traces.trace_warnings.get(trace)
        yield b'],"processes":%b,"warnings":%b}' % (json_bytes(processes.content), json_bytes(warnings))
    yield b'],"total":0,"limit":0,"offset":0,"errors":null}\n'


EXPORTER: Final = Exporter(
    name="jaeger",
    description="Jaeger JSON",
    suffixes=(".jaeger.json", ".jaeger"),
    encode=_encode,
    losses="times below 1 µs, missing times, attributes of links, types within lists and maps",
)


class _Processes:
    """Processes of a trace: one for each service and resource."""

    def __init__(self) -> None:
        self.content: Json = {}
        self._names: dict[tuple[str, str], str] = {}

    def name_of(self, span: Span) -> str:
        key = (span.service, json_text(dict(span.resource)))
        name = self._names.setdefault(key, f"p{len(self._names) + 1}")
        if name not in self.content:
            self.content[name] = {"serviceName": span.service, "tags": _jaeger_tags(span.resource)}
        return name


def _jaeger_trace(trace_id: str, spans: list[Span]) -> Json:
    processes = _Processes()
    written = [_jaeger_span(span, processes.name_of(span)) for span in spans]
    return {"traceID": trace_id, "spans": written, "processes": processes.content, "warnings": None}


def _jaeger_span(span: Span, process: str) -> Json:
    references = [
        {"refType": link.kind or "FOLLOWS_FROM", "traceID": link.trace_id, "spanID": link.span_id}
        for link in span.links
    ]
    if span.parent_id is not None:
        kind = "FOLLOWS_FROM" if Flag.FOLLOWS_FROM in span.flags else "CHILD_OF"
        references.insert(0, {"refType": kind, "traceID": span.trace_id, "spanID": span.parent_id})
    return {
        "traceID": span.trace_id,
        "spanID": span.span_id,
        "operationName": span.name,
        "references": references,
        "startTime": span.start_ns // 1000,
        "duration": span.duration_ns // 1000,
        "tags": _jaeger_tags(_jaeger_attributes(span)),
        "logs": [
            {"timestamp": event.time_ns // 1000, "fields": _jaeger_tags({"event": event.name, **event.attributes})}
            for event in span.events
        ],
        "processID": process,
        "warnings": source_warnings(span) or None,
    }


def _jaeger_tags(attributes: Attributes) -> list[Json]:
    return [_jaeger_tag(key, value) for key, value in attributes.items()]


def _jaeger_tag(key: str, value: Value) -> Json:
    match value:
        case bool():
            return {"key": key, "type": "bool", "value": value}
        case int() if value not in INT64:
            return {"key": key, "type": "string", "value": str(value)}
        case int():
            return {"key": key, "type": "int64", "value": value if abs(value) <= SAFE_INTEGER else str(value)}
        case float():
            return {"key": key, "type": "float64", "value": json_float(value)}
        case bytes():
            return {"key": key, "type": "binary", "value": base64_text(value)}
        case _:
            return {"key": key, "type": "string", "value": as_text(value)}


def _jaeger_attributes(span: Span) -> Attributes:
    kind: Attributes = {} if span.kind is Kind.UNSPECIFIED else {"span.kind": span.kind.name.lower()}
    error: Attributes = {"error": True} if span.status is Status.ERROR else {}
    return {**kind, **error, **with_otel_tags(span)}
