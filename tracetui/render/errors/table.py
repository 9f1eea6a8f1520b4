"""Error patterns as a table."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.errors import ErrorPattern, ErrorRole, roles
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.stats.groups import group_positions
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.columns import call_count, figure, name_cells, service_name, service_roles, side_by_side
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.small_bars import heights

_BUCKETS = 48
_COUNT, _SHARE = 7, 5
_TRACES = 7
_PROPAGATED_FROM = 110
"""Width from which on there is a column of services that a pattern propagated to."""
_LEAST = 10


class ErrorTable:
    """The error patterns of a set, prepared for lists."""

    def __init__(self, analysis: Analysis) -> None:
        self.traces = traces = analysis.traces
        self.errors = analysis.errors
        self.patterns = self.errors.patterns
        self.roles = service_roles(traces)
        self._failed = failed_requests(traces)
        origins = roles(traces) == ErrorRole.ORIGIN
        self.trace_origins = np.bincount(traces.trace[origins], minlength=traces.trace_count)
        start = int(traces.trace_start.min()) if traces.trace_count else 0
        length = (int(traces.end.max()) - start + 1) if traces.trace_count else 1
        self.over_time = [
            np.bincount(
                np.minimum((traces.start[p.spans] - start) / length * _BUCKETS, _BUCKETS - 1).astype(np.int64),
                minlength=_BUCKETS,
            )
            for p in self.patterns
        ]
        nothing = np.zeros(0, np.int64)
        spans = np.concatenate([nothing, *(p.spans for p in self.patterns)])
        owners = np.repeat(np.arange(len(self.patterns)), [p.count for p in self.patterns])
        order = np.argsort(spans)
        self._spans, self._owners = spans[order], owners[order]
        self.message_cells = max((cell_width(safe(p.message)) for p in self.patterns), default=0)
        self.service_cells = max((name_cells(p.service) for p in self.patterns), default=0)

    def pattern_of(self, span: int) -> int | None:
        """Return the pattern of the error that began at this span, or None."""
        at = int(np.searchsorted(self._spans, span))
        return int(self._owners[at]) if at < len(self._spans) and self._spans[at] == span else None

    def entries(self, pattern: ErrorPattern) -> list[tuple[str, str, int, int]]:
        """Return the entry points of a pattern's traces, commonest first: service, operation, failures, traces."""
        traces = self.traces
        affected = np.unique(traces.trace[pattern.spans])
        entry_operations = traces.operation[traces.main_root[affected]]
        entries = []
        for operation, at in group_positions(entry_operations):
            entered = affected[at]
            entries.append((*traces.operation_label(operation), int(self._failed[entered].sum()), len(entered)))
        return sorted(entries, key=lambda one: (-one[3], one[:2]))

    def stack_of(self, pattern: ErrorPattern) -> str:
        """Return the stack trace of a pattern's worst example, '' for none."""
        span = self.origin_in(pattern, pattern.example_traces[0])
        stacks = (event.attributes.get("exception.stacktrace") for event in self.traces.events(span))
        return next((stack for stack in stacks if isinstance(stack, str) and stack.strip()), "")

    def order(self, by_service: bool) -> np.ndarray:
        """Return the order of the patterns, int64[patterns]: commonest first, or by service, most errors first."""
        if not by_service:
            return np.arange(len(self.patterns))
        total: Counter[str] = Counter()
        for pattern in self.patterns:
            total[pattern.service] += pattern.count
        ranked = sorted(
            range(len(self.patterns)), key=lambda i: (-total[self.patterns[i].service], self.patterns[i].service, i)
        )
        return np.array(ranked, np.int64)

    def origin_in(self, pattern: ErrorPattern, trace: int) -> int:
        """Return the first span of a trace at which an error of the pattern began."""
        return int(pattern.spans[np.searchsorted(pattern.spans, int(self.traces.first[trace]))])


class ErrorList:
    """Rows of the patterns, commonest first or by service."""

    def __init__(self, table: ErrorTable, glyphs: Glyphs, by_service: bool = False) -> None:
        self.table, self.glyphs = table, glyphs
        self._order = table.order(by_service)
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
            service_name(pattern.service, table.roles.get(pattern.service, Role.DIM), service, glyphs),
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
        line = Line([(f"{self.glyphs.echo} ", Role.ECHO), (safe(service), Role.PLAIN)])
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
        message, service = self.table.message_cells, self.table.service_cells
        service = max(min(service, max(room * 2 // 5, room - message)), _LEAST)
        return max(min(room - service, message), _LEAST), service, when, propagated


def trend(counts: np.ndarray, width: int, glyphs: Glyphs) -> Line:
    """Draw counts over time in `width` cells, which must divide their number; only 0 is drawn as 0."""
    sums = counts.reshape(width, -1).sum(axis=1)
    line = Line()
    for height in heights(sums, glyphs):
        line.add(glyphs.trend[height], Role.ERROR if height else Role.DIM)
    return line
