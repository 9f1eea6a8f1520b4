"""Lenient JSON decoder for input that strict decoders reject."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from tracetui.ingest.json_repair.nesting import prune
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MALFORMED, MalformedError, reason

EMPTY = re.compile(rb"[\s\[\]{}]*|null|\"\"")
"""JSON that holds nothing: null, an empty text, and brackets without content."""
_MAY_BE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile(
    rb"(?:[^\\]++|\\(?!u[dD][89a-fA-F]).)*+"
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\u)",
    re.DOTALL,
)
"""Text up to and including the next escape of a surrogate pair or half of one.

It walks through all escapes before, so that a backslash is never misread as the beginning of the next escape.
"""
_ENCODINGS = (
    ("utf-32-le", b"\xff\xfe\0\0", [False, True, True, True] * 2),
    ("utf-32-be", b"\0\0\xfe\xff", [True, True, True, False] * 2),
    ("utf-16-le", b"\xff\xfe", [False, True, False, True] * 2),
    ("utf-16-be", b"\xfe\xff", [True, False, True, False] * 2),
)
"""Signatures of other encodings: a byte order mark, or the positions of zeros in ASCII text."""
_MAX_BYTES_PER_ZERO = 50
"""Least frequency of zeros in UTF-16; half of the bytes of ASCII text are zeros."""
_LONGEST_INTEGER = 4_000
"""Digits of the longest integer; Python rejects longer ones."""


def to_utf8(data: Buffer) -> Buffer:
    """Convert a text of another encoding to UTF-8, detected by its beginning. Byte order marks are dropped.

    In other encodings, line breaks, digits and punctuation contain zeros: a beginning that looks like one of them,
    before a text without zeros, is damage.
    """
    if data[:3] == b"\xef\xbb\xbf":
        return data[3:]
    zeros = [byte == 0 for byte in data[:8]]
    for encoding, signature, pattern in _ENCODINGS:
        is_signed = data[: len(signature)] == signature
        if is_signed or (zeros == pattern and data[0] | data[3] < 0x80):
            text = bytes(data)
            if text.count(0) * _MAX_BYTES_PER_ZERO < len(text):
                return text[len(signature) :] if is_signed else data
            return text.decode(encoding, "replace").removeprefix("\ufeff").encode()
    return data


def loads(raw: bytes | bytearray | memoryview | msgspec.Raw) -> Any:
    """Decode a JSON value. Raises MalformedError.

    Deviations from strict JSON are accepted with the least loss: NaN and infinities become floats, lone surrogates and
    invalid UTF-8 become U+FFFD.
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


def loads_or_none(raw: bytes | msgspec.Raw) -> Any:
    """Decode a JSON value, with null for values nested too deeply. Return None for invalid JSON."""
    try:
        return loads(raw)
    except MalformedError:
        whole = bytes(raw)
        shallow = prune(whole)
        return None if shallow is whole else loads_or_none(shallow)


def container_in(text: str) -> Any:
    """Decode the list or object whose JSON is in a text, as in table columns. Return None for other texts."""
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
    """Replace lone surrogates and invalid UTF-8 in a JSON text, keeping its length."""
    text = without_lone_surrogates(text)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("utf-8", "surrogateescape").encode("utf-8", "replace")
    return text


def without_lone_surrogates(text: bytes) -> bytes:
    r"""Replace each escape of a lone surrogate in a JSON text by \ufffd, keeping its length."""
    if _MAY_BE_SURROGATE.search(text) is None:
        return text
    parts = []
    at = 0
    # not `sub`: without a match it would search again from each position
    while found := _SURROGATE.match(text, at):
        parts += [text[at : found.start("lone")], b"\\ufffd"] if found["lone"] else [found[0]]
        at = found.end()
    return b"".join([*parts, text[at:]])
