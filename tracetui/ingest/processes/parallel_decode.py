"""Decode shares of one large source in parallel processes."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence

from tracetui.ingest.processes.shared_memory import send
from tracetui.ingest.processes.worker import Worker
from tracetui.model.intake import Intake

ShareDecoder = Callable[[Intake], None]
"""Decodes a share of the source into the given intake."""


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
