"""Waterfall view: one trace over time, and the detail of the span under the cursor."""

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
from tracetui.tui.views.waterfall.what_if import open_what_if
from tracetui.tui.widgets.copy_menu import open_copy_menu
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.span_detail import SpanDetail
from tracetui.tui.work import Work

_LONG = 100_000
"""Number of spans from which on merging them is announced."""


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
        return super().is_opening or (self._rooting is not None and self._rooting is self._view_state)

    def work_failed(self, name: str) -> None:
        super().work_failed(name)
        if name == "waterfall":
            self._rooting = None

    def go_back(self) -> bool:
        if self._rooting is not None and self._rooting is self._view_state:
            self._rooting = None
            return True
        return super().go_back()

    @property
    def HINTS(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]  # noqa: N802
        """Hints for the keys that matter at the current focus."""
        view_state = self._view_state
        if self.find_line.has_focus:
            return FIND_HINTS
        if self.detail.has_focus_within:
            return self.detail.hints
        if view_state is None:
            return ()
        hints = [("{waterfall.zoom-out}", "zoom out") if view_state.is_zoomed else ("{waterfall.zoom}", "zoom")]
        hints.insert(
            0, ("{waterfall.find}", "find") if view_state.found is None else ("{waterfall.next-match}", "next match")
        )
        if len(view_state.opened.path[0]):
            hints.insert(0, ("{waterfall.next-critical}", "critical path"))
        if (view_state.base.roles > 0).any():
            hints.insert(0, ("{waterfall.next-error}", "next error"))
        return (*hints, ("{waterfall.to-detail}", "detail"))

    def on_descendant_focus(self) -> None:
        self._read(self._reading and self.detail.has_focus_within)
        self._location_changed()

    def _read(self, reading: bool) -> None:
        """Give the detail more room while it has the focus, but not after a click, which would move its target."""
        if reading != self._reading:
            self._reading = reading
            self._fit_rows()

    # --- keys: folding and going through the tree --------------------------------------------------------------------

    def action_shape(self, how: str) -> None:
        """Fold or unfold; `how` is the name of a method of `ViewState`."""
        view_state, rows = self._view_state, self.rows
        if view_state is None or not len(view_state):
            return
        before, span = len(view_state), view_state.span_at(rows.cursor)
        if how in ("fold", "unfold", "toggle"):
            row = int(getattr(view_state, how)(rows.cursor))
        else:
            if view_state.mode == FLAT:
                self._post_notice("a flat list has no folds")
                return
            if how in ("fold_all", "unfold_all"):
                getattr(view_state, how)()
            elif how == "fold_service":
                view_state.fold_service(rows.cursor)
            else:
                view_state.fold_level(1 if how == "deeper" else -1)
            row = 0 if span is None else view_state.row_of(span)
        if len(view_state) == before and row != rows.cursor:
            rows.cursor = row
        else:
            self._repaint(row)

    def action_sibling(self, step: int) -> None:
        row = self._view_state.sibling(self.rows.cursor, step) if self._view_state else None
        if row is not None:
            self.rows.cursor = row

    def action_parent(self) -> None:
        if self._view_state is not None:
            self.rows.cursor = self._view_state.parent(self.rows.cursor)

    # --- keys: jumps -------------------------------------------------------------------------------------------------

    def action_error(self, step: int) -> None:
        view_state = self._view_state
        if view_state is None or not len(view_state):
            return
        stop = view_state.error(self.rows.cursor, step)
        if stop is None:
            self._post_notice("no errors are shown" if (view_state.base.roles > 0).any() else "no errors in this trace")
            return
        self._jump(stop, f"error {stop}")

    def action_path(self, step: int) -> None:
        view_state = self._view_state
        found = view_state.path_step(self.rows.cursor, step) if view_state is not None and len(view_state) else None
        if view_state is not None and found is not None:
            self._jump(found[0], f"critical path {found[0]}: {view_state.view.duration(found[1])}")

    def action_longest(self) -> None:
        """Go to the longest self time, then to the next longest."""
        self._with_self_times(self._jump_to_longest)

    def _jump_to_longest(self) -> None:
        view_state = self._view_state
        found = view_state.longest_self(self.rows.cursor) if view_state is not None and len(view_state) else None
        if view_state is not None and found is not None:
            stop, ns = found
            self._jump(stop, f"self time {view_state.view.duration(ns)}, rank {stop.number:,}")

    def _with_self_times(self, then: Callable[[], None]) -> None:
        facts = self._facts
        if facts is None or self._view_state is None:
            return
        if "self_times" in vars(facts):
            then()
        else:
            self.work("waterfall-self", lambda: facts.self_times, lambda _: then() if self._facts is facts else None)

    # --- keys: time --------------------------------------------------------------------------------------------------

    def action_zoom(self) -> None:
        if self._view_state is not None:
            self._view_state.zoom_to(self.rows.cursor)
            self._repaint()

    def action_zoom_out(self) -> None:
        if self._view_state is not None and self._view_state.is_zoomed:
            self._view_state.zoom_out()
            self._repaint()

    def action_zoom_by(self, factor: float) -> None:
        if self._view_state is not None:
            self._view_state.zoom_by(self.rows.cursor, factor)
            self._repaint()

    def action_pan(self, share: float) -> None:
        if self._view_state is not None and self._view_state.is_zoomed:
            self._view_state.pan(share)
            self._repaint()

    # --- keys: visible rows ------------------------------------------------------------------------------------------

    def action_root(self) -> None:
        """Show only the subtree of the span; in a subtree, go back."""
        view_state = self._view_state
        span = view_state.span_at(self.rows.cursor) if view_state is not None else None
        if view_state is None or span is None or self._opening is not None:
            return
        if span == view_state.opened.root:
            self._leave_root()
        elif len(view_state.base.tree) > 1 or view_state.base.stop - view_state.base.first > 1:
            self._rooting = view_state
            self._open(view_state.opened.trace, span, partial(self._rooted, view_state, span))

    def _rooted(self, above: ViewState, span: int, opened: PreparedTrace) -> None:
        if self._rooting is not above or self._view_state is not above or self._opening is not None:
            return
        self._rooting = None
        self._leave_search()
        above.apply()
        self._below.append(above)
        view_state = ViewState(opened)
        view_state.least_percent, view_state.self_mode = above.least_percent, above.self_mode
        view_state.hidden_services = set(above.hidden_services)
        view_state.apply()
        if not len(view_state):
            view_state.least_percent, view_state.hidden_services = 0, set()
            view_state.apply()
        self._look_at(view_state, span, at_top=True)

    def action_hide_short(self) -> None:
        view_state = self._view_state
        if view_state is not None:
            before = view_state.least_percent
            view_state.least_percent = SHARES[(SHARES.index(before) + 1) % len(SHARES)]
            self._applied()

    def action_hide_service(self) -> None:
        view_state = self._view_state
        span = view_state.span_at(self.rows.cursor) if view_state is not None else None
        if view_state is None or span is None:
            return
        service = int(view_state.base.traces.service[span])
        view_state.hidden_services.add(service)
        self._applied()
        if not len(view_state):
            view_state.hidden_services.discard(service)
            self._applied()
            self._post_notice("this would hide everything")

    def action_show_all(self) -> None:
        view_state = self._view_state
        if view_state is not None:
            view_state.hidden_services.clear()
            view_state.least_percent, view_state.only_found = 0, False
            self._applied()

    def action_mode(self) -> None:
        """Switch to the next row layout."""
        view_state = self._view_state
        if view_state is None:
            return
        mode = MODES[(MODES.index(view_state.mode) + 1) % len(MODES)]

        def made(rows: tuple[str, RowOrder, Flame | None]) -> None:
            if self._view_state is not view_state or view_state.mode == mode:
                return
            span = view_state.span_at(self.rows.cursor)
            view_state.use(rows)
            if not len(view_state):
                view_state.least_percent = 0
                view_state.apply()
            self._repaint(0 if span is None else view_state.reveal(span))
            self._post_notice(f"rows: {MODE_TITLES[mode]}")

        if view_state.base.stop - view_state.base.first > _LONG:
            self._post_notice(f"preparing {MODE_TITLES[mode]} ...")
        self.work("waterfall-rows", partial(view_state.make, mode), made)

    def action_self_times(self) -> None:
        """Toggle between self times and durations."""
        self._with_self_times(self._toggle_self_times)

    def _toggle_self_times(self) -> None:
        view_state = self._view_state
        if view_state is not None:
            view_state.self_mode = not view_state.self_mode
            view_state.show_times()
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
        elif self._view_state is not None:
            if not self.detail.display:
                self.detail.toggle()
                self._fit_rows()
            self._read(True)
            self.detail.focus()

    def on_line_view_chosen(self, message: LineView.Chosen) -> None:
        if message.view is self.rows and self._view_state is not None:
            message.stop()
            self.action_detail_focus()

    def action_what_if(self) -> None:
        if self.state.span is not None and self._view_state is not None:
            open_what_if(self, self.state.span)

    def action_copy(self) -> None:
        span = self._view_state.span_at(self.rows.cursor) if self._view_state is not None else None
        if span is not None:
            open_copy_menu(self, self.state, self.work, span)
