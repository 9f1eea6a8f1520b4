"""Keys of actions: the user's keymap, and keys in texts.

Texts name an action by its id in braces, `{app.keys}`, or related ones together, `{list.down list.up}`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import takewhile
from typing import Any

from textual.binding import BindingsMap
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, format_key
from textual.screen import Screen

from tracetui.model.errors import UsageError
from tracetui.render.text.line import Line, Role
from tracetui.tui.keys.registry import KEYS, TABLE_OF
from tracetui.tui.terminal.textual_internals import binding_chain, keymap_of

_MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
_NAMED = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())


def check_keymap(keymap: Mapping[str, str]) -> None:
    """Check a keymap. Raises UsageError for an unknown action or key."""
    for action, keys in keymap.items():
        if action not in KEYS:
            matches = get_close_matches(action, KEYS, 3)
            hint = f"; did you mean {' or '.join(matches)}?" if matches else ""
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
    """Return rebound actions with their descriptions, as rows for the help screen."""
    return [(f"{{{action}}}", KEYS[action].title) for action in keymap if action in KEYS]


_ACTIONS = re.compile(r"\{([a-z-]+\.[a-z-]+(?: [a-z-]+\.[a-z-]+)*)\}")
_ARROWS = {"Up", "Down", "Left", "Right"}
_SHORT = {"escape": "Esc", "pagedown": "PgDn", "pageup": "PgUp", "delete": "Del", "insert": "Ins"}


@lru_cache
def key_name(key: str) -> str:
    """Display name of a key."""
    *modifiers, base = key.split("+") if len(key) > 1 else [key]
    symbol = format_key(base)
    if base in _NAMED and base in _SHORT:
        named = _SHORT[base]
    elif len(base) > 1 and len(symbol) == 1 and base not in {key.value for key in Keys}:
        named = symbol
    else:
        named = base if len(base) == 1 else base.title()
    return "+".join([*(modifier.title() for modifier in modifiers), named])


def named(text: str, keys_of: Callable[[str], Sequence[str]]) -> str:
    """Replace each action in a text by the first of its keys, or '' if it has none."""

    def names(match: re.Match[str]) -> str:
        return _collapsed([keys[0] for keys in map(keys_of, match[1].split()) if keys])

    return _ACTIONS.sub(names, text)


class KeyNames:
    """Current keys of actions, under the user's keymap and at the current focus."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._keymap = keymap_of(screen.app)
        self._by_action: dict[str, list[str]] = {}
        """Keys of the actions that are available at the focus."""
        chain = binding_chain(screen)
        # bindings without an id are Textual's own
        available = [(key, binding) for _, bindings in chain for key, binding in bindings if binding.id]
        by_key: dict[str, str] = {}
        for key, binding in sorted(available, key=lambda pair: not pair[1].priority):
            by_key.setdefault(key, binding.id or "")
        for key, action in by_key.items():
            self._by_action.setdefault(action, []).append(key)
        # include actions on letter keys while text is typed, as they work once the input is closed
        is_typing = screen.focused is not None and screen.focused.check_consume_key("a", "a")
        ids = () if is_typing else (binding.id for _, binding in available)
        self._reachable = {TABLE_OF[action] for action in ids if action is not None and action in TABLE_OF}

    def keys(self, action: str) -> list[str]:
        """Return the keys of an action, without former ones and those that the focused widget uses otherwise."""
        return list(map(key_name, self._pressed(action)))

    def _pressed(self, action: str) -> list[str]:
        """Return the same keys as Textual names them."""
        key = KEYS.get(action)
        if key is None:
            return []
        table, working = TABLE_OF[action], self._by_action.get(action)
        if working is None:
            if table in self._reachable:
                # all its keys have another effect here
                return []
            bound = BindingsMap(table.bindings)
            bound.apply_keymap(dict(self._keymap))
            working = [key for key, binding in bound if binding.id == action]
        wanted = self._keymap.get(action, key.keys).split(",")
        return [key for key in wanted if key in working]

    def short(self, text: str) -> str:
        """Replace each action in a text by its first key, or '' if it has none."""
        return named(text, self.keys)

    def full(self, text: str) -> str:
        """Replace each action in a text by all its keys."""
        return _ACTIONS.sub(lambda match: _joined([keys for keys in self._keys_of(match[1]) if keys]), text)

    def hints(self, hints: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return pairs of a key and its effect, without actions that have no key."""
        return [(key, self.short(what)) for key, what in ((self.short(key), what) for key, what in hints) if key]

    def pressed(self, hints: Iterable[tuple[str, str]]) -> list[str]:
        """Return the first key of each of `hints` as Textual names it."""
        actions = (match[1].split() for key, _ in hints if (match := _ACTIONS.search(key)))
        keys = ([key for action in named for key in self._pressed(action)] for named in actions)
        return [found[0] for found in keys if found]

    def rows(self, rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the same pairs with all keys of each action."""
        return [(key, self.short(what)) for key, what in ((self.full(key), what) for key, what in rows) if key]

    def line(self, hints: Iterable[tuple[str, str]]) -> Line:
        """Return `hints` as a line."""
        line = Line()
        for key, what in self.hints(hints):
            line.add("  ").add(key, Role.ACCENT).add(f" {what}", Role.DIM)
        return line

    def _keys_of(self, actions: str) -> list[list[str]]:
        return [self.keys(action) for action in actions.split()]


def _joined(keys: list[list[str]]) -> str:
    """Join the first keys of all actions, then the second keys if all have one, and so on."""
    if len(keys) == 1:
        return " or ".join(keys[0])
    rounds = ([them[i] for them in keys if i < len(them)] for i in range(max(map(len, keys), default=0)))
    complete = takewhile(lambda one: len(one) == len(keys), rounds)
    return ", ".join(map(_collapsed, complete))


def _collapsed(keys: list[str]) -> str:
    """Join keys of related actions, several arrows as one word."""
    modifiers = {key.rpartition("+")[0] for key in keys}
    if len(keys) > 1 and len(modifiers) == 1 and {key.rpartition("+")[2] for key in keys} <= _ARROWS:
        return "+".join(filter(None, [*modifiers, "arrows"]))
    return " ".join(keys)
