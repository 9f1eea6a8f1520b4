"""Decode JSON with one exception for everything that can be wrong with it.

`encode_any` and `decode_any` carry any text that Python can hold between parts of this program. Names of files and
arguments are bytes to the system; those that are not UTF-8 hold lone surrogates in Python, which msgspec neither writes
nor reads, and must come back as they were.
"""

from __future__ import annotations

import json
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
    """Return a readable reason why data could not be decoded."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start:,} is not UTF-8"
    return str(error)


def encode_any(value: object) -> bytes:
    """Return the value as JSON on one line, lone surrogates as escapes."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode("ascii")


def decode_any(decoder: msgspec.json.Decoder[_T], data: bytes) -> _T:
    """Return the value that `encode_any` wrote. Raises MalformedError for anything else."""
    try:
        return decode(decoder.decode, data)
    except MalformedError:
        # nothing but such an escape is read by Python alone
        if b"\\ud" not in data:
            raise
    try:
        found: _T = msgspec.convert(json.loads(data), decoder.type)
    except (*MALFORMED, ValueError) as error:
        raise MalformedError(reason(error)) from None
    return found
