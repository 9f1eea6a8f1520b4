"""The user's web browser, if there is one that opens a window."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")
_REMOTE: Final = ("SSH_CONNECTION", "SSH_TTY")
_TEXT_BROWSERS: Final = frozenset(("elinks", "links", "lynx", "w3m", "www-browser"))
"""Browsers that would draw on the terminal of the screen."""


def has_browser(environ: Mapping[str, str], platform: str) -> bool:
    """Test whether a browser can open a window where the user sits.

    Over SSH that is so only if BROWSER names one, as remote editors do. Raises ValueError for a malformed command.
    """
    command = shlex.split(environ.get("BROWSER", "").split(os.pathsep)[0])
    if command:
        return Path(command[0]).name not in _TEXT_BROWSERS
    if any(map(environ.get, _REMOTE)):
        return False
    return platform == "darwin" or any(map(environ.get, _DISPLAYS))


def open_in_browser(address: str) -> bool:
    """Open an address in a browser, without waiting for it. False if there is none."""
    try:
        if not has_browser(os.environ, sys.platform):
            return False
        # another process, as the browser may write to the terminal; -P, as the directory may have a file of that name
        subprocess.Popen(
            [sys.executable, "-P", "-m", "webbrowser", address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError):
        return False
    return True
