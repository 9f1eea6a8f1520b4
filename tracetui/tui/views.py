"""The views, in the order of their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracetui.tui.panes.pane import Pane

VIEWS = (
    ("traces", "Traces"),
    ("waterfall", "Waterfall"),
    ("services", "Services"),
    ("errors", "Errors"),
    ("hot-spots", "Hot spots"),
)
"""Id and title of each."""


def pane_classes() -> tuple[type[Pane], ...]:
    """The views, in the order of VIEWS."""
    from tracetui.tui.panes.errors import ErrorsPane
    from tracetui.tui.panes.hot_spots import HotSpotsPane
    from tracetui.tui.panes.services import ServicesPane
    from tracetui.tui.panes.traces import TracesPane
    from tracetui.tui.panes.waterfall import WaterfallPane

    return TracesPane, WaterfallPane, ServicesPane, ErrorsPane, HotSpotsPane
