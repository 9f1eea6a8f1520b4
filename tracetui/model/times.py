"""Durations and times in human-readable form."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tracetui.model.errors import UsageError

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
SECOND_NS: Final = UNITS["s"]
MINUTE_NS: Final = UNITS["m"]
LONG_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
"""Units for durations of minutes and more, in seconds, largest first."""
MAX_START_NS: Final = 1 << 62
"""A time in 2116, the latest start of a span. With MAX_DURATION_NS, all ends and differences fit into 64 bits."""
MAX_DURATION_NS: Final = 1 << 61

_AMOUNT: Final = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})(ns|us|µs|μs|ms|s|m|h|d)")
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?Z?", re.IGNORECASE)
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?",
    re.IGNORECASE,
)


def parse_duration(text: str) -> int:
    """Parse a duration such as "500ms", "1.5s", "1h30m", "2d" or "0". -> nanoseconds

    Raises UsageError for other text.
    """
    duration = find_duration(text.strip())
    if duration is None:
        raise UsageError(
            f'"{text}" is not a duration; write a number with a unit, such as 500ms, 1.5s, 30m, 1h30m or 2d'
            " (units: ns us ms s m h d)"
        )
    return duration


def find_duration(text: str) -> int | None:
    """Parse a duration. -> nanoseconds, None for other text"""
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
    """Parse a time such as `2024-05-01T10:03:12.044Z`, by default in UTC. -> ns since the epoch, None for others"""
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


def find_clock(text: str) -> int | None:
    """Parse a time of day such as `10:05` or `10:05:30.25` in UTC. -> ns since midnight, None for other text"""
    parts = _CLOCK.fullmatch(text.strip())
    if parts is None:
        return None
    hours, minutes, seconds, fraction = parts.groups()
    return (
        (int(hours) * 60 + int(minutes)) * MINUTE_NS
        + int(seconds or 0) * SECOND_NS
        + int((fraction or "0").ljust(9, "0"))
    )


def latest_at_clock(clock_ns: int, first_ns: int, last_ns: int) -> int:
    """Find the moment of a time of day within a range of time: the latest, if the range covers several days.

    The time of a day on which the range ends is returned if no such moment is within it. All are ns since the epoch,
    `clock_ns` since midnight in UTC.
    """
    moment = last_ns - last_ns % UNITS["d"] + clock_ns
    before = moment - UNITS["d"]
    return before if moment > last_ns and before >= first_ns else moment


def find_moment(text: str) -> int | None:
    """Parse a time as `find_time` does, or a number of seconds, milliseconds, microseconds or nanoseconds, depending on
    its size. -> ns since the epoch, None for other text
    """
    if not text.isdecimal() or not text.isascii() or len(text) > 19:
        return find_time(text)
    number = int(text)
    for unit in (1_000_000_000, 1_000_000, 1_000, 1):
        # valid until the year 2286
        if number * unit < 10**19:
            return number * unit
    return None


def format_duration(duration_ns: int) -> str:
    """Format a duration exactly, in the form that `parse_duration` reads: "500ms", "1.5s", "1h30m"."""
    text = ""
    for unit in ("d", "h", "m"):
        whole, duration_ns = divmod(duration_ns, UNITS[unit])
        text += f"{whole}{unit}" if whole else ""
    for unit in ("s", "ms", "us", "ns"):
        if duration_ns >= UNITS[unit]:
            amount = f"{Decimal(duration_ns) / UNITS[unit]:f}"
            return text + (amount.rstrip("0").rstrip(".") if "." in amount else amount) + unit
    return text or "0"
