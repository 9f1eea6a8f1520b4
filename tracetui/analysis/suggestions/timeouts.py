"""Timeouts: calls on critical paths that time out, often with their callers.

A shorter timeout saves the time beyond the p95 of successful calls of the same operation, or beyond the longest of
few. If none succeeds, waiting is useless and the whole time is saved. Of nested calls that time out, a cascade, the
innermost decides how long all wait.
"""

from __future__ import annotations

import numpy as np

from tracetui.analysis.errors import timed_out
from tracetui.analysis.latency import group_latencies
from tracetui.analysis.stats.groups import FEW_SAMPLES, group_slices
from tracetui.analysis.suggestions.kind import SuggestionKind
from tracetui.analysis.suggestions.siblings import Instances, Siblings
from tracetui.model.traces import TraceSet

_P95, _LONGEST = 3, 5
"""Rows of the statistics of `group_latencies`."""


def find(siblings: Siblings) -> Instances:
    """Find the innermost calls that time out on critical paths; the count is that of calls in the cascade."""
    traces = siblings.traces
    has_timed_out = timed_out(traces)
    on_path = np.zeros(len(traces), bool)
    on_path[siblings.span] = has_timed_out[siblings.span]
    before = np.append(0, np.cumsum(on_path))
    rows = np.flatnonzero(has_timed_out[siblings.span])
    spans = siblings.span[rows]
    is_innermost = before[traces.subtree_end[spans]] == before[spans + 1]
    rows, spans = rows[is_innermost], spans[is_innermost]
    time = siblings.time[rows]
    useless = time - np.minimum(_successful_durations(traces, spans), time)
    saving = np.minimum(useless, siblings.bound.of(spans))
    group, members = siblings.named_by(spans)
    return Instances(group, spans, saving, _cascade_sizes(traces, has_timed_out)[spans], time, members)


def _successful_durations(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """Return the p95, or the longest of few, of the successful calls of each span's operation.

    -> int64[m] ns, 0 if no call succeeds
    """
    operations, which = np.unique(traces.operation[spans], return_inverse=True)
    succeeded = np.flatnonzero(~traces.error & ~traces.no_duration & np.isin(traces.operation, operations))
    if not len(succeeded):
        return np.zeros(len(spans), np.int64)
    order, found, first = group_slices(traces.operation[succeeded])
    durations = traces.duration[succeeded[order]]
    count, statistics = group_latencies(durations, np.ones(len(durations), bool), first)
    limits = np.zeros(len(operations), np.int64)
    limits[np.searchsorted(operations, found)] = np.where(count < FEW_SAMPLES, statistics[_LONGEST], statistics[_P95])
    limit: np.ndarray = limits[which]
    return limit


def _cascade_sizes(traces: TraceSet, has_timed_out: np.ndarray) -> np.ndarray:
    """Count, for each span, how many of it and its ancestors timed out: int64[n]. has_timed_out: bool[n]"""
    # the subtree of a span is a range
    change = np.zeros(len(traces) + 1, np.int64)
    spans = np.flatnonzero(has_timed_out)
    np.add.at(change, spans, 1)
    np.add.at(change, traces.subtree_end[spans], -1)
    sizes: np.ndarray = np.cumsum(change)[:-1]
    return sizes


KIND = SuggestionKind(
    name="timeouts",
    label="timeouts",
    sentence=("{call}", "times out{callers}", "{parent}"),
    explanation=(
        "These calls time out, and callers that wait for them may time out too.",
        "Set a timeout close to the p95 of successful calls, and shorter than",
        "that of each caller, or fail fast.",
    ),
    find=find,
    words="timeout limit",
)
