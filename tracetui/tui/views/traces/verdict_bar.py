"""Verdict over the list of traces: what fails and what takes the time, with the keys of the views that show it."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.render.text.line import Line, Role
from tracetui.render.verdict import Statement
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import Look
from tracetui.tui.widgets.line_bar import LineBar

_INDENT = " "


class VerdictBar(LineBar):
    """Statements of a verdict, one line each."""

    DEFAULT_CSS = "VerdictBar { display: none; }"

    def __init__(self, look: Look, *, id: str) -> None:  # noqa: A002
        super().__init__(look.theme, id=id)
        self._appearance = look
        self.has_verdict = False
        """True once there is a verdict."""

    def show_statements(self, statements: Sequence[Statement], names: KeyNames) -> None:
        """Show a verdict; none hides the bar."""
        self.has_verdict = bool(statements)
        self.styles.height = len(statements)
        hints = [names.short(f"{{{one.shortcut}}} opens") if one.shortcut else "" for one in statements]
        self.show(lambda width: [self._line(*pair, width) for pair in zip(statements, hints, strict=True)])

    def _line(self, statement: Statement, hint: str, width: int) -> Line:
        room = width - len(hint) - 2 if hint else width
        has_hint = bool(hint) and room >= width // 2
        room = room if has_hint else width
        line = Line([(_INDENT, Role.PLAIN)])
        line.extend(statement.line(room - len(_INDENT), self._appearance.glyphs.ellipsis))
        return line.pad(room).add(f" {hint}", Role.DIM) if has_hint else line
