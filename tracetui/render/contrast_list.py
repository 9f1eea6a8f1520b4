"""What sets a selection of traces apart, as rows."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tracetui.analysis.contrast import FEW, Contrast, Difference
from tracetui.render import numbers
from tracetui.render.cells import cell_width, fit
from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks
from tracetui.render.safe_text import safe
from tracetui.render.service_list import figure, side_by_side

_LIFT = 6
_LEAST = 16
_HINT = "may be chance"


def difference_words(one: Difference, marks: Marks) -> str:
    """`region = eu`, `response 1.70 s or more`, `goes through checkout`; safe to show."""
    match one.what:
        case "attribute":
            return f"{safe(one.key)} = {safe(one.value, 120)}"
        case "duration":
            return f"response {numbers.duration(int(one.value), marks.ascii_only)} or more"
        case "operation":
            return f"does {safe(one.key)} {safe(one.value)}"
        case _:
            return f"goes through {safe(one.value)}"


def in_short(found: Contrast, marks: Marks, most: int = 3) -> Line:
    """What sets the selection apart in one line: `region = eu (6 of 6, 33 % of the rest)`."""
    line = Line()
    # what is sure alone, where anything is; how long it takes may well come of what went wrong
    sure = [one for one in found.differences if not one.is_hint]
    told = sure if any(one.what != "duration" for one in sure) else found.differences
    told = sorted(told, key=lambda one: (one.what == "duration", one.is_hint))
    if told and (told[0].is_hint or found.is_weak):
        line.add(f"{marks.warning} {_HINT if told[0].is_hint else 'few'}: ", Role.WARNING)
    for at, one in enumerate(told[:most]):
        line.add("   " if at else "").add(difference_words(one, marks), Role.STRONG)
        line.add(f" ({one.selected:,} of {found.selected:,}, {numbers.whole_percent(one.rest_percent)} of the rest)")
    if not found.differences:
        line.add("nothing that chance would not explain", Role.DIM)
    return line


def remarks(found: Contrast, marks: Marks) -> Iterator[Line]:
    """What has to be known to trust the rows."""
    if found.is_weak:
        text = f"fewer than {FEW} traces on a side ({found.selected:,} and {found.rest:,}): take it as a hint"
        yield Line([(f"{marks.warning} {text}", Role.WARNING)])
    if (found.selected, found.rest) != (found.selected_of, found.rest_of):
        text = f"looked at {found.selected:,} of {found.selected_of:,} and {found.rest:,} of {found.rest_of:,} traces"
        yield Line([(text, Role.DIM)])


class ContrastList:
    """A row for each difference."""

    def __init__(self, found: Contrast, marks: Marks) -> None:
        self.found, self.marks = found, marks
        self._words = [difference_words(one, marks) for one in found.differences]
        self._longest = max(map(cell_width, self._words), default=_LEAST)
        self._these = max(len(f"{found.selected:,} of {found.selected:,}  100 %"), len("of these"))
        self._hint = len(_HINT) + 2 if any(one.is_hint for one in found.differences) else 0
        self._rest = max(len(f"{found.rest:,} of {found.rest:,}  100 %"), len("of the rest"))

    def __len__(self) -> int:
        return len(self._words)

    def heading(self, width: int) -> Line:
        cells = [
            Line([(fit("sets them apart", self._room(width), ellipsis=self.marks.ellipsis), Role.DIM)]),
            figure("of these", self._these, Role.DIM),
            figure("of the rest", self._rest, Role.DIM),
            figure("lift", _LIFT, Role.DIM),
        ]
        return side_by_side(cells).cropped(width, self.marks.ellipsis)

    def line(self, row: int, width: int) -> Line:
        one, found, marks = self.found.differences[row], self.found, self.marks
        lift = "only" if math.isinf(one.lift) else f"{marks.times}{one.lift:.1f}"
        cells = [
            Line([(fit(self._words[row], self._room(width), ellipsis=marks.ellipsis), Role.STRONG)]),
            self._counted(one.selected, found.selected, one.selected_percent, self._these),
            self._counted(one.rest, found.rest, one.rest_percent, self._rest),
            figure(lift, _LIFT),
            *([Line([(_HINT, Role.DIM)])] if one.is_hint else []),
        ]
        return side_by_side(cells).cropped(width, marks.ellipsis)

    def _counted(self, number: int, of: int, percent: float, width: int) -> Line:
        line = Line([(f"{number:,} of {of:,}".rjust(width - 7), Role.DIM)])
        return line.add(numbers.whole_percent(percent).rjust(7))

    def _room(self, width: int) -> int:
        return max(min(width - self._these - self._rest - _LIFT - self._hint - 6, self._longest), _LEAST)
