"""Replay of every trace with the durations of some spans scaled.

A span that is scaled is scaled with everything below it. All other spans keep their order and pauses: the time between
a child's start and the end of the last sibling before it (or its parent's start) stays, and so does the time between a
parent's end and that of its last child. Parallel calls stay parallel, and a parent waits for the slowest of them. Spans
off the critical path of their parent (a CONSUMER, a span outside its parent) move along with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tracetui.analysis.bottlenecks import critical_operations
from tracetui.analysis.critical_path import CriticalPaths, critical_paths
from tracetui.analysis.stats.groups import quantiles
from tracetui.model.errors import UsageError
from tracetui.model.traces import TraceSet

MOST_PERCENT = 1_000.0
_UNCHANGED = 100.0
_LONGEST = 1 << 61


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Effect of scaling on the response times of a set, in nanoseconds; before and after."""

    percent: float
    trace_count: int
    """Traces with a span that is scaled."""
    has_calls: bool
    """True if the scaled spans call anything, which is scaled with them."""
    mean_ns: tuple[float, float]
    p50_ns: tuple[float, float]
    p95_ns: tuple[float, float]
    next_operation: int | None
    """The largest remaining bottleneck, by its number in `TraceSet.operation`; None for none."""
    next_share: float
    """Its share of the critical paths of all traces, in percent."""


def what_if(paths: CriticalPaths, scaled: np.ndarray, percent: float) -> WhatIf:
    """Replay a set with the spans `scaled`, bool[n], taking `percent` of their time.

    Raises UsageError for a share below 0 or above 1,000 %.
    """
    traces = paths.traces
    after = run_replay(paths, scaled, percent)
    # where the root is missing the whole trace stands in for it
    whole = after.end_of_traces - traces.trace_start
    durations = np.where(traces.root_missing, whole, after.traces.response_time)
    own = set(np.unique(traces.operation[scaled]).tolist())
    others = (found for found in critical_operations(critical_paths(after.traces)) if found[0] not in own and found[1])
    following = next(others, None)
    before = traces.response_time
    p50, p95 = zip(quantiles(before, (0.5, 0.95)), quantiles(durations, (0.5, 0.95)), strict=True)
    return WhatIf(
        percent=percent,
        trace_count=len(np.unique(traces.trace[scaled])),
        has_calls=bool((scaled & (traces.subtree_end > np.arange(len(traces)) + 1)).any()),
        mean_ns=(float(before.mean()), float(durations.mean())) if len(before) else (0.0, 0.0),
        p50_ns=p50,
        p95_ns=p95,
        next_operation=following[0] if following else None,
        next_share=following[3] if following else 0.0,
    )


@dataclass(frozen=True, slots=True)
class Replay:
    """A set as it would be."""

    traces: TraceSet
    """The same spans with other times."""
    end_of_traces: np.ndarray
    """int64[traces], ns since the epoch; traces begin when they did."""


def run_replay(paths: CriticalPaths, scaled: np.ndarray, percent: float) -> Replay:
    """Replay a set; see `what_if`."""
    if not 0 <= percent <= MOST_PERCENT:
        raise UsageError(f"the share must be between 0 and {MOST_PERCENT:,.0f} %, not {percent:g}")
    traces = paths.traces
    outermost = _outermost(traces, scaled)
    length = traces.duration.copy()
    length[outermost] = _scaled(length[outermost], percent)
    shift = np.zeros(len(traces) + 1, np.int64)
    _rearrange(paths, outermost, length, shift)
    moved = np.cumsum(shift[:-1])
    start = traces.start + moved
    for span in outermost.tolist():
        below = slice(span + 1, int(traces.subtree_end[span]))
        if below.start < below.stop:
            begin = int(traces.start[span])
            start[below] = start[span] + _scaled(traces.start[below] - begin, percent)
            length[below] = _scaled(traces.duration[below], percent)
    after = replace(traces, start=start, duration=length)
    ends = np.maximum.reduceat(start + length, traces.first[:-1]) if traces.trace_count else np.zeros(0, np.int64)
    return Replay(after, np.maximum(ends, traces.trace_start))


def _scaled(times: np.ndarray, percent: float) -> np.ndarray:
    """int64 ns, bounds of all times of a set."""
    if percent == _UNCHANGED:
        return times
    scaled: np.ndarray = np.clip(np.round(times * (percent / 100)), -_LONGEST, _LONGEST).astype(np.int64)
    return scaled


def _outermost(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """int64, spans of bool[n] that are not below another of them."""
    chosen = np.flatnonzero(spans)
    if not len(chosen):
        return chosen
    reached = np.maximum.accumulate(traces.subtree_end[chosen])
    first = np.append(True, chosen[1:] >= reached[:-1])
    outermost: np.ndarray = chosen[first]
    return outermost


def _rearrange(paths: CriticalPaths, scaled: np.ndarray, length: np.ndarray, shift: np.ndarray) -> None:
    """Compute the new lengths of spans above the scaled ones, and the shifts of what is below them.

    length: int64[n], the new durations, right for the scaled spans and filled in for those above. shift: int64[n + 1];
    a move of a subtree is added at its first span and taken back after its last.
    """
    traces = paths.traces
    above = _ancestors(traces, scaled)
    parents, ends = traces.parent, traces.subtree_end
    # positions are in pre-order: from the last to the first, children are done before their parents
    for parent in above[::-1].tolist():
        kids = []
        at = parent + 1
        while at < ends[parent]:
            kids.append(at)
            at = int(ends[at])
        children = np.array(kids, np.int64)
        assert (parents[children] == parent).all()
        inside = children[paths.start[children] <= paths.end[children]]
        if not len(inside):
            continue
        begin, finish = int(paths.start[parent]), int(paths.end[parent])
        starts, stops = paths.start[inside], paths.end[inside]
        # of a child that reaches beyond its parent the parent waits for a part
        durations = np.maximum(stops - starts + length[inside] - traces.duration[inside], 0).tolist()
        moves = _moves(begin, starts.tolist(), stops.tolist(), durations)
        new_stops = [start + move + time for start, move, time in zip(starts.tolist(), moves, durations, strict=True)]
        for child, move in zip(inside.tolist(), moves, strict=True):
            shift[child] += move
            shift[ends[child]] -= move
        longer = max(new_stops) - int(stops.max())
        length[parent] = max(int(traces.duration[parent]) + longer, 0) if finish > begin else length[parent]


def _ancestors(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """int64, ascending: every span above one of these."""
    found = np.zeros(len(traces) + 1, bool)
    at = traces.parent[spans]
    while len(at := np.unique(at[at >= 0])) and not found[at].all():
        at = at[~found[at]]
        found[at] = True
        at = traces.parent[at]
    return np.flatnonzero(found[:-1])


def _moves(begin: int, starts: list[int], stops: list[int], durations: list[int]) -> list[int]:
    """Shift of each child of a parent: that of the siblings it followed."""
    by_start = sorted(range(len(starts)), key=lambda i: (starts[i], stops[i]))
    by_stop = sorted(range(len(starts)), key=lambda i: (stops[i], starts[i]))
    moves: list[int | None] = [None] * len(starts)
    old = new = begin
    reached = 0
    for child in by_start:
        while reached < len(by_stop):
            before = by_stop[reached]
            move = moves[before]
            if stops[before] > starts[child] or move is None:
                break
            old, new = max(old, stops[before]), max(new, starts[before] + move + durations[before])
            reached += 1
        moves[child] = new - old
    return [move or 0 for move in moves]
