"""Spans as objects, and the sink that adds them to the intake in batches.

Formats that do not justify a column decoder (console output, exports of tables) make a `PlainSpan` of each record. It
is stored as OTLP JSON and later read by that codec.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext, UnreadCounts
from tracetui.ingest.formats.otlp_json import CODEC, add_spans
from tracetui.ingest.formats.otlp_json_fields import NONE, OtlpSpan, OtlpStatus
from tracetui.ingest.formats.otlp_values import encoded, encoded_pairs, pairs_of, text_of
from tracetui.ingest.record_errors import add_each
from tracetui.model.ids import is_hex
from tracetui.model.span import Event, Link, Value

_MAX_WAITING: Final = 4096
_MAX_HELD: Final = 1 << 18
"""Number of spans or events that are held until their source ends."""
SERVICE: Final = "service.name"


@dataclass(slots=True)
class PlainSpan:
    """Span with the values of its record. Kind and status are numbers or names of any spelling (see `field_names`)."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    name: str = ""
    kind: Any = None
    start_ns: int | None = None
    end_ns: int | None = None
    status: Any = None
    message: str = ""
    attributes: dict[str, Value] = field(default_factory=dict)
    resource: dict[str, Value] = field(default_factory=dict)
    """Includes the service name."""
    scope_name: str = ""
    scope_version: str = ""
    events: Sequence[Event] = ()
    links: Sequence[Link] = ()
    dropped: tuple[int, int, int] = (0, 0, 0)
    """Numbers of attributes, events and links that the SDK dropped."""


class SpanSink:
    """Collects the plain spans of one source, and warnings, each of which is issued once for all spans."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[OtlpSpan]] = {}
        self._count = 0
        self._unread = UnreadCounts()
        self._context: DecodeContext | None = None
        self._held: list[tuple[PlainSpan, DecodeContext]] = []
        self._events: dict[tuple[str, str], list[Event]] = {}
        self._event_count = self._lost_events = 0
        self.resource: dict[str, Value] = {}
        """Resource of formats that print it once, before the spans of several batches."""

    def add(self, span: PlainSpan, context: DecodeContext) -> None:
        """Add a span; a warning about many spans has the position of the first."""
        if self._context is None:
            self._context = DecodeContext(context.intake, context.file)
        resource = dict(span.resource)
        service = text_of(resource.pop(SERVICE, None))
        raw = encoded_pairs(resource)
        number = context.intake.resources(service, raw, CODEC, span.scope_name, span.scope_version)
        self._waiting.setdefault(number, []).append(_as_otlp(span))
        self._count += 1
        if self._count >= _MAX_WAITING:
            self._flush()

    def hold(self, span: PlainSpan, context: DecodeContext) -> None:
        """Add a span whose events are in records of their own, before or after it."""
        self._held.append((span, context))
        if len(self._held) >= _MAX_HELD:
            self._release()

    def add_event(self, trace_id: str, span_id: str, event: Event, context: DecodeContext) -> None:
        """Add an event of a span that is held, or will be."""
        if self._context is None:
            self._context = DecodeContext(context.intake, context.file)
        if self._event_count >= _MAX_HELD:
            self.lose_events(1)
            return
        self._event_count += 1
        self._events.setdefault((trace_id, span_id), []).append(event)

    def lose_events(self, count: int) -> None:
        """Count events that are not shown."""
        self._lost_events += count

    def _release(self) -> None:
        """Add the held spans with their events."""
        held, self._held = self._held, []
        for span, context in held:
            events = self._events.pop((span.trace_id, span.span_id), ())
            self._event_count -= len(events)
            if events:
                span.events = sorted((*span.events, *events), key=lambda event: event.time_ns)
            self.add(span, context)

    def note(self, part: str, consequence: str) -> None:
        """Count a span with a problem; the warning is "`part` of N spans `consequence`"."""
        self._unread.note(part, consequence)

    def finish(self) -> None:
        """Add the remaining spans, and issue each noted warning once."""
        self._release()
        self._flush()
        self.lose_events(self._event_count)
        self._events.clear()
        self._event_count = 0
        if self._context is not None:
            self._unread.warn(self._context)
            if self._lost_events:
                noun = "event belongs" if self._lost_events == 1 else "events belong"
                self._context.warn(f"{self._lost_events:,} {noun} to missing spans; skipped")
                self._lost_events = 0

    def _flush(self) -> None:
        waiting, self._waiting, self._count = self._waiting, {}, 0
        for resource, spans in waiting.items():
            if self._context is not None:
                add: Callable[[Sequence[OtlpSpan]], None] = partial(
                    add_spans, resource=resource, context=self._context, unread=self._unread
                )
                add_each(add, spans, self._context)


def _as_otlp(span: PlainSpan) -> OtlpSpan:
    attributes, events, links = span.dropped
    return OtlpSpan(
        traceId=span.trace_id,
        spanId=span.span_id,
        parentSpanId=span.parent_id,
        name=span.name,
        kind=_name_or_number(span.kind),
        startTimeUnixNano=span.start_ns or 0,
        endTimeUnixNano=span.end_ns or 0,
        attributes=Raw(encoded_pairs(span.attributes)) if span.attributes else NONE,
        droppedAttributesCount=attributes,
        events=_raw([_event(event) for event in span.events]),
        droppedEventsCount=events,
        links=_raw([_link(link) for link in span.links]),
        droppedLinksCount=links,
        status=OtlpStatus(_name_or_number(span.status), span.message)
        if span.status is not None or span.message
        else None,
    )


def _name_or_number(value: Any) -> int | str:
    return value if isinstance(value, (int, str)) and not isinstance(value, bool) else 0


def _event(event: Event) -> dict[str, Any]:
    return {"timeUnixNano": str(event.time_ns), "name": event.name, "attributes": pairs_of(dict(event.attributes))}


def _link(link: Link) -> dict[str, Any]:
    return {"traceId": link.trace_id, "spanId": link.span_id, "attributes": pairs_of(dict(link.attributes))}


def _raw(value: list[dict[str, Any]]) -> Raw:
    return Raw(encoded(value)) if value else NONE


def real_id(value: Any) -> str:
    """Strip the prefix `0x` from a hex id; '' for a missing id and for all zeros, OpenTelemetry's invalid id."""
    text = text_of(value).strip()
    if text[:2] in ("0x", "0X"):
        text = text[2:]
    return "" if is_hex(text) and not text.strip("0") else text
