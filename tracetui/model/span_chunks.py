"""Decoded spans as columns, in chunks of some tens of thousands of spans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pickle import PickleBuffer
from typing import Any

import numpy as np

CHUNK_SPANS = 1 << 14
SPAN_BYTES = 72
"""Approximate size of a span's columns."""
_FEW_CHUNKS = 64


@dataclass(slots=True)
class Chunk:
    """Spans as columns, in input order; `raw` is their concatenated raw parts."""

    trace: np.ndarray
    key: np.ndarray
    parent_key: np.ndarray
    name: np.ndarray
    resource: np.ndarray
    start: np.ndarray
    duration: np.ndarray
    state: np.ndarray
    attribute_bytes: np.ndarray
    event_bytes: np.ndarray
    link_bytes: np.ndarray
    peer: np.ndarray
    raw: bytes | memoryview

    def __reduce_ex__(self, protocol: object) -> tuple[Callable[..., Chunk], tuple[object, ...]]:
        """Pickle the raw parts out of band, as the columns."""
        columns = [getattr(self, name) for name in self.__slots__]
        return Chunk, (*columns[:-1], PickleBuffer(columns[-1]))

    @classmethod
    def empty(cls) -> Chunk:
        """Return a chunk without spans."""
        column = np.zeros(0, np.int32)
        keys, times = column.astype(np.uint64), column.astype(np.int64)
        return cls(column, keys, keys, column, column, times, times, column, column, column, column, column, b"")

    @classmethod
    def joined(cls, chunks: Sequence[Chunk]) -> Chunk:
        """Concatenate chunks."""
        names = cls.__slots__[:-1]
        columns: list[Any] = [np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names]
        return cls(*[*columns, b"".join(bytes(chunk.raw) for chunk in chunks)])

    def __len__(self) -> int:
        return len(self.trace)

    @property
    def raw_bytes(self) -> np.ndarray:
        """int64[n], size of each span's part of `raw`."""
        total: np.ndarray = self.attribute_bytes.astype(np.int64) + self.event_bytes + self.link_bytes
        return total

    def select(self, keep: np.ndarray) -> Chunk:
        """Select the spans of a mask, bool[n]."""
        if keep.all():
            return self
        columns: list[Any] = [getattr(self, name)[keep] for name in self.__slots__[:-1]]
        raw = np.frombuffer(self.raw, np.uint8)[np.repeat(keep, self.raw_bytes)].tobytes()
        return Chunk(*[*columns, raw])


class ChunkList:
    """Chunks of spans, and their number and size."""

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self.span_count = 0
        self.raw_bytes = 0
        """Size of the raw parts of all spans."""

    def __len__(self) -> int:
        return len(self._chunks)

    def __iter__(self) -> Iterator[Chunk]:
        return iter(self._chunks)

    @property
    def size(self) -> int:
        """Approximate size of the columns and raw parts in bytes."""
        return self.raw_bytes + SPAN_BYTES * self.span_count

    def append(self, chunk: Chunk) -> None:
        self._chunks.append(chunk)
        self.span_count += len(chunk)
        self.raw_bytes += len(chunk.raw)

    def column(self, name: str) -> np.ndarray:
        """Return a column of all chunks; that of a single chunk is shared with it."""
        parts: list[np.ndarray] = [getattr(chunk, name) for chunk in self._chunks or [Chunk.empty()]]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def keep(self, kept: np.ndarray) -> None:
        """Keep only some spans: bool[n]."""
        at, chunks = 0, self._chunks
        self._chunks, self.span_count, self.raw_bytes = [], 0, 0
        for chunk in chunks:
            left = chunk.select(kept[at : at + len(chunk)])
            at += len(chunk)
            if len(left):
                self.append(left)

    def renumber(self, column: str, size: int, always: Sequence[int] = ()) -> tuple[list[int], np.ndarray]:
        """Renumber the entries of a table that are in use, keeping their order.

        size: entries of the table. always: entries that stay in any case.
        -> old numbers of the entries that stay; int32[size], the new number of each entry, -1 for removed ones
        """
        used = np.zeros(size, bool)
        used[list(always)] = True
        for chunk in self._chunks:
            used[getattr(chunk, column)] = True
        new_number = np.where(used, np.cumsum(used) - 1, -1).astype(np.int32)
        for chunk in self._chunks:
            setattr(chunk, column, new_number[getattr(chunk, column)])
        return np.flatnonzero(used).tolist(), new_number

    def join_small(self) -> None:
        """Join small chunks, as there may be many responses with few spans."""
        if len(self) <= _FEW_CHUNKS or self.span_count > len(self) * CHUNK_SPANS // 4:
            return
        joined: list[list[Chunk]] = [[]]
        for chunk in self._chunks:
            if sum(map(len, joined[-1])) + len(chunk) > CHUNK_SPANS:
                joined.append([])
            joined[-1].append(chunk)
        self._chunks = [Chunk.joined(some) for some in joined if some]
