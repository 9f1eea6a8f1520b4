"""Log records of spans as columns, as a set may have millions of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np

from tracetui.model.span import ERROR_SEVERITY, Event

BY_TIME: Final = 1
"""The record names no span of its trace and was placed by its time."""
NO_TIME: Final = 2
"""The record has no time and is shown at the start of its span."""

_CONTENT: Final = msgspec.json.Decoder(tuple[str, dict[str, Any]])
_MESSAGE: Final = msgspec.json.Decoder(tuple[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class LogFile:
    """Counts of the records in one log file."""

    name: str
    records: int
    with_trace_id: int
    matched: int
    """Number of records whose trace is in the set."""
    counts: str
    """Description of `records` and their forms."""

    def __str__(self) -> str:
        return f"{self.name}: {self.counts}, {self.with_trace_id:,} with a trace id, {self.matched:,} in loaded traces"


@dataclass(frozen=True, eq=False, slots=True)
class LogLines:
    """Columns of log records, ordered by span and within a span by time."""

    span: np.ndarray
    """int32[n], ascending."""
    time: np.ndarray
    """int64[n], nanoseconds since the epoch."""
    severity: np.ndarray
    """uint8[n], OpenTelemetry's severity numbers."""
    flags: np.ndarray
    """uint8[n], `BY_TIME` and `NO_TIME`."""
    content_at: np.ndarray
    """int64[n], position of message and attributes in `contents`."""
    content_bytes: np.ndarray
    """int64[n]"""
    contents: bytes
    """Concatenated JSON lists of a message and an object of attributes."""
    files: tuple[LogFile, ...] = ()

    def __len__(self) -> int:
        return len(self.span)

    def __contains__(self, span: int) -> bool:
        rows = self.rows(span, span + 1)
        return rows.stop > rows.start

    def rows(self, first: int, stop: int) -> range:
        """Return the rows of the records of the spans `first:stop`."""
        begin, end = self.span.searchsorted((first, stop)).tolist()
        return range(begin, end)

    def times(self, span: int) -> np.ndarray:
        """Return the times of the records of a span: int64[m]."""
        rows = self.rows(span, span + 1)
        times: np.ndarray = self.time[rows.start : rows.stop]
        return times

    def error_times(self, span: int) -> np.ndarray:
        """Return the times of the records of a span with the severity of an error: int64[m]."""
        rows = self.rows(span, span + 1)
        within = slice(rows.start, rows.stop)
        times: np.ndarray = self.time[within][self.severity[within] >= ERROR_SEVERITY]
        return times

    def error_count(self, first: int, stop: int) -> int:
        """Count the records of the spans `first:stop` with the severity of an error."""
        rows = self.rows(first, stop)
        return int((self.severity[rows.start : rows.stop] >= ERROR_SEVERITY).sum())

    def events(self, span: int) -> list[Event]:
        """Return the records of a span as events."""
        return [self.event(row) for row in self.rows(span, span + 1)]

    def event(self, row: int) -> Event:
        """Return a record as an event."""
        at = int(self.content_at[row])
        message, attributes = _CONTENT.decode(self.contents[at : at + int(self.content_bytes[row])])
        flags = int(self.flags[row])
        return Event(
            int(self.time[row]),
            message,
            attributes,
            is_log=True,
            by_time=bool(flags & BY_TIME),
            no_time=bool(flags & NO_TIME),
            severity=int(self.severity[row]),
        )

    def message(self, row: int) -> str:
        """Return the message of a record."""
        at = int(self.content_at[row])
        message, _ = _MESSAGE.decode(self.contents[at : at + int(self.content_bytes[row])])
        return message

    def content(self, row: int) -> bytes:
        """Return the message and attributes of a record as JSON, to be searched before decoding."""
        at = int(self.content_at[row])
        return self.contents[at : at + int(self.content_bytes[row])]

    def select(self, moved: np.ndarray) -> LogLines:
        """Select the records of the spans that stay. moved: int64[spans], new position of each span, -1 for none."""
        if not len(self):
            return self
        span = moved[self.span]
        kept = span >= 0
        return replace(
            self,
            span=span[kept].astype(np.int32),
            time=self.time[kept],
            severity=self.severity[kept],
            flags=self.flags[kept],
            content_at=self.content_at[kept],
            content_bytes=self.content_bytes[kept],
        )


def _none() -> LogLines:
    wide, small = np.zeros(0, np.int64), np.zeros(0, np.uint8)
    return LogLines(np.zeros(0, np.int32), wide, small, small, wide, wide, b"")


NO_LOGS: Final = _none()
