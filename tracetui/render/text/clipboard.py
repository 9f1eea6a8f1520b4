"""Make untrusted text safe to paste."""

from __future__ import annotations

import re

MAX_COPIED = 200_000
"""Largest number of characters that are copied: terminals silently drop longer OSC 52 texts, or hang."""

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef]"
)
"""Control characters that take effect when pasted (C0, DEL, C1), bidi controls, which make the displayed text differ
from the executed one, separators that some programs read as line breaks, and code points that UTF-8 cannot encode.
"""


def clipboard_text(text: str, *, one_line: bool = False) -> str:
    """Return text fit for a clipboard, cut to `MAX_COPIED` characters.

    Line feeds and tabs are kept, except in names and ids (`one_line`), where a line feed pasted into a shell would
    run the text before it. Other control characters become control pictures (`␛`).
    """
    text = _UNSAFE.sub(_stand_in, text[:MAX_COPIED].replace("\r\n", "\n"))
    return text.replace("\n", "␤").replace("\t", " ") if one_line else text


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "\ufffd"
