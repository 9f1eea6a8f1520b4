"""The critical path: at every moment of a trace, the span that the trace was waiting for.

Per root, walked backwards from its end: the time belongs to the child that finishes last at or before the moment, and
a gap between children belongs to the span itself. This is the definition of the Jaeger UI (jaegertracing/jaeger-ui,
`TracePage/CriticalPath`), with departures on purpose: children that touch count as one after the other, an orphan root
has a path of its own, and the time 0 is a time like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracetui.analysis.groups import keyed
from tracetui.analysis.self_time import detached
from tracetui.model.traces import TraceSet

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class CriticalPaths:
    """The critical paths of every root of a trace set. Positions are spans, times int64 nanoseconds."""

    traces: TraceSet
    start: np.ndarray
    """int64[n], each span's start cut to all its ancestors' intervals; it means something on the path only."""
    end: np.ndarray
    on_path: np.ndarray
    """bool[n], whether any of a span's interval was waited for (in it or in what it called)."""
    critical: np.ndarray
    """int64[n], how much of the path is the span's own."""
    previous: np.ndarray
    """int32[n], for a span on the path, the sibling on it that ran just before; -1 for the first."""
    last_child: np.ndarray
    """int32[n], for a span on the path, its child on the path that ended last; -1 for none."""

    @cached_property
    def _sections(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        spans = np.flatnonzero(self.on_path)
        called = spans[self.traces.parent[spans] >= 0]
        owner = self.traces.parent[called]
        before = self.previous[called]
        last = self.last_child[spans]
        span = np.concatenate((owner, spans))
        start = np.concatenate(
            (
                np.where(before >= 0, self.end[before], self.start[owner]),
                np.where(last >= 0, self.end[last], self.start[spans]),
            )
        )
        end = np.concatenate((self.start[called], self.end[spans]))
        some = start < end
        span, start, end = span[some], start[some], end[some]
        roots = np.flatnonzero(self.traces.parent < 0)
        root = np.searchsorted(roots, span, side="right")
        order = np.lexsort((start, root))
        span = span[order]
        first = np.searchsorted(self.traces.trace[span], np.arange(self.traces.trace_count + 1))
        return span, start[order], end[order], first

    def sections_of(self, trace: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The sections of one trace: spans, starts, ends; root by root, in time order.

        The sections of a root partition its interval: no overlap, no hole, none empty.
        """
        span, start, end, first = self._sections
        part = slice(int(first[trace]), int(first[trace + 1]))
        return span[part], start[part], end[part]


def critical_paths(traces: TraceSet) -> CriticalPaths:
    """Find the critical path of every root, in O(n log n) whatever the shape."""
    start, end = _clipped(traces)
    count = len(traces)
    candidates = np.flatnonzero((traces.parent >= 0) & (start < end))
    # the later of equally long-lasting siblings first, so that the stable sort puts the one to prefer last
    candidates = candidates[::-1]
    if traces.skew:
        # spans that were moved keep their place among their siblings
        candidates = candidates[np.argsort(-traces.start[candidates], kind="stable")]
    candidates = candidates[np.lexsort((end[candidates], traces.parent[candidates]))]
    parent = traces.parent[candidates]
    earlier = np.full(len(candidates), -1, np.int64)
    last_of = np.full(count, -1, np.int64)
    if len(candidates):
        new_parent = np.concatenate(([True], parent[1:] != parent[:-1]))
        group = np.cumsum(new_parent) - 1
        start_key, end_key = keyed(group, start[candidates], end[candidates])
        earlier = np.searchsorted(end_key, start_key, side="right") - 1
        earlier[earlier < np.flatnonzero(new_parent)[group]] = -1
        last_of[parent] = np.arange(len(candidates))
    chosen = _walk(np.flatnonzero(traces.parent < 0), candidates, earlier, last_of)
    on_path = np.zeros(count, bool)
    on_path[traces.parent < 0] = True
    on_path[candidates[chosen]] = True
    previous = np.full(count, -1, np.int32)
    has_earlier = chosen[earlier[chosen] >= 0]
    previous[candidates[has_earlier]] = candidates[earlier[has_earlier]]
    last_child = np.full(count, -1, np.int32)
    with_child = np.flatnonzero(on_path & (last_of >= 0))
    last_child[with_child] = candidates[last_of[with_child]]
    critical = np.where(on_path, end - start, 0)
    np.subtract.at(critical, traces.parent[candidates[chosen]], (end - start)[candidates[chosen]])
    return CriticalPaths(traces, start, end, on_path, critical, previous, last_child)


def _clipped(traces: TraceSet) -> tuple[np.ndarray, np.ndarray]:
    """Every interval cut to those of all ancestors; empty or turned round when nothing of it is left.

    A span that is wholly outside its parent, or that nobody waits for, stays empty and so do all below it.
    """
    start = traces.start.copy()
    end = traces.end.copy()
    start[detached(traces)] = _NEVER
    above = traces.parent.copy()
    moving = np.flatnonzero(above >= 0)
    while len(moving):
        step = above[moving]
        start[moving] = np.maximum(start[moving], start[step])
        end[moving] = np.minimum(end[moving], end[step])
        above[moving] = above[step]
        moving = moving[above[moving] >= 0]
    return start, end


def _walk(roots: np.ndarray, candidates: np.ndarray, earlier: np.ndarray, last_of: np.ndarray) -> np.ndarray:
    """The positions in `candidates` that are on a path, from the roots down."""
    # a view is read as a list is, and few of a large set's spans are on a path: to make lists of all takes longer
    span_at, before, last = candidates.data, earlier.data, last_of.data
    chosen: list[int] = []
    waiting = [at for at in last_of[roots].tolist() if at >= 0]
    while waiting:
        at = waiting.pop()
        while at >= 0:
            chosen.append(at)
            below = last[span_at[at]]
            if below >= 0:
                waiting.append(below)
            at = before[at]
    return np.array(chosen, np.int64)
