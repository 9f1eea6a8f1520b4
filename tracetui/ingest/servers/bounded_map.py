"""Map with bounded concurrency, which yields results as they complete."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_PARTING_SECONDS = 1.0
"""Seconds to wait for running calls when the caller stops early."""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def bounded_map(function: Callable[[_Item], _Result], items: Iterable[_Item], threads: int) -> Iterator[_Result]:
    """Yield the results of a function for the items in the order of completion, computed by this many threads.

    At most `2 * threads` results wait for the caller. An exception of the function is raised here and ends the map. The
    threads are daemons, unlike those of the standard library's pools, so they never keep the program from ending.
    """
    waiting: queue.SimpleQueue[_Item] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[_Result | None, BaseException | None]] = queue.SimpleQueue()
    stop = threading.Event()
    room = threading.Semaphore(2 * threads)
    workers: list[threading.Thread] = []
    count = 0
    for item in items:
        waiting.put(item)
        count += 1

    def work() -> None:
        while not stop.is_set():
            room.acquire()
            if stop.is_set():
                return
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((function(item), None))
            except BaseException as error:
                done.put((None, error))

    try:
        for _ in range(min(threads, count)):
            worker = threading.Thread(target=work, daemon=True)
            workers.append(worker)
            worker.start()
        for _ in range(count):
            result, error = done.get()
            if error is not None:
                raise error
            yield result  # type: ignore[misc]
            room.release()
    finally:
        stop.set()
        room.release(threads)
        # wait: a connection that another thread is opening now would stay open
        until = time.monotonic() + _PARTING_SECONDS
        for worker in workers:
            worker.join(max(until - time.monotonic(), 0))
