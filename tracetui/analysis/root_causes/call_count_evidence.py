"""Evidence from the number of calls: spans that call another operation more often than in the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.root_causes.aligned_trace_sets import AlignedSets, AlignedSpans
from tracetui.analysis.root_causes.evidence import Evidence, EvidenceKind, make_evidence

_MIN_RATIO: Final = 1.5
_MIN_RISE: Final = 0.5
"""Smallest number of additional calls per span."""
_MIN_Z: Final = 4.0
_MIN_BASELINE_SPANS: Final = 8
_MIN_DEVIATION: Final = 0.1
"""Smallest standard deviation of the number of calls, as a share of the mean."""


@dataclass(frozen=True, eq=False, slots=True)
class CallCounts:
    """Calls per span of each pair of caller's and callee's operation. Pairs of columns: baseline, incident."""

    pair: np.ndarray
    """int64[m], operation of the parent times the number of operations, plus that of the child."""
    means: tuple[np.ndarray, np.ndarray]
    """Calls per span, over the spans of the parent's operation that make any."""
    spans: tuple[np.ndarray, np.ndarray]
    """Numbers of these spans."""
    risen: np.ndarray
    """int64[k], rows with significantly more calls."""
    log_likelihood: np.ndarray
    """float64[k]"""


def count_calls(sets: AlignedSets) -> CallCounts:
    """Compare how often spans call each operation, over the spans that call it at all."""
    operations = len(sets.operations)
    sides = [_counts(side, operations) for side in (sets.baseline, sets.incident)]
    pairs = np.unique(np.concatenate([pair for pair, _ in sides]))
    figures = [_figures(np.searchsorted(pairs, pair), number, len(pairs)) for pair, number in sides]
    (spans_before, mean_before, deviation), (spans_after, mean_after, _) = figures
    error = np.maximum(deviation, _MIN_DEVIATION * mean_before) / np.sqrt(np.maximum(spans_after, 1)) + 1e-9
    z = (mean_after - mean_before) / error
    has_risen = (spans_before >= _MIN_BASELINE_SPANS) & (spans_after > 0) & (z > _MIN_Z)
    has_risen &= (mean_after > _MIN_RATIO * mean_before) & (mean_after - mean_before > _MIN_RISE)
    risen = np.flatnonzero(has_risen)
    return CallCounts(pairs, (mean_before, mean_after), (spans_before, spans_after), risen, z[risen] ** 2 / 2)


def call_count_evidence(sets: AlignedSets, counts: CallCounts) -> Evidence:
    """Make evidence against the callers; `key` is the row in `counts`."""
    before, after = (mean[counts.risen] for mean in counts.means)
    caller = sets.services_of(counts.pair[counts.risen] // max(len(sets.operations), 1))
    return make_evidence(EvidenceKind.MORE_CALLS, counts.risen, caller, 1.0 - before / after, counts.log_likelihood)


def _counts(side: AlignedSpans, operations: int) -> tuple[np.ndarray, np.ndarray]:
    """Count the children of each span by operation: int64[k] pairs of operations, int64[k] numbers."""
    traces = side.traces
    child = np.flatnonzero(traces.parent >= 0)
    parent = traces.parent[child].astype(np.int64)
    distinct, numbers = np.unique(parent * operations + side.operation[child], return_counts=True)
    parent, operation = np.divmod(distinct, max(operations, 1))
    return side.operation[parent].astype(np.int64) * operations + operation, numbers


def _figures(row: np.ndarray, number: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute number of spans, mean and standard deviation of each row."""
    spans = np.bincount(row, minlength=count)
    divisor = np.maximum(spans, 1)
    mean = np.bincount(row, number, count) / divisor
    squares = np.bincount(row, number.astype(float) ** 2, count) / divisor
    return spans, mean, np.sqrt(np.maximum(squares - mean**2, 0.0))
