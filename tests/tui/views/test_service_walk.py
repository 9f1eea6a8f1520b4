"""Walk through the drawing of the services view: cursor, change of focus, and the way back."""

from __future__ import annotations

import pytest

from tests.support.building import build
from tests.support.paths import SHOP
from tests.support.pilot import Driver
from tests.support.service_graphs import clusters
from tests.support.trace_app import CountingApp, opened
from tracetui.export.save import save
from tracetui.tui.views.services.graph_pane import GraphPane
from tracetui.tui.views.services.view import ServicesView


def graph_of(app: CountingApp) -> GraphPane:
    return app.query_one(ServicesView).graph_pane


def hints(pilot: Driver) -> str:
    return pilot.lines[-1]


async def show(pilot: Driver, service: str) -> None:
    await pilot.press("3", "slash", *service, "enter", "escape")


async def test_neighbours_are_walked_and_focused() -> None:
    async with opened(SHOP, size=(120, 40)) as (app, pilot):
        await show(pilot, "checkout-api")
        graph_pane = graph_of(app)
        assert "h l walk" in hints(pilot)
        assert "█●" not in pilot.text
        await pilot.press("l")
        assert graph_pane.has_focus
        assert graph_pane.cursor != "checkout-api"
        assert f"█●{graph_pane.cursor}" in pilot.text
        assert "h j k l walk  Enter explore  Esc back" in hints(pilot)
        seen = {graph_pane.cursor}
        for key in ("k", "k", "k", "j", "j", "j", "j"):
            await pilot.press(key)
            seen.add(graph_pane.cursor)
        assert {"auth-service", "inventory-service", "order-service", "payment-processor"} <= seen
        await pilot.press("k", "h")
        assert graph_pane.cursor == "checkout-api"
        assert "Enter traces" in hints(pilot)
        await pilot.press("h")
        assert graph_pane.cursor == "api-gateway"
        assert "●api-gateway  to checkout-api  50 calls  ✖ 6.0 %  p95 144 ms  network <1 %" in pilot.text
        await pilot.press("enter")
        assert graph_pane.has_focus
        assert app.current_view.crumbs() == ["api-gateway"]
        assert graph_pane.cursor == graph_pane.service == "api-gateway"


async def test_escape_returns_to_the_former_focus_and_then_to_the_ranking() -> None:
    async with opened(SHOP, size=(120, 40)) as (app, pilot):
        await show(pilot, "checkout-api")
        await pilot.press("h", "enter", "h", "enter")
        assert app.current_view.crumbs() in (["web-app"], ["mobile-bff"])
        for service in ("api-gateway", "checkout-api"):
            await pilot.press("escape")
            assert app.current_view.crumbs() == [service]
            assert graph_of(app).has_focus
        await pilot.press("escape")
        assert app.query_one(ServicesView).page.list.has_focus
        assert app.current_view.crumbs() == ["checkout-api"]
        assert "█●" not in pilot.text
        # another walk does not return to the former one
        await pilot.press("l", "escape")
        assert app.query_one(ServicesView).page.list.has_focus


async def test_escape_does_not_return_into_an_earlier_walk() -> None:
    async with opened(SHOP, size=(120, 40)) as (app, pilot):
        await show(pilot, "checkout-api")
        await pilot.press("h", "enter")
        assert graph_of(app).cursor == "api-gateway"
        page = app.query_one(ServicesView).page
        page.list.focus()
        await pilot.settle()
        graph_of(app).focus()
        await pilot.settle()
        await pilot.press("escape")
        assert page.list.has_focus
        assert app.current_view.crumbs() == ["api-gateway"]


async def test_escape_skips_services_that_are_gone() -> None:
    async with opened(SHOP, size=(120, 40)) as (app, pilot):
        await show(pilot, "checkout-api")
        await pilot.press("h", "enter")
        view = app.query_one(ServicesView)
        view._trail.append("of another set")
        await pilot.press("escape")
        assert app.current_view.crumbs() == ["checkout-api"]
        view._trail.append("of another set")
        await pilot.press("escape")
        assert view.page.list.has_focus
        assert app.current_view.crumbs() == ["checkout-api"]


async def test_enter_on_the_focus_lists_its_traces() -> None:
    async with opened(SHOP, size=(120, 40)) as (app, pilot):
        await show(pilot, "checkout-api")
        await pilot.press("l", "h", "enter")
        assert app.current_view.id == "traces"
        assert 'service = "checkout-api"' in pilot.text


async def test_service_under_the_cursor_is_the_subject_of_keys() -> None:
    async with opened(SHOP, size=(120, 40)) as (app, pilot):
        await show(pilot, "checkout-api")
        await pilot.press("h", "R")
        assert app.current_view.crumbs() == ["api-gateway"]
        await pilot.press("l", "e")
        assert app.current_view.id == "errors"


async def test_results_of_keys_are_walked_as_well() -> None:
    async with opened(SHOP, size=(120, 40)) as (app, pilot):
        await show(pilot, "checkout-api")
        await pilot.press("p", *"postgres-main", "enter", "escape", "b", "b")
        assert "if it FAILS" in pilot.text
        assert "b Esc off" in hints(pilot)
        await pilot.press("h", "enter")
        assert "if it FAILS" in pilot.text
        assert app.current_view.crumbs() == ["api-gateway"]
        await pilot.press("b")
        assert "if it" not in pilot.text
        await pilot.press("escape", "escape", "b", "escape")
        assert "if it" not in pilot.text


async def test_panes_are_visited_in_turn() -> None:
    async with opened(SHOP, size=(120, 40)) as (app, pilot):
        await show(pilot, "checkout-api")
        page = app.query_one(ServicesView).page
        for widget in (graph_of(app), page.detail, app.query_one(ServicesView).right, page.list):
            await pilot.press("tab")
            assert widget.has_focus


async def test_nodes_are_chosen_with_the_mouse() -> None:
    async with opened(SHOP, size=(120, 40)) as (app, pilot):
        await show(pilot, "checkout-api")
        graph_pane = graph_of(app)
        row, text = next((row, text) for row, text in enumerate(pilot.lines) if "▐●api-gateway▌" in text)
        at = text.index("api-gateway"), row
        await pilot.click(offset=at)
        await pilot.settle()
        assert (graph_pane.cursor, graph_pane.service) == ("api-gateway", "checkout-api")
        await pilot.click(offset=at)
        await pilot.settle()
        assert graph_pane.service == "api-gateway"


async def test_lists_are_focused_if_the_graph_is_not_drawn() -> None:
    async with opened(SHOP, size=(50, 12)) as (app, pilot):
        await show(pilot, "notification-service")
        assert not graph_of(app).display
        await pilot.press("h")
        assert app.query_one(ServicesView).page.detail.has_focus


@pytest.mark.parametrize("keys", ["", "b", "bb"])
async def test_legend_explains_the_drawing(keys: str) -> None:
    async with opened(SHOP, size=(120, 40)) as (_, pilot):
        await show(pilot, "order-service")
        await pilot.press(*keys)
        assert "✖ some fail" in pilot.text
        meaning = {"": "figures: calls", "b": "% of its critical path", "bb": "% of its requests failed"}[keys]
        assert meaning in pilot.text


async def test_shared_dependencies_and_callers_are_drawn() -> None:
    async with opened(SHOP, size=(120, 40)) as (_, pilot):
        await show(pilot, "api-gateway")
        await pilot.press("s", *"checkout-api", "enter")
        assert "api-gateway and checkout-api: shared dependencies" in pilot.text
        for name in ("api-gateway", "checkout-api", "auth-service", "payment-processor", "postgres-main"):
            assert f"▐●{name}" in pilot.text
        await pilot.press("escape", "escape", "D", *"order-service", "enter")
        for caller in ("mobile-bff", "web-app", "returns-service", "checkout-api"):
            assert f"▐●{caller}" in pilot.text
        assert "▐●auth-service" not in pilot.text


async def test_drawing_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(CountingApp, "copy_to_clipboard", lambda _, text: copied.append(text))
    async with opened(SHOP, size=(120, 40)) as (_, pilot):
        await show(pilot, "checkout-api")
        await pilot.press("y", "p", "y", "g", "h", "y", "n")
        assert "graph as text" not in pilot.text
    picture, text, name = copied
    assert "checkout-api" in picture
    assert picture.startswith("<svg ")
    assert "▐●checkout-api▌" in text
    assert name == "api-gateway"


async def test_every_service_of_a_drawing_is_reached(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("services") / "some.json"
    save(build(*clusters(2, 12)), path)
    async with opened(str(path), size=(140, 40)) as (app, pilot):
        await show(pilot, "c0-0")
        graph_pane = graph_of(app)
        assert graph_pane._drawn is not None
        drawing = graph_pane._drawn.drawing
        reached, waiting = {graph_pane.service}, [graph_pane.service]
        while waiting:
            at = waiting.pop()
            for step in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                other = drawing.step(at, *step)
                if other not in reached:
                    reached.add(other)
                    waiting.append(other)
        assert reached == set(drawing.boxes)
