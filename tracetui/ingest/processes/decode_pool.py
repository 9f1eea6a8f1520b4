"""Decode pieces of a response in worker processes.

There is one long-lived worker for each processor but the first: starting a process for each piece would cost as much
as it saves. While all workers are busy, this process decodes too.
"""

from __future__ import annotations

import contextlib
import pickle
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self, cast

from tracetui.ingest.processes.shared_memory import receive, send
from tracetui.ingest.processes.worker import SHARE_BYTES, Worker, processors
from tracetui.model.intake import Intake

DecodePiece = Callable[[bytes, Intake], None]
"""Decodes a piece into an intake."""
PIECE_BYTES = 1 << 22
"""Pieces below this size are decoded in this process, so that the first results appear soonest."""
LARGE_BYTES = 2 * SHARE_BYTES
"""Pieces from this size on are also decoded in this process: they may be split further, and a copy would double
their memory.
"""
_QUEUED = 2
"""Pieces queued at a worker, so that the next one is ready when it finishes one."""


@dataclass(slots=True)
class _Piece:
    document: bytes
    is_decoding: bool = False
    """True while it is with a worker."""
    found: Intake | None = None
    """Its decoded spans, once they have arrived."""


class DecodePool:
    """Decodes pieces while the next ones arrive. Spans are added to the intake in the order of the pieces.

    On exit, also by an exception, all spans are in the intake; after an interrupt pending pieces are dropped.
    """

    def __init__(self, intake: Intake, decode_piece: DecodePiece) -> None:
        self._intake = intake
        self._decode_piece = decode_piece
        self._workers: list[_PieceWorker] = []
        self._pieces: deque[_Piece] = deque()
        """Pieces whose spans are not in the intake yet."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None or issubclass(kind, Exception):
                self._collect()
        finally:
            while self._workers:
                self._workers.pop().worker.end()

    def decode(self, document: bytes) -> None:
        """Decode a piece. The spans of a large one may enter the intake later."""
        if not PIECE_BYTES <= len(document) < LARGE_BYTES or processors() == 1:
            self._collect()
            self._decode_piece(document, self._intake)
            return
        if not self._workers:
            # start as many as the system allows
            with contextlib.suppress(OSError):
                self._workers.extend(_PieceWorker(self._decode_piece) for _ in range(processors() - 1))
        for worker in self._workers:
            while worker.pieces and worker.worker.has_result():
                worker.collect()
        self._absorb()
        piece = _Piece(document)
        least_busy = min(self._workers, key=lambda worker: len(worker.pieces), default=None)
        if least_busy is None or len(least_busy.pieces) >= _QUEUED or not least_busy.give(piece):
            piece.found = Intake()
            self._decode_piece(document, piece.found)
        self._pieces.append(piece)
        self._absorb()

    def _collect(self) -> None:
        """Wait for the workers, and add all decoded spans to the intake."""
        for worker in self._workers:
            while worker.pieces:
                worker.collect()
        self._absorb()

    def _absorb(self) -> None:
        while self._pieces and not self._pieces[0].is_decoding:
            piece = self._pieces.popleft()
            if piece.found is None:
                # a failed worker does not mean damaged data: decode the piece here
                self._decode_piece(piece.document, self._intake)
            else:
                self._intake.absorb(piece.found)


class _PieceWorker:
    """Worker that decodes one piece at a time, and its queue."""

    def __init__(self, decode_piece: DecodePiece) -> None:
        self.pieces: deque[_Piece] = deque()
        """Its pieces, in order."""
        self.worker = Worker(partial(_serve, decode_piece))

    def give(self, piece: _Piece) -> bool:
        """Send it a piece. -> False if it is gone"""
        piece.is_decoding = self.worker.give(pickle.PickleBuffer(piece.document))
        if piece.is_decoding:
            self.pieces.append(piece)
        return piece.is_decoding

    def collect(self) -> None:
        """Wait for the result of the oldest piece; none if the worker has failed."""
        piece = self.pieces.popleft()
        piece.is_decoding = False
        piece.found = self.worker.collect()


def _serve(decode_piece: DecodePiece, at: socket.socket) -> None:
    while (document := receive(at)) is not None:
        found = Intake()
        decode_piece(bytes(cast("memoryview", document)), found)
        found.flush()
        send(found, at)
