"""Two traces beside each other: the call paths of both, and what each took in either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracetui.analysis.compare_traces import CallPath, PathChange
from tracetui.render import numbers
from tracetui.render.cells import cut, fit
from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks
from tracetui.render.safe_text import safe
from tracetui.render.service_list import figure, side_by_side

_WORD = max(map(len, PathChange))
_MOST_INDENT = 20
_LEAST_NAME = 20
_FAILED = {(True, True): "", (True, False): " before", (False, True): " now", (False, False): ""}
_ROLES = {
    PathChange.SAME: Role.DIM,
    PathChange.SLOWER: Role.STRONG,
    PathChange.FASTER: Role.STRONG,
    PathChange.ADDED: Role.ACCENT,
    PathChange.REMOVED: Role.ACCENT,
}


class TraceDiff:
    """A row for each call path. `roles` gives a service's colour."""

    def __init__(self, found: Sequence[CallPath], roles: dict[str, str], marks: Marks) -> None:
        self.found, self._roles, self.marks = found, roles, marks
        longest = max((max(one.total_ns) for one in found), default=0)
        self._cells = max(numbers.duration_width(longest), len("waited"))

    def __len__(self) -> int:
        return len(self.found)

    def heading(self, width: int) -> Line:
        cells = [
            Line([(fit("call path", self._name(width)), Role.DIM)]),
            # what was before in the past tense
            *(figure(text, self._cells, Role.DIM) for text in ("took", "takes", "waited", "waits")),
            Line([("change", Role.DIM)]),
        ]
        return side_by_side(cells).cropped(width, self.marks.ellipsis)

    def line(self, row: int, width: int) -> Line:
        one, marks = self.found[row], self.marks
        role = _ROLES[one.change]
        name = Line([(" " * min(one.depth, _MOST_INDENT), Role.PLAIN)])
        name.add(marks.service or "", self._roles.get(one.service, Role.DIM))
        times = "" if max(one.counts) == 1 else f" {marks.repeated(one.counts[0])}"
        if one.counts[0] != one.counts[1] and min(one.counts):
            times = f" {marks.repeated(one.counts[0])} {'->' if marks.ascii_only else '→'} {one.counts[1]:,}"
        failed = _FAILED[bool(one.errors[0]), bool(one.errors[1])]
        failed = f" {marks.origin}{failed}" if any(one.errors) else ""
        room = max(self._name(width) - name.width - len(times) - len(failed), 4)
        text = cut(f"{safe(one.service)} {safe(one.operation)}", room, marks.ellipsis)
        name.add(text, Role.PLAIN if one.change is PathChange.SAME else role).add(times, Role.STRONG)
        name.add(failed, Role.ERROR)
        cells = [
            name.pad(self._name(width)),
            *(self._time(ns, count) for ns, count in zip(one.total_ns, one.counts, strict=True)),
            *(self._time(ns, count) for ns, count in zip(one.critical_ns, one.counts, strict=True)),
            Line([("" if one.change is PathChange.SAME else one.change.value, role)]),
        ]
        return side_by_side(cells).cropped(width, marks.ellipsis)

    def lines(self, width: int) -> Iterator[Line]:
        """The heading and all rows."""
        yield self.heading(width)
        for row in range(len(self)):
            yield self.line(row, width)

    def _time(self, ns: int, count: int) -> Line:
        text = numbers.duration(ns, self.marks.ascii_only) if ns else "-" if not count else "0"
        return figure(text, self._cells, Role.PLAIN if ns else Role.DIM)

    def _name(self, width: int) -> int:
        return max(width - 4 * self._cells - _WORD - 10, _LEAST_NAME)
