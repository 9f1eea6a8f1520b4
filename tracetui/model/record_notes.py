"""Facts about few of many records, by position: rare texts, and sources, which change seldom."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np


@dataclass(slots=True)
class RecordTexts:
    """Texts that few records have, by position."""

    odd_ids: dict[int, str] = field(default_factory=dict)
    """Span ids that are not in the usual spelling."""
    odd_parent_ids: dict[int, str] = field(default_factory=dict)
    status_messages: dict[int, str] = field(default_factory=dict)
    warnings: dict[int, list[str]] = field(default_factory=dict)
    """Warnings of the source."""

    def _all(self) -> list[dict[int, Any]]:
        return [getattr(self, each.name) for each in fields(self)]

    def warn(self, position: int, warnings: Sequence[str]) -> None:
        """Record warnings of the source on the span at this position, each once."""
        self.warnings[position] = list(dict.fromkeys(warnings))

    def add_odd_ids(self, ids: Mapping[int, str], parent_ids: Mapping[int, str], base: int) -> None:
        """Add ids of records from position `base`."""
        self.odd_ids.update((base + i, text) for i, text in ids.items())
        self.odd_parent_ids.update((base + i, text) for i, text in parent_ids.items())

    def extend(self, other: RecordTexts, base: int) -> None:
        """Add the texts of another intake, whose records begin at position `base`."""
        for texts, more in zip(self._all(), other._all(), strict=True):
            texts.update((base + i, text) for i, text in more.items())

    def keep(self, kept: np.ndarray) -> None:
        """Keep the texts of some records: bool[n]."""
        moved = np.cumsum(kept) - 1
        for texts in self._all():
            left = {int(moved[at]): text for at, text in texts.items() if kept[at]}
            texts.clear()
            texts.update(left)

    def drop_from(self, position: int) -> None:
        """Drop the texts of all records from a position on."""
        for texts in (self.status_messages, self.warnings):
            for at in [at for at in texts if at >= position]:
                del texts[at]


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
