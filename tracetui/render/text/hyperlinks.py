"""Hyperlinks in terminals (OSC 8): which addresses may be linked, and which terminals know them.

https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda describes the sequence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

END: Final = "\x1b]8;;\x1b\\"
"""Sequence that ends a hyperlink."""
_MAX_BYTES: Final = 2_000
"""Longest address; terminals ignore longer ones, or cut them."""
_ADDRESS: Final = re.compile(
    r"(?i:https?)://[^\x00-\x20\x7f-\U0010ffff<>\"'`\\^{}|@/?#]+(?:[/?#][^\x00-\x20\x7f-\U0010ffff<>\"'`\\^{}|]*)?"
)
"""Printable ASCII; no user name before the host, which could pass for another host."""
_PROGRAMS: Final = frozenset(("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "Tabby", "zed"))
"""Values of TERM_PROGRAM."""
_TERMS: Final = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "contour", "wezterm", "rio", "tmux")
"""Beginnings of TERM. tmux passes hyperlinks on from version 3.4, and drops them before."""
TERMINAL_VARIABLES: Final = (
    "TERM_PROGRAM",
    "VTE_VERSION",
    "WT_SESSION",
    "KONSOLE_VERSION",
    "DOMTERM",
    "KITTY_WINDOW_ID",
)
"""Variables by which terminals name themselves, beside TERM."""
_OLD_VTE: Final = 5_000
"""Version of VTE (GNOME Terminal and others) up to which hyperlinks are unknown, or make it crash."""


def linkable(text: str) -> str:
    """Return a text if it is an address that may be linked; else ''."""
    return text if len(text) <= _MAX_BYTES and _ADDRESS.fullmatch(text) else ""


def begin(address: str) -> str:
    """Return the sequence that begins a hyperlink to an address, as `linkable` returns it."""
    return f"\x1b]8;;{address}\x1b\\"


def are_wanted(choice: str, environ: Mapping[str, str]) -> bool:
    """Decide by the choice "auto", "always" or "never"; NO_COLOR means never."""
    return choice != "never" and not environ.get("NO_COLOR") and (choice == "always" or are_known(environ))


def are_known(environ: Mapping[str, str]) -> bool:
    """Test whether the terminal knows hyperlinks, by the environment. FORCE_HYPERLINK decides if it is set."""
    if "FORCE_HYPERLINK" in environ:
        return environ["FORCE_HYPERLINK"] not in ("", "0")
    term = environ.get("TERM", "")
    if term in ("", "dumb", "linux"):
        return False
    if environ.get("TERM_PROGRAM") in _PROGRAMS or term.startswith(_TERMS):
        return True
    vte = environ.get("VTE_VERSION", "")
    return (vte.isdigit() and int(vte) > _OLD_VTE) or any(
        environ.get(name) for name in ("WT_SESSION", "KONSOLE_VERSION", "DOMTERM", "KITTY_WINDOW_ID")
    )
