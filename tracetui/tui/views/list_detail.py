"""Body of the analysis views: a list of findings, and the detail of the one under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from tracetui.render.text import numbers
from tracetui.render.text.headings import column_at
from tracetui.render.text.line import Line, Role
from tracetui.tui.background_work import Work
from tracetui.tui.keys.everywhere import FINDINGS
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.messages import CopyText, LocationChanged
from tracetui.tui.state import State
from tracetui.tui.views.base import EVERY_COLUMN
from tracetui.tui.views.list_content import AFTER_FAILURE, NOT_LOADED, AnalysisOfSet, Columns, Findings
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import HeadedSource, LineView, NoLines

_INDENT = 2
"""Cells before the columns, for the cursor of the list."""
_LIST_PERCENT = 55
"""Largest share of the height, in percent, of a list with the detail beneath it."""


class ListDetail(Vertical, Generic[Columns]):
    """List of findings, and the detail of the one under the cursor.

    The analysis runs when the list is shown, outside the UI loop.
    """

    BINDINGS: ClassVar[list[BindingType]] = FINDINGS.bindings
    DEFAULT_CSS = """
    ListDetail .body { height: 1fr; }
    ListDetail .list { height: auto; }
    ListDetail .detail { height: 1fr; }
    ListDetail .empty { height: 1fr; }
    ListDetail .sides { height: 1fr; }
    ListDetail .sides LineView { width: 1fr; }
    ListDetail .sides .right { margin-left: 1; }
    ListDetail.-beside .body { layout: horizontal; }
    ListDetail.-beside .list { width: 12fr; height: 1fr; }
    ListDetail.-beside .detail { width: 8fr; padding-left: 2; }
    ListDetail.-alone .list { width: 1fr; height: 1fr; }
    ListDetail.-alone .detail { display: none; }
    """

    @dataclass
    class HeadingChosen(Message):
        """The heading of a column was clicked."""

        column: str

    DETAIL_DELAY = 0.08
    """Seconds until the detail follows the cursor, so that a held key paints no details."""

    def __init__(
        self,
        state: State,
        work: Work,
        view: str,
        findings: Findings[Columns],
        *,
        rows: LineView | None = None,
        right: LineView | None = None,
        above: Widget | None = None,
        drawing: Widget | None = None,
        beside_from: int | None = None,
        is_ranking: bool = False,
    ) -> None:
        """Make the view with the id `view`.

        rows: widget of the list; right: second column of the detail; above: widget below the summary; drawing: widget
        below the title of the detail; beside_from: least width for the detail next to the list rather than beneath it,
        None for never; is_ranking: the first row is the answer, so the list opens on it, whatever span is selected.
        """
        super().__init__()
        look = state.look
        self._state, self._work, self._view, self._findings = state, work, view, findings
        self._above, self._beside_from, self._is_ranking = above, beside_from, is_ranking
        self.analysed: AnalysisOfSet[Columns] | None = None
        self.rows: HeadedSource | None = None
        self.row = 0
        """Row that the detail shows."""
        self.open_copy_menu: Callable[[], None] | None = None
        """Opens the copy menu of a view that has one."""
        self._most_rows: int | None = None
        """Most rows of a list with the detail beneath it; None for a share of the height."""
        self._stale = True
        self._set = 0
        self._busy = self._failed = False
        self._selection: tuple[int | None, int | None] = (None, None)
        self._awaited = ""
        """Name of the row to move to once there are rows, '' for none."""
        self._timer: Timer | None = None
        self._summary = LineBar(look.theme, self._summary_lines)
        self._heading = LineBar(look.theme, self._heading_lines, id=f"{view}-heading")
        self.list = rows or LineView(look.theme, look.glyphs.cursor)
        self._rule = LineBar(look.theme, self._rule_lines)
        self.detail = LineView(look.theme, look.glyphs.cursor)
        self._right, self._drawing = right, drawing
        self._focused: Widget = self.list
        """Widget that had the focus last, so that it receives it again on return."""
        self._body = Container(
            Vertical(self._heading, self.list, classes="list"),
            Vertical(
                self._rule,
                *([drawing] if drawing is not None else []),
                Horizontal(self.detail, right, classes="sides") if right else self.detail,
                classes="detail",
            ),
            classes="body",
        )
        if right is not None:
            right.add_class("right")
        self._body.display = False
        self._empty = LineBar(look.theme, self._empty_lines)
        self._empty.add_class("empty")

    def compose(self) -> ComposeResult:
        yield self._summary
        if self._above is not None:
            yield self._above
        yield self._body
        yield self._empty

    def on_mount(self) -> None:
        # the scroll bar may come after the heading was built, and narrows the rows
        self.watch(self.list, "show_vertical_scrollbar", self.show_heading, init=False)

    @property
    def has_rows(self) -> bool:
        return self.rows is not None and len(self.rows) > 0

    @property
    def is_opening(self) -> bool:
        """True while the first rows are computed."""
        return self._busy and self.analysed is None

    @property
    def columns(self) -> Columns:
        """Content of the list, which must be there."""
        assert self.analysed is not None
        return self.analysed.columns

    @property
    def focused_detail(self) -> LineView | None:
        """Column of the detail that has the focus."""
        focused = self.screen.focused if self.is_attached else None
        return next((view for view in (self.detail, self._right) if view is not None and view is focused), None)

    # --- notifications -----------------------------------------------------------------------------------------------

    def set_changed(self) -> None:
        self.analysed = self.rows = None
        self._stale = True
        self._busy = self._failed = False
        self._focused = self.list
        self._set += 1
        self._show()
        self._analyse()

    def work_failed(self, name: str) -> None:
        if name == self._view and self._busy:
            self._busy, self._failed = False, True
            self._show()

    def selection_changed(self) -> None:
        self._analyse()
        self._follow_selection()

    def look_changed(self) -> None:
        if self.is_mounted:
            self.show_list(self.list.cursor)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(self._beside_from is not None and event.size.width >= self._beside_from, "-beside")
        self._arrange()
        self.show_heading()

    @property
    def figures(self) -> tuple[str, str, str]:
        if self.rows is None or not self.has_rows:
            return "", "", ""
        row = self.list.cursor
        heading, line = self.rows.heading(EVERY_COLUMN), self.rows.line(row, EVERY_COLUMN)
        return heading.text, line.text, self._findings.name_of(row)

    def crumbs(self) -> list[str]:
        # that of the detail, which a held key does not change
        return [self._findings.name_of(self.row)] if self.has_rows else []

    def go_back(self) -> bool:
        if self.focused_detail is None:
            return False
        # at once, as several steps may be undone in a row
        self.screen.set_focus(self.list)
        return True

    def take_focus(self) -> None:
        (self._focused if self._focused.display and self.has_rows else self.list).focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, LineView) or event.widget is self._drawing:
            self._focused = event.widget
        self.show_title()

    # --- the analysis ------------------------------------------------------------------------------------------------

    @property
    def _is_shown(self) -> bool:
        """False while another view is shown."""
        return all(node.display for node in self.ancestors_with_self if isinstance(node, Widget))

    def _analyse(self) -> None:
        analysis, session = self._state.analysis, self._state.session
        if not self._stale or not self._is_shown or analysis is None or session is None:
            return
        self._stale, self._busy = False, True
        shown, number = self._state.shown, self._set
        self._show()

        def done(columns: Columns) -> None:
            if self._set != number:
                return
            self._busy = False
            self.analysed = AnalysisOfSet(analysis, session.loaded, shown, columns)
            self.show_list(None)
            # a ranking begins with its top, and follows what is selected from now on
            is_chosen = bool(self._awaited) or self._is_ranking
            self._selection = (self._state.trace, self._state.span) if is_chosen else (None, None)
            self.select(self._awaited)
            self._follow_selection()
            if self._is_shown and self.app.focused is None:
                self.take_focus()

        self._work(self._view, lambda: self._findings.analyse(analysis), done)

    def _follow_selection(self) -> None:
        selection = (self._state.trace, self._state.span)
        if self.analysed is None or self._state.span is None or selection == self._selection:
            return
        self._selection = selection
        span = self.analysed.found_span(self._state.span)
        row = self._findings.row_of_span(span) if span is not None else None
        if row is not None:
            self.list.cursor = row

    # --- showing -----------------------------------------------------------------------------------------------------

    def show_list(self, cursor: int | None) -> None:
        """Rebuild the rows. Without `cursor` the cursor stays on its item, by name, if that still exists."""
        self.rows = self._findings.list_source(self.analysed.columns) if self.analysed else None
        if cursor is None:
            name = self._state.rows.get(self._view, "")
            cursor = (self._findings.row_of_name(name) if self.has_rows and name else None) or 0
        self.list.show(self.rows or NoLines(), cursor)
        self._show()

    def _show(self) -> None:
        if not self.is_mounted:
            return
        self._body.display = self.has_rows
        self._empty.display = not self.has_rows
        if self.has_rows:
            self._arrange()
            self.show_detail()
        self.show_summary()
        self.show_heading()
        self._empty.show(self._empty_lines)

    def select(self, name: str) -> None:
        """Move to the row with this name, once there are rows."""
        self._awaited = name if self.is_opening or self._stale else ""
        row = self._findings.row_of_name(name) if self.has_rows and name else None
        if row is not None:
            self.list.cursor = row

    def show_summary(self) -> None:
        self._summary.show(self._summary_lines)

    def show_heading(self) -> None:
        """Show the heading once the list has its width."""
        self.call_after_refresh(self._heading.show, self._heading_lines)

    def show_title(self) -> None:
        """Show the title of the detail."""
        self._rule.show(self._rule_lines)

    def show_detail(self) -> None:
        """Show the detail of the row under the cursor."""
        if self.has_rows:
            self.row = self.list.cursor
            # to return to it later
            self._state.set_row(self._view, self._findings.name_of(self.row))
            self._findings.show_detail(self.row)
            self.show_title()
            self.post_message(LocationChanged())

    def _arrange(self) -> None:
        if self.has_class("-beside") or self.is_alone:
            self.list.styles.height = "1fr"
            return
        rows = max(self.size.height - 3, 2) * _LIST_PERCENT // 100
        if self._most_rows is not None:
            rows = min(rows, self._most_rows)
        self.list.styles.height = max(min(len(self.list.source), rows), 1)

    @property
    def is_alone(self) -> bool:
        """True if the list is shown without the detail."""
        return self.has_class("-alone")

    def limit_rows(self, most: int) -> None:
        """Give the list at most this number of rows."""
        self._most_rows = most
        # the list may have been arranged before, as the sizes of parent and child change in no fixed order
        if self.has_rows:
            self._arrange()

    def set_alone(self, is_alone: bool) -> None:
        """Show the list without the detail, or with it."""
        if is_alone != self.is_alone:
            self.set_class(is_alone, "-alone")
            self._arrange()
            self.show_heading()
            self.list.focus()

    def on_click(self, event: events.Click) -> None:
        if event.widget is self._heading and self.rows is not None:
            heading = self.rows.heading(self.list.line_width).text
            if column := column_at(heading, event.x - _INDENT):
                self.post_message(self.HeadingChosen(column))

    def on_line_view_resized(self, event: LineView.Resized) -> None:
        # it may get its width after the heading was made
        if event.view is self.list:
            self.show_heading()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        if event.view is not self.list:
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(self.DETAIL_DELAY, self.show_detail)

    def action_copy(self) -> None:
        if self.has_rows and self.open_copy_menu is not None:
            self.open_copy_menu()
        elif self.has_rows:
            self.post_message(CopyText(self._findings.name_of(self.list.cursor), "the name", one_line=True))

    # --- lines -------------------------------------------------------------------------------------------------------

    def _summary_lines(self, width: int) -> list[Line]:
        glyphs = self._state.look.glyphs
        if self._busy and self._state.analysis is not None:
            spans = numbers.counted(len(self._state.analysis.traces), "span")
            line = Line([(f"  analysing {spans}{glyphs.ellipsis}", Role.ACCENT)])
        elif self.analysed is not None and len(self._state.shown):
            line = Line([("  ", Role.PLAIN)]).extend(self._findings.summary_line(self.analysed.columns))
        else:
            line = Line()
        return [line.cropped(width, glyphs.ellipsis)]

    def _heading_lines(self, width: int) -> list[Line]:
        # as wide as the lines of the list, to align headings with columns
        width = min(self.list.line_width, width)
        return [Line([(" " * _INDENT, Role.PLAIN)]).extend(self.rows.heading(width))] if self.rows else []

    def _rule_lines(self, width: int) -> list[Line]:
        if not self.has_rows:
            return []
        dash = self._state.look.glyphs.rest
        beneath = not self.has_class("-beside")
        is_in_drawing = self._drawing is not None and self._drawing.has_focus
        role = Role.ACCENT if is_in_drawing or self.focused_detail is not None else Role.GUIDE
        line = Line([(dash * 2 + " " if beneath else "  ", role)])
        line.extend(self._findings.title_line(self.list.cursor, max(width - 6, 1))).add(" ")
        return [line.add(dash * max(width - line.width, 0) if beneath else "", role).cropped(width)]

    def _empty_lines(self, width: int) -> list[Line]:
        if self._busy or self.has_rows:
            return []
        if self._state.session is None:
            texts = NOT_LOADED[self._state.load_state]
        elif self._failed:
            texts = "The analysis failed because of a bug in tracetui; the last line shows it.", AFTER_FAILURE
        elif not len(self._state.shown):
            texts = "No trace matches the filter.", "Press {view.traces} to change or clear the filter."
        elif self.analysed is None:
            return []
        else:
            texts = self._findings.empty_message()
        reason, step = texts
        lines = Line([(f"  {reason}", Role.TITLE)]), Line([(f"  {KeyNames(self.screen).short(step)}", Role.DIM)])
        return [Line(), *(line.cropped(width, self._state.look.glyphs.ellipsis) for line in lines)]
