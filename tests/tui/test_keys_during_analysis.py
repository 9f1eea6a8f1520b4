"""Keys pressed before a view has computed its content take effect afterwards."""

from __future__ import annotations

import pytest

from tests.support.gates import gated
from tests.support.paths import INCIDENT, SHOP
from tests.support.pilot import driven
from tests.support.trace_app import CountingApp, opened
from tracetui.analysis import analysis
from tracetui.tui.state import State
from tracetui.tui.views.hot_spots import HotSpotsView
from tracetui.tui.views.services.map import MapScreen
from tracetui.tui.views.services.view import ServicesView
from tracetui.tui.views.traces import view as traces_view


async def test_key_pressed_while_services_are_analysed_acts_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gated(monkeypatch, ServicesView, "analyse")
    async with opened(SHOP) as (app, pilot):
        await pilot.send("3", "m")
        assert len(app.screen_stack) == 1
        gate.set()
        await pilot.settle()
        assert isinstance(app.screen, MapScreen)


async def test_view_can_be_left_during_its_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gated(monkeypatch, ServicesView, "analyse")
    async with opened(SHOP) as (app, pilot):
        await pilot.send("3", "m", "escape")
        assert app.view == "traces"
        gate.set()
        await pilot.settle()
        assert len(app.screen_stack) == 1
        await pilot.send("3", "4")
        assert app.view == "errors"


async def test_suggestions_opened_early_are_shown_when_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gated(monkeypatch, analysis, "find_suggestions")
    async with opened(SHOP) as (app, pilot):
        await pilot.send("5")
        await pilot.settle(without="hot-spots.suggestions")
        await pilot.send("a", "j")
        view = app.query_one(HotSpotsView)
        assert view.page.list.cursor == 0
        gate.set()
        await pilot.settle()
        assert "operations" in dict(view.hints)["{hot-spots.advice}"]
        assert view.page.list.cursor == 1


async def test_key_pressed_before_the_first_rows_acts_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gated(monkeypatch, traces_view, "prepared")
    async with driven(CountingApp(State(sources=(INCIDENT,))), (120, 40)) as pilot:
        await pilot.until("preparing the list")
        await pilot.send("v")
        gate.set()
        await pilot.settle()
        assert "Traces › by entry point" in pilot.text
