"""Conversion of loggers' severities to the severity numbers of OpenTelemetry's log data model."""

from __future__ import annotations

from typing import Any, Final

_TRACE, _DEBUG, _INFO, _WARN, _ERROR, _FATAL = 1, 5, 9, 13, 17, 21
_NAMES: Final = {
    "trace": _TRACE, "trc": _TRACE, "verbose": _TRACE, "vrb": _TRACE, "finest": _TRACE, "finer": _TRACE,
    "debug": _DEBUG, "dbg": _DEBUG, "fine": _DEBUG, "config": _DEBUG,
    "info": _INFO, "information": _INFO, "informational": _INFO, "inf": _INFO, "log": _INFO, "default": _INFO,
    "notice": _INFO + 1,
    "warn": _WARN, "warning": _WARN, "wrn": _WARN,
    "error": _ERROR, "err": _ERROR, "eror": _ERROR, "severe": _ERROR, "fail": _ERROR,
    "critical": _FATAL, "crit": _FATAL, "dpanic": _FATAL, "alert": _FATAL + 1,
    "fatal": _FATAL, "ftl": _FATAL, "panic": _FATAL + 2, "emerg": _FATAL + 3, "emergency": _FATAL + 3,
}  # fmt: skip
_LETTERS: Final = {"t": _TRACE, "v": _TRACE, "d": _DEBUG, "i": _INFO, "w": _WARN, "e": _ERROR, "f": _FATAL}
_NUMBERED: Final[dict[str, tuple[int, ...]]] = {
    # Python's logging, in steps of ten
    "levelno": (0, _DEBUG, _INFO, _WARN, _ERROR, _FATAL),
    # Application Insights
    "severitylevel": (_TRACE, _INFO, _WARN, _ERROR, _FATAL),
}
_SYSLOG: Final = (_FATAL + 3, _FATAL + 1, _FATAL, _ERROR, _WARN, _INFO + 1, _INFO, _DEBUG)
_BUNYAN: Final = (0, _TRACE, _DEBUG, _INFO, _WARN, _ERROR, _FATAL)
"""Levels of Bunyan and Pino, in steps of ten."""
_MONOLOG: Final = {250: _INFO + 1, 550: _FATAL + 1}
_MAX_OTEL_SEVERITY: Final = 24


def severity_of_text(text: str) -> int:
    """Return the number of a severity name, in any case; 0 for an unknown name."""
    word = text.strip().lower()
    return _NAMES.get(word) or _LETTERS.get(word, 0) or _NAMES.get(word.rstrip("0123456789"), 0)


def severity_of(key: str, value: Any) -> int:
    """Return the number of a severity. The key identifies the logger, as each numbers its levels differently."""
    if isinstance(value, str):
        if not value.isdecimal():
            return severity_of_text(value)
        value = int(value[:4])
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return 0
    if key in ("severitynumber", "severity_number"):
        return value if value <= _MAX_OTEL_SEVERITY else 0
    if key == "levelno":
        return _at(_NUMBERED[key], value // 10)
    if key in _NUMBERED:
        return _at(_NUMBERED[key], value)
    if value < len(_SYSLOG):
        return _SYSLOG[value]
    if value < 100:
        return _at(_BUNYAN, value // 10)
    # Monolog: 100 is debug, 600 an emergency
    return _MONOLOG.get(value) or _at((0, _DEBUG, _INFO, _WARN, _ERROR, _FATAL, _FATAL + 3), value // 100)


def severity_text(number: int) -> str:
    """Return OpenTelemetry's short name of a severity number, '' for 0."""
    return ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")[min((number - 1) // 4, 5)] if number > 0 else ""


def _at(numbers: tuple[int, ...], index: int) -> int:
    return numbers[index] if index < len(numbers) else 0
