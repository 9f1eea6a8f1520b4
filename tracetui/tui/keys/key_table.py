"""Tables of keys, from which bindings, help, hints, palette and `docs/keys.md` are made.

Texts name a key by its action in braces, `{app.keys}`, or related ones together, `{list.down list.up}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from textual.binding import Binding, BindingType

ABOVE = "explained by the row above"
"""Help of a key that shares the row of the key above it."""
_NO_KEY = "none:"
"""Prefix of the pseudo key of an action without a key. No terminal sends it; users' keymaps can replace it."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """Action and its keys.

    id: as named by texts and by users' keymaps, so it never changes; keys: comma-separated, the first is the one that
    hints name, none if the action is in a menu only; title: in the palette; help: in the help, '' for the title; hint:
    in the last line; former: keys of the last release, which work until the next one and are not shown; words: others
    that find it in the palette; listed_words: returns more of them, which the things that it lists name.
    """

    id: str
    keys: str
    action: str
    title: str
    help: str = ""
    hint: str = ""
    former: str = ""
    priority: bool = False
    words: str = ""
    listed_words: Callable[[], str] | None = None

    @property
    def palette_words(self) -> str:
        """All words besides the title that find it in the palette, in lower case."""
        more = f" {self.listed_words()}" if self.listed_words is not None else ""
        return f"{self.words}{more}".lower()

    @property
    def binding(self) -> Binding:
        keys = ",".join(filter(None, (self.keys, self.former))) or f"{_NO_KEY}{self.id}"
        return Binding(keys, self.action, self.title, show=False, id=self.id, priority=self.priority)

    @property
    def help_text(self) -> str:
        return self.help or self.title[0].lower() + self.title[1:]


@dataclass(frozen=True, slots=True)
class Use:
    """Effect of keys of another table here; `keys` are named by their actions."""

    keys: str
    help: str
    hint: str = ""


class KeyTable:
    """Keys of a view, a dialog or a widget, in the order of the help."""

    def __init__(
        self,
        title: str,
        *rows: Shortcut | Use,
        glyphs: tuple[tuple[str, str], ...] = (),
        words: tuple[tuple[str, str], ...] = (),
        in_palette: bool = True,
    ) -> None:
        """`glyphs`, `words`: glyphs, and headings and terms, with their meanings for the help; in_palette: whether the
        palette runs the actions.
        """
        self.title, self.rows, self.glyphs, self.words, self.in_palette = title, rows, glyphs, words, in_palette

    @property
    def keys(self) -> Iterator[Shortcut]:
        return (row for row in self.rows if isinstance(row, Shortcut))

    @property
    def bindings(self) -> list[BindingType]:
        return [key.binding for key in self.keys]

    @property
    def help(self) -> list[tuple[str, str]]:
        """Pairs of keys, named by their actions, and texts."""
        rows: list[tuple[list[str], str]] = []
        for row in self.rows:
            if isinstance(row, Use):
                rows.append(([row.keys], row.help))
            elif row.help == ABOVE:
                rows[-1][0].append(row.id)
            else:
                rows.append(([row.id], row.help_text))
        return [(f"{{{' '.join(ids)}}}", text) for ids, text in rows]

    def hints(self, *actions: str) -> list[tuple[str, str]]:
        """Return pairs of keys, named by their actions, and the hint of the first; related ones are in one text."""
        hints = {key.id: key.hint for key in self.keys}
        hints |= {row.keys: row.hint for row in self.rows if isinstance(row, Use)}
        return [(f"{{{related}}}", hints[related.split()[0]]) for related in actions]
