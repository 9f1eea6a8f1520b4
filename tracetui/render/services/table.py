"""Services as a table: dependents and figures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.dependencies import ServiceFigures
from tracetui.analysis.latency import Latency
from tracetui.analysis.service_table import ServiceTable
from tracetui.render.text import numbers
from tracetui.render.text.cells import fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.short_names import NamesOfSet
from tracetui.render.text.tables import (
    _GAP,
    call_count,
    duration_range,
    error_rate,
    figure,
    name_cells,
    service_name,
    service_roles,
    side_by_side,
    sorted_heading,
)

_CALLS, _ERRORS, _NEIGHBOURS = 7, 8, 9
_SHARE, _CALLERS, _ENTRIES, _BETWEENNESS = 8, 9, 14, 13
_MIN_NAME = 10
_GOOD_NAME = 22
"""Width of names below which the column of entry points is dropped."""


@dataclass(frozen=True, slots=True)
class ServiceSortKey:
    """Sort column of the services."""

    heading: str
    descending: bool


SORTINGS = {
    "rank": ServiceSortKey("traces", True),
    "callers": ServiceSortKey("callers", True),
    "callees": ServiceSortKey("callees", True),
    "entries": ServiceSortKey("reached from", True),
    "between": ServiceSortKey("betweenness", True),
    "calls": ServiceSortKey("calls", True),
    "errors": ServiceSortKey("errors", True),
    "p50": ServiceSortKey("p50", True),
    "p95": ServiceSortKey("p95", True),
    "name": ServiceSortKey("service", False),
}
"""Sort columns in cycling order."""
_CELLS = {
    "rank": _SHARE,
    "callers": _CALLERS,
    "callees": _NEIGHBOURS,
    "entries": _ENTRIES,
    "between": _BETWEENNESS,
    "calls": _CALLS,
    "errors": _ERRORS,
}
"""Widths of columns that do not depend on the data."""
_AT_MOST = 2
"""Cells before the longest duration of few calls."""
_RANKING = ("rank", "entries", "errors", "p95")
"""Columns of the ranking after the name; the other figures are in the detail."""


class ServiceListColumns:
    """A service table with its colours and the widths of its longest texts, measured once for all lists."""

    def __init__(self, table: ServiceTable) -> None:
        self.table = table
        self._roles = service_roles(table.traces)
        self.names = NamesOfSet(f.service for f in table.services)
        p50 = max((round(f.latency.p50_ns or 0) for f in table.services), default=0)
        self._duration_cells = {
            "p50": numbers.duration_width(p50),
            "p95": _AT_MOST + numbers.duration_width(max((longest(f.latency) for f in table.services), default=0)),
        }
        self.name_cells = max((name_cells(f.service, f.inferred) for f in table.services), default=0)

    def shown(self, width: int, sorting: str) -> list[str]:
        """List the columns after the name in a list of this width: those of the ranking, and that of the order."""
        columns = [name for name in SORTINGS if name in _RANKING or name == sorting != "name"]
        if width - self.taken(columns) < min(self.name_cells, _GOOD_NAME):
            columns = [name for name in columns if name != "entries" or name == sorting]
        return columns

    def taken(self, columns: Collection[str]) -> int:
        """Return the width of columns, with the gaps before them."""
        return sum(self.cells_of(name) + len(_GAP) for name in columns)

    def cells_of(self, column: str) -> int:
        """Return the width of a column after the name."""
        return _CELLS[column] if column in _CELLS else self._duration_cells[column]

    def role(self, service: str) -> str:
        """Return the colour role of a service; inferred peers have no colour."""
        return self._roles.get(service, Role.DIM)


class ServiceList:
    """Rows of the services with `part` in their name or an operation, followed by those of `also`."""

    def __init__(
        self,
        columns: ServiceListColumns,
        glyphs: Glyphs,
        sorting: str,
        descending: bool,
        part: str = "",
        also: Collection[str] = (),
    ) -> None:
        self.columns, self.table, self.glyphs = columns, columns.table, glyphs
        table = self.table
        self.impacts: Mapping[str, float] | None = None
        """Severity of the effect on each service, above 0 and up to 1; None outside a blast radius."""
        self.fails = False
        """True if the effects are failures."""
        self._sorting, self._descending = sorting, descending
        order = table.order(sorting, descending)
        if part:
            folded = part.casefold()
            by_name = np.array([folded in figures.service.casefold() for figures in table.services], bool)[order]
            by_words = np.array([folded in words for words in table.folded], bool)[order]
            by_more = np.array([figures.service in also for figures in table.services], bool)[order]
            # matches of the name come before matches of an operation
            order = np.concatenate((order[by_name], order[by_words & ~by_name], order[by_more & ~by_words & ~by_name]))
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    def service(self, row: int) -> ServiceFigures:
        return self.table.services[int(self._order[row])]

    def row_of(self, service: str) -> int | None:
        """Return the row of a service, or None."""
        number = self.table.number.get(service)
        if number is None:
            return None
        rows = np.flatnonzero(self._order == number)
        return int(rows[0]) if len(rows) else None

    def heading(self, width: int) -> Line:
        name = Line([(fit(self._heading("name"), self._name_cells(width), ellipsis=self.glyphs.ellipsis), Role.DIM)])
        columns = [(column, self.columns.cells_of(column)) for column in self.columns.shown(width, self._sorting)]
        line = side_by_side([name, *(figure(self._heading(column), room, Role.DIM) for column, room in columns)])
        return line.cropped(width, self.glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        figures, table = self.service(row), self.table
        name = figures.service
        part = table.criticality[name]
        more = "?" if part.indirect_callers is None else part.indirect_callers
        callers = str(part.direct_callers) + (f"+{more}" if more else "")
        callees = table.graph.direct_counts(name)[1]
        between = numbers.whole_percent(100 * part.betweenness) if part.betweenness else ""
        single = f"{self.glyphs.warning} " if part.single_point else ""
        entries = len(part.entry_operations)
        cells = {
            "rank": figure(
                numbers.whole_percent(part.trace_share), _SHARE, Role.STRONG if part.single_point else Role.PLAIN
            ),
            "callers": _or_none(callers if part.direct_callers else "", _CALLERS),
            "callees": _or_none(str(callees) if callees else "", _NEIGHBOURS),
            "entries": _or_none(str(entries) if entries else "", _ENTRIES),
            "between": _or_none(single + between, _BETWEENNESS),
            "calls": figure(call_count(figures.call_count), _CALLS),
            "errors": error_rate(figures.error_rate, _ERRORS),
            "p50": self._duration(figures, "p50", figures.latency.p50_ns),
            "p95": self._duration(figures, "p95", figures.latency.p95_ns),
        }
        line = self._severity_bar(name)
        line.extend(
            service_name(
                name,
                self.columns.role(name),
                self._name_cells(width) - self._severity_cells,
                self.glyphs,
                figures.inferred,
                names=self.columns.names,
            )
        )
        shown = [line, *(cells[column] for column in self.columns.shown(width, self._sorting))]
        return side_by_side(shown).cropped(width, self.glyphs.ellipsis)

    def _duration(self, figures: ServiceFigures, column: str, ns: float | None) -> Line:
        """Return a percentile; of few calls the longest instead of the p95."""
        few = figures.latency.small_sample_range if column == "p95" else None
        text = duration_or_unknown(few[1] if few else ns, figures.call_count, self.glyphs)
        return figure(self.glyphs.at_most * bool(few) + text, self.columns.cells_of(column))

    @property
    def _severity_cells(self) -> int:
        """Cells for the severity of the effect."""
        return 0 if self.impacts is None else 2

    def _severity_bar(self, service: str) -> Line:
        """Return a bar whose height is the severity of the effect on the service."""
        if self.impacts is None:
            return Line()
        trend, impact = self.glyphs.trend, self.impacts.get(service)
        if impact is None:
            return Line([(" " * self._severity_cells, Role.PLAIN)])
        level = trend[min(int(impact * len(trend)), len(trend) - 1)]
        return Line([(level, Role.ERROR if self.fails else Role.CRITICAL), (" ", Role.PLAIN)])

    def _heading(self, column: str) -> str:
        return sorted_heading(SORTINGS[column].heading, column == self._sorting, self._descending, self.glyphs)

    def _name_cells(self, width: int) -> int:
        taken = self.columns.taken(self.columns.shown(width, self._sorting))
        return max(min(width - taken, self.columns.name_cells + self._severity_cells), _MIN_NAME)


def _or_none(text: str, width: int) -> Line:
    return figure(text or "-", width, Role.PLAIN if text else Role.DIM)


def latency_cells(found: Latency, calls: int, width: int, glyphs: Glyphs) -> list[Line]:
    """Return p50 and p95 in columns of `width` cells; the range of few samples or `unknown` spans both columns."""
    if found.p50_ns is not None and found.p95_ns is not None and found.small_sample_range is None:
        return [figure(numbers.duration(round(ns), glyphs.ascii_only), width) for ns in (found.p50_ns, found.p95_ns)]
    return [figure(p95_or_range(found, calls, glyphs), 2 * width + len(_GAP), Role.DIM)]


def p95_or_range(found: Latency, calls: int, glyphs: Glyphs) -> str:
    """Format the p95, or the range of few samples; `unknown` if no call has an end, `-` without calls."""
    if found.small_sample_range is not None:
        return duration_range(*found.small_sample_range, glyphs)
    return duration_or_unknown(found.p95_ns, calls, glyphs)


def p95_heading(found: Iterable[Latency]) -> str:
    """Return the heading of a column of `p95_or_range`."""
    return "p95 or range" if any(one.small_sample_range is not None for one in found) else "p95"


def duration_or_unknown(ns: float | None, calls: int, glyphs: Glyphs) -> str:
    """Format a duration; `unknown` if no call has an end, `-` without calls."""
    if ns is None:
        return "unknown" if calls else "-"
    return numbers.duration(round(ns), glyphs.ascii_only)


def longest(found: Latency) -> int:
    """Return the longest duration that `latency_cells` shows, in ns; 0 for none."""
    return found.small_sample_range[1] if found.small_sample_range is not None else round(found.p95_ns or 0)
