"""Errors and warnings about input, with readable messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

WARNINGS_PER_FILE: Final = 20
"""Largest number of warnings about one file that are listed; further ones are counted."""
MAX_WARNINGS: Final = 1_000
"""Largest number of warnings about one file that are kept; further ones are counted."""
DEBUG: Final = "TRACETUI_DEBUG"
"""Environment variable that reveals bugs of decoders and of the program: `raise` lets the errors of decoders through,
other values print tracebacks to stderr."""
INTERRUPTED: Final = 130
"""Exit code after an interrupt."""


@dataclass(frozen=True, slots=True)
class LoadWarning:
    """Message about damaged input that was recovered or skipped.

    `file` is the source as the user named it (`-` for standard input), `position` is the position in it ("line 12",
    "byte 40,961", "data[3].spans[17]"), or ''.
    """

    file: str
    position: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.position, self.message) if part)


class WarningList:
    """Warnings about the input in order, for each file up to `MAX_WARNINGS`; further ones are counted."""

    def __init__(self) -> None:
        self._listed: list[LoadWarning] = []
        self._counts: Counter[str] = Counter()
        self._unlisted: Counter[str] = Counter()
        """Numbers of listed warnings and of further ones, by file."""

    def add(self, file: str, position: str, message: str) -> None:
        if self._counts[file] < MAX_WARNINGS:
            self._counts[file] += 1
            self._listed.append(LoadWarning(file, position, message))
        else:
            self._unlisted[file] += 1

    def absorb(self, other: WarningList) -> None:
        """Add the warnings of another list."""
        for warning in other:
            self.add(warning.file, warning.position, warning.message)
        self._unlisted += other._unlisted

    def replace(self, warnings: Iterable[LoadWarning]) -> None:
        """List these warnings instead of all others."""
        self._listed = list(warnings)
        self._counts = Counter(warning.file for warning in self._listed)
        self._unlisted.clear()

    def pop(self, first: int) -> tuple[list[LoadWarning], int]:
        """Remove all warnings after the `first` ones. -> these, and the number of further unlisted ones"""
        taken, unlisted = self._listed[first:], self._unlisted.total()
        del self._listed[first:]
        self._counts.subtract(warning.file for warning in taken)
        self._unlisted.clear()
        return taken, unlisted

    def __iter__(self) -> Iterator[LoadWarning]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)


def shortened(
    file: str, warnings: Sequence[LoadWarning], more: int, limit: int = WARNINGS_PER_FILE
) -> list[LoadWarning]:
    """Return the first `limit` warnings about a file, and one with the number of the others, including `more`."""
    more += max(len(warnings) - limit, 0)
    rest = [LoadWarning(file, "", f"{more:,} more warnings like these")] if more else []
    return [*warnings[:limit], *rest]


class TracetuiError(Exception):
    """Error whose message is shown to the user without a traceback."""

    exit_code = 1


class UsageError(TracetuiError):
    """Invalid option, name or query."""

    exit_code = 2


class InputError(TracetuiError):
    """Unreadable input, or input without traces."""

    exit_code = 3


class BackEndError(InputError):
    """Back end that cannot be reached or does not respond like one."""

    exit_code = 4


class ManyServicesError(BackEndError):
    """Search without a service on a server that requires one and has too many to search them all."""

    def __init__(self, name: str, count: int) -> None:
        super().__init__(f"{name}: this server searches by service only, and has {count:,} services; choose some")
        self.count = count
