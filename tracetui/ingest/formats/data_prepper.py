"""Span documents that OpenSearch Data Prepper writes to the index `otel-v1-apm-span`.

Each attribute is a member, `span.attributes.http@method`, with `@` for the dots of a key; since version 2.11 they are
in objects (`attributes`, `resource.attributes`). Times are ISO 8601 with nanoseconds. The source is
opensearch-project/data-prepper's `JacksonSpan`.
"""

from __future__ import annotations

from typing import Any, Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import field
from tracetui.ingest.formats.format import JsonFormat, key_sets, read_by
from tracetui.ingest.formats.numbers import moment_ns, whole_number
from tracetui.ingest.formats.otlp_values import attributes_of, events_of, id_of, links_of, text_of
from tracetui.ingest.formats.plain_span import SERVICE, PlainSpan, SpanSink, real_id
from tracetui.model.span import Event, Link, Value

_SPAN, _RESOURCE, _SCOPE = "span.attributes.", "resource.attributes.", "instrumentationScope.attributes."


def _read(value: dict[str, Any], context: DecodeContext, sink: SpanSink) -> None:
    start_ns, end_ns = moment_ns(value.get("startTime")), moment_ns(value.get("endTime"))
    length = whole_number(value.get("durationInNanos"))
    if end_ns is None and start_ns is not None and length is not None:
        end_ns = start_ns + length
    members = _with_dots(value)
    attributes = _named(members, _SPAN) | _dotted(attributes_of(members.get("attributes")))
    resource = _named(members, _RESOURCE)
    service = text_of(value.get("serviceName")) or text_of(resource.get(SERVICE))
    resource[SERVICE] = service
    scope: dict[str, Any] = next((value[key] for key in _SCOPES if isinstance(value.get(key), dict)), {})
    sink.add(
        PlainSpan(
            trace_id=real_id(id_of(value.get("traceId"), 32)),
            span_id=real_id(id_of(value.get("spanId"), 16)),
            parent_id=real_id(id_of(value.get("parentSpanId"), 16)),
            name=text_of(value.get("name")),
            kind=value.get("kind"),
            start_ns=start_ns,
            end_ns=end_ns,
            status=members.get("status.code"),
            message=text_of(members.get("status.message")),
            attributes=attributes,
            resource=resource,
            scope_name=text_of(field(scope, "name") or members.get("instrumentationScope.name")),
            scope_version=text_of(field(scope, "version") or members.get("instrumentationScope.version")),
            events=[
                Event(event.time_ns, event.name, _dotted(dict(event.attributes)))
                for event in events_of(value.get("events"))
            ],
            links=[
                Link(link.trace_id, link.span_id, link.kind, _dotted(dict(link.attributes)))
                for link in links_of(value.get("links"))
            ],
            dropped=(
                whole_number(value.get("droppedAttributesCount")) or 0,
                whole_number(value.get("droppedEventsCount")) or 0,
                whole_number(value.get("droppedLinksCount")) or 0,
            ),
        ),
        context,
    )


_SCOPES: Final = ("instrumentationScope", "instrumentationLibrary")


def _with_dots(value: dict[str, Any]) -> dict[str, Any]:
    """Flatten the objects `span`, `resource` and `status` into members with dotted names."""
    found = dict(value)
    for outer in ("span", "resource", "status"):
        inner = value.get(outer)
        for key, item in inner.items() if isinstance(inner, dict) else ():
            if key == "attributes":
                found |= {f"{outer}.attributes.{name}": held for name, held in attributes_of(item).items()}
            else:
                found[f"{outer}.{key}"] = item
    return found


def _named(members: dict[str, Any], prefix: str) -> dict[str, Value]:
    found = {key.removeprefix(prefix): item for key, item in members.items() if key.startswith(prefix)}
    return _dotted(attributes_of(found))


def _dotted(attributes: dict[str, Value]) -> dict[str, Value]:
    return {key.replace("@", "."): value for key, value in attributes.items() if value is not None}


FORMAT: Final = JsonFormat(
    name="OpenSearch Data Prepper's span documents",
    decode=read_by(_read),
    keys=key_sets("traceId spanId durationInNanos", "traceId spanId traceGroup"),
    signs=key_sets("durationInNanos", "traceGroup"),
)
