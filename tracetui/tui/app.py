"""The app: views, themes, keys, and the load. What views show is their own matter."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import ContentSwitcher

from tracetui.model.problems import UsageError
from tracetui.render.frame import crumb_line, source_name, status_line, tabs_line
from tracetui.render.line import Line, Role
from tracetui.render.numbers import short_count
from tracetui.render.safe_text import safe, safe_lines
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
    from tracetui.tui.loading import Loaded, LoadFailed, LoadProgress

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
_NOTICE_SECONDS = 6


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
    #banner { display: none; height: auto; max-height: 8; background: $error 20%; }
    #banner:ansi { background: ansi_default; }
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
        self._notice: tuple[str, bool] | None = None
        self._view = VIEWS[0][0]
        self._has_views = False

    def compose(self) -> ComposeResult:
        theme = self.state.look.theme
        yield LineBar(theme, id="status")
        yield LineBar(theme, id="tabs")
        yield LineBar(theme, id="banner")
        yield ContentSwitcher()
        yield LineBar(theme, id="crumbs")

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
        sources = self.state.sources
        self.run_worker(
            lambda: load_in_background(load, sources, self.post_message), thread=True, group="load", exit_on_error=False
        )

    def on_load_progress(self, message: LoadProgress) -> None:
        if self._load is None:
            return
        progress = message.progress
        share = f"  {100 * progress.share:.0f} %" if progress.share else ""
        self._loading = f"reading{share}  {short_count(progress.spans)} spans  Esc stops"
        self._frame()

    def on_load_failed(self, message: LoadFailed) -> None:
        self._load = None
        self._loading = ""
        if message.stopped:
            self._say("loading stopped; r reads again", bad=False)
        else:
            self._banner([*safe_lines(message.reason), "r reads again, q quits"])
        self._frame()

    def on_loaded(self, message: Loaded) -> None:
        self._load = None
        self._loading = ""
        import numpy as np

        from tracetui.session import Session

        state = self.state
        session = Session(message.traces)
        query = self._resume.query if self._resume else state.query
        state.session = session
        state.query = ""
        state.shown = np.arange(message.traces.trace_count)
        state.findings = session.findings
        state.marked.clear()
        state.trace = state.span = None
        warnings = message.traces.load_warnings
        if warnings:
            more = [f"and {len(warnings) - 3} more"] if len(warnings) > 3 else []
            one = len(message.sources) == 1
            texts = [str(replace(warning, file="") if one else warning) for warning in warnings[:3]]
            self._banner([*texts, *more, "Esc hides this"])
        else:
            self._banner([])
        if self._resume:
            self._select(self._resume)
        self._set_changed()
        if query:
            self.post_message(FilterTraces(query))
        if self._resume:
            self.action_view(self._resume.view)
            self._resume = None

    def _select(self, resume: Resume) -> None:
        assert self.state.session is not None
        loaded = self.state.session.loaded
        trace = loaded.find_trace(resume.trace_id) if resume.trace_id else None
        if trace is None:
            return
        self.state.trace = trace
        self.state.span = next((s for s in loaded.spans_of(trace) if loaded.span_id(s) == resume.span_id), None)

    def _set_changed(self) -> None:
        self._generation += 1
        for pane in self.query(Pane):
            pane.set_changed()
        self._frame()

    def on_filter_traces(self, message: FilterTraces) -> None:
        session = self.state.session
        if session is None:
            return
        import numpy as np

        from tracetui.analysis.findings import Findings
        from tracetui.analysis.query import parse

        text = message.query.strip()
        try:
            query = parse(text) if text else None
        except UsageError as error:
            self._say(str(error), bad=True)
            return
        loaded = session.loaded

        def select() -> tuple[np.ndarray, Findings]:
            if query is None:
                return np.arange(loaded.trace_count), session.findings
            shown = np.flatnonzero(query.matches(loaded))
            findings = Findings(loaded.select(shown))
            _ = findings.summary
            return shown, findings

        def done(result: tuple[np.ndarray, Findings]) -> None:
            self.state.shown, self.state.findings = result
            self.state.query = text
            self._set_changed()

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
        if self._load is not None:
            self._load.cancel()
        elif self.query_one("#banner").display:
            self._banner([])
        elif self._has_views and not self.pane.go_back() and self._back:
            self._go(self._back.pop())
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
        state, look = self.state, self.state.look
        if not self.query("#crumbs"):
            return
        summary = state.findings.summary if state.findings else None
        loaded = state.session.loaded.trace_count if state.session else 0
        current = self._view
        self.query_one("#status", LineBar).show(
            lambda width: [
                status_line(
                    width,
                    look.marks,
                    source=source_name(state.sources),
                    summary=summary,
                    total=loaded,
                    query=state.query,
                    loading=self._loading,
                    local_time=look.local_time,
                )
            ]
        )
        self.query_one("#tabs", LineBar).show(lambda width: [tabs_line(width, VIEWS, current, look.marks)])
        pane = self.pane if self._has_views else None
        crumbs = [dict(VIEWS)[current], *(pane.crumbs() if pane else ())]
        hints = (*(pane.HINTS[:4] if pane else ()), ("?", "keys"))
        notice = self._notice
        self.query_one("#crumbs", LineBar).show(lambda width: [crumb_line(width, crumbs, hints, look.marks, notice)])

    def _say(self, text: str, bad: bool) -> None:
        self._notice = notice = (text, bad)
        self._frame()

        def forget() -> None:
            if self._notice is notice:
                self.forget_notice()

        self.set_timer(_NOTICE_SECONDS, forget)

    def forget_notice(self) -> None:
        """Take back what was said last; where one is stands in its place again."""
        self._notice = None
        self._frame()

    def _banner(self, texts: list[str]) -> None:
        banner = self.query_one("#banner", LineBar)
        banner.display = bool(texts)
        banner.styles.height = min(len(texts), 8)
        mark = self.state.look.marks.warning
        banner.show(
            lambda width: [
                Line([(f" {mark} " if not i else "   ", Role.WARNING), (safe(text), Role.PLAIN)]).cropped(width)
                for i, text in enumerate(texts)
            ]
        )

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
