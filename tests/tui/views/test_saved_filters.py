"""Filters saved under a name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.paths import INCIDENT
from tests.support.trace_app import opened
from tracetui.tui import settings
from tracetui.tui.messages import FilterTraces

pytestmark = pytest.mark.usefixtures("own_state")


async def test_a_filter_is_saved_applied_and_removed() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("e", "apostrophe", *"failing", "enter")
        assert "saved as failing" in pilot.text
        await pilot.press("u", "apostrophe")
        assert "failing" in pilot.text
        assert "a name for the current filter" not in pilot.text
        await pilot.press("enter")
        assert app.state.query == "error"
        assert len(app.state.shown) == 8
        await pilot.press("apostrophe", *"remove", "enter")
        assert "removed failing" in pilot.text
        assert not app.state.saved_filters


async def test_filters_are_kept_and_those_of_other_runs_stay(tmp_path: Path) -> None:
    settings.save_filters({"slow": "duration > 2s", "old": "error"})
    async with opened(INCIDENT) as (app, pilot):
        app.state.saved_filters.update(settings.load_filters())
        await pilot.press("apostrophe", *"old", "enter", "apostrophe", *"remove", "enter")
        # another process saves a filter in the meantime
        settings.save_filters({"other": "service = a"})
        await pilot.press("apostrophe", *"failing", "enter")
        app.exit()
    assert settings.load_filters() == {"slow": "duration > 2s", "other": "service = a", "failing": "error"}
    (tmp_path / "state" / "filters.json").write_text("[1]")
    warnings: list[str] = []
    assert settings.load_filters(warnings) == {}
    assert len(warnings) == 1


async def test_a_filter_is_in_its_file_before_the_app_ends() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("e", "apostrophe", *"failing", "enter")
        assert settings.load_filters() == {"failing": "error"}
        # another process changes it in the meantime
        settings.save_filters({"failing": "error AND duration > 1s"})
        app.exit()
    assert settings.load_filters() == {"failing": "error AND duration > 1s"}


async def test_a_filter_that_cannot_be_written_is_kept_until_the_app_ends(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a directory")
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("e", "apostrophe", *"failing", "enter")
        assert "saved as failing until you quit: the state directory cannot be written" in pilot.text
        assert app.state.saved_filters == {"failing": "error"}


async def test_the_palette_applies_a_saved_filter() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("e", "apostrophe", *"failing", "enter", "u", "colon", *"filter failing", "enter")
        assert app.state.query == "error"


async def test_without_a_filter_and_saved_ones_there_is_no_dialog() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("apostrophe")
        assert "no saved filters" in pilot.text
        assert len(app.screen_stack) == 1


async def test_a_filter_with_a_secret_is_not_saved() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("slash", *"attr.password = hunter2", "enter", "apostrophe", *"mine", "enter")
        assert "may contain a secret" in pilot.text
        assert not app.state.saved_filters


async def test_a_filter_that_is_too_long_is_not_saved() -> None:
    query = "duration > 0s" + " OR duration > 0s" * 70
    async with opened(INCIDENT) as (app, pilot):
        app.post_message(FilterTraces(query))
        await pilot.settle()
        assert app.state.query == query
        await pilot.press("apostrophe", *"long", "enter")
        assert "not saved: the filter has more than 1,000 characters" in pilot.text
        app.exit()
    assert settings.load_filters() == {}


async def test_a_filter_beyond_the_most_is_not_saved() -> None:
    settings.save_filters({f"filter {number}": "error" for number in range(settings.MAX_FILTERS)})
    async with opened(INCIDENT) as (app, pilot):
        app.state.saved_filters.update(settings.load_filters())
        await pilot.press("e", "apostrophe", *"mine", "enter")
        assert f"not saved: there are {settings.MAX_FILTERS} saved filters" in pilot.text
        assert len(app.state.saved_filters) == settings.MAX_FILTERS
        app.exit()
    assert len(settings.load_filters()) == settings.MAX_FILTERS


def test_saving_keeps_filters_that_are_not_shown(tmp_path: Path) -> None:
    long = "a" * (settings.LONGEST_QUERY + 1)
    many = {f"filter {number}": "error" for number in range(settings.MAX_FILTERS + 5)}
    settings.save_filters({"long": long, **many})
    assert list(settings.load_filters()) == list(many)[5:]
    settings.save_filters({"new": "error", "filter 7": None})
    saved = json.loads((tmp_path / "state" / "filters.json").read_text())
    assert saved.pop("long") == long
    assert list(saved) == [*(name for name in many if name != "filter 7"), "new"]
    assert "new" in settings.load_filters()
