"""Comparison of two traces: duration, self time and critical time of each call path, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracetui.analysis.compare_traces import CallPath, PathChange
from tracetui.render.services.table import duration_or_unknown
from tracetui.render.text import numbers
from tracetui.render.text.cells import cut, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import figure, side_by_side

_AFTER = "after"
_MAX_INDENT = 20
_MIN_NAME = 20
_GOOD_NAME = 40
"""Width of names below which longer ones take the room of the self times, then of the critical times."""
_ROLES = {
    PathChange.SAME: Role.DIM,
    PathChange.SLOWER: Role.STRONG,
    PathChange.FASTER: Role.STRONG,
    PathChange.ADDED: Role.ACCENT,
    PathChange.REMOVED: Role.ACCENT,
    PathChange.UNKNOWN: Role.DIM,
}
_SAME, _SLOWER, _FASTER = PathChange.SAME, PathChange.SLOWER, PathChange.FASTER
_WORDS = {
    (_SLOWER, _SLOWER): "slower here",
    (_FASTER, _FASTER): "faster here",
    (_SLOWER, _FASTER): "slower below",
    (_FASTER, _SLOWER): "faster below",
    (_SAME, _SLOWER): "more here",
    (_SAME, _FASTER): "less here",
    (_SAME, _SAME): "",
}
"""Words for the changes of duration and self time, if the duration alone is ambiguous."""
_WORD = max(map(len, _WORDS.values()))
WORDS_EXPLAINED = (
    ("slower, faster", "duration changed, including calls below"),
    ("here, below", "here: self time changed; below: calls below changed, and self time in the other direction"),
    ("more, less here", "self time changed, but not the duration"),
    ("self, critical", "duration minus children; self time on the critical path; each before and after"),
)


def whole_change(durations: Sequence[int], glyphs: Glyphs) -> str:
    """Format the change of the response time as `900 ms longer (+900 %)`."""
    before, after = durations
    if before == after:
        return "no change"
    percent = f" ({numbers.signed_percent(100 * (after - before) / before)})" if before else ""
    word = "longer" if after > before else "shorter"
    return f"{numbers.duration(abs(after - before), glyphs.ascii_only)} {word}{percent}"


class TraceDiff:
    """Rows of the call paths. `roles` maps services to colour roles."""

    def __init__(self, found: Sequence[CallPath], roles: dict[str, str], glyphs: Glyphs) -> None:
        self.found, self._roles, self.glyphs = found, roles, glyphs
        longest = max((ns for one in found for ns in one.total_ns if ns is not None), default=0)
        self._cells = max(numbers.duration_width(longest), len("duration"))
        names = max((self._named(one, Role.PLAIN, 0).width for one in found), default=0)
        self._good_name = min(names, _GOOD_NAME)

    def __len__(self) -> int:
        return len(self.found)

    def heading(self, width: int) -> Line:
        pairs = self._pairs(width)
        texts = [text for name in ("duration", "self", "critical") if name in pairs for text in (name, _AFTER)]
        cells = [
            Line([(fit("call path", self._name(width)), Role.DIM)]),
            *(figure(text, self._cells, Role.DIM) for text in texts),
            Line([("change", Role.DIM)]),
        ]
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        one, glyphs = self.found[row], self.glyphs
        word = _WORDS.get((one.change, one.own_change), one.change.value)
        role = _ROLES[one.change] if one.change is not PathChange.SAME or not word else Role.STRONG
        every = {"duration": one.total_ns, "self": one.self_ns, "critical": one.critical_ns}
        times = [every[name] for name in self._pairs(width)]
        cells = [
            self._named(one, role, self._name(width)),
            *(self._time(ns, count) for pair in times for ns, count in zip(pair, one.counts, strict=True)),
            Line([(word, role)]),
        ]
        return side_by_side(cells).cropped(width, glyphs.ellipsis)

    def _named(self, one: CallPath, role: str, width: int) -> Line:
        """Name of a call path, cut and padded to a width; 0 for the whole name."""
        glyphs = self.glyphs
        name = Line([(" " * min(one.depth, _MAX_INDENT), Role.PLAIN)])
        name.add(glyphs.service or "", self._roles.get(one.service, Role.DIM))
        repeats = "" if max(one.counts) == 1 else f" {glyphs.repeated(one.counts[0])}"
        if one.counts[0] != one.counts[1] and min(one.counts):
            repeats = f" {glyphs.repeated(one.counts[0])} {glyphs.sync_call} {one.counts[1]:,}"
        failed = self._failed(one)
        text = f"{safe(one.service)} {safe(one.operation)}"
        if width:
            text = cut(text, max(width - name.width - len(repeats) - len(failed), 4), glyphs.ellipsis)
        name.add(text, Role.PLAIN if one.change is PathChange.SAME else role).add(repeats, Role.STRONG)
        return name.add(failed, Role.ERROR if any(one.origins) else Role.PROPAGATED).pad(width)

    def lines(self, width: int) -> Iterator[Line]:
        """Yield the heading and all rows."""
        yield self.heading(width)
        for row in range(len(self)):
            yield self.line(row, width)

    def _failed(self, one: CallPath) -> str:
        """Return the error glyphs, with `before` or `after` if the two traces differ."""
        before, after = (
            self.glyphs.origin if begun else self.glyphs.propagated if failed else ""
            for failed, begun in zip(one.errors, one.origins, strict=True)
        )
        if before == after:
            return f" {before}" if before else ""
        return (f" {before} before" if before else "") + (f" {after} {_AFTER}" if after else "")

    def _time(self, ns: int | None, count: int) -> Line:
        text = duration_or_unknown(ns, count, self.glyphs) if ns or ns is None else "-" if not count else "0"
        return figure(text, self._cells, Role.PLAIN if ns else Role.DIM)

    def _pairs(self, width: int) -> Sequence[str]:
        """Return the pairs of figures that leave room for the names."""
        for pairs in (("duration", "self", "critical"), ("duration", "critical")):
            if self._room(width, len(pairs)) >= self._good_name:
                return pairs
        return ("duration",)

    def _room(self, width: int, pairs: int) -> int:
        return width - 2 * pairs * self._cells - _WORD - 2 * (2 * pairs + 1)

    def _name(self, width: int) -> int:
        return max(self._room(width, len(self._pairs(width))), _MIN_NAME)
