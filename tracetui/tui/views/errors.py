"""Errors view: error patterns, and one of them in detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import BindingType

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.contrast import Contrast, contrast
from tracetui.analysis.error_table import ErrorTable
from tracetui.analysis.errors import ErrorPattern
from tracetui.model.traces import TraceSet
from tracetui.render.errors.detail import ErrorDetail
from tracetui.render.errors.table import ErrorList, ErrorListColumns
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.tables import service_name
from tracetui.tui.background_work import Work
from tracetui.tui.keys.errors import ERRORS
from tracetui.tui.messages import ListTraces, ReadText
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.views.contrast import open_contrast
from tracetui.tui.views.list_detail import ListDetail
from tracetui.tui.widgets.line_view import HeadedSource, LineView


class ErrorsView(View):
    """Error patterns, and one of them in full."""

    KEYS = (ERRORS,)
    BINDINGS: ClassVar[list[BindingType]] = ERRORS.bindings

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self._contrasts: dict[int, Contrast] = {}
        """By the pattern's position in the table."""
        self._by_service = False
        self.page = ListDetail[ErrorListColumns](state, work, id, self)
        self.parts = (self.page,)

    def compose(self) -> ComposeResult:
        yield self.page

    @property
    def hints(self) -> Sequence[tuple[str, str]]:
        if not self.page.has_rows:
            return []
        return ERRORS.hints("list.open", "errors.next", "errors.group", "errors.apart")

    def set_changed(self) -> None:
        self._contrasts = {}
        super().set_changed()

    # --- content of the list -----------------------------------------------------------------------------------------

    def analyse(self, analysis: Analysis) -> ErrorListColumns:
        return ErrorListColumns(ErrorTable(analysis))

    def list_source(self, columns: ErrorListColumns) -> HeadedSource:
        return ErrorList(columns, self.state.look.glyphs, self._by_service)

    def summary_line(self, columns: ErrorListColumns) -> Line:
        errors = columns.table.errors
        failed = numbers.failures_of(errors.error_trace_count, errors.failed_request_count, errors.trace_count)
        if not errors.patterns:
            return Line([(failed, Role.TITLE)])
        line = Line([(f"{self.state.look.glyphs.origin} {failed}", Role.ERROR)])
        origins = numbers.counted(sum(pattern.count for pattern in errors.patterns), "origin")
        line.add(f"  {origins} in {numbers.counted(len(errors.patterns), 'pattern')}", Role.DIM)
        return line.add("  by service" if self._by_service else "", Role.ACCENT)

    def title_line(self, row: int, width: int) -> Line:
        service = self._pattern(row).service
        role = self.page.columns.roles.get(service, Role.DIM)
        return service_name(service, role, width, self.state.look.glyphs, pad=False)

    def empty_message(self) -> tuple[str, str]:
        return "No errors in these traces.", "Press {view.traces} for other traces, {view.hot-spots} for hot spots."

    def name_of(self, row: int) -> str:
        return self._pattern(row).message

    def row_of_name(self, name: str) -> int | None:
        return next((row for row in range(len(self.page.columns.table.patterns)) if self.name_of(row) == name), None)

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
            open_key=names.short("{list.open}"),
            contrast_key=names.short("{errors.apart}"),
        )
        self.page.detail.show(detail, detail.first_example)
        self._find_contrast(self._number(row), self._pattern(row))

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
            self._open(detail, detail.example(self.page.detail.cursor))
        else:
            self._open_line(event.row)

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
            self._open(detail, detail.example(row))

    def _open(self, detail: ErrorDetail, trace: int | None) -> None:
        assert self.page.analysed is not None
        if trace is None:
            trace = detail.pattern.example_traces[0]
        self.post_message(
            self.page.analysed.open_trace(trace, self.page.columns.table.origin_in(detail.pattern, trace))
        )

    def action_group(self) -> None:
        """Group by service, or sort by frequency."""
        self._by_service = not self._by_service
        self.page.show_list(None)

    def action_contrast(self) -> None:
        """Show the contrast of the pattern's traces."""
        if self.page.analysed is None or not self.page.has_rows:
            return
        traces = self.page.analysed.analysis.traces
        selection = _traces_of(self._pattern(self.page.list.cursor), traces)
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
