"""Jobs whose results are dropped, and those that are not."""

from __future__ import annotations

import pytest

from tests.support.gates import held
from tests.support.paths import INCIDENT, SHOP
from tests.support.pilot import driven
from tests.support.trace_app import CountingApp, opened
from tracetui.query import edit as filters
from tracetui.tui.messages import FilterTraces
from tracetui.tui.state import State
from tracetui.tui.views.traces import filter_control
from tracetui.tui.views.traces.view import TracesView


async def test_filter_that_is_parsed_while_other_traces_arrive_is_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(INCIDENT) as (app, pilot):
        with held(monkeypatch, filters, "read_query") as may_parse:
            await pilot.press("slash", *"error")
            await pilot.send("enter")
            app.main.traces_changed(is_new_set=True)
            may_parse.set()
            await pilot.settle()
        assert app.state.query == "error"
        assert "8 of 100 traces" in pilot.text


async def test_filter_that_is_parsed_while_the_tab_changes_is_not_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("ctrl+o", *SHOP, "enter")
        with held(monkeypatch, filters, "read_query") as may_parse:
            await pilot.press("slash", *"error")
            await pilot.send("enter", "ctrl+n")
            assert app.state.sources == (INCIDENT,)
            may_parse.set()
            await pilot.settle()
        assert app.state.query == ""
        assert app.query_one(TracesView).query_bar.input.text == ""
        await pilot.press("ctrl+n")
        assert app.state.query == ""


async def test_words_are_completed_after_a_filter_was_applied_before_they_were_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with held(monkeypatch, filter_control, "query_vocabulary") as may_learn:
        app = CountingApp(State(sources=(INCIDENT,)))
        async with driven(app, (120, 40)) as pilot:
            await pilot.until("100 traces")
            app.post_message(FilterTraces("error"))
            await pilot.settle(without="traces-words")
            assert app.state.query == "error"
            may_learn.set()
            await pilot.settle()
            await pilot.press("slash", *" AND service = ")
            candidates = app.query_one(TracesView).query_bar._completion.candidates
            assert app.state.session is not None
            assert {one.shown for one in candidates} >= set(app.state.session.loaded.services)
