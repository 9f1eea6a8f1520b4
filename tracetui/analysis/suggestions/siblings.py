"""Siblings on critical paths, and the places among them where suggestions apply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.calls import Calls
from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.errors import retried
from tracetui.analysis.saving_bound import SavingBound
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, slots=True)
class Instances:
    """Instances of suggestions, one row per parent. Rows of one `group` belong to the same suggestion."""

    group: np.ndarray
    span: np.ndarray
    """First of the calls."""
    saving: np.ndarray
    count: np.ndarray
    time: np.ndarray
    """Time spent waiting for the calls today; for a gap, its length."""
    members: Members
    """For each group the spans of one of its instances, which name it."""


@dataclass(frozen=True, slots=True)
class Members:
    """Spans of many groups; group g is `span[first[g]:first[g] + size[g]]`."""

    span: np.ndarray
    first: np.ndarray
    size: np.ndarray

    def of(self, groups: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """Return the spans of these groups, group after group, and the bounds of the groups among them."""
        size = self.size[groups]
        ends = np.cumsum(size)
        spans = self.span[np.repeat(self.first[groups] - ends + size, size) + np.arange(int(size.sum()))]
        return spans, [0, *ends.tolist()]


class Siblings:
    """Spans on critical paths that have a parent, grouped by parent in the order of time; m rows.

    No two siblings on a path overlap.
    """

    def __init__(self, paths: CriticalPaths, calls: Calls) -> None:
        self.traces = traces = paths.traces
        spans = np.flatnonzero(paths.on_path & (paths.parent >= 0))
        self.paths = paths
        self.span = spans[np.lexsort((paths.start[spans], paths.parent[spans]))]
        self.parent = paths.parent[self.span]
        self.time = (paths.end - paths.start)[self.span]
        self.start, self.end = paths.start[self.span], paths.end[self.span]
        self.follows = np.zeros(len(self.span), bool)
        """bool[m], true if the previous row is a sibling of this span."""
        self.follows[1:] = self.parent[1:] == self.parent[:-1]
        self._calls = calls
        self.bound = SavingBound(paths)
        self.retried = retried(traces)
        """bool[n]; true for failed attempts that were repeated."""
        self.target, self._shown = _targets(traces, calls)
        """`target`: int64[n], the service or peer that a span calls or is called as, -1 for none."""

    def labels(self, spans: np.ndarray) -> list[tuple[str, str]]:
        """Return the labels of call targets: the callee's service and operation, or the peer and the call's name.

        spans: int64[m]
        """
        traces = self.traces
        to_peer = self.target[spans] >= self._calls.first_peer
        shown = self._shown[spans]
        nodes = np.where(to_peer, self.target[spans], traces.service[shown])
        shapes = np.where(to_peer, traces.shape[spans], traces.shape[shown])
        named = self._calls.nodes
        return [
            (named[node], traces.shapes[shape]) for node, shape in zip(nodes.tolist(), shapes.tolist(), strict=True)
        ]

    def overlapping(self) -> np.ndarray:
        """Return bool[n]: true for spans that overlap a sibling of the same operation."""
        traces = self.traces
        spans = np.flatnonzero(traces.parent >= 0)
        spans = spans[np.lexsort((traces.start[spans], traces.operation[spans], traces.parent[spans]))]
        found = np.zeros(len(traces), bool)
        before, after = spans[:-1], spans[1:]
        is_same = (traces.parent[before] == traces.parent[after]) & (
            traces.operation[before] == traces.operation[after]
        )
        both = is_same & (traces.start[after] < traces.end[before])
        found[before[both]] = True
        found[after[both]] = True
        return found

    def named_by(self, spans: np.ndarray) -> tuple[np.ndarray, Members]:
        """Group instances that one span names, with its parent. -> the group of each, and the span of each group"""
        traces = self.traces
        # operation numbers are too large to combine two in one integer
        parent = np.unique(traces.operation[traces.parent[spans]], return_inverse=True)[1]
        operations, operation = np.unique(traces.operation[spans], return_inverse=True)
        pair = parent * len(operations) + operation
        first, group = np.unique(pair, return_index=True, return_inverse=True)[1:]
        return group, Members(spans, first, np.ones(len(first), np.int64))

    def named_by_all(
        self, spans: np.ndarray, starts: np.ndarray, sizes: np.ndarray, *, ordered: bool = False
    ) -> tuple[np.ndarray, Members]:
        """Group instances that several spans name, with their parent, by the operations of these spans.

        Instance i is `spans[starts[i]:starts[i] + sizes[i]]`.
        """
        traces = self.traces
        if not len(starts):
            none = np.zeros(0, np.int64)
            return none, Members(none, none, none)
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
        return group, Members(spans, starts[first], sizes[first])


def _targets(traces: TraceSet, calls: Calls) -> tuple[np.ndarray, np.ndarray]:
    """Return int64[n], the service or peer that a span calls or is called as (-1 for none), and int64[n], the span
    that names it: that of the callee, if there is one.
    """
    target = np.full(len(traces), -1, np.int64)
    shown = np.arange(len(traces))
    waited = ~calls.is_async
    target[calls.span[waited]] = calls.callee[waited]
    made = waited & (calls.caller_half >= 0)
    target[calls.caller_half[made]] = calls.callee[made]
    shown[calls.caller_half[made]] = calls.span[made]
    return target, shown


def run_starts(*columns: np.ndarray) -> np.ndarray:
    """Return int64, the first position of each run of equal rows of these columns."""
    if not len(columns[0]):
        return np.zeros(0, np.int64)
    changes = [column[1:] != column[:-1] for column in columns]
    return np.flatnonzero(np.append(True, np.logical_or.reduce(changes)))


def reduced(function: np.ufunc, values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Reduce each group of values; group g begins at `first[g]`. There may be no groups."""
    result: np.ndarray = function.reduceat(values, first) if len(first) else np.zeros(0, np.int64)
    return result
