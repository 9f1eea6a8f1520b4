"""The list widget: cursor, scrolling, bytes sent for a key."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import ComposeResult
from textual.scrollbar import ScrollBar

from tests.support.pilot import driven
from tests.support.screens import ByteCounter, painted
from tracetui.render.text.glyphs import ASCII
from tracetui.render.text.line import Line, Role
from tracetui.render.text.theme import DARK, MONO, Theme
from tracetui.tui.terminal.app import TerminalApp
from tracetui.tui.widgets.line_view import LineView


class Numbers:
    def __init__(self, count: int) -> None:
        self.count = count
        self.made: list[int] = []

    def __len__(self) -> int:
        return self.count

    def line(self, row: int, width: int) -> Line:
        self.made.append(row)
        return Line([(f"row {row} ", Role.PLAIN), ("x" * width, Role.DIM)]).cropped(width)


class ListApp(TerminalApp, ByteCounter):
    def __init__(self, count: int, theme: Theme = DARK, mark: str = "▌") -> None:
        super().__init__()
        self.animation_level = "none"
        self.look, self.mark = theme, mark
        self.numbers = Numbers(count)
        self.chosen: list[int] = []

    def compose(self) -> ComposeResult:
        yield LineView(self.look, self.mark)

    def on_mount(self) -> None:
        self.view.show(self.numbers)
        self.view.focus()

    @property
    def view(self) -> LineView:
        return self.query_one(LineView)

    def on_line_view_chosen(self, message: LineView.Chosen) -> None:
        self.chosen.append(message.row)


async def test_lines_painted_before_the_scroll_bar_went_are_painted_again() -> None:
    app = ListApp(100)
    async with driven(app, (60, 20)) as pilot:
        view = app.view
        view.show(Numbers(3))
        # the bar goes after a frame, without a resize
        view.show_vertical_scrollbar = True
        assert view.render_lines(view.size.region)[0].cell_length == view.size.width - 1
        view.show_vertical_scrollbar = False
        assert view.render_lines(view.size.region)[0].cell_length == view.size.width
        await pilot.settle()
        assert "row 2" in pilot.text


@pytest.mark.parametrize("mark", ["▌", "|"])
@pytest.mark.parametrize("count", [3, 19, 100, 5_000_000])
async def test_scroll_bar_equals_that_of_textual(count: int, mark: str) -> None:
    app = ListApp(count, mark=mark)
    async with driven(app, (60, 20)) as pilot:
        for key in ("home", *["pagedown"] * 3, "G", "k"):
            await pilot.press(key)
            bar = app.view.vertical_scrollbar
            crop = bar.size.region
            quick = [[*strip] for strip in bar.render_lines(crop)]
            assert quick == [[*strip] for strip in ScrollBar.render_lines(bar, crop)]
            assert len(quick) == (20 if count > 20 else 0)


async def test_only_visible_rows_are_made() -> None:
    app = ListApp(5_000_000)
    async with driven(app, (60, 20)) as pilot:
        await pilot.press("G")
        assert app.view.cursor == 4_999_999
        assert "row 4999999" in painted(app)[-1]
        assert len(set(app.numbers.made)) <= 2 * 20


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        (["j", "j", "k"], 1),
        (["k"], 0),
        (["G"], 99),
        (["G", "j"], 99),
        (["G", "g"], 0),
        (["ctrl+d"], 18),
        (["pagedown", "pagedown", "pageup"], 18),
        (["end", "home", "down"], 1),
    ],
)
async def test_keys_move_cursor_and_scroll(keys: list[str], row: int) -> None:
    app = ListApp(100)
    async with driven(app, (60, 20)) as pilot:
        await pilot.press(*keys)
        assert app.view.cursor == row
        top = app.view.scroll_offset.y
        assert top <= row < top + 20
        assert painted(app)[row - top].startswith("▌ row " + str(row))
        assert sum(line.startswith("▌") for line in painted(app)) == 1


async def test_enter_opens_the_row() -> None:
    app = ListApp(100)
    async with driven(app, (60, 20)) as pilot:
        await pilot.press("j", "enter")
        assert app.chosen == [1]


async def test_empty_source() -> None:
    app = ListApp(0)
    async with driven(app, (60, 20)) as pilot:
        await pilot.press("j", "G", "enter", "ctrl+d", "k")
        assert app.view.cursor == 0
        assert app.chosen == []


async def test_cursor_moves_to_the_last_row_of_a_shorter_source() -> None:
    app = ListApp(100)
    async with driven(app, (60, 20)) as pilot:
        await pilot.press("G")
        app.view.show(Numbers(3))
        await pilot.pause()
        assert app.view.cursor == 2
        assert app.view.scroll_offset.y == 0
        assert painted(app)[2].startswith("▌ row 2")


async def test_keys_send_few_bytes() -> None:
    app = ListApp(1_000)
    async with driven(app, (140, 40)) as pilot:
        await pilot.pause()

        async def cost(key: str) -> Any:
            app.sent = 0
            await pilot.press(key)
            return app.sent

        assert 0 < await cost("j") <= 1024
        assert 0 < await cost("k") <= 1024
        assert 0 < await cost("pagedown") <= 20 * 1024
        assert await cost("home") > 0
        assert await cost("home") == 0


def bar_of(app: ListApp) -> list[str]:
    """Return text and background of each cell in the column of the scroll bar."""
    strips = app.screen._compositor.render_strips(app.size)
    cells = [next(iter(strip.crop(59, 60))) for strip in strips]
    return [f"{cell.text}{cell.style.bgcolor if cell.style else None}" for cell in cells]


async def test_scroll_bar_is_blank_if_all_rows_are_visible() -> None:
    app = ListApp(20)
    async with driven(app, (60, 20)) as pilot:
        app.view.styles.overflow_y = "scroll"
        await pilot.pause()
        background = app.view.rich_style.bgcolor
        assert bar_of(app) == [f" {background}"] * 20
        app.view.show(Numbers(21))
        await pilot.pause()
        assert len(set(bar_of(app))) > 1


async def test_scroll_bar_in_ascii() -> None:
    for mark, is_ascii in ((ASCII.cursor, True), ("▌", False)):
        app = ListApp(97, mark=mark)
        async with driven(app, (60, 20)) as pilot:
            ends = set()
            for _ in range(9):
                await pilot.press("j", "j", "j", "j", "j")
                ends |= {line[59:60] for line in painted(app)}
            assert "".join(ends).isascii() is is_ascii


async def test_control_characters_in_ascii() -> None:
    app = ListApp(1, mark=ASCII.cursor)

    class Pictures(Numbers):
        def line(self, row: int, width: int) -> Line:
            return Line([("a␛[31m␀…    ", Role.PLAIN), ("3.00 s", Role.DIM)])

    async with driven(app, (60, 20)) as pilot:
        app.view.show(Pictures(1))
        await pilot.pause()
        assert painted(app)[0] == "> a^[[31m^@~  3.00 s"


async def test_cursor_without_colours_underlines_the_whole_row() -> None:
    app = ListApp(1, MONO)

    class Bars(Numbers):
        def line(self, row: int, width: int) -> Line:
            return Line([("name   ", Role.PLAIN), ("███  ", Role.service(0)), ("1.00 s", Role.DIM)])

    async with driven(app, (60, 20)) as pilot:
        app.view.show(Bars(1))
        await pilot.pause()
        row = list(app.view.render_line(0))
        turned = [part.text for part in row if part.style and part.style.underline]
        assert "".join(turned).split() == ["name", "███", "1.00", "s"]
        # to the end of the row
        assert turned[-1].endswith(" ")
        app.screen.set_focus(None)
        await pilot.pause()
        assert not any(part.style and part.style.underline for part in app.view.render_line(0))


async def test_cursor_is_accented_while_another_widget_moves_it() -> None:
    app = ListApp(5)
    async with driven(app, (60, 20)) as pilot:
        marked = app.view.render_line(0)
        app.screen.set_focus(None)
        await pilot.pause()
        assert app.view.render_line(0) != marked
        app.view.looks_focused = True
        app.view.refresh_row(0)
        assert app.view.render_line(0) == marked
