"""Pasted text is made safe before the input line paints it."""

from __future__ import annotations

from textual import events
from textual.app import App, ComposeResult

from tests.support.hostile import KINDS
from tests.support.texts import is_harmless
from tracetui.tui.widgets.safe_input import SafeInput


class _App(App[None]):
    def compose(self) -> ComposeResult:
        yield SafeInput()


async def test_pasted_text_is_made_safe() -> None:
    app = _App()
    async with app.run_test() as pilot:
        line = app.query_one(SafeInput)
        line.focus()
        for text in KINDS.values():
            line.post_message(events.Paste(text))
            await pilot.pause()
        assert "gpj.exe" in line.value
        assert is_harmless(line.value)
