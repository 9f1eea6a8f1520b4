"""Key queue: keys that arrive faster than they are handled act as if pressed one by one.

Textual hands a key to what has the focus when it comes, and runs what it is bound to later, when it has gone all the
way up: of `/quit` in one packet, as slow lines send it, the line that `/` opens would get nothing, and `q` would quit.
What is opened and takes a while to be there is waited for in the same way.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen

_PATIENCE = 1.0
"""Seconds after which a key no longer waits for the one before."""
_SOON = 0.15
"""Seconds within which the next key may arrive before the one before is handled."""


class KeyQueueApp(App[None]):
    """An app in which a key waits until the one before it has done all that it does."""

    def __init__(self, ansi: bool | None = None) -> None:
        super().__init__(ansi_color=ansi)
        self._keys: deque[events.Event] = deque()
        """Waiting keys."""
        self._pressed_at = 0.0
        """Time of the last key that does not wait."""
        self._target: MessagePump = self
        self._screen_before: Screen[Any] | None = None
        """Screen that it went to."""
        self._is_held = False
        """True if keys have been held back from a screen that is not there yet."""

    @property
    def holds_keys(self) -> bool:
        """True while the target of the keys is still being made: until it is there, they wait."""
        return False

    def keys_may_go(self) -> None:
        """Release waiting keys, as their target may be there now."""
        if self._is_held and not self.holds_keys:
            self._is_held = False
            self._wait()

    def _leads_out(self, event: events.Event, at: int) -> bool:
        """Test whether a key leaves what is being made instead of acting on it; `at`: the number of keys before it."""
        found = self.screen.active_bindings.get(event.key) if isinstance(event, events.Key) else None
        if found is None:
            return False
        # what holds everywhere may be text behind a key that begins to write one
        return found.binding.priority or found.binding.action == "go_back" or (found.node is self and not at)

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
        elif self.holds_keys:
            self._keys.append(event)
            await self._next(self._pressed_at)
        elif self._keys:
            self._keys.append(event)
        elif time.monotonic() - self._pressed_at < _SOON:
            self._keys.append(event)
            self._wait()
        else:
            await self._press(event)

    async def _press(self, event: events.Event) -> None:
        self._pressed_at = time.monotonic()
        self._screen_before = self.screen
        self._target = self.focused or self.screen
        await super().on_event(event)

    def _wait(self) -> None:
        """Wait until the last key has been handled."""
        self.set_timer(_PATIENCE, self._hurry)
        # up to the app goes the key; then what its action has told
        target, number = self._target, self._pressed_at
        self._climb(target, lambda: self._climb(target, lambda: self._answered(number)))

    def _climb(self, node: MessagePump, then: Any) -> None:
        """Queue behind all messages on their way from a widget up to the app."""
        parent = node._parent
        if node is self or parent is None:
            self.call_later(then)
        elif not node.call_later(self._climb, parent, then):
            # it is gone, with all that was on its way through it
            self._climb(parent, then)

    def _answered(self, number: float) -> None:
        screen = self.screen
        # what opens takes the focus when it is there, and the app does that when asked to
        if screen is self._screen_before or not screen.call_later(self.call_later, self._next, number):
            self.call_later(self._next, number)

    async def _next(self, number: float) -> None:
        """The key that was pressed at that time is answered."""
        if not self._keys or number != self._pressed_at:
            return
        if self.holds_keys:
            self._is_held = True
            out = next((at for at, event in enumerate(self._keys) if self._leads_out(event, at)), None)
            if out is None:
                return
            # those before were for what it leads out of
            for _ in range(out):
                self._keys.popleft()
        await self._press(self._keys.popleft())
        if self._keys:
            self._wait()

    async def _hurry(self) -> None:
        if self._keys and time.monotonic() - self._pressed_at > _PATIENCE:
            await self._next(self._pressed_at)
