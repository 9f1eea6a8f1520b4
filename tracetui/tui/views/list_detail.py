"""Base of the analysis views: a list of findings, and the detail of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.timer import Timer
from textual.widget import Widget

from tracetui.analysis.analysis import Analysis
from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.tui.messages import CopyText, LocationChanged, OpenTrace
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import HeadedSource, LineSource, LineView, NoLines
from tracetui.tui.work import Work

_Columns = TypeVar("_Columns")


_LIST_PERCENT = 55
"""Largest share of the height, in percent, of a list with the detail beneath it."""

_AGAIN = "{app.reload} reloads the sources, {view.traces} selects fewer traces. The other views still work."
_UNLOADED = {
    "": ("No traces loaded.", "Start with a file, a directory, a server or - for standard input."),
    "reading": ("Loading.", "This view appears once the sources are read."),
    "failed": ("No traces loaded.", "{app.reload} reloads the sources, {app.quit} quits."),
}
"""Reasons for an empty view by state of the load, with the next step. Keys are named by their actions."""


@dataclass(frozen=True, slots=True)
class AnalysisOfSet(Generic[_Columns]):
    """Analysis results and their set: `traces` are those of the loaded set to which `analysis` applies."""

    analysis: Analysis
    loaded: TraceSet
    traces: np.ndarray
    columns: _Columns

    def open_trace(self, trace: int, span: int) -> OpenTrace:
        """Build a request to open a trace of the findings at one of its spans."""
        loaded = int(self.traces[trace])
        return OpenTrace(loaded, int(self.loaded.first[loaded]) + span - int(self.analysis.traces.first[trace]))

    def found_span(self, span: int) -> int | None:
        """Convert a span of the loaded set to a position in the findings; None if its trace is not shown."""
        trace = int(self.loaded.trace[span])
        at = int(np.searchsorted(self.traces, trace))
        if at == len(self.traces) or self.traces[at] != trace:
            return None
        return int(self.analysis.traces.first[at]) + span - int(self.loaded.first[trace])


class ListDetailView(View, Generic[_Columns]):
    """List of findings, and the detail of the one under the cursor.

    The analysis runs when the view is shown, outside the UI loop.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy the name", show=False, id="findings.copy")]
    DEFAULT_CSS = """
    ListDetailView .body { height: 1fr; }
    ListDetailView .list { height: auto; }
    ListDetailView .detail { height: 1fr; }
    ListDetailView .empty { height: 1fr; }
    ListDetailView.-beside .body { layout: horizontal; }
    ListDetailView.-beside .list { width: 12fr; height: 1fr; }
    ListDetailView.-beside .detail { width: 8fr; padding-left: 2; }
    """
    BESIDE_FROM = 1_000
    """Least width for the detail next to the list rather than beneath it."""
    DETAIL_DELAY = 0.08
    """Seconds until the detail follows the cursor, so that a held key paints no details."""

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        look = state.look
        self.analysed: AnalysisOfSet[_Columns] | None = None
        self.rows: HeadedSource | None = None
        self._stale = True
        self._set = self._row = 0
        self._busy = self._failed = False
        self._selection: tuple[int | None, int | None] = (None, None)
        self._timer: Timer | None = None
        self._in_detail = False
        """True if the detail had the focus last, so that it receives it again on return."""
        self.summary = LineBar(look.theme, self._summary_lines)
        self.heading = LineBar(look.theme, self._heading_lines)
        self.list = self.new_list()
        self.rule = LineBar(look.theme, self._rule_lines)
        self.detail = LineView(look.theme, look.glyphs.cursor)
        self.body = Container(
            Vertical(self.heading, self.list, classes="list"),
            Vertical(self.rule, *self.detail_widgets(), classes="detail"),
            classes="body",
        )
        self.body.display = False
        self.empty = LineBar(look.theme, self._empty_lines)
        self.empty.add_class("empty")

    def compose(self) -> ComposeResult:
        yield self.summary
        yield self.body
        yield self.empty

    def detail_widgets(self) -> Sequence[Widget]:
        """Widgets of the detail, from top to bottom."""
        return (self.detail,)

    def analyse(self, analysis: Analysis) -> _Columns:
        """Compute the content of the list. Runs outside the UI loop."""
        raise NotImplementedError

    def new_list(self) -> LineView:
        return LineView(self.state.look.theme, self.state.look.glyphs.cursor)

    def list_source(self, columns: _Columns) -> HeadedSource:
        raise NotImplementedError

    def detail_source(self, row: int) -> tuple[LineSource, int]:
        """Return the detail of a row and the position of the cursor in it."""
        raise NotImplementedError

    def row_of_span(self, span: int) -> int | None:
        """Return the row of a span of the findings."""
        raise NotImplementedError

    def summary_line(self, columns: _Columns) -> Line:
        raise NotImplementedError

    def title_line(self, row: int, width: int) -> Line:
        """Return the title of the detail."""
        raise NotImplementedError

    def nothing(self) -> tuple[str, str]:
        """Return the reason for an empty list, and the next step."""
        raise NotImplementedError

    def name_of(self, row: int) -> str:
        """Return the name of the row, as in the data."""
        raise NotImplementedError

    def open_row(self, row: int) -> None:
        raise NotImplementedError

    def open_detail(self, row: int) -> None:
        raise NotImplementedError

    def row_of_name(self, name: str) -> int | None:
        """Return the row of a name, such as the one before the set changed; None if there is none."""
        rows = range(len(self.rows or ()))
        return next((row for row in rows if self.name_of(row) == name), None) if name else None

    def set_changed(self) -> None:
        self.analysed = self.rows = None
        self._stale = True
        self._busy = self._failed = self._in_detail = False
        self._set += 1
        self._show()
        self._analyse()

    def work_failed(self, name: str) -> None:
        if name == self.id and self._busy:
            self._busy, self._failed = False, True
            self._show()

    def selection_changed(self) -> None:
        self._analyse()
        self._follow_selection()

    def look_changed(self) -> None:
        if self.is_mounted:
            self.show_list(self.list.cursor)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= self.BESIDE_FROM, "-beside")
        self._arrange()
        self.call_after_refresh(self.heading.show, self._heading_lines)

    def crumbs(self) -> list[str]:
        # the focus is in the detail, where a held key does not change the row
        return [self.name_of(self._row)] if self.has_rows else []

    def go_back(self) -> bool:
        if self.detail.has_focus:
            self.list.focus()
            return True
        return False

    def focus_pane(self) -> None:
        (self.detail if self._in_detail and self.has_rows else self.list).focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._in_detail = event.widget is self.detail

    @property
    def has_rows(self) -> bool:
        return self.rows is not None and len(self.rows) > 0

    def _analyse(self) -> None:
        analysis, session = self.state.analysis, self.state.session
        if not self._stale or not self.display or analysis is None or session is None:
            return
        self._stale, self._busy = False, True
        shown, number = self.state.shown, self._set
        self._show()

        def done(columns: _Columns) -> None:
            if self._set != number:
                return
            self._busy = False
            self.analysed = AnalysisOfSet(analysis, session.loaded, shown, columns)
            self.show_list(None)
            self._selection = (None, None)
            self._follow_selection()
            if self.display and self.app.focused is None:
                self.focus_pane()

        self.work(str(self.id), lambda: self.analyse(analysis), done)

    def _follow_selection(self) -> None:
        selection = (self.state.trace, self.state.span)
        if self.analysed is None or self.state.span is None or selection == self._selection:
            return
        self._selection = selection
        span = self.analysed.found_span(self.state.span)
        row = self.row_of_span(span) if span is not None else None
        if row is not None:
            self.list.cursor = row

    def show_list(self, cursor: int | None) -> None:
        """Rebuild the rows. Without `cursor` the cursor stays on its item, by name, if that still exists."""
        self.rows = self.list_source(self.analysed.columns) if self.analysed else None
        if cursor is None:
            cursor = (self.row_of_name(self.state.rows.get(str(self.id), "")) if self.has_rows else None) or 0
        self.list.show(self.rows or NoLines(), cursor)
        self._show()

    def _show(self) -> None:
        if not self.is_mounted:
            return
        self.body.display = self.has_rows
        self.empty.display = not self.has_rows
        if self.has_rows:
            self._arrange()
            self.show_detail()
        self.summary.show(self._summary_lines)
        self.call_after_refresh(self.heading.show, self._heading_lines)
        self.empty.show(self._empty_lines)

    def _arrange(self) -> None:
        if self.has_class("-beside"):
            self.list.styles.height = "1fr"
        else:
            room = max(self.size.height - 3, 2)
            self.list.styles.height = max(min(len(self.list.source), room * _LIST_PERCENT // 100), 1)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        if event.view is not self.list:
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(self.DETAIL_DELAY, self.show_detail)

    def show_detail(self) -> None:
        """Show the detail of the row under the cursor."""
        if self.has_rows:
            self._row = self.list.cursor
            self.remember_row()
            self.detail.show(*self.detail_source(self._row))
            self.rule.show(self._rule_lines)
            self.post_message(LocationChanged())

    def remember_row(self) -> None:
        """Remember the item under the cursor, to return to it later."""
        self.state.set_row(str(self.id), self.name_of(self._row))

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        if not self.has_rows:
            return
        if event.view is self.list:
            self.open_row(event.row)
        elif event.view is self.detail:
            self.open_detail(event.row)

    def action_copy(self) -> None:
        if self.has_rows:
            self.post_message(CopyText(self.name_of(self.list.cursor), "the name", one_line=True))

    def _summary_lines(self, width: int) -> list[Line]:
        glyphs = self.state.look.glyphs
        if self._busy and self.state.analysis is not None:
            spans = numbers.counted(len(self.state.analysis.traces), "span")
            line = Line([(f"  analysing {spans}{glyphs.ellipsis}", Role.ACCENT)])
        elif self.analysed is not None and len(self.state.shown):
            line = Line([("  ", Role.PLAIN)]).extend(self.summary_line(self.analysed.columns))
        else:
            line = Line()
        return [line.cropped(width, glyphs.ellipsis)]

    def _heading_lines(self, width: int) -> list[Line]:
        # as wide as the lines of the list, to align headings with columns
        width = min(self.list.line_width, width)
        return [Line([("  ", Role.PLAIN)]).extend(self.rows.heading(width))] if self.rows else []

    def _rule_lines(self, width: int) -> list[Line]:
        if not self.has_rows:
            return []
        dash = "-" if self.state.look.glyphs.ascii_only else "─"
        beneath = not self.has_class("-beside")
        line = Line([(dash * 2 + " " if beneath else "  ", Role.GUIDE)])
        line.extend(self.title_line(self.list.cursor, max(width - 6, 1))).add(" ")
        return [line.add(dash * max(width - line.width, 0) if beneath else "", Role.GUIDE).cropped(width)]

    def _empty_lines(self, width: int) -> list[Line]:
        if self._busy or self.has_rows:
            return []
        if self.state.session is None:
            why, then = _UNLOADED[self.state.load_state]
            texts = why, self.key_names.short(then)
        elif self._failed:
            texts = (
                "The analysis failed because of a bug in tracetui; the last line shows it.",
                self.key_names.short(_AGAIN),
            )
        elif not len(self.state.shown):
            texts = (
                "No trace matches the filter.",
                self.key_names.short("Press {view.traces} to change or clear the filter."),
            )
        elif self.analysed is None:
            return []
        else:
            texts = self.nothing()
        ellipsis = self.state.look.glyphs.ellipsis
        roles = (Role.TITLE, Role.DIM)
        lines = [Line([("  " + text, role)]).cropped(width, ellipsis) for text, role in zip(texts, roles, strict=True)]
        return [Line(), *lines]
