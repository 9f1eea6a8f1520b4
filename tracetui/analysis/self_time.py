"""Self time: the part of a span's duration in which none of its children ran."""

from __future__ import annotations

import numpy as np

from tracetui.analysis.stats.groups import group_slices, keyed
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet


def detached(traces: TraceSet) -> np.ndarray:
    """bool[n]: CONSUMER children of a PRODUCER, for which it does not wait."""
    consumers = np.flatnonzero(traces.kind == Kind.CONSUMER)
    parent = traces.parent[consumers]
    result = np.zeros(len(traces), bool)
    result[consumers] = (parent >= 0) & (traces.kind[parent] == Kind.PRODUCER)
    return result


def self_times(traces: TraceSet) -> np.ndarray:
    """int64[n] nanoseconds: each duration minus the union of the children's intervals clipped to it.

    A CONSUMER child of a PRODUCER does not count; a child without an end ran as long as anything below it did.
    0 <= self <= duration.
    """
    result: np.ndarray = traces.duration.copy()
    child = np.flatnonzero((traces.parent >= 0) & ~detached(traces))
    parents, first, start, end = _covered(traces, child)
    if len(parents):
        result[parents] -= np.add.reduceat(end - start, first)
    return result


def max_working(traces: TraceSet, spans: slice) -> int:
    """Return the largest number of spans of a range that work at the same time: spans without a running child.

    At least 1. Callers that merely wait for a call do not count, unlike in the number of running spans.
    """
    at = np.arange(spans.start, spans.stop)
    parent = traces.parent[at]
    is_detached = (traces.kind[at] == Kind.CONSUMER) & (parent >= 0) & (traces.kind[parent] == Kind.PRODUCER)
    _, _, begin, end = _covered(traces, at[(parent >= spans.start) & ~is_detached])
    ends, starts = np.concatenate((traces.end[at], begin)), np.concatenate((traces.start[at], end))
    steps = np.repeat(np.array([-1, 1], np.int64), [len(ends), len(starts)])
    # at equal times ends come before starts
    order = np.argsort(np.concatenate((ends, starts)), kind="stable")
    return int(np.cumsum(steps[order]).max(initial=1))


def _covered(traces: TraceSet, child: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return when children (positions, int64[n]) run within their parents, without overlaps.

    -> the parents (int64[p]), the first interval of each (int64[p]), starts and ends of the intervals (int64[k], ns)
    """
    parent = traces.parent[child]
    start = np.maximum(traces.start[child], traces.start[parent])
    end = np.minimum(traces.reached_end[child], traces.end[parent])
    kept = start < end
    parent, start, end = parent[kept], start[kept], end[kept]
    if not len(parent):
        return parent, parent, start, end
    order, parents, first = group_slices(parent)
    parent, start, end = parent[order], start[order], end[order]
    new_parent = np.zeros(len(parent), bool)
    new_parent[first[:-1]] = True
    if (~new_parent[1:] & (start[1:] < start[:-1])).any():
        # siblings are sorted by start, except those that skew correction moved
        order = np.lexsort((start, parent))
        start, end = start[order], end[order]
    (end_key,) = keyed(np.cumsum(new_parent), end)
    # the greatest end so far, as a position that can be turned back into a time
    furthest = np.maximum.accumulate(end_key)
    holder = np.maximum.accumulate(np.where(end_key == furthest, np.arange(len(end)), 0))
    before = np.concatenate(([0], end[holder[:-1]]))
    start = np.where(new_parent, start, np.maximum(start, before))
    return parents, first[:-1], start, np.maximum(start, end)
