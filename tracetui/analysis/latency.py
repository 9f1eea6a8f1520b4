"""Latency: statistics of call durations. A call without an end has no duration and is excluded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.stats.groups import FEW_SAMPLES, group_quantiles, known_values, quantiles

_SHARES = (0.0, 0.5, 0.95, 0.99, 1.0)
"""Minimum, median, 95th and 99th percentile, maximum."""
STATISTICS = 1 + len(_SHARES)
"""Number of statistics: the mean and the quantiles of `_SHARES`."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Durations of calls in nanoseconds; all but `count` are None if no duration is known."""

    count: int
    """Number of calls with a known duration."""
    mean_ns: float | None = None
    least_ns: float | None = None
    p50_ns: float | None = None
    p95_ns: float | None = None
    p99_ns: float | None = None
    most_ns: float | None = None

    @property
    def small_sample_range(self) -> tuple[int, int] | None:
        """Minimum and maximum if there are too few durations for percentiles; None if there are enough or none."""
        if self.least_ns is None or self.most_ns is None or self.count >= FEW_SAMPLES:
            return None
        return round(self.least_ns), round(self.most_ns)


_NONE_KNOWN = Latency(0)


def latency(durations: np.ndarray) -> Latency:
    """Compute the statistics of int64[n] nanoseconds."""
    if not len(durations):
        return _NONE_KNOWN
    return Latency(len(durations), float(durations.mean()), *quantiles(durations, _SHARES))


def group_latencies(durations: np.ndarray, known: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute the statistics of many groups at once.

    durations: int64[n] nanoseconds, group after group; known: bool[n]; group g is `first[g]:first[g + 1]`.
    -> int64[groups], the number of known durations; float64[6, groups], their mean, minimum, p50, p95, p99 and maximum,
    NaN if there are none
    """
    found = np.full((STATISTICS, len(first) - 1), np.nan)
    durations, begins = known_values(durations, known, first)
    count = np.diff(begins)
    there = np.flatnonzero(count > 0)
    if len(there):
        bounds = np.append(begins[there], begins[-1])
        found[0, there] = np.add.reduceat(durations, bounds[:-1], dtype=np.float64) / np.diff(bounds)
        found[1:, there] = group_quantiles(durations, bounds, _SHARES)
    return count, found


def latencies(count: np.ndarray, durations: np.ndarray, rows: np.ndarray) -> list[Latency]:
    """Build objects for some groups of `group_latencies`. rows: int64[m]"""
    found = zip(count[rows].tolist(), *durations[:, rows].tolist(), strict=True)
    return [Latency(number, *times) if number else _NONE_KNOWN for number, *times in found]
