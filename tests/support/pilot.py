"""Drive an app without a terminal: press keys, and wait until nothing is left to do.

Textual's own pilot waits until the process uses little CPU time: for at least 20 ms, and not long enough on a busy
machine. This one waits for the work itself: messages, workers, timers, and unpainted changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from textual import events
from textual.app import App
from textual.keys import _character_to_key, key_to_character
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.worker import Worker

from tests.support.screens import painted
from tracetui.tui.terminal.app import TerminalApp

_SHORT = 0.15
"""Longest delay, in seconds, of a timer to wait for: one of a search while typing, not one of a notice."""
_LONGEST = 300.0
"""Seconds after which an app counts as never settling."""
_PERIOD = 0.004
"""Seconds between two checks for work in other processes."""
_OFTEN = 0.05
"""Seconds between two looks at the screen, which take time from loading processes."""
_CHARACTERS = {"slash": "/", "backslash": "\\", "minus": "-", "plus": "+", "underscore": "_"}
"""Characters of keys whose names Textual does not know."""


class Driver(Pilot[Any]):
    """Presses keys in an app, and waits for their effects."""

    async def press(self, *keys: str) -> None:
        """Press keys, named as in bindings or by their character, and settle after each."""
        for key in keys:
            self.post(key)
            await self.settle()

    async def send(self, *keys: str) -> None:
        """Press keys without waiting for workers, as a user who types while the app works."""
        for key in keys:
            self.post(key)
            await self.pause()

    def post(self, key: str) -> None:
        """Press a key without waiting until it is handled."""
        driver = self.app._driver
        assert driver is not None
        name = _character_to_key(key) if len(key) == 1 else key
        event = events.Key(name, key if len(key) == 1 else _CHARACTERS.get(key) or key_to_character(key))
        event.set_sender(self.app)
        driver.send_message(event)

    async def paste(self, text: str) -> None:
        """Paste a text, and settle."""
        driver = self.app._driver
        assert driver is not None
        driver.send_message(events.Paste(text))
        await self.settle()

    async def settle(self, without: str = "") -> None:
        """Wait until messages, workers and short timers are done and the screen is painted.

        `without`: group of workers to ignore.
        """
        await self._wait(lambda worker: worker.group != without)

    async def pause(self, delay: float | None = None) -> None:
        """Wait like `settle`, but not for workers; or wait for a time."""
        if delay is not None:
            await asyncio.sleep(delay)
        await self._wait(lambda _: False)

    @property
    def lines(self) -> list[str]:
        """Return the lines on the screen, without styles."""
        return painted(self.app)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def until(self, *texts: str) -> None:
        """Wait until all texts are on the screen."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _LONGEST
        while not all(text in self.text for text in texts):
            if loop.time() > end:
                raise AssertionError(f"{texts} did not appear:\n{self.text}")
            await self.pause(_OFTEN)

    async def until_true(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _LONGEST
        while not condition():
            if loop.time() > end:
                raise AssertionError("the condition did not come true")
            await self.pause(_OFTEN)

    async def _wait(self, is_awaited: Callable[[Worker[Any]], bool]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + _LONGEST
        quiet = 0
        # a thread may have just sent something
        while quiet < 2:
            # let everything run that can
            await asyncio.sleep(0)
            if self.app._exit or not self.app.is_running:
                return
            if loop._ready:  # type: ignore[attr-defined]
                quiet = 0
            elif (left := next(self._unfinished(is_awaited), None)) is not None:
                quiet = 0
                if loop.time() > end:
                    raise TimeoutError(f"{self.app} does not settle: {left}")
                await asyncio.sleep(_PERIOD)
            elif self._is_unpainted():
                quiet = 0
                self.app.screen._on_timer_update()
            else:
                quiet += 1

    def _pumps(self) -> Iterator[MessagePump]:
        yield self.app
        for screen in self.app.screen_stack:
            yield from screen.walk_children(with_self=True)

    def _unfinished(self, is_awaited: Callable[[Worker[Any]], bool]) -> Iterator[object]:
        """Yield unfinished work: workers, animations, messages, and short timers that have not fired."""
        yield from (worker for worker in self.app.workers if not worker.is_finished and is_awaited(worker))
        yield from self.app.animator._animations.values()
        if self.app._resize_event is not None:
            yield self.app._resize_event
        if isinstance(self.app, TerminalApp) and self.app._keys.has_waiting_keys:
            yield self.app._keys
        for pump in self._pumps():
            if pump.message_queue_size or pump._next_callbacks or pump._pending_message is not None:
                yield pump
        # the timers of the app and its screen are of notices and of the next poll, and recur
        for pump in self.app.screen.walk_children(with_self=isinstance(self.app.screen, ModalScreen)):
            yield from filter(_goes_off_soon, pump._timers)

    def _is_unpainted(self) -> bool:
        screen = self.app.screen
        return not self.app._batch_count and bool(
            screen._layout_required
            or screen._scroll_required
            or screen._repaint_required
            or screen._recompose_required
            or screen._dirty_widgets
            or screen._callbacks
        )


def _goes_off_soon(timer: Timer) -> bool:
    return timer._repeat == 0 and timer._interval <= _SHORT and timer._task is not None and not timer._task.done()


@asynccontextmanager
async def driven(app: App[Any], size: tuple[int, int] = (80, 24)) -> AsyncIterator[Driver]:
    """Run an app on a screen of this size."""
    async with app.run_test(size=size, notifications=True, tooltips=True):
        yield Driver(app)
