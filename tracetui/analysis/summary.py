"""A trace set in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.calls import is_named
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.stats.groups import quantiles
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet

DIFFERENCE = 0.05
"""Share of the response time by which a trace must last longer for the two to differ."""
DIFFERING_TRACES = 0.05
"""Share of a set's traces above which that is worth a sentence and a column."""


@dataclass(frozen=True, slots=True)
class DurationStats:
    """Nanoseconds; percentiles with linear interpolation. All zero when `count` is."""

    count: int
    min_ns: float
    mean_ns: float
    p50_ns: float
    p90_ns: float
    p95_ns: float
    p99_ns: float
    max_ns: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a set, its time window in nanoseconds since the epoch, and its durations and response times."""

    trace_count: int
    span_count: int
    duplicate_span_count: int
    """Records folded into the spans they repeat."""
    service_count: int
    error_trace_count: int
    error_rate: float
    """Traces with errors of all traces, in percent."""
    failed_request_count: int
    """Traces whose request failed (see `analysis.requests`)."""
    failed_request_rate: float
    """Percent of all traces."""
    orphan_span_count: int
    warning_count: int
    """Flags of spans and warnings about traces."""
    start_ns: int | None
    end_ns: int | None
    durations: DurationStats
    response_times: DurationStats
    differing_count: int
    """Traces whose duration and response time differ by over 5 %."""
    root_missing_count: int
    """Traces without their main root, whose duration is used as response time."""
    skewed_trace_count: int
    """Traces in which clocks disagree."""
    nameless_span_count: int
    """Spans that name no service; calls pass through them."""

    @property
    def response_differs(self) -> bool:
        """True if response times and durations differ in more than 1 trace of 20."""
        return self.differing_count > DIFFERING_TRACES * self.trace_count


def duration_stats(durations: np.ndarray) -> DurationStats:
    """The statistics of int64[n] nanoseconds."""
    if not len(durations):
        return DurationStats(0, 0, 0, 0, 0, 0, 0, 0)
    least, p50, p90, p95, p99, most = quantiles(durations, (0, 0.5, 0.9, 0.95, 0.99, 1))
    return DurationStats(len(durations), least, float(durations.mean()), p50, p90, p95, p99, most)


def summarize(traces: TraceSet) -> Summary:
    """Count and time the traces of a set."""
    with_errors, failed = int((traces.trace_errors > 0).sum()), int(failed_requests(traces).sum())
    return Summary(
        trace_count=traces.trace_count,
        span_count=len(traces),
        duplicate_span_count=sum(traces.duplicates.values()),
        service_count=len(np.unique(traces.service)),
        error_trace_count=with_errors,
        error_rate=100 * with_errors / traces.trace_count if traces.trace_count else 0.0,
        failed_request_count=failed,
        failed_request_rate=100 * failed / traces.trace_count if traces.trace_count else 0.0,
        orphan_span_count=int(((traces.flags & int(Flag.ORPHAN)) > 0).sum()),
        warning_count=int(traces.trace_warning_counts.sum()),
        start_ns=int(traces.trace_start.min()) if traces.trace_count else None,
        end_ns=int(traces.end.max()) if traces.trace_count else None,
        durations=duration_stats(traces.trace_duration),
        response_times=duration_stats(traces.response_time),
        differing_count=int(differing(traces).sum()),
        root_missing_count=int(traces.root_missing.sum()),
        skewed_trace_count=int(traces.skewed.sum()),
        nameless_span_count=int((~is_named(traces)).sum()),
    )


def differing(traces: TraceSet) -> np.ndarray:
    """bool[traces], whether a trace lasts over 5 % longer than its response time."""
    found: np.ndarray = traces.trace_duration > (1 + DIFFERENCE) * traces.response_time
    return found
