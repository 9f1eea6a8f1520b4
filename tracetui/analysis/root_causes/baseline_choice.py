"""Choose a baseline within one trace set: its normal periods, or else the requests that did not fail or were fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.requests import failed_requests
from tracetui.model.traces import TraceSet

_MIN_TRACES: Final = 20
_PERIODS: Final = 20
_FAILURE_SCORE: Final = 3.0
"""Added to the anomaly score of a failed request."""
_MAX_SLOWNESS: Final = 5.0
_MIN_RISE: Final = 0.2
_MIN_Z: Final = 8.0
"""Higher than elsewhere, as the periods are sorted by the figure that is then tested."""
_SLOWEST: Final = 0.9
"""Quantile of the anomaly score."""
_MAX_FAILED: Final = 0.5
"""Share of failed requests from which they are not compared with the others."""
_MIN_FAILED: Final = 3
"""Number of failed requests from which they are compared with the others."""


@dataclass(frozen=True, eq=False, slots=True)
class BaselineChoice:
    """Traces of a set, divided into a baseline and an incident."""

    baseline: np.ndarray
    """bool[traces]"""
    incident: np.ndarray
    """bool[traces]"""
    description: str
    """Description of the baseline, for reports."""
    is_by_outcome: bool = True
    """True if the incident is the requests that failed, or the slowest; False if it is a period."""
    is_weak: bool = False
    """True if the incident is merely the slowest requests, which any system has."""


def choose_baseline(traces: TraceSet) -> BaselineChoice | None:
    """Choose as baseline the periods with few failures and short response times, if others are clearly worse.

    If not, compare the failed requests with the others, or else the slowest tenth. None for few traces, or very few
    failed requests.
    """
    if traces.trace_count < _MIN_TRACES:
        return None
    failed = failed_requests(traces)
    score = np.clip(_slowness(traces), -_MAX_SLOWNESS, _MAX_SLOWNESS) + _FAILURE_SCORE * failed
    abnormal = _abnormal_periods(traces, score)
    if abnormal is not None:
        return BaselineChoice(~abnormal, abnormal, "normal periods of the same traces", is_by_outcome=False)
    if 0 < failed.sum() < _MIN_FAILED:
        return None
    if failed.any() and failed.mean() < _MAX_FAILED:
        return BaselineChoice(~failed, failed, "requests that did not fail")
    slow = score > np.quantile(score, _SLOWEST)
    if not slow.any():
        return None
    return BaselineChoice(~slow, slow, "all but the slowest 10 % of requests", is_weak=True)


def _slowness(traces: TraceSet) -> np.ndarray:
    """Compute the logarithm of each response time relative to the median of its entry point: float64[traces]."""
    times = np.log(np.maximum(traces.response_time, 1))
    _, entry = np.unique(traces.operation[traces.main_root], return_inverse=True)
    order = np.lexsort((times, entry))
    first = np.searchsorted(entry[order], np.arange(int(entry.max()) + 1))
    sizes = np.bincount(entry)
    medians = times[order][first + sizes // 2]
    slowness: np.ndarray = times - medians[entry]
    return slowness


def _abnormal_periods(traces: TraceSet, score: np.ndarray) -> np.ndarray | None:
    """Find the traces of the periods with clearly higher scores than the others: bool[traces], None for none."""
    count = traces.trace_count
    rank = np.empty(count, np.int64)
    rank[np.argsort(traces.trace_start, kind="stable")] = np.arange(count)
    period = rank * _PERIODS // count
    numbers = np.maximum(np.bincount(period, minlength=_PERIODS), 1)
    means = np.bincount(period, score, _PERIODS) / numbers
    # neighbours are averaged, so that a single outlier makes no abnormal period
    smooth = np.convolve(np.pad(means, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    is_high = smooth > (smooth.min() + smooth.max()) / 2
    abnormal = is_high[period]
    if not abnormal.any() or abnormal.all():
        return None
    high, low = score[abnormal], score[~abnormal]
    rise = float(high.mean() - low.mean())
    error = float(np.sqrt(high.var() / len(high) + low.var() / len(low))) + 1e-9
    return abnormal if rise > _MIN_RISE and rise / error > _MIN_Z else None
