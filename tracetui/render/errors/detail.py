"""Detail of one error pattern: origin, propagation, outcome, times and examples."""

from __future__ import annotations

import numpy as np

from tracetui.analysis.contrast import Contrast
from tracetui.analysis.errors import ErrorPattern
from tracetui.render.errors.outcomes import outcome_counts
from tracetui.render.errors.table import ErrorListColumns
from tracetui.render.text import numbers
from tracetui.render.text.cells import fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import figure, name_cells, service_name, side_by_side
from tracetui.render.traces.contrast import in_short

_MIN_NAME = 10
_NAMED_OPERATIONS = 3
_NAMED_SERVICES = 6
_NAMED_ENTRIES = 3
_LABEL = 11
_MIN_WIDTH = 40
"""Width from which on there is room for the key after the contrast."""
_DAY = 86_400_000_000_000


class ErrorDetail:
    """Lines of one error pattern: origin, propagation, outcome, times and examples."""

    def __init__(
        self,
        columns: ErrorListColumns,
        pattern: ErrorPattern,
        glyphs: Glyphs,
        local_time: bool = False,
        contrast: Contrast | None = None,
        *,
        is_short: bool = False,
        open_key: str = "",
        contrast_key: str = "",
    ) -> None:
        """`contrast`: the contrast of its traces with the others, None until it is computed.

        `is_short`: omit stack trace and contrast, which are shown elsewhere. `open_key`, `contrast_key`: keys that open
        a row and show the whole contrast; '' for none.
        """
        self.table, self._roles = columns.table, columns.roles
        self.pattern, self.glyphs, self.local_time = pattern, glyphs, local_time
        table = self.table
        self.head = [
            self._message(),
            self._where(),
            self._propagation(),
            self._entries(),
            self._outcomes(),
            self._times(),
        ]
        """Heading lines."""
        self.stack = table.stack_of(pattern, pattern.example_traces[0])
        """Stack trace of the worst example, '' for none."""
        self.stack_row = len(self.head) if self.stack and not is_short else -1
        if self.stack_row >= 0:
            first, *rest = self.stack.strip().splitlines()
            last_line = safe((rest or [first])[-1].strip(), 200)
            self.head.append(
                _labelled("stack").add(last_line).add(f"  {open_key} shows it" if open_key else "", Role.DIM)
            )
        self._contrast_hint = f"  {contrast_key} shows all" if contrast_key else ""
        self.contrast_row = -1 if is_short else len(self.head)
        if not is_short:
            self.head.append(self._contrast(contrast))
        self.first_example = len(self.head) + 1
        traces = table.traces
        operations = np.unique(traces.operation[traces.main_root[pattern.traces]]).tolist()
        labels = (traces.operation_label(operation) for operation in operations)
        names = (name_cells(service, operation=name) for service, name in labels)
        self._examples_title = numbers.counted(pattern.trace_count, "trace")
        self._examples_title += ", worst first" if pattern.trace_count > 1 else ""
        self._name_cells = max(*names, len(self._examples_title))
        slowest = numbers.duration_width(int(traces.response_time[pattern.traces].max()))
        self._response_cells = max(slowest, len("response"))

    def __len__(self) -> int:
        return self.first_example + self.pattern.trace_count

    def example(self, row: int) -> int | None:
        """Return the trace of an example row, None for other rows."""
        at = row - self.first_example
        return int(self.pattern.traces[at]) if 0 <= at < self.pattern.trace_count else None

    def line(self, row: int, width: int) -> Line:
        if row < len(self.head):
            line = self.head[row]
            if row != self.contrast_row or line.width <= width or width < _MIN_WIDTH:
                return line.cropped(width, self.glyphs.ellipsis)
            return line.cropped(width - len(self._contrast_hint), self.glyphs.ellipsis).add(
                self._contrast_hint, Role.DIM
            )
        trace = self.example(row)
        traces = self.table.traces
        longest = self._response_cells
        fixed = len("10:00:00.000") + len("duration") + longest + 6
        name = max(min(width - fixed - 2, self._name_cells), _MIN_NAME)
        if trace is None:
            title = self._examples_title
            cells = [
                Line([(fit("start", len("10:00:00.000")), Role.DIM)]),
                Line([(fit(title, name, ellipsis=self.glyphs.ellipsis), Role.TITLE)]),
                figure("errors", len("duration"), Role.DIM),
                figure("response", longest, Role.DIM),
            ]
            return side_by_side(cells).cropped(width, self.glyphs.ellipsis)
        root = int(traces.main_root[trace])
        service = traces.service_name(root)
        origins = int(self.table.trace_origins[trace])
        propagated = int(traces.trace_errors[trace]) - origins
        errors = Line([(f"{self.glyphs.origin}{numbers.short_count(origins)}", Role.ERROR)])
        errors.add(f" {self.glyphs.propagated}{numbers.short_count(propagated)}" if propagated else "", Role.PROPAGATED)
        cells = [
            Line([(numbers.clock(int(traces.trace_start[trace]), self.local_time), Role.PLAIN)]),
            service_name(
                service,
                self._roles.get(service, Role.DIM),
                name,
                self.glyphs,
                operation=traces.operation_name(root),
            ),
            Line([(" " * (len("duration") - errors.width), Role.PLAIN)]).extend(errors),
            figure(numbers.duration(int(traces.response_time[trace]), self.glyphs.ascii_only), longest),
        ]
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def _message(self) -> Line:
        return Line([(f"{self.glyphs.origin} ", Role.ERROR), (safe(self.pattern.message), Role.STRONG)])

    def _where(self) -> Line:
        operations = self.pattern.operations
        line = _labelled("origin").extend(self._service(self.pattern.service))
        line.add(" " + ", ".join(safe(name, 60) for name in operations[:_NAMED_OPERATIONS]))
        more = len(operations) - _NAMED_OPERATIONS
        return line.add(f" and {numbers.counted(more, 'more operation')}" if more > 0 else "", Role.DIM)

    def _propagation(self) -> Line:
        line = _labelled("propagated")
        services = self.pattern.propagated_to
        if not services:
            return line.add("to none: no error above it")
        line.add(f"{self.glyphs.origin}{numbers.short_count(self.pattern.count)} ", Role.ERROR)
        line.extend(self._service(self.pattern.service)).add(f" {self.glyphs.sync_call} ", Role.GUIDE)
        for i, (service, count) in enumerate(services[:_NAMED_SERVICES]):
            line.add("  " if i else "").add(f"{self.glyphs.propagated}{numbers.short_count(count)} ", Role.PROPAGATED)
            line.extend(self._service(service))
        more = len(services) - _NAMED_SERVICES
        return line.add(f"  and {numbers.counted(more, 'more service')}" if more > 0 else "", Role.DIM)

    def _entries(self) -> Line:
        """Return the entry points of its traces, with the numbers of failed requests."""
        line = _labelled("entries")
        entries = self.table.entries(self.pattern)
        for i, (service, operation, failed, count) in enumerate(entries[:_NAMED_ENTRIES]):
            line.add("  " if i else "")
            if failed:
                line.add(f"{self.glyphs.propagated}{numbers.short_count(failed)} ", Role.PROPAGATED)
            line.extend(self._service(service)).add(f" {safe(operation, 60)}")
            line.add(f" ({count - failed:,} did not fail)" if failed < count else "", Role.DIM)
        more = len(entries) - _NAMED_ENTRIES
        return line.add(f"  and {numbers.counted(more, 'more entry point')}" if more > 0 else "", Role.DIM)

    def _outcomes(self) -> Line:
        return _labelled("outcome").add(", ".join(outcome_counts(self.pattern)))

    def show_contrast(self, contrast: Contrast) -> None:
        """Show the contrast of its traces once it is computed."""
        if self.contrast_row >= 0:
            self.head[self.contrast_row] = self._contrast(contrast)

    def _contrast(self, contrast: Contrast | None) -> Line:
        line = _labelled("contrast")
        if contrast is None:
            return line.add(f"reading traces{self.glyphs.ellipsis}", Role.DIM)
        if not contrast.rest:
            return line.add("every trace has this error", Role.DIM)
        if contrast.selected < 2:
            return line.add("needs more than one trace", Role.DIM)
        return line.extend(in_short(contrast, self.glyphs))

    def _times(self) -> Line:
        first, last = self.pattern.first_seen, self.pattern.last_seen
        clock = numbers.clock if last - first < _DAY else numbers.date_clock
        line = _labelled("seen").add(clock(first, self.local_time))
        if last > first:
            line.add(f" to {clock(last, self.local_time)}")
        line.add(f" {numbers.zone(first, self.local_time)}", Role.DIM)
        if last > first:
            line.add(f"  over {numbers.duration(last - first, self.glyphs.ascii_only)}", Role.DIM)
        return line

    def _service(self, name: str) -> Line:
        role = self._roles.get(name, Role.DIM)
        return service_name(name, role, 40, self.glyphs, pad=False)


def _labelled(label: str) -> Line:
    return Line([(f"  {label:<{_LABEL}}", Role.DIM)])
