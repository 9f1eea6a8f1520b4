"""Waterfall view: one trace over time, and the span under the cursor in detail."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from tracetui.render.waterfall.flame import Flame
from tracetui.render.waterfall.row_order import RowOrder
from tracetui.tui.state import State
from tracetui.tui.views.waterfall.keys import BINDINGS, FIND_HINTS, KEYS
from tracetui.tui.views.waterfall.prepare import PreparedTrace
from tracetui.tui.views.waterfall.search import WaterfallSearch
from tracetui.tui.views.waterfall.view_state import FLAT, MODE_TITLES, MODES, SHARES, ViewState
from tracetui.tui.views.waterfall.what_if import ask_what_if
from tracetui.tui.widgets.copy_menu import open_copy_menu
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.span_detail import SpanDetail
from tracetui.tui.work import Work

_LONG = 100_000
"""Number of spans from which merging them is announced."""


class WaterfallView(WaterfallSearch):
    """Shows the selected trace, and handles its keys."""

    KEYS = (*KEYS, *SpanDetail.KEYS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, title, show=False, id=f"waterfall.{name}") for name, key, action, title in BINDINGS
    ]

    def __init__(self, state: State, work: Work, *, id: str = "waterfall") -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self._rooting: ViewState | None = None
        """Span whose subtree is being opened."""

    @property
    def is_opening(self) -> bool:
        return super().is_opening or (self._rooting is not None and self._rooting is self._sight)

    def work_failed(self, name: str) -> None:
        super().work_failed(name)
        if name == "waterfall":
            self._rooting = None

    def go_back(self) -> bool:
        if self._rooting is not None and self._rooting is self._sight:
            self._rooting = None
            return True
        return super().go_back()

    @property
    def HINTS(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]  # noqa: N802
        """Hints for the keys that matter at the current focus."""
        sight = self._sight
        if self.find_line.has_focus:
            return FIND_HINTS
        if self.detail.has_focus_within:
            return self.detail.hints
        if sight is None:
            return ()
        hints = [("{waterfall.zoom-out}", "zoom out") if sight.is_zoomed else ("{waterfall.zoom}", "zoom")]
        hints.insert(
            0, ("{waterfall.find}", "find") if sight.found is None else ("{waterfall.next-match}", "next match")
        )
        if len(sight.opened.path[0]):
            hints.insert(0, ("{waterfall.next-critical}", "critical path"))
        if (sight.base.roles > 0).any():
            hints.insert(0, ("{waterfall.next-error}", "next error"))
        return (*hints, ("{waterfall.to-detail}", "detail"))

    def on_descendant_focus(self) -> None:
        self._read(self._reading and self.detail.has_focus_within)
        self._location_changed()

    def _read(self, reading: bool) -> None:
        """Give the detail more room while it has the focus. A click must not move its target."""
        if reading != self._reading:
            self._reading = reading
            self._fit_rows()

    # --- keys: folding and going through the tree --------------------------------------------------------------------

    def action_shape(self, how: str) -> None:
        """Fold or unfold; `how` is the name of a method of `ViewState`."""
        sight, rows = self._sight, self.rows
        if sight is None or not len(sight):
            return
        before, span = len(sight), sight.span_at(rows.cursor)
        if how in ("fold", "unfold", "toggle"):
            row = int(getattr(sight, how)(rows.cursor))
        else:
            if sight.mode == FLAT:
                self._say("a flat list has no folds")
                return
            if how in ("fold_all", "unfold_all"):
                getattr(sight, how)()
            elif how == "fold_service":
                sight.fold_service(rows.cursor)
            else:
                sight.fold_level(1 if how == "deeper" else -1)
            row = 0 if span is None else sight.row_of(span)
        if len(sight) == before and row != rows.cursor:
            rows.cursor = row
        else:
            self._repaint(row)

    def action_sibling(self, step: int) -> None:
        row = self._sight.sibling(self.rows.cursor, step) if self._sight else None
        if row is not None:
            self.rows.cursor = row

    def action_parent(self) -> None:
        if self._sight is not None:
            self.rows.cursor = self._sight.parent(self.rows.cursor)

    # --- keys: jumps -------------------------------------------------------------------------------------------------

    def action_error(self, step: int) -> None:
        sight = self._sight
        if sight is None or not len(sight):
            return
        stop = sight.error(self.rows.cursor, step)
        if stop is None:
            self._say("no errors are shown" if (sight.base.roles > 0).any() else "no errors in this trace")
            return
        self._jump(stop, f"error {stop}")

    def action_path(self, step: int) -> None:
        sight = self._sight
        found = sight.path_step(self.rows.cursor, step) if sight is not None and len(sight) else None
        if sight is not None and found is not None:
            self._jump(found[0], f"critical path {found[0]}: {sight.view.duration(found[1])}")

    def action_longest(self) -> None:
        """The longest self time, then the next longest."""
        self._with_self_times(self._jump_to_longest)

    def _jump_to_longest(self) -> None:
        sight = self._sight
        found = sight.longest_self(self.rows.cursor) if sight is not None and len(sight) else None
        if sight is not None and found is not None:
            stop, ns = found
            self._jump(stop, f"self time {sight.view.duration(ns)}, rank {stop.number:,}")

    def _with_self_times(self, then: Callable[[], None]) -> None:
        facts = self._facts
        if facts is None or self._sight is None:
            return
        if "self_times" in vars(facts):
            then()
        else:
            self.work("waterfall-self", lambda: facts.self_times, lambda _: then() if self._facts is facts else None)

    # --- keys: time --------------------------------------------------------------------------------------------------

    def action_zoom(self) -> None:
        if self._sight is not None:
            self._sight.zoom_to(self.rows.cursor)
            self._repaint()

    def action_zoom_out(self) -> None:
        if self._sight is not None and self._sight.is_zoomed:
            self._sight.zoom_out()
            self._repaint()

    def action_zoom_by(self, factor: float) -> None:
        if self._sight is not None:
            self._sight.zoom_by(self.rows.cursor, factor)
            self._repaint()

    def action_pan(self, share: float) -> None:
        if self._sight is not None and self._sight.is_zoomed:
            self._sight.pan(share)
            self._repaint()

    # --- keys: visible rows ------------------------------------------------------------------------------------------

    def action_root(self) -> None:
        """Show only the subtree of the span; in a subtree, go back."""
        sight = self._sight
        span = sight.span_at(self.rows.cursor) if sight is not None else None
        if sight is None or span is None or self._opening is not None:
            return
        if span == sight.opened.root:
            self._leave_root()
        elif len(sight.base.tree) > 1 or sight.base.stop - sight.base.first > 1:
            self._rooting = sight
            self._open(sight.opened.trace, span, partial(self._rooted, sight, span))

    def _rooted(self, above: ViewState, span: int, opened: PreparedTrace) -> None:
        if self._rooting is not above or self._sight is not above or self._opening is not None:
            return
        self._rooting = None
        self._leave_search()
        above.apply()
        self._below.append(above)
        sight = ViewState(opened)
        sight.least_percent, sight.self_mode = above.least_percent, above.self_mode
        sight.hidden_services = set(above.hidden_services)
        sight.apply()
        if not len(sight):
            sight.least_percent, sight.hidden_services = 0, set()
            sight.apply()
        self._look_at(sight, span, at_top=True)

    def action_hide_short(self) -> None:
        sight = self._sight
        if sight is not None:
            before = sight.least_percent
            sight.least_percent = SHARES[(SHARES.index(before) + 1) % len(SHARES)]
            self._applied()

    def action_hide_service(self) -> None:
        sight = self._sight
        span = sight.span_at(self.rows.cursor) if sight is not None else None
        if sight is None or span is None:
            return
        service = int(sight.base.traces.service[span])
        sight.hidden_services.add(service)
        self._applied()
        if not len(sight):
            sight.hidden_services.discard(service)
            self._applied()
            self._say("this would hide everything")

    def action_show_all(self) -> None:
        sight = self._sight
        if sight is not None:
            sight.hidden_services.clear()
            sight.least_percent, sight.only_found = 0, False
            self._applied()

    def action_mode(self) -> None:
        """Switch to the next kind of rows."""
        sight = self._sight
        if sight is None:
            return
        mode = MODES[(MODES.index(sight.mode) + 1) % len(MODES)]

        def made(rows: tuple[str, RowOrder, Flame | None]) -> None:
            if self._sight is not sight or sight.mode == mode:
                return
            span = sight.span_at(self.rows.cursor)
            sight.use(rows)
            if not len(sight):
                sight.least_percent = 0
                sight.apply()
            self._repaint(0 if span is None else sight.reveal(span))
            self._say(f"rows: {MODE_TITLES[mode]}")

        if sight.base.stop - sight.base.first > _LONG:
            self._say(f"preparing {MODE_TITLES[mode]} ...")
        self.work("waterfall-rows", partial(sight.make, mode), made)

    def action_self_times(self) -> None:
        """Toggle between self times and durations."""
        self._with_self_times(self._toggle_self_times)

    def _toggle_self_times(self) -> None:
        sight = self._sight
        if sight is not None:
            sight.self_mode = not sight.self_mode
            sight.show_times()
            self._repaint()

    # --- keys: the detail --------------------------------------------------------------------------------------------

    def action_detail(self) -> None:
        if self.detail.has_focus_within:
            self.rows.focus()
        self.detail.toggle()
        self._fit_rows()

    def action_detail_focus(self) -> None:
        """Focus the detail, or leave it."""
        if self.detail.has_focus_within:
            self.rows.focus()
        elif self._sight is not None:
            if not self.detail.display:
                self.detail.toggle()
                self._fit_rows()
            self._read(True)
            self.detail.focus()

    def on_line_view_chosen(self, message: LineView.Chosen) -> None:
        if message.view is self.rows and self._sight is not None:
            message.stop()
            self.action_detail_focus()

    def action_what_if(self) -> None:
        if self.state.span is not None and self._sight is not None:
            ask_what_if(self, self.state.span)

    def action_copy(self) -> None:
        span = self._sight.span_at(self.rows.cursor) if self._sight is not None else None
        if span is not None:
            open_copy_menu(self, self.state, self.work, span)
