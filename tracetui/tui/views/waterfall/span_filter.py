"""Menu of the ways to filter the spans of a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from tracetui.tui.keys.waterfall import SPAN_FILTER
from tracetui.tui.state import Look
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.key_menu import KeyMenu
from tracetui.tui.widgets.line_view import LineView

ACTIONS: Mapping[str, str] = {
    "s": "hide_service",
    "x": "hide_short",
    "m": "only_found",
    "f": "shape('fold_service')",
    "a": "show_all",
}
"""Action of the view for each item."""


class SpanFilterMenu(Dialog[str | None]):
    """Menu of filters; the result is an action of the view."""

    BINDINGS: ClassVar[list[BindingType]] = SPAN_FILTER.bindings
    DEFAULT_CSS = "SpanFilterMenu { align: center middle; }"

    def __init__(self, look: Look) -> None:
        super().__init__()
        # keep the rows visible
        self.styles.background = "transparent"
        self._look = look

    def compose(self) -> ComposeResult:
        items = [(key.id, key.title) for key in SPAN_FILTER.keys][: len(ACTIONS)]
        yield KeyMenu(self._look, "filter spans", items)

    def composed(self) -> None:
        self.query_one(KeyMenu).show()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.action_take([*ACTIONS][event.row])

    def action_take(self, key: str) -> None:
        self.dismiss(ACTIONS[key])
