"""Decode bytes from a terminal to text for Textual's parser. The terminal is as untrusted as any other source.

Lines are noisy, terminals send unrequested reports (X10 mouse reports, 8-bit controls), and pasted text may not be
UTF-8. None of this may end the thread that reads keys.
"""

from __future__ import annotations

import math
import re
from codecs import getincrementaldecoder

PASTE_BEGINS = "\x1b[200~"
PASTE_ENDS = "\x1b[201~"
PASTE_SECONDS = 5.0
"""A paste without input for this long has lost its end marker; until then keys count as pasted text."""

MAX_TYPED = 1_000
"""This many characters at once are a paste even without the terminal's markers, as nobody types this fast."""
MAX_PASTED = 1 << 20
"""Longest paste; the rest is dropped."""

_PASTE_ESCAPES = (b"\x03", b"\x1b")
"""A lone Ctrl+C or Esc ends a paste, as terminals remove them from pasted text."""
_OLD_MOUSE = re.compile(rb"\x1b\[M[\x20-\xff]{3}")
"""X10 mouse report, whose coordinates are not UTF-8. The program requests a different format."""
_OLD_MOUSE_BEGINS = re.compile(rb"\x1b\[M[\x20-\xff]{0,2}\Z")
_COMMAND = re.compile(rb"\x1b\](\d{1,4};[^\x07\x1b]*)(?:\x07|\x1b\\|(?=\x1b[^\\]))")
"""Operating system command (OSC), with which a terminal answers a question; another escape also ends it."""
_COMMAND_BEGINS = re.compile(rb"\x1b(?:\](?:\d{1,4}(?:;[^\x07\x1b]*\x1b?)?)?)?\Z")
_IS_COMMAND = re.compile(rb"\x1b\]\d{1,4};")
_MAX_COMMAND = 64
"""Bytes that are kept of a command without an end; answers are shorter."""
ANSWER_SECONDS = 5.0
"""Time after a question in which Esc may be the start of the answer, and waits for a pause."""
_PASTE_MARK = PASTE_BEGINS.encode()
_PASTE_END_MARK = PASTE_ENDS.encode()
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[O\]].|.)?", re.DOTALL)
"""Key or report that is not a character."""
_ESCAPE = "\x1b"
_SHOWN_ESCAPE = "\u241b"


class TerminalInput:
    """Decodes terminal input piece by piece. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._held = b""
        """Start of a possible mouse report or command."""
        self._queried_at = -math.inf
        self._has_begun_answer = False
        """True if the last escape may have been the start of an answer, but was followed by a pause."""
        self._commands: list[bytes] = []
        self._tail = ""
        """Possible beginning of a paste marker at the end of the input: of the start marker, or in a paste of the end
        marker.
        """
        self._pasting_since: float | None = None
        self._is_burst = False
        """True for a paste without markers, recognised by its size; it ends at the next pause."""
        self._pasted = 0

    def expect_answer(self, now: float) -> None:
        """Note that the terminal was asked a question."""
        self._queried_at = now

    def take_commands(self) -> list[bytes]:
        """Return the commands that the terminal has sent, each once."""
        taken, self._commands = self._commands, []
        return taken

    def decode(self, data: bytes, now: float) -> str:
        """Return the text of some bytes; invalid UTF-8 becomes U+FFFD, X10 mouse reports are dropped, and operating
        system commands are set aside.
        """
        is_end_lost = self._pasting_since is not None and data in _PASTE_ESCAPES
        if self._has_begun_answer and data.startswith(b"]11;"):
            self._held = b"\x1b"
        self._has_begun_answer = False
        data, is_paste = self._without_commands(_OLD_MOUSE.sub(b"", self._held + data))
        cut = _OLD_MOUSE_BEGINS.search(data) or (None if is_paste else self._command_start(data, now))
        self._held = cut[0] if cut else b""
        if len(self._held) > _MAX_COMMAND:
            self._held = self._held[:_MAX_COMMAND] + self._held[-1:]
        text = self._decoder.decode(data[: cut.start()] if cut else data)
        if is_end_lost:
            return self._end_paste() + text
        if self._is_burst or (self._pasting_since is None and len(text) >= MAX_TYPED):
            return self._burst(text, now)
        return self._with_marks(text, now)

    def idle(self, now: float) -> str:
        """Return the output that is due after a pause: held text, or the end of an incomplete paste."""
        is_answer_awaited = now - self._queried_at <= ANSWER_SECONDS
        if is_answer_awaited and _IS_COMMAND.match(self._held):
            # on a slow connection the rest comes later, and would be read as keys
            return ""
        self._has_begun_answer |= is_answer_awaited and self._held == b"\x1b"
        since = self._pasting_since
        is_over = since is not None and (self._is_burst or now - since > PASTE_SECONDS)
        held = b"" if _IS_COMMAND.match(self._held) else self._held
        text = self._with_marks(self._decoder.decode(held), now)
        self._held = b""
        return text + self._end_paste() if is_over else text

    def _without_commands(self, data: bytes) -> tuple[bytes, bool]:
        """Set the commands aside that are not in a paste. -> the rest; True if it ends within a paste"""
        is_paste = self._pasting_since is not None
        parts: list[bytes] = []
        while data:
            before, mark, data = data.partition(_PASTE_END_MARK if is_paste else _PASTE_MARK)
            if not is_paste:
                self._commands += _COMMAND.findall(before)
                before = _COMMAND.sub(b"", before)
            parts += before, mark
            is_paste ^= bool(mark)
        return b"".join(parts), is_paste

    def _command_start(self, data: bytes, now: float) -> re.Match[bytes] | None:
        """Find the start of a possible command at the end of the input."""
        start = _COMMAND_BEGINS.search(data)
        # without a question, a lone escape is a key, which must not be late
        is_key = start is not None and start[0] == b"\x1b" and now - self._queried_at > ANSWER_SECONDS
        return None if is_key else start

    def _end_paste(self) -> str:
        held = _plain(self._tail)
        self._pasting_since = None
        self._is_burst = False
        self._pasted = 0
        self._tail = ""
        return held + PASTE_ENDS

    def _burst(self, text: str, now: float) -> str:
        """Return a large text as pasted text, even if the terminal has not marked it as such."""
        if PASTE_BEGINS in self._tail + text:
            # the terminal sends paste markers
            end = self._end_paste() if self._is_burst else ""
            return end + self._with_marks(text, now)
        characters = _SEQUENCE.sub("", text)
        if not self._is_burst and len(characters) < MAX_TYPED:
            return self._with_marks(text, now)
        if not characters:
            return self._end_paste() + text
        begins = "" if self._is_burst else PASTE_BEGINS
        self._is_burst, self._pasting_since = True, now
        self._tail = ""
        return begins + self._limited(characters)

    def _with_marks(self, text: str, now: float) -> str:
        """Process text with paste markers: replace the escapes in pasted text.

        Textual's parser would read these as keys.
        """
        parts: list[str] = []
        while text:
            if self._pasting_since is None:
                text = self._until_paste(text, parts, now)
            else:
                text = self._until_end_of_paste(text, parts, now)
        return "".join(parts)

    def _until_paste(self, text: str, parts: list[str], now: float) -> str:
        """Add text up to the start of a paste to `parts`. -> the rest"""
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
        """Add text up to the end of the paste to `parts`; hold a possible beginning of the end marker. -> the rest"""
        self._pasting_since = now
        seen = self._tail + text
        end = seen.find(PASTE_ENDS)
        if end >= 0:
            self._tail = ""
            parts += [self._limited(_plain(seen[:end])), self._end_paste()]
            return seen[end + len(PASTE_ENDS) :]
        held = next(size for size in range(len(PASTE_ENDS) - 1, -1, -1) if seen.endswith(PASTE_ENDS[:size]))
        self._tail = seen[len(seen) - held :]
        parts.append(self._limited(_plain(seen[: len(seen) - held])))
        return ""

    def _limited(self, pasted: str) -> str:
        """Return pasted text, cut where the paste exceeds `MAX_PASTED`."""
        room = MAX_PASTED - self._pasted
        self._pasted += len(pasted)
        return pasted[: max(room, 0)]


def _plain(pasted: str) -> str:
    return pasted.replace(_ESCAPE, _SHOWN_ESCAPE)
