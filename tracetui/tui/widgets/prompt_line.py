"""Line to search or filter with, for dialogs and panes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from tracetui.tui.keys.everywhere import ASK
from tracetui.tui.widgets.line_input import LineInput


class PromptLine(LineInput):
    """Line to search or filter with, hidden until it is needed."""

    BINDINGS: ClassVar[list[BindingType]] = ASK.bindings
    DEFAULT_CSS = "PromptLine { display: none; height: 1; padding: 0 1; }"

    @dataclass
    class Submitted(Message):
        """The text was submitted."""

        text: str

    @dataclass
    class Cancelled(Message):
        """The search was cancelled."""

    def open_with(self, text: str) -> None:
        """Show the line with this text and focus it."""
        self.put(text)
        self.display = True
        self.focus()

    def action_submit(self) -> None:
        self.display = False
        self.post_message(self.Submitted(self.text))

    def action_leave(self) -> None:
        self.display = False
        self.post_message(self.Cancelled())
