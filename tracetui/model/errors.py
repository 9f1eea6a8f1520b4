"""Errors and warnings about input, in words for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WARNINGS_PER_FILE: Final = 20
"""More warnings about one file than this are counted, not listed."""


@dataclass(frozen=True, slots=True)
class LoadWarning:
    """Something of the input was lost or repaired.

    `file` is the source as the user named it (`-` for standard input), `position` says where in it
    ("line 12", "byte 40,961", "data[3].spans[17]"), or ''.
    """

    file: str
    position: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.position, self.message) if part)


def shortened(
    file: str, warnings: Sequence[LoadWarning], more: int, most: int = WARNINGS_PER_FILE
) -> list[LoadWarning]:
    """The first warnings about a file, and how many others there were: those beyond `most`, and `more`."""
    more += max(len(warnings) - most, 0)
    rest = [LoadWarning(file, "", f"{more:,} more warnings like these")] if more else []
    return [*warnings[:most], *rest]


class TracetuiError(Exception):
    """An error that is shown to people as its text alone."""

    exit_code = 1


class UsageError(TracetuiError):
    """A wrong option, name or query."""

    exit_code = 2


class InputError(TracetuiError):
    """Input in which there is nothing to show."""

    exit_code = 3


class BackEndError(InputError):
    """A back end that cannot be reached, or does not answer as one."""

    exit_code = 4


class ManyServicesError(BackEndError):
    """A search without a service of a server that searches by service, and knows so many that some are to be chosen."""

    def __init__(self, name: str, count: int) -> None:
        super().__init__(f"{name}: it searches by service only, and knows {count:,}: choose some of them")
        self.count = count
