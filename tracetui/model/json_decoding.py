"""JSON decoding with a single exception for all faults.

`encode_any` and `decode_any` transfer any Python text between parts of this program. File names and arguments that are
not UTF-8 contain lone surrogates in Python. msgspec neither writes nor reads these, but they must be preserved.

Decoders are made while modules are imported, never at first use: msgspec (0.22) crashes the process if a thread decodes
a structure whose type another thread is preparing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import msgspec

_T = TypeVar("_T")
_Data = TypeVar("_Data")

RAW = msgspec.json.Decoder(msgspec.Raw)
"""Finds the end of a JSON value, and checks it, without decoding it."""
RAW_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
"""Splits a JSON list, without decoding its items."""
RAW_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
"""Splits a JSON object, without decoding its members."""
MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Exceptions that msgspec raises for bytes that it cannot decode: its own, UnicodeDecodeError for invalid UTF-8, and
RecursionError for nesting beyond the stack.
"""


class MalformedError(ValueError):
    """Malformed bytes; the message gives the reason."""


def decode(decoder: Callable[[_Data], _T], data: _Data) -> _T:
    """Call a decoder of msgspec, such as `msgspec.json.Decoder(Type).decode`.

    Raises only MalformedError for data that it cannot decode.
    """
    try:
        return decoder(data)
    except MALFORMED as error:
        raise MalformedError(reason(error)) from None


def is_valid_json(text: bytes) -> bool:
    """Test whether a text is one valid JSON value."""
    try:
        RAW.decode(text)
    except MALFORMED:
        return False
    return True


def reason(error: Exception) -> str:
    """Return a readable reason why data could not be decoded."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start:,} is not UTF-8"
    return str(error)


def encode_any(value: object) -> bytes:
    """Encode a value as JSON on one line, with lone surrogates as escapes."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode("ascii")


def decode_any(decoder: msgspec.json.Decoder[_T], data: bytes) -> _T:
    """Decode a value from `encode_any`. Raises MalformedError for anything else."""
    try:
        return decode(decoder.decode, data)
    except MalformedError:
        # only Python's decoder reads these escapes
        if b"\\ud" not in data:
            raise
    try:
        found: _T = msgspec.convert(json.loads(data), decoder.type)
    except (*MALFORMED, ValueError) as error:
        raise MalformedError(reason(error)) from None
    return found
