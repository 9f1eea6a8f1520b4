"""Work outside the UI loop, and which of its results still count when they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from textual.message import Message

_T = TypeVar("_T")


@dataclass
class WorkDone(Message):
    """Work has a result: the `number`th of its name, for the set of this generation."""

    name: str
    number: int
    generation: int
    done: Callable[[Any], Any]
    result: Any


class _Host(Protocol):
    """What the app does for its background work. Messages are taken from any thread."""

    def run_worker(self, work: Any, *, thread: bool, exclusive: bool, group: str, exit_on_error: bool) -> Any: ...

    def post_message(self, message: Message) -> bool: ...


class Background:
    """Runs work in threads and drops what comes late."""

    def __init__(self, host: _Host) -> None:
        self._host = host
        self._generation = 0
        self._numbers: dict[str, int] = {}

    def forget(self) -> None:
        """There is another set: what was begun for the one before does not count any more."""
        self._generation += 1

    def work(self, name: str, work: Callable[[], _T], done: Callable[[_T], Any]) -> None:
        """Run work in a thread; `done` gets the result on the loop, unless there is another set by then or newer work
        of the same name.
        """
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        generation = self._generation

        def run() -> None:
            result = work()
            self._host.post_message(WorkDone(name, number, generation, done, result))

        self._host.run_worker(run, thread=True, exclusive=True, group=name, exit_on_error=False)

    def is_wanted(self, message: WorkDone) -> bool:
        """Whether a result is of the set that there is, and the newest of its name."""
        return (message.generation, message.number) == (self._generation, self._numbers[message.name])
