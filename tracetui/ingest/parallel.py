"""Decoding one large source on several processors.

Python decodes on one processor at a time, so the source is shared out among forked processes, which hold it in memory
already. What they collect comes back as shared memory that is not copied again.
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

from tracetui.ingest.handover import handed_over, shared_memory, taken_over
from tracetui.model.intake import Intake

SHARE_BYTES = 1 << 24
"""A smaller share is not worth a process."""
MOST_PROCESSES = 8


def processes_for(size: int) -> int:
    """How many processes should decode a source of so many bytes; 1 where forking is not safe or not possible."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return max(1, min(len(os.sched_getaffinity(0)), MOST_PROCESSES, size // SHARE_BYTES))


def decode_shares(shares: Sequence[Callable[[Intake], None]], intake: Intake) -> None:
    """Run each share of the work, all but the first in processes of their own, and collect what they find in order.

    A share whose process fails is done again here.
    """
    children: list[_Child] = []
    try:
        children.extend(_started(share) for share in shares[1:])
        shares[0](intake)
        for child, share in zip(children, shares[1:], strict=True):
            collected = child.collected()
            if collected is None:
                share(intake)
            else:
                intake.absorb(collected)
    finally:
        for child in children:
            child.end()


@dataclass(slots=True)
class _Child:
    pid: int
    answer: int
    """Reads what the child says: a pickle and where its buffers lie in `memory`."""
    memory: int

    def collected(self) -> Intake | None:
        """What the child collected, or None if it failed."""
        with os.fdopen(os.dup(self.answer), "rb") as stream:
            answer = stream.read()
        collected = taken_over(answer, self.memory)
        return collected if isinstance(collected, Intake) else None

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.answer)
        os.close(self.memory)


def _started(share: Callable[[Intake], None]) -> _Child:
    answer, say = os.pipe()
    memory = shared_memory()
    with warnings.catch_warnings():
        # numpy's idle threads make Python warn; they hold no lock that the child needs
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        os.close(say)
        return _Child(pid, answer, memory)
    status = 1
    try:
        os.close(answer)
        intake = Intake()
        share(intake)
        intake.flush()
        answer_of_child = handed_over(intake, memory)
        with os.fdopen(say, "wb") as stream:
            stream.write(answer_of_child)
        status = 0
    finally:
        # without the parent's clean-up, which would write its buffers twice
        os._exit(status)
