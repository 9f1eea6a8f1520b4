"""Error patterns as a table."""

from __future__ import annotations

import numpy as np

from tracetui.analysis.error_table import ErrorTable
from tracetui.analysis.errors import ErrorPattern
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.sparkline import heights
from tracetui.render.text.tables import call_count, figure, name_cells, service_name, service_roles, side_by_side

_COUNT, _SHARE = 7, 5
_TRACES = 7
_PROPAGATED_FROM = 110
"""Width from which on there is a column of services to which a pattern propagated."""
_MIN_NAME = 10


class ErrorListColumns:
    """An error table with its colours and the widths of its longest texts, measured once for all lists."""

    def __init__(self, table: ErrorTable) -> None:
        self.table = table
        self.roles = service_roles(table.traces)
        self.message_cells = max((cell_width(safe(p.message)) for p in table.patterns), default=0)
        self.service_cells = max((name_cells(p.service) for p in table.patterns), default=0)


class ErrorList:
    """Rows of the patterns, commonest first or by service."""

    def __init__(self, columns: ErrorListColumns, glyphs: Glyphs, by_service: bool = False) -> None:
        self.columns, self.table, self.glyphs = columns, columns.table, glyphs
        self._order = self.table.order(by_service)
        self._row_of = np.argsort(self._order)

    def __len__(self) -> int:
        return len(self.table.patterns)

    def pattern(self, row: int) -> int:
        """Return the position of a row's pattern in the table."""
        return int(self._order[row])

    def row_of(self, pattern: int) -> int:
        return int(self._row_of[pattern])

    def heading(self, width: int) -> Line:
        message, service, when, propagated = self._widths(width)
        cells = [
            Line([(fit("pattern", message), Role.DIM)]),
            Line([(fit("service", service), Role.DIM)]),
            figure(self.glyphs.origin, _COUNT, Role.DIM),
            figure("traces", _TRACES, Role.DIM),
            figure("share", _SHARE, Role.DIM),
            Line([(fit("when", when), Role.DIM)]),
        ]
        if propagated:
            cells.append(Line([(fit("propagated to", propagated), Role.DIM)]))
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        table, glyphs = self.table, self.glyphs
        number = self.pattern(row)
        pattern = table.patterns[number]
        message, service, when, propagated = self._widths(width)
        cells = [
            Line([(fit(safe(pattern.message), message, ellipsis=glyphs.ellipsis), Role.STRONG)]),
            service_name(pattern.service, self.columns.roles.get(pattern.service, Role.DIM), service, glyphs),
            figure(call_count(pattern.count), _COUNT, Role.ERROR),
            figure(call_count(pattern.trace_count), _TRACES),
            figure(numbers.whole_percent(pattern.percent), _SHARE),
            trend(table.over_time[number], when, glyphs),
        ]
        if propagated:
            cells.append(self._propagated(pattern).cropped(propagated, glyphs.ellipsis))
        return side_by_side(cells).cropped(width, glyphs.ellipsis)

    def _propagated(self, pattern: ErrorPattern) -> Line:
        if not pattern.propagated_to:
            return Line([("-", Role.DIM)])
        service, _ = pattern.propagated_to[0]
        line = Line([(f"{self.glyphs.propagated} ", Role.PROPAGATED), (safe(service), Role.PLAIN)])
        more = len(pattern.propagated_to) - 1
        return line.add(f" +{more}" if more else "", Role.DIM)

    def _widths(self, width: int) -> tuple[int, int, int, int]:
        """Return the widths of message, service, sparkline and propagation."""
        when = 8 if width < _PROPAGATED_FROM else 12 if width < 160 else 24
        room = width - _COUNT - _TRACES - _SHARE - when - 10
        propagated = 0
        if width >= _PROPAGATED_FROM:
            propagated = room // 4
            room -= propagated + 2
        message, service = self.columns.message_cells, self.columns.service_cells
        service = max(min(service, max(room * 2 // 5, room - message)), _MIN_NAME)
        return max(min(room - service, message), _MIN_NAME), service, when, propagated


def trend(counts: np.ndarray, width: int, glyphs: Glyphs) -> Line:
    """Draw counts over time in `width` cells, which must divide their number; only 0 is drawn as 0."""
    sums = counts.reshape(width, -1).sum(axis=1)
    line = Line()
    for height in heights(sums, glyphs):
        line.add(glyphs.trend[height], Role.ERROR if height else Role.DIM)
    return line
