"""Keys that the config file assigns to actions, and display names of keys.

Texts name actions by their ids in braces, `{app.keys}`, or several that go together, `{list.down list.up}`.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import takewhile
from typing import Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, format_key
from textual.screen import Screen

import tracetui.tui
from tracetui.model.errors import UsageError
from tracetui.render.text.line import Line, Role

_MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
_NAMED = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())


def bindings() -> dict[str, Binding]:
    """Every binding that can be rebound, by its id."""
    _import_all()
    return {action: binding for action, (_, binding) in _found().items()}


@cache
def _import_all() -> None:
    """Import every module that may define bindings, so that the known actions depend on no other import."""
    for module in pkgutil.walk_packages(tracetui.tui.__path__, f"{tracetui.tui.__name__}."):
        importlib.import_module(module.name)


def _found() -> dict[str, tuple[type[DOMNode], Binding]]:
    """Bindings of the classes that are imported, each with its class, by its id."""
    found = {}
    for node in _nodes(DOMNode):
        for binding in node.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                found[binding.id] = node, binding
    return found


def _nodes(above: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for node in above.__subclasses__():
        if node.__module__.startswith("tracetui."):
            yield node
        yield from _nodes(node)


def check_keymap(keymap: Mapping[str, str]) -> None:
    """Raises UsageError for an id that no action has, and for a key that no keyboard has."""
    known = bindings() if keymap else {}
    for action, keys in keymap.items():
        if action not in known:
            near = get_close_matches(action, known, 3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise UsageError(f"keymap: unknown action {action}{hint}")
        for key in keys.split(","):
            if not _is_key(key.strip()):
                raise UsageError(f"keymap: {action}: unknown key {key.strip()!r}; keys look like x, f5, ctrl+x, slash")


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


def rebind(keymap: Mapping[str, str]) -> list[tuple[str, str]]:
    """Rebind actions. -> keys by action, and their present actions, for display"""
    known = bindings() if keymap else {}
    return [(f"{{{action}}}", known[action].description) for action in keymap if action in known]


_ACTIONS = re.compile(r"\{([a-z-]+\.[a-z-]+(?: [a-z-]+\.[a-z-]+)*)\}")
_ARROWS = {"Up", "Down", "Left", "Right"}
_SHORT = {"escape": "Esc", "pagedown": "PgDn", "pageup": "PgUp", "delete": "Del", "insert": "Ins"}


@lru_cache
def key_name(key: str) -> str:
    """Display name of a key."""
    *modifiers, base = key.split("+") if len(key) > 1 else [key]
    drawn = format_key(base)
    if base in _NAMED and base in _SHORT:
        named = _SHORT[base]
    elif len(base) > 1 and len(drawn) == 1 and base not in {key.value for key in Keys}:
        named = drawn
    else:
        named = base if len(base) == 1 else base.title()
    return "+".join([*(modifier.title() for modifier in modifiers), named])


class KeyNames:
    """Current keys of actions: the user's bindings, and the focused widget's."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._keymap = screen.app._keymap
        self._known = _found()
        self._by_action: dict[str, list[str]] = {}
        """Keys of the actions that are available now."""
        chain = screen._modal_binding_chain
        # what has no id is Textual's own: lists that scroll sideways, if there is something to scroll
        found = [(key, binding) for _, bindings in chain for key, binding in bindings if binding.id]
        by_key: dict[str, str] = {}
        for key, binding in sorted(found, key=lambda one: not one[1].priority):
            by_key.setdefault(key, binding.id or "")
        for key, action in by_key.items():
            self._by_action.setdefault(action, []).append(key)
        # who types cannot do what a letter does elsewhere, but can once that is left
        is_typing = screen.focused is not None and screen.focused.check_consume_key("a", "a")
        self._reachable = [] if is_typing else [type(node) for node, _ in chain]

    def keys(self, action: str) -> list[str]:
        """Keys of an action; for an action of the focused widget, the keys that it has there."""
        if action not in self._known:
            # the first screen is painted without what it does not show
            _import_all()
            self._known = _found()
        owner, binding = self._known.get(action, (None, None))
        if owner is None or binding is None:
            return []
        working = self._by_action.get(action)
        if working is None:
            if any(issubclass(node, owner) for node in self._reachable):
                # all of them do something else
                return []
            of_owner = owner._merge_bindings()
            of_owner.apply_keymap(self._keymap)
            working = [key for key, found in of_owner if found.id == action]
        wanted = self._keymap.get(action, binding.key).split(",")
        return [key_name(key) for key in wanted if key in working]

    def short(self, text: str) -> str:
        """A text with one key for each action it names, '' for those that no key does."""
        return _ACTIONS.sub(lambda found: " ".join(keys[0] for keys in self._of(found[1]) if keys), text)

    def full(self, text: str) -> str:
        """A text with all keys for each action it names."""
        return _ACTIONS.sub(lambda found: _together([keys for keys in self._of(found[1]) if keys]), text)

    def hints(self, hints: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Keys with their hints, without those that no key performs."""
        return [(key, self.short(what)) for key, what in ((self.short(key), what) for key, what in hints) if key]

    def rows(self, rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The same with all their keys."""
        return [(key, self.short(what)) for key, what in ((self.full(key), what) for key, what in rows) if key]

    def line(self, hints: Iterable[tuple[str, str]]) -> Line:
        """The same as a line."""
        line = Line()
        for key, what in self.hints(hints):
            line.add("  ").add(key, Role.ACCENT).add(f" {what}", Role.DIM)
        return line

    def _of(self, actions: str) -> list[list[str]]:
        return [self.keys(action) for action in actions.split()]


def _together(keys: list[list[str]]) -> str:
    """The first keys of all, then the second ones if all have one, and so on."""
    if len(keys) == 1:
        return " or ".join(keys[0])
    rounds = ([them[at] for them in keys if at < len(them)] for at in range(max(map(len, keys), default=0)))
    whole = takewhile(lambda them: len(them) == len(keys), rounds)
    return ", ".join("arrows" if set(them) <= _ARROWS else " ".join(them) for them in whole)
