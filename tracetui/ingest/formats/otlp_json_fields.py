"""Messages of OTLP JSON: the fields that are read, by their names.

A field of type None is another writer's name for a field. A value there makes the decoder fail instead of ignoring an
unknown field; then `otlp_lenient` reads the message again.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

NONE = Raw(b"")


class OtlpStatus(Struct, gc=False):
    code: int | str = 0
    message: str = ""
    Code: None = None
    Message: None = None
    description: None = None
    statusCode: None = None  # noqa: N815 - the wire's spelling, as below
    status_code: None = None


class OtlpSpan(Struct, gc=False):
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
    status: OtlpStatus | None = None
    tracetui: Raw = NONE
    """Field of this program in saved files (`formats.saved_fields`)."""
    parent_span_id: None = None
    parentSpanID: None = None  # noqa: N815
    parentId: None = None  # noqa: N815
    start_time_unix_nano: None = None
    end_time_unix_nano: None = None
    startTime: None = None  # noqa: N815
    endTime: None = None  # noqa: N815
    statusCode: None = None  # noqa: N815
    status_code: None = None


class OtlpScope(Struct, gc=False):
    name: str = ""
    version: str = ""
    Name: None = None
    Version: None = None


class OtlpScopeSpans(Struct, gc=False):
    scope: OtlpScope | None = None
    instrumentationLibrary: OtlpScope | None = None  # noqa: N815
    spans: list[OtlpSpan] | None = None
    Spans: None = None
    instrumentation_library: None = None


class OtlpResourceSpans(Struct, gc=False):
    resource: Raw = NONE
    scopeSpans: list[OtlpScopeSpans] | None = None  # noqa: N815
    instrumentationLibrarySpans: list[OtlpScopeSpans] | None = None  # noqa: N815
    scope_spans: None = None
    instrumentation_library_spans: None = None
    ScopeSpans: None = None
    InstrumentationLibrarySpans: None = None
    Resource: None = None


class OtlpRequest(Struct, gc=False):
    resourceSpans: list[OtlpResourceSpans] | None = None  # noqa: N815
    batches: list[OtlpResourceSpans] | None = None
    resource_spans: None = None
    ResourceSpans: None = None


class RawScopeSpans(OtlpScopeSpans, gc=False):
    """The same message with its parts undecoded."""

    scope: Raw = NONE  # type: ignore[assignment]
    instrumentationLibrary: Raw = NONE  # type: ignore[assignment]  # noqa: N815
    spans: list[Raw] | None = None  # type: ignore[assignment]


class RawResourceSpans(OtlpResourceSpans, gc=False):
    scopeSpans: list[RawScopeSpans] | None = None  # type: ignore[assignment]  # noqa: N815
    instrumentationLibrarySpans: list[RawScopeSpans] | None = None  # type: ignore[assignment]  # noqa: N815


class RawRequest(OtlpRequest, gc=False):
    resourceSpans: list[RawResourceSpans] | None = None  # type: ignore[assignment]  # noqa: N815
    batches: list[RawResourceSpans] | None = None  # type: ignore[assignment]


# not strict: protobuf JSON has integers in quotes
REQUEST = msgspec.json.Decoder(OtlpRequest, strict=False)
RAW_REQUEST = msgspec.json.Decoder(RawRequest, strict=False)
