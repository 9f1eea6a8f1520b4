"""Keys that another view has: what they do, and where."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from tracetui.tui.keys.everywhere import APP
from tracetui.tui.keys.keymap import key_name
from tracetui.tui.keys.view_key_tables import VIEW_KEYS


def in_other_views(key: str, view: str, keymap: Mapping[str, str]) -> str:
    """Describe the actions of a key in the views other than this one; '' for none.

    Views are named with the actions that open them in braces. An action of several keys is found by the first of them.
    """
    found = [
        (f"{shortcut.title[0].lower()}{shortcut.title[1:]}", f"{table.title} ({{view.{other}}})")
        for other, table in VIEW_KEYS.items()
        if other != view
        for shortcut in table.keys
        if keymap.get(shortcut.id, shortcut.keys).split(",")[0].strip() == key
    ]
    uses = [
        f"in {_listed([there for _, there in same])}: {title}" for title, same in groupby(found, lambda one: one[0])
    ]
    return f"{key_name(key)} works {'; '.join(uses)}" if uses else ""


def view_of_key(key: str, keymap: Mapping[str, str]) -> str:
    """Return the view that a key shows; '' for none."""
    for view in VIEW_KEYS:
        shortcut = next(one for one in APP.keys if one.id == f"view.{view}")
        if key in [one.strip() for one in keymap.get(shortcut.id, shortcut.keys).split(",")]:
            return view
    return ""


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
