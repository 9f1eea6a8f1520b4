"""The same twenty traces of the shop in every other format."""

from __future__ import annotations

from tracetui.export import otlp_json_lines, otlp_protobuf, zipkin_v2

from . import shop


def files() -> dict[str, bytes]:
    # These hold a failed request and several messages through queues.
    spans = [span for trace in shop.traces()[80:100] for span in trace]
    return {
        "otlp/traces.jsonl": otlp_json_lines(spans, spans_per_line=50),
        "otlp/traces.pb": otlp_protobuf(spans),
        "zipkin/traces.json": zipkin_v2(spans),
    }
