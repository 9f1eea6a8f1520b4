"""Window of the traces that a search covered, if the server could not search for the matching ones only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tracetui.model.search import LAST_NS
from tracetui.model.times import SECOND_NS

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class SearchedWindow:
    """Traces that were searched for matches."""

    count: int
    since_ns: int = 0
    until_ns: int = 0
    """`since_ns`, `until_ns`: start of the first and the last of them, in ns since the epoch; 0 if unknown."""
    complete_since_ns: int = 0
    """Time from which on no trace is missing: later than `since_ns` if old traces have new spans, or if some of the
    searched services have more."""
    is_newest: bool = True
    """True if they are the newest on the server, not arbitrary ones."""

    @property
    def words(self) -> str:
        """Description: "the newest 100 (14:02:10Z to 14:07:31Z)"."""
        return f"{'the newest' if self.is_newest else 'any'} {self.count:,}{self._when}"

    @property
    def _when(self) -> str:
        if not self.until_ns:
            return ""
        since, until = (time.gmtime(ns // SECOND_NS) for ns in (self.since_ns, self.until_ns))
        same_day = since[:3] == until[:3]
        is_today = same_day and abs(time.time() - self.until_ns / SECOND_NS) < _DAY
        first, second = (
            time.strftime(clock, moment)
            for clock, moment in (
                ("%H:%M:%SZ" if is_today else "%Y-%m-%d %H:%M:%SZ", since),
                ("%H:%M:%SZ" if same_day else "%Y-%m-%d %H:%M:%SZ", until),
            )
        )
        return f" ({first})" if self.since_ns == self.until_ns else f" ({first} to {second})"


def window_of(starts: Sequence[int]) -> tuple[int, int]:
    """Return the earliest and the latest of the valid times, (0, 0) if there are none."""
    known = [start for start in starts if 0 < start <= LAST_NS]
    return (min(known), max(known)) if known else (0, 0)
