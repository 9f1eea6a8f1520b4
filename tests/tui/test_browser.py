"""Web browsers that can show a page where the user sits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tracetui.tui.browser import has_browser, open_in_browser


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"WSL_DISTRO_NAME": "Ubuntu"}, "linux", True),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "darwin", False),
        ({"SSH_TTY": "/dev/pts/1", "DISPLAY": ":10"}, "linux", False),
        ({"SSH_TTY": "/dev/pts/1", "BROWSER": "/usr/lib/code/browser.sh"}, "linux", True),
        ({"BROWSER": "w3m"}, "linux", False),
        ({"BROWSER": "/usr/bin/lynx %s:firefox", "DISPLAY": ":0"}, "linux", False),
        ({"BROWSER": " "}, "linux", False),
    ],
)
def test_browser_must_open_a_window_for_the_user(environ: dict[str, str], platform: str, expected: bool) -> None:
    assert has_browser(environ, platform) is expected


def test_browser_cannot_write_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], dict[str, Any]]] = []

    def start(command: list[str], **options: Any) -> None:
        started.append((command, options))

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setenv("BROWSER", "firefox")
    assert open_in_browser("https://jaeger.example/trace/ab")
    ((command, options),) = started
    assert command == [sys.executable, "-P", "-m", "webbrowser", "https://jaeger.example/trace/ab"]
    assert {options[name] for name in ("stdin", "stdout", "stderr")} == {subprocess.DEVNULL}
    assert options["start_new_session"]


def test_browser_module_is_not_taken_from_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "webbrowser.py").write_text("open('executed', 'w')")
    processes: list[subprocess.Popen[bytes]] = []

    class Started(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Started)
    monkeypatch.setenv("BROWSER", "true")
    monkeypatch.chdir(tmp_path)
    assert open_in_browser("https://jaeger.example/trace/ab")
    (process,) = processes
    process.wait(timeout=300)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("browser", ["'unbalanced", ""])
def test_no_browser(browser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BROWSER", browser)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not open_in_browser("https://jaeger.example/trace/ab")
