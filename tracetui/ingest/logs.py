"""Log lines beside their spans: JSON lines with a trace id and a time, in the keys that loggers usually write.

A line with a span id goes to that span, any other to the deepest span of its trace that was running at its time, else
to the trace's first span. Lines of traces that are not loaded are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from tracetui.ingest.buffers import unpacked
from tracetui.ingest.lines import lines
from tracetui.ingest.place import Place
from tracetui.ingest.sources.files import inputs
from tracetui.model.ids import span_keys
from tracetui.model.intake import Intake
from tracetui.model.problems import InputError, LoadWarning
from tracetui.model.span import Event, Value
from tracetui.model.traces import TraceSet

_TRACE = ("trace_id", "traceId", "traceID", "trace.id", "otelTraceID", "otel.trace_id", "dd.trace_id", "traceid")
_SPAN = ("span_id", "spanId", "spanID", "span.id", "otelSpanID", "otel.span_id", "dd.span_id", "spanid")
_TIME = ("timestamp", "time", "ts", "@timestamp", "timeUnixNano", "time_unix_nano", "datetime", "date", "t", "asctime")
_TEXT = ("message", "msg", "body", "event", "log", "text")
_LEVEL = ("level", "severity", "severity_text", "severityText", "levelname", "log.level", "lvl")
_NESTED = ("attributes", "context", "trace", "otel", "fields", "extra", "mdc", "span")
"""Objects within a line that ids may stand in."""
_UNITS = ((1e17, 1), (1e14, 1_000), (1e11, 1_000_000), (0, 1_000_000_000))
"""A number of seconds since 1973 and before 5138, in nanoseconds, microseconds, milliseconds or seconds."""
_LINE = msgspec.json.Decoder()
_LONGEST = 10_000


def with_logs(traces: TraceSet, files: Sequence[str], go_on: Callable[[], bool] = lambda: True) -> TraceSet:
    """The set with log lines beside its spans. What could not be read is among its warnings.

    Raises InputError where a file is not there, or holds nothing that can be read.
    """
    if not files:
        return traces
    found: dict[int, list[Event]] = defaultdict(list)
    warnings: list[LoadWarning] = []
    for source in inputs(files):
        intake = Intake()
        try:
            data = unpacked(source.read(go_on), Place(intake, source.name))
        except OSError as error:
            raise InputError(f"{source.name}: {error.strerror or error}") from None
        placed, foreign, bad = 0, 0, 0
        for span, event in _events(traces, lines(data, 0, len(data), lambda _: None)):
            if event is None:
                bad += 1
            elif span is None:
                foreign += 1
            else:
                placed += 1
                found[span].append(event)
        if not placed and not foreign and bad:
            raise InputError(
                f"{source.name}: no line is JSON with a trace id and a time; logs are a JSON object a line"
            )
        warnings += intake.warnings
        if bad:
            said = f"{bad:,} lines left out: no JSON with a trace id and a time"
            warnings.append(LoadWarning(source.name, "", said))
        if not placed:
            warnings.append(
                LoadWarning(source.name, "", f"none of its {foreign:,} log lines is of a trace that is here")
            )
    for events in found.values():
        events.sort(key=lambda event: event.time_ns)
    return replace(traces, log_lines=dict(found), load_warnings=[*traces.load_warnings, *warnings])


def _events(traces: TraceSet, found: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int | None, Event | None]]:
    """-> the span of each line, None for one of another trace, and the line as an event, None for none"""
    spans: dict[int, dict[int, int]] = {}
    for _, raw in found:
        line = _decoded(raw)
        trace_id, when = _text(line, _TRACE), _time(line)
        if not trace_id or when is None:
            yield None, None
            continue
        trace = traces.find_trace(trace_id)
        if trace is None:
            yield None, Event(when, "")
            continue
        if trace not in spans:
            own = traces.spans_of(trace)
            spans[trace] = {key: own.start + i for i, key in enumerate(traces.key[own.start : own.stop].tolist())}
        span_id = _text(line, _SPAN)
        span = spans[trace].get(int(span_keys([span_id])[0][0])) if span_id else None
        yield _running(traces, trace, when) if span is None else span, _event(line, when)


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        line = _LINE.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}


def _first(line: dict[str, Any], keys: Sequence[str]) -> tuple[str, Any]:
    """The first of these keys that is there, in the line itself or in an object within it, and its value."""
    for part in (line, *(line[key] for key in _NESTED if isinstance(line.get(key), dict))):
        for key in keys:
            if part.get(key) not in (None, ""):
                return key, part[key]
    return "", None


def _text(line: dict[str, Any], keys: Sequence[str]) -> str:
    value = _first(line, keys)[1]
    if isinstance(value, dict):
        # as in OpenTelemetry's JSON
        value = value.get("stringValue")
    return value if isinstance(value, str) else "" if value is None or isinstance(value, (dict, list)) else str(value)


def _time(line: dict[str, Any]) -> int | None:
    """Nanoseconds since the epoch, from a number in any unit or an ISO 8601 text; without a zone it is UTC."""
    value = _first(line, _TIME)[1]
    if isinstance(value, str):
        text = value.strip()
        try:
            number = float(text)
        except ValueError:
            try:
                moment = datetime.fromisoformat(text.replace(",", "."))
            except ValueError:
                return None
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000
        value = int(text) if text.lstrip("+-").isdecimal() else number
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e19:
        return None
    unit = next(size for least, size in _UNITS if value >= least)
    # whole numbers keep every nanosecond
    return value * unit if isinstance(value, int) else round(value * unit)


def _running(traces: TraceSet, trace: int, when: int) -> int:
    """The deepest span of a trace at a time, the one that began last among equals; else the trace's first."""
    own = traces.spans_of(trace)
    within = slice(own.start, own.stop)
    at_work = np.flatnonzero((traces.start[within] <= when) & (when <= traces.end[within]))
    if not len(at_work):
        return int(traces.main_root[trace])
    order = np.lexsort((traces.start[within][at_work], traces.depth[within][at_work]))
    return own.start + int(at_work[order[-1]])


def _event(line: dict[str, Any], when: int) -> Event:
    level = _text(line, _LEVEL)
    text = _text(line, _TEXT)
    used = {_first(line, keys)[0] for keys in (_TRACE, _SPAN, _TIME, _TEXT, _LEVEL)}
    attributes: dict[str, Value] = {key: value for key, value in line.items() if key not in used}
    return Event(when, f"{level.upper()} {text}".strip()[:_LONGEST] or "log", attributes, is_log=True)
