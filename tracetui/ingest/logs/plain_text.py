"""Plain-text log lines that contain trace and span ids, and usually begin with a time and a severity."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Final

from tracetui.ingest.json_repair.lenient_json import loads_or_none
from tracetui.ingest.logs.fields import FieldReader
from tracetui.ingest.logs.ids import span_keys_of, trace_id_readings
from tracetui.ingest.logs.record import Continuation, LogContent, LogRecord, completed
from tracetui.ingest.logs.severity import severity_of_text
from tracetui.ingest.logs.timestamps import begins_with_time, leading_moment
from tracetui.model.trace_reference import ids_in, may_name_trace

_LONGEST: Final = 1 << 16
"""Bytes of a line that are searched for ids."""
_MAX_TOKENS: Final = 32
_TOKEN: Final = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{16,20})(?![0-9A-Za-z])")
_IS_PART: Final = re.compile(
    rb"[\s)}\]]|at [\w.$<]|Caused by: |Suppressed: |\.\.\. \d+ more|Traceback \(most|During handling|The above exc"
    rb"|goroutine \d|created by |panic: |Stack ?trace"
    rb"|[A-Za-z_$][\w.$]*(?:Error|Exception|Exit|Interrupt|Warning)\b(?:: |$)"
)
"""Beginning of a line that continues a record, such as a line of a stack trace."""
_LEVEL_SEARCHED: Final = 120
_LEVEL: Final = re.compile(
    r"\b(?:(?P<word>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|PANIC|EMERG|ALERT)\b"
    r"|(?i:level|severity|lvl)[=:]\s?\"?(?P<named>[A-Za-z]+))"
    r"|[\[<|(](?P<bracketed>(?i:trace|debug|info|notice|warn|warning|error|err|crit|critical|fatal|emerg|alert))[\]>|):]"
    r"|(?<!\S)(?P<lower>trace|debug|info|warn|warning|error|critical|fatal):(?=\s|$)"
)
_KLOG: Final = re.compile(r"[IWEF]\d{4} \d\d:")
_LEFT_AFTER_TIME: Final = "])>|,;- \t"
_OPENED_BEFORE_TIME: Final = "[(< "


_MIN_ID: Final = 10
_LONGEST_NAME: Final = 24
_NAME_OF_ID: Final = re.compile(r"(?:\"?[\w.]++\"?\s?[=:]\s?)?\"?$")
"""Text that names the id after it: `trace_id=`, `"traceId": "`."""
# tried only where a run of separators begins, as a long one before other text would take quadratic time
_LEFT_COMMAS: Final = re.compile(r"(?<=[\[({<])[\s,;]+|(?<![\s,;])[\s,;]+(?=[\])}>])|(?<=[,;])\s*[,;]+|(?<=\s)[,;]\s?")
_EMPTY_BRACKETS: Final = re.compile(r"[\[({<][\s,;:-]*[\])}>] ?")
ORIGINAL: Final = "log.record.original"
"""OpenTelemetry's attribute for the original text of a record."""


class PlainText:
    """Form of lines of text: the fallback for units in no other form."""

    name = "text"

    def __init__(self) -> None:
        self._reader = FieldReader()

    def recognises(self, unit: bytes) -> bool:
        return bool(unit)

    def _json_after_prefix(self, unit: bytes) -> LogRecord | None:
        """Read a JSON record after the prefix of a tool, such as the name of a file; None if it is no record."""
        at = unit.find(b'{"', 1, _LONGEST)
        if at < 0 or unit.rstrip()[-1:] != b"}":
            return None
        fields = loads_or_none(unit[at:].strip())
        if not isinstance(fields, dict) or not self._reader.message(fields):
            return None
        record = self._reader.record(fields)
        outer = partial(_content, unit[:at], "", ())
        return LogRecord(partial(completed, record.content, outer), record.trace_ids) if record.trace_ids else None

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        wrapped = self._json_after_prefix(unit)
        if wrapped is not None:
            return (wrapped,)
        is_timed = begins_with_time(unit.lstrip() if unit[:1].isspace() else unit)
        continues: Continuation = "never" if is_timed else "always" if _IS_PART.match(unit) else "timed lines"
        if not may_name_trace(unit[:_LONGEST]):
            return (LogRecord(partial(_content, unit, "", ()), continues=continues, is_timed_text=is_timed),)
        text = unit[:_LONGEST].decode("utf-8", "replace")
        trace, span = ids_in(text)
        named = trace_id_readings(trace, decimal="dd." in text) if trace else ()
        # with both ids named, no other is needed
        tokens = [] if trace and span else _TOKEN.findall(text)[:_MAX_TOKENS]
        others = tuple(reading for token in tokens if token != trace for reading in trace_id_readings(token))
        if named and continues == "timed lines":
            continues = "never"
        content = partial(_content, unit, span, tuple(tokens), trace)
        return (LogRecord(content, named, others, continues, is_timed),)


def _content(unit: bytes, span: str, tokens: tuple[str, ...], trace: str = "") -> LogContent:
    text = unit.decode("utf-8", "replace")
    keys = span_keys_of(span, decimal="dd." in text) if span else ()
    # an unnamed id is a span id if the trace has such a span
    keys += tuple(key for token in tokens if len(token) == 16 and token != span for key in span_keys_of(token)[:1])
    leading = leading_moment(text)
    message = _without_time(text, *leading[1:]) if leading else text
    short = without_ids(message, [one for one in (trace, span) if len(one) >= _MIN_ID])
    return LogContent(
        message=short,
        attributes={ORIGINAL: text} if short != message else {},
        moment=leading[0] if leading else None,
        span_keys=keys,
        severity=_severity(text),
        # klog puts a letter before the time; other loggers write the severity in the message
        names_severity=_KLOG.match(text) is not None,
    )


def _severity(text: str) -> int:
    if _KLOG.match(text):
        return severity_of_text(text[0])
    found = _LEVEL.search(text, 0, _LEVEL_SEARCHED)
    return severity_of_text(next(word for word in found.groups() if word)) if found else 0


def without_ids(text: str, ids: list[str]) -> str:
    """Remove the trace and span ids of a text: they would fill the row on which it is shown.

    Ids in headers stay, as the rest of the header would mean nothing.
    """
    short = text
    for one in ids:
        at = short.find(one)
        if at < 0:
            continue
        end = at + len(one)
        if short[end : end + 1] == ":" or (short[at - 1 : at] == "-" == short[end : end + 1]):
            return text
        name = _NAME_OF_ID.search(short, max(at - _LONGEST_NAME, 0), at)
        at = name.start() if name else at
        end += short[end : end + 1] == '"'
        # keep one of the blanks around it
        end += short[at - 1 : at] == " " == short[end : end + 1]
        short = short[:at] + short[end:]
    if short == text:
        return text
    return _EMPTY_BRACKETS.sub("", _LEFT_COMMAS.sub("", short)).strip() or text


def _without_time(text: str, start: int, end: int) -> str:
    """Remove the time at the beginning of a line, as it has a column of its own; text before the time stays."""
    if text[:start].strip(_OPENED_BEFORE_TIME):
        # a logger name or an address may come first
        return text
    return text[end:].lstrip(_LEFT_AFTER_TIME) or text
