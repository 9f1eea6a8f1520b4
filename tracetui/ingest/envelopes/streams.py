"""Reassembly of unwrapped lines by stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from tracetui.ingest.envelopes.envelope import Envelope, InnerLine
from tracetui.ingest.json_blocks import Blocks, begins_json

MAX_STREAMS: Final = 1_000
"""Limit for separate streams; the lines of all further ones are read as one stream."""
MAX_BYTES: Final = 1 << 28
"""Bytes of text that are held until the source ends, as lines may belong together; above that it is read at once."""


class StreamReader(Protocol):
    """Reader of the lines of a stream."""

    def value(self, number: int, text: bytes) -> None:
        """Read a line that looks like a JSON value."""

    def block(self, number: int, text: bytes) -> bool:
        """Read a JSON value over several lines. -> False if it is not one"""

    def text(self, numbers: list[int], lines: list[bytes]) -> None:
        """Read the lines that are not intact JSON values."""

    def lost(self, number: int, reason: str) -> None:
        """Note that the text of a line is missing."""


@dataclass(slots=True)
class _Stream:
    envelope: Envelope | None = None
    has_begun: bool = False
    """True once a whole line has arrived and was checked for an envelope."""
    pieces: list[bytes] = field(default_factory=list)
    """Pieces of an unfinished line."""
    number: int = 0
    """Number of the first piece."""
    blocks: Blocks = field(default_factory=Blocks)
    numbers: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)


class Streams:
    """Passes the lines of each stream to a reader: JSON values as they arrive, all other lines together at the end."""

    def __init__(self, reader: StreamReader, find_envelope: Callable[[bytes], Envelope | None] | None = None) -> None:
        """find_envelope: detects an envelope within the envelope by the first line of a stream."""
        self._reader = reader
        self._find = find_envelope
        self._streams: dict[str, _Stream] = {}
        self._inner: Streams | None = None
        self._kept = 0

    def add(self, line: InnerLine) -> None:
        """Add the next line of any stream."""
        number, text, name, ends, lost = line[:5]
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams.setdefault(name if len(self._streams) < MAX_STREAMS else "", _Stream())
        if lost:
            self._reader.lost(number, lost)
        if stream.pieces or not ends:
            if not stream.pieces:
                stream.number = number
            stream.pieces.append(text)
            if not ends:
                return
            number, text = stream.number, b"".join(stream.pieces)
            stream.pieces.clear()
        if b"\n" in text:
            for part in text.split(b"\n"):
                self._add(name, stream, number, part)
        else:
            self._add(name, stream, number, text)

    def _add(self, name: str, stream: _Stream, number: int, text: bytes) -> None:
        if not stream.has_begun and self._find is not None:
            stream.has_begun = bool(text.strip())
            stream.envelope = self._find(text)
        if stream.envelope is not None:
            if self._inner is None:
                self._inner = Streams(self._reader)
            for line in stream.envelope.unwrap((text,)):
                self._inner.add(line._replace(number=number, stream=f"{name}\0{line.stream}"))
            return
        bare = text.strip()
        if not bare:
            # a blank line ends some text records
            if stream.lines and stream.lines[-1]:
                stream.numbers.append(number)
                stream.lines.append(b"")
            return
        if not stream.blocks.is_open and bare[:1] in (b"{", b"[") and bare[-1:] in (b"}", b"]") and begins_json(bare):
            self._reader.value(number, bare)
            return
        for block in stream.blocks.add(number, text):
            if not (block.is_json and b"\n" in block.text and self._reader.block(block.number, block.text)):
                self._keep(stream, block.number, block.text)

    def _keep(self, stream: _Stream, number: int, text: bytes) -> None:
        self._kept += len(text)
        lines = text.split(b"\n")
        stream.numbers.extend([number] * len(lines))
        stream.lines.extend(lines)
        if self._kept > MAX_BYTES:
            for one in self._streams.values():
                self._read_kept(one)
            self._kept = 0

    def _read_kept(self, stream: _Stream) -> None:
        if stream.lines:
            self._reader.text(stream.numbers, stream.lines)
            stream.numbers, stream.lines = [], []

    def finish(self) -> None:
        """Pass on the remaining lines after the last one was added."""
        for name, stream in self._streams.items():
            if stream.pieces:
                text = b"".join(stream.pieces)
                stream.pieces.clear()
                self._add(name, stream, stream.number, text)
            for block in stream.blocks.rest():
                if not (block.is_json and self._reader.block(block.number, block.text)):
                    self._keep(stream, block.number, block.text)
            self._read_kept(stream)
        if self._inner is not None:
            self._inner.finish()
