"""Loading part of the app: arriving trace sets, the filter on them, and repeated searches of servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracetui.model.errors import UsageError
from tracetui.model.search import traces_per_service
from tracetui.render.frame import source_name
from tracetui.render.text.numbers import counted
from tracetui.render.text.safe_text import safe_lines
from tracetui.tui.bookmark import Bookmark
from tracetui.tui.frame import FrameBottom, FrameTop
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.loading.jobs import JobDone, Jobs
from tracetui.tui.loading.poller import Poller
from tracetui.tui.loading.trace_set_loader import TraceSetLoader
from tracetui.tui.messages import CompareTraces, FilterTraces, OpenTrace, ReadText, ShowServerStats, WidenWindow
from tracetui.tui.settings import Resume
from tracetui.tui.state import State
from tracetui.tui.terminal.cell_diff import CellDiffApp
from tracetui.tui.views.base import View
from tracetui.tui.views.registry import VIEWS

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    import numpy as np

    from tracetui.analysis.analysis import Analysis
    from tracetui.tui.loading.messages import (
        LoadFailed,
        LoadProgressed,
        NewestFound,
        ServerStatsArrived,
        ServersUnchanged,
        TraceSetArrived,
    )


class LoadingApp(CellDiffApp):
    """App whose trace set is loaded and replaced. Subclasses provide the views."""

    def __init__(self, state: State, resume: Resume | None, ansi: bool | None) -> None:
        super().__init__(ansi)
        self.state = state
        self._loader = TraceSetLoader(state, resume, self.post_message)
        self._poller = Poller(self, state, self._loader, self._run_load, lambda: self._view == "waterfall")
        self._jobs = Jobs(self)
        self._history: list[Bookmark] = []
        self._history_at_load: list[Bookmark] = []
        """Navigation history at the start of the load."""
        self._top = FrameTop(state)
        self._bottom = FrameBottom(state)
        self._view = VIEWS[0][0]
        self._has_views = False

    # --- provided by subclasses ---------------------------------------------------------------------------------------

    @property
    def pane(self) -> View:
        """The current view."""
        raise NotImplementedError

    def action_view(self, view: str) -> None:
        raise NotImplementedError

    @property
    def key_names(self) -> KeyNames:
        """Keys of actions at the current focus."""
        raise NotImplementedError

    def _update_frame(self) -> None:
        """Update the frame around the view."""
        raise NotImplementedError

    def _show_notice(self, text: str, bad: bool) -> None:
        raise NotImplementedError

    # --- trace sets --------------------------------------------------------------------------------------------------

    def _start_load(self) -> None:
        """Read all sources."""
        load = self._loader.begin(self._poller.start_load())
        if self.state.session is None:
            self._refresh_views()
        self._run_load(load)

    @property
    def _esc_stops(self) -> bool:
        """True if Esc stops the load. After further navigation, Esc goes back first."""
        is_unmoved = self._history == self._history_at_load[: len(self._history)]
        return self._loader.can_stop and is_unmoved

    def _run_load(self, load: Callable[[], None]) -> None:
        self._history_at_load = self._history.copy()
        self._update_frame()
        self.run_worker(load, thread=True, group="load", exit_on_error=False)

    def on_load_progressed(self, message: LoadProgressed) -> None:
        self._loader.show_progress(message)
        self._update_frame()

    def on_load_failed(self, message: LoadFailed) -> None:
        self._loader.failed()
        is_shown = self._poller.failed(message)
        if self.state.session is None:
            self._refresh_views()
        if not message.is_poll:
            self.state.to_open = ()
        if message.stopped:
            notice = (
                self.key_names.short("loading stopped; {app.reload} reloads")
                if self.state.session is None
                else "search stopped; loaded traces stay"
            )
            if is_shown:
                self._show_notice(notice, bad=False)
        elif is_shown:
            advice = "{app.quit} quits" if self.state.session is None else "loaded traces stay"
            advice = self.key_names.short(f"{{app.reload}} tries again, {advice}")
            self._top.show_banner([*safe_lines(message.reason), advice], is_failure=True)
        self._update_frame()

    def on_servers_unchanged(self, message: ServersUnchanged) -> None:
        self._top.end_failure()
        self._poller.unchanged(message)
        if not message.is_poll:
            self._open_pending(is_last=True)
            if self.state.session is not None and not self.state.session.loaded.trace_count:
                # empty views show the reports
                self._refresh_views()
        self._offer_alternatives(is_poll=message.is_poll)
        self._update_frame()

    def on_trace_set_arrived(self, message: TraceSetArrived) -> None:
        if not self.is_running:
            return
        if message.whole:
            self._top.end_failure()
            is_reading = self._view == "waterfall" or len(self.screen_stack) > 1
            if not self._poller.accept(message, can_show=not is_reading):
                self._update_frame()
                return
        self._show_arrived(message)

    def _show_arrived(self, message: TraceSetArrived) -> None:
        loader = self._loader
        if not loader.install(message, self._view, self.pane.is_placed):
            return
        # their positions are those of the previous set
        for bookmarks in (self._history, self._history_at_load):
            bookmarks[:] = [replace(bookmark, trace=None, span=None, come_back=None) for bookmark in bookmarks]
        self._trace_set_changed()
        if message.whole:
            lines = [*self._poller.new_findings_in(message), *loader.warning_lines(self.key_names)]
            if lines or not message.is_poll:
                self._top.show_banner(lines)
            if self.state.search_reports and not message.is_poll:
                self._show_notice("; ".join(self.state.search_reports), bad=False)
            self.action_view(loader.view_to_return_to())
            self._open_pending(is_last=not message.is_poll)
            self._offer_alternatives(is_poll=message.is_poll)
        if loader.wanted_query() != message.query:
            # the filter has changed since
            self.post_message(FilterTraces(loader.wanted_query()))

    def _open_pending(self, *, is_last: bool) -> bool:
        """Open the traces of `State.to_open` if they are loaded. -> whether they are loaded

        is_last: True if no more traces will arrive, so that missing ones are reported.
        """
        state = self.state
        if not state.to_open or state.session is None:
            return False
        loaded = state.session.loaded
        found = [trace for trace in map(loaded.find_trace, state.to_open) if trace is not None]
        if len(found) < len(state.to_open):
            if is_last and not (state.is_live and self._poller.search_filter(self._loader.wanted_query())):
                missing = next(trace_id for trace_id in state.to_open if loaded.find_trace(trace_id) is None)
                self._show_notice(f"no trace {missing} among {counted(loaded.trace_count, 'trace')}", bad=True)
                state.to_open = ()
            return False
        state.to_open = ()
        if self._view == VIEWS[0][0] and len(self.screen_stack) == 1:
            # do not open it if the user has navigated elsewhere
            self.post_message(OpenTrace(found[0]) if len(found) == 1 else CompareTraces((found[0], found[1])))
        return True

    def action_warnings(self) -> None:
        """Show all load warnings and the reports of servers."""
        lines = [*self.state.search_reports, *self._loader.log_files(), *map(str, self._loader.warnings())]
        if lines:
            self.post_message(ReadText("Load warnings", "\n".join(lines)))
        else:
            self._show_notice("no load warnings", bad=False)

    def _refresh_views(self) -> None:
        for pane in self.query(View):
            pane.set_changed()

    def _trace_set_changed(self) -> None:
        self._jobs.drop_all()
        self._refresh_views()
        self._update_frame()
        self.release_keys()

    def on_filter_traces(self, message: FilterTraces) -> None:
        session, text = self.state.session, message.query.strip()
        self.state.to_open = message.opens
        self._loader.set_query(text)
        if session is None:
            # the filter is applied when the set arrives
            return

        def done(result: tuple[np.ndarray, Analysis] | UsageError) -> None:
            if isinstance(result, UsageError):
                self.state.to_open = ()
                self._loader.set_query(self.state.query)
                self._show_notice(str(result), bad=True)
                return
            self.state.shown, self.state.analysis = result
            self.state.query = text
            self._trace_set_changed()
            if self._open_pending(is_last=False):
                return
            if message.ask and not self._poller.search_filter(text):
                self._open_pending(is_last=True)

        def select() -> tuple[np.ndarray, Analysis] | UsageError:
            try:
                return session.select(text)
            except UsageError as error:
                return error

        self._jobs.work("filter", select, done)

    def on_job_done(self, message: JobDone) -> None:
        # while the app closes there are no views
        if self.is_running and self._jobs.is_current(message):
            message.done(message.result)
            self._update_frame()
            self.release_keys()

    def on_worker_state_changed(self, event: Any) -> None:
        if event.worker.error is not None and not event.worker.is_cancelled:
            error = event.worker.error
            self._show_notice(f"internal error in {event.worker.group}: {type(error).__name__}: {error}", bad=True)
            for pane in self.query(View):
                pane.work_failed(event.worker.group)
            self.release_keys()

    # --- servers ------------------------------------------------------------------------------------------------------

    def action_reload(self) -> None:
        if self.state.stdin is not None:
            self._show_notice("standard input can be read only once", bad=True)
        elif self._has_views and (self._loader.can_search or self._loader.is_polling):
            self._poller.refresh()
        elif self._has_views and not self._loader.is_loading:
            self._start_load()

    def action_follow(self) -> None:
        self._poller.follow()
        self._update_frame()

    def action_more(self) -> None:
        self._poller.more()

    def on_show_server_stats(self, message: ShowServerStats) -> None:
        self._poller.server_stats(message.service, self.post_message)

    def on_server_stats_arrived(self, message: ServerStatsArrived) -> None:
        from tracetui.tui.views.server_stats import show_server_stats

        self._poller.server_stats_arrived()
        self._update_frame()
        show_server_stats(self, self.state.look, message.server_stats, message.analysis)

    def on_widen_window(self, message: WidenWindow) -> None:
        self._poller.widen_window(message.lookback_ns, message.query)
        if message.query is not None:
            self.post_message(FilterTraces(message.query))

    def on_newest_found(self, message: NewestFound) -> None:
        self._poller.newest_done()
        self.state.newest_starts = message.starts
        self._refresh_views()
        self._update_frame()

    def _offer_alternatives(self, *, is_poll: bool) -> None:
        """If servers sent no traces, let the user choose services, or look up the newest traces."""
        state = self.state
        if is_poll or not state.is_live or state.session is None:
            return
        if state.services_to_choose:
            self.on_choose_services()
        elif state.server_services and not state.newest_starts and not state.session.loaded.trace_count:
            self._poller.find_newest()

    def on_choose_services(self) -> None:
        from tracetui.tui.widgets.choices import Choices

        state = self.state
        if len(self.screen_stack) > 1 or not state.server_services:
            return
        most = state.search.most

        def cost(count: int) -> str:
            return f"{counted(count, 'request')}, up to {count * traces_per_service(most, count):,} traces"

        def chosen(names: Sequence[str] | None) -> None:
            self.pane.focus_pane()
            if names:
                self._poller.choose_services(names, every=len(names) == len(state.server_services))
                self._update_frame()

        title = f"{source_name(state.sources)} searches by service only. Which of {len(state.server_services):,}?"
        self.push_screen(Choices(state.look, title, state.server_services, cost, state.search.services), chosen)
