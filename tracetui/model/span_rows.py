"""Decoded spans as lists, which become a chunk of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from tracetui.model.ids import span_keys
from tracetui.model.span import FLAG_SHIFT, Flag
from tracetui.model.span_chunks import CHUNK_SPANS, SPAN_BYTES, Chunk
from tracetui.model.tables import Interner
from tracetui.model.times import MAX_DURATION_NS, MAX_START_NS

MAX_RAW_BYTES = 1 << 26
"""Size above which a span's attributes, events or links are skipped and flagged."""


@dataclass(frozen=True, slots=True)
class AttributeDecisions:
    """Decisions about spans by their attributes, each distinct one once."""

    index: np.ndarray
    """int64[spans], index of each span into the other fields."""
    states: np.ndarray
    """int32[distinct], packed states."""
    peers: list[str]
    """Results of `model.peers.noted_peer`."""


class Decider(Protocol):
    """Determines facts about spans by their attributes, for many spans at once."""

    def decide(self, attributes: Sequence[bytes], states: np.ndarray) -> AttributeDecisions:
        """Decide about spans, given their raw attributes and their packed states without those."""


@dataclass(slots=True)
class UndecidedRows:
    """Rows `start` to `stop`, whose state depends on attributes that `decider` has not read yet.

    on_flagged: called with each row that the decider flags, and its raw attributes. on_end: called after the last.
    """

    start: int
    stop: int
    decider: Decider
    on_flagged: Callable[[int, bytes], None]
    on_end: Callable[[], None]


@dataclass(slots=True)
class SpanRows:
    """Spans as equally long lists. A decoder either calls `Intake.add` or extends every list itself."""

    trace: list[int] = field(default_factory=list)
    span_id: list[str] = field(default_factory=list)
    parent_id: list[str] = field(default_factory=list)
    name: list[int] = field(default_factory=list)
    resource: list[int] = field(default_factory=list)
    start_ns: list[int] = field(default_factory=list)
    duration_ns: list[int] = field(default_factory=list)
    state: list[int] = field(default_factory=list)
    attributes: list[bytes] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)
    peer: list[int] = field(default_factory=list)
    """Index into `Intake.peers`: a `model.peers.Note`, or the call target if the decoder recognised it."""
    undecided: list[UndecidedRows] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.trace)

    @property
    def size(self) -> int:
        """Approximate size of the columns and raw parts in bytes."""
        raw = sum(sum(map(len, part)) for part in (self.attributes, self.events, self.links))
        return raw + SPAN_BYTES * len(self)

    def drop_incomplete(self) -> None:
        """Drop an incomplete row, which a decoder left when it failed between two columns."""
        columns = [getattr(self, name) for name in self.__slots__ if name != "undecided"]
        whole = min(map(len, columns))
        for column in columns:
            del column[whole:]
        self.undecided = [rows for rows in self.undecided if rows.stop <= whole]

    def decide(self, peers: Interner) -> None:
        """Decide undecided rows by their attributes.

        Warnings are issued afterwards. An exception of a decider affects only its row, and is raised at the end.
        """
        undecided, self.undecided = self.undecided, []
        failed: Exception | None = None
        for part in _in_batches(undecided):
            try:
                self._decide(part, peers)
            except Exception:
                for row in range(part[0].start, part[-1].stop):
                    try:
                        self._decide([replace(part[0], start=row, stop=row + 1)], peers)
                    except Exception as error:
                        failed = error
        if failed is not None:
            raise failed

    def _decide(self, part: list[UndecidedRows], peers: Interner) -> None:
        at = slice(part[0].start, part[-1].stop)
        state = np.array(self.state[at], np.int32)
        decided = part[0].decider.decide(self.attributes[at], state)
        found = decided.states[decided.index]
        self.state[at] = (state | found & ((1 << FLAG_SHIFT) - 1)).tolist()
        self.peer[at] = np.array(peers.many(decided.peers), np.int32)[decided.index].tolist()
        flagged = np.flatnonzero(found >> FLAG_SHIFT) + at.start
        for rows in part if len(flagged) else ():
            for row in flagged[(flagged >= rows.start) & (flagged < rows.stop)].tolist():
                rows.on_flagged(row, self.attributes[row])
            rows.on_end()

    def to_chunk(self) -> tuple[Chunk, dict[int, str], dict[int, str]]:
        """Convert the rows, all decided, to columns. -> these; ids and parent ids in unusual spellings, by row"""
        keys, odd_ids = span_keys(self.span_id)
        parent_keys, odd_parent_ids = span_keys(self.parent_id)
        state = np.array(self.state, np.int32)
        parts = (self.attributes, self.events, self.links)
        sizes = [_sizes(part) for part in parts]
        for part, size in zip(parts, sizes, strict=True):
            for i in np.flatnonzero(size > MAX_RAW_BYTES).tolist():
                part[i] = b""
                size[i] = 0
                state[i] |= int(Flag.SHORTENED) << FLAG_SHIFT
        start, late = _int64(self.start_ns, MAX_START_NS)
        duration, long = _int64(self.duration_ns, MAX_DURATION_NS)
        state[late | long] |= int(Flag.OUT_OF_RANGE) << FLAG_SHIFT
        chunk = Chunk(
            trace=np.array(self.trace, np.int32),
            key=keys,
            parent_key=parent_keys,
            name=np.array(self.name, np.int32),
            resource=np.array(self.resource, np.int32),
            start=start,
            duration=duration,
            state=state,
            attribute_bytes=sizes[0].astype(np.int32),
            event_bytes=sizes[1].astype(np.int32),
            link_bytes=sizes[2].astype(np.int32),
            peer=np.array(self.peer, np.int32),
            raw=b"".join(_interleaved(*parts)),
        )
        return chunk, odd_ids, odd_parent_ids


def _in_batches(undecided: list[UndecidedRows]) -> Iterator[list[UndecidedRows]]:
    """Join neighbours with the same decider, up to the size of a chunk."""
    batch: list[UndecidedRows] = []
    for rows in undecided:
        parts = [rows]
        if rows.stop - rows.start > CHUNK_SPANS:
            starts = range(rows.start, rows.stop, CHUNK_SPANS)
            parts = [replace(rows, start=start, stop=min(start + CHUNK_SPANS, rows.stop)) for start in starts]
        for part in parts:
            if batch:
                follows = batch[-1].stop == part.start and batch[-1].decider is part.decider
                if not follows or part.stop - batch[0].start > CHUNK_SPANS:
                    yield batch
                    batch = []
            batch.append(part)
    if batch:
        yield batch


def _sizes(parts: list[bytes]) -> np.ndarray:
    return np.fromiter(map(len, parts), np.int64, len(parts)) if any(parts) else np.zeros(len(parts), np.int64)


def _interleaved(attributes: list[bytes], events: list[bytes], links: list[bytes]) -> list[bytes]:
    if not any(events) and not any(links):
        return attributes
    parts = [b""] * (3 * len(attributes))
    parts[0::3] = attributes
    parts[1::3] = events
    parts[2::3] = links
    return parts


def _int64(values: list[int], limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Clip values to +-limit. -> int64[n]; which values were clipped"""
    try:
        column = np.array(values, np.int64)
    except OverflowError:
        exact = np.array(values, object)
        beyond = np.array([abs(value) > limit for value in values], bool)
        exact[beyond] = [limit if value > 0 else -limit for value in exact[beyond]]
        return exact.astype(np.int64), beyond
    beyond = (column > limit) | (column < -limit)
    return np.clip(column, -limit, limit), beyond
