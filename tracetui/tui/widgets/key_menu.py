"""Body of a menu whose items have a key each."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from tracetui.render.text.line import Line, Role
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import Look
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView

_CELLS = 36
_EDGES = 4
_BEFORE_TITLE = 5
"""Cells of the cursor and the key."""


class _Items:
    """Keys and titles as lines."""

    def __init__(self, items: Sequence[tuple[str, str]]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def line(self, row: int, width: int) -> Line:
        key, title = self._items[row]
        return Line([(f"{key:<2} ", Role.ACCENT), (title, Role.PLAIN)]).cropped(width)


class KeyMenu(Vertical):
    """Titled box with the items of a menu, for a dialog with a key for each item."""

    DEFAULT_CSS = """
    KeyMenu {
        max-width: 96%; height: auto; max-height: 96%;
        border: round $foreground 50%; padding: 0 1; background: $background;
    }
    KeyMenu:ansi { border: round ansi_default; background: ansi_default; }
    KeyMenu LineView { max-height: 100%; }
    KeyMenu LineBar { background: transparent; }
    """

    def __init__(self, look: Look, title: str, items: Sequence[tuple[str, str]], note: str = "") -> None:
        """`items`: the action that names the key, and the safe title of each; `note`: a safe text below them."""
        super().__init__()
        self.border_title = title
        self._look, self._items, self._note = look, items, note
        titles = max((len(title) for _, title in items), default=0)
        self.styles.width = max(_CELLS, titles + _BEFORE_TITLE + _EDGES, len(note) + _EDGES)

    def compose(self) -> ComposeResult:
        view = LineView(self._look.theme, self._look.glyphs.cursor)
        view.styles.height = len(self._items)
        yield view
        if self._note:
            yield LineBar(self._look.theme, lambda width: [Line([(self._note, Role.DIM)]).cropped(width)])

    def show(self) -> None:
        """Show the items and take the focus, once mounted."""
        names, view = KeyNames(self.screen), self.query_one(LineView)
        view.show(_Items([(names.short(f"{{{action}}}"), title) for action, title in self._items]))
        view.focus()
