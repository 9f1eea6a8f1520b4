"""Jobs outside the UI loop, and which of their results are still wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol, TypeVar

from textual.message import Message

_T = TypeVar("_T")


@dataclass
class JobDone(Message):
    """Work has a result: the `number`th of its name, for the set of this generation."""

    name: str
    number: int
    generation: int
    done: Callable[[Any], Any]
    result: Any


class _Host(Protocol):
    """Services of the app for its background jobs. Messages are taken from any thread."""

    def run_worker(self, work: Any, *, thread: bool, group: str, exit_on_error: bool) -> Any: ...

    def post_message(self, message: Message) -> bool: ...


class Jobs:
    """Runs jobs in threads and drops results that come late.

    Of one name one piece of work runs at a time, and of those that come meanwhile the newest alone: threads that work
    for nobody would hold up the keys.
    """

    def __init__(self, host: _Host) -> None:
        self._host = host
        self._generation = 0
        self._numbers: dict[str, int] = {}
        self._lock = Lock()
        self._running: set[str] = set()
        self._waiting: dict[str, Callable[[], None]] = {}

    def forget(self) -> None:
        """Drop the results of all jobs of the previous set."""
        self._generation += 1
        with self._lock:
            self._waiting.clear()

    def work(self, name: str, work: Callable[[], _T], done: Callable[[_T], Any]) -> None:
        """Run work in a thread; `done` gets the result on the loop, unless the set has changed or newer work
        of the same name.
        """
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        generation = self._generation

        def run() -> None:
            result = work()
            self._host.post_message(JobDone(name, number, generation, done, result))

        with self._lock:
            self._waiting[name] = run
            if name in self._running:
                return
            self._running.add(name)
        # a worker is in a cycle with its task: what it was made of, and with it the set, would outlive it for long
        self._host.run_worker(lambda: self._one_by_one(name), thread=True, group=name, exit_on_error=False)

    def _one_by_one(self, name: str) -> None:
        """Run the waiting jobs of a name, and later ones. Raises the error of the last failed one."""
        failed: Exception | None = None
        while True:
            with self._lock:
                run = self._waiting.pop(name, None)
                if run is None:
                    self._running.discard(name)
                    break
            try:
                run()
            except Exception as error:
                failed = error
        if failed is not None:
            raise failed

    def is_wanted(self, message: JobDone) -> bool:
        """Test whether a result belongs to the current set and is the newest of its name."""
        return (message.generation, message.number) == (self._generation, self._numbers[message.name])
