"""Build trace sets by hand: `build(span("a", 0, 100), span("b", 10, 60, parent="a", service="db"))`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Event, Flag, Kind, Link, Status, Value
from tracetui.model.traces import TraceSet

US = 1_000
EPOCH = 1_700_000_000_000_000_000
"""Time 0 of `span`, in nanoseconds since the epoch: a start of 0 would count as missing."""


class JsonCodec:
    """Codec for attributes as a JSON object; events and links as lists of the arguments of `Event` and `Link`."""

    is_text = True

    def attributes(self, raw: bytes) -> dict[str, Value]:
        return json.loads(raw) if raw else {}

    def events(self, raw: bytes) -> list[Event]:
        return [Event(*event) for event in json.loads(raw)] if raw else []

    def links(self, raw: bytes) -> list[Link]:
        return [Link(*link) for link in json.loads(raw)] if raw else []


CODEC = JsonCodec()


@dataclass(frozen=True)
class GivenSpan:
    """Span as read from a source, before any repair. Times are nanoseconds."""

    id: str
    start: int
    duration: int
    parent: str = ""
    trace: str = "1"
    service: str = "api"
    name: str = "work"
    kind: Kind = Kind.INTERNAL
    error: bool = False
    status: Status = Status.UNSET
    """Ignored for an error, which has the status ERROR."""
    flags: Flag = Flag.NONE
    message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[tuple[Any, ...]] = ()
    links: Sequence[tuple[Any, ...]] = ()
    warnings: Sequence[str] = ()

    def but(self, **changes: Any) -> GivenSpan:
        return replace(self, **changes)


def span(
    id: str,  # noqa: A002 - the name of the field in every format
    start: int,
    end: int,
    *,
    events: Sequence[tuple[Any, ...]] = (),
    **rest: Any,
) -> GivenSpan:
    """Make a span from `start` to `end`, with events as (time, name, attributes); all times in microseconds after
    EPOCH.
    """
    moved = [(EPOCH + event[0] * US, *event[1:]) for event in events]
    return GivenSpan(id, EPOCH + start * US, (end - start) * US, events=moved, **rest)


def build(*spans: GivenSpan) -> TraceSet:
    """Build the trace set of these spans, in this input order."""
    return assemble(collect(spans))


def collect(spans: Iterable[GivenSpan], intake: Intake | None = None) -> Intake:
    """Add spans to an intake."""
    intake = Intake() if intake is None else intake
    for given in spans:
        intake.add(
            trace=intake.traces(given.trace),
            span_id=given.id,
            parent_id=given.parent,
            name=given.name,
            resource=intake.resources(given.service, _raw(given.resource), CODEC),
            start_ns=given.start,
            duration_ns=given.duration,
            kind=given.kind,
            status=Status.ERROR if given.error else given.status,
            error=given.error,
            flags=given.flags,
            attributes=_raw(given.attributes),
            events=_raw(given.events),
            links=_raw(given.links),
            status_message=given.message,
            warnings=given.warnings,
        )
    return intake


def _raw(value: Any) -> bytes:
    return json.dumps(value).encode() if value else b""


def at(traces: TraceSet, span_id: str) -> int:
    """Return the position of the only span with this id, in its original spelling."""
    (position,) = (i for i in range(len(traces)) if traces.span_id(i) == span_id)
    return position


def ids(traces: TraceSet, positions: Iterable[int]) -> list[str]:
    """List the ids of the spans at these positions."""
    return [traces.span_id(int(position)) for position in positions]


def micros(time_ns: int) -> float:
    """Convert a time of a trace set to microseconds after EPOCH, as `span` takes it."""
    return (int(time_ns) - EPOCH) / US
