"""App: views, themes and keys. Views own their content; `LoadingApp` owns the data."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from tracetui.render.text.clipboard import MOST_COPIED, clipboard_text
from tracetui.tui.bookmark import Bookmark
from tracetui.tui.frame import Location
from tracetui.tui.help import LIST_KEYS, HelpScreen, Keys
from tracetui.tui.keys.app_keys import APP_BINDINGS, APP_KEYS
from tracetui.tui.keys.keymap import KeyNames, rebind
from tracetui.tui.loading.app import LoadingApp
from tracetui.tui.messages import (
    CompareTraces,
    CopyText,
    FilterTraces,
    ListTraces,
    LocationChanged,
    Notice,
    OpenTrace,
    OpenView,
    ReadText,
)
from tracetui.tui.palette import open_palette
from tracetui.tui.settings import Resume, save_queries, save_resume
from tracetui.tui.state import State
from tracetui.tui.themes import HIGH_CONTRAST, next_theme, render_theme
from tracetui.tui.views.base import View
from tracetui.tui.views.registry import VIEWS, pane_classes
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView

_MOST_BOOKMARKS = 50


class TraceApp(LoadingApp):
    """App with five views of one trace set."""

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
        super().__init__(state, resume, ansi)
        self._user_keymap = dict(keymap or {})
        self.set_keymap(self._user_keymap)
        self.animation_level = "none"
        self._initial_theme = theme
        self._key_names: tuple[Screen[Any], Widget | None, KeyNames] | None = None
        """Screen and focus of the cached names, and the names."""

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
        self._update_frame()
        self.call_after_refresh(self._start_building)

    def _start_building(self) -> None:
        self.run_worker(self._build_views(), group="build")

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters, which convert colours for NO_COLOR and the terminal's palette, only if needed."""
        return super().get_line_filters() if self.no_color or self.native_ansi_color else ()

    async def _build_views(self) -> None:
        """Create the views after the first screen is painted, and start loading."""
        panes = await asyncio.to_thread(pane_classes)
        switcher = self.query_one(ContentSwitcher)
        for (view, _), make in zip(VIEWS, panes, strict=True):
            await switcher.add_content(make(self.state, self._jobs.work, id=view))
        # a key may have changed the view meanwhile
        switcher.current = self._view
        self._has_views = True
        # modules and views never become garbage, and scanning them in each collection would delay keys
        gc.freeze()
        self._apply_look()
        self._update_frame()
        self.pane.focus_pane()
        self.release_keys()
        if self.state.sources:
            self._start_load()
        for number, text in enumerate(self.state.notices):
            # show them one after the other, as there is one line for them
            self.set_timer(number * self._bottom.NOTICE_SECONDS or 0.01, partial(self._show_notice, text, bad=True))

    def exit(self, *args: Any, **options: Any) -> None:
        """Save the location and leave."""
        self._save_state()
        super().exit(*args, **options)

    def _handle_exception(self, error: Exception) -> None:
        """Exit after an unhandled error. `failure` returns it, as the screen cannot show it."""
        with contextlib.suppress(Exception):
            self._save_state()
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def _fatal_error(self) -> None:
        # Textual's version prints local variables, which may be secrets or trace data
        self._close_messages_no_wait()

    @property
    def failure(self) -> Exception | None:
        """Error that ended the app, if any."""
        return self._exception

    def on_unmount(self) -> None:
        self._loader.cancel()

    # --- views -------------------------------------------------------------------------------------------------------

    @property
    def pane(self) -> View:
        """The current view."""
        return self.query_one(f"#{self._view}", View)

    def action_view(self, view: str) -> None:
        if view != self._view and view in dict(VIEWS):
            self._add_bookmark()
            self._switch_to(view)

    def _add_bookmark(self, query: str | None = None, come_back: Callable[[], None] | None = None) -> None:
        """Add the current location to the history. Going back to it restores `query` and calls `come_back`."""
        bookmark = Bookmark(self._view, self.state.trace, self.state.span, query, come_back)
        if not self._history or self._history[-1] != bookmark:
            self._history = [*self._history, bookmark][-_MOST_BOOKMARKS:]

    def _switch_to(self, view: str) -> None:
        self._view = view
        self._loader.view_changed(view)
        self._bottom.forget()
        deferred = self._poller.pop_deferred() if view != "waterfall" else None
        if deferred is not None:
            self._show_arrived(deferred)
        if self._has_views:
            self.query_one(ContentSwitcher).current = view
            self.pane.selection_changed()
            self.pane.focus_pane()
        self._update_frame()

    def action_go_back(self) -> None:
        if self._top.has_banner:
            self._top.show_banner(())
        elif self._has_views and self.pane.go_back():
            pass
        elif self._esc_stops:
            self._loader.stop()
        elif self._history:
            bookmark = self._history.pop()
            if bookmark.trace is not None:
                self.state.trace, self.state.span = bookmark.trace, bookmark.span
            self._switch_to(bookmark.view)
            if bookmark.query is not None and bookmark.query != self.state.query:
                self.post_message(FilterTraces(bookmark.query, ask=False))
            if bookmark.come_back is not None:
                bookmark.come_back()
        self._update_frame()

    def on_open_trace(self, message: OpenTrace) -> None:
        self._add_bookmark(come_back=message.come_back)
        self._loader.trace_opened()
        self.state.trace, self.state.span = message.trace, message.span
        self._switch_to("waterfall")

    async def on_compare_traces(self, message: CompareTraces) -> None:
        self.state.marked.clear()
        self.state.marked.update(message.traces)
        self.action_view(VIEWS[0][0])
        await self.query_one(f"#{VIEWS[0][0]}", View).run_action("answer('compare')")

    def on_list_traces(self, message: ListTraces) -> None:
        self._add_bookmark(self.state.query)
        self._switch_to(message.view)
        self.post_message(FilterTraces(message.query, ask=False))

    def on_open_view(self, message: OpenView) -> None:
        self.action_view(message.view)

    def on_copy_text(self, message: CopyText) -> None:
        self.copy_to_clipboard(clipboard_text(message.text, one_line=message.one_line))
        is_cut = len(message.text) > MOST_COPIED
        part = f": the first {MOST_COPIED:,} of {len(message.text):,} characters" if is_cut else ""
        self._show_notice(f"copied {message.what}{part}", bad=False)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy text to the user's clipboard, made safe to paste. All copied text passes through here."""
        super().copy_to_clipboard(clipboard_text(text))

    def on_read_text(self, message: ReadText) -> None:
        from tracetui.tui.widgets.pager import Pager

        self.push_screen(Pager(self.state.look, message.title, message.text))

    def on_notice(self, message: Notice) -> None:
        self._show_notice(message.text, message.bad)

    def on_location_changed(self, _: LocationChanged) -> None:
        self._update_frame()

    def on_line_view_moved(self, _: LineView.Moved) -> None:
        self._update_frame()

    def action_keys(self) -> None:
        title = dict(VIEWS)[self._view]
        view_keys = self.pane.KEYS if self._has_views else ()
        groups: list[tuple[str, Keys]] = [(title, view_keys), ("Lists", LIST_KEYS), ("Everywhere", APP_KEYS)]
        if self._user_keymap:
            groups.insert(0, ("Set in the config file", rebind(self._user_keymap)))
        self.push_screen(HelpScreen(self.state.look, groups, KeyNames(self.screen)))

    def action_palette(self) -> None:
        open_palette(self)

    def action_next_theme(self) -> None:
        self.theme = next_theme(self.theme)
        self._show_notice(f"theme {self.theme}", bad=False)

    @property
    def key_names(self) -> KeyNames:
        """Keys of actions at the current focus."""
        screen = self.screen
        cached = self._key_names
        if cached is None or cached[:2] != (screen, screen.focused):
            cached = self._key_names = screen, screen.focused, KeyNames(screen)
        return cached[2]

    # --- the frame ---------------------------------------------------------------------------------------------------

    def _apply_look(self) -> None:
        look = self.state.look
        look.theme = render_theme(self.current_theme, os.environ)
        for bar in self.query(LineBar):
            bar.set_look(look.theme)
        for view in self.query(LineView):
            view.set_look(look.theme)
        for pane in self.query(View):
            pane.look_changed()

    def _update_frame(self) -> None:
        if not self._bottom.is_attached:
            return
        pane = self.pane if self._has_views else None
        hint = "  {app.back} stops" if self._esc_stops and not self._loader.is_stopping else ""
        self._top.show(self._view, self.key_names.short(self._loader.status + hint))
        hints = self.key_names.hints([*(pane.HINTS[:4] if pane else ()), ("{app.keys}", "keys")])
        self._bottom.show_location(Location(self._view, pane.crumbs() if pane else (), hints))

    def on_resize(self) -> None:
        self._top.arrange_banner()

    @property
    def holds_keys(self) -> bool:
        return not self._has_views or (len(self.screen_stack) == 1 and self.pane.is_opening)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.AppBlur):
            # stay focused, as the screen may be read from other windows, and multiplexers do not report focus reliably
            return
        if isinstance(event, events.Key):
            self._bottom.forget(only_good=True)
        await super().on_event(event)

    def _show_notice(self, text: str, bad: bool) -> None:
        self._bottom.say(text, bad=bad)

    def forget_notice(self) -> None:
        """Remove the last notice."""
        self._bottom.forget()

    def _save_state(self) -> None:
        save_queries(self.state.new_queries)
        # a pipe cannot be read again, and after a failed load there is no location
        if self.state.stdin is None and (self.state.session is not None or self.state.load_state == "reading"):
            save_resume(self._loader.bookmark(self._view))
