"""Input line for untrusted pasted text, which Textual's would paint unchanged."""

from __future__ import annotations

from textual.widgets import Input

from tracetui.render.text.safe_text import ascii_text, safe


class SafeInput(Input):
    """Input line that replaces control and invisible characters by visible ones."""

    def insert_text_at_cursor(self, text: str) -> None:
        shown = safe(text)
        super().insert_text_at_cursor(ascii_text(shown) if self.app.has_class("-ascii") else shown)
