"""The loading part of the app: arriving sets, the filter on them, and repeated searches of servers."""

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
    # the screen is painted first; what reads and analyses is imported behind it
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
    """An app over a set that loads and changes. Subclasses provide the views."""

    def __init__(self, state: State, resume: Resume | None, ansi: bool | None) -> None:
        super().__init__(ansi)
        self.state = state
        self._arrivals = TraceSetLoader(state, resume, self.post_message)
        self._live = Poller(self, state, self._arrivals, self._in_thread, lambda: self._view == "waterfall")
        self._background = Jobs(self)
        self._back: list[Bookmark] = []
        self._back_at_load: list[Bookmark] = []
        """Navigation history when the load began."""
        self._top = FrameTop(state)
        self._bottom = FrameBottom(state)
        self._view = VIEWS[0][0]
        self._has_views = False

    # --- what the views are for ---------------------------------------------------------------------------------------

    @property
    def pane(self) -> View:
        """The view in sight."""
        raise NotImplementedError

    def action_view(self, view: str) -> None:
        raise NotImplementedError

    @property
    def key_names(self) -> KeyNames:
        """The keys of actions where the focus is now."""
        raise NotImplementedError

    def _frame(self) -> None:
        """Update the frame around the view."""
        raise NotImplementedError

    def _say(self, text: str, bad: bool) -> None:
        raise NotImplementedError

    # --- the set -----------------------------------------------------------------------------------------------------

    def _start_load(self) -> None:
        """Read all sources."""
        load = self._arrivals.begin(self._live.begun())
        if self.state.session is None:
            # they say why there is nothing in them
            self._tell_panes()
        self._in_thread(load)

    @property
    def _esc_stops(self) -> bool:
        """Test whether Esc stops the load: not if the user has since gone somewhere that Esc leads back from."""
        here = self._back == self._back_at_load[: len(self._back)]
        return self._arrivals.can_stop and here

    def _in_thread(self, load: Callable[[], None]) -> None:
        self._back_at_load = self._back.copy()
        self._frame()
        self.run_worker(load, thread=True, group="load", exit_on_error=False)

    def on_load_progressed(self, message: LoadProgressed) -> None:
        self._arrivals.progressed(message)
        self._frame()

    def on_load_failed(self, message: LoadFailed) -> None:
        self._arrivals.failed()
        tell = self._live.failed(message)
        if self.state.session is None:
            self._tell_panes()
        if not message.is_poll:
            self.state.to_open = ()
        if message.stopped:
            said = (
                self.key_names.short("loading stopped; {app.reload} reloads")
                if self.state.session is None
                else "search stopped; loaded traces stay"
            )
            if tell:
                self._say(said, bad=False)
        elif tell:
            then = "{app.quit} quits" if self.state.session is None else "loaded traces stay"
            then = self.key_names.short(f"{{app.reload}} tries again, {then}")
            self._top.show_banner([*safe_lines(message.reason), then], is_failure=True)
        self._frame()

    def on_servers_unchanged(self, message: ServersUnchanged) -> None:
        self._top.end_failure()
        self._live.unchanged(message)
        if not message.is_poll:
            self._open_wanted(is_last=True)
            if self.state.session is not None and not self.state.session.loaded.trace_count:
                # they say what was asked for
                self._tell_panes()
        self._help_with_nothing(is_poll=message.is_poll)
        self._frame()

    def on_trace_set_arrived(self, message: TraceSetArrived) -> None:
        if not self.is_running:
            return
        if message.whole:
            self._top.end_failure()
            is_reading = self._view == "waterfall" or len(self.screen_stack) > 1
            if not self._live.came(message, can_show=not is_reading):
                self._frame()
                return
        self._show_arrived(message)

    def _show_arrived(self, message: TraceSetArrived) -> None:
        arrivals = self._arrivals
        if not arrivals.take(message, self._view, self.pane.is_placed):
            return
        # what they remember are positions of the set before
        for visits in (self._back, self._back_at_load):
            visits[:] = [replace(visit, trace=None, span=None, come_back=None) for visit in visits]
        self._set_changed()
        if message.whole:
            lines = [*self._live.new_findings_in(message), *arrivals.warning_lines(self.key_names)]
            if lines or not message.is_poll:
                self._top.show_banner(lines)
            if self.state.told and not message.is_poll:
                self._say("; ".join(self.state.told), bad=False)
            self.action_view(arrivals.view_to_return_to())
            self._open_wanted(is_last=not message.is_poll)
            self._help_with_nothing(is_poll=message.is_poll)
        if arrivals.wanted_query() != message.query:
            # it was changed while the set was on its way
            self.post_message(FilterTraces(arrivals.wanted_query()))

    def _open_wanted(self, *, is_last: bool) -> bool:
        """Open the traces that are to be opened if they are here. -> whether they are

        is_last: whether nothing more comes of what was asked for them.
        """
        state = self.state
        if not state.to_open or state.session is None:
            return False
        loaded = state.session.loaded
        found = [trace for trace in map(loaded.find_trace, state.to_open) if trace is not None]
        if len(found) < len(state.to_open):
            if is_last and not (state.is_live and self._live.filtered(self._arrivals.wanted_query())):
                missing = next(one for one in state.to_open if loaded.find_trace(one) is None)
                self._say(f"no trace {missing} among {counted(loaded.trace_count, 'trace')}", bad=True)
                state.to_open = ()
            return False
        state.to_open = ()
        if self._view == VIEWS[0][0] and len(self.screen_stack) == 1:
            # whoever has gone elsewhere meanwhile stays there
            self.post_message(OpenTrace(found[0]) if len(found) == 1 else CompareTraces((found[0], found[1])))
        return True

    def action_warnings(self) -> None:
        """Show all load warnings, and the searches of the servers."""
        lines = [*self.state.told, *self._arrivals.log_files(), *map(str, self._arrivals.warnings())]
        if lines:
            self.post_message(ReadText("Load warnings", "\n".join(lines)))
        else:
            self._say("no load warnings", bad=False)

    def _tell_panes(self) -> None:
        for pane in self.query(View):
            pane.set_changed()

    def _set_changed(self) -> None:
        self._background.forget()
        self._tell_panes()
        self._frame()
        self.keys_may_go()

    def on_filter_traces(self, message: FilterTraces) -> None:
        session, text = self.state.session, message.query.strip()
        self.state.to_open = message.opens
        self._arrivals.filtered(text)
        if session is None:
            # what arrives is filtered by it
            return

        def done(result: tuple[np.ndarray, Analysis] | UsageError) -> None:
            if isinstance(result, UsageError):
                self.state.to_open = ()
                self._arrivals.filtered(self.state.query)
                self._say(str(result), bad=True)
                return
            self.state.shown, self.state.findings = result
            self.state.query = text
            self._set_changed()
            if self._open_wanted(is_last=False):
                return
            if message.ask and not self._live.filtered(text):
                self._open_wanted(is_last=True)

        def select() -> tuple[np.ndarray, Analysis] | UsageError:
            try:
                return session.select(text)
            except UsageError as error:
                return error

        self._background.work("filter", select, done)

    def on_job_done(self, message: JobDone) -> None:
        # while the app closes there is nothing left to show it in
        if self.is_running and self._background.is_wanted(message):
            message.done(message.result)
            self._frame()
            self.keys_may_go()

    def on_worker_state_changed(self, event: Any) -> None:
        if event.worker.error is not None and not event.worker.is_cancelled:
            error = event.worker.error
            self._say(f"internal error in {event.worker.group}: {type(error).__name__}: {error}", bad=True)
            for pane in self.query(View):
                pane.work_failed(event.worker.group)
            self.keys_may_go()

    # --- servers ------------------------------------------------------------------------------------------------------

    def action_reload(self) -> None:
        if self.state.stdin is not None:
            self._say("standard input can be read only once", bad=True)
        elif self._has_views and (self._arrivals.can_ask or self._arrivals.is_looking):
            self._live.refresh()
        elif self._has_views and not self._arrivals.is_loading:
            self._start_load()

    def action_follow(self) -> None:
        self._live.follow()
        self._frame()

    def action_more(self) -> None:
        self._live.more()

    def on_show_server_stats(self, message: ShowServerStats) -> None:
        self._live.server_stats(message.service, self.post_message)

    def on_server_stats_arrived(self, message: ServerStatsArrived) -> None:
        from tracetui.tui.views.server_stats import show_server_stats

        self._live.server_stats_arrived()
        self._frame()
        show_server_stats(self, self.state.look, message.server_stats, message.findings)

    def on_widen_window(self, message: WidenWindow) -> None:
        self._live.look_back(message.lookback_ns, message.query)
        if message.query is not None:
            self.post_message(FilterTraces(message.query))

    def on_newest_found(self, message: NewestFound) -> None:
        self._live.newest_found()
        self.state.newest = message.starts
        self._tell_panes()
        self._frame()

    def _help_with_nothing(self, *, is_poll: bool) -> None:
        """Where servers sent no trace at all: have services chosen, or find out when their newest traces began."""
        state = self.state
        if is_poll or not state.is_live or state.session is None:
            return
        if state.services_to_choose:
            self.on_choose_services()
        elif state.offered and not state.newest and not state.session.loaded.trace_count:
            self._live.find_newest()

    def on_choose_services(self) -> None:
        from tracetui.tui.widgets.choices import Choices

        state = self.state
        if len(self.screen_stack) > 1 or not state.offered:
            return
        most = state.search.most

        def cost(count: int) -> str:
            return f"{counted(count, 'request')}, up to {count * traces_per_service(most, count):,} traces"

        def chosen(names: Sequence[str] | None) -> None:
            self.pane.focus_pane()
            if names:
                self._live.choose_services(names, every=len(names) == len(state.offered))
                self._frame()

        title = f"{source_name(state.sources)} searches by service only. Which of {len(state.offered):,}?"
        self.push_screen(Choices(state.look, title, state.offered, cost, state.search.services), chosen)
