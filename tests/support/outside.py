"""What this process asks of what is outside of it: hosts, servers, and processes that it starts."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_EVENTS = frozenset(("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen"))
_listeners: list[Callable[[str], object]] = []


@contextmanager
def heard(tell: Callable[[str], object]) -> Iterator[None]:
    """`tell` is called with each event of the interpreter's audit that is one of these, in the thread it is of."""
    _listen()
    _listeners.append(tell)
    try:
        yield
    finally:
        _listeners.remove(tell)


@functools.cache
def _listen() -> None:
    # for ever: there is no way to take it back
    sys.addaudithook(_hear)


def _hear(event: str, _: tuple[object, ...]) -> None:
    if event in _EVENTS:
        for tell in _listeners:
            tell(event)
