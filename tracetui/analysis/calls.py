"""Calls between services: from spans of one service to spans of another, or to a peer without spans.

A call is counted once, at the callee's entry span, however many spans of the caller are above it. A span that names no
service belongs to the service above it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.peers import Callers, find_peers, outgoing_leaves
from tracetui.model.ids import span_keys
from tracetui.model.peers import Note, PeerType, receives
from tracetui.model.span import UNKNOWN_SERVICE, Flag, Kind
from tracetui.model.span_index import SpanIndex
from tracetui.model.traces import TraceSet

_MESSAGING = b"messaging.op"


@dataclass(frozen=True, eq=False)
class Calls:
    """All calls of a trace set, one row each. `caller` and `callee` index `nodes`."""

    nodes: list[str]
    """Services of the set, then inferred peers."""
    first_peer: int
    peer_types: tuple[PeerType, ...]
    """Type of each inferred peer."""
    caller: np.ndarray
    callee: np.ndarray
    span: np.ndarray
    """Entry span of the callee, or the span with a link to the caller's; for an inferred peer the client span."""
    caller_span: np.ndarray
    """Nearest span of the caller above, or the target of the link; for an inferred peer the client span. An inferred
    caller has no span: then it is the callee's entry span.
    """
    caller_half: np.ndarray
    """int64, the CLIENT or PRODUCER span that made the call; -1 for none."""
    is_async: np.ndarray
    by_link: np.ndarray
    """bool, true if only a link connects caller and callee."""
    error: np.ndarray
    """bool, true if either half of the call is an error."""
    peer: np.ndarray
    """int32[n], for each span the service or inferred peer that it called without a span there; -1 for none."""
    above: np.ndarray
    """int32[n], for each span the nearest span above that names a service; -1 for none."""
    entries: np.ndarray
    """Entry spans of all services, which begin their part of a trace, with or without a known caller."""

    @property
    def by_peer(self) -> np.ndarray:
        """bool[calls], calls by an inferred caller, which has no span."""
        inferred: np.ndarray = (self.caller_span == self.span) & (self.caller_half < 0)
        return inferred

    @property
    def answered_rows(self) -> np.ndarray:
        """int64[m], calls with a span on both sides."""
        return np.flatnonzero((self.caller_half >= 0) & (self.caller_half != self.span))

    @property
    def answered(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Halves of the answered calls: int64[m] CLIENT or PRODUCER spans, int64[m] the spans that answer, and bool[m]
        whether the call is asynchronous.
        """
        rows = self.answered_rows
        return self.caller_half[rows], self.span[rows], self.is_async[rows]

    @property
    def outward(self) -> np.ndarray:
        """bool[calls], calls known only from the caller's span."""
        outward: np.ndarray = (self.caller_span == self.span) & (self.caller_half >= 0)
        return outward

    def peer_type(self, node: int) -> PeerType | None:
        """Return the type of an inferred peer; None for a service."""
        return self.peer_types[node - self.first_peer] if node >= self.first_peer else None


def nearest_of(parent: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Climb from every span to the nearest stop, by doubling the step.

    parent: int32[n], -1 at the end of a climb; stops: bool[n]. -> int32[n], the nearest stop at or above, -1 for none
    """
    above = np.where(stops, np.arange(len(parent), dtype=np.int32), parent)
    moving = np.flatnonzero(~stops & (above >= 0))
    while len(moving):
        further = above[above[moving]]
        above[moving] = further
        moving = moving[(further >= 0) & ~stops[further]]
    return above


def is_named(traces: TraceSet) -> np.ndarray:
    """bool[n], spans that name their service."""
    if UNKNOWN_SERVICE not in traces.services:
        return np.ones(len(traces), bool)
    named: np.ndarray = traces.service != traces.services.index(UNKNOWN_SERVICE)
    return named


def named_above(traces: TraceSet) -> np.ndarray:
    """Find the nearest span above each one that names a service: int32[n], -1 for none."""
    named, parent = is_named(traces), traces.parent
    if named.all():
        return parent
    return np.where(parent >= 0, nearest_of(parent, named)[parent], -1).astype(np.int32)


def owners(traces: TraceSet) -> np.ndarray:
    """Find the service of each span: int32[n], its own, or that of the nearest span above that names one."""
    named = is_named(traces)
    if named.all():
        return traces.service
    at = nearest_of(traces.parent, named)
    return np.where(at >= 0, traces.service[at], traces.service)


def find_calls(traces: TraceSet) -> Calls:
    """Find the calls between services.

    A call is one of these: an entry span of a service below another service; a span with a link to a PRODUCER span of
    another service; the innermost of the CLIENT and PRODUCER spans around a call that no span of another service
    answers, if one of them names its target. A root SERVER or CONSUMER that names its remote end is called by that.
    Calls within a service do not count.
    """
    layers = _Layers(traces)
    entry = layers.called
    caller_span = layers.above[entry]
    caller_half = layers.caller_half_above(entry)
    linked, linking = _linked(traces, layers)
    answered = np.zeros(len(traces), bool)
    answered[caller_half[caller_half >= 0]] = True
    answered[layers.answered_by(entry)] = True
    answered[linked] = True
    wrapper = layers.wrapper()
    _answer_wrappers(answered, wrapper)
    peers = find_peers(
        traces, Callers(layers.kind, layers.owner, wrapper, layers.outgoing | layers.leaves, answered, layers.known)
    )
    service, kind = layers.owner, layers.kind
    called = np.flatnonzero(peers.called >= 0)
    roots = np.flatnonzero(peers.caller >= 0)
    # an outgoing span does not show the result of a call to its service, unless it polls
    error, reported = traces.error, traces.error & ~layers.outgoing
    none = np.full(len(roots), -1, np.int64)
    return Calls(
        nodes=[*traces.services, *peers.names],
        first_peer=len(traces.services),
        peer_types=peers.types,
        caller=np.concatenate((service[caller_span], service[linked], service[called], peers.caller[roots])),
        callee=np.concatenate((service[entry], service[linking], peers.called[called], service[roots])),
        span=np.concatenate((entry, linking, called, roots)),
        caller_span=np.concatenate((caller_span, linked, called, roots)),
        caller_half=np.concatenate((caller_half, linked, called, none)),
        is_async=np.concatenate(
            (
                layers.is_async(entry, caller_half),
                np.ones(len(linked), bool),
                peers.is_async[called],
                kind[roots] == Kind.CONSUMER,
            )
        ),
        by_link=np.repeat([False, True, False, False], [len(part) for part in (entry, linking, called, roots)]),
        error=np.concatenate(
            (
                reported[entry] | (error[caller_half] & (caller_half >= 0)),
                reported[linking] | error[linked],
                error[called],
                error[roots],
            )
        ),
        peer=peers.called,
        above=layers.above,
        entries=layers.entries,
    )


def _answer_wrappers(answered: np.ndarray, wrapper: np.ndarray) -> None:
    """Mark the wrappers of answered spans as also answered, as layers of the same call: bool[n], changed in place."""
    around = wrapper[answered]
    while len(around := around[(around >= 0) & ~answered[around]]):
        answered[around] = True
        around = wrapper[around]


class _Layers:
    """Spans of a set as layers of their services.

    `above` int32[n] is the nearest span above that names a service; `owner` int32[n] the service of a span, its own or
    that of the nearest span above; `kind` uint8[n] is CONSUMER for every span that receives messages.
    """

    def __init__(self, traces: TraceSet) -> None:
        self.traces = traces
        named = is_named(traces)
        self._named = None if named.all() else named
        parent = traces.parent
        self.above = named_above(traces)
        self.owner = owners(traces)
        self.known = named | (self.above >= 0)
        above = self.above
        is_inner = (parent >= 0) & (self.owner == self.owner[parent])
        is_entry = ~is_inner
        if self._named is not None:
            # spans without a service begin a part at a root, or where the part above ends
            is_entry = (above < 0) | (traces.service != traces.service[above])
            is_entry = np.where(named, is_entry, (parent < 0) | named[parent])
        self.entries = np.flatnonzero(is_entry)
        called = self.entries[above[self.entries] >= 0]
        self.called = called if self._named is None else called[named[called]]
        # within the part of a service, calls pass through layers up to its entry
        self._inner = np.where(is_inner, parent, np.int32(-1))
        self.kind = traces.kind
        self.leaves = outgoing_leaves(traces, self.kind)
        self._climb()
        self._find_receivers()

    def _climb(self) -> None:
        """Find the spans that call, `outgoing` bool[n], and the layers around each span.

        `_around` int32[n] is the nearest CLIENT, PRODUCER, SERVER or CONSUMER at or above a span within its service's
        part, -1 for none. Servers and consumers without a service name are skipped.
        """
        self.outgoing = (self.kind == Kind.CLIENT) | (self.kind == Kind.PRODUCER)
        stops = (self.kind != Kind.INTERNAL) & (self.kind != Kind.UNSPECIFIED)
        if self._named is not None:
            stops &= self._named | self.outgoing
        self._around = nearest_of(self._inner, stops)

    def _find_receivers(self) -> None:
        """Treat spans that receive messages as consumers, whatever their kind."""
        traces = self.traces
        unread = (traces.noted_peer == Note.UNREAD) & (traces.attribute_bytes > 0)
        noted = traces.noted_peer == Note.RECEIVES
        if not unread.any() and not noted.any():
            return
        plain = (self.kind == Kind.INTERNAL) | (self.kind == Kind.UNSPECIFIED)
        # only these matter: nothing is called through other spans
        of_note = (traces.link_bytes > 0) | self.leaves
        of_note |= (self._around >= 0) & self.outgoing[self._around]
        caller_half = self.caller_half_above(self.called)
        of_note[self.called[(caller_half >= 0) & (self.kind[caller_half] == Kind.PRODUCER)]] = True
        is_candidate = (self.kind == Kind.CLIENT) | (plain & of_note)
        searched = np.flatnonzero(is_candidate & unread)
        held = searched[
            traces.span_bytes.holding(_MESSAGING, traces.raw_at[searched], traces.attribute_bytes[searched])
        ]
        receiving = [span for span in held.tolist() if receives(traces.attributes(span))]
        receiving += np.flatnonzero(is_candidate & noted).tolist()
        if receiving:
            self.kind = self.kind.copy()
            self.kind[receiving] = Kind.CONSUMER
            self.leaves[receiving] = False
            self._climb()

    def caller_half_above(self, entry: np.ndarray) -> np.ndarray:
        """Find the CLIENT or PRODUCER spans that called these entry spans: int64[m] -> int64[m], -1 for none."""
        around, kind = self._around, self.kind
        if self._named is not None:
            # it must name the caller's service: skip spans without a service
            stops = self._named & (kind != Kind.INTERNAL) & (kind != Kind.UNSPECIFIED)
            around = nearest_of(self._inner, stops)
        caller_half = around[self.above[entry]]
        return np.where((caller_half >= 0) & self.outgoing[caller_half], caller_half, -1)

    def answered_by(self, entry: np.ndarray) -> np.ndarray:
        """Find the CLIENT and PRODUCER spans that these entry spans answer, named or not: int64[m] -> int64[k]."""
        around = self._around[self.traces.parent[entry]]
        return np.asarray(around[(around >= 0) & self.outgoing[around]])

    def wrapper(self) -> np.ndarray:
        """Find the CLIENT or PRODUCER span around each calling span that belongs to the same call: int32[n], -1 for
        none.
        """
        around = np.full(len(self._inner), -1, np.int32)
        below = np.flatnonzero((self._inner >= 0) & (self.outgoing | self.leaves))
        of_below = self._around[self._inner[below]]
        around[below] = np.where((of_below >= 0) & self.outgoing[of_below], of_below, -1)
        return around

    def is_async(self, entry: np.ndarray, caller_half: np.ndarray) -> np.ndarray:
        """Test which calls are asynchronous: bool[m] for entry spans and their callers' halves, int64[m]."""
        is_message = (
            (caller_half >= 0) & (self.kind[caller_half] == Kind.PRODUCER) & (self.kind[entry] == Kind.CONSUMER)
        )
        return np.asarray(is_message | self.follows(entry))

    def follows(self, entry: np.ndarray) -> np.ndarray:
        """Test which entry spans the source flags as asynchronous: bool[m]."""
        traces = self.traces
        if self._named is None:
            return np.asarray((traces.flags[entry] & int(Flag.FOLLOWS_FROM)) > 0)
        flagged = (traces.flags & int(Flag.FOLLOWS_FROM)) > 0
        # the flag may be on a span in between
        step = np.zeros(len(traces) + 1, np.int64)
        step[np.flatnonzero(flagged)] += 1
        np.subtract.at(step, traces.subtree_end[flagged], 1)
        at_or_above = np.cumsum(step[:-1])
        return np.asarray(at_or_above[entry] > at_or_above[self.above[entry]])

    def parts(self) -> np.ndarray:
        """Find the topmost span of each span's part of the trace: int32[n]."""
        return nearest_of(self._inner, self._inner < 0)


def answered_calls(traces: TraceSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find `Calls.answered` without the calls that only one side shows, which cost more to find."""
    layers = _Layers(traces)
    entry = layers.called
    caller_half = layers.caller_half_above(entry)
    is_async = layers.is_async(entry, caller_half)
    linked, linking = _linked(traces, layers)
    both = caller_half >= 0
    return (
        np.concatenate((caller_half[both], linked)),
        np.concatenate((entry[both], linking)),
        np.concatenate((is_async[both], np.ones(len(linked), bool))),
    )


def linked_calls(traces: TraceSet) -> tuple[np.ndarray, np.ndarray]:
    """Find calls known from links only: int64[m] the PRODUCER spans, int64[m] the spans that link to them."""
    if not (traces.link_bytes > 0).any():
        nothing = np.zeros(0, np.int64)
        return nothing, nothing
    return _linked(traces, _Layers(traces))


def _linked(traces: TraceSet, layers: _Layers) -> tuple[np.ndarray, np.ndarray]:
    """Find calls by link: a span with a link to a PRODUCER span of another service that is not above it. There is one
    per PRODUCER span and part of the callee.
    """
    nothing = np.zeros(0, np.int64)
    candidates = np.flatnonzero(traces.link_bytes > 0)
    if not len(candidates) or not (layers.kind == Kind.PRODUCER).any():
        return nothing, nothing
    spans, wanted_traces, ids = [], [], []
    for span in candidates.tolist():
        for link in traces.links(span):
            trace = traces.find_trace(link.trace_id) if link.trace_id else int(traces.trace[span])
            if trace is not None:
                spans.append(span)
                wanted_traces.append(trace)
                ids.append(link.span_id)
    if not spans:
        return nothing, nothing
    found = SpanIndex(traces.trace, traces.key).find(np.array(wanted_traces), span_keys(ids)[0])
    linking = np.array(spans)
    leads = (found <= linking) & (traces.subtree_end[found] > linking)
    calls = (found >= 0) & ~leads & (layers.kind[found] == Kind.PRODUCER)
    calls &= (layers.owner[found] != layers.owner[linking]) & layers.known[found] & layers.known[linking]
    linked, linking = found[calls], linking[calls]
    # the topmost span of a part represents those below it with links to the same message
    _, first = np.unique(linked * len(traces) + layers.parts()[linking], return_index=True)
    first.sort()
    return linked[first], linking[first]
