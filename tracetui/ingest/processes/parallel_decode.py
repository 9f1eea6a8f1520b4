"""Decode one large source on several processors.

Python decodes on one processor at a time, so the source is split among forked processes, which share its memory.
Results return in shared memory, without another copy.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tracetui.ingest.processes.shared_memory import from_shared_memory, shared_memory, to_shared_memory
from tracetui.model.intake import Intake

ShareDecoder = Callable[[Intake], None]
"""Decodes a share of the source into the given intake."""
SHARE_BYTES = 1 << 24
"""Smallest share in bytes that justifies a process."""
MOST_PROCESSES = 8


def processes_for(size: int) -> int:
    """Compute the number of processes for a source of this many bytes; 1 if forking is unsafe or impossible."""
    return max(1, min(processors(), size // SHARE_BYTES))


def processors() -> int:
    """Compute the number of parallel processes; 1 if forking is unsafe or impossible."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def decode_shares(shares: Sequence[ShareDecoder], intake: Intake) -> None:
    """Decode the first share in this process and each other one in its own, and collect the results in order.

    The share of a failed process is repeated here.
    """
    children: list[_Child] = []
    try:
        # start as many processes as the system allows
        with contextlib.suppress(OSError):
            room = None if intake.room is None else intake.room // len(shares)
            children.extend(_started(share, room) for share in shares[1:])
        shares[0](intake)
        for child in children:
            child.collect(intake)
        for share in shares[1 + len(children) :]:
            share(intake)
    finally:
        for child in children:
            child.end()


@dataclass(slots=True)
class _Child:
    share: ShareDecoder
    pid: int
    answer: int
    """Descriptor of the child's result: a pickle and the positions of its buffers in `memory`."""
    memory: int

    def collect(self, intake: Intake) -> None:
        """Wait for the child and add its result. If it failed, repeat its share here."""
        with os.fdopen(os.dup(self.answer), "rb") as stream:
            answer = stream.read()
        collected = from_shared_memory(answer, self.memory)
        if isinstance(collected, Intake):
            intake.absorb(collected)
        else:
            self.share(intake)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.answer)
        os.close(self.memory)


def _started(share: ShareDecoder, room: int | None) -> _Child:
    answer, result = os.pipe()
    memory = shared_memory()
    try:
        pid = fork()
    except OSError:
        for descriptor in (answer, result, memory):
            os.close(descriptor)
        raise
    if pid:
        os.close(result)
        return _Child(share, pid, answer, memory)
    status = 1
    try:
        os.close(answer)
        intake = Intake(room)
        share(intake)
        intake.flush()
        answer_of_child = to_shared_memory(intake, memory)
        with os.fdopen(result, "wb") as stream:
            stream.write(answer_of_child)
        status = 0
    finally:
        # skip the clean-up of the parent, which would write its buffers twice
        os._exit(status)


def fork() -> int:
    """Fork. -> the child's process id, 0 in the child"""
    with warnings.catch_warnings():
        # numpy's idle threads make Python warn; they hold no lock that the child needs
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()
