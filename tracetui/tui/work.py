"""Protocol for work outside the UI loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

_T = TypeVar("_T")


class Work(Protocol):
    """Runs a function outside the UI loop and hands its result back on it, unless the set has changed meanwhile."""

    def __call__(self, name: str, work: Callable[[], _T], done: Callable[[_T], Any]) -> None: ...
