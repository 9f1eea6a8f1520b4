"""The part of the app that loads: what arrives of the sources, the filter on it, and servers that are asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracetui.model.problems import UsageError
from tracetui.model.search import traces_per_service
from tracetui.render.frame import source_name
from tracetui.render.numbers import counted
from tracetui.render.safe_text import safe_lines
from tracetui.tui.arrivals import Arrivals
from tracetui.tui.background import Background, WorkDone
from tracetui.tui.frame import FrameBottom, FrameTop
from tracetui.tui.keymap import KeyNames
from tracetui.tui.live import Live
from tracetui.tui.messages import AskOpinion, CompareTraces, FilterTraces, LookBack, OpenTrace, ReadText
from tracetui.tui.panes.pane import Pane
from tracetui.tui.settings import Resume
from tracetui.tui.state import State
from tracetui.tui.terminal_output import ThriftyApp
from tracetui.tui.views import VIEWS
from tracetui.tui.whereabouts import Visit

if TYPE_CHECKING:
    # the screen is painted first; what reads and analyses is imported behind it
    import numpy as np

    from tracetui.analysis.findings import Findings
    from tracetui.tui.loading import Arrived, LoadFailed, LoadProgress, NewestFound, Opined, Unchanged


class LoadingApp(ThriftyApp):
    """An app over a set that loads, and changes. What is looked at is for the one that is made of it."""

    def __init__(self, state: State, resume: Resume | None, ansi: bool | None) -> None:
        super().__init__(ansi)
        self.state = state
        self._arrivals = Arrivals(state, resume, self.post_message)
        self._live = Live(self, state, self._arrivals, self._in_thread, lambda: self._view == "waterfall")
        self._background = Background(self)
        self._back: list[Visit] = []
        self._back_at_load: list[Visit] = []
        """What there was to go back to when the load began."""
        self._top = FrameTop(state)
        self._bottom = FrameBottom(state)
        self._view = VIEWS[0][0]
        self._has_views = False

    # --- what the views are for ---------------------------------------------------------------------------------------

    @property
    def pane(self) -> Pane:
        """The view in sight."""
        raise NotImplementedError

    def action_view(self, view: str) -> None:
        raise NotImplementedError

    @property
    def key_names(self) -> KeyNames:
        """The keys of actions where the focus is now."""
        raise NotImplementedError

    def _frame(self) -> None:
        """Show anew what stands around the view."""
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
        """Whether Esc stops the load: unless the user has gone somewhere since it began, from where it leads back."""
        here = self._back == self._back_at_load[: len(self._back)]
        return self._arrivals.can_stop and here

    def _in_thread(self, load: Callable[[], None]) -> None:
        self._back_at_load = self._back.copy()
        self._frame()
        self.run_worker(load, thread=True, group="load", exit_on_error=False)

    def on_load_progress(self, message: LoadProgress) -> None:
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
                self.key_names.short("loading stopped; {app.reload} reads again")
                if self.state.session is None
                else "stopped asking; what is here stays"
            )
            if tell:
                self._say(said, bad=False)
        elif tell:
            then = "{app.quit} quits" if self.state.session is None else "what is here stays"
            then = self.key_names.short(f"{{app.reload}} tries again, {then}")
            self._top.show_banner([*safe_lines(message.reason), then], is_failure=True)
        self._frame()

    def on_unchanged(self, message: Unchanged) -> None:
        self._top.end_failure()
        self._live.unchanged(message)
        if not message.is_poll:
            self._open_wanted(is_last=True)
            if self.state.session is not None and not self.state.session.loaded.trace_count:
                # they say what was asked for
                self._tell_panes()
        self._help_with_nothing(is_poll=message.is_poll)
        self._frame()

    def on_arrived(self, message: Arrived) -> None:
        if not self.is_running:
            return
        if message.whole:
            self._top.end_failure()
            is_reading = self._view == "waterfall" or len(self.screen_stack) > 1
            if not self._live.came(message, can_show=not is_reading):
                self._frame()
                return
        self._show_arrived(message)

    def _show_arrived(self, message: Arrived) -> None:
        arrivals = self._arrivals
        if not arrivals.take(message, self._view, self.pane.is_placed):
            return
        # what they remember are positions of the set before
        for visits in (self._back, self._back_at_load):
            visits[:] = [replace(visit, trace=None, span=None, come_back=None) for visit in visits]
        self._set_changed()
        if message.whole:
            lines = [*self._live.news_of(message), *arrivals.warning_lines(self.key_names)]
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
        """Read everything the load warned of, and what servers were asked for."""
        lines = [*self.state.told, *self._arrivals.log_files(), *map(str, self._arrivals.warnings())]
        if lines:
            self.post_message(ReadText("Warnings of the load", "\n".join(lines)))
        else:
            self._say("the load warned of nothing", bad=False)

    def _tell_panes(self) -> None:
        for pane in self.query(Pane):
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

        def done(result: tuple[np.ndarray, Findings] | UsageError) -> None:
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

        def select() -> tuple[np.ndarray, Findings] | UsageError:
            try:
                return session.select(text)
            except UsageError as error:
                return error

        self._background.work("filter", select, done)

    def on_work_done(self, message: WorkDone) -> None:
        # while the app closes there is nothing left to show it in
        if self.is_running and self._background.is_wanted(message):
            message.done(message.result)
            self._frame()
            self.keys_may_go()

    def on_worker_state_changed(self, event: Any) -> None:
        if event.worker.error is not None and not event.worker.is_cancelled:
            error = event.worker.error
            self._say(f"internal error in {event.worker.group}: {type(error).__name__}: {error}", bad=True)
            for pane in self.query(Pane):
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

    def on_ask_opinion(self, message: AskOpinion) -> None:
        self._live.opinion(message.service, self.post_message)

    def on_opined(self, message: Opined) -> None:
        from tracetui.tui.panes.second_opinion import show_opinion

        self._live.opined()
        self._frame()
        show_opinion(self, self.state.look, message.opinion, message.findings)

    def on_look_back(self, message: LookBack) -> None:
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
