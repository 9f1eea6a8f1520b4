"""Errors and warnings about input, with readable messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WARNINGS_PER_FILE: Final = 20
"""More warnings about one file than this are counted, not listed."""


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


def shortened(
    file: str, warnings: Sequence[LoadWarning], more: int, most: int = WARNINGS_PER_FILE
) -> list[LoadWarning]:
    """Return the first `most` warnings about a file and one with the number of the others, including `more`."""
    more += max(len(warnings) - most, 0)
    rest = [LoadWarning(file, "", f"{more:,} more warnings like these")] if more else []
    return [*warnings[:most], *rest]


class TracetuiError(Exception):
    """An error that is shown to the user as its message alone, without a traceback."""

    exit_code = 1


class UsageError(TracetuiError):
    """A wrong option, name or query."""

    exit_code = 2


class InputError(TracetuiError):
    """Input without traces."""

    exit_code = 3


class BackEndError(InputError):
    """A back end that cannot be reached, or does not answer as one."""

    exit_code = 4


class ManyServicesError(BackEndError):
    """A search without a service on a server that searches by service and has too many of them to search all."""

    def __init__(self, name: str, count: int) -> None:
        super().__init__(f"{name}: it searches by service only, and knows {count:,}: choose some of them")
        self.count = count
