"""OTLP's messages as its JSON names them, as far as they are read.

A field whose type is None is another writer's name for one of its message: a value there fails the decoder, which
would otherwise pass over it as an unknown field, and the message is read again by `otlp_lenient`.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

NONE = Raw(b"")


class Status(Struct, gc=False):
    code: int | str = 0
    message: str = ""
    Code: None = None
    Message: None = None
    description: None = None
    statusCode: None = None  # noqa: N815 - the wire's spelling, as below
    status_code: None = None


class Span(Struct, gc=False):
    traceId: str  # noqa: N815
    spanId: str  # noqa: N815
    parentSpanId: str = ""  # noqa: N815
    name: str = ""
    kind: int | str = 0
    startTimeUnixNano: int = 0  # noqa: N815
    endTimeUnixNano: int = 0  # noqa: N815
    attributes: Raw = NONE
    droppedAttributesCount: int = 0  # noqa: N815
    events: Raw = NONE
    droppedEventsCount: int = 0  # noqa: N815
    links: Raw = NONE
    droppedLinksCount: int = 0  # noqa: N815
    status: Status | None = None
    tracetui: Raw = NONE
    """This program's own, of a span in a saved file (`formats.saved`)."""
    parent_span_id: None = None
    parentSpanID: None = None  # noqa: N815
    parentId: None = None  # noqa: N815
    start_time_unix_nano: None = None
    end_time_unix_nano: None = None
    startTime: None = None  # noqa: N815
    endTime: None = None  # noqa: N815
    statusCode: None = None  # noqa: N815
    status_code: None = None


class Scope(Struct, gc=False):
    name: str = ""
    version: str = ""
    Name: None = None
    Version: None = None


class ScopeSpans(Struct, gc=False):
    scope: Scope | None = None
    instrumentationLibrary: Scope | None = None  # noqa: N815
    spans: list[Span] | None = None
    Spans: None = None
    instrumentation_library: None = None


class ResourceSpans(Struct, gc=False):
    resource: Raw = NONE
    scopeSpans: list[ScopeSpans] | None = None  # noqa: N815
    instrumentationLibrarySpans: list[ScopeSpans] | None = None  # noqa: N815
    scope_spans: None = None
    instrumentation_library_spans: None = None
    ScopeSpans: None = None
    InstrumentationLibrarySpans: None = None
    Resource: None = None


class Request(Struct, gc=False):
    resourceSpans: list[ResourceSpans] | None = None  # noqa: N815
    batches: list[ResourceSpans] | None = None
    resource_spans: None = None
    ResourceSpans: None = None


# not strict: protobuf's JSON has integers in quotes
REQUEST = msgspec.json.Decoder(Request, strict=False)
