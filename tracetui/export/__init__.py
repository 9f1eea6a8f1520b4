"""Spans to the bytes that other tools read: Jaeger JSON, OTLP (JSON and protobuf) and Zipkin (v2 and v1).

Every function here is pure and deterministic: the same spans in the same order give the same bytes. Each docstring
says what its format has no place for. True of all of them: attribute values nested deeper than 32 levels become
empty, and the marks of a span and their words are not written (a reader finds again what is still amiss).
"""

from tracetui.export.jaeger import jaeger_json
from tracetui.export.otlp import otlp_json, otlp_json_lines
from tracetui.export.protobuf import otlp_protobuf, otlp_records
from tracetui.export.zipkin import zipkin_v1, zipkin_v2

__all__ = [
    "jaeger_json",
    "otlp_json",
    "otlp_json_lines",
    "otlp_protobuf",
    "otlp_records",
    "zipkin_v1",
    "zipkin_v2",
]
