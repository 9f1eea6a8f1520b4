"""Traces put together span by span, with ids and times that come out the same on every run."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

from tracetui.model.span import Attributes, Event, Flag, Kind, Link, Span, Status, Value

BEGIN_NS = int(datetime(2026, 3, 10, 10, tzinfo=UTC).timestamp()) * 1_000_000_000
"""When every sample begins."""


def ns(milliseconds: float) -> int:
    """On the microsecond grid, which is as fine as Jaeger and Zipkin go: a sample is the same in every format."""
    return round(milliseconds * 1000) * 1000


class Trace:
    """One trace in the making. Offsets are milliseconds from its start, which is `at` milliseconds into the sample."""

    def __init__(self, chance: random.Random, at: float = 0, resources: dict[str, Attributes] | None = None) -> None:
        self.chance = chance
        self.id = f"{chance.getrandbits(128):032x}"
        self.begin_ns = BEGIN_NS + ns(at)
        self.resources = resources or {}
        """By service; one that is not among them gets a host of its own name."""
        self._spans: dict[str, Span] = {}

    @property
    def spans(self) -> list[Span]:
        return list(self._spans.values())

    def span(
        self,
        parent: Span | None,
        service: str,
        name: str,
        offset: float,
        took: float,
        kind: Kind = Kind.INTERNAL,
        attributes: Attributes | None = None,
        *,
        links: tuple[Link, ...] = (),
        flags: Flag = Flag.NONE,
    ) -> Span:
        made = Span(
            trace_id=self.id,
            span_id=f"{self.chance.getrandbits(64):016x}",
            parent_id=parent.span_id if parent else None,
            service=service,
            name=name,
            start_ns=self.begin_ns + ns(offset),
            duration_ns=ns(took),
            kind=kind,
            attributes=attributes or {},
            resource=self.resources.get(service, {"host.name": f"{service}-1"}),
            links=links,
            flags=flags,
        )
        self._spans[made.span_id] = made
        return made

    def until(self, span: Span, offset: float) -> None:
        """Let a span end at an offset of the trace."""
        now = self._spans[span.span_id]
        self._spans[span.span_id] = replace(now, duration_ns=self.begin_ns + ns(offset) - now.start_ns)

    def fail(self, span: Span, message: str = "", exception: str = "") -> None:
        """Make a span an error; with an `exception` (its type), the error began here and is an event at its end."""
        now = self._spans[span.span_id]
        if exception:
            what = {"exception.type": exception, "exception.message": message}
            now = replace(now, events=(*now.events, Event(now.end_ns, "exception", what)))
        self._spans[span.span_id] = replace(now, status=Status.ERROR, status_message=message, error=True)

    def annotate(self, span: Span, attributes: Attributes) -> None:
        now = self._spans[span.span_id]
        self._spans[span.span_id] = replace(now, attributes={**now.attributes, **attributes})

    def log(self, span: Span, offset: float, name: str, attributes: Attributes | None = None) -> None:
        """Add an event, `offset` milliseconds into the span."""
        now = self._spans[span.span_id]
        event = Event(now.start_ns + ns(offset), name, attributes or {})
        self._spans[span.span_id] = replace(now, events=(*now.events, event))


def link_to(span: Span) -> Link:
    return Link(span.trace_id, span.span_id)


def http(method: str, route: str, status: int = 200, **more: str | int) -> dict[str, Value]:
    """The attributes of an HTTP span; `__` in a further name stands for a dot."""
    named = {key.replace("__", "."): value for key, value in more.items()}
    return {"http.request.method": method, "http.route": route, "http.response.status_code": status, **named}


def database(peer: str, system: str, query: str) -> dict[str, Value]:
    return {"peer.service": peer, "db.system.name": system, "db.query.text": query}


def queue(destination: str, operation: str) -> dict[str, Value]:
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": destination,
        "messaging.operation.type": operation,
    }
