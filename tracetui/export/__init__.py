"""Export of spans for other tools: Jaeger JSON, OTLP (JSON and protobuf) and Zipkin (v2 and v1).

Every function is pure and deterministic: the same spans in the same order give the same bytes. Each docstring lists
the losses of its format. In all formats attribute values nested deeper than 32 levels become empty, and span flags with
their warnings are not written, as a reader derives them again.
"""

from tracetui.export.jaeger import jaeger_json
from tracetui.export.otlp import otlp_json, otlp_json_lines
from tracetui.export.protobuf import otlp_protobuf, otlp_records
from tracetui.export.zipkin import zipkin_v2
from tracetui.export.zipkin_v1_json import zipkin_v1

__all__ = [
    "jaeger_json",
    "otlp_json",
    "otlp_json_lines",
    "otlp_protobuf",
    "otlp_records",
    "zipkin_v1",
    "zipkin_v2",
]
