"""JSON between parts of this program, for any text that Python can hold.

Names of files and arguments are bytes to the system. Those that are not UTF-8 hold lone surrogates in Python, which
msgspec neither writes nor reads; they must come back as they were, or the file is another one.
"""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

from tracetui.model.decoding import MALFORMED, MalformedError, decode, reason

_T = TypeVar("_T")


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
