"""Waterfall view: one trace over time, and the detail of the span under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from tracetui.render.text.line import Line, Role
from tracetui.tui.background_work import Work
from tracetui.tui.keys.waterfall import DETAIL, FIND, WATERFALL
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.views.compared_traces import show_normal
from tracetui.tui.views.waterfall.body_layout import BodyLayout
from tracetui.tui.views.waterfall.header import Header
from tracetui.tui.views.waterfall.jump_keys import JumpKeys
from tracetui.tui.views.waterfall.jumps import Jump
from tracetui.tui.views.waterfall.prepare import PreparedTrace
from tracetui.tui.views.waterfall.row_keys import RowKeys
from tracetui.tui.views.waterfall.rows import FindLine, RowsPane, TextRows
from tracetui.tui.views.waterfall.search import SpanSearch
from tracetui.tui.views.waterfall.selected_trace import SelectedTrace
from tracetui.tui.views.waterfall.span_filter import SpanFilterMenu
from tracetui.tui.views.waterfall.view_state import ViewState
from tracetui.tui.views.waterfall.view_states import ViewStates
from tracetui.tui.views.what_if import open_span_what_if
from tracetui.tui.widgets.copy_menu import open_copy_menu
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.span_detail import SpanDetail

_WIDE = 130
"""Smallest width for the detail next to the rows."""


class WaterfallView(View):
    """Shows the selected trace, and handles its keys."""

    KEYS = (WATERFALL, DETAIL)
    BINDINGS: ClassVar[list[BindingType]] = WATERFALL.bindings
    DEFAULT_CSS = """
    WaterfallView #waterfall-header { height: 2; }
    WaterfallView #waterfall-body { layout: vertical; height: 1fr; }
    WaterfallView #waterfall-left { width: 1fr; height: 1fr; }
    WaterfallView #waterfall-detail { width: 1fr; height: 1fr; min-height: 4; }
    WaterfallView.-wide #waterfall-body { layout: horizontal; }
    WaterfallView.-wide #waterfall-left { width: 2fr; }
    WaterfallView.-wide #waterfall-detail { border-left: solid $foreground 25%; }
    WaterfallView.-wide #detail-rule { dock: bottom; }
    WaterfallView.-ascii.-wide #waterfall-detail { border-left: ascii $foreground 25%; }
    WaterfallView.-empty #waterfall-header, WaterfallView.-empty #waterfall-map,
    WaterfallView.-empty #waterfall-scale, WaterfallView.-empty #waterfall-detail { display: none; }
    """

    def __init__(self, state: State, work: Work, *, id: str = "waterfall") -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        look = state.look
        self._states = ViewStates()
        self.header = Header(state, work)
        self.search = SpanSearch(self, look.theme)
        self._pane = RowsPane(look, self.search.line)
        self.rows = self._pane.rows
        self.detail = SpanDetail(state, work, id="waterfall-detail")
        self.detail.rows_above = self.rows
        self._selected = SelectedTrace(self, self._states, state, work)
        self._jump_keys = JumpKeys(self)
        self._row_keys = RowKeys(self)
        self._body = BodyLayout(self, self._pane)

    def compose(self) -> ComposeResult:
        yield self.header
        with Container(id="waterfall-body"):
            yield self._pane
            yield self.detail

    def on_mount(self) -> None:
        self.set_class(True, "-empty")
        self.set_class(self.state.look.glyphs.ascii_only, "-ascii")
        self.selection_changed()

    @property
    def shown(self) -> ViewState | None:
        """View state of the trace or subtree on the screen; None for none."""
        return self._states.shown

    @property
    def visible_rows(self) -> int:
        """Number of rows of a large trace that are visible at once."""
        # until the view is laid out, its parent has the size that it gets
        size = self.size or (self.parent.size if isinstance(self.parent, Widget) else self.app.size)
        return self._body.least_rows(size.height, is_below=size.width < _WIDE)

    @property
    def hints(self) -> Sequence[tuple[str, str]]:
        """Hints for the keys that matter at the current focus."""
        shown = self.shown
        if self.search.line.has_focus:
            return FIND.hints("find.submit", "app.back")
        if self.detail.has_focus_within:
            return self.detail.hints
        if shown is None:
            return ()
        back = [("{app.back}", "whole trace")] if shown.opened.root is not None and not shown.is_zoomed else []
        shows = [("{waterfall.filter} {spans.show-all}", "show all spans")] if shown.has_hidden else []
        return (
            back
            + shows
            + WATERFALL.hints(
                *(["waterfall.next-error"] if shown.has_errors else []),
                *(["waterfall.next-critical"] if len(shown.opened.path[0]) else []),
                "waterfall.find" if shown.found is None else "waterfall.next-match",
                "waterfall.zoom-out" if shown.is_zoomed else "waterfall.zoom",
                "waterfall.to-detail",
            )
        )

    # --- notifications -----------------------------------------------------------------------------------------------

    def set_changed(self) -> None:
        # jobs for the previous set are dropped
        self._selected.cancel()
        if self.display:
            self._selected.follow()
        self.search.set_changed()

    def selection_changed(self) -> None:
        self._selected.follow()

    @property
    def is_opening(self) -> bool:
        return self._selected.is_opening

    def work_failed(self, name: str) -> None:
        self._selected.work_failed(name)

    def look_changed(self) -> None:
        look = self.state.look
        self.set_class(look.glyphs.ascii_only, "-ascii")
        self.search.line.set_look(look.theme)
        self.detail.look_changed()
        for shown in self._states:
            for view in shown.views():
                view.set_glyphs(look.glyphs)
        if self.shown is not None:
            self.header.remake()
            self.repaint()

    def crumbs(self) -> list[str]:
        return [] if self.shown is None else self.shown.crumbs(self.rows.cursor)

    def go_back(self) -> bool:
        if self._close_opened():
            return True
        if self._states.is_subtree:
            self._leave_root()
            return True
        return False

    def go_back_to(self, crumb: int) -> None:
        # the others name the span under the cursor
        if crumb < 2:
            while self.go_back():
                pass
        elif crumb == 2 and self.trace.opened.root is not None:
            while self._close_opened():
                pass

    def _close_opened(self) -> bool:
        """Undo one step in the trace or subtree that is shown. -> whether there was one"""
        shown = self.shown
        if self._selected.is_opening_subtree:
            self._selected.cancel()
        elif self.search.is_open:
            self.search.close()
        elif self.detail.has_focus_within:
            # at once, as several steps may be undone in a row
            self.screen.set_focus(self.rows)
        elif shown is not None and shown.is_zoomed:
            shown.zoom_out(all_the_way=True)
            self.repaint()
        else:
            return False
        return True

    def take_focus(self) -> None:
        self.rows.focus()

    # --- layout ------------------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= _WIDE, "-wide")
        self.detail.is_beside = event.size.width >= _WIDE
        self._resized()

    def _resized(self) -> None:
        shown = self.shown
        if shown is not None:
            self.header.show_trace(shown.opened)
            self.fit_rows()
            self.call_after_refresh(lambda: self._pane.show_scale(shown) if shown is self.shown else None)

    def on_header_changed(self) -> None:
        self.fit_rows()

    def fit_rows(self) -> None:
        """Share the height between the rows and the detail below them."""
        self._body.fit(self.size.height)

    def on_descendant_focus(self) -> None:
        self._body.focus_moved(self.size.height)
        # the key hints change
        self.post_message(LineView.Moved(self.rows, self.rows.cursor))

    # --- showing -----------------------------------------------------------------------------------------------------

    def _look(self, span: int | None, *, at_top: bool = False) -> None:
        """Show the view state, with the cursor on a span."""
        shown = self.trace
        self._look_at(shown, shown.reveal(span) if span is not None and shown.has(span) else 0, at_top=at_top)

    def _look_at(self, shown: ViewState, row: int, *, at_top: bool) -> None:
        self._row_keys.keep_name_width(shown)
        self._pane.put(shown, row, at_top)
        self._resized()

    def leave_trace(self) -> None:
        """Leave what is shown: no trace is until the next one is ready."""
        self.search.leave()
        self._states.show(None)

    def show_trace(self) -> None:
        """Show the opened trace at the selected span, or else at the initial one."""
        self.set_class(False, "-empty")
        shown, span = self.trace, self.state.span
        initial = shown.opened.initial_spans
        if span is not None or initial.cursor is None:
            self._look(span, at_top=True)
            return
        self._look_at(shown, shown.row_of(initial.cursor), at_top=True)
        if initial.first_error is not None:
            row = shown.row_of(initial.first_error)
            self.call_after_refresh(lambda: self.rows.bring_into_view(row) if self.shown is shown else None)

    def show_instead(self, *texts: str) -> None:
        """Show a message instead of a trace; `texts` name keys by their actions."""
        names = self.key_names
        self.set_class(True, "-empty")
        self.rows.put(TextRows([Line(), *(Line([(names.short(text), Role.DIM)]) for text in texts)]), 0, at_top=True)
        self.detail.show_span(None)

    def repaint(self, row: int | None = None) -> None:
        """Repaint changed rows, with the cursor on one."""
        self.rows.rows_changed(row)
        self.fit_rows()
        # the minimap is repainted when the message about the cursor arrives
        if self.shown is not None:
            self._pane.show_axis(self.shown)
            self.search.show_count()

    def apply(self) -> None:
        """Hide and dim spans according to the view state, keeping the cursor."""
        shown = self.shown
        if shown is not None:
            span = shown.span_at(self.rows.cursor)
            shown.apply()
            self.repaint(None if span is None else shown.row_of(span))

    def on_line_view_moved(self, message: LineView.Moved) -> None:
        if self.shown is None or message.view is not self.rows:
            return
        self.state.select_span(self.shown.span_at(self.rows.cursor))
        self.detail.show_span(self.state.span)
        self.detail.rule_changed()
        self._pane.show_map(self.shown)

    def on_waterfall_rows_scrolled(self) -> None:
        self.detail.rule_changed()

    def on_line_view_resized(self, message: LineView.Resized) -> None:
        if message.view is self.rows:
            self.detail.rule_changed()

    def go_to(self, span: int) -> None:
        """Move the cursor to a span, unfolding if it is hidden."""
        if self._states.leave_until(span):
            self.header.show_trace(self.trace.opened)
        shown = self.shown
        if shown is not None and shown.has(span):
            before = len(shown)
            row = shown.reveal(span)
            if self.rows.source is shown and len(shown) == before:
                self.rows.cursor = row
            else:
                self._pane.put(shown, row)
                self.fit_rows()

    def jump(self, target: Jump, what: str) -> None:
        """Go to the target of a jump, and describe it."""
        self._jump_keys.jump(target, what)

    # --- keys --------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Without a trace there are no actions."""
        return self.shown is not None

    @property
    def trace(self) -> ViewState:
        """The view state in an action."""
        assert self.shown is not None
        return self.shown

    @property
    def _span(self) -> int | None:
        """Span under the cursor in an action."""
        return self.trace.span_at(self.rows.cursor)

    def action_shape(self, how: str) -> None:
        self._row_keys.shape(how)

    def action_sibling(self, step: int) -> None:
        row = self.trace.sibling(self.rows.cursor, step)
        if row is not None:
            self.rows.cursor = row

    def action_parent(self) -> None:
        self.rows.cursor = self.trace.parent(self.rows.cursor)

    def action_error(self, step: int) -> None:
        self._jump_keys.error(step)

    def action_path(self, step: int) -> None:
        self._jump_keys.path(step)

    def action_longest(self) -> None:
        self._jump_keys.longest()

    def action_find(self) -> None:
        self.search.open()

    def action_match(self, step: int) -> None:
        self.search.step(step)

    def action_only_found(self) -> None:
        self.search.toggle_only_found()

    def on_line_input_changed(self, message: LineInput.Changed) -> None:
        if message.input is self.search.line:
            message.stop()
            self.search.type(message.text)

    def on_find_line_submitted(self, message: FindLine.Submitted) -> None:
        message.stop()
        self.search.submit()

    def action_zoom(self) -> None:
        self._row_keys.change_time(ViewState.zoom_to)

    def action_zoom_out(self) -> None:
        self._row_keys.change_time(lambda shown, _: shown.zoom_out(), zoomed=True)

    def action_zoom_by(self, factor: float) -> None:
        self._row_keys.change_time(lambda shown, row: shown.zoom_by(row, factor))

    def action_pan(self, share: float) -> None:
        self._row_keys.change_time(lambda shown, _: shown.pan(share), zoomed=True)

    def action_root(self) -> None:
        """Show only the subtree of the span; in a subtree, go back."""
        shown, span = self.trace, self._span
        if span is None or self.is_opening:
            return
        if span == shown.opened.root:
            self._leave_root()
        elif len(shown.base.tree) > 1 or shown.base.stop - shown.base.first > 1:
            self._selected.open_subtree(shown, span)

    def show_subtree(self, outer: ViewState, span: int, opened: PreparedTrace) -> None:
        """Show the subtree of a span of what was shown when it was opened."""
        if self.shown is not outer:
            return
        self.search.leave()
        outer.apply()
        shown = ViewState(opened)
        shown.hide_as(outer)
        shown.apply()
        if not len(shown):
            shown.show_all()
            shown.apply()
        self._states.enter(shown)
        self._look(span, at_top=True)

    def _leave_root(self) -> None:
        """Return from a subtree to its parent view."""
        span = self._span
        self.search.leave()
        self._states.leave()
        self._look(span)

    def action_filter(self) -> None:
        """Let the user choose how to filter spans."""

        def chosen(action: str) -> None:
            self.call_later(self.run_action, action)

        self.show_dialog(SpanFilterMenu(self.state.look), chosen)

    def action_hide_short(self) -> None:
        self._row_keys.hide_short()

    def action_hide_service(self) -> None:
        self._row_keys.hide_service()

    def action_show_all(self) -> None:
        self._row_keys.show_all()

    def action_mode(self) -> None:
        self._row_keys.next_mode()

    def action_self_times(self) -> None:
        self._row_keys.self_times()

    def action_name_width(self) -> None:
        self._row_keys.next_name_width()

    def action_detail(self) -> None:
        if self.detail.has_focus_within:
            self.rows.focus()
        self.detail.toggle()
        self.fit_rows()

    def action_detail_focus(self) -> None:
        """Focus the detail, or leave it."""
        if self.detail.has_focus_within:
            self.rows.focus()
            return
        if not self.detail.display:
            self.detail.toggle()
            self.fit_rows()
        self._body.enlarge_detail(True, self.size.height)
        self.detail.focus()

    def on_line_view_chosen(self, message: LineView.Chosen) -> None:
        if message.view is self.rows and self.shown is not None:
            message.stop()
            self.action_detail_focus()

    def action_normal(self) -> None:
        """Compare the trace with the median trace of its entry point."""
        if self.shown is not None and not self.is_opening:
            show_normal(self, self.trace.base.traces, self.trace.opened.trace)

    def action_what_if(self) -> None:
        span = self._span
        if span is not None:
            open_span_what_if(self, self.trace.base.traces, span)

    def action_copy(self) -> None:
        if self._span is not None:
            open_copy_menu(self, self.state, self.work, self._span)
