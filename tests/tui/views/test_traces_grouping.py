"""Groups of the list of traces while other traces arrive."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.building import build, span
from tests.support.paths import INCIDENT
from tests.support.trace_app import opened
from tracetui.export.save import save
from tracetui.tui.views.traces.listing import Grouping
from tracetui.tui.views.traces.view import TracesView


async def test_smaller_set_arrives_while_grouped_by_entry_point(tmp_path: Path) -> None:
    path = tmp_path / "traces.json"
    shutil.copy(INCIDENT, path)
    async with opened(str(path)) as (app, pilot):
        listing = app.query_one(TracesView).listing
        await pilot.press("v", "enter")
        assert listing.grouping is Grouping.ENTRY_POINTS
        save(build(span("a", 0, 10, name="GET /cart")), path, replace=True)
        await pilot.press("r")
        assert app.state.shown.tolist() == [0]
        assert listing.grouping is Grouping.ENTRY_POINTS
        assert [entry.traces.tolist() for entry in listing.entries] == [[0]]
        assert "GET /cart" in pilot.text


async def test_entry_points_follow_the_filter() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("v", "e")
        listing = app.query_one(TracesView).listing
        assert listing.grouping is Grouping.ENTRY_POINTS
        assert sum(entry.count for entry in listing.entries) == len(app.state.shown) == 8
