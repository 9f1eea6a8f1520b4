"""Log lines beside their spans: JSON lines with a trace id and a time, in the keys that loggers usually write.

A line with a span id goes to that span, any other to the deepest span of its trace that was running at its time, else
to the trace's first span, and is marked so. Lines of traces that are not loaded are left out.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
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
_ZONE = re.compile(r"\s*(?:UTC|GMT)$|\s+(?P<offset>[+-]\d\d:?\d\d)$")
"""Zones as ISO 8601 does not write them; without one a time is UTC."""
_LONGEST = 10_000
_MOST_SHAPES = 1_000
_ASKED_EVERY = 5_000
"""Lines after which it is asked whether to go on."""
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
            place = Place(intake, source.name)
            data = in_utf8(unpacked(source.read(go_on, place.warn), place, go_on))
        except OSError as error:
            lost.append(LoadWarning(source.name, "", error.strerror or str(error)))
            continue
        placed, foreign, bad = 0, 0, 0
        stopped = False
        for count, (span, event) in enumerate(_events(traces, lines(data, 0, len(data), lambda _: None))):
            if not count % _ASKED_EVERY and not go_on():
                stopped = True
                break
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
        warnings += [LoadWarning(source.name, "", said) for said in _said(placed, foreign, bad, stopped)]
    if lost and not read:
        raise InputError(str(lost[0]))
    for events in found.values():
        events.sort(key=lambda event: event.time_ns)
    return replace(traces, log_lines=dict(found), load_warnings=[*traces.load_warnings, *lost, *warnings])


def _said(placed: int, foreign: int, bad: int, stopped: bool) -> Iterator[str]:
    if stopped:
        yield f"stopped: {placed + foreign + bad:,} lines of it were read"
        return
    if bad:
        yield f"{bad:,} {'line' if bad == 1 else 'lines'} left out: no JSON with a trace id and a time"
    if foreign and not placed:
        yield f"none of its log lines ({foreign:,}) is of a trace that is here"
    if not placed and not foreign and not bad:
        yield "holds no lines"


def _events(traces: TraceSet, found: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int | None, Event | None]]:
    """-> the span of each line, None for one of another trace, and the line as an event, None for none"""
    near: dict[int, _Near] = {}
    shapes = _Shapes()
    for _, raw in found:
        try:
            placed = _placed(traces, raw, near, shapes)
        except Exception as error:
            # a line costs no other, whatever is in it
            if isinstance(error, MemoryError):
                raise
            placed = None, None
        yield placed


def _placed(traces: TraceSet, raw: bytes, near: dict[int, _Near], shapes: _Shapes) -> tuple[int | None, Event | None]:
    """-> as `_events`. What it looks up is added to `near` and `shapes`."""
    line = _decoded(raw)
    keys = shapes.of(line)
    trace_key, trace_id = _trace_id(line, keys)
    time_key, time = _first(line, keys.time)
    when = _time(time)
    if not trace_id or when is None:
        return None, None
    trace = traces.find_trace(trace_id)
    if trace is None:
        return None, Event(when, "")
    if trace not in near:
        near[trace] = _Near(traces, trace)
    span_key, span_id = _first(line, keys.span)
    span = near[trace].span(_as_text(span_id)) if span_key else None
    event = _event(line, keys, when, (trace_key, span_key, time_key), by_time=span is None)
    return near[trace].running(when) if span is None else span, event


class _Near:
    """The spans of one trace, to put lines beside."""

    def __init__(self, traces: TraceSet, trace: int) -> None:
        own = traces.spans_of(trace)
        within = slice(own.start, own.stop)
        # of several spans with one id the first one counts
        self._spans = {key: own.stop - 1 - i for i, key in enumerate(traces.key[within][::-1].tolist())}
        # the deepest first, of equals the one that began last
        self._order = np.lexsort((traces.start[within], traces.depth[within]))[::-1]
        self._start, self._end = traces.start[within][self._order], traces.end[within][self._order]
        self._first, self._root = own.start, int(traces.main_root[trace])

    def span(self, span_id: str) -> int | None:
        return self._spans.get(int(span_keys([span_id])[0][0]))

    def running(self, when: int) -> int:
        """The deepest span at a time, the one that began last among equals; else the trace's first."""
        at_work = (self._start <= when) & (when <= self._end)
        deepest = int(at_work.argmax())
        return self._first + int(self._order[deepest]) if at_work[deepest] else self._root


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        line = loads(raw)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


_Key = tuple[str, str]
"""A key within an object of a line, '' for the line itself, and the key as it is written there."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys that lines of one shape say something in, each in the order in which they are looked at."""

    trace: tuple[_Key, ...]
    cloud_trace: tuple[_Key, ...]
    span: tuple[_Key, ...]
    time: tuple[_Key, ...]
    text: tuple[_Key, ...]
    level: tuple[_Key, ...]


class _Shapes:
    """What the keys of lines mean. A logger writes one set of keys after another, and each is looked up once."""

    def __init__(self) -> None:
        self._known: dict[Any, _Keys] = {}
        self._outer: dict[tuple[str, ...], tuple[str, ...]] = {}

    def of(self, line: dict[str, Any]) -> _Keys:
        own = tuple(line)
        if len(self._known) + len(self._outer) > _MOST_SHAPES:
            self._known.clear()
            self._outer.clear()
        outer = self._outer.get(own)
        if outer is None:
            outer = self._outer[own] = tuple(key for key in own if _plain(key) in _NESTED)
        within = tuple((key, tuple(line[key])) for key in outer if isinstance(line[key], dict)) if outer else ()
        keys = self._known.get((own, within))
        if keys is None:
            keys = self._known[own, within] = _keys(own, within)
        return keys


def _keys(own: tuple[str, ...], within: tuple[tuple[str, tuple[str, ...]], ...]) -> _Keys:
    """What a line says itself, then what objects within it say, by `id` and by `trace.id`."""
    parts = [[(_plain(key), ("", key)) for key in own]]
    for outer, inner in sorted(within, key=lambda one: _NESTED.index(_plain(one[0]))):
        names = [(_plain(key), (outer, key)) for key in inner]
        parts.append([*names, *((f"{_plain(outer)}.{name}", key) for name, key in names)])

    def found(wanted: Sequence[str]) -> tuple[_Key, ...]:
        return tuple(key for part in parts for one in wanted for name, key in part if name == one)

    return _Keys(*map(found, (_TRACE, (_CLOUD_TRACE,), _SPAN, _TIME, _TEXT, _LEVEL)))


def _plain(key: str) -> str:
    """As the names above are written."""
    return key.lower().replace("-", "_")


def _first(line: dict[str, Any], keys: tuple[_Key, ...]) -> tuple[str, Any]:
    """The first of these keys that says something, as it is written, and its value."""
    for outer, key in keys:
        value = line[outer][key] if outer else line[key]
        if value is not None and value != "":
            return key, value
    return "", None


def _as_text(value: Any) -> str:
    """A text, or the JSON of an object."""
    if isinstance(value, dict) and isinstance(value.get("stringValue"), str):
        # as in OpenTelemetry's JSON
        value = value["stringValue"]
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _trace_id(line: dict[str, Any], keys: _Keys) -> tuple[str, str]:
    """The key that names the trace, and its id."""
    key, value = _first(line, keys.trace)
    if key:
        return key, _as_text(value)
    key, value = _first(line, keys.cloud_trace)
    return key, _as_text(value).rpartition("/")[2]


def _time(value: Any) -> int | None:
    """Nanoseconds since the epoch, from a number in any unit or an ISO 8601 text; without a zone it is UTC."""
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
                moment = datetime.fromisoformat(_ZONE.sub(r"\g<offset>", text.replace(",", ".")))
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
    return len(text) < _LONGEST_NUMBER and text.removeprefix("-").isdecimal()


def _event(line: dict[str, Any], keys: _Keys, when: int, used: tuple[str, ...], *, by_time: bool) -> Event:
    """A line as an event; `used` are keys that say where it belongs."""
    level_key, level = _first(line, keys.level)
    text_key, text = _first(line, keys.text)
    used = (*used, level_key, text_key)
    attributes: dict[str, Value] = {key: value for key, value in line.items() if key not in used}
    said = f"{_as_text(level).upper()} {_as_text(text)}".strip()[:_LONGEST]
    return Event(when, said or "log", attributes, is_log=True, by_time=by_time)
