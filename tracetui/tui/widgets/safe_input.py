"""Input line for untrusted pasted text, which Textual's would paint unchanged."""

from __future__ import annotations

from textual.widgets import Input

from tracetui.render.text.safe_text import safe


class SafeInput(Input):
    """Input line that replaces control and invisible characters by visible ones."""

    def insert_text_at_cursor(self, text: str) -> None:
        super().insert_text_at_cursor(safe(text))
