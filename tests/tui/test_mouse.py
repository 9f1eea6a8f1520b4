"""The mouse: key hints, breadcrumbs, headings, and points of the plot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import INCIDENT, SAMPLES, SHOP
from tests.support.pilot import Driver
from tests.support.trace_app import opened
from tracetui.render.frame import crumb_line
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.headings import column_at, columns_of
from tracetui.tui.help import HelpScreen
from tracetui.tui.views.errors import ErrorsView
from tracetui.tui.views.hot_spots import HotSpotsView
from tracetui.tui.views.traces.view import TracesView
from tracetui.tui.views.waterfall.view import WaterfallView
from tracetui.tui.widgets.scatter import Scatter

pytestmark = pytest.mark.usefixtures("own_state")

WORDS = st.text(st.sampled_from("ab \u6f22\u00e9>\u203a"), min_size=1, max_size=12).map(str.strip).filter(bool)
HINTS = st.lists(st.tuples(st.sampled_from(["/", "Enter", "?", "Ctrl+c"]), WORDS), min_size=1, max_size=4, unique=True)
NOTICES = st.none() | st.tuples(WORDS, st.booleans())


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@given(st.lists(WORDS, min_size=1, max_size=4), HINTS, st.integers(20, 200), NOTICES)
def test_each_cell_of_the_last_line_leads_to_what_it_shows(
    glyphs: Glyphs, crumbs: list[str], hints: list[tuple[str, str]], width: int, notice: tuple[str, bool] | None
) -> None:
    last = crumb_line(width, crumbs, hints, glyphs, notice)
    seen_crumbs, seen_hints, others = dict[int, str](), dict[int, str](), ""
    cell = 0
    for letter in last.line.text:
        crumb, hint = last.crumb_at(cell), last.hint_at(cell)
        cell += cell_width(letter)
        assert crumb is None or hint is None
        if crumb is not None:
            seen_crumbs[crumb] = seen_crumbs.get(crumb, "") + letter
        elif hint is not None:
            seen_hints[hint] = seen_hints.get(hint, "") + letter
        else:
            others += letter
    texts = [" ".join(hint) for hint in hints]
    for seen, whole in ((seen_crumbs, crumbs), (seen_hints, texts)):
        for number, text in seen.items():
            is_cut = text.rstrip().endswith(glyphs.ellipsis)
            assert text == whole[number] or (
                is_cut and whole[number].startswith(text.rstrip()[: -len(glyphs.ellipsis)])
            )
    if notice is None:
        # nothing but separators is left
        assert set(others) <= {" ", *glyphs.ellipsis, ">" if glyphs.ascii_only else "\u203a"}
        assert 0 in seen_crumbs
    assert len(hints) - 1 in seen_hints
    assert last.crumb_at(cell) is None
    assert last.hint_at(cell) is None


def test_breadcrumb_that_looks_like_a_hint_is_no_hint() -> None:
    crumbs, hints = ["Waterfall", "a > b", "Enter open"], [("Enter", "open"), ("?", "keys")]
    last = crumb_line(40, crumbs, hints, ASCII, None)
    assert "Enter open" not in last.line.text.rpartition(crumbs[-1])[2]
    for number, text in enumerate(crumbs):
        begin = last.line.text.index(text)
        assert {last.crumb_at(cell) for cell in range(begin, begin + len(text))} == {number}
        assert {last.hint_at(cell) for cell in range(begin, begin + len(text))} == {None}


def test_columns_are_found_in_a_heading() -> None:
    heading = "operation          of total  ▼ calls       p95 or range"
    assert [column.name for column in columns_of(heading)] == ["operation", "of total", "calls", "p95 or range"]
    assert column_at(heading, heading.index("total")) == "of total"
    # between two columns the nearer one
    assert column_at(heading, heading.index("p95") - 1) == "p95 or range"
    assert column_at(heading, len(heading) + 9) == ""
    assert column_at("", 0) == ""


async def click(pilot: Driver, text: str, row: int) -> None:
    await pilot.click(offset=(pilot.lines[row].rindex(text), row))
    await pilot.settle()


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_key_hints_can_be_clicked(size: tuple[int, int]) -> None:
    async with opened(INCIDENT, size=size) as (app, pilot):
        await click(pilot, "? keys", -1 + size[1])
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        await click(pilot, "open", size[1] - 1)
        assert app.view == "waterfall"


async def test_clicked_heading_sorts_services() -> None:
    async with opened(SHOP) as (_, pilot):

        async def heading_after_click(text: str) -> str:
            await pilot.click("#services-heading", offset=(pilot.lines[3].index(text), 0))
            await pilot.settle()
            return pilot.lines[3]

        await pilot.press("3")
        assert "▼ traces" in pilot.lines[3]
        assert "▼ reached from" in await heading_after_click("reached")
        assert "▲ reached from" in await heading_after_click("reached")
        assert "▲ service" in await heading_after_click("service")


async def test_clicked_breadcrumb_leads_back_to_it() -> None:
    async with opened(INCIDENT, size=(140, 40)) as (app, pilot):
        await pilot.press("enter", "j", "R")
        assert "from " in pilot.lines[-1]
        crumbs = len(app.current_view.crumbs())
        await click(pilot, "api-gateway GET /profile", 39)
        assert len(app.current_view.crumbs()) < crumbs
        assert "from " not in pilot.lines[-1]
        assert app.view == "waterfall"


async def test_clicked_view_in_the_breadcrumbs_leaves_the_group() -> None:
    async with opened(INCIDENT, size=(140, 40)) as (app, pilot):
        await pilot.press("v")
        assert app.current_view.crumbs()
        await click(pilot, "Traces", 39)
        assert not app.current_view.crumbs()


async def test_clicked_view_in_the_breadcrumbs_leaves_the_detail_and_shows_all_errors() -> None:
    async with opened(INCIDENT, size=(140, 40)) as (app, pilot):
        await pilot.press("4")
        view = app.query_one(ErrorsView)
        service = view.page.columns.table.errors.patterns[-1].service
        view.show_service(service)
        await pilot.settle()
        assert f"{service}  Esc shows all" in pilot.text
        await pilot.press("tab")
        assert view.page.focused_detail is not None
        await click(pilot, "Errors", 39)
        assert "shows all" not in pilot.text
        assert app.focused is view.page.list


async def test_clicked_trace_in_the_breadcrumbs_leaves_detail_zoom_and_subtree() -> None:
    async with opened(INCIDENT, size=(160, 40)) as (app, pilot):
        await pilot.press("enter", "j", "R", "right_curly_bracket", "enter")
        view = app.query_one(WaterfallView)
        assert view.trace.is_zoomed
        assert view.detail.has_focus_within
        await click(pilot, app.current_view.crumbs()[0], 39)
        assert "from " not in pilot.lines[-1]
        assert app.focused is view.rows
        assert not view.trace.is_zoomed


async def test_clicked_root_of_a_subtree_in_the_breadcrumbs_leaves_only_what_is_in_it() -> None:
    async with opened(INCIDENT, size=(160, 40)) as (app, pilot):
        await pilot.press("enter", "j", "R", "right_curly_bracket")
        view = app.query_one(WaterfallView)
        root = view.trace.opened.root
        assert view.trace.is_zoomed
        await click(pilot, "from ", 39)
        assert view.trace.opened.root == root is not None
        assert not view.trace.is_zoomed


async def test_clicked_span_in_the_breadcrumbs_leaves_nothing() -> None:
    async with opened(INCIDENT, size=(160, 40)) as (app, pilot):
        await pilot.press("enter", "j", "R", "right_curly_bracket", "c")
        view = app.query_one(WaterfallView)
        before = app.current_view.crumbs()
        # the notice of the jump covers the breadcrumbs
        app.main.bottom.forget()
        await pilot.settle()
        await click(pilot, before[-1], 39)
        assert app.current_view.crumbs() == before
        assert before[1].startswith("from ")
        assert view.trace.is_zoomed


async def test_clicked_group_in_the_breadcrumbs_stays() -> None:
    async with opened(INCIDENT, size=(160, 40)) as (app, pilot):
        await pilot.press("slash", *"GET", "enter", "v", "enter", "j")
        group, reason = app.current_view.crumbs()
        assert reason.startswith("match: ")
        app.main.bottom.forget()
        await pilot.settle()
        await click(pilot, group, 39)
        assert app.current_view.crumbs() == [group, reason]
        await click(pilot, "Traces", 39)
        assert app.current_view.crumbs() == [reason]


async def test_clicked_heading_sorts_hot_spots_and_reverses_them() -> None:
    async with opened(str(SAMPLES / "shop"), size=(200, 40)) as (app, pilot):
        await pilot.press("5")

        async def click_heading(text: str) -> None:
            heading = next(line for line in pilot.lines if "of total" in line)
            await pilot.click("#hot-spots-heading", offset=(heading.rindex(text), 0))
            await pilot.settle()

        await click_heading("calls")
        assert "by calls, most first" in pilot.text
        view = app.query_one(HotSpotsView)
        assert view.page.list.cursor == 0
        await click_heading("calls")
        assert "by calls, least first" in pilot.text
        await click_heading("of total")
        assert "bottlenecks of" in pilot.text
        assert "first" not in pilot.lines[2]
        # not a figure to sort by
        await click_heading("operation")
        assert "first" not in pilot.lines[2]


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_clicked_point_moves_the_cursor_to_its_trace(size: tuple[int, int]) -> None:
    async with opened(INCIDENT, size=size) as (app, pilot):
        scatter = app.query_one(Scatter)
        plot = scatter.plot
        assert plot is not None
        before = app.state.trace
        durations = plot.points.duration
        fastest = int(durations.argmin())
        column, row = plot.cell(int(plot.points.start[fastest]), int(durations[fastest]))
        await pilot.click(Scatter, offset=(plot.left + column, plot.rows - 1 - row))
        await pilot.settle()
        assert app.state.trace != before
        assert app.state.trace is not None
        chosen = int(app.state.trace)
        assert plot.cell(int(plot.points.start[chosen]), int(durations[chosen])) == (column, row)
        # a click outside all points changes nothing
        empty = plot.columns - 1, plot.rows - 1
        if plot.nearest(*empty) is None:
            await pilot.click(Scatter, offset=(plot.left + empty[0], 0))
            assert app.state.trace == chosen


async def test_clicked_point_unfolds_the_group_of_its_trace() -> None:
    async with opened(INCIDENT, size=(140, 40)) as (app, pilot):
        await pilot.press("v")
        view = app.query_one(TracesView)
        plot = view.scatter.plot
        assert plot is not None
        fastest = int(plot.points.duration.argmin())
        column, row = plot.cell(int(plot.points.start[fastest]), int(plot.points.duration[fastest]))
        assert app.current_view.crumbs() == ["by entry point"]
        await pilot.click(Scatter, offset=(plot.left + column, plot.rows - 1 - row))
        await pilot.settle()
        chosen = view.trace_under_cursor
        assert chosen is not None
        assert plot.cell(int(plot.points.start[chosen]), int(plot.points.duration[chosen])) == (column, row)


async def test_clicked_point_of_a_trace_that_has_left_the_list_is_reported() -> None:
    async with opened(INCIDENT, size=(140, 40)) as (app, pilot):
        view = app.query_one(TracesView)
        last = len(app.state.shown) - 1
        await pilot.press("slash", *"NOT error", "enter")
        left = np.setdiff1d(np.arange(last), app.state.shown)
        before = view.trace_under_cursor
        for trace in (int(left[0]), last + 1):
            app.main.bottom.forget()
            view.scatter.post_message(Scatter.Picked(trace))
            await pilot.settle()
            assert "this trace is not in the list" in pilot.lines[-1]
        assert view.trace_under_cursor == before
        # a position in the loaded set, not among the points
        chosen = int(app.state.shown[-1])
        assert chosen >= len(app.state.shown)
        view.scatter.post_message(Scatter.Picked(chosen))
        await pilot.settle()
        assert view.trace_under_cursor == chosen
