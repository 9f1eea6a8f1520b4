"""Tar archives with POSIX (ustar, pax), GNU or original headers, recognised by the header checksum."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from tracetui.ingest.archives.archive import Archive, ArchiveMember, shown_name
from tracetui.ingest.decompress import UnpackError
from tracetui.ingest.source_bytes import Buffer

_BLOCK: Final = 512
_STEP: Final = 1 << 20
_CHECKSUM: Final = slice(148, 156)
_FILE_TYPES: Final = (b"0", b"\0", b"7", b"S")
_LONG_NAME, _EXTENDED = b"L", (b"x", b"X")
_LARGEST_NAME: Final = 1 << 16
_PAX: Final = re.compile(rb"\d+ (path|size|GNU\.sparse\.name)=([^\n]*)\n")
_IS_SIZE: Final = re.compile(rb"\d{1,19}")
_IS_SPARSE: Final = b"S"


class Tar(Archive):
    """Tar archive."""

    name = "tar archive"

    def detect(self, data: Buffer) -> bool:
        header = data[:_BLOCK]
        return len(header) == _BLOCK and header[0] != 0 and _checksum(header)

    def members(self, data: Buffer, warn: Callable[[str], None]) -> Iterator[ArchiveMember]:
        at = 0
        name, size = b"", -1
        while at + _BLOCK <= len(data):
            header = data[at : at + _BLOCK]
            if not header.strip(b"\0"):
                return
            if not _checksum(header):
                warn(f"the tar archive is damaged at byte {at:,}; only the files before that were read")
                return
            kind = header[156:157]
            own_size = _number(header[124:136])
            begin = at + _BLOCK
            if kind in (_LONG_NAME, *_EXTENDED):
                content = data[begin : begin + min(own_size, _LARGEST_NAME)]
                if kind == _LONG_NAME:
                    name = content.rstrip(b"\0")
                else:
                    found = dict(_PAX.findall(content))
                    name = found.get(b"GNU.sparse.name") or found.get(b"path") or name
                    size = int(found[b"size"]) if _IS_SIZE.fullmatch(found.get(b"size", b"")) else size
                at = begin + _padded(own_size)
                continue
            size = own_size if size < 0 else size
            if kind in _FILE_TYPES:
                own = name or _name(header)
                if not own.endswith(b"/"):
                    unreadable = "a sparse file, which is not supported" if kind == _IS_SPARSE else ""
                    yield ArchiveMember(shown_name(own), size, partial(_unpack, data, begin, size), unreadable)
                at = begin + _padded(size)
            else:
                # directories, links and devices have no content, even if they state a size
                at = begin + (_padded(size) if kind in b"gVMDK" else 0)
            name, size = b"", -1
        if at > len(data) or data[at:].strip(b"\0"):
            warn("the tar archive is cut off; only the files before that were read")


def _checksum(header: bytes) -> bool:
    """Test whether the checksum of a header is correct."""
    try:
        stated = int(header[_CHECKSUM].strip(b" \0"), 8)
    except ValueError:
        return False
    blank = header[: _CHECKSUM.start] + b" " * 8 + header[_CHECKSUM.stop :]
    return stated == sum(blank)


def _number(field: bytes) -> int:
    """Decode a number: octal digits, or binary if it is too large for them."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        return 0


def _name(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _padded(size: int) -> int:
    return (size + _BLOCK - 1) // _BLOCK * _BLOCK


def _unpack(data: Buffer, begin: int, size: int) -> Iterator[bytes]:
    end = min(begin + size, len(data))
    for at in range(begin, end, _STEP):
        yield data[at : min(at + _STEP, end)]
    if begin + size > len(data):
        raise UnpackError("it ends early")
