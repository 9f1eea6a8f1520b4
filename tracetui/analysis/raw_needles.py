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
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_REPLACED: Final = re.compile("[\ufffd\ud800-\udfff]")
"""Characters that stand for bytes which are not UTF-8."""


def needles(word: str) -> list[bytes]:
    """List bytes of which any raw JSON that contains the word has at least one, compared without ASCII case.

    They are in lower case. None if the word can be written in too many ways. A word in ASCII may also be written with
    `ESCAPED` characters, which callers must look for.
    """
    if _is_boolean(word) or _REPLACED.search(word):
        return []
    if word.isascii():
        longest = max(_UNESCAPED.findall(word), key=len, default="")
        return [longest.encode()] if longest else []
    texts: list[str] = []
    for part in _BEYOND_ASCII.findall(word):
        # writing systems without case: the whole part is written in one way
        if all(_case_variants(character) == [character] for character in part):
            texts = [part]
            break
    texts = texts or _case_variants(_BEYOND_ASCII.findall(word)[0][0])
    return [written for text in texts for written in (text.encode(), _escaped(text))]


def raw_test(word: str) -> Callable[[bytes], object]:
    """Build a test for raw JSON that passes everything that may contain the word, and little else."""
    found = needles(word)
    if not found or is_numeric(word):
        return lambda _: True
    patterns = [re.escape(needle) for needle in found] + ([re.escape(ESCAPE)] if word.isascii() else [])
    return re.compile(b"|".join(patterns), re.IGNORECASE).search


def is_numeric(part: str) -> bool:
    """Test whether a text can be part of a number."""
    return _NUMBERS.fullmatch(part) is not None and (any(c.isdigit() for c in part) or part in "+-.")


def _is_boolean(part: str) -> bool:
    """Test whether a text can be part of true, false or null, which sources write in other ways, too."""
    return any(part in word for word in ("true", "false", "null"))


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
