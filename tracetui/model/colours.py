"""Colours that the config file names."""

from __future__ import annotations

import re
from typing import Final

from tracetui.model.errors import UsageError

COLOURS: Final = {
    "red": "#d70000",
    "orange": "#d75f00",
    "yellow": "#ffd75f",
    "green": "#00875f",
    "blue": "#005fd7",
    "magenta": "#af00af",
    "cyan": "#00afd7",
    "grey": "#6c6c6c",
}
"""Names of colours, as `#rrggbb`."""
_CODE = re.compile("#[0-9a-fA-F]{6}")


def check_colour(colour: str) -> None:
    """Check a colour; '' is none. Raises UsageError for a text that is neither a name nor `#rrggbb`."""
    if colour and colour not in COLOURS and not _CODE.fullmatch(colour):
        raise UsageError(f"unknown colour {colour}; use #rrggbb or {', '.join(COLOURS)}")
