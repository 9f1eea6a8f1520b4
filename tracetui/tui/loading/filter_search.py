"""Search of the loaded traces for a filter, which shows the first matches while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import TYPE_CHECKING

from tracetui.model.errors import UsageError
from tracetui.render.text import numbers
from tracetui.tui.loading.host import LoadHost
from tracetui.tui.state import State

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    from tracetui.session import SelectedPart, Session


class FilterSearch:
    """Runs one search at a time: each part is a job, so that the parts before it are shown meanwhile."""

    def __init__(self, state: State, host: LoadHost) -> None:
        self.status = ""
        """Progress of a search with more than one part; '' otherwise."""
        self._state, self._host = state, host
        self._parts: Iterator[SelectedPart] | None = None
        self._query = ""
        self._stop = Event()
        self._shows_matches = False
        """True once matches of the running search are shown."""

    @property
    def is_running(self) -> bool:
        """True while a search can be stopped by the user."""
        return self._parts is not None and self._state.is_searching

    def begin(
        self, session: Session, query: str, done: Callable[[], None], failed: Callable[[UsageError], None]
    ) -> None:
        """Search for a query and show the traces that match; then call `done`, or `failed` if it is invalid."""
        self.cancel()
        stop = self._stop = Event()
        self._query, self._shows_matches = query, False
        parts = self._parts = session.select_in_parts(query, stop.is_set)
        self._next(parts, done, failed)

    def cancel(self) -> None:
        """Drop the running search; what it has shown stays."""
        self._stop.set()
        self._parts, self.status = None, ""
        self._state.end_search()

    def stop(self) -> str:
        """Stop the running search for the user, keeping what it has found. -> the filter of the traces shown"""
        self.cancel()
        if self._shows_matches:
            share = numbers.whole_percent(100 * self._state.searched_share)
            found = numbers.counted(len(self._state.shown), "match", "matches")
            self._host.show_notice(f"search stopped after {share} of the traces: {found}")
        else:
            self._host.show_notice("search stopped before the first match; the filter is unchanged")
        self._host.refresh_views()
        return self._state.query

    def _next(
        self, parts: Iterator[SelectedPart], done: Callable[[], None], failed: Callable[[UsageError], None]
    ) -> None:
        from tracetui.analysis.span_search import SearchStoppedError

        def search() -> SelectedPart | UsageError | None:
            try:
                return next(parts)
            except UsageError as error:
                return error
            except SearchStoppedError:
                return None

        def found(part: SelectedPart | UsageError | None) -> None:
            if parts is not self._parts or part is None:
                return
            if isinstance(part, UsageError):
                self.cancel()
                failed(part)
                return
            if part.share < 1:
                self._show_progress(part)
            else:
                self.cancel()
            if part.analysis is not None:
                self._shows_matches = True
                self._state.show_traces(self._query, part.shown, part.analysis, part.share)
                self._host.traces_changed(is_new_set=False)
            if part.share < 1:
                self._next(parts, done, failed)
            else:
                done()

        self._host.work("filter", search, found)

    def _show_progress(self, part: SelectedPart) -> None:
        if not self.status:
            self._state.begin_search()
            self._host.request_begins()
        self.status = f"searching  {numbers.whole_percent(100 * part.share)}"
