"""Audit of connections, name look-ups and processes that this process starts."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_EVENTS = frozenset(("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen"))
_listeners: list[Callable[[str], object]] = []


@contextmanager
def audited(listener: Callable[[str], object]) -> Iterator[None]:
    """Call `tell` with each of these audit events of the interpreter, in the thread of the event."""
    _listen()
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@functools.cache
def _listen() -> None:
    # permanent: audit hooks cannot be removed
    sys.addaudithook(_notify)


def _notify(event: str, _: tuple[object, ...]) -> None:
    if event in _EVENTS:
        for listener in _listeners:
            listener(event)
