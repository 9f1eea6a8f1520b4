"""The keys of the view one is in, on `?`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tracetui.render.cells import cell_width
from tracetui.render.line import Line, Role
from tracetui.tui.state import Look
from tracetui.tui.widgets.line_view import LineView

Keys = Sequence[tuple[str, str]]


class _KeyLines:
    """Groups of keys, a heading before each."""

    def __init__(self, groups: Sequence[tuple[str, Keys]]) -> None:
        self._rows: list[Line] = []
        keys = [key for _, group in groups for key, _ in group]
        column = max(map(cell_width, keys), default=0) + 2
        for title, group in groups:
            if not group:
                continue
            if self._rows:
                self._rows.append(Line())
            self._rows.append(Line([(title, Role.TITLE)]))
            for key, what in group:
                self._rows.append(Line([(f"  {key}".ljust(column + 2), Role.ACCENT), (what, Role.PLAIN)]))

    def __len__(self) -> int:
        return len(self._rows)

    def line(self, row: int, width: int) -> Line:
        return self._rows[row].cropped(width)


class HelpScreen(ModalScreen[None]):
    """Lists keys; any of the keys that open or close things closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss(None)", "Close", show=False, id="help.close")
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 90%;
        border: round $foreground 50%; padding: 0 1; background: $background;
    }
    HelpScreen LineView { height: auto; max-height: 100%; }
    """

    def __init__(self, look: Look, groups: Sequence[tuple[str, Keys]]) -> None:
        super().__init__()
        self._look = look
        self._lines = _KeyLines(groups)

    def compose(self) -> ComposeResult:
        view = LineView(self._look.theme, self._look.marks.cursor)
        view.styles.height = len(self._lines)
        with Vertical():
            yield view

    def on_mount(self) -> None:
        view = self.query_one(LineView)
        view.show(self._lines)
        view.focus()
