"""Bytes from a terminal, as text that Textual's parser takes. The terminal is not trusted more than any other source.

Lines are noisy, terminals send what nobody asked for (mouse reports in a form of 1984, 8-bit controls), and text may be
pasted in another encoding than UTF-8. None of it may end the thread that reads keys.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder

PASTE_BEGINS = "\x1b[200~"
PASTE_ENDS = "\x1b[201~"
PASTE_SECONDS = 5.0
"""How long a paste may be silent before its end is taken for lost: until then all keys are text that is pasted."""

_WAYS_OUT = (b"\x03", b"\x1b")
"""Ctrl+C or Esc, come alone: no terminal leaves these in what it pastes."""
_OLD_MOUSE = re.compile(rb"\x1b\[M[\x20-\xff]{3}")
"""A mouse report as X10 has it, with coordinates as bytes that are no UTF-8. Reports are asked for in another form."""
_OLD_MOUSE_BEGINS = re.compile(rb"\x1b\[M[\x20-\xff]{0,2}\Z")
_PASTE_EDGE = re.compile(r"\x1b\[20[01]~")


class TerminalInput:
    """Decodes what was read, piece by piece. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._held = b""
        """The beginning of what may be a mouse report."""
        self._tail = ""
        self._pasting_since: float | None = None

    def decode(self, data: bytes, now: float) -> str:
        """Return the text of some bytes; what is not UTF-8 becomes U+FFFD, old mouse reports are left out."""
        lost = self._pasting_since is not None and data in _WAYS_OUT
        data = _OLD_MOUSE.sub(b"", self._held + data)
        cut = _OLD_MOUSE_BEGINS.search(data)
        self._held = cut[0] if cut else b""
        text = self._decoder.decode(data[: cut.start()] if cut else data)
        if lost:
            return self._end_paste() + text
        self._look_for_paste(text, now)
        return text

    def idle(self, now: float) -> str:
        """Return what is due when nothing has come for a moment: what was held back, the end of a cut paste."""
        text = self._decoder.decode(self._held)
        self._held = b""
        if self._pasting_since is not None and now - self._pasting_since > PASTE_SECONDS:
            return text + self._end_paste()
        return text

    def _end_paste(self) -> str:
        self._pasting_since = None
        self._tail = ""
        return PASTE_ENDS

    def _look_for_paste(self, text: str, now: float) -> None:
        if not text:
            return
        edges = _PASTE_EDGE.findall(self._tail + text)
        if edges:
            self._pasting_since = now if edges[-1] == PASTE_BEGINS else None
        elif self._pasting_since is not None:
            self._pasting_since = now
        self._tail = (self._tail + text)[1 - len(PASTE_BEGINS) :]
