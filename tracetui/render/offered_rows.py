"""What can be asked of servers that hold no trace of the time that was asked for: wider windows, and their services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tracetui.model.times import format_duration, parse_duration
from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

WINDOWS: Final = tuple(map(parse_duration, ("3h", "12h", "1d", "7d", "30d")))
"""How far back servers are asked where nothing was found."""
NEWEST_NS: Final = parse_duration("7d")
"""How far back the newest trace of a service is looked for."""
MOST_ASKED: Final = 24
"""Services whose newest trace is looked for, with a request for each."""
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_LONGEST_NAME = 60
_AS_WIDE = 1.05
"""How much longer than the age of a trace a window is that holds it also a little later."""


def age(start_ns: int, now_ns: int) -> str:
    """How long ago something began: "2 h ago"."""
    seconds = max((now_ns - start_ns) // 1_000_000_000, 0)
    unit, size = next((one for one in _UNITS if seconds >= one[1]), _UNITS[-1])
    return f"{seconds // size} {unit} ago"


def newest_text(start_ns: int | None, now_ns: int) -> str:
    """When the newest trace of a service began: "2 h ago" or "none in 7d"; '' where that is not known (None)."""
    if start_ns is None:
        return ""
    return age(start_ns, now_ns) if start_ns else f"none in {format_duration(NEWEST_NS)}"


def _note(newest: str) -> str:
    return f"newest trace {newest}" if newest.endswith("ago") else newest


def window_for(start_ns: int | None, now_ns: int) -> int:
    """The narrowest window, counted back from now, that holds a trace; one to try where that is not known."""
    if start_ns is None:
        return NEWEST_NS
    needed = _AS_WIDE * (now_ns - start_ns)
    return next((window for window in WINDOWS if window >= needed), WINDOWS[-1])


def by_newest(services: Sequence[str], newest: Mapping[str, int]) -> list[str]:
    """The services, those with the newest traces first, then those of which nothing is known, then those without."""

    def rank(name: str) -> tuple[int, int]:
        start = newest.get(name)
        return (1 if start is None else 0 if start else 2, -(start or 0))

    return sorted(services, key=rank)


@dataclass(frozen=True, slots=True)
class Offer:
    """A row: a window to ask for, and of which service ('' for all)."""

    window_ns: int
    service: str = ""
    note: str = ""
    services: int = 0
    """How many services are known to have traces in the window."""


class OfferedRows:
    """The offers as lines."""

    def __init__(self, offers: Sequence[Offer], ellipsis: str) -> None:
        self._offers = offers
        self._ellipsis = ellipsis
        widths = [cell_width(self._label(offer)) for offer in offers]
        self._labels = min(max(widths, default=0), _LONGEST_NAME)

    def __len__(self) -> int:
        return len(self._offers)

    @property
    def best(self) -> int:
        """The row of the narrowest window that is known to hold traces, else the first."""
        return next((row for row, offer in enumerate(self._offers) if offer.services), 0)

    def offer(self, row: int) -> Offer | None:
        return self._offers[row] if 0 <= row < len(self._offers) else None

    def line(self, row: int, width: int) -> Line:
        offer = self._offers[row]
        line = Line([(f" {fit(self._label(offer), self._labels, 'left', self._ellipsis)}", Role.PLAIN)])
        return line.add(f"   {offer.note}", Role.DIM).cropped(width, self._ellipsis)

    def _label(self, offer: Offer) -> str:
        return safe(offer.service, _LONGEST_NAME) if offer.service else f"the last {format_duration(offer.window_ns)}"


def offers(services: Sequence[str], newest: Mapping[str, int], asked_ns: int, now_ns: int) -> list[Offer]:
    """What to offer where nothing was found within so long before now; `newest` as `newest_starts` of servers."""
    windows = []
    for window in WINDOWS:
        reached = sum(start > now_ns - window for start in newest.values())
        is_known = bool(newest) and window <= NEWEST_NS
        note = f"traces of {reached:,} of {len(newest):,} services" if is_known else ""
        if window > asked_ns:
            windows.append(Offer(window, note=note, services=reached))
    rest = "not looked at" if newest else ""
    named = by_newest(services, newest)
    return [
        *windows,
        *(
            Offer(
                window_for(newest.get(name) or None, now_ns), name, _note(newest_text(newest.get(name), now_ns)) or rest
            )
            for name in named
        ),
    ]
