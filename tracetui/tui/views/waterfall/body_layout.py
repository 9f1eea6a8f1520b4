"""Height of the rows and of the detail of the waterfall view."""

from __future__ import annotations

from typing import Protocol

from tracetui.tui.views.waterfall.header import Header
from tracetui.tui.views.waterfall.rows import RowsPane
from tracetui.tui.views.waterfall.view_state import ViewState
from tracetui.tui.widgets.span_detail import SpanDetail


class LayoutHost(Protocol):
    """The part of the view that its layout uses."""

    header: Header
    detail: SpanDetail

    @property
    def shown(self) -> ViewState | None: ...


class BodyLayout:
    """Shares the height between the rows and the detail below them, which has more of it after a key focused it."""

    def __init__(self, host: LayoutHost, pane: RowsPane) -> None:
        self._host, self._pane = host, pane
        self._is_detail_enlarged = False

    def fit(self, height: int) -> None:
        """Fit rows and detail into a height, in lines."""
        host = self._host
        if host.shown is not None:
            is_below = host.detail.display and not host.detail.is_beside
            room = height - host.header.lines if is_below else None
            wanted = len(host.detail.view.source) + 1 if self._is_detail_enlarged else None
            self._pane.fit(len(host.shown), room, wanted)

    def least_rows(self, height: int, *, is_below: bool) -> int:
        """Return the least number of rows that are visible in a view of this height, in lines.

        is_below: True if the detail, when it is shown, is below the rows.
        """
        room = height - self._host.header.options.lines
        return self._pane.rows_in(room * 2 // 3 if is_below else room)

    def enlarge_detail(self, enlarged: bool, height: int) -> None:
        """Give the detail more room, or no longer."""
        if enlarged != self._is_detail_enlarged:
            self._is_detail_enlarged = enlarged
            self.fit(height)

    def focus_moved(self, height: int) -> None:
        """Give the detail less room once it loses the focus; a click, which focuses it, must not move its target."""
        self.enlarge_detail(self._is_detail_enlarged and self._host.detail.has_focus_within, height)
