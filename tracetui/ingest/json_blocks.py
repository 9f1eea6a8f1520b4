"""Grouping of lines into JSON values of one or several lines, with other lines in between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_BEGINS: Final = re.compile(rb'[ \t]*(?:\{[ \t\r]*(?:["}]|$)|\[[ \t\r]*(?:[\[{"\]]|$))')
_MEMBER: Final = re.compile(
    rb'[ \t]*(?:["{}\],]|\[[ \t\r]*(?:[\[{"\],]|-?\d|$)'
    rb"|(?:-?[\d.eE+-]+|true|false|null|NaN|-?Infinity)[ \t\r]*,?[ \t\r]*$)"
)
"""Line within a JSON value that spans several lines."""
STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
CLOSING: Final = {b"{": b"}", b"[": b"]"}
"""Closing brackets, by the opening one."""
CONTINUES: Final = b"{[,:"


class Block(NamedTuple):
    """Lines that belong together: a JSON value, or one line of other text."""

    number: int
    """Number of its first line."""
    text: bytes
    is_json: bool
    """True if it begins like a JSON list or object; it may be damaged."""


def begins_json(line: bytes) -> bool:
    """Test whether a line begins like a JSON list or object. `[INFO] ready` does not."""
    return _BEGINS.match(line) is not None


class Blocks:
    """Joins the lines of values that span several; other lines stay separate.

    A value ends where its brackets close, or, if that is missing, where another one begins with the same indentation.
    """

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._number = 0
        self._depth = 0
        self._indent = 0
        self._is_strict = True
        """True while the open value looks like JSON, not like the notation of a programming language."""

    @property
    def is_open(self) -> bool:
        """True if the next line may belong to an open value."""
        return bool(self._lines)

    def add(self, number: int, line: bytes) -> Iterator[Block]:
        """Add a line and yield the blocks that it completes."""
        if self._lines:
            if self._begins_another(line):
                yield from self.rest()
            elif self._is_strict and not _MEMBER.match(line):
                if len(self._lines) > 1:
                    # output of another thread
                    yield Block(number, line, False)
                    return
                self._is_strict = False
        if not self._lines:
            if not begins_json(line):
                yield Block(number, line, False)
                return
            if line.rstrip()[-1:] not in CONTINUES:
                yield Block(number, line, True)
                return
            self._number, self._depth = number, 0
            self._indent = len(line) - len(line.lstrip())
        self._lines.append(line)
        bare = STRING.sub(b"", line) if b'"' in line else line
        self._depth += bare.count(b"{") + bare.count(b"[") - bare.count(b"}") - bare.count(b"]")
        if self._depth <= 0:
            yield from self.rest()

    def rest(self) -> Iterator[Block]:
        """Yield the open block, if any."""
        if self._lines:
            yield Block(self._number, b"\n".join(self._lines), True)
            self._lines.clear()
            self._is_strict = True

    def _begins_another(self, line: bytes) -> bool:
        """Test whether a line begins another value while the open one lacks its end."""
        if len(line) - len(line.lstrip()) != self._indent or not begins_json(line):
            return False
        return self._lines[-1].rstrip()[-1:] not in CONTINUES
