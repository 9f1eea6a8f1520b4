"""Textual's input line for pasted text from outside, which it would paint unchanged."""

from __future__ import annotations

from textual.widgets import Input

from tracetui.render.text.safe_text import safe


class SafeInput(Input):
    """Input line that replaces control and invisible characters by visible ones."""

    def insert_text_at_cursor(self, text: str) -> None:
        super().insert_text_at_cursor(safe(text))
