"""Evidence from the number of calls: spans that call an operation of another service more often than before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.why.evidence import Evidence, EvidenceKind, evidence
from tracetui.analysis.why.observations import Observations, ObservedSpans

_LEAST_FACTOR: Final = 1.5
_LEAST_RISE: Final = 0.5
"""Least number of additional calls per span."""
_LEAST_Z: Final = 4.0
_LEAST_BEFORE: Final = 8


@dataclass(frozen=True, eq=False, slots=True)
class CallCounts:
    """Calls per span of each pair of operations, before and after."""

    pair: np.ndarray
    """int64[m], operation of the parent times the number of operations, plus that of the child."""
    means: tuple[np.ndarray, np.ndarray]
    """Calls for each span of the parent's operation that makes any."""
    spans: tuple[np.ndarray, np.ndarray]
    """Numbers of these spans."""
    worse: np.ndarray
    """int64[k], rows with significantly more calls."""
    surprise: np.ndarray
    """float64[k]"""


def count_calls(both: Observations) -> CallCounts:
    """Compare how often spans call each operation, among the spans that call it at all."""
    operations = len(both.operations)
    sides = [_counts(side, operations) for side in (both.before, both.after)]
    pairs = np.unique(np.concatenate([pair for pair, _ in sides]))
    figures = [_figures(np.searchsorted(pairs, pair), number, len(pairs)) for pair, number in sides]
    (spans_before, mean_before, deviation), (spans_after, mean_after, _) = figures
    error = np.maximum(deviation, 0.1 * mean_before) / np.sqrt(np.maximum(spans_after, 1)) + 1e-9
    z = (mean_after - mean_before) / error
    more = (spans_before >= _LEAST_BEFORE) & (spans_after > 0) & (z > _LEAST_Z)
    more &= (mean_after > _LEAST_FACTOR * mean_before) & (mean_after - mean_before > _LEAST_RISE)
    worse = np.flatnonzero(more)
    return CallCounts(pairs, (mean_before, mean_after), (spans_before, spans_after), worse, z[worse] ** 2 / 2)


def of_calls(both: Observations, counts: CallCounts) -> Evidence:
    """Turn the increases into evidence against the caller; `key` is the row in `counts`."""
    operations = len(both.operations)
    services = np.zeros(operations, np.int64)
    services[both.after.operation] = both.after.service
    before, after = (mean[counts.worse] for mean in counts.means)
    caller = services[counts.pair[counts.worse] // max(operations, 1)]
    return evidence(EvidenceKind.MORE_CALLS, counts.worse, caller, 1.0 - before / after, counts.surprise)


def _counts(side: ObservedSpans, operations: int) -> tuple[np.ndarray, np.ndarray]:
    """Count the children of each span by operation: int64[k] pairs of operations, int64[k] numbers."""
    traces = side.traces
    child = np.flatnonzero(traces.parent >= 0)
    parent = traces.parent[child].astype(np.int64)
    distinct, numbers = np.unique(parent * operations + side.operation[child], return_counts=True)
    parent, operation = np.divmod(distinct, max(operations, 1))
    return side.operation[parent].astype(np.int64) * operations + operation, numbers


def _figures(row: np.ndarray, number: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    spans = np.bincount(row, minlength=count)
    some = np.maximum(spans, 1)
    mean = np.bincount(row, number, count) / some
    squares = np.bincount(row, number.astype(float) ** 2, count) / some
    return spans, mean, np.sqrt(np.maximum(squares - mean**2, 0.0))
