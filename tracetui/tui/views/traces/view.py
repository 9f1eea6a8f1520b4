"""Traces view: filter, plot of response times, and a row for each trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from tracetui.model.search_offers import Offer
from tracetui.model.traces import TraceSet
from tracetui.query import edit as filters
from tracetui.render.text import numbers
from tracetui.render.text.line import Line
from tracetui.render.traces.columns import SortKey
from tracetui.render.traces.table import marked_glyph
from tracetui.tui.background_work import Work
from tracetui.tui.keys.everywhere import APP, EDIT
from tracetui.tui.keys.traces import QUERY, REGION, TRACES
from tracetui.tui.messages import LocationChanged, OpenTrace, WidenWindow
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.views.choice_filler import ChoiceFiller
from tracetui.tui.views.traces.before_after import PlotMarks
from tracetui.tui.views.traces.causes import CauseFinder
from tracetui.tui.views.traces.column_choice import open_columns
from tracetui.tui.views.traces.dialogs import DIALOGS, TraceDialogs
from tracetui.tui.views.traces.empty_states import (
    Prepared,
    loading_lines,
    no_match_lines,
    no_trace_lines,
    prepared,
)
from tracetui.tui.views.traces.filter_control import FilterControl
from tracetui.tui.views.traces.listing import Grouping, ListGrouping, TraceListing
from tracetui.tui.views.traces.match_reason import MatchReason
from tracetui.tui.views.traces.saved_filters import open_saved_filters
from tracetui.tui.views.traces.verdict import VerdictFinder
from tracetui.tui.views.traces.verdict_bar import VerdictBar
from tracetui.tui.widgets.copy_menu import open_trace_menu
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.query_bar import QueryBar
from tracetui.tui.widgets.scatter import NO_POINTS, Scatter

_MIN_ROWS = 20
"""Smallest height of a terminal for the plot."""


class TracesView(View):
    """Filter, plot and list of traces."""

    KEYS = (TRACES,)
    BINDINGS: ClassVar[list[BindingType]] = TRACES.bindings
    DEFAULT_CSS = """
    TracesView Scatter { height: 6; }
    TracesView #traces-empty { display: none; height: 5; }
    """

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        look = state.look
        self.verdict = VerdictBar(look, id="traces-verdict")
        self.scatter = Scatter(look, id="traces-scatter")
        self.listing = TraceListing(state)
        self.filler = ChoiceFiller(self)
        self.filters = FilterControl(self, self.listing, self.filler)
        self.query_bar = self.filters.bar
        self.grouping = ListGrouping(self, self.listing)
        self.marks = PlotMarks(self.scatter, look, work)
        self.causes = CauseFinder(self)
        self.verdicts = VerdictFinder(self, self.verdict, self.causes, self.on_resize)
        self.dialogs = TraceDialogs(
            self, lambda: self.trace_under_cursor, self.filler, self.marks.mark_comparison, self.causes
        )
        self.reason = MatchReason(self)
        self._loaded: TraceSet | None = None
        self._is_opening = False

    def compose(self) -> ComposeResult:
        yield self.query_bar
        yield self.verdict
        yield self.scatter
        yield self.listing.heading
        yield self.listing.empty
        yield self.listing.view

    @property
    def hints(self) -> Sequence[tuple[str, str]]:
        """Key hints for the list, the filter or the region."""
        if self.query_bar.is_edited:
            middle = EDIT.hints("edit.clear") if self.query_bar.input.text else QUERY.hints("query.complete")
            history, leave = QUERY.hints("query.previous query.next", "query.leave")
            return [*QUERY.hints("query.submit"), *middle, history, leave]
        if self.scatter.region_cells is not None:
            moves = "region.left region.right region.up region.down"
            return REGION.hints(moves, "region.wider region.narrower", "region.take", "region.leave")
        if self.listing.offered is not None:
            window, query = TRACES.hints("traces.window", "traces.filter")
            return [("{list.open}", "load"), *APP.hints("app.more"), window, query]
        if self.listing.is_empty and self.listing.columns is not None:
            return TRACES.hints("traces.filter", "traces.undo", "traces.window")
        query, _, *others = TRACES.hints("traces.filter", "traces.group", "traces.slowest", "list.open")
        group = "{traces.group}", self.grouping.following.value
        # a filter can be set while loading; other keys need rows
        return [query, group, *others] if self.listing.rows is not None else [query]

    @property
    def trace_under_cursor(self) -> int | None:
        return self.listing.trace(self.listing.view.cursor)

    # --- notifications -----------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        if self.state.session is None:
            self._show_rows_or(no_trace_lines(self.state, self.key_names))

    def work_failed(self, name: str) -> None:
        if name == "traces-list":
            self._is_opening = False
        self.filler.work_failed(name)

    @property
    def is_opening(self) -> bool:
        """True while the first rows are made."""
        return self._is_opening

    def set_changed(self) -> None:
        state = self.state
        self.filler.set_changed()
        if state.session is None:
            self._show_rows_or(no_trace_lines(state, self.key_names))
            return
        loaded = state.session.loaded
        if loaded is not self._loaded:
            self.filters.begin_set(loaded, is_first=self._loaded is None)
            self._loaded = loaded
            self.listing.begin_set(loaded)
        self.filters.set_changed()
        self.filters.show_count(loaded)
        if self.listing.rows is None:
            self._is_opening = True
            self._show_rows_or(loading_lines(state))
        self._prepare(loaded)

    def _prepare(self, loaded: TraceSet) -> None:
        columns, state = self.listing.columns, self.state
        shown, query, attributes, glyphs = state.shown, state.query, state.columns.attributes, state.look.glyphs
        by_entry_point = self.listing.grouping is Grouping.ENTRY_POINTS
        self.work(
            "traces-list",
            lambda: prepared(loaded, columns, shown, query, glyphs, attributes, by_entry_point=by_entry_point),
            self._show,
        )

    def sources_changed(self) -> None:
        self._loaded, self._is_opening = None, False
        self.marks.clear()
        self.causes.forget()
        self.scatter.show(NO_POINTS)
        self.listing.clear()
        self.verdicts.clear()
        self.filters.clear()
        self.filters.show_count(None)

    def selection_changed(self) -> None:
        self.listing.show_heading()
        if self.state.trace is not None:
            self.listing.go_to(self.state.trace)

    def look_changed(self) -> None:
        look = self.state.look
        self.query_bar.set_look(look.theme, look.glyphs)
        for widget in (self.verdict, self.listing.heading, self.listing.empty, self.listing.view):
            widget.set_look(look.theme)
        self.scatter.remake()
        self.listing.rebuild()
        self.verdicts.look_changed()

    @property
    def is_placed(self) -> bool:
        return self.listing.view.cursor > 0

    @property
    def figures(self) -> tuple[str, str, str]:
        return self.listing.figures

    def crumbs(self) -> list[str]:
        group = [self.listing.grouping.value] if self.listing.is_grouped else []
        return [*group, *([self.reason.text] if self.reason.text else [])]

    def go_back(self) -> bool:
        if self.query_bar.is_edited:
            self.query_bar.leave()
        elif self.scatter.region_cells is not None:
            self.scatter.leave()
        elif self.listing.is_grouped:
            self.listing.ungroup()
        else:
            return False
        self.take_focus()
        return True

    def go_back_to(self, crumb: int) -> None:
        if self.query_bar.is_edited:
            self.query_bar.leave()
        self.scatter.leave()
        # of the breadcrumbs, only the group can be followed by another one
        if crumb == 0 and self.listing.is_grouped:
            self.listing.ungroup()
        self.take_focus()

    def take_focus(self) -> None:
        self.listing.view.focus()

    def on_descendant_focus(self) -> None:
        self.post_message(LocationChanged())

    def on_resize(self) -> None:
        height = self.app.size.height
        self.scatter.display = height >= _MIN_ROWS and not self.listing.is_empty
        self.verdict.display = height >= _MIN_ROWS and not self.listing.is_empty and self.verdict.has_verdict
        self.scatter.styles.height = 5 if height < 28 else 6 if height < 36 else 8 if height < 50 else 10
        # the list receives its new width after this
        self.listing.show_heading()

    # --- showing -----------------------------------------------------------------------------------------------------

    def _show(self, found: Prepared) -> None:
        self._is_opening = False
        if self.listing.rows is None:
            # the hints change
            self.post_message(LocationChanged())
        self.listing.show(found.columns, found.entries)
        self.filters.show_count(self._loaded)
        self.scatter.show(found.points, found.shown, found.stats)
        self._mark_point()
        if len(found.shown):
            lines = []
        elif not found.columns.traces.trace_count:
            lines = no_trace_lines(self.state, self.key_names)
        else:
            scope, is_live = self.state.search_scope, self.state.is_live
            lines = no_match_lines(self.state.query, found.no_match, self.key_names, scope, is_live=is_live)
        self._show_rows_or(lines)
        self._work_on_verdict()

    def _work_on_verdict(self) -> None:
        """Find the verdict on the traces shown, and the times of changes, unless more of them are about to arrive."""
        analysis = self.state.analysis
        is_partial = self.state.load_state == "reading" or self.state.is_searching
        if analysis is not None and not is_partial and analysis.traces.trace_count:
            self.verdicts.find(analysis)
            self.marks.find(analysis)

    def _show_rows_or(self, lines: list[Line]) -> None:
        """Show the list and its plot, or these lines instead."""
        self.listing.show_or(lines)
        self.on_resize()

    def on_line_view_resized(self, _: LineView.Resized) -> None:
        self.listing.show_heading()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        state = self.state
        if self.listing.offered is not None:
            return
        trace = self.listing.trace(event.row)
        if trace is not None and trace != state.trace and (self.display or state.trace is None):
            state.select(trace)
        self._mark_point()

    def _mark_point(self) -> None:
        trace, loaded = self.state.trace, self._loaded
        self.reason.find(loaded, self.trace_under_cursor)
        if trace is not None and loaded is not None and trace < loaded.trace_count:
            start, response = int(loaded.trace_start[trace]), int(loaded.response_time[trace])
            self.scatter.point_at(start, response, has_errors=bool(loaded.trace_errors[trace]))

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        if self.listing.offered is not None:
            self._load_offer(self.listing.offered.offer(event.row))
            return
        trace = self.listing.trace(event.row)
        if trace is not None:
            self.post_message(OpenTrace(trace))
        elif self.listing.is_previous:
            self.post_notice("not available while the list is being rebuilt")
        else:
            self.listing.toggle_group(event.row)

    def _load_offer(self, offer: Offer | None) -> None:
        if offer is not None:
            query = filters.with_service(self.state.query, offer.service) if offer.service else None
            self.post_message(WidenWindow(offer.window_ns, query))

    # --- the filter --------------------------------------------------------------------------------------------------

    def on_query_bar_submitted(self, event: QueryBar.Submitted) -> None:
        event.stop()
        self.filters.submit(event.text)

    def on_query_bar_cancelled(self, _: QueryBar.Cancelled) -> None:
        self.take_focus()

    def on_scatter_selected(self, event: Scatter.Selected) -> None:
        event.stop()
        self.take_focus()
        conditions = filters.window_conditions(event.window)
        if conditions:
            self.filter_by(filters.narrow(self.state.query, conditions))

    def on_scatter_contrasted(self, event: Scatter.Contrasted) -> None:
        event.stop()
        self.take_focus()
        self.dialogs.contrast_region(event.inside, durations=event.durations)

    def on_scatter_cancelled(self, _: Scatter.Cancelled) -> None:
        self.take_focus()

    def on_scatter_picked(self, event: Scatter.Picked) -> None:
        self.take_focus()
        if not self.listing.reveal(event.trace):
            self.post_notice("this trace is not in the list")

    # --- keys --------------------------------------------------------------------------------------------------------

    def action_write_query(self) -> None:
        self.query_bar.begin()

    def action_filter(self, name: str) -> None:
        """Edit the filter, in one of the ways of `QUICK_FILTERS`."""
        self.filters.quick.apply(name)

    def action_dialog(self, name: str) -> None:
        """Open one of `DIALOGS`."""
        DIALOGS[name](self.dialogs)

    def action_why(self) -> None:
        self.causes.open()

    def action_undo(self) -> None:
        self.filters.undo()

    def action_select_region(self) -> None:
        if not self.scatter.begin():
            self.post_notice(f"the plot needs a terminal of {_MIN_ROWS} lines and at least one trace")

    def action_sort(self) -> None:
        self.listing.sort_by_next()

    def action_saved_filters(self) -> None:
        """Apply, save or remove a filter by name."""
        open_saved_filters(self)

    def action_columns(self) -> None:
        """Add or remove a column."""

        def changed() -> None:
            if self._loaded is not None:
                self._prepare(self._loaded)

        open_columns(self, self.filler, changed)

    def action_reverse(self) -> None:
        self.listing.reverse()

    def on_click(self, event: events.Click) -> None:
        if event.widget is not self.listing.heading:
            return
        self.listing.sort_by_heading(event.x)
        self.take_focus()

    def action_slowest(self) -> None:
        listing = self.listing
        if listing.is_empty or listing.offered is not None:
            return
        is_first = listing.is_slowest_first and listing.view.cursor == 0
        listing.order_from_first(SortKey.DURATION, descending=True, grouping=Grouping.NONE)
        listing.rebuild()
        count = numbers.counted(len(self.state.shown), "trace")
        # a key that changes nothing must say so, or it looks broken
        self.post_notice(f"this is the slowest of {count}" if is_first else f"the slowest of {count}")

    def action_group(self) -> None:
        self.grouping.change()

    def action_failing(self) -> None:
        self.grouping.toggle_errors()

    def action_copy(self) -> None:
        trace = self.trace_under_cursor
        if trace is not None:
            open_trace_menu(self, self.state, self.work, trace)

    def action_mark(self) -> None:
        trace, view = self.trace_under_cursor, self.listing.view
        if trace is not None:
            if not self.state.marked:
                glyph = marked_glyph(self.state.look.glyphs)
                self.post_key_notices(f"{glyph} marks the trace; {{traces.mark}} again removes the mark")
            self.state.toggle_mark(trace)
            self.filters.show_count(self._loaded)
            view.refresh_row(view.cursor)
            view.action_move(1)
