"""Repeated searches of servers: for a filter, for more traces, and while following."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import structs
from textual.timer import Timer

from tracetui.ingest.servers.resolve import parse_sources
from tracetui.model.errors import UsageError
from tracetui.model.search import LOOKBACK_NS, MORE, Search, combined
from tracetui.model.search_offers import MOST_SEARCHED, NEWEST_NS
from tracetui.render.text import numbers
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.loading.trace_set_loader import TraceSetLoader
from tracetui.tui.messages import Notice
from tracetui.tui.state import State

if TYPE_CHECKING:
    import numpy as np
    from textual.app import App
    from textual.message import Message

    from tracetui.ingest.servers.pool import SearchReport
    from tracetui.tui.loading.messages import LoadFailed, ServersUnchanged, TraceSetArrived

FOLLOW_SECONDS = 5.0
"""Time between polls; longer if polls are slow or fail."""
_PAUSE_FACTOR = 4
"""Least ratio of the time between polls to the time that a poll takes."""
_MAX_FOLLOW_SECONDS = 60.0
_OVERLAP_NS = 60_000_000_000
"""Overlap of polls, as spans of loaded traces may arrive late."""
_LATE_NS = 15_000_000_000
"""Traces that began this long before the newest loaded one may have arrived since the last poll."""
_POLLS_PER_TRACE_POLL = 4
"""While a trace is open, every fourth poll fetches it again, as more of its spans may have arrived."""
_CLOCK_SKEW_NS = 3_600_000_000_000
"""Polls search this far beyond now: clocks of services may be ahead of the local one."""
_REMEMBERED = 50
_STATS_LOOKBACK_NS = 24 * 3_600_000_000_000


class Poller:
    """Searches the servers while the app runs, on request and while following."""

    def __init__(
        self,
        app: App[None],
        state: State,
        loader: TraceSetLoader,
        start: Callable[[Callable[[], None]], None],
        is_reading: Callable[[], bool],
    ):
        """`start` runs a function in a thread; `is_reading` returns whether a single trace is open."""
        self._app = app
        self._state = state
        self._loader = loader
        self._start = start
        self._is_reading = is_reading
        self._searches: list[Search] = []
        """Searches since the last full load, so that removing a filter does not repeat them."""
        self._last_search = Search()
        self._reports: list[SearchReport] = []
        """Reports of the last search that the user requested."""
        self._report_history: list[tuple[Search, list[SearchReport]]] = []
        """Reports of earlier searches, each with its conditions."""
        self._timer: Timer | None = None
        self._baseline_ids: frozenset[str] = frozenset()
        self._interval = FOLLOW_SECONDS
        self._started = 0.0
        self._started_ns = self._answered_ns = 0
        """Start of the last search and of the last successful one in ns since the epoch; 0 for none."""
        self._before_widening: tuple[Search, Search] | None = None
        """`State.search` and the last search before they were widened, restored if servers reject the wider one."""
        self._failures = 0
        """Number of consecutive failures."""
        self._unread_count = 0
        """Number of traces read by the last poll, if more had arrived; 0 if none was missed."""
        self._poll_count = 0
        self._queued: Callable[[], None] | None = None
        """Search to run after the current one."""
        self._deferred: TraceSetArrived | None = None

    @property
    def is_following(self) -> bool:
        return self._timer is not None

    # --- searches ----------------------------------------------------------------------------------------------------

    def search_for(self, query: str) -> Search:
        """Convert a filter to a search, as far as servers can evaluate it."""
        if not query:
            return self._state.search
        # imported late, as building the grammar takes time
        from tracetui.query.pushdown import pushdown

        try:
            wanted, _ = pushdown(query, exact_names=self._state.exact_names)
        except UsageError:
            wanted = Search()
        return combined(self._state.search, wanted)

    def start_load(self) -> Search:
        """Reset for a load of all sources. -> the search for its servers"""
        self._deferred = self._before_widening = None
        self._started_ns = time.time_ns()
        self._last_search = self.search_for(self._loader.wanted_query() if self._has_servers() else "")
        self._searches = [self._last_search]
        return self._last_search

    def _has_servers(self) -> bool:
        return bool(parse_sources(self._state.sources).servers)

    def search_filter(self, query: str) -> bool:
        """Search the servers for a filter, unless that was done before. -> whether a search starts"""
        if not self._state.is_live:
            return False
        search = self.search_for(query)
        if search in self._searches:
            return False
        self._search(search)
        return True

    def refresh(self) -> None:
        """Repeat the search for the current filter, up to now."""
        self._search(self.search_for(self._state.query))

    def widen_window(self, lookback_ns: int, query: str | None = None) -> None:
        """Search the last `lookback_ns` from now on, for the current filter or `query`."""
        self._widen(Search(lookback_ns=lookback_ns))
        self._search(self.search_for(self._state.query if query is None else query))

    def choose_services(self, names: Sequence[str], *, every: bool) -> None:
        """Search for traces of these services from now on, or of `every` service."""
        self._before_widening = self._before_widening or (self._state.search, self._last_search)
        chosen = {"services": () if every else tuple(names), "every_service": every}
        self._state.search = structs.replace(self._state.search, **chosen)
        self._searches.clear()
        self._search(self.search_for(self._state.query))

    def find_newest(self) -> None:
        """Find the newest traces of the searched services, or of the first of all services."""
        state = self._state
        if not self._loader.can_search:
            return
        named = list(dict.fromkeys(report.search.service for report in self._reports if report.search.service))
        self._started = time.monotonic()
        self._start(self._loader.find_newest((named or state.server_services)[:MOST_SEARCHED], NEWEST_NS))

    def newest_done(self) -> None:
        """Note that the search for the newest traces has ended."""
        self._finish((), is_poll=True)

    def _widen(self, more: Search) -> None:
        """Use wider conditions from now on."""
        self._before_widening = self._before_widening or (self._state.search, self._last_search)
        self._state.search = combined(self._state.search, more)
        self._searches.clear()

    def more(self) -> None:
        """Load more traces, or older ones if the servers have sent all."""
        search = self.search_for(self._state.query)
        reports = self._reports_of(search)
        if any(report.may_have_more for report in reports):
            more = Search(limit=max(report.search.most for report in reports) * MORE)
        elif any(report.search.trace_ids for report in reports):
            self._show_notice("the address selects only these traces")
            return
        elif search.start_ns is None and not any(report.search.start_ns is not None for report in reports):
            lookbacks = [report.search.lookback_ns or LOOKBACK_NS for report in reports]
            more = Search(lookback_ns=max(lookbacks, default=LOOKBACK_NS) * MORE)
        else:
            self._show_key_notice("no more traces in this time window; {traces.window} goes further back")
            return
        self._widen(more)
        self._search(combined(search, more))

    def _reports_of(self, search: Search) -> list[SearchReport]:
        """Return the reports of the last search with these conditions, else of the last search."""
        return next(
            (reports for searched, reports in reversed(self._report_history) if searched == search), self._reports
        )

    @property
    def _has_fixed_window(self) -> bool:
        """True if the search has a fixed start, from the address of a page that was opened."""
        return any(report.search.start_ns is not None for report in self._reports)

    def _search(self, search: Search, *, is_poll: bool = False, known_ns: int = 0) -> None:
        if not is_poll:
            self._last_search = search
            self._searches.append(search)
        if self._loader.is_loading:
            if not is_poll:
                self._queued = lambda: self._search(search)
                self._loader.interrupt_poll()
            return
        if not self._loader.can_search:
            if not is_poll:
                self._show_key_notice("no server connected; {app.reload} reloads the sources")
            return
        self._started = time.monotonic()
        self._started_ns = time.time_ns()
        baseline_ids = self._baseline_ids if self.is_following else None
        self._start(self._loader.search(search, baseline_ids, is_poll=is_poll, known_ns=known_ns))

    def server_stats(self, service: str, post: Callable[[Message], object]) -> None:
        """Fetch server statistics of a service and post them."""
        if self._loader.is_polling:
            self._queued = lambda: self.server_stats(service, post)
            self._loader.interrupt_poll()
            return
        analysis = self._state.analysis
        if analysis is None or not self._loader.can_search:
            loading = self._loader.is_loading
            self._show_key_notice("search in progress; {app.back} stops it" if loading else "no server to search")
            return
        lookback = max(self._state.search.lookback_ns or LOOKBACK_NS, _STATS_LOOKBACK_NS)
        self._started = time.monotonic()
        self._start(self._loader.server_stats(service, lookback, analysis, post))

    # --- responses ---------------------------------------------------------------------------------------------------

    def accept(self, message: TraceSetArrived, *, can_show: bool) -> bool:
        """Accept the result of a search. -> whether to show it now

        can_show: False while the user reads a trace or a dialog, which a new set would replace.
        """
        self._finish(message.reports, message.is_poll)
        if message.is_poll and not can_show:
            self._deferred = message
            count = numbers.counted(len(message.new), "new trace")
            what = count if message.new else "late spans"
            self._show_notice(f"{what}: shown when you leave this trace")
            return False
        self._deferred = None
        return True

    def pop_deferred(self) -> TraceSetArrived | None:
        """Return the poll result that was not shown yet, if any, and forget it."""
        deferred, self._deferred = self._deferred, None
        return deferred

    def server_stats_arrived(self) -> None:
        """Note that server statistics have arrived."""
        self._finish((), is_poll=False)

    def unchanged(self, message: ServersUnchanged) -> None:
        """Note that a search found nothing new."""
        self._finish(message.reports, message.is_poll)
        if not message.is_poll:
            self._loader.set_reports(message.reports)
            self._show_notice(f"nothing new from {'; '.join(self._state.search_reports)}")

    def failed(self, message: LoadFailed) -> bool:
        """Note that a search failed; following continues at longer intervals. -> whether to show the error"""
        self._failures += not message.stopped
        if not message.is_poll:
            # forget the filter, so that the next request searches again
            self._searches = [search for search in self._searches if search != self._last_search]
            if self._before_widening is not None:
                self._state.search, self._last_search = self._before_widening
        self._finish((), message.is_poll)
        return not message.is_poll or (self._failures == 1 and not message.stopped)

    def _finish(self, reports: Sequence[SearchReport], is_poll: bool) -> None:
        self._loader.finish()
        if reports:
            self._answered_ns = self._started_ns
            unread = max((report.unread_beyond for report in reports), default=0)
            self._unread_count = unread or (self._unread_count if is_poll else 0)
            if not is_poll:
                self._reports = list(reports)
                self._report_history = [*self._report_history[-_REMEMBERED:], (self._last_search, self._reports)]
        if not is_poll:
            self._before_widening = None
        if reports and self._failures:
            self._failures = 0
            if is_poll:
                # a search by the user shows its result
                self._show_notice("the server responds again")
        if self.is_following:
            duration = time.monotonic() - self._started
            self._interval = min(max(FOLLOW_SECONDS * 2**self._failures, _PAUSE_FACTOR * duration), _MAX_FOLLOW_SECONDS)
            self._wait()
            self._loader.status = self._status()
        queued, self._queued = self._queued, None
        if queued is not None:
            queued()

    # --- following ---------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Start or stop polling for new traces."""
        if self.is_following:
            self._stop()
            self._show_notice("following stopped")
            return
        if not self._state.is_live or self._state.session is None:
            self._show_notice("only servers can be followed, not files")
            return
        self._baseline_ids = frozenset(self._state.session.loaded.trace_ids)
        self._interval = FOLLOW_SECONDS
        self._wait()
        self._loader.status = self._status()
        self._poll()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
        self._loader.status = ""

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._app.set_timer(self._interval, self._poll)

    def _status(self) -> str:
        if not self._answered_ns:
            return "no response yet"
        at = numbers.clock(self._answered_ns // 1_000_000_000 * 1_000_000_000, self._state.look.local_time)
        missed = f", more than {self._unread_count:,} arrived; the rest was not read" if self._unread_count else ""
        return f"{'no response since' if self._failures else 'following'} {at.partition('.')[0]}{missed}"

    def _poll(self) -> None:
        """Search for recent traces if no other search is running."""
        self._wait()
        session = self._state.session
        if session is None or not self._loader.can_search:
            return
        self._poll_count += 1
        if self._is_reading() and self._state.trace is not None and self._poll_count % _POLLS_PER_TRACE_POLL == 0:
            # its spans may arrive long after its start
            trace_id = session.loaded.trace_ids[self._state.trace]
            self._search(Search(trace_ids=(trace_id,)), is_poll=True)
            return
        search, recent = self.search_for(self._state.query), self._recent_search(session.loaded.trace_start)
        if recent.start_ns is not None and (search.start_ns is None or search.start_ns < recent.start_ns):
            known_ns = recent.start_ns + _OVERLAP_NS - _LATE_NS
            recent = combined(recent, Search(end_ns=search.end_ns))
            self._search(combined(search, recent), is_poll=True, known_ns=known_ns)
        else:
            self._search(search, is_poll=True)

    def _recent_search(self, starts: np.ndarray) -> Search:
        """Return a search for traces that began since the newest loaded one."""
        if not self._answered_ns:
            # all loaded traces are from files
            return Search()
        if len(starts):
            since = min(int(starts.max()), self._answered_ns)
        elif self._has_fixed_window:
            since = self._answered_ns
        else:
            return Search()
        # the end of a page's time window does not apply, as following continues after it
        return Search(start_ns=since - _OVERLAP_NS, end_ns=time.time_ns() + _CLOCK_SKEW_NS)

    def new_findings_in(self, message: TraceSetArrived) -> list[str]:
        """Return lines about new findings in new traces, and add these traces to the baseline."""
        if not message.new_findings or not self.is_following:
            return []
        # imported late, so that the first screen is painted before
        from tracetui.render.traces.new_findings import news_lines

        self._baseline_ids = frozenset(message.session.loaded.trace_ids)
        return news_lines(message.new_findings, ascii_only=self._state.look.glyphs.ascii_only)

    def _show_notice(self, text: str) -> None:
        self._app.post_message(Notice(text))

    def _show_key_notice(self, text: str) -> None:
        """Show a notice that names keys by their actions. The text must be trusted."""
        self._show_notice(KeyNames(self._app.screen).short(text))
