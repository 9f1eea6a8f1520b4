"""Location of the user, within a trace set and as ids that are valid for another set of the same sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import structs

from tracetui.tui.settings import Resume
from tracetui.tui.state import State

if TYPE_CHECKING:
    from tracetui.session import FilteredSession

_MAX_BOOKMARKS = 50


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Entry of the navigation history: a view and its selection, as positions of the loaded set."""

    view: str
    trace: int | None
    span: int | None
    query: str | None = None
    """Filter to restore; None to keep the current one."""
    come_back: Callable[[], None] | None = None
    """Restores the overlay that was open over the view."""


class History:
    """Locations that the user can go back to, the latest last."""

    def __init__(self) -> None:
        self._bookmarks: list[Bookmark] = []
        self._at_request: list[Bookmark] = []

    def __bool__(self) -> bool:
        return bool(self._bookmarks)

    def add(self, bookmark: Bookmark) -> None:
        """Add a location, unless it is the latest already."""
        if not self._bookmarks or self._bookmarks[-1] != bookmark:
            self._bookmarks = [*self._bookmarks, bookmark][-_MAX_BOOKMARKS:]

    def pop(self) -> Bookmark:
        """Remove and return the latest location."""
        return self._bookmarks.pop()

    def request_begins(self) -> None:
        """Note that a load or a search begins."""
        self._at_request = self._bookmarks.copy()

    @property
    def has_moved_on(self) -> bool:
        """True if the user has gone further since the last request began."""
        return self._bookmarks != self._at_request[: len(self._bookmarks)]

    def forget_positions(self) -> None:
        """Keep only views and filters: positions of the previous set mean nothing in a new one."""
        for bookmarks in (self._bookmarks, self._at_request):
            bookmarks[:] = [replace(bookmark, trace=None, span=None, come_back=None) for bookmark in bookmarks]


def bookmark_of(state: State, view: str) -> Resume:
    """Return the current location as ids and names."""
    resume = Resume(
        list(state.sources),
        view,
        state.query,
        logs=list(state.logs),
        search=state.search,
        overrides=state.overrides,
        rows=dict(state.rows),
        exact_names=state.exact_names,
    )
    if state.session is not None and state.trace is not None:
        loaded = state.session.loaded
        resume.trace_id = loaded.trace_ids[state.trace]
        if state.span is not None:
            resume.span_id = loaded.span_id(state.span)
    return resume


def marked_trace_ids(state: State) -> list[str]:
    """Return the ids of the marked traces."""
    if state.session is None:
        return []
    return [state.session.loaded.trace_ids[trace] for trace in sorted(state.marked)]


def restore_selection(state: State, location: Resume, marked: list[str]) -> None:
    """Select the same trace and span, and mark the same traces, in the current set."""
    assert state.session is not None
    loaded = state.session.loaded
    trace = loaded.find_trace(location.trace_id) if location.trace_id else None
    span = None
    if trace is not None:
        span = next((s for s in loaded.spans_of(trace) if loaded.span_id(s) == location.span_id), None)
    state.select(trace, span)
    state.mark(trace for trace in map(loaded.find_trace, marked) if trace is not None)


class LocationKeeper:
    """Keeps the user's location while sets arrive, and returns to a saved one once its traces are there."""

    def __init__(self, state: State, resume: Resume | None) -> None:
        self._state = state
        self._resume = resume

    def saved(self, view: str, query: str) -> Resume:
        """Return the location to save: the current one, or the one that is still to be returned to."""
        current, resume = bookmark_of(self._state, view), self._resume
        current.query = query
        if resume is None:
            return current
        ids = {"trace_id": resume.trace_id, "span_id": resume.span_id}
        return structs.replace(current, view=resume.view, rows={**current.rows, **resume.rows}, **ids)

    def view_changed(self, view: str) -> None:
        """Note that the user has changed the view, so that an arriving set does not change it back."""
        if self._resume is not None:
            self._resume = structs.replace(self._resume, view=view)

    def trace_opened(self) -> None:
        """Note that the user has opened a trace, so that an arriving set does not open another."""
        if self._resume is not None:
            self._state.set_rows({**self._resume.rows, **self._state.rows})
            self._resume = None

    def install(self, selected: FilteredSession, view: str, is_placed: bool) -> None:
        """Put an arrived set into the state, and select in it what was selected before.

        is_placed: whether the user has moved the cursor, which then stays on its trace.
        """
        state = self._state
        location = self._resume or bookmark_of(state, view)
        if self._resume is None and not is_placed:
            location.trace_id = ""
        marked = marked_trace_ids(state)
        state.install(selected)
        restore_selection(state, location, marked)
        state.set_rows(location.rows)

    def view_to_return_to(self) -> str:
        """Return the view to restore, once; '' for none."""
        view = self._resume.view if self._resume is not None else ""
        self._resume = None
        return view
