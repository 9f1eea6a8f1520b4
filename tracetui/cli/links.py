"""Hyperlinks in the output of commands: only on a terminal that knows them, and not in files and pipes."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, TextIO

from tracetui.config import Config, load_config
from tracetui.model.errors import UsageError
from tracetui.render.text import hyperlinks

if TYPE_CHECKING:
    from tracetui.session import Session


def has_links(stream: TextIO) -> bool:
    """Test whether a stream shows hyperlinks: the config file decides, by default what is known of the terminal."""
    return stream.isatty() and hyperlinks.are_wanted(_config().hyperlinks, os.environ)


def trace_page(session: Session) -> str:
    """Return the address of a trace's web page, as in `model.trace_page`, for standard output; '' for no hyperlinks."""
    if sys.stdout is None or not has_links(sys.stdout):
        return ""
    return session.server_page or _config().ui


def _config() -> Config:
    with contextlib.suppress(UsageError):
        return load_config()
    # the screen reports its faults; a report does not need it
    return Config()
