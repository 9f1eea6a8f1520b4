"""Unpack gzip, deflate, zstd, bzip2 and xz in bounded pieces, as a few bytes can expand to any number of zeros."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

import zstandard

if TYPE_CHECKING:
    import bz2
    import lzma

MAX_PIECE: Final = 1 << 20
"""Largest piece that zlib unpacks. zstd has no such bound: see `_ZSTD_STEP`."""
_ZSTD_STEP: Final = 2 << 10
"""Bytes of zstd unpacked at a time, to at most 64 MiB: four bytes can expand to 128 KiB."""
_XZ_MEMORY: Final = 256 << 20
"""Memory limit for the dictionary of xz: the largest preset takes 64 MiB."""
_ZIP_LZMA: Final = struct.Struct("<2HBL")
"""Header of LZMA in a zip archive: version, size of the properties; then the properties: bits and dictionary size."""
_LZMA_PROPERTIES: Final = 5
_RAW_DEFLATE: Final = -zlib.MAX_WBITS


class UnpackError(ValueError):
    """Compressed data is damaged."""


class CompressedMember(Protocol):
    """A gzip member or zstd frame being unpacked; data can hold several."""

    @property
    def eof(self) -> bool:
        """True once the end was read."""

    @property
    def unused_data(self) -> bytes:
        """Bytes after its end in the last input."""

    def unpack(self, data: bytes) -> Iterator[bytes]:
        """Yield the output for the next bytes, in bounded pieces. Raises UnpackError."""


class ZlibMember:
    """Gzip member, or another zlib format given by `wbits`."""

    def __init__(self, wbits: int = zlib.MAX_WBITS | 16) -> None:
        self._member = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def unpack(self, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece = self._member.decompress(data, MAX_PIECE)
            except zlib.error as error:
                raise UnpackError(str(error)) from None
            if piece:
                yield piece
            data = self._member.unconsumed_tail
            # after a full piece more output may remain, although all input was consumed
            if not data and len(piece) < MAX_PIECE:
                return


class ZstdMember:
    """Zstd frame."""

    def __init__(self) -> None:
        self._member = zstandard.ZstdDecompressor().decompressobj()
        self._behind = b""

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._behind

    def unpack(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), _ZSTD_STEP):
            try:
                piece = self._member.decompress(data[at : at + _ZSTD_STEP])
            except (zstandard.ZstdError, MemoryError) as error:
                raise UnpackError(str(error)) from None
            if piece:
                yield piece
            if self._member.eof:
                self._behind = self._member.unused_data + data[at + _ZSTD_STEP :]
                return


class BoundedMember:
    """Bzip2 or xz stream."""

    def __init__(self, member: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._member = member

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def unpack(self, data: bytes) -> Iterator[bytes]:
        yield from _unpack_bounded(self._member.decompress, lambda: self._member.needs_input or self._member.eof, data)


def bzip2_member() -> BoundedMember:
    """Return a new bzip2 stream."""
    import bz2

    return BoundedMember(bz2.BZ2Decompressor())


def xz_member() -> BoundedMember:
    """Return a new xz stream, with a memory limit."""
    import lzma

    return BoundedMember(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY))


class ZipLzmaMember:
    """LZMA data in a zip archive: a header of 4 bytes, the properties, and the stream, which may lack its end mark."""

    def __init__(self) -> None:
        self._member: lzma.LZMADecompressor | None = None
        self._head = b""

    @property
    def eof(self) -> bool:
        return self._member is not None and self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data if self._member is not None else b""

    def unpack(self, data: bytes) -> Iterator[bytes]:
        if self._member is None:
            self._head += data
            if len(self._head) < _ZIP_LZMA.size:
                return
            self._member, data = _lzma_member(self._head), self._head[_ZIP_LZMA.size :]
        member = self._member
        yield from _unpack_bounded(member.decompress, lambda: member.needs_input or member.eof, data)


def _lzma_member(head: bytes) -> lzma.LZMADecompressor:
    import lzma

    _, size, coded, dictionary = _ZIP_LZMA.unpack_from(head)
    if size != _LZMA_PROPERTIES or coded >= 9 * 5 * 5 or dictionary > _XZ_MEMORY:
        raise UnpackError("its properties are damaged, or need too much memory")
    rest, context_bits = divmod(coded, 9)
    position_bits, literal_bits = divmod(rest, 5)
    properties = {"dict_size": dictionary, "lc": context_bits, "lp": literal_bits, "pb": position_bits}
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, **properties}])
    except (lzma.LZMAError, ValueError) as error:
        raise UnpackError(str(error)) from None


def _unpack_bounded(
    decompress: Callable[[bytes, int], bytes], is_done: Callable[[], bool], data: bytes
) -> Iterator[bytes]:
    """Yield the output of a standard library decompressor for the next bytes, in pieces."""
    while True:
        try:
            piece = decompress(data, MAX_PIECE)
        except Exception as error:
            # OSError of bz2, LZMAError of lzma: they have no common base
            raise UnpackError(str(error)) from None
        if piece:
            yield piece
        data = b""
        if is_done():
            return


class _Deflate:
    """HTTP's "deflate": zlib according to the standard, or raw deflate, which some servers send."""

    def __init__(self) -> None:
        self._member = ZlibMember(zlib.MAX_WBITS)
        self._is_first = True

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def unpack(self, data: bytes) -> Iterator[bytes]:
        if self._is_first and data:
            self._is_first = False
            if data[0] & 0x0F != 8:
                self._member = ZlibMember(_RAW_DEFLATE)
        return self._member.unpack(data)


HTTP_CODINGS: Final[dict[str, Callable[[], CompressedMember]]] = {
    "gzip": ZlibMember,
    "x-gzip": ZlibMember,
    "deflate": _Deflate,
    "zstd": ZstdMember,
}
"""Supported HTTP content codings."""


def unpack_stream(pieces: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """Yield the unpacked pieces of a body in one of `HTTP_CODINGS`; it may hold several members.

    Raises UnpackError for data that is damaged or ends within a member.
    """
    new = HTTP_CODINGS[coding]
    member: CompressedMember | None = None
    for piece in pieces:
        data = piece
        while data:
            if member is None:
                member = new()
            yield from member.unpack(data)
            data = member.unused_data if member.eof else b""
            if member.eof:
                member = None
                # some servers pad with zeros
                data = data.lstrip(b"\0")
    if member is not None:
        raise UnpackError("it ends early")
