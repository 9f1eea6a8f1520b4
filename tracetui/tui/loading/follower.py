"""Follow mode: the time of the next poll, and what its results are compared with."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tracetui.model.search import Search
from tracetui.render.text import numbers
from tracetui.tui.loading.host import LoadHost
from tracetui.tui.loading.searches import Searches
from tracetui.tui.state import State

if TYPE_CHECKING:
    from textual.timer import Timer

    from tracetui.session import FilteredSession

FOLLOW_SECONDS = 5.0
"""Time between polls; longer if polls are slow or fail."""
_PAUSE_FACTOR = 4
"""Smallest ratio of the time between polls to the time that a poll takes."""
_MAX_FOLLOW_SECONDS = 60.0
_POLLS_PER_TRACE_POLL = 4
"""While a trace is open, every fourth poll fetches it again, as more of its spans may have arrived."""
_POLLS_PER_LATE_POLL = 12
"""Every twelfth poll, about one a minute, searches for traces that began long before they arrived."""
_FIRST_LATE_POLL = 6
"""Number of the first of them; none of their numbers is that of a poll of the open trace."""


class Follower:
    """Polls for recent traces at intervals that suit the servers."""

    def __init__(self, state: State, host: LoadHost, searches: Searches, poll: Callable[[Search, int], None]) -> None:
        """`poll` searches the servers, unless they cannot be searched now; arguments as of `Searches.poll`."""
        self._state = state
        self._host = host
        self._searches = searches
        self._poll = poll
        self._timer: Timer | None = None
        self._interval = FOLLOW_SECONDS
        self._failures = 0
        """Number of consecutive failures."""
        self._count = 0
        """Number of polls so far."""
        self.baseline_ids: frozenset[str] | None = None
        """Ids of the traces that new ones are compared with; None while not following."""

    def start(self, trace_ids: frozenset[str]) -> None:
        """Start to poll, with the loaded traces as the baseline."""
        self.baseline_ids = trace_ids
        self._interval = FOLLOW_SECONDS
        self._start_poll()

    def stop(self) -> None:
        """Stop polling."""
        self.baseline_ids = None
        if self._timer is not None:
            self._timer.stop()
        self._timer = None

    def failed(self) -> bool:
        """Note that a request failed: the next poll waits longer. -> whether it is the first failure in a row"""
        self._failures += 1
        return self._failures == 1

    def succeeded(self) -> bool:
        """Note that a request succeeded. -> whether the one before had failed"""
        had_failed, self._failures = bool(self._failures), 0
        return had_failed

    def wait(self, started: float) -> None:
        """Start the time to the next poll, after a request that began at this time (`time.monotonic`)."""
        duration = time.monotonic() - started
        self._interval = min(max(FOLLOW_SECONDS * 2**self._failures, _PAUSE_FACTOR * duration), _MAX_FOLLOW_SECONDS)
        self._start_timer()

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._host.set_timer(self._interval, self._start_poll)

    def _start_poll(self) -> None:
        self._start_timer()
        state = self._state
        if state.session is None:
            return
        loaded = state.session.loaded
        self._count += 1
        if self._host.view == "waterfall" and state.trace is not None and not self._count % _POLLS_PER_TRACE_POLL:
            # its spans may arrive long after its start
            self._poll(self._searches.trace_poll(loaded.trace_ids[state.trace]), 0)
            return
        late = None
        if self._count % _POLLS_PER_LATE_POLL == _FIRST_LATE_POLL:
            late = self._searches.late_poll(state.query, loaded.trace_start)
        self._poll(*((late, 0) if late is not None else self._searches.poll(state.query, loaded.trace_start)))

    @property
    def status(self) -> str:
        """State of following, for the status line."""
        answered_ns, unread = self._searches.answered_ns, self._searches.limit_reached
        if not answered_ns:
            return "no response yet"
        at = numbers.clock(answered_ns // 1_000_000_000 * 1_000_000_000, self._state.look.local_time)
        missed = f": more than {unread:,} arrived, the rest was not read" if unread else ""
        return f"{'no response since' if self._failures else 'following'} {at.partition('.')[0]}{missed}"

    def new_findings_in(self, selected: FilteredSession) -> list[str]:
        """Return lines about new findings in new traces, and add these traces to the baseline."""
        found = selected.new_findings
        if not found or self.baseline_ids is None:
            return []
        # imported late, so that the first screen is painted before
        from tracetui.render.traces.new_findings import new_finding_lines

        self.baseline_ids = frozenset(selected.session.loaded.trace_ids)
        return new_finding_lines(found, ascii_only=self._state.look.glyphs.ascii_only)
