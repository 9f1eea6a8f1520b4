"""Columns of the list of traces that the user chooses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.building import build, span
from tests.support.trace_app import opened
from tracetui.export.save import save
from tracetui.render.text.glyphs import UNICODE
from tracetui.render.traces.columns import SortKey, trace_columns
from tracetui.render.traces.table import HIDEABLE, TraceRows
from tracetui.tui import settings
from tracetui.tui.state import ListColumns
from tracetui.tui.views.traces.view import TracesView

TIERS = ["gold", "free", "silver", "free"]


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "tiers.json"
    spans = (
        span(
            f"a{i}", i * 1_000, i * 1_000 + 100 * (4 - i), trace=str(i + 1), attributes={"customer.tier": tier, "n": i}
        )
        for i, tier in enumerate(TIERS)
    )
    save(build(*spans), path)
    return str(path)


def tiers(lines: list[str]) -> list[str]:
    """Values in the rows of the list, from above."""
    return [word for line in lines[5:] for word in line.split() if word in TIERS]


async def test_attribute_column(source: str) -> None:
    async with opened(source, size=(120, 30)) as (app, pilot):
        await pilot.press("C", *"tier", "enter")
        assert app.state.columns == ListColumns((), ("customer.tier",))
        assert tiers(pilot.lines) == TIERS
        assert "tier" in next(line for line in pilot.lines if "duration" in line and "start" in line)
        view = app.query_one(TracesView)
        view.listing.sort_by(SortKey.DURATION)
        await pilot.press("o")
        assert view.listing.sort_key == "attr.customer.tier"
        assert tiers(pilot.lines) == sorted(TIERS)
        await pilot.press("O")
        assert tiers(pilot.lines) == sorted(TIERS, reverse=True)
        await pilot.press("C", *"tier", "enter")
        assert app.state.columns == ListColumns()
        assert tiers(pilot.lines) == []
        assert view.listing.sort_key == SortKey.DURATION


async def test_the_first_choice_adds_a_column(source: str) -> None:
    async with opened(source, size=(140, 40)) as (app, pilot):
        await pilot.press("C", "enter")
        assert len(app.state.columns.attributes) == 1
        assert not app.state.columns.hidden


async def test_heading_of_an_attribute_sorts(source: str) -> None:
    async with opened(source, size=(120, 30)) as (app, pilot):
        await pilot.press("C", *"tier", "enter")
        heading = next(line for line in pilot.lines if "duration" in line and "start" in line)
        await pilot.click("#traces-header", offset=(heading.index("tier"), 0))
        await pilot.settle()
        assert app.query_one(TracesView).listing.sort_key == "attr.customer.tier"
        assert tiers(pilot.lines) == sorted(TIERS)


async def test_default_columns_are_hidden_and_restored(source: str) -> None:
    async with opened(source, size=(120, 30)) as (app, pilot):
        await pilot.press("C", *"spans", "enter")
        assert "spans" not in "\n".join(pilot.lines[2:])
        await pilot.press("C", *"default", "enter")
        assert app.state.columns == ListColumns()
        assert "spans" in "\n".join(pilot.lines[2:])


@pytest.mark.usefixtures("own_state")
async def test_columns_are_saved(source: str, tmp_path: Path) -> None:
    async with opened(source) as (app, pilot):
        await pilot.press("C", *"tier", "enter", "C", *"errors", "enter")
        app.exit()
    warnings: list[str] = []
    assert settings.load_columns(warnings) == ListColumns(("errors",), ("customer.tier",))
    assert not warnings
    (tmp_path / "state" / "columns.json").write_text("{")
    assert settings.load_columns(warnings) == ListColumns()
    assert len(warnings) == 1


@pytest.mark.usefixtures("own_state")
async def test_unchanged_columns_do_not_overwrite_those_of_another_run(source: str) -> None:
    settings.save_columns(ListColumns((), ("zone",)))
    async with opened(source) as (app, _):
        app.exit()
    assert settings.load_columns([]) == ListColumns((), ("zone",))


def test_wider_lines_have_the_columns_of_narrower_ones() -> None:
    traces = build(
        *(
            span(f"a{i}", i, i + 9, trace=str(i + 1), error=True, attributes={"a": "x" * 9, "b": "y" * 30})
            for i in range(3)
        )
    )
    columns = trace_columns(traces).with_attributes(["a", "b"])
    shown: set[str | None] = set()
    for width in range(1, 200):
        rows = TraceRows(columns, traces.main_root, glyphs=UNICODE)
        assert rows.line(0, width).width == width
        now = {column for column, _, _ in rows._headings(width)}
        assert shown <= now
        shown = now
    assert {"attr.a", "attr.b", *SortKey} <= shown


def test_every_default_column_can_be_hidden() -> None:
    traces = build(span("a", 0, 9, error=True, message="broken"))
    rows = TraceRows(trace_columns(traces), traces.main_root, glyphs=UNICODE, hidden=HIDEABLE)
    for width in (40, 80, 160):
        assert {column for column, _, _ in rows._headings(width)} <= {SortKey.NAME, SortKey.DURATION, None}
        assert rows.line(0, width).width == width
        assert "broken" not in rows.line(0, width).text


async def test_sorting_by_a_column_while_it_is_removed(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(source, size=(120, 30)) as (app, pilot):
        await pilot.press("C", *"tier", "enter", "C")
        view, jobs = app.query_one(TracesView), list[Any]()
        monkeypatch.setattr(view, "work", lambda _, work, done: jobs.append((work, done)))
        await pilot.press(*"tier", "enter")
        assert not app.state.columns.attributes
        # the list still has the column
        view.listing.sort_by("attr.customer.tier")
        await pilot.settle()
        assert tiers(pilot.lines) == sorted(TIERS)
        [(work, done)] = jobs
        done(work())
        await pilot.settle()
        assert view.listing.sort_key == SortKey.DURATION
        assert tiers(pilot.lines) == []
