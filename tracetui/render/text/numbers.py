"""Format numbers for display: three significant digits and one unit.

Trailing zeros are kept as significant digits (`3.00 s`), except in exact values: counts, axis ticks, whole nanoseconds
and 0.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from tracetui.model.times import LONG_UNITS, SECOND_NS

SHORT_UNITS = (("s", SECOND_NS), ("ms", 1_000_000), ("µs", 1_000), ("ns", 1))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration(ns: int, ascii_only: bool = False) -> str:
    """Format nanoseconds as `3.61 s`, `890 ms`, `12.4 µs`; from a minute on as `2 min 5 s`, `3 h 20 min`, `2 d 4 h`."""
    if ns < 0:
        return "-" + duration(-ns, ascii_only)
    if not ns:
        return "0 s"
    if _round(ns, SECOND_NS // 10) >= 600:
        return _long_duration(_round(ns, SECOND_NS))
    at = next(i for i, (_, size) in enumerate(SHORT_UNITS) if ns >= size)
    number = _three_digits(ns, SHORT_UNITS[at][1])
    if number == "1000":
        at, number = at - 1, "1.00"
    unit = SHORT_UNITS[at][0]
    return f"{number} {'us' if ascii_only and unit == 'µs' else unit}"


def duration_width(longest_ns: int) -> int:
    """Return the width of the widest duration from 0 to this one."""
    if longest_ns < 59 * SECOND_NS:
        return len("99.9 ms")
    if longest_ns < 86_400 * SECOND_NS:
        return len("59 min 59 s")
    return max(len("59 min 59 s"), len(duration(longest_ns)))


def milliseconds(ns: int) -> str:
    """Format nanoseconds as `1,850 ms`; below 100 ms as `36.0 ms`."""
    if ns < 0:
        return "-" + milliseconds(-ns)
    if ns >= 99_950_000:
        return f"{_round(ns, 1_000_000):,} ms"
    if ns >= 1_000_000:
        return f"{_three_digits(ns, 1_000_000)} ms"
    if not ns:
        return "0 ms"
    return f"{ns / 1_000_000:.3f} ms" if ns >= 500 else "<0.001 ms"


def scale(total_ns: int, steps: int, ascii_only: bool = False) -> list[str]:
    """Return labels of an axis from 0 to `total_ns` with `steps` equal steps, in the unit of its end; from a minute on
    in a unit that is not longer than a step.
    """
    unit, size = next((unit for unit in SHORT_UNITS if total_ns >= unit[1]), SHORT_UNITS[0])
    if total_ns >= 60 * SECOND_NS:
        fitting = (long for long in LONG_UNITS if total_ns >= long[1] * SECOND_NS * steps)
        unit, seconds = next(fitting, LONG_UNITS[-1])
        size = seconds * SECOND_NS
    decimals = 0 if unit == "ns" else max(0, 3 - len(str(total_ns // size)))
    numbers = [f"{total_ns * i / steps / size:,.{decimals}f}" for i in range(steps + 1)]
    if decimals and all(number.endswith("0" * decimals) for number in numbers):
        numbers = [number[: -decimals - 1] for number in numbers]
    unit = "us" if ascii_only and unit == "µs" else unit
    return [f"0 {unit}", *(f"{number} {unit}" for number in numbers[1:])]


def _half_up(value: float) -> int:
    """Round to a whole number, and half of one up: 1 of 8 is 13 %, as readers calculate."""
    return math.floor(value + 0.5)


def percent(value: float) -> str:
    """Format a percentage as `74 %`, `8.0 %`, `0.2 %`; 0 % and 100 % only for exactly that."""
    if value <= 0 or value >= 100:
        return f"{value:,.0f} %"
    if value < 0.1:
        return "<0.1 %"
    if value > 99.9:
        return ">99.9 %"
    if value < 9.95:
        return f"{_half_up(10 * value) / 10:.1f} %"
    return f"{_half_up(value)} %" if value < 99 else f"{min(value, 99.9):.1f} %"


def whole_percent(value: float) -> str:
    """Format a percentage in at most five characters: `74 %`, `<1 %`, `>99 %`."""
    if 0 < value < 1:
        return "<1 %"
    if 99 < value < 100:
        return ">99 %"
    return f"{_half_up(value)} %"


def count(number: int) -> str:
    """`1,234,567`"""
    return f"{number:,}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 span`, `11 spans`"""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def per_minute(rate: float) -> str:
    """Format a rate, always per minute, so that rates in a column or in two views can be compared: `5.4`, `1,230`."""
    return f"{rate:,.1f}" if rate < 99.95 else f"{rate:,.0f}"


def failures_of(with_errors: int, failed: int, traces: int) -> str:
    """Summarise failures: `8 of 100 requests failed (8.0 %)` if every trace with errors failed, else
    `8 of 100 traces with errors (8.0 %): 6 requests failed (6.0 %), 2 recovered`.
    """

    def share(count: int) -> str:
        return f" ({percent(100 * count / traces if traces else 0.0)})"

    if with_errors == failed:
        return f"{failed:,} of {counted(traces, 'request')} failed{share(failed)}"
    of = f"{with_errors:,} of {counted(traces, 'trace')} with errors{share(with_errors)}"
    failed_requests = counted(failed, "request") + f" failed{share(failed)}" if failed else "no request failed"
    return f"{of}: {failed_requests}, {with_errors - failed:,} recovered"


def requests_failed(with_errors: int, failed: int) -> str:
    """Return the addition to a count of traces with errors: `6 requests failed`, '' if all of them did."""
    if with_errors == failed:
        return ""
    return f"{counted(failed, 'request')} failed" if failed else "no request failed"


def short_count(number: int) -> str:
    """`950`, `4.1k`, `38k`, `1.2M`"""
    if number < 0:
        return "-" + short_count(-number)
    for size, letter in ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G")):
        tenths = _round(number, size // 10)
        if number < 1_000:
            return str(number)
        if tenths < 100:
            return f"{tenths / 10:.1f}".removesuffix(".0") + letter
        if _round(number, size) < 1_000:
            return f"{_round(number, size)}{letter}"
    return f"{_round(number, 1_000_000_000):,}G"


def clock(ns: int, local: bool = False, digits: int = 3) -> str:
    """Format the time of day of epoch nanoseconds as `10:03:12.044`: UTC unless `local`, with 0 to 6 `digits`."""
    whole = f"{_moment(ns, local):%H:%M:%S}"
    return f"{whole}.{ns // 1_000 % 1_000_000:06d}"[: len(whole) + 1 + digits] if digits else whole


def date_clock(ns: int, local: bool = False, digits: int = 3) -> str:
    """`2024-05-01 10:03:12.044`"""
    return f"{_moment(ns, local):%Y-%m-%d} {clock(ns, local, digits)}"


def digits_between(ns: int) -> int:
    """Return the digits after the second needed to distinguish times this far apart: 0, 3 or 6."""
    return 0 if ns >= 1_000_000_000 else 3 if ns >= 1_000_000 else 6


def time_range(
    start_ns: int, end_ns: int, local: bool = False, ascii_only: bool = False, *, with_date: bool = False
) -> str:
    """Format a time range as `10:00–10:16 UTC`, `with_date` as `2024-05-01 10:00–10:16 UTC`.

    With two dates if the days differ; within a minute with seconds and as many digits as distinguish the ends.
    """
    start, end = _moment(start_ns, local), _moment(end_ns, local)
    if end - start >= timedelta(minutes=1):
        texts = [f"{moment:%H:%M}" for moment in (start, end)]
    else:
        digits = digits_between(end_ns - start_ns) if start != end else 0
        texts = [clock(ns, local, digits) for ns in (start_ns, end_ns)]
    if start.date() != end.date():
        texts = [f"{moment:%Y-%m-%d} {text}" for moment, text in zip((start, end), texts, strict=True)]
    elif with_date:
        texts[0] = f"{start:%Y-%m-%d} {texts[0]}"
        # one time alone, with its date
        texts = texts[:1] if start == end else texts
    return f"{('-' if ascii_only else '–').join(dict.fromkeys(texts))} {zone(start_ns, local)}"


def dates(start_ns: int, end_ns: int, local: bool = False, ascii_only: bool = False) -> str:
    """Format the days of a time range as `2024-05-01`, or `2024-05-01–2024-05-03`."""
    days = [f"{_moment(ns, local):%Y-%m-%d}" for ns in (start_ns, end_ns)]
    return ("-" if ascii_only else "–").join(dict.fromkeys(days))


def zone(ns: int, local: bool = False) -> str:
    """Return the name of the time zone at this time: `UTC`, `CEST`."""
    return (_moment(ns, local).tzname() or "local") if local else "UTC"


def _moment(ns: int, local: bool) -> datetime:
    moment = EPOCH + timedelta(microseconds=ns // 1_000)
    return moment.astimezone() if local else moment


def _round(number: int, size: int) -> int:
    """Return the quotient, half rounded up."""
    return (2 * number + size) // (2 * size)


def _three_digits(number: int, size: int) -> str:
    """Return the quotient (at least 1) with three significant digits; all digits if `size` is 1."""
    decimals = 0 if size == 1 else max(0, 3 - len(str(number // size)))
    scaled = _round(number * 10**decimals, size)
    if decimals and scaled >= 1_000:
        decimals -= 1
        scaled //= 10
    whole, part = divmod(scaled, 10**decimals)
    return f"{whole}.{part:0{decimals}d}" if decimals else str(whole)


def _long_duration(seconds: int) -> str:
    at = next(i for i, (_, size) in enumerate(LONG_UNITS) if seconds >= size)
    unit, size = LONG_UNITS[at]
    smaller, smaller_size = LONG_UNITS[at + 1]
    if seconds >= 100 * 86_400:
        return f"{_round(seconds, size):,} {unit}"
    whole, rest = divmod(_round(seconds, smaller_size), size // smaller_size)
    if at and whole * size >= LONG_UNITS[at - 1][1]:
        return f"1 {LONG_UNITS[at - 1][0]}"
    return f"{whole} {unit} {rest} {smaller}" if rest else f"{whole} {unit}"


def signed_percent(percent: float) -> str:
    """Format a relative change: `+12 %`, `-99.5 %`."""
    if abs(percent) < 0.5:
        return "0 %"
    # only exactly nothing is -100 %
    return f"{percent:+.1f} %" if -100 < percent < -99 else f"{percent:+,.0f} %"


def ordinal(number: int) -> str:
    """`1st`, `22nd`, `113th`"""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number:,}{ending}"
