"""Styles of roles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.style import Style
from rich.text import Text

from tracetui.render.text.line import Line, Role, Run

_CURSOR = "cursor"
"""Role of text in the cursor row in themes that reverse it."""
_SOLID = "solid"
"""Role of grey bars there, which are not reversed, as they would look like holes."""
_BLOCKS = "".join(map(chr, range(0x2580, 0x25A0))) + " "
_PIECES = "\u2580-\u259f─╶╴"
_ON_BARS = " ◆⇢⇝"
_BARS = re.compile(f"[{_ON_BARS}]*[{_PIECES}][{_PIECES}{_ON_BARS}]*")
"""Bars with the glyphs on them and the blanks around them."""


def luminance(colour: ColorTriplet) -> float:
    """Return the relative luminance of WCAG 2, 0 for black to 1 for white."""
    red, green, blue = (
        part / 12.92 if (part := value / 255) <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for value in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@dataclass(frozen=True, eq=False)
class Theme:
    """Styles of roles, and of services by colour slot."""

    name: str
    styles: Mapping[str, Style]
    services: tuple[Style, ...]
    under_cursor: Theme | None = None
    """Styles for the cursor row, with its own background. Without it the row is reversed, and bars keep their colours;
    without colours it is underlined, because a reversed bar would look like a hole.
    """

    has_links: bool = False
    """True if hyperlinks are part of styles; False leaves them out."""

    def style(self, role: str) -> Style:
        """Return the style of a role; the null style for an unknown one."""
        role, address = Role.without_link(role)
        return self._linked(self._style(role), address)

    def _linked(self, style: Style, address: str) -> Style:
        return style + Style(link=address) if address and self.has_links else style

    def _style(self, role: str) -> Style:
        if role.startswith("service:"):
            return self.services[int(role[8:]) % len(self.services)] if self.services else Style.null()
        if colour := Role.badge_colour(role):
            return _on_colour(colour) if self.services else REVERSED + Style(bold=True)
        return self.styles.get(role) or Style.null()

    def cursor_style(self, role: str) -> Style:
        """Return the style of a role in the cursor row."""
        role, address = Role.without_link(role)
        return self._linked(self._cursor_style(role), address)

    def _cursor_style(self, role: str) -> Style:
        if self.under_cursor is not None:
            return self.under_cursor.styles[Role.PLAIN] + self.under_cursor.style(role)
        if not self.services:
            return self._style(role) + _UNDERLINED
        if role == _SOLID:
            return self._style(Role.DIM)
        colour = self._style(role).color
        # reversed, the colour of the background is that of the bar, on the foreground of the terminal
        return REVERSED + Style(bgcolor=colour) if colour is not None and not colour.is_default else REVERSED

    def cursor_runs(self, line: Line) -> list[Run]:
        """Return the runs of the cursor row."""
        return list(_split_bars(line)) if self.under_cursor is None and self.services else line.runs

    def text(self, line: Line) -> Text:
        """Convert the line to a Rich text without wrapping or markup."""
        text = Text(no_wrap=True, overflow="crop", end="")
        for part, role in line.runs:
            text.append(part, self.style(role))
        return text


REVERSED = Style(reverse=True)
_HALF_CONTRAST = 0.179
"""Luminance above which black has more contrast than white."""


@lru_cache
def _on_colour(colour: str) -> Style:
    """Return the style of legible text on a background `#rrggbb`."""
    is_light = luminance(Color.parse(colour).get_truecolor()) > _HALF_CONTRAST
    return Style(color="#000000" if is_light else "#ffffff", bgcolor=colour, bold=True)


_UNDERLINED = Style(underline=True, bold=True)


def _split_bars(line: Line) -> Iterator[Run]:
    """Yield the runs in the cursor role, except for bars."""
    drawn = "".join("|" * len(text) if role == Role.GUIDE else text for text, role in line.runs)
    bars = [match.span() for match in _BARS.finditer(drawn)]
    at = 0
    for text, role in line.runs:
        begin, stop = at, at + len(text)
        while at < stop:
            while bars and bars[0][1] <= at:
                del bars[0]
            left, right = bars[0] if bars else (stop, stop)
            is_bar = left <= at
            end = min(right if is_bar else left, stop)
            part = text[at - begin : end - begin]
            is_solid = is_bar and role == Role.DIM and not set(part) - set(_BLOCKS)
            _, address = Role.without_link(role)
            yield Run(part, _SOLID if is_solid else role if is_bar else Role.link(address, _CURSOR))
            at = end


def _theme(
    name: str,
    *,
    dim: Style,
    red: str,
    yellow: str,
    event: str,
    accent: str,
    literal: str,
    services: tuple[str, ...],
    plain: Style | None = None,
    under_cursor: Theme | None = None,
) -> Theme:
    return Theme(
        name,
        {
            Role.PLAIN: plain or Style.null(),
            Role.DIM: dim,
            Role.GUIDE: dim,
            Role.REST: dim,
            Role.TITLE: Style(bold=True),
            Role.STRONG: Style(bold=True),
            Role.ERROR: Style(color=red, bold=True),
            Role.PROPAGATED: Style(color=red),
            Role.WARNING: Style(color=yellow),
            Role.EVENT: Style(color=event),
            Role.CRITICAL: Style(color=accent),
            Role.ACCENT: Style(color=accent, bold=True),
            Role.KEYWORD: Style(color=accent),
            Role.LITERAL: Style(color=literal),
        },
        tuple(Style(color=colour) for colour in services),
        under_cursor,
    )


# Colours are from the 256-colour cube where possible, so that they look the same on terminals with 256 colours. A slot
# has about the same hue in every theme. No service colour is close to the accent, warning or error colours. A service
# keeps its colour in the cursor row, so that it is recognised there; that row has a band just light enough for this.
_DARK_SERVICES = (
    "#5f87ff", "#87d75f", "#d787ff", "#ff8700", "#00d7af",
    "#d7ff00", "#8787d7", "#00af00", "#ff87d7", "#d7af87",
)  # fmt: skip
DARK = _theme(
    "dark",
    dim=Style(color="#949494"),
    red="#ff5f5f",
    yellow="#ffd75f",
    event="#ffffff",
    accent="#5fd7ff",
    literal="#afd787",
    services=_DARK_SERVICES,
    under_cursor=_theme(
        "dark band",
        plain=Style(color="#ffffff", bgcolor="#2a3a50"),
        dim=Style(color="#c6c6c6"),
        red="#ff8787",
        yellow="#ffd75f",
        event="#ffffff",
        accent="#5fd7ff",
        literal="#afd787",
        services=_DARK_SERVICES,
    ),
)
_LIGHT_SERVICES = (
    "#0000d7", "#005f00", "#8700d7", "#6c3f00", "#005f5f",
    "#662244", "#00005f", "#4f4f77", "#af0087", "#5f005f",
)  # fmt: skip
LIGHT = _theme(
    "light",
    dim=Style(color="#585858"),
    red="#af0000",
    yellow="#5f5f00",
    event="#000000",
    accent="#005faf",
    literal="#005f00",
    services=_LIGHT_SERVICES,
    under_cursor=_theme(
        "light band",
        plain=Style(color="#000000", bgcolor="#a8bfdc"),
        dim=Style(color="#3a3a3a"),
        red="#8f0000",
        yellow="#4a4a00",
        event="#000000",
        accent="#004a8f",
        literal="#005000",
        services=_LIGHT_SERVICES,
    ),
)
_PURE_SERVICES = (
    "#00afff", "#87d700", "#ff5fff", "#ff8700", "#00ff5f",
    "#d7af5f", "#8f8fff", "#5faf5f", "#ffafff", "#ffaf87",
)  # fmt: skip
HIGH_CONTRAST = _theme(
    "high-contrast",
    dim=Style(color="#c6c6c6"),
    red="#ff6e6e",
    yellow="#ffff00",
    event="#ffffff",
    accent="#00ffff",
    literal="#afff87",
    services=_PURE_SERVICES,
    under_cursor=_theme(
        "high-contrast band",
        plain=Style(color="#ffffff", bgcolor="#000087"),
        dim=Style(color="#d7d7d7"),
        red="#ff9f9f",
        yellow="#ffff00",
        event="#ffffff",
        accent="#00ffff",
        literal="#afff87",
        services=_PURE_SERVICES,
    ),
)
ANSI = _theme(
    "ansi",
    # "bright black" is invisible in some widespread palettes; faint text is at worst plain
    dim=Style(dim=True),
    red="red",
    yellow="yellow",
    event="default",
    accent="cyan",
    literal="green",
    # the sixteen colours without accent, warning, error and grey
    services=("green", "magenta", "blue", "bright_green", "bright_magenta", "bright_blue"),
)
MONO = Theme(
    "mono",
    {
        Role.DIM: Style(dim=True),
        Role.GUIDE: Style(dim=True),
        Role.REST: Style(dim=True),
        Role.TITLE: Style(bold=True),
        Role.STRONG: Style(bold=True),
        Role.ERROR: Style(bold=True),
        Role.ACCENT: Style(bold=True),
        Role.KEYWORD: Style(bold=True),
    },
    (),
)
"""Theme without colours, for NO_COLOR: only bold and faint."""
