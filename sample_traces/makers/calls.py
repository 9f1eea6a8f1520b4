"""Requests described as who calls whom, and played into traces with times of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracetui.model.span import Attributes, Kind, Span, Value

from .building import Trace, queue

if TYPE_CHECKING:
    from collections.abc import Sequence

NETWORK_MS = 0.4


@dataclass
class Call:
    """A request to a service: a client span in the caller and a server span, under which the steps run."""

    service: str
    name: str
    own_ms: float
    steps: Sequence[Step] = ()
    together: bool = False
    """The steps run in parallel."""
    network_ms: float = NETWORK_MS
    """Time on the way to the service, and the same on the way back."""


@dataclass
class Peer:
    """A call to something that sends no spans of its own: a database, a cache, a provider."""

    peer: str
    name: str
    took_ms: float
    attributes: Attributes = field(default_factory=dict)


@dataclass
class Publish:
    """A message that the sender does not wait for, and who takes it."""

    destination: str
    taken_by: Call


Step = Call | Peer | Publish


@dataclass
class Flow:
    """One kind of request, from what starts it."""

    start: Call
    kind: Kind
    about: dict[str, Value]
    """What the request is about: a user, an order. The whole of it is on the root."""
    fails_at: str = ""
    """The service or peer that fails, the first time that it is called."""
    message: str = ""
    exception: str = ""


def play(trace: Trace, flow: Flow) -> None:
    root = trace.span(None, flow.start.service, flow.start.name, 0, 0, flow.kind, flow.about)
    _Player(trace, flow).inside(root, flow.start, 0)
    if flow.fails_at:
        fail(trace, flow)


class _Player:
    def __init__(self, trace: Trace, flow: Flow) -> None:
        self.trace = trace
        # The order is what most services know of a request that is about one, else the user.
        key = "order.id" if "order.id" in flow.about else "user.id"
        self.known: Attributes = {key: flow.about[key]} if key in flow.about else {}

    def jitter(self, milliseconds: float) -> float:
        return milliseconds * self.trace.chance.lognormvariate(0, 0.3)

    def inside(self, span: Span, call: Call, begin: float) -> float:
        """Play the steps of a call under its span, and let the span end after them."""
        own = self.jitter(call.own_ms)
        at = ends = begin + own * 0.5
        for step in call.steps:
            ends = max(ends, self.step(span, step, at))
            at = at + 0.1 if call.together else ends + 0.1
        end = ends + own * 0.5
        self.trace.until(span, end)
        return end

    def step(self, caller: Span, step: Step, at: float) -> float:
        """Play one step; gives back when the caller goes on."""
        match step:
            case Call():
                name = f"{step.name.partition(' ')[0]} {step.service}"
                client = self.trace.span(caller, caller.service, name, at, 0, Kind.CLIENT)
                route: Attributes = {"http.route": step.name.partition(" ")[2], "http.response.status_code": 200}
                server = self.trace.span(
                    client, step.service, step.name, at + step.network_ms, 0, Kind.SERVER, {**route, **self.known}
                )
                end = self.inside(server, step, at + step.network_ms) + step.network_ms
                self.trace.until(client, end)
                return end
            case Peer():
                attributes = {"peer.service": step.peer, **step.attributes}
                took = self.jitter(step.took_ms)
                self.trace.span(caller, caller.service, step.name, at, took, Kind.CLIENT, attributes)
                return at + took
            case Publish():
                name = step.destination
                sent = self.trace.span(
                    caller, caller.service, f"{name} publish", at, 1.2, Kind.PRODUCER, queue(name, "send")
                )
                begin = at + 1.2 + self.jitter(25)
                taken = self.trace.span(
                    sent,
                    step.taken_by.service,
                    f"{name} process",
                    begin,
                    0,
                    Kind.CONSUMER,
                    {**queue(name, "process"), **self.known},
                )
                self.inside(taken, step.taken_by, begin)
                return at + 1.2


def fail(trace: Trace, flow: Flow) -> None:
    """Fail the span that calls what fails, or is it, and its callers up to the root or to the queue."""
    by_id = {span.span_id: span for span in trace.spans}
    span: Span | None = next(
        s
        for s in trace.spans
        if s.attributes.get("peer.service") == flow.fails_at or (s.service == flow.fails_at and s.kind is Kind.SERVER)
    )
    assert span is not None
    trace.fail(span, flow.message, flow.exception)
    while span is not None:
        if "http.response.status_code" in span.attributes:
            trace.annotate(span, {"http.response.status_code": 500})
        span = None if span.kind is Kind.CONSUMER else by_id.get(span.parent_id or "")
        if span is not None:
            trace.fail(span)
