"""Evidence from latency: self time of each operation, and time between the two spans of a call.

The figure is the mean of the logarithms of a time, so that an increase is a factor and single outliers count little.
Its usual variation comes from the baseline, which is divided into windows of equal numbers of traces in the order of
time: the spread of the window means shows how far the figure moves without a problem.

An increase must remain without the trace that contributes most to it, as a single pause delays many spans of one trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.root_causes.aligned_trace_sets import AlignedSets, AlignedSpans
from tracetui.analysis.root_causes.evidence import NO_SERVICE, Evidence, EvidenceKind, make_evidence

_WINDOWS: Final = 12
_MIN_WINDOWS: Final = 4
_MIN_SPANS_IN_WINDOW: Final = 5
_MIN_BASELINE_SPANS: Final = 8
_MIN_INCIDENT_SPANS: Final = 3
_FLOOR_SHARE: Final = 0.001
"""Share of the median response time that is added to every time, as shorter times do not matter."""
_FLOOR_NS: Final = 20_000.0
_MIN_SPREAD: Final = 0.03
"""Spread of a figure that does not vary in the baseline."""
_DEFAULT_SPREAD: Final = 0.1
"""Spread between windows where the baseline has too few of them."""
_MAD_TO_SIGMA: Final = 1.4826
"""Ratio of standard deviation to median absolute deviation, of a normal distribution."""
_MIN_Z: Final = 3.0
_MIN_SERVICES: Final = 4
"""Smallest number of services for which a common increase is attributed to load."""


@dataclass(frozen=True, eq=False, slots=True)
class LatencyChanges:
    """Changes of all measures: the self time of an operation, or its time for calls of one operation or target.

    Pairs of columns: baseline, incident.
    """

    operation: np.ndarray
    """int64[m]"""
    callee: np.ndarray
    """int64[m], operation that is called; -1 for self time and external targets."""
    target: np.ndarray
    """int64[m], service or external target that is called; -1 for self time."""
    counts: tuple[np.ndarray, np.ndarray]
    """Numbers of spans."""
    means: tuple[np.ndarray, np.ndarray]
    """Mean times, ns."""
    increase: np.ndarray
    """float64[m], logarithm of the factor of increase, less the increase that all measures share."""
    z: np.ndarray
    """float64[m], increase in standard errors; 0 where not comparable."""
    measure: np.ndarray
    """int64[n], measure to which each span of the incident belongs."""
    is_comparable: np.ndarray
    """bool[m], enough spans in both sets."""


def compare_latency(sets: AlignedSets) -> LatencyChanges:
    """Compare the times of all measures."""
    sides = sets.baseline, sets.incident
    floor = max(_FLOOR_NS, _FLOOR_SHARE * float(np.median(sets.baseline.traces.response_time)))
    keys = [_measure_keys(side, len(sets.operations), len(sets.services)) for side in sides]
    distinct, codes = np.unique(np.concatenate(keys), return_inverse=True)
    measures = codes[: len(keys[0])], codes[len(keys[0]) :]
    count = len(distinct)
    logs = [np.log(side.self_time + floor) for side in sides]
    counts = [np.bincount(measure, minlength=count) for measure in measures]
    divisors = [np.maximum(number, 1) for number in counts]
    log_means = [
        np.bincount(measure, log, count) / divisor
        for measure, log, divisor in zip(measures, logs, divisors, strict=True)
    ]
    means = [
        np.bincount(measure, side.self_time, count) / divisor
        for measure, side, divisor in zip(measures, sides, divisors, strict=True)
    ]
    squares = np.bincount(measures[0], logs[0] ** 2, count) / divisors[0]
    deviation = np.sqrt(np.maximum(squares - log_means[0] ** 2, 0.0))
    level, spread = _baseline_levels(sets.baseline, measures[0], logs[0], log_means[0], count)
    sampling = deviation**2 / divisors[0] + deviation**2 / divisors[1]
    standard_error = np.sqrt(spread**2 + sampling + _MIN_SPREAD**2)
    increase = log_means[1] - level
    is_comparable = (counts[0] >= _MIN_BASELINE_SPANS) & (counts[1] >= _MIN_INCIDENT_SPANS)
    operation, callee, target = _split_keys(distinct, len(sets.operations), len(sets.services))
    common = _common_increase(increase[is_comparable], sets.services_of(operation[is_comparable]))
    risen = np.flatnonzero(is_comparable & (increase - common >= _MIN_Z * standard_error))
    increase[risen] = _without_one_trace(sets.incident.traces.trace, measures[1], logs[1], risen) - level[risen]
    increase = increase - common
    return LatencyChanges(
        operation,
        callee,
        target,
        (counts[0], counts[1]),
        (means[0], means[1]),
        increase,
        np.where(is_comparable, increase / standard_error, 0.0),
        measures[1],
        is_comparable,
    )


def latency_evidence(sets: AlignedSets, changes: LatencyChanges) -> Evidence:
    """Make evidence of the significant increases; `key` is the measure."""
    keys = np.flatnonzero(changes.is_comparable & (changes.z >= _MIN_Z))
    effect = 1.0 - np.exp(-np.maximum(changes.increase[keys], 0.0))
    own, target = sets.services_of(changes.operation[keys]), changes.target[keys]
    is_call = target >= 0
    found = make_evidence(
        EvidenceKind.SELF_TIME,
        keys,
        np.where(is_call, target, own),
        effect,
        changes.z[keys] ** 2 / 2,
        caller=np.where(is_call, own, NO_SERVICE),
    )
    called = np.where(changes.callee[keys] >= 0, int(EvidenceKind.NETWORK), int(EvidenceKind.DEPENDENCY))
    found.kind[is_call] = called[is_call]
    return found


def slow_call_share(sets: AlignedSets, changes: LatencyChanges) -> np.ndarray:
    """Compute the share of each service's calls, incoming and outgoing, that became slower: float64[services].

    A measure counts by the weight of its evidence, not by its number of spans.
    """
    calls = np.flatnonzero(changes.is_comparable & (changes.target >= 0))
    found = latency_evidence(sets, changes)
    weight = np.zeros(len(changes.operation))
    weight[found.key] = found.weight
    total, slow = np.zeros(len(sets.services)), np.zeros(len(sets.services))
    for services in (sets.services_of(changes.operation[calls]), changes.target[calls]):
        np.add.at(total, services, 1.0)
        np.add.at(slow, services, weight[calls])
    share: np.ndarray = slow / np.maximum(total, 1.0)
    return share


def _measure_keys(side: AlignedSpans, operations: int, services: int) -> np.ndarray:
    """Combine operation, callee and target of each span into one number: int64[n]."""
    calls = side.operation.astype(np.int64) * (operations + 1) + side.callee + 1
    keys: np.ndarray = calls * (services + 1) + side.target + 1
    return keys


def _split_keys(keys: np.ndarray, operations: int, services: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take the numbers of `_measure_keys` apart. -> operation, callee, target"""
    rest, target = np.divmod(keys, services + 1)
    operation, callee = np.divmod(rest, operations + 1)
    return np.asarray(operation), np.asarray(callee) - 1, np.asarray(target) - 1


def _baseline_levels(
    side: AlignedSpans, measure: np.ndarray, logs: np.ndarray, mean: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Compute level and spread of each measure over the windows of the baseline: float64[m], float64[m]."""
    traces = side.traces
    rank = np.empty(traces.trace_count, np.int64)
    rank[np.argsort(traces.trace_start, kind="stable")] = np.arange(traces.trace_count)
    window = (rank * _WINDOWS // max(traces.trace_count, 1))[traces.trace]
    cell = measure * _WINDOWS + window
    numbers = np.bincount(cell, minlength=count * _WINDOWS).reshape(count, _WINDOWS)
    sums = np.bincount(cell, logs, count * _WINDOWS).reshape(count, _WINDOWS)
    is_filled = numbers >= _MIN_SPANS_IN_WINDOW
    enough = is_filled.sum(axis=1) >= _MIN_WINDOWS
    level, spread = mean.copy(), np.full(count, _DEFAULT_SPREAD)
    if enough.any():
        means = np.where(is_filled, sums / np.maximum(numbers, 1), np.nan)[enough]
        level[enough] = np.nanmedian(means, axis=1)
        spread[enough] = _MAD_TO_SIGMA * np.nanmedian(np.abs(means - level[enough][:, None]), axis=1)
    return level, spread


def _without_one_trace(trace: np.ndarray, measure: np.ndarray, logs: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Compute the mean of each chosen measure without the trace that raises it most: float64[chosen].

    trace, measure: int[n], of each span. chosen: int64[k], ascending. A measure of a single trace has its plain mean.
    """
    spans = np.flatnonzero(np.isin(measure, chosen))
    row = np.searchsorted(chosen, measure[spans])
    traces = int(trace.max(initial=0)) + 1
    distinct, codes = np.unique(row * traces + trace[spans], return_inverse=True)
    row = distinct // traces
    sums, counts = np.bincount(codes, logs[spans]), np.bincount(codes)
    total, number = np.bincount(row, sums, len(chosen)), np.bincount(row, counts, len(chosen))
    is_only = counts == number[row]
    rest = np.where(is_only, total[row], total[row] - sums) / np.where(is_only, number[row], number[row] - counts)
    lowest = np.full(len(chosen), np.inf)
    np.minimum.at(lowest, row, rest)
    return lowest


def _common_increase(increase: np.ndarray, services: np.ndarray) -> float:
    """Find the increase that three quarters of the measures exceed, as under higher load; 0 for few services."""
    if len(np.unique(services)) < _MIN_SERVICES:
        return 0.0
    return max(0.0, float(np.quantile(increase, 0.25)))
