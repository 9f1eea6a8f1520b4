"""Layout of the services view: the graph with a part of the ranking, or the whole ranking."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import build, span
from tests.support.drawing_reader import DrawingReader
from tests.support.paths import SHOP
from tests.support.topologies import TOPOLOGIES
from tests.support.trace_app import CountingApp, opened
from tracetui.export.save import save
from tracetui.render.graph.diagram import Diagram
from tracetui.render.graph.service_drawing import fitting
from tracetui.render.text.glyphs import UNICODE
from tracetui.tui.views.services import graph_pane
from tracetui.tui.views.services.view import ServicesView


def listed(app: CountingApp) -> int:
    """Return the number of visible rows of the ranking."""
    return app.query_one(ServicesView).page.list.size.height


@pytest.mark.parametrize(("size", "rows"), [((80, 24), 4), ((140, 40), 8)])
async def test_whole_ranking_is_shown_and_hidden(size: tuple[int, int], rows: int) -> None:
    async with opened(SHOP, size=size) as (app, pilot):
        await pilot.press("3", "slash", *"inventory-service", "enter", "escape")
        assert listed(app) == rows
        assert "▶▐●inventory-" in pilot.text
        service = app.current_view.crumbs()
        await pilot.press("v")
        assert listed(app) == size[1] - 5
        assert "▶▐●" not in pilot.text
        await pilot.press("v")
        assert listed(app) == rows
        assert "▶▐●inventory-" in pilot.text
        await pilot.press("v", "escape")
        assert listed(app) == rows
        await pilot.press("v", "l")
        assert app.current_view.crumbs() == service
        assert "callers" in pilot.text


async def test_ranking_has_five_columns_and_the_figures_of_the_order() -> None:
    async with opened(SHOP, size=(140, 40)) as (_, pilot):
        await pilot.press("3", "v")
        assert pilot.lines[3].split() == ["service", "▼", "traces", "reached", "from", "errors", "p95"]
        await pilot.press("o")
        assert pilot.lines[3].split() == ["service", "traces", "▼", "callers", "reached", "from", "errors", "p95"]
        await pilot.press("v", "slash", *"api-gateway", "enter")
        assert "p50 " in pilot.text
        assert " of paths between others" in pilot.text


@pytest.mark.parametrize("name", TOPOLOGIES)
@pytest.mark.parametrize("size", [(80, 24), (140, 40), (200, 60)])
async def test_calls_of_a_service_are_drawn(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    topology = TOPOLOGIES[name]
    path = tmp_path / "traces.json"
    save(build(*topology.spans()), path)
    async with opened(str(path), size=size) as (app, pilot):
        await pilot.press("3", "slash", *topology.focus, "enter")
        drawing = app.query_one(ServicesView).graph_pane
        region = drawing.region
        assert drawing.display
        rows = [line[region.x :] for line in pilot.lines[region.y : region.bottom]]
        read = {(edge.source, edge.target): edge.is_dotted for edge in DrawingReader(rows, UNICODE).edges()}
        focus = {pair: is_async for pair, is_async in topology.calls.items() if topology.focus in pair}
        assert {pair: is_async for pair, is_async in read.items() if topology.focus in pair} == focus
        assert read.items() <= topology.calls.items()


async def test_dense_graphs_are_not_laid_out_while_keys_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"s{number}" for number in range(14)]
    spans = []
    for trace, (caller, callee) in enumerate(permutations(names, 2), 1):
        spans.append(span("1", 0, 10, trace=str(trace), service=caller))
        spans.append(span("2", 1, 9, trace=str(trace), parent="1", service=callee))
    path = tmp_path / "traces.json"
    save(build(*spans), path)
    sizes = []

    def fits(diagram: Diagram, *room: Any) -> Any:
        sizes.append(len(diagram.arrows))
        return fitting(diagram, *room)

    monkeypatch.setattr(graph_pane, "fitting", fits)
    async with opened(str(path), size=(200, 60)) as (_, pilot):
        await pilot.press("3", "j", "j")
    assert sizes
    assert max(sizes) <= 2 * (len(names) - 1)


async def test_marks_of_a_blast_radius_are_explained_at_80_columns() -> None:
    async with opened(SHOP, size=(80, 24)) as (_, pilot):
        await pilot.press("3")
        assert "≤ longest of under 20 calls" in pilot.lines[2]
        assert "10 inferred peers without spans" in pilot.lines[2]
        await pilot.press("slash", *"legacy-auth", "enter", "b")
        assert "▁▅█ effect on each service" in pilot.text
        direct, indirect = " → ●", "2→ ●"
        assert direct in pilot.text
        assert indirect in pilot.text
        await pilot.press("b", "b")
        assert "effect on each service" not in pilot.text
