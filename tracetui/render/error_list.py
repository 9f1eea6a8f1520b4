"""Error patterns as a table, and one pattern in full."""

from __future__ import annotations

import numpy as np

from tracetui.analysis.contrast import Contrast
from tracetui.analysis.errors import ErrorPattern
from tracetui.analysis.errors import Role as Part
from tracetui.analysis.errors import roles as parts
from tracetui.analysis.findings import Findings
from tracetui.render import numbers
from tracetui.render.cells import cell_width, fit
from tracetui.render.contrast_list import in_short
from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks
from tracetui.render.safe_text import safe
from tracetui.render.service_list import (
    call_count,
    figure,
    name_cells,
    service_name,
    service_roles,
    side_by_side,
    sync_arrow,
)

_BUCKETS = 48
_COUNT, _SHARE = 7, 5
_TRACES = 7
_BECAME_FROM = 110
"""Cells from which on there is a column for where a pattern spread to."""
_LEAST = 10
_NAMED_OPERATIONS = 3
_NAMED_SERVICES = 6
_LABEL = 10
_DAY = 86_400_000_000_000


class ErrorTable:
    """The error patterns of a set, made ready to be listed."""

    def __init__(self, findings: Findings) -> None:
        self.traces = traces = findings.traces
        self.errors = findings.errors
        self.patterns = self.errors.patterns
        self.roles = service_roles(traces)
        origins = parts(traces) == Part.ORIGIN
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
        """The pattern that an error began with at this span."""
        at = int(np.searchsorted(self._spans, span))
        return int(self._owners[at]) if at < len(self._spans) and self._spans[at] == span else None

    def origin_in(self, pattern: ErrorPattern, trace: int) -> int:
        """The first span of a trace at which an error of the pattern began."""
        return int(pattern.spans[np.searchsorted(pattern.spans, int(self.traces.first[trace]))])


class ErrorList:
    """A row for each pattern, commonest first."""

    def __init__(self, table: ErrorTable, marks: Marks) -> None:
        self.table, self.marks = table, marks

    def __len__(self) -> int:
        return len(self.table.patterns)

    def heading(self, width: int) -> Line:
        message, service, when, became = self._widths(width)
        cells = [
            Line([(fit("pattern", message), Role.DIM)]),
            Line([(fit("service", service), Role.DIM)]),
            figure(self.marks.origin, _COUNT, Role.DIM),
            figure("traces", _TRACES, Role.DIM),
            figure("share", _SHARE, Role.DIM),
            Line([(fit("when", when), Role.DIM)]),
        ]
        if became:
            cells.append(Line([(fit("became", became), Role.DIM)]))
        return side_by_side(cells).cropped(width, self.marks.ellipsis)

    def line(self, row: int, width: int) -> Line:
        table, marks = self.table, self.marks
        pattern = table.patterns[row]
        message, service, when, became = self._widths(width)
        cells = [
            Line([(fit(safe(pattern.message), message, ellipsis=marks.ellipsis), Role.STRONG)]),
            service_name(pattern.service, table.roles.get(pattern.service, Role.DIM), service, marks),
            figure(call_count(pattern.count), _COUNT, Role.ERROR),
            figure(call_count(pattern.trace_count), _TRACES),
            figure(numbers.whole_percent(pattern.percent), _SHARE),
            trend(table.over_time[row], when, marks),
        ]
        if became:
            cells.append(self._became(pattern).cropped(became, marks.ellipsis))
        return side_by_side(cells).cropped(width, marks.ellipsis)

    def _became(self, pattern: ErrorPattern) -> Line:
        if not pattern.propagated_to:
            return Line([("-", Role.DIM)])
        service, _ = pattern.propagated_to[0]
        line = Line([(f"{self.marks.echo} ", Role.ECHO), (safe(service), Role.PLAIN)])
        more = len(pattern.propagated_to) - 1
        return line.add(f" +{more}" if more else "", Role.DIM)

    def _widths(self, width: int) -> tuple[int, int, int, int]:
        """Cells of message, service, sparkline and `became`."""
        when = 8 if width < _BECAME_FROM else 12 if width < 160 else 24
        room = width - _COUNT - _TRACES - _SHARE - when - 10
        became = 0
        if width >= _BECAME_FROM:
            became = room // 4
            room -= became + 2
        message, service = self.table.message_cells, self.table.service_cells
        service = max(min(service, max(room * 2 // 5, room - message)), _LEAST)
        return max(min(room - service, message), _LEAST), service, when, became


class ErrorDetail:
    """One pattern: where it begins, what it becomes, when, and examples."""

    def __init__(
        self,
        table: ErrorTable,
        pattern: ErrorPattern,
        marks: Marks,
        local_time: bool = False,
        apart: Contrast | None = None,
    ) -> None:
        """`apart`: what sets its traces apart from the others, None until that is known."""
        self.table, self.pattern, self.marks, self.local_time = table, pattern, marks, local_time
        self._head = [self._message(), self._where(), self._cascade(), *self._fates(), self._times()]
        self.apart_row = len(self._head)
        self._head.append(self._apart(apart))
        self.first_example = len(self._head) + 1
        roots = table.traces.main_root[list(pattern.example_traces)].tolist()
        names = (name_cells(table.traces.service_name(i), False, table.traces.operation_name(i)) for i in roots)
        self._name_cells = max([*names, len("the worst 5 of 1,000,000 traces")])

    def __len__(self) -> int:
        return self.first_example + len(self.pattern.example_traces)

    def example(self, row: int) -> int | None:
        """The trace of a row that is an example."""
        at = row - self.first_example
        return self.pattern.example_traces[at] if 0 <= at < len(self.pattern.example_traces) else None

    def line(self, row: int, width: int) -> Line:
        if row < len(self._head):
            return self._head[row].cropped(width, self.marks.ellipsis)
        trace = self.example(row)
        traces = self.table.traces
        longest = numbers.duration_width(int(traces.trace_duration[list(self.pattern.example_traces)].max()))
        taken = len("10:00:00.000") + len("duration") + longest + 6
        name = max(min(width - taken - 2, self._name_cells), _LEAST)
        if trace is None:
            count = self.pattern.trace_count
            few = len(self.pattern.example_traces)
            title = f"the worst {few} of {numbers.counted(count, 'trace')}" if few < count else "traces, worst first"
            cells = [
                Line([(fit("start", len("10:00:00.000")), Role.DIM)]),
                Line([(fit(title, name, ellipsis=self.marks.ellipsis), Role.TITLE)]),
                figure("errors", len("duration"), Role.DIM),
                figure("takes", longest, Role.DIM),
            ]
            return side_by_side(cells).cropped(width, self.marks.ellipsis)
        root = int(traces.main_root[trace])
        service = traces.service_name(root)
        origins = int(self.table.trace_origins[trace])
        echoes = int(traces.trace_errors[trace]) - origins
        errors = Line([(f"{self.marks.origin}{numbers.short_count(origins)}", Role.ERROR)])
        errors.add(f" {self.marks.echo}{numbers.short_count(echoes)}" if echoes else "", Role.ECHO)
        cells = [
            Line([(numbers.clock(int(traces.trace_start[trace]), self.local_time), Role.PLAIN)]),
            service_name(
                service,
                self.table.roles.get(service, Role.DIM),
                name,
                self.marks,
                operation=traces.operation_name(root),
            ),
            Line([(" " * (len("duration") - errors.width), Role.PLAIN)]).extend(errors),
            figure(numbers.duration(int(traces.trace_duration[trace]), self.marks.ascii_only), longest),
        ]
        return side_by_side(cells).cropped(width, self.marks.ellipsis)

    def _message(self) -> Line:
        return Line([(f"{self.marks.origin} ", Role.ERROR), (safe(self.pattern.message), Role.STRONG)])

    def _where(self) -> Line:
        operations = self.pattern.operations
        line = _labelled("begins in").extend(self._service(self.pattern.service))
        line.add(" " + ", ".join(safe(name, 60) for name in operations[:_NAMED_OPERATIONS]))
        more = len(operations) - _NAMED_OPERATIONS
        return line.add(f" and {numbers.counted(more, 'more operation')}" if more > 0 else "", Role.DIM)

    def _cascade(self) -> Line:
        line = _labelled("cascade")
        reached = self.pattern.propagated_to
        if not reached:
            return line.add("none: no span above it became an error")
        line.add(f"{self.marks.origin}{numbers.short_count(self.pattern.count)} ", Role.ERROR)
        line.extend(self._service(self.pattern.service)).add(f" {sync_arrow(self.marks)} ", Role.GUIDE)
        for i, (service, count) in enumerate(reached[:_NAMED_SERVICES]):
            line.add("  " if i else "").add(f"{self.marks.echo}{numbers.short_count(count)} ", Role.ECHO)
            line.extend(self._service(service))
        more = len(reached) - _NAMED_SERVICES
        return line.add(f"  and {numbers.counted(more, 'more service')}" if more > 0 else "", Role.DIM)

    def _fates(self) -> list[Line]:
        swallowed, retried = self.pattern.swallowed_count, self.pattern.retried_count
        if not swallowed and not retried:
            return []
        words = []
        if swallowed:
            words.append(f"{swallowed:,} swallowed: what called it is no error")
        if retried:
            words.append(f"{retried:,} retried, and a later try succeeded")
        return [_labelled("of these").add("; ".join(words))]

    def show_apart(self, apart: Contrast) -> None:
        """What sets its traces apart is known now."""
        self._head[self.apart_row] = self._apart(apart)

    def _apart(self, apart: Contrast | None) -> Line:
        line = _labelled("apart")
        if apart is None:
            return line.add(f"reading its traces{self.marks.ellipsis}", Role.DIM)
        if not apart.rest:
            return line.add("every trace has this error", Role.DIM)
        return line.extend(in_short(apart, self.marks))

    def _times(self) -> Line:
        first, last = self.pattern.first_seen, self.pattern.last_seen
        clock = numbers.clock if last - first < _DAY else numbers.date_clock
        line = _labelled("seen").add(clock(first, self.local_time))
        if last > first:
            line.add(f" to {clock(last, self.local_time)}")
        line.add(f" {numbers.zone(first, self.local_time)}", Role.DIM)
        if last > first:
            line.add(f"  over {numbers.duration(last - first, self.marks.ascii_only)}", Role.DIM)
        return line

    def _service(self, name: str) -> Line:
        role = self.table.roles.get(name, Role.DIM)
        return service_name(name, role, 40, self.marks, pad=False)


def _labelled(label: str) -> Line:
    return Line([(f"  {label:<{_LABEL}}", Role.DIM)])


def trend(counts: np.ndarray, width: int, marks: Marks) -> Line:
    """Counts over time in `width` cells, which divide their number; what is not zero is never drawn like zero."""
    sums = counts.reshape(width, -1).sum(axis=1)
    highest = int(sums.max()) if len(sums) else 0
    line = Line()
    for number in sums.tolist():
        level = -(-number * (len(marks.trend) - 1) // highest) if highest else 0
        line.add(marks.trend[level], Role.ERROR if number else Role.DIM)
    return line
