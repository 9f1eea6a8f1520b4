"""Explained cancellations: consequences of a failure, never its cause.

A cancellation is explained if an error above it is a timeout, if it ended after a span above it, or if another branch
below one of its ancestors failed no later, by an error that is not a cancellation. No asynchronous step may lie
between, and times are not compared across skewed hosts or with spans whose end is unknown. Asynchronous steps divide
the spans of a trace into regions, within which everything here happens.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from itertools import accumulate

import numpy as np

from tracetui.analysis.error_facts import ErrorFacts
from tracetui.analysis.skew import SkewedHosts
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet

EVERY_HOST = -1
_NEVER = 1 << 63


def explained_cancellations(facts: ErrorFacts, above: list[int], steps: np.ndarray, skewed: SkewedHosts) -> bytearray:
    """Find the explained cancellations.

    above: for each error the nearest error above it, -1 for none. steps: bool[n], asynchronous steps.
    -> 0 or 1 per error
    """
    found = bytearray(len(above))
    cancelled = [i for i, is_one in enumerate(facts.cancellation) if is_one]
    if not cancelled:
        return found
    traces = facts.traces
    trace_of = traces.trace[facts.spans]
    concerned = np.flatnonzero(np.isin(trace_of, trace_of[cancelled])).tolist()
    region = _regions(traces, facts.spans[concerned], steps)
    regions = dict(zip(concerned, region.tolist(), strict=True))
    after_timeout = _after_timeout(facts, above, regions)
    others = _OtherBranches(facts, regions, skewed)
    least_end = _LeastEnd(traces, steps, skewed)
    unknown = (traces.flags[facts.spans] & int(Flag.NO_DURATION)) > 0
    for i in cancelled:
        span = int(facts.spans[i])
        found[i] = i in after_timeout or (
            not unknown[i] and (least_end.above(span) < int(traces.end[span]) or others.failed_before(i))
        )
    return found


def _regions(traces: TraceSet, spans: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Find the region of each of these spans, as the position of its topmost span: int64[m]. spans: ascending."""
    involved = np.zeros(traces.trace_count, bool)
    involved[traces.trace[spans]] = True
    tops = np.flatnonzero((steps | (traces.parent < 0)) & involved[traces.trace])
    ends = traces.subtree_end[tops].tolist()
    open_tops: list[tuple[int, int]] = []
    result = np.empty(len(spans), np.int64)
    at = 0
    top_list = tops.tolist()
    for number, span in enumerate(spans.tolist()):
        while at < len(top_list) and top_list[at] <= span:
            while open_tops and open_tops[-1][1] <= top_list[at]:
                open_tops.pop()
            open_tops.append((top_list[at], ends[at]))
            at += 1
        while open_tops[-1][1] <= span:
            open_tops.pop()
        result[number] = open_tops[-1][0]
    return result


def _after_timeout(facts: ErrorFacts, above: list[int], regions: dict[int, int]) -> set[int]:
    """Find the errors below a timeout in their region."""
    below: set[int] = set()
    # errors ascend in pre-order, so what is above comes first
    for i, region in regions.items():
        up = above[i]
        if up >= 0 and regions[up] == region and (facts.timeout[up] or up in below):
            below.add(i)
    return below


class _LeastEnd:
    """Finds the earliest end among the ancestors of a span within its region."""

    def __init__(self, traces: TraceSet, steps: np.ndarray, skewed: SkewedHosts) -> None:
        self._traces, self._steps, self._skewed = traces, steps, skewed
        self._skewed_traces = skewed.traces()
        self._known: dict[tuple[int, int], int] = {}

    def above(self, span: int) -> int:
        traces, steps = self._traces, self._steps
        by_host = int(traces.trace[span]) in self._skewed_traces
        host = self._skewed.host(span) if by_host else EVERY_HOST
        path = []
        least = _NEVER
        while not steps[span] and (parent := int(traces.parent[span])) >= 0:
            if (host, span) in self._known:
                least = self._known[host, span]
                break
            path.append((span, parent))
            span = parent
        pairs = self._skewed.pairs(int(traces.trace[span])) if by_host else set()
        for below, parent in reversed(path):
            is_timed = not int(traces.flags[parent]) & Flag.NO_DURATION
            if is_timed and (not by_host or (host, self._skewed.host(parent)) not in pairs):
                least = min(least, int(traces.end[parent]))
            self._known[host, below] = least
        return least


class _OtherBranches:
    """Finds the earliest end of errors other than cancellations in other branches of a span's region.

    In pre-order a sibling branch ends before the span or begins after its subtree; its ancestors do neither.
    """

    def __init__(self, facts: ErrorFacts, regions: dict[int, int], skewed: SkewedHosts) -> None:
        self._facts, self._regions, self._skewed = facts, regions, skewed
        traces = facts.traces
        self._skewed_traces = skewed.traces()
        grouped: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for i, region in regions.items():
            span = int(facts.spans[i])
            if not facts.cancellation[i] and not int(traces.flags[span]) & Flag.NO_DURATION:
                by_host = int(traces.trace[span]) in self._skewed_traces
                grouped[region][skewed.host(span) if by_host else EVERY_HOST].append(span)
        self._branches = {
            region: {host: _Ends(traces, spans) for host, spans in by_host.items()}
            for region, by_host in grouped.items()
        }

    def failed_before(self, i: int) -> bool:
        """Test whether another branch of its region failed no later than this error."""
        traces, span = self._facts.traces, int(self._facts.spans[i])
        pairs = self._skewed.pairs(int(traces.trace[span]))
        host = self._skewed.host(span)
        return any(
            ends.earliest_outside(span, int(traces.subtree_end[span])) <= int(traces.end[span])
            for other, ends in self._branches.get(self._regions[i], {}).items()
            if not pairs or (host, other) not in pairs
        )


class _Ends:
    """Earliest end of spans before or after a range of positions. spans: ascending."""

    def __init__(self, traces: TraceSet, spans: list[int]) -> None:
        at = np.array(spans)
        ends = traces.end[at].tolist()
        self._begin = spans
        self._least_from = [*reversed(list(accumulate(reversed(ends), min))), _NEVER]
        order = np.argsort(traces.subtree_end[at], kind="stable")
        self._until = traces.subtree_end[at][order].tolist()
        self._least_to = [_NEVER, *accumulate(traces.end[at][order].tolist(), min)]

    def earliest_outside(self, begin: int, end: int) -> int:
        before: int = self._least_to[bisect_right(self._until, begin)]
        after: int = self._least_from[bisect_left(self._begin, end)]
        return min(before, after)
