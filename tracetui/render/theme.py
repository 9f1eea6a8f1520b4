"""What each role looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from tracetui.render.line import Line, Role


@dataclass(frozen=True, eq=False)
class Theme:
    """Styles of roles, and of services by colour slot."""

    name: str
    styles: Mapping[str, Style]
    services: tuple[Style, ...]
    cursor: Style = Style(reverse=True)  # noqa: RUF009 - styles do not change
    """Laid over the row under the cursor."""

    def style(self, role: str) -> Style:
        """The style of a role; of an unknown one the plain one."""
        if role.startswith("service:"):
            return self.services[int(role[8:]) % len(self.services)] if self.services else Style.null()
        return self.styles.get(role) or Style.null()

    def text(self, line: Line) -> Text:
        """The line as Rich's text, one row that is neither wrapped nor read as markup."""
        text = Text(no_wrap=True, overflow="crop", end="")
        for part, role in line.runs:
            text.append(part, self.style(role))
        return text


def _theme(
    name: str,
    *,
    dim: Style,
    red: str,
    yellow: str,
    event: str,
    accent: str,
    services: tuple[str, ...],
    cursor: Style = Style(reverse=True),  # noqa: B008 - styles do not change
) -> Theme:
    return Theme(
        name,
        {
            Role.DIM: dim,
            Role.GUIDE: dim,
            Role.REST: dim,
            Role.TITLE: Style(bold=True),
            Role.STRONG: Style(bold=True),
            Role.ERROR: Style(color=red, bold=True),
            Role.ECHO: Style(color=red),
            Role.WARNING: Style(color=yellow),
            Role.EVENT: Style(color=event),
            Role.CRITICAL: Style(color=accent),
            Role.ACCENT: Style(color=accent, bold=True),
        },
        tuple(Style(color=colour) for colour in services),
        cursor,
    )


# The colours are of the 256-colour cube, so that they look the same where there are only those.
DARK = _theme(
    "dark",
    dim=Style(color="#949494"),
    cursor=Style(bgcolor="#3a3a3a"),
    red="#ff5f5f",
    yellow="#ffd75f",
    event="#ffffff",
    accent="#5fd7ff",
    services=(
        "#5fafff", "#87d75f", "#d787ff", "#ffaf5f", "#5fd7af",
        "#d7d75f", "#8787ff", "#00d7ff", "#ff87d7", "#afaf87",
    ),
)  # fmt: skip
LIGHT = _theme(
    "light",
    dim=Style(color="#6c6c6c"),
    cursor=Style(bgcolor="#d0d0d0"),
    red="#d70000",
    yellow="#875f00",
    event="#000000",
    accent="#005fd7",
    services=(
        "#005faf", "#005f00", "#8700af", "#875f00", "#005f5f",
        "#5f5f00", "#5f5fd7", "#005f87", "#af0087", "#af5f00",
    ),
)  # fmt: skip
ANSI = _theme(
    "ansi",
    # "bright black" is invisible in some widespread palettes; faint text is at worst plain
    dim=Style(dim=True),
    red="red",
    yellow="yellow",
    event="default",
    accent="cyan",
    services=(
        "cyan", "green", "magenta", "yellow", "blue",
        "bright_cyan", "bright_green", "bright_magenta", "bright_yellow", "bright_blue",
    ),
)  # fmt: skip
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
    },
    (),
)
"""No colour at all, for who sets NO_COLOR: weight alone."""
