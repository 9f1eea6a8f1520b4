"""Alternatives offered after an empty search result: wider windows, and services of the servers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tracetui.model.search import MORE
from tracetui.model.times import LONG_UNITS, format_duration, parse_duration

WINDOWS: Final = tuple(map(parse_duration, ("3h", "12h", "1d", "7d", "30d")))
"""Lookback windows offered after an empty result."""
NEWEST_NS: Final = parse_duration("7d")
"""Lookback of the search for a service's newest trace."""
MAX_SEARCHED: Final = 24
"""Largest number of services whose newest trace is searched, with one request each."""
_WINDOW_MARGIN = 1.05
"""Factor from a trace's age to a window that still contains it a little later."""


def age(start_ns: int, now_ns: int) -> str:
    """Format an age as "2 h ago"."""
    seconds = max((now_ns - start_ns) // 1_000_000_000, 0)
    unit, size = next((one for one in LONG_UNITS if seconds >= one[1]), LONG_UNITS[-1])
    return f"{seconds // size} {unit} ago"


def newest_text(start_ns: int | None, now_ns: int) -> str:
    """Format the age of a service's newest trace: "2 h ago", "none in 7d", or '' if unknown (None)."""
    if start_ns is None:
        return ""
    return age(start_ns, now_ns) if start_ns else f"none in {format_duration(NEWEST_NS)}"


def _services_note(within: int, searched: int, *, is_known: bool) -> str:
    """Describe how many of the searched services have traces in a window. is_known: it was searched to its start"""
    if not within:
        return "no traces" if is_known else "not searched yet"
    at_least = "at least " if within < searched and not is_known else ""
    count = f"{at_least}{within:,} of " if within < searched else "all "
    return f"{count}{searched:,} services have traces" if searched > 1 else "has traces"


def _note(newest: str) -> str:
    return f"newest trace {newest}" if newest.endswith("ago") else newest


def wider_window(starts: Collection[int], searched_ns: int, now_ns: int) -> tuple[int, bool]:
    """Return the narrowest window up to now that may hold traces outside the last `searched_ns`.

    `starts`: starts of the newest traces that are known, 0 for none within `NEWEST_NS`. -> the window, always wider
    than the searched one; True if it contains a known trace that the searched one does not
    """
    beyond = [start for start in starts if 0 < start <= now_ns - searched_ns]
    if beyond:
        shortest: float = _WINDOW_MARGIN * (now_ns - max(beyond))
    elif not starts:
        shortest = NEWEST_NS
    else:
        # the newest traces do not meet other conditions, but older ones may
        shortest = 0 if any(starts) else NEWEST_NS + 1
    wider = (window for window in WINDOWS if window > searched_ns and window >= shortest)
    return next(wider, MORE * searched_ns), bool(beyond)


def by_newest(services: Sequence[str], newest: Mapping[str, int]) -> list[str]:
    """Sort services: newest traces first, then unknown, then without traces."""

    def rank(name: str) -> tuple[int, int]:
        start = newest.get(name)
        return (1 if start is None else 0 if start else 2, -(start or 0))

    return sorted(services, key=rank)


@dataclass(frozen=True, slots=True)
class Offer:
    """Window to search, for one service or for all ('')."""

    window_ns: int
    service: str = ""
    note: str = ""
    may_hold: bool = False
    """True if traces are in the window, or may be."""


def offers(services: Sequence[str], newest: Mapping[str, int], searched_ns: int, now_ns: int) -> list[Offer]:
    """Return the offers after an empty search of the last `searched_ns`; `newest`: result of `newest_starts`."""
    windows = []
    for window in WINDOWS:
        within = sum(start > now_ns - window for start in newest.values())
        is_known = bool(newest) and window <= NEWEST_NS
        if window > searched_ns:
            note = _services_note(within, len(newest), is_known=is_known) if newest else ""
            windows.append(Offer(window, note=note, may_hold=within > 0 or not is_known))
    rest = "not searched" if newest else ""
    ordered = by_newest(services, newest)
    return [
        *windows,
        *(
            Offer(
                wider_window([newest[name]] if name in newest else (), searched_ns, now_ns)[0],
                name,
                _note(newest_text(newest.get(name), now_ns)) or rest,
            )
            for name in ordered
        ),
    ]
