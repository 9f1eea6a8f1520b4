"""Thresholds for alerts on a service, from how its operations do in a baseline of traces."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.groups import group_slices, quantiles
from tracetui.model.problems import UsageError
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet

LEAST_CALLS = 20
"""Calls below which a baseline says too little for a threshold."""
LATENCY_FACTOR = 1.5
ERROR_FACTOR = 2.0
LEAST_ERROR_PERCENT = 1.0
_P95 = 0.95
_ALL = 99.0
"""Percent from which on more can hardly fail."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """How an operation that a service is called with does, and when that should wake somebody."""

    operation: str
    kinds: tuple[Kind, ...]
    """Of the spans that it was measured by."""
    call_count: int
    p95_ns: float
    error_percent: float
    latency_threshold_ns: int
    """The baseline's p95 times `LATENCY_FACTOR`, to two digits."""
    error_threshold_percent: float | None
    """The baseline's error rate times `ERROR_FACTOR`, at least `LEAST_ERROR_PERCENT`; half of the way to 100 where it
    would be beyond that, None where all calls fail as it is.
    """


def baselines(traces: TraceSet, service: str) -> tuple[list[Baseline], int]:
    """The operations that a service is called with, most called first, and how many more have too few calls.

    Raises UsageError where the service has no span.
    """
    number = traces.services.index(service) if service in traces.services else -1
    entry = (traces.parent < 0) | (traces.service != traces.service[traces.parent])
    spans = np.flatnonzero(entry & (traces.service == number))
    if not len(spans):
        raise UsageError(f"no call of a service {service} is here to take a baseline from")
    order, distinct, first = group_slices(traces.name[spans])
    found, few = [], 0
    for name, begin, end in zip(distinct.tolist(), first[:-1].tolist(), first[1:].tolist(), strict=True):
        own = spans[order[begin:end]]
        if len(own) < LEAST_CALLS:
            few += 1
            continue
        (p95,) = quantiles(traces.duration[own], (_P95,))
        failed = 100 * int(traces.error[own].sum()) / len(own)
        found.append(
            Baseline(
                operation=traces.names[name],
                kinds=tuple(map(Kind, np.unique(traces.kind[own]).tolist())),
                call_count=len(own),
                p95_ns=p95,
                error_percent=failed,
                latency_threshold_ns=_two_digits(p95 * LATENCY_FACTOR),
                error_threshold_percent=_error_threshold(failed),
            )
        )
    return sorted(found, key=lambda one: (-one.call_count, one.operation)), few


def _error_threshold(failed: float) -> float | None:
    if failed >= _ALL:
        return None
    doubled = max(round(failed * ERROR_FACTOR, 1), LEAST_ERROR_PERCENT)
    return doubled if doubled < _ALL else round((failed + 100) / 2, 1)


def _two_digits(ns: float) -> int:
    """Rounded up, and at least a microsecond."""
    whole = max(math.ceil(ns), 1_000)
    step = 10 ** (len(str(whole)) - 2)
    rounded: int = -(-whole // step) * step
    return rounded
