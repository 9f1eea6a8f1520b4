"""Messages of Jaeger JSON: the fields that are read, by their names.

A field of type None is another writer's name for a field. A value there makes the decoder fail instead of ignoring an
unknown field; then `jaeger_lenient` reads the message again.
"""

from __future__ import annotations

from msgspec import Raw, Struct

EMPTY = Raw(b"[]")


class JaegerReference(Struct, gc=False):
    spanID: str  # noqa: N815 - the wire's spelling, as below
    refType: str = "CHILD_OF"  # noqa: N815
    traceID: str = ""  # noqa: N815
    ref_type: None = None
    RefType: None = None
    traceId: None = None  # noqa: N815
    trace_id: None = None


class JaegerSpan(Struct, gc=False):
    spanID: str  # noqa: N815
    traceID: str = ""  # noqa: N815
    operationName: str = ""  # noqa: N815
    references: list[JaegerReference] | None = None
    startTime: int | None = None  # noqa: N815
    duration: int | None = None
    tags: Raw = EMPTY
    logs: list[Raw] | None = None
    processID: str = ""  # noqa: N815
    warnings: list[str] | None = None
    parentSpanID: str | None = None  # noqa: N815
    """Parent in spans from before references existed; takes precedence over them."""
    parentSpanId: None = None  # noqa: N815
    parent_span_id: None = None
    parentId: None = None  # noqa: N815
    parentID: None = None  # noqa: N815
    parent_id: None = None
    ParentSpanID: None = None
    ParentSpanId: None = None
    processId: None = None  # noqa: N815
    process: None = None


class JaegerProcess(Struct, gc=False):
    serviceName: str | None = None  # noqa: N815
    tags: Raw = EMPTY
    service_name: None = None
    ServiceName: None = None
    service: None = None


class JaegerTrace(Struct, gc=False):
    spans: list[JaegerSpan]
    traceID: str = ""  # noqa: N815
    processes: dict[str, JaegerProcess] | None = None
    warnings: list[str] | None = None
