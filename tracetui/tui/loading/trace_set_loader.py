"""Arrival of trace sets: the background load, and the user's location in the sets that come of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs
from textual.message import Message

from tracetui.model.search import LOOKBACK_NS
from tracetui.render.text.numbers import short_count
from tracetui.tui.bookmark import bookmark_of, marked_trace_ids, select_again
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.settings import Resume
from tracetui.tui.state import State

if TYPE_CHECKING:
    # the screen is painted before what reads is imported
    from tracetui.analysis.analysis import Analysis
    from tracetui.ingest.processes.background_load import BackgroundLoad
    from tracetui.ingest.servers.pool import SearchReport
    from tracetui.model.errors import LoadWarning
    from tracetui.model.search import Search
    from tracetui.tui.loading.messages import LoadProgressed, TraceSetArrived

_BANNER_WARNINGS = 3
_MOST_WARNED = 10_000
"""Warnings that are remembered, so that each is shown once."""


class TraceSetLoader:
    """Loads the sources into the app's state, one load at a time."""

    def __init__(self, state: State, resume: Resume | None, post: Callable[[Message], object]) -> None:
        """`post` takes messages from any thread."""
        self.text = ""
        """Progress text of the load, '' where there is none; keys are named by their actions."""
        self._state = state
        self._resume = resume
        self._query = resume.query if resume is not None else state.query
        self._post = post
        self._load: BackgroundLoad | None = None
        """The load that is under way."""
        self._live: BackgroundLoad | None = None
        """Load whose servers can be searched again."""
        self._has_all = self._is_poll = False
        self._is_optional = False
        """Whether what is being asked makes room for whatever else the user wants, and can be stopped."""
        self._warned: set[LoadWarning] = set()
        state.load_state = "reading" if state.sources else ""

    @property
    def is_loading(self) -> bool:
        return self._load is not None

    def begin(self, search: Search) -> Callable[[], None]:
        """Start a load; servers are searched as `search` says. -> the work, for a thread"""
        from tracetui.ingest.processes.background_load import BackgroundLoad
        from tracetui.tui.loading.messages import load_in_background

        if self._live is not None:
            self._live.cancel()
        state = self._state
        self._load = load = self._live = BackgroundLoad(
            state.sources, state.stdin, search=search, overrides=state.overrides, asks_for_choice=True
        )
        self._state.load_state = "reading"
        self._state.newest = {}
        self._is_poll = self._is_optional = False
        self.text = "reading"
        return lambda: load_in_background(
            load, state.logs, self.wanted_query, self._post, exact_names=state.exact_names
        )

    def place(self, view: str) -> Resume:
        """Location of the user, now or once the set has arrived."""
        here, wanted = bookmark_of(self._state, view), self._resume
        here.query = self._query
        if wanted is None:
            return here
        ids = {"trace_id": wanted.trace_id, "span_id": wanted.span_id}
        return structs.replace(here, view=wanted.view, rows={**here.rows, **wanted.rows}, **ids)

    def went_to(self, view: str) -> None:
        """Note that the user has gone to a view, so that arriving sets do not leave it."""
        if self._resume is not None:
            self._resume = structs.replace(self._resume, view=view)

    def opened(self) -> None:
        """Note that the user has opened a trace, so that arriving sets do not replace it."""
        if self._resume is not None:
            self._state.rows.update({**self._resume.rows, **self._state.rows})
            self._resume = None

    def filtered(self, query: str) -> None:
        """Note the user's filter, for the current set and arriving ones."""
        self._query = query

    @property
    def can_ask(self) -> bool:
        """True if servers can be searched again now."""
        return self._load is None and self._live is not None and self._live.can_ask_again

    def ask(
        self, search: Search, watched: frozenset[str] | None, *, is_poll: bool, known_ns: int = 0
    ) -> Callable[[], None]:
        """Start another search of the servers, as `loading.SearchStarted` describes it. -> the work, for a thread"""
        from tracetui.tui.loading.messages import SearchStarted, ask_in_background

        load = self._asking()
        state = self._state
        known = frozenset(state.session.loaded.trace_ids) if state.session is not None else frozenset()
        self._is_poll = is_poll
        if not is_poll:
            self.text = "asking"
        asked = SearchStarted(search, known, watched, is_poll, known_ns)
        query, exact_names = self.wanted_query, state.exact_names
        return lambda: ask_in_background(load, asked, state.logs, query, self._post, exact_names=exact_names)

    def server_stats(
        self, service: str, lookback_ns: int, findings: Analysis, post: Callable[[Message], object]
    ) -> Callable[[], None]:
        """Start to fetch server statistics. -> the work, for a thread"""
        from tracetui.tui.loading.messages import server_stats_in_background

        load = self._asking()
        self._is_poll = False
        self.text = "asking"
        return lambda: server_stats_in_background(load, service, lookback_ns, findings, post)

    def newest(self, services: Sequence[str], lookback_ns: int) -> Callable[[], None]:
        """Begin to ask the servers when the newest traces of services began. -> the work, for a thread"""
        from tracetui.tui.loading.messages import newest_in_background

        load = self._asking()
        self._is_poll = self._is_optional = True
        self.text = "asking for the newest traces"
        return lambda: newest_in_background(load, services, lookback_ns, self._post)

    def _asking(self) -> BackgroundLoad:
        """Select the load that is searched again and that Esc stops from now on."""
        assert self._live is not None
        self._load = self._live
        self._is_optional = False
        self._load.go_on()
        return self._load

    def answered(self) -> None:
        """Note that the search of the servers has ended."""
        self._load = None
        self.text = ""

    @property
    def can_stop(self) -> bool:
        """True if the user waits for something that can be stopped."""
        return self._load is not None and (not self._is_poll or self._is_optional)

    @property
    def is_looking(self) -> bool:
        """True if servers are polled for new traces, which nobody waits for."""
        return self._load is not None and self._is_poll

    @property
    def is_stopping(self) -> bool:
        return self._load is not None and self._load.is_stopped

    def stop(self) -> None:
        """Stop reading and show what has arrived; a second call discards that, too."""
        if self._load is None or not self.can_stop:
            return
        if self._is_optional:
            if not self._load.is_stopped:
                self._load.stop()
                self.text = "stopping"
        else:
            self._load.stop()
            self.text = "stopping; {app.back} again discards it"

    def hurry(self) -> None:
        """The user wants something else: look for new traces no longer."""
        if self._load is not None and self.is_looking and not self._load.is_stopped:
            self._load.stop()
            self.text = "asking"

    def cancel(self) -> None:
        for load in (self._load, self._live):
            if load is not None:
                load.cancel()

    def wanted_query(self) -> str:
        """Filter that the user expects on the arriving set."""
        return self._query

    def progressed(self, message: LoadProgressed) -> None:
        if self._load is None or self._load.is_stopped:
            return
        if self._is_poll:
            return
        progress = message.progress
        spans = f"{short_count(progress.spans)} spans"
        if progress.all_read:
            self.text = f"assembling {spans}"
            return
        words = [
            "asking" if self._has_all else "reading",
            f"{100 * progress.share:.0f} %" if progress.share else "",
            spans if progress.spans else "",
        ]
        self.text = "  ".join(filter(None, words))

    def failed(self) -> None:
        """The load ended without a set."""
        self.answered()
        if self._state.session is None:
            self._state.load_state = "failed"

    def take(self, message: TraceSetArrived, view: str, is_placed: bool) -> bool:
        """Put an arrived set into the state, unless the current one is better. -> whether it did

        is_placed: whether the user has chosen what is selected.
        """
        if not message.whole and (self._has_all or view != "traces"):
            # a part is better than nothing, not than what was there; who looks at a trace keeps it until all is here
            return False
        state = self._state
        place = self._resume or bookmark_of(state, view)
        if self._resume is None and not is_placed:
            place.trace_id = ""
        marked = marked_trace_ids(state)
        state.session, state.shown, state.findings = message.session, message.shown, message.findings
        state.query = message.query
        select_again(state, place, marked)
        state.rows.update(place.rows)
        state.new = message.new
        if message.whole:
            if not self._has_all:
                # kept from the search for garbage, as what was built before the load; what was kept from it would
                # never be let go if sets that take each other's place were, too
                gc.freeze()
            self._has_all = True
            if self._live is not None:
                state.is_live, state.offered = self._live.can_ask_again, self._live.services
            self.told(message.told)
            state.load_state = ""
        return True

    def told(self, found: Sequence[SearchReport]) -> None:
        """Take the servers' reports."""
        from tracetui.ingest.servers.pool import describe_searched

        self._state.told = [one.text for one in found]
        self._state.searched = describe_searched(found)
        self._state.services_to_choose = max((one.services_to_choose for one in found), default=0)
        asked = [one.asked for one in found]
        is_open = all(one.start_ns is None and not one.trace_ids for one in asked)
        lookbacks = [one.lookback_ns or LOOKBACK_NS for one in asked]
        self._state.asked_lookback_ns = max(lookbacks, default=0) if is_open else 0

    def view_to_return_to(self) -> str:
        """The view that the user left, once; '' for none."""
        view = self._resume.view if self._resume is not None else ""
        self._resume = None
        return view

    def warning_lines(self, names: KeyNames) -> list[str]:
        """New warnings of the load, in a few lines; contains text from outside."""
        warnings = [warning for warning in self.warnings() if warning not in self._warned]
        self._warned.update(warnings)
        if len(self._warned) > _MOST_WARNED:
            # each answer may have some of its own
            self._warned = set(self.warnings())
        if not warnings:
            return []
        # the status line names the source, if it is only one
        only = self._state.sources[0] if len(self._state.sources) == 1 else None
        named = [str(replace(it, file="") if it.file == only else it) for it in warnings[:_BANNER_WARNINGS]]
        more = len(warnings) - len(named)
        reads = f"{more:,} more: {{app.warnings}} shows all" if more else "{app.warnings} reads this again"
        return [*named, names.short(f"{reads}, {{app.back}} hides it")]

    def log_files(self) -> list[str]:
        """Count what was read of each file of logs, in words."""
        return [str(file) for file in self._state.session.loaded.log_lines.files] if self._state.session else []

    def warnings(self) -> Sequence[LoadWarning]:
        return self._state.session.loaded.load_warnings if self._state.session else ()
