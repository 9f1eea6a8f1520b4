"""Values in a query, and when a value of a span meets one."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tracetui.model.problems import UsageError
from tracetui.model.span import Value

UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
"""Nanoseconds of each unit of time. Both code points that look like µ are in use."""

ORDERINGS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_AMOUNT: Final = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})(ns|us|µs|μs|ms|s|m|h|d)")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?",
    re.IGNORECASE,
)
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,40}")


def parse_duration(text: str) -> int:
    """-> nanoseconds of "500ms", "1.5s", "1h30m", "2d" or "0".

    UsageError: the text is no duration.
    """
    duration = find_duration(text.strip())
    if duration is None:
        raise UsageError(
            f'"{text}" is no duration; write a number with a unit, such as 500ms, 1.5s, 30m, 1h30m or 2d'
            " (units: ns us ms s m h d)"
        )
    return duration


def find_duration(text: str) -> int | None:
    """-> nanoseconds, or None for text that is no duration."""
    if text == "0":
        return 0
    at = 0
    total = Decimal(0)
    while at < len(text):
        amount = _AMOUNT.match(text, at)
        if amount is None:
            return None
        total += Decimal(amount[1]) * UNITS[amount[2]]
        at = amount.end()
    return round(total) if text else None


def find_time(text: str) -> int | None:
    """-> nanoseconds since the epoch of `2024-05-01T10:03:12.044Z`, in UTC unless it says otherwise, or None."""
    parts = _TIME.fullmatch(text.strip())
    if parts is None:
        return None
    day, minute, second, fraction, zone = parts.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{minute or '00:00'}:{second or '00'}{(zone or 'Z').upper()}")
    except ValueError:
        return None
    seconds = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def format_duration(duration_ns: int) -> str:
    """A duration as `parse_duration` reads it, exactly: "500ms", "1.5s", "1h30m"."""
    text = ""
    for unit in ("d", "h", "m"):
        whole, duration_ns = divmod(duration_ns, UNITS[unit])
        text += f"{whole}{unit}" if whole else ""
    for unit in ("s", "ms", "us", "ns"):
        if duration_ns >= UNITS[unit]:
            amount = f"{Decimal(duration_ns) / UNITS[unit]:f}"
            return text + (amount.rstrip("0").rstrip(".") if "." in amount else amount) + unit
    return text or "0"


def find_number(text: str) -> int | float | None:
    """-> the number that the text is, integers exactly, or None. Not a number, infinity and `1_000` are no numbers."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as the query has it."""

    text: str
    quoted: bool
    position: int
    """Where it stands in the query, quotes included."""
    length: int
    pattern: re.Pattern[str] | None = None
    """The regular expression, where it stands after `=~` or `!~`."""

    @property
    def number(self) -> int | float | None:
        return find_number(self.text)

    @property
    def is_truth(self) -> bool:
        return self.text.lower() in ("true", "false")


def text_test(operation: str, literal: Literal) -> Callable[[str], bool]:
    """A test of text that is there, for `= != =~ !~`."""
    wanted, pattern = literal.text, literal.pattern
    if pattern is not None:
        search = pattern.search
        if operation == "!~":
            return lambda text: search(text) is None
        return lambda text: search(text) is not None
    if operation == "!=":
        return lambda text: text != wanted
    return lambda text: text == wanted


def value_test(operation: str, literal: Literal | None) -> Callable[[Value], bool]:
    """A test of an attribute's value that is there. Without a literal it asks only for that."""
    if literal is None:
        return lambda _: True
    one = _scalar_test(operation, literal)
    negative = operation in ("!=", "!~")

    def test(value: Value) -> bool:
        found = any(map(one, value)) if isinstance(value, list) else one(value)
        return found is not negative

    return test


def _scalar_test(operation: str, literal: Literal) -> Callable[[Value], bool]:
    if literal.pattern is not None:
        search = literal.pattern.search
        return lambda value: (text := _text(value)) is not None and search(text) is not None
    number = literal.number
    if operation in ORDERINGS and number is not None:
        holds = ORDERINGS[operation]
        return lambda value: (other := _number(value)) is not None and holds(other, number)
    wanted, quoted, truth = literal.text, literal.quoted, literal.text.lower()

    def equals(value: Value) -> bool:
        if isinstance(value, str):
            return value == wanted or (number is not None and not quoted and find_number(value) == number)
        if isinstance(value, bool):
            return truth == ("true" if value else "false")
        return isinstance(value, (int, float)) and number is not None and value == number

    return equals


def _number(value: Value) -> int | float | None:
    if isinstance(value, str):
        return find_number(value)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _text(value: Value) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else None
