"""Asynchronous work: work that a message starts, which response times do not include.

A CONSUMER below a PRODUCER, or a CONSUMER root that is not the main root, begins a unit of work with a critical path of
its own (see `analysis.critical_path`). Units that begin with the same operation form an entry point with its own
bottlenecks; they are excluded from the figures of requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np

from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT, Bottleneck, common_detail
from tracetui.analysis.critical_path import CriticalPaths, async_roots, root_paths
from tracetui.analysis.stats.groups import group_slices
from tracetui.analysis.summary import DurationStats, duration_stats
from tracetui.model.traces import TraceSet


@dataclass(frozen=True, slots=True)
class AsyncEntry:
    """Operation that begins units of asynchronous work."""

    service: str
    operation: str
    unit_count: int
    trace_count: int
    """Number of traces with such a unit."""
    durations: DurationStats
    """Durations of the first spans of the units."""
    path_ns: int
    """Total time on the critical paths of its units."""
    bottlenecks: tuple[Bottleneck, ...]
    """Operations by share of the path time of the units in which they occur. `occurrences` and `trace_count` count
    units, not traces.
    """
    slowest: tuple[tuple[int, int], ...]
    """(trace, span) of the few longest units."""


@dataclass(frozen=True, slots=True)
class AsyncUnit:
    """Unit of work: its first span, and the sections of its critical path (spans, starts, ends)."""

    root: int
    spans: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


_SLOWEST = 5


class AsyncWork:
    """Asynchronous work of a trace set."""

    def __init__(self, traces: TraceSet) -> None:
        self.traces = traces
        self.roots = async_roots(traces)
        """int64, the first spans of the units."""
        self._with_units = np.unique(traces.trace[self.roots])
        """int64, the traces with units; only these are analysed."""
        subset = traces.select(self._with_units)
        sizes = np.diff(traces.first)[self._with_units]
        self._original = np.arange(len(subset)) + np.repeat(traces.first[self._with_units] - subset.first[:-1], sizes)
        """int64, for each span of these traces its position in the whole set."""
        subset_roots = np.searchsorted(self._original, self.roots)
        parent = subset.parent.copy()
        parent[subset_roots] = -1
        cut = replace(subset, parent=parent)
        # a span without an end extends as far as in the whole trace
        vars(cut)["reached_end"] = subset.reached_end
        self._paths: CriticalPaths = root_paths(cut)
        self._subset_roots = subset_roots
        self._unit = _units(parent, subset_roots)

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.roots)

    def entries(self) -> list[AsyncEntry]:
        """List the entry points of asynchronous work, by total time on critical paths."""
        if not len(self.roots):
            return []
        within = np.flatnonzero(self._unit >= 0)
        entry_of = self._paths.traces.operation[self._subset_roots]
        order, distinct, first = group_slices(entry_of[self._unit[within]])
        found = [
            self._entry(entry, within[order[begin:end]])
            for entry, begin, end in zip(distinct.tolist(), first[:-1].tolist(), first[1:].tolist(), strict=True)
        ]
        return sorted(found, key=lambda one: (-one.path_ns, one.service, one.operation))

    def _entry(self, entry: int, spans: np.ndarray) -> AsyncEntry:
        """Build the entry point of an operation. spans: int64, all spans in its units."""
        traces = self._paths.traces
        units = np.unique(self._unit[spans])
        roots = self._subset_roots[units]
        lengths = traces.reached_end[roots] - traces.start[roots]
        slowest = roots[np.argsort(-lengths, kind="stable")[:_SLOWEST]]
        service, operation = traces.operation_label(entry)
        return AsyncEntry(
            service=service,
            operation=operation,
            unit_count=len(units),
            trace_count=len(np.unique(traces.trace[roots])),
            durations=duration_stats(lengths),
            path_ns=int(self._paths.critical[spans].sum()),
            bottlenecks=tuple(self._bottlenecks(spans, len(units))),
            slowest=tuple(
                (int(self._with_units[traces.trace[root]]), int(self._original[root])) for root in slowest.tolist()
            ),
        )

    def _bottlenecks(self, spans: np.ndarray, unit_count: int) -> Iterator[Bottleneck]:
        traces, critical = self._paths.traces, self._paths.critical
        unit = self._unit[spans]
        number, group = np.unique(unit, return_inverse=True)
        path_time = np.bincount(group, weights=critical[spans], minlength=len(number))
        whole = float(path_time.sum())
        order, distinct, first = group_slices(traces.operation[spans])
        rows: list[tuple[float, int, np.ndarray, int, float]] = []
        for operation, begin, end in zip(distinct.tolist(), first[:-1].tolist(), first[1:].tolist(), strict=True):
            own = order[begin:end]
            time = float(critical[spans[own]].sum())
            units = np.unique(group[own])
            concerned = float(path_time[units].sum())
            rows.append((time, operation, own, len(units), 100 * time / concerned if concerned else 0.0))
        for time, operation, own, occurs, share in sorted(rows, key=itemgetter(0), reverse=True):
            if share > BOTTLENECK_PERCENT:
                service, name = traces.operation_label(operation)
                yield Bottleneck(
                    service=service,
                    operation=name,
                    mean_critical_ns=time / occurs,
                    share_percent=share,
                    total_share_percent=100 * time / whole if whole else 0.0,
                    occurrences=occurs,
                    trace_count=unit_count,
                    span_count=len(own),
                    pattern=common_detail(traces, spans[own]),
                )

    def units_of(self, trace: int) -> list[AsyncUnit]:
        """List the units of a trace, by position."""
        if not len(self._with_units):
            return []
        at = int(np.searchsorted(self._with_units, trace))
        if at == len(self._with_units) or self._with_units[at] != trace:
            return []
        spans, starts, ends = self._paths.sections_of(at)
        order, distinct, first = group_slices(self._unit[spans])
        begin, end = np.searchsorted(self._subset_roots, self._paths.traces.first[at : at + 2]).tolist()
        # a unit of duration 0 has no sections
        groups = np.searchsorted(distinct, np.arange(begin, end + 1))
        units = []
        for number in range(begin, end):
            low, high = first[groups[number - begin]], first[groups[number - begin + 1]]
            part = order[low:high]
            root = int(self._original[self._subset_roots[number]])
            units.append(AsyncUnit(root, self._original[spans[part]], starts[part], ends[part]))
        return units


def _units(parent: np.ndarray, roots: np.ndarray) -> np.ndarray:
    """Number the unit that each span is in: int64[n], -1 for none.

    parent: int32[n], -1 also for the roots of units. roots: int64, the first spans of the units.
    """
    count = len(parent)
    top = np.where(parent >= 0, parent, np.arange(count))
    while True:
        further = top[top]
        if np.array_equal(further, top):
            break
        top = further
    number = np.full(count, -1, np.int64)
    number[roots] = np.arange(len(roots))
    units: np.ndarray = number[top]
    return units
