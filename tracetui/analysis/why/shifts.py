"""Evidence from time: self time of each operation, and time between the two spans of a call.

The figure is the mean logarithm of a time, so that an increase is a factor and single outliers count little. It is
compared with its own variation: the baseline is cut into pieces of equal numbers of traces in the order of time, and
the spread of their means says how much the figure moves without a fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.why.evidence import Evidence, EvidenceKind, evidence
from tracetui.analysis.why.observations import Observations, ObservedSpans

_PIECES: Final = 12
_LEAST_PIECES: Final = 4
_LEAST_IN_PIECE: Final = 5
_LEAST_BEFORE: Final = 8
_LEAST_AFTER: Final = 3
_FLOOR_SHARE: Final = 0.001
"""Share of the usual response time that is added to every time: smaller ones do not matter."""
_FLOOR_NS: Final = 20_000.0
_OWN_SPREAD: Final = 0.03
"""Spread below which a figure does not vary in any system."""
_UNKNOWN_SPREAD: Final = 0.1
"""Spread between times of day, where the baseline is too short to show it."""
_TO_SIGMA: Final = 1.4826
_LEAST_Z: Final = 3.0
_COMMON_SERVICES: Final = 4
"""Least number of services for which a common increase is put down to load."""


@dataclass(frozen=True, eq=False, slots=True)
class Shifts:
    """Figures of each measure: a pair of an operation and the operation or target that it calls."""

    operation: np.ndarray
    """int64[m]"""
    answered: np.ndarray
    """int64[m], operation that answers; -1 for self time and targets without spans."""
    target: np.ndarray
    """int64[m], service or target that is called; -1 for self time."""
    counts: tuple[np.ndarray, np.ndarray]
    """Numbers of spans before and after."""
    means: tuple[np.ndarray, np.ndarray]
    """Mean times before and after, ns."""
    factor: np.ndarray
    """float64[m], logarithm of the increase, without the increase that all have in common."""
    z: np.ndarray
    """float64[m], the same in spreads."""
    of_after: np.ndarray
    """int64[n], measure of each span after; -1 for none."""
    comparable: np.ndarray
    """bool[m], enough spans on both sides."""


def find_shifts(both: Observations) -> Shifts:
    """Compare the times of all measures."""
    sides = both.before, both.after
    floor = max(_FLOOR_NS, _FLOOR_SHARE * float(np.median(both.before.traces.response_time)))
    keys = [_keys(side, len(both.operations), len(both.services)) for side in sides]
    distinct, codes = np.unique(np.concatenate(keys), return_inverse=True)
    first, second = codes[: len(keys[0])], codes[len(keys[0]) :]
    count = len(distinct)
    logs = [np.log(side.self_time + floor) for side in sides]
    numbers = [np.bincount(part, minlength=count) for part in (first, second)]
    shown = [np.maximum(number, 1) for number in numbers]
    of_logs = [
        np.bincount(part, log, count) / some for part, log, some in zip((first, second), logs, shown, strict=True)
    ]
    means = [
        np.bincount(part, side.self_time, count) / some
        for part, side, some in zip((first, second), sides, shown, strict=True)
    ]
    squares = np.bincount(first, logs[0] ** 2, count) / shown[0]
    deviation = np.sqrt(np.maximum(squares - of_logs[0] ** 2, 0.0))
    usual, spread = _usual(both.before, first, logs[0], of_logs[0], count)
    error = deviation / np.sqrt(shown[1])
    whole = np.sqrt(spread**2 + error**2 + (deviation / np.sqrt(shown[0])) ** 2 + _OWN_SPREAD**2)
    factor = of_logs[1] - usual
    comparable = (numbers[0] >= _LEAST_BEFORE) & (numbers[1] >= _LEAST_AFTER)
    operation, answered, target = _parts(distinct, len(both.operations), len(both.services))
    factor = factor - _common(factor[comparable], _services_of(both, operation)[comparable])
    return Shifts(
        operation,
        answered,
        target,
        (numbers[0], numbers[1]),
        (means[0], means[1]),
        factor,
        np.where(comparable, factor / whole, 0.0),
        second,
        comparable,
    )


def of_time(both: Observations, shifts: Shifts) -> Evidence:
    """Turn the increases into evidence; `key` is the measure."""
    worse = np.flatnonzero(shifts.comparable & (shifts.z >= _LEAST_Z))
    effect = 1.0 - np.exp(-np.maximum(shifts.factor[worse], 0.0))
    surprise = shifts.z[worse] ** 2 / 2
    caller = _services_of(both, shifts.operation[worse])
    target = shifts.target[worse]
    kinds = np.where(
        target < 0,
        int(EvidenceKind.SELF_TIME),
        np.where(shifts.answered[worse] >= 0, int(EvidenceKind.NETWORK), int(EvidenceKind.DEPENDENCY)),
    )
    found = evidence(
        EvidenceKind.SELF_TIME,
        worse,
        np.where(target >= 0, target, caller),
        effect,
        surprise,
        other=np.where(target >= 0, caller, -1),
    )
    found.kind[:] = kinds
    return found


def slow_share(both: Observations, shifts: Shifts) -> np.ndarray:
    """Compute for each service the share of its calls, in and out, that have become slower: float64[services].

    A measure counts with the weight of its evidence, whatever its number of spans.
    """
    edges = np.flatnonzero(shifts.comparable & (shifts.target >= 0))
    found = of_time(both, shifts)
    weight = np.zeros(len(shifts.operation))
    weight[found.key] = found.weight
    total, slow = np.zeros(len(both.services)), np.zeros(len(both.services))
    for services in (_services_of(both, shifts.operation[edges]), shifts.target[edges]):
        np.add.at(total, services, 1.0)
        np.add.at(slow, services, weight[edges])
    share: np.ndarray = slow / np.maximum(total, 1.0)
    return share


def _keys(side: ObservedSpans, operations: int, services: int) -> np.ndarray:
    """Number the measure of each span: int64[n]."""
    keys: np.ndarray = (
        (side.operation.astype(np.int64) * (operations + 1) + side.answered + 1) * (services + 1) + side.target + 1
    )
    return keys


def _parts(keys: np.ndarray, operations: int, services: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rest, target = np.divmod(keys, services + 1)
    operation, answered = np.divmod(rest, operations + 1)
    return np.asarray(operation), np.asarray(answered) - 1, np.asarray(target) - 1


def _services_of(both: Observations, operation: np.ndarray) -> np.ndarray:
    """Find the service of each operation: int64[m]."""
    numbers = both.services.numbers
    of = np.array([numbers[both.operation_name(one)[0]] for one in range(len(both.operations))] or [0], np.int64)
    services: np.ndarray = of[operation]
    return services


def _usual(
    side: ObservedSpans, code: np.ndarray, logs: np.ndarray, mean: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the usual level of each measure, and its spread over the time of the baseline: float64[m], float64[m]."""
    traces = side.traces
    rank = np.empty(traces.trace_count, np.int64)
    rank[np.argsort(traces.trace_start, kind="stable")] = np.arange(traces.trace_count)
    piece = (rank * _PIECES // max(traces.trace_count, 1))[traces.trace]
    cell = code * _PIECES + piece
    numbers = np.bincount(cell, minlength=count * _PIECES).reshape(count, _PIECES)
    sums = np.bincount(cell, logs, count * _PIECES).reshape(count, _PIECES)
    filled = numbers >= _LEAST_IN_PIECE
    enough = filled.sum(axis=1) >= _LEAST_PIECES
    usual, spread = mean.copy(), np.full(count, _UNKNOWN_SPREAD)
    if enough.any():
        means = np.where(filled, sums / np.maximum(numbers, 1), np.nan)[enough]
        usual[enough] = np.nanmedian(means, axis=1)
        spread[enough] = _TO_SIGMA * np.nanmedian(np.abs(means - usual[enough][:, None]), axis=1)
    return usual, spread


def _common(factor: np.ndarray, services: np.ndarray) -> float:
    """Find the increase that three quarters of the measures exceed, as under more load; 0 for few services."""
    if len(np.unique(services)) < _COMMON_SERVICES:
        return 0.0
    return max(0.0, float(np.quantile(factor, 0.25)))
