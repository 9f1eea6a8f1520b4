"""Time windows to choose from, and those that a typed text denotes."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import numpy as np

from tracetui.model.times import MINUTE_NS, find_duration
from tracetui.model.traces import TraceSet
from tracetui.query import edit as filters
from tracetui.render.text import numbers
from tracetui.render.text.line import Role
from tracetui.render.text.safe_text import safe
from tracetui.tui.state import State
from tracetui.tui.widgets.choice import Option

_LAST = ((1, "minute"), (5, "5 minutes"), (15, "15 minutes"), (60, "hour"), (360, "6 hours"), (1440, "day"))
_UP_TO_NOW = (
    ("15m", "15 minutes"),
    ("1h", "hour"),
    ("3h", "3 hours"),
    ("12h", "12 hours"),
    ("1d", "day"),
    ("2d", "2 days"),
    ("7d", "7 days"),
    ("30d", "30 days"),
)
_SEARCHES = "searches the server"
_CLOCK = re.compile(r"(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?")
_WINDOW = re.compile(rf"\s*{_CLOCK.pattern}\s*(?:(?:-|–|to)\s*{_CLOCK.pattern}\s*)?")
_LONGEST_TYPED = 40


def window_of(traces: TraceSet) -> tuple[int, int]:
    """Return the first and last start of the traces, in nanoseconds; now if there are none."""
    starts = traces.trace_start if traces.trace_count else np.array([time.time_ns()])
    return int(starts.min()), int(starts.max())


def window_options(traces: TraceSet, state: State, *, is_filtered: bool) -> list[Option]:
    """Return the time windows to choose from; values are conditions, or durations up to now on servers.

    is_filtered: the filter limits the time.
    """
    first, last = window_of(traces)
    options = []
    if is_filtered:
        options.append(Option("", "all times", "removes the filter", Role.DIM))
    if state.trace is not None and state.trace < traces.trace_count:
        at = int(traces.trace_start[state.trace])
        label = "a minute before and after the trace under the cursor"
        options.append(Option(_around(at), label, numbers.clock(at, state.look.local_time)))
    if state.is_live:
        # servers may have newer traces
        return options + [Option(text, f"the last {name}, up to now", _SEARCHES) for text, name in _UP_TO_NOW]
    for minutes, name in _LAST:
        begin = last - minutes * MINUTE_NS
        if begin > first:
            options.append(_option(traces, f"the last {name}", begin, None))
    return options


def typed_window_options(text: str, traces: TraceSet, state: State) -> list[Option]:
    """Return the time windows that a typed text denotes, the likeliest first; none for other text.

    A time is the minutes before and after it, or all from it on.
    """
    if state.is_live and find_duration(text):
        return [Option(text, f"the last {text}, up to now", _SEARCHES)]
    begin, end = typed_window(text, traces, state)
    shown = safe(text.strip(), _LONGEST_TYPED)
    if begin is None or (end is not None and end <= begin):
        return []
    if end is not None:
        return [_option(traces, shown, begin, end)]
    return [
        _option(traces, f"a minute before and after {shown}", begin - MINUTE_NS, begin + MINUTE_NS),
        _option(traces, f"from {shown} on", begin, None),
    ]


def typed_window(text: str, traces: TraceSet, state: State) -> tuple[int | None, int | None]:
    """Parse a typed time or window, as `written_window` does."""
    first, last = window_of(traces)
    return written_window(text, first, max(last, time.time_ns()) if state.is_live else last, state.look.local_time)


def written_window(text: str, first_ns: int, last_ns: int, local: bool) -> tuple[int | None, int | None]:
    """Parse `10:03-10:16` or `10:03` on the day of the first trace. -> begin and end, None for a missing one

    If traces extend past midnight, it may also be the next day. The end may precede the begin.
    """
    if _WINDOW.fullmatch(text) is None:
        return None, None
    first, last = (_moment(ns, local) for ns in (first_ns, last_ns))
    times: list[datetime] = []
    found: list[int | None] = []
    for match in _CLOCK.finditer(text):
        hour, minute, second = (int(part or 0) for part in match.groups()[:3])
        if hour > 23 or minute > 59 or second > 59:
            return None, None
        moment = (times or [first])[0].replace(hour=hour, minute=minute, second=second, microsecond=0)
        after = moment + timedelta(days=1)
        if times:
            is_after = moment <= times[0] and after.date() <= last.date()
        else:
            is_after = moment + timedelta(minutes=1) < first and after <= last
        times.append(after if is_after else moment)
        fraction = int((match[4] or "0").ljust(9, "0"))
        found.append(int(times[-1].timestamp()) * 1_000_000_000 + fraction)
    found += [None, None]
    return found[0], found[1]


def _around(at_ns: int) -> str:
    return filters.time_window(at_ns - MINUTE_NS, at_ns + MINUTE_NS)


def _option(traces: TraceSet, label: str, begin_ns: int, end_ns: int | None) -> Option:
    """Option for a window, with the number of traces that start in it."""
    inside = traces.trace_start >= begin_ns
    if end_ns is not None:
        inside &= traces.trace_start < end_ns
    return Option(filters.time_window(begin_ns, end_ns), label, numbers.counted(int(inside.sum()), "trace"))


def _moment(ns: int, local: bool) -> datetime:
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return moment.astimezone() if local else moment
