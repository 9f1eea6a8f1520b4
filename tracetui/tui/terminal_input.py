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

MOST_TYPED = 1_000
"""More characters at once than this are a paste, whatever the terminal says of them: nobody types so fast."""
MOST_PASTED = 1 << 20
"""Of more pasted characters the rest is dropped."""

_WAYS_OUT = (b"\x03", b"\x1b")
"""Ctrl+C or Esc, come alone: no terminal leaves these in what it pastes."""
_OLD_MOUSE = re.compile(rb"\x1b\[M[\x20-\xff]{3}")
"""A mouse report as X10 has it, with coordinates as bytes that are no UTF-8. Reports are asked for in another form."""
_OLD_MOUSE_BEGINS = re.compile(rb"\x1b\[M[\x20-\xff]{0,2}\Z")
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[O\]].|.)?", re.DOTALL)
"""A key or report that is no character."""
_PASTE_EDGE = re.compile(r"\x1b\[20[01]~")


class TerminalInput:
    """Decodes what was read, piece by piece. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._held = b""
        """The beginning of what may be a mouse report."""
        self._tail = ""
        self._pasting_since: float | None = None
        self._is_burst = False
        """Whether what is pasted was told by its size alone; it ends when nothing comes for a moment."""
        self._pasted = 0

    def decode(self, data: bytes, now: float) -> str:
        """Return the text of some bytes; what is not UTF-8 becomes U+FFFD, old mouse reports are left out."""
        lost = self._pasting_since is not None and data in _WAYS_OUT
        data = _OLD_MOUSE.sub(b"", self._held + data)
        cut = _OLD_MOUSE_BEGINS.search(data)
        self._held = cut[0] if cut else b""
        text = self._decoder.decode(data[: cut.start()] if cut else data)
        if lost:
            return self._end_paste() + text
        if self._is_burst or (self._pasting_since is None and len(text) >= MOST_TYPED):
            return self._burst(text, now)
        return self._told(text, now)

    def idle(self, now: float) -> str:
        """Return what is due when nothing has come for a moment: what was held back, the end of a cut paste."""
        text = self._decoder.decode(self._held)
        self._held = b""
        if self._pasting_since is not None and (self._is_burst or now - self._pasting_since > PASTE_SECONDS):
            return text + self._end_paste()
        return text

    def _end_paste(self) -> str:
        self._pasting_since = None
        self._is_burst = False
        self._pasted = 0
        self._tail = ""
        return PASTE_ENDS

    def _burst(self, text: str, now: float) -> str:
        """Return much text at once, which may be pasted without a sign of it, as what is pasted."""
        if _PASTE_EDGE.search(self._tail + text):
            # the terminal says itself what is pasted
            ended = self._end_paste() if self._is_burst else ""
            return ended + self._told(text, now)
        characters = _SEQUENCE.sub("", text)
        if not self._is_burst and len(characters) < MOST_TYPED:
            self._look_for_paste(text, now)
            return text
        if not characters:
            return self._end_paste() + text
        begins = "" if self._is_burst else PASTE_BEGINS
        self._is_burst, self._pasting_since = True, now
        return begins + self._bounded(characters)

    def _told(self, text: str, now: float) -> str:
        """Return text in which the terminal says itself what is pasted."""
        before, is_full = self._tail, self._pasted > MOST_PASTED
        self._look_for_paste(text, now)
        if is_full and self._pasting_since is None:
            # of the end of a paste a part may have been dropped with the rest of it
            text = before + text
            text = text[text.rfind(PASTE_ENDS) :]
        return self._bounded(text)

    def _bounded(self, text: str) -> str:
        """Return text without what is pasted beyond `MOST_PASTED`."""
        if self._pasting_since is None:
            self._pasted = 0
            return text
        room = MOST_PASTED - self._pasted
        self._pasted += len(text)
        return text[: max(room, 0)]

    def _look_for_paste(self, text: str, now: float) -> None:
        if not text:
            return
        edges = _PASTE_EDGE.findall(self._tail + text)
        if edges:
            self._pasting_since = now if edges[-1] == PASTE_BEGINS else None
        elif self._pasting_since is not None:
            self._pasting_since = now
        self._tail = (self._tail + text)[1 - len(PASTE_BEGINS) :]
