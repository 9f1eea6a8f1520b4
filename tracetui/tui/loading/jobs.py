"""Jobs outside the UI loop, whose outdated results are dropped."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol, TypeVar

from textual.message import Message

_T = TypeVar("_T")


@dataclass
class JobDone(Message):
    """Result of the job of this name and number."""

    name: str
    number: int
    done: Callable[[Any], Any]
    result: Any


class _Host(Protocol):
    """The part of the app that jobs use. `post_message` may be called from any thread."""

    def run_worker(self, work: Any, *, thread: bool, group: str, exit_on_error: bool) -> Any: ...

    def post_message(self, message: Message) -> bool: ...


class Jobs:
    """Runs jobs in threads and drops outdated results.

    Only one job of each name runs at a time, and only the newest waiting one runs next, as threads with outdated work
    would delay keys.
    """

    def __init__(self, host: _Host) -> None:
        self._host = host
        self._numbers: dict[str, int] = {}
        """Number of the newest job of each name; a higher one if that was dropped."""
        self._outlives_set: set[str] = set()
        """Names whose newest job does not depend on the trace set shown."""
        self._lock = Lock()
        self._running: set[str] = set()
        self._waiting: dict[str, Callable[[], None]] = {}

    def drop_all(self) -> None:
        """Drop waiting jobs and the results of all jobs so far: they concern the previous sources."""
        self._drop(set(self._numbers))

    def drop_outdated(self) -> None:
        """Drop the jobs that concern the previous traces shown, and their results."""
        self._drop(self._numbers.keys() - self._outlives_set)

    def _drop(self, names: Collection[str]) -> None:
        with self._lock:
            for name in names:
                self._numbers[name] += 1
                self._waiting.pop(name, None)

    def work(self, name: str, work: Callable[[], _T], done: Callable[[_T], Any], *, outlives_set: bool = False) -> None:
        """Run `work` in a thread, then `done` with its result on the loop.

        The result is dropped if a newer job has the same name, other sources are shown, or other traces are, unless it
        `outlives_set`.
        """
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        if outlives_set:
            self._outlives_set.add(name)
        else:
            self._outlives_set.discard(name)

        def run() -> None:
            result = work()
            self._host.post_message(JobDone(name, number, done, result))

        with self._lock:
            self._waiting[name] = run
            if name in self._running:
                return
            self._running.add(name)
        # pass the name, not the job: a worker and its task form a cycle, which would keep the trace set in memory
        self._host.run_worker(lambda: self._one_by_one(name), thread=True, group=name, exit_on_error=False)

    def _one_by_one(self, name: str) -> None:
        """Run the jobs of a name until none waits. Raises the error of the last one that failed."""
        failure: Exception | None = None
        while True:
            with self._lock:
                run = self._waiting.pop(name, None)
                if run is None:
                    self._running.discard(name)
                    break
            try:
                run()
            except Exception as error:
                failure = error
        if failure is not None:
            raise failure

    def is_current(self, message: JobDone) -> bool:
        """Test whether a result is the newest of its name, and was not dropped."""
        return message.number == self._numbers[message.name]
