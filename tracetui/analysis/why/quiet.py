"""Choose a baseline within one trace set: its quiet time, or else the traces without a problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.requests import failed_requests
from tracetui.model.traces import TraceSet

LEAST_TRACES: Final = 20
"""Number of traces below which no baseline is chosen."""
_PIECES: Final = 20
_FAILED: Final = 3.0
"""Weight of a failed request, added to the logarithm of its response time."""
_MOST: Final = 5.0
_LEAST_RISE: Final = 0.2
_LEAST_Z: Final = 8.0
"""Higher than usual, as the pieces were sorted by what is tested."""
_SLOWEST: Final = 0.9
_MOST_FAILED: Final = 0.5
_LEAST_FAILED: Final = 3
"""Number of failed requests below which they are not compared, but judged by their errors."""


@dataclass(frozen=True, eq=False, slots=True)
class QuietPart:
    """Two groups of the traces of a set."""

    before: np.ndarray
    """bool[traces], the baseline."""
    after: np.ndarray
    """bool[traces]"""
    description: str
    """Description of the baseline, for reports."""
    is_weak: bool = False
    """True if nothing shows that the traces have a problem that those of the baseline have not."""


def quiet_part(traces: TraceSet) -> QuietPart | None:
    """Choose the baseline: the pieces of time with few failures and low response times, if some differ clearly.

    Otherwise the failed requests, or the slowest tenth, are compared with the other traces. None for few traces, or few
    that failed.
    """
    if traces.trace_count < LEAST_TRACES:
        return None
    failed = failed_requests(traces)
    badness = np.clip(_slowness(traces), -_MOST, _MOST) + _FAILED * failed
    by_time = _by_time(traces, badness)
    if by_time is not None:
        return QuietPart(~by_time, by_time, "the quiet part of the time")
    if 0 < failed.sum() < _LEAST_FAILED:
        return None
    if failed.any() and failed.mean() < _MOST_FAILED:
        return QuietPart(~failed, failed, "the requests that did not fail")
    slow = badness > np.quantile(badness, _SLOWEST)
    return QuietPart(~slow, slow, "all but the slowest tenth of the requests", is_weak=True) if slow.any() else None


def _slowness(traces: TraceSet) -> np.ndarray:
    """Compare each response time with the median of its entry point, as a logarithm: float64[traces]."""
    times = np.log(np.maximum(traces.response_time, 1))
    _, entry = np.unique(traces.operation[traces.main_root], return_inverse=True)
    order = np.lexsort((times, entry))
    first = np.searchsorted(entry[order], np.arange(int(entry.max()) + 1))
    sizes = np.bincount(entry)
    medians = times[order][first + sizes // 2]
    slowness: np.ndarray = times - medians[entry]
    return slowness


def _by_time(traces: TraceSet, badness: np.ndarray) -> np.ndarray | None:
    """Find the traces of the pieces of time that are clearly worse than the others: bool[traces], None for none."""
    count = traces.trace_count
    rank = np.empty(count, np.int64)
    rank[np.argsort(traces.trace_start, kind="stable")] = np.arange(count)
    piece = rank * _PIECES // count
    numbers = np.maximum(np.bincount(piece, minlength=_PIECES), 1)
    means = np.bincount(piece, badness, _PIECES) / numbers
    # neighbours are averaged, so that one odd trace does not make a piece
    smooth = np.convolve(np.pad(means, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    worse = smooth > (smooth.min() + smooth.max()) / 2
    bad = worse[piece]
    if not bad.any() or bad.all():
        return None
    rise = float(badness[bad].mean() - badness[~bad].mean())
    error = float(np.sqrt(badness[bad].var() / bad.sum() + badness[~bad].var() / (~bad).sum())) + 1e-9
    return bad if rise > _LEAST_RISE and rise / error > _LEAST_Z else None
