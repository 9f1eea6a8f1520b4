"""Waterfall view: one trace over time, and the detail of the span under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.waterfall.flame import Flame
from tracetui.render.waterfall.row_order import RowOrder
from tracetui.tui.background_work import Work
from tracetui.tui.keys.waterfall import DETAIL, FIND, WATERFALL
from tracetui.tui.messages import ReadText
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.views.compared_traces import show_normal
from tracetui.tui.views.waterfall.header import Header
from tracetui.tui.views.waterfall.jumps import Jump
from tracetui.tui.views.waterfall.prepare import Opening, PreparedTrace, TraceOpener
from tracetui.tui.views.waterfall.rows import FindLine, RowsPane, TextRows, empty_message
from tracetui.tui.views.waterfall.search import SpanSearch
from tracetui.tui.views.waterfall.span_filter import SpanFilterMenu
from tracetui.tui.views.waterfall.view_state import FLAT, FOLDING, MODE_TITLES, MODES, ViewState
from tracetui.tui.views.what_if import open_what_if, replay_span
from tracetui.tui.widgets.copy_menu import open_copy_menu
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.span_detail import SpanDetail

_WIDE = 130
"""Smallest width for the detail next to the rows."""
_LONG = 100_000
"""Number of spans from which on merging them is announced."""
_SHOW_OPENING_AFTER = 0.25
"""Seconds after which a message says that a trace is being opened."""


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
        self.shown: ViewState | None = None
        """View state of the trace on the screen."""
        self.header = Header(state, work)
        self.search = SpanSearch(self, look.theme)
        self._pane = RowsPane(look, self.search.line)
        self.rows = self._pane.rows
        self.detail = SpanDetail(state, work, id="waterfall-detail")
        self._opener = TraceOpener(state, work)
        self._outer: list[ViewState] = []
        """View states around a subtree, to return to; the last is the innermost."""
        self._jumped: tuple[str, int] | None = None
        """Description of the last jump, and its span."""
        self._detail_enlarged = False
        """True while the detail has more of the height: it got the focus by a key."""

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
        return back + WATERFALL.hints(
            *(["waterfall.next-error"] if shown.has_errors else []),
            *(["waterfall.next-critical"] if len(shown.opened.path[0]) else []),
            "waterfall.find" if shown.found is None else "waterfall.next-match",
            "waterfall.zoom-out" if shown.is_zoomed else "waterfall.zoom",
            "waterfall.to-detail",
        )

    # --- notifications -----------------------------------------------------------------------------------------------

    def set_changed(self) -> None:
        # jobs for the previous set are dropped
        self._opener.cancel()
        if self.display:
            self.selection_changed()
        self.search.set_changed()

    def selection_changed(self) -> None:
        session, trace = self.state.session, self.state.trace
        if session is None or trace is None or trace >= session.loaded.trace_count:
            self._show_nothing(session is not None)
            return
        if self._opener.take_set(session.loaded, session.analysis):
            self.shown = None
        opening, shown = self._opener.opening, self.shown
        if shown is not None and shown.opened.trace == trace:
            if opening is not None and opening.trace != trace:
                self._opener.cancel()
            if self.state.span is not None and self.state.span != shown.span_at(self.rows.cursor):
                self._go_to(self.state.span)
        elif opening is None or opening.trace != trace:
            # no trace until it is ready
            self.search.leave()
            self.shown = None
            self._open(Opening(trace))

    def _open(self, wanted: Opening) -> None:
        self._opener.open(wanted, self.header.room, self._opened)

        def show_waiting() -> None:
            if self._opener.opening is wanted:
                self._show_instead("Opening the trace ...", "Keys are queued; {app.back} goes back.")

        if self.is_opening:
            self.set_timer(_SHOW_OPENING_AFTER, show_waiting)

    def _opened(self, opened: PreparedTrace) -> None:
        if self.state.trace != opened.trace:
            # the user has selected another trace meanwhile
            return
        self._outer.clear()
        self._jumped = None
        self.set_class(False, "-empty")
        self._look_at(ViewState(opened), self.state.span, at_top=True)

    @property
    def is_opening(self) -> bool:
        return self._opener.opening is not None

    def work_failed(self, name: str) -> None:
        opening = self._opener.opening
        if name == "waterfall" and opening is not None:
            self._opener.cancel()
            if opening.root is None:
                self._show_instead("The trace could not be opened.", "{view.traces} lists the traces.")

    def look_changed(self) -> None:
        look = self.state.look
        self.set_class(look.glyphs.ascii_only, "-ascii")
        self.search.line.set_look(look.theme)
        self.detail.look_changed()
        for shown in (*self._outer, *([self.shown] if self.shown else [])):
            for view in shown.views():
                view.set_glyphs(look.glyphs)
        if self.shown is not None:
            self.header.remake()
            self._repaint()

    def crumbs(self) -> list[str]:
        shown = self.shown
        if shown is None:
            return []
        traces, span = shown.base.traces, shown.span_at(self.rows.cursor)
        crumbs = [traces.trace_name(shown.opened.trace)]
        if shown.opened.root is not None:
            crumbs.append(f"from {traces.operation_name(shown.opened.root)}")
        if span is not None:
            crumbs.append(traces.operation_name(span))
        if self._jumped is not None and span == self._jumped[1]:
            crumbs.append(self._jumped[0])
        return crumbs

    def go_back(self) -> bool:
        shown, opening = self.shown, self._opener.opening
        if opening is not None and opening.root is not None:
            self._opener.cancel()
        elif self.search.is_open:
            self.search.close()
        elif self.detail.has_focus_within:
            self.rows.focus()
        elif shown is not None and shown.is_zoomed:
            shown.zoom_out(all_the_way=True)
            self._repaint()
        elif self._outer:
            self._leave_root()
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
        if self.shown is not None:
            is_below = self.detail.display and not self.has_class("-wide")
            room = self.size.height - self.header.lines if is_below else None
            self._pane.fit(len(self.shown), room, len(self.detail.view.source) + 1 if self._detail_enlarged else None)

    def on_descendant_focus(self) -> None:
        self._enlarge_detail(self._detail_enlarged and self.detail.has_focus_within)
        # the key hints change
        self.post_message(LineView.Moved(self.rows, self.rows.cursor))

    def _enlarge_detail(self, enlarged: bool) -> None:
        """Give the detail more room while it has the focus, but not after a click, which would move its target."""
        if enlarged != self._detail_enlarged:
            self._detail_enlarged = enlarged
            self.fit_rows()

    # --- showing -----------------------------------------------------------------------------------------------------

    def _look_at(self, shown: ViewState, span: int | None, at_top: bool = False) -> None:
        self.shown = shown
        self._pane.put(shown, shown.reveal(span) if span is not None and shown.has(span) else 0, at_top)
        self._resized()

    def _show_nothing(self, has_set: bool) -> None:
        self.shown = None
        self._opener.cancel()
        self._outer.clear()
        self.search.leave()
        self._show_instead(*empty_message(self.state, has_set))

    def _show_instead(self, *texts: str) -> None:
        """Show a message instead of a trace; `texts` name keys by their actions."""
        names = self.key_names
        self.set_class(True, "-empty")
        self.rows.put(TextRows([Line(), *(Line([(names.short(text), Role.DIM)]) for text in texts)]), 0, at_top=True)
        self.detail.show_span(None)

    def _repaint(self, row: int | None = None) -> None:
        """Repaint changed rows."""
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
            self._repaint(None if span is None else shown.row_of(span))

    def on_line_view_moved(self, message: LineView.Moved) -> None:
        if self.shown is None or message.view is not self.rows:
            return
        self.state.select_span(self.shown.span_at(self.rows.cursor))
        self.detail.show_span(self.state.span)
        self._pane.show_map(self.shown)

    def _go_to(self, span: int) -> None:
        """Move the cursor to a span, unfolding if it is hidden."""
        shown = self.shown
        if shown is None:
            return
        while not shown.has(span) and self._outer:
            shown = self.shown = self._outer.pop()
            self.header.show_trace(shown.opened)
        if shown.has(span):
            before = len(shown)
            row = shown.reveal(span)
            if self.rows.source is shown and len(shown) == before:
                self.rows.cursor = row
            else:
                self._pane.put(shown, row)
                self.fit_rows()

    def jump(self, target: Jump, what: str) -> None:
        """Go to the target of a jump, and describe it."""
        self._jumped = what, target.span
        self._go_to(target.span)
        self.post_notice(what)

    # --- keys: folding and going through the tree --------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Without a trace there are no actions."""
        return self.shown is not None

    @property
    def _trace(self) -> ViewState:
        """The view state in an action."""
        assert self.shown is not None
        return self.shown

    @property
    def _span(self) -> int | None:
        """Span under the cursor in an action."""
        return self._trace.span_at(self.rows.cursor)

    def action_shape(self, how: str) -> None:
        """Fold or unfold, in one of the ways of `FOLDING`."""
        shown, rows = self._trace, self.rows
        if not len(shown):
            return
        if shown.mode == FLAT and how not in ("fold", "unfold", "toggle"):
            self.post_notice("a flat list has no folds")
            return
        before, row = len(shown), FOLDING[how](shown, rows.cursor)
        if len(shown) == before and row != rows.cursor:
            rows.cursor = row
        else:
            self._repaint(row)

    def action_sibling(self, step: int) -> None:
        row = self._trace.sibling(self.rows.cursor, step)
        if row is not None:
            self.rows.cursor = row

    def action_parent(self) -> None:
        self.rows.cursor = self._trace.parent(self.rows.cursor)

    # --- keys: jumps -------------------------------------------------------------------------------------------------

    def action_error(self, step: int) -> None:
        shown = self._trace
        target = shown.jumps.error(self.rows.cursor, step) if len(shown) else None
        if target is not None:
            self.jump(target, f"error {target}")
        else:
            self.post_notice("no errors are shown" if shown.has_errors else "no errors in this trace")

    def action_path(self, step: int) -> None:
        found = self._trace.jumps.path_step(self.rows.cursor, step) if len(self._trace) else None
        if found is not None:
            self.jump(found[0], f"critical path {found[0]}: {self._trace.view.duration(found[1])}")

    def action_longest(self) -> None:
        """Go to the longest self time, then to the next longest."""
        self._with_self_times(self._jump_to_longest)

    def _jump_to_longest(self, shown: ViewState) -> None:
        found = shown.jumps.longest_self(self.rows.cursor) if len(shown) else None
        if found is not None:
            target, ns = found
            self.jump(target, f"self time {shown.view.duration(ns)}, rank {target.number:,}")

    def _with_self_times(self, then: Callable[[ViewState], None]) -> None:
        facts = self._trace.opened.facts

        def done(_: object) -> None:
            if self.shown is not None and self.shown.opened.facts is facts:
                then(self.shown)

        if "self_times" in vars(facts):
            done(None)
        else:
            self.work("waterfall-self", lambda: facts.self_times, done)

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

    # --- keys: time --------------------------------------------------------------------------------------------------

    def action_zoom(self) -> None:
        self._trace.zoom_to(self.rows.cursor)
        self._repaint()

    def action_zoom_out(self) -> None:
        if self._trace.is_zoomed:
            self._trace.zoom_out()
            self._repaint()

    def action_zoom_by(self, factor: float) -> None:
        self._trace.zoom_by(self.rows.cursor, factor)
        self._repaint()

    def action_pan(self, share: float) -> None:
        if self._trace.is_zoomed:
            self._trace.pan(share)
            self._repaint()

    # --- keys: visible rows ------------------------------------------------------------------------------------------

    def action_root(self) -> None:
        """Show only the subtree of the span; in a subtree, go back."""
        shown, span = self._trace, self._span
        if span is None or self.is_opening:
            return
        if span == shown.opened.root:
            self._leave_root()
        elif len(shown.base.tree) > 1 or shown.base.stop - shown.base.first > 1:
            opening = Opening(shown.opened.trace, span)
            self._opener.open(opening, self.header.room, partial(self._show_subtree, shown, span))

    def _show_subtree(self, outer: ViewState, span: int, opened: PreparedTrace) -> None:
        if self.shown is not outer:
            return
        self.search.leave()
        outer.apply()
        self._outer.append(outer)
        shown = ViewState(opened)
        shown.hide_as(outer)
        shown.apply()
        if not len(shown):
            shown.show_all()
            shown.apply()
        self._look_at(shown, span, at_top=True)

    def _leave_root(self) -> None:
        """Return from a subtree to its parent view."""
        span = self._span
        self.search.leave()
        self._look_at(self._outer.pop(), span)

    def action_filter(self) -> None:
        """Let the user choose how to filter spans."""

        def chosen(action: str) -> None:
            self.call_later(self.run_action, action)

        self.show_dialog(SpanFilterMenu(self.state.look), chosen)

    def action_hide_short(self) -> None:
        self._trace.hide_next_share()
        self.apply()

    def action_hide_service(self) -> None:
        shown, span = self._trace, self._span
        if span is None:
            return
        service = int(shown.base.traces.service[span])
        shown.hidden_services.add(service)
        self.apply()
        if not len(shown):
            shown.hidden_services.discard(service)
            self.apply()
            self.post_notice("this would hide everything")

    def action_show_all(self) -> None:
        self._trace.show_all()
        self.apply()

    def action_mode(self) -> None:
        """Switch to the next row layout."""
        shown = self._trace
        mode = MODES[(MODES.index(shown.mode) + 1) % len(MODES)]

        def made(rows: tuple[str, RowOrder, Flame | None]) -> None:
            if self.shown is not shown or shown.mode == mode:
                return
            span = self._span
            shown.use(rows)
            if not len(shown):
                shown.least_percent = 0
                shown.apply()
            self._repaint(0 if span is None else shown.reveal(span))
            self.post_notice(f"rows: {MODE_TITLES[mode]}")

        if shown.base.stop - shown.base.first > _LONG:
            self.post_notice(f"preparing {MODE_TITLES[mode]} ...")
        self.work("waterfall-rows", partial(shown.make, mode), made)

    def action_self_times(self) -> None:
        """Toggle between self times and durations."""
        self._with_self_times(self._toggle_self_times)

    def _toggle_self_times(self, shown: ViewState) -> None:
        shown.self_mode = not shown.self_mode
        shown.show_times()
        self._repaint()

    # --- keys: the detail --------------------------------------------------------------------------------------------

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
        self._enlarge_detail(True)
        self.detail.focus()

    def on_line_view_chosen(self, message: LineView.Chosen) -> None:
        if message.view is self.rows and self.shown is not None:
            message.stop()
            self.action_detail_focus()

    def action_normal(self) -> None:
        """Compare the trace with the median trace of its entry point."""
        if self.shown is not None and not self.is_opening:
            show_normal(self, self._trace.base.traces, self._trace.opened.trace)

    def action_what_if(self) -> None:
        loaded, span, glyphs = self._trace.base.traces, self._span, self.state.look.glyphs
        if span is not None:
            name = f"this {safe(loaded.service_name(span))} {safe(loaded.operation_name(span))}"

            def done(text: str) -> None:
                self.post_message(ReadText(f"What if: {name}", text))

            open_what_if(self, name, lambda percent: replay_span(loaded, span, percent, glyphs), done)

    def action_copy(self) -> None:
        if self._span is not None:
            open_copy_menu(self, self.state, self.work, self._span)
