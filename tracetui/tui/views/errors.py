"""Errors view: error patterns, and the detail of one."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from textual.binding import Binding, BindingType

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.contrast import Contrast, contrast
from tracetui.analysis.error_table import ErrorTable
from tracetui.analysis.errors import ErrorPattern
from tracetui.model.traces import TraceSet
from tracetui.render.errors.detail import ErrorDetail
from tracetui.render.errors.table import ErrorList, ErrorListColumns
from tracetui.render.text import numbers
from tracetui.render.text.columns import service_name
from tracetui.render.text.line import Line, Role
from tracetui.tui.messages import ListTraces, ReadText
from tracetui.tui.state import State
from tracetui.tui.views.contrast import open_contrast
from tracetui.tui.views.list_detail import ListDetailView
from tracetui.tui.widgets.line_view import HeadedSource, LineSource
from tracetui.tui.work import Work


class ErrorsView(ListDetailView[ErrorListColumns]):
    TITLE = "Errors"
    HINTS = (("{list.open}", "open"), ("{errors.next}", "next example"), ("{errors.previous}", "previous"))
    KEYS = (
        ("{list.open}", "open the selected example at the span where the error began; the worst one comes first"),
        ("{errors.next errors.previous}", "next, previous example"),
        ("{errors.group}", "group by service, most errors first; or by frequency"),
        ("propagated", "services to which its errors propagated; entries: entry points of its traces"),
        (
            "outcome",
            "failed the request; handled: by an ancestor or a retry; background: after a message, or after the "
            "end of its caller; unknown: its caller is missing",
        ),
        (
            "contrast",
            "over-represented in its traces; {errors.apart} shows all, {list.open} filters by one",
        ),
        ("Tab", "focus the detail; {list.open} opens the example or shows the whole line"),
        ("{findings.copy}", "copy the pattern"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "group", "By service or by frequency", show=False, id="errors.group"),
        Binding("c", "contrast", "Contrast its traces", show=False, id="errors.apart"),
        Binding("n", "example(1)", "Next example", show=False, id="errors.next"),
        Binding("p", "example(-1)", "Previous example", show=False, id="errors.previous"),
    ]

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        self._contrasts: dict[int, Contrast] = {}
        self._by_service = False
        super().__init__(state, work, id=id)

    def analyse(self, analysis: Analysis) -> ErrorListColumns:
        return ErrorListColumns(ErrorTable(analysis))

    def list_source(self, columns: ErrorListColumns) -> HeadedSource:
        return ErrorList(columns, self.state.look.glyphs, self._by_service)

    def detail_source(self, row: int) -> tuple[LineSource, int]:
        assert self.analysed is not None
        look, names = self.state.look, self.key_names
        detail = ErrorDetail(
            self.analysed.columns,
            self._pattern(row),
            look.glyphs,
            look.local_time,
            self._contrasts.get(self._number(row)),
            open_key=names.short("{list.open}"),
            contrast_key=names.short("{errors.apart}"),
        )
        return detail, detail.first_example

    def show_detail(self) -> None:
        super().show_detail()
        self._show_contrast()

    def set_changed(self) -> None:
        self._contrasts = {}
        super().set_changed()

    def _show_contrast(self) -> None:
        """Compute the contrast of the pattern's traces, outside the UI loop."""
        analysed = self.analysed
        if analysed is None or not self.has_rows or self._number(self.list.cursor) in self._contrasts:
            return
        number, pattern = self._number(self.list.cursor), self._pattern(self.list.cursor)
        traces = analysed.analysis.traces

        def look() -> Contrast:
            return contrast(traces, _traces_of(pattern, traces))

        def done(found: Contrast) -> None:
            if self.analysed is not analysed:
                return
            self._contrasts[number] = found
            detail = self.detail.source
            if isinstance(detail, ErrorDetail) and detail.pattern is pattern:
                detail.show_contrast(found)
                self.detail.refresh_row(detail.contrast_row)

        self.work("errors.contrast", look, done)

    def _pattern(self, row: int) -> ErrorPattern:
        assert self.analysed is not None
        return self.analysed.columns.table.patterns[self._number(row)]

    def _number(self, row: int) -> int:
        """Return the position in the table of a row's pattern."""
        return self.rows.pattern(row) if isinstance(self.rows, ErrorList) else row

    def row_of_span(self, span: int) -> int | None:
        number = self.analysed.columns.table.pattern_of(span) if self.analysed else None
        return self.rows.row_of(number) if number is not None and isinstance(self.rows, ErrorList) else None

    def action_group(self) -> None:
        """Group by service, or sort by frequency."""
        self._by_service = not self._by_service
        self.show_list(None)
        self.summary.show(self._summary_lines)

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
        assert self.analysed is not None
        service = self._pattern(row).service
        role = self.analysed.columns.roles.get(service, Role.DIM)
        return service_name(service, role, width, self.state.look.glyphs, pad=False)

    def nothing(self) -> tuple[str, str]:
        return (
            "No errors in these traces.",
            self.key_names.short("Press {view.traces} for other traces, {view.hot-spots} for hot spots."),
        )

    def name_of(self, row: int) -> str:
        return self._pattern(row).message

    def open_row(self, row: int) -> None:
        detail = self._shown_detail(row)
        self._open(detail, detail.example(self.detail.cursor))

    def open_detail(self, row: int) -> None:
        detail = self.detail.source
        assert isinstance(detail, ErrorDetail)
        if row == 0:
            self.post_message(ReadText("Error", detail.pattern.message))
        elif row == detail.stack_row:
            self.post_message(ReadText("Stack", detail.stack))
        elif row == detail.contrast_row and self._number(self.list.cursor) in self._contrasts:
            self.action_contrast()
        elif row < len(detail.head):
            self.post_message(ReadText("Error", detail.head[row].text.strip()))
        elif detail.example(row) is not None:
            self._open(detail, detail.example(row))

    def _shown_detail(self, row: int) -> ErrorDetail:
        """Show the detail of this row now, and keep its selected example."""
        detail = self.detail.source
        if not isinstance(detail, ErrorDetail) or detail.pattern is not self._pattern(row):
            self.show_detail()
        assert isinstance(self.detail.source, ErrorDetail)
        return self.detail.source

    def _open(self, detail: ErrorDetail, trace: int | None) -> None:
        assert self.analysed is not None
        if trace is None:
            trace = detail.pattern.example_traces[0]
        self.post_message(self.analysed.open_trace(trace, self.analysed.columns.table.origin_in(detail.pattern, trace)))

    def action_contrast(self) -> None:
        """Show the contrast of the pattern's traces."""
        if self.analysed is None or not self.has_rows:
            return
        traces = self.analysed.analysis.traces
        selection = _traces_of(self._pattern(self.list.cursor), traces)
        open_contrast(self, traces, selection, "with this error", lambda query: self.post_message(ListTraces(query)))

    def action_example(self, step: int) -> None:
        if self.has_rows:
            detail = self._shown_detail(self.list.cursor)
            self.detail.cursor = max(self.detail.cursor + step, detail.first_example)


def _traces_of(pattern: ErrorPattern, traces: TraceSet) -> np.ndarray:
    """Find the traces in which an error of the pattern began: bool[traces]."""
    found = np.zeros(traces.trace_count, bool)
    found[traces.trace[pattern.spans]] = True
    return found
