"""Sources of records: the file or server from which each was read."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np


class SourceRuns:
    """Sources of records as runs of consecutive records.

    An intake has few runs for any number of records, so a column is not needed.
    """

    def __init__(self) -> None:
        self._starts: list[int] = []
        """Position of the first record of each run, ascending."""
        self._names: list[str] = []

    def begin(self, position: int, name: str) -> None:
        """Begin a run of this source at a position after all other runs."""
        if self._starts and self._starts[-1] == position:
            del self._starts[-1], self._names[-1]
        if not self._names or self._names[-1] != name:
            self._starts.append(position)
            self._names.append(name)

    def extend(self, other: SourceRuns, base: int) -> None:
        """Add the runs of another intake, whose records begin at position `base`."""
        for start, name in zip(other._starts, other._names, strict=True):
            self.begin(base + start, name)

    def keep(self, kept: np.ndarray) -> None:
        """Keep only some records: bool[n]."""
        before = np.concatenate(([0], np.cumsum(kept)))
        runs = [
            (int(before[min(start, len(kept))]), name) for start, name in zip(self._starts, self._names, strict=True)
        ]
        self._starts, self._names = [], []
        for start, name in runs:
            self.begin(start, name)

    def of_each(self, count: int) -> np.ndarray | None:
        """Number the source of each record: int32[count]; None if all are from one source."""
        runs = bisect_right(self._starts, count - 1)
        names = {name: number for number, name in enumerate(dict.fromkeys(self._names[:runs]))}
        if len(names) < 2:
            return None
        numbers = np.array([names[name] for name in self._names[:runs]], np.int32)
        sizes = np.diff([0, *self._starts[1:runs], count])
        return np.repeat(numbers, sizes)
