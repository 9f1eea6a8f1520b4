"""Evidence from steps: the calls that a span makes and the log lines that it writes.

A call is identified by the operation of its span and the operation that this calls in turn, as many spans are called
"HTTP GET". The set of a span's steps, without their number and order, is its combination. A combination that is rare
among the spans of an operation in the baseline and frequent in the incident shows that the code takes another path: it
returns early, throws an exception, or calls something new. All combinations that do not occur in the baseline count as
one, whose rate is estimated from the combinations that occur once (Good-Turing estimate).

If abnormal spans are nested, the outer ones are consequences: only the innermost count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.root_causes.aligned_trace_sets import AlignedSets, AlignedSpans, Numbering
from tracetui.analysis.root_causes.evidence import Evidence, EvidenceKind, make_evidence

_MIN_RISE: Final = 0.02
"""Smallest rise of the rate of a combination, from 0 to 1."""
_MIN_RATIO: Final = 3.0
_MIN_Z: Final = 4.0
_MIN_BASELINE_SPANS: Final = 8


@dataclass(frozen=True, eq=False, slots=True)
class StepChanges:
    """Spans of the incident with an abnormal combination of steps."""

    is_origin: np.ndarray
    """bool[n], innermost abnormal spans."""
    log_likelihood: np.ndarray
    """float64[n], logarithm of the increase in the rate of the span's combination."""
    statements: Numbering[str]
    """Names of the log statements."""
    log_lines: tuple[np.ndarray, np.ndarray]
    """Statement of each log record in baseline and incident, int64; a number of `statements`."""


def find_step_changes(
    sets: AlignedSets, statements: Numbering[str], log_lines: tuple[np.ndarray, np.ndarray], error_origins: np.ndarray
) -> StepChanges:
    """Find spans with combinations that are rare in the baseline. error_origins: bool[n], of the incident."""
    operations = len(sets.operations)
    random = np.random.default_rng(0).integers(1, 1 << 62, len(sets.steps) + len(statements) + 1, np.int64)
    hashes = np.concatenate(
        [
            _combination_hashes(side, lines, len(sets.steps), random)
            for side, lines in zip((sets.baseline, sets.incident), log_lines, strict=True)
        ]
    )
    baseline_operation, incident_operation = sets.baseline.operation, sets.incident.operation
    both = np.concatenate((baseline_operation, incident_operation)).astype(np.int64)
    _, first, codes = np.unique(hashes ^ (both * 0x9E3779B97F4A7C1), return_index=True, return_inverse=True)
    operation = both[first]
    code = codes[len(baseline_operation) :]
    count = len(first)
    old = np.bincount(codes[: len(baseline_operation)], minlength=count)
    new = np.bincount(code, minlength=count)
    total_before = np.bincount(baseline_operation, minlength=operations)[operation]
    total_after = np.bincount(incident_operation, minlength=operations)[operation]
    # combinations that are not in the baseline are one class per operation
    is_unseen = old == 0
    seen_once = np.bincount(operation[old == 1], minlength=operations)[operation]
    unseen = np.bincount(operation[is_unseen], new[is_unseen], operations)[operation]
    rate_before = (np.where(is_unseen, seen_once, old) + 0.5) / (total_before + 1)
    rate_after = np.where(is_unseen, unseen, new) / np.maximum(total_after, 1)
    deviation = np.sqrt(rate_before * np.maximum(1 - rate_before, 0) / np.maximum(total_after, 1)) + 1e-12
    is_abnormal = (new > 0) & (total_before >= _MIN_BASELINE_SPANS)
    is_abnormal &= (rate_after - rate_before > _MIN_RISE) & (rate_after > _MIN_RATIO * rate_before)
    is_abnormal &= (rate_after - rate_before) / deviation > _MIN_Z
    # a span with an error is abnormal as well, and its error explains the steps that it lacks
    counted = np.concatenate(([0], np.cumsum(is_abnormal[code] | error_origins)))
    traces = sets.incident.traces
    nested = counted[traces.subtree_end] - counted[np.arange(len(traces)) + 1]
    increase = np.where(is_abnormal, np.log(np.maximum(rate_after, 1e-12) / rate_before), 0.0)
    is_origin = is_abnormal[code] & ~error_origins & (nested == 0)
    return StepChanges(is_origin, increase[code], statements, log_lines)


def step_evidence(sets: AlignedSets, changes: StepChanges) -> Evidence:
    """Make one piece of evidence per operation of the origins; `key` is the operation."""
    origins = np.flatnonzero(changes.is_origin)
    operation = sets.incident.operation
    operations = len(sets.operations)
    numbers = np.bincount(operation[origins], minlength=operations)
    keys = np.flatnonzero(numbers)
    totals = np.bincount(operation, minlength=operations)
    sums = np.bincount(operation[origins], changes.log_likelihood[origins], operations)
    effect = numbers[keys] / totals[keys]
    return make_evidence(EvidenceKind.STEPS, keys, sets.services_of(keys), effect, sums[keys])


def _combination_hashes(side: AlignedSpans, lines: np.ndarray, steps: int, random: np.ndarray) -> np.ndarray:
    """Hash the combination of each span: int64[n].

    steps: number of those that are spans; log statements follow. random: a number for each step; a hash is the sum of
    its own.
    """
    traces = side.traces
    child = np.flatnonzero(traces.parent >= 0)
    span = traces.parent[child].astype(np.int64)
    step = side.step[child].astype(np.int64)
    if len(lines):
        span = np.concatenate((span, traces.log_lines.span.astype(np.int64)))
        step = np.concatenate((step, lines + steps))
    width = len(random)
    # sorted, as numpy's table of distinct numbers takes ten times as long
    pairs = np.sort(span * width + step)
    distinct = pairs[np.diff(pairs, prepend=-1) > 0]
    span, step = np.divmod(distinct, width)
    first = np.flatnonzero(np.diff(span, prepend=-1))
    hashes = np.zeros(len(traces), np.int64)
    if len(first):
        hashes[span[first]] = np.add.reduceat(random[step], first)
    return hashes
