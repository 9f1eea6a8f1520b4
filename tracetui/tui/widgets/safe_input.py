"""Textual's input line, for text that may be pasted from anywhere: it paints what is in it as it is."""

from __future__ import annotations

from textual.widgets import Input

from tracetui.render.text.safe_text import safe


class SafeInput(Input):
    """An input line that takes no character which a terminal obeys or hides; stand-ins take their places."""

    def insert_text_at_cursor(self, text: str) -> None:
        super().insert_text_at_cursor(safe(text))
