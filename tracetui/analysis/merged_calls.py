"""The spans of a trace merged by call path, with the total time of each path."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet

_COPIED = "key name resource kind status message raw_at attribute_bytes"
"""Columns that a call path copies from its example span."""


@dataclass(frozen=True, eq=False)
class MergedCalls:
    """The call paths of one trace as a trace: one span per path, with the total duration of its calls.

    Callees are laid out one after another within their caller, longest first. If together they exceed the caller
    because they ran concurrently, they are scaled down to fit. An asynchronous callee starts with its caller, or
    earlier if it would otherwise end after the trace.
    """

    traces: TraceSet
    node_of: np.ndarray
    """int64[spans of the trace], the call path of each span."""
    example: np.ndarray
    """int64[nodes], example span of each call path (position in the original set): an error if any, then the slowest.
    """
    calls: np.ndarray
    """int64[nodes], number of calls."""
    total: np.ndarray
    """int64[nodes], total duration in ns; the drawn bar may be shorter."""
    longest: np.ndarray
    """int64[nodes], longest call in ns."""


def merge_calls(traces: TraceSet, first: int, stop: int) -> MergedCalls:
    """Merge the spans `first:stop`, a trace or a subtree, by call path."""
    path_of, above = _call_paths(traces, first, stop)
    count = len(above)
    duration = traces.duration[first:stop]
    total = np.zeros(count, np.int64)
    np.add.at(total, path_of, duration)
    order, end, depth = _pre_order(above, total)
    position = np.empty(count, np.int64)
    position[order] = np.arange(count)
    node_of = position[path_of]
    total = total[order]
    parent = np.where(above[order] >= 0, position[above[order]], -1)
    rank = np.lexsort((duration, traces.error[first:stop], node_of))
    example = rank[np.searchsorted(node_of[rank], np.arange(count), "right") - 1] + first
    start, drawn = _lay_out(parent, total, _is_async(traces, parent, example))
    error = np.zeros(count, bool)
    error[node_of[traces.error[first:stop]]] = True
    columns = {name: getattr(traces, name)[example] for name in _COPIED.split()}
    # the spans of a call path may differ in name, but not in shape
    columns["name"] = traces.shape[example]
    merged = replace(
        traces,
        **columns,
        trace=np.zeros(count, np.int32),
        parent=parent.astype(np.int32),
        subtree_end=end.astype(np.int32),
        depth=depth.astype(np.int32),
        start=start + int(traces.start[first]),
        duration=drawn,
        error=error,
        flags=traces.flags[example] & np.uint16(Flag.FOLLOWS_FROM),
        event_bytes=np.zeros(count, traces.event_bytes.dtype),
        link_bytes=np.zeros(count, traces.link_bytes.dtype),
        first=np.array([0, count], np.int64),
        names=traces.shapes,
        exact_names=True,
        trace_ids=[traces.trace_ids[int(traces.trace[first])]],
        odd_ids={},
        missing_parents={},
        source_warnings={},
        trace_warnings={},
        load_warnings=[],
        duplicates={},
        skew={},
    )
    longest = np.zeros(count, np.int64)
    np.maximum.at(longest, node_of, duration)
    return MergedCalls(merged, node_of, example, np.bincount(node_of, minlength=count), total, longest)


def _call_paths(traces: TraceSet, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each span's call path, and of each path's caller (-1 for none)."""
    numbered: dict[tuple[int, int], int] = {}
    path_of: list[int] = []
    above: list[int] = []
    parents = (traces.parent[first:stop].astype(np.int64) - first).tolist()
    for parent, operation in zip(parents, traces.operation[first:stop].tolist(), strict=True):
        caller = path_of[parent] if parent >= 0 else -1
        number = numbered.setdefault((caller, operation), len(above))
        if number == len(above):
            above.append(caller)
        path_of.append(number)
    return np.array(path_of, np.int64), np.array(above, np.int64)


def _pre_order(above: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the nodes in pre-order (callees by total), and in that order their subtree ends and depths."""
    count = len(above)
    sizes, depths = [1] * count, [0] * count
    callers = above.tolist()
    for node in range(count - 1, -1, -1):
        if callers[node] >= 0:
            sizes[callers[node]] += sizes[node]
    # callers have lower numbers than callees; a callee follows the heavier ones of its caller
    positions = [0] * count
    by_weight = np.lexsort((-total, above)).tolist()
    callees: list[list[int]] = [[] for _ in range(count + 1)]
    for node in by_weight:
        callees[callers[node]].append(node)
    for node in [count, *range(count)]:
        at = 0 if node == count else positions[node] + 1
        for callee in callees[node]:
            positions[callee] = at
            at += sizes[callee]
            depths[callee] = 0 if node == count else depths[node] + 1
    position = np.array(positions, np.int64)
    order = np.argsort(position)
    return order, np.arange(count) + np.array(sizes, np.int64)[order], np.array(depths, np.int64)[order]


def _is_async(traces: TraceSet, parent: np.ndarray, example: np.ndarray) -> np.ndarray:
    """Test which nodes are asynchronous, bool[nodes]."""
    kind = traces.kind[example]
    detached = (kind == Kind.CONSUMER) & (kind[parent] == Kind.PRODUCER)
    follows = (traces.flags[example] & np.uint16(Flag.FOLLOWS_FROM)) > 0
    is_async: np.ndarray = (parent >= 0) & (detached | follows)
    return is_async


def _lay_out(parent: np.ndarray, total: np.ndarray, detached: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return start and length of each node in ns: within its caller, after the preceding callees."""
    callee_total = np.zeros(len(total) + 1, np.float64)
    np.add.at(callee_total, parent[~detached], total[~detached])
    room = np.maximum(callee_total[:-1], total)
    starts: list[float] = []
    lengths: list[float] = []
    next_start = [0.0] * (len(total) + 1)
    scales = [1.0] * (len(total) + 1)
    tree_start = tree_stop = 0.0
    columns = (parent.tolist(), total.tolist(), room.tolist(), detached.tolist())
    for node, (caller, own, needed, is_detached) in enumerate(zip(*columns, strict=True)):
        start = starts[caller] if is_detached else next_start[caller]
        if is_detached:
            length = float(own)
            start = max(min(start, tree_stop - length), tree_start)
        else:
            length = own * scales[caller]
            next_start[caller] = start + length
        if caller < 0:
            tree_start, tree_stop = start, start + length
        starts.append(start)
        lengths.append(length)
        next_start[node] = start
        scales[node] = length / needed if needed else 0.0
    start = np.array(starts)
    ends = (start + np.array(lengths)).astype(np.int64)
    return start.astype(np.int64), ends - start.astype(np.int64)
