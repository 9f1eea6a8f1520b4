"""Steps after the arrival of traces: open those that the user asked for, or offer ways to find some."""

from __future__ import annotations

from collections.abc import Callable

from tracetui.render.text import numbers
from tracetui.tui.loading.host import LoadHost
from tracetui.tui.state import State


class NextSteps:
    """Takes the next step for the user once a set has arrived, or nothing new."""

    def __init__(
        self, state: State, host: LoadHost, search_filter: Callable[[], bool], find_newest: Callable[[], None]
    ) -> None:
        """search_filter: searches the servers for the filter, unless that was done. -> whether a search starts

        find_newest: looks up the newest traces on the servers.
        """
        self._state, self._host = state, host
        self._search_filter, self._find_newest = search_filter, find_newest

    def open_wanted(self, *, is_last: bool) -> bool:
        """Open the traces of `State.to_open` if they are loaded. -> whether they are loaded

        is_last: True if no more traces will arrive, so that missing ones are reported.
        """
        state, host = self._state, self._host
        if not state.to_open or state.session is None:
            return False
        loaded = state.session.loaded
        found = [trace for trace in map(loaded.find_trace, state.to_open) if trace is not None]
        if len(found) < len(state.to_open):
            if is_last and not self._search_filter():
                missing = next(trace_id for trace_id in state.to_open if loaded.find_trace(trace_id) is None)
                loaded_count = numbers.counted(loaded.trace_count, "trace")
                host.show_notice(f"no trace {missing} among {loaded_count}", is_error=True)
                state.open_later(())
            return False
        state.open_later(())
        if host.is_listing:
            # do not open it if the user has navigated elsewhere
            host.open_traces(found)
        return True

    def offer_alternatives(self) -> None:
        """If servers sent no traces, let the user choose services, or look up the newest traces."""
        state = self._state
        if not state.is_live or state.session is None:
            return
        if state.services_to_choose:
            self._host.show_service_choice()
        elif state.server_services and not state.newest_starts and not state.session.loaded.trace_count:
            self._find_newest()
