"""Reading JSON that strict readers refuse."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_LONE_SURROGATE = re.compile(
    rb"(?<!\\)(?P<even>(?:\\\\)*)"
    rb"(?:(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def loads(raw: bytes | bytearray | memoryview | msgspec.Raw) -> Any:
    """Decode a JSON value; ValueError if it cannot be.

    What strict JSON refuses is taken with the least loss: NaN and infinities become floats, lone surrogates and
    bytes that are not UTF-8 become U+FFFD.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    text = without_lone_surrogates(bytes(memoryview(raw))).decode("utf-8", "replace")
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def without_lone_surrogates(text: bytes) -> bytes:
    r"""JSON text in which each escape of half a surrogate pair is the escape \ufffd, of the same length."""

    def mended(match: re.Match[bytes]) -> bytes:
        return match["even"] + (match["pair"] or b"\\ufffd")

    return _LONE_SURROGATE.sub(mended, text) if b"\\u" in text else text
