"""Error patterns as a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.error_table import ErrorGrouping, ErrorTable
from tracetui.analysis.errors import ErrorPattern
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.sparkline import heights
from tracetui.render.text.tables import call_count, figure, name_cells, service_name, service_roles, side_by_side

_COUNT, _TRACES, _FAILED, _SHARE = 7, 7, 6, 5
_SHARE_FROM, _LAST_FROM = 90, 110
"""Widths from which on there are columns of shares, and of services to which a pattern propagated."""
_MIN_NAME = 10


class ErrorListColumns:
    """An error table with its colours and the widths of its longest texts, measured once for all lists."""

    def __init__(self, table: ErrorTable) -> None:
        self.table = table
        self.roles = service_roles(table.traces)
        self.message_cells = max((cell_width(safe(p.message)) for p in table.patterns), default=0)
        self.service_cells = max((name_cells(p.service) for p in table.patterns), default=0)
        self.entry_cells = max((name_cells(service, operation=name) for service, name in table.entry_points), default=0)


@dataclass(frozen=True, slots=True)
class _ErrorColumns:
    """Widths of the columns in cells; 0 for one that does not fit."""

    message: int
    name: int
    share: int
    when: int
    last: int


class ErrorList:
    """Rows of the patterns, commonest first or grouped; with `service` only those that began in it, or, if none did,
    those that propagated to it.
    """

    def __init__(
        self, columns: ErrorListColumns, glyphs: Glyphs, grouping: ErrorGrouping = "pattern", service: str = ""
    ) -> None:
        self.columns, self.table, self.glyphs = columns, columns.table, glyphs
        self._by_entry = grouping == "entry"
        order = self.table.order(grouping)
        began = np.isin(order, self.table.patterns_in(service)) if service else np.ones(len(order), bool)
        self.is_propagated = not began.any()
        """True if no error began in the service."""
        if service and self.is_propagated:
            began = np.isin(order, self.table.patterns_in(service, is_origin=False))
        self._order = order[began]
        self._row_of = np.full(len(order), -1, np.int64)
        self._row_of[self._order] = np.arange(len(self._order))

    def __len__(self) -> int:
        return len(self._order)

    def pattern(self, row: int) -> int:
        """Return the position of a row's pattern in the table."""
        return int(self._order[row])

    def row_of(self, pattern: int) -> int | None:
        """Return the row of a pattern, by its position in the table; None if it is not listed."""
        row = int(self._row_of[pattern])
        return row if row >= 0 else None

    def heading(self, width: int) -> Line:
        layout = self._layout(width)
        cells = [
            self._title("pattern", layout.message),
            self._title("entry point" if self._by_entry else "service", layout.name),
            figure(self.glyphs.origin, _COUNT, Role.DIM),
            figure("traces", _TRACES, Role.DIM),
            figure("failed", _FAILED, Role.DIM),
            *([figure("share", layout.share, Role.DIM)] if layout.share else []),
            self._title("when", layout.when),
            *([self._title("service" if self._by_entry else "propagated to", layout.last)] if layout.last else []),
        ]
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def _title(self, text: str, width: int) -> Line:
        return Line([(fit(text, width, ellipsis=self.glyphs.ellipsis), Role.DIM)])

    def line(self, row: int, width: int) -> Line:
        table, glyphs = self.table, self.glyphs
        number = self.pattern(row)
        pattern = table.patterns[number]
        layout = self._layout(width)
        service, operation = table.entry_points[number] if self._by_entry else (pattern.service, "")
        failed = pattern.failed_request_count
        cells = [
            Line([(fit(safe(pattern.message), layout.message, ellipsis=glyphs.ellipsis), Role.STRONG)]),
            self._service(service, operation, layout.name),
            figure(call_count(pattern.count), _COUNT, Role.ERROR),
            figure(call_count(pattern.trace_count), _TRACES),
            figure(call_count(failed) if failed else "-", _FAILED, Role.PROPAGATED if failed else Role.DIM),
        ]
        if layout.share:
            cells.append(figure(numbers.whole_percent(pattern.percent), layout.share))
        cells.append(trend(table.over_time[number], layout.when, glyphs))
        if layout.last:
            last = self._service(pattern.service, "", layout.last) if self._by_entry else self._propagated(pattern)
            cells.append(last.cropped(layout.last, glyphs.ellipsis))
        return side_by_side(cells).cropped(width, glyphs.ellipsis)

    def _service(self, service: str, operation: str, width: int) -> Line:
        return service_name(service, self.columns.roles.get(service, Role.DIM), width, self.glyphs, operation=operation)

    def _propagated(self, pattern: ErrorPattern) -> Line:
        if not pattern.propagated_to:
            return Line([("-", Role.DIM)])
        service, _ = pattern.propagated_to[0]
        line = Line([(f"{self.glyphs.propagated} ", Role.PROPAGATED), (safe(service), Role.PLAIN)])
        more = len(pattern.propagated_to) - 1
        return line.add(f" +{more}" if more else "", Role.DIM)

    def _layout(self, width: int) -> _ErrorColumns:
        when = 8 if width < _SHARE_FROM else 12 if width < 160 else 24
        share = _SHARE if width >= _SHARE_FROM else 0
        room = width - _COUNT - _TRACES - _FAILED - when - 10 - (share + 2 if share else 0)
        last = 0
        if width >= _LAST_FROM:
            last = room // 4
            room -= last + 2
        message = self.columns.message_cells
        name = self.columns.entry_cells if self._by_entry else self.columns.service_cells
        name = max(min(name, max(room * 2 // 5, room - message)), _MIN_NAME)
        return _ErrorColumns(max(min(room - name, message), _MIN_NAME), name, share, when, last)


def trend(counts: np.ndarray, width: int, glyphs: Glyphs) -> Line:
    """Draw counts over time in `width` cells, which must divide their number; only 0 is drawn as 0."""
    sums = counts.reshape(width, -1).sum(axis=1)
    line = Line()
    for height in heights(sums, glyphs):
        line.add(glyphs.trend[height], Role.ERROR if height else Role.DIM)
    return line
