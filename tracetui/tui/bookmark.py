"""Bookmark: the user's location in terms that hold in another set of the same sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracetui.tui.settings import Resume
from tracetui.tui.state import State


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A view, and the selection when it was left. Positions of the loaded set."""

    view: str
    trace: int | None
    span: int | None
    query: str | None = None
    """Filter to restore with it, None to keep the current one."""
    come_back: Callable[[], None] | None = None
    """Restores the overlay that was open over the view."""


def bookmark_of(state: State, view: str) -> Resume:
    """Bookmark of the current location."""
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
    """The ids of the marked traces."""
    if state.session is None:
        return []
    return [state.session.loaded.trace_ids[trace] for trace in sorted(state.marked)]


def select_again(state: State, place: Resume, marked: list[str]) -> None:
    """Find the selection and the marks again in the set that the state has now."""
    assert state.session is not None
    loaded = state.session.loaded
    trace = state.trace = loaded.find_trace(place.trace_id) if place.trace_id else None
    state.span = None
    if trace is not None:
        state.span = next((s for s in loaded.spans_of(trace) if loaded.span_id(s) == place.span_id), None)
    state.marked.clear()
    state.marked.update(trace for trace in map(loaded.find_trace, marked) if trace is not None)
