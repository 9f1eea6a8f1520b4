"""Display of a complete trace set: the state, the banner, the notice and the view to return to."""

from __future__ import annotations

import gc
from collections.abc import Callable

from tracetui.tui.bookmark import LocationKeeper
from tracetui.tui.loading.follower import Follower
from tracetui.tui.loading.host import LoadHost
from tracetui.tui.loading.load_warnings import LoadWarnings
from tracetui.tui.loading.requests import SourceRequests
from tracetui.tui.loading.updates import TraceSetArrived
from tracetui.tui.state import State


class SetDisplay:
    """Shows sets as they arrive, with what is new in them."""

    def __init__(
        self,
        state: State,
        host: LoadHost,
        location: LocationKeeper,
        requests: SourceRequests,
        install: Callable[[TraceSetArrived], None],
    ) -> None:
        """`install` puts a set into the state, and applies the current filter to it."""
        self._state, self._host, self._location = state, host, location
        self._requests, self._install = requests, install
        self.warnings = LoadWarnings(state)
        self.is_complete = False
        """True once a complete set is shown."""

    def show_partial(self, update: TraceSetArrived) -> None:
        """Show a part of the first set; it replaces neither a complete one nor an open trace."""
        if not self.is_complete and self._host.view == "traces":
            self._install(update)

    def show(self, update: TraceSetArrived, follower: Follower) -> None:
        """Show a complete set."""
        state, host = self._state, self._host
        if not self.is_complete:
            # exempt the first set from garbage collection, but not later ones: frozen objects are never freed by it,
            # and following replaces set after set
            gc.freeze()
        self.is_complete = True
        if self._requests.load is not None:
            state.end_load(is_live=self._requests.can_search, services=self._requests.load.services)
        state.set_reports(update.reports)
        self._install(update)
        # a search that succeeded ends the warnings about those before
        host.drop_from_banner(self.warnings.outdated_lines())
        is_incomplete = any(report.is_incomplete for report in update.reports)
        new_warnings = self.warnings.new_lines(host.key_names, is_incomplete=is_incomplete)
        lines = [*follower.new_findings_in(update.selected), *new_warnings]
        if lines or not update.is_poll:
            host.show_banner(lines)
        if state.search_reports and not update.is_poll:
            host.show_notice("; ".join(state.search_reports))
        host.go_to(self._location.view_to_return_to())
