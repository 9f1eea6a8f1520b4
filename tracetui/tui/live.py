"""The servers among the sources, asked again: for what the filter says, for more, and on and on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import structs
from textual.timer import Timer

from tracetui.ingest.sources.served import named_by
from tracetui.model.problems import UsageError
from tracetui.model.search import LOOKBACK_NS, MORE, Search, combined
from tracetui.render import numbers
from tracetui.render.offered_rows import MOST_ASKED, NEWEST_NS
from tracetui.tui.arrivals import Arrivals
from tracetui.tui.keymap import KeyNames
from tracetui.tui.messages import Notice
from tracetui.tui.state import State

if TYPE_CHECKING:
    import numpy as np
    from textual.app import App
    from textual.message import Message

    from tracetui.ingest.asked import Told
    from tracetui.tui.loading import Arrived, LoadFailed, Unchanged

FOLLOW_SECONDS = 5.0
"""Between two looks for new traces; longer where a look takes long, or fails."""
_LEISURE = 4
_LONGEST_SECONDS = 60.0
_OVERLAP_NS = 60_000_000_000
"""Spans come late, and with them parts of traces that are here already."""
_LATE_NS = 15_000_000_000
"""Traces that began so long before the newest that is here may have come since the last look."""
_LOOKS_PER_TRACE = 4
"""Of so many looks one is for more spans of the trace that is selected."""
_AHEAD_NS = 3_600_000_000_000
_REMEMBERED = 50
_OPINION_NS = 24 * 3_600_000_000_000


class Live:
    """What is asked of servers while the app runs; panes and the app tell it what the user wants."""

    def __init__(
        self,
        app: App[None],
        state: State,
        arrivals: Arrivals,
        start: Callable[[Callable[[], None]], None],
        is_reading: Callable[[], bool],
    ):
        """`start` runs what it is given in a thread of its own; `is_reading` tells whether one trace is looked at."""
        self._app = app
        self._state = state
        self._arrivals = arrivals
        self._start = start
        self._is_reading = is_reading
        self._asked: list[Search] = []
        """Since the sources were read: who takes a filter back need not ask anew."""
        self._last = Search()
        self._told: list[Told] = []
        """Of what was asked for last, but for looks from time to time."""
        self._told_before: list[tuple[Search, list[Told]]] = []
        """The same of what was asked for before, each time."""
        self._timer: Timer | None = None
        self._watched: frozenset[str] = frozenset()
        self._seconds = FOLLOW_SECONDS
        self._begun = 0.0
        self._begun_ns = self._answered_ns = 0
        """When servers were asked last, and when they were asked what they have answered; 0 for never."""
        self._former: tuple[Search, Search] | None = None
        """What was asked for before what is being asked for was widened: to go back to where servers refuse that."""
        self._failures = 0
        """One after the other."""
        self._unread = 0
        """How many traces were read when more had come than that, last; 0 where nothing was missed."""
        self._looks = 0
        self._next: Callable[[], None] | None = None
        """What the user wants asked when what is being asked has come."""
        self._held: Arrived | None = None

    @property
    def is_following(self) -> bool:
        return self._timer is not None

    # --- asking ------------------------------------------------------------------------------------------------------

    def search_for(self, query: str) -> Search:
        """What the servers are to be asked for by a filter, as far as they can tell."""
        if not query:
            return self._state.search
        # the first query takes as long as making the grammar does
        from tracetui.analysis.query.pushed import pushed

        try:
            wanted, _ = pushed(query, exact_names=self._state.exact_names)
        except UsageError:
            wanted = Search()
        return combined(self._state.search, wanted)

    def begun(self) -> Search:
        """The sources are read anew. -> what servers are asked for then"""
        self._held = self._former = None
        self._begun_ns = time.time_ns()
        self._last = self.search_for(self._arrivals.wanted_query() if self._has_servers() else "")
        self._asked = [self._last]
        return self._last

    def _has_servers(self) -> bool:
        return bool(named_by(self._state.sources).servers)

    def filtered(self, query: str) -> bool:
        """Another filter is looked at: have what the servers know of it come, unless they were asked for that.

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
        """Ask for what the filter wants again, up to now."""
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
        """From here on ask for that, too."""
        self._former = self._former or (self._state.search, self._last)
        self._state.search = combined(self._state.search, more)
        self._asked.clear()

    def more(self) -> None:
        """Ask for more traces; for older ones, where the servers have sent all that there are."""
        # a filter that was taken back since they were asked is none any more
        search = self.search_for(self._state.query)
        told = self._told_of(search)
        if any(found.may_have_more for found in told):
            more = Search(limit=max(found.asked.most for found in told) * MORE)
        elif any(found.asked.trace_ids for found in told):
            self._say("the address is of these traces alone")
            return
        elif search.start_ns is None and not any(found.asked.start_ns is not None for found in told):
            lookbacks = [found.asked.lookback_ns or LOOKBACK_NS for found in told]
            more = Search(lookback_ns=max(lookbacks, default=LOOKBACK_NS) * MORE)
        else:
            self._say_key("that is all the servers have of this time: {traces.window} looks further back")
            return
        self._widen(more)
        self._ask(combined(search, more))

    def _told_of(self, search: Search) -> list[Told]:
        """What servers told when they were asked for this last, or of what they were asked for last."""
        return next((told for asked, told in reversed(self._told_before) if asked == search), self._told)

    @property
    def _has_fixed_window(self) -> bool:
        """Whether what servers were asked for has a beginning: that of the page whose address was opened."""
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
                self._say_key("nobody is there to be asked: {app.reload} reads the sources again")
            return
        self._begun = time.monotonic()
        self._begun_ns = time.time_ns()
        watched = self._watched if self.is_following else None
        self._start(self._arrivals.ask(search, watched, is_poll=is_poll, known_ns=known_ns))

    def opinion(self, service: str, post: Callable[[Message], object]) -> None:
        """Ask what the servers themselves say."""
        if self._arrivals.is_looking:
            self._next = lambda: self.opinion(service, post)
            self._arrivals.hurry()
            return
        findings = self._state.findings
        if findings is None or not self._arrivals.can_ask:
            loading = self._arrivals.is_loading
            self._say_key("still asking: {app.back} stops that" if loading else "there is no server to be asked")
            return
        lookback = max(self._state.search.lookback_ns or LOOKBACK_NS, _OPINION_NS)
        self._begun = time.monotonic()
        self._start(self._arrivals.opinion(service, lookback, findings, post))

    # --- answers -----------------------------------------------------------------------------------------------------

    def came(self, message: Arrived, *, can_show: bool) -> bool:
        """What was asked for is here. -> whether it is to be shown now

        can_show: whether nobody is looking at something that it would take away from under their eyes.
        """
        self._answered(message.told, message.is_poll)
        if message.is_poll and not can_show:
            self._held = message
            count = numbers.counted(len(message.new), "new trace")
            what = count if message.new else "spans came late"
            self._say(f"{what}: shown when you leave this trace")
            return False
        self._held = None
        return True

    def held(self) -> Arrived | None:
        """What has come and was not shown, once."""
        held, self._held = self._held, None
        return held

    def opined(self) -> None:
        """Servers have told what they themselves say."""
        self._answered((), is_poll=False)

    def unchanged(self, message: Unchanged) -> None:
        """Servers had nothing new."""
        self._answered(message.told, message.is_poll)
        if not message.is_poll:
            self._arrivals.told(message.told)
            self._say(f"nothing new from {'; '.join(self._state.told)}")

    def failed(self, message: LoadFailed) -> bool:
        """Servers could not be asked: following goes on, more and more rarely. -> whether to tell that"""
        self._failures += not message.stopped
        if not message.is_poll:
            # who looks at the same filter again wants it to be asked again
            self._asked = [search for search in self._asked if search != self._last]
            if self._former is not None:
                self._state.search, self._last = self._former
        self._answered((), message.is_poll)
        return not message.is_poll or (self._failures == 1 and not message.stopped)

    def _answered(self, told: Sequence[Told], is_poll: bool) -> None:
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
                self._say("the server answers again")
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
            self._say("no longer following")
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
            return "no answer yet"
        at = numbers.clock(self._answered_ns // 1_000_000_000 * 1_000_000_000, self._state.look.local_time)
        missed = f", more came than the {self._unread:,} read" if self._unread else ""
        return f"{'no answer since' if self._failures else 'following'} {at.partition('.')[0]}{missed}"

    def _poll(self) -> None:
        """Ask for what began lately, if nothing else is being asked."""
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
        """What began since the newest trace that is here, of which clocks may say that it is of tomorrow."""
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

    def news_of(self, message: Arrived) -> list[str]:
        """What the new traces tell that those before did not, in lines; from then on it is known."""
        if not message.news or not self.is_following:
            return []
        # a screen can be painted before what analyses is loaded
        from tracetui.render.news_lines import news_lines

        self._watched = frozenset(message.session.loaded.trace_ids)
        return news_lines(message.news, ascii_only=self._state.look.marks.ascii_only)

    def _say(self, text: str) -> None:
        self._app.post_message(Notice(text))

    def _say_key(self, text: str) -> None:
        """The same with keys in it, named by what they do; nothing from outside may be in it."""
        self._say(KeyNames(self._app.screen).short(text))
