"""Bounds of savings: how much of a saving on a critical path reaches its end, as parallel work delays the rest.

Where a call ends earlier, the work after it begins as much earlier. But a sibling that began before the call ended does
not wait for it, and its end stays: the first call of the path that ends after that sibling ends no sooner than the
sibling. The same holds for the caller among its own siblings, and so on up to the root. A replay (`analysis.what_if`)
saves no more; it saves less where several parallel calls end about when another begins, of which only the latest counts
here.
"""

from __future__ import annotations

import numpy as np

from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.stats.groups import keyed_together

UNBOUND = np.iinfo(np.int64).max


class SavingBound:
    """Slack of every span on the critical paths of a set, in nanoseconds; `UNBOUND` where nothing delays it."""

    def __init__(self, paths: CriticalPaths) -> None:
        traces, end = paths.traces, paths.end
        parent = paths.parent
        called = np.flatnonzero(paths.on_path & (parent >= 0))
        called = called[np.lexsort((end[called], parent[called]))]
        beside = np.flatnonzero(~paths.on_path & (parent >= 0) & paths.on_path[parent] & (paths.start <= end))
        ended, begun, left = keyed_together(
            (parent[called], end[called]), (parent[beside], paths.start[beside]), (parent[beside], end[beside])
        )
        begun = _with_what_they_follow(parent[beside], ended, begun, left)
        # it holds up those that end after it began, up to the first that ends no sooner than it
        first, last = np.searchsorted(ended, begun, "right"), np.searchsorted(ended, left)
        holds = (first <= last) & (last < len(called))
        holds[holds] = parent[called[last[holds]]] == parent[beside[holds]]
        beside, first, last = beside[holds], first[holds], last[holds]
        self._end = end
        self._parent = parent
        self._position = np.full(len(traces), -1, np.int64)
        self._position[called] = np.arange(len(called))
        self._beside_end = end[beside]
        self._then_end = end[called[last]]
        lag = self._then_end - self._beside_end
        # of all that hold a call up: the one that leaves least, and the one that takes longest
        self._holding = [_least_over(values, first, last, len(called)) for values in (lag, -self._beside_end)]
        self._whole = np.full(len(traces), UNBOUND, np.int64)
        held = self._holding[0] >= 0
        self._whole[called[held]] = lag[self._holding[0][held]]
        above = parent.copy()
        moving = called
        # twice as far with every turn
        while len(moving := moving[above[moving] >= 0]):
            step = above[moving]
            self._whole[moving] = np.minimum(self._whole[moving], self._whole[step])
            above[moving] = above[step]

    def of(self, spans: np.ndarray) -> np.ndarray:
        """int64[m]: upper bound of the time that the path of each span's root saves if the span ends earlier."""
        found: np.ndarray = self._whole[spans]
        return found

    def of_calls(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """int64[m]: upper bound for several calls under one parent, from `first` to `last`, if all of them together
        take less. Work that began after the first one ended may have waited for it, and moves along.
        """
        found = self.of(self._parent[first])
        position, until = self._position[first], self._end[last]
        for holding in self._holding:
            by = holding[position]
            some = by >= 0
            then = np.maximum(until[some], self._then_end[by[some]])
            found[some] = np.minimum(found[some], then - self._beside_end[by[some]])
        return found


def _with_what_they_follow(parent: np.ndarray, ended: np.ndarray, begun: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Start of the work parallel to a path; work that begins after other such work starts with that.

    Keys of a parent and a time: when calls of the path ended, ascending, and when parallel ones, which have these
    parents, began and ended.
    """
    delayed = np.flatnonzero(begun < left)
    by_end = delayed[np.argsort(left[delayed])]
    # the latest to end before each began, here and on the path; the last of these stands for none
    latest = np.append(by_end, len(left))[np.searchsorted(left[by_end], begun, "right") - 1]
    on_path = np.append(ended, -1)[np.searchsorted(ended, begun, "right") - 1]
    follows = np.append(left, -1)[latest] >= on_path
    follows &= np.append(parent, -1)[latest] == parent
    found = begun.copy()
    above = np.where(follows, latest, -1)
    moving = np.flatnonzero(follows)
    while len(moving):
        found[moving] = found[above[moving]]
        above[moving] = above[above[moving]]
        moving = moving[above[moving] >= 0]
    return found


def _least_over(values: np.ndarray, first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
    """int64[count], for each position the number of the least value among those whose `first` to `last` it is in.

    -1 for none.

    Each stretch is covered by two of a power of 2, and those of one size are split into two of half of it, from the
    largest to single positions.
    """
    found = np.full(count, -1, np.int64)
    if not len(values):
        return found
    order = np.argsort(-values, kind="stable")
    # the last of equal positions stays: the least
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
    """Put candidates where there is none yet or one of a greater value; for one position the last one counts."""
    there = found[at]
    better = (there < 0) | (values[candidates] < values[there])
    found[at[better]] = candidates[better]
