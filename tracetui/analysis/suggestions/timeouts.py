"""Timeouts: calls that are waited for until they time out, often with their callers.

A shorter limit saves the time beyond what successful calls of the same operation take: beyond their p95, or the longest
of few. If none succeeds, waiting is useless and the whole time is saved. Of nested calls that time out, a cascade, the
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
    ended = timed_out(traces)
    on_path = np.zeros(len(traces), bool)
    on_path[siblings.span] = ended[siblings.span]
    until = np.append(0, np.cumsum(on_path))
    rows = np.flatnonzero(ended[siblings.span])
    spans = siblings.span[rows]
    is_innermost = until[traces.subtree_end[spans]] == until[spans + 1]
    rows, spans = rows[is_innermost], spans[is_innermost]
    time = siblings.time[rows]
    useless = time - np.minimum(_successful(traces, spans), time)
    saving = np.minimum(useless, siblings.bound.of(spans))
    group, members = siblings.named_by(spans)
    return Instances(group, spans, saving, _nested(traces, ended)[spans], time, members)


def _successful(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """Return what successful calls of the operation of each span take: int64[m] ns, 0 if none succeeds."""
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


def _nested(traces: TraceSet, ended: np.ndarray) -> np.ndarray:
    """Count, for each span, those among it and the spans above it that timed out: int64[n]."""
    # the subtree of a span is a range
    change = np.zeros(len(traces) + 1, np.int64)
    spans = np.flatnonzero(ended)
    np.add.at(change, spans, 1)
    np.add.at(change, traces.subtree_end[spans], -1)
    nested: np.ndarray = np.cumsum(change)[:-1]
    return nested


KIND = SuggestionKind(
    name="timeouts",
    label="timeouts",
    sentence=("{call}", "times out{callers}", "{parent}"),
    explanation=(
        "These calls are waited for until they time out; those above them in",
        "the cascade time out too. Give them a limit close to what successful",
        "calls take (p95), shorter than that of each caller, or fail fast.",
    ),
    find=find,
)
