"""Registry of the views, in the order of their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracetui.tui.keys.view_key_tables import VIEW_KEYS

if TYPE_CHECKING:
    from tracetui.tui.views.base import View

VIEWS = tuple((view, table.title) for view, table in VIEW_KEYS.items())
"""Id and title of each view."""


def view_classes() -> tuple[type[View], ...]:
    """Return the classes of the views, in the order of `VIEWS`."""
    from tracetui.tui.views.errors import ErrorsView
    from tracetui.tui.views.hot_spots import HotSpotsView
    from tracetui.tui.views.services.view import ServicesView
    from tracetui.tui.views.traces.view import TracesView
    from tracetui.tui.views.waterfall.view import WaterfallView

    return TracesView, WaterfallView, ServicesView, ErrorsView, HotSpotsView
