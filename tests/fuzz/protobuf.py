"""Protobuf without a schema, as a tree of fields, and mutants of it."""

from __future__ import annotations

import random
from typing import NamedTuple, Union

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_DEEPEST = 8
_U64 = (1 << 64) - 1
_NUMBERS = (0, 1, 2, 127, 128, 255, 1 << 31, (1 << 63) - 1, 1 << 63, _U64)
_FIXED = (b"\0" * 8, b"\xff" * 8, b"\x7f" * 8, b"\0" * 7 + b"\x80", b"\xff" * 7 + b"\x7f", b"\1" + b"\0" * 7)
_TEXTS = (b"", b"\xff\xfe", b"\x1b]0;x\x07", b"\xed\xa0\x80", b"\xc2\x9b31m", b"\0", b"\xe2\x80\xae", b"A" * 3_000)
_SIZES = (0, 1 << 31, (1 << 63) - 1, _U64)


class Field(NamedTuple):
    """Field: its number, its wire type, and an int, bytes or the fields of a message."""

    number: int
    wire: int
    value: Union[int, bytes, tuple[Field, ...]]  # noqa: UP007 - refers to itself


def parsed(data: bytes, depth: int = 0) -> tuple[Field, ...] | None:
    """Parse bytes as fields; bytes that can be a message become one. None if they are not fields."""
    fields = []
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if at < 0 or not number:
            return None
        value: int | bytes | tuple[Field, ...]
        if wire == VARINT:
            value, at = _varint(data, at)
            if at < 0:
                return None
        elif wire in (FIXED64, FIXED32, BYTES):
            size = 8 if wire == FIXED64 else 4
            if wire == BYTES:
                size, at = _varint(data, at)
            if at < 0 or at + size > len(data):
                return None
            value = data[at : at + size]
            at += size
            if wire == BYTES and value and depth < _DEEPEST:
                value = parsed(value, depth + 1) or value
        else:
            return None
        fields.append(Field(number, wire, value))
    return tuple(fields)


def encoded(fields: tuple[Field, ...], rng: random.Random | None = None) -> bytes:
    """Write fields as bytes; with `rng` an occasional length is wrong."""
    out = bytearray()
    for number, wire, value in fields:
        out += varint(number << 3 | wire)
        content = encoded(value, rng) if isinstance(value, tuple) else value
        if isinstance(content, int):
            out += varint(content) if wire == VARINT else (content & _U64).to_bytes(8, "little")
        elif wire == BYTES:
            size = len(content)
            if rng is not None and not rng.randrange(200):
                size = rng.choice((*_SIZES, size + 1, max(size - 1, 0), 2 * size))
            out += varint(size) + content
        else:
            out += content
    return bytes(out)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a varint. -> the number and the position after it, -1 for none"""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    return 0, -1


def mutant(rng: random.Random, fields: tuple[Field, ...]) -> bytes:
    """Change one to four fields, at any depth."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        fields = _changed(rng, fields)
    return encoded(fields, rng)


def _changed(rng: random.Random, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    if not fields:
        return (Field(1, BYTES, rng.choice(_TEXTS)),)
    at = rng.randrange(len(fields))
    one = fields[at]
    if isinstance(one.value, tuple) and rng.randrange(5):
        # most of the relevant fields are nested deeper
        return (*fields[:at], one._replace(value=_changed(rng, one.value)), *fields[at + 1 :])
    return (*fields[:at], *_instead(rng, one), *fields[at + 1 :])


def _instead(rng: random.Random, one: Field) -> tuple[Field, ...]:
    match rng.randrange(8):
        case 0:
            return (Field(one.number, VARINT, rng.choice(_NUMBERS)),)
        case 1:
            return (Field(one.number, FIXED64, rng.choice((*_FIXED, rng.randbytes(8)))),)
        case 2:
            return (Field(one.number, BYTES, rng.choice((*_TEXTS, rng.randbytes(7)))),)
        case 3:
            return (one._replace(number=rng.choice((1, 2, 3, 5, 16, 100, 1_000, 1 << 28))),)
        case 4:
            return ()
        case 5:
            return (one,) * rng.choice((2, 3, 20))
        case 6:
            return (Field(one.number, rng.choice((3, 4, 5, 6, 7)), b"\0" * 4),)
        case _:
            deep: bytes = b"\x0a\x01x"
            for _ in range(rng.choice((3, 30, 300))):
                deep = varint(rng.choice((0x2A, 0x32, 0x0A))) + varint(len(deep)) + deep
            return (Field(one.number, BYTES, deep),)
