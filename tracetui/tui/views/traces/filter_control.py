"""The filter of the list of traces: its text and the numbers beside it, how it is applied, and undone."""

from __future__ import annotations

from functools import partial

from tracetui.model.traces import TraceSet
from tracetui.query import edit as filters
from tracetui.query.complete import Vocabulary
from tracetui.render.text.line import Line, Role
from tracetui.render.traces.columns import SortKey
from tracetui.tui.views.base import View
from tracetui.tui.views.choice_filler import ChoiceFiller
from tracetui.tui.views.traces.empty_states import count_line, query_vocabulary
from tracetui.tui.views.traces.listing import Grouping, TraceListing
from tracetui.tui.views.traces.quick_filters import QuickFilters
from tracetui.tui.widgets.query_bar import QueryBar


class FilterControl:
    """Applies filters of a view. The order of its list belongs to the filter, and returns with it."""

    def __init__(self, view: View, listing: TraceListing, filler: ChoiceFiller) -> None:
        look, state = view.state.look, view.state
        self.bar = QueryBar(look.theme, look.glyphs, state.previous_queries, id="traces-query")
        self.quick = QuickFilters(view, self.list_by_start, filler)
        self._view, self._state, self._listing = view, state, listing
        self._history = filters.FilterHistory()

    def begin_set(self, loaded: TraceSet, *, is_first: bool) -> None:
        """Use the words of a loaded set, whatever filter is applied meanwhile."""
        if is_first:
            self._history.begin(self._state.query)
        done = partial(self._set_vocabulary, loaded)
        self._view.work("traces-words", lambda: query_vocabulary(loaded), done, outlives_set=True)

    def _set_vocabulary(self, loaded: TraceSet, known: Vocabulary) -> None:
        self.quick.set_vocabulary(loaded, known)
        self.bar.set_vocabulary(known)

    def set_changed(self) -> None:
        """Show the filter of the traces shown."""
        self._history.applied(self._state.query)
        self.bar.show_query(self._state.query)

    def clear(self) -> None:
        """Forget the filters of other sources."""
        self._history = filters.FilterHistory()
        self.bar.leave()
        self.bar.show_query(self._state.query)

    def show_count(self, loaded: TraceSet | None) -> None:
        """Show how many of the loaded traces are shown."""
        total = loaded.trace_count if loaded is not None else 0
        if self._state.session is None:
            # of other sources, nothing is known yet
            self.bar.show_count(Line(), Line())
            return
        # once the columns are made, this is known without work on the loop
        is_known = loaded is not None and self._listing.columns is not None
        skewed = int(loaded.skewed[self._state.shown].sum()) if loaded is not None and is_known else 0
        short = Line([(f"{len(self._state.shown):,} of {total:,}", Role.STRONG)])
        self.bar.show_count(count_line(self._state, total, self._view.key_names, skewed), short)

    def submit(self, text: str) -> None:
        """Apply a text that was typed: a query, or one with ids of traces to open."""

        def done(found: filters.ParsedText) -> None:
            query, error, trace_ids = found
            if self.bar.input.text.strip() != text:
                return
            self.bar.show_error(error)
            if error is None:
                self._state.add_query(query)
                self._view.filter_by(query, opens=trace_ids)
            elif self._view.has_focus_within:
                self.bar.input.focus()

        # the first query builds the grammar, and keys pressed meanwhile must not edit the text
        self._view.take_focus()
        self._view.work("traces-parse", lambda: filters.read_query(text), done, outlives_set=True)

    def list_by_start(self, query: str) -> None:
        """Apply a filter, and sort by start."""
        listing, current = self._listing, self._state.query
        if query.strip() != current:
            listing.save_order(current)
        listing.order_from_first(SortKey.START, descending=False, grouping=Grouping.NONE)
        if query.strip() == current:
            listing.rebuild()
        self._view.filter_by(query)

    def undo(self) -> None:
        """Return to the previous filter."""
        previous = self._history.back()
        if previous is None:
            self._view.post_notice("nothing to undo")
        else:
            self._listing.restore_order(previous)
            self._view.filter_by(previous)
