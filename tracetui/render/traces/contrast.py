"""Contrast of a selection of traces with the others, as rows."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tracetui.analysis.contrast import Contrast, OverRepresented
from tracetui.analysis.stats.groups import FEW_SAMPLES
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import figure, share_bar, side_by_side

_LIFT = 6
_MIN_NAME = 16
_MIN_BAR, _MAX_BAR = 4, 12
_PERCENT = len("100 %")
_HINT, _SHORT_HINT = "may be chance", "chance?"


def difference_words(one: OverRepresented, glyphs: Glyphs) -> str:
    """Describe a difference: `region = eu`, `response 1.70 s or more`, `passes through checkout`; safe to show."""
    match one.what:
        case "attribute":
            return f"{safe(one.key)} = {safe(one.value, 120)}"
        case "duration":
            return f"response {numbers.duration(int(one.value), glyphs.ascii_only)} or more"
        case "operation":
            return f"runs {safe(one.key)} {safe(one.value)}"
        case _:
            return f"passes through {safe(one.value)}"


def caveat(found: Contrast, glyphs: Glyphs) -> str:
    """Return a short warning about the differences: `⚠ may be chance`; '' if they are significant."""
    if found.differences and all(one.is_hint for one in found.differences):
        return f"{glyphs.warning} {_HINT}"
    return f"{glyphs.warning} few traces" if found.differences and found.is_weak else ""


def ranked(found: Contrast) -> list[OverRepresented]:
    """Sort the differences: significant ones first, durations last, as they may be a consequence of the failure."""
    return sorted(found.differences, key=lambda one: (one.what == "duration", one.is_hint))


def in_short(found: Contrast, glyphs: Glyphs, most: int = 3) -> Line:
    """Summarise a contrast in one line: `region = eu in 6 of 6, in 33 % of the others`."""
    line = Line()
    certain = [one for one in ranked(found) if not one.is_hint]
    shown = certain if any(one.what != "duration" for one in certain) else ranked(found)
    if shown and (shown[0].is_hint or found.is_weak):
        line.add(f"{glyphs.warning} {_HINT if shown[0].is_hint else 'few traces'}: ", Role.WARNING)
    for at, one in enumerate(shown[:most]):
        line.add("   " if at else "").add(difference_words(one, glyphs), Role.STRONG)
        line.add(
            f" in {one.selected:,} of {found.selected:,}, in {numbers.whole_percent(one.rest_percent)} of the others"
        )
    if not found.differences:
        line.add("nothing beyond chance", Role.DIM)
    return line


def contrast_bars(one: OverRepresented, longest: int, width: int, glyphs: Glyphs) -> Line:
    """Draw a difference: `region = eu  ████████ 100 %  ██        26 %`, the shares of the selection and the others.

    `longest`: width of the longest description of these rows, which shortens the bars.
    """
    name = max(min(longest, width - 2 * (_MIN_BAR + _PERCENT + 3)), _MIN_NAME)
    cells = min(max((width - name) // 2 - _PERCENT - 3, _MIN_BAR), _MAX_BAR)
    role = Role.DIM if one.is_hint else Role.PLAIN
    line = Line([(fit(difference_words(one, glyphs), name, ellipsis=glyphs.ellipsis), role)])
    for percent, role in ((one.selected_percent, Role.ERROR), (one.rest_percent, Role.DIM)):
        line.add("  ").add(share_bar(percent, cells, glyphs), role)
        line.add(f" {numbers.whole_percent(percent):>{_PERCENT}}", Role.PLAIN)
    return line


def remarks(found: Contrast, glyphs: Glyphs) -> Iterator[Line]:
    """Yield caveats for reading the rows."""
    if found.is_weak:
        text = f"fewer than {FEW_SAMPLES} traces on one side ({found.selected:,} and {found.rest:,}): hints only"
        yield Line([(f"{glyphs.warning} {text}", Role.WARNING)])
    if (found.selected, found.rest) != (found.selected_of, found.rest_of):
        text = f"based on {found.selected:,} of {found.selected_of:,} and {found.rest:,} of {found.rest_of:,} traces"
        yield Line([(text, Role.DIM)])


class ContrastList:
    """Rows of a contrast, one for each difference."""

    def __init__(self, found: Contrast, glyphs: Glyphs) -> None:
        self.found, self.glyphs = found, glyphs
        self._words = [difference_words(one, glyphs) for one in found.differences]
        self._longest = max(map(cell_width, self._words), default=_MIN_NAME)
        self._has_hints = any(one.is_hint for one in found.differences)

    def __len__(self) -> int:
        return len(self._words)

    def _is_short(self, width: int) -> bool:
        """Test whether the differences need the room of what the title and the headings say, too."""
        return self._room(width, short=False) < self._longest

    def _headings(self, *, short: bool) -> tuple[str, str]:
        if short:
            return f"of these {self.found.selected:,}", f"of {self.found.rest:,} others"
        return "of these", "of the others"

    def _figures(self, *, short: bool) -> tuple[int, int]:
        """Widths of both columns of numbers."""
        found = self.found
        sizes = (f"{found.selected:,}", f"{found.rest:,}")
        texts = [f"{size}  100 %" if short else f"{size} of {size}  100 %" for size in sizes]
        these, others = (
            max(len(text), len(heading)) for text, heading in zip(texts, self._headings(short=short), strict=True)
        )
        return these, others

    def _hint(self, *, short: bool) -> str:
        return (_SHORT_HINT if short else _HINT) if self._has_hints else ""

    def heading(self, width: int) -> Line:
        short = self._is_short(width)
        these, others = self._figures(short=short)
        of_these, of_others = self._headings(short=short)
        name, bar = self._room(width, short=short), self._bar(width, short=short)
        cells = [
            Line([(fit("over-represented", name, ellipsis=self.glyphs.ellipsis), Role.DIM)]),
            *([Line([(" " * (2 * bar + 1), Role.PLAIN)])] if bar else []),
            figure(of_these, these, Role.DIM),
            figure(of_others, others, Role.DIM),
            figure("lift", _LIFT, Role.DIM),
        ]
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        one, found, glyphs = self.found.differences[row], self.found, self.glyphs
        short = self._is_short(width)
        these, others = self._figures(short=short)
        lift = "only" if math.isinf(one.lift) else f"{glyphs.times}{one.lift:.1f}"
        name = self._room(width, short=short)
        bar = self._bar(width, short=short)
        bars = Line([(share_bar(one.selected_percent, bar, glyphs), Role.ERROR), (" ", Role.PLAIN)])
        bars.add(share_bar(one.rest_percent, bar, glyphs), Role.DIM)
        cells = [
            Line([(fit(self._words[row], name, ellipsis=glyphs.ellipsis), Role.STRONG)]),
            *([bars] if bar else []),
            self._counted(one.selected, 0 if short else found.selected, one.selected_percent, these),
            self._counted(one.rest, 0 if short else found.rest, one.rest_percent, others),
            figure(lift, _LIFT),
            *([Line([(self._hint(short=short), Role.DIM)])] if one.is_hint else []),
        ]
        return side_by_side(cells).cropped(width, glyphs.ellipsis)

    def _counted(self, number: int, of: int, percent: float, width: int) -> Line:
        text = f"{number:,} of {of:,}" if of else f"{number:,}"
        return Line([(text.rjust(width - 7), Role.DIM)]).add(numbers.whole_percent(percent).rjust(7))

    def _room(self, width: int, *, short: bool) -> int:
        return max(min(self._left(width, short=short), self._longest), _MIN_NAME)

    def _left(self, width: int, *, short: bool) -> int:
        """Return the room that the figures leave."""
        hint = self._hint(short=short)
        return width - sum(self._figures(short=short)) - _LIFT - (len(hint) + 2 if hint else 0) - 6

    def _bar(self, width: int, *, short: bool) -> int:
        """Return the cells of each of the two bars, for which there must be room beside the whole names; 0 for none."""
        cells = (self._left(width, short=short) - self._room(width, short=short) - 3) // 2
        return min(cells, _MAX_BAR) if cells >= _MIN_BAR else 0
