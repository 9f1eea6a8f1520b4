"""Work that continued after a failure: calls to other peers that began after it."""

from __future__ import annotations

from tracetui.analysis.calls import owners
from tracetui.analysis.error_facts import peer_of
from tracetui.analysis.explained_cancellations import EVERY_HOST
from tracetui.analysis.skew import SkewedHosts
from tracetui.model.traces import TraceSet

_Calls = dict[int, list[tuple[int, str, int]]]
"""For each host of the callee: start, peer and span of the latest calls to two different peers, latest first."""


class WorkAfterFailure:
    """Finds calls that began after a span ended, below it or below spans up to one of its ancestors."""

    def __init__(self, traces: TraceSet, skewed: SkewedHosts) -> None:
        self._traces, self._skewed = traces, skewed
        self._owner = owners(traces)
        self._skewed_traces = skewed.traces()
        self._latest: dict[int, int] = {}
        self._calls: dict[int, _Calls] = {}

    def exists(self, failed: int, above: int) -> bool:
        """Test whether a child of `above`, or of a span between it and `failed`, calls a different peer than `failed`
        and began after that had ended. No span in between may be an error.
        """
        traces = self._traces
        until = int(traces.end[failed])
        path = []
        span = int(traces.parent[failed])
        while span not in self._latest:
            path.append(span)
            if span == above:
                break
            span = int(traces.parent[span])
        for span in reversed(path):
            own = max(int(traces.start[child]) for child in self._children(span))
            self._latest[span] = own if span == above else max(own, self._latest[int(traces.parent[span])])
        first = int(traces.parent[failed])
        if self._latest[first] < until:
            return False
        peer = peer_of(traces, self._owner, failed)
        pairs = self._skewed.pairs(int(traces.trace[failed]))
        later = [
            call
            for host, calls in self._calls_of(first, above).items()
            if not pairs or (self._skewed.host(failed), host) not in pairs
            for start, other, call in calls
            if start >= until and other != peer
        ]
        if any(not self._contains(call, failed) for call in later):
            return True
        return bool(later) and self._exists_among_all(failed, above, until, peer)

    def _contains(self, span: int, failed: int) -> bool:
        """Test whether a span is the failed one or above it, which is not later work even if its length is 0."""
        return span <= failed < int(self._traces.subtree_end[span])

    def _exists_among_all(self, failed: int, above: int, until: int, peer: str) -> bool:
        """Search all children; only needed if the latest calls are spans around the failed one."""
        traces, skewed = self._traces, self._skewed
        pairs = skewed.pairs(int(traces.trace[failed]))
        span = failed
        while span != above:
            span = int(traces.parent[span])
            for child in self._children(span):
                if int(traces.start[child]) < until or self._contains(child, failed):
                    continue
                other = peer_of(traces, self._owner, child)
                if other and other != peer and (skewed.host(failed), skewed.host(child)) not in pairs:
                    return True
        return False

    def _children(self, span: int) -> list[int]:
        traces = self._traces
        children, child, end = [], span + 1, int(traces.subtree_end[span])
        while child < end:
            children.append(child)
            child = int(traces.subtree_end[child])
        return children

    def _calls_of(self, first: int, above: int) -> _Calls:
        """Collect the latest calls of the spans from `first` up to `above`."""
        path = []
        span = first
        while span not in self._calls:
            path.append(span)
            if span == above:
                break
            span = int(self._traces.parent[span])
        for span in reversed(path):
            calls = self._own_calls(span)
            if span != above:
                for host, others in self._calls[int(self._traces.parent[span])].items():
                    for start, peer, call in others:
                        _add(calls, host, start, peer, call)
            self._calls[span] = calls
        return self._calls[first]

    def _own_calls(self, span: int) -> _Calls:
        traces = self._traces
        by_host = int(traces.trace[span]) in self._skewed_traces
        calls: _Calls = {}
        # in reverse order of time: two peers of a host are enough
        for child in sorted(self._children(span), key=lambda child: -int(traces.start[child])):
            host = self._skewed.host(child) if by_host else EVERY_HOST
            if len(calls.get(host, ())) == 2:
                if not by_host:
                    break
                continue
            peer = peer_of(traces, self._owner, child)
            if peer:
                _add(calls, host, int(traces.start[child]), peer, child)
        return calls


def _add(calls: _Calls, host: int, start: int, peer: str, call: int) -> None:
    """Keep the latest call to each of two peers."""
    best: dict[str, tuple[int, int]] = {}
    for began, other, span in [*calls.get(host, ()), (start, peer, call)]:
        best[other] = max((began, span), best.get(other, (began, span)))
    ordered = sorted(((began, other, span) for other, (began, span) in best.items()), reverse=True)
    calls[host] = ordered[:2]
