"""Span and trace ids: compared as numbers where they are hex, kept exactly as the source wrote them."""

from __future__ import annotations

import string
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

SPAN_DIGITS = 16
TRACE_DIGITS = 32
NO_PARENT = "0" * SPAN_DIGITS

_HEX = frozenset(string.hexdigits)


def is_hex(text: str) -> bool:
    """Test whether the text is nothing but hex digits, and at least one."""
    return bool(text) and _HEX.issuperset(text)


def canonical_trace_id(text: str) -> str:
    """The form in which two spellings of one trace id are equal.

    Hex ids are lower-cased and left-padded to 32 digits, so that a 64-bit id equals its padded 128-bit form;
    any other id is an opaque string.
    """
    if len(text) <= TRACE_DIGITS and is_hex(text):
        return text.lower().rjust(TRACE_DIGITS, "0")
    return text


def span_key(text: str) -> int:
    """The 64-bit number of a span id.

    Up to 16 hex digits are the number itself; any other text is hashed (the chance that two ids of one trace
    meet is that of a 64-bit hash).
    """
    if len(text) <= SPAN_DIGITS and is_hex(text):
        return int(text, 16)
    if not text:
        return 0
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def span_text(key: int) -> str:
    """The usual spelling of a span id, for a key that no odd spelling is known of."""
    return f"{key:016x}"


def span_keys(texts: Sequence[str]) -> tuple[np.ndarray, dict[int, str]]:
    """Keys of many span ids.

    -> uint64[n], and position -> text for those whose text is not the usual spelling of their key ('' is key 0
    and is not listed).
    """
    joined = "".join(texts)
    if len(joined) == SPAN_DIGITS * len(texts) and all(map(SPAN_DIGITS.__eq__, map(len, texts))):
        usual = _usual_keys(joined)
        if usual is not None:
            return usual, {}
    filled = [text or NO_PARENT for text in texts]
    joined = "".join(filled)
    if len(joined) == SPAN_DIGITS * len(texts) and all(map(SPAN_DIGITS.__eq__, map(len, filled))):
        usual = _usual_keys(joined)
        if usual is not None:
            return usual, {}
    keys = [span_key(text) for text in texts]
    odd = {i: text for i, (text, key) in enumerate(zip(texts, keys, strict=True)) if text and text != span_text(key)}
    return np.array(keys, np.uint64), odd


def _usual_keys(joined: str) -> np.ndarray | None:
    if joined != joined.lower():
        return None
    try:
        data = bytes.fromhex(joined)
    except ValueError:
        return None
    # fromhex skips blanks, so an id with one in it shows as missing bytes
    if len(data) * 2 != len(joined):
        return None
    return np.frombuffer(data, ">u8").astype(np.uint64)
