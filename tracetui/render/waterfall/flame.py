"""One trace with its spans merged by call path: what of its time each way of calling took, however often it ran."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tracetui.analysis.errors import ErrorRole
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.line import Role
from tracetui.render.waterfall.label import LabelNote
from tracetui.render.waterfall.waterfall import Waterfall, running

_TAKEN = "key name resource kind status message raw_at attribute_bytes"
"""Properties that a call path takes from the span that stands for it."""


@dataclass(frozen=True, eq=False)
class MergedCalls:
    """The call paths of one trace as a trace of their own: a span for each, which lasts for their total.

    Callees stand side by side within their caller, the longest first. Where together they took longer than it (they
    ran at the same time) they are drawn to scale within it. One that its caller did not wait for has a stretch of its
    own, from where its caller begins or as much earlier as it needs to end with the trace.
    """

    traces: TraceSet
    node_of: np.ndarray
    """int64[spans of the trace], the call path of each span."""
    example: np.ndarray
    """int64[nodes], the span (a position of the original set) that stands for a call path: the slowest one, and an
    error before others.
    """
    calls: np.ndarray
    """int64[nodes]"""
    total: np.ndarray
    """int64[nodes], ns; what is drawn can be less."""
    longest: np.ndarray
    """int64[nodes], ns of the longest call."""


def merge_calls(traces: TraceSet, first: int, stop: int) -> MergedCalls:
    """Merge the spans `first:stop`, which are a trace or a subtree."""
    found, above = _call_paths(traces, first, stop)
    count = len(above)
    duration = traces.duration[first:stop]
    total = np.zeros(count, np.int64)
    np.add.at(total, found, duration)
    order, end, depth = _pre_order(above, total)
    place = np.empty(count, np.int64)
    place[order] = np.arange(count)
    node_of = place[found]
    total = total[order]
    parent = np.where(above[order] >= 0, place[above[order]], -1)
    rank = np.lexsort((duration, traces.error[first:stop], node_of))
    example = rank[np.searchsorted(node_of[rank], np.arange(count), "right") - 1] + first
    start, drawn = _side_by_side(parent, total, _is_async(traces, parent, example))
    error = np.zeros(count, bool)
    error[node_of[traces.error[first:stop]]] = True
    columns = {name: getattr(traces, name)[example] for name in _TAKEN.split()}
    # a call path stands for spans of many names
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
        marks=traces.marks[example] & np.uint16(Flag.FOLLOWS_FROM),
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
    """-> per span the number of its call path, and per call path that of its caller, -1 for none."""
    numbered: dict[tuple[int, int], int] = {}
    found: list[int] = []
    above: list[int] = []
    parents = (traces.parent[first:stop].astype(np.int64) - first).tolist()
    for parent, operation in zip(parents, traces.operation[first:stop].tolist(), strict=True):
        caller = found[parent] if parent >= 0 else -1
        number = numbered.setdefault((caller, operation), len(above))
        if number == len(above):
            above.append(caller)
        found.append(number)
    return np.array(found, np.int64), np.array(above, np.int64)


def _pre_order(above: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-> the nodes in pre-order, callees by total, and in that order where each subtree ends and its depth."""
    count = len(above)
    sizes, depths = [1] * count, [0] * count
    callers = above.tolist()
    for node in range(count - 1, -1, -1):
        if callers[node] >= 0:
            sizes[callers[node]] += sizes[node]
    # a caller is numbered before its callees: each takes its place after the heavier ones of its caller
    places = [0] * count
    by_weight = np.lexsort((-total, above)).tolist()
    callees: list[list[int]] = [[] for _ in range(count + 1)]
    for node in by_weight:
        callees[callers[node]].append(node)
    for node in [count, *range(count)]:
        at = 0 if node == count else places[node] + 1
        for callee in callees[node]:
            places[callee] = at
            at += sizes[callee]
            depths[callee] = 0 if node == count else depths[node] + 1
    place = np.array(places, np.int64)
    order = np.argsort(place)
    return order, np.arange(count) + np.array(sizes, np.int64)[order], np.array(depths, np.int64)[order]


def _is_async(traces: TraceSet, parent: np.ndarray, example: np.ndarray) -> np.ndarray:
    """bool[nodes], whether nobody waited for a node."""
    kind = traces.kind[example]
    detached = (kind == Kind.CONSUMER) & (kind[parent] == Kind.PRODUCER)
    follows = (traces.marks[example] & np.uint16(Flag.FOLLOWS_FROM)) > 0
    answer: np.ndarray = (parent >= 0) & (detached | follows)
    return answer


def _side_by_side(parent: np.ndarray, total: np.ndarray, detached: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """-> start and length of each node, in ns: within its caller, after the callees before it."""
    wanted = np.zeros(len(total) + 1, np.float64)
    np.add.at(wanted, parent[~detached], total[~detached])
    room = np.maximum(wanted[:-1], total)
    starts: list[float] = []
    lengths: list[float] = []
    taken = [0.0] * (len(total) + 1)
    scales = [1.0] * (len(total) + 1)
    tree_start = tree_stop = 0.0
    columns = (parent.tolist(), total.tolist(), room.tolist(), detached.tolist())
    for node, (caller, own, needed, is_detached) in enumerate(zip(*columns, strict=True)):
        start = starts[caller] if is_detached else taken[caller]
        if is_detached:
            length = float(own)
            start = max(min(start, tree_stop - length), tree_start)
        else:
            length = own * scales[caller]
            taken[caller] = start + length
        if caller < 0:
            tree_start, tree_stop = start, start + length
        starts.append(start)
        lengths.append(length)
        taken[node] = start
        scales[node] = length / needed if needed else 0.0
    start = np.array(starts)
    ends = (start + np.array(lengths)).astype(np.int64)
    return start.astype(np.int64), ends - start.astype(np.int64)


class Flame(Waterfall):
    """The rows of a trace merged by call path. Bars show shares of its time, not when it was; solid is what the
    trace waited for.
    """

    def __init__(self, base: Waterfall) -> None:
        """`base`: the trace or subtree."""
        traces, first, stop = base.traces, base.first, base.stop
        self.merged = merged = merge_calls(traces, first, stop)
        count = len(merged.example)
        roles = np.zeros(count, np.uint8)
        for role in (ErrorRole.CANCELLED, ErrorRole.PROPAGATED, ErrorRole.ORIGIN):
            roles[merged.node_of[base.roles == role]] = role
        critical = np.zeros(count, np.int64)
        np.add.at(critical, merged.node_of, base.critical)
        shown = merged.traces
        scale = shown.duration / np.maximum(merged.total, 1)
        waited = np.flatnonzero(critical)
        sections = (waited, shown.start[waited], shown.start[waited] + (critical * scale)[waited].astype(np.int64))
        super().__init__(
            shown,
            0,
            sections=sections if base.has_path else None,
            roles=roles,
            slots=base.slots,
            marks=base.marks,
            alike=0,
            outside=np.zeros(count, np.uint8),
            message_of=lambda node: base.message_of(int(merged.example[node])),
        )
        self._first = first
        self.whole_ns = base.whole_ns
        self.critical = critical
        self._critical_before = running(critical)
        self.took = self.took_all = merged.total
        self.took_title = "total"
        self._duration_cells = numbers.duration_width(int(merged.total.max()))

    def place_of(self, span: int) -> int:
        return int(self.merged.node_of[span - self._first])

    def span_of(self, place: int) -> int:
        return int(self.merged.example[place])

    def _repeats(self, row: int, run: range | None) -> Iterator[LabelNote]:  # noqa: ARG002 - there are no runs here
        node = int(self.rows.positions[row])
        calls = int(self.merged.calls[node])
        if calls > 1:
            times = self.marks.repeated(calls)
            longest = self.duration(int(self.merged.longest[node]))
            yield LabelNote(f"{times} {self.marks.at_most}{longest}", times, Role.STRONG)
