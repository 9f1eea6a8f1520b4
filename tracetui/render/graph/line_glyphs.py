"""Glyphs for the lines of drawn graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs


@dataclass(frozen=True, slots=True)
class LineGlyphs:
    """Glyphs for lines. `joins` is indexed by arms: up 1, down 2, left 4, right 8."""

    horizontal: str
    heavy: str
    dotted: str
    vertical: str
    dotted_vertical: str
    joins: str
    crossing: str
    """A horizontal line over a vertical one."""
    heavy_crossing: str
    forward: str
    backward: str
    opening: str
    closing: str
    chosen: str
    """Brackets of a highlighted node."""


_UNICODE: Final = LineGlyphs(
    horizontal="─",
    heavy="━",
    dotted="┄",
    vertical="│",
    dotted_vertical="┊",
    joins=" ││││╯╮┤│╰╭├│┴┬" + UNICODE.junction,
    crossing=UNICODE.crossing,
    heavy_crossing="┿",
    forward="▶",
    backward="◀",
    opening="▐",
    closing="▌",
    chosen="██",
)
_ASCII: Final = LineGlyphs(
    horizontal="-",
    heavy="=",
    dotted=".",
    vertical="|",
    dotted_vertical=":",
    joins=" |||" + ASCII.junction * 12,
    crossing=ASCII.crossing,
    heavy_crossing=ASCII.crossing,
    forward=">",
    backward="<",
    opening="[",
    closing="]",
    chosen="{}",
)


def line_glyphs(glyphs: Glyphs) -> LineGlyphs:
    """Return the glyphs for lines that go with a set of glyphs."""
    return _ASCII if glyphs.ascii_only else _UNICODE
