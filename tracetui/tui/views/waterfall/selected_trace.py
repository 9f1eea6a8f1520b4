"""Opening of the trace that is selected, or of a subtree of it, and the messages in its place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from textual.timer import Timer

from tracetui.tui.background_work import Work
from tracetui.tui.state import State
from tracetui.tui.views.waterfall.header import Header
from tracetui.tui.views.waterfall.prepare import Opening, PreparedTrace, TraceOpener
from tracetui.tui.views.waterfall.rows import WaterfallRows, empty_message
from tracetui.tui.views.waterfall.view_state import ViewState
from tracetui.tui.views.waterfall.view_states import ViewStates

_SHOW_OPENING_AFTER = 0.25
"""Seconds after which a message says that a trace is being opened."""


class SelectionHost(Protocol):
    """The part of the view that shows what is selected."""

    header: Header
    rows: WaterfallRows

    @property
    def visible_rows(self) -> int:
        """Number of rows of a large trace that are visible at once."""
        ...

    def set_timer(self, delay: float, callback: Callable[[], Any]) -> Timer: ...

    def go_to(self, span: int) -> None: ...

    def leave_trace(self) -> None:
        """Leave what is shown: no trace is until the next one is ready."""
        ...

    def show_trace(self) -> None:
        """Show the opened trace at the selected span."""
        ...

    def show_subtree(self, outer: ViewState, span: int, opened: PreparedTrace) -> None:
        """Show the subtree of a span of what was shown when it was opened."""
        ...

    def show_instead(self, *texts: str) -> None:
        """Show a message instead of a trace; `texts` name keys by their actions."""
        ...


class SelectedTrace:
    """Opens the selected trace, and subtrees of it."""

    def __init__(self, host: SelectionHost, states: ViewStates, state: State, work: Work) -> None:
        self._host, self._states, self._state = host, states, state
        self._opener = TraceOpener(state, work)

    @property
    def is_opening(self) -> bool:
        return self._opener.opening is not None

    @property
    def is_opening_subtree(self) -> bool:
        opening = self._opener.opening
        return opening is not None and opening.root is not None

    def cancel(self) -> None:
        """Give up what is being opened."""
        self._opener.cancel()

    def follow(self) -> None:
        """Show the selected trace at the selected span, or a message if there is none."""
        session, trace = self._state.session, self._state.trace
        if session is None or trace is None or trace >= session.loaded.trace_count:
            self._opener.cancel()
            self._host.leave_trace()
            self._host.show_instead(*empty_message(self._state, session is not None))
            return
        if self._opener.take_set(session.loaded, session.analysis):
            self._states.show(None)
        opening, shown = self._opener.opening, self._states.shown
        if shown is not None and shown.opened.trace == trace:
            if opening is not None and opening.trace != trace:
                self._opener.cancel()
            if self._state.span is not None and self._state.span != shown.span_at(self._host.rows.cursor):
                self._host.go_to(self._state.span)
        elif opening is None or opening.trace != trace:
            self._host.leave_trace()
            self._open(Opening(trace))

    def _open(self, wanted: Opening) -> None:
        self._opener.open(wanted, self._host.header.options, self._host.visible_rows, self._opened)

        def show_waiting() -> None:
            if self._opener.opening is wanted:
                self._host.show_instead("Opening the trace ...", "Keys are queued; {app.back} goes back.")

        if self.is_opening:
            self._host.set_timer(_SHOW_OPENING_AFTER, show_waiting)

    def _opened(self, opened: PreparedTrace) -> None:
        # the user may have selected another trace meanwhile
        if self._state.trace == opened.trace:
            self._states.show(ViewState(opened))
            self._host.show_trace()

    def open_subtree(self, outer: ViewState, span: int) -> None:
        """Open the subtree of a span of what is shown."""
        opening, host = Opening(outer.opened.trace, span), self._host
        self._opener.open(opening, host.header.options, host.visible_rows, partial(host.show_subtree, outer, span))

    def work_failed(self, name: str) -> None:
        """Show that the trace could not be opened, if that is the job that failed."""
        opening = self._opener.opening
        if name == "waterfall" and opening is not None:
            self._opener.cancel()
            if opening.root is None:
                self._host.show_instead("The trace could not be opened.", "{view.traces} lists the traces.")
