"""Terminal output that sends only cells and styles that changed.

Textual paints whole regions, a newly shown view several times, and each piece of a line with its full style. On a slow
line every byte delays the screen. Here, cells that the terminal already shows are not sent, only the differences
between styles are, and the terminal moves lines that scrolled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import Color, ColorSystem
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

from tracetui.render.text import hyperlinks
from tracetui.tui.terminal.scrolled_lines import Texts, is_worth_it, scrolled_columns, scrolled_rows

_MAX_LOOKS = 4_096
"""Number of styles from which on they are forgotten, as each hyperlink has its own."""
_GAP = 4
"""Largest number of unchanged cells that are sent between changed ones; moving the cursor takes as many bytes."""
_LEAST_LINES = 4
"""Number of lines from which on it is tested whether they scrolled."""
_UNKNOWN = "?"
"""Text of a cell with unknown content. It has no style, while every known cell has one."""


_SINGLE_CELL = re.compile(
    "[ -~\u00a0-\u024f\u0391-\u03c9\u0410-\u044f\u2010-\u2027\u2190-\u21ff\u2400-\u2426"
    "\u2297\u2500-\u25fc\u25ff\u2716\u2717\u2800-\u28ff]*"
)
"""Texts whose characters take one cell on every terminal; terminals disagree about others."""


class _Look:
    """Style of cells. Equal styles share one object, so that cells can be compared by identity."""

    __slots__ = ("_changes", "style")

    def __init__(self, style: Style) -> None:
        self.style = style
        self._changes: dict[tuple[_Look, ColorSystem], str] = {}

    def change_to(self, other: _Look, system: ColorSystem) -> str:
        """Return the control sequence that changes this style to another one."""
        change = self._changes.get((other, system))
        if change is None:
            change = self._changes[other, system] = _change(self.style, other.style, system)
        return change


class _Painted(NamedTuple):
    """Painted part of a line: one text per cell."""

    y: int
    x: int
    cells: list[str]
    looks: list[_Look | None]
    is_uniform: bool
    """True if each character takes one cell on every terminal."""


_NO_LINE: tuple[list[str], list[_Look | None]] = [], [None]


class ShownCells:
    """Known contents of the terminal's cells."""

    def __init__(self) -> None:
        self._lines: dict[int, tuple[list[str], list[_Look | None]]] = {}
        self._looks: dict[Style, _Look] = {}
        self._bare = self._look(Style.null())
        self._ambiguous: set[int] = set()
        """Lines with characters whose width differs between terminals."""
        self._width = 0

    def forget(self) -> None:
        """Treat all cells as unknown."""
        self._lines.clear()
        self._ambiguous.clear()

    def _look(self, style: Style) -> _Look:
        look = self._looks.get(style)
        if look is None and len(self._looks) >= _MAX_LOOKS:
            # cells keep the styles that they show, which then differ from equal new ones and are sent once more
            self._looks.clear()
            self._looks[self._bare.style] = self._bare
        if look is None:
            look = self._looks[style] = _Look(style)
        return look

    def changes(self, update: ChopsUpdate | LayoutUpdate, width: int, system: ColorSystem) -> str:
        """Return the output for an update on a terminal of `width` cells, and record it as shown."""
        if width != self._width:
            self._width = width
            self.forget()
        pen = _Pen(self._bare, system)
        painted = [self._painted(y, x, segments) for y, x, segments in _spans(update)]
        for one in self._shift(painted, pen) or painted:
            self._put(one, pen)
        return pen.finish()

    def _painted(self, y: int, x: int, segments: list[Segment]) -> _Painted:
        text = "".join([text for text, _, _ in segments])
        is_uniform = _SINGLE_CELL.fullmatch(text) is not None
        cells = [*text] if is_uniform else []
        looks: list[_Look | None] = []
        for text, style, _ in segments:
            look = self._look(style) if style else self._bare
            if is_uniform:
                looks += [look] * len(text)
            else:
                parts = cells_of(text)
                cells += parts
                looks += [look] * len(parts)
        room = self._width - x
        return _Painted(y, x, cells[:room], looks[:room], is_uniform)

    def _shift(self, painted: list[_Painted], pen: _Pen) -> list[_Painted]:
        """Let the terminal move lines that scrolled, and return the whole lines that it should show then."""
        if len(painted) < _LEAST_LINES or any(map(self._is_unsure, painted)):
            return []
        wanted = {one.y: (list(self._lines[one.y][0]), list(self._lines[one.y][1])) for one in painted}
        for one in painted:
            cells, looks = wanted[one.y]
            stop = one.x + len(one.cells)
            cells[one.x : stop], looks[one.x : stop] = one.cells, one.looks
        before = {y: "".join(self._lines[y][0]) for y in wanted}
        after = {y: "".join(cells) for y, (cells, _) in wanted.items()}
        if not (self._scroll_rows(before, after, pen) or self._scroll_columns(before, after, pen)):
            return []
        return [_Painted(y, 0, cells, looks, True) for y, (cells, looks) in wanted.items()]

    def _is_unsure(self, one: _Painted) -> bool:
        """Test whether it is not known what the terminal shows in a line, or will show."""
        return not one.is_uniform or one.y in self._ambiguous or None in self._lines.get(one.y, _NO_LINE)[1]

    def _scroll_rows(self, before: Texts, after: Texts, pen: _Pen) -> bool:
        rows = scrolled_rows(before, after)
        top, bottom = min(after), max(after)
        if not 0 < abs(rows) <= bottom - top or len(after) != bottom - top + 1:
            return False
        moved = {y: before.get(y + rows, _UNKNOWN * self._width) for y in after}
        if not is_worth_it(before, moved, after):
            return False
        pen.scroll_rows(top, bottom, rows)
        lines = {y: self._lines[y] for y in after}
        for y in after:
            self._lines[y] = lines.get(y + rows) or self._unknown_line()
        return True

    def _scroll_columns(self, before: Texts, after: Texts, pen: _Pen) -> bool:
        columns = scrolled_columns(before, after)
        if not 0 < abs(columns) < self._width:
            return False
        lost = _UNKNOWN * abs(columns)
        moved = {y: text[columns:] + lost if columns > 0 else lost + text[:columns] for y, text in before.items()}
        shifted = [y for y in after if is_worth_it({y: before[y]}, {y: moved[y]}, {y: after[y]})]
        if not is_worth_it(before, {**before, **{y: moved[y] for y in shifted}}, after):
            return False
        for y in shifted:
            pen.scroll_columns(y, columns)
            no_looks: list[_Look | None] = [None] * abs(columns)
            looks = self._lines[y][1]
            looks = looks[columns:] + no_looks if columns > 0 else no_looks + looks[:columns]
            self._lines[y] = [*moved[y]], looks
        return True

    def _unknown_line(self) -> tuple[list[str], list[_Look | None]]:
        return [_UNKNOWN] * self._width, [None] * self._width

    def _put(self, one: _Painted, pen: _Pen) -> None:
        y, x, cells, looks, is_uniform = one
        if y not in self._lines:
            self._lines[y] = self._unknown_line()
        all_cells, all_looks = self._lines[y]
        stop = x + len(cells)
        before, before_looks = all_cells[x:stop], all_looks[x:stop]
        if before == cells and before_looks == looks:
            return
        for edge in (x, stop):
            # when half of a wide character is overwritten, terminals differ in the content of the other half
            for torn in _wide_character_at(all_cells, edge):
                all_cells[torn], all_looks[torn] = _UNKNOWN, None
        all_cells[x:stop], all_looks[x:stop] = cells, looks
        if y in self._ambiguous:
            is_uniform = is_uniform and _SINGLE_CELL.fullmatch("".join(before)) is not None
            if _SINGLE_CELL.fullmatch("".join(all_cells)):
                self._ambiguous.discard(y)
        elif not is_uniform:
            self._ambiguous.add(y)
        if not is_uniform:
            # a terminal that draws the line wider or narrower has shifted the cells after it: send them again
            pen.draw(x, y, cells, looks)
            for first, end in _known(all_looks, stop):
                pen.draw(first, y, all_cells[first:end], all_looks[first:end])
            return
        columns = enumerate(zip(before, cells, before_looks, looks, strict=True))
        changed = [i for i, (old, new, old_look, new_look) in columns if old != new or old_look is not new_look]
        for first, last in _runs(changed):
            pen.draw(x + first, y, cells[first : last + 1], looks[first : last + 1])


class _Pen:
    """Writes cells with few bytes for positions and styles."""

    def __init__(self, bare: _Look, system: ColorSystem) -> None:
        """`bare`: the style of the terminal before and after."""
        self._system = system
        self._sent: list[str] = []
        self._line = -1
        self._bare = self._look = bare

    def draw(self, x: int, y: int, cells: list[str], looks: list[_Look | None]) -> None:
        send = self._sent.append
        # use absolute columns, as terminals differ in the width of some characters
        send(f"\x1b[{x + 1}G" if y == self._line else f"\x1b[{y + 1};{x + 1}H")
        self._line = y
        begin = 0
        for look, same in groupby(looks):
            stop = begin + len(list(same))
            self._set_look(look or self._bare)
            send("".join(cells[begin:stop]))
            begin = stop

    def scroll_rows(self, top: int, bottom: int, rows: int) -> None:
        """Move the lines between two, both included, up; or down if `rows` is negative."""
        move = f"{rows}M" if rows > 0 else f"{-rows}L"
        self._sent.append(f"\x1b[{top + 1};{bottom + 1}r\x1b[{top + 1};1H\x1b[{move}\x1b[r")
        self._line = -1

    def scroll_columns(self, y: int, columns: int) -> None:
        """Move a line to the left, or to the right if `columns` is negative."""
        self._sent.append(f"\x1b[{y + 1};1H\x1b[{columns}P" if columns > 0 else f"\x1b[{y + 1};1H\x1b[{-columns}@")
        self._line = y

    def finish(self) -> str:
        """Restore the initial style. -> all output"""
        self._set_look(self._bare)
        return "".join(self._sent)

    def _set_look(self, look: _Look) -> None:
        if look is not self._look:
            self._sent.append(self._look.change_to(look, self._system))
            self._look = look


def _spans(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, int, list[Segment]]]:
    """Yield the painted parts of an update, adjacent pieces joined, as (y, x, segments)."""
    segments: list[Segment] = []
    line = begin = end = -1
    for y, x, strip in _pieces(update):
        if (y, x) != (line, end):
            if segments:
                yield line, begin, segments
            line, begin, end, segments = y, x, x, []
        segments += [segment for segment in strip if not segment.control]
        end += strip.cell_length
    if segments:
        yield line, begin, segments


def _pieces(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Yield the pieces of lines that an update paints, as (y, x, strip)."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, x1, x2 in update.spans:
        for end, (x, piece) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if piece is not None and x < x2 and end > x1:
                yield y, x, piece


def cells_of(text: str) -> list[str]:
    """Split a text into cells: '' for the second cell of a wide character, combining marks with their letter."""
    if text.isascii() or _SINGLE_CELL.fullmatch(text):
        return list(text)
    return list(_wide_cells_of(text))


@lru_cache(maxsize=4096)
def _wide_cells_of(text: str) -> tuple[str, ...]:
    cells: list[str] = []
    for character in text:
        width = get_character_cell_size(character)
        if width or not cells:
            cells += [character, *[""] * (width - 1)]
        else:
            at = next(i for i in range(len(cells) - 1, -1, -1) if cells[i])
            cells[at] += character
    # a text whose width differs from the sum of its characters' widths stays in one piece
    width = cell_len(text)
    if len(cells) == width:
        return tuple(cells)
    return (text, *[""] * (width - 1)) if width else ()


def _wide_character_at(cells: list[str], edge: int) -> range:
    """Return the cells of the wide character that crosses an edge, if any."""
    if edge >= len(cells) or cells[edge]:
        return range(0)
    first, stop = edge - 1, edge + 1
    while not cells[first]:
        first -= 1
    while stop < len(cells) and not cells[stop]:
        stop += 1
    return range(first, stop)


def _known(looks: list[_Look | None], begin: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the runs of known cells from `begin` on."""
    while begin < len(looks):
        end = next((at for at in range(begin, len(looks)) if looks[at] is None), len(looks))
        if end > begin:
            yield begin, end
        begin = end + 1


def _runs(columns: list[int]) -> Iterator[tuple[int, int]]:
    """Group ascending columns with gaps of up to `_GAP`. Yield the first and last of each group."""
    first = last = columns[0] if columns else -1
    for column in columns:
        if column - last > _GAP:
            yield first, last
            first = column
        last = column
    if columns:
        yield first, last


def _change(before: Style, after: Style, system: ColorSystem) -> str:
    """Return the control sequence from one style to another."""
    attributes, text, ground = _codes(before, system)
    new_attributes, new_text, new_ground = _codes(after, system)
    codes: list[str] = []
    if attributes <= new_attributes:
        codes += sorted(new_attributes - attributes)
    else:
        codes += ["0", *sorted(new_attributes)]
        text = ground = ()
    if text != new_text:
        codes += new_text or ("39",)
    if ground != new_ground:
        codes += new_ground or ("49",)
    change = f"\x1b[{'' if codes == ['0'] else ';'.join(codes)}m" if codes else ""
    if before.link != after.link:
        change += hyperlinks.begin(after.link) if after.link else hyperlinks.END
    return change


@lru_cache(maxsize=4096)
def _codes(style: Style, system: ColorSystem) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
    """Return the codes of attributes, text colour and background colour, as Textual sends them."""
    attributes = Strip.render_ansi(style.without_color, system).split(";")
    return (
        frozenset(code for code in attributes if code),
        _color_codes(style.color, system, True),
        _color_codes(style.bgcolor, system, False),
    )


def _color_codes(color: Color | None, system: ColorSystem, is_text: bool) -> tuple[str, ...]:
    return () if color is None else tuple(color.downgrade(system).get_ansi_codes(is_text))


class CellChanges(CompositorUpdate):
    """An update in its final form."""

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self._sequence)

    def render_segments(self, console: Console) -> str:  # noqa: ARG002 - Textual's
        return self._sequence
