"""Keys of the pager."""

from __future__ import annotations

from tracetui.tui.keys.key_table import ABOVE, KeyTable, Shortcut

PAGER = KeyTable(
    "Pager",
    Shortcut("pager.find", "slash", "find", "Find", hint="find"),
    Shortcut("pager.next", "n", "next(1)", "Next match", "next, previous match", "next, previous"),
    Shortcut("pager.previous", "N", "next(-1)", "Previous match", ABOVE),
    Shortcut("pager.wrap", "v", "wrap", "Wrap", "wrap long lines, or not", "wrap", former="w"),
    Shortcut("pager.right", "l,right", "shift(1)", "Right", "right, left, in lines that are not wrapped"),
    Shortcut("pager.left", "h,left", "shift(-1)", "Left", ABOVE),
    Shortcut("pager.copy", "y", "copy", "Copy", hint="copy"),
    Shortcut("pager.close", "q,escape", "close", "Close", hint="close"),
    in_palette=False,
)

PAGES = KeyTable(
    "Pages of the pager",
    Shortcut("pager.page-down", "space", "page(1)", "Page down", "page down, up"),
    Shortcut("pager.page-up", "b", "page(-1)", "Page up", ABOVE),
    in_palette=False,
)
