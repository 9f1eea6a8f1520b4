"""Text of a repaired JSON value, and what was skipped in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tracetui.ingest.json_repair.surplus_commas import Commas
from tracetui.ingest.source_bytes import Buffer

_MAX_GAPS = 1_000
"""Gaps of one value that are listed; further ones are summed up."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A skipped stretch of the input: byte positions `start` to `end`, and the reason."""

    start: int
    end: int
    reason: str


@dataclass(slots=True)
class UnlistedGaps:
    """Gaps beyond `_MAX_GAPS`: their number, the position of the first, and their total size in bytes."""

    count: int = 0
    start: int = -1
    size: int = 0


@dataclass(frozen=True, slots=True)
class RepairedValue:
    """Result of repairing a value."""

    text: bytes
    """Valid JSON, b'' if nothing could be recovered."""
    gaps: list[Gap]
    """At most `_MAX_GAPS` of them."""
    more_gaps: UnlistedGaps
    end: int
    """Byte position in the input after the value, or where another one seems to begin."""
    replaced_values: int
    """Number of values that JSON does not allow (NaN, infinities), replaced by null."""
    commas: Commas
    """Surplus commas that were skipped."""


@dataclass(slots=True)
class RepairedText:
    """The repaired text so far."""

    data: Buffer
    copied: int
    """Position up to which the text is in `out` or skipped."""
    out: list[bytes] = field(default_factory=list)
    invalid: list[tuple[int, int]] = field(default_factory=list)
    """Positions of invalid values and surplus commas in the text that is not copied yet."""
    replaced_values: int = 0
    commas: Commas = field(default_factory=Commas)
    gaps: list[Gap] = field(default_factory=list)
    more_gaps: UnlistedGaps = field(default_factory=UnlistedGaps)
    gap_end: int = 0
    """End of the last gap."""
    separate: bool = False
    """True if the next text copied is another element of a list."""

    def write(self, piece: bytes) -> None:
        if not piece:
            return
        if self.separate and self.out[-1][-1:] not in (b"[", b"{"):
            self.out.append(b",")
        self.separate = False
        self.out.append(piece)

    def copy_to(self, end: int) -> None:
        """Copy the input up to a position, without what JSON does not allow."""
        for begin, after in self.invalid:
            if begin < end:
                is_comma = self.data[begin : begin + 1] == b","
                self.write(bytes(self.data[self.copied : begin]) + (b"" if is_comma else b"null"))
                self.copied = after
                self.replaced_values += not is_comma
                if is_comma:
                    self.commas.add(begin, self.data[begin:after].count(b","))
        self.invalid.clear()
        self.write(bytes(self.data[self.copied : end]).rstrip(b" \t\r\n,"))
        self.copied = end

    def close(self, are_lists: Iterable[bool]) -> None:
        """Close lists and objects, the inner ones first."""
        self.separate = False
        self.write(b"".join(b"]" if is_list else b"}" for is_list in are_lists))

    def add_gap(self, start: int, end: int, reason: str) -> None:
        """Record a skipped stretch."""
        self.gap_end = end
        if len(self.gaps) < _MAX_GAPS:
            self.gaps.append(Gap(start, end, reason))
            return
        more = self.more_gaps
        more.start = more.start if more.count else start
        more.count += 1
        more.size += end - start

    def result(self, end: int) -> RepairedValue:
        return RepairedValue(b"".join(self.out), self.gaps, self.more_gaps, end, self.replaced_values, self.commas)
