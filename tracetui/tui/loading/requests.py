"""Requests that run in a thread and post their updates; `post` may be called from any thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tracetui.analysis.analysis import Analysis
from tracetui.ingest.processes.background_load import BackgroundLoad, LoadCancelledError
from tracetui.ingest.servers.pool import SearchReport
from tracetui.model.errors import InputError
from tracetui.model.search import Search
from tracetui.session import BackgroundSessions
from tracetui.tui.loading.updates import (
    LoadFailed,
    LoadProgressed,
    NewestFound,
    ServerStatsArrived,
    ServersUnchanged,
    TraceSetArrived,
    Update,
)

Post = Callable[[Update], object]


def load_sources(sessions: BackgroundSessions, post: Post) -> None:
    """Load all sources and post the sets that arrive."""
    reports: list[SearchReport] = []

    def run() -> Update:
        selected = sessions.load(
            lambda progress: post(LoadProgressed(progress)),
            lambda part: post(TraceSetArrived(part, whole=False)),
            reports.append,
        )
        return TraceSetArrived(selected, whole=True, reports=reports)

    _post_result(run, post)


def search_servers(
    sessions: BackgroundSessions,
    search: Search,
    post: Post,
    *,
    loaded_ids: frozenset[str],
    baseline_ids: frozenset[str] | None,
    is_poll: bool,
    known_ns: int = 0,
) -> None:
    """Search the servers again and post the result; parameters as in `BackgroundSessions.search`."""
    reports: list[SearchReport] = []

    def run() -> Update:
        selected = sessions.search(
            search,
            lambda progress: post(LoadProgressed(progress)),
            reports.append,
            loaded_ids=loaded_ids,
            baseline_ids=baseline_ids,
            is_poll=is_poll,
            known_ns=known_ns,
        )
        if selected is None:
            return ServersUnchanged(reports, is_poll)
        return TraceSetArrived(selected, whole=True, reports=reports, is_poll=is_poll)

    _post_result(run, post, is_poll=is_poll)


def query_server_stats(load: BackgroundLoad, service: str, lookback_ns: int, analysis: Analysis, post: Post) -> None:
    """Query the server statistics of a service and of all calls."""

    def run() -> Update:
        server_stats = load.server_stats([service], lookback_ns)
        # computed here because it is too slow for the UI loop
        _ = analysis.dependencies
        return ServerStatsArrived(server_stats, analysis)

    _post_result(run, post)


def find_newest(load: BackgroundLoad, services: Sequence[str], lookback_ns: int, post: Post) -> None:
    """Find the start times of the services' newest traces on the servers."""
    _post_result(lambda: NewestFound(load.newest_starts(services, lookback_ns)), post, is_poll=True)


def _post_result(run: Callable[[], Update], post: Post, *, is_poll: bool = False) -> None:
    try:
        update = run()
    except LoadCancelledError as error:
        update = LoadFailed(str(error), stopped=True, is_poll=is_poll)
    except (InputError, OSError) as error:
        update = LoadFailed(str(error), stopped=False, is_poll=is_poll)
    post(update)
