"""Counts of what could not be read, over many spans: a field that is wrong once is wrong often."""

from __future__ import annotations

from tracetui.ingest.decode_context import DecodeContext


class UnreadCounts:
    """Counts the spans of which something cannot be read, by what it is and what became of it."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def note(self, what: str, then: str = "cannot be read: an unknown shape", spans: int = 1) -> None:
        """Count spans; the warning is `what` of so many spans, and `then`."""
        self._counts[what, then] = self._counts.get((what, then), 0) + spans

    def warn(self, place: DecodeContext) -> None:
        """Warn once of each thing."""
        for (what, then), count in self._counts.items():
            place.warn(f"{what} of {count:,} span{'s' if count > 1 else ''} {then}")
        self._counts.clear()
