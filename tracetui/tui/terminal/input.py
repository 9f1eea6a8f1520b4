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
"""Time that a paste may be silent before its end is taken for lost: until then all keys are pasted text."""

MOST_TYPED = 1_000
"""More characters at once than this are a paste, whatever the terminal says of them: nobody types so fast."""
MOST_PASTED = 1 << 20
"""Of more pasted characters the rest is dropped."""

_WAYS_OUT = (b"\x03", b"\x1b")
"""Ctrl+C or Esc alone: no terminal leaves these in pasted text."""
_OLD_MOUSE = re.compile(rb"\x1b\[M[\x20-\xff]{3}")
"""X10 mouse report, whose coordinates are bytes outside UTF-8. Reports are requested in another form."""
_OLD_MOUSE_BEGINS = re.compile(rb"\x1b\[M[\x20-\xff]{0,2}\Z")
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[O\]].|.)?", re.DOTALL)
"""A key or report that is no character."""
_ESCAPE = "\x1b"
_SHOWN_ESCAPE = "\u241b"


class TerminalInput:
    """Decodes terminal input piece by piece. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._held = b""
        """Beginning of a possible mouse report."""
        self._tail = ""
        """The end of what came, in which a paste may begin; within a paste the beginning of what may be its end."""
        self._pasting_since: float | None = None
        self._is_burst = False
        """Whether what is pasted was told by its size alone; it ends when nothing comes for a moment."""
        self._pasted = 0

    def decode(self, data: bytes, now: float) -> str:
        """Return the text of some bytes; invalid UTF-8 becomes U+FFFD, X10 mouse reports are dropped."""
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
        """Return what is due after a pause: text held back, the end of a cut paste."""
        since = self._pasting_since
        is_over = since is not None and (self._is_burst or now - since > PASTE_SECONDS)
        text = self._told(self._decoder.decode(self._held), now)
        self._held = b""
        return text + self._end_paste() if is_over else text

    def _end_paste(self) -> str:
        held = _plain(self._tail)
        self._pasting_since = None
        self._is_burst = False
        self._pasted = 0
        self._tail = ""
        return held + PASTE_ENDS

    def _burst(self, text: str, now: float) -> str:
        """Return much text at once, which may be pasted without a sign of it, as what is pasted."""
        if PASTE_BEGINS in self._tail + text:
            # the terminal says itself what is pasted
            ended = self._end_paste() if self._is_burst else ""
            return ended + self._told(text, now)
        characters = _SEQUENCE.sub("", text)
        if not self._is_burst and len(characters) < MOST_TYPED:
            return self._told(text, now)
        if not characters:
            return self._end_paste() + text
        begins = "" if self._is_burst else PASTE_BEGINS
        self._is_burst, self._pasting_since = True, now
        self._tail = ""
        return begins + self._bounded(characters)

    def _told(self, text: str, now: float) -> str:
        """Return text in which the terminal says itself what is pasted, without escapes within that.

        Textual's parser would take what follows them for keys.
        """
        parts: list[str] = []
        while text:
            if self._pasting_since is None:
                text = self._until_paste(text, parts, now)
            else:
                text = self._until_end_of_paste(text, parts, now)
        return "".join(parts)

    def _until_paste(self, text: str, parts: list[str], now: float) -> str:
        """Take in text up to where a paste begins. -> the rest"""
        seen = self._tail + text
        begin = seen.find(PASTE_BEGINS)
        if begin < 0:
            parts.append(text)
            self._tail = seen[1 - len(PASTE_BEGINS) :]
            return ""
        end = begin + len(PASTE_BEGINS)
        parts.append(seen[len(self._tail) : end])
        self._tail = ""
        self._pasting_since, self._pasted = now, 0
        return seen[end:]

    def _until_end_of_paste(self, text: str, parts: list[str], now: float) -> str:
        """Take in text up to where the paste ends; what may be the beginning of that end is held. -> the rest"""
        self._pasting_since = now
        seen = self._tail + text
        end = seen.find(PASTE_ENDS)
        if end >= 0:
            self._tail = ""
            parts += [self._bounded(_plain(seen[:end])), self._end_paste()]
            return seen[end + len(PASTE_ENDS) :]
        held = next(size for size in range(len(PASTE_ENDS) - 1, -1, -1) if seen.endswith(PASTE_ENDS[:size]))
        self._tail = seen[len(seen) - held :]
        parts.append(self._bounded(_plain(seen[: len(seen) - held])))
        return ""

    def _bounded(self, pasted: str) -> str:
        """Return what is pasted, but for what goes beyond `MOST_PASTED`."""
        room = MOST_PASTED - self._pasted
        self._pasted += len(pasted)
        return pasted[: max(room, 0)]


def _plain(pasted: str) -> str:
    return pasted.replace(_ESCAPE, _SHOWN_ESCAPE)
