"""Reference for the calls of a trace set, computed span by span: slow and plain.

`Node` is a span as an object; `find` returns the calls in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tracetui.model.peers import Peer, PeerType, called_peer
from tracetui.model.span import UNKNOWN_SERVICE, Attributes, Flag, Kind
from tracetui.model.traces import TraceSet


@dataclass(eq=False)
class Node:
    """A span."""

    position: int
    id: str
    trace: int
    service: str
    operation: str
    kind: Kind
    error: bool
    duration: int
    follows: bool
    attributes: Attributes
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    linked: list[Node] = field(default_factory=list)
    """PRODUCER spans of other services that it links to."""
    peer: str = ""
    """Callee without a span."""
    critical: int = 0

    @property
    def path_to_root(self) -> Iterator[Node]:
        """This span and its ancestors, nearest first."""
        one: Node | None = self
        while one:
            yield one
            one = one.parent

    @property
    def above(self) -> list[Node]:
        """Ancestors, nearest first."""
        return list(self.path_to_root)[1:]

    @property
    def subtree(self) -> list[Node]:
        found = [self]
        for one in found:
            found.extend(one.children)
        return found

    @property
    def is_named(self) -> bool:
        return self.service != UNKNOWN_SERVICE

    @property
    def owner(self) -> str:
        """Service that it is a layer of, '' for none."""
        return next((one.service for one in self.path_to_root if one.is_named), "")

    @property
    def caller(self) -> Node | None:
        """Nearest ancestor that names a service."""
        return next((one for one in self.above if one.is_named), None)

    @property
    def is_entry(self) -> bool:
        """True for an entry span; of spans without a service the topmost ones."""
        if not self.is_named:
            return self.parent is None or self.parent.is_named
        return self.caller is None or self.caller.service != self.service

    @property
    def part(self) -> list[Node]:
        """This span and its ancestors that are layers of the same service, nearest first."""
        found = []
        for one in self.path_to_root:
            if one.owner != self.owner:
                break
            found.append(one)
        return found

    @property
    def receives(self) -> bool:
        what = [self.attributes.get(key) for key in ("messaging.operation.type", "messaging.operation")]
        is_receiving = (what[0] or what[1]) in ("receive", "process")
        return self.kind == Kind.CONSUMER or (
            is_receiving and self.kind in (Kind.CLIENT, Kind.INTERNAL, Kind.UNSPECIFIED)
        )

    @property
    def is_outgoing(self) -> bool:
        return self.kind in (Kind.CLIENT, Kind.PRODUCER) and not self.receives

    @property
    def half(self) -> Node | None:
        """Caller's half of the call that entered here."""
        caller = self.caller
        for one in self.above:
            if one.is_named:
                if caller is None or one.service != caller.service or one.receives or one.kind == Kind.SERVER:
                    return None
                if one.is_outgoing:
                    return one
        return None

    @property
    def wrapper(self) -> Node | None:
        """CLIENT or PRODUCER span that it is a layer of."""
        for one in self.above:
            if one.owner != self.owner:
                return None
            if one.is_outgoing:
                return one
            if one.is_named and (one.receives or one.kind == Kind.SERVER):
                return None
        return None


@dataclass(eq=False)
class ReferenceCall:
    caller: str
    callee: str
    span: Node
    """First span in the callee; for a peer the caller's span."""
    caller_span: Node
    is_async: bool
    error: bool
    half: Node | None = None
    by_link: bool = False
    by_peer: bool = False
    """True if the call is known from the callee only."""
    type: PeerType | None = None

    @property
    def outward(self) -> bool:
        return self.span is self.caller_span and not self.by_peer


def nodes_of(traces: TraceSet) -> list[Node]:
    nodes = [
        Node(
            i,
            traces.span_id(i),
            int(traces.trace[i]),
            traces.service_name(i),
            traces.operation_name(i),
            Kind(int(traces.kind[i])),
            bool(traces.error[i]),
            int(traces.duration[i]),
            bool(traces.flags[i] & Flag.FOLLOWS_FROM),
            traces.attributes(i),
        )
        for i in range(len(traces))
    ]
    for i, one in enumerate(nodes):
        if traces.parent[i] >= 0:
            one.parent = nodes[int(traces.parent[i])]
            one.parent.children.append(one)
    return nodes


def find(traces: TraceSet, nodes: list[Node]) -> list[ReferenceCall]:
    """Find all calls, and note in the nodes the spans they link to and the peers they called."""
    calls = [call for one in nodes if (call := _entered(one))]
    calls += _by_link(traces, nodes)
    answered = {call.half for call in calls} | {_answered(call.span) for call in calls if not call.by_link}
    services = {one.service for one in nodes if one.is_named}
    calls += _to_peers(nodes, answered, services)
    calls += _from_peers(nodes, services)
    return calls


def _answered(one: Node) -> Node | None:
    """Find the CLIENT or PRODUCER span that an entry span answers, with or without a service."""
    for above in one.above:
        if above.owner != one.above[0].owner or (above.is_named and (above.receives or above.kind == Kind.SERVER)):
            return None
        if above.is_outgoing:
            return above
    return None


def _entered(one: Node) -> ReferenceCall | None:
    caller = one.caller
    if not one.is_named or caller is None or caller.service == one.service:
        return None
    half = one.half
    between = [step for step in one.path_to_root if step.position > caller.position]
    is_async = any(step.follows for step in between)
    is_async |= half is not None and half.kind == Kind.PRODUCER and one.receives
    failed = (one.error and not one.is_outgoing) or bool(half and half.error)
    return ReferenceCall(caller.service, one.service, one, caller, is_async, failed, half)


def _by_link(traces: TraceSet, nodes: list[Node]) -> Iterator[ReferenceCall]:
    taken = set()
    for one in nodes:
        for link in traces.links(one.position):
            trace = traces.find_trace(link.trace_id) if link.trace_id else one.trace
            other = None if trace is None else _found(nodes, traces, trace, link.span_id)
            if other is None or other.kind != Kind.PRODUCER or other in one.above or other is one:
                continue
            place = (other, one.part[-1])
            if not one.owner or not other.owner or one.owner == other.owner or place in taken:
                continue
            taken.add(place)
            one.linked.append(other)
            failed = (one.error and not one.is_outgoing) or other.error
            yield ReferenceCall(other.owner, one.owner, one, other, True, failed, other, by_link=True)


def _found(nodes: list[Node], traces: TraceSet, trace: int, span_id: str) -> Node | None:
    try:
        key = int(span_id, 16) if len(span_id) <= 16 else None
    except ValueError:
        key = None
    for one in nodes:
        if one.trace == trace and (one.id == span_id or (key is not None and int(traces.key[one.position]) == key)):
            return one
    return None


def _to_peers(nodes: list[Node], answered: set[Node | None], services: set[str]) -> Iterator[ReferenceCall]:
    outgoing = {one for one in nodes if one.is_outgoing or _is_leaf_call(one)}
    wrappers = {one.wrapper for one in outgoing}
    for one in nodes:
        if one not in outgoing or one in answered or one in wrappers or not one.owner:
            continue
        chain: list[Node] = []
        layer: Node | None = one
        while layer and layer not in answered:
            chain.append(layer)
            layer = layer.wrapper
        named_peers = [peer for member in chain if (peer := called_peer(member.kind, member.attributes))]
        known = [peer for peer in named_peers if not peer.is_host]
        # below an answered span an address is that of the answer
        peer = known[-1] if known else named_peers[0] if named_peers and layer is None else None
        name = _service_or_peer(peer, services) if peer else None
        if peer and name and name != one.owner:
            one.peer = name
            is_async = any(member.kind == Kind.PRODUCER for member in chain)
            type_ = None if name in services else peer.type
            yield ReferenceCall(one.owner, name, one, one, is_async, one.error, one, type=type_)


def _is_leaf_call(one: Node) -> bool:
    plain = one.kind in (Kind.INTERNAL, Kind.UNSPECIFIED) and not one.receives
    return plain and not one.children and called_peer(one.kind, one.attributes) is not None


def _service_or_peer(peer: Peer, services: set[str]) -> str:
    if peer.name in services:
        return peer.name
    host = peer.host.lower()
    for service in sorted(services, key=len, reverse=True):
        if host == service or (
            host.startswith(f"{service}.") and host.endswith((".svc", ".local", ".internal", ".consul"))
        ):
            return service
    return peer.name


def _from_peers(nodes: list[Node], services: set[str]) -> Iterator[ReferenceCall]:
    for one in nodes:
        if one.parent or not one.is_named or not (one.receives or one.kind == Kind.SERVER):
            continue
        named = [one.attributes.get(key) for key in ("service.peer.name", "peer.service")]
        name = next((text.strip() for text in named if isinstance(text, str) and text.strip()), None)
        caller = name and _service_or_peer(Peer(name, PeerType.EXTERNAL, host=name), services)
        if caller and caller != one.service:
            type_ = None if caller in services else PeerType.QUEUE if one.receives else PeerType.EXTERNAL
            yield ReferenceCall(caller, one.service, one, one, one.receives, one.error, by_peer=True, type=type_)


def peer_types(calls: list[ReferenceCall]) -> dict[str, PeerType]:
    """Determine the type of each inferred peer by the majority of its calls."""
    named_peers: dict[str, Counter[PeerType]] = {}
    for call in calls:
        if call.type:
            named_peers.setdefault(call.caller if call.by_peer else call.callee, Counter())[call.type] += 1
    # of equal ones max returns the first
    return {name: max(PeerType, key=found.__getitem__) for name, found in named_peers.items()}
