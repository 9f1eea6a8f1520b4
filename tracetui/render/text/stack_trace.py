"""Stack traces: frames of the program's own code, and those of libraries.

Frames as written by Python, Java, Kotlin and Scala, JavaScript, .NET, Go and Ruby.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_MAX_CHARACTERS = 100_000
"""Largest number of characters of a text that are examined."""
_MAX_LINE = 300
_FIRST_LINES = 50
"""Number of lines among which the first frame must be."""
_MIN_FRAMES = 2

_FORMS = (
    # Python; the line of code follows
    re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<name>.+))?'),
    # .NET
    re.compile(r"\s*at (?P<name>\S[^()]*\([^()]*\)) in (?P<file>.+):line (?P<line>\d+)"),
    # JavaScript
    re.compile(r"\s*at (?:(?P<name>[^()]+) \()?(?P<file>[^\s()][^()]*):(?P<line>\d+):\d+\)?"),
    # Java, Kotlin, Scala
    re.compile(r"\s*at (?P<name>[\w$.<>/@-]+)\((?P<file>[^():]*)(?::(?P<line>\d+))?\)"),
    # .NET without symbols
    re.compile(r"\s*at (?P<name>[\w.`<>+\[\],]+\([^()]*\))"),
    # Go; the function is on the line before
    re.compile(r"\t(?P<file>\S+\.(?:go|s)):(?P<line>\d+)(?: \+0x[0-9a-f]+)?"),
    # Ruby
    re.compile(r"\s*(?:from |at )?(?P<file>[^\s:]+):(?P<line>\d+):in [`'](?P<name>[^`']+)'"),
)
_PYTHON, _GO = 0, 5
_LIBRARY_FILES = re.compile(
    r"site-packages|dist-packages|[/\\]lib[/\\]python\d|<frozen |node_modules|^node:|^internal/"
    r"|/pkg/mod/|/usr/local/go/|/go/src/|/vendor/|[/\\]gems[/\\]|[/\\]lib[/\\]ruby[/\\]"
)
_LIBRARY_NAMES = re.compile(
    r"(?:[\w.]+/)?(?:java|javax|jdk|sun|jakarta|kotlin|kotlinx|scala|akka|reactor|rx|org\.(?:springframework|apache"
    r"|hibernate|eclipse|jboss|postgresql|h2|aspectj|gradle|junit|slf4j)|com\.(?:sun|fasterxml|zaxxer|mysql|mongodb"
    r"|google|netflix|datastax)|io\.(?:netty|grpc|opentelemetry|micrometer|micronaut|quarkus|vertx|lettuce|reactivex"
    r"|undertow)|okhttp3|retrofit2|redis\.clients|System|Microsoft|Npgsql|Grpc|Polly|Dapper)\."
)


@dataclass(frozen=True, slots=True)
class Frame:
    """Frame of a stack trace."""

    name: str
    """Function; '' if it is unknown."""
    file: str
    line: str
    is_library: bool

    def __str__(self) -> str:
        """Return `charge  shop/payments.py:12`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return "  ".join(filter(None, (self.name, place)))


@dataclass(frozen=True, slots=True)
class StackTrace:
    """Frames of a stack trace, the one nearest to the error first."""

    frames: tuple[Frame, ...]
    library_lines: frozenset[int]
    """Numbers of the lines that belong to frames of libraries, from 0; empty if all frames do."""

    @property
    def own(self) -> tuple[Frame, ...]:
        """Frames of the program's own code."""
        return tuple(frame for frame in self.frames if not frame.is_library)


@lru_cache(maxsize=16)
def read_stack_trace(text: str) -> StackTrace | None:
    """Read a stack trace; None for other text."""
    lines = text[:_MAX_CHARACTERS].split("\n")
    form = next((form for form in map(_form_of, lines[:_FIRST_LINES]) if form >= 0), -1)
    if form < 0:
        return None
    frames: list[Frame] = []
    numbers: set[int] = set()
    within = False
    """True below a frame of a library, in which Python shows the line of code."""
    for number, line in enumerate(lines):
        match = next(filter(None, (one.fullmatch(line[:_MAX_LINE].rstrip()) for one in _FORMS)), None)
        if match is None:
            within = within and form == _PYTHON and line.startswith("    ")
            if within:
                numbers.add(number)
            continue
        frame = _frame(match, lines[number - 1] if form == _GO and number else "")
        frames.append(frame)
        within = frame.is_library
        if within:
            numbers.update((number - 1, number) if form == _GO else (number,))
    if len(frames) < _MIN_FRAMES:
        return None
    if form == _PYTHON:
        # the most recent call is last
        frames.reverse()
    is_all = all(frame.is_library for frame in frames)
    return StackTrace(tuple(frames), frozenset() if is_all else frozenset(numbers))


def _form_of(line: str) -> int:
    return next((number for number, one in enumerate(_FORMS) if one.fullmatch(line[:_MAX_LINE].rstrip())), -1)


def _frame(match: re.Match[str], before: str) -> Frame:
    found = match.groupdict()
    name, file = found.get("name") or before[:_MAX_LINE].partition("(")[0], found.get("file") or ""
    is_library = bool(_LIBRARY_FILES.search(file) or _LIBRARY_NAMES.match(name))
    return Frame(name.strip(), file, found.get("line") or "", is_library)
