"""Full-text search of a trace's spans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from tracetui.model.ids import SPAN_DIGITS, is_hex, span_key
from tracetui.model.span import Attributes, Value
from tracetui.model.traces import TraceSet

_BETWEEN_LOOKS = 2_048
"""Spans searched between two checks of `stopped`."""
_NUMBERS = re.compile(r"[-+.0-9a-z]*")
_MOST_PARTS = 10_000
"""Most parts of one value that are searched."""


def find_spans(
    traces: TraceSet, first: int, stop: int, word: str, stopped: Callable[[], bool] = lambda: False
) -> np.ndarray | None:
    """Search the spans `first:stop` for a text, ignoring case: bool[stop - first].

    The search covers operation, service, status message, the attributes of span and resource as `key=value`, events and
    log records with their attributes, and full span ids. None if `stopped` becomes true meanwhile.
    """
    sought = word.lower()
    within = slice(first, stop)
    if not sought:
        return np.zeros(stop - first, bool)
    found: np.ndarray = _holding(traces.names, sought)[traces.name[within]]
    found |= _holding(traces.services, sought)[traces.service[within]]
    found |= _holding(traces.messages, sought)[traces.message[within]]
    of_resource = np.zeros(len(traces.resources), bool)
    for number in np.unique(traces.resource[within]).tolist():
        resource = traces.resources[number]
        of_resource[number] = _contains(resource.codec.attributes(resource.raw), sought)
    found |= of_resource[traces.resource[within]]
    if len(sought) == SPAN_DIGITS and is_hex(sought):
        found |= traces.key[within] == np.uint64(span_key(sought))
    may_hold = _raw_test(sought)
    if _find_logs(traces, first, stop, sought, may_hold, found, stopped):
        return None
    raw_bytes = traces.attribute_bytes[within] + traces.event_bytes[within]
    rest = np.flatnonzero(~found & (raw_bytes > 0))
    read = traces.arena.read
    columns = (rest, traces.raw_at[first + rest], raw_bytes[rest])
    for number, (i, at, size) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        if number % _BETWEEN_LOOKS == 0 and stopped():
            return None
        if may_hold(read(at, size)):
            span = first + i
            found[i] = _contains(traces.attributes(span), sought) or any(
                sought in event.name.lower() or _contains(event.attributes, sought) for event in traces.own_events(span)
            )
    return found


def _find_logs(
    traces: TraceSet,
    first: int,
    stop: int,
    sought: str,
    may_hold: Callable[[bytes], object],
    found: np.ndarray,
    stopped: Callable[[], bool],
) -> bool:
    """Mark the spans that have a log record containing a text. -> whether the search was stopped"""
    lines = traces.log_lines
    rows = lines.rows(first, stop)
    for number, (row, span) in enumerate(zip(rows, lines.span[rows.start : rows.stop].tolist(), strict=True)):
        if number % _BETWEEN_LOOKS == 0 and stopped():
            return True
        if not found[span - first] and may_hold(lines.content(row)):
            line = lines.event(row)
            found[span - first] = sought in line.name.lower() or _contains(line.attributes, sought)
    return False


def _holding(texts: list[str], sought: str) -> np.ndarray:
    """bool[texts]"""
    return np.array([sought in text.lower() for text in texts], bool)


def _raw_test(sought: str) -> Callable[[bytes], object]:
    """Build a test for raw bytes that passes everything that may contain the text, and little else."""
    words = [
        part
        for part in re.split("[=,]", sought)
        # numbers and booleans may be encoded differently than shown, and text may be escaped in several ways
        if part and part.isascii() and part.isprintable() and "\\" not in part and not _is_numeric(part)
    ]
    if not words:
        return lambda _: True
    longest = max(words, key=len)
    return re.compile(re.escape(longest.encode()) + rb"|\\", re.IGNORECASE).search


def _is_numeric(part: str) -> bool:
    """Test whether a text can be part of a number, or of true, false or null."""
    if not _NUMBERS.fullmatch(part):
        return False
    return any(c.isdigit() for c in part) or part in "+-." or any(part in word for word in ("true", "false", "null"))


def _contains(attributes: Attributes, sought: str) -> bool:
    for key, value in attributes.items():
        name = f"{key}="
        if sought in name.lower() or any(sought in (name + text).lower() for text in _texts(value)):
            return True
    return False


def _texts(value: Value) -> Iterator[str]:
    """Yield the texts of a value and of all values within it."""
    waiting: list[Value] = [value]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        if isinstance(part, dict):
            for key, inner in part.items():
                yield str(key)
                waiting.append(inner)
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, bool):
            yield "true" if part else "false"
        elif part is not None and not isinstance(part, bytes):
            yield str(part)
