"""Navigation: from view to view, to traces, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from textual.message import Message

from tracetui.tui.bookmark import Bookmark
from tracetui.tui.messages import FilterTraces, ListTraces, OpenTrace
from tracetui.tui.source_tabs import SourceTabs
from tracetui.tui.state import State
from tracetui.tui.views.registry import VIEWS


class NavigationHost(Protocol):
    """The part of the app that navigation uses."""

    def display_view(self, view: str) -> None:
        """Show a view, and give it the focus."""
        ...

    def post_message(self, message: Message) -> bool: ...


class Navigator:
    """Changes the current view and the selection; keeps the way back in the history of the open sources."""

    def __init__(self, state: State, tabs: SourceTabs, host: NavigationHost) -> None:
        self._state, self._tabs, self._host = state, tabs, host

    def go_to(self, view: str) -> None:
        """Show another view."""
        if view != self._tabs.current.view and view in dict(VIEWS):
            self._add_bookmark()
            self._show(view)

    def open_trace(self, wanted: OpenTrace) -> None:
        """Show a trace in the waterfall."""
        if self.are_loaded([wanted.trace], wanted.span):
            self._add_bookmark(come_back=wanted.come_back)
            self._tabs.current.controller.location.trace_opened()
            self._state.select(wanted.trace, wanted.span)
            self._show("waterfall")

    def list_traces(self, wanted: ListTraces) -> None:
        """List the traces that a query selects."""
        self._add_bookmark(self._state.query)
        self._show(wanted.view)
        self._host.post_message(FilterTraces(wanted.query, search_servers=False))

    def go_back(self) -> None:
        """Return to the previous location, if there is one."""
        if not self._tabs.current.history:
            return
        bookmark = self._tabs.current.history.pop()
        if bookmark.trace is not None:
            self._state.select(bookmark.trace, bookmark.span)
        self._show(bookmark.view)
        if bookmark.query is not None and bookmark.query != self._state.query:
            self._host.post_message(FilterTraces(bookmark.query, search_servers=False))
        if bookmark.come_back is not None:
            bookmark.come_back()

    def are_loaded(self, traces: Sequence[int], span: int | None = None) -> bool:
        """Test whether traces, and a span of the first one, exist. A message may have been sent for another set."""
        loaded = self._state.session.loaded if self._state.session is not None else None
        if loaded is None or max(traces) >= loaded.trace_count:
            return False
        return span is None or loaded.first[traces[0]] <= span < loaded.first[traces[0] + 1]

    def _add_bookmark(self, query: str | None = None, come_back: Callable[[], None] | None = None) -> None:
        """Add the current location to the history. Going back to it restores `query` and calls `come_back`."""
        tab, state = self._tabs.current, self._state
        tab.history.add(Bookmark(tab.view, state.trace, state.span, query, come_back))

    def _show(self, view: str) -> None:
        tab = self._tabs.current
        tab.view = view
        tab.controller.location.view_changed(view)
        if view != "waterfall":
            tab.controller.show_deferred()
        self._host.display_view(view)
