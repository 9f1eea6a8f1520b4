"""An app that sends its terminal only cells that changed, and handles keys one by one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from functools import partial
from typing import Any

from rich.color import ColorSystem
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen

from tracetui.render.text.clipboard import clipboard_text
from tracetui.tui.terminal import tmux
from tracetui.tui.terminal.cell_diff import CellChanges, ShownCells
from tracetui.tui.terminal.key_queue import KeyQueue
from tracetui.tui.terminal.screen import FocusPaintScreen
from tracetui.tui.terminal.textual_internals import binding_chain, keep_late_timers


class TerminalApp(App[None]):
    """Base of the app: its terminal may be slow, and its keys may arrive faster than they are handled."""

    def __init__(self, ansi: bool | None = None) -> None:
        keep_late_timers()
        super().__init__(ansi_color=ansi)
        self._shown = ShownCells()
        self._keys = KeyQueue(self, super().on_event, lambda: self.holds_keys)

    @property
    def holds_keys(self) -> bool:
        """True while the target of the keys is being created, so that they must wait."""
        return False

    @property
    def asks_background(self) -> bool:
        """True to ask the terminal for its background; `BackgroundReported` has the answer."""
        return False

    @property
    def failure(self) -> Exception | None:
        """Error that ended the app, if any."""
        return self._exception

    def failing(self) -> None:
        """Save what would be lost. Called before an unhandled error ends the app."""

    def key_unused(self, key: str) -> None:
        """Respond to a key for which neither the focused widget nor anything around it has a binding."""

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        is_used = await super()._check_bindings(key, priority)
        if (
            not is_used
            and not priority
            and all(key not in one.key_to_bindings for _, one in binding_chain(self.screen))
        ):
            self.key_unused(key)
        return is_used

    def _handle_exception(self, error: Exception) -> None:
        """Exit after an unhandled error. `failure` returns it, as the screen cannot show it."""
        with contextlib.suppress(Exception):
            self.failing()
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def _fatal_error(self) -> None:
        # Textual's version prints local variables, which may be secrets or trace data
        self._close_messages_no_wait()

    def release_keys(self) -> None:
        """Pass on waiting keys if their target is ready."""
        self._keys.release()

    def on_mount(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self._shown.forget())
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(name, self.exit)

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        if driver.__name__ != "LinuxDriver":
            return driver
        from tracetui.tui.terminal.driver import ResilientDriver

        return ResilientDriver

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters, which convert colours for NO_COLOR and the terminal's palette, only if needed."""
        return super().get_line_filters() if self.no_color or self.native_ansi_color else ()

    def copy_to_clipboard(self, text: str) -> None:
        """Copy text to the user's clipboard, made safe to paste. All copied text passes through here."""
        safe_text = clipboard_text(text)
        super().copy_to_clipboard(safe_text)
        if tmux.is_inside():
            self.run_worker(partial(tmux.load_buffer, safe_text), group="tmux", thread=True, exit_on_error=False)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize):
            # after a resize, even to the same size, the contents of the terminal are unknown
            self._shown.forget()
            if event.size == self.size:
                self.screen.refresh()
        await self._keys.receive(event)

    def get_default_screen(self) -> Screen[Any]:
        return FocusPaintScreen(id="_default")

    def action_redraw(self) -> None:
        """Send the whole screen again, in case another program has written to the terminal."""
        self._shown.forget()
        self.screen.refresh()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        is_partial = isinstance(renderable, (ChopsUpdate, LayoutUpdate)) and not self._batch_count
        # an update painted for a larger terminal may scroll it
        if is_partial and screen._compositor.size == self.size:
            system = self.console._color_system or ColorSystem.TRUECOLOR
            changes = self._shown.changes(renderable, self.size.width, system)
            renderable = CellChanges(changes) if changes else None
        elif renderable is not None:
            self._shown.forget()
        super()._display(screen, renderable)
