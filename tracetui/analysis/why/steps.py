"""Evidence from steps: the calls that a span makes and the log lines that it writes.

The steps of a span, without their number and order, are a combination. A combination that was rare among the spans of
the operation before, and is not now, shows that the code takes another way: it returned early, met an exception, or
calls something new. All combinations that were never seen before count as one, whose former rate is that of
combinations seen once (Good and Turing).

Where spans below take another way as well, in the same trace, those above only follow: the deepest are the origins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.why.evidence import Evidence, EvidenceKind, evidence
from tracetui.analysis.why.observations import Numbered, Observations, ObservedSpans

_LEAST_RISE: Final = 0.02
_LEAST_FACTOR: Final = 3.0
_LEAST_Z: Final = 4.0
_LEAST_BEFORE: Final = 8


@dataclass(frozen=True, eq=False, slots=True)
class Steps:
    """Combinations of steps of the spans after."""

    is_odd: np.ndarray
    """bool[n], spans after whose combination is much more frequent than before."""
    origin: np.ndarray
    """bool[n], those below which no other is."""
    surprise: np.ndarray
    """float64[n], logarithm of the increase in the frequency of a span's combination."""
    statements: Numbered[str]
    """Names of the log statements."""
    lines: tuple[np.ndarray, np.ndarray]
    """Statement of each log record before and after, int64; a number of `statements`."""


def find_steps(
    both: Observations, statements: Numbered[str], lines: tuple[np.ndarray, np.ndarray], failing: np.ndarray
) -> Steps:
    """Find spans with steps that were rare before. failing: bool[n], spans after in which an error began."""
    operations = len(both.operations)
    random = np.random.default_rng(0).integers(1, 1 << 62, operations + len(statements) + 1, np.int64)
    before, after = (
        _combination(side, part, operations, random)
        for side, part in zip((both.before, both.after), lines, strict=True)
    )
    of_before, of_after = both.before.operation, both.after.operation
    mixed = np.concatenate((before, after)) ^ (
        np.concatenate((of_before, of_after)).astype(np.int64) * 0x9E3779B97F4A7C1
    )
    _, first, codes = np.unique(mixed, return_index=True, return_inverse=True)
    operation = np.concatenate((of_before, of_after))[first].astype(np.int64)
    old, new = codes[: len(before)], codes[len(before) :]
    count = len(first)
    olds, news = np.bincount(old, minlength=count), np.bincount(new, minlength=count)
    total_before = np.bincount(of_before, minlength=operations)[operation]
    total_after = np.bincount(of_after, minlength=operations)[operation]
    # combinations never seen before are one class per operation
    unseen = olds == 0
    once = np.bincount(operation[olds == 1], minlength=operations)[operation]
    all_unseen = np.bincount(operation[unseen], news[unseen], operations)[operation]
    rate_before = (np.where(unseen, once, olds) + 0.5) / (total_before + 1)
    rate_after = np.where(unseen, all_unseen, news) / np.maximum(total_after, 1)
    deviation = np.sqrt(rate_before * np.maximum(1 - rate_before, 0) / np.maximum(total_after, 1)) + 1e-12
    odd = (news > 0) & (total_before >= _LEAST_BEFORE)
    odd &= (rate_after - rate_before > _LEAST_RISE) & (rate_after > _LEAST_FACTOR * rate_before)
    odd &= (rate_after - rate_before) / deviation > _LEAST_Z
    is_odd = odd[new]
    marked = np.concatenate(([0], np.cumsum(is_odd | failing)))
    traces = both.after.traces
    below = marked[traces.subtree_end] - marked[np.arange(len(traces)) + 1]
    surprise = np.where(odd, np.log(np.maximum(rate_after, 1e-12) / rate_before), 0.0)[new]
    # an error explains what its own span did not do
    return Steps(is_odd, is_odd & ~failing & (below == 0), surprise, statements, lines)


def of_steps(both: Observations, steps: Steps) -> Evidence:
    """Turn the origins into evidence, one piece per operation; `key` is the operation."""
    origins = np.flatnonzero(steps.origin)
    operation = both.after.operation
    operations = len(both.operations)
    numbers = np.bincount(operation[origins], minlength=operations)
    keys = np.flatnonzero(numbers)
    totals = np.bincount(operation, minlength=operations)
    sums = np.bincount(operation[origins], steps.surprise[origins], operations)
    services = np.zeros(operations, np.int64)
    services[operation[origins]] = both.after.service[origins]
    return evidence(EvidenceKind.STEPS, keys, services[keys], numbers[keys] / totals[keys], sums[keys])


def _combination(side: ObservedSpans, lines: np.ndarray, operations: int, random: np.ndarray) -> np.ndarray:
    """Compute a number for the set of steps of each span: int64[n]."""
    traces = side.traces
    child = np.flatnonzero(traces.parent >= 0)
    span = traces.parent[child].astype(np.int64)
    step = side.operation[child].astype(np.int64)
    if len(lines):
        span = np.concatenate((span, traces.log_lines.span.astype(np.int64)))
        step = np.concatenate((step, lines + operations))
    width = len(random)
    distinct = np.unique(span * width + step)
    result = np.zeros(len(traces), np.int64)
    np.add.at(result, distinct // width, random[distinct % width])
    return result
