"""Alert thresholds for the operations of a service, from a baseline of traces.

The metric of an alert counts durations in buckets, so that a quantile may be anywhere in its bucket
(prometheus/prometheus, `docs/querying/functions.md`, `histogram_quantile`). Therefore a threshold is at least the end
of the bucket that contains the quantile of the baseline.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.name_matching import name_pattern
from tracetui.analysis.stats.groups import FEW_SAMPLES, group_slices, quantiles
from tracetui.model.errors import UsageError
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet

LATENCY_FACTOR = 1.5
ERROR_FACTOR = 2.0
MIN_ERROR_PERCENT = 1.0
_P95 = 0.95
_MAX_TRIED = 2_000
"""Largest number of operations of a service that are matched with the pattern of another."""
_NAMES_TRIED = 100
_MAX_EXCLUDED = 20
_ALL = 99.0
"""Error rate in percent above which no threshold makes sense."""
_MS = 1_000_000
BUCKET_ENDS_NS = (
    *(ms * _MS for ms in (2, 4, 6, 8, 10, 50, 100, 200, 400, 800)),
    *(ms * _MS for ms in (1_000, 1_400, 2_000, 5_000, 10_000, 15_000)),
)
"""Bucket ends of the span-metrics connector by default. Longer calls are counted in the last bucket."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Baseline of an entry operation of a service, and the alert thresholds derived from it."""

    operation: str
    kinds: tuple[Kind, ...]
    """Kinds of the spans of the baseline."""
    call_count: int
    p95_ns: float
    error_percent: float
    latency_threshold_ns: int
    """p95 of the baseline times `LATENCY_FACTOR`, rounded to two digits, or `bucket_end_ns` if that is greater."""
    bucket_end_ns: int
    """End of the bucket that contains the p95: the metric may report up to this value for it."""
    error_threshold_percent: float | None
    """Error rate of the baseline times `ERROR_FACTOR`, at least `MIN_ERROR_PERCENT` and at most halfway from the rate
    to 100 %; None if all calls failed.
    """
    is_error_threshold_halfway: bool
    pattern: str = ""
    """Pattern that matches its span names as a whole (see `name_pattern`); '' if they equal `operation`."""
    others: tuple[tuple[str, str], ...] = ()
    """Other operations of the service whose names match the pattern, each with its own pattern."""

    @property
    def is_raised_to_bucket(self) -> bool:
        """True if the metric cannot resolve `LATENCY_FACTOR` times the baseline."""
        return self.latency_threshold_ns == self.bucket_end_ns > _two_digits(self.p95_ns * LATENCY_FACTOR)


def baselines(traces: TraceSet, service: str) -> tuple[list[Baseline], int]:
    """Find the entry operations of a service, most called first, and the number of those with too few calls.

    Raises UsageError if the service has no calls.
    """
    number = traces.services.index(service) if service in traces.services else -1
    entry = (traces.parent < 0) | (traces.service != traces.service[traces.parent])
    spans = np.flatnonzero(entry & (traces.service == number))
    if not len(spans):
        raise UsageError(f"no calls to service {service} for a baseline")
    patterns = _Patterns(traces, number)
    order, distinct, first = group_slices(traces.shape[spans])
    found, few = [], 0
    for shape, begin, end in zip(distinct.tolist(), first[:-1].tolist(), first[1:].tolist(), strict=True):
        own = spans[order[begin:end]]
        durations = traces.known_durations(own)
        if len(durations) < FEW_SAMPLES:
            few += 1
            continue
        (p95,) = quantiles(durations, (_P95,))
        bucket = _bucket_end(durations)
        failed = 100 * int(traces.error[own].sum()) / len(own)
        error_threshold, halfway = _error_threshold(failed)
        found.append(
            Baseline(
                operation=traces.shapes[shape],
                kinds=tuple(map(Kind, np.unique(traces.kind[own]).tolist())),
                call_count=len(own),
                p95_ns=p95,
                error_percent=failed,
                latency_threshold_ns=max(_two_digits(p95 * LATENCY_FACTOR), bucket),
                bucket_end_ns=bucket,
                error_threshold_percent=error_threshold,
                is_error_threshold_halfway=halfway,
                pattern=patterns.of(shape),
                others=patterns.others(shape),
            )
        )
    return sorted(found, key=lambda one: (-one.call_count, one.operation)), few


class _Patterns:
    """Name patterns of the operations of a service."""

    def __init__(self, traces: TraceSet, service: int) -> None:
        self._shapes = traces.shapes
        pairs = np.unique(traces.exact_operation[traces.service == service], return_index=True)[1]
        spans = np.flatnonzero(traces.service == service)[pairs]
        self._names: dict[int, list[str]] = {}
        for shape, name in zip(traces.shape[spans].tolist(), traces.name[spans].tolist(), strict=True):
            self._names.setdefault(shape, []).append(traces.names[name])
        self._known: dict[int, str] = {}

    def of(self, shape: int) -> str:
        if shape not in self._known:
            self._known[shape] = name_pattern(self._shapes[shape], self._names[shape])
        return self._known[shape]

    def others(self, shape: int) -> tuple[tuple[str, str], ...]:
        """Find some of the other operations that match the pattern. -> (operation, its pattern)"""
        own = re.compile(self.of(shape))
        found: list[tuple[str, str]] = []
        if not own.pattern:
            return ()
        for other, names in list(self._names.items())[:_MAX_TRIED]:
            if other == shape or not any(map(own.fullmatch, names[:_NAMES_TRIED])):
                continue
            pattern = self.of(other)
            if not pattern or not any(map(re.compile(pattern).fullmatch, self._names[shape][:_NAMES_TRIED])):
                found.append((self._shapes[other], pattern))
        return tuple(found[:_MAX_EXCLUDED])


def _bucket_end(durations: np.ndarray) -> int:
    """Return the end of the bucket that contains the p95 of the calls (the call itself is one of the 95 %)."""
    rank = math.ceil(_P95 * len(durations)) - 1
    slowest = np.partition(durations, rank)[rank]
    return next((end for end in BUCKET_ENDS_NS if slowest <= end), BUCKET_ENDS_NS[-1])


def _error_threshold(failed: float) -> tuple[float | None, bool]:
    """Compute the threshold. -> the threshold; whether it is halfway between the rate and 100 %"""
    if failed >= _ALL:
        return None, False
    doubled = max(round(failed * ERROR_FACTOR, 1), MIN_ERROR_PERCENT)
    return (doubled, False) if doubled < _ALL else (round((failed + 100) / 2, 1), True)


def _two_digits(ns: float) -> int:
    """Round up to two digits, at least to a microsecond."""
    whole = max(math.ceil(ns), 1_000)
    step = 10 ** (len(str(whole)) - 2)
    rounded: int = -(-whole // step) * step
    return rounded
