"""The main screen: the frame, the views, and what load controllers do to them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from tracetui.render.text.line import Line, Role
from tracetui.tui.frame import FrameBottom, FrameTop, Location
from tracetui.tui.keys.everywhere import APP, PANES
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.loading.controller import LoadController
from tracetui.tui.loading.jobs import JobDone, Jobs
from tracetui.tui.loading.phase import Phase
from tracetui.tui.loading.updates import LoadUpdate, Update
from tracetui.tui.messages import CompareTraces, OpenTrace, ReadText
from tracetui.tui.navigation import Navigator
from tracetui.tui.settings import Resume
from tracetui.tui.source_tabs import SourceTab, SourceTabs
from tracetui.tui.state import State
from tracetui.tui.terminal.screen import FocusPaintScreen
from tracetui.tui.views.base import View
from tracetui.tui.views.registry import VIEWS, view_classes
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    from tracetui.analysis.analysis import Analysis
    from tracetui.model.server_stats import ServerStats
    from tracetui.tui.views.choice_filler import ChoiceFiller


_OPENING = "opening"
"""Id of what is shown before there are views."""


def _opening_lines(width: int) -> list[Line]:
    return [Line([("  Starting", Role.DIM)]).cropped(width)]


class MainScreen(FocusPaintScreen):
    """Screen with the views of one set of sources; each tab has its own."""

    BINDINGS: ClassVar[list[BindingType]] = PANES.bindings

    def __init__(self, state: State, resume: Resume | None, release_keys: Callable[[], None]) -> None:
        """release_keys: passes on keys that waited, as their target may be ready."""
        super().__init__(id="_default")
        self.state = state
        self._release_keys = release_keys
        self._jobs = Jobs(self)
        self._top = FrameTop(state)
        self.bottom = FrameBottom(state)
        # what views and controllers use of these
        self.work = self._jobs.work
        self.show_banner, self.end_failure = self._top.show_banner, self._top.end_failure
        self.drop_from_banner = self._top.drop_from_banner
        self.show_notice = self.bottom.show_notice
        self.tabs = SourceTabs(state, self.load_controller(resume), self)
        self.navigator = Navigator(state, self.tabs, self)
        self.go_to = self.navigator.go_to
        self.has_views = False
        self._warnings: ChoiceFiller | None = None
        """Fills the list of warnings."""
        self._clock: Timer | None = None
        """Updates the seconds of a request; None while none runs."""
        self._key_names: tuple[Screen[Any], Widget | None, KeyNames] | None = None
        """Screen and focus of the cached names, and the names."""

    def compose(self) -> ComposeResult:
        yield self._top
        # a key may choose another view before there are any
        yield ContentSwitcher(LineBar(self.state.look.theme, _opening_lines, id=_OPENING), initial=_OPENING)
        yield self.bottom

    async def build_views(self) -> None:
        """Create the views, after the first screen is painted."""
        classes = await asyncio.to_thread(view_classes)
        switcher = self.query_one(ContentSwitcher)
        for (view, _), make in zip(VIEWS, classes, strict=True):
            await switcher.add_content(make(self.state, self.work, id=view))
        # a key may have changed the view meanwhile
        switcher.current = self.view
        await switcher.query_one(f"#{_OPENING}").remove()
        self.has_views = True
        # modules and views never become garbage, and scanning them in each collection would delay keys
        gc.freeze()
        self.apply_look()
        self.update_frame()
        self.current_view.take_focus()
        self._release_keys()

    @property
    def controller(self) -> LoadController:
        """Controller of the tab that is shown."""
        return self.tabs.current.controller

    # --- the current view --------------------------------------------------------------------------------------------

    @property
    def view(self) -> str:
        """Id of the current view."""
        return self.tabs.current.view

    @property
    def current_view(self) -> View:
        """The current view."""
        return self.query_one(f"#{self.view}", View)

    def display_view(self, view: str) -> None:
        """Show a view, and give it the focus."""
        self.bottom.forget()
        if self.has_views:
            self.query_one(ContentSwitcher).current = view
            self.current_view.selection_changed()
            self.current_view.take_focus()
        self.update_frame()

    def go_back(self, *, had_notice: bool) -> None:
        """Close, stop or leave what was opened or begun last.

        had_notice: whether a notice was shown when the key was pressed.
        """
        if self._top.has_banner:
            self.show_banner(())
        elif self.has_views and self.current_view.go_back():
            pass
        elif self._esc_stops:
            self.controller.stop()
        elif had_notice and self.view == VIEWS[0][0]:
            # the key has removed the notice, which looks like something to close
            self.bottom.forget()
        else:
            self.navigator.go_back()
        self.update_frame()

    def go_back_to(self, crumb: int) -> None:
        """Leave what was opened in the current view after this breadcrumb, 0 for the view itself."""
        if self.has_views and crumb < len(self.current_view.crumbs()):
            self.current_view.go_back_to(crumb)
        self.update_frame()

    async def compare(self, traces: tuple[int, int]) -> None:
        """Compare two traces."""
        if self.navigator.are_loaded(traces):
            self.state.mark(traces)
            self.go_to(VIEWS[0][0])
            await self.query_one(f"#{VIEWS[0][0]}", View).run_action("dialog('compare')")

    @property
    def is_opening(self) -> bool:
        """True while what keys are for is being created."""
        return not self.has_views or (self.is_active and self.current_view.is_opening)

    # --- tabs --------------------------------------------------------------------------------------------------------

    def load_controller(self, resume: Resume | None) -> LoadController:
        """Make the controller of a tab whose state is in place."""
        return LoadController(self.state, resume, self)

    def show_tab(self, tab: SourceTab, *, is_new: bool) -> None:
        """Show a tab whose state is in place; start to load a new one."""
        while len(self.app.screen_stack) > 1:
            # the result of a dialog would be applied to these sources
            self.app.pop_screen()
        self._warnings = None
        self._jobs.drop_all()
        self.show_banner(())
        self.bottom.forget()
        for view in self.query(View):
            view.sources_changed()
        self.query_one(ContentSwitcher).current = tab.view
        if is_new:
            self.controller.start()
        else:
            self.refresh_views()
            self.current_view.selection_changed()
            self.controller.come_back()
        self.current_view.take_focus()
        self.update_frame()

    # --- loading -----------------------------------------------------------------------------------------------------

    def post_update(self, update: Update) -> None:
        """Pass an update of a request to the loop, from any thread."""
        self.post_message(LoadUpdate(update))

    def request_begins(self) -> None:
        """Note that a request or a search begins: until the user has navigated further, going back stops it."""
        self.tabs.current.history.request_begins()

    def run_request(self, request: Callable[[], None]) -> None:
        """Run a request in a thread. Until the user has navigated further, going back stops it."""
        self.request_begins()
        if self._clock is None:
            self._clock = self.set_interval(1, self.update_frame)
        self.update_frame()
        self.run_worker(request, thread=True, group="load", exit_on_error=False)

    @property
    def _esc_stops(self) -> bool:
        """True if going back stops the running request. After further navigation, it goes back first."""
        return self.controller.can_stop and not self.tabs.current.history.has_moved_on

    def finish_job(self, message: JobDone) -> None:
        """Pass on the result of a job, unless it is outdated."""
        if self._jobs.is_current(message):
            message.done(message.result)
            self.update_frame()
            self._release_keys()

    def on_worker_state_changed(self, event: Any) -> None:
        if event.worker.error is not None and not event.worker.is_cancelled:
            error = event.worker.error
            self.show_notice(f"internal error in {event.worker.group}: {type(error).__name__}: {error}", is_error=True)
            for view in self.query(View):
                view.work_failed(event.worker.group)
            if self._warnings is not None:
                self._warnings.work_failed(event.worker.group)
            self._release_keys()

    def traces_changed(self, *, is_new_set: bool) -> None:
        """Show other traces in all views; in a new set, positions of the previous one mean nothing."""
        if is_new_set:
            self.tabs.current.history.forget_positions()
        self._jobs.drop_outdated()
        self.refresh_views()
        self.update_frame()
        self._release_keys()

    def refresh_views(self) -> None:
        """Show the state again in all views."""
        for view in self.query(View):
            view.set_changed()
        if self._warnings is not None:
            self._warnings.set_changed()

    @property
    def is_listing(self) -> bool:
        """True if the list of traces is shown, with nothing over it."""
        return self.view == VIEWS[0][0] and len(self.app.screen_stack) == 1

    @property
    def is_reading(self) -> bool:
        """True while the user reads a trace or a dialog, which a new set would replace."""
        return self.view == "waterfall" or len(self.app.screen_stack) > 1

    @property
    def is_placed(self) -> bool:
        """True if the user has moved the cursor, which then stays on its trace."""
        return self.current_view.is_placed

    def open_traces(self, traces: Sequence[int]) -> None:
        """Open one trace, or compare two."""
        self.post_message(OpenTrace(traces[0]) if len(traces) == 1 else CompareTraces((traces[0], traces[1])))

    # --- dialogs about loading ---------------------------------------------------------------------------------------

    def show_warnings(self) -> None:
        """List the warnings of the loaded traces by kind, to filter by one; and the load warnings."""
        if not self.has_views or self.state.session is None:
            self._show_load_warnings()
            return
        from tracetui.tui.views.choice_filler import ChoiceFiller
        from tracetui.tui.views.warnings import open_warnings

        # made for the current view, which takes the focus back
        self._warnings = ChoiceFiller(self.current_view)
        open_warnings(self._warnings, self.state, self.controller.warning_lines(), self._show_load_warnings)

    def _show_load_warnings(self) -> None:
        lines = self.controller.warning_lines()
        if lines:
            self.post_message(ReadText("Load warnings", "\n".join(lines)))
        else:
            self.show_notice("no warnings")

    def show_server_stats(self, server_stats: ServerStats, analysis: Analysis) -> None:
        """Show the server statistics beside the analysis of the loaded traces."""
        from tracetui.tui.views.server_stats import show_server_stats

        self.update_frame()
        show_server_stats(self.app, self.state.look, server_stats, analysis)

    def show_service_choice(self) -> None:
        """Let the user choose services, for servers that can only search by service."""
        from tracetui.tui.loading.service_choice import service_choice

        if len(self.app.screen_stack) > 1 or not self.state.server_services:
            return

        def chosen(names: Sequence[str] | None) -> None:
            self.current_view.take_focus()
            if names:
                self.controller.choose_services(names, every=len(names) == len(self.state.server_services))
                self.update_frame()

        self.app.push_screen(service_choice(self.state), chosen)

    # --- the frame ---------------------------------------------------------------------------------------------------

    def apply_look(self) -> None:
        """Paint in the look of the state."""
        for bar in self.query(LineBar):
            bar.set_look(self.state.look.theme)
        for lines in self.query(LineView):
            lines.set_look(self.state.look.theme)
        for view in self.query(View):
            view.look_changed()

    @property
    def key_names(self) -> KeyNames:
        """Keys of actions at the current focus, also in a dialog."""
        screen = self.app.screen
        cached = self._key_names
        if cached is None or cached[:2] != (screen, screen.focused):
            cached = self._key_names = screen, screen.focused, KeyNames(screen)
        return cached[2]

    def update_frame(self) -> None:
        """Update the status, the tabs and the lines below the view."""
        if not self.bottom.is_attached:
            return
        view, controller = self.current_view if self.has_views else None, self.controller
        if self._clock is not None and not controller.can_stop:
            self._clock.stop()
            self._clock = None
        hint = "  {app.back} stops" if self._esc_stops and controller.phase is not Phase.STOPPING else ""
        self._top.show(self.view, self.key_names.short(controller.status + hint), self.tabs.label)
        # the first thing that the key does must be said
        closes = [("{app.back}", "closes the message")] if self._top.has_banner else []
        hints = [*closes, *(view.hints[: 4 - len(closes)] if view else ()), *APP.hints("app.keys")]
        names, crumbs = self.key_names, view.crumbs() if view else ()
        self.bottom.show_location(Location(self.view, crumbs, names.hints(hints), names.pressed(hints)))

    def on_resize(self) -> None:
        self._top.arrange_banner()
        self.bottom.arrange_notice()
