"""Comparison and contrast of two groups of one set on the screen: before and after."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.support.incidents import deployment
from tests.support.paths import INCIDENT
from tests.support.servers import LiveServer
from tests.support.trace_app import opened
from tracetui.analysis.contrast import OverRepresented
from tracetui.export.save import save
from tracetui.query.edit import time_window
from tracetui.render.text import numbers
from tracetui.tui.messages import FilterTraces
from tracetui.tui.views.contrast import query_of

VERSIONS = ["2.4"] * 7 + ["2.5"] * 5


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Write twelve requests, a minute apart; shop has a new version from the eighth on."""
    path = tmp_path / "deployed.json"
    save(deployment(VERSIONS, tenant=["a"] * 7 + ["b"] * 5), path)
    return str(path)


async def test_two_keys_compare_before_and_after_a_new_version(source: str) -> None:
    async with opened(source) as (_, pilot):
        await pilot.press("B")
        assert re.search(r"service\.version 2\.4 → 2\.5 in shop +since \d\d:\d\d", pilot.text)
        await pilot.press(*"2.5", "enter")
        assert "before  shop service.version=2.4  7 traces" in pilot.text
        assert "after   shop service.version=2.5  5 traces" in pilot.text


async def test_comparison_before_and_after_the_cursors_trace(source: str) -> None:
    async with opened(source) as (app, pilot):
        app.state.select(4)
        app.current_view.selection_changed()
        await pilot.settle()
        await pilot.press("B")
        assert re.search(r"before and after \d\d:\d\d:\d\d\.\d{3} UTC, at the cursor +4 before, 8 after", pilot.text)
        await pilot.press(*"cursor", "enter")
        assert re.search(r"before +before \d\d:\d\d:\d\d\.000 UTC  4 traces", pilot.text)
        assert re.search(r"after +from \d\d:\d\d:\d\d\.000 UTC on  8 traces", pilot.text)


async def test_nothing_before_the_first_trace(source: str) -> None:
    async with opened(source) as (app, pilot):
        app.state.select(0)
        app.current_view.selection_changed()
        await pilot.press("B")
        assert "at the cursor" not in pilot.text
        assert "service.version" in pilot.text


async def test_contrast_of_after_with_before(source: str) -> None:
    async with opened(source) as (_, pilot):
        await pilot.press("c")
        assert "the slowest traces" in pilot.text
        await pilot.press(*"service.version", "enter")
        assert (
            "Over-represented in 5 traces with shop service.version=2.5, compared with 7 other traces "
            "(shop service.version=2.4)" in pilot.text
        )
        assert re.search(r"tenant.*b", pilot.text)


async def test_window_before_is_searched_on_the_server() -> None:
    with LiveServer("zipkin", ends_ns=time.time_ns()) as server:
        async with opened(server.url) as (app, pilot):
            assert app.state.session is not None
            starts = sorted(app.state.session.loaded.trace_start.tolist())
            middle = starts[len(starts) // 2]
            app.post_message(FilterTraces(time_window(middle, None), search_servers=False))
            await pilot.settle()
            later = len(app.state.shown)
            await pilot.press("B")
            assert re.search(r"the window before: .* searches the server", pilot.text)
            await pilot.press(*"window", "enter")
            assert f"before  the window before  {len(starts) - later} traces" in pilot.text
            assert re.search(rf"after .* {later} traces", pilot.text)
            # the traces loaded are still the same
            assert app.state.session.loaded.trace_count == len(starts)


async def test_typed_text_can_be_used_although_an_option_contains_it(source: str) -> None:
    async with opened(source) as (_, pilot):
        await pilot.press("B", *"service", "down", "enter")
        assert "service: no such file" in pilot.text


async def test_changes_precede_the_time_at_the_cursor(source: str) -> None:
    async with opened(source) as (app, pilot):
        app.state.select(4)
        app.current_view.selection_changed()
        await pilot.press("B")
        assert pilot.text.index("service.version 2.4") < pilot.text.index("at the cursor")


async def test_typed_time_is_before_and_after_it(source: str) -> None:
    async with opened(source) as (app, pilot):
        assert app.state.session is not None
        clock = numbers.clock(int(app.state.session.loaded.trace_start[5]), digits=0)
        await pilot.press("B")
        assert "a time such as 10:05, or a baseline: a file, server or profile" in pilot.text
        await pilot.press(*clock)
        assert re.search(rf"before and after {clock} UTC +5 before, 7 after", pilot.text)
        await pilot.press("enter")
        assert re.search(rf"before +before {clock}  5 traces", pilot.text)
        assert re.search(rf"after +from {clock} on  7 traces", pilot.text)


async def test_typed_time_that_all_traces_precede_is_explained(source: str) -> None:
    async with opened(source) as (_, pilot):
        await pilot.press("B", *"2030-01-01", "enter")
        assert "all 12 traces started before 2030-01-01" in pilot.text


async def test_grouped_list_offers_the_same(source: str) -> None:
    async with opened(source) as (app, pilot):
        app.state.select(4)
        app.current_view.selection_changed()
        await pilot.press("v", "g", "B")
        assert "at the cursor" in pilot.text
        assert "service.version 2.4" in pilot.text


def test_filter_by_a_duration_is_readable() -> None:
    found = OverRepresented("duration", "", "1700000000", 6, 11, 100.0, 11.0, 0.001)
    assert query_of(found) == "trace.response >= 1.7s"


async def test_traces_with_errors_are_no_contrast_if_all_have_errors() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("c")
        assert "traces with errors" in pilot.text
        await pilot.press("escape", "e", "c")
        assert "traces with errors" not in pilot.text
        assert "the slowest traces" in pilot.text
