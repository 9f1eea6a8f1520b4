"""Text copied in each view, of traces with terminal and shell control characters in their names."""

from __future__ import annotations

import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.support.paths import CASES
from tests.support.trace_app import opened
from tracetui.tui.messages import ReadText
from tracetui.tui.terminal import tmux
from tracetui.tui.widgets.copy_menu import CopyMenu

HOSTILE = str(CASES / "fuzz-clipboard.json")


def is_safe(text: str) -> bool:
    return not any((ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in text)


@pytest.mark.parametrize("keys", ["3yn", "4y", "5y"])
async def test_name_is_copied_as_one_safe_line(keys: str) -> None:
    async with opened(HOSTILE) as (app, pilot):
        await pilot.press(*keys)
        assert app.clipboard
        assert is_safe(app.clipboard)
        assert "\n" not in app.clipboard
        assert any(word in app.clipboard for word in ("echo pasted", "rm -rf x", "s␛[31m"))


@pytest.mark.parametrize("view", ["1", "2"])
async def test_every_item_of_the_copy_menu_copies_safe_text(view: str) -> None:
    async with opened(HOSTILE) as (app, pilot):
        await pilot.press("enter", view, "y")
        assert isinstance(app.screen, CopyMenu)
        keys = [item.key for item in app.screen._items if not item.missing]
        assert len(keys) > 2
        await pilot.press("escape")
        for key in keys:
            await pilot.press("y", key)
            assert app.clipboard
            assert is_safe(app.clipboard), key


async def test_text_is_loaded_into_the_buffer_of_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default tmux ignores what applications copy."""
    loaded: list[str] = []
    monkeypatch.setattr(tmux, "load_buffer", loaded.append)
    monkeypatch.setenv("TMUX", "/tmp/tmux-1000/default,1,0")
    async with opened(HOSTILE) as (app, pilot):
        await pilot.press("3", "y", "n")
        assert loaded == [app.clipboard]


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_buffer_of_a_tmux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmp_path))
    monkeypatch.delenv("TMUX", raising=False)
    run = partial(subprocess.run, check=True, capture_output=True, text=True)
    run(["tmux", "-f", "/dev/null", "new-session", "-d", "sleep 60"])
    try:
        tmux.load_buffer("a ✖ b\nc")
        assert run(["tmux", "show-buffer"]).stdout == "a ✖ b\nc"
    finally:
        run(["tmux", "kill-server"])


def test_missing_tmux_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    tmux.load_buffer("text")


async def test_pager_copies_safe_text() -> None:
    async with opened(HOSTILE) as (app, pilot):
        app.on_read_text(ReadText("t", "a\x1b[201~\n\x9b31mb"))
        await pilot.press("y")
        assert app.clipboard == "a␛[201~\n�31mb"
