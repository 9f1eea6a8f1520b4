"""Losses of each format, and the spans that all recorded servers received."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from tests.support.documents import TEMPO_LONGEST, padded
from tests.support.recordings import original_traces
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Attributes, Event, Flag, Kind, Link, Span, Status, Value

JAEGER_WARNS = ("clock skew adjustment disabled", "parent span ID=")


def spans_of(*bodies: bytes) -> list[Span]:
    intake = Intake()
    for body in bodies:
        decode(body, DecodeContext(intake, "answer"))
    traces = assemble(intake)
    return [traces.span(position) for position in range(len(traces))]


@functools.cache
def sent_spans() -> dict[tuple[str, str], Span]:
    """Return the spans that all servers received, by their ids."""
    return by_ids(spans_of(*(json.dumps(message).encode() for message in original_traces())))


def by_ids(spans: Iterable[Span]) -> dict[tuple[str, str], Span]:
    return {(padded(span.trace_id), span.span_id): replace(span, trace_id=padded(span.trace_id)) for span in spans}


# losses: each function reduces a span to what a format can represent


def lists_as_text(span: Span) -> Span:
    return replace(span, attributes={key: _as_text(value) for key, value in span.attributes.items()})


def _as_text(value: Value) -> Value:
    return json.dumps(value, separators=(",", ":")).replace(".0", "") if isinstance(value, list) else value


def kind_scope_and_status_as_tags(span: Span) -> Span:
    more = {
        "otel.scope.name": span.scope_name,
        "otel.scope.version": span.scope_version,
        "otel.status_description": span.status_message,
        "span.kind": span.kind.name.lower(),
    }
    failed = {"error": True, "otel.status_code": "ERROR"} if span.status is Status.ERROR else {}
    tags: dict[str, Any] = {**span.attributes, **{key: value for key, value in more.items() if value}, **failed}
    return replace(span, attributes=tags, scope_name="", scope_version="", status_message="")


def links_as_references(span: Span) -> Span:
    return replace(span, links=tuple(Link(link.trace_id, link.span_id, "FOLLOWS_FROM") for link in span.links))


def values_as_text(span: Span) -> Span:
    # the notation of values is the sender's, here Python's
    tags = {k: v if isinstance(v, str) else json.dumps(v) for k, v in span.attributes.items()}
    return replace(span, attributes=tags)


def names_in_lower_case(span: Span) -> Span:
    return replace(span, name=span.name.lower(), service=span.service.lower())


def no_resource_but_the_address(span: Span) -> Span:
    return replace(span, resource={"host.ip": "10.0.0.7"})


def no_scope(span: Span) -> Span:
    return replace(span, scope_name="", scope_version="")


def no_kind_for_internal(span: Span) -> Span:
    return replace(span, kind=Kind.UNSPECIFIED if span.kind is Kind.INTERNAL else span.kind)


def no_links(span: Span) -> Span:
    return replace(span, links=())


def events_as_names(span: Span) -> Span:
    return replace(span, events=tuple(Event(event.time_ns, event.name) for event in span.events))


def errors_as_tag(span: Span) -> Span:
    failed = {"error": span.status_message} if span.status is Status.ERROR else {}
    return replace(span, attributes={**span.attributes, **failed})


def long_values_cut(span: Span) -> Span:
    return replace(span, attributes={key: _cut(value) for key, value in span.attributes.items()})


def _cut(value: Value) -> Value:
    return value.encode()[:TEMPO_LONGEST].decode(errors="ignore") if isinstance(value, str) else value


Loss = Callable[[Span], Span]
JAEGER_V1: Sequence[Loss] = (lists_as_text, kind_scope_and_status_as_tags, links_as_references)
ZIPKIN: Sequence[Loss] = (
    names_in_lower_case,
    values_as_text,
    errors_as_tag,
    no_resource_but_the_address,
    no_scope,
    no_kind_for_internal,
    no_links,
    events_as_names,
)
TEMPO: Sequence[Loss] = (long_values_cut,)
LOSSES: dict[str, Sequence[Loss]] = {"jaeger-v1": JAEGER_V1, "jaeger-v3": (), "zipkin": ZIPKIN, "tempo": TEMPO}
"""All losses of a response, by kind of server."""


def with_losses(kind: str, span: Span) -> Span:
    return functools.reduce(lambda left, loss: loss(left), LOSSES[kind], span)


def without_server_warnings(span: Span) -> Span:
    """Remove Jaeger's own warnings; v3 sends them in an attribute."""
    own = tuple(warning for warning in span.warnings if not warning.startswith(JAEGER_WARNS))
    flags = span.flags if own == span.warnings else span.flags & ~Flag.SOURCE_WARNING
    found: Any = span.attributes.get("@jaeger@warnings") or []
    assert all(isinstance(text, str) and text.startswith(JAEGER_WARNS) for text in found)
    attributes = {key: value for key, value in span.attributes.items() if key != "@jaeger@warnings"}
    return replace(span, warnings=own, flags=flags, attributes=attributes)


def comparable(span: Span) -> dict[str, Any]:
    """Convert a span for comparison, as NaN is not equal to itself."""
    written = {field.name: getattr(span, field.name) for field in fields(span)}
    return written | {"attributes": _comparable(span.attributes)}


def _comparable(attributes: Attributes) -> dict[str, str]:
    return {key: repr(value) for key, value in attributes.items()}
