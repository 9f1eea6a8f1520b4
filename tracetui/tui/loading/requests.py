"""Requests to the loading process of one set of sources; each runs in a thread and posts its updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tracetui.model.errors import InputError
from tracetui.model.search import LOOKBACK_NS, Search
from tracetui.model.search_offers import NEWEST_NS
from tracetui.tui.loading.updates import (
    LoadFailed,
    LoadProgressed,
    NewestFound,
    ServerStatsArrived,
    ServersUnchanged,
    TraceSetArrived,
    Update,
)
from tracetui.tui.state import State

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    from tracetui.analysis.analysis import Analysis
    from tracetui.ingest.loader import LoadProgress
    from tracetui.ingest.processes.background_load import BackgroundLoad
    from tracetui.ingest.servers.pool import SearchReport
    from tracetui.session import BackgroundSessions

_STATS_LOOKBACK_NS = 24 * 3_600_000_000_000
RequestFunction = Callable[[], None]
"""Function to run in a thread."""


class SourceRequests:
    """Makes the requests of a set of sources."""

    def __init__(self, state: State, post: Callable[[Update], object]) -> None:
        """`post` passes an update to the loop, from any thread."""
        self._state, self._post = state, post
        self.load: BackgroundLoad | None = None
        """The load whose servers can be searched again, or that is running."""
        self._sessions: BackgroundSessions | None = None

    @property
    def can_search(self) -> bool:
        """True if there are servers that can be searched again."""
        return self.load is not None and self.load.can_search_again

    def stop(self) -> None:
        """Stop the running request; a second call discards what it has read."""
        if self.load is not None:
            self.load.stop()

    def close(self) -> None:
        """End the load and drop what it has read."""
        if self.load is not None:
            self.load.cancel()

    def correct_skew(self, wanted: bool) -> None:
        """Correct the clock skew of arriving sets, or leave it."""
        if self._sessions is not None:
            self._sessions.corrects_skew = wanted

    def read_sources(self, search: Search, query: Callable[[], str]) -> RequestFunction:
        """Read all sources anew; `query` returns the filter for arriving sets."""
        from tracetui.ingest.processes.background_load import BackgroundLoad
        from tracetui.session import BackgroundSessions

        self.close()
        state = self._state
        self.load = BackgroundLoad(
            state.sources, state.stdin, search=search, overrides=state.overrides, user_can_choose=True
        )
        sessions = BackgroundSessions(self.load, query, logs=state.logs, exact_names=state.exact_names)
        sessions.corrects_skew = state.session is not None and state.session.uncorrected is not None
        self._sessions = sessions
        reports: list[SearchReport] = []

        def run() -> Update:
            selected = sessions.load(
                self._post_progress, lambda part: self._post(TraceSetArrived(part, whole=False)), reports.append
            )
            return TraceSetArrived(selected, whole=True, reports=reports)

        return lambda: self._post_result(run)

    def search_servers(
        self, search: Search, baseline_ids: frozenset[str] | None, *, is_poll: bool, known_ns: int
    ) -> RequestFunction:
        """Search the servers again; parameters as in `BackgroundSessions.search`."""
        self._resumed()
        sessions, session = self._sessions, self._state.session
        assert sessions is not None
        loaded_ids = frozenset(session.loaded.trace_ids) if session is not None else frozenset()
        reports: list[SearchReport] = []

        def run() -> Update:
            selected = sessions.search(
                search,
                self._post_progress,
                reports.append,
                loaded_ids=loaded_ids,
                baseline_ids=baseline_ids,
                is_poll=is_poll,
                known_ns=known_ns,
            )
            if selected is None:
                return ServersUnchanged(reports, is_poll)
            return TraceSetArrived(selected, whole=True, reports=reports, is_poll=is_poll)

        return lambda: self._post_result(run, is_poll=is_poll)

    def query_server_stats(self, service: str, analysis: Analysis) -> RequestFunction:
        """Query the server statistics of a service and of all calls, to compare them with an analysis."""
        load = self._resumed()
        lookback = max(self._state.search.lookback_ns or LOOKBACK_NS, _STATS_LOOKBACK_NS)

        def run() -> Update:
            server_stats = load.server_stats([service], lookback)
            # computed here because it is too slow for the UI loop
            _ = analysis.dependencies
            return ServerStatsArrived(server_stats, analysis)

        return lambda: self._post_result(run)

    def find_newest(self, services: Sequence[str]) -> RequestFunction:
        """Find the start times of the services' newest traces on the servers."""
        load = self._resumed()
        return lambda: self._post_result(lambda: NewestFound(load.newest_starts(services, NEWEST_NS)), is_poll=True)

    def _resumed(self) -> BackgroundLoad:
        """Return the load for a further request."""
        assert self.load is not None
        self.load.resume()
        return self.load

    def _post_progress(self, progress: LoadProgress) -> None:
        self._post(LoadProgressed(progress))

    def _post_result(self, run: Callable[[], Update], *, is_poll: bool = False) -> None:
        from tracetui.ingest.processes.background_load import LoadCancelledError

        try:
            update = run()
        except LoadCancelledError as error:
            update = LoadFailed(str(error), stopped=True, is_poll=is_poll)
        except (InputError, OSError) as error:
            update = LoadFailed(str(error), stopped=False, is_poll=is_poll)
        self._post(update)
