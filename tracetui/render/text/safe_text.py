"""Make untrusted text safe to show.

Names, attributes and messages are untrusted. Each one that reaches a screen, a terminal or an export passes through
`safe` (or `safe_lines`), which removes everything that moves the cursor or colours, hides or reorders text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

SHOWN_CHARACTERS = 1_000
"""Default number of characters shown of one text."""
MAX_MARKS_ON_A_LETTER = 4
"""Largest number of combining characters on one letter; more would overlap the lines above and below."""

_DOTTED_CIRCLE = "◌"
_NEWLINE = "␤"
_MARK_CATEGORIES = frozenset({"Mn", "Me"})
# Invisible letters and marks that Python counts as printable: fillers, blanks and variation selectors.
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
# Code points that Unicode never assigns or reserves for default-ignorable characters.
_NEVER_SHOWN = "\u2065\ufdd0-\ufdef\ufff0-\ufff8\U000e0000-\U000e0fff"
_OUTSIDE_ASCII = re.compile("[^\x20-\x7e]")
_OUTSIDE_JSON = re.compile("[^\n\x20-\x7e]")
_IGNORED = re.compile(f"[{_INVISIBLE}{_NEVER_SHOWN}]")
# A presentation selector or a joiner within emoji is dropped, so that the pieces are separate, because terminals
# disagree about the width of the joined emoji.
_EMOJI = "\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff"
_JOINING = re.compile(f"(?<=[{_EMOJI}])\ufe0f?\u200d(?=[{_EMOJI}])|(?<=[#*0-9{_EMOJI}])[\ufe0e\ufe0f]")

_IN_ASCII = str.maketrans(
    {chr(0x2400 + code): "^" + chr(0x40 + code) for code in range(0x20)}
    | {"␡": "^?", _NEWLINE: "^J", "…": "~", _DOTTED_CIRCLE: "o"}
)


def safe(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Return the text on one line of at most `limit` characters, all visible and in reading order.

    Control characters become their pictures (`␛`), a line break `␤`, a tab or an unusual space a space; bidi
    controls, invisible and private characters and lone surrogates become their code points (`<U+202E>`).
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    shown = text[: limit + 1]
    if not (shown.isascii() and shown.isprintable()):
        shown = _JOINING.sub("", shown.replace("\r\n", "\n"))
        shown = _limit_marks(_OUTSIDE_ASCII.sub(_stand_in, shown))
    if len(shown) > limit or len(text) > limit:
        return shown[: limit - 1] + "…" if limit > 0 else ""
    return shown


def safe_lines(text: str, limit: int = 200, tab: int = 4) -> list[str]:
    """Return a block of text (a stack trace, a statement) as at most `limit` safe lines, tabs expanded."""
    lines = text.splitlines()
    shown = [safe(line.expandtabs(tab)) for line in lines[:limit]]
    if len(lines) > limit:
        shown.append(f"… {len(lines) - limit:,} more lines")
    return shown


def ascii_text(text: str) -> str:
    """Replace the stand-ins of `safe` by ASCII ones (`^[` for `␛`); other non-ASCII text is unchanged."""
    return text if text.isascii() else text.translate(_IN_ASCII)


def in_ascii(runs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Convert the runs of a line to ASCII stand-ins. Extra width is taken from the next padding, so that columns stay
    aligned.
    """
    shown = []
    wider = 0
    for text, role in runs:
        if text.isascii() and not wider:
            shown.append((text, role))
            continue
        spelled = ascii_text(text)
        wider += len(spelled) - len(text)
        padding = len(spelled) - len(spelled.rstrip(" ")) - 1
        if padding > 0 and wider:
            cut = min(padding, wider)
            spelled = spelled[:-cut]
            wider -= cut
        shown.append((spelled, role))
    return shown


def escaped_json(data: bytes, *, ascii_only: bool = False) -> bytes:
    """Escape C1 and bidi controls and invisible characters in UTF-8 JSON as code points; with `ascii_only` everything
    outside ASCII. The JSON value stays the same.
    """
    if data.isascii() and b"\x7f" not in data:
        return data

    # outside strings JSON is pure ASCII
    text = _OUTSIDE_JSON.sub(_Escaper(_json_escape, ascii_only), data.decode("utf-8", "replace"))
    return text.encode()


def escaped(text: str, escape: Callable[[str], str]) -> str:
    """Apply `escape` to control and invisible characters, and to combining marks beyond a few on a letter."""
    return _OUTSIDE_ASCII.sub(_Escaper(escape), text)


class _Escaper:
    """Callback for `re.sub` that escapes unsafe characters; it counts consecutive combining marks."""

    def __init__(self, escape: Callable[[str], str], ascii_only: bool = False) -> None:
        self._escape = escape
        self._ascii_only = ascii_only
        self._end = 0
        self._marks = 0

    def __call__(self, found: re.Match[str]) -> str:
        character = found[0]
        if unicodedata.category(character) in _MARK_CATEGORIES:
            self._marks = self._marks + 1 if found.start() == self._end else 1
        else:
            self._marks = 0
        self._end = found.end()
        if (
            self._ascii_only
            or self._marks > MAX_MARKS_ON_A_LETTER
            or not character.isprintable()
            or _IGNORED.match(character)
        ):
            return self._escape(character)
        return character


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _stand_in(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if code < 0x20:
        if character == "\t":
            return " "
        return _NEWLINE if character == "\n" else chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if _IGNORED.match(character):
        return f"<U+{code:04X}>"
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    # a character that is unassigned in this Python's tables may be known to a newer terminal
    if character.isprintable() or (category == "Cn" and code & 0xFFFE != 0xFFFE):
        return character
    return f"<U+{code:04X}>"


def _limit_marks(text: str) -> str:
    """Drop combining marks without a letter, and all beyond a few on one."""
    if _MARK_CATEGORIES.isdisjoint(map(unicodedata.category, text)):
        return text
    parts: list[str] = []
    marks = 0
    for character in text:
        if unicodedata.category(character) not in _MARK_CATEGORIES:
            marks = 0
            parts.append(character)
            continue
        if not parts:
            parts.append(_DOTTED_CIRCLE)
        marks += 1
        parts.append(character if marks <= MAX_MARKS_ON_A_LETTER else f"<U+{ord(character):04X}>")
    return "".join(parts)
