"""Upper bounds of savings: the part of a saving on a critical path that shortens it despite parallel work.

If a call ends earlier, the work after it begins earlier by the same time. But a sibling that began before the call
ended does not depend on it, so its end stays: the first call on the path that ends after that sibling cannot end before
it. The same holds for the caller among its siblings, and so on up to the root. A replay (`analysis.what_if`) never
saves more. It saves less if several parallel calls end close to the start of another, as only the latest counts here.
"""

from __future__ import annotations

import numpy as np

from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.stats.groups import keyed_together

UNBOUND = np.iinfo(np.int64).max


class SavingBound:
    """Bounds for every span on the critical paths of a set, in nanoseconds; `UNBOUND` without parallel work."""

    def __init__(self, paths: CriticalPaths) -> None:
        traces, end = paths.traces, paths.end
        parent = paths.parent
        called = np.flatnonzero(paths.on_path & (parent >= 0))
        called = called[np.lexsort((end[called], parent[called]))]
        parallel = np.flatnonzero(~paths.on_path & (parent >= 0) & paths.on_path[parent] & (paths.start <= end))
        path_ends, parallel_starts, parallel_ends = keyed_together(
            (parent[called], end[called]), (parent[parallel], paths.start[parallel]), (parent[parallel], end[parallel])
        )
        parallel_starts = _start_of_parallel_work(parent[parallel], path_ends, parallel_starts, parallel_ends)
        # parallel work limits the calls that end after its start, up to the first one that does not end before it
        first, last = np.searchsorted(path_ends, parallel_starts, "right"), np.searchsorted(path_ends, parallel_ends)
        limits = (first <= last) & (last < len(called))
        limits[limits] = parent[called[last[limits]]] == parent[parallel[limits]]
        parallel, first, last = parallel[limits], first[limits], last[limits]
        self._end = end
        self._parent = parent
        self._position = np.full(len(traces), -1, np.int64)
        self._position[called] = np.arange(len(called))
        self._parallel_end = end[parallel]
        self._next_end = end[called[last]]
        lag = self._next_end - self._parallel_end
        # of all parallel work for a call: that with the least slack, and the longest
        self._limiting = [_least_over(values, first, last, len(called)) for values in (lag, -self._parallel_end)]
        self._whole = np.full(len(traces), UNBOUND, np.int64)
        is_limited = self._limiting[0] >= 0
        self._whole[called[is_limited]] = lag[self._limiting[0][is_limited]]
        above = parent.copy()
        moving = called
        # each round doubles the distance
        while len(moving := moving[above[moving] >= 0]):
            step = above[moving]
            self._whole[moving] = np.minimum(self._whole[moving], self._whole[step])
            above[moving] = above[step]

    def of(self, spans: np.ndarray) -> np.ndarray:
        """Bound the time that the path of each span's root saves if the span ends earlier: int64[m]."""
        found: np.ndarray = self._whole[spans]
        return found

    def of_calls(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Bound the saving if several calls under one parent, from `first` to `last`, together take less: int64[m].
        Work that began after the first one ended may have waited for it, and moves along.
        """
        found = self.of(self._parent[first])
        position, until = self._position[first], self._end[last]
        for limiting in self._limiting:
            by = limiting[position]
            some = by >= 0
            end = np.maximum(until[some], self._next_end[by[some]])
            found[some] = np.minimum(found[some], end - self._parallel_end[by[some]])
        return found


def _start_of_parallel_work(
    parent: np.ndarray, path_ends: np.ndarray, parallel_starts: np.ndarray, parallel_ends: np.ndarray
) -> np.ndarray:
    """Find the start of the work parallel to a path. Work that follows other such work starts with that.

    path_ends: ends of calls on the path, ascending; parallel_starts, parallel_ends: times of parallel calls with these
    parents. All are keys of parent and time.
    """
    delayed = np.flatnonzero(parallel_starts < parallel_ends)
    by_end = delayed[np.argsort(parallel_ends[delayed])]
    # the latest end before each start, among parallel calls and on the path; the last entry means none
    latest = np.append(by_end, len(parallel_ends))[np.searchsorted(parallel_ends[by_end], parallel_starts, "right") - 1]
    on_path = np.append(path_ends, -1)[np.searchsorted(path_ends, parallel_starts, "right") - 1]
    follows = np.append(parallel_ends, -1)[latest] >= on_path
    follows &= np.append(parent, -1)[latest] == parent
    found = parallel_starts.copy()
    above = np.where(follows, latest, -1)
    moving = np.flatnonzero(follows)
    while len(moving):
        found[moving] = found[above[moving]]
        above[moving] = above[above[moving]]
        moving = moving[above[moving] >= 0]
    return found


def _least_over(values: np.ndarray, first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
    """Find for each position the least value whose range `first` to `last` contains it.

    -> int64[count], the number of the value, -1 for none

    Each range is covered by two of a power-of-two size. Ranges of one size are split in halves, from the largest down
    to single positions.
    """
    found = np.full(count, -1, np.int64)
    if not len(values):
        return found
    order = np.argsort(-values, kind="stable")
    # of equal positions the last assignment stays, which is the least value
    size_of = np.int64(1) << np.frexp((last - first + 1).astype(np.float64))[1].astype(np.int64) - 1
    size = int(size_of.max())
    while True:
        own = order[size_of[order] == size]
        for at in (first[own], last[own] - size + 1):
            _keep_least(found, at, own, values)
        if size == 1:
            return found
        size //= 2
        there = np.flatnonzero(found >= 0)
        _keep_least(found, there + size, found[there], values)


def _keep_least(found: np.ndarray, at: np.ndarray, candidates: np.ndarray, values: np.ndarray) -> None:
    """Store candidates at positions that have none or one with a greater value; for equal positions the last counts."""
    there = found[at]
    better = (there < 0) | (values[candidates] < values[there])
    found[at[better]] = candidates[better]
