"""Searches of servers: the conditions of the next one, and the reports of earlier ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import structs

from tracetui.ingest.servers.resolve import parse_sources
from tracetui.model.errors import UsageError
from tracetui.model.search import LAST_NS, LOOKBACK_NS, MORE, Search, combined
from tracetui.model.search_offers import MAX_SEARCHED
from tracetui.tui.state import State

if TYPE_CHECKING:
    import numpy as np

    from tracetui.ingest.servers.pool import SearchReport

_OVERLAP_NS = 60_000_000_000
"""Overlap of polls, as spans of loaded traces may arrive late."""
_LATE_NS = 15_000_000_000
"""Traces that began this long before the newest loaded one may have arrived since the last poll."""
_LATEST_NS = 900_000_000_000
"""Traces that began this long before the window of a poll are searched for from time to time."""
_CLOCK_SKEW_NS = 3_600_000_000_000
"""Polls search this far beyond now: clocks of services may be ahead of the local one."""
_MAX_REMEMBERED = 50


class Searches:
    """The searches of one set of sources."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._searched_for: list[Search] = []
        """Searches since the conditions last changed."""
        self._last = Search()
        """Last search other than a poll."""
        self._reports: list[SearchReport] = []
        """Reports of that search."""
        self._history: list[tuple[Search, list[SearchReport]]] = []
        """Reports of earlier searches, each with its conditions."""
        self._started_ns = 0
        self.answered_ns = 0
        """Start of the last successful search, in nanoseconds since the epoch; 0 for none."""
        self._gap_ns = 0
        """Start of the last search before some that failed in part; 0 for none."""
        self._gap_ended = False
        """True if a search has been complete since."""
        self._closes_gap = False
        """True if the running poll searches the gap."""
        self._late_end_ns = 0
        """End of the next search for late traces, if the last one found the newest of them only; 0 to search all."""
        self._searches_late = False
        """True if the running poll is for late traces."""
        self._searches_recent = False
        """True if the running poll is for all recent traces, so that the next one can begin where it did."""
        self._before_widening: tuple[Search, Search] | None = None
        """`State.search` and the last search before they were widened, restored if servers reject the wider one."""
        self.limit_reached = 0
        """Number of traces read by the last poll, if more had arrived; 0 if none was missed."""

    def first(self, query: str) -> Search:
        """Forget all searches. -> the search for a load of all sources"""
        self._before_widening = None
        self._started_ns = time.time_ns()
        self._last = self.search_for(query if parse_sources(self._state.sources).servers else "")
        self._searched_for = [self._last]
        return self._last

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

    def is_new(self, search: Search) -> bool:
        """Return whether these conditions have not been searched for yet."""
        return search not in self._searched_for

    def add(self, search: Search) -> None:
        """Note a search of the user as the last one."""
        self._last = search
        self._searched_for.append(search)

    def started(self) -> None:
        """Note the start of a search."""
        self._started_ns = time.time_ns()

    def widen(self, more: Search) -> None:
        """Use wider conditions from now on."""
        self._change(combined(self._state.search, more))

    def choose_services(self, names: Sequence[str], *, every: bool) -> None:
        """Search for traces of these services from now on, or of `every` service."""
        chosen = {"services": () if every else tuple(names), "every_service": every}
        self._change(structs.replace(self._state.search, **chosen))

    def _change(self, conditions: Search) -> None:
        self._before_widening = self._before_widening or (self._state.search, self._last)
        self._state.set_search(conditions)
        self._searched_for.clear()

    def more(self, query: str) -> Search | str:
        """Widen the conditions to more traces, or to older ones where the servers have sent all.

        -> the search, or why there are no more; keys are named by their actions
        """
        search = self.search_for(query)
        reports = self._reports_of(search)
        if any(report.may_have_more for report in reports):
            more = Search(limit=max(report.search.max_traces for report in reports) * MORE)
        elif any(report.search.trace_ids for report in reports):
            return "the address names these traces only"
        elif search.start_ns is None and not any(report.search.start_ns is not None for report in reports):
            lookbacks = [report.search.lookback_ns or LOOKBACK_NS for report in reports]
            more = Search(lookback_ns=max(lookbacks, default=LOOKBACK_NS) * MORE)
        else:
            return "no more traces in this time window; {traces.window} goes further back"
        self.widen(more)
        return combined(search, more)

    def _reports_of(self, search: Search) -> list[SearchReport]:
        """Return the reports of the last search with these conditions, or else of the last search."""
        return next((reports for searched, reports in reversed(self._history) if searched == search), self._reports)

    def services_to_search(self) -> list[str]:
        """Return the services searched for, or the first of all services."""
        named = list(dict.fromkeys(report.search.service for report in self._reports if report.search.service))
        return (named or self._state.server_services)[:MAX_SEARCHED]

    def poll(self, query: str, starts: np.ndarray) -> tuple[Search, int]:
        """Return a search for recent traces, and the time down to which older ones must be complete (0 for none).

        starts: int64[traces], start times of the loaded traces in nanoseconds since the epoch.
        """
        self._closes_gap, self._searches_late, self._searches_recent = self._gap_ended, False, True
        search, recent = self.search_for(query), self._recent(starts)
        if recent.start_ns is None or (search.start_ns is not None and search.start_ns >= recent.start_ns):
            return search, 0
        known_ns = recent.start_ns + _OVERLAP_NS - _LATE_NS
        return combined(search, combined(recent, Search(end_ns=search.end_ns))), known_ns

    def trace_poll(self, trace_id: str) -> Search:
        """Return a search for one trace, of which more spans may have arrived."""
        self._closes_gap = self._searches_late = self._searches_recent = False
        return Search(trace_ids=(trace_id,))

    def late_poll(self, query: str, starts: np.ndarray) -> Search | None:
        """Return a search for traces that began before the window of `poll`, but may have arrived since; None for none.

        It finds as many as one response has. The next one continues with older ones.
        """
        self._closes_gap, self._searches_late, self._searches_recent = False, True, False
        search, recent = self.search_for(query), self._recent(starts)
        if recent.start_ns is None:
            return None
        # a load that was full has left out older traces, which are not late
        full = [report.searched.since_ns for report in self._reports_of(search) if report.searched is not None]
        begin = max(recent.start_ns - _LATEST_NS, search.start_ns or 0, *full)
        end = min(recent.start_ns, search.end_ns or recent.start_ns)
        if begin < self._late_end_ns < end:
            end = self._late_end_ns
        return combined(search, Search(start_ns=begin, end_ns=end)) if begin < end else None

    def _recent(self, starts: np.ndarray) -> Search:
        """Return a search for traces that began since the newest loaded one."""
        if not self.answered_ns:
            # all loaded traces are from files
            return Search()
        if len(starts):
            since = min(int(starts.max()), self.answered_ns)
            if self._closes_gap:
                since = min(since, self._gap_ns)
        elif any(report.search.start_ns is not None for report in self._reports):
            # the address of a page has a fixed window
            since = self.answered_ns
        else:
            return Search()
        # the end of a page's time window does not apply, as following continues after it
        return Search(start_ns=since - _OVERLAP_NS, end_ns=time.time_ns() + _CLOCK_SKEW_NS)

    def succeeded(self, reports: Sequence[SearchReport], *, is_poll: bool) -> None:
        """Note the reports of a search that has ended."""
        if reports:
            self._note_gap(any(report.is_incomplete for report in reports))
            if self._searches_recent or not is_poll:
                self.answered_ns = self._started_ns
            unread = max((report.unread_beyond for report in reports), default=0)
            self.limit_reached = unread or (self.limit_reached if is_poll else 0)
            if is_poll and self._searches_late:
                full = [report.searched for report in reports if report.searched is not None]
                ends = [(one.complete_since_ns, one.since_ns) for one in full]
                # if the order of the server's traces is unknown, the first one's start has to do
                self._late_end_ns = max((since if 0 < since < LAST_NS else first for since, first in ends), default=0)
            if not is_poll:
                self._reports = list(reports)
                self._history = [*self._history[-_MAX_REMEMBERED:], (self._last, self._reports)]
        if not is_poll:
            self._before_widening = None

    def _note_gap(self, is_incomplete: bool) -> None:
        """Note whether a search failed in part. After the next complete one, a poll covers the time since then."""
        if is_incomplete:
            self._gap_ns, self._gap_ended = self._gap_ns or self.answered_ns or self._started_ns, False
        elif self._closes_gap:
            self._gap_ns, self._gap_ended = 0, False
        else:
            self._gap_ended = self._gap_ns > 0
        self._closes_gap = False

    def failed(self) -> None:
        """Note that the last search of the user failed: restore the conditions before it."""
        # forget the filter, so that the next request searches again
        self._searched_for = [search for search in self._searched_for if search != self._last]
        if self._before_widening is not None:
            conditions, self._last = self._before_widening
            self._state.set_search(conditions)
        self._before_widening = None
