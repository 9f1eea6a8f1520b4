"""Poller: searches the servers again, for the filter, for more traces, and while following."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import structs
from textual.timer import Timer

from tracetui.ingest.servers.resolve import named_by
from tracetui.model.errors import UsageError
from tracetui.model.search import LOOKBACK_NS, MORE, Search, combined
from tracetui.render.offered_rows import MOST_ASKED, NEWEST_NS
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
"""Between two looks for new traces; longer where a look takes long, or fails."""
_LEISURE = 4
_LONGEST_SECONDS = 60.0
_OVERLAP_NS = 60_000_000_000
"""Overlap of polls: spans come late, and with them parts of loaded traces."""
_LATE_NS = 15_000_000_000
"""Traces that began this long before the newest loaded one may have arrived since the last poll."""
_LOOKS_PER_TRACE = 4
"""Number of polls for each poll for further spans of the selected trace."""
_AHEAD_NS = 3_600_000_000_000
_REMEMBERED = 50
_OPINION_NS = 24 * 3_600_000_000_000


class Poller:
    """Poller: searches the servers while the app runs, as views and the user ask."""

    def __init__(
        self,
        app: App[None],
        state: State,
        arrivals: TraceSetLoader,
        start: Callable[[Callable[[], None]], None],
        is_reading: Callable[[], bool],
    ):
        """`start` runs a function in a thread of its own; `is_reading` tells whether a single trace is open."""
        self._app = app
        self._state = state
        self._arrivals = arrivals
        self._start = start
        self._is_reading = is_reading
        self._asked: list[Search] = []
        """Searches since the sources were read: removing a filter need not search again."""
        self._last = Search()
        self._told: list[SearchReport] = []
        """Reports of the last user search; polls excluded."""
        self._told_before: list[tuple[Search, list[SearchReport]]] = []
        """Reports of earlier searches, each with its conditions."""
        self._timer: Timer | None = None
        self._watched: frozenset[str] = frozenset()
        self._seconds = FOLLOW_SECONDS
        self._begun = 0.0
        self._begun_ns = self._answered_ns = 0
        """Time of the last query of the servers, and of the last one answered; 0 for never."""
        self._former: tuple[Search, Search] | None = None
        """Search before it was widened: restored where servers refuse the wider one."""
        self._failures = 0
        """Number of failures in a row."""
        self._unread = 0
        """Number of traces read by the last poll, where more had arrived; 0 where none was missed."""
        self._looks = 0
        self._next: Callable[[], None] | None = None
        """Search to run once the current one has ended."""
        self._held: TraceSetArrived | None = None

    @property
    def is_following(self) -> bool:
        return self._timer is not None

    # --- asking ------------------------------------------------------------------------------------------------------

    def search_for(self, query: str) -> Search:
        """Search that expresses a filter, as far as servers can."""
        if not query:
            return self._state.search
        # the first query takes as long as making the grammar does
        from tracetui.query.pushdown import pushdown

        try:
            wanted, _ = pushdown(query, exact_names=self._state.exact_names)
        except UsageError:
            wanted = Search()
        return combined(self._state.search, wanted)

    def begun(self) -> Search:
        """Note that the sources are reloaded. -> the search of the servers"""
        self._held = self._former = None
        self._begun_ns = time.time_ns()
        self._last = self.search_for(self._arrivals.wanted_query() if self._has_servers() else "")
        self._asked = [self._last]
        return self._last

    def _has_servers(self) -> bool:
        return bool(named_by(self._state.sources).servers)

    def filtered(self, query: str) -> bool:
        """Note another filter, and search the servers for it unless that was done before.

        -> whether they are asked
        """
        if not self._state.is_live:
            return False
        search = self.search_for(query)
        if search in self._asked:
            return False
        self._ask(search)
        return True

    def refresh(self) -> None:
        """Repeat the search of the filter, up to now."""
        self._ask(self.search_for(self._state.query))

    def look_back(self, lookback_ns: int, query: str | None = None) -> None:
        """Ask for what began within so long a time before now, from here on; by another filter, where one is given."""
        self._widen(Search(lookback_ns=lookback_ns))
        self._ask(self.search_for(self._state.query if query is None else query))

    def choose_services(self, names: Sequence[str], *, every: bool) -> None:
        """Ask for traces of these services from here on, or of `every` one of them."""
        self._former = self._former or (self._state.search, self._last)
        chosen = {"services": () if every else tuple(names), "every_service": every}
        self._state.search = structs.replace(self._state.search, **chosen)
        self._asked.clear()
        self._ask(self.search_for(self._state.query))

    def find_newest(self) -> None:
        """Ask when the newest traces of services began, of the service that was asked for or of some of all."""
        state = self._state
        if not self._arrivals.can_ask:
            return
        named = list(dict.fromkeys(found.asked.service for found in self._told if found.asked.service))
        self._begun = time.monotonic()
        self._start(self._arrivals.newest((named or state.offered)[:MOST_ASKED], NEWEST_NS))

    def newest_found(self) -> None:
        """That has been answered, or stopped."""
        self._answered((), is_poll=True)

    def _widen(self, more: Search) -> None:
        """Widen the search by these conditions, from here on."""
        self._former = self._former or (self._state.search, self._last)
        self._state.search = combined(self._state.search, more)
        self._asked.clear()

    def more(self) -> None:
        """Load more traces, or older ones where the servers have sent all."""
        # a filter that was taken back since they were asked is none any more
        search = self.search_for(self._state.query)
        told = self._told_of(search)
        if any(found.may_have_more for found in told):
            more = Search(limit=max(found.asked.most for found in told) * MORE)
        elif any(found.asked.trace_ids for found in told):
            self._say("the address names these traces only")
            return
        elif search.start_ns is None and not any(found.asked.start_ns is not None for found in told):
            lookbacks = [found.asked.lookback_ns or LOOKBACK_NS for found in told]
            more = Search(lookback_ns=max(lookbacks, default=LOOKBACK_NS) * MORE)
        else:
            self._say_key("no more traces in this time window; {traces.window} goes further back")
            return
        self._widen(more)
        self._ask(combined(search, more))

    def _told_of(self, search: Search) -> list[SearchReport]:
        """Reports of the last search with these conditions, or of the last search."""
        return next((told for asked, told in reversed(self._told_before) if asked == search), self._told)

    @property
    def _has_fixed_window(self) -> bool:
        """True if the search has a beginning: that of the page whose address was opened."""
        return any(found.asked.start_ns is not None for found in self._told)

    def _ask(self, search: Search, *, is_poll: bool = False, known_ns: int = 0) -> None:
        if not is_poll:
            self._last = search
            self._asked.append(search)
        if self._arrivals.is_loading:
            if not is_poll:
                self._next = lambda: self._ask(search)
                self._arrivals.hurry()
            return
        if not self._arrivals.can_ask:
            if not is_poll:
                self._say_key("no server connected; {app.reload} reloads the sources")
            return
        self._begun = time.monotonic()
        self._begun_ns = time.time_ns()
        watched = self._watched if self.is_following else None
        self._start(self._arrivals.ask(search, watched, is_poll=is_poll, known_ns=known_ns))

    def server_stats(self, service: str, post: Callable[[Message], object]) -> None:
        """Fetch server statistics."""
        if self._arrivals.is_looking:
            self._next = lambda: self.server_stats(service, post)
            self._arrivals.hurry()
            return
        findings = self._state.findings
        if findings is None or not self._arrivals.can_ask:
            loading = self._arrivals.is_loading
            self._say_key("search in progress; {app.back} stops it" if loading else "no server to search")
            return
        lookback = max(self._state.search.lookback_ns or LOOKBACK_NS, _OPINION_NS)
        self._begun = time.monotonic()
        self._start(self._arrivals.server_stats(service, lookback, findings, post))

    # --- answers -----------------------------------------------------------------------------------------------------

    def came(self, message: TraceSetArrived, *, can_show: bool) -> bool:
        """Accept the result of a search. -> whether to show it now

        can_show: whether nobody is looking at something that it would take away from under their eyes.
        """
        self._answered(message.told, message.is_poll)
        if message.is_poll and not can_show:
            self._held = message
            count = numbers.counted(len(message.new), "new trace")
            what = count if message.new else "late spans"
            self._say(f"{what}: shown when you leave this trace")
            return False
        self._held = None
        return True

    def held(self) -> TraceSetArrived | None:
        """Result that has arrived but was not shown, once."""
        held, self._held = self._held, None
        return held

    def server_stats_arrived(self) -> None:
        """Accept server statistics."""
        self._answered((), is_poll=False)

    def unchanged(self, message: ServersUnchanged) -> None:
        """Note that servers had nothing new."""
        self._answered(message.told, message.is_poll)
        if not message.is_poll:
            self._arrivals.told(message.told)
            self._say(f"nothing new from {'; '.join(self._state.told)}")

    def failed(self, message: LoadFailed) -> bool:
        """Note that the servers failed: following goes on with growing pauses. -> whether to show it"""
        self._failures += not message.stopped
        if not message.is_poll:
            # who looks at the same filter again wants it to be asked again
            self._asked = [search for search in self._asked if search != self._last]
            if self._former is not None:
                self._state.search, self._last = self._former
        self._answered((), message.is_poll)
        return not message.is_poll or (self._failures == 1 and not message.stopped)

    def _answered(self, told: Sequence[SearchReport], is_poll: bool) -> None:
        self._arrivals.answered()
        if told:
            self._answered_ns = self._begun_ns
            unread = max((found.unread_beyond for found in told), default=0)
            self._unread = unread or (self._unread if is_poll else 0)
            if not is_poll:
                self._told = list(told)
                self._told_before = [*self._told_before[-_REMEMBERED:], (self._last, self._told)]
        if not is_poll:
            self._former = None
        if told and self._failures:
            self._failures = 0
            if is_poll:
                # what the user has asked for says more
                self._say("the server responds again")
        if self.is_following:
            took = time.monotonic() - self._begun
            self._seconds = min(max(FOLLOW_SECONDS * 2**self._failures, _LEISURE * took), _LONGEST_SECONDS)
            self._wait()
            self._arrivals.text = self._text()
        following, self._next = self._next, None
        if following is not None:
            following()

    # --- following ---------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Look for new traces from time to time, or no longer."""
        if self.is_following:
            self._stop()
            self._say("following stopped")
            return
        if not self._state.is_live or self._state.session is None:
            self._say("only servers can be followed, not files")
            return
        self._watched = frozenset(self._state.session.loaded.trace_ids)
        self._seconds = FOLLOW_SECONDS
        self._wait()
        self._arrivals.text = self._text()
        self._poll()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
        self._arrivals.text = ""

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._app.set_timer(self._seconds, self._poll)

    def _text(self) -> str:
        if not self._answered_ns:
            return "no response yet"
        at = numbers.clock(self._answered_ns // 1_000_000_000 * 1_000_000_000, self._state.look.local_time)
        missed = f", more than {self._unread:,} arrived; the rest was not read" if self._unread else ""
        return f"{'no answer since' if self._failures else 'following'} {at.partition('.')[0]}{missed}"

    def _poll(self) -> None:
        """Search for recent traces if no other search is running."""
        self._wait()
        session = self._state.session
        if session is None or not self._arrivals.can_ask:
            return
        self._looks += 1
        if self._is_reading() and self._state.trace is not None and self._looks % _LOOKS_PER_TRACE == 0:
            # its spans may come long after those that began lately
            trace_id = session.loaded.trace_ids[self._state.trace]
            self._ask(Search(trace_ids=(trace_id,)), is_poll=True)
            return
        search, lately = self.search_for(self._state.query), self._lately(session.loaded.trace_start)
        if lately.start_ns is not None and (search.start_ns is None or search.start_ns < lately.start_ns):
            known_ns = lately.start_ns + _OVERLAP_NS - _LATE_NS
            lately = combined(lately, Search(end_ns=search.end_ns))
            self._ask(combined(search, lately), is_poll=True, known_ns=known_ns)
        else:
            self._ask(search, is_poll=True)

    def _lately(self, starts: np.ndarray) -> Search:
        """Traces that began since the newest one loaded, allowing for clocks that are ahead."""
        if not self._answered_ns:
            # what is here is of files alone
            return Search()
        if len(starts):
            since = min(int(starts.max()), self._answered_ns)
        elif self._has_fixed_window:
            since = self._answered_ns
        else:
            return Search()
        # a page's window ends, and who follows wants what comes behind it, also by clocks that are ahead of ours
        return Search(start_ns=since - _OVERLAP_NS, end_ns=time.time_ns() + _AHEAD_NS)

    def new_findings_in(self, message: TraceSetArrived) -> list[str]:
        """New findings in the new traces, in lines; from then on they are known."""
        if not message.new_findings or not self.is_following:
            return []
        # a screen can be painted before what analyses is loaded
        from tracetui.render.traces.new_findings import news_lines

        self._watched = frozenset(message.session.loaded.trace_ids)
        return news_lines(message.new_findings, ascii_only=self._state.look.marks.ascii_only)

    def _say(self, text: str) -> None:
        self._app.post_message(Notice(text))

    def _say_key(self, text: str) -> None:
        """Show a notice that names keys by their actions; it must contain nothing from outside."""
        self._say(KeyNames(self._app.screen).short(text))
