"""Symptoms: entry points whose requests became slower, or fail more often, than in the baseline.

A cause explains a symptom. Without one, a deviation from the baseline is a difference, not a problem.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.requests import failed_requests
from tracetui.model.traces import TraceSet

_MIN_Z: Final = 3.0
_MIN_BASELINE: Final = 8
_MIN_INCIDENT: Final = 3
_MIN_INCREASE: Final = math.log(1.02)
_MIN_RISE: Final = 0.005
"""Smallest rise of the share of failed or slow requests, 0 to 1."""
_SLOW: Final = 0.9
"""Quantile of the baseline above which a request counts as slow."""


@dataclass(frozen=True, slots=True)
class EntryPointChange:
    """Requests of an entry point in both sets, as pairs: baseline, incident.

    For an entry point that the baseline lacks, the baseline's figures are those of all its requests.
    """

    service: str
    """'' for the requests of all entry points together."""
    operation: str
    counts: tuple[int, int]
    medians: tuple[float, float]
    """Median response times, ns."""
    failed: tuple[int, int]
    slow: tuple[int, int]
    """Numbers of requests that take longer than nine tenths of the baseline's."""
    is_slower: bool
    fails_more: bool

    @property
    def is_worse(self) -> bool:
        return self.is_slower or self.fails_more


@dataclass(frozen=True, slots=True)
class Symptoms:
    """Changes of the requests whose entry point occurs often enough in both sets."""

    overall: EntryPointChange
    worse: tuple[EntryPointChange, ...]
    """Entry points that became worse; those with the most traces first."""
    is_faster: bool
    """True if the requests of all entry points together became faster, beyond chance."""

    @property
    def is_worse(self) -> bool:
        return self.overall.is_worse or bool(self.worse)

    @property
    def is_better(self) -> bool:
        """True if requests became faster and nothing became worse."""
        return self.is_faster and not self.is_worse

    @property
    def fails_more(self) -> bool:
        return self.overall.fails_more or any(one.fails_more for one in self.worse)


def find_symptoms(baseline: TraceSet, incident: TraceSet) -> Symptoms | None:
    """Compare the requests of two sets. None if no entry point has enough of them in both."""
    names: dict[tuple[str, str], int] = {}
    entries = [_entry_points(traces, names) for traces in (baseline, incident)]
    counts = [np.bincount(entry, minlength=len(names)) for entry in entries]
    is_known = (counts[0] >= _MIN_BASELINE) & (counts[1] >= _MIN_INCIDENT)
    if not is_known.any():
        return None
    sides = [
        _Requests(traces, entry, is_known[entry]) for traces, entry in zip((baseline, incident), entries, strict=True)
    ]
    labels = list(names)
    medians = [side.quantiles(0.5, len(labels)) for side in sides]
    slow = sides[0].quantiles(_SLOW, len(labels))
    changes = _Changes(sides, medians, slow, len(labels))
    found = [changes.of(*labels[number], number) for number in np.flatnonzero(is_known & changes.is_worse).tolist()]
    found += _failing_new_entry_points(baseline, incident, entries[1], labels, counts)
    found.sort(key=lambda change: -change.counts[1])
    overall, is_faster = changes.overall()
    return Symptoms(overall, tuple(found), is_faster)


def _entry_points(traces: TraceSet, names: dict[tuple[str, str], int]) -> np.ndarray:
    """Number the entry point of each trace, with numbers that hold for both sets: int64[traces]."""
    distinct, codes = np.unique(traces.operation[traces.main_root], return_inverse=True)
    numbers = [names.setdefault(traces.operation_label(one), len(names)) for one in distinct.tolist()]
    found: np.ndarray = np.array(numbers, np.int64)[codes]
    return found


def _failing_new_entry_points(
    baseline: TraceSet,
    incident: TraceSet,
    entry: np.ndarray,
    labels: Sequence[tuple[str, str]],
    counts: Sequence[np.ndarray],
) -> list[EntryPointChange]:
    """Find entry points that the baseline lacks, and whose requests fail more often than its requests do.

    entry: int64[traces], those of the incident. counts: two int64[labels], traces of each in both sets.
    """
    total, total_failed = baseline.trace_count, int(failed_requests(baseline).sum())
    is_new = (counts[0] == 0) & (counts[1] >= _MIN_INCIDENT)
    requests = _Requests(incident, entry, is_new[entry])
    failed = np.bincount(requests.entry, requests.failed, len(labels)).astype(np.int64)
    before = [np.full(len(labels), number) for number in (total, total_failed)]
    fails_more = _is_more_frequent([before[0], counts[1]], [before[1], failed])
    numbers = np.flatnonzero(is_new & fails_more)
    if not len(numbers):
        return []
    usual, medians = float(np.median(baseline.response_time)), requests.quantiles(0.5, len(labels))
    return [
        EntryPointChange(
            *labels[number],
            (total, int(counts[1][number])),
            (usual, float(medians[number])),
            (total_failed, int(failed[number])),
            (0, 0),
            is_slower=False,
            fails_more=True,
        )
        for number in numbers.tolist()
    ]


class _Requests:
    """Requests of one set whose entry point is compared, as columns."""

    def __init__(self, traces: TraceSet, entry: np.ndarray, is_known: np.ndarray) -> None:
        self.entry: np.ndarray = entry[is_known]
        self.times: np.ndarray = traces.response_time[is_known]
        self.failed: np.ndarray = failed_requests(traces)[is_known]

    def quantiles(self, share: float, count: int) -> np.ndarray:
        """Compute a quantile of the response times of each entry point: float64[count], nan for none."""
        order = np.lexsort((self.times, self.entry))
        sizes = np.bincount(self.entry, minlength=count)
        first = np.cumsum(sizes) - sizes
        at = share * np.maximum(sizes - 1, 0)
        low = np.floor(at).astype(np.int64)
        times = np.append(self.times[order], 0).astype(np.float64)
        lower = times[np.minimum(first + low, len(self.times))]
        upper = times[np.minimum(first + np.minimum(low + 1, np.maximum(sizes - 1, 0)), len(self.times))]
        found: np.ndarray = np.where(sizes > 0, lower + (at - low) * (upper - lower), np.nan)
        return found


class _Changes:
    """Tests of all entry points at once."""

    def __init__(self, sides: list[_Requests], medians: list[np.ndarray], slow: np.ndarray, count: int) -> None:
        self._sides, self._medians = sides, medians
        # relative to the baseline's median, so that a change of the mix of entry points is no change
        self._slowness = [np.log(np.maximum(side.times, 1) / np.maximum(medians[0][side.entry], 1)) for side in sides]
        self._is_slow = [side.times > slow[side.entry] for side in sides]
        self._counts = [np.bincount(side.entry, minlength=count) for side in sides]
        self._failed = [np.bincount(side.entry, side.failed, count).astype(np.int64) for side in sides]
        sums = [np.bincount(side.entry, one, count) for side, one in zip(sides, self._slowness, strict=True)]
        squares = [np.bincount(side.entry, one**2, count) for side, one in zip(sides, self._slowness, strict=True)]
        self._slow = [
            np.bincount(side.entry, one, count).astype(np.int64) for side, one in zip(sides, self._is_slow, strict=True)
        ]
        self._slower = _is_higher(self._counts, sums, squares) | _is_more_frequent(self._counts, self._slow)
        self._failing = _is_more_frequent(self._counts, self._failed)
        self.is_worse: np.ndarray = self._slower | self._failing
        """bool[count]"""

    def of(self, service: str, operation: str, number: int) -> EntryPointChange:
        counts, failed, slow, medians = (
            [one[number] for one in pair] for pair in (self._counts, self._failed, self._slow, self._medians)
        )
        return EntryPointChange(
            service,
            operation,
            (int(counts[0]), int(counts[1])),
            (float(medians[0]), float(medians[1])),
            (int(failed[0]), int(failed[1])),
            (int(slow[0]), int(slow[1])),
            bool(self._slower[number]),
            bool(self._failing[number]),
        )

    def overall(self) -> tuple[EntryPointChange, bool]:
        """Test the requests of all entry points together, which finds small changes of many rare ones.

        -> their change, and True if they became faster
        """
        counts = [np.array([len(side.times)]) for side in self._sides]
        sums, squares, slow, failed = (
            [np.array([float(one.sum())]) for one in pair]
            for pair in (
                self._slowness,
                [one**2 for one in self._slowness],
                self._is_slow,
                [side.failed for side in self._sides],
            )
        )
        slower = _is_higher(counts, sums, squares) | _is_more_frequent(counts, slow)
        medians = [float(np.median(side.times)) for side in self._sides]
        is_faster = bool(_is_higher(counts[::-1], sums[::-1], squares[::-1])[0])
        change = EntryPointChange(
            "",
            "",
            (len(self._sides[0].times), len(self._sides[1].times)),
            (medians[0], medians[1]),
            (int(failed[0][0]), int(failed[1][0])),
            (int(slow[0][0]), int(slow[1][0])),
            bool(slower[0]),
            bool(_is_more_frequent(counts, failed)[0]),
        )
        return change, is_faster


def _is_higher(counts: list[np.ndarray], sums: list[np.ndarray], squares: list[np.ndarray]) -> np.ndarray:
    """Test for a higher mean in the second set, beyond chance: bool[m]."""
    divisors = [np.maximum(count, 1) for count in counts]
    means = [total / divisor for total, divisor in zip(sums, divisors, strict=True)]
    variances = [
        np.maximum(total / divisor - mean**2, 0.0)
        for total, divisor, mean in zip(squares, divisors, means, strict=True)
    ]
    error = np.sqrt(variances[0] / divisors[0] + variances[1] / divisors[1])
    rise = means[1] - means[0]
    found: np.ndarray = (rise > _MIN_INCREASE) & (rise > _MIN_Z * error)
    return found


def _is_more_frequent(counts: list[np.ndarray], events: list[np.ndarray]) -> np.ndarray:
    """Test for a higher share of events in the second set, beyond chance: bool[m]."""
    before = (events[0] + 0.5) / (counts[0] + 1)
    after = events[1] / np.maximum(counts[1], 1)
    # of both shares, as the baseline's is an estimate, too
    error = np.sqrt(before * (1 - before) * (1 / np.maximum(counts[0], 1) + 1 / np.maximum(counts[1], 1)))
    found: np.ndarray = (after - before > _MIN_RISE) & (after - before > _MIN_Z * error)
    return found
