"""The load controller: loads the sources, searches servers again on request and while following, and shows results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tracetui.model.errors import UsageError
from tracetui.model.search import Search
from tracetui.render.text import numbers
from tracetui.render.text.safe_text import safe_lines
from tracetui.tui.bookmark import LocationKeeper
from tracetui.tui.loading.filter_search import FilterSearch
from tracetui.tui.loading.follower import Follower
from tracetui.tui.loading.host import LoadHost
from tracetui.tui.loading.next_steps import NextSteps
from tracetui.tui.loading.phase import LoadEvent, Phase
from tracetui.tui.loading.request_runner import RequestRunner
from tracetui.tui.loading.requests import SourceRequests
from tracetui.tui.loading.searches import Searches
from tracetui.tui.loading.set_display import SetDisplay
from tracetui.tui.loading.updates import (
    LoadFailed,
    LoadProgressed,
    NewestFound,
    ServerStatsArrived,
    ServersUnchanged,
    TraceSetArrived,
    Update,
    progress_text,
)
from tracetui.tui.settings import Resume
from tracetui.tui.state import State

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    from tracetui.ingest.servers.pool import SearchReport
    from tracetui.session import FilteredSession

_BUSY = "still loading; {app.back} stops it"
"""Notice for a request that has to wait for the running one; keys are named by their actions."""


class LoadController:
    """Loads, searches and follows; one request at a time, in the phases of `PhaseMachine`."""

    def __init__(self, state: State, resume: Resume | None, host: LoadHost) -> None:
        self.location = LocationKeeper(state, resume)
        self.query = resume.query if resume is not None else state.query
        """Filter for arriving sets."""
        self._state = state
        self._host = host
        self._requests = SourceRequests(state, host.post_update)
        self._runner = RequestRunner(host.run_request, self._requests.stop)
        self._searches = Searches(state)
        self._next = NextSteps(state, host, lambda: self._search_filter(self.query), self._find_newest)
        self._display = SetDisplay(state, host, self.location, self._requests, self._install)
        self._deferred: TraceSetArrived | None = None
        """Poll result that is shown once the user leaves the open trace."""
        self._follower = Follower(state, host, self._searches, self._poll)
        self._resumes_following = False
        """True to follow again when these sources are shown again."""
        self._filter_search = FilterSearch(state, host)
        if state.sources:
            state.begin_load()

    # --- phases ------------------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """The current phase."""
        return self._runner.phase

    @property
    def status(self) -> str:
        """Progress of a search or load, or state of following; '' for none. Keys are named by their actions."""
        return self._filter_search.status or self._runner.timed_status

    @property
    def can_search(self) -> bool:
        """True if servers can be searched now."""
        return not self._runner.is_busy and self._requests.can_search

    @property
    def can_stop(self) -> bool:
        """True if `stop` stops the running search or request."""
        return self._filter_search.is_running or self._runner.can_stop

    @property
    def is_following(self) -> bool:
        """True while servers are polled for new traces."""
        return self._runner.is_following

    def stop(self) -> None:
        """Stop the running search; else the running request and show the traces read so far, which a second call
        discards.
        """
        if self._filter_search.is_running:
            self.query = self._filter_search.stop()
        elif self._runner.can_stop:
            self._runner.stop()

    def leave(self, then: Callable[[], None]) -> bool:
        """Come to rest for other sources: stop following and the running poll, then call `then`.

        -> False while a request of the user runs, which is not stopped
        """
        if self.can_stop and not self._filter_search.is_running:
            return False
        self._drop_filter_search()
        # it is False already if the sources are left again before the running poll has stopped
        self._resumes_following |= self.is_following
        if self.is_following:
            self._stop_following()
        if self._runner.is_busy:
            self._runner.interrupt(then)
        else:
            then()
        return True

    def come_back(self) -> None:
        """Follow again if that was on when the sources were left."""
        if self._resumes_following:
            self._resumes_following = False
            self.follow()

    def close(self) -> None:
        """End the load and drop what it has read."""
        self._requests.close()

    # --- requests ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read all sources."""
        state = self._state
        self._deferred = None
        request = self._requests.read_sources(self._searches.first(self.query), lambda: self.query)
        state.begin_load()
        self._runner.status = "reading"
        if state.session is None:
            self._host.refresh_views()
        self._runner.begin(LoadEvent.LOAD, request)

    def reload(self) -> None:
        """Read the sources again, or repeat the search for the current filter up to now."""
        if self._state.stdin is not None:
            self._host.show_notice("standard input can be read only once", is_error=True)
        elif self.can_search or self._runner.is_yielding:
            self._search(self._searches.search_for(self._state.query))
        elif self.phase is Phase.STOPPING:
            self._runner.interrupt(self.reload)
        elif self._runner.is_busy:
            self._show_key_notice(_BUSY)
        else:
            self.start()

    def filter(self, query: str, opens: tuple[str, ...], *, searches: bool) -> None:
        """Show the traces that match a query, then open those with the ids of `opens`.

        searches: True to search the servers for them, too.
        """
        state, host = self._state, self._host
        session, query = state.session, query.strip()
        state.open_later(opens)
        self.query = query
        if session is None:
            # the filter is applied when the set arrives
            return

        def done() -> None:
            if self._next.open_wanted(is_last=False):
                return
            if searches and not self._search_filter(query):
                self._next.open_wanted(is_last=True)

        def failed(error: UsageError) -> None:
            state.open_later(())
            self.query = state.query
            host.show_notice(str(error), is_error=True)

        self._filter_search.begin(session, query, done, failed)

    def adjust_skew(self) -> None:
        """Correct the clock skew of the loaded traces, and of those that arrive; or undo that."""
        state, host, session, query = self._state, self._host, self._state.session, self._state.query
        if session is None:
            return
        original, new = session.uncorrected, state.new
        self._drop_filter_search()

        def select() -> FilteredSession | None:
            from tracetui.session import FilteredSession

            target = session.skew_corrected() if original is None else original
            return FilteredSession(target, query, *target.select(query), new=new) if target is not session else None

        def done(selected: FilteredSession | None) -> None:
            if selected is None:
                host.show_notice("no clock skew to correct")
                return
            self._requests.correct_skew(original is None)
            # positions stay the same, so that the selection and the history remain valid
            self.location.install(selected, host.view, is_placed=True)
            host.traces_changed(is_new_set=False)
            moved = numbers.counted(len(selected.session.loaded.skew), "span")
            text = f"clock skew corrected in {moved}; {{app.adjust-skew}} undoes"
            self._show_key_notice(text if original is None else "clock skew is no longer corrected")

        host.work("filter", select, done)

    def _drop_filter_search(self) -> None:
        """Drop the running filter search; the filter is again that of the traces shown."""
        self._filter_search.cancel()
        if self._state.session is not None:
            self.query = self._state.query

    def _search_filter(self, query: str) -> bool:
        """Search the servers for a filter, unless that was done before. -> whether a search starts"""
        search = self._searches.search_for(query)
        if not self._state.is_live or not self._searches.is_new(search):
            return False
        self._search(search)
        return True

    def widen_window(self, lookback_ns: int, query: str | None = None) -> None:
        """Search the last `lookback_ns` from now on, for the current filter or `query`."""
        self._searches.widen(Search(lookback_ns=lookback_ns))
        self._search(self._searches.search_for(self._state.query if query is None else query))

    def choose_services(self, names: Sequence[str], *, every: bool) -> None:
        """Search for traces of these services from now on, or of `every` service."""
        self._searches.choose_services(names, every=every)
        self._search(self._searches.search_for(self._state.query))

    def more(self) -> None:
        """Load more traces, or older ones if the servers have sent all."""
        search = self._searches.more(self._state.query)
        if isinstance(search, str):
            self._show_key_notice(search)
        else:
            self._search(search)

    def _search(self, search: Search, *, is_poll: bool = False, known_ns: int = 0) -> None:
        if not is_poll:
            self._searches.add(search)
        if self._runner.is_busy:
            if not is_poll:
                self._runner.interrupt(lambda: self._search(search))
            return
        if not self.can_search:
            if not is_poll:
                self._show_key_notice("no server connected; {app.reload} reloads the sources")
            return
        self._searches.started()
        if not is_poll:
            self._runner.status = "searching"
        request = self._requests.search_servers(search, self._follower.baseline_ids, is_poll=is_poll, known_ns=known_ns)
        self._runner.begin(LoadEvent.POLL if is_poll else LoadEvent.QUERY, request, yields=is_poll)

    def server_stats(self, service: str) -> None:
        """Query the server statistics of a service."""
        if self._runner.is_yielding:
            self._runner.interrupt(lambda: self.server_stats(service))
            return
        analysis = self._state.analysis
        if analysis is None or not self.can_search:
            self._show_key_notice(_BUSY if self._runner.is_busy else "no server connected")
            return
        self._runner.status = "fetching server statistics"
        self._runner.begin(LoadEvent.QUERY, self._requests.query_server_stats(service, analysis))

    def _find_newest(self) -> None:
        """Find the newest traces of the searched services, or of the first of all services."""
        if self.can_search:
            self._runner.status = "searching for the newest traces"
            request = self._requests.find_newest(self._searches.services_to_search())
            self._runner.begin(LoadEvent.QUERY, request, yields=True)

    def follow(self) -> None:
        """Start or stop polling for new traces."""
        session = self._state.session
        if self.is_following:
            self._stop_following()
            self._host.show_notice("following stopped")
        elif self.phase is Phase.LOADING:
            self._host.show_notice("still loading; follow when it is done")
        elif not self._state.is_live or session is None:
            self._host.show_notice("only servers can be followed, not files")
        else:
            self._runner.follow(True)
            self._state.set_following(True)
            self._runner.status = self._follower.status
            self._follower.start(frozenset(session.loaded.trace_ids))

    def _stop_following(self) -> None:
        self._follower.stop()
        self._runner.follow(False)
        self._state.set_following(False)
        self._runner.status = ""

    def _poll(self, search: Search, known_ns: int) -> None:
        if self.can_search:
            self._search(search, is_poll=True, known_ns=known_ns)

    # --- updates -----------------------------------------------------------------------------------------------------

    def handle(self, update: Update) -> None:
        """Handle an update of the running request."""
        if isinstance(update, LoadProgressed):
            if self.phase in (Phase.LOADING, Phase.QUERYING):
                self._runner.status = progress_text(update.progress, is_search=self._display.is_complete)
        elif isinstance(update, TraceSetArrived):
            self._arrived(update)
        elif isinstance(update, ServersUnchanged):
            self._unchanged(update)
        elif isinstance(update, LoadFailed):
            self._failed(update)
        elif isinstance(update, NewestFound):
            self._finish((), is_poll=True)
            self._state.set_newest_starts(update.starts)
            self._host.refresh_views()
        else:
            assert isinstance(update, ServerStatsArrived)
            self._finish((), is_poll=False)
            self._host.show_server_stats(update.server_stats, update.analysis)
        self._host.update_frame()

    def _arrived(self, update: TraceSetArrived) -> None:
        if not update.whole:
            self._display.show_partial(update)
            return
        self._host.end_failure()
        self._finish(update.reports, update.is_poll)
        if update.is_poll and self._host.is_reading:
            self._deferred = update
            new = update.selected.new
            what = numbers.counted(len(new), "new trace") if new else "late spans"
            self._host.show_notice(f"{what}: shown when you leave this trace")
            return
        self._show(update)

    def show_deferred(self) -> None:
        """Show the poll result that was not shown yet, if any."""
        if self._deferred is not None:
            self._show(self._deferred)

    def _show(self, update: TraceSetArrived) -> None:
        """Show a complete set."""
        self._deferred = None
        self._display.show(update, self._follower)
        self._next.open_wanted(is_last=not update.is_poll)
        if not update.is_poll:
            self._next.offer_alternatives()

    def _install(self, update: TraceSetArrived) -> None:
        self._filter_search.cancel()
        self.location.install(update.selected, self._host.view, self._host.is_placed)
        self._host.traces_changed(is_new_set=True)
        if self.query != update.selected.query:
            # the filter has changed since
            self.filter(self.query, self._state.to_open, searches=True)

    def _unchanged(self, update: ServersUnchanged) -> None:
        state, host = self._state, self._host
        host.end_failure()
        self._finish(update.reports, update.is_poll)
        if not update.is_poll:
            state.set_reports(update.reports)
            host.show_notice(f"nothing new from {'; '.join(state.search_reports)}")
            self._next.open_wanted(is_last=True)
            if state.session is not None and not state.session.loaded.trace_count:
                # empty views show the reports
                host.refresh_views()
        if not update.is_poll:
            self._next.offer_alternatives()

    def _failed(self, update: LoadFailed) -> None:
        state, host, names = self._state, self._host, self._host.key_names
        state.fail_load()
        is_first = not update.stopped and self._follower.failed()
        if not update.is_poll:
            self._searches.failed()
        is_shown = not update.is_poll or is_first
        self._finish((), update.is_poll)
        is_empty = state.session is None
        if is_empty:
            host.refresh_views()
        if not update.is_poll:
            state.open_later(())
        if update.stopped and is_shown:
            stopped = names.short("loading stopped; {app.reload} reloads")
            host.show_notice(stopped if is_empty else "search stopped; loaded traces stay")
        elif is_shown:
            advice = "{app.quit} quits" if is_empty else "loaded traces stay"
            advice = names.short(f"{{app.reload}} tries again, {advice}")
            host.show_banner([*safe_lines(update.reason), advice], is_failure=True)

    def _finish(self, reports: Sequence[SearchReport], is_poll: bool) -> None:
        """End the running request and start the queued one, if any."""
        self._runner.end()
        self._searches.succeeded(reports, is_poll=is_poll)
        if reports and self._follower.succeeded() and is_poll:
            # a search by the user shows its result
            self._host.show_notice("the server responds again")
        if self.is_following:
            self._follower.wait(self._runner.started)
            self._runner.status = self._follower.status
        self._runner.run_queued()

    def warning_lines(self) -> list[str]:
        """Return all load warnings and the reports of servers."""
        return self._display.warnings.all_lines()

    def _show_key_notice(self, text: str) -> None:
        """Show a notice that names keys by their actions. The text must be trusted."""
        self._host.show_notice(self._host.key_names.short(text))
