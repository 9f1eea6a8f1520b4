"""Zip archives, read by their directory, or by the headers of the members if the directory is missing.

The format is PKWARE's APPNOTE.TXT.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from tracetui.ingest.archives.archive import Archive, ArchiveMember, shown_name
from tracetui.ingest.decompress import (
    CompressedMember,
    UnpackError,
    ZipLzmaMember,
    ZlibMember,
    ZstdMember,
    bzip2_member,
    xz_member,
)
from tracetui.ingest.source_bytes import Buffer

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR: Final = struct.Struct("<4sLQL")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_FIELD: Final = struct.Struct("<2H")
_LOCAL_SIGNATURE, _CENTRAL_SIGNATURE, _END_SIGNATURE = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_LONGEST_COMMENT: Final = 1 << 16
_IS_LONG: Final = 0xFFFFFFFF
_ENCRYPTED, _HAS_END_MARK, _SIZES_FOLLOW, _UTF_8 = 1, 2, 8, 1 << 11
_STEP: Final = 1 << 20
_STORED: Final = 0
_LZMA: Final = 14
_METHODS: Final[dict[int, Callable[[], CompressedMember]]] = {
    8: partial(ZlibMember, -zlib.MAX_WBITS),
    12: bzip2_member,
    _LZMA: ZipLzmaMember,
    20: ZstdMember,
    93: ZstdMember,
    95: xz_member,
}
_NAMES: Final = {6: "implode", 9: "deflate64", 98: "PPMd", 99: "AES"}


class _ZipEntry(NamedTuple):
    """Entry of the directory, or the header of a member."""

    name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    header: int
    """Position of its local header."""
    data: int = -1
    """Position of its data, if known."""


class Zip(Archive):
    """Zip archive, which may be cut off."""

    name = "zip archive"

    def detect(self, data: Buffer) -> bool:
        return data[:4] in (_LOCAL_SIGNATURE, _END_SIGNATURE) or data[:8] == b"PK\7\x08" + _LOCAL_SIGNATURE

    def members(self, data: Buffer, warn: Callable[[str], None]) -> Iterator[ArchiveMember]:
        directory = _directory(data)
        if directory is None:
            warn("the zip archive is cut off or damaged: its directory is missing; only its intact files were read")
            entries = _entries_by_headers(data)
        else:
            entries = _entries_by_directory(data, *directory, warn)
        for entry in entries:
            if not entry.name.endswith((b"/", b"\\")):
                yield _member(data, entry)


def _member(data: Buffer, entry: _ZipEntry) -> ArchiveMember:
    name = shown_name(entry.name, "utf-8" if entry.flags & _UTF_8 or entry.name.isascii() else "cp437")
    unreadable = ""
    if entry.flags & _ENCRYPTED:
        unreadable = "encrypted; unpack it with its password first"
    elif entry.method != _STORED and entry.method not in _METHODS:
        method = _NAMES.get(entry.method, f"method {entry.method}")
        unreadable = f"packed with {method}, which is not supported; unpack it first"
    return ArchiveMember(name, entry.packed, partial(_unpack, data, entry), unreadable)


def _directory(data: Buffer) -> tuple[int, int, int] | None:
    """Find the directory. -> its start and end, and the number of bytes before the archive; None if it is missing"""
    size = len(data)
    at = data.rfind(_END_SIGNATURE, max(size - _END.size - _LONGEST_COMMENT, 0))
    if at < 0 or at + _END.size > size:
        return None
    _, _, _, _, _, length, offset, _ = _END.unpack(data[at : at + _END.size])
    end = at
    if offset == _IS_LONG or length == _IS_LONG:
        locator = at - _LOCATOR.size
        if locator < 0:
            return None
        signature, _, end_64, _ = _LOCATOR.unpack(data[locator:at])
        if signature != b"PK\6\7" or end_64 + _END_64.size > locator:
            return None
        length, offset = _END_64.unpack(data[end_64 : end_64 + _END_64.size])[-2:]
        end = end_64
    begin = end - length
    if begin < 0 or offset > begin or (length and data[begin : begin + 4] != _CENTRAL_SIGNATURE):
        return None
    return begin, end, begin - offset


def _entries_by_directory(
    data: Buffer, begin: int, end: int, before: int, warn: Callable[[str], None]
) -> Iterator[_ZipEntry]:
    at = begin
    while at < end:
        if at + _CENTRAL.size > end or data[at : at + 4] != _CENTRAL_SIGNATURE:
            warn(f"the directory of the zip archive is damaged at byte {at:,}; only the files listed before were read")
            return
        fields = _CENTRAL.unpack(data[at : at + _CENTRAL.size])
        flags, method, checksum, packed, unpacked = fields[3], fields[4], fields[7], fields[8], fields[9]
        name_size, extra_size, comment_size, header = fields[10], fields[11], fields[12], fields[16]
        names = at + _CENTRAL.size
        extra = data[names + name_size : names + name_size + extra_size]
        long = iter(_long_fields(extra))
        unpacked = next(long, 0) if unpacked == _IS_LONG else unpacked
        packed = next(long, 0) if packed == _IS_LONG else packed
        header = next(long, 0) if header == _IS_LONG else header
        yield _ZipEntry(data[names : names + name_size], flags, method, checksum, packed, header + before)
        at = names + name_size + extra_size + comment_size


def _long_fields(extra: bytes) -> Iterator[int]:
    """Read the 64-bit values of an entry, in the order of the fields that are too small for them."""
    at = 0
    while at + _FIELD.size <= len(extra):
        kind, size = _FIELD.unpack_from(extra, at)
        at += _FIELD.size
        if kind == 1:
            for value in range(at, min(at + size, len(extra)) - 7, 8):
                yield int.from_bytes(extra[value : value + 8], "little")
        at += size


def _entries_by_headers(data: Buffer) -> Iterator[_ZipEntry]:
    """Yield the members by their local headers; each member follows the one before."""
    at = data.find(_LOCAL_SIGNATURE)
    while at >= 0 and at + _LOCAL.size <= len(data):
        _, _, flags, method, _, _, checksum, packed, _, name_size, extra_size = _LOCAL.unpack(
            data[at : at + _LOCAL.size]
        )
        names = at + _LOCAL.size
        begin = names + name_size + extra_size
        if packed == _IS_LONG:
            packed = [*_long_fields(data[names + name_size : begin]), 0, 0][1]
        name = data[names : names + name_size]
        after = begin if flags & _SIZES_FOLLOW else begin + packed
        following = data.find(_LOCAL_SIGNATURE, after)
        directory = data.find(_CENTRAL_SIGNATURE, after, following if following >= 0 else len(data))
        end = following if following >= 0 else directory if directory >= 0 else len(data)
        if flags & _SIZES_FOLLOW:
            packed, checksum = end - begin, 0
        yield _ZipEntry(name, flags, method, checksum, packed, at, begin)
        at = following


def _unpack(data: Buffer, entry: _ZipEntry) -> Iterator[bytes]:
    begin = entry.data
    if begin < 0:
        header = data[entry.header : entry.header + _LOCAL.size]
        if len(header) < _LOCAL.size or header[:4] != _LOCAL_SIGNATURE:
            raise UnpackError("its header in the archive is damaged")
        name_size, extra_size = _LOCAL.unpack(header)[-2:]
        begin = entry.header + _LOCAL.size + name_size + extra_size
    end = min(begin + entry.packed, len(data))
    checksum = 0
    member = _METHODS[entry.method]() if entry.method != _STORED else None
    for at in range(begin, end, _STEP):
        packed = data[at : min(at + _STEP, end)]
        for piece in (packed,) if member is None else member.unpack(packed):
            checksum = zlib.crc32(piece, checksum)
            yield piece
        if member is not None and member.eof:
            break
    # LZMA without an end mark ends with its data; the checksum shows whether it is whole
    is_open = member is not None and not member.eof and not (entry.method == _LZMA and not entry.flags & _HAS_END_MARK)
    if begin + entry.packed > len(data) or is_open:
        raise UnpackError("it ends early")
    if entry.checksum and checksum != entry.checksum:
        raise UnpackError("its checksum does not match")
