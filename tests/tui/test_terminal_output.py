"""Output to the terminal: an emulated one shows the painted cells, although only changes are sent."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unicodedata import combining

import pyte
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region, Size
from textual.strip import Strip
from wcwidth import wcwidth

from tests.support.paths import SAMPLES
from tests.support.pilot import driven
from tests.support.screens import ByteCounter, painted
from tracetui.render.text.glyphs import UNICODE
from tracetui.tui import settings
from tracetui.tui.app import TraceApp
from tracetui.tui.state import Look, State
from tracetui.tui.terminal.cell_diff import _SINGLE_CELL, ShownCells, cells_of

SIZES = ((100, 30), (80, 24), (60, 12), (140, 40))
KEYS = [*"jkhlgG123456zZwecnE/+-SdxtTvm=", "space", "enter", "escape", "tab", "ctrl+d", "ctrl+u", "down", "up"]
COLORS = ("standard", "256", "truecolor")


class Emulated(App[Any]):
    """Last base class of an app that feeds its output to a terminal emulator."""

    terminal = pyte.Screen(*SIZES[0])

    def _display(self, screen: Any, renderable: Any) -> None:
        if renderable is not None:
            pyte.Stream(self.terminal).feed(renderable.render_segments(self.console))
        super()._display(screen, renderable)


class EmulatedApp(TraceApp, Emulated):
    pass


class CountingApp(TraceApp, ByteCounter):
    pass


async def views_painted(app: TraceApp, pilot: Any) -> None:
    """Wait until the views are built and painted."""
    for _ in range(3):
        await pilot.settle()


def look_of(cell: Any) -> tuple[Any, ...]:
    return (cell.data, cell.fg, cell.bg, cell.bold, cell.reverse, cell.underscore, cell.strikethrough, cell.italics)


def cells_with_styles(screen: pyte.Screen) -> list[list[tuple[Any, ...]]]:
    """Return text and style of every cell of an emulated terminal."""
    rows = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
    return [[look_of(cell) for cell in row] for row in rows]


def has_ambiguous_width(line: str) -> bool:
    """Test whether the emulator and Textual differ in the width of characters of a line."""
    cells = {character: wcwidth(character) for character in line}
    return any(
        width != get_character_cell_size(character) or (not width and not combining(character))
        for character, width in cells.items()
    )


def full_screen(app: EmulatedApp, size: tuple[int, int]) -> pyte.Screen:
    """Send the whole screen to a new terminal of this size, and return it."""
    screen = pyte.Screen(*size)
    update = app.screen._compositor.render_full_update()
    system = app.console._color_system or ColorSystem.TRUECOLOR
    pyte.Stream(screen).feed(ShownCells().changes(update, size[0], system))
    return screen


@pytest.mark.parametrize("seed", range(3))
async def test_terminal_shows_the_painted_cells(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_resume_path", lambda: tmp_path / "resume.json")
    # random keys may save files
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    size = SIZES[0]
    sources = tuple(sorted(str(path) for path in (SAMPLES / "hostile").glob("*.json")))
    app = EmulatedApp(State(sources=(*sources, str(SAMPLES / "shop" / "shop.json")), look=Look()))
    app.terminal = pyte.Screen(*size)
    async with driven(app, size) as pilot:
        for step in range(60):
            if step % 20 == 19:
                size = SIZES[step // 20]
                # terminals differ in what they do with their lines
                app.terminal.resize(size[1], size[0])
                await pilot.resize_terminal(*size)
            else:
                await pilot.press(chance.choice(KEYS))
            if step % 6 == 5:
                await pilot.settle()
                whole = zip(
                    painted(app),
                    cells_with_styles(app.terminal),
                    cells_with_styles(full_screen(app, size)),
                    strict=True,
                )
                for line, cells, all_at_once in whole:
                    assert cells == all_at_once or has_ambiguous_width(line), (seed, step, line)


async def test_redraw_sends_the_whole_screen() -> None:
    app = CountingApp(State())
    async with driven(app, (80, 24)) as pilot:
        await views_painted(app, pilot)
        app.sent = 0
        app.screen.refresh()
        await pilot.pause()
        assert app.sent == 0
        await pilot.press("ctrl+l")
        assert app.sent > 80 * 20


async def test_resize_to_the_same_size_sends_the_whole_screen() -> None:
    app = CountingApp(State())
    async with driven(app, (80, 24)) as pilot:
        await views_painted(app, pilot)
        app.sent = 0
        await pilot.resize_terminal(80, 24)
        assert app.sent > 80 * 20


async def test_update_for_a_larger_terminal_is_not_noted_as_shown() -> None:
    app = EmulatedApp(State())
    app.terminal = pyte.Screen(80, 20)
    async with driven(app, (80, 24)) as pilot:
        before = app.screen._compositor.render_full_update()
        before.strips[19:] = [before.strips[-1], *[[Strip([Segment("x" * 80)])]] * 4]
        await pilot.resize_terminal(80, 20)
        # the update is painted before the screen has its new size
        app.screen._compositor.size = Size(80, 24)
        app._display(app.screen, before)
        app.screen._compositor.size = Size(80, 20)
        app.screen.refresh()
        await pilot.pause()
        assert cells_with_styles(app.terminal) == cells_with_styles(full_screen(app, (80, 20)))


TEXTS = st.lists(st.sampled_from(["a", "b", " ", "─", "█", "日", "e\u0301", "✖"]), max_size=8).map("".join)
STYLE_ARGUMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"bold": True},
    {"color": "red"},
    {"bgcolor": "#102030"},
    {"color": "#a0b0c0", "bold": True, "dim": True},
)
# new objects, as a style caches its codes
STYLES = st.sampled_from(STYLE_ARGUMENTS).map(lambda look: Style(**look))
LINES = st.lists(st.tuples(TEXTS, STYLES), max_size=5)


CUTS = st.lists(st.integers(1, 40), max_size=3, unique=True).map(sorted)
CHANGES = st.tuples(st.lists(LINES, min_size=3, max_size=3), CUTS, st.lists(st.booleans(), min_size=4, max_size=4))


def divided(strips: list[Strip], cuts: list[int]) -> list[Sequence[Strip]]:
    """Divide lines into pieces. Wide characters may be cut, but no combining mark from its letter."""
    pieces = [strip.divide([*cuts, strip.cell_length]) for strip in strips]
    assume(not any(combining(piece.text[0]) for line in pieces for piece in line))
    return pieces


@given(st.lists(CHANGES, min_size=1, max_size=4), CUTS, st.sampled_from(COLORS))
def test_terminal_shows_the_last_of_several_updates(
    changes: list[tuple[list[list[tuple[str, Style]]], list[int], list[bool]]], cuts: list[int], colors: Any
) -> None:
    console = Console(color_system=colors)
    width, system = 84, console._color_system or ColorSystem.TRUECOLOR
    shown, terminal = ShownCells(), pyte.Screen(width, 3)
    for lines, parts, wanted in changes:
        strips = [Strip([Segment(*run) for run in line]).adjust_cell_length(width) for line in lines]
        places, ends = [0, *parts], [*parts, width]
        pieces = divided(strips, parts)
        spans = [(y, place, end) for y in range(3) for place, end, it in zip(places, ends, wanted, strict=False) if it]
        update = ChopsUpdate([dict(zip(places, line, strict=True)) for line in pieces], spans, [ends] * 3)
        pyte.Stream(terminal).feed(shown.changes(update, width, system))
    whole = LayoutUpdate([*divided(strips, cuts)], Region(0, 0, width, 3))
    pyte.Stream(terminal).feed(shown.changes(whole, width, system))
    assert shown.changes(whole, width, system) == ""
    at_once = pyte.Screen(width, 3)
    pyte.Stream(at_once).feed(whole.render_segments(console))
    assert cells_with_styles(terminal) == cells_with_styles(at_once)


SHIFTS = st.tuples(st.integers(-6, 6), st.integers(-40, 40))
SHIFT_SIZE = (60, 16)


def part_of(grid: list[list[Segment]], top: int, left: int) -> LayoutUpdate:
    """Return the visible part of a large grid of cells, below a line that stays and left of a scroll bar."""
    width, height = SHIFT_SIZE
    rows = [grid[top + y][left : left + width - 1] for y in range(height - 1)]
    lines = [[Segment("x" * width)], *([*row, Segment("█")] for row in rows)]
    return LayoutUpdate([[Strip(line, width)] for line in lines], Region(0, 0, width, height))


@given(st.integers(0, 1 << 30), st.lists(SHIFTS, min_size=1, max_size=5), st.sampled_from(" ─≤"))
def test_terminal_shows_lines_that_it_moved_itself(seed: int, shifts: list[Any], filler: str) -> None:
    width, height = SHIFT_SIZE
    chance = random.Random(seed)
    styles = [Style(**look) for look in STYLE_ARGUMENTS]
    texts = [filler if chance.random() < 0.5 else chance.choice("abcd│─┼●▶") for _ in range(99)]
    grid = [[Segment(chance.choice(texts), chance.choice(styles)) for _ in range(160)] for _ in range(40)]
    shown, terminal = ShownCells(), pyte.Screen(width, height)
    pyte.Stream(terminal).feed(shown.changes(part_of(grid, 12, 50), width, ColorSystem.TRUECOLOR))
    for rows, columns in shifts:
        update = part_of(grid, 12 + rows, 50 + columns)
        pyte.Stream(terminal).feed(shown.changes(update, width, ColorSystem.TRUECOLOR))
        at_once = pyte.Screen(width, height)
        pyte.Stream(at_once).feed(ShownCells().changes(update, width, ColorSystem.TRUECOLOR))
        assert cells_with_styles(terminal) == cells_with_styles(at_once)


@pytest.mark.parametrize(("rows", "columns"), [(3, 0), (-3, 0), (0, 9), (0, -9)])
def test_lines_that_scrolled_are_moved_by_the_terminal(rows: int, columns: int) -> None:
    width, _ = SHIFT_SIZE
    chance = random.Random(7)
    grid = [[Segment(chance.choice("abcdefgh")) for _ in range(160)] for _ in range(40)]
    shown = ShownCells()
    whole = shown.changes(part_of(grid, 12, 50), width, ColorSystem.TRUECOLOR)
    moved = shown.changes(part_of(grid, 12 + rows, 50 + columns), width, ColorSystem.TRUECOLOR)
    assert len(moved) < len(whole) / 2


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12))
def test_cells_of_a_text_match_its_width(text: str) -> None:
    cells = cells_of(text)
    assert len(cells) == cell_len(text)
    assert "".join(cells) == (text if cells else "")


def test_single_cell_characters_have_width_one() -> None:
    single = [character for character in map(chr, range(0x10000)) if _SINGLE_CELL.fullmatch(character)]
    wide = [hex(ord(one)) for one in single if {cell_len(one), wcwidth(one)} != {1}]
    assert not wide


def test_lines_of_the_plot_are_sent_cell_by_cell() -> None:
    glyphs = UNICODE
    of_points = glyphs.density + glyphs.ring + glyphs.error_ring + "".join(map(chr, range(0x2800, 0x2900)))
    assert _SINGLE_CELL.fullmatch(of_points + glyphs.percentile + glyphs.moment + glyphs.moment_line)
