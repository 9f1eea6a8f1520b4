"""Bytes that the raw attributes of a span must contain if they contain a word, so that few spans are decoded."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

ESCAPE: Final = b"\\u00"
ESCAPED: Final = re.compile(rb"\\u00(?!2[267bf]|3[c-e]|5c)[2-7][0-9a-f]", re.IGNORECASE)
"""Escaped character of `_UNESCAPED`, which encoders may write, but rarely do."""

_UNESCAPED: Final = re.compile(r"[A-Za-z0-9_.:@-]+(?: [A-Za-z0-9_.:@-]+)*")
"""Text that encoders of JSON write unchanged."""
_NUMBERS: Final = re.compile(r"[-+.0-9a-z]*")
_EXPONENT: Final = re.compile(r"[-+]?[0-9.]*e[-+0-9][0-9]*")
_WHOLE: Final = re.compile(r"\.0*$")
_CONSTANTS: Final = ("true", "false", "null")
_NO_NUMBERS: Final = ("nan", "inf")
_BEYOND_ASCII: Final = re.compile(
    "[\x80-\x9f\xad\u2000-\u20ff\ufeff\ufff0-\uffff]+|[^\x00-\x9f\xad\u2000-\u20ff\ufeff\ufff0-\uffff]+"
)
"""Run of characters that encoders escape either all, or none of. Some escape only blanks and punctuation."""
_REPLACED: Final = re.compile("[\ufffd\ud800-\udfff]")
"""Characters that stand for bytes which are not UTF-8."""
_CAPITALS: Final = {"i": ("\u0130".encode(), b"\\u0130"), "k": ("\u212a".encode(), b"\\u212")}
"""Bytes of capitals beyond ASCII whose lower case contains a letter of ASCII, escaped or not."""


def needles(word: str) -> list[bytes]:
    """List bytes of which any raw JSON that contains the word has at least one, compared without ASCII case.

    They are in lower case. None if the word can be written in too many ways. A word in ASCII may also be written with
    `ESCAPED` characters, or with `capitals`, which callers must look for.
    """
    if _is_constant(word) or _EXPONENT.fullmatch(word) or _REPLACED.search(word):
        return []
    if word.isascii():
        name, value = _name_and_number(word)
        if value is None or _EXPONENT.fullmatch(value):
            return _longest(name)
        # a whole number may be written without its fraction
        return max(_longest(name), _longest(_WHOLE.sub("", value)), key=lambda found: len(b"".join(found)))
    parts = _BEYOND_ASCII.findall(word)
    # writing systems without case: the whole part is written in one way
    caseless = [part for part in parts if all(_case_variants(character) == [character] for character in part)]
    texts = [max(caseless, key=len)] if caseless else _case_variants(parts[0][0])
    return [written for text in texts for written in (text.encode(), _escaped(text))]


def binary_needles(word: str) -> list[bytes] | None:
    """Return the needles for raw bytes that contain numbers as such, not as text; None if they are those of JSON."""
    if is_numeric(word):
        return []
    if not word.isascii():
        return None
    name, value = _name_and_number(word)
    return None if value is None else _longest(name)


def capitals(needle: bytes) -> list[bytes]:
    """List bytes that raw JSON may contain instead of letters of a needle in ASCII, compared with case."""
    text = needle.decode()
    return [written for letter, found in _CAPITALS.items() if letter in text for written in found]


def raw_test(word: str) -> Callable[[bytes], object]:
    """Build a test for raw bytes that passes everything that may contain the word, and little else."""
    found = needles(word)
    if not found or binary_needles(word) is not None:
        return lambda _: True
    patterns = [re.escape(needle) for needle in found]
    if word.isascii():
        patterns += map(re.escape, (ESCAPE, *capitals(found[0])))
    return re.compile(b"|".join(patterns), re.IGNORECASE).search


def is_numeric(part: str) -> bool:
    """Test whether a text can be part of a number."""
    if any(part in text for text in ("+-.", *_NO_NUMBERS)):
        return True
    return _NUMBERS.fullmatch(part) is not None and any(c.isdigit() for c in part)


def _is_constant(part: str) -> bool:
    """Test whether a text can be part of true, false or null, which sources write in other ways, too."""
    return any(part in word for word in _CONSTANTS)


def _name_and_number(word: str) -> tuple[str, str | None]:
    """Divide `name=value` if the value can be a number, '' for another constant. -> the word and None if it cannot"""
    name, equals, value = word.rpartition("=")
    if equals and any(text.startswith(value) for text in _CONSTANTS):
        return name, ""
    return (name, value) if equals and is_numeric(value) else (word, None)


def _longest(word: str) -> list[bytes]:
    """Return the longest part of a word that encoders of JSON write unchanged; [] for none."""
    found = max(_UNESCAPED.findall(word), key=len, default="")
    return [found.encode()] if found else []


def _escaped(text: str) -> bytes:
    """Write a text in escapes of JSON, in lower case."""
    code_units = text.encode("utf-16-be")
    return b"".join(b"\\u%02x%02x" % (code_units[i], code_units[i + 1]) for i in range(0, len(code_units), 2))


def _case_variants(character: str) -> list[str]:
    """List a character beyond ASCII, and the capitals whose lower case contains it."""
    return [character, *_capitals().get(character, ())]


@lru_cache(maxsize=1)
def _capitals() -> Mapping[str, list[str]]:
    """Map characters beyond ASCII to those that `str.lower` replaces with them."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for character in map(chr, range(0x80, sys.maxunicode + 1)):
        lower = character.lower()
        if lower != character:
            for one in lower:
                found[one].append(character)
    # at the end of a word, str.lower writes the other small sigma
    found["\N{GREEK SMALL LETTER FINAL SIGMA}"].append("\N{GREEK CAPITAL LETTER SIGMA}")
    return found
