"""The config file: what it can say, and what is said of mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_tui_app import INCIDENT, CountingApp, settled
from tracetui.model.problems import UsageError
from tracetui.tui.help import HelpScreen
from tracetui.tui.run import run_app
from tracetui.tui.settings import Settings, load_settings
from tracetui.tui.state import State


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "config.toml") == Settings()


def test_everything_can_be_set(tmp_path: Path) -> None:
    text = 'theme = "ansi-dark"\nascii = true\nmouse = false\nlocal_time = true\n[keymap]\n"app.quit" = "f10"\n'
    expected = Settings("ansi-dark", True, False, True, {"app.quit": "f10"})
    assert load_settings(written(tmp_path, text)) == expected


@pytest.mark.parametrize("text", ["theme =", 'theme = "pink"', "colour = 1", "mouse = 3", "[keymap]\nx = 1", "\x00"])
def test_mistakes_are_named_with_the_file(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=str(path)):
        load_settings(path)


def test_a_home_that_is_none_has_no_settings(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    assert load_settings(file / "tracetui" / "config.toml") == Settings()


def test_a_mistake_in_the_keys_is_named_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=rf"{tmp_path}/tracetui/config.toml: keymap: app.quit: there is no key"):
        run_app([INCIDENT], Settings(keymap={"app.quit": "crtl+x"}))


async def test_keys_can_be_rebound() -> None:
    app = CountingApp(State(sources=(INCIDENT,)))
    app.set_keymap({"app.keys": "f1", "list.down": "x"})
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        before = app.state.trace
        await pilot.press("x")
        await settled(app, pilot)
        assert app.state.trace != before
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)
