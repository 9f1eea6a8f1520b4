"""Glyphs, each defined only here. All shapes are distinguishable without colour."""

from __future__ import annotations

from dataclasses import dataclass, fields

from tracetui.render.text.cells import cell_width


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """Set of glyphs, one cell each except `sync_call`, `times`, `at_most` and `quotes`."""

    ascii_only: bool
    solid: str
    """Cell of a bar on the critical path."""
    solid_left: str
    """Eight glyphs: 1/8 to 8/8 of a cell, filled from the left."""
    solid_right: tuple[tuple[int, str], ...]
    """Cells filled from the right: (eighths, glyph). Unicode has few of them, and reversed ones would need colour."""
    rest: str
    """Cell of a bar off the critical path."""
    rest_start: str
    """Bar that starts in the right half of the cell."""
    rest_end: str
    """Bar that ends in the left half of the cell."""
    network: str
    """Cell of a bar on the critical path in which a call is on the network."""
    network_rest: str
    """The same, off the critical path."""
    origin: str
    propagated: str
    """A propagated error."""
    opened: str
    """Unfolded row; also before the number of rows below the visible ones."""
    above: str
    """Glyph before the number of rows above the visible ones."""
    folded: str
    leaf: str
    event: str
    link: str
    linked_from: str
    sync_call: str
    """Also between an earlier and a later value."""
    async_call: str
    warning: str
    cycle: str
    """Service on a cycle of calls."""
    service: str
    """Glyph before a service's name, in its colour; '' if initials are used instead."""
    trend: str
    """Bars of a distribution, from low to high."""
    cursor: str
    times: str
    """Multiplication sign, as in `×300`."""
    at_most: str
    ellipsis: str
    quotes: str
    """Two characters: before and after quoted text."""
    guide: str
    """Ancestor with more children below."""
    branch: str
    last_branch: str
    crossing: str
    """Lines of a graph that cross."""
    junction: str
    """Lines of a graph that join from all sides."""
    omitted: str
    """Glyph after the number of omitted tree levels."""
    density: str
    """Three shades of cells with many points, the darker the more."""
    ring: str
    """Point of the plot that is the trace under the cursor."""
    error_ring: str
    """The same, if that trace has errors."""
    percentile: str
    """Line at a percentile in the plot."""
    dash: str
    """Between the ends of a range."""
    ascending: str
    """Arrow at the heading of the column by which rows are sorted."""
    descending: str
    moment: str
    """Marked time on the axis of the plot."""
    moment_line: str
    """Line above a marked time."""

    def repeated(self, number: int) -> str:
        """`×300`"""
        return f"{self.times}{number:,}"

    def quoted(self, text: str) -> str:
        return f"{self.quotes[0]}{text}{self.quotes[1]}"


UNICODE = Glyphs(
    ascii_only=False,
    solid="█",
    solid_left="▏▎▍▌▋▊▉█",
    solid_right=((1, "▕"), (4, "▐")),
    rest="─",
    rest_start="╶",
    rest_end="╴",
    network="▒",
    network_rest="┄",
    origin="✖",
    propagated="✗",
    opened="▾",
    above="▴",
    folded="▸",
    leaf="╴",
    event="◆",
    link="⇢",
    linked_from="⇠",
    sync_call="→",
    async_call="⇝",
    warning="⚠",
    cycle="↻",
    service="●",
    trend="▁▂▃▄▅▆▇█",
    cursor="▌",
    times="×",
    at_most="≤",
    ellipsis="…",
    quotes="“”",
    guide="│",
    branch="├",
    last_branch="└",
    crossing="┼",
    junction="■",
    omitted="┊",
    density="░▒▓",
    ring="◎",
    error_ring="⊗",
    percentile="┈",
    dash="–",
    ascending="▲",
    descending="▼",
    moment="▲",
    moment_line="╎",
)

ASCII = Glyphs(
    ascii_only=True,
    solid="#",
    solid_left="|||#####",
    solid_right=(),
    rest="-",
    rest_start="-",
    rest_end="-",
    network="~",
    network_rest=".",
    origin="X",
    propagated="x",
    opened="v",
    above="^",
    folded=">",
    leaf="-",
    event="*",
    link=">",
    linked_from="<",
    sync_call="->",
    async_call="~",
    warning="!",
    cycle="@",
    service="",
    trend=".:-=+*#",
    cursor=">",
    times="x",
    at_most="<=",
    ellipsis="~",
    quotes='""',
    guide="|",
    branch="|",
    last_branch="`",
    # a + above or below a horizontal line would not show whether it continues behind the line
    crossing="|",
    junction="+",
    omitted=":",
    density="o%#",
    ring="@",
    error_ring="&",
    percentile="-",
    dash="-",
    ascending="^",
    descending="v",
    moment="^",
    moment_line="|",
)


def in_glyphs(text: str, glyphs: Glyphs) -> str:
    """Replace Unicode glyphs in a help text by those of another set."""
    if glyphs is UNICODE:
        return text
    ones = [(getattr(UNICODE, field.name), getattr(glyphs, field.name)) for field in fields(Glyphs)]
    table = {one: other for one, other in ones if isinstance(one, str) and len(one) == 1}
    density = dict(zip(UNICODE.density, glyphs.density, strict=True))
    return text.translate(str.maketrans({**table, **density, UNICODE.trend[0]: glyphs.trend[0]}))


def initials(name: str) -> str:
    """Abbreviate a name to two cells: `us` for `user-service`, `re` for `redis`, one letter if it is wide."""
    words = "".join(letter if letter.isalnum() else " " for letter in name).split()
    if not words:
        return "?"
    letters = (words[0][0] + words[1][0] if len(words) > 1 else words[0][:2]).lower()
    return letters if cell_width(letters) <= 2 else letters[0]


def glyphs_of(ascii_only: bool) -> Glyphs:
    return ASCII if ascii_only else UNICODE
