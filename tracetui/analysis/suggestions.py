"""Suggestions for slow traces: time that a different way of calling would save.

Only the critical path is searched: spans off it save nothing. Four kinds:

- N_PLUS_ONE: at least five sequential calls of one operation under one parent. If one call of the longest duration
  replaced them, the rest would be saved.
- SIDE_BY_SIDE: sequential calls to different services under one parent. In parallel, with the calls to each service
  still in sequence, all but the slowest service would be saved.
- GAP: self time of a parent between two of its children: uninstrumented work or queueing.
- RETRIES: calls that failed and were repeated. If the first one had succeeded, the failed ones would be saved.

Savings are limited by parallel work that would then delay the path (`analysis.saving_bound`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.calls import Calls
from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.errors import retried
from tracetui.analysis.saving_bound import SavingBound
from tracetui.analysis.stats.groups import keyed_together
from tracetui.model.traces import TraceSet

LEAST_CALLS = 5
"""Fewest calls of one operation that count as N+1."""
LEAST_SHARE = 1.0
"""Least saving that is reported, in percent of the path time of the traces in which the suggestion applies."""
_MOST_NAMED = 6


class SuggestionKind(enum.StrEnum):
    """Kinds of suggestions."""

    N_PLUS_ONE = "n_plus_one"
    SIDE_BY_SIDE = "side_by_side"
    GAP = "gap"
    RETRIES = "retries"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Change that would save time, over all traces in which it applies. Times are nanoseconds."""

    kind: SuggestionKind
    parent: tuple[str, str]
    """Service and operation that make the calls."""
    calls: tuple[tuple[str, str], ...]
    """The first few services and operations called, in order; for a GAP those before and after it."""
    more_calls: int
    """Number of callees beyond those in `calls`."""
    saving_ns: float
    """Saving in all traces together, never more than their critical paths."""
    mean_saving_ns: float
    """Mean saving per trace in which it applies."""
    mean_time_ns: float
    """Mean time per trace now spent waiting for these calls; for a GAP, the length of the gap."""
    share_percent: float
    """Saving as a share of the path time of the traces in which it applies."""
    trace_count: int
    most_calls: int
    """Largest number under one parent: calls of an N_PLUS_ONE, failed attempts of RETRIES, members of the others."""
    example_trace: int
    """Trace with the largest saving."""
    example_span: int
    """First of the calls there; for a GAP the call after it."""


@dataclass(frozen=True, slots=True)
class _Instances:
    """Instances of suggestions, one row per parent. Rows of one `group` belong to the same suggestion."""

    kind: SuggestionKind
    group: np.ndarray
    span: np.ndarray
    """First of the calls."""
    saving: np.ndarray
    count: np.ndarray
    time: np.ndarray
    """Time now spent waiting for the calls; for a GAP, the length of the gap."""
    members: _Members
    """For each group the spans of one of its instances, which name it."""


@dataclass(frozen=True, slots=True)
class _Members:
    """Spans of many groups; group g is `span[first[g]:first[g] + size[g]]`."""

    span: np.ndarray
    first: np.ndarray
    size: np.ndarray

    def of(self, groups: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """Gather the spans of these groups. -> spans, group after group; the start of each group and the end of the
        last
        """
        size = self.size[groups]
        ends = np.cumsum(size)
        spans = self.span[np.repeat(self.first[groups] - ends + size, size) + np.arange(int(size.sum()))]
        return spans, [0, *ends.tolist()]


def find_suggestions(paths: CriticalPaths, calls: Calls) -> list[Suggestion]:
    """Find suggestions, the largest total saving first."""
    siblings = _Siblings(paths, calls)
    found = [
        suggestion
        for instances in (siblings.n_plus_one(), siblings.side_by_side(), siblings.gaps(), siblings.retries())
        for suggestion in _suggestions(paths, instances, siblings.labels)
    ]
    return sorted(found, key=lambda one: (-one.saving_ns, one.kind, one.parent, one.calls))


class _Siblings:
    """Spans on the critical path that have a parent, grouped by parent and in order of time. Siblings on a path do not
    overlap.
    """

    def __init__(self, paths: CriticalPaths, calls: Calls) -> None:
        self.traces = traces = paths.traces
        spans = np.flatnonzero(paths.on_path & (paths.parent >= 0))
        self.span = spans[np.lexsort((paths.start[spans], paths.parent[spans]))]
        self.parent = paths.parent[self.span]
        self.time = (paths.end - paths.start)[self.span]
        self.start, self.end = paths.start[self.span], paths.end[self.span]
        self.follows = np.zeros(len(self.span), bool)
        """bool[m], true if the previous row is a sibling of this span."""
        self.follows[1:] = self.parent[1:] == self.parent[:-1]
        self._calls = calls
        self._paths = paths
        self._saving_bound = SavingBound(paths)
        self._retried = retried(traces)
        self._target, self._shown = _targets(traces, calls)

    def labels(self, spans: np.ndarray) -> list[tuple[str, str]]:
        """Label call targets with the callee's service and operation, or with the peer and the name of the call.

        spans: int64[m]
        """
        traces = self.traces
        to_peer = self._target[spans] >= self._calls.first_peer
        shown = self._shown[spans]
        nodes = np.where(to_peer, self._target[spans], traces.service[shown])
        shapes = np.where(to_peer, traces.shape[spans], traces.shape[shown])
        named = self._calls.nodes
        return [
            (named[node], traces.shapes[shape]) for node, shape in zip(nodes.tolist(), shapes.tolist(), strict=True)
        ]

    def n_plus_one(self) -> _Instances:
        traces = self.traces
        # repeated attempts are not different calls, and calls that already overlap are not sequential
        at = np.flatnonzero(~(self._retried | self._overlapping())[self.span])
        order = at[np.lexsort((self.start[at], traces.operation[self.span[at]], self.parent[at]))]
        first = _begins(self.parent[order], traces.operation[self.span[order]])
        count = np.diff(np.append(first, len(order)))
        time = _reduced(np.add, self.time[order], first)
        saving = time - _reduced(np.maximum, self.time[order], first)
        many = count >= LEAST_CALLS
        begin, count, time, saving = first[many], count[many], time[many], saving[many]
        spans, ends = self.span[order[begin]], self.span[order[begin + count - 1]]
        group, members = self._named_by(spans)
        saving = np.minimum(saving, self._saving_bound.of_calls(spans, ends))
        return _Instances(SuggestionKind.N_PLUS_ONE, group, spans, saving, count, time, members)

    def side_by_side(self) -> _Instances:
        target = self._target[self.span]
        is_call = target >= 0
        begins = is_call.copy()
        begins[1:] &= ~(is_call[:-1] & self.follows[1:])
        stretch = np.cumsum(begins) - 1
        at = np.flatnonzero(is_call)
        stretch, target, time = stretch[at], target[at], self.time[at]
        # the calls to one service within a stretch stay sequential
        order = np.lexsort((target, stretch))
        first = _begins(stretch[order], target[order])
        per_service = _reduced(np.add, time[order], first)
        of_service = stretch[order[first]]
        begin = _begins(of_service)
        whole = _reduced(np.add, per_service, begin)
        saving = whole - _reduced(np.maximum, per_service, begin)
        services = np.diff(np.append(begin, len(of_service)))
        some = services > 1
        starts = _begins(stretch)
        sizes = np.diff(np.append(starts, len(at)))
        starts, sizes, saving, whole = starts[some], sizes[some], saving[some], whole[some]
        spans = self.span[at]
        saving = np.minimum(saving, self._saving_bound.of_calls(spans[starts], spans[starts + sizes - 1]))
        group, members = self._named_by_all(spans, starts, sizes)
        return _Instances(SuggestionKind.SIDE_BY_SIDE, group, spans[starts], saving, sizes, whole, members)

    def gaps(self) -> _Instances:
        after = np.flatnonzero(self.follows)
        gap = self.start[after] - self.end[after - 1]
        # the gap before a retry is a deliberate pause
        real = (gap > 0) & ~self._retried[self.span[after - 1]] & ~self._busy(after)
        after, gap = after[real], gap[real]
        before_and_after = np.column_stack((self.span[after - 1], self.span[after])).ravel()
        starts = np.arange(0, len(before_and_after), 2)
        group, members = self._named_by_all(before_and_after, starts, np.full(len(after), 2), ordered=True)
        # nothing runs in parallel within the parent; only work parallel to the parent bounds the saving
        saving = np.minimum(gap, self._saving_bound.of(self.parent[after]))
        return _Instances(SuggestionKind.GAP, group, self.span[after], saving, np.full(len(after), 2), gap, members)

    def _busy(self, after: np.ndarray) -> np.ndarray:
        """bool[m], true if another child of the parent runs between a sibling and the one before it."""
        paths = self._paths
        ran = (paths.parent >= 0) & (paths.start < paths.end)
        spans = np.flatnonzero(ran)
        spans = spans[np.lexsort((paths.start[spans], paths.parent[spans]))]
        if not len(spans) or not len(after):
            return np.zeros(len(after), bool)
        parents = paths.parent[spans]
        start, end, since, until = keyed_together(
            (parents, paths.start[spans]),
            (parents, paths.end[spans]),
            (self.parent[after], self.end[after - 1]),
            (self.parent[after], self.start[after]),
        )
        reached = np.maximum.accumulate(end)
        # the last one that begins before the sibling, and the greatest end among it and those before it
        last = np.searchsorted(start, until) - 1
        busy: np.ndarray = (last >= 0) & (reached[np.maximum(last, 0)] > since)
        return busy

    def _overlapping(self) -> np.ndarray:
        """bool[n], spans that overlap a sibling of the same operation."""
        traces = self.traces
        spans = np.flatnonzero(traces.parent >= 0)
        spans = spans[np.lexsort((traces.start[spans], traces.operation[spans], traces.parent[spans]))]
        found = np.zeros(len(traces), bool)
        before, after = spans[:-1], spans[1:]
        same_operation = (traces.parent[before] == traces.parent[after]) & (
            traces.operation[before] == traces.operation[after]
        )
        both = same_operation & (traces.start[after] < traces.end[before])
        found[before[both]] = True
        found[after[both]] = True
        return found

    def retries(self) -> _Instances:
        traces = self.traces
        failed = np.flatnonzero(self._retried[self.span])
        order = failed[np.lexsort((self.start[failed], traces.operation[self.span[failed]], self.parent[failed]))]
        parent, operation = self.parent[order], traces.operation[self.span[order]]
        first = _begins(parent, operation)
        count = np.diff(np.append(first, len(order)))
        spans, ends = self.span[order[first]], self.span[order[first + count - 1]]
        group, members = self._named_by(spans)
        time = _reduced(np.add, self.time[order], first)
        saving = np.minimum(time, self._saving_bound.of_calls(spans, ends))
        return _Instances(SuggestionKind.RETRIES, group, spans, saving, count, time, members)

    def _named_by(self, spans: np.ndarray) -> tuple[np.ndarray, _Members]:
        """Group instances by the operations of one span and its parent. -> group of each instance; a span for each
        group
        """
        traces = self.traces
        # operation numbers are too large to combine two in one integer
        parent = np.unique(traces.operation[traces.parent[spans]], return_inverse=True)[1]
        operations, operation = np.unique(traces.operation[spans], return_inverse=True)
        pair = parent * len(operations) + operation
        first, group = np.unique(pair, return_index=True, return_inverse=True)[1:]
        return group, _Members(spans, first, np.ones(len(first), np.int64))

    def _named_by_all(
        self, spans: np.ndarray, starts: np.ndarray, sizes: np.ndarray, *, ordered: bool = False
    ) -> tuple[np.ndarray, _Members]:
        """Group instances by the operations of several spans and their parent.

        Instance i is `spans[starts[i]:starts[i] + sizes[i]]`.
        """
        traces = self.traces
        if not len(starts):
            none = np.zeros(0, np.int64)
            return none, _Members(none, none, none)
        instance = np.repeat(np.arange(len(starts)), sizes)
        positions = np.arange(len(instance)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        members = spans[np.repeat(starts, sizes) + positions]
        operations, operation = np.unique(traces.operation[self._shown[members]], return_inverse=True)
        parents, parent = np.unique(traces.operation[traces.parent[spans[starts]]], return_inverse=True)
        if not ordered:
            # each operation once, in any order
            pairs = np.unique(instance * len(operations) + operation)
            instance, operation = np.divmod(pairs, len(operations))
            positions = np.zeros(len(instance), np.int64)
        # a sum of random numbers identifies a set of operations, with a collision probability of 1 in 2**64
        random_numbers = np.random.default_rng(0).integers(0, 1 << 63, len(parents) + len(operations), np.uint64)
        sums = random_numbers[len(operations) + parent]
        np.add.at(sums, instance, random_numbers[operation] * (positions + 1).astype(np.uint64))
        _, first, group = np.unique(sums, return_index=True, return_inverse=True)
        return group, _Members(spans, starts[first], sizes[first])


def _targets(traces: TraceSet, calls: Calls) -> tuple[np.ndarray, np.ndarray]:
    """Find call targets. -> int64[n], the service or peer that a span calls or is called as, -1 for none; int64[n], the
    span that names it: the callee's span if there is one
    """
    target = np.full(len(traces), -1, np.int64)
    shown = np.arange(len(traces))
    waited = ~calls.is_async
    target[calls.span[waited]] = calls.callee[waited]
    made = waited & (calls.half >= 0)
    target[calls.half[made]] = calls.callee[made]
    shown[calls.half[made]] = calls.span[made]
    return target, shown


def _begins(*columns: np.ndarray) -> np.ndarray:
    """Find the first position of each run of equal rows in these columns: int64."""
    if not len(columns[0]):
        return np.zeros(0, np.int64)
    changes = [column[1:] != column[:-1] for column in columns]
    return np.flatnonzero(np.append(True, np.logical_or.reduce(changes)))


def _reduced(function: np.ufunc, values: np.ndarray, first: np.ndarray) -> np.ndarray:
    result: np.ndarray = function.reduceat(values, first) if len(first) else np.zeros(0, np.int64)
    return result


def _suggestions(
    paths: CriticalPaths, found: _Instances, labels: Callable[[np.ndarray], list[tuple[str, str]]]
) -> list[Suggestion]:
    traces = paths.traces
    saves = np.flatnonzero(found.saving > 0)
    rows = saves[np.lexsort((traces.trace[found.span[saves]], found.group[saves]))]
    if not len(rows):
        return []
    trace, group = traces.trace[found.span[rows]], found.group[rows]
    # starts of the rows of each trace within a group, and of each group
    at_trace = _begins(group, trace)
    at_group = _begins(group[at_trace])
    # only part of a root counts if others overlap it: a trace never saves more than its critical path
    times = paths.trace_critical[trace[at_trace]].astype(np.float64)
    saving = np.minimum(np.add.reduceat(found.saving[rows], at_trace, dtype=np.float64), times)
    whole, total = np.add.reduceat(times, at_group), np.add.reduceat(saving, at_group)
    touched = np.diff(np.append(at_group, len(at_trace)))
    share = np.divide(100 * total, whole, out=np.zeros(len(whole)), where=whole > 0)
    best = _first_greatest(saving, at_group)
    example = found.span[rows[_first_greatest(found.saving[rows], at_trace)[best]]]
    begins = at_trace[at_group]
    time = np.add.reduceat(found.time[rows], begins, dtype=np.float64)
    most = np.maximum.reduceat(found.count[rows], begins)
    kept = np.flatnonzero(share >= LEAST_SHARE)
    members, bounds = found.members.of(group[begins[kept]])
    names = labels(members)
    columns = (total, total / touched, time / touched, share, touched, most, trace[at_trace[best]], example)
    parents = traces.operation[traces.parent[example[kept]]].tolist()
    suggestions = []
    for begin, end, parent, saved, mean, mean_time, part, count, calls, best_trace, span in zip(
        bounds[:-1], bounds[1:], parents, *(column[kept].tolist() for column in columns), strict=True
    ):
        called = names[begin:end]
        if found.kind is not SuggestionKind.GAP:
            called = list(dict.fromkeys(called))
        suggestions.append(
            Suggestion(
                kind=found.kind,
                parent=traces.operation_label(parent),
                calls=tuple(called[:_MOST_NAMED]),
                more_calls=max(len(called) - _MOST_NAMED, 0),
                saving_ns=saved,
                mean_saving_ns=mean,
                mean_time_ns=mean_time,
                share_percent=part,
                trace_count=count,
                most_calls=calls,
                example_trace=best_trace,
                example_span=span,
            )
        )
    return suggestions


def _first_greatest(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Find the position of the greatest value of each group, the first of equal ones: int64[groups].

    Group g is `first[g]:first[g + 1]`, the last one extends to the end; none is empty.
    """
    sizes = np.diff(np.append(first, len(values)))
    group = np.repeat(np.arange(len(first)), sizes)
    greatest = np.flatnonzero(values == np.maximum.reduceat(values, first)[group])
    found: np.ndarray = greatest[_begins(group[greatest])]
    return found
