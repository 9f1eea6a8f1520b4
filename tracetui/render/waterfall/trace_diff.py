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
_MOST_INDENT = 20
_LEAST_NAME = 20
_GOOD_NAME = 40
"""Width of names below which the self time columns are dropped."""
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

    def __len__(self) -> int:
        return len(self.found)

    def heading(self, width: int) -> Line:
        self_time = ("self", _AFTER) if self._has_self_time(width) else ()
        cells = [
            Line([(fit("call path", self._name(width)), Role.DIM)]),
            *(figure(text, self._cells, Role.DIM) for text in ("duration", _AFTER, *self_time, "critical", _AFTER)),
            Line([("change", Role.DIM)]),
        ]
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        one, glyphs = self.found[row], self.glyphs
        word = _WORDS.get((one.change, one.own_change), one.change.value)
        role = _ROLES[one.change] if one.change is not PathChange.SAME or not word else Role.STRONG
        name = Line([(" " * min(one.depth, _MOST_INDENT), Role.PLAIN)])
        name.add(glyphs.service or "", self._roles.get(one.service, Role.DIM))
        repeats = "" if max(one.counts) == 1 else f" {glyphs.repeated(one.counts[0])}"
        if one.counts[0] != one.counts[1] and min(one.counts):
            repeats = f" {glyphs.repeated(one.counts[0])} {glyphs.sync_call} {one.counts[1]:,}"
        failed = self._failed(one)
        room = max(self._name(width) - name.width - len(repeats) - len(failed), 4)
        text = cut(f"{safe(one.service)} {safe(one.operation)}", room, glyphs.ellipsis)
        name.add(text, Role.PLAIN if one.change is PathChange.SAME else role).add(repeats, Role.STRONG)
        name.add(failed, Role.ERROR if any(one.origins) else Role.PROPAGATED)
        times = (one.total_ns, *([one.self_ns] if self._has_self_time(width) else []), one.critical_ns)
        cells = [
            name.pad(self._name(width)),
            *(self._time(ns, count) for pair in times for ns, count in zip(pair, one.counts, strict=True)),
            Line([(word, role)]),
        ]
        return side_by_side(cells).cropped(width, glyphs.ellipsis)

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

    def _has_self_time(self, width: int) -> bool:
        return width - 6 * self._cells - _WORD - 14 >= _GOOD_NAME

    def _name(self, width: int) -> int:
        figures = 6 if self._has_self_time(width) else 4
        return max(width - figures * self._cells - _WORD - 2 * (figures + 1), _LEAST_NAME)
