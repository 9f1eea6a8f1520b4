"""Map of the services: groups, search, zoom, mouse, and bytes sent per key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.building import build
from tests.support.paths import INCIDENT, SHOP
from tests.support.pilot import Driver
from tests.support.service_graphs import clusters
from tests.support.trace_app import CountingApp, opened
from tracetui.export.save import save
from tracetui.tui.views.errors import ErrorsView
from tracetui.tui.views.services.map import MapScreen, MapView
from tracetui.tui.widgets.result_screen import ResultScreen

_BUDGETS = {"many": 8 * 1024, "shop": 4 * 1024}
"""Most bytes of a key; opening a group paints the whole screen."""


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> str:
    """File with a thousand services in 25 clusters."""
    path = tmp_path_factory.mktemp("services") / "many.json"
    save(build(*clusters(25, 40)), path)
    return str(path)


@asynccontextmanager
async def map_of(
    source: str, *keys: str, size: tuple[int, int] = (140, 40)
) -> AsyncIterator[tuple[CountingApp, Driver]]:
    async with opened(source, size=size) as (app, pilot):
        await pilot.press("3", *keys, "m")
        assert isinstance(app.screen, MapScreen)
        yield app, pilot


def chosen(app: CountingApp) -> str:
    assert isinstance(app.screen, MapScreen)
    return app.screen._map.chosen


async def test_groups_are_opened_and_closed(thousand: str) -> None:
    async with map_of(thousand) as (app, pilot):
        assert "1,000 services in 25 groups" in pilot.text
        group = chosen(app)
        await pilot.press("enter")
        assert f"40 of 1,000 services, around {group}" in pilot.text
        assert chosen(app) == group
        assert "Esc close" in pilot.text
        await pilot.press("escape")
        assert "1,000 services in 25 groups" in pilot.text
        assert chosen(app) == group
        await pilot.press("escape")
        assert not isinstance(app.screen, MapScreen)


async def test_search_opens_the_group_of_a_match(thousand: str) -> None:
    async with map_of(thousand) as (app, pilot):
        await pilot.press("slash", *"c7-31", "enter")
        assert chosen(app) == "c7-31"
        assert "40 of 1,000 services" in pilot.text
        await pilot.press("slash", "ctrl+u", *"c3-12", "enter", "enter")
        assert app.current_view.crumbs() == ["c3-12"]


async def test_matches_are_visited_in_turn() -> None:
    async with map_of(SHOP) as (app, pilot):
        await pilot.press("slash", *"order-", "enter")
        found = [chosen(app)]
        for _ in range(4):
            await pilot.press("n")
            found.append(chosen(app))
        assert found == [
            "order-confirmation",
            "order-db",
            "order-history-service",
            "order-service",
            "order-confirmation",
        ]
        await pilot.press("N")
        assert chosen(app) == "order-service"
        await pilot.press("slash", "ctrl+u", *"nothing", "enter")
        assert "no match" in pilot.text
        await pilot.press("escape")
        assert "no match" not in pilot.text
        assert isinstance(app.screen, MapScreen)


async def test_zoom_shortens_names_down_to_letters() -> None:
    async with map_of(SHOP, size=(200, 60)) as (_, pilot):
        assert "●notification▌" in pilot.text
        await pilot.press("z")
        assert "●notification-▌" in pilot.text
        await pilot.press(*"ZZZZZZ")
        assert "▐●rc▌" in pilot.text or "█●rc█" in pilot.text
        await pilot.press(*"Zzz")
        assert "●rc" not in pilot.text


async def test_map_is_dragged_and_scrolled_with_the_mouse() -> None:
    async with map_of(SHOP, "slash", *"api-gateway", "enter", size=(100, 30)) as (app, pilot):
        view = app.screen.query_one(MapView)
        before, service = pilot.text, chosen(app)
        await pilot.mouse_down(MapView, (60, 10))
        await pilot.hover(MapView, (40, 6))
        await pilot.mouse_up(MapView, (40, 6))
        await pilot.settle()
        after = pilot.text
        assert after != before
        assert chosen(app) == service
        await pilot.mouse_down(MapView, (40, 6))
        await pilot.hover(MapView, (60, 10))
        await pilot.mouse_up(MapView, (60, 10))
        await pilot.settle()
        assert pilot.text.splitlines()[2:] == before.splitlines()[2:]
        assert view._grip is None


async def test_a_click_opens_a_group(thousand: str) -> None:
    async with map_of(thousand) as (app, pilot):
        row, text = next((row, text) for row, text in enumerate(pilot.lines) if f"▸{chosen(app)} +39" in text)
        await pilot.click(offset=(text.index(f"▸{chosen(app)}") + 1, row))
        await pilot.settle()
        assert "40 of 1,000 services" in pilot.text


async def test_map_is_copied_as_a_picture_and_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(CountingApp, "copy_to_clipboard", lambda _, text: copied.append(text))
    async with map_of(SHOP) as (_, pilot):
        await pilot.press("y", "p", "y", "g", "y", "n")
    picture, text, name = copied
    assert picture.startswith("<svg ")
    assert "web-app" in picture
    assert "web-app▌" in text
    assert name == "redis-cache"


async def test_changes_since_another_set_are_shown_on_the_map() -> None:
    async with opened(INCIDENT, size=(140, 40)) as (app, pilot):
        after = INCIDENT.replace("before.json", "after.json")
        await pilot.press("3", "B", *after, "enter")
        assert isinstance(app.screen, MapScreen)
        assert "85 ▲p95─▶▐●recommendation-service▌" in pilot.text
        assert "1 call worse from incident/after.json to incident/before.json" in pilot.text
        # they stay on the graph of a service and in its lists
        await pilot.press("escape", "slash", *"recommendation", "enter")
        assert "changes from incident/after.json to incident/before.json" in pilot.text
        assert "85 ▲p95─▶▐●recommendation-service▌" in pilot.text
        assert "→ ●api-gateway ▲p95" in pilot.text
        await pilot.press("l")
        assert "▲ worse   ▼ better" in pilot.text
        await pilot.press("escape", "m")
        assert "▲p95" in pilot.text
        await pilot.press("escape")
        assert "Esc changes off" in pilot.lines[-1]
        await pilot.press("escape")
        assert "▲p95" not in pilot.text
        await pilot.press("m")
        assert "▲p95" not in pilot.text


@pytest.mark.parametrize("name", _BUDGETS)
async def test_bytes_of_a_key_on_the_map(name: str, thousand: str) -> None:
    async with map_of(thousand if name == "many" else SHOP) as (app, pilot):
        sent: list[tuple[int, str]] = []
        for key in (
            *"jjjkkllhhjlkh",
            "ctrl+d",
            "ctrl+u",
            "enter" if name == "many" else "j",
            *"jlkhlljjhkllllllhhhhhh",
        ):
            app.sent = 0
            await pilot.press(key)
            sent.append((app.sent, key))
        assert max(sent)[0] <= _BUDGETS[name], sent
        # most keys repaint a few rows
        assert sorted(sent)[len(sent) // 2][0] <= 2048, sent


async def test_sign_of_columns_at_the_left_is_apart_from_the_legend() -> None:
    async with map_of(SHOP) as (_, pilot):
        await pilot.press(*"llll")
        assert pilot.lines[1].startswith("  < ━ many calls")


async def test_keys_of_views_leave_the_map() -> None:
    async with map_of(SHOP) as (app, pilot):
        await pilot.press("4")
        await pilot.settle()
        assert not isinstance(app.screen, MapScreen)
        assert app.view == "errors"
        # the keys are for that view
        await pilot.press("down")
        view = app.current_view
        assert isinstance(view, ErrorsView)
        assert view.page.list.cursor == 1
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("space", *"jjj", "space", "equals_sign")
        assert isinstance(app.screen, ResultScreen)
        await pilot.press("3")
        await pilot.settle()
        assert app.view == "services"
        assert not isinstance(app.screen, ResultScreen)
