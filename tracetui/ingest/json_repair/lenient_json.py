"""Reading JSON that strict readers refuse."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from tracetui.ingest.buffers import Buffer
from tracetui.model.decoding import MALFORMED, MalformedError, reason

_MAY_BE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile(
    rb"(?:[^\\]++|\\(?!u[dD][89a-fA-F]).)*+"
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\u)",
    re.DOTALL,
)
"""Everything up to the next escape of half a surrogate pair, or of a whole one, and that.

All escapes before it are gone through, so that a backslash is never taken for the beginning of what it ends.
"""
_ENCODINGS = (
    ("utf-32-le", b"\xff\xfe\0\0", [False, True, True, True] * 2),
    ("utf-32-be", b"\0\0\xfe\xff", [True, True, True, False] * 2),
    ("utf-16-le", b"\xff\xfe", [False, True, False, True] * 2),
    ("utf-16-be", b"\xfe\xff", [True, False, True, False] * 2),
)
"""Signatures of other encodings: a byte order mark, or the positions of zeros in ASCII text."""
_LONGEST_INTEGER = 4_000
"""Digits; Python refuses longer ones."""


def in_utf8(data: Buffer) -> Buffer:
    """Convert a text of another encoding to UTF-8, detected by its beginning. Byte order marks are dropped."""
    if data[:3] == b"\xef\xbb\xbf":
        return data[3:]
    zeros = [byte == 0 for byte in data[:8]]
    for encoding, mark, pattern in _ENCODINGS:
        if data[: len(mark)] == mark or (zeros == pattern and data[0] | data[3] < 0x80):
            return bytes(data).decode(encoding, "replace").removeprefix("\ufeff").encode()
    return data


def loads(raw: bytes | bytearray | memoryview | msgspec.Raw) -> Any:
    """Decode a JSON value; MalformedError if it cannot be.

    What strict JSON refuses is taken with the least loss: NaN and infinities become floats, lone surrogates and
    bytes that are not UTF-8 become U+FFFD.
    """
    try:
        return msgspec.json.decode(raw)
    except MALFORMED:
        pass
    text = without_lone_surrogates(bytes(memoryview(raw))).decode("utf-8", "replace")
    try:
        return json.loads(text, strict=False, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise MalformedError(reason(error)) from None


def value_in(text: str) -> Any:
    """List or object whose JSON a text is, as a column of a table holds it; None for other texts."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = loads(text.encode("utf-8", "surrogatepass"))
    except MalformedError:
        return None
    return value if isinstance(value, (dict, list)) else None


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < _LONGEST_INTEGER else float(digits)


def repair_text(text: bytes) -> bytes:
    """JSON text of the same length without half surrogate pairs and without bytes that are not UTF-8."""
    text = without_lone_surrogates(text)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("utf-8", "surrogateescape").encode("utf-8", "replace")
    return text


def without_lone_surrogates(text: bytes) -> bytes:
    r"""JSON text in which each escape of half a surrogate pair is the escape \ufffd, of the same length."""
    if _MAY_BE_SURROGATE.search(text) is None:
        return text
    parts = []
    at = 0
    # not `sub`: where nothing follows it would search again from each place on
    while found := _SURROGATE.match(text, at):
        parts += [text[at : found.start("lone")], b"\\ufffd"] if found["lone"] else [found[0]]
        at = found.end()
    return b"".join([*parts, text[at:]])
