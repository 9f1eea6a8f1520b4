"""Several sources open in tabs, each with its place."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from textual.message import Message

from tests.support.building import build, span
from tests.support.gates import gated
from tests.support.paths import INCIDENT, SHOP
from tests.support.pilot import driven
from tests.support.servers import LiveServer
from tests.support.trace_app import CountingApp, opened
from tracetui.export.save import save
from tracetui.ingest.processes.background_load import BackgroundLoad
from tracetui.tui.messages import CompareTraces, OpenTrace
from tracetui.tui.state import State
from tracetui.tui.widgets.choice import Choice


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.json"
    save(build(span("a", 0, 10), span("b", 0, 20, trace="2")), path)
    return str(path)


async def test_palette_opens_a_source_in_a_tab(small: str) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("colon", *"open ", *small, "enter")
        assert "2/2" in pilot.lines[0]
        assert "small.json" in pilot.lines[0]
        assert "2 traces" in pilot.text
        await pilot.press("ctrl+n")
        assert "1/2 incident/before.json" in pilot.lines[0]
        assert len(app.state.shown) == 100
        await pilot.press("colon", *"sources 2", "enter")
        assert "2/2" in pilot.lines[0]


async def test_tabs_keep_the_form_of_hot_spots_and_its_row(small: str) -> None:
    async with opened(SHOP, size=(80, 24)) as (_, pilot):
        await pilot.press("5", "v", "j", "j")
        before = pilot.lines[1:]
        assert "30 suggestions" in before[1]
        await pilot.press("ctrl+o", *small, "enter", "5")
        assert "suggestions:" not in pilot.text
        await pilot.press("ctrl+n")
        assert pilot.lines[1:] == before
        await pilot.press("v")
        assert "18 bottlenecks" in pilot.text


async def test_tabs_keep_their_places(small: str) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("e", "j", "j", "space", "enter", "j")
        trace, span_at, query = app.state.trace, app.state.span, app.state.query
        assert app.view == "waterfall"
        before = pilot.lines[1:]
        await pilot.press("ctrl+o", *small, "enter")
        assert app.view == "traces"
        assert app.state.query == ""
        assert not app.state.marked
        await pilot.press("j", "5", "ctrl+n")
        assert app.view == "waterfall"
        assert (app.state.trace, app.state.span, app.state.query) == (trace, span_at, query)
        assert pilot.lines[1:] == before
        # the history of views belongs to the tab
        await pilot.press("escape")
        assert app.view == "traces"
        assert "8 of 100 traces" in pilot.text
        assert "1 marked" in pilot.text
        await pilot.press("ctrl+n")
        assert app.view == "hot-spots"
        await pilot.press("1")
        assert app.state.trace == 0


async def test_undo_belongs_to_the_tab(small: str) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("e", "ctrl+o", *small, "enter", "u")
        assert "nothing to undo" in pilot.text
        assert app.state.query == ""


async def test_closing_a_tab(small: str) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("colon", *"close this tab", "enter")
        assert "no other tab" in pilot.text
        await pilot.press("ctrl+o", *small, "enter", "colon", *"close this tab", "enter")
        assert "100 traces" in pilot.text
        assert "1/" not in pilot.lines[0]
        await pilot.press("ctrl+n")
        assert "Ctrl+o opens other sources in a tab" in pilot.text
        assert app.state.sources == (INCIDENT,)


async def test_closing_twice_at_once_keeps_the_last_tab(small: str) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("ctrl+o", *small, "enter")
        app.action_close_tab()
        app.action_close_tab()
        await pilot.settle()
        assert app.state.sources == (INCIDENT,)
        assert "100 traces" in pilot.text


@pytest.mark.parametrize("message", [OpenTrace(50), OpenTrace(0, span=700), CompareTraces((0, 50))])
async def test_messages_about_traces_of_another_tab_have_no_effect(small: str, message: Message) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("ctrl+o", *small, "enter")
        before = app.state.trace
        app.post_message(message)
        await pilot.settle()
        assert (app.view, app.state.trace, app.state.span, app.state.marked) == ("traces", before, None, set())
        assert len(app.screen_stack) == 1
        await pilot.press("enter")
        assert app.view == "waterfall"


async def test_showing_another_tab_closes_dialogs(small: str) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("ctrl+o", *small, "enter", "colon")
        assert isinstance(app.screen, Choice)
        app.action_next_tab()
        await pilot.settle()
        assert len(app.screen_stack) == 1
        assert app.state.sources == (INCIDENT,)
        await pilot.press("j")
        assert app.state.trace is not None
        assert "100 traces" in pilot.text


async def test_unreadable_source_keeps_the_other_tabs(tmp_path: Path) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("ctrl+o", *str(tmp_path / "missing.json"), "enter")
        await pilot.until("missing.json", "No traces loaded.")
        # rows of the other tab are not shown
        await pilot.press("enter", "y", "c")
        assert app.view == "traces"
        await pilot.press("ctrl+n")
        assert "100 traces" in pilot.text
        assert "No traces loaded." not in pilot.text


async def test_tabs_wait_for_a_load(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    may_load = gated(monkeypatch, BackgroundLoad, "run")
    app = CountingApp(State(sources=(small,)))
    async with driven(app, (120, 40)) as pilot:
        await pilot.until("reading")
        await pilot.send("ctrl+o", *SHOP, "enter")
        assert "still loading: Esc stops it" in pilot.text
        may_load.set()
        await pilot.settle()
        assert "2 traces" in pilot.text


async def test_tab_that_is_read_has_no_count_of_another(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(INCIDENT) as (_, pilot):
        assert pilot.lines[2].endswith("100 traces")
        may_load = gated(monkeypatch, BackgroundLoad, "run")
        await pilot.press("ctrl+o")
        await pilot.send(*small, "enter")
        await pilot.until("reading")
        assert "traces" not in pilot.lines[2]
        may_load.set()
        await pilot.settle()
        assert pilot.lines[2].endswith("2 traces")


async def test_standard_input_cannot_be_opened() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("ctrl+o", "minus", "enter")
        assert "standard input cannot be read" in pilot.text
        assert not isinstance(app.screen, Choice)


async def test_polls_pause_in_another_tab(small: str) -> None:
    with LiveServer("zipkin", ends_ns=time.time_ns()) as server:
        async with opened(server.url) as (app, pilot):
            await pilot.press("F")
            await pilot.until("following")
            await pilot.press("ctrl+o", *small, "enter")
            await pilot.until("2/2", "2 traces")
            assert "following" not in pilot.lines[0]
            assert not app.main.controller.is_following
            await pilot.press("ctrl+n")
            await pilot.until("1/2", "following")
            assert app.main.controller.is_following
