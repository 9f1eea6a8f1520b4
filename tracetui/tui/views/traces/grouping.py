"""Keys that group the list of traces, by entry point or by the service where errors began."""

from __future__ import annotations

from tracetui.analysis.entry_points import EntryPoint, find_entry_points
from tracetui.render.traces.columns import SortKey
from tracetui.tui.messages import LocationChanged
from tracetui.tui.views.base import View
from tracetui.tui.views.traces.listing import Grouping, TraceListing


class ListGrouping:
    """Changes the groups of a listing. Entry points are found outside the UI loop."""

    def __init__(self, view: View, listing: TraceListing) -> None:
        self._view, self._listing = view, listing

    @property
    def following(self) -> Grouping:
        """Grouping after the current one; errors by service only if there are any."""
        grouping = self._listing.grouping
        if grouping is Grouping.NONE:
            return Grouping.ENTRY_POINTS
        return Grouping.ERRORS if grouping is Grouping.ENTRY_POINTS and self._has_errors else Grouping.NONE

    @property
    def _has_errors(self) -> bool:
        columns = self._listing.columns
        return columns is not None and bool(columns.origins[self._view.state.shown].any())

    def change(self) -> None:
        """Group in the following way."""
        grouping, listing = self.following, self._listing
        if listing.columns is None:
            return
        if grouping is Grouping.ENTRY_POINTS:
            self._group_by_entry_point()
        elif grouping is Grouping.ERRORS:
            self.toggle_errors()
        else:
            listing.ungroup()
            self._view.post_message(LocationChanged())

    def _group_by_entry_point(self) -> None:
        listing, session, shown = self._listing, self._view.state.session, self._view.state.shown
        if session is None:
            return

        def show(entries: list[EntryPoint]) -> None:
            listing.entries = entries
            listing.order_from_first(SortKey.DURATION, descending=True, grouping=Grouping.ENTRY_POINTS)
            listing.rebuild()
            self._view.post_message(LocationChanged())

        self._view.work("traces-entries", lambda: find_entry_points(session.loaded, shown), show)

    def toggle_errors(self) -> None:
        """Group errors by service, or undo that; reports if there are none."""
        listing = self._listing
        if listing.columns is None:
            return
        if listing.grouping is Grouping.ERRORS:
            listing.ungroup()
        elif self._has_errors:
            listing.order_from_first(SortKey.DURATION, descending=True, grouping=Grouping.ERRORS)
            listing.rebuild()
        else:
            self._view.post_notice("no errors in these traces")
        self._view.post_message(LocationChanged())
