"""Protobuf's wire format: the fields of a message."""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types in use. Elsewhere fields are given as whole tags: `number << 3 | wire type`."""

NO_END = 1 << 62
"""End of a message that extends to the end of the data."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a varint. -> the number, and the position after it. Raises IndexError if the data ends before."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift > 63:
            raise ValueError(f"a number of more than 64 bits at byte {at - 10}")


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the fields of the message between two positions: tag, start and end of the content.

    For a varint the second is the number itself. `end` may be beyond truncated data; then a field of bytes may also
    end there, and others may be missing. Raises ValueError if the bytes are not a message.
    """
    size = len(data)
    limit = min(end, size)
    while at < limit:
        begin = at
        try:
            tag, at = varint(data, at)
            wire = tag & 7
            start = at
            if wire == BYTES:
                length, start = varint(data, at)
                at = start + length
            elif wire == VARINT:
                start, at = varint(data, at)
            elif wire == FIXED64:
                at += 8
            elif wire == FIXED32:
                at += 4
            else:
                raise ValueError(f"invalid wire type {wire} at byte {begin}")
        except IndexError:
            if end > size:
                return
            at = end + 1
        if at > end:
            raise ValueError(f"the field at byte {begin} is longer than its message")
        if tag < 8:
            raise ValueError(f"a field without a number at byte {begin}")
        if at > size and wire != BYTES:
            return
        yield tag, start, at
