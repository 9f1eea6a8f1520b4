"""The subset of TraceQL that the fake Tempo supports: `{a = "x" && (b > 5ms || c = 1)} && {...} |
select(...)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tests.support.documents import Document, SpanFacts

UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}

_SETS = re.compile(r"\s*\{(.*)\}\s*(?:\|\s*select\(.*\))?\s*(?:with\s*\(.*\))?\s*", re.DOTALL)
_BETWEEN_SETS = re.compile(r"\}\s*&&\s*\{")
_AND = re.compile(r'&&(?=(?:[^"]*"[^"]*")*[^"]*$)')
_OR = re.compile(r'\|\|(?=(?:[^"]*"[^"]*")*[^"]*$)')
_EITHER = re.compile(r"\s*\((.*)\)\s*", re.DOTALL)
_CONDITION = re.compile(r'\s*([^\s=!<>~]+)\s*(=~|!~|!=|>=|<=|=|>|<)\s*("(?:[^"\\]|\\.)*"|`[^`]*`|[^\s{}"]+)\s*')
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")

Matcher = Callable[[SpanFacts], bool]


class NotUnderstoodError(Exception):
    """The query uses more of the language than is supported here; the real Tempo may accept it."""


def nanoseconds(text: str) -> int:
    """Read a duration in Go's notation. Raises ValueError."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(text)
    return round(sum(float(number) * UNITS[unit] for number, unit in parts))


def matching(question: str, trace: Document) -> list[SpanFacts]:
    """Find the spans of a trace that match a query."""
    found = _SETS.fullmatch(question)
    if not found:
        raise NotUnderstoodError(question)
    spans: list[SpanFacts] = []
    for one_set in _BETWEEN_SETS.split(found[1]):
        tests = [_condition(part, trace) for part in _AND.split(one_set) if part.strip()]
        of_set = [span for span in trace.spans if _all(tests, span)]
        if not of_set:
            return []
        spans += of_set
    return spans


def named_attributes(question: str) -> list[str]:
    """List the attributes that a query names, which responses contain for each span."""
    return re.findall(r"(?:(?:resource|span)?\.|\b(?=status\b))([\w.]+)\s*[=!<>]", re.sub(r'"[^"]*"', '""', question))


def _all(tests: Sequence[Matcher], span: SpanFacts) -> bool:
    return all(test(span) for test in tests)


def _condition(text: str, trace: Document) -> Matcher:
    if either := _EITHER.fullmatch(text):
        tests = [_condition(part, trace) for part in _OR.split(either[1])]
        return lambda span: any(test(span) for test in tests)
    found = _CONDITION.fullmatch(text)
    if not found:
        raise NotUnderstoodError(text)
    name, operator, wanted = found.groups()
    return lambda span: _holds(_value(name, span, trace), operator, wanted)


def _value(name: str, span: SpanFacts, trace: Document) -> str | int | None:
    root = trace.root
    known: dict[str, str | int | None] = {
        "name": span.name,
        "status": span.status,
        "kind": span.kind,
        "duration": span.duration_ns,
        "traceDuration": trace.end_ns - trace.start_ns,
        "rootName": root.name if root else None,
        "rootServiceName": root.service if root else None,
    }
    known |= {"trace:duration": known["traceDuration"], "trace:rootName": known["rootName"]}
    known |= {"trace:rootService": known["rootServiceName"]}
    plain = name.removeprefix("span:")
    if plain in known:
        return known[plain]
    scope, dot, key = name.partition(".")
    if not dot or scope not in ("", "span", "resource"):
        raise NotUnderstoodError(name)
    return span.tags.get(key.strip('"'))


def _holds(value: str | int | None, operator: str, wanted: str) -> bool:
    if wanted == "nil":
        return (value is None) == (operator == "=")
    if value is None:
        return False
    if operator in ("=~", "!~"):
        return bool(re.fullmatch(_unquoted(wanted), str(value))) == (operator == "=~")
    if operator in ("=", "!="):
        return _equal(value, wanted) == (operator == "=")
    left, right = _number(str(value)), _number(wanted)
    if left is None or right is None:
        return False
    return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator]


def _equal(value: str | int, wanted: str) -> bool:
    number = _number(wanted)
    return str(value) == _unquoted(wanted) or (number is not None and _number(str(value)) == number)


def _number(text: str) -> float | None:
    for read in (float, nanoseconds):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in ('"', "`") else text
