"""Span and trace ids: hex ids are compared as numbers; the spelling of the source is preserved."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

SPAN_DIGITS = 16
TRACE_DIGITS = 32
NO_PARENT = "0" * SPAN_DIGITS
GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio, and odd: a factor that spreads numbers over all bits (Fibonacci hashing)."""

_HEX = frozenset(string.hexdigits)
_USUAL_TRACE_ID = re.compile(f"[0-9a-f]{{{TRACE_DIGITS}}}").fullmatch


def is_hex(text: str) -> bool:
    """Test whether the text consists of one or more hex digits."""
    return bool(text) and _HEX.issuperset(text)


def canonical_trace_id(text: str) -> str:
    """Normalise a trace id, so that all its spellings are equal.

    Hex ids are lower-cased and left-padded to 32 digits, so that a 64-bit id equals its padded 128-bit form;
    any other id is opaque.
    """
    # a short cut for nearly all ids
    if _USUAL_TRACE_ID(text) is not None:
        return text
    if len(text) <= TRACE_DIGITS and is_hex(text):
        return text.lower().rjust(TRACE_DIGITS, "0")
    return text


def span_key(text: str) -> int:
    """Convert a span id to a 64-bit number.

    Up to 16 hex digits are the number itself; any other text is hashed, with the collision probability of a 64-bit
    hash.
    """
    if len(text) <= SPAN_DIGITS and is_hex(text):
        return int(text, 16)
    if not text:
        return 0
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def span_text(key: int) -> str:
    """Format a key as a span id in the usual spelling."""
    return f"{key:016x}"


def span_texts(keys: np.ndarray) -> list[str]:
    """Format many keys, uint64[n], as `span_text` does."""
    joined = keys.astype(">u8").tobytes().hex()
    return [joined[at : at + SPAN_DIGITS] for at in range(0, len(joined), SPAN_DIGITS)]


def span_keys(texts: Sequence[str]) -> tuple[np.ndarray, dict[int, str]]:
    """Convert many span ids to keys.

    -> uint64[n]; a dictionary from position to text for ids that are not in the usual spelling ('' is key 0 and not
    listed)
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


def mix(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Hash columns (int[n], at least one): uint64[n], equal if all columns are, and almost never otherwise."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        mixed ^= column.astype(np.uint64)
        mixed *= GOLDEN_RATIO
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _usual_keys(joined: str) -> np.ndarray | None:
    if joined != joined.lower():
        return None
    try:
        data = bytes.fromhex(joined)
    except ValueError:
        return None
    # fromhex skips blanks, so an id that contains one results in missing bytes
    if len(data) * 2 != len(joined):
        return None
    return np.frombuffer(data, ">u8").astype(np.uint64)
