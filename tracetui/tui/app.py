"""The app: views, themes, keys, and the load. What views show is their own matter."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import ContentSwitcher

from tracetui.model.problems import UsageError
from tracetui.render.numbers import short_count
from tracetui.render.safe_text import safe_lines
from tracetui.tui.frame import FrameBottom, FrameTop, Place
from tracetui.tui.help import HelpScreen
from tracetui.tui.messages import CopyText, FilterTraces, Notice, OpenTrace, OpenView, ReadText
from tracetui.tui.palette import TraceCommands
from tracetui.tui.panes.pane import Pane
from tracetui.tui.settings import Resume, save_resume
from tracetui.tui.state import State
from tracetui.tui.themes import HIGH_CONTRAST, next_theme, render_theme
from tracetui.tui.views import VIEWS
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    # the screen is painted first; what reads and analyses is imported behind it
    import numpy as np

    from tracetui.analysis.findings import Findings
    from tracetui.ingest.worker import BackgroundLoad
    from tracetui.model.problems import LoadWarning
    from tracetui.tui.loading import Arrived, LoadFailed, LoadProgress

_T = TypeVar("_T")

_KEYS = (
    ("1 ... 5", "the views"),
    ("Esc", "back; stops a load"),
    (": or Ctrl+p", "palette: actions, services, operations, traces"),
    ("?", "the keys of this view"),
    ("r", "read the sources again"),
    ("T", "next theme"),
    ("q, Ctrl+c", "quit; --resume comes back to the same span"),
)
_LIST_KEYS = (
    ("j k, arrows", "down, up"),
    ("Ctrl+d Ctrl+u, PgDn PgUp", "a page down, up"),
    ("g G, Home End", "first, last"),
    ("Enter", "open"),
)


@dataclass
class _WorkDone(Message):
    """Work outside the loop has a result: the `number`th work of its name, of the set with this generation."""

    name: str
    number: int
    generation: int
    done: Callable[[Any], Any]
    result: Any


def _pane_classes() -> tuple[type[Pane], ...]:
    """The views, in the order of VIEWS."""
    from tracetui.tui.panes.errors import ErrorsPane
    from tracetui.tui.panes.hot_spots import HotSpotsPane
    from tracetui.tui.panes.services import ServicesPane
    from tracetui.tui.panes.traces import TracesPane
    from tracetui.tui.panes.waterfall import WaterfallPane

    return TracesPane, WaterfallPane, ServicesPane, ErrorsPane, HotSpotsPane


class TraceApp(App[None]):
    """Five views over one set of traces."""

    CSS = """
    Screen { color: $foreground; }
    ModalScreen { background: $background 0%; }
    ContentSwitcher { height: 1fr; }
    App.-ascii ModalScreen > Vertical { border: ascii $foreground 50%; }
    App.-ascii WaterfallView #span-detail { border-top: ascii $foreground 25%; }
    App.-ascii WaterfallView.-wide #span-detail { border-top: none; border-left: ascii $foreground 25%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"view('{view}')", title, show=False, id=f"view.{view}")
            for number, (view, title) in enumerate(VIEWS, 1)
        ),
        Binding("escape", "go_back", "Back", show=False, id="app.back"),
        Binding("question_mark", "keys", "Keys", show=False, id="app.keys"),
        Binding("colon,ctrl+p", "command_palette", "Palette", show=False, id="app.palette", priority=False),
        Binding("r", "reload", "Read again", show=False, id="app.reload"),
        Binding("T", "next_theme", "Next theme", show=False, id="app.theme"),
        Binding("q,ctrl+c", "quit", "Quit", show=False, id="app.quit"),
    ]
    COMMANDS: ClassVar[set[Any]] = {TraceCommands}
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    AUTO_FOCUS = ""

    def __init__(self, state: State, resume: Resume | None = None, theme: str = "", ansi: bool | None = None) -> None:
        super().__init__(ansi_color=ansi)
        self.animation_level = "none"
        self.state = state
        self._resume = resume
        self._wanted_theme = theme
        self._generation = 0
        self._works: dict[str, int] = {}
        self._load: BackgroundLoad | None = None
        self._loading = ""
        self._back: list[str] = []
        self._top = FrameTop(state)
        self._bottom = FrameBottom(state)
        self._view = VIEWS[0][0]
        self._has_views = False
        self._has_all = False

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

    async def _build(self) -> None:
        """Make the views, behind the first painted screen, and load."""
        panes = await asyncio.to_thread(_pane_classes)
        switcher = self.query_one(ContentSwitcher)
        for (view, _), make in zip(VIEWS, panes, strict=True):
            await switcher.add_content(make(self.state, self.work, id=view))
        # keys may have asked for another view meanwhile
        switcher.current = self._view
        self._has_views = True
        self._look_changed()
        self._frame()
        self.pane.focus_pane()
        self._start_load()

    def exit(self, *args: Any, **options: Any) -> None:
        """Leave, and remember where the user was."""
        self._remember()
        super().exit(*args, **options)

    def on_unmount(self) -> None:
        if self._load is not None:
            self._load.cancel()

    # --- the set -----------------------------------------------------------------------------------------------------

    def _start_load(self) -> None:
        if not self.state.sources:
            return
        from tracetui.ingest.worker import BackgroundLoad
        from tracetui.tui.loading import load_in_background

        self._load = load = BackgroundLoad(self.state.sources, self.state.stdin)
        self._loading = "reading  Esc stops"
        self._frame()
        self.run_worker(
            lambda: load_in_background(load, self._wanted_query, self.post_message),
            thread=True,
            group="load",
            exit_on_error=False,
        )

    def _wanted_query(self) -> str:
        return self._resume.query if self._resume else self.state.query

    def on_load_progress(self, message: LoadProgress) -> None:
        if self._load is None or self._load.is_stopped:
            return
        progress = message.progress
        share = f"  {100 * progress.share:.0f} %" if progress.share else ""
        stops = "" if self._back else "  Esc stops"
        self._loading = f"reading{share}  {short_count(progress.spans)} spans{stops}"
        self._frame()

    def on_load_failed(self, message: LoadFailed) -> None:
        self._load = None
        self._loading = ""
        if message.stopped:
            self._say("loading stopped; r reads again", bad=False)
        else:
            self._top.show_banner([*safe_lines(message.reason), "r reads again, q quits"])
        self._frame()

    def on_arrived(self, message: Arrived) -> None:
        state = self.state
        if not message.whole and (self._has_all or self._view != "traces"):
            # a part is better than nothing, not than what was there; who looks at a trace keeps it until all is here
            return
        where = self._resume or self._where()
        if self._resume is None and not self.pane.is_placed:
            where.trace_id = ""
        marked = self._marked_ids()
        state.session, state.shown, state.findings = message.session, message.shown, message.findings
        state.query = message.query
        self._select(where, marked)
        if message.whole:
            self._load = None
            self._loading = ""
            self._has_all = True
            self._top.show_banner(self._warnings(message.session.loaded.load_warnings))
        self._set_changed()
        if message.whole and self._resume is not None:
            self.action_view(self._resume.view)
            self._resume = None
        if self._wanted_query() != message.query:
            # it was changed while the set was on its way
            self.post_message(FilterTraces(self._wanted_query()))

    def _warnings(self, warnings: Sequence[LoadWarning]) -> list[str]:
        if not warnings:
            return []
        more = [f"and {len(warnings) - 3} more"] if len(warnings) > 3 else []
        one = len(self.state.sources) == 1
        texts = [str(replace(warning, file="") if one else warning) for warning in warnings[:3]]
        return [*texts, *more, "Esc hides this"]

    def _select(self, where: Resume, marked: Iterable[str]) -> None:
        """Find the selection again in a set that has just come."""
        state = self.state
        assert state.session is not None
        loaded = state.session.loaded
        trace = state.trace = loaded.find_trace(where.trace_id) if where.trace_id else None
        state.span = None
        if trace is not None:
            state.span = next((s for s in loaded.spans_of(trace) if loaded.span_id(s) == where.span_id), None)
        state.marked.clear()
        state.marked.update(trace for trace in map(loaded.find_trace, marked) if trace is not None)

    def _marked_ids(self) -> list[str]:
        session = self.state.session
        return [session.loaded.trace_ids[trace] for trace in self.state.marked] if session is not None else []

    def _set_changed(self) -> None:
        self._generation += 1
        for pane in self.query(Pane):
            pane.set_changed()
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

        def select() -> tuple[np.ndarray, Findings] | UsageError:
            try:
                return session.select(text)
            except UsageError as error:
                return error

        self.work("filter", select, done)

    def work(self, name: str, work: Callable[[], _T], done: Callable[[_T], Any]) -> None:
        """Run work in a thread; `done` gets the result on the loop, unless there is another set by then or newer work
        of the same name.
        """
        number = self._works[name] = self._works.get(name, 0) + 1
        generation = self._generation

        def run() -> None:
            result = work()
            self.post_message(_WorkDone(name, number, generation, done, result))

        self.run_worker(run, thread=True, exclusive=True, group=name, exit_on_error=False)

    def on__work_done(self, message: _WorkDone) -> None:
        if message.generation == self._generation and message.number == self._works[message.name]:
            message.done(message.result)
            self._frame()

    def on_worker_state_changed(self, event: Any) -> None:
        if event.worker.error is not None and not event.worker.is_cancelled:
            error = event.worker.error
            self._say(f"internal error in {event.worker.group}: {type(error).__name__}: {error}", bad=True)

    # --- views -------------------------------------------------------------------------------------------------------

    @property
    def pane(self) -> Pane:
        """The view in sight."""
        return self.query_one(f"#{self._view}", Pane)

    def action_view(self, view: str) -> None:
        if view != self._view and view in dict(VIEWS):
            self._back.append(self._view)
            self._go(view)

    def _go(self, view: str) -> None:
        self._view = view
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
            self._go(self._back.pop())
        elif self._load is not None:
            self._load.stop()
            self._loading = "stopping  Esc again drops it"
        self._frame()

    def on_open_trace(self, message: OpenTrace) -> None:
        self.state.trace, self.state.span = message.trace, message.span
        if self._view == "waterfall":
            self.pane.selection_changed()
        else:
            self.action_view("waterfall")
        self._frame()

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

    def on_line_view_moved(self, _: LineView.Moved) -> None:
        self._frame()

    def action_keys(self) -> None:
        title = dict(VIEWS)[self._view]
        groups = ((title, self.pane.KEYS if self._has_views else ()), ("Lists", _LIST_KEYS), ("Everywhere", _KEYS))
        self.push_screen(HelpScreen(self.state.look, groups))

    def action_reload(self) -> None:
        if self.state.stdin is not None:
            self._say("standard input can be read only once", bad=True)
        elif self._has_views and self._load is None:
            self._resume = self._where()
            self._start_load()

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
        self._top.show(self._view, self._loading)
        self._bottom.show_place(Place(self._view, pane.crumbs(), pane.HINTS[:4]) if pane else Place(self._view))

    def _say(self, text: str, bad: bool) -> None:
        self._bottom.say(text, bad=bad)

    def forget_notice(self) -> None:
        """Take back what was said last."""
        self._bottom.forget()

    # --- coming back -------------------------------------------------------------------------------------------------

    def _where(self) -> Resume:
        state = self.state
        resume = Resume(list(state.sources), self._view, state.query)
        if state.session is not None and state.trace is not None:
            loaded = state.session.loaded
            resume.trace_id = loaded.trace_ids[state.trace]
            if state.span is not None:
                resume.span_id = loaded.span_id(state.span)
        return resume

    def _remember(self) -> None:
        if self.state.session is not None:
            save_resume(self._where())
