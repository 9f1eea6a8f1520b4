"""Services as a table, and who calls one of them and whom it calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.dependencies import Calls, Edge, ServiceFigures, find_calls, find_dependencies
from tracetui.analysis.groups import group_slices
from tracetui.model.traces import TraceSet
from tracetui.render import numbers
from tracetui.render.cells import cell_width, cut, fit
from tracetui.render.colours import service_slots
from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks
from tracetui.render.safe_text import safe

FEW_SAMPLES = 20
"""Below so many, percentiles say little; the range stands in their place."""

_GAP = "  "
_CALLS, _ERRORS, _NEIGHBOURS = 7, 8, 9
_LEAST_NAME = 10
_INFERRED = " (inferred)"
_WIDE = 100
"""Cells from which on a table has its further columns."""
_WIDE_EDGES = 76

_Key = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Sorting:
    """A column that the services can be sorted by."""

    heading: str
    descending: bool


SORTINGS = {
    "calls": Sorting("calls", True),
    "errors": Sorting("errors", True),
    "mean": Sorting("mean", True),
    "p50": Sorting("p50", True),
    "p95": Sorting("p95", True),
    "callers": Sorting("callers", True),
    "callees": Sorting("callees", True),
    "name": Sorting("service", False),
}
"""In the order in which one goes through them."""


def sortings(width: int) -> list[str]:
    """Those whose column is shown in so many cells."""
    return [name for name in SORTINGS if width >= _WIDE or name not in ("callers", "callees")]


class ServiceTable:
    """The figures of a set's services and of the calls between them, made ready to be listed."""

    def __init__(self, traces: TraceSet) -> None:
        calls = find_calls(traces)
        found = find_dependencies(traces, calls)
        self.traces = traces
        self.calls = calls
        self.services: tuple[ServiceFigures, ...] = found.services
        self.number = {figures.service: i for i, figures in enumerate(self.services)}
        self.folded = [figures.service.casefold() for figures in self.services]
        self._roles = service_roles(traces)
        self.callers: dict[str, list[Edge]] = {}
        self.callees: dict[str, list[Edge]] = {}
        for edge in sorted(found.edges, key=lambda e: -e.call_count):
            self.callers.setdefault(edge.callee, []).append(edge)
            self.callees.setdefault(edge.caller, []).append(edge)
        self.node = {name: i for i, name in enumerate(calls.nodes)}
        self._ranges = _ranges_of_services(traces, calls)
        self._edge_ranges = _ranges_of_edges(traces, calls)
        longest = max((figures.p95_ns for figures in self.services), default=0.0)
        longest = max([longest, *(f.mean_ns for f in self.services), *(edge.p95_ns for edge in found.edges)])
        longest = max([longest, *(most for _, most in (*self._ranges.values(), *self._edge_ranges.values()))])
        self.duration_cells = numbers.duration_width(round(longest))
        self.few_samples = any(figures.call_count < FEW_SAMPLES for figures in self.services)
        self.name_cells = max((name_cells(f.service, f.inferred) for f in self.services), default=0)
        self._columns = {
            "calls": np.array([f.call_count for f in self.services], np.float64),
            "errors": np.array([f.error_rate for f in self.services], np.float64),
            "mean": np.array([f.mean_ns for f in self.services], np.float64),
            "p50": np.array([f.p50_ns for f in self.services], np.float64),
            "p95": np.array([f.p95_ns for f in self.services], np.float64),
            "callers": np.array([len(self.callers.get(f.service, ())) for f in self.services], np.float64),
            "callees": np.array([len(self.callees.get(f.service, ())) for f in self.services], np.float64),
            "name": np.arange(len(self.services), dtype=np.float64),
        }

    def order(self, sorting: str, descending: bool) -> np.ndarray:
        """int64[services], their positions in this order; those that are equal by name."""
        column = self._columns[sorting]
        return np.argsort(-column if descending else column, kind="stable")

    def role(self, service: str) -> str:
        """The role of a service's mark; a peer that sends no spans has no colour."""
        return self._roles.get(service, Role.DIM)

    def range_of(self, service: str) -> tuple[int, int] | None:
        """Least and greatest duration in nanoseconds where there are few calls."""
        return self._ranges.get(self.node[service])

    def range_of_edge(self, edge: Edge) -> tuple[int, int] | None:
        """The same of the calls from one service to another."""
        return self._edge_ranges.get((edge.caller, edge.callee, edge.is_async))

    def slowest_call(self, service: str) -> int | None:
        """The span of the slowest call to a service from another, or None."""
        spans = self.calls.span[self.calls.callee == self.node[service]]
        return int(spans[np.argmax(self.traces.duration[spans])]) if len(spans) else None


def service_roles(traces: TraceSet) -> dict[str, str]:
    """The role of each service of a set, which gives it its colour."""
    return {
        name: Role.service(slot) for name, slot in zip(traces.services, service_slots(traces.services), strict=True)
    }


def _extremes(group: np.ndarray, durations: np.ndarray) -> dict[int, tuple[int, int]]:
    """Least and greatest duration of each group with few members."""
    if not len(group):
        return {}
    order, distinct, first = group_slices(group)
    durations = durations[order]
    least, most = np.minimum.reduceat(durations, first[:-1]), np.maximum.reduceat(durations, first[:-1])
    few = np.flatnonzero(np.diff(first) < FEW_SAMPLES)
    ranges = zip(least[few].tolist(), most[few].tolist(), strict=True)
    return dict(zip(distinct[few].tolist(), ranges, strict=True))


def _ranges_of_services(traces: TraceSet, calls: Calls) -> dict[int, tuple[int, int]]:
    own = np.flatnonzero((traces.parent < 0) | (traces.service != traces.service[traces.parent]))
    to_peer = calls.callee >= calls.first_peer
    spans = np.concatenate((own, calls.span[to_peer]))
    return _extremes(np.concatenate((traces.service[own], calls.callee[to_peer])), traces.duration[spans])


def _ranges_of_edges(traces: TraceSet, calls: Calls) -> dict[_Key, tuple[int, int]]:
    nodes = calls.nodes
    number = (calls.caller.astype(np.int64) * len(nodes) + calls.callee) * 2 + calls.is_async
    ranges = {}
    for edge, extremes in _extremes(number, traces.duration[calls.span]).items():
        pair, is_async = divmod(edge, 2)
        caller, callee = divmod(pair, len(nodes))
        ranges[nodes[caller], nodes[callee], bool(is_async)] = extremes
    return ranges


class ServiceList:
    """The services whose name has `part` in it, a row each."""

    def __init__(self, table: ServiceTable, marks: Marks, sorting: str, descending: bool, part: str = "") -> None:
        self.table, self.marks = table, marks
        self._sorting, self._descending = sorting, descending
        order = table.order(sorting, descending)
        if part:
            wanted = part.casefold()
            order = order[np.array([wanted in name for name in table.folded], bool)[order]]
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    def service(self, row: int) -> ServiceFigures:
        return self.table.services[int(self._order[row])]

    def row_of(self, service: str) -> int | None:
        """The row of a service, None where it has none."""
        number = self.table.number.get(service)
        if number is None:
            return None
        rows = np.flatnonzero(self._order == number)
        return int(rows[0]) if len(rows) else None

    def heading(self, width: int) -> Line:
        cells = self.table.duration_cells
        name = Line([(fit(self._heading("name"), self._name_cells(width), ellipsis=self.marks.ellipsis), Role.DIM)])
        columns = [("calls", _CALLS), ("errors", _ERRORS), ("mean", cells), ("p50", cells), ("p95", cells)]
        if width >= _WIDE:
            columns += [("callers", _NEIGHBOURS), ("callees", _NEIGHBOURS)]
        line = side_by_side([name, *(figure(self._heading(column), room, Role.DIM) for column, room in columns)])
        return line.cropped(width, self.marks.ellipsis)

    def line(self, row: int, width: int) -> Line:
        figures, table = self.service(row), self.table
        name = figures.service
        cells = [
            service_name(name, table.role(name), self._name_cells(width), self.marks, figures.inferred),
            figure(call_count(figures.call_count), _CALLS),
            error_rate(figures.error_rate, _ERRORS),
            figure(numbers.duration(round(figures.mean_ns), self.marks.ascii_only), table.duration_cells),
            *latency(figures.p50_ns, figures.p95_ns, table.range_of(name), table.duration_cells, self.marks),
        ]
        if width >= _WIDE:
            for edges in (table.callers, table.callees):
                count = len(edges.get(name, ()))
                cells.append(figure(str(count) if count else "-", _NEIGHBOURS, Role.PLAIN if count else Role.DIM))
        return side_by_side(cells).cropped(width, self.marks.ellipsis)

    def _heading(self, column: str) -> str:
        return sorted_heading(SORTINGS[column].heading, column == self._sorting, self._descending, self.marks)

    def _name_cells(self, width: int) -> int:
        taken = _CALLS + _ERRORS + 3 * self.table.duration_cells + 5 * len(_GAP)
        if width >= _WIDE:
            taken += 2 * (_NEIGHBOURS + len(_GAP))
        return max(min(width - taken, self.table.name_cells), _LEAST_NAME)


class Neighbours:
    """The callers and the callees of one service, a row for each and a heading for both."""

    def __init__(self, table: ServiceTable, service: str, marks: Marks) -> None:
        self.table, self.marks = table, marks
        self._rows: list[tuple[str, bool] | Edge] = []
        self._callers: int = 0
        callers, callees = table.callers.get(service, []), table.callees.get(service, [])
        self._rows.append((self._title("caller", callers, "no other service calls it"), bool(callers)))
        self._rows += callers
        self._callers = len(self._rows)
        self._rows.append((self._title("callee", callees, "calls no other service"), bool(callees)))
        self._rows += callees

    def __len__(self) -> int:
        return len(self._rows)

    def service(self, row: int) -> str | None:
        """The service that a row is about."""
        edge = self._rows[row]
        if isinstance(edge, tuple):
            return None
        return edge.caller if row < self._callers else edge.callee

    @property
    def first(self) -> int:
        """The first row that is about a service."""
        return next((row for row, edge in enumerate(self._rows) if not isinstance(edge, tuple)), 0)

    def line(self, row: int, width: int) -> Line:
        edge = self._rows[row]
        cells = self.table.duration_cells
        room = self._name_cells(width)
        if isinstance(edge, tuple):
            title, has_figures = edge
            if not has_figures:
                return Line([(cut(title, width, self.marks.ellipsis), Role.DIM)])
            headings = [("calls", _CALLS), ("errors", _ERRORS), ("p50", cells), ("p95", cells)]
            if width >= _WIDE_EDGES:
                headings.append(("caller p50", max(cells, len("caller p50"))))
            name = Line([(fit(title, room, ellipsis=self.marks.ellipsis), Role.TITLE)])
            line = side_by_side([name, *(figure(text, column, Role.DIM) for text, column in headings)])
            return line.cropped(width, self.marks.ellipsis)
        service = self.service(row) or ""
        arrow = self.marks.async_call if edge.is_async else sync_arrow(self.marks)
        inferred = edge.inferred and row >= self._callers
        name = Line([(f"  {arrow:<{len(sync_arrow(self.marks))}} ", Role.ACCENT if edge.is_async else Role.GUIDE)])
        tail = " async" if edge.is_async else ""
        left = max(room - name.width - len(tail), 1)
        name.extend(service_name(service, self.table.role(service), left, self.marks, inferred, pad=False))
        name = name.add(tail, Role.DIM).cropped(room, self.marks.ellipsis).pad(room)
        row_cells = [
            name,
            figure(call_count(edge.call_count), _CALLS),
            error_rate(edge.error_rate, _ERRORS),
            *latency(edge.p50_ns, edge.p95_ns, self.table.range_of_edge(edge), cells, self.marks),
        ]
        if width >= _WIDE_EDGES:
            # a peer that is inferred is timed by its callers alone: there is no second figure
            waited = "-" if edge.inferred else numbers.duration(round(edge.caller_p50_ns), self.marks.ascii_only)
            row_cells.append(figure(waited, max(cells, len("caller p50")), Role.DIM))
        return side_by_side(row_cells).cropped(width, self.marks.ellipsis)

    @staticmethod
    def _title(noun: str, edges: Sequence[Edge], none: str) -> str:
        services = len({(edge.caller, edge.callee) for edge in edges})
        return numbers.counted(services, noun) if edges else f"no {noun}s: {none} in these traces"

    def _name_cells(self, width: int) -> int:
        taken = _CALLS + _ERRORS + 2 * self.table.duration_cells + 4 * len(_GAP)
        if width >= _WIDE_EDGES:
            taken += max(self.table.duration_cells, len("caller p50")) + len(_GAP)
        return max(min(width - taken, self.table.name_cells + len("  -> ") + len(" async")), _LEAST_NAME)


def side_by_side(cells: Iterable[Line]) -> Line:
    """Cells of a row with a gap between."""
    line = Line()
    for i, cell in enumerate(cells):
        line.add(_GAP if i else "").extend(cell)
    return line


def figure(text: str, width: int, role: str = Role.PLAIN) -> Line:
    """A number in its column."""
    return Line([(fit(text, width, "right"), role)])


def name_cells(service: str, inferred: bool = False, operation: str = "") -> int:
    """The cells that `service_name` takes to cut nothing off."""
    room = 1 + cell_width(safe(service)) + len(_INFERRED) * inferred
    return room + 1 + cell_width(safe(operation)) if operation else room


def service_name(
    name: str, role: str, width: int, marks: Marks, inferred: bool = False, *, operation: str = "", pad: bool = True
) -> Line:
    """A service with its mark, and an operation of it, cut to `width` cells and filled up to them."""
    line = Line([(marks.service, role)])
    in_words = width >= min(_LEAST_NAME + len(_INFERRED), name_cells(name, inferred, operation))
    tail = (_INFERRED if in_words else " ?") if inferred else ""
    room = max(width - line.width - len(tail), 0)
    shown, rest = safe(name), safe(operation)
    if rest:
        # both keep a part where there is no room for both in full
        share = max(room - cell_width(rest) - 1, min(cell_width(shown), room // 3))
        shown = cut(shown, share, marks.ellipsis)
        rest = cut(" " + rest, room - cell_width(shown), marks.ellipsis)
    # without a mark the colour is the name's
    line.add(cut(shown, room, marks.ellipsis), Role.PLAIN if marks.service else role)
    line.add(rest, Role.STRONG).add(tail, Role.DIM)
    line = line.cropped(width, marks.ellipsis)
    return line.pad(width) if pad else line


def sorted_heading(heading: str, is_sorted: bool, descending: bool, marks: Marks) -> str:
    """A column's heading, with the mark of the column that rows are sorted by."""
    if not is_sorted:
        return heading
    down, up = ("v", "^") if marks.ascii_only else ("▼", "▲")
    return f"{down if descending else up} {heading}"


def sync_arrow(marks: Marks) -> str:
    return "->" if marks.ascii_only else "→"


def call_count(number: int) -> str:
    return numbers.count(number) if number < 1_000_000 else numbers.short_count(number)


def error_rate(percent: float, width: int) -> Line:
    """A share of errors, in red where there are any."""
    return figure(numbers.percent(percent) if percent else "-", width, Role.ERROR if percent else Role.DIM)


def latency(p50_ns: float, p95_ns: float, extremes: tuple[int, int] | None, width: int, marks: Marks) -> list[Line]:
    """Median and 95th percentile in columns of `width` cells, or the range of few samples over both columns."""
    if extremes is None:
        return [figure(numbers.duration(round(ns), marks.ascii_only), width) for ns in (p50_ns, p95_ns)]
    return [figure(duration_range(*extremes, marks), 2 * width + len(_GAP), Role.DIM)]


def duration_range(least: int, most: int, marks: Marks) -> str:
    """`1.2 ms–3.4 ms`, or the one duration that there is."""
    low, high = (numbers.duration(ns, marks.ascii_only) for ns in (least, most))
    return low if low == high else f"{low}{'-' if marks.ascii_only else '–'}{high}"
