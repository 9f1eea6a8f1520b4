"""Critical path: for every moment of a trace, the span that it was waiting for.

Each root is walked backwards from its end: time belongs to the child that finishes last at or before the moment, and a
gap between children belongs to the span itself. This is the definition of the Jaeger UI (jaegertracing/jaeger-ui,
`TracePage/CriticalPath`), with deliberate differences: children that touch count as sequential, an orphan root has its
own path, and the time 0 is not special.

The paths of a trace with several roots are merged without overlap: that of the main root takes precedence, then the
others by start, and a path counts only where no earlier one does. Asynchronous work (see `async_roots`) is not merged;
`analysis.async_work` finds its paths.

A span without a start is skipped, and its children count as those of its parent. A span without an end extends to the
greatest end below it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tracetui.analysis.self_time import detached
from tracetui.analysis.stats.groups import keyed
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet

_MANY = 50
"""Smallest number of paths that are walked together, step by step; fewer are walked one at a time."""
_NEVER = np.iinfo(np.int64).max
_ALWAYS = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class CriticalPaths:
    """Merged critical paths of a trace set. Positions are spans, times int64 nanoseconds."""

    traces: TraceSet
    parent: np.ndarray
    """int32[n], parent of each span on the path: the nearest span above that has a start."""
    start: np.ndarray
    """int64[n], start of each span clipped to the intervals of all its ancestors; only meaningful on the path."""
    end: np.ndarray
    walked: np.ndarray
    """bool[n], spans on the path of their own root, even if the path of another root hides all their time."""
    on_path: np.ndarray
    """bool[n], spans with any time on the critical path, including that of callees."""
    critical: np.ndarray
    """int64[n], time of each span on the path, without callees."""
    previous: np.ndarray
    """int32[n], for a span on its root's path the sibling before it on the path; -1 for the first."""
    last_child: np.ndarray
    """int32[n], for a span on its root's path its last child on the path; -1 for none."""
    windows: _Windows | None
    """Visible parts of the paths of roots that other roots of their trace hide partly; None if there are none."""

    @cached_property
    def trace_critical(self) -> np.ndarray:
        """int64[traces], length of each trace's path, the sum of its sections."""
        if not self.traces.trace_count:
            return np.zeros(0, np.int64)
        times: np.ndarray = np.add.reduceat(self.critical, self.traces.first[:-1])
        return times

    @cached_property
    def asynchronous(self) -> np.ndarray:
        """bool[n], spans of asynchronous work: at or below one of `async_roots`."""
        return at_or_below(self.traces, async_roots(self.traces))

    @cached_property
    def _sections(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        span, start, end = _own_sections(self, np.flatnonzero(self.walked))
        trace = self.traces.trace[span]
        order = np.lexsort((start, trace))
        span = span[order]
        first = np.searchsorted(trace[order], np.arange(self.traces.trace_count + 1))
        return span, start[order], end[order], first

    def sections_of(self, trace: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """List the sections of one trace in order of time: spans, starts, ends.

        They do not overlap, and none is empty. The sections of a single root partition its interval.
        """
        span, start, end, first = self._sections
        part = slice(int(first[trace]), int(first[trace + 1]))
        return span[part], start[part], end[part]

    def sections_of_each(self, some: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """List the sections of these traces one after the other, as `sections_of` does.

        some: int64[m]. -> spans, starts, ends; where the sections of each trace begin, int64[m + 1]
        """
        span, start, end, first = self._sections
        sizes = self.section_counts[some]
        begins = np.concatenate(([0], np.cumsum(sizes)))
        at = np.arange(begins[-1]) + np.repeat(first[some] - begins[:-1], sizes)
        return span[at], start[at], end[at], begins

    @property
    def section_counts(self) -> np.ndarray:
        """int64[traces], number of sections."""
        counts: np.ndarray = np.diff(self._sections[3])
        return counts


@dataclass(frozen=True, eq=False)
class _Windows:
    """Visible parts of a span's time, at most two: before and after the main root. Times are int64."""

    of_root: np.ndarray
    """int64[n], number of the root that each span is below; -1 if all of its time counts."""
    begin: np.ndarray
    """int64[2, roots]"""
    end: np.ndarray

    def cut(self, span: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Clip sections (spans, starts, ends) to the visible parts. Some of the results may be empty."""
        root = self.of_root[span]
        within = root >= 0
        parts = [(span[~within], start[~within], end[~within])]
        span, start, end, root = span[within], start[within], end[within], root[within]
        parts += [
            (span, np.maximum(start, begin[root]), np.minimum(end, until[root]))
            for begin, until in zip(self.begin, self.end, strict=True)
        ]
        spans, starts, ends = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return spans, starts, ends


def critical_paths(traces: TraceSet) -> CriticalPaths:
    """Find the critical path of every trace, in O(n log n) for any shape."""
    found = root_paths(traces)
    windows = _windows(found)
    if windows is None:
        return found
    on_path, critical = found.on_path.copy(), found.critical.copy()
    below = np.flatnonzero(windows.of_root >= 0)
    walked = below[on_path[below]]
    laid = replace(found, windows=windows)
    span, start, end = windows.cut(walked, found.start[walked], found.end[walked])
    on_path[below] = False
    on_path[span[start < end]] = True
    critical[below] = 0
    span, start, end = _own_sections(laid, walked)
    np.add.at(critical, span, end - start)
    return replace(laid, on_path=on_path, critical=critical)


def root_paths(traces: TraceSet) -> CriticalPaths:
    """Find the critical path of every root independently of the other roots of its trace."""
    parent = _parents(traces)
    start, end = _clipped(traces, parent)
    count = len(traces)
    candidates = np.flatnonzero((parent >= 0) & (start < end))
    candidates = candidates[np.lexsort((end[candidates], parent[candidates]))]
    above, until = parent[candidates], end[candidates]
    _settle_ties(candidates, above, until, start, traces.order)
    earlier = np.full(len(candidates), -1, np.int64)
    last_of = np.full(count, -1, np.int64)
    if len(candidates):
        new_parent = np.concatenate(([True], above[1:] != above[:-1]))
        group = np.cumsum(new_parent) - 1
        start_key, end_key = keyed(group, start[candidates], until)
        earlier = np.searchsorted(end_key, start_key, side="right") - 1
        earlier[earlier < np.flatnonzero(new_parent)[group]] = -1
        last_of[above] = np.arange(len(candidates))
    chosen = _walk(np.flatnonzero(parent < 0), candidates, earlier, last_of)
    on_path = np.zeros(count, bool)
    on_path[parent < 0] = True
    on_path[candidates[chosen]] = True
    previous = np.full(count, -1, np.int32)
    has_earlier = chosen[earlier[chosen] >= 0]
    previous[candidates[has_earlier]] = candidates[earlier[has_earlier]]
    last_child = np.full(count, -1, np.int32)
    with_child = np.flatnonzero(on_path & (last_of >= 0))
    last_child[with_child] = candidates[last_of[with_child]]
    critical = np.where(on_path, end - start, 0)
    np.subtract.at(critical, parent[candidates[chosen]], (end - start)[candidates[chosen]])
    return CriticalPaths(traces, parent, start, end, on_path, on_path, critical, previous, last_child, None)


def _settle_ties(
    candidates: np.ndarray, above: np.ndarray, until: np.ndarray, start: np.ndarray, order: np.ndarray
) -> None:
    """Sort siblings that end together, in place, so that the preferred one comes last: the earliest start, then the
    first in the input. `candidates` are sorted by parent and end, `above` and `until`.
    """
    with_next = (above[1:] == above[:-1]) & (until[1:] == until[:-1])
    pairs = np.flatnonzero(with_next)
    if not len(pairs):
        return
    # siblings are sorted by start and input: in reverse, most ties are in order
    begins = np.flatnonzero(np.concatenate(([True], ~with_next)))
    sizes = np.diff(np.append(begins, len(candidates)))
    begins, sizes = begins[sizes > 1], sizes[sizes > 1]
    both_ends = np.repeat(2 * begins + sizes - 1, sizes)
    tied = np.arange(len(both_ends)) + np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
    some = candidates[both_ends - tied]
    candidates[tied] = some
    one, other = candidates[pairs], candidates[pairs + 1]
    ordered = (start[one] > start[other]) | ((start[one] == start[other]) & (order[one] > order[other]))
    if not ordered.all():
        candidates[tied] = some[np.lexsort((-order[some], -start[some], until[tied], above[tied]))]


def async_roots(traces: TraceSet) -> np.ndarray:
    """Find the roots of asynchronous work, for which no request waits: int64, ascending.

    These are CONSUMER children of a PRODUCER, and CONSUMER roots other than the main root.
    """
    consumers = np.flatnonzero(traces.kind == Kind.CONSUMER)
    roots = consumers[traces.parent[consumers] < 0]
    roots = roots[traces.main_root[traces.trace[roots]] != roots]
    return np.union1d(np.flatnonzero(detached(traces)), roots)


def at_or_below(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """bool[n], the spans at these positions and all spans below them."""
    step = np.zeros(len(traces) + 1, np.int32)
    np.add.at(step, spans, 1)
    np.subtract.at(step, traces.subtree_end[spans], 1)
    found: np.ndarray = np.cumsum(step[:-1]) > 0
    return found


def _parents(traces: TraceSet) -> np.ndarray:
    """Find the nearest span above each one that has a start or is a root: int32[n]."""
    parent = traces.parent
    skipped = np.flatnonzero(_skipped(traces))
    if not len(skipped):
        return parent
    is_skipped = np.zeros(len(traces) + 1, bool)
    is_skipped[skipped] = True
    # each round doubles the distance; the entry of a skipped span always leads further up
    above = parent.copy()
    while len(skipped):
        skipped = skipped[is_skipped[above[skipped]]]
        above[skipped] = above[above[skipped]]
    is_child = parent >= 0
    nearest: np.ndarray = np.where(is_child & is_skipped[parent], above[parent], parent)
    return nearest


def _clipped(traces: TraceSet, parent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clip every interval to those of all ancestors; it becomes empty or reversed if nothing remains.

    A span that is wholly outside its parent, or for which nothing waits, becomes empty with all spans below it.
    """
    start = traces.start.copy()
    end = traces.reached_end.copy()
    start[detached(traces)] = _NEVER
    above = parent.copy()
    moving = np.flatnonzero(above >= 0)
    while len(moving):
        step = above[moving]
        start[moving] = np.maximum(start[moving], start[step])
        end[moving] = np.minimum(end[moving], end[step])
        above[moving] = above[step]
        moving = moving[above[moving] >= 0]
    if parent is not traces.parent:
        # nothing waits for a span without a start, unless it is a root
        start[_skipped(traces)] = _NEVER
    return start, end


def _skipped(traces: TraceSet) -> np.ndarray:
    """bool[n], spans that are skipped because they have no start; a root without one keeps its path."""
    skipped: np.ndarray = traces.no_start & (traces.parent >= 0)
    return skipped & ~detached(traces) if skipped.any() else skipped


def _walk(roots: np.ndarray, candidates: np.ndarray, earlier: np.ndarray, last_of: np.ndarray) -> np.ndarray:
    """Find the positions in `candidates` that are on a path, from the roots down."""
    parts: list[np.ndarray] = []
    frontier = last_of[roots]
    frontier = frontier[frontier >= 0]
    while len(frontier) >= _MANY:
        parts.append(frontier)
        frontier = np.concatenate((earlier[frontier], last_of[candidates[frontier]]))
        frontier = frontier[frontier >= 0]
    # few spans of a large set are on a path, so reading memory views is faster than making lists of all
    span_at, before, last = candidates.data, earlier.data, last_of.data
    chosen: list[int] = []
    waiting = frontier.tolist()
    while waiting:
        at = waiting.pop()
        while at >= 0:
            chosen.append(at)
            below = last[span_at[at]]
            if below >= 0:
                waiting.append(below)
            at = before[at]
    return np.concatenate([*parts, np.array(chosen, np.int64)])


def _own_sections(paths: CriticalPaths, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List the sections of the path that belong to the spans themselves: span, start and end of each, none empty.

    spans: int64, spans on the path of their root, each with all spans below it on the path.
    """
    called = spans[paths.parent[spans] >= 0]
    owner = paths.parent[called]
    before = paths.previous[called]
    last = paths.last_child[spans]
    span = np.concatenate((owner, spans))
    start = np.concatenate(
        (
            np.where(before >= 0, paths.end[before], paths.start[owner]),
            np.where(last >= 0, paths.end[last], paths.start[spans]),
        )
    )
    end = np.concatenate((paths.start[called], paths.end[spans]))
    if paths.windows is not None:
        span, start, end = paths.windows.cut(span, start, end)
    some = start < end
    return span[some], start[some], end[some]


def _windows(paths: CriticalPaths) -> _Windows | None:
    """Compute the visible parts of roots other than the main root of their trace; None if there are none.

    Every path fills the interval of its root. Roots other than the main root are ordered by start: of each, the part
    after the greatest end of those before it remains, and the main root may split that in two.
    """
    traces = paths.traces
    roots = np.flatnonzero(traces.parent < 0)
    main = traces.main_root
    others = roots[main[traces.trace[roots]] != roots]
    if not len(others):
        return None
    begin, end = np.full((2, len(others)), _NEVER), np.full((2, len(others)), _ALWAYS)
    laid = traces.kind[others] != Kind.CONSUMER
    over = others[laid]
    if len(over):
        trace = traces.trace[over]
        new_trace = np.append(True, trace[1:] != trace[:-1])
        (end_key,) = keyed(np.cumsum(new_trace), paths.end[over])
        furthest = np.maximum.accumulate(end_key)
        holder = np.maximum.accumulate(np.where(end_key == furthest, np.arange(len(over)), 0))
        left = paths.start[over]
        left[1:] = np.where(new_trace[1:], left[1:], np.maximum(left[1:], paths.end[over[holder[:-1]]]))
        started, ended = paths.start[main[trace]], paths.end[main[trace]]
        # a main root of length 0 must not split the part in two
        begin[0, laid] = left
        end[0, laid] = np.where(started < ended, np.minimum(paths.end[over], started), paths.end[over])
        begin[1, laid] = np.where(started < ended, np.maximum(left, ended), _NEVER)
        end[1, laid] = paths.end[over]
    of_root = np.full(len(traces), -1, np.int64)
    sizes = traces.subtree_end[others] - others
    positions = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    of_root[np.repeat(others, sizes) + positions] = np.repeat(np.arange(len(others)), sizes)
    return _Windows(of_root, begin, end)
