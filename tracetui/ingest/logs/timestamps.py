"""Times of log records: in fields, as numbers of any unit or text, and at the beginning of lines."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tracetui.model.times import MAX_START_NS, SECOND_NS

_DAY: Final = 86_400 * SECOND_NS
_EPOCH: Final = date(1970, 1, 1).toordinal()
_UNITS: Final = ((1e17, 1), (1e14, 1_000), (1e11, 1_000_000), (0, SECOND_NS))
"""Smallest number taken as each unit, and its factor to nanoseconds; right for times from 1973 to 5138."""
_LONGEST_NUMBER: Final = 30
_UTC_SECOND: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_LONGEST_TIME: Final = 60
_HEAD: Final = 100
"""Bytes of a line that are searched for its time: an address or a logger name may come first."""
_LEAP_YEAR: Final = 1972
"""Year for dates without one: as a leap year it has every day."""
_MONTHS: Final = {
    name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
_CLOCK: Final = r"(?P<hour>\d\d?):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,:](?P<fraction>\d{1,9})\d*+)?"
_ZONE: Final = r"(?: ?(?P<zone>Z\b|UTC\b|GMT\b|[+-]\d\d:?\d\d(?!\d)|(?<=\d)[+-]\d\d(?!\d)))?"
_MONTH: Final = r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        # ISO 8601 and its variants of Go, nginx and Java
        rf"(?P<year>\d{{4}})(?P<sign>[-/.])(?P<month>\d\d)(?P=sign)(?P<day>\d\d)[T _]{_CLOCK}{_ZONE}",
        # access logs, Redis, mail headers
        rf"(?P<day>\d\d?)[ /-]{_MONTH}[ /-](?P<year>\d{{4}})[ :]{_CLOCK}{_ZONE}",
        # syslog without a year, C's ctime with one
        rf"{_MONTH}  ?(?P<day>\d\d?) {_CLOCK}(?: (?P<year>\d{{4}})\b)?",
    )
)
_LEADING: Final = tuple(
    re.compile(form)
    for form in (
        # Kubernetes' klog
        rf"[IWEF](?P<month>\d\d)(?P<day>\d\d) {_CLOCK}",
        rf"\[?{_CLOCK}(?!\d)",
    )
)
_NUMBER: Final = re.compile(r"\[?(?P<number>\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})(?![\w.])")
_DIGITS: Final = bytes(ord("9") if 0x30 <= byte <= 0x39 else byte for byte in range(256))
_MAY_HOLD_TIME: Final = re.compile(r"\d:\d\d|\[?\d{10}")
_ZONE_OF_TEXT: Final = re.compile(r"\s*(?:UTC|GMT)$|\s+(?P<offset>[+-]\d\d:?\d\d)$")


class Moment(NamedTuple):
    """Possibly incomplete time of a record."""

    ns: int
    """Nanoseconds since the epoch, as UTC if the zone is missing; since midnight if the date is missing."""
    missing: str = ""
    """Missing part: "zone", "year" or "date"; '' if it is complete."""

    def near(self, reference_ns: int) -> int:
        """Complete the time with a missing year or date, as near as possible to a reference. -> ns since the epoch"""
        if self.missing == "date":
            day = (reference_ns - self.ns + _DAY // 2) // _DAY
            return self.ns + day * _DAY
        if self.missing == "year":
            days, rest = divmod(self.ns, _DAY)
            own = date.fromordinal(_EPOCH + days)
            year = datetime.fromtimestamp(max(reference_ns, 0) // SECOND_NS, UTC).year
            found = [_days(near, own.month, own.day) for near in (year - 1, year, year + 1)]
            times = [one * _DAY + rest for one in found if one is not None] or [self.ns]
            return min(times, key=lambda time: abs(time - reference_ns))
        return self.ns


def read_moment(value: Any) -> Moment | None:
    """Read a field: a number of any unit, text, or seconds and nanoseconds; None if it is not a time."""
    if isinstance(value, dict):
        # Loguru has the seconds beside the text
        value = _of_parts(value) or value.get("timestamp")
    if isinstance(value, str):
        text = value.strip()
        if len(text) > _LONGEST_TIME:
            return None
        moment = _utc_moment(text)
        if moment is not None:
            return moment
        try:
            value = int(text) if _is_whole(text) else Decimal(text) if "e" not in text.lower() else float(text)
        except (ValueError, InvalidOperation):
            return _moment_of_text(text)
        if isinstance(value, Decimal) and not value.is_finite():
            return None
    elif isinstance(value, float) and math.isfinite(value):
        # a float cannot hold the digits that its text shows
        value = Decimal(repr(value))
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not 0 < value < 1e19:
        return None
    unit = next(size for smallest, size in _UNITS if value >= smallest)
    # integer arithmetic keeps every nanosecond
    return _checked(value * unit if isinstance(value, int) else round(value * unit))


def _utc_moment(text: str) -> Moment | None:
    """Read the commonest form, such as 2023-01-29T08:43:06.253563197Z, several times as fast as the patterns do."""
    fraction = text[20:-1]
    if (
        text[19:20] != "."
        or text[-1] != "Z"
        or not (fraction.isdecimal() and fraction.isascii() and len(fraction) < 10)
    ):
        return None
    second = _utc_second(text[:19])
    return None if second is None else _checked(second * SECOND_NS + int(fraction.ljust(9, "0")))


@lru_cache(maxsize=256)
def _utc_second(text: str) -> int | None:
    """Read a time such as 2023-01-29T08:43:06. -> seconds since the epoch, None for another text"""
    if _UTC_SECOND.fullmatch(text) is None:
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _of_parts(value: dict[str, Any]) -> int | None:
    """Read a protobuf Timestamp, a Log4j Instant or a MongoDB date. -> nanoseconds"""
    for first, second in (("seconds", "nanos"), ("epochSecond", "nanoOfSecond"), ("Seconds", "Nanos")):
        if first in value:
            # protobuf's JSON writes 64-bit integers as text
            seconds, nanos = (
                int(part) if isinstance(part, str) and _is_whole(part) else part
                for part in (value[first], value.get(second, 0))
            )
            if type(seconds) is not int or type(nanos) is not int:
                return None
            return seconds * SECOND_NS + nanos
    inner = value.get("$date")
    moment = read_moment(inner) if inner is not None and not isinstance(inner, dict) else None
    return moment.ns if moment else None


def _moment_of_text(text: str) -> Moment | None:
    found = _in_text(text)
    if found is not None:
        return found[0]
    try:
        # other forms of ISO 8601: weeks, no separators
        moment = datetime.fromisoformat(_ZONE_OF_TEXT.sub(r"\g<offset>", text.replace(",", ".")))
    except ValueError:
        return None
    missing = "" if moment.tzinfo else "zone"
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _checked(int(moment.timestamp()) * SECOND_NS + moment.microsecond * 1_000, missing)


def begins_with_time(line: bytes) -> bool:
    """Test whether `leading_moment` may find a time. Must be cheap: it is called for every line of text."""
    digits = line[:_HEAD].translate(_DIGITS)
    if b"9:99:99" not in digits:
        return digits[:10] == b"9" * 10 or digits[:11] == b"[" + b"9" * 10
    if digits[:5] in (b"9999-", b"9999/", b"99:99", b"[9999"):
        return True
    return leading_moment(line[:_HEAD].decode("latin-1")) is not None


def leading_moment(line: str) -> tuple[Moment, int, int] | None:
    """Read the time at the beginning of a line. -> the time, its start and end in the line; None if there is none"""
    head = line[:_HEAD]
    if _MAY_HOLD_TIME.search(head) is None:
        return None
    found = _FORMS[0].match(head)
    moment = _of_match(found) if found is not None else None
    if found is not None and moment is not None:
        return moment, found.start(), found.end()
    for form in _LEADING:
        found = form.match(head)
        if found is not None:
            moment = _of_match(found)
            return None if moment is None else (moment, found.start(), found.end())
    number = _NUMBER.match(head)
    if number is not None:
        moment = read_moment(number["number"])
        return None if moment is None else (moment, number.start(), number.end())
    return _in_text(head)


def _in_text(text: str) -> tuple[Moment, int, int] | None:
    for form in _FORMS:
        found = form.search(text)
        if found is not None:
            moment = _of_match(found)
            if moment is not None:
                return moment, found.start(), found.end()
    return None


def _of_match(found: re.Match[str]) -> Moment | None:
    parts = found.groupdict()
    clock = int(parts["hour"]) * 3_600 + int(parts["minute"]) * 60 + int(parts["second"])
    time = clock * SECOND_NS + int((parts["fraction"] or "0").ljust(9, "0"))
    if clock >= 86_401:
        return None
    if "month" not in parts:
        return Moment(time, "date")
    name = parts["month"]
    month = int(name) if name.isdecimal() else _MONTHS[name.lower()]
    year = parts.get("year")
    days = _days(int(year) if year else _LEAP_YEAR, month, int(parts["day"]))
    if days is None:
        return None
    time += days * _DAY
    if not year:
        return Moment(time, "year")
    zone = parts.get("zone")
    return _checked(time - _offset(zone), "") if zone else _checked(time, "zone")


@lru_cache(maxsize=256)
def _days(year: int, month: int, day: int) -> int | None:
    """Count the days since the epoch; None for an invalid date."""
    try:
        return date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _offset(zone: str) -> int:
    """Return the offset of a zone from UTC in nanoseconds, positive to the east."""
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    ahead = int(digits[:2]) * 3_600 + int(digits[2:]) * 60
    return (-ahead if zone[0] == "-" else ahead) * SECOND_NS


def _checked(ns: int, missing: str = "") -> Moment | None:
    return Moment(ns, missing) if 0 < ns < MAX_START_NS else None


def _is_whole(text: str) -> bool:
    return len(text) < _LONGEST_NUMBER and text.removeprefix("-").isdecimal()
