"""The app: views, navigation, themes and keys. Views own their content; `LoadController` changes the data."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from tracetui.model.errors import InputError, UsageError
from tracetui.render.text.clipboard import MAX_COPIED, clipboard_text
from tracetui.tui.bookmark import Bookmark
from tracetui.tui.browser import open_in_browser
from tracetui.tui.frame import FrameBottom, FrameTop, Location
from tracetui.tui.help import HelpScreen, Keys
from tracetui.tui.keys.everywhere import APP, LISTS, PANES
from tracetui.tui.keys.keymap import KeyNames, rebind
from tracetui.tui.loading.controller import LoadController
from tracetui.tui.loading.jobs import JobDone, Jobs
from tracetui.tui.loading.phase import Phase
from tracetui.tui.loading.updates import LoadUpdate, Update
from tracetui.tui.messages import (
    ChooseServices,
    CompareTraces,
    CopyText,
    FilterTraces,
    ListTraces,
    LocationChanged,
    Notice,
    OpenPage,
    OpenTrace,
    OpenView,
    ReadText,
    ShowServerStats,
    WidenWindow,
)
from tracetui.tui.palette import open_palette
from tracetui.tui.settings import Resume, save_columns, save_filters, save_queries, save_resume
from tracetui.tui.source_tabs import SourceTab, SourceTabs, state_of
from tracetui.tui.state import State
from tracetui.tui.terminal import tmux
from tracetui.tui.terminal.app import TerminalApp
from tracetui.tui.terminal.screen import FocusPaintScreen
from tracetui.tui.themes import HIGH_CONTRAST, next_theme, render_theme
from tracetui.tui.views.base import View
from tracetui.tui.views.registry import VIEWS, view_classes
from tracetui.tui.widgets.choice import Choice
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    from tracetui.analysis.analysis import Analysis
    from tracetui.model.server_stats import ServerStats
    from tracetui.tui.views.choice_filler import ChoiceFiller


class _MainScreen(FocusPaintScreen):
    """Screen with the views."""

    BINDINGS: ClassVar[list[BindingType]] = PANES.bindings


class TraceApp(TerminalApp):
    """App with views of one trace set."""

    CSS = """
    Screen { color: $foreground; }
    ModalScreen { background: transparent; }
    ContentSwitcher { height: 1fr; }
    App.-ascii ModalScreen > Vertical { border: ascii $foreground 50%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = APP.bindings
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
        super().__init__(ansi)
        self.state = state
        self.view = VIEWS[0][0]
        """Id of the current view."""
        self._jobs = Jobs(self)
        self._controller = LoadController(state, resume, self)
        self._tabs = SourceTabs(state, self._controller, self.view, self)
        self._top = FrameTop(state)
        self._bottom = FrameBottom(state)
        self._has_views = False
        self._last_key: events.Key | None = None
        self._had_notice = False
        """True if a notice was shown when the last key was pressed."""
        self._warnings: ChoiceFiller | None = None
        """Fills the list of warnings."""
        self._user_keymap = dict(keymap or {})
        self.set_keymap(self._user_keymap)
        self.animation_level = "none"
        self._initial_theme = theme
        self._key_names: tuple[Screen[Any], Widget | None, KeyNames] | None = None
        """Screen and focus of the cached names, and the names."""

    def get_default_screen(self) -> Screen[Any]:
        return _MainScreen(id="_default")

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        if driver.__name__ != "LinuxDriver":
            return driver
        from tracetui.tui.terminal.driver import ResilientDriver

        return ResilientDriver

    def compose(self) -> ComposeResult:
        yield self._top
        yield ContentSwitcher()
        yield self._bottom

    def on_mount(self) -> None:
        self.register_theme(HIGH_CONTRAST)
        self.set_class(self.state.look.glyphs.ascii_only, "-ascii")
        if self._initial_theme:
            self.theme = self._initial_theme
        self.theme_changed_signal.subscribe(self, lambda _: self._apply_look())
        self._apply_look()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(name, self.exit)
        self.update_frame()
        self.call_after_refresh(self._start_building)

    def _start_building(self) -> None:
        self.run_worker(self._build_views(), group="build")

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters, which convert colours for NO_COLOR and the terminal's palette, only if needed."""
        return super().get_line_filters() if self.no_color or self.native_ansi_color else ()

    async def _build_views(self) -> None:
        """Create the views after the first screen is painted, and start loading."""
        classes = await asyncio.to_thread(view_classes)
        switcher = self.query_one(ContentSwitcher)
        for (view, _), make in zip(VIEWS, classes, strict=True):
            await switcher.add_content(make(self.state, self.work, id=view))
        # a key may have changed the view meanwhile
        switcher.current = self.view
        self._has_views = True
        # modules and views never become garbage, and scanning them in each collection would delay keys
        gc.freeze()
        self._apply_look()
        self.update_frame()
        self.current_view.take_focus()
        self.release_keys()
        if self.state.sources:
            self._controller.start()
        for number, text in enumerate(self.state.notices):
            # show them one after the other, as there is one line for them
            self.set_timer(number * self._bottom.NOTICE_SECONDS or 0.01, partial(self.show_notice, text, is_error=True))

    def exit(self, *args: Any, **options: Any) -> None:
        """Save the location and leave."""
        self._save_state()
        super().exit(*args, **options)

    def failing(self) -> None:
        self._save_state()

    def on_unmount(self) -> None:
        self._tabs.close_all()

    # --- views -------------------------------------------------------------------------------------------------------

    @property
    def current_view(self) -> View:
        """The current view."""
        return self.query_one(f"#{self.view}", View)

    def action_view(self, view: str) -> None:
        if view != self.view and view in dict(VIEWS):
            self._add_bookmark()
            self._switch_to(view)

    def _add_bookmark(self, query: str | None = None, come_back: Callable[[], None] | None = None) -> None:
        """Add the current location to the history. Going back to it restores `query` and calls `come_back`."""
        self._tabs.current.history.add(Bookmark(self.view, self.state.trace, self.state.span, query, come_back))

    def _switch_to(self, view: str) -> None:
        self.view = view
        self._controller.location.view_changed(view)
        self._bottom.forget()
        if view != "waterfall":
            self._controller.show_deferred()
        if self._has_views:
            self.query_one(ContentSwitcher).current = view
            self.current_view.selection_changed()
            self.current_view.take_focus()
        self.update_frame()

    def action_go_back(self) -> None:
        if self._top.has_banner:
            self._top.show_banner(())
        elif self._has_views and self.current_view.go_back():
            pass
        elif self._esc_stops:
            self._controller.stop()
        elif self._had_notice and self.view == VIEWS[0][0]:
            # the key has removed the notice, which looks like something to close
            self._bottom.forget()
        elif self._tabs.current.history:
            bookmark = self._tabs.current.history.pop()
            if bookmark.trace is not None:
                self.state.select(bookmark.trace, bookmark.span)
            self._switch_to(bookmark.view)
            if bookmark.query is not None and bookmark.query != self.state.query:
                self.post_message(FilterTraces(bookmark.query, search_servers=False))
            if bookmark.come_back is not None:
                bookmark.come_back()
        self.update_frame()

    def _are_loaded(self, traces: Sequence[int], span: int | None = None) -> bool:
        """Test whether traces, and a span of the first one, exist. A message may have been sent for another set."""
        loaded = self.state.session.loaded if self.state.session is not None else None
        if loaded is None or max(traces) >= loaded.trace_count:
            return False
        return span is None or loaded.first[traces[0]] <= span < loaded.first[traces[0] + 1]

    def on_open_trace(self, message: OpenTrace) -> None:
        if not self._are_loaded([message.trace], message.span):
            return
        self._add_bookmark(come_back=message.come_back)
        self._controller.location.trace_opened()
        self.state.select(message.trace, message.span)
        self._switch_to("waterfall")

    async def on_compare_traces(self, message: CompareTraces) -> None:
        if not self._are_loaded(message.traces):
            return
        self.state.mark(message.traces)
        self.action_view(VIEWS[0][0])
        await self.query_one(f"#{VIEWS[0][0]}", View).run_action("dialog('compare')")

    def on_list_traces(self, message: ListTraces) -> None:
        self._add_bookmark(self.state.query)
        self._switch_to(message.view)
        self.post_message(FilterTraces(message.query, search_servers=False))

    def on_open_view(self, message: OpenView) -> None:
        self.action_view(message.view)

    def on_copy_text(self, message: CopyText) -> None:
        self.copy_to_clipboard(clipboard_text(message.text, one_line=message.one_line))
        is_cut = len(message.text) > MAX_COPIED
        part = f": the first {MAX_COPIED:,} of {len(message.text):,} characters" if is_cut else ""
        # an address comes first, so that it is whole
        self.show_notice(f"{message.text}: copied" if message.is_shown else f"copied {message.what}{part}")

    def on_open_page(self, message: OpenPage) -> None:
        if open_in_browser(message.address):
            self.show_notice(f"{message.address}: opened in the browser")
        else:
            self.copy_to_clipboard(message.address)
            self.show_notice(f"{message.address}: copied, as this machine has no web browser")

    def copy_to_clipboard(self, text: str) -> None:
        """Copy text to the user's clipboard, made safe to paste. All copied text passes through here."""
        safe_text = clipboard_text(text)
        super().copy_to_clipboard(safe_text)
        if tmux.is_inside():
            self.run_worker(partial(tmux.load_buffer, safe_text), group="tmux", thread=True, exit_on_error=False)

    def on_read_text(self, message: ReadText) -> None:
        from tracetui.tui.widgets.pager import Pager

        self.push_screen(Pager(self.state.look, message.title, message.text))

    def on_notice(self, message: Notice) -> None:
        self.show_notice(message.text, is_error=message.is_error)

    def on_location_changed(self, _: LocationChanged) -> None:
        self.update_frame()

    def on_line_view_moved(self, _: LineView.Moved) -> None:
        self.update_frame()

    def action_keys(self) -> None:
        tables = (*(self.current_view.KEYS if self._has_views else ()), LISTS)
        groups: list[tuple[str, Keys]] = [("Legend", [glyph for table in tables for glyph in table.glyphs])]
        groups += [(table.title, table.help) for table in tables]
        groups.insert(2, ("Words", [word for table in tables for word in table.words]))
        groups.append((APP.title, [*APP.help, *PANES.help]))
        if self._user_keymap:
            groups.insert(0, ("Set in the config file", rebind(self._user_keymap)))
        self.push_screen(HelpScreen(self.state.look, groups, KeyNames(self.screen)))

    def action_palette(self) -> None:
        open_palette(self)

    def action_next_theme(self) -> None:
        self.theme = next_theme(self.theme)
        self.show_notice(f"theme {self.theme}")

    @property
    def key_names(self) -> KeyNames:
        """Keys of actions at the current focus."""
        screen = self.screen
        cached = self._key_names
        if cached is None or cached[:2] != (screen, screen.focused):
            cached = self._key_names = screen, screen.focused, KeyNames(screen)
        return cached[2]

    # --- open sources ------------------------------------------------------------------------------------------------

    def action_open(self) -> None:
        """Ask for other sources, to open them in a tab."""
        free = "a file, directory, glob or server"
        self.push_screen(Choice(self.state.look, "Open in a tab", [], free=free), self._open_chosen)

    def _open_chosen(self, source: str | None) -> None:
        self.current_view.take_focus()
        if source is not None:
            self.open_source(source)

    def open_source(self, source: str) -> None:
        """Open a source in a tab, keeping what is open."""
        try:
            state, resume = state_of(source, self.state, self._tabs.sources)
        except (InputError, UsageError) as error:
            self.show_notice(str(error), is_error=True)
            return

        def add() -> None:
            self._tabs.add(state, lambda: LoadController(self.state, resume, self), VIEWS[0][0])

        self._leave_sources(add)

    def action_next_tab(self) -> None:
        if len(self._tabs) == 1:
            self.show_notice(self.key_names.short("{app.open} opens other sources in a tab"))
        else:
            self._leave_sources(self._tabs.show_next)

    def action_close_tab(self) -> None:
        if len(self._tabs) == 1:
            self.show_notice(self.key_names.short("no other tab; {app.quit} quits"))
        else:
            self._leave_sources(self._tabs.close)

    def show_source(self, number: int) -> None:
        """Show the tab with this number."""
        self._leave_sources(partial(self._tabs.show, number))

    @property
    def tab_names(self) -> list[str]:
        """Names of the open tabs, none for a single one; may be from outside."""
        return self._tabs.names if len(self._tabs) > 1 else []

    def _leave_sources(self, then: Callable[[], None]) -> None:
        """Come to rest, then show other sources; not while the current ones are loaded."""
        if not self._has_views:
            return
        if not self._controller.leave(lambda: self._call_soon(then)):
            self.show_notice(self.key_names.short("still loading: {app.back} stops it"))

    def _call_soon(self, function: Callable[[], None]) -> None:
        self.call_later(function)

    def show_tab(self, tab: SourceTab, *, is_new: bool) -> None:
        """Show a tab whose state is in place; start to load a new one."""
        while len(self.screen_stack) > 1:
            # the result of a dialog would be applied to these sources
            self.pop_screen()
        self._controller = tab.controller
        self._warnings = None
        self._jobs.drop_all()
        self.show_banner(())
        self.view = tab.view
        self._bottom.forget()
        for view in self.query(View):
            view.sources_changed()
        self.query_one(ContentSwitcher).current = tab.view
        if is_new:
            self._controller.start()
        else:
            self.refresh_views()
            self.current_view.selection_changed()
            self._controller.come_back()
        self.current_view.take_focus()
        self.update_frame()

    # --- loading -----------------------------------------------------------------------------------------------------

    def post_update(self, update: Update) -> None:
        """Pass an update of a request to the loop, from any thread."""
        self.post_message(LoadUpdate(update))

    def on_load_update(self, message: LoadUpdate) -> None:
        # while the app closes there are no views
        if self.is_running:
            self._controller.handle(message.update)

    def request_begins(self) -> None:
        """Note that a request or a search begins: until the user has navigated further, going back stops it."""
        self._tabs.current.history.request_begins()

    def run_request(self, request: Callable[[], None]) -> None:
        """Run a request in a thread. Until the user has navigated further, going back stops it."""
        self.request_begins()
        self.update_frame()
        self.run_worker(request, thread=True, group="load", exit_on_error=False)

    @property
    def _esc_stops(self) -> bool:
        """True if going back stops the running request. After further navigation, it goes back first."""
        return self._controller.can_stop and not self._tabs.current.history.has_moved_on

    def work(
        self, name: str, work: Callable[[], Any], done: Callable[[Any], Any], *, outlives_set: bool = False
    ) -> None:
        """Run a job in a thread, then `done` with its result on the loop, as `Jobs.work`."""
        self._jobs.work(name, work, done, outlives_set=outlives_set)

    def on_job_done(self, message: JobDone) -> None:
        # while the app closes there are no views
        if self.is_running and self._jobs.is_current(message):
            message.done(message.result)
            self.update_frame()
            self.release_keys()

    def on_worker_state_changed(self, event: Any) -> None:
        if event.worker.error is not None and not event.worker.is_cancelled:
            error = event.worker.error
            self.show_notice(f"internal error in {event.worker.group}: {type(error).__name__}: {error}", is_error=True)
            for view in self.query(View):
                view.work_failed(event.worker.group)
            if self._warnings is not None:
                self._warnings.work_failed(event.worker.group)
            self.release_keys()

    def traces_changed(self, *, is_new_set: bool) -> None:
        """Show other traces in all views; in a new set, positions of the previous one mean nothing."""
        if is_new_set:
            self._tabs.current.history.forget_positions()
        self._jobs.drop_outdated()
        self.refresh_views()
        self.update_frame()
        self.release_keys()

    def refresh_views(self) -> None:
        """Show the state again in all views."""
        for view in self.query(View):
            view.set_changed()
        if self._warnings is not None:
            self._warnings.set_changed()

    @property
    def is_listing(self) -> bool:
        """True if the list of traces is shown, with nothing over it."""
        return self.view == VIEWS[0][0] and len(self.screen_stack) == 1

    @property
    def is_reading(self) -> bool:
        """True while the user reads a trace or a dialog, which a new set would replace."""
        return self.view == "waterfall" or len(self.screen_stack) > 1

    @property
    def is_placed(self) -> bool:
        """True if the user has moved the cursor, which then stays on its trace."""
        return self.current_view.is_placed

    def open_traces(self, traces: Sequence[int]) -> None:
        """Open one trace, or compare two."""
        self.post_message(OpenTrace(traces[0]) if len(traces) == 1 else CompareTraces((traces[0], traces[1])))

    def show_banner(self, lines: Sequence[str], *, is_failure: bool = False) -> None:
        """Show lines above the view, which may be from outside, or none."""
        self._top.show_banner(lines, is_failure=is_failure)

    def end_failure(self) -> None:
        """Remove the banner of a failed load."""
        self._top.end_failure()

    def drop_from_banner(self, lines: Collection[str]) -> None:
        """Remove lines from the banner, if it shows them."""
        self._top.drop_from_banner(lines)

    def on_filter_traces(self, message: FilterTraces) -> None:
        self._controller.filter(message.query, message.opens, searches=message.search_servers)

    def action_reload(self) -> None:
        if self._has_views:
            self._controller.reload()

    def action_follow(self) -> None:
        self._controller.follow()
        self.update_frame()

    def action_more(self) -> None:
        self._controller.more()

    def action_warnings(self) -> None:
        """List the warnings of the loaded traces by kind, to filter by one; and the load warnings."""
        if not self._has_views or self.state.session is None:
            self._show_load_warnings()
            return
        from tracetui.tui.views.choice_filler import ChoiceFiller
        from tracetui.tui.views.warnings import open_warnings

        # made for the current view, which takes the focus back
        self._warnings = ChoiceFiller(self.current_view)
        open_warnings(self._warnings, self.state, self._controller.warning_lines(), self._show_load_warnings)

    def _show_load_warnings(self) -> None:
        lines = self._controller.warning_lines()
        if lines:
            self.post_message(ReadText("Load warnings", "\n".join(lines)))
        else:
            self.show_notice("no warnings")

    def action_adjust_skew(self) -> None:
        self._controller.adjust_skew()

    def on_show_server_stats(self, message: ShowServerStats) -> None:
        self._controller.server_stats(message.service)

    def show_server_stats(self, server_stats: ServerStats, analysis: Analysis) -> None:
        """Show the server statistics beside the analysis of the loaded traces."""
        from tracetui.tui.views.server_stats import show_server_stats

        self.update_frame()
        show_server_stats(self, self.state.look, server_stats, analysis)

    def on_widen_window(self, message: WidenWindow) -> None:
        self._controller.widen_window(message.lookback_ns, message.query)
        if message.query is not None:
            self.post_message(FilterTraces(message.query))

    def on_choose_services(self, _: ChooseServices) -> None:
        self.show_service_choice()

    def show_service_choice(self) -> None:
        """Let the user choose services, for servers that can only search by service."""
        from tracetui.tui.loading.service_choice import service_choice

        if len(self.screen_stack) > 1 or not self.state.server_services:
            return

        def chosen(names: Sequence[str] | None) -> None:
            self.current_view.take_focus()
            if names:
                self._controller.choose_services(names, every=len(names) == len(self.state.server_services))
                self.update_frame()

        self.push_screen(service_choice(self.state), chosen)

    # --- the frame ---------------------------------------------------------------------------------------------------

    def _apply_look(self) -> None:
        look = self.state.look
        look.theme = replace(render_theme(self.current_theme, os.environ), has_links=look.has_links)
        for bar in self.query(LineBar):
            bar.set_look(look.theme)
        for lines in self.query(LineView):
            lines.set_look(look.theme)
        for view in self.query(View):
            view.look_changed()

    def update_frame(self) -> None:
        """Update the status, the tabs and the lines below the view."""
        if not self._bottom.is_attached:
            return
        view = self.current_view if self._has_views else None
        controller = self._controller
        hint = "  {app.back} stops" if self._esc_stops and controller.phase is not Phase.STOPPING else ""
        self._top.show(self.view, self.key_names.short(controller.status + hint), self._tabs.label)
        # the first thing that the key does must be said
        closes = [("{app.back}", "closes the message")] if self._top.has_banner else []
        hints = self.key_names.hints(
            [*closes, *(view.hints[: 4 - len(closes)] if view else ()), *APP.hints("app.keys")]
        )
        self._bottom.show_location(Location(self.view, view.crumbs() if view else (), hints))

    def on_resize(self) -> None:
        self._top.arrange_banner()
        self._bottom.arrange_notice()

    @property
    def holds_keys(self) -> bool:
        screen = self.screen
        if isinstance(screen, Choice):
            return screen.holds_keys
        return not self._has_views or (len(self.screen_stack) == 1 and self.current_view.is_opening)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.AppBlur):
            # stay focused, as the screen may be read from other windows, and multiplexers do not report focus reliably
            return
        if isinstance(event, events.Key):
            if event is not self._last_key:
                # it comes again when no widget has used it
                self._last_key, self._had_notice = event, self._bottom.has_notice
            self._bottom.forget(keep_error=True)
        await super().on_event(event)

    def show_notice(self, text: str, *, is_error: bool = False) -> None:
        """Show a one-line notice; `is_error` for errors."""
        self._bottom.show_notice(text, is_error=is_error)

    def _save_state(self) -> None:
        save_queries(self.state.new_queries)
        save_filters(self.state.changed_filters)
        if self.state.has_new_columns:
            save_columns(self.state.columns)
        # a pipe cannot be read again, and after a failed load there is no location
        if self.state.stdin is None and (self.state.session is not None or self.state.load_state == "reading"):
            save_resume(self._controller.location.saved(self.view, self._controller.query))
