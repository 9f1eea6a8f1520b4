"""Keys that come faster than they are answered mean what they would have meant one by one.

Textual hands a key to what has the focus when it comes, and runs what it is bound to later, when it has gone all the
way up: of `/quit` in one packet, as slow lines send it, the line that `/` opens would get nothing, and `q` would quit.
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
"""Seconds after which a key waits no longer for the one before, whatever has become of that."""


class KeysInOrderApp(App[None]):
    """An app in which a key waits until the one before it has done all that it does."""

    def __init__(self, ansi: bool | None = None) -> None:
        super().__init__(ansi_color=ansi)
        self._keys: deque[events.Event] = deque()
        self._pressed_at = 0.0
        """When the key that is being answered was pressed, 0 for none."""

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
        elif self._pressed_at:
            self._keys.append(event)
            if len(self._keys) == 1:
                self.set_timer(_PATIENCE, self._hurry)
        else:
            await self._press(event)

    async def _press(self, event: events.Event) -> None:
        self._pressed_at = time.monotonic()
        screen = self.screen
        target = self.focused or screen
        await super().on_event(event)
        # up to the app goes the key; then what its action has told
        self._climb(target, lambda: self._climb(target, lambda: self._answered(screen)))

    def _climb(self, node: MessagePump, then: Any) -> None:
        """Go on behind all that is on its way from a widget up to the app."""
        parent = node._parent
        if node is self or parent is None:
            self.call_later(then)
        elif not node.call_later(self._climb, parent, then):
            # it is gone, with all that was on its way through it
            self._climb(parent, then)

    def _answered(self, before: Screen[Any]) -> None:
        screen = self.screen
        # what opens takes the focus when it is there, and the app does that when asked to
        if screen is before or not screen.call_later(self.call_later, self._next):
            self.call_later(self._next)

    async def _next(self) -> None:
        self._pressed_at = 0.0
        if self._keys:
            await self._press(self._keys.popleft())

    async def _hurry(self) -> None:
        if self._keys and time.monotonic() - self._pressed_at > _PATIENCE:
            await self._next()
