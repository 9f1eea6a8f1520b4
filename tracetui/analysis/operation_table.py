"""Operations as a table: critical time, calls, errors, percentiles, and the worst traces of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.async_work import AsyncEntry
from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT, common_detail, critical_operations
from tracetui.analysis.latency import Latency, group_latencies, latencies
from tracetui.analysis.network import MOSTLY_PERCENT, UNKNOWN, OperationNetworks, network_by_operation
from tracetui.analysis.self_time import self_times
from tracetui.analysis.stats.groups import FEW_SAMPLES, group_slices
from tracetui.model.traces import TraceSet

_WORST = 12
CRITICAL = "critical"
"""Sort key: time on the critical path."""
_PERCENTILES = ("p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class OperationRow:
    """Operation of a set. Durations are nanoseconds, shares percent."""

    number: int
    """Number of the operation, as in `TraceSet.operation`."""
    service: str
    operation: str
    critical_ns: float
    """Total time on the critical path in all traces."""
    total_share: float
    """Share of the critical time of all traces."""
    share: float
    """Share of the critical time of the traces in which it occurs."""
    traces: int
    calls: int
    errors: int
    latency: Latency
    self_ns: float | None
    """Mean self time of calls with an end; None without such calls."""
    total_ns: float | None
    """Total duration of calls with an end; None without such calls."""
    is_async: bool
    """True if it occurs only in asynchronous work, off the critical path of requests."""
    entry: AsyncEntry | None
    """Figures of the asynchronous work that begins with it; None if there is none."""

    @property
    def is_bottleneck(self) -> bool:
        return self.share > BOTTLENECK_PERCENT

    @property
    def mean_critical_ns(self) -> float:
        """Mean critical time per trace in which it occurs."""
        return self.critical_ns / self.traces


class OperationTable:
    """The operations of a set: bottlenecks, then the others, each by critical time."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis, paths = analysis, analysis.paths
        self.traces = traces = analysis.traces
        self.skewed_count = int(traces.skewed.sum())
        """Number of traces with clock skew."""
        self._critical = paths.critical
        self.path_ns = paths.trace_critical
        """int64[traces], length of each trace's critical path, ns."""
        self._order, distinct, self._first = group_slices(traces.operation)
        self._position = {number: i for i, number in enumerate(distinct.tolist())}
        self._entries = {(one.service, one.operation): one for one in analysis.async_work.entries()}
        found = critical_operations(paths)
        self._figures = {number: figures for number, *figures in found}
        is_other = found.share_percent <= BOTTLENECK_PERCENT
        self.bottlenecks = int((~is_other).sum())
        costliest = found.operation[np.argsort(is_other, kind="stable")]
        self._numbers = np.concatenate((costliest, self._async_only(distinct)))
        critical_times = [self._figures[number][0] for number in costliest.tolist()]
        on_path = len(costliest) - int(np.searchsorted(np.array(critical_times[::-1]), 0.0, "right"))
        self.off_path = range(max(on_path, self.bottlenecks), len(costliest))
        """Rows of the operations that no request waits for, other than asynchronous ones."""
        self._row = {number: row for row, number in enumerate(self._numbers.tolist())}
        self._measure()
        self._pair()
        starts = traces.trace_start
        self.seconds = int(starts.max() - starts.min()) / 1e9 if len(starts) else 0.0
        """Time from the first start of a trace to the last, in seconds."""

    def _async_only(self, operations: np.ndarray) -> np.ndarray:
        """Find the operations that occur only in asynchronous work: int64, entry points first."""
        only = [number for number in operations.tolist() if number not in self._figures]
        first = {label: rank for rank, label in enumerate(self._entries)}
        only.sort(key=lambda number: first.get(self.traces.operation_label(number), len(first)))
        return np.array(only, np.int64)

    def _measure(self) -> None:
        """Compute calls, errors, times and percentiles of every operation."""
        traces, first = self.traces, self._first
        durations, own = traces.duration[self._order], self_times(traces)[self._order]
        self._calls = np.diff(first)
        errors_before = np.concatenate(([0], np.cumsum(traces.error[self._order])))
        self._errors = errors_before[first[1:]] - errors_before[first[:-1]]
        # a call without an end has duration and self time 0 here
        known = ~traces.no_duration[self._order]
        self._timed, self._latencies = group_latencies(durations, known, first)
        timed = np.where(self._timed > 0, self._timed, np.nan)
        self._total = np.where(self._timed > 0, _sums(durations, first), np.nan)
        self._self = _sums(own, first) / timed

    def _pair(self) -> None:
        """Pair operations with traces, sorted by critical time, then by duration."""
        traces = self.traces
        operation, trace = traces.operation[self._order], traces.trace[self._order]
        new = np.ones(len(operation), bool)
        new[1:] = (operation[1:] != operation[:-1]) | (trace[1:] != trace[:-1])
        starts = np.flatnonzero(new)
        critical = np.add.reduceat(self._critical[self._order], starts) if len(starts) else np.zeros(0, np.int64)
        operation, trace = operation[starts], trace[starts]
        order = self._longest_critical_first(operation, trace, critical)
        self._pair_trace, self._pair_critical = trace[order], critical[order]
        self._pair_first = np.searchsorted(operation, np.fromiter(self._position, np.int64, len(self._position)))

    def _longest_critical_first(self, operation: np.ndarray, trace: np.ndarray, critical: np.ndarray) -> np.ndarray:
        """Sort by operation, time on the path, response time and trace: int64[m]."""
        traces = self.traces
        rank = np.empty(traces.trace_count, np.int64)
        by_time = np.lexsort((np.arange(traces.trace_count), -traces.response_time))
        rank[by_time] = np.arange(traces.trace_count)
        # most pairs have no time on the path and need no sorting by time
        on_path, off_path = np.flatnonzero(critical > 0), np.flatnonzero(critical == 0)
        on_path = on_path[np.lexsort((rank[trace[on_path]], -critical[on_path]))]
        off_path = off_path[group_slices(rank[trace[off_path]])[0]]
        order = np.concatenate((on_path, off_path))
        position = np.searchsorted(np.fromiter(self._position, np.int64, len(self._position)), operation)
        by_operation, _, _ = group_slices(position[order])
        grouped: np.ndarray = order[by_operation]
        return grouped

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, row: int) -> int:
        return int(self._numbers[row])

    def label(self, row: int) -> tuple[str, str]:
        """Return service and operation of a row."""
        return self.traces.operation_label(self.number(row))

    def row_of(self, number: int) -> int | None:
        """Return the row of an operation; None if it has none."""
        return self._row.get(number)

    def hot_spot(self, row: int) -> OperationRow:
        number = self.number(row)
        at = self._position[number]
        is_async = number not in self._figures
        critical, share, total_share, traces = self._figures.get(number, (0.0, 0.0, 0.0, self._trace_count(number)))
        service, operation = self.traces.operation_label(number)
        (latency,) = latencies(self._timed, self._latencies, np.array([at]))
        return OperationRow(
            number=number,
            service=service,
            operation=operation,
            critical_ns=critical,
            total_share=total_share,
            share=share,
            traces=int(traces),
            calls=int(self._calls[at]),
            errors=int(self._errors[at]),
            latency=latency,
            self_ns=float(self._self[at]) if latency.count else None,
            total_ns=float(self._total[at]) if latency.count else None,
            is_async=is_async,
            entry=self._entries.get((service, operation)),
        )

    def order(self, sorting: str, descending: bool) -> np.ndarray:
        """Return the rows in the order of a column, int64[operations]; ties by critical time.

        Columns: `CRITICAL`, calls, errors, p50, p95, p99, self, total. Operations with too few calls for a percentile
        come last.
        """
        if sorting == CRITICAL:
            rows = np.arange(len(self))
            return rows if descending else rows[::-1]
        calls = np.maximum(self._calls, 1)
        _, _, p50, p95, p99, _ = self._latencies
        columns = {
            "calls": self._calls,
            "errors": self._errors / calls,
            "p50": p50,
            "p95": p95,
            "p99": p99,
            "self": self._self,
            "total": self._total,
        }
        positions = np.fromiter((self._position[number] for number in self._numbers.tolist()), np.int64, len(self))
        column = columns[sorting][positions]
        are_few = (self._timed < FEW_SAMPLES)[positions] & (sorting in _PERCENTILES)
        ordered: np.ndarray = np.lexsort((-column if descending else column, are_few))
        return ordered

    def histogram(self, number: int, bins: int) -> tuple[np.ndarray, int, int]:
        """Compute the distribution of call durations, int64[bins] on a logarithmic scale, and its ends in ns.

        At least one call must have an end.
        """
        durations = np.maximum(self.traces.known_durations(self._spans_of(number)), 1)
        least, most = int(durations.min()), int(durations.max())
        width = max(np.log(most / least), 1e-9)
        at = np.minimum(np.log(durations / least) / width * bins, bins - 1).astype(np.int64)
        return np.bincount(at, minlength=bins), least, most

    def over_time(self, number: int, bins: int) -> np.ndarray:
        """Return the mean duration of an operation's calls over time, float64[bins] ns; 0 without calls."""
        traces, spans = self.traces, self._spans_of(number)
        spans = spans[~traces.no_duration[spans]]
        begin = int(traces.trace_start.min())
        length = int(traces.trace_start.max()) - begin + 1
        # by trace start, which defines the time range of the set
        at = np.minimum((traces.trace_start[traces.trace[spans]] - begin) / length * bins, bins - 1).astype(np.int64)
        counts = np.bincount(at, minlength=bins)
        sums = np.bincount(at, weights=traces.duration[spans], minlength=bins)
        means: np.ndarray = np.divide(sums, counts, out=np.zeros(bins), where=counts > 0)
        return means

    def _spans_of(self, number: int) -> np.ndarray:
        at = self._position[number]
        return self._order[self._first[at] : self._first[at + 1]]

    def worst_traces(self, number: int) -> list[tuple[int, int]]:
        """Return the traces with the longest critical time of an operation, up to 12: (trace, ns)."""
        begin = int(self._pair_first[self._position[number]])
        end = begin + min(_WORST, self._trace_count(number))
        return list(
            zip(self._pair_trace[begin:end].tolist(), self._pair_critical[begin:end].astype(int).tolist(), strict=True)
        )

    def _trace_count(self, number: int) -> int:
        """Count the traces that have the operation."""
        at = self._position[number]
        end = self._pair_first[at + 1] if at + 1 < len(self._pair_first) else len(self._pair_trace)
        return int(end - self._pair_first[at])

    def slow_traces(self, number: int) -> tuple[TraceSet, np.ndarray]:
        """Return the traces with an operation, and which of them have a call at its p95 or longer (bool[traces])."""
        spans = self._spans_of(number)
        # >= because calls that hit a timeout are all at the p95
        slow = self.traces.duration[spans] >= self._latencies[3][self._position[number]]
        among = np.unique(self.traces.trace[spans])
        return self.traces.select(among), np.isin(among, self.traces.trace[spans[slow]])

    def slowest_span(self, number: int, trace: int) -> int:
        """Return the slowest span of an operation in a trace."""
        begin, end = self.traces.first[trace : trace + 2].tolist()
        spans = begin + np.flatnonzero(self.traces.operation[begin:end] == number)
        return int(spans[np.argmax(self.traces.duration[spans])])

    def pattern(self, number: int) -> str:
        """Return the common detail of an operation's spans, else the network that its calls wait for; '' for neither.

        Slow, as it reads their attributes.
        """
        return common_detail(self.traces, self._spans_of(number)) or self._network_pattern(number)

    def _network_pattern(self, number: int) -> str:
        total, callee = self.network(number)
        critical_ns = self._figures.get(number, (0.0,))[0]
        return f"network to {callee}" if total and 100 * total >= MOSTLY_PERCENT * critical_ns else ""

    def network(self, number: int) -> tuple[int, str]:
        """Return the network time of an operation's calls on the critical paths, in ns, and the callee with most of it;
        (0, '') for none.
        """
        rows, _ = self._networks.find(np.array([number]))
        if not len(rows):
            return 0, ""
        row = int(rows[0])
        return int(self._networks.critical_ns[row]), self.traces.services[self._networks.callee[row]]

    def queue_times(self, number: int) -> np.ndarray:
        """Return the queue time of each message that an operation receives: int64[m] ns."""
        operations, times = self._queues
        begin, end = np.searchsorted(operations, [number, number + 1])
        found: np.ndarray = times[begin:end]
        return found

    def prepare_waits(self) -> None:
        """Compute what `network` and `queue_times` return, outside the UI loop: it takes long for many spans."""
        _ = self._networks, self._queues

    @cached_property
    def _queues(self) -> tuple[np.ndarray, np.ndarray]:
        """int64[m], operations that receive messages, ascending, and int64[m], the queue time of each message in ns."""
        network = self._analysis.network
        rows = np.flatnonzero(network.is_async & (network.before != UNKNOWN))
        operations = self.traces.operation[network.answer[rows]]
        order = np.argsort(operations, kind="stable")
        return operations[order], network.before[rows[order]]

    @cached_property
    def _networks(self) -> OperationNetworks:
        return network_by_operation(self._analysis.paths, self._analysis.network)


def _sums(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the sum of the values of each group, float64[groups]."""
    sums: np.ndarray = np.add.reduceat(values, first[:-1], dtype=np.float64) if len(values) else np.zeros(0)
    return sums
