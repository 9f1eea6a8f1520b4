"""Dialog to mark several names in a list, which typing filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.traces.table import marked_glyph
from tracetui.tui.keys.dialogs import CHOICES
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import Look
from tracetui.tui.widgets.choice import BOX_CSS
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.widgets.line_view import LineView

_LONGEST_NAME = 200
_MAX_ROWS = 16
_NOTE_CELLS = 40


class _ChoiceRows:
    """A row for all matching names, and one for each name."""

    def __init__(self, names: Sequence[str], marked: set[str], all_text: str, cost: str, glyph: str, ellipsis: str):
        self._names, self._marked = names, marked
        self._all_text, self._cost = all_text, cost
        self._mark_glyph, self._ellipsis = glyph, ellipsis

    def __len__(self) -> int:
        return len(self._names) + 1

    def line(self, row: int, width: int) -> Line:
        if not row:
            room = max(width - min(cell_width(self._cost), _NOTE_CELLS) - 2, width // 2)
            line = Line([(fit(f"  {self._all_text}", room, "left", self._ellipsis), Role.PLAIN)])
            return line.add(f"  {self._cost}", Role.DIM).cropped(width, self._ellipsis)
        name = self._names[row - 1]
        is_marked = name in self._marked
        line = Line([(f"{self._mark_glyph if is_marked else ' '} ", Role.ACCENT)])
        return line.add(safe(name, _LONGEST_NAME), Role.STRONG if is_marked else Role.PLAIN).cropped(
            width, self._ellipsis
        )


class Choices(Dialog[Sequence[str] | None]):
    """Asks for some of many names; the result is these, or None."""

    BINDINGS: ClassVar[list[BindingType]] = CHOICES.bindings
    DEFAULT_CSS = BOX_CSS.replace("NAME", "Choices")

    def __init__(
        self,
        look: Look,
        title: str,
        names: Sequence[str],
        cost: Callable[[int], str],
        marked: Sequence[str] = (),
    ) -> None:
        """`title` must be safe to show; `cost` describes the cost of a number of names; `marked`: initially marked."""
        super().__init__()
        self._look = look
        self._title = title
        self._cost = cost
        self._all = list(names)
        self._lowered = [name.lower() for name in self._all]
        self._matches: Sequence[str] = self._all
        self._marked = set(marked) & set(self._all)

    def compose(self) -> ComposeResult:
        theme = self._look.theme
        view = LineView(theme, self._look.glyphs.cursor, id="choices-list")
        # the input keeps the focus, so that typing always works
        view.can_focus = False
        view.looks_focused = True
        view.styles.height = min(len(self._all) + 1, _MAX_ROWS)
        with Vertical():
            yield LineBar(theme, self._heading, id="choices-title")
            yield LineInput(theme, prompt="> ", hint="type to filter", id="choices-input")
            yield view
            yield LineBar(theme, self._keys, id="choices-keys")

    def composed(self) -> None:
        self.query_one(LineInput).focus()
        # place the cursor below the row for all names, which may be expensive
        self._show(1)

    def _show(self, cursor: int) -> None:
        glyphs, count = self._look.glyphs, len(self._matches)
        all_text = f"all {count:,}" + (" that match" if count < len(self._all) else "")
        rows = _ChoiceRows(
            self._matches, self._marked, all_text, self._cost(count), marked_glyph(glyphs), glyphs.ellipsis
        )
        self.query_one(LineView).show(rows, min(cursor, count))
        self.query_one("#choices-title", LineBar).show(self._heading)
        self.query_one("#choices-keys", LineBar).show(self._keys)

    def _heading(self, width: int) -> list[Line]:
        count = f"{len(self._marked):,} marked" if self._marked else f"{len(self._matches):,} of {len(self._all):,}"
        title = Line([(self._title, Role.TITLE)]).cropped(max(width - len(count) - 1, 1), self._look.glyphs.ellipsis)
        return [title.pad(width - len(count)).add(count, Role.DIM)]

    def _keys(self, width: int) -> list[Line]:
        taken = f"the {len(self._marked):,} marked" if self._marked else "this line"
        text = f"{{choices.mark}} marks, {{choices.take}} takes {taken}, {{choices.leave}} cancels"
        return [Line([(KeyNames(self).short(text), Role.DIM)]).cropped(width, self._look.glyphs.ellipsis)]

    def on_line_input_changed(self, event: LineInput.Changed) -> None:
        event.stop()
        words = event.text.lower().split()
        self._matches = [
            name
            for name, lowered in zip(self._all, self._lowered, strict=True)
            if all(word in lowered for word in words)
        ]
        self._show(1)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.action_mark()

    def action_mark(self) -> None:
        row = self.query_one(LineView).cursor
        names = set(self._matches if not row else self._matches[row - 1 : row])
        if names <= self._marked:
            self._marked -= names
        else:
            self._marked |= names
        self._show(row + 1 if row else row)

    def action_take(self) -> None:
        row = self.query_one(LineView).cursor
        chosen = [name for name in self._all if name in self._marked]
        chosen = chosen or list(self._matches if not row else self._matches[row - 1 : row])
        if chosen:
            self.dismiss(chosen)

    def action_move(self, rows: int) -> None:
        self.query_one(LineView).action_move(rows)

    def action_page(self, pages: int) -> None:
        self.query_one(LineView).action_page(pages)
