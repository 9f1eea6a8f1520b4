"""The map of the whole system: where services stand, what is marked, and how one goes about on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from tests.support.building import GivenSpan
from tests.support.strategies import service_sets, unhurried
from tests.test_service_graph import graph_of
from tracetui.analysis.analysis import Analysis
from tracetui.render.services.map import ZOOMS, ServiceMap, layers
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Role
from tracetui.session import Session

SHOP = Path(__file__).parents[1] / "sample_traces" / "shop"


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Session.open([str(SHOP)]).analysis


def map_of(analysis: Analysis, chosen: str, glyphs: Glyphs = UNICODE) -> ServiceMap:
    return ServiceMap(analysis.graph, lambda _: Role.PLAIN, glyphs, chosen)


@unhurried
@given(service_sets())
def test_every_service_stands_once_and_right_of_its_callers(spans: list[GivenSpan]) -> None:
    graph = graph_of(*spans)
    found = layers(graph)
    at = {name: column for column, layer in enumerate(found) for name in layer}
    assert sorted(name for layer in found for name in layer) == graph.names
    for caller, callee in graph.edges:
        in_ring = callee in graph.callers(caller)
        assert at[caller] == at[callee] if in_ring else at[caller] < at[callee]


def test_calls_of_the_chosen_service_are_marked(analysis: Analysis) -> None:
    shown = map_of(analysis, "checkout-api")
    text = "\n".join(shown.line(row, 400).text for row in range(len(shown)))
    assert "[●checkout-api]" in text
    for callee in ("auth-service", "inventory-service", "payment-processor", "order-service", "redis-cache"):
        assert f"→  ●{callee}" in text
    assert "●api-gateway →" in text
    assert text.count("→") == 6
    assert shown.title(118).text.startswith("●checkout-api  1 caller  5 callees   47 services in ")


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("width", [20, 78, 198])
def test_lines_keep_within_their_width_at_every_zoom(analysis: Analysis, width: int, glyphs: Glyphs) -> None:
    shown = map_of(analysis, "notification-service", glyphs)
    shown.zoom_by(-9)
    for _ in ZOOMS:
        for line in (shown.title(width), shown.heading(width), *(shown.line(row, width) for row in range(len(shown)))):
            assert line.width <= width
            assert glyphs is UNICODE or line.text.isascii()
        shown.zoom_by(1)


@pytest.mark.parametrize(("width", "zoom"), [(40, 0), (77, 1), (117, 2), (197, 3)])
def test_names_are_as_long_as_four_layers_have_room_for(analysis: Analysis, width: int, zoom: int) -> None:
    shown = map_of(analysis, "checkout-api")
    shown.fit_to(width)
    assert shown.zoom == zoom
    assert width < 77 or {"[", "→"} <= set("".join(shown.line(row, width).text for row in range(len(shown))))


def test_going_about_keeps_the_chosen_one_in_sight(analysis: Analysis) -> None:
    shown = map_of(analysis, "web-app")
    seen = set()
    for columns, rows in [(1, 0)] * 9 + [(0, 3)] * 3 + [(-1, 0)] * 9 + [(0, -1)] * 40:
        shown.move(columns, rows)
        seen.add(shown.chosen)
        text = "\n".join(shown.line(row, 60).text for row in range(len(shown)))
        assert f"[●{shown.chosen[:18]}" in text
    assert len(seen) > 10
