"""The list of traces: its rows, their order and groups, and what stands in their place."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from tracetui.analysis.entry_points import EntryPoint, find_entry_points
from tracetui.model.traces import TraceSet
from tracetui.render.text.line import Line, Role, wrapped
from tracetui.render.traces.columns import SortKey, TraceColumns
from tracetui.render.traces.entry_groups import EntryTable, traces_by_entry_point
from tracetui.render.traces.error_groups import errors_by_service
from tracetui.render.traces.search_offers import OfferedRows
from tracetui.render.traces.table import HIDEABLE, TraceRows
from tracetui.tui.messages import LocationChanged
from tracetui.tui.state import State
from tracetui.tui.views.base import EVERY_COLUMN, View
from tracetui.tui.views.traces.empty_states import offered_rows
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView, NoLines

_DEFAULT_WIDTH = 80
_CURSOR = 2
"""Cells of the cursor before a line."""
_MAX_ORDERS = 50


class Grouping(enum.Enum):
    """Groups of the traces in the list. Values are shown to the user."""

    NONE = "all traces"
    ENTRY_POINTS = "by entry point"
    ERRORS = "errors by service"


class TraceListing:
    """A heading and one row for each trace shown, or for each window or service that can be loaded instead."""

    def __init__(self, state: State) -> None:
        self._state = state
        look = state.look
        self.heading = LineBar(look.theme, id="traces-header")
        self.view = LineView(look.theme, look.glyphs.cursor, id="traces-list")
        self.empty = LineBar(look.theme, id="traces-empty")
        """Text in place of the rows."""
        self.is_empty = False
        self.sort_key: str = SortKey.DURATION
        """A `SortKey`, or that of the column of an attribute."""
        self.descending = True
        self.grouping = Grouping.NONE
        self.entries: Sequence[EntryPoint] = ()
        """Entry points of the traces shown, for that grouping."""
        self._toggled: set[int] = set()
        """Groups that are not as they are at first: entry points are folded then, services are not."""
        self._orders: list[tuple[str, str, bool, Grouping]] = []
        """Filters that a list by start followed, each with its sort key, direction and grouping."""
        self._goes_to_first = False
        """True to move the cursor to the first row with the next rows."""
        self._loaded: TraceSet | None = None
        self.columns: TraceColumns | None = None
        """None until they are computed for the set."""
        self._rows: TraceRows | None = None
        self._previous: TraceRows | None = None
        """Rows of the previous set, shown until the new ones are ready."""
        self.offered: OfferedRows | None = None
        """Rows with windows and services to load, if servers sent no traces."""

    @property
    def is_grouped(self) -> bool:
        """True if the traces are in groups."""
        return self.grouping is not Grouping.NONE

    @property
    def is_slowest_first(self) -> bool:
        """True if the traces are listed by response time, the slowest first."""
        return self.sort_key == SortKey.DURATION and self.descending and not self.is_grouped

    @property
    def rows(self) -> TraceRows | None:
        """Rows on the screen, which may still be those of the previous set."""
        return self._rows if self._rows is not None else self._previous

    @property
    def is_previous(self) -> bool:
        """True while the rows are those of the previous set."""
        return self._rows is None and self._previous is not None

    def clear(self) -> None:
        """Show nothing, until there are traces of other sources."""
        self._loaded = self.columns = self._rows = self._previous = self.offered = None
        self._toggled.clear()
        self.entries, self.grouping = (), Grouping.NONE
        self.view.show(NoLines())

    def begin_set(self, loaded: TraceSet) -> None:
        """Prepare for the traces of another set."""
        self._previous = self.rows
        self._loaded, self.columns, self._rows = loaded, None, None
        # positions of the previous set mean nothing in this one
        self.entries = ()
        self._toggled.clear()

    def show(self, columns: TraceColumns, entries: Sequence[EntryPoint] | None) -> None:
        """Show the traces, now that their columns are computed, and their entry points if they are grouped by these."""
        self.columns, self._previous = columns, None
        if entries is not None:
            self.entries = entries
        if self.sort_key not in {*SortKey, *columns.attributes}:
            # the column of the current sort was removed
            self.sort_key, self.descending = SortKey.DURATION, True
        self.rebuild()

    def rebuild(self) -> None:
        """Rebuild the rows, and keep the cursor on its trace if that is still listed."""
        columns, state = self.columns, self._state
        if columns is None:
            # the list is built once they are ready
            return
        self._show_offers()
        shown, glyphs = state.shown, state.look.glyphs
        groups, table = None, None
        if self.grouping is Grouping.ERRORS:
            groups = errors_by_service(columns, shown, self.sort_key, self.descending, self._toggled, glyphs)
        elif self.grouping is Grouping.ENTRY_POINTS:
            key, descending, toggled = self.sort_key, self.descending, self._toggled
            table = EntryTable(columns, self.entries, glyphs)
            groups = traces_by_entry_point(columns, self.entries, table, key, descending, toggled)
        self._rows = rows = TraceRows(
            columns,
            columns.sorted(shown, self.sort_key, self.descending) if groups is None else shown,
            glyphs=glyphs,
            local=state.look.local_time,
            marked=state.marked,
            new=state.new,
            groups=groups,
            group_heading=table.heading if table is not None else None,
            hidden=[key for key in HIDEABLE if key in state.columns.hidden],
        )
        at = None if state.trace is None or self._goes_to_first else rows.row_of(state.trace)
        self._goes_to_first = False
        if self.offered is None:
            self.view.show(rows, at or 0)
        self.show_heading()

    def _show_offers(self) -> None:
        """Show rows with windows and services to load, if servers sent no traces."""
        before, self.offered = self.offered, None
        if self._loaded is not None and not self._loaded.trace_count:
            self.offered = offered_rows(self._state)
        if self.offered is not None:
            # keep the row that the user has selected
            is_placed = before is not None and self.view.cursor != before.best
            self.view.show(self.offered, self.view.cursor if is_placed else self.offered.best)

    def show_or(self, lines: Sequence[Line]) -> None:
        """Show the list, or these lines in its place."""
        self.is_empty = bool(lines)
        ellipsis = self._state.look.glyphs.ellipsis
        self.empty.display = self.is_empty
        self.heading.display = not self.is_empty
        width = self.empty.size.width or self.view.size.width or _DEFAULT_WIDTH
        self.empty.styles.height = sum(len(list(wrapped(line, width, ellipsis))) for line in lines)
        self.empty.show(lambda width: [part for line in lines for part in wrapped(line, width, ellipsis)])

    def show_heading(self) -> None:
        """Show the heading once the list has its width."""
        self.heading.call_after_refresh(lambda: self.heading.show(lambda _: self._heading_lines()))

    def _heading_lines(self) -> list[Line]:
        rows = self.rows
        line = Line([(" " * _CURSOR, Role.PLAIN)])
        return [
            line if rows is None else line.extend(rows.header(self.view.line_width, self.sort_key, self.descending))
        ]

    @property
    def figures(self) -> tuple[str, str, str]:
        """Heading of the columns, and the row under the cursor with its name; '' for none."""
        rows, row = self.rows, self.view.cursor
        if rows is None or self.offered is not None or row >= len(rows):
            return "", "", ""
        heading = rows.header(EVERY_COLUMN, self.sort_key, self.descending).text
        trace = rows.trace(row)
        name = rows.columns.traces.trace_name(trace) if trace is not None else ""
        return heading, rows.line(row, EVERY_COLUMN).text, name

    def sort_by_heading(self, cell: int) -> None:
        """Sort by the column whose heading covers a cell, or reverse its order."""
        rows = self._rows
        column = rows.heading_at(self.view.line_width, cell - _CURSOR) if rows is not None else None
        if column is not None and column == self.sort_key:
            self.reverse()
        elif column is not None:
            self.sort_by(column)

    def trace(self, row: int) -> int | None:
        """Trace of a row on the screen, as a position in the loaded set."""
        rows, loaded = self.rows, self._loaded
        trace = rows.trace(row) if rows is not None and self.offered is None else None
        if rows is None or trace is None or not self.is_previous or loaded is None:
            return trace
        return loaded.find_trace(rows.columns.traces.trace_ids[trace])

    def go_to(self, trace: int) -> None:
        """Move the cursor to a trace, if it is listed."""
        row = None
        if self._rows is not None and self._rows.trace(self.view.cursor) != trace:
            row = self._rows.row_of(trace)
        if row is not None:
            self.view.cursor = row

    def reveal(self, trace: int) -> bool:
        """Move the cursor to a trace, unfolding its group. -> False if it is not listed"""
        rows = self._rows
        if rows is None:
            return False
        if rows.row_of(trace) is None:
            group = rows.folded_group(trace)
            if group is None:
                return False
            self._toggled ^= {group.key}
            self.rebuild()
        self.go_to(trace)
        return True

    def sort_by_next(self) -> None:
        """Sort by the column after the current one."""
        keys: list[str] = [*SortKey, *(self.columns.attributes if self.columns is not None else ())]
        at = keys.index(self.sort_key) if self.sort_key in keys else -1
        self.sort_by(keys[(at + 1) % len(keys)])

    def sort_by(self, key: str) -> None:
        # names and values of attributes begin with the least
        self.sort_key, self.descending = key, key in SortKey.__members__.values() and key != SortKey.NAME
        self.rebuild()

    def reverse(self) -> None:
        self.descending = not self.descending
        self.rebuild()

    def order_from_first(self, key: str, *, descending: bool, grouping: Grouping) -> None:
        """Set the order and the groups of the next rows, and the first of them for the cursor."""
        self.sort_key, self.descending, self._goes_to_first = key, descending, True
        self._group_by(grouping)

    def save_order(self, query: str) -> None:
        """Remember the order in which the traces of a filter are listed."""
        self._orders = [*self._orders, (query, self.sort_key, self.descending, self.grouping)][-_MAX_ORDERS:]

    def restore_order(self, query: str) -> None:
        """List the traces of a filter, to which the user returns, in the order remembered last, if it was for them."""
        if self._orders and self._orders[-1][0] == query:
            _, key, descending, grouping = self._orders.pop()
            self.order_from_first(key, descending=descending, grouping=grouping)

    def ungroup(self) -> None:
        self._group_by(Grouping.NONE)
        self.rebuild()

    def _group_by(self, grouping: Grouping) -> None:
        if grouping is not self.grouping:
            self.grouping = grouping
            self._toggled.clear()

    def toggle_group(self, row: int) -> None:
        """Fold or unfold the group of a heading's row."""
        group = self._rows.group(row) if self._rows is not None else None
        if group is not None:
            self._toggled ^= {group.key}
            self.rebuild()
            self.view.cursor = row


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
