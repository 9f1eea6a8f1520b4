"""Bytes of a source: mapped or read, and decompressed, within the available memory."""

from __future__ import annotations

import math
import mmap
import os
import re
import select
import stat
import sys
import time
import zlib
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.decompress import CompressedMember, UnpackError, ZlibMember, ZstdMember, bzip2_member, xz_member
from tracetui.ingest.limits import MIB, decoding_cost, decoding_limit, input_limit, unpacked_limit

Buffer = bytes | mmap.mmap

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
BZIP2 = b"BZh"
XZ = b"\xfd7zXZ\0"
_SKIPPABLE: Final = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_SKIPPABLE_HEAD: Final = 8
"""Size of the magic number of a skippable frame and the size of its content."""
_BZIP2_BEGINS = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
"""Includes the magic number of the first block or of the end, as text may begin with the three letters."""
WRITER_SECONDS = 10.0
"""Time to wait for a writer of a named pipe."""
IDLE_SECONDS = 1.0
"""Time without data after which a file without a size is at its end."""

_CHECK_SECONDS = 0.1
"""Longest time between two calls of `go_on`."""
_STEP = 1 << 20
_PADDING: Final = b"\0 \t\r\n"
_ZEROS: Final = bytes(_STEP)
_MIN_PADDING: Final = 1 << 16
"""Zeros and blanks at the end of a JSON text that are worth skipping."""
_KEPT_PADDING: Final = 8
"""Bytes of them that stay: the last character may be in an encoding with zeros."""
_BEGINS_JSON: Final = re.compile(rb"[^\x21-\x7e]{0,64}[{\[]")
_SMALL_STEPS = 1 << 17
_MAX_LAYERS = 3
_PROBED_BYTES = 64 * MIB
"""Bytes read from a pipe before checking whether they can be traces."""
_REPETITIVE_RATIO = 150
"""Data with a larger compression ratio is repetitive; traces, full of random ids, reach about 30."""
_REPETITIVE_PIECES = 32


def read_file(
    path: Path,
    go_on: Callable[[], bool],
    warn: Callable[[str], None],
    cannot_hold_spans: Callable[[Buffer], bool] = lambda _: False,
) -> Buffer:
    """Return the bytes of a file. A file that is being written is read up to its present end.

    A file larger than the input limit is mapped: its pages can be dropped again, but truncating it would end the
    process. What cannot be mapped is read as `read_stream` does.

    Raises OSError, also for a device, which may never end, and for a named pipe without a writer.
    """
    stat_result = path.stat()
    mode = stat_result.st_mode
    if stat.S_ISSOCK(mode):
        raise OSError(0, "is a socket, not a file")
    if stat.S_ISFIFO(mode):
        # a blocking open would wait for a writer, and could not be interrupted
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as pipe:
            _wait_for_writer(pipe.fileno(), go_on)
            return read_stream(pipe, go_on, warn, cannot_hold_spans)
    with path.open("rb") as file:
        is_device = stat.S_ISCHR(mode) and stat_result.st_rdev != Path(os.devnull).stat().st_rdev
        if is_device and not file.isatty():
            raise OSError(0, "is a device, not a file")
        if not stat.S_ISREG(mode):
            return read_stream(file, go_on, warn, cannot_hold_spans)
        size = content_size(lambda begin, end: os.pread(file.fileno(), end - begin, begin), stat_result.st_size, go_on)
        if size < stat_result.st_size:
            warn(_padding_warning(stat_result.st_size - size))
        if 0 < size <= input_limit():
            return file.read(size)
        try:
            return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        except (ValueError, OSError):
            # files of the kernel have size 0 with any content, and some, such as its log, never end
            os.set_blocking(file.fileno(), False)
            return read_stream(file, go_on, warn, cannot_hold_spans, max_idle=IDLE_SECONDS)


def content_size(read: Callable[[int, int], bytes], size: int, go_on: Callable[[], bool] = lambda: True) -> int:
    """Return the size of a JSON text without the zeros and blanks at its end, if there are many; else `size`.

    read: returns the bytes between two positions. Other formats may end with any bytes.
    """
    if size < _MIN_PADDING or not _BEGINS_JSON.match(read(0, _STEP)):
        return size
    end = size
    while end and go_on():
        begin = max(end - _STEP, 0)
        block = read(begin, end)
        # comparing is many times as fast as stripping
        content = b"" if block == _ZEROS else block.rstrip(_PADDING)
        end = begin + len(content)
        if content:
            break
    return size if size - end < _MIN_PADDING else end + _KEPT_PADDING


def _padding_warning(size: int) -> str:
    return f"skipped: {format_size(size)} of zeros or blanks at the end"


def _wait_for_writer(descriptor: int, go_on: Callable[[], bool]) -> None:
    """Wait until a named pipe has a writer, or `go_on` returns False. Raises OSError after WRITER_SECONDS."""
    until = time.monotonic() + WRITER_SECONDS
    while go_on():
        ready, _, _ = select.select([descriptor], [], [], _CHECK_SECONDS)
        if ready:
            return
        try:
            # a pipe with a writer would block
            os.read(descriptor, 0)
        except BlockingIOError:
            return
        if time.monotonic() > until and not _has_writer(descriptor):
            raise OSError(0, f"nothing writes to this pipe (waited for {WRITER_SECONDS:.0f} s)")


def _has_writer(descriptor: int) -> bool:
    """Test whether an empty non-blocking pipe is open for writing."""
    try:
        os.read(descriptor, 1)
    except BlockingIOError:
        return True
    return False


def read_stream(
    stream: BinaryIO,
    go_on: Callable[[], bool],
    warn: Callable[[str], None],
    cannot_hold_spans: Callable[[Buffer], bool] = lambda _: False,
    *,
    max_idle: float = math.inf,
) -> bytes:
    """Read a pipe to its end, or until `go_on`, called several times a second, returns False.

    max_idle: seconds without data that count as the end.

    Stops with a warning at the memory limit, and after `_PROBED_BYTES` that are repetitive or that `cannot_hold_spans`
    rejects. Raises OSError.
    """
    try:
        descriptor = stream.fileno()
    except OSError:
        # in memory, not a file
        return stream.read()
    limit = input_limit()
    pieces: list[bytes] = []
    zeros: dict[int, bytes] = {}
    size = 0
    is_probed = False
    last = time.monotonic()
    while go_on():
        ready, _, _ = select.select([descriptor], [], [], _CHECK_SECONDS)
        try:
            piece = os.read(descriptor, _STEP) if ready else None
        except BlockingIOError:
            piece = None
        if piece is None:
            if time.monotonic() - last > max_idle:
                break
            continue
        if not piece:
            break
        last = time.monotonic()
        if not piece.strip(b"\0"):
            # equal pieces take memory once
            piece = zeros.setdefault(len(piece), piece)
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            warn(f"more than {format_size(limit)} arrived; the rest was not read")
            break
        if size > _PROBED_BYTES and not is_probed:
            is_probed = True
            if _is_repetitive(b"".join(pieces[-_REPETITIVE_PIECES:])):
                warn(f"only repetitive data in the first {format_size(size)}; the rest was not read")
                return _without_padding(pieces, lambda _: None)
            if cannot_hold_spans(b"".join(pieces)):
                warn(f"no span in the first {format_size(size)}; the rest was not read")
                return b"".join(pieces[:1])
    return _without_padding(pieces, warn)


def _without_padding(pieces: list[bytes], warn: Callable[[str], None]) -> bytes:
    """Join the pieces of a stream, without many zeros and blanks at the end of a JSON text."""
    skipped = 0
    if pieces and _BEGINS_JSON.match(pieces[0]):
        while pieces and not pieces[-1].strip(_PADDING):
            skipped += len(pieces.pop())
    if 0 < skipped < _MIN_PADDING:
        pieces.append(b" " * skipped)
    elif skipped:
        pieces.append(b"\0" * _KEPT_PADDING)
        warn(_padding_warning(skipped))
    return b"".join(pieces)


def _is_repetitive(data: bytes) -> bool:
    return len(zlib.compress(data, 9)) * _REPETITIVE_RATIO < len(data)


def format_size(size: int) -> str:
    """Format a number of bytes for display."""
    return f"{size / (1 << 30):.3g} GiB" if size >= 1 << 30 else f"{size / MIB:.3g} MiB"


class _Compression(NamedTuple):
    name: str
    magic: bytes
    member: Callable[[], CompressedMember]


_COMPRESSIONS: Final = (
    _Compression("gzip", GZIP, ZlibMember),
    _Compression("zstd", ZSTD, ZstdMember),
    _Compression("bzip2", BZIP2, bzip2_member),
    _Compression("xz", XZ, xz_member),
)


def decompress(
    data: Buffer, context: DecodeContext, go_on: Callable[[], bool] = lambda: True, *, limit: int = sys.maxsize
) -> Buffer:
    """Decompress gzip, zstd, bzip2 or xz, recognised by its first bytes; return other bytes unchanged.

    Everything before damage is kept, with a warning that gives its position. Output is cut at `limit` bytes and at the
    limits of `limits.unpacked_limit` and `limits.decoding_limit`. `go_on` is checked meanwhile.
    """
    limits = min(unpacked_limit(len(data)), limit), decoding_limit(len(data))
    for layer in count():
        data = _without_skippable_frames(data)
        head = data[:6]
        format_ = next((compression for compression in _COMPRESSIONS if head.startswith(compression.magic)), None)
        if format_ is None or (format_.magic == BZIP2 and not _BZIP2_BEGINS.match(data[:10])):
            break
        if layer == _MAX_LAYERS:
            context.warn(f"compressed more than {_MAX_LAYERS} times; unpack it first")
            return b""
        data = _decompress_layer(
            data, format_.name, format_.magic, format_.member, context, UnpackBuffer(*limits), go_on
        )
    return data


def _without_skippable_frames(data: Buffer) -> Buffer:
    """Drop the frames of metadata before those of zstd, as compressors in parallel (pzstd) write them."""
    at = 0
    while _SKIPPABLE.match(data[at : at + 4]):
        at += _SKIPPABLE_HEAD + int.from_bytes(data[at + 4 : at + _SKIPPABLE_HEAD], "little")
    return data[at:] if at and data[at : at + len(ZSTD)] == ZSTD else data


def is_compressed(data: Buffer) -> bool:
    """Test whether data begins like a format that `decompress` unpacks."""
    head = data[:6]
    return any(head.startswith(known.magic) for known in _COMPRESSIONS) or _SKIPPABLE.match(head) is not None


class UnpackBuffer:
    """Collects at most `limit` unpacked bytes, without a second copy at the end.

    max_cost: limit for decoding them, by `limits.decoding_cost`.
    """

    def __init__(self, limit: int, max_cost: int) -> None:
        self._limit = limit
        self._max_cost = max_cost
        self._cost = 0
        # its pages take memory only when they are written
        self._memory = mmap.mmap(-1, limit, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.size = 0
        self.problem = ""
        """Reason why the last piece was not added whole."""

    def add(self, piece: bytes) -> bool:
        """Append as much of a piece as fits. -> True if all of it did"""
        for begin in range(0, len(piece), _STEP):
            part = piece[begin : begin + _STEP]
            fits = part[: self._limit - self.size]
            if fits.strip(b"\0"):
                self._memory[self.size : self.size + len(fits)] = fits
            self.size += len(fits)
            if len(fits) < len(part):
                self.problem = f"unpacks to more than {format_size(self._limit)}"
                return False
            self._cost += decoding_cost(part)
            if self._cost > self._max_cost:
                self.problem = f"unpacks to more values than any traces of its size, after {format_size(self.size)}"
                return False
        return True

    def content(self) -> Buffer:
        """Return all bytes; nothing can be added afterwards."""
        if not self.size:
            self._memory.close()
            return b""
        try:
            self._memory.resize(self.size)
        except (SystemError, OSError):  # not supported by every system
            return self._memory[: self.size]
        return self._memory


def _decompress_layer(
    data: Buffer,
    name: str,
    magic: bytes,
    member: Callable[[], CompressedMember],
    context: DecodeContext,
    out: UnpackBuffer,
    go_on: Callable[[], bool],
) -> Buffer:
    at = 0
    while data[at : at + len(magic)] == magic or (magic == ZSTD and _SKIPPABLE.match(data[at : at + 4])):
        if data[at : at + len(magic)] != magic:
            at += _SKIPPABLE_HEAD + int.from_bytes(data[at + 4 : at + _SKIPPABLE_HEAD], "little")
            continue
        before = out.size
        end, result = _unpack(data, at, member(), _STEP, out, go_on)
        if result == "damaged":
            # a damaged step is lost as a whole, so repeat with small steps
            out.size = before
            end, result = _unpack(data, at, member(), max(1, (end - at + _STEP) // _SMALL_STEPS), out, go_on)
        at = end
        if result == "damaged":
            context.warn(f"{name} data is damaged near byte {at:,} of {len(data):,}; everything before it was read")
            return out.content()
        if result == "too large":
            context.warn(f"{out.problem}; the rest was skipped")
            return out.content()
        if result == "stopped":
            return out.content()
        if result == "cut":
            context.warn(f"{name} data ends early, at byte {len(data):,}; everything before it was read")
    if _holds_more(data, at):
        context.warn(f"{len(data) - at:,} bytes after the {name} data were skipped")
    return out.content()


def _holds_more(data: Buffer, at: int) -> bool:
    """Test whether anything but padding follows."""
    return any(data[begin : begin + _STEP].strip(b"\0") for begin in range(at, len(data), _STEP))


def _unpack(
    data: Buffer, at: int, member: CompressedMember, step: int, out: UnpackBuffer, go_on: Callable[[], bool]
) -> tuple[int, Literal["whole", "cut", "damaged", "too large", "stopped"]]:
    """Unpack one member. -> its end in the data, and the kind of end"""
    checked = time.monotonic()
    while not member.eof and at < len(data):
        chunk = data[at : at + step]
        try:
            for piece in member.unpack(chunk):
                if not out.add(piece):
                    return at, "too large"
                if time.monotonic() - checked > _CHECK_SECONDS:
                    checked = time.monotonic()
                    if not go_on():
                        return at, "stopped"
        except UnpackError:
            return at, "damaged"
        at += len(chunk) - len(member.unused_data)
    return at, "whole" if member.eof else "cut"
