"""Keys that the config file gives to actions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from tracetui.model.problems import UsageError

_MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
_NAMED = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())


def bindings() -> dict[str, Binding]:
    """Every binding that can be rebound, by its id. Those of views that are not imported yet are not there."""
    found = {}
    for node in _nodes(DOMNode):
        for binding in node.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                found[binding.id] = binding
    return found


def _nodes(above: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for node in above.__subclasses__():
        if node.__module__.startswith("tracetui."):
            yield node
        yield from _nodes(node)


def check_keymap(keymap: Mapping[str, str]) -> None:
    """Raises UsageError for an id that no action has, and for a key that no keyboard has."""
    known = bindings()
    for action, keys in keymap.items():
        if action not in known:
            near = get_close_matches(action, known, 3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise UsageError(f"keymap: no action is called {action}{hint}")
        for key in keys.split(","):
            if not _is_key(key.strip()):
                raise UsageError(f"keymap: {action}: there is no key {key.strip()!r}; keys are x, f5, ctrl+x, slash")


def _is_key(key: str) -> bool:
    *modifiers, base = key.split("+") if len(key) > 1 else [key]
    if not set(modifiers) <= _MODIFIERS:
        return False
    if len(base) == 1 or base in _NAMED:
        return True
    try:
        unicodedata.lookup(base.replace("_", " ").upper())
    except KeyError:
        return False
    return True


def rebound(keymap: Mapping[str, str]) -> list[tuple[str, str]]:
    """-> keys and what they do now, for people"""
    known = bindings()
    return [(keys, known[action].description) for action, keys in keymap.items() if action in known]
