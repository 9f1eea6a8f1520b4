"""Screen that renders only widgets with visible changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

PlacedWidgets = dict[Widget, tuple[Region, Region]]
"""Widgets from front to back, each with its region and its clip region."""


class _FrugalCompositor(Compositor):
    """Compositor that skips widgets without visible changes.

    Textual's compositor renders all widgets between the first and the last changed line, even those hidden by others.
    """

    def render_partial_update(self) -> ChopsUpdate | None:
        # computed and cached here, while all widgets are included
        _ = self.cuts
        placed = self.visible_widgets
        self._visible_widgets = painting(placed, self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._visible_widgets = placed


def painting(placed: PlacedWidgets, dirty: Iterable[Region]) -> PlacedWidgets:
    """Return the widgets that are visible in these regions."""
    uncovered = [*dirty]
    painted: PlacedWidgets = {}
    for widget, (region, clip) in placed.items():
        if not uncovered:
            break
        visible = region.intersection(clip)
        if any(map(visible.overlaps, uncovered)):
            painted[widget] = (region, clip)
            uncovered = [part for part in uncovered if not visible.contains_region(part)]
    return painted


class FocusPaintScreen(Screen[Any]):
    """Screen that is not repainted when the focus changes, as the two widgets repaint themselves."""

    focused = Reactive[Widget | None](None, repaint=False)

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self._compositor = _FrugalCompositor()
