"""Clock skew between hosts: spans outside their callers, and correction by Jaeger's rule.

A child on a different host than its parent (by `host.id`, else `host.ip`, else `host.name`; an unknown host always
counts as different) is moved if it lies outside its parent: a child longer than its parent to the parent's start, any
other to the middle of its parent. Spans below it on the same host move with it. As in Jaeger (`internal/storage/v2`
query adjusters, clockskew), a child that fits inside is not moved.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from tracetui.analysis.self_time import detached
from tracetui.model.skewed_spans import GRID_NS, hosts, skewed_spans
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet


def correct_skew(traces: TraceSet) -> TraceSet:
    """Move skewed spans and flag them `SKEW_ADJUSTED`; `skew` has the shift of each in nanoseconds.

    Every span keeps its position, so moved siblings may no longer be sorted by start.
    """
    if not len(traces):
        return traces
    host = hosts(traces.resources)[traces.resource]
    movable = (traces.flags & int(Flag.SAME_ID)) == 0
    above = traces.parent
    movable &= (above >= 0) & movable[above]
    same_host = (host >= 0) & (host == host[above])
    begin, end = traces.start[above], traces.end[above]
    outside = movable & ~same_host & (traces.start < begin)
    outside |= movable & ~same_host & (traces.end > end) & (traces.duration <= traces.duration[above])
    skew = _skew(traces, _at_or_below(traces, np.flatnonzero(outside)), movable, same_host)
    if not skew:
        return traces
    moved = np.fromiter(skew, np.int64, len(skew))
    start, flags = traces.start.copy(), traces.flags.copy()
    start[moved] += np.fromiter(skew.values(), np.int64, len(skew))
    flags[moved] |= int(Flag.SKEW_ADJUSTED)
    return replace(traces, start=start, flags=flags, skew=skew)


def _at_or_below(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """List the spans and all below them, ascending."""
    step = np.zeros(len(traces) + 1, np.int64)
    step[spans] += 1
    np.subtract.at(step, traces.subtree_end[spans], 1)
    return np.flatnonzero(np.cumsum(step[:-1]))


def _skew(traces: TraceSet, spans: np.ndarray, movable: np.ndarray, same_host: np.ndarray) -> dict[int, int]:
    """Compute the shift of each of these spans in ns, 0 for the others. It depends on the shift of the caller, so
    callers come first.
    """
    above = traces.parent[spans]
    columns = traces.start[spans], traces.duration[spans], traces.start[above], traces.duration[above]
    skew: dict[int, int] = {}
    for span, caller, can_move, is_same, start, duration, begin, length in zip(
        spans.tolist(),
        above.tolist(),
        movable[spans].tolist(),
        same_host[spans].tolist(),
        *(column.tolist() for column in columns),
        strict=True,
    ):
        if not can_move:
            continue
        delta = skew.get(caller, 0)
        if not is_same:
            begin += delta
            if duration > length:
                delta = max(begin - start, 0)
            elif start < begin or start + duration > begin + length:
                delta = begin + (length - duration) // 2 - start
            else:
                delta = 0
        if delta:
            skew[span] = delta
    return skew


SKEWED, LONGER = 1, 2
"""SKEWED: began before the start or after the end of its caller; LONGER: began within its caller and outlasted it."""


_LONGER_SHARE = 0.01
"""Smallest excess that is reported, as a share of the caller's duration."""


def outside_callers(traces: TraceSet, trace: int) -> np.ndarray:
    """Classify the spans of a trace: uint8[m], `SKEWED`, `LONGER`, or 0 for a span within its caller, without one, or
    async.

    A child in another service that begins within its caller and outlasts it is `LONGER`: work that continued after the
    call, which is not reported within one service. `model.skewed_spans` defines clock skew.
    """
    one = traces.select(np.array([trace]))
    above, begin = one.parent, one.start[one.parent]
    until = one.reached_end[one.parent]
    longer = (above >= 0) & (one.end > until + np.maximum((until - begin) * _LONGER_SHARE, GRID_NS))
    longer &= one.service != one.service[above]
    longer &= (one.flags & int(Flag.FOLLOWS_FROM)) == 0
    result = np.where(longer & ~detached(one), LONGER, 0).astype(np.uint8)
    result[skewed_spans(one)] = SKEWED
    return result


class SkewedHosts:
    """Pairs of hosts with clock skew, by trace, in traces with errors.

    A host is identified by `host.name`, else by its service. Two are skewed in a trace if a SERVER span on one begins
    before the start, or not before the end, of its parent, a CLIENT span on the other.
    """

    def __init__(self, traces: TraceSet) -> None:
        self._traces = traces
        self._pairs: dict[int, set[tuple[int, int]]] = {}
        servers = np.flatnonzero((traces.kind == Kind.SERVER) & (traces.parent >= 0))
        servers = servers[traces.trace_errors[traces.trace[servers]] > 0]
        clients = traces.parent[servers]
        start = traces.start[servers]
        ended = (traces.flags[clients] & int(Flag.NO_DURATION)) == 0
        implausible = (start < traces.start[clients]) | ((start >= traces.end[clients]) & ended)
        implausible &= traces.kind[clients] == Kind.CLIENT
        for server, client in zip(servers[implausible].tolist(), clients[implausible].tolist(), strict=True):
            one, other = self.host(server), self.host(client)
            if one != other:
                pairs = self._pairs.setdefault(int(traces.trace[server]), set())
                pairs |= {(one, other), (other, one)}

    @cached_property
    def _host_of_resource(self) -> list[int]:
        numbers: dict[str, int] = {}
        hosts = []
        for resource in self._traces.resources:
            named = resource.codec.attributes(resource.raw).get("host.name")
            name = named if isinstance(named, str) and named else self._traces.services[resource.service]
            hosts.append(numbers.setdefault(name, len(numbers)))
        return hosts

    def host(self, span: int) -> int:
        """Return the number of a span's host."""
        return self._host_of_resource[int(self._traces.resource[span])]

    def traces(self) -> set[int]:
        """List the traces with a skewed pair."""
        return set(self._pairs)

    def pairs(self, trace: int) -> set[tuple[int, int]]:
        """List the skewed pairs of a trace, each in both orders."""
        return self._pairs.get(trace, set())

    def skewed(self, one: int, other: int) -> bool:
        """Test whether the hosts of two spans of a trace are skewed."""
        pairs = self._pairs.get(int(self._traces.trace[one]))
        return bool(pairs) and (self.host(one), self.host(other)) in (pairs or ())
