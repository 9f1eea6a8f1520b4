"""The app: views, themes, keys, and the load. What views show is their own matter."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.widgets import ContentSwitcher

from tracetui.model.problems import UsageError
from tracetui.render.safe_text import safe_lines
from tracetui.tui.app_keys import APP_BINDINGS, APP_KEYS
from tracetui.tui.arrivals import Arrivals
from tracetui.tui.background import Background, WorkDone
from tracetui.tui.frame import FrameBottom, FrameTop, Place
from tracetui.tui.help import LIST_KEYS, HelpScreen, Keys
from tracetui.tui.keymap import rebound
from tracetui.tui.live import Live
from tracetui.tui.messages import (
    CopyText,
    FilterTraces,
    ListTraces,
    LookBack,
    Notice,
    OpenTrace,
    OpenView,
    Placed,
    ReadText,
)
from tracetui.tui.palette import open_palette
from tracetui.tui.panes.pane import Pane
from tracetui.tui.settings import Resume, save_resume
from tracetui.tui.state import State
from tracetui.tui.themes import HIGH_CONTRAST, next_theme, render_theme
from tracetui.tui.views import VIEWS, pane_classes
from tracetui.tui.whereabouts import Visit, whereabouts
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    # the screen is painted first; what reads and analyses is imported behind it
    import numpy as np

    from tracetui.analysis.findings import Findings
    from tracetui.tui.loading import Arrived, LoadFailed, LoadProgress, Unchanged


_VISITS = 50


class TraceApp(App[None]):
    """Five views over one set of traces."""

    CSS = """
    Screen { color: $foreground; }
    ModalScreen { background: transparent; }
    ContentSwitcher { height: 1fr; }
    App.-ascii ModalScreen > Vertical { border: ascii $foreground 50%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = list(APP_BINDINGS)
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = ""

    def __init__(
        self,
        state: State,
        resume: Resume | None = None,
        theme: str = "",
        ansi: bool | None = None,
        keymap: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(ansi_color=ansi)
        self._own_keys = dict(keymap or {})
        self.set_keymap(self._own_keys)
        self.animation_level = "none"
        self.state = state
        self._arrivals = Arrivals(state, resume, self.post_message)
        self._live = Live(self, state, self._arrivals, self._in_thread)
        self._wanted_theme = theme
        self._background = Background(self)
        self._back: list[Visit] = []
        self._top = FrameTop(state)
        self._bottom = FrameBottom(state)
        self._view = VIEWS[0][0]
        self._has_views = False

    def compose(self) -> ComposeResult:
        yield self._top
        yield ContentSwitcher()
        yield self._bottom

    def on_mount(self) -> None:
        self.register_theme(HIGH_CONTRAST)
        self.set_class(self.state.look.marks.ascii_only, "-ascii")
        if self._wanted_theme:
            self.theme = self._wanted_theme
        self.theme_changed_signal.subscribe(self, lambda _: self._look_changed())
        self._look_changed()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(name, self.exit)
        self._frame()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.run_worker(self._build(), group="build")

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The filters give terminals' own colours and dim text a meaning. What has neither does not go through them."""
        return super().get_line_filters() if self.no_color or self.native_ansi_color else ()

    async def _build(self) -> None:
        """Make the views, behind the first painted screen, and load."""
        panes = await asyncio.to_thread(pane_classes)
        switcher = self.query_one(ContentSwitcher)
        for (view, _), make in zip(VIEWS, panes, strict=True):
            await switcher.add_content(make(self.state, self._background.work, id=view))
        # keys may have asked for another view meanwhile
        switcher.current = self._view
        self._has_views = True
        # what is imported and built stays: looking through it for garbage again and again would hold up keys
        gc.freeze()
        self._look_changed()
        self._frame()
        self.pane.focus_pane()
        if self.state.sources:
            self._start_load(self._arrivals.begin())

    def exit(self, *args: Any, **options: Any) -> None:
        """Leave, and remember where the user was."""
        self._remember()
        super().exit(*args, **options)

    def on_unmount(self) -> None:
        self._arrivals.cancel()

    # --- the set -----------------------------------------------------------------------------------------------------

    def _start_load(self, load: Callable[[], None]) -> None:
        if self.state.session is None:
            # they say why there is nothing in them
            self._tell_panes()
        self._live.begun()
        self._in_thread(load)

    def _in_thread(self, load: Callable[[], None]) -> None:
        self._frame()
        self.run_worker(load, thread=True, group="load", exit_on_error=False)

    def on_load_progress(self, message: LoadProgress) -> None:
        self._arrivals.progressed(message, can_stop=not self._back)
        self._frame()

    def on_load_failed(self, message: LoadFailed) -> None:
        self._arrivals.failed()
        self._live.failed(message)
        if self.state.session is None:
            self._tell_panes()
        if message.stopped:
            said = (
                "loading stopped; r reads again" if self.state.session is None else "stopped asking; what is here stays"
            )
            self._say(said, bad=False)
        else:
            then = "q quits" if self.state.session is None else "what is here stays"
            self._top.show_banner([*safe_lines(message.reason), f"r tries again, {then}"])
        self._frame()

    def on_unchanged(self, message: Unchanged) -> None:
        self._live.unchanged(message)
        self._frame()

    def on_arrived(self, message: Arrived) -> None:
        if not self.is_running:
            return
        if message.whole:
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
        self._back = [replace(visit, trace=None, span=None, come_back=None) for visit in self._back]
        self._set_changed()
        if message.whole:
            lines = [*self._live.news_of(message), *arrivals.warning_lines()]
            if lines or not message.is_poll:
                self._top.show_banner(lines)
            if self.state.told and not message.is_poll:
                self._say("; ".join(self.state.told), bad=False)
            self.action_view(arrivals.view_to_return_to())
        if arrivals.wanted_query() != message.query:
            # it was changed while the set was on its way
            self.post_message(FilterTraces(arrivals.wanted_query()))

    def action_warnings(self) -> None:
        """Read everything the load warned of, and what servers were asked for."""
        lines = [*self.state.told, *map(str, self._arrivals.warnings())]
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

    def on_filter_traces(self, message: FilterTraces) -> None:
        session = self.state.session
        if session is None:
            return
        text = message.query.strip()

        def done(result: tuple[np.ndarray, Findings] | UsageError) -> None:
            if isinstance(result, UsageError):
                self._say(str(result), bad=True)
                return
            self.state.shown, self.state.findings = result
            self.state.query = text
            self._set_changed()
            self._live.filtered(text)

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

    def on_worker_state_changed(self, event: Any) -> None:
        if event.worker.error is not None and not event.worker.is_cancelled:
            error = event.worker.error
            self._say(f"internal error in {event.worker.group}: {type(error).__name__}: {error}", bad=True)
            for pane in self.query(Pane):
                pane.work_failed(event.worker.group)

    # --- views -------------------------------------------------------------------------------------------------------

    @property
    def pane(self) -> Pane:
        """The view in sight."""
        return self.query_one(f"#{self._view}", Pane)

    def action_view(self, view: str) -> None:
        if view != self._view and view in dict(VIEWS):
            self._leave()
            self._go(view)

    def _leave(self, query: str | None = None, come_back: Callable[[], None] | None = None) -> None:
        """Remember what is in sight, to come back to; with a filter, to that, too."""
        visit = Visit(self._view, self.state.trace, self.state.span, query, come_back)
        if not self._back or self._back[-1] != visit:
            self._back = [*self._back, visit][-_VISITS:]

    def _go(self, view: str) -> None:
        self._view = view
        self._bottom.forget()
        held = self._live.held() if view != "waterfall" else None
        if held is not None:
            self._show_arrived(held)
        if self._has_views:
            self.query_one(ContentSwitcher).current = view
            self.pane.selection_changed()
            self.pane.focus_pane()
        self._frame()

    def action_go_back(self) -> None:
        if self._top.has_banner:
            self._top.show_banner(())
        elif self._has_views and self.pane.go_back():
            pass
        elif self._back:
            visit = self._back.pop()
            if visit.trace is not None:
                self.state.trace, self.state.span = visit.trace, visit.span
            self._go(visit.view)
            if visit.query is not None and visit.query != self.state.query:
                self.post_message(FilterTraces(visit.query))
            if visit.come_back is not None:
                visit.come_back()
        else:
            self._arrivals.stop()
        self._frame()

    def on_open_trace(self, message: OpenTrace) -> None:
        # a trace that is opened from another one leads back to it
        self._leave(come_back=message.come_back)
        self.state.trace, self.state.span = message.trace, message.span
        self._go("waterfall")

    def on_list_traces(self, message: ListTraces) -> None:
        self._leave(self.state.query)
        self._go(message.view)
        self.post_message(FilterTraces(message.query))

    def on_open_view(self, message: OpenView) -> None:
        self.action_view(message.view)

    def on_copy_text(self, message: CopyText) -> None:
        self.copy_to_clipboard(message.text)
        self._say(f"copied {message.what}", bad=False)

    def on_read_text(self, message: ReadText) -> None:
        from tracetui.tui.widgets.pager import Pager

        self.push_screen(Pager(self.state.look, message.title, message.text))

    def on_notice(self, message: Notice) -> None:
        self._say(message.text, message.bad)

    def on_placed(self, _: Placed) -> None:
        self._frame()

    def on_line_view_moved(self, _: LineView.Moved) -> None:
        self._frame()

    def action_keys(self) -> None:
        title = dict(VIEWS)[self._view]
        of_view = self.pane.KEYS if self._has_views else ()
        groups: list[tuple[str, Keys]] = [(title, of_view), ("Lists", LIST_KEYS), ("Everywhere", APP_KEYS)]
        if self._own_keys:
            groups.insert(0, ("Set in the config file", rebound(self._own_keys)))
        self.push_screen(HelpScreen(self.state.look, groups))

    def action_reload(self) -> None:
        if self.state.stdin is not None:
            self._say("standard input can be read only once", bad=True)
        elif self._has_views and self._arrivals.can_ask:
            self._live.refresh()
        elif self._has_views and not self._arrivals.is_loading:
            self._start_load(self._arrivals.begin_again(self._view))

    def action_follow(self) -> None:
        self._live.follow()
        self._frame()

    def action_more(self) -> None:
        self._live.more()

    def on_look_back(self, message: LookBack) -> None:
        self._live.look_back(message.lookback_ns)

    def action_palette(self) -> None:
        open_palette(self)

    def action_next_theme(self) -> None:
        self.theme = next_theme(self.theme)
        self._say(f"theme {self.theme}", bad=False)

    # --- the frame ---------------------------------------------------------------------------------------------------

    def _look_changed(self) -> None:
        look = self.state.look
        look.theme = render_theme(self.current_theme, os.environ)
        for bar in self.query(LineBar):
            bar.set_look(look.theme)
        for view in self.query(LineView):
            view.set_look(look.theme)
        for pane in self.query(Pane):
            pane.look_changed()

    def _frame(self) -> None:
        if not self._bottom.is_attached:
            return
        pane = self.pane if self._has_views else None
        self._top.show(self._view, self._arrivals.text)
        self._bottom.show_place(Place(self._view, pane.crumbs(), pane.HINTS[:4]) if pane else Place(self._view))

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            self._bottom.forget(only_good=True)
        await super().on_event(event)

    def _say(self, text: str, bad: bool) -> None:
        self._bottom.say(text, bad=bad)

    def forget_notice(self) -> None:
        """Take back what was said last."""
        self._bottom.forget()

    def _remember(self) -> None:
        # what came through a pipe does not come again
        if self.state.session is not None and self.state.stdin is None:
            save_resume(whereabouts(self.state, self._view))
