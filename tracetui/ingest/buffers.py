"""Bytes of a source: mapped or read, and unwrapped where they are compressed."""

from __future__ import annotations

import mmap
import os
import select
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import zstandard

from tracetui.ingest.place import Place

Buffer = bytes | mmap.mmap

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
MAX_UNPACKED = 1 << 34
"""Unpacking stops here: a small file can hold any number of zeros."""

_PATIENCE = 0.1
"""Seconds for which nothing may come through a pipe until it is asked whether to go on."""
_STEP = 1 << 20
_SMALL_STEPS = 1 << 17
_NESTED = 3


def read_file(path: Path, go_on: Callable[[], bool]) -> Buffer:
    """The bytes of a file, mapped where the file system allows it, else read as `read_stream` does. Raises OSError."""
    with path.open("rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (ValueError, OSError):
            # empty files and pipes cannot be mapped
            return read_stream(file, go_on)


def read_stream(stream: BinaryIO, go_on: Callable[[], bool]) -> bytes:
    """What comes through a pipe until its end, or until `go_on`, which is asked several times a second, says no.

    Raises OSError.
    """
    try:
        descriptor = stream.fileno()
    except OSError:
        # in memory, not a file
        return stream.read()
    pieces = []
    while go_on():
        ready, _, _ = select.select([descriptor], [], [], _PATIENCE)
        if ready:
            piece = os.read(descriptor, _STEP)
            if not piece:
                break
            pieces.append(piece)
    return b"".join(pieces)


def unpacked(data: Buffer, place: Place) -> Buffer:
    """The bytes within a gzip or zstd wrapper (told by its first bytes), or the bytes as they are.

    Of a damaged wrapper everything before the damage is kept, with a warning that says where it is.
    """
    for _ in range(_NESTED):
        if data[:2] == GZIP:
            data = _unwrapped(data, "gzip", GZIP, lambda: zlib.decompressobj(wbits=31), place)
        elif data[:4] == ZSTD:
            data = _unwrapped(data, "zstd", ZSTD, lambda: zstandard.ZstdDecompressor().decompressobj(), place)
        else:
            break
    return data


class _Member(Protocol):
    """One gzip member or zstd frame that is being unpacked; a file can hold several."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _unwrapped(data: Buffer, name: str, magic: bytes, member: Callable[[], _Member], place: Place) -> bytes:
    pieces: list[bytes] = []
    at = 0
    while data[at : at + len(magic)] == magic:
        room = MAX_UNPACKED - sum(map(len, pieces))
        found = _unpack(data, at, member(), _STEP, room)
        if found.damaged:
            # the step with the damage is lost whole, so it should be a small one
            found = _unpack(data, at, member(), max(1, (found.end - at + _STEP) // _SMALL_STEPS), room)
        pieces += found.pieces
        at = found.end
        if found.damaged:
            place.warn(f"{name} data is damaged near byte {at:,} of {len(data):,}; what came before is kept")
            return b"".join(pieces)
        if found.too_large:
            place.warn(f"unpacks to more than {MAX_UNPACKED >> 30} GiB; the rest is left out")
            return b"".join(pieces)
        if not found.whole:
            place.warn(f"{name} data ends early, at byte {len(data):,}; what came before is kept")
    if data[at:].strip(b"\0"):
        place.warn(f"{len(data) - at:,} bytes after the {name} data are left out")
    return b"".join(pieces)


class _Unpacked(NamedTuple):
    pieces: list[bytes]
    end: int
    whole: bool
    damaged: bool = False
    too_large: bool = False


def _unpack(data: Buffer, at: int, member: _Member, step: int, room: int) -> _Unpacked:
    pieces: list[bytes] = []
    while not member.eof and at < len(data):
        chunk = data[at : at + step]
        try:
            pieces.append(member.decompress(chunk))
        except (zlib.error, zstandard.ZstdError):
            return _Unpacked(pieces, at, whole=False, damaged=True)
        at += len(chunk) - len(member.unused_data)
        room -= len(pieces[-1])
        if room < 0:
            return _Unpacked(pieces, at, whole=False, too_large=True)
    return _Unpacked(pieces, at, member.eof)
