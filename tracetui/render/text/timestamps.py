"""Format the times of a set, with only the parts of the date that distinguish them."""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.render.text import numbers


@dataclass(frozen=True, slots=True)
class TimestampFormat:
    """Format of times between two moments."""

    has_date: bool
    """The times span several days."""
    has_year: bool
    """The times span several years."""
    local: bool
    digits: int
    """Digits after the second that are needed to distinguish the times."""

    @classmethod
    def between(cls, first_ns: int, last_ns: int, local: bool) -> TimestampFormat:
        first, last = (numbers.date_clock(ns, local) for ns in (first_ns, last_ns))
        return cls(first[:10] != last[:10], first[:4] != last[:4], local, numbers.digits_between(last_ns - first_ns))

    def text(self, ns: int, *, exact: bool) -> str:
        """Format a time: `10:03:12.044`, `05-01 10:03:12.044` or `2024-05-01 10:03:12`.

        With `exact` and within one year the precision is milliseconds, or finer if needed.
        """
        whole = numbers.date_clock(ns, self.local, max(self.digits, 3))
        begin = 0 if self.has_year else 5 if self.has_date else 11
        return whole[begin : None if exact and not self.has_year else 19]

    def width(self, *, exact: bool) -> int:
        """Return the width of each time."""
        return len(self.text(0, exact=exact))

    def day(self, ns: int) -> str:
        """Format a short time: `10:03:12`, with fractions if all are within a second; with dates `05-01 10:03` or
        `2024-05-01`.
        """
        whole = numbers.date_clock(ns, self.local, self.digits)
        return whole[:10] if self.has_year else whole[5:16] if self.has_date else whole[11:]
