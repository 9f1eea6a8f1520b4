"""Warnings on the screen: a list by kind, a word in each row, and clock skew corrected by a key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.building import build, span
from tests.support.paths import INCIDENT, SAMPLES
from tests.support.trace_app import opened
from tracetui.analysis.span_warnings import count_warnings
from tracetui.export.save import save
from tracetui.model.traces import TraceSet
from tracetui.tui.messages import FilterTraces

MS = 1_000


def traces_with_warnings() -> TraceSet:
    """A trace with two orphans, one with three roots, one with clock skew, and a sound one."""
    return build(
        span("a", 0, 9, trace="1", name="GET /cart"),
        span("b", 1, 2, trace="1", parent="lost1", service="price", name="GET /price"),
        span("c", 3, 4, trace="1", parent="lost2", service="price", name="GET /price"),
        span("d", 100, 300, trace="2", name="batch"),
        span("e", 110, 120, trace="2", name="batch"),
        span("f", 130, 140, trace="2", name="batch"),
        span("g", 1_000 * MS, 1_300 * MS, trace="3", name="GET /skewed"),
        span("h", 3_000 * MS, 3_200 * MS, trace="3", parent="g", service="ahead", name="query"),
        span("i", 1_000 * MS, 1_400 * MS, trace="4", name="GET /sound"),
    )


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "troubled.json"
    save(traces_with_warnings(), path)
    return str(path)


def test_warnings_are_counted_by_kind() -> None:
    traces = traces_with_warnings()
    counts = {count.kind.name: (count.spans, count.traces) for count in count_warnings(traces)}
    assert counts == {"orphan": (2, 1), "roots": (4, 2), "skew": (1, 1)}
    example = next(count.example for count in count_warnings(traces) if count.kind.name == "skew")
    assert traces.names[traces.name[example]] == "query"


async def test_warnings_are_listed_and_filtered_by(source: str) -> None:
    async with opened(source) as (app, pilot):
        assert "GET /cart ⚠ orphan 2" in pilot.text
        assert "batch ⚠ 3 roots" in pilot.text
        assert "GET /skewed ⚠ skew?" in pilot.text
        await pilot.press("W")
        assert re.search(r"orphan: spans whose parent is missing +2 in 1 trace", pilot.text)
        assert "such as price GET /price" in pilot.text
        await pilot.press(*"skew", "enter")
        assert app.state.query == "warning = skew"
        assert app.state.shown.tolist() == [2]
        # back to all traces
        await pilot.press("escape")
        assert app.state.query == ""


async def test_no_warnings_no_list() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("W")
        assert "no warnings" in pilot.lines[-1]
        assert len(app.screen_stack) == 1


async def test_clock_skew_is_corrected_and_the_correction_undone(source: str) -> None:
    async with opened(source) as (app, pilot):
        assert "skew in 1 trace: @ corrects" in pilot.text
        app.state.select(2)
        app.current_view.selection_changed()
        await pilot.press("@")
        session = app.state.session
        assert session is not None
        assert int(session.loaded.trace_duration[2]) == 300_000_000
        assert app.state.trace == 2
        assert "skew corrected: @ undoes" in pilot.text
        assert "clock skew corrected in 1 span" in pilot.lines[-1]
        await pilot.press("@")
        assert app.state.session is session.uncorrected
        assert "skew in 1 trace: @ corrects" in pilot.text


async def test_no_clock_skew_is_reported() -> None:
    async with opened(INCIDENT) as (app, pilot):
        before = app.state.session
        await pilot.press("@")
        assert "no clock skew to correct" in pilot.lines[-1]
        assert app.state.session is before


async def test_traces_with_lost_context_are_marked_and_counted() -> None:
    async with opened(str(SAMPLES / "broken" / "lost-context.json"), size=(140, 30)) as (_, pilot):
        rows = [line for line in pilot.lines if "⚠" in line and "storefront" in line]
        assert len(rows) == 2
        assert any("3 roots" in row for row in rows)
        await pilot.press("W")
        assert "no warnings" not in pilot.text
        assert "roots" in pilot.text
        await pilot.press(*"roots", "enter")
        assert "warning = " in pilot.text


async def test_the_status_line_counts_the_traces_that_the_list_of_warnings_counts(source: str) -> None:
    async with opened(source) as (app, pilot):
        assert pilot.lines[0].rstrip().endswith("⚠ 3")
        await pilot.press("W")
        assert "3 of 4 traces have warnings" in pilot.text
        await pilot.press("escape")
        app.post_message(FilterTraces("cart"))
        await pilot.settle()
        assert pilot.lines[0].rstrip().endswith("⚠ 1")
        await pilot.press("W")
        assert "3 of 4 traces have warnings, 1 of those shown" in pilot.text


async def test_a_long_filter_precedes_the_notice_of_clock_skew(source: str) -> None:
    async with opened(source, size=(80, 24)) as (app, pilot):
        assert "⚠ skew in 1 trace: @ corrects   4 traces" in pilot.lines[2]
        # the hint is whole or missing
        assert "press / to enter one  " in pilot.lines[2]
        assert "duration" not in pilot.lines[2]
        app.post_message(FilterTraces("trace.response >= 1ms AND service != nothing"))
        await pilot.settle()
        assert "filter  trace.response >= 1ms AND service != nothing" in pilot.lines[2]
        assert pilot.lines[2].endswith(" 2 of 4")
        app.post_message(FilterTraces(f"trace.response >= 1ms AND service != {'x' * 60}"))
        await pilot.settle()
        assert re.search(r" service != x+… 2 of 4$", pilot.lines[2])


async def test_clock_skew_of_traces_that_are_not_shown_is_not_mentioned(source: str) -> None:
    async with opened(source) as (app, pilot):
        app.post_message(FilterTraces("cart"))
        await pilot.settle()
        assert "skew" not in pilot.lines[2]
