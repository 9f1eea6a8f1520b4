"""Consecutive siblings that share a row with all their descendants, so that a large trace opens with few rows."""

from __future__ import annotations

import numpy as np

_MIN_GROUP = 3
"""Least number of rows that become one."""


class SiblingGroups:
    """Slices of a tree in pre-order, each from a span to the end of a later sibling's subtree; none is in another."""

    def __init__(self, parent: np.ndarray) -> None:
        """`parent`: int64[spans], of each span."""
        self._parent = parent
        self._stop_of: dict[int, int] = {}
        """End of each slice by its start."""
        self._siblings: dict[int, np.ndarray] = {}
        """Cached siblings of slices."""

    def __len__(self) -> int:
        return len(self._stop_of)

    def __contains__(self, start: int) -> bool:
        return start in self._stop_of

    def slices(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the starts and ends of all slices: int64[n] each."""
        size = len(self._stop_of)
        return np.fromiter(self._stop_of, np.int64, size), np.fromiter(self._stop_of.values(), np.int64, size)

    def stop_of(self, start: int) -> int:
        """Return the end of the slice that begins with a span."""
        return self._stop_of[start]

    def siblings(self, start: int) -> np.ndarray:
        """Return the siblings of a slice, int64[n]."""
        if start not in self._siblings:
            within = self._parent[start : self._stop_of[start]]
            self._siblings[start] = start + np.flatnonzero(within == within[0])
        return self._siblings[start]

    def sibling(self, start: int, span: int) -> int:
        """Return the sibling of a slice that is a span or its ancestor."""
        siblings = self.siblings(start)
        return int(siblings[siblings.searchsorted(span, "right") - 1])

    def clear(self) -> None:
        self._stop_of.clear()
        self._siblings.clear()

    def remove(self, start: int) -> None:
        """Give each sibling of a slice a row of its own."""
        del self._stop_of[start]
        self._siblings.pop(start, None)

    def join(self, rows: np.ndarray, ends: np.ndarray, may_join: np.ndarray) -> None:
        """Make slices of rows (int64[rows], ascending) that follow each other, have the same parent, and may be joined.

        ends: int64[rows], of the spans that each row represents; may_join: bool[rows].
        """
        parents = self._parent[rows]
        continues = np.zeros(len(rows), bool)
        continues[1:] = may_join[1:] & may_join[:-1] & (parents[1:] == parents[:-1])
        first = np.flatnonzero(may_join & ~continues)
        last = np.flatnonzero(may_join & ~np.append(continues[1:], False))
        large = last - first + 1 >= _MIN_GROUP
        self._siblings.clear()
        self._stop_of = dict(zip(rows[first[large]].tolist(), ends[last[large]].tolist(), strict=True))

    def slice_with(self, span: int) -> int | None:
        """Return the start of the slice that contains a span; None for none."""
        return next((start for start, stop in self._stop_of.items() if start <= span < stop), None)

    def take_out(self, start: int, begin: int, end: int) -> None:
        """Take one row, which represents the spans from `begin` to before `end`, out of a slice."""
        siblings = self.siblings(start)
        stop = self._stop_of.pop(start)
        del self._siblings[start]
        for low, high in ((start, int(begin)), (int(end), stop)):
            if ((siblings >= low) & (siblings < high)).sum() > 1:
                self._stop_of[low] = high
