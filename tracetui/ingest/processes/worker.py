"""Forked worker processes, which decode spans and send them back through shared memory.

Python decodes on one processor at a time. A forked process shares the memory of this one, so its input needs no copy.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Sequence

from tracetui.ingest.processes.shared_memory import receive, send
from tracetui.model.intake import Intake

SHARE_BYTES = 1 << 24
"""Smallest share of a source in bytes that justifies a process."""
MAX_PROCESSES = 8
ShareDecoder = Callable[[Intake], None]
"""Decodes a share of the source into the given intake."""


def processes_for(size: int) -> int:
    """Compute the number of processes for a source of this many bytes; 1 if forking is unsafe or impossible."""
    return max(1, min(processors(), size // SHARE_BYTES))


def processors() -> int:
    """Compute the number of parallel processes; 1 if forking is unsafe or impossible."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return min(len(os.sched_getaffinity(0)), MAX_PROCESSES)


class Worker:
    """Process that does `work` with its end of a socket, on which it sends intakes, and ends. Raises OSError."""

    def __init__(self, work: Callable[[socket.socket], None]) -> None:
        self._socket, there = socket.socketpair()
        with there:
            try:
                self._pid = fork()
            except OSError:
                self._socket.close()
                raise
            if not self._pid:
                try:
                    self._socket.close()
                    work(there)
                finally:
                    # skip the clean-up of the parent, which would write its buffers twice
                    os._exit(0)

    def give(self, value: object) -> bool:
        """Send it a value. -> False if it is gone"""
        try:
            send(value, self._socket)
        except OSError:
            return False
        return True

    def has_result(self) -> bool:
        return bool(select.select([self._socket], [], [], 0)[0])

    def collect(self) -> Intake | None:
        """Wait for its next result; None if it has failed."""
        found: object = None
        with contextlib.suppress(OSError):
            found = receive(self._socket)
        return found if isinstance(found, Intake) else None

    def end(self) -> None:
        self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def fork() -> int:
    """Fork. -> the child's process id, 0 in the child"""
    with warnings.catch_warnings():
        # numpy's idle threads make Python warn; they hold no lock that the child needs
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def decode_shares(shares: Sequence[ShareDecoder], intake: Intake) -> None:
    """Decode the first share in this process and each other one in its own, and collect the results in order.

    The share of a failed process is repeated here.
    """
    max_bytes = None if intake.remaining_bytes is None else intake.remaining_bytes // len(shares)

    def work(share: ShareDecoder) -> Callable[[socket.socket], None]:
        def decode(to: socket.socket) -> None:
            found = Intake(max_bytes)
            share(found)
            found.flush()
            send(found, to)

        return decode

    workers: list[Worker] = []
    try:
        # start as many processes as the system allows
        with contextlib.suppress(OSError):
            workers.extend(Worker(work(share)) for share in shares[1:])
        shares[0](intake)
        for worker, share in zip(workers, shares[1:], strict=False):
            found = worker.collect()
            if found is None:
                share(intake)
            else:
                intake.absorb(found)
        for share in shares[1 + len(workers) :]:
            share(intake)
    finally:
        for worker in workers:
            worker.end()
