"""Operations by the time that traces wait for them, as a table, and one of them in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.bottlenecks import DEFAULT_SHARE, common_detail, critical_operations
from tracetui.analysis.findings import Findings
from tracetui.analysis.groups import group_slices
from tracetui.render import numbers
from tracetui.render.cells import fit
from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks
from tracetui.render.safe_text import safe
from tracetui.render.service_list import (
    FEW_SAMPLES,
    call_count,
    duration_range,
    error_rate,
    figure,
    latency,
    name_cells,
    service_name,
    service_roles,
    side_by_side,
)

EXAMPLES = 5
"""How many traces of an operation are listed."""

_RANK, _PERCENT, _OF_TRACES, _CALLS, _ERRORS = 4, 6, 9, 7, 7
_LEAST_NAME = 16
_GOOD_NAME, _LONG_NAME, _GOOD_PATTERN = 32, 44, 24
_LABEL = 10
_CLOCK = len("10:00:00.000")
_OWN = len("of it")


@dataclass(frozen=True, slots=True)
class HotSpot:
    """An operation of a set. Durations are nanoseconds, shares percent."""

    number: int
    """As in `TraceSet.operation`."""
    service: str
    operation: str
    critical_ns: float
    """On the critical path, in all traces together."""
    total_share: float
    """Of the time of all traces."""
    share: float
    """Of the time of the traces in which it occurs."""
    traces: int
    calls: int
    errors: int
    p50_ns: float
    p95_ns: float
    extremes: tuple[int, int] | None
    """Least and greatest duration where there are few calls."""

    @property
    def is_bottleneck(self) -> bool:
        return self.share > DEFAULT_SHARE

    @property
    def mean_critical_ns(self) -> float:
        """Per trace in which it occurs."""
        return self.critical_ns / self.traces


class HotSpotTable:
    """The operations of a set, made ready to be listed: bottlenecks, then the rest, the costliest of each first."""

    def __init__(self, findings: Findings) -> None:
        paths = findings.paths
        self.traces = traces = findings.traces
        self.roles = service_roles(traces)
        self._critical = paths.critical
        self._order, distinct, self._first = group_slices(traces.operation)
        self._place = {number: i for i, number in enumerate(distinct.tolist())}
        found = critical_operations(paths)
        self._figures = {number: figures for number, *figures in found}
        costliest = np.array([number for number, *_ in found], np.int64)
        share = np.array([figures[2] for figures in found], np.float64)
        self.bottlenecks = int((share > DEFAULT_SHARE).sum())
        self._numbers = costliest[np.argsort(share <= DEFAULT_SHARE, kind="stable")]
        self._row = {number: row for row, number in enumerate(self._numbers.tolist())}
        labels = map(traces.operation_label, self._numbers.tolist())
        self.name_cells = max((name_cells(service, False, name) for service, name in labels), default=0)
        self._measure()
        self._pair()
        self.duration_cells = numbers.duration_width(int(traces.duration.max()) if len(traces) else 0)

    def _measure(self) -> None:
        """Calls, errors and percentiles of every operation, by linear interpolation between its sorted durations."""
        traces, first = self.traces, self._first
        by_duration = np.lexsort((traces.duration, traces.operation))
        durations = traces.duration[by_duration].astype(np.float64)
        self._calls = np.diff(first)
        errors_before = np.concatenate(([0], np.cumsum(traces.error[self._order])))
        self._errors = errors_before[first[1:]] - errors_before[first[:-1]]
        self._quantiles = []
        for share in (0.0, 0.5, 0.95, 1.0):
            at = (self._calls - 1) * share
            below = np.floor(at).astype(np.int64)
            low = durations[first[:-1] + below]
            high = durations[first[:-1] + np.minimum(below + 1, self._calls - 1)]
            self._quantiles.append(low + (high - low) * (at - below))

    def _pair(self) -> None:
        """The traces of every operation, by how long they wait for it and then by how long they take."""
        traces = self.traces
        operation, trace = traces.operation[self._order], traces.trace[self._order]
        new = np.ones(len(operation), bool)
        new[1:] = (operation[1:] != operation[:-1]) | (trace[1:] != trace[:-1])
        starts = np.flatnonzero(new)
        critical = np.add.reduceat(self._critical[self._order], starts) if len(starts) else np.zeros(0, np.int64)
        operation, trace = operation[starts], trace[starts]
        order = np.lexsort((trace, -traces.trace_duration[trace], -critical, operation))
        self._pair_trace, self._pair_critical = trace[order], critical[order]
        self._pair_first = np.searchsorted(operation, np.fromiter(self._place, np.int64, len(self._place)))

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, row: int) -> int:
        return int(self._numbers[row])

    def label(self, row: int) -> tuple[str, str]:
        """Service and operation of a row."""
        return self.traces.operation_label(self.number(row))

    def row_of(self, number: int) -> int | None:
        """The row of an operation, None where it has none."""
        return self._row.get(number)

    def hot_spot(self, row: int) -> HotSpot:
        number = self.number(row)
        at = self._place[number]
        critical, share, total_share, traces = self._figures[number]
        service, operation = self.traces.operation_label(number)
        least, p50, p95, most = (float(column[at]) for column in self._quantiles)
        calls = int(self._calls[at])
        return HotSpot(
            number=number,
            service=service,
            operation=operation,
            critical_ns=critical,
            total_share=total_share,
            share=share,
            traces=int(traces),
            calls=calls,
            errors=int(self._errors[at]),
            p50_ns=p50,
            p95_ns=p95,
            extremes=(round(least), round(most)) if calls < FEW_SAMPLES else None,
        )

    def worst_traces(self, number: int) -> list[tuple[int, int]]:
        """The traces that wait longest for an operation: (trace, ns of the operation on its critical path)."""
        begin = int(self._pair_first[self._place[number]])
        end = min(begin + min(EXAMPLES, int(self._figures[number][3])), len(self._pair_trace))
        return list(
            zip(self._pair_trace[begin:end].tolist(), self._pair_critical[begin:end].astype(int).tolist(), strict=True)
        )

    def slowest_span(self, number: int, trace: int) -> int:
        """The slowest span of an operation in a trace."""
        begin, end = self.traces.first[trace : trace + 2].tolist()
        spans = begin + np.flatnonzero(self.traces.operation[begin:end] == number)
        return int(spans[np.argmax(self.traces.duration[spans])])

    def pattern(self, number: int) -> str:
        """What the spans of an operation have in common. It reads their attributes, which takes time."""
        at = self._place[number]
        return common_detail(self.traces, self._order[self._first[at] : self._first[at + 1]])


@dataclass(frozen=True, slots=True)
class _Layout:
    name: int
    bar: int
    of_traces: bool
    calls: bool
    latency: bool
    pattern: int


class HotSpotList:
    """A row for each operation, and one that sets the bottlenecks off from the rest."""

    def __init__(self, table: HotSpotTable, patterns: dict[int, str], marks: Marks) -> None:
        self.table, self.patterns, self.marks = table, patterns, marks
        self._occurrences = len(f"{table.traces.trace_count:,}") * 2 + 3
        rest = len(table) - table.bottlenecks
        self.divider = table.bottlenecks if table.bottlenecks and rest else -1
        """The row between bottlenecks and the rest, -1 for none."""

    def __len__(self) -> int:
        return len(self.table) + (self.divider >= 0)

    def place(self, row: int) -> int | None:
        """The operation's row in the table; None for the row between."""
        if row == self.divider:
            return None
        return row - (0 <= self.divider < row)

    def row_of(self, place: int) -> int:
        """The row of an operation, by its row in the table."""
        return place + (0 <= self.divider <= place)

    def heading(self, width: int) -> Line:
        layout = self._layout(width)
        cells = [
            figure("#", _RANK, Role.DIM),
            Line([(fit("where the time goes", layout.name, ellipsis=self.marks.ellipsis), Role.DIM)]),
            Line([(fit("of all time", layout.bar + _PERCENT + 1, "right", self.marks.ellipsis), Role.DIM)]),
        ]
        if layout.of_traces:
            cells.append(figure("of theirs", _OF_TRACES, Role.DIM))
        cells += [
            figure("mean", self.table.duration_cells, Role.DIM),
            figure("traces", self._occurrences, Role.DIM),
        ]
        if layout.calls:
            cells += [figure("calls", _CALLS, Role.DIM), figure("errors", _ERRORS, Role.DIM)]
        if layout.latency:
            cells += [figure(name, self.table.duration_cells, Role.DIM) for name in ("p50", "p95")]
        if layout.pattern:
            cells.append(Line([("pattern", Role.DIM)]))
        return side_by_side(cells).cropped(width, self.marks.ellipsis)

    def line(self, row: int, width: int) -> Line:
        place = self.place(row)
        if place is None:
            text = f"the rest: at most {DEFAULT_SHARE:.0f} % of the time of their traces"
            return Line([(" " * (_RANK + 2) + text, Role.DIM)]).cropped(width, self.marks.ellipsis)
        spot, layout, marks = self.table.hot_spot(place), self._layout(width), self.marks
        role = self.table.roles.get(spot.service, Role.DIM)
        bar_role, share_role = (Role.CRITICAL, Role.STRONG) if spot.is_bottleneck else (Role.DIM, Role.PLAIN)
        share = Line([(share_bar(spot.total_share, layout.bar, marks), bar_role), (" ", Role.PLAIN)])
        cells = [
            figure(f"{place + 1:,}", _RANK, Role.DIM),
            service_name(spot.service, role, layout.name, marks, operation=spot.operation),
            share.extend(figure(numbers.percent(spot.total_share), _PERCENT, share_role)),
        ]
        if layout.of_traces:
            cells.append(figure(numbers.whole_percent(spot.share), _OF_TRACES))
        cells += [
            figure(numbers.duration(round(spot.mean_critical_ns), marks.ascii_only), self.table.duration_cells),
            figure(f"{spot.traces:,} / {self.table.traces.trace_count:,}", self._occurrences),
        ]
        if layout.calls:
            cells += [figure(call_count(spot.calls), _CALLS), error_rate(100 * spot.errors / spot.calls, _ERRORS)]
        if layout.latency:
            cells += latency(spot.p50_ns, spot.p95_ns, spot.extremes, self.table.duration_cells, marks)
        if layout.pattern:
            cells.append(Line([(safe(self.patterns.get(spot.number, "")), Role.DIM)]))
        return side_by_side(cells).cropped(width, marks.ellipsis)

    def _layout(self, width: int) -> _Layout:
        """What there is room for, the most telling first: names, the pattern, then what the detail has as well."""
        durations = self.table.duration_cells
        taken = _RANK + 2 + 2 + _PERCENT + 1 + 2 + durations + 2 + self._occurrences
        bar = 6 if width < 90 else 10 if width < 120 else 15
        free = width - taken - bar
        names = max(self.table.name_cells, len("where the time goes"))
        good = min(_GOOD_NAME, names)
        of_traces = free >= good + _OF_TRACES + 2
        free -= (_OF_TRACES + 2) * of_traces
        pattern = free >= good + _GOOD_PATTERN + 2
        spare = free - good - (_GOOD_PATTERN + 2) * pattern
        longer = min(spare, min(names, _LONG_NAME) - good)
        spare -= longer
        calls = spare >= _CALLS + _ERRORS + 4
        spare -= (_CALLS + _ERRORS + 4) * calls
        with_latency = calls and spare >= 2 * durations + 4
        spare -= (2 * durations + 4) * with_latency
        spare -= (more := min(spare, names - good - longer))
        return _Layout(
            name=max(good + longer + more, _LEAST_NAME),
            bar=bar,
            of_traces=of_traces,
            calls=calls,
            latency=with_latency,
            pattern=_GOOD_PATTERN + spare if pattern else 0,
        )


class HotSpotDetail:
    """One operation: its figures, its pattern and its worst traces. `pattern` is None until it is known; `more` are
    lines of what else was asked about it.
    """

    def __init__(
        self,
        table: HotSpotTable,
        spot: HotSpot,
        pattern: str | None,
        marks: Marks,
        local_time: bool = False,
        more: Sequence[Line] = (),
    ) -> None:
        self.table, self.spot, self.pattern, self.marks, self.local_time = table, spot, pattern, marks, local_time
        self.worst = table.worst_traces(spot.number)
        self.pattern_row = 2
        self._head = [self._wait(), self._calls(), self._pattern(), *(_labelled("").extend(line) for line in more)]
        self.first_trace = len(self._head) + 1
        traces = table.traces
        roots = traces.main_root[[trace for trace, _ in self.worst]].tolist()
        names = (name_cells(traces.service_name(i), False, traces.operation_name(i)) for i in roots)
        self._name_cells = max([*names, len("the worst 5 of 1,000,000 traces")])

    def __len__(self) -> int:
        return self.first_trace + len(self.worst)

    def show_pattern(self, pattern: str) -> None:
        """The pattern is known now."""
        self.pattern = pattern
        self._head[self.pattern_row] = self._pattern()

    def trace(self, row: int) -> int | None:
        """The trace that a row is about."""
        at = row - self.first_trace
        return self.worst[at][0] if 0 <= at < len(self.worst) else None

    def line(self, row: int, width: int) -> Line:
        if row < len(self._head):
            return self._head[row].cropped(width, self.marks.ellipsis)
        traces, marks = self.table.traces, self.marks
        durations = numbers.duration_width(max(int(traces.trace_duration[trace]) for trace, _ in self.worst))
        name = max(min(width - _CLOCK - 2 * durations - _OWN - 8, self._name_cells), _LEAST_NAME)
        if row < self.first_trace:
            few, count = len(self.worst), self.spot.traces
            title = f"the worst {few} of {numbers.counted(count, 'trace')}" if few < count else "traces, worst first"
            cells = [
                Line([(fit("start", _CLOCK), Role.DIM)]),
                Line([(fit(title, name, ellipsis=marks.ellipsis), Role.TITLE)]),
                figure("takes", durations, Role.DIM),
                figure("waits", durations, Role.DIM),
                figure("of it", _OWN, Role.DIM),
            ]
            return side_by_side(cells).cropped(width, marks.ellipsis)
        trace, own = self.worst[row - self.first_trace]
        root = int(traces.main_root[trace])
        service, takes = traces.service_name(root), int(traces.trace_duration[trace])
        cells = [
            Line([(numbers.clock(int(traces.trace_start[trace]), self.local_time), Role.PLAIN)]),
            service_name(
                service, self.table.roles.get(service, Role.DIM), name, marks, operation=traces.operation_name(root)
            ),
            figure(numbers.duration(takes, marks.ascii_only), durations),
            figure(numbers.duration(own, marks.ascii_only), durations),
            figure(numbers.whole_percent(100 * own / takes if takes else 0.0), _OWN, Role.STRONG),
        ]
        return side_by_side(cells).cropped(width, marks.ellipsis)

    def _wait(self) -> Line:
        spot = self.spot
        line = _labelled("waited").add(numbers.percent(spot.total_share), Role.STRONG).add(" of all time; ")
        line.add(numbers.duration(round(spot.mean_critical_ns), self.marks.ascii_only), Role.STRONG)
        line.add(f" in each of {numbers.counted(spot.traces, 'trace')}, ")
        return line.add(numbers.percent(spot.share), Role.STRONG).add(" of theirs")

    def _calls(self) -> Line:
        spot = self.spot
        line = _labelled("calls").add(f"{spot.calls:,}")
        if spot.errors:
            share = numbers.percent(100 * spot.errors / spot.calls)
            line.add(f"  {self.marks.origin} {spot.errors:,} failed ({share})", Role.ERROR)
        if spot.extremes is not None:
            return line.add("  take ", Role.DIM).add(duration_range(*spot.extremes, self.marks))
        for name, ns in (("p50", spot.p50_ns), ("p95", spot.p95_ns)):
            line.add(f"  {name} ", Role.DIM).add(numbers.duration(round(ns), self.marks.ascii_only))
        return line

    def _pattern(self) -> Line:
        line = _labelled("pattern")
        if self.pattern is None:
            return line.add(f"reading its spans{self.marks.ellipsis}", Role.DIM)
        return (
            line.add(safe(self.pattern))
            if self.pattern
            else line.add("none: its spans name no query, route or queue", Role.DIM)
        )


def _labelled(label: str) -> Line:
    return Line([(f"  {label:<{_LABEL}}", Role.DIM)])


def share_bar(percent: float, width: int, marks: Marks) -> str:
    """A share of 100 as a bar in exactly `width` cells, to an eighth; something is never drawn as nothing."""
    if marks.ascii_only:
        cells = min(max(round(percent / 100 * width), percent > 0), width)
        return fit(marks.solid * cells, width)
    eighths = min(max(round(percent / 100 * width * 8), int(percent > 0)), width * 8)
    full, part = divmod(eighths, 8)
    return fit(marks.solid * full + (marks.solid_left[part - 1] if part else ""), width)
