"""Single-line text input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import ascii_text, safe
from tracetui.render.text.theme import REVERSED, Theme
from tracetui.tui.keys.everywhere import EDIT

_LONGEST = 10_000
_LEAST_CELLS = 24
"""Cells that the text on the right leaves to the input."""


class LineInput(Widget, can_focus=True):
    """Single-line text input. Its content may be untrusted; the cursor does not blink."""

    BINDINGS: ClassVar[list[BindingType]] = EDIT.bindings
    DEFAULT_CSS = "LineInput { height: 1; background: $background; color: $foreground; }"

    @dataclass
    class Changed(Message):
        """The text or the cursor position has changed."""

        input: LineInput
        text: str

    def __init__(
        self,
        theme: Theme,
        *,
        prompt: str = "",
        hint: str = "",
        invitation: str = "",
        id: str | None = None,  # noqa: A002
    ) -> None:
        """`hint` is shown while it is empty; without the focus `invitation` precedes it."""
        super().__init__(id=id)
        self._look = theme
        self._prompt = prompt
        self._hint, self._invitation = hint, invitation
        self.text = ""
        self.cursor = 0
        self._right, self._short_right = Line(), Line()
        self._scrolled = 0

    def set_look(self, theme: Theme) -> None:
        self._look = theme
        self.refresh()

    def show_right(self, line: Line, short: Line | None = None) -> None:
        """Show a text at the right end of the line, or its short form, if any, if the input needs the room."""
        short = line if short is None else short
        if (line, short) != (self._right, self._short_right):
            self._right, self._short_right = line, short
            self.refresh()

    def put(self, text: str, cursor: int | None = None) -> None:
        """Set the text, and the cursor to its end or to `cursor`."""
        text = text[:_LONGEST]
        cursor = len(text) if cursor is None else min(max(cursor, 0), len(text))
        if (text, cursor) != (self.text, self.cursor):
            self.text, self.cursor = text, cursor
            self.refresh()
            self.post_message(self.Changed(self, text))

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        return character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        if event.is_printable and event.character:
            event.stop()
            event.prevent_default()
            self._insert(event.character)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.insert_pasted(" ".join(event.text[:_LONGEST].split()))

    def insert_pasted(self, text: str) -> None:
        """Insert a pasted text at the cursor."""
        self._insert(text)

    def on_click(self, event: events.Click) -> None:
        cell = event.x - cell_width(self._prompt)
        at = self._scrolled
        for piece in self._pieces()[self._scrolled :]:
            cell -= cell_width(piece)
            if cell < 0:
                break
            at += 1
        self.put(self.text, at)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _insert(self, text: str) -> None:
        self.put(self.text[: self.cursor] + text + self.text[self.cursor :], self.cursor + len(text))

    def _word_end(self, step: int) -> int:
        at = self.cursor
        before = -1 if step < 0 else 0
        for blank in (True, False):
            while 0 <= at + before < len(self.text) and self.text[at + before].isspace() is blank:
                at += step
        return at

    def action_go(self, step: int) -> None:
        self.put(self.text, self.cursor + step)

    def action_go_word(self, step: int) -> None:
        self.put(self.text, self._word_end(step))

    def action_jump(self, end: bool) -> None:
        self.put(self.text, len(self.text) if end else 0)

    def action_delete(self, step: int) -> None:
        begin, stop = sorted((self.cursor, min(max(self.cursor + step, 0), len(self.text))))
        self.put(self.text[:begin] + self.text[stop:], begin)

    def action_delete_word(self) -> None:
        begin = self._word_end(-1)
        self.put(self.text[:begin] + self.text[self.cursor :], begin)

    def action_clear(self) -> None:
        self.put("")

    def _pieces(self) -> list[str]:
        """Return each character as it is displayed."""
        return [character if " " <= character <= "~" else self._safe(character) for character in self.text]

    def _safe(self, character: str) -> str:
        return ascii_text(safe(character)) if self.app.has_class("-ascii") else safe(character)

    def column_of(self, position: int) -> int:
        """Return the cell at which a position of the text is displayed."""
        pieces = self._pieces()[self._scrolled : max(position, self._scrolled)]
        return cell_width(self._prompt) + sum(map(cell_width, pieces))

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y:
            return Strip.blank(width, base)

        def styled(text: str, role: str = Role.PLAIN) -> Segment:
            return Segment(text, base + self._look.style(role))

        needed = cell_width(self._prompt) + sum(map(cell_width, self._pieces())) + 2
        right = self._right
        if self.text and needed + right.width > width:
            right = self._short_right
        if right.width + _LEAST_CELLS > width:
            right = Line()
        room = max(width - cell_width(self._prompt) - right.width - (1 if right.runs else 0), 4)
        segments = [styled(self._prompt, Role.DIM)]
        if self.text:
            segments += self._text_segments(room, base)
        elif self.has_focus:
            # keep the hint visible with the focus, as some dialogs open focused
            segments += [Segment(" ", base + self._look.style(Role.PLAIN) + REVERSED)]
            segments += [styled(fit(_fitting((self._hint,), room - 1), room - 1), Role.DIM)]
        else:
            hints = self._invitation + self._hint, self._invitation.rstrip(": ")
            segments.append(styled(fit(_fitting(hints, room), room), Role.DIM))
        if right.runs:
            segments.append(styled(" "))
            segments += [styled(text, role) for text, role in right.runs]
        return Strip(segments).adjust_cell_length(width, base)

    def _text_segments(self, room: int, base: Style) -> list[Segment]:
        pieces = [*self._pieces(), " "]
        widths = [cell_width(piece) for piece in pieces]
        # without the focus show the beginning; after a deletion, scroll back into the free room
        self._scrolled = min(self._scrolled, self.cursor) if self.has_focus else 0
        while self._scrolled and sum(widths[self._scrolled - 1 :]) <= room:
            self._scrolled -= 1
        while self.has_focus and sum(widths[self._scrolled : self.cursor + 1]) > room and self._scrolled < self.cursor:
            self._scrolled += 1
        stop, left = self._scrolled, room
        while stop < len(pieces) and widths[stop] <= left:
            left -= widths[stop]
            stop += 1
        if stop < len(self.text) and not self.has_focus:
            # a part that looks whole would be another text
            while stop and left < 1:
                stop -= 1
                left += widths[stop]
            pieces[stop], stop, left = ("~" if self.app.has_class("-ascii") else "…"), stop + 1, left - 1
        plain = base + self._look.style(Role.PLAIN)
        cursor = plain + REVERSED if self.has_focus else plain
        return [
            Segment("".join(pieces[self._scrolled : min(self.cursor, stop)]), plain),
            Segment("".join(pieces[self.cursor : min(self.cursor + 1, stop)]), cursor),
            Segment("".join(pieces[self.cursor + 1 : stop]) + " " * left, plain),
        ]


def _fitting(texts: Sequence[str], room: int) -> str:
    """Return the first text that fits whole, as the text at the right would read like the end of a cut one."""
    return next((text for text in texts if cell_width(text) <= room), "")
