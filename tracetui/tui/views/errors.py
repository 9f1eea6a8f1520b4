"""Errors view: error patterns, and one of them in detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.contrast import Contrast, contrast
from tracetui.analysis.error_table import GROUPINGS, ErrorGrouping, ErrorTable
from tracetui.analysis.errors import ErrorPattern
from tracetui.model.traces import TraceSet
from tracetui.render.errors.detail import ErrorDetail
from tracetui.render.errors.table import ErrorList, ErrorListColumns
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import service_name
from tracetui.tui.background_work import Work
from tracetui.tui.keys.errors import ERRORS
from tracetui.tui.messages import ListTraces, ReadText
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.views.contrast import open_contrast
from tracetui.tui.views.error_example import ErrorExample
from tracetui.tui.views.list_detail import ListDetail
from tracetui.tui.widgets.line_view import HeadedSource, LineView

_EXAMPLE_FROM = 120
"""Least width for the example next to the detail."""
_GROUPED: dict[ErrorGrouping, str] = {"pattern": "", "service": "  by service", "entry": "  by entry point"}


class ErrorsView(View):
    """Error patterns, and one of them in full."""

    KEYS = (ERRORS,)
    BINDINGS: ClassVar[list[BindingType]] = ERRORS.bindings

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self._contrasts: dict[int, Contrast] = {}
        """By the pattern's position in the table."""
        self._grouping: ErrorGrouping = "pattern"
        self._service = ""
        """Service whose errors are listed, '' for all."""
        self._example = ErrorExample(state.look, work)
        self.page = ListDetail[ErrorListColumns](state, work, id, self, right=self._example.view)
        self.parts = (self.page,)

    def compose(self) -> ComposeResult:
        yield self.page

    @property
    def hints(self) -> Sequence[tuple[str, str]]:
        if not self.page.has_rows:
            return []
        following = GROUPINGS[(GROUPINGS.index(self._grouping) + 1) % len(GROUPINGS)]
        group = ("{errors.group}", _GROUPED[following].strip() or "by frequency")
        return [*ERRORS.hints("list.open", "errors.next"), group, *ERRORS.hints("errors.apart")]

    def sources_changed(self) -> None:
        self._service = ""

    def set_changed(self) -> None:
        self._contrasts = {}
        self._example.clear()
        super().set_changed()

    def on_resize(self, event: events.Resize) -> None:
        wide = event.size.width >= _EXAMPLE_FROM
        if wide != self._example.view.display:
            self._example.view.display = wide
            if self.page.has_rows:
                self.page.show_detail()

    # --- content of the list -----------------------------------------------------------------------------------------

    def analyse(self, analysis: Analysis) -> ErrorListColumns:
        return ErrorListColumns(ErrorTable(analysis))

    def list_source(self, columns: ErrorListColumns) -> HeadedSource:
        if self._service and not len(ErrorList(columns, self.state.look.glyphs, service=self._service)):
            # an empty list would look like a failure
            self.post_notice(f"no errors in {safe(self._service)}")
            self._service = ""
        return ErrorList(columns, self.state.look.glyphs, self._grouping, self._service)

    def summary_line(self, columns: ErrorListColumns) -> Line:
        errors = columns.table.errors
        failed = numbers.failures_of(errors.error_trace_count, errors.failed_request_count, errors.trace_count)
        if not errors.patterns:
            return Line([(failed, Role.TITLE)])
        line = Line([(f"{self.state.look.glyphs.origin} {failed}", Role.ERROR)])
        origins = numbers.counted(sum(pattern.count for pattern in errors.patterns), "origin")
        line.add(f"  {origins} in {numbers.counted(len(errors.patterns), 'pattern')}", Role.DIM)
        line.add(_GROUPED[self._grouping], Role.ACCENT)
        if self._service and isinstance(self.page.rows, ErrorList):
            what = "propagated to" if self.page.rows.is_propagated else "in"
            line.add(f"  only {numbers.counted(len(self.page.rows), 'pattern')} {what} ", Role.ACCENT)
            line.add(safe(self._service), Role.STRONG).add(self.key_names.short("  {app.back} shows all"), Role.DIM)
        return line

    def title_line(self, row: int, width: int) -> Line:
        service = self._pattern(row).service
        role = self.page.columns.roles.get(service, Role.DIM)
        return service_name(service, role, width, self.state.look.glyphs, pad=False)

    def empty_message(self) -> tuple[str, str]:
        return "No errors in these traces.", "Press {view.traces} for other traces, {view.hot-spots} for hot spots."

    def name_of(self, row: int) -> str:
        return self._pattern(row).message

    def row_of_name(self, name: str) -> int | None:
        rows = self.page.rows or ()
        return next((row for row in range(len(rows)) if self.name_of(row) == name), None)

    def row_of_span(self, span: int) -> int | None:
        number, rows = self.page.columns.table.pattern_of(span), self.page.rows
        return rows.row_of(number) if number is not None and isinstance(rows, ErrorList) else None

    def _number(self, row: int) -> int:
        """Position in the table of the pattern of a row."""
        return self.page.rows.pattern(row) if isinstance(self.page.rows, ErrorList) else row

    def _pattern(self, row: int) -> ErrorPattern:
        return self.page.columns.table.patterns[self._number(row)]

    # --- the detail --------------------------------------------------------------------------------------------------

    def show_detail(self, row: int) -> None:
        look, names = self.state.look, self.key_names
        detail = ErrorDetail(
            self.page.columns,
            self._pattern(row),
            look.glyphs,
            look.local_time,
            self._contrasts.get(self._number(row)),
            is_short=self._example.view.display,
            open_key=names.short("{list.open}"),
            contrast_key=names.short("{errors.apart}"),
        )
        self.page.detail.show(detail, detail.first_example)
        self._show_example()
        self._find_contrast(self._number(row), self._pattern(row))

    def _show_example(self) -> None:
        """Show the selected trace in the second column, if there is room for it."""
        detail, analysed = self.page.detail.source, self.page.analysed
        if not self._example.view.display or analysed is None or not isinstance(detail, ErrorDetail):
            return
        trace = detail.example(self.page.detail.cursor)
        if trace is None:
            trace = detail.pattern.example_traces[0]
        contrast = self._contrasts.get(self._number(self.page.row))
        self._example.show(analysed.analysis, self.page.columns.table, detail.pattern, trace, contrast)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        if event.view is self.page.detail and self.page.has_rows:
            self._show_example()

    def _find_contrast(self, number: int, pattern: ErrorPattern) -> None:
        """Compute the contrast of the pattern's traces, outside the UI loop."""
        analysed = self.page.analysed
        if analysed is None or number in self._contrasts:
            return
        traces = analysed.analysis.traces

        def done(found: Contrast) -> None:
            if self.page.analysed is not analysed:
                return
            self._contrasts[number] = found
            detail = self.page.detail.source
            if isinstance(detail, ErrorDetail) and detail.pattern is pattern:
                detail.show_contrast(found)
                self.page.detail.refresh_row(detail.contrast_row)
                self._show_example()

        self.work("errors.apart", lambda: contrast(traces, _traces_of(pattern, traces)), done)

    def _detail_of(self, row: int) -> ErrorDetail:
        """Show the detail of this row now, and keep the example that was selected in it."""
        detail = self.page.detail.source
        if not isinstance(detail, ErrorDetail) or detail.pattern is not self._pattern(row):
            self.page.show_detail()
        assert isinstance(self.page.detail.source, ErrorDetail)
        return self.page.detail.source

    # --- keys --------------------------------------------------------------------------------------------------------

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        if not self.page.has_rows:
            return
        if event.view is self.page.list:
            detail = self._detail_of(event.row)
            self._open(detail.pattern, detail.example(self.page.detail.cursor))
        elif event.view is self.page.detail:
            self._open_line(event.row)
        else:
            self._open_example_line(event.row)

    def _open_line(self, row: int) -> None:
        detail = self.page.detail.source
        assert isinstance(detail, ErrorDetail)
        if row == 0:
            self.post_message(ReadText("Error", detail.pattern.message))
        elif row == detail.stack_row:
            self.post_message(ReadText("Stack", detail.stack))
        elif row == detail.contrast_row and self._number(self.page.list.cursor) in self._contrasts:
            self.action_contrast()
        elif row < len(detail.head):
            self.post_message(ReadText("Error", detail.head[row].text.strip()))
        elif detail.example(row) is not None:
            self._open(detail.pattern, detail.example(row))

    def _open_example_line(self, row: int) -> None:
        lines = self._example.lines
        assert lines is not None
        assert self.page.analysed is not None
        match lines.part(row):
            case "stack":
                self.post_message(ReadText("Stack", lines.stack))
            case "contrast":
                self._open_contrast(lines.pattern)
            case _:
                # until the example of another row is ready, it is of the previous pattern
                span = lines.span(row)
                if span is None:
                    self._open(lines.pattern, lines.trace)
                else:
                    self.post_message(self.page.analysed.open_trace(lines.trace, span))

    def _open(self, pattern: ErrorPattern, trace: int | None) -> None:
        assert self.page.analysed is not None
        if trace is None:
            trace = pattern.example_traces[0]
        self.post_message(self.page.analysed.open_trace(trace, self.page.columns.table.origin_in(pattern, trace)))

    def action_group(self) -> None:
        """Sort by frequency, or group by service, or by entry point."""
        self._grouping = GROUPINGS[(GROUPINGS.index(self._grouping) + 1) % len(GROUPINGS)]
        self.page.show_list(None)

    def show_service(self, service: str) -> None:
        """List the errors of one service."""
        self._service = service
        if self.page.analysed is None:
            # the list is made once the errors are known
            return
        self.page.show_list(0)
        self.page.list.focus()

    def go_back(self) -> bool:
        if super().go_back():
            return True
        service, self._service = self._service, ""
        if service:
            self.page.show_list(None)
        return bool(service)

    def action_contrast(self) -> None:
        """Show the contrast of the pattern's traces."""
        if self.page.has_rows:
            self._open_contrast(self._pattern(self.page.list.cursor))

    def _open_contrast(self, pattern: ErrorPattern) -> None:
        assert self.page.analysed is not None
        traces = self.page.analysed.analysis.traces
        selection = _traces_of(pattern, traces)
        open_contrast(self, traces, selection, "with this error", lambda query: self.post_message(ListTraces(query)))

    def action_example(self, step: int) -> None:
        if self.page.has_rows:
            detail, view = self._detail_of(self.page.list.cursor), self.page.detail
            view.cursor = max(view.cursor + step, detail.first_example)


def _traces_of(pattern: ErrorPattern, traces: TraceSet) -> np.ndarray:
    """Traces in which an error of the pattern began. -> bool[traces]"""
    found = np.zeros(traces.trace_count, bool)
    found[traces.trace[pattern.spans]] = True
    return found
