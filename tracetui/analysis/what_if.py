"""What-if: replay every trace with the durations of some spans scaled.

A span is scaled together with everything below it. All other spans keep their order and pauses: the time between the
end of the previous sibling (or the start of the parent) and the start of a child stays, and so does the time between
the end of the last child and the end of its parent. Parallel calls stay parallel, and a parent waits for the slowest.
Spans for which the parent does not wait (a CONSUMER, a span outside its parent) move along with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tracetui.analysis.bottlenecks import critical_operations
from tracetui.analysis.critical_path import CriticalPaths, critical_paths
from tracetui.analysis.stats.groups import quantiles
from tracetui.model.errors import UsageError
from tracetui.model.traces import TraceSet

MAX_PERCENT = 1_000.0
_UNCHANGED = 100.0
_MAX_NS = 1 << 61


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Effect of scaling on the response times of a set, in nanoseconds, before and after."""

    percent: float
    trace_count: int
    """Number of traces with a scaled span."""
    has_calls: bool
    """True if the scaled spans have callees, which are scaled with them."""
    mean_ns: tuple[float, float]
    p50_ns: tuple[float, float]
    p95_ns: tuple[float, float]
    next_operation: int | None
    """Largest remaining bottleneck, by its number in `TraceSet.operation`; None for none."""
    next_share: float
    """Share of `next_operation` in the critical paths of all traces, in percent."""


def what_if(paths: CriticalPaths, scaled: np.ndarray, percent: float) -> WhatIf:
    """Replay a set with the durations of the spans `scaled`, bool[n], set to `percent` of their value.

    Raises UsageError for a share below 0 or above 1,000 %.
    """
    traces = paths.traces
    after = run_replay(paths, scaled, percent)
    # if the root is missing, use the whole trace
    whole = after.end_of_traces - traces.trace_start
    durations = np.where(traces.root_missing, whole, after.traces.response_time)
    changed = set(np.unique(traces.operation[scaled]).tolist())
    found = critical_operations(critical_paths(after.traces))
    others = (one for one in found if one[0] not in changed and one[1])
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
    """Replayed set."""

    traces: TraceSet
    """The same spans with new times."""
    end_of_traces: np.ndarray
    """int64[traces], ends in ns since the epoch; the starts are unchanged."""


def run_replay(paths: CriticalPaths, scaled: np.ndarray, percent: float) -> Replay:
    """Replay a set; see `what_if`."""
    if not 0 <= percent <= MAX_PERCENT:
        raise UsageError(f"the share must be between 0 and {MAX_PERCENT:,.0f} %, not {percent:g}")
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
    """Scale times, int64 ns, within the range of int64."""
    if percent == _UNCHANGED:
        return times
    scaled: np.ndarray = np.clip(np.round(times * (percent / 100)), -_MAX_NS, _MAX_NS).astype(np.int64)
    return scaled


def _outermost(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """List those of the spans, bool[n], that are not below another of them: int64."""
    chosen = np.flatnonzero(spans)
    if not len(chosen):
        return chosen
    reached = np.maximum.accumulate(traces.subtree_end[chosen])
    first = np.append(True, chosen[1:] >= reached[:-1])
    outermost: np.ndarray = chosen[first]
    return outermost


def _rearrange(paths: CriticalPaths, scaled: np.ndarray, length: np.ndarray, shift: np.ndarray) -> None:
    """Compute the new lengths of the spans above the scaled ones, and the shifts of everything below these.

    length: int64[n], new durations, given for the scaled spans and filled in for those above. shift: int64[n + 1],
    differences: the shift of a subtree is added at its first span and subtracted after its last.
    """
    traces = paths.traces
    above = _ancestors(traces, scaled)
    parents, ends = traces.parent, traces.subtree_end
    # positions are in pre-order, so going backwards children are done before their parents
    for parent in above[::-1].tolist():
        positions = []
        at = parent + 1
        while at < ends[parent]:
            positions.append(at)
            at = int(ends[at])
        children = np.array(positions, np.int64)
        assert (parents[children] == parent).all()
        inside = children[paths.start[children] <= paths.end[children]]
        if not len(inside):
            continue
        begin, finish = int(paths.start[parent]), int(paths.end[parent])
        starts, stops = paths.start[inside], paths.end[inside]
        # the parent waits only for the part of a child that lies within it
        durations = np.maximum(stops - starts + length[inside] - traces.duration[inside], 0).tolist()
        moves = _moves(begin, starts.tolist(), stops.tolist(), durations)
        new_stops = [start + move + time for start, move, time in zip(starts.tolist(), moves, durations, strict=True)]
        for child, move in zip(inside.tolist(), moves, strict=True):
            shift[child] += move
            shift[ends[child]] -= move
        longer = max(new_stops) - int(stops.max())
        length[parent] = max(int(traces.duration[parent]) + longer, 0) if finish > begin else length[parent]


def _ancestors(traces: TraceSet, spans: np.ndarray) -> np.ndarray:
    """List all spans above these: int64, ascending."""
    found = np.zeros(len(traces) + 1, bool)
    at = traces.parent[spans]
    while len(at := np.unique(at[at >= 0])) and not found[at].all():
        at = at[~found[at]]
        found[at] = True
        at = traces.parent[at]
    return np.flatnonzero(found[:-1])


def _moves(begin: int, starts: list[int], stops: list[int], durations: list[int]) -> list[int]:
    """Compute the shift of each child of a parent: that of the siblings before it."""
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
