"""Building blocks of `graph` answers: sentences, lists of names, and tables with coloured cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from tracetui.render.report.text_blocks import INDENT, Page, ReportOptions
from tracetui.render.services.table import duration_or_unknown, p95_or_range
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role, flowed
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import (
    Cell,
    Column,
    call_count,
    error_rate,
    figure_cell,
    name_cells,
    service_name,
    service_roles,
)

if TYPE_CHECKING:
    # networkx is imported only when a graph is queried
    from tracetui.analysis.analysis import Analysis
    from tracetui.analysis.latency import Latency
    from tracetui.analysis.service_graph import Distance

_MIN_WIDTH = 10
"""Smallest width to which sentences are wrapped."""
_MAX_ROWS = 50
"""Limit of table rows unless verbose."""

_T = TypeVar("_T")


class GraphPage(Page):
    """Lines about the service graph of one trace set, for one width. Text arguments must be safe to show."""

    def __init__(self, analysis: Analysis, options: ReportOptions) -> None:
        super().__init__(options)
        self.graph = analysis.graph
        self.roles = service_roles(analysis.traces)
        self.all = numbers.counted(analysis.traces.trace_count, "trace")
        self._analysis = analysis

    # --- words -------------------------------------------------------------------------------------------------------

    def prose(self, text: str, role: str = Role.DIM, indent: str = INDENT) -> Iterator[Line]:
        """Wrap sentences between words."""
        room = max(self.width - len(indent), _MIN_WIDTH)
        words = [Line([(word, role)]) for word in text.split(" ") if word]
        for line in flowed(words, room, 1, self.glyphs.ellipsis):
            yield Line([(indent, Role.PLAIN), (line.text, role)])

    def answer(self, text: str) -> Iterator[Line]:
        """Yield the title line with the answer."""
        return self.prose(text, Role.TITLE, "")

    def heading(self, title: str, more: str = "") -> Iterator[Line]:
        """Yield a section heading after a blank line."""
        yield Line()
        yield Line([(title, Role.TITLE), (more, Role.DIM)]).cropped(self.width, self.glyphs.ellipsis)

    def footer(self) -> Iterator[Line]:
        """Yield the basis of all figures above: traces, time and filter."""
        summary, options = self._analysis.summary, self.options
        parts = [f"based on {self.all}"]
        if summary.start_ns is not None and summary.end_ns is not None:
            ends = (summary.start_ns, summary.end_ns)
            parts.append(numbers.time_range(*ends, options.local_time, options.ascii_only))
        if options.filtered:
            parts.append(f"filter: {safe(options.filtered)}")
        yield Line()
        yield from self.prose(", ".join(parts), indent="")

    def left_out(self, texts: Sequence[str]) -> Iterator[Line]:
        """Yield a warning about figures that were not computed for a very large graph."""
        if texts:
            yield from self.prose(f"{self.glyphs.warning} Not computed: {'; '.join(texts)}.", indent="")

    def share(self, count: int, percent: float) -> str:
        """Format a share as `84 of 304 traces (28 %)`."""
        return f"{count:,} of {self.all} ({numbers.percent(percent)})"

    def failing(self, percent: float) -> Line:
        """Format an error rate, with the error glyph if above 0."""
        if not percent:
            return Line([("none failed", Role.DIM)])
        return Line([(f"{self.glyphs.origin} {numbers.percent(percent)} failed", Role.ERROR)])

    def name(self, service: str, role: str = Role.PLAIN) -> Line:
        """Return the name of a service or peer for a line of several."""
        inferred = self._inferred(service)
        room = min(name_cells(service, inferred), self.width - 2 * len(INDENT))
        line = service_name(service, self._role(service), room, self.glyphs, inferred, pad=False)
        return Line([(run.text, role or run.role) for run in line.runs])

    def chain(self, services: Sequence[str], indent: str) -> Iterator[Line]:
        """Yield a call chain, with distinct arrows for synchronous and asynchronous calls."""
        steps = []
        for at, name in enumerate(services):
            step = self.name(name)
            if at + 1 < len(services):
                edges = self.graph.edges.get((name, services[at + 1]), ())
                is_sync = not edges or any(not edge.is_async for edge in edges)
                step.add(f" {self.glyphs.sync_call if is_sync else self.glyphs.async_call}", Role.GUIDE)
            steps.append(step)
        return self.flowed(*steps, indent=indent, gap=1)

    def by_hops(self, title: str, names: Sequence[tuple[str, Distance]]) -> Iterator[Line]:
        """Yield services by hops under a title; nothing without services."""
        if names:
            yield Line()
            yield from self.prose(title, Role.TITLE, "")
        for hops, group in groupby(sorted(names, key=lambda one: one[1].hops), key=lambda one: one[1].hops):
            head = Line([(numbers.counted(hops, "hop"), Role.DIM)])
            yield from self.flowed(head, *(self.name(name) for name, _ in group), indent=INDENT, gap=2)

    def _inferred(self, service: str) -> bool:
        return service in self.graph.figures and self.graph.figures[service].inferred

    def _role(self, service: str) -> str:
        return self.roles.get(service, Role.DIM)

    # --- tables ------------------------------------------------------------------------------------------------------

    def first(self, rows: Sequence[_T]) -> Sequence[_T]:
        """Return the rows to list."""
        return rows[: self.few(len(rows), _MAX_ROWS)]

    def rest(self, rows: Sequence[object]) -> Iterator[Line]:
        """Yield the number of rows that `first` omitted, if any."""
        return self.more(len(rows) - self.few(len(rows), _MAX_ROWS))

    def service_cell(self, service: str, operation: str = "") -> Cell:
        inferred = self._inferred(service)

        def draw(width: int) -> Line:
            return service_name(service, self._role(service), width, self.glyphs, inferred, operation=operation)

        return Cell(name_cells(service, inferred, operation), draw)

    def call_cells(self, calls: int, errors: float) -> list[Cell]:
        """Return cells of the call count and the error rate in percent."""
        return [figure_cell(call_count(calls)), Cell(len(numbers.percent(errors)), partial(error_rate, errors))]

    def time_cell(self, ns: float | None, calls: int) -> Cell:
        """Return a cell of a duration, None if unknown."""
        return figure_cell(duration_or_unknown(ns, calls, self.glyphs))

    def p95_cell(self, found: Latency, calls: int) -> Cell:
        """Return a cell of the p95, or the range of few calls."""
        return figure_cell(p95_or_range(found, calls, self.glyphs))

    def async_cells(self, flags: Sequence[bool]) -> tuple[list[Column], list[list[str]]]:
        """Return a column that marks asynchronous rows, and its cells; none if no row is asynchronous."""
        if not any(flags):
            return [], [[] for _ in flags]
        word = f"{self.glyphs.async_call} async"
        return [Column("how")], [[word if flag else ""] for flag in flags]


def number_cell(number: int) -> Cell:
    return figure_cell(numbers.count(number))
