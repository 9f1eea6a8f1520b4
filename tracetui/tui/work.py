"""Protocol of a function that runs work outside the UI loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

_T = TypeVar("_T")


class Work(Protocol):
    """Run `work` outside the UI loop, then `done` with its result on the loop, unless the trace set has changed."""

    def __call__(self, name: str, work: Callable[[], _T], done: Callable[[_T], Any]) -> None: ...
