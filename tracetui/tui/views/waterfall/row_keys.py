"""Keys that change the rows: folding, hiding, layout, column of times and time range."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tracetui.render.waterfall.flame import Flame
from tracetui.render.waterfall.row_order import RowOrder
from tracetui.render.waterfall.waterfall import NAME_WIDTHS, NameWidth
from tracetui.tui.views.waterfall.key_host import KeyHost, with_self_times
from tracetui.tui.views.waterfall.view_state import FLAT, FOLDING, MODE_TITLES, MODES, ViewState

_WIDTH_WORDS: dict[NameWidth, str] = {
    "auto": "up to half of the width",
    "wide": "as wide as needed",
    "narrow": "a quarter, more room for bars",
}
_LONG = 100_000
"""Number of spans from which on merging them is announced."""


class RowKeys:
    """Changes which rows of the trace are shown, and how, keeping the cursor on its span."""

    def __init__(self, host: KeyHost) -> None:
        self._host = host
        self._name_width: NameWidth = NAME_WIDTHS[0]

    def shape(self, how: str) -> None:
        """Fold or unfold, in one of the ways of `FOLDING`."""
        shown, rows = self._host.trace, self._host.rows
        if not len(shown):
            return
        if shown.mode == FLAT and how not in ("fold", "unfold", "toggle"):
            self._host.post_notice("a flat list has no folds")
            return
        before, row = len(shown), FOLDING[how](shown, rows.cursor)
        if len(shown) == before and row != rows.cursor:
            rows.cursor = row
        else:
            self._host.repaint(row)

    def hide_short(self) -> None:
        self._host.trace.hide_next_share()
        self._host.apply()

    def hide_service(self) -> None:
        """Hide the service of the span under the cursor, unless nothing would be left."""
        shown = self._host.trace
        span = shown.span_at(self._host.rows.cursor)
        if span is None:
            return
        service = int(shown.base.traces.service[span])
        shown.hidden_services.add(service)
        self._host.apply()
        if not len(shown):
            shown.hidden_services.discard(service)
            self._host.apply()
            self._host.post_notice("this would hide everything")

    def show_all(self) -> None:
        self._host.trace.show_all()
        self._host.apply()

    def next_mode(self) -> None:
        """Switch to the next row layout."""
        shown = self._host.trace
        mode = MODES[(MODES.index(shown.mode) + 1) % len(MODES)]
        if shown.base.stop - shown.base.first > _LONG:
            self._host.post_notice(f"preparing {MODE_TITLES[mode]} ...")
        self._host.work("waterfall-rows", partial(shown.make, mode), partial(self._use, shown, mode))

    def _use(self, shown: ViewState, mode: str, rows: tuple[str, RowOrder, Flame | None]) -> None:
        if self._host.shown is not shown or shown.mode == mode:
            return
        span = shown.span_at(self._host.rows.cursor)
        shown.use(rows)
        self.keep_name_width(shown)
        if not len(shown):
            shown.least_percent = 0
            shown.apply()
        self._host.repaint(0 if span is None else shown.reveal(span))
        self._host.post_notice(f"rows: {MODE_TITLES[mode]}")

    def next_name_width(self) -> None:
        """Share the room between names and bars in the next way, in this and other traces."""
        self._name_width = NAME_WIDTHS[(NAME_WIDTHS.index(self._name_width) + 1) % len(NAME_WIDTHS)]
        self.keep_name_width(self._host.trace)
        self._host.repaint()
        self._host.post_notice(f"names: {_WIDTH_WORDS[self._name_width]}")

    def keep_name_width(self, shown: ViewState) -> None:
        """Give the names of what is to be shown the chosen room."""
        for view in shown.views():
            view.set_name_width(self._name_width)

    def self_times(self) -> None:
        """Toggle between self times and durations."""

        def toggle(shown: ViewState) -> None:
            shown.self_mode = not shown.self_mode
            shown.show_times()
            self._host.repaint()

        with_self_times(self._host, toggle)

    def change_time(self, change: Callable[[ViewState, int], None], *, zoomed: bool = False) -> None:
        """Change the time range of the bars; `zoomed`: only if it is not that of the whole trace."""
        shown = self._host.trace
        if shown.is_zoomed or not zoomed:
            change(shown, self._host.rows.cursor)
            self._host.repaint()
