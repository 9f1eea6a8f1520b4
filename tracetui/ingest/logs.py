"""Log lines beside their spans: JSON lines with a trace id and a time, in the keys that loggers usually write.

A line with a span id goes to that span, any other to the deepest span of its trace that was running at its time, else
to the trace's first span, and is marked so. Lines of traces that are not loaded are left out.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tracetui.ingest.buffers import unpacked
from tracetui.ingest.lenient import in_utf8, loads
from tracetui.ingest.lines import lines
from tracetui.ingest.place import Place
from tracetui.ingest.sources.files import inputs
from tracetui.model.ids import span_keys
from tracetui.model.intake import Intake
from tracetui.model.problems import InputError, LoadWarning
from tracetui.model.span import Event, Value
from tracetui.model.traces import TraceSet

_TRACE = ("trace_id", "traceid", "trace.id", "oteltraceid", "otel.trace_id", "dd.trace_id")
_CLOUD_TRACE = "logging.googleapis.com/trace"
"""`projects/PROJECT/traces/ID`"""
_SPAN = ("span_id", "spanid", "span.id", "otelspanid", "otel.span_id", "dd.span_id", "logging.googleapis.com/spanid")
_TIME = ("timestamp", "time", "ts", "@timestamp", "timeunixnano", "time_unix_nano", "datetime", "date", "t", "asctime")
_TEXT = ("message", "msg", "body", "event", "log", "text")
_LEVEL = ("level", "severity", "severity_text", "severitytext", "levelname", "log.level", "lvl")
_NESTED = ("attributes", "context", "trace", "otel", "fields", "extra", "mdc", "span", "log")
"""Objects within a line that ids may stand in. These names are written in any case."""
_UNITS = ((1e17, 1), (1e14, 1_000), (1e11, 1_000_000), (0, 1_000_000_000))
"""A number of seconds since 1973 and before 5138, in nanoseconds, microseconds, milliseconds or seconds."""
_LONGEST = 10_000
_LONGEST_NUMBER = 30


def with_logs(traces: TraceSet, files: Sequence[str], go_on: Callable[[], bool] = lambda: True) -> TraceSet:
    """The set with log lines beside its spans. What could not be read is among its warnings.

    Raises InputError where none of the files can be read or has a line with a trace id and a time.
    """
    if not files:
        return traces
    found: dict[int, list[Event]] = defaultdict(list)
    warnings: list[LoadWarning] = []
    lost: list[LoadWarning] = []
    read = 0
    for source in inputs(files, lambda name, what: lost.append(LoadWarning(name, "", what))):
        intake = Intake()
        try:
            data = in_utf8(unpacked(source.read(go_on), Place(intake, source.name)))
        except OSError as error:
            lost.append(LoadWarning(source.name, "", error.strerror or str(error)))
            continue
        placed, foreign, bad = 0, 0, 0
        for span, event in _events(traces, lines(data, 0, len(data), lambda _: None)):
            if event is None:
                bad += 1
            elif span is None:
                foreign += 1
            else:
                placed += 1
                found[span].append(event)
        if bad and not placed and not foreign:
            said = "no line is JSON with a trace id and a time; logs are a JSON object a line"
            lost.append(LoadWarning(source.name, "", said))
            continue
        read += 1
        warnings += intake.warnings
        warnings += [LoadWarning(source.name, "", said) for said in _said(placed, foreign, bad)]
    if lost and not read:
        raise InputError(str(lost[0]))
    for events in found.values():
        events.sort(key=lambda event: event.time_ns)
    return replace(traces, log_lines=dict(found), load_warnings=[*traces.load_warnings, *lost, *warnings])


def _said(placed: int, foreign: int, bad: int) -> Iterator[str]:
    if bad:
        yield f"{bad:,} {'line' if bad == 1 else 'lines'} left out: no JSON with a trace id and a time"
    if foreign and not placed:
        yield f"none of its log lines ({foreign:,}) is of a trace that is here"
    if not placed and not foreign and not bad:
        yield "holds no lines"


def _events(traces: TraceSet, found: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int | None, Event | None]]:
    """-> the span of each line, None for one of another trace, and the line as an event, None for none"""
    spans: dict[int, dict[int, int]] = {}
    for _, raw in found:
        line = _decoded(raw)
        parts = _parts(line)
        trace_id, when = _trace_id(parts), _time(parts)
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
        span_id = _text(parts, _SPAN)
        span = spans[trace].get(int(span_keys([span_id])[0][0])) if span_id else None
        event = _event(line, parts, when)
        yield (span, event) if span is not None else (_running(traces, trace, when), replace(event, by_time=True))


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        line = loads(raw)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


_Part = dict[str, tuple[str, Any]]
"""The names within an object, in lower case, with the key as it is written and the value."""


def _parts(line: dict[str, Any]) -> list[_Part]:
    """What a line says itself, then what objects within it say, by `id` and by `trace.id`."""
    own = _names(line)
    parts = [own]
    for outer in _NESTED:
        within = own[outer][1] if outer in own else None
        if isinstance(within, dict):
            names = _names(within)
            parts.append({**{f"{outer}.{name}": held for name, held in names.items()}, **names})
    return parts


def _names(held: dict[str, Any]) -> _Part:
    return {key.lower(): (key, value) for key, value in held.items() if value not in (None, "")}


def _first(parts: list[_Part], keys: Sequence[str]) -> tuple[str, Any]:
    """The first of these keys that is there, as it is written, and its value."""
    return next((part[key] for part in parts for key in keys if key in part), ("", None))


def _text(parts: list[_Part], keys: Sequence[str]) -> str:
    """A text, or the JSON of an object."""
    value = _first(parts, keys)[1]
    if isinstance(value, dict) and isinstance(value.get("stringValue"), str):
        # as in OpenTelemetry's JSON
        value = value["stringValue"]
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _trace_id(parts: list[_Part]) -> str:
    return _text(parts, _TRACE) or _text(parts, (_CLOUD_TRACE,)).rpartition("/")[2]


def _time(parts: list[_Part]) -> int | None:
    """Nanoseconds since the epoch, from a number in any unit or an ISO 8601 text; without a zone it is UTC."""
    value = _first(parts, _TIME)[1]
    if isinstance(value, dict):
        given = [value.get("seconds"), value.get("nanos", 0)]
        # protobuf's JSON writes 64 bits as text
        seconds, nanos = (int(part) if isinstance(part, str) and _is_whole(part) else part for part in given)
        if type(seconds) is not int or type(nanos) is not int:
            return None
        value = seconds * 1_000_000_000 + nanos
        return value if 0 < value < 1e19 else None
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
        value = int(text) if _is_whole(text) else number
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e19:
        return None
    unit = next(size for least, size in _UNITS if value >= least)
    # whole numbers keep every nanosecond
    return value * unit if isinstance(value, int) else round(value * unit)


def _is_whole(text: str) -> bool:
    return len(text) < _LONGEST_NUMBER and text.lstrip("+-").isdecimal()


def _running(traces: TraceSet, trace: int, when: int) -> int:
    """The deepest span of a trace at a time, the one that began last among equals; else the trace's first."""
    own = traces.spans_of(trace)
    within = slice(own.start, own.stop)
    at_work = np.flatnonzero((traces.start[within] <= when) & (when <= traces.end[within]))
    if not len(at_work):
        return int(traces.main_root[trace])
    order = np.lexsort((traces.start[within][at_work], traces.depth[within][at_work]))
    return own.start + int(at_work[order[-1]])


def _event(line: dict[str, Any], parts: list[_Part], when: int) -> Event:
    level, text = _text(parts, _LEVEL), _text(parts, _TEXT)
    used = {_first(parts, keys)[0] for keys in (_TRACE, (_CLOUD_TRACE,), _SPAN, _TIME, _TEXT, _LEVEL)}
    attributes: dict[str, Value] = {key: value for key, value in line.items() if key not in used}
    return Event(when, f"{level.upper()} {text}".strip()[:_LONGEST] or "log", attributes, is_log=True)
