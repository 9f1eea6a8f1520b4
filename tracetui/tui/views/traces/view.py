"""Traces view: filter, plot of response times, and a row for each trace."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from tracetui.model.search_offers import Offer
from tracetui.model.traces import TraceSet
from tracetui.query import edit as filters
from tracetui.query.complete import Vocabulary
from tracetui.render.text.line import Line, Role
from tracetui.render.traces.columns import SortKey, TraceColumns
from tracetui.render.traces.error_groups import errors_by_service
from tracetui.render.traces.search_offers import OfferedRows
from tracetui.render.traces.table import TraceRows, chosen_mark
from tracetui.tui.messages import LocationChanged, OpenTrace, WidenWindow
from tracetui.tui.state import State
from tracetui.tui.views.traces.dialog_host import DialogHost
from tracetui.tui.views.traces.dialogs import TraceDialogs
from tracetui.tui.views.traces.empty_states import (
    Prepared,
    count_line,
    loading_lines,
    no_match_lines,
    no_trace_lines,
    offered_rows,
    prepared,
    words,
)
from tracetui.tui.views.traces.keys import BINDINGS, KEYS, OFFER_HINTS, QUERY_HINTS, REGION_HINTS, list_hints
from tracetui.tui.views.traces.quick_filters import QuickFilters
from tracetui.tui.widgets.copy_menu import open_trace_menu
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.query_bar import QueryBar
from tracetui.tui.widgets.scatter import Scatter
from tracetui.tui.work import Work

_LEAST_ROWS = 20
"""Least height of a terminal for the plot."""


class TracesView(DialogHost):
    """Filter, plot and list of traces."""

    TITLE = "Traces"
    KEYS = KEYS
    BINDINGS: ClassVar[list[BindingType]] = list(BINDINGS)
    DEFAULT_CSS = """
    TracesView Scatter { height: 6; }
    TracesView #traces-empty { display: none; height: 5; }
    """

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self.sort_key = SortKey.DURATION
        self.descending = True
        self._questions = QuickFilters(self)
        self._answers = TraceDialogs(self)
        self._loaded: TraceSet | None = None
        self._columns: TraceColumns | None = None
        self._rows: TraceRows | None = None
        self._offered: OfferedRows | None = None
        """Rows with windows and services to load, if servers sent no traces."""
        self._previous: TraceRows | None = None
        """Rows of the previous set, shown until the new ones are ready."""
        self._grouped = False
        self._folded: set[int] = set()
        self._previous_filters = filters.FilterHistory()
        self._wants_first = False
        self._is_empty = False

    def compose(self) -> ComposeResult:
        look = self.state.look
        yield QueryBar(look.theme, look.glyphs, self.state.previous_queries, id="traces-query")
        yield Scatter(look, id="traces-scatter")
        yield LineBar(look.theme, id="traces-header")
        yield LineBar(look.theme, id="traces-empty")
        yield LineView(look.theme, look.glyphs.cursor, id="traces-list")

    @property
    def HINTS(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]  # noqa: N802 - the name in `View`
        """Key hints for the list, the filter or the region."""
        if self.query_bar.is_edited:
            return QUERY_HINTS
        if self.scatter.region_cells is not None:
            return REGION_HINTS
        if self._offered is not None:
            return OFFER_HINTS
        hints = list_hints(self._grouped)
        # a filter can be set while loading, but other keys need rows
        return hints if self._listed is not None else hints[:1]

    def on_descendant_focus(self) -> None:
        self.post_message(LocationChanged())

    @property
    def query_bar(self) -> QueryBar:
        return self.query_one("#traces-query", QueryBar)

    @property
    def scatter(self) -> Scatter:
        return self.query_one("#traces-scatter", Scatter)

    @property
    def view(self) -> LineView:
        return self.query_one("#traces-list", LineView)

    # --- notifications -----------------------------------------------------------------------------------------------

    def set_changed(self) -> None:
        state = self.state
        if state.session is None:
            self._show_rows_or(no_trace_lines(state, self.key_names))
            return
        loaded, shown, query = state.session.loaded, state.shown, state.query
        if self._loaded is None:
            self._previous_filters.begin(query)
        if loaded is not self._loaded:
            self._previous = self._listed
            self._loaded, self._columns, self._rows = loaded, None, None
            self._folded.clear()
            self.work("traces-words", lambda: words(loaded), self._learn)
        self._previous_filters.applied(query)
        self.query_bar.show_query(query)
        self._show_count()
        if self._listed is None:
            self._show_rows_or(loading_lines(state))
        columns = self._columns
        self.work("traces-list", lambda: prepared(loaded, columns, shown, query), self._show)

    def selection_changed(self) -> None:
        trace = self.state.trace
        self.call_after_refresh(self._show_header)
        if self._rows is None or trace is None or self._rows.trace(self.view.cursor) == trace:
            return
        row = self._rows.row_of(trace)
        if row is not None:
            self.view.cursor = row

    def look_changed(self) -> None:
        look = self.state.look
        self.query_bar.set_look(look.theme, look.glyphs)
        self.query_one("#traces-header", LineBar).set_look(look.theme)
        self.query_one("#traces-empty", LineBar).set_look(look.theme)
        self.view.set_look(look.theme)
        self.scatter.remake()
        if self._rows is not None:
            self._offer()
            self._list_again()

    @property
    def is_placed(self) -> bool:
        return self.view.cursor > 0

    def crumbs(self) -> list[str]:
        return ["errors by service"] if self._grouped else []

    def go_back(self) -> bool:
        if self.query_bar.is_edited:
            self.query_bar.leave()
        elif self.scatter.region_cells is not None:
            self.scatter.leave()
        elif self._grouped:
            self._group(False)
        else:
            return False
        self.focus_pane()
        return True

    def focus_pane(self) -> None:
        self.view.focus()

    def on_mount(self) -> None:
        if self.state.session is None:
            self._show_rows_or(no_trace_lines(self.state, self.key_names))

    def on_resize(self) -> None:
        height = self.app.size.height
        self.scatter.display = height >= _LEAST_ROWS and not self._is_empty
        self.scatter.styles.height = 5 if height < 28 else 6 if height < 36 else 8 if height < 50 else 10
        # the list receives its new width after this
        self.call_after_refresh(self._show_header)

    # --- showing -----------------------------------------------------------------------------------------------------

    def _learn(self, known: Vocabulary) -> None:
        self.known = known
        self.query_bar.set_vocabulary(known)

    def _show(self, found: Prepared) -> None:
        if self._listed is None:
            # the hints change
            self.post_message(LocationChanged())
        self._columns, self._previous = found.columns, None
        self._show_count()
        self._offer()
        self._list_again()
        self.scatter.show(found.points)
        self._mark_point()
        nothing = not found.columns.traces.trace_count
        self._show_rows_or(
            []
            if len(found.shown)
            else no_trace_lines(self.state, self.key_names)
            if nothing
            else no_match_lines(found.blame, self.key_names, self.state.search_scope, is_live=self.state.is_live)
        )

    def _offer(self) -> None:
        """Show rows with windows and services to load, if servers sent no traces."""
        before, self._offered = self._offered, None
        if self._loaded is not None and not self._loaded.trace_count:
            self._offered = offered_rows(self.state)
        if self._offered is not None:
            # keep the row that the user has selected
            is_placed = before is not None and self.view.cursor != before.best
            self.view.show(self._offered, self.view.cursor if is_placed else self._offered.best)

    def _list_again(self) -> None:
        """Rebuild the rows, and keep the cursor on its trace if that still exists."""
        columns, state = self._columns, self.state
        if columns is None:
            # the list is built once they are ready
            return
        shown = state.shown
        groups = None
        if self._grouped:
            groups = errors_by_service(columns, shown, self.sort_key, self.descending, self._folded, state.look.glyphs)
        self._rows = rows = TraceRows(
            columns,
            columns.sorted(shown, self.sort_key, self.descending) if groups is None else shown,
            glyphs=state.look.glyphs,
            local=state.look.local_time,
            marked=state.marked,
            new=state.new,
            groups=groups,
        )
        at = None if state.trace is None or self._wants_first else rows.row_of(state.trace)
        self._wants_first = False
        if self._offered is None:
            self.view.show(rows, at or 0)
        self.call_after_refresh(self._show_header)

    def _show_header(self) -> None:
        """Lay out the header as wide as the list's lines, once the list is visible; its cursor takes two cells."""
        width = self.view.line_width
        self.query_one("#traces-header", LineBar).show(
            lambda _: [Line([("  ", Role.PLAIN)]).extend(self._header(width))]
        )

    def _header(self, width: int) -> Line:
        rows = self._listed
        return rows.header(width, self.sort_key, self.descending) if rows is not None else Line()

    def _show_count(self) -> None:
        total = self._loaded.trace_count if self._loaded is not None else 0
        self.query_bar.show_count(
            count_line(self.state, total, self._columns.skewed_count if self._columns is not None else 0)
        )

    def _show_rows_or(self, lines: list[Line]) -> None:
        """Show the list and its plot, or these lines instead."""
        self._is_empty = bool(lines)
        bar, ellipsis = self.query_one("#traces-empty", LineBar), self.state.look.glyphs.ellipsis
        bar.display = self._is_empty
        self.query_one("#traces-header").display = not self._is_empty
        bar.show(lambda width: [line.cropped(width, ellipsis) for line in lines])
        self.on_resize()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        state = self.state
        if event.view is not self.view or self._offered is not None:
            return
        trace = self._trace_of(event.row)
        if trace is not None and trace != state.trace and (self.display or state.trace is None):
            state.select(trace)
        self._mark_point()

    def _mark_point(self) -> None:
        trace, loaded = self.state.trace, self._loaded
        if trace is not None and loaded is not None and trace < loaded.trace_count:
            self.scatter.point_at(int(loaded.trace_start[trace]), int(loaded.response_time[trace]))

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        if self._offered is not None:
            self._search_offer(self._offered.offer(event.row))
            return
        trace, group = self._trace_of(event.row), self._rows.group(event.row) if self._rows is not None else None
        if trace is not None:
            self.post_message(OpenTrace(trace))
        elif self._previous is not None:
            self.post_notice("not available while the list is being rebuilt")
        elif group is not None:
            self._folded ^= {group.key}
            self._list_again()
            self.view.cursor = event.row

    def _search_offer(self, offer: Offer | None) -> None:
        if offer is not None:
            query = filters.with_service(self.state.query, offer.service) if offer.service else None
            self.post_message(WidenWindow(offer.window_ns, query))

    # --- the filter --------------------------------------------------------------------------------------------------

    def filter_by_start(self, query: str) -> None:
        self.sort_key, self.descending, self._grouped, self._wants_first = SortKey.START, False, False, True
        if query.strip() == self.state.query:
            self._list_again()
        self.apply_filter(query)

    def on_query_bar_submitted(self, event: QueryBar.Submitted) -> None:
        event.stop()
        text = event.text

        def done(found: filters.ParsedText) -> None:
            query, error, trace_ids = found
            if self.query_bar.input.text.strip() != text:
                return
            self.query_bar.show_error(error)
            if error is None:
                self.state.add_query(query)
                self.apply_filter(query, opens=trace_ids)
            elif self.has_focus_within:
                self.query_bar.input.focus()

        # the first query builds the grammar, and keys pressed meanwhile must not edit the text
        self.focus_pane()
        self.work("traces-parse", lambda: filters.read_query(text), done)

    def on_query_bar_left(self, _: QueryBar.Left) -> None:
        self.focus_pane()

    def on_scatter_selected(self, event: Scatter.Selected) -> None:
        event.stop()
        self.focus_pane()
        conditions = filters.window_conditions(event.window)
        if conditions:
            self.apply_filter(filters.narrow(self.state.query, conditions))

    def on_scatter_left(self, _: Scatter.Left) -> None:
        self.focus_pane()

    # --- keys --------------------------------------------------------------------------------------------------------

    def action_write_query(self) -> None:
        self.query_bar.begin()

    def action_quick_filter(self, question: str) -> None:
        if self._loaded is not None:
            getattr(self._questions, question)()

    def action_dialog(self, question: str) -> None:
        if self._loaded is not None:
            getattr(self._answers, question)()

    @property
    def trace_under_cursor(self) -> int | None:
        return self._trace_of(self.view.cursor)

    @property
    def _listed(self) -> TraceRows | None:
        """Rows on the screen."""
        return self._rows if self._rows is not None else self._previous

    def _trace_of(self, row: int) -> int | None:
        """Trace of a row on the screen, as a position in the loaded set."""
        if self._offered is not None:
            return None
        rows, loaded = self._listed, self._loaded
        trace = rows.trace(row) if rows is not None else None
        if rows is None or trace is None or rows is not self._previous or loaded is None:
            return trace
        return loaded.find_trace(rows.columns.traces.trace_ids[trace])

    def action_undo(self) -> None:
        previous = self._previous_filters.back()
        if previous is None:
            self.post_notice("nothing to undo")
        else:
            self.apply_filter(previous)

    def action_select_region(self) -> None:
        if not self.scatter.begin():
            self.post_notice(f"the plot needs a terminal of {_LEAST_ROWS} lines and at least one trace")

    def action_sort(self) -> None:
        keys = [*SortKey]
        self._sort_by(keys[(keys.index(self.sort_key) + 1) % len(keys)])

    def _sort_by(self, key: SortKey) -> None:
        self.sort_key, self.descending = key, key is not SortKey.NAME
        self._list_again()

    def on_click(self, event: events.Click) -> None:
        if self._rows is None or event.widget is not self.query_one("#traces-header"):
            return
        # the cursor takes two cells before a line
        column = self._rows.heading_at(self.view.line_width, event.x - 2)
        if column is not None and column is self.sort_key:
            self.action_reverse()
        elif column is not None:
            self._sort_by(column)
        self.focus_pane()

    def action_reverse(self) -> None:
        self.descending = not self.descending
        self._list_again()

    def action_slowest(self) -> None:
        self.sort_key, self.descending, self._wants_first = SortKey.DURATION, True, True
        self._group(False)

    def action_failing(self) -> None:
        if self._columns is None:
            return
        if not self._grouped:
            if not self._columns.origins[self.state.shown].any():
                self.post_notice("no errors in these traces")
                return
            self.sort_key, self.descending, self._wants_first = SortKey.DURATION, True, True
        self._group(not self._grouped)

    def _group(self, grouped: bool) -> None:
        self._grouped = grouped
        self._list_again()

    def action_copy(self) -> None:
        trace = self.trace_under_cursor
        if trace is not None:
            open_trace_menu(self, self.state, self.work, trace)

    def action_mark(self) -> None:
        trace = self.trace_under_cursor
        if trace is not None:
            if not self.state.marked:
                mark, again = chosen_mark(self.state.look.glyphs), self.key_names.short("{traces.mark}")
                self.post_notice(f"{mark} marks the trace; {again} again removes the mark")
            self.state.toggle_mark(trace)
            self._show_count()
            self.view.refresh_row(self.view.cursor)
            self.view.action_move(1)
