"""Load sources with a progress line on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tracetui.cli.output import print_message
from tracetui.config import Overrides
from tracetui.ingest.loader import LoadProgress
from tracetui.ingest.servers.pool import SearchReport
from tracetui.ingest.servers.resolve import Server, servers_of
from tracetui.render.text.cells import cut
from tracetui.render.text.numbers import short_count
from tracetui.render.text.safe_text import safe
from tracetui.session import LoadOptions, Session

_SHOWN_AFTER = 0.5
"""Seconds after which loading of files shows a progress line."""
_WAIT_ANNOUNCED_AFTER = 1.0
"""Seconds without a span after which a pipe that is read is named."""
_INTERVAL = 0.1
"""Seconds between updates of the line."""
_ERASE = "\r\x1b[K"


class _ProgressLine:
    """Progress line on a terminal, overwritten in place; for files it appears after half a second."""

    def __init__(self, delay: float) -> None:
        self._next_update = time.monotonic() + delay
        self._shown = False
        self._started = time.monotonic()
        self._waits_announced: set[str] = set()
        # a dumb terminal cannot overwrite the line
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __call__(self, progress: LoadProgress) -> None:
        now = time.monotonic()
        name = progress.name
        if now > self._started + _WAIT_ANNOUNCED_AFTER and not progress.spans and name not in self._waits_announced:
            self._waits_announced.add(name)
            if Path(name).is_fifo():
                self.erase()
                print_message(f"waiting for data from the pipe {name}")
        if not self._is_terminal or now < self._next_update:
            return
        self._next_update = now + _INTERVAL
        self._shown = True
        share = f"  {100 * progress.share:.0f} %" if progress.share else ""
        reading = f"reading {cut(safe(progress.name), 40)}{share}  {short_count(progress.spans)} spans"
        text = reading if progress.spans or share else f"loading {cut(safe(progress.name), 60)}"
        sys.stderr.write(f"{_ERASE}{text}")
        sys.stderr.flush()

    def erase(self) -> None:
        if self._shown:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()


def servers_among(sources: Sequence[str], overrides: Overrides) -> list[Server]:
    """Return the servers among the sources; warn if a certificate is not verified. Raises UsageError."""
    servers = servers_of(sources)
    for server in servers:
        if server.is_unsafe(overrides):
            print_message(f"warning: {server.name}: the server's certificate is not verified")
    return servers


def open_session(sources: Sequence[str], options: LoadOptions) -> Session:
    """Load sources with progress. Raises InputError and UsageError."""
    servers = servers_among(sources, options.overrides)
    line = _ProgressLine(0 if servers else _SHOWN_AFTER)

    def on_report(found: SearchReport) -> None:
        line.erase()
        print_message(found.text)

    try:
        return Session.open(sources, options, line, on_report)
    finally:
        line.erase()
