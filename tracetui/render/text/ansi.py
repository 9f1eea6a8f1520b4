"""Write lines to a stream with the colours that it supports."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TextIO

from rich.color import ColorSystem

from tracetui.render.text import hyperlinks
from tracetui.render.text.cells import cell_width
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import in_ascii
from tracetui.render.text.theme import ANSI, DARK, LIGHT, MONO, Theme


class ColourChoice(enum.StrEnum):
    """Choices for colour output."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Colour(enum.Enum):
    """Colour capability of a stream."""

    NONE = None
    """Bare text."""
    MONO = "mono"
    """Bold and faint, no colour."""
    ANSI = ColorSystem.STANDARD
    EIGHT_BIT = ColorSystem.EIGHT_BIT
    TRUE = ColorSystem.TRUECOLOR


def colour_of(
    stream: TextIO, choice: ColourChoice = ColourChoice.AUTO, environ: Mapping[str, str] | None = None
) -> Colour:
    """Detect the colour capability of a stream (NO_COLOR, FORCE_COLOR, TERM, COLORTERM)."""
    environ = os.environ if environ is None else environ
    term = environ.get("TERM", "")
    if choice is ColourChoice.NEVER or (choice is ColourChoice.AUTO and term == "dumb"):
        return Colour.NONE
    forced = choice is ColourChoice.ALWAYS or environ.get("FORCE_COLOR", "") not in ("", "0")
    if not forced and not stream.isatty():
        return Colour.NONE
    if environ.get("NO_COLOR") and choice is not ColourChoice.ALWAYS:
        return Colour.MONO if stream.isatty() else Colour.NONE
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return Colour.TRUE
    return Colour.EIGHT_BIT if "256" in term or "kitty" in term else Colour.ANSI


def theme_for(colour: Colour, environ: Mapping[str, str] | None = None) -> Theme:
    """Choose the theme for a colour capability and the terminal's background (COLORFGBG)."""
    if colour in (Colour.NONE, Colour.MONO):
        return MONO
    if colour is Colour.ANSI:
        return ANSI
    environ = os.environ if environ is None else environ
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT if background in ("7", "15") else DARK


def ansi_text(line: Line, theme: Theme, colour: Colour) -> str:
    """Return the line with SGR codes for its styles, hyperlinks if the theme has them, and no trailing blanks."""
    runs = line.runs
    last = len(runs) - 1
    parts = []
    for i, (text, role) in enumerate(runs):
        shown = text.rstrip() if i == last else text
        role, address = Role.without_link(role)
        codes = _codes(theme, role, colour) if shown.strip() else ""
        styled = f"\x1b[{codes}m{shown}\x1b[0m" if codes else shown
        is_linked = address and theme.has_links and shown
        parts.append(f"{hyperlinks.begin(address)}{styled}{hyperlinks.END}" if is_linked else styled)
    return "".join(parts)


def encodable(text: str, encoding: str | None) -> str:
    """Replace characters that the encoding lacks by a `?` per cell."""
    try:
        text.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "".join(_encodable(character, encoding or "ascii") for character in text)
    return text


def write_lines(
    lines: Iterable[Line],
    stream: TextIO,
    colour: Colour = Colour.NONE,
    theme: Theme | None = None,
    ascii_only: bool = False,
) -> None:
    """Write each line as soon as it is made; with `ascii_only` in ASCII, including untrusted text."""
    theme = theme or theme_for(colour)
    encoding = "ascii" if ascii_only else getattr(stream, "encoding", None)
    for line in lines:
        shown = Line(in_ascii(line.runs)) if ascii_only else line
        stream.write(encodable(ansi_text(shown, theme, colour), encoding) + "\n")


@lru_cache(maxsize=1024)
def _codes(theme: Theme, role: str, colour: Colour) -> str:
    """Return the SGR parameters of a role."""
    if colour is Colour.NONE:
        return ""
    style = theme.style(role)
    codes = [code for on, code in ((style.bold, "1"), (style.dim, "2"), (style.reverse, "7")) if on]
    if isinstance(colour.value, ColorSystem) and style.color is not None and not style.color.is_default:
        codes.extend(style.color.downgrade(colour.value).get_ansi_codes())
    return ";".join(codes)


def _encodable(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "?" * cell_width(character)
    return character
