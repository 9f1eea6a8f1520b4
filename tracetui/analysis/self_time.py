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
    parent = traces.parent[child]
    start = np.maximum(traces.start[child], traces.start[parent])
    end = np.minimum(traces.reached_end[child], traces.end[parent])
    kept = start < end
    child, parent, start, end = child[kept], parent[kept], start[kept], end[kept]
    if not len(child):
        return result
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
    covered = end - np.where(new_parent, start, np.maximum(start, before))
    result[parents] -= np.add.reduceat(np.maximum(covered, 0), first[:-1])
    return result
