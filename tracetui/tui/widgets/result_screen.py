"""Result of an action as a full-screen list, with rows to read or choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType

from tracetui.render.text.line import Line, Role
from tracetui.tui.help import HelpScreen, Keys, with_key_names
from tracetui.tui.keys.dialogs import NORMAL_TRACE, RESULT
from tracetui.tui.keys.everywhere import LISTS
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import Look
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import HeadedSource, LineView

WHY: Final = -1
"""Result instead of a row if the user asks for root causes."""
_INDENT = 2


class ResultScreen(Dialog[int | None]):
    """Shows rows below a title; returns the row chosen, `WHY`, or None."""

    IS_PAGE = True
    BINDINGS: ClassVar[list[BindingType]] = [*RESULT.bindings, *NORMAL_TRACE.bindings]
    DEFAULT_CSS = """
    ResultScreen { background: $background; }
    ResultScreen LineView { height: 1fr; }
    """

    def __init__(
        self,
        look: Look,
        title: Sequence[Line],
        rows: HeadedSource,
        choose: str,
        keys: Keys,
        at: int = 0,
        step: Callable[[int], None] | None = None,
        *,
        offers_why: bool = False,
    ) -> None:
        """`choose`: effect of choosing a row, for the key hints; `keys`: for the help; `at`: row of the cursor;
        `step`: replaces the result by the comparison with the next (1) or previous (-1) normal trace, if there are any;
        offers_why: a key returns `WHY`.
        """
        super().__init__()
        self._step = step
        self._look, self._keys, self._at = look, keys, at
        self._rows = rows
        self._title = LineBar(look.theme)
        self._show_title(title)
        self._heading = LineBar(look.theme, self._heading_lines)
        self._view = LineView(look.theme, look.glyphs.cursor)
        moves = LISTS.hints("list.down list.up")
        self._offers_why = offers_why
        why = RESULT.hints("answer.why") if offers_why else ()
        steps = NORMAL_TRACE.hints("normal.next-value normal.previous-value") if step is not None else []
        hints = [("{list.open}", choose), *why, *steps, *moves, *RESULT.hints("answer.leave", "answer.keys")]
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

    def _show_title(self, title: Sequence[Line]) -> None:
        self._title.show(lambda width: [_indented(line, width) for line in title])
        self._title.styles.height = max(len(title), 1)

    def replace(self, title: Sequence[Line], rows: HeadedSource, at: int = 0) -> None:
        """Show another result, with the cursor on a row."""
        self._rows = rows
        self._show_title(title)
        self._heading.show(self._heading_lines)
        self._view.show(rows, at)

    def on_resize(self) -> None:
        self.call_after_refresh(self._heading.show, self._heading_lines)

    def _heading_lines(self, width: int) -> list[Line]:
        return [_indented(self._rows.heading(self._view.line_width), width)]

    def action_why(self) -> None:
        if self._offers_why:
            self.dismiss(WHY)

    def action_keys(self) -> None:
        shared = [*([NORMAL_TRACE] if self._step is not None else []), LISTS, RESULT]
        groups = [("This screen", self._keys), *((table.title, table.help) for table in shared)]
        self.app.push_screen(HelpScreen(self._look, with_key_names(groups, KeyNames(self), self._look.glyphs)))

    def action_step(self, step: int) -> None:
        if self._step is not None:
            self._step(step)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.dismiss(event.row)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()


def _indented(line: Line, width: int) -> Line:
    return Line([(" " * _INDENT, Role.PLAIN)]).extend(line).cropped(width)
