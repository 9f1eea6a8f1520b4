"""Entry points: the operations with which requests and asynchronous work begin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.critical_path import async_roots
from tracetui.analysis.latency import Latency, group_latencies, latencies
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.stats.groups import group_slices
from tracetui.model.traces import TraceSet

_MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class EntryPoint:
    """Operation with which requests or units of asynchronous work begin."""

    operation: int
    """Number in `TraceSet.operation`."""
    service: str
    name: str
    is_async: bool
    count: int
    """Number of requests, or of units of asynchronous work."""
    per_minute: float | None
    """Mean number per minute of the time range; None for a range of no length."""
    failed_count: int
    """Number of failed requests, or of units whose first span is an error."""
    failed_share: float
    """Share of all failed requests, in percent; 0 for asynchronous work."""
    latency: Latency
    """Response times, or durations of the first spans of units."""
    trend: np.ndarray
    """int64[buckets], count in equal parts of the time range."""
    traces: np.ndarray
    """int64[m], the traces concerned, ascending."""

    @property
    def failed_rate(self) -> float:
        """In percent of the count."""
        return 100 * self.failed_count / self.count if self.count else 0.0


def find_entry_points(traces: TraceSet, among: np.ndarray | None = None, buckets: int = 12) -> list[EntryPoint]:
    """Find the entry points of the traces `among` (int64[m], ascending; default all).

    Requests come first, then asynchronous work; of each those with most failures, then the commonest.
    """
    chosen = np.arange(traces.trace_count) if among is None else among
    if not len(chosen):
        return []
    failed = failed_requests(traces)[chosen]
    requests = _entry_points(
        traces,
        traces.main_root[chosen].astype(np.int64),
        traces.response_time[chosen],
        np.ones(len(chosen), bool),
        failed,
        chosen,
        buckets,
        is_async=False,
    )
    roots = async_roots(traces)
    if among is not None:
        is_chosen = np.zeros(traces.trace_count, bool)
        is_chosen[chosen] = True
        roots = roots[is_chosen[traces.trace[roots]]]
    work = _entry_points(
        traces,
        roots,
        traces.duration[roots],
        ~traces.no_duration[roots],
        traces.error[roots],
        chosen,
        buckets,
        is_async=True,
    )
    return requests + work


def _entry_points(
    traces: TraceSet,
    roots: np.ndarray,
    durations: np.ndarray,
    known: np.ndarray,
    failed: np.ndarray,
    chosen: np.ndarray,
    buckets: int,
    *,
    is_async: bool,
) -> list[EntryPoint]:
    """Group first spans by operation. roots: int64[k]; durations: int64[k] ns; known, failed: bool[k]"""
    if not len(roots):
        return []
    starts = traces.trace_start[chosen]
    first_ns, length = int(starts.min()), int(starts.max() - starts.min())
    order, distinct, first = group_slices(traces.operation[roots])
    timed, statistics = group_latencies(durations[order], known[order], first)
    failures = np.add.reduceat(failed[order].astype(np.int64), first[:-1])
    all_failures = max(int(failures.sum()), 1)
    trace = traces.trace[roots[order]].astype(np.int64)
    bucket = np.minimum((traces.trace_start[trace] - first_ns) * buckets // max(length, 1), buckets - 1)
    group = np.repeat(np.arange(len(distinct)), np.diff(first))
    trends = np.bincount(group * buckets + bucket, minlength=len(distinct) * buckets).reshape(-1, buckets)
    counts = np.diff(first)
    found = []
    ranked = np.lexsort((distinct, -counts, -failures))
    for number, latency in zip(ranked.tolist(), latencies(timed, statistics, ranked), strict=True):
        service, name = traces.operation_label(int(distinct[number]))
        count, failed_count = int(counts[number]), int(failures[number])
        found.append(
            EntryPoint(
                operation=int(distinct[number]),
                service=service,
                name=name,
                is_async=is_async,
                count=count,
                per_minute=count * _MINUTE_NS / length if length else None,
                failed_count=failed_count,
                failed_share=0.0 if is_async else 100 * failed_count / all_failures,
                latency=latency,
                trend=trends[number],
                traces=np.unique(trace[first[number] : first[number + 1]]),
            )
        )
    return found
