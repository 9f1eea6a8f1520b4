"""Full-screen list under a heading, with rows to read or choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tracetui.render.text.line import Line, Role
from tracetui.tui.help import LIST_KEYS, HelpScreen, Keys
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import Look
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import HeadedSource, LineView

_INDENT = 2
_CLOSE_KEYS = ("Everywhere", (("{answer.leave}", "back to the view"), ("{app.quit-at-once}", "quit")))


class AnswerScreen(Dialog[int | None]):
    """Shows rows; the result is the row chosen with Enter, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Leave", show=False, id="answer.leave"),
        Binding("question_mark", "keys", "Keys", show=False, id="answer.keys"),
    ]
    DEFAULT_CSS = """
    AnswerScreen { background: $background; }
    AnswerScreen LineView { height: 1fr; }
    """

    def __init__(
        self, look: Look, title: Sequence[Line], rows: HeadedSource, choose: str, keys: Keys, at: int = 0
    ) -> None:
        """`choose`: effect of Enter in the key hints; `keys`: for the help; `at`: row of the cursor."""
        super().__init__()
        self._look, self._keys, self._at = look, keys, at
        self._rows = rows
        self._title = LineBar(look.theme, lambda width: [_indented(line, width) for line in title])
        self._title.styles.height = max(len(title), 1)
        self._heading = LineBar(look.theme, self._heading_lines)
        self._view = LineView(look.theme, look.glyphs.cursor)
        hints = (
            ("{list.open}", choose),
            ("{list.down list.up}", "down, up"),
            ("{answer.leave}", "back"),
            ("{answer.keys}", "keys"),
        )
        self._hints = LineBar(look.theme, lambda width: [KeyNames(self).line(hints).cropped(width)])

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._heading
        yield self._view
        yield self._hints

    def composed(self) -> None:
        self._view.show(self._rows, self._at)
        self._view.focus()
        self.call_after_refresh(self._heading.show, self._heading_lines)

    def on_resize(self) -> None:
        self.call_after_refresh(self._heading.show, self._heading_lines)

    def _heading_lines(self, width: int) -> list[Line]:
        return [_indented(self._rows.heading(self._view.line_width), width)]

    def action_keys(self) -> None:
        groups = [("This answer", self._keys), ("Lists", LIST_KEYS), _CLOSE_KEYS]
        self.app.push_screen(HelpScreen(self._look, groups, KeyNames(self)))

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.dismiss(event.row)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()


def _indented(line: Line, width: int) -> Line:
    return Line([(" " * _INDENT, Role.PLAIN)]).extend(line).cropped(width)
