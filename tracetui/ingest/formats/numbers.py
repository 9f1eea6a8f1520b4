"""Numbers and times in the spellings of wire formats and of JSON writers in many languages."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tracetui.model.times import find_duration, find_time

_LONGEST_NUMBER: Final = 40
"""Longest text of a number that is read exactly; no field needs more."""
_HALF: Final = 0xFFFF_FFFF
_HALVES: Final = (("low", "high"), ("lo", "hi"), ("low_", "high_"), ("Low", "High"), ("lowBits", "highBits"))
"""Names of the halves in JavaScript classes for 64-bit integers (Long, protobufjs' LongBits, Closure)."""
_WRAPPERS: Final = ("$numberLong", "$numberInt", "$numberDouble", "$numberDecimal", "value", "Int64", "Value")
"""Keys of objects with only a number: MongoDB's extended JSON, protobuf wrappers, Go's sql.NullInt64."""
_MOMENT: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d(?::\d\d)?)(?:[.,](?P<fraction>\d{1,9})\d*)?"
    r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?(?: [A-Z]{3,5})?(?: m=[+-][\d.]+)?",
    re.IGNORECASE,
)
"""ISO 8601 date and time, as in RFC 3339, SQL and Go's `time.Time.String`."""


def whole_number(value: Any) -> int | None:
    """Read an integer from a number, a text or an object of two halves, truncated towards zero; None for others."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        try:
            # the literal of a JavaScript BigInt
            return int(value[:-1] if value[-1:] == "n" else value)
        except ValueError:
            pass
        try:
            return int(Decimal(value)) if len(value) <= _LONGEST_NUMBER and "e" not in value.lower() else _cut(value)
        except (InvalidOperation, ValueError, OverflowError):
            return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    return _of_object(value) if isinstance(value, dict) else None


def _cut(text: str) -> int | None:
    value = float(text)
    return int(value) if math.isfinite(value) else None


def _half(value: Any) -> int | None:
    return whole_number(value) if isinstance(value, (int, str)) else None


def _of_object(value: dict[str, Any]) -> int | None:
    for low_key, high_key in _HALVES:
        if low_key in value and high_key in value:
            low, high = _half(value[low_key]), _half(value[high_key])
            if low is None or high is None:
                return None
            whole = (high & _HALF) << 32 | (low & _HALF)
            return whole if value.get("unsigned") is True or whole < 1 << 63 else whole - (1 << 64)
    inner = [value[key] for key in _WRAPPERS if key in value]
    return whole_number(inner[0]) if len(inner) == 1 and not isinstance(inner[0], dict) else None


def moment_ns(value: Any, unit: int = 1) -> int | None:
    """Read nanoseconds since the epoch from a number in units of `unit` nanoseconds, an ISO 8601 text (UTC without a
    zone), or separate seconds and nanoseconds (protobuf's Timestamp, JavaScript's hrtime); None for others.
    """
    number = _in_units(value, unit)
    if number is not None:
        return number
    if isinstance(value, str):
        return _moment_of_text(value.strip())
    if isinstance(value, dict):
        if "$date" in value:
            inner = value["$date"]
            return moment_ns(inner, 1_000_000) if not isinstance(inner, dict) else _in_units(inner, 1_000_000)
        pair = value.get("seconds", value.get("Seconds")), value.get("nanos", value.get("Nanos", 0))
    elif isinstance(value, list) and len(value) == 2:
        pair = value[0], value[1]
    else:
        return None
    seconds, nanos = whole_number(pair[0]), whole_number(pair[1])
    return None if seconds is None or nanos is None else seconds * 1_000_000_000 + nanos


def length_ns(value: Any, unit: int = 1) -> int | None:
    """Read a duration in nanoseconds from a number of units, as `moment_ns`, or a text such as "0.1s"."""
    number = moment_ns(value, unit)
    if number is None and isinstance(value, str):
        return find_duration(value.strip())
    return number


def _in_units(value: Any, unit: int) -> int | None:
    """Convert a number of units to nanoseconds, including fractions of a unit."""
    number = whole_number(value)
    if number is None or unit == 1:
        return number
    if isinstance(value, float):
        return round(Decimal(repr(value)) * unit)
    if isinstance(value, str) and "." in value and len(value) <= _LONGEST_NUMBER:
        return round(Decimal(value) * unit)
    return number * unit


def _moment_of_text(text: str) -> int | None:
    parts = _MOMENT.fullmatch(text)
    if parts is None:
        return None
    zone = (parts["zone"] or "Z").upper().replace(":", "")
    zone = f"{zone[:3]}:{zone[3:] or '00'}" if zone[0] in "+-" else "Z"
    seconds = parts["time"] if len(parts["time"]) > len("00:00") else f"{parts['time']}:00"
    return find_time(f"{parts['day']}T{seconds}.{parts['fraction'] or '0'}{zone}")
