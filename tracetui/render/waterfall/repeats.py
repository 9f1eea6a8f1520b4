"""Find repeats: runs of consecutive siblings with equal subtrees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.model.ids import GOLDEN_RATIO

_INVERSE = np.uint64(pow(int(GOLDEN_RATIO), -1, 1 << 64))
"""Inverse modulo 2^64, which an odd number has."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Runs of one tree, sorted by first member. A run may be nested in a member of another one."""

    start: np.ndarray
    """int64[runs], ascending"""
    stop: np.ndarray
    """int64[runs], end of the last member's subtree"""
    step: np.ndarray
    """int64[runs], subtree size of each member"""
    members: np.ndarray
    """int64[m], positions of the members, run by run"""
    first: np.ndarray
    """int64[runs], offset of each run in `members`"""

    def __len__(self) -> int:
        return len(self.start)

    @property
    def counts(self) -> np.ndarray:
        """int64[runs], number of members of each run."""
        counts: np.ndarray = (self.stop - self.start) // self.step
        return counts

    def all_of(self, column: np.ndarray) -> np.ndarray:
        """Test for which runs a bool column holds for all members, bool[runs]."""
        return np.logical_and.reduceat(column[self.members], self.first) if len(self) else np.zeros(0, bool)

    def sums_of(self, column: np.ndarray) -> np.ndarray:
        """Sum an int64 column over the members of each run, int64[runs]."""
        return np.add.reduceat(column[self.members], self.first) if len(self) else np.zeros(0, np.int64)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Repeat the value of each run for all its members, [m]."""
        return np.repeat(values, self.counts)


def find_repeats(
    parent: np.ndarray, end: np.ndarray, depth: np.ndarray, repeat_keys: np.ndarray | None, length: int
) -> Repeats:
    """Find the runs of at least `length` members; none if it is 0 or `repeat_keys` is None.

    Columns are in pre-order, int64[n]: `parent`, n for none; `end` of each subtree; `repeat_keys`, equal for spans that
    look the same.
    """
    size = len(parent)
    none = np.zeros(0, np.int64)
    if repeat_keys is None or length < 2 or size < 2:
        return Repeats(none, none, none, none, none)
    below = end - np.arange(size)
    span = np.flatnonzero(end < size)
    following = end[span]
    is_equal = (
        (parent[span] == parent[following])
        & (repeat_keys[span] == repeat_keys[following])
        & (below[span] == below[following])
    )
    span, following = span[is_equal], following[is_equal]
    # leaves are done; spans with descendants must also have equal subtrees
    larger = np.flatnonzero(below[span] > 1)
    if len(larger):
        digests = _Digests(repeat_keys, depth)
        first, second = span[larger], following[larger]
        differs = digests.of(first, end[first]) != digests.of(second, end[second])
        kept = np.ones(len(span), bool)
        kept[larger[differs]] = False
        span = span[kept]
    # sibling after sibling, parent by parent
    span = span[np.lexsort((span, parent[span]))]
    begins = np.ones(len(span), bool)
    begins[1:] = span[1:] != end[span[:-1]]
    at = np.flatnonzero(begins)
    counts = np.diff(np.append(at, len(span))) + 1
    long = counts >= length
    start, counts = span[at[long]], counts[long]
    order = np.argsort(start)
    start, counts = start[order], counts[order]
    step = below[start]
    first = np.cumsum(counts) - counts
    position = np.arange(int(counts.sum())) - np.repeat(first, counts)
    return Repeats(
        start, start + counts * step, step, np.repeat(start, counts) + position * np.repeat(step, counts), first
    )


class _Digests:
    """Position-independent digests of slices of a pre-order tree, by appearance and depth."""

    def __init__(self, repeat_keys: np.ndarray, depth: np.ndarray) -> None:
        token = (repeat_keys.astype(np.uint64) * GOLDEN_RATIO) ^ (depth.astype(np.uint64) << np.uint64(48))
        token ^= token >> np.uint64(29)
        power = np.full(len(token), GOLDEN_RATIO)
        power[0] = 1
        inverse = np.full(len(token), _INVERSE)
        inverse[0] = 1
        # all modulo 2^64
        self._inverse = np.multiply.accumulate(inverse)
        self._before = np.zeros(len(token) + 1, np.uint64)
        np.cumsum(token * np.multiply.accumulate(power), out=self._before[1:])

    def of(self, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """Return digests of slices, uint64[m], equal for equal slices."""
        found: np.ndarray = (self._before[stop] - self._before[start]) * self._inverse[start]
        return found
