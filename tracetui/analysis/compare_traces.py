"""Comparison of two traces, with spans matched by call path: the operations from the root down to the span."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import numpy as np

from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.errors import ErrorRole, roles
from tracetui.analysis.network import network_times
from tracetui.analysis.self_time import self_times

MIN_SHARE = 0.01
"""Smallest change of a call path that counts, as a share of the longer trace."""
MIN_CHANGE = 0.1
"""Smallest change that counts, as a share of the value before."""


class PathChange(enum.StrEnum):
    SAME = "same"
    SLOWER = "slower"
    FASTER = "faster"
    ADDED = "added"
    REMOVED = "removed"
    UNKNOWN = "unknown"
    """The duration before or after is unknown."""


@dataclass(frozen=True, slots=True)
class CallNetwork:
    """Network time (see `analysis.network`) of a call path in the first and the second trace, in nanoseconds."""

    callee: str
    """Service that the most of it was spent on the way to."""
    total_ns: tuple[int, int]
    critical_ns: tuple[int, int]
    """Network time on the critical path."""
    queue_ns: tuple[int, int]
    """Queue time of messages, which is on no critical path."""
    queue_change: PathChange
    """Verdict on the queue time: SLOWER, FASTER or SAME."""


@dataclass(frozen=True, slots=True)
class CallPath:
    """Call path in the first and the second trace. Times are nanoseconds."""

    depth: int
    service: str
    operation: str
    counts: tuple[int, int]
    total_ns: tuple[int | None, int | None]
    """Total duration of its spans, callees included; None if the end of any is unknown."""
    self_ns: tuple[int | None, int | None]
    """Self time of its spans; None as for `total_ns`."""
    critical_ns: tuple[int, int]
    """Self time of its spans on the critical path."""
    errors: tuple[int, int]
    origins: tuple[int, int]
    """Number of errors that began in it."""
    change: PathChange
    """Verdict by total duration: a span that waits longer for its callees is slower."""
    own_change: PathChange
    """Verdict without its callees, by the greater of the changes of self and critical time: SLOWER, FASTER or SAME."""
    spans: tuple[int, int]
    """First span of the call path in each trace, -1 for none."""
    network: CallNetwork | None = None
    """Network and queue time of its spans; None if they call no service."""


@dataclass(slots=True)
class _Node:
    depth: int
    label: tuple[str, str]
    below: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=lambda: [0, 0])
    total: list[int] = field(default_factory=lambda: [0, 0])
    own: list[int] = field(default_factory=lambda: [0, 0])
    critical: list[int] = field(default_factory=lambda: [0, 0])
    errors: list[int] = field(default_factory=lambda: [0, 0])
    origins: list[int] = field(default_factory=lambda: [0, 0])
    spans: list[int] = field(default_factory=lambda: [-1, -1])
    unfinished: list[bool] = field(default_factory=lambda: [False, False])
    network: list[int] = field(default_factory=lambda: [0, 0])
    critical_network: list[int] = field(default_factory=lambda: [0, 0])
    queue: list[int] = field(default_factory=lambda: [0, 0])
    callees: dict[str, int] = field(default_factory=dict)
    """Network and queue time by service called."""


def compare_traces(before: CriticalPaths, first: int, after: CriticalPaths, second: int) -> list[CallPath]:
    """Match the spans of trace `first` of one set and of trace `second` of another, or of the same. -> in tree order"""
    nodes: list[_Node] = []
    known: dict[tuple[int, str, str], int] = {}
    roots: list[int] = []
    for side, (paths, trace) in enumerate(((before, first), (after, second))):
        traces = paths.traces
        spans = traces.spans_of(trace)
        alone = traces.select(_only(traces.trace_count, trace))
        own, role = self_times(alone).tolist(), roles(alone).tolist()
        node_of: dict[int, int] = {}
        for span in spans:
            parent = int(traces.parent[span])
            above = node_of[parent] if parent >= 0 else -1
            label = traces.operation_label(int(traces.operation[span]))
            number = known.get((above, *label))
            if number is None:
                number = known[above, *label] = len(nodes)
                nodes.append(_Node(nodes[above].depth + 1 if above >= 0 else 0, label))
                (nodes[above].below if above >= 0 else roots).append(number)
            node_of[span] = number
            node = nodes[number]
            node.counts[side] += 1
            node.total[side] += int(traces.duration[span])
            node.own[side] += own[span - spans.start]
            node.critical[side] += int(paths.critical[span])
            node.unfinished[side] |= bool(traces.no_duration[span])
            node.errors[side] += bool(traces.error[span])
            node.origins[side] += role[span - spans.start] == ErrorRole.ORIGIN
            if node.spans[side] < 0:
                node.spans[side] = span
        networks = network_times(alone)
        columns = (networks.caller, networks.answer, networks.is_async, networks.total)
        for at, answer, is_async, ns in zip(*(column.tolist() for column in columns), strict=True):
            span = spans.start + at
            node = nodes[node_of[span]]
            (node.queue if is_async else node.network)[side] += ns
            node.critical_network[side] += 0 if is_async else min(ns, int(paths.critical[span]))
            callee = traces.service_name(spans.start + answer)
            node.callees[callee] = node.callees.get(callee, 0) + ns
    longer = max(int(before.traces.response_time[first]), int(after.traces.response_time[second]))
    found = []
    waiting = roots[::-1]
    while waiting:
        node = nodes[waiting.pop()]
        found.append(_call_path(node, MIN_SHARE * longer))
        waiting += reversed(node.below)
    return found


def _only(count: int, trace: int) -> np.ndarray:
    mask = np.zeros(count, bool)
    mask[trace] = True
    return mask


def _call_path(node: _Node, least: float) -> CallPath:
    columns = (node.counts, node.critical, node.errors, node.origins, node.spans)
    counts, critical, errors, origins, spans = ((before, after) for before, after in columns)
    total, own = (_known(times, node.unfinished) for times in (node.total, node.own))
    change = PathChange.ADDED if not counts[0] else PathChange.REMOVED if not counts[1] else _change(total, least)
    own_change, critical_change = _change(own, least), _change(critical, least)
    if own_change is PathChange.UNKNOWN or _difference(critical) > _difference(own):
        own_change = critical_change
    return CallPath(
        node.depth,
        *node.label,
        counts=counts,
        total_ns=total,
        self_ns=own,
        critical_ns=critical,
        errors=errors,
        origins=origins,
        change=change,
        own_change=own_change,
        spans=spans,
        network=_network(node, least),
    )


def _network(node: _Node, least: float) -> CallNetwork | None:
    if not node.callees:
        return None
    callee = max(node.callees, key=node.callees.__getitem__)
    columns = (node.network, node.critical_network, node.queue)
    total, critical, queue = ((before, after) for before, after in columns)
    return CallNetwork(callee, total, critical, queue, _change(queue, least))


_Pair = tuple[int | None, int | None]


def _known(times: list[int], unfinished: list[bool]) -> _Pair:
    before, after = (None if lost else ns for ns, lost in zip(times, unfinished, strict=True))
    return before, after


def _difference(pair: _Pair) -> int:
    before, after = pair
    return 0 if before is None or after is None else abs(after - before)


def _change(pair: _Pair, least: float) -> PathChange:
    before, after = pair
    if before is None or after is None:
        return PathChange.UNKNOWN
    if abs(after - before) <= least or abs(after - before) < MIN_CHANGE * before:
        return PathChange.SAME
    return PathChange.SLOWER if after > before else PathChange.FASTER
