"""Functions of the program that wait until a test lets them go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


def gated(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> threading.Event:
    """Make a function wait until the returned event is set."""
    gate = threading.Event()
    function: Callable[..., Any] = getattr(owner, name)

    def waits(*args: Any, **options: Any) -> Any:
        assert gate.wait(300)
        return function(*args, **options)

    monkeypatch.setattr(owner, name, waits)
    return gate


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> Iterator[threading.Event]:
    """Make a function wait until the event is set, or the context ends."""
    gate = gated(monkeypatch, owner, name)
    try:
        yield gate
    finally:
        gate.set()
