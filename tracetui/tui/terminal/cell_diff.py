"""Terminal output: send only cells that differ from what the terminal shows.

Textual paints whole regions, a view that comes up several times over, and each piece of a line with all of its style.
Over a slow line every byte is waited for: here only cells that are others than before go out, and of styles only what
changes from one to the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import Any

from rich.cells import cell_len, get_character_cell_size
from rich.color import Color, ColorSystem
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.screen import Screen
from textual.strip import Strip

from tracetui.tui.terminal.key_queue import KeyQueueApp
from tracetui.tui.terminal.screen import FocusPaintScreen

_GAP = 4
"""Cells that are the same between two that are not, up to which they are sent along: to leap over them takes as many
bytes.
"""
_UNKNOWN = "?"
"""In the place of a cell that the terminal shows something unknown in; no cell is that and has no style."""


_ALIKE = re.compile(
    "[ -~\u00a0-\u024f\u0391-\u03c9\u0410-\u044f\u2010-\u2027\u2190-\u21ff\u2400-\u2426"
    "\u2500-\u25fc\u25ff\u2716\u2717]*"
)
"""Characters that take one cell on every terminal. On others terminals disagree."""


class _Look:
    """A style of cells. Equal styles are one look, as cells are compared by the thousand."""

    __slots__ = ("_changes", "style")

    def __init__(self, style: Style) -> None:
        self.style = style
        self._changes: dict[tuple[_Look, ColorSystem], str] = {}

    def change_to(self, other: _Look, system: ColorSystem) -> str:
        """Control sequence from this style to another one."""
        change = self._changes.get((other, system))
        if change is None:
            change = self._changes[other, system] = _change(self.style, other.style, system)
        return change


class ShownCells:
    """Cells that the terminal shows, where known."""

    def __init__(self) -> None:
        self._lines: dict[int, tuple[list[str], list[_Look | None]]] = {}
        self._looks: dict[Style, _Look] = {}
        self._bare = self._look(Style.null())
        self._uneven: set[int] = set()
        """Lines on which something has been that not every terminal draws in as many cells."""
        self._width = 0

    def forget(self) -> None:
        """The terminal may show anything."""
        self._lines.clear()
        self._uneven.clear()

    def _look(self, style: Style) -> _Look:
        look = self._looks.get(style)
        if look is None:
            look = self._looks[style] = _Look(style)
        return look

    def changes(self, update: ChopsUpdate | LayoutUpdate, width: int, system: ColorSystem) -> str:
        """Output that makes a terminal of `width` cells show an update too; taken as sent."""
        if width != self._width:
            self._width = width
            self.forget()
        pen = _Pen(self._bare, system)
        for y, x, segments in _stretches(update):
            self._put(y, x, segments, pen)
        return pen.lifted()

    def _put(self, y: int, x: int, segments: list[Segment], pen: _Pen) -> None:
        text = "".join([text for text, _, _ in segments])
        is_even = _ALIKE.fullmatch(text) is not None
        cells = [*text] if is_even else []
        looks: list[_Look | None] = []
        for text, style, _ in segments:
            look = self._look(style) if style else self._bare
            if is_even:
                looks += [look] * len(text)
            else:
                parts = cells_of(text)
                cells += parts
                looks += [look] * len(parts)
        if y not in self._lines:
            self._lines[y] = [_UNKNOWN] * self._width, [None] * self._width
        all_cells, all_looks = self._lines[y]
        room = self._width - x
        if len(cells) > room:
            del cells[room:], looks[room:]
        stop = x + len(cells)
        before, before_looks = all_cells[x:stop], all_looks[x:stop]
        if before == cells and before_looks == looks:
            return
        for edge in (x, stop):
            # of a wide character that stands on both sides, terminals leave something or nothing
            for torn in _around(all_cells, edge):
                all_cells[torn], all_looks[torn] = _UNKNOWN, None
        all_cells[x:stop], all_looks[x:stop] = cells, looks
        if y in self._uneven:
            is_even = is_even and _ALIKE.fullmatch("".join(before)) is not None
        elif not is_even:
            self._uneven.add(y)
        if not is_even:
            # what it takes more or less cells for stands on others, or leaves something of what was there
            pen.draw(x, y, cells, looks)
            for first, end in _known(all_looks, stop):
                pen.draw(first, y, all_cells[first:end], all_looks[first:end])
            return
        columns = enumerate(zip(before, cells, before_looks, looks, strict=True))
        differ = [i for i, (old, new, was, is_) in columns if old != new or was is not is_]
        for first, last in _runs(differ):
            pen.draw(x + first, y, cells[first : last + 1], looks[first : last + 1])


class _Pen:
    """Writes cells with as few bytes for places and styles as it takes."""

    def __init__(self, bare: _Look, system: ColorSystem) -> None:
        """`bare`: state in which the terminal is found and left."""
        self._system = system
        self._sent: list[str] = []
        self._line = -1
        self._bare = self._look = bare

    def draw(self, x: int, y: int, cells: list[str], looks: list[_Look | None]) -> None:
        send = self._sent.append
        # terminals differ in how wide some characters are: the column is named, and not how far it is
        send(f"\x1b[{x + 1}G" if y == self._line else f"\x1b[{y + 1};{x + 1}H")
        self._line = y
        begin = 0
        for look, alike in groupby(looks):
            stop = begin + len(list(alike))
            self._take_up(look or self._bare)
            send("".join(cells[begin:stop]))
            begin = stop

    def lifted(self) -> str:
        """Output that restores the terminal as it was found."""
        self._take_up(self._bare)
        return "".join(self._sent)

    def _take_up(self, look: _Look) -> None:
        if look is not self._look:
            self._sent.append(self._look.change_to(look, self._system))
            self._look = look


def _stretches(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, int, list[Segment]]]:
    """Painted stretches of an update, adjacent pieces of a line joined: y, x and the cells."""
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
    """Pieces of lines that an update paints: y, x and the cells."""
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
    """Cells of a text: '' for the second one of a wide character, combining marks with their letter."""
    if text.isascii() or _ALIKE.fullmatch(text):
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
    # what is drawn wider or narrower than its characters is one piece
    width = cell_len(text)
    if len(cells) == width:
        return tuple(cells)
    return (text, *[""] * (width - 1)) if width else ()


def _around(cells: list[str], edge: int) -> range:
    """Cells of the wide character that crosses an edge, if any."""
    if edge >= len(cells) or cells[edge]:
        return range(0)
    first, stop = edge - 1, edge + 1
    while not cells[first]:
        first -= 1
    while stop < len(cells) and not cells[stop]:
        stop += 1
    return range(first, stop)


def _known(looks: list[_Look | None], begin: int) -> Iterator[tuple[int, int]]:
    """Start and end of the cells from `begin` on whose content is known."""
    while begin < len(looks):
        end = next((place for place in range(begin, len(looks)) if looks[place] is None), len(looks))
        if end > begin:
            yield begin, end
        begin = end + 1


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """First and last of places, ascending, that are together or nearly so."""
    first = last = places[0] if places else -1
    for place in places:
        if place - last > _GAP:
            yield first, last
            first = place
        last = place
    if places:
        yield first, last


def _change(before: Style, after: Style, system: ColorSystem) -> str:
    """Control sequence from one style to another."""
    attributes, text, ground = _codes(before, system)
    wanted, wanted_text, wanted_ground = _codes(after, system)
    codes: list[str] = []
    if attributes <= wanted:
        codes += sorted(wanted - attributes)
    else:
        codes += ["0", *sorted(wanted)]
        text = ground = ()
    if text != wanted_text:
        codes += wanted_text or ("39",)
    if ground != wanted_ground:
        codes += wanted_ground or ("49",)
    return f"\x1b[{'' if codes == ['0'] else ';'.join(codes)}m" if codes else ""


@lru_cache(maxsize=4096)
def _codes(style: Style, system: ColorSystem) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
    """The codes of a style's attributes, of its colour and of that of its ground, as Textual sends them."""
    attributes = Strip.render_ansi(style.without_color, system).split(";")
    return (
        frozenset(code for code in attributes if code),
        _color_codes(style.color, system, True),
        _color_codes(style.bgcolor, system, False),
    )


def _color_codes(color: Color | None, system: ColorSystem, is_text: bool) -> tuple[str, ...]:
    return () if color is None else tuple(color.downgrade(system).get_ansi_codes(is_text))


class _Changes(CompositorUpdate):
    """An update that is made already."""

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self._sequence)

    def render_segments(self, console: Console) -> str:  # noqa: ARG002 - Textual's
        return self._sequence


class CellDiffApp(KeyQueueApp):
    """An app that sends its terminal only cells that changed."""

    def __init__(self, ansi: bool | None = None) -> None:
        super().__init__(ansi)
        self._shown = ShownCells()

    def on_mount(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self._shown.forget())

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize):
            # a terminal may show anything after that, even if its size is what it was
            self._shown.forget()
            if event.size == self.size:
                self.screen.refresh()
        await super().on_event(event)

    def get_default_screen(self) -> Screen[Any]:
        return FocusPaintScreen(id="_default")

    def action_redraw(self) -> None:
        """Send the whole screen again, whatever else has written to the terminal."""
        self._shown.forget()
        self.screen.refresh()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        is_partial = isinstance(renderable, (ChopsUpdate, LayoutUpdate)) and not self._batch_count
        # what was painted before the terminal became smaller may scroll it
        if is_partial and screen._compositor.size == self.size:
            system = self.console._color_system or ColorSystem.TRUECOLOR
            changes = self._shown.changes(renderable, self.size.width, system)
            renderable = _Changes(changes) if changes else None
        elif renderable is not None:
            self._shown.forget()
        super()._display(screen, renderable)
