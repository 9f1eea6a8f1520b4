"""Decode JSON from outside with one exception for everything that can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

_T = TypeVar("_T")
_Data = TypeVar("_Data")

MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Exceptions that msgspec raises for bytes that it cannot decode: its own, Python's for invalid UTF-8 (no subclass
of its own), and Python's for what is nested more deeply than the stack allows.
"""


class MalformedError(ValueError):
    """Malformed bytes; the message gives the reason."""


def decode(decoder: Callable[[_Data], _T], data: _Data) -> _T:
    """Call a decoder of msgspec, such as `msgspec.json.Decoder(Type).decode`.

    Raises MalformedError, and nothing else, for data that it cannot decode.
    """
    try:
        return decoder(data)
    except MALFORMED as error:
        raise MalformedError(reason(error)) from None


def reason(error: Exception) -> str:
    """Why data could not be decoded, in words for people."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start:,} is not UTF-8"
    return str(error)
