"""Collect the log records of loaded traces as columns, within the available memory."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from tracetui.ingest.limits import input_limit
from tracetui.ingest.logs.record import LogContent
from tracetui.ingest.logs.severity import severity_text
from tracetui.ingest.logs.trace_index import match_spans, running_spans
from tracetui.model.log_lines import BY_TIME, NO_TIME, LogFile, LogLines
from tracetui.model.traces import TraceSet

LONGEST_MESSAGE: Final = 1 << 16
"""Characters to which a message is truncated."""
_MAX_ATTRIBUTE_BYTES: Final = 1 << 18
"""Bytes of JSON; a record with more loses all attributes."""
_RECORD_BYTES: Final = 64
"""Bytes of a record in the columns."""
_NO_ZONE: Final = 4
_NOTED_FLAGS: Final = BY_TIME | NO_TIME
_MIN_ZONE_NS: Final = 10 * 60 * 1_000_000_000
"""Larger than almost any clock skew, and smaller than any difference of time zones."""
_QUARTER_NS: Final = 15 * 60 * 1_000_000_000
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class AssignedLines:
    """Columns of log records, and for each file the error in nanoseconds of its times without a zone."""

    lines: LogLines
    zone_offsets: list[int]


class CollectedLogs:
    """Log records of the traces of a set."""

    def __init__(self, traces: TraceSet) -> None:
        self.dropped = 0
        """Records dropped for lack of memory."""
        self._traces = traces
        self._remaining_bytes = input_limit()
        self._contents = bytearray()
        self._trace, self._time, self._content_at = array("q"), array("q"), array("q")
        self._severity, self._flags = bytearray(), bytearray()
        self._row, self._key = array("q"), array("Q")

    def __len__(self) -> int:
        return len(self._trace)

    def add(self, trace: int, content: LogContent, more: list[str]) -> None:
        """Add a record of a trace, with the lines that continue it."""
        encoded = _encoded(content, more)
        self._remaining_bytes -= len(encoded) + _RECORD_BYTES
        if self._remaining_bytes < 0:
            self.dropped += 1
            return
        row = len(self._trace)
        moment = content.moment
        flags = NO_TIME if moment is None else _NO_ZONE if moment.missing == "zone" else 0
        self._trace.append(trace)
        self._time.append(moment.near(int(self._traces.trace_start[trace])) if moment else 0)
        self._severity.append(content.severity)
        self._flags.append(flags)
        self._content_at.append(len(self._contents))
        self._contents += encoded
        for key in content.span_keys:
            self._row.append(row)
            self._key.append(key)

    def assigned(self, files: list[tuple[LogFile, int]]) -> AssignedLines:
        """Assign every record to its span. `files`: the counts of each file and the number of records it added."""
        traces = self._traces
        trace, time = np.array(self._trace, np.int64), np.array(self._time, np.int64)
        flags = np.frombuffer(bytes(self._flags), np.uint8).copy()
        span = match_spans(traces, trace, np.array(self._row, np.int64), np.array(self._key, np.uint64))
        unnamed = np.flatnonzero(span < 0)
        flags[unnamed] |= BY_TIME
        by_trace = unnamed[np.argsort(trace[unnamed], kind="stable")]
        cuts = np.flatnonzero(np.diff(trace[by_trace])) + 1
        for some in np.split(by_trace, cuts) if len(by_trace) else ():
            one = int(trace[some[0]])
            timed = some[(flags[some] & NO_TIME) == 0]
            span[some] = traces.main_root[one]
            span[timed] = running_spans(traces, one, time[timed])
        offsets = self._zone_offsets(files, trace, time, flags)
        time = np.where(flags & NO_TIME, traces.start[span] if len(span) else time, time)
        flags &= _NOTED_FLAGS
        order = np.lexsort((np.arange(len(span)), time, span))
        at = np.array([*self._content_at, len(self._contents)], np.int64)
        lines = LogLines(
            span[order].astype(np.int32),
            time[order],
            np.frombuffer(bytes(self._severity), np.uint8)[order],
            flags[order],
            at[:-1][order],
            np.diff(at)[order],
            bytes(self._contents),
            tuple(file for file, _ in files),
        )
        return AssignedLines(lines, offsets)

    def _zone_offsets(
        self, files: list[tuple[LogFile, int]], trace: np.ndarray, time: np.ndarray, flags: np.ndarray
    ) -> list[int]:
        """Estimate for each file how far its times without a zone are from their traces, in quarter hours."""
        traces = self._traces
        start = traces.trace_start[trace]
        early, late = start - time, time - start - traces.trace_duration[trace]
        offsets, begin = [], 0
        for _, count in files:
            own = slice(begin, begin + count)
            begin += count
            unsure = (flags[own] & _NO_ZONE) > 0
            off = np.where(early[own] > 0, -early[own], np.maximum(late[own], 0))[unsure]
            distance = off[np.abs(off) > _MIN_ZONE_NS]
            typical = int(np.median(distance)) if 2 * len(distance) > len(off) else 0
            offsets.append(round(typical / _QUARTER_NS) * _QUARTER_NS)
        return offsets


def _encoded(content: LogContent, more: list[str]) -> bytes:
    """Encode the message, with its severity, and the attributes as JSON."""
    message = content.message
    if len(message) < LONGEST_MESSAGE and more:
        message = "\n".join([message, *more])
    severity = (content.severity_text or severity_text(content.severity)).upper() if content.names_severity else ""
    message = f"{severity} {message}".strip()[:LONGEST_MESSAGE] or "(no message)"
    encoded = _json([message, content.attributes])
    return encoded if len(encoded) <= len(message) * 6 + _MAX_ATTRIBUTE_BYTES else _json([message, {}])


def _json(value: Any) -> bytes:
    try:
        return _encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass
    try:
        # lone surrogates, integers of more than 64 bits
        return json.dumps(value, default=str).encode()
    except (ValueError, RecursionError):
        return _encode([str(value[0]).encode("utf-8", "replace").decode(), {}])
