"""The paste buffer of tmux, which by default ignores what applications copy to the clipboard (OSC 52)."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import Final

_SECONDS: Final = 5


def is_inside() -> bool:
    """Test whether the terminal is one of tmux."""
    return bool(os.environ.get("TMUX"))


def load_buffer(text: str) -> None:
    """Load text into the paste buffer of tmux, which passes it on to its own terminal. Ignores errors.

    Versions before 3.2 only keep it (https://github.com/tmux/tmux/wiki/Clipboard).
    """
    with contextlib.suppress(OSError, subprocess.SubprocessError, UnicodeError):
        if _load("-w", text=text):
            _load(text=text)


def _load(*options: str, text: str) -> int:
    return subprocess.run(
        ["tmux", "load-buffer", *options, "-"],
        input=text.encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=False,
    ).returncode
