"""Network time: the part of a call's duration in which the callee does not work.

For a synchronous call it is the duration of the CLIENT span minus that of the callee's spans, at least 0: connections,
transport, proxies, and queues in front of the callee. Each of the two durations comes from one clock, so clock skew
does not matter; the division into the time before the callee began and after it ended needs both clocks to agree. For
a message it is the queue time: from the end of the PRODUCER span to the start of the span that received the message.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.calls import Calls, answered_calls
from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.stats.groups import group_slices
from tracetui.model.skewed_spans import GRID_NS
from tracetui.model.traces import TraceSet

UNKNOWN = -1
MOSTLY_PERCENT = 50.0
"""Share of network time from which on an operation waits for the network rather than works, in percent."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkTimes:
    """Network time of m answered calls, by calling span. All times are int64[m] nanoseconds."""

    caller: np.ndarray
    """int64[m], CLIENT or PRODUCER spans, ascending; a PRODUCER once for each span that received its message."""
    call: np.ndarray
    """int64[m], the row of the first answer in `Calls.answered`."""
    answer: np.ndarray
    """int64[m], the first span that answers, or the receiver of the message."""
    is_async: np.ndarray
    """bool[m], messages: their network time is the queue time."""
    total: np.ndarray
    before: np.ndarray
    """Time until the callee began; `UNKNOWN` where the clocks of the hosts differ."""
    after: np.ndarray
    """Time after the callee ended, 0 for messages; `UNKNOWN` where the clocks of the hosts differ."""

    def __len__(self) -> int:
        return len(self.caller)

    def of(self, span: int) -> int | None:
        """Return the row of a calling span, of several the first; None for none."""
        row = int(self.caller.searchsorted(span))
        return row if row < len(self.caller) and self.caller[row] == span else None


def network_times(traces: TraceSet, calls: Calls | None = None) -> NetworkTimes:
    """Measure the network time of all calls with a span on both sides and both durations.

    A CLIENT span that several spans answered, as by retries, is one call: the durations of its answers add up.
    """
    caller, answer, is_async = answered_calls(traces) if calls is None else calls.answered
    call = np.flatnonzero(~traces.no_duration[caller] & (is_async | ~traces.no_duration[answer]))
    call = call[np.lexsort((traces.start[answer[call]], is_async[call], caller[call]))]
    caller, answer, is_async = caller[call], answer[call], is_async[call]
    leads = np.ones(len(call), bool)
    leads[1:] = (caller[1:] != caller[:-1]) | is_async[1:]
    first = np.flatnonzero(leads)
    if not len(first):
        return NetworkTimes(first, first, first, first > 0, first, first, first)
    answered = np.add.reduceat(traces.duration[answer], first)
    last_end = np.maximum.reduceat(traces.end[answer], first)
    caller, answer, is_async = caller[first], answer[first], is_async[first]
    before = traces.start[answer] - traces.start[caller]
    after = traces.end[caller] - last_end
    queued = traces.start[answer] - traces.end[caller]
    total = np.where(is_async, queued, traces.duration[caller] - answered)
    agree = np.where(is_async, queued >= -GRID_NS, (before >= -GRID_NS) & (after >= -GRID_NS))
    before = np.where(is_async, queued, before)
    after = np.where(is_async, 0, after)
    return NetworkTimes(
        caller,
        call[first],
        answer,
        is_async,
        np.maximum(total, 0),
        np.where(agree, np.maximum(before, 0), UNKNOWN),
        np.where(agree, np.maximum(after, 0), UNKNOWN),
    )


def network_by_call(calls: Calls, found: NetworkTimes) -> tuple[np.ndarray, np.ndarray]:
    """Spread the network times over the calls: int64[calls], and bool[calls] where it is known. Messages have none."""
    times, known = np.zeros(len(calls.span), np.int64), np.zeros(len(calls.span), bool)
    rows = calls.answered_rows[found.call[~found.is_async]]
    times[rows], known[rows] = found.total[~found.is_async], True
    return times, known


@dataclass(frozen=True, slots=True, eq=False)
class OperationNetworks:
    """Network time on the critical path of the operations that call, as columns."""

    operation: np.ndarray
    """int64[n], `TraceSet.operation`, ascending."""
    critical_ns: np.ndarray
    """int64[n], total over all traces."""
    callee: np.ndarray
    """int64[n], the service that the most of it was spent on the way to."""

    def find(self, operations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look up operations: int64[m] -> int64[k] rows, and int64[k] the positions of their operations in the given
        ones; the others wait for no network.
        """
        if not len(self.operation):
            none = np.zeros(0, np.int64)
            return none, none
        rows = np.minimum(np.searchsorted(self.operation, operations), len(self.operation) - 1)
        known = np.flatnonzero(self.operation[rows] == operations)
        return rows[known], known


def network_by_operation(paths: CriticalPaths, found: NetworkTimes) -> OperationNetworks:
    """Sum the network time on the critical path per operation that calls.

    The time on the path of a CLIENT span itself is its network time, up to the whole of it; messages are on no path.
    """
    traces = paths.traces
    critical = np.minimum(paths.critical[found.caller], found.total)
    rows = np.flatnonzero(~found.is_async & (critical > 0))
    if not len(rows):
        none = np.zeros(0, np.int64)
        return OperationNetworks(none, none, none)
    critical, services = critical[rows], len(traces.services)
    pair = traces.operation[found.caller[rows]].astype(np.int64) * services + traces.service[found.answer[rows]]
    order, distinct, first = group_slices(pair)
    spent = np.add.reduceat(critical[order], first[:-1])
    operation, callee = np.divmod(distinct, services)
    # the largest callee of each operation comes last
    by_size = np.lexsort((spent, operation))
    last = np.flatnonzero(np.append(operation[1:] != operation[:-1], True))
    totals = np.add.reduceat(spent, np.append(0, last[:-1] + 1))
    return OperationNetworks(operation[last], totals, callee[by_size[last]])
