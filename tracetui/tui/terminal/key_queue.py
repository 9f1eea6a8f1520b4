"""Key queue: keys that arrive faster than they are handled act as if pressed one by one.

Textual sends a key to the widget that has the focus on arrival, and runs its action later, when the event has reached
the app. If a slow line sends `/quit` in one packet, the input that `/` opens would receive nothing, and `q` would quit.
Keys also wait while a view is being opened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen

_CHECK_SECONDS = 0.25
"""Seconds between two checks for what a key waits for."""
_MAX_CHECKS = 40
"""Number of checks after which a key no longer waits for the previous one."""


class KeyQueue:
    """Makes each key of an app wait until the previous one is handled completely."""

    def __init__(
        self,
        app: App[Any],
        handle: Callable[[events.Event], Awaitable[None]],
        holds_keys: Callable[[], bool],
    ) -> None:
        """`handle` passes an event on; keys wait while `holds_keys` returns True, as their target is being made."""
        self._app = app
        self._handle = handle
        self._holds_keys = holds_keys
        self._keys: deque[events.Event] = deque()
        """Waiting keys."""
        self._pressed = 0
        """Number of keys that were passed on."""
        self._is_busy = False
        """True until the last of them is handled completely."""
        self._node: MessagePump = app
        """Widget that must handle its messages before that is known."""
        self._target: MessagePump = app
        self._screen_before: Screen[Any] | None = None
        """Screen that received that key."""
        self._is_held = False
        """True if keys wait for their target."""

    def release(self) -> None:
        """Pass on waiting keys if their target is ready."""
        if self._is_held and not self._holds_keys():
            self._is_held = False
            self._wait()

    def _leaves_target(self, event: events.Event, position: int) -> bool:
        """Test whether a key leaves the target that is being created; `position` is its index in the queue."""
        active = self._app.screen.active_bindings.get(event.key) if isinstance(event, events.Key) else None
        if active is None:
            return False
        # keys later in the queue may be text for an input that an earlier key opens
        return (
            active.binding.priority
            or active.binding.action in ("go_back", "dismiss(None)")
            or (active.node is self._app and not position)
        )

    @property
    def has_waiting_keys(self) -> bool:
        """True while keys wait for the previous one, not for their target."""
        return bool(self._keys) and not self._is_held

    async def receive(self, event: events.Event) -> None:
        """Pass on an event, at once or when the keys before it have been handled."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await self._handle(event)
        elif self._holds_keys():
            self._keys.append(event)
            await self._next(self._pressed)
        elif self._keys:
            self._keys.append(event)
        elif self._is_busy:
            self._keys.append(event)
            self._watch(self._pressed)
        else:
            await self._press(event)

    async def _press(self, event: events.Event) -> None:
        self._pressed += 1
        self._is_busy = True
        self._screen_before = self._app.screen
        self._target = self._app.focused or self._app.screen
        await self._handle(event)
        self._wait()
        if self._keys:
            self._watch(self._pressed)

    def _wait(self) -> None:
        """Wait until the last key has been handled."""
        # wait for the key event to reach the app, then for the messages that its action posted
        target, number = self._target, self._pressed
        self._climb(target, lambda: self._climb(target, lambda: self._handled(number)))

    def _climb(self, node: MessagePump, then: Any) -> None:
        """Call `then` after all messages on the way from a widget up to the app were handled."""
        self._node = node
        parent = node._parent
        if node is self._app or parent is None:
            self._app.call_later(then)
        elif not node.call_later(self._climb, parent, then):
            # the widget is removed, with all its messages
            self._climb(parent, then)

    def _handled(self, number: int) -> None:
        screen = self._app.screen
        # a new screen receives the focus once it is mounted, by a message through the app
        if screen is self._screen_before or not screen.call_later(self._app.call_later, self._next, number):
            self._app.call_later(self._next, number)

    async def _next(self, number: int) -> None:
        """Pass on the next key, unless another was passed on since."""
        if number != self._pressed:
            return
        if not self._keys:
            self._is_busy = False
            return
        if self._holds_keys():
            self._is_held = True
            leaving = next((i for i, event in enumerate(self._keys) if self._leaves_target(event, i)), None)
            if leaving is None:
                return
            self._is_held = False
            # drop the keys before it, as they were for the target that it leaves
            for _ in range(leaving):
                self._keys.popleft()
        await self._press(self._keys.popleft())

    def _watch(self, number: int, checks: int = 0) -> None:
        """Pass on the next key if what it waits for was removed with its messages, or does not respond."""

        async def check() -> None:
            if number != self._pressed or self._is_held:
                return
            if not self._node.is_running or checks > _MAX_CHECKS:
                await self._next(number)
            else:
                self._watch(number, checks + 1)

        self._app.set_timer(_CHECK_SECONDS, check)
