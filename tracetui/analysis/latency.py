"""Latency: statistics of the durations of calls. A call without an end has no duration and takes no part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.stats.groups import FEW_SAMPLES, group_quantiles, known_values, quantiles

_SHARES = (0.0, 0.5, 0.95, 0.99, 1.0)
"""Least, median, 95th and 99th percentile, and most."""
STATISTICS = 1 + len(_SHARES)
"""Number of statistics: the mean and the quantiles of `_SHARES`."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Durations of calls in nanoseconds; all but `count` are None where no duration is known."""

    count: int
    """Calls whose duration is known."""
    mean_ns: float | None = None
    least_ns: float | None = None
    p50_ns: float | None = None
    p95_ns: float | None = None
    p99_ns: float | None = None
    most_ns: float | None = None

    @property
    def few_between(self) -> tuple[int, int] | None:
        """Least and greatest duration where there are too few for percentiles; None for many and for none."""
        if self.least_ns is None or self.most_ns is None or self.count >= FEW_SAMPLES:
            return None
        return round(self.least_ns), round(self.most_ns)


_NONE_KNOWN = Latency(0)


def latency(durations: np.ndarray) -> Latency:
    """Return the statistics of int64[n] nanoseconds."""
    if not len(durations):
        return _NONE_KNOWN
    return Latency(len(durations), float(durations.mean()), *quantiles(durations, _SHARES))


def group_latencies(durations: np.ndarray, known: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the statistics of many groups at once.

    durations: int64[n] nanoseconds, group after group; known: bool[n]; group g is `first[g]:first[g + 1]`.
    -> int64[groups], how many durations are known; float64[6, groups], mean, least, p50, p95, p99 and most of these,
    NaN where there are none
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
    """Make objects of some groups of `group_latencies`. rows: int64[m]"""
    found = zip(count[rows].tolist(), *durations[:, rows].tolist(), strict=True)
    return [Latency(number, *times) if number else _NONE_KNOWN for number, *times in found]
