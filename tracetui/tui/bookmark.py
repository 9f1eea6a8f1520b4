"""Location of the user, within a trace set and as ids that are valid for another set of the same sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracetui.tui.settings import Resume
from tracetui.tui.state import State


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
    trace = state.trace = loaded.find_trace(location.trace_id) if location.trace_id else None
    state.span = None
    if trace is not None:
        state.span = next((s for s in loaded.spans_of(trace) if loaded.span_id(s) == location.span_id), None)
    state.marked.clear()
    state.marked.update(trace for trace in map(loaded.find_trace, marked) if trace is not None)
