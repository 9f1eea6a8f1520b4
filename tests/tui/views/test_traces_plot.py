"""The plot above the list of traces: region, contrast, ring around the cursor's trace, time marks, bytes
sent per key.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.incidents import deployment
from tests.support.paths import INCIDENT
from tests.support.pilot import Driver
from tests.support.trace_app import CountingApp, opened
from tracetui.export.save import save
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.tui.views.traces.view import TracesView
from tracetui.tui.widgets.result_screen import ResultScreen
from tracetui.tui.widgets.scatter import Scatter


def scatter(app: CountingApp) -> Scatter:
    return app.query_one(TracesView).scatter


async def drag(app: CountingApp, pilot: Driver, button: int) -> None:
    """Draw a region around the slowest trace, over the whole height of the plot."""
    plot, trace, session = scatter(app).plot, app.state.trace, app.state.session
    assert plot is not None
    assert session is not None
    assert trace is not None
    column = plot.left + plot.cell(int(session.loaded.trace_start[trace]), 0)[0]
    half = plot.columns // 16
    await pilot.mouse_down("#traces-scatter", (column - half, 0), button=button)
    await pilot.hover("#traces-scatter", (column + half, plot.rows - 1))
    await pilot.settle()
    await pilot.mouse_up("#traces-scatter", (column + half, plot.rows - 1))
    await pilot.settle()


async def test_region_is_contrasted_by_key() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("z")
        assert "Enter filters  c contrasts" in pilot.text
        await pilot.press("c")
        assert isinstance(app.screen, ResultScreen)
        assert "traces from the region" in pilot.text
        assert app.state.query == ""
        await pilot.press("escape")
        assert app.query_one(TracesView).listing.view.has_focus


async def test_left_button_filters_by_a_region_and_right_button_contrasts() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await drag(app, pilot, 3)
        assert isinstance(app.screen, ResultScreen)
        assert "traces from the region" in pilot.text
        assert app.state.query == ""
        await pilot.press("escape")
        await drag(app, pilot, 1)
        assert app.state.query.startswith("trace.start >= ")


@pytest.mark.parametrize(("glyphs", "rings"), [(UNICODE, "◎⊗"), (ASCII, "@&")])
async def test_trace_under_the_cursor_has_a_ring(glyphs: Glyphs, rings: str) -> None:
    async with opened(INCIDENT, glyphs=glyphs) as (app, pilot):
        plot = scatter(app).plot
        assert plot is not None
        top = scatter(app).region.y

        def ringed() -> list[str]:
            lines = [line[plot.left :][: plot.columns] for line in pilot.lines[top : top + plot.rows]]
            return [character for line in lines for character in line if character in rings]

        assert ringed() == [rings[0]]
        # the third slowest trace has errors
        await pilot.press("j", "j")
        assert ringed() == [rings[1]]


async def test_ring_sends_few_bytes() -> None:
    async with opened(INCIDENT, size=(140, 40)) as (app, pilot):
        for key in ("j", "j", "k"):
            app.sent = 0
            await pilot.press(key)
            assert app.sent <= 1024


async def test_new_version_is_marked_in_the_plot(tmp_path: Path) -> None:
    path = tmp_path / "deployed.json"
    save(deployment(["2.4"] * 15 + ["2.5"] * 15), path)
    async with opened(str(path)) as (_, pilot):
        assert "version 2.4 → 2.5" in pilot.text
        assert "▲" in pilot.text


async def test_changes_among_few_traces_are_not_marked(tmp_path: Path) -> None:
    path = tmp_path / "deployed.json"
    save(deployment(["2.4"] * 9 + ["2.5"] * 9), path)
    async with opened(str(path)) as (_, pilot):
        assert "version 2.4 → 2.5" not in pilot.text
        # not even one of the sort of the list
        assert "▲ 2" not in pilot.text


async def test_time_of_a_comparison_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "deployed.json"
    save(deployment(["2.4"] * 15 + ["2.5"] * 15), path)
    async with opened(str(path)) as (app, pilot):
        app.state.select(4)
        app.current_view.selection_changed()
        await pilot.settle()
        await pilot.press("B", "enter", "escape")
        assert pilot.text.count("▲") > 1


@pytest.mark.parametrize("width", [80, 104, 120])
async def test_date_is_in_the_status_line(width: int) -> None:
    async with opened(INCIDENT, size=(width, 30)) as (_, pilot):
        assert "2026-03-10 10:00–10:15 UTC" in pilot.lines[0]
        assert "✖ 8 " in pilot.lines[0]
