"""The app: theme, keys, and the messages of views. The main screen has the views, `LoadController` the data."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.screen import Screen

from tracetui.render.text import numbers
from tracetui.render.text.clipboard import MAX_COPIED, clipboard_text
from tracetui.render.text.safe_text import safe
from tracetui.tui.browser import open_in_browser
from tracetui.tui.frame import FrameBottom
from tracetui.tui.help import HelpScreen, help_groups, with_key_names
from tracetui.tui.keys.everywhere import APP
from tracetui.tui.keys.keymap import KeyNames, rebind
from tracetui.tui.keys.other_views import in_other_views, view_of_key
from tracetui.tui.loading.jobs import JobDone
from tracetui.tui.loading.updates import LoadUpdate
from tracetui.tui.main_screen import MainScreen
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
from tracetui.tui.state import State
from tracetui.tui.terminal.app import TerminalApp
from tracetui.tui.terminal.background import BackgroundReported
from tracetui.tui.themes import DARK_THEME, HIGH_CONTRAST, LIGHT_THEME, next_theme, render_theme
from tracetui.tui.views.base import View
from tracetui.tui.widgets.choice import Choice
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_view import LineView

_LONGEST_NAME = 60


class TraceApp(TerminalApp):
    """App with one main screen: theme, keymap, dialogs, and the messages of views."""

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
        *,
        follows_terminal: bool = False,
    ) -> None:
        """follows_terminal: replace the theme by a light or dark one once the terminal reports its background."""
        super().__init__(ansi)
        self._follows_terminal = follows_terminal
        self.state = state
        self.main = MainScreen(state, resume, self.release_keys)
        self._last_key: events.Key | None = None
        self._had_notice = False
        """True if a notice was shown when the last key was pressed."""
        self._user_keymap = dict(keymap or {})
        self.set_keymap(self._user_keymap)
        self.animation_level = "none"
        self._initial_theme = theme

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    def on_mount(self) -> None:
        self.register_theme(HIGH_CONTRAST)
        self.set_class(self.state.look.glyphs.ascii_only, "-ascii")
        if self._initial_theme:
            self.theme = self._initial_theme
        self.theme_changed_signal.subscribe(self, lambda _: self._change_theme())
        self._apply_theme()
        self.main.update_frame()
        self.call_after_refresh(self._start_building)

    def _start_building(self) -> None:
        self.run_worker(self._build_views(), group="build")

    async def _build_views(self) -> None:
        """Create the views after the first screen is painted, and start loading."""
        await self.main.build_views()
        if self.state.sources:
            self.main.controller.start()
        for number, text in enumerate(self.state.notices):
            # show them one after the other, as there is one line for them
            show = partial(self.main.show_notice, text, is_error=True)
            self.set_timer(number * self.main.bottom.NOTICE_SECONDS or 0.01, show)

    @property
    def asks_background(self) -> bool:
        return self._follows_terminal

    def on_background_reported(self, message: BackgroundReported) -> None:
        if self._follows_terminal:
            self.theme = DARK_THEME if message.is_dark else LIGHT_THEME
            # setting the same theme sends no signal; further reports were not asked for
            self._follows_terminal = False

    def _change_theme(self) -> None:
        # a theme that the user has chosen stays; the first one is announced, too
        self._follows_terminal &= self.theme == self._initial_theme
        self._apply_theme()

    def _apply_theme(self) -> None:
        look = self.state.look
        look.theme = replace(render_theme(self.current_theme, os.environ), has_links=look.has_links)
        self.main.apply_look()

    def exit(self, *args: Any, **options: Any) -> None:
        """Save the location and leave."""
        self.failing()
        super().exit(*args, **options)

    def failing(self) -> None:
        """Save what the next run reads."""
        state, controller = self.state, self.main.controller
        save_queries(state.new_queries)
        save_filters(state.changed_filters)
        if state.has_new_columns:
            save_columns(state.columns)
        # a pipe cannot be read again, and after a failed load there is no location
        if state.stdin is None and (state.session is not None or state.load_state == "reading"):
            save_resume(controller.location.saved(self.view, controller.query))

    def on_unmount(self) -> None:
        self.main.tabs.close_all()

    @property
    def view(self) -> str:
        """Id of the current view."""
        return self.main.view

    @property
    def current_view(self) -> View:
        """The current view."""
        return self.main.current_view

    # --- keys --------------------------------------------------------------------------------------------------------

    @property
    def holds_keys(self) -> bool:
        return self.screen.holds_keys if isinstance(self.screen, Choice) else self.main.is_opening

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.AppBlur):
            # stay focused, as the screen may be read from other windows, and multiplexers do not report focus reliably
            return
        if isinstance(event, events.Key):
            if event is not self._last_key:
                # it comes again when no widget has used it
                self._last_key, self._had_notice = event, self.main.bottom.has_notice
            self.main.bottom.forget(keep_error=True)
        await super().on_event(event)

    def key_unused(self, key: str) -> None:
        """Leave a page for the view that the key shows; else say what the key does in other views."""
        page, view = self.screen, view_of_key(key, self._user_keymap)
        if view and isinstance(page, Dialog) and page.IS_PAGE:
            page.dismiss(None)
            # after the view below has the focus again
            self.call_after_refresh(self.main.go_to, view)
        elif self.screen is self.main and self.main.has_views:
            text = in_other_views(key, self.view, self._user_keymap)
            if text:
                self.main.show_notice(self.main.key_names.short(text))

    def action_view(self, view: str) -> None:
        self.main.go_to(view)

    def action_go_back(self) -> None:
        self.main.go_back(had_notice=self._had_notice)

    def action_keys(self) -> None:
        tables = self.current_view.KEYS if self.main.has_views else ()
        groups = help_groups(tables, rebind(self._user_keymap) if self._user_keymap else [])
        look = self.state.look
        self.push_screen(HelpScreen(look, with_key_names(groups, KeyNames(self.screen), look.glyphs)))

    def action_figures(self) -> None:
        """Explain the figures of the current view, with their values in the row under the cursor."""
        from tracetui.render.definitions import explanations

        if not self.main.has_views:
            return
        heading, row, name = self.current_view.figures
        title = f"Figures of {safe(name, _LONGEST_NAME)}" if name else "Figures"
        look = self.state.look
        # no key names: names and values may look like actions
        groups = [(title, explanations(self.main.view, heading, row, look.glyphs))]
        self.push_screen(HelpScreen(look, groups, "a figure or words", "no match"))

    def action_palette(self) -> None:
        open_palette(self, self.main)

    def action_next_theme(self) -> None:
        self.theme = next_theme(self.theme)
        self.main.show_notice(f"theme {self.theme}")

    def action_next_zone(self) -> None:
        look = self.state.look
        look.local_time = not look.local_time
        self.main.apply_look()
        self.main.update_frame()
        zone = numbers.zone(time.time_ns(), local=True)
        self.main.show_notice(f"times in local time ({zone})" if look.local_time else "times in UTC")

    def action_open(self) -> None:
        """Ask for other sources, to open them in a tab."""
        free = "a file, directory, glob or server"

        def chosen(source: str | None) -> None:
            self.current_view.take_focus()
            if source is not None:
                self.main.tabs.open(source)

        self.push_screen(Choice(self.state.look, "Open in a tab", [], free=free), chosen)

    def action_next_tab(self) -> None:
        self.main.tabs.show_next()

    def action_close_tab(self) -> None:
        self.main.tabs.close()

    def action_reload(self) -> None:
        if self.main.has_views:
            self.main.controller.reload()

    def action_follow(self) -> None:
        self.main.controller.follow()
        self.main.update_frame()

    def action_more(self) -> None:
        self.main.controller.more()

    def action_warnings(self) -> None:
        self.main.show_warnings()

    def action_adjust_skew(self) -> None:
        self.main.controller.adjust_skew()

    # --- messages ----------------------------------------------------------------------------------------------------

    def on_load_update(self, message: LoadUpdate) -> None:
        # while the app closes there are no views
        if self.is_running:
            self.main.controller.handle(message.update)

    def on_job_done(self, message: JobDone) -> None:
        # here and not on the screen: a message that a view then sends would not pass its sender, the screen
        if self.is_running:
            self.main.finish_job(message)

    def on_open_trace(self, message: OpenTrace) -> None:
        self.main.navigator.open_trace(message)

    async def on_compare_traces(self, message: CompareTraces) -> None:
        await self.main.compare(message.traces)

    def on_list_traces(self, message: ListTraces) -> None:
        self.main.navigator.list_traces(message)

    def on_open_view(self, message: OpenView) -> None:
        self.main.go_to(message.view)

    def on_filter_traces(self, message: FilterTraces) -> None:
        self.main.controller.filter(message.query, message.opens, searches=message.search_servers)

    def on_widen_window(self, message: WidenWindow) -> None:
        self.main.controller.widen_window(message.lookback_ns, message.query)
        if message.query is not None:
            self.post_message(FilterTraces(message.query))

    def on_choose_services(self, _: ChooseServices) -> None:
        self.main.show_service_choice()

    def on_show_server_stats(self, message: ShowServerStats) -> None:
        self.main.controller.server_stats(message.service)

    def on_copy_text(self, message: CopyText) -> None:
        self.copy_to_clipboard(clipboard_text(message.text, one_line=message.one_line))
        is_cut = len(message.text) > MAX_COPIED
        part = f": the first {MAX_COPIED:,} of {len(message.text):,} characters" if is_cut else ""
        # an address comes first, so that it is whole
        self.main.show_notice(f"{message.text}: copied" if message.is_shown else f"copied {message.what}{part}")

    def on_open_page(self, message: OpenPage) -> None:
        if open_in_browser(message.address):
            self.main.show_notice(f"{message.address}: opened in the browser")
        else:
            self.copy_to_clipboard(message.address)
            self.main.show_notice(f"{message.address}: copied, as this machine has no web browser")

    def on_read_text(self, message: ReadText) -> None:
        from tracetui.tui.widgets.pager import Pager

        self.push_screen(Pager(self.state.look, message.title, message.text))

    def on_notice(self, message: Notice) -> None:
        self.main.show_notice(message.text, is_error=message.is_error)

    def on_frame_bottom_crumb_chosen(self, message: FrameBottom.CrumbChosen) -> None:
        self.main.go_back_to(message.number)

    def on_location_changed(self, _: LocationChanged) -> None:
        self.main.update_frame()

    def on_line_view_moved(self, _: LineView.Moved) -> None:
        self.main.update_frame()
