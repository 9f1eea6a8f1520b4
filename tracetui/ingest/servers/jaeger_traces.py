"""Services and errors of the traces in a response of Jaeger's v1 or v3 API, without decoding the spans."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar

import msgspec

from tracetui.ingest.servers.request_errors import NO_JSON
from tracetui.ingest.servers.unseen_traces import TraceStarts

_IntactItem = TypeVar("_IntactItem")

_ERROR = (2, "STATUS_CODE_ERROR")


class _V1Tag(msgspec.Struct):
    key: str = ""
    value: object = None


class _V1TaggedSpan(msgspec.Struct, rename="camel"):
    process_id: str = msgspec.field(name="processID", default="")
    tags: list[_V1Tag] | None = None


class _V1Process(msgspec.Struct, rename="camel"):
    service_name: str = ""


class _V1Services(msgspec.Struct):
    processes: dict[str, _V1Process] | None = None


class _V1TaggedTrace(_V1Services):
    spans: list[msgspec.Raw] | None = None


class _V1TraceServices(_V1Services):
    trace_id: str = msgspec.field(name="traceID", default="")


class _V1Items(msgspec.Struct):
    """A response of the v1 API; one of the v3 API has no `data`, which is required for that."""

    data: list[msgspec.Raw] | None


_ITEMS: Final = msgspec.json.Decoder(_V1Items)
_SERVICES: Final = msgspec.json.Decoder(_V1Services)
_TRACE_SERVICES: Final = msgspec.json.Decoder(_V1TraceServices)
_TAGGED_TRACE: Final = msgspec.json.Decoder(_V1TaggedTrace)
_TAGGED_SPAN: Final = msgspec.json.Decoder(_V1TaggedSpan)


def services_in(document: bytes) -> set[str]:
    """Return the services of the intact traces of a response; none if it is damaged."""
    return {
        one.service_name
        for trace in _intact(_SERVICES.decode, _items_of(document))
        for one in (trace.processes or {}).values()
        if one.service_name
    }


def unseen_with_services(document: bytes, services: Collection[str], seen: TraceStarts) -> bytes:
    """Reduce a response to traces with one of these services that are not in `seen`; b"" for none.

    A response of the v3 API, which is used if v1 fails, is returned unchanged. So is a damaged one: the decoder
    recovers the intact parts. Damaged items stay.
    """
    try:
        items = _ITEMS.decode(document).data or ()
    except NO_JSON:
        return document
    kept = []
    for item in items:
        try:
            trace = _TRACE_SERVICES.decode(item)
        except NO_JSON:
            kept.append(item)
            continue
        names = {one.service_name for one in (trace.processes or {}).values()}
        if trace.trace_id not in seen and not names.isdisjoint(services):
            kept.append(item)
    return msgspec.json.encode(_V1Items(kept)) if kept else b""


def has_errors(document: bytes, services: Collection[str]) -> bool:
    """Test whether a response has a span of one of these services with the tag error=true."""
    return any(
        tag.key == "error" and tag.value in (True, "true")
        for trace in _intact(_TAGGED_TRACE.decode, _items_of(document))
        for span in _intact(_TAGGED_SPAN.decode, trace.spans or ())
        if (trace.processes or {}).get(span.process_id, _V1Process()).service_name in services
        for tag in span.tags or ()
    )


def _items_of(document: bytes) -> Sequence[msgspec.Raw]:
    try:
        return _ITEMS.decode(document).data or ()
    except NO_JSON:
        return ()


def _intact(decode: Callable[[msgspec.Raw], _IntactItem], items: Iterable[msgspec.Raw]) -> Iterator[_IntactItem]:
    """Decode the items of a list that are not damaged."""
    for item in items:
        with suppress(*NO_JSON):
            yield decode(item)


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
    spans: list[msgspec.Raw] | None = None


class _V3Group(msgspec.Struct, rename="camel"):
    resource: _V3Resource | None = None
    scope_spans: list[_V3Scope] | None = None

    @property
    def service(self) -> str:
        attributes = (self.resource and self.resource.attributes) or ()
        return next((one.value.string_value for one in attributes if one.key == "service.name" and one.value), "")


class _V3Result(msgspec.Struct, rename="camel"):
    resource_spans: list[msgspec.Raw] | None = None


class _V3Response(msgspec.Struct):
    result: _V3Result


_GROUP: Final = msgspec.json.Decoder(_V3Group)
_SPAN: Final = msgspec.json.Decoder(_V3Span)
_V3_RESPONSE: Final = msgspec.json.Decoder(_V3Response)


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
        for span in _intact(_SPAN.decode, scope.spans or ())
    )


def _groups(document: bytes) -> Iterator[_V3Group]:
    try:
        groups = _V3_RESPONSE.decode(document).result.resource_spans or ()
    except NO_JSON:
        return
    yield from _intact(_GROUP.decode, groups)
