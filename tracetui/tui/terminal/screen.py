"""Screen that asks no widget for lines that are not painted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

Placed = dict[Widget, tuple[Region, Region]]
"""Widgets from front to back, each with its region and with the part of the screen that it may paint."""


class _FrugalCompositor(Compositor):
    """Textual asks all widgets for all lines between the first and the last changed part of a screen,
    also those that lie wholly behind others.
    """

    def render_partial_update(self) -> ChopsUpdate | None:
        # where the widgets' edges are is worked out from all of them
        _ = self.cuts
        placed = self.visible_widgets
        self._visible_widgets = painting(placed, self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._visible_widgets = placed


def painting(placed: Placed, dirty: Iterable[Region]) -> Placed:
    """Widgets that are visible in these regions."""
    left = [*dirty]
    found: Placed = {}
    for widget, (region, clip) in placed.items():
        if not left:
            break
        seen = region.intersection(clip)
        if any(map(seen.overlaps, left)):
            found[widget] = (region, clip)
            left = [one for one in left if not seen.contains_region(one)]
    return found


class FocusPaintScreen(Screen[Any]):
    """Widgets that get or lose the focus paint themselves; Textual's screen paints everything once more."""

    focused = Reactive[Widget | None](None, repaint=False)

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self._compositor = _FrugalCompositor()
