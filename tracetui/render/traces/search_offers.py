"""Rows of the alternatives to an empty search result."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.model.search_offers import Offer
from tracetui.model.times import format_duration
from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

_LONGEST_NAME = 60


class OfferedRows:
    """Rows of the offers."""

    def __init__(self, offers: Sequence[Offer], ellipsis: str) -> None:
        self._offers = offers
        self._ellipsis = ellipsis
        widths = [cell_width(self._label(offer)) for offer in offers]
        self._labels = min(max(widths, default=0), _LONGEST_NAME)

    def __len__(self) -> int:
        return len(self._offers)

    @property
    def best(self) -> int:
        """Row of the narrowest window that contains traces or may do so, else the first."""
        return next((row for row, offer in enumerate(self._offers) if offer.may_hold), 0)

    def offer(self, row: int) -> Offer | None:
        return self._offers[row] if 0 <= row < len(self._offers) else None

    def line(self, row: int, width: int) -> Line:
        offer = self._offers[row]
        line = Line([(f" {fit(self._label(offer), self._labels, 'left', self._ellipsis)}", Role.PLAIN)])
        return line.add(f"   {offer.note}", Role.DIM).cropped(width, self._ellipsis)

    def _label(self, offer: Offer) -> str:
        return safe(offer.service, _LONGEST_NAME) if offer.service else f"the last {format_duration(offer.window_ns)}"
