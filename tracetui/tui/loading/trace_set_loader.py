"""Background load, and the user's location in the arriving trace sets."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs
from textual.message import Message

from tracetui.model.search import LOOKBACK_NS
from tracetui.render.text.numbers import short_count
from tracetui.tui.bookmark import bookmark_of, marked_trace_ids, restore_selection
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.settings import Resume
from tracetui.tui.state import State

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    from tracetui.analysis.analysis import Analysis
    from tracetui.ingest.processes.background_load import BackgroundLoad
    from tracetui.ingest.servers.pool import SearchReport
    from tracetui.model.errors import LoadWarning
    from tracetui.model.search import Search
    from tracetui.tui.loading.messages import LoadProgressed, TraceSetArrived

_BANNER_WARNINGS = 3
_MOST_SHOWN_WARNINGS = 10_000
"""Most warnings that are remembered as shown, so that each is shown only once."""


class TraceSetLoader:
    """Loads the sources into the app's state, one load at a time."""

    def __init__(self, state: State, resume: Resume | None, post: Callable[[Message], object]) -> None:
        """`post` may be called from any thread."""
        self.status = ""
        """Progress of the load or state of following; '' for neither. Keys are named by their actions."""
        self._state = state
        self._resume = resume
        self._query = resume.query if resume is not None else state.query
        self._post = post
        self._load: BackgroundLoad | None = None
        """The running load."""
        self._searchable: BackgroundLoad | None = None
        """Load whose servers can be searched again; None if there is none."""
        self._is_complete = self._is_poll = False
        self._is_optional = False
        """True if the running search yields to any other request. Esc can also stop it."""
        self._shown_warnings: set[LoadWarning] = set()
        state.load_state = "reading" if state.sources else ""

    @property
    def is_loading(self) -> bool:
        return self._load is not None

    def begin(self, search: Search) -> Callable[[], None]:
        """Start a load with a search for its servers. -> the work, to be run in a thread"""
        from tracetui.ingest.processes.background_load import BackgroundLoad
        from tracetui.tui.loading.messages import load_in_background

        if self._searchable is not None:
            self._searchable.cancel()
        state = self._state
        self._load = load = self._searchable = BackgroundLoad(
            state.sources, state.stdin, search=search, overrides=state.overrides, asks_for_choice=True
        )
        self._state.load_state = "reading"
        self._state.newest_starts = {}
        self._is_poll = self._is_optional = False
        self.status = "reading"
        return lambda: load_in_background(
            load, state.logs, self.wanted_query, self._post, exact_names=state.exact_names
        )

    def bookmark(self, view: str) -> Resume:
        """Return the user's location, or the one to restore once the set has arrived."""
        current, resume = bookmark_of(self._state, view), self._resume
        current.query = self._query
        if resume is None:
            return current
        ids = {"trace_id": resume.trace_id, "span_id": resume.span_id}
        return structs.replace(current, view=resume.view, rows={**current.rows, **resume.rows}, **ids)

    def view_changed(self, view: str) -> None:
        """Note that the user has changed the view, so that an arriving set does not change it back."""
        if self._resume is not None:
            self._resume = structs.replace(self._resume, view=view)

    def trace_opened(self) -> None:
        """Note that the user has opened a trace, so that an arriving set does not open another."""
        if self._resume is not None:
            self._state.rows.update({**self._resume.rows, **self._state.rows})
            self._resume = None

    def set_query(self, query: str) -> None:
        """Set the filter for arriving sets."""
        self._query = query

    @property
    def can_search(self) -> bool:
        """True if servers can be searched again now."""
        return self._load is None and self._searchable is not None and self._searchable.can_ask_again

    def search(
        self, search: Search, baseline_ids: frozenset[str] | None, *, is_poll: bool, known_ns: int = 0
    ) -> Callable[[], None]:
        """Start another search of the servers; parameters as in `RunningSearch`. -> the work, to be run in a thread"""
        from tracetui.tui.loading.messages import RunningSearch, search_in_background

        load = self._reuse_load()
        state = self._state
        loaded_ids = frozenset(state.session.loaded.trace_ids) if state.session is not None else frozenset()
        self._is_poll = is_poll
        if not is_poll:
            self.status = "searching"
        running = RunningSearch(search, loaded_ids, baseline_ids, is_poll, known_ns)
        query, exact_names = self.wanted_query, state.exact_names
        return lambda: search_in_background(load, running, state.logs, query, self._post, exact_names=exact_names)

    def server_stats(
        self, service: str, lookback_ns: int, analysis: Analysis, post: Callable[[Message], object]
    ) -> Callable[[], None]:
        """Start to fetch server statistics. -> the work, to be run in a thread"""
        from tracetui.tui.loading.messages import server_stats_in_background

        load = self._reuse_load()
        self._is_poll = False
        self.status = "fetching server statistics"
        return lambda: server_stats_in_background(load, service, lookback_ns, analysis, post)

    def find_newest(self, services: Sequence[str], lookback_ns: int) -> Callable[[], None]:
        """Start to find the newest traces of services. -> the work, to be run in a thread"""
        from tracetui.tui.loading.messages import newest_in_background

        load = self._reuse_load()
        self._is_poll = self._is_optional = True
        self.status = "searching for the newest traces"
        return lambda: newest_in_background(load, services, lookback_ns, self._post)

    def _reuse_load(self) -> BackgroundLoad:
        """Make the load with servers the running one, and return it."""
        assert self._searchable is not None
        self._load = self._searchable
        self._is_optional = False
        self._load.go_on()
        return self._load

    def finish(self) -> None:
        """Note that the running load has ended."""
        self._load = None
        self.status = ""

    @property
    def can_stop(self) -> bool:
        """True if Esc stops the running load."""
        return self._load is not None and (not self._is_poll or self._is_optional)

    @property
    def is_polling(self) -> bool:
        """True if the running load is a poll, which gives way to any request of the user."""
        return self._load is not None and self._is_poll

    @property
    def is_stopping(self) -> bool:
        return self._load is not None and self._load.is_stopped

    def stop(self) -> None:
        """Stop the load and show the traces read so far; a second call discards them."""
        if self._load is None or not self.can_stop:
            return
        if self._is_optional:
            if not self._load.is_stopped:
                self._load.stop()
                self.status = "stopping"
        else:
            self._load.stop()
            self.status = "stopping; {app.back} again discards it"

    def interrupt_poll(self) -> None:
        """Stop a running poll, as a request of the user waits."""
        if self._load is not None and self.is_polling and not self._load.is_stopped:
            self._load.stop()
            self.status = "searching"

    def cancel(self) -> None:
        for load in (self._load, self._searchable):
            if load is not None:
                load.cancel()

    def wanted_query(self) -> str:
        """Return the filter for arriving sets."""
        return self._query

    def show_progress(self, message: LoadProgressed) -> None:
        if self._load is None or self._load.is_stopped:
            return
        if self._is_poll:
            return
        progress = message.progress
        spans = f"{short_count(progress.spans)} spans"
        if progress.all_read:
            self.status = f"assembling {spans}"
            return
        words = [
            "searching" if self._is_complete else "reading",
            f"{100 * progress.share:.0f} %" if progress.share else "",
            spans if progress.spans else "",
        ]
        self.status = "  ".join(filter(None, words))

    def failed(self) -> None:
        """Note that the load ended without a set."""
        self.finish()
        if self._state.session is None:
            self._state.load_state = "failed"

    def install(self, message: TraceSetArrived, view: str, is_placed: bool) -> bool:
        """Put an arrived set into the state, unless the current one is more complete. -> whether it did

        is_placed: whether the user has moved the cursor, which then stays on its trace.
        """
        if not message.whole and (self._is_complete or view != "traces"):
            # a partial set replaces neither a complete one nor an open trace
            return False
        state = self._state
        location = self._resume or bookmark_of(state, view)
        if self._resume is None and not is_placed:
            location.trace_id = ""
        marked = marked_trace_ids(state)
        state.session, state.shown, state.analysis = message.session, message.shown, message.analysis
        state.query = message.query
        restore_selection(state, location, marked)
        state.rows.update(location.rows)
        state.new = message.new
        if message.whole:
            if not self._is_complete:
                # exempt the first set from garbage collection, but not later ones: frozen objects are never freed, and
                # following replaces set after set
                gc.freeze()
            self._is_complete = True
            if self._searchable is not None:
                state.is_live, state.server_services = self._searchable.can_ask_again, self._searchable.services
            self.set_reports(message.reports)
            state.load_state = ""
        return True

    def set_reports(self, reports: Sequence[SearchReport]) -> None:
        """Put the servers' reports into the state."""
        from tracetui.ingest.servers.pool import describe_searched

        self._state.search_reports = [report.text for report in reports]
        self._state.search_scope = describe_searched(reports)
        self._state.services_to_choose = max((report.services_to_choose for report in reports), default=0)
        searches = [report.search for report in reports]
        is_open = all(search.start_ns is None and not search.trace_ids for search in searches)
        lookbacks = [search.lookback_ns or LOOKBACK_NS for search in searches]
        self._state.searched_lookback_ns = max(lookbacks, default=0) if is_open else 0

    def view_to_return_to(self) -> str:
        """Return the view to restore, once; '' for none."""
        view = self._resume.view if self._resume is not None else ""
        self._resume = None
        return view

    def warning_lines(self, names: KeyNames) -> list[str]:
        """Return a few lines about new load warnings, which may contain untrusted text."""
        warnings = [warning for warning in self.warnings() if warning not in self._shown_warnings]
        self._shown_warnings.update(warnings)
        if len(self._shown_warnings) > _MOST_SHOWN_WARNINGS:
            # each poll may add some
            self._shown_warnings = set(self.warnings())
        if not warnings:
            return []
        # the status line already names a single source
        source = self._state.sources[0] if len(self._state.sources) == 1 else None
        first = warnings[:_BANNER_WARNINGS]
        texts = [str(replace(warning, file="") if warning.file == source else warning) for warning in first]
        more = len(warnings) - len(texts)
        keys = f"{more:,} more: {{app.warnings}} shows all" if more else "{app.warnings} shows this again"
        return [*texts, names.short(f"{keys}, {{app.back}} hides it")]

    def log_files(self) -> list[str]:
        """Describe the number of records read from each log file."""
        return [str(file) for file in self._state.session.loaded.log_lines.files] if self._state.session else []

    def warnings(self) -> Sequence[LoadWarning]:
        return self._state.session.loaded.load_warnings if self._state.session else ()
