"""`python -m tracetui.tui.keys.document`: print `docs/keys.md`, which describes all keys."""

from __future__ import annotations

from tracetui.tui.keys.key_table import KeyTable
from tracetui.tui.keys.keymap import key_name, named
from tracetui.tui.keys.registry import KEYS, TABLES

_HEAD = """\
# Keys

`?` lists the keys of the current view, `:` runs every action by name. A key has the same meaning in every view that has
it. The config file can set others by the id of the action, also for actions that have no key of their own:

    [keymap]
    "app.quit" = "q,ctrl+x"
    "waterfall.fold-service" = "f6"

Former keys work until the next release.
"""


def _keys(keys: str) -> str:
    return " ".join(f"`{key_name(key)}`".replace("|", "\\|") for key in keys.split(",") if key)


def _joined(texts: list[str]) -> str:
    return ", ".join(filter(None, texts))


def _table(table: KeyTable) -> list[str]:
    lines = ["", f"## {table.title}", "", "| keys | effect | ids | former keys |", "| --- | --- | --- | --- |"]
    for actions, text in table.help:
        keys = [KEYS[action] for action in actions[1:-1].split()]
        own = [key for key in keys if key in table.keys]
        shown = _joined([_keys(key.keys) for key in keys])
        effect = named(text, lambda action: [key_name(key) for key in KEYS[action].keys.split(",") if key])
        ids = _joined([f"`{key.id}`" for key in own])
        former = _joined([f"{_keys(key.former)} ({key.title.lower()})" for key in own if key.former])
        lines.append(f"| {shown} | {effect.replace('|', chr(92) + '|')} | {ids} | {former} |")
    return lines


def document() -> str:
    """Return the page, in Markdown."""
    return "\n".join([_HEAD.rstrip(), *(line for table in TABLES for line in _table(table))]) + "\n"


if __name__ == "__main__":
    print(document(), end="")
