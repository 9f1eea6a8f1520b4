"""Summary of a trace set in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.calls import is_named
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.span_warnings import warned_traces
from tracetui.analysis.stats.groups import quantiles
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet

DIFFERENCE = 0.05
"""Share of the response time by which a trace's duration must exceed it to count as different."""
DIFFERING_TRACES = 0.05
"""Share of such traces above which the difference is reported."""


@dataclass(frozen=True, slots=True)
class DurationStats:
    """Statistics in nanoseconds; percentiles with linear interpolation. All are 0 if `count` is."""

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
    """Counts of a set, its time range in ns since the epoch, and its durations and response times."""

    trace_count: int
    span_count: int
    duplicate_span_count: int
    """Number of records merged into spans that they duplicate."""
    service_count: int
    error_trace_count: int
    error_rate: float
    """Traces with errors, in percent of all traces."""
    failed_request_count: int
    """Number of traces whose request failed (see `analysis.requests`)."""
    failed_request_rate: float
    """Failed requests, in percent of all traces."""
    orphan_span_count: int
    warning_count: int
    """Number of flags on spans and warnings on traces."""
    warned_trace_count: int
    """Number of traces with warnings of any kind."""
    start_ns: int | None
    end_ns: int | None
    durations: DurationStats
    response_times: DurationStats
    differing_count: int
    """Number of traces whose duration and response time differ by over 5 %."""
    root_missing_count: int
    """Number of traces without a main root; their duration is used as response time."""
    skewed_trace_count: int
    """Number of traces with clock skew."""
    nameless_span_count: int
    """Number of spans without a service name, which count as spans of the service above."""

    @property
    def response_differs(self) -> bool:
        """True if response time and duration differ in more than 1 of 20 traces."""
        return self.differing_count > DIFFERING_TRACES * self.trace_count


def duration_stats(durations: np.ndarray) -> DurationStats:
    """Compute the statistics of int64[n] nanoseconds."""
    if not len(durations):
        return DurationStats(0, 0, 0, 0, 0, 0, 0, 0)
    least, p50, p90, p95, p99, most = quantiles(durations, (0, 0.5, 0.9, 0.95, 0.99, 1))
    return DurationStats(len(durations), least, float(durations.mean()), p50, p90, p95, p99, most)


def summarize(traces: TraceSet) -> Summary:
    """Summarise a trace set."""
    with_errors, failed = int((traces.trace_errors > 0).sum()), int(failed_requests(traces).sum())
    return Summary(
        trace_count=traces.trace_count,
        span_count=len(traces),
        duplicate_span_count=sum(traces.duplicates.values()),
        service_count=int(np.count_nonzero(np.bincount(traces.service))),
        error_trace_count=with_errors,
        error_rate=100 * with_errors / traces.trace_count if traces.trace_count else 0.0,
        failed_request_count=failed,
        failed_request_rate=100 * failed / traces.trace_count if traces.trace_count else 0.0,
        orphan_span_count=int(((traces.flags & int(Flag.ORPHAN)) > 0).sum()),
        warning_count=int(traces.trace_warning_counts.sum()),
        warned_trace_count=int(warned_traces(traces).sum()),
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
    """bool[traces], true if the duration exceeds the response time by over 5 %."""
    found: np.ndarray = traces.trace_duration > (1 + DIFFERENCE) * traces.response_time
    return found
