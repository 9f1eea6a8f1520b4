"""Patterns of the operations in the hot spots view, read from the attributes of spans when rows are visible."""

from __future__ import annotations

from tracetui.render.hot_spots.detail import HotSpotDetail
from tracetui.render.hot_spots.table import HotSpotList, HotSpotListColumns
from tracetui.tui.background_work import Work
from tracetui.tui.views.list_detail import ListDetail

_READ_AT_ONCE = 20
"""Patterns read per job."""


class PatternReader:
    """Reads the patterns of visible operations, and shows them in the list and the detail."""

    def __init__(self, page: ListDetail[HotSpotListColumns], work: Work) -> None:
        self._page, self.work = page, work
        self.known: dict[int, str] = {}
        """Pattern of each operation that was visible, by its number; '' for none."""
        self._is_reading = False

    def clear(self) -> None:
        """Forget the patterns of a set."""
        self.known = {}
        self._is_reading = False

    def read(self) -> None:
        """Read the unknown patterns of the visible operations, outside the UI loop."""
        page, view = self._page, self._page.list
        source = view.source
        if not page.has_rows or not isinstance(source, HotSpotList) or self._is_reading:
            return
        table = page.columns.table
        top = view.scroll_offset.y
        rows = range(top, min(top + max(view.size.height, 1), len(source)))
        positions = [source.position(row) for row in (view.cursor, *rows)]
        numbers = dict.fromkeys(table.number(position) for position in positions if position is not None)
        wanted = [number for number in numbers if number not in self.known]
        if not wanted:
            return
        self._is_reading = True

        def read() -> dict[int, str]:
            return {number: table.pattern(number) for number in wanted[:_READ_AT_ONCE]}

        def done(patterns: dict[int, str]) -> None:
            if page.analysed is None or page.analysed.columns.table is not table:
                return
            self._is_reading = False
            self.known |= patterns
            if not isinstance(view.source, HotSpotList):
                return
            # another sort order can have one row fewer
            for row in range(rows.start, min(rows.stop, len(view.source))):
                position = view.source.position(row)
                if position is not None and table.number(position) in patterns:
                    view.refresh_row(row)
            detail = page.detail.source
            if isinstance(detail, HotSpotDetail) and detail.spot.number in patterns:
                detail.show_pattern(patterns[detail.spot.number])
                page.detail.refresh_row(detail.pattern_row)
            self.read()

        self.work("hot-spots.patterns", read, done)
