"""Services and errors of the traces in a response of Jaeger's v3 API, without decoding the spans."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from tracetui.ingest.servers.request_errors import NO_JSON

_ERROR = (2, "STATUS_CODE_ERROR")


class _V3Text(msgspec.Struct, rename="camel"):
    string_value: str = ""


class _V3Attribute(msgspec.Struct):
    key: str = ""
    value: _V3Text | None = None


class _V3Resource(msgspec.Struct):
    attributes: list[_V3Attribute] | None = None


class _V3Status(msgspec.Struct):
    code: int | str = 0


class _V3Span(msgspec.Struct):
    status: _V3Status | None = None


class _V3Scope(msgspec.Struct):
    spans: list[_V3Span] | None = None


class _V3Group(msgspec.Struct, rename="camel"):
    resource: _V3Resource | None = None
    scope_spans: list[_V3Scope] | None = None

    @property
    def service(self) -> str:
        attributes = (self.resource and self.resource.attributes) or ()
        return next((one.value.string_value for one in attributes if one.key == "service.name" and one.value), "")


class _V3Result(msgspec.Struct, rename="camel"):
    resource_spans: list[_V3Group] | None = None


class _V3Response(msgspec.Struct):
    result: _V3Result


def services_in_v3(document: bytes) -> set[str]:
    """Return the services of all traces of a response; none if it is damaged or of v1."""
    return {group.service for group in _groups(document) if group.service}


def has_errors_v3(document: bytes, services: Collection[str]) -> bool:
    """Test whether a response has a span of one of these services with the status error."""
    return any(
        span.status is not None and span.status.code in _ERROR
        for group in _groups(document)
        if group.service in services
        for scope in group.scope_spans or ()
        for span in scope.spans or ()
    )


def _groups(document: bytes) -> list[_V3Group]:
    try:
        return msgspec.json.decode(document, type=_V3Response).result.resource_spans or []
    except NO_JSON:
        return []
