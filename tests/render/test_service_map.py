"""Map of all services: highlighting, level of detail, groups, and navigation along lines."""

from __future__ import annotations

import pytest

from tests.support.drawing_reader import DrawingReader
from tests.support.paths import SAMPLES
from tests.support.service_graphs import call_paths, clusters, graph_of
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.service_graph import ServiceGraph
from tracetui.render.graph.service_drawing import SIZES
from tracetui.render.services.map import MapMaker, ServiceMap
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Role
from tracetui.session import Session

SHOP = SAMPLES / "shop"


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Session.open([str(SHOP)]).analysis


def map_of(
    graph: ServiceGraph, chosen: str, glyphs: Glyphs = UNICODE, width: int = 80, size: int | None = None
) -> ServiceMap:
    maker = MapMaker(graph, {}, glyphs, width)
    return ServiceMap(maker, maker.part(size=size), glyphs, chosen)


def text_of(shown: ServiceMap, width: int) -> str:
    return "\n".join(shown.line(row, width).text for row in range(len(shown)))


def test_selected_service_and_its_lines_are_highlighted(analysis: Analysis) -> None:
    shown = map_of(analysis.graph, "checkout-api", width=400)
    assert "█●checkout-api█" in text_of(shown, 400)
    accented = {row for row in range(len(shown)) for _, role in shown.line(row, 400).runs if role == Role.ACCENT}
    for callee in ("auth-service", "inventory-service", "payment-processor", "order-service", "redis-cache"):
        box = shown.drawing.boxes[callee]
        assert accented & set(range(box.row, box.row + box.height))
    assert shown.title(118).text == "●checkout-api  1 caller  5 callees   47 services"
    shown.choose("web-app")
    assert "▐●checkout-api▌" in text_of(shown, 400)
    assert "█●web-app█" in text_of(shown, 400)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_legend_explains_lines_that_are_drawn(analysis: Analysis, glyphs: Glyphs) -> None:
    crossing, junction = ("-|-", "+") if glyphs is ASCII else ("┼", "■")
    legend = map_of(analysis.graph, "web-app", glyphs, 400).heading(400).text
    assert f"{crossing} crossing   {junction} junction" in legend
    small = map_of(graph_of(*call_paths("ab")), "a", glyphs).heading(80).text
    assert not {"crossing", "junction"} & set(small.split())


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("width", [20, 78, 198])
def test_lines_fit_their_width_at_every_zoom(analysis: Analysis, width: int, glyphs: Glyphs) -> None:
    for size in range(len(SIZES)):
        shown = map_of(analysis.graph, "notification-service", glyphs, width, size)
        for line in (shown.title(width), shown.heading(width), *(shown.line(row, width) for row in range(len(shown)))):
            assert line.width <= width
            assert glyphs is UNICODE or line.text.isascii()


def test_most_detail_that_fits_is_shown(analysis: Analysis) -> None:
    sizes = [map_of(analysis.graph, "web-app", width=width).part.size for width in (80, 197, 300, 1000)]
    assert [SIZES[size].name_width for size in sizes] == [14, 12, 40, 40]
    assert map_of(analysis.graph, "web-app", width=1000).drawing.width <= 1000


def test_names_of_fifty_services_are_whole_in_two_hundred_columns(analysis: Analysis) -> None:
    shown = map_of(analysis.graph, "web-app", width=197)
    assert shown.drawing.width <= 197
    assert len(shown) <= 57
    rows = [shown.drawing.line(row).text for row in range(len(shown))]
    assert DrawingReader(rows, UNICODE).pairs() == set(analysis.graph.edges)


def test_smallest_zoom_shows_letters(analysis: Analysis) -> None:
    shown = map_of(analysis.graph, "web-app", size=len(SIZES) - 1)
    assert {box.width for box in shown.drawing.boxes.values()} <= {4, 5}
    assert shown.title(80).text.startswith("●web-app ")


def test_selected_service_stays_visible(analysis: Analysis) -> None:
    shown = map_of(analysis.graph, "web-app")
    seen = set()
    for columns, rows in [(1, 0)] * 9 + [(0, 3)] * 3 + [(-1, 0)] * 9 + [(0, -1)] * 40:
        shown.move(columns, rows)
        seen.add(shown.chosen)
        assert f"█●{shown.chosen[:5]}" in text_of(shown, 60)
    assert len(seen) > 10


def test_moving_sideways_follows_a_line(analysis: Analysis) -> None:
    shown = map_of(analysis.graph, "api-gateway")
    shown.move(1, 0)
    assert ("api-gateway", shown.chosen) in analysis.graph.edges
    shown.move(-1, 0)
    assert shown.chosen == "api-gateway"
    leaf = map_of(analysis.graph, "postgres-main")
    leaf.move(1, 0)
    assert leaf.chosen == "postgres-main"


def test_a_move_repaints_only_rows_that_change(analysis: Analysis) -> None:
    shown = map_of(analysis.graph, "order-db", width=400)
    shown.take_stale_rows(400)
    before = [shown.line(row, 400) for row in range(len(shown))]
    shown.move(0, 1)
    stale = shown.take_stale_rows(400)
    assert stale is not None
    changed = {row for row in range(len(shown)) if shown.line(row, 400) != before[row]}
    assert changed <= stale
    assert len(stale) < len(shown) / 2
    shown.pan(3)
    assert shown.take_stale_rows(60) is None


def test_service_at_a_cell(analysis: Analysis) -> None:
    shown = map_of(analysis.graph, "api-gateway")
    line = next(row for row in range(len(shown)) if "█" in shown.line(row, 80).text)
    column = shown.line(line, 80).text.index("█") + 1
    assert shown.at(line, column) == "api-gateway"
    assert shown.at(9999, 0) is None
    shown.pan(3)
    assert shown.at(line, column - 3) == "api-gateway"


def test_services_on_a_cycle_are_marked() -> None:
    shown = map_of(graph_of(*call_paths("abcb", "ad")), "b")
    assert shown.title(80).text == "●b  2 callers  1 callee  ↻ b → c → b   4 services"
    assert [name in "bc" for name in "abcd"] == [f"●{name} ↻" in text_of(shown, 80) for name in "abcd"]
    assert "↻ on a cycle" in shown.heading(90).text
    assert "@ on a cycle" in map_of(graph_of(*call_paths("aba")), "b", ASCII).heading(90).text


# --- groups ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many() -> ServiceGraph:
    return graph_of(*clusters(4, 40, is_dense=True))


def cluster_of(name: str) -> str:
    return name.split("-")[0]


def test_map_of_many_services_begins_with_groups(many: ServiceGraph) -> None:
    shown = map_of(many, "c1-7")
    assert sorted(map(cluster_of, shown.part.groups)) == ["c0", "c1", "c2", "c3"]
    assert cluster_of(shown.chosen) == "c1"
    assert shown.title(90).text == f"▸{shown.chosen} and 39 others  1 caller  1 callee   160 services in 4 groups"
    assert all(f"▸{name} +39" in text_of(shown, 90) for name in shown.part.groups)
    pairs = {(cluster_of(arrow.caller), cluster_of(arrow.callee)) for arrow in shown.part.diagram.arrows}
    assert pairs == {("c0", "c1"), ("c0", "c2"), ("c1", "c3")}


def test_opened_group_shows_its_services_and_the_groups_around(many: ServiceGraph) -> None:
    maker = MapMaker(many, {}, UNICODE, 400)
    whole = maker.part()
    group = next(group for group in whole.groups.values() if "c1-7" in group.members)
    opened = maker.part(maker.groups.opened((), group))
    names = {name for name, part in opened.groups.items() if len(part) == 1}
    assert names == {name for name in many.names if cluster_of(name) == "c1"}
    assert sorted(map(cluster_of, set(opened.groups) - names)) == ["c0", "c3"]
    expected = {pair for pair in many.edges if set(pair) <= names}
    assert {(a.caller, a.callee) for a in opened.diagram.arrows if {a.caller, a.callee} <= names} == expected
    assert maker.groups.scope_of("c1-7") == opened.scope
    shown = ServiceMap(maker, opened, UNICODE, "c1-7")
    assert f"40 of 160 services, around {group.name}" in shown.title(120).text


def test_services_are_found_in_closed_groups(many: ServiceGraph) -> None:
    maker = MapMaker(many, {}, UNICODE, 400)
    assert maker.found("C1-1") == ["c1-1", *(f"c1-1{digit}" for digit in range(10))]
    assert maker.found("-39") == [f"c{cluster}-39" for cluster in range(4)]
    assert maker.found("nothing") == []
    assert len(maker.around("c1-10").groups["c1-10"]) == 1


def test_services_without_calls_are_grouped() -> None:
    graph = graph_of(*call_paths(*([f"s{number:03}"] for number in range(500))))
    maker = MapMaker(graph, {}, UNICODE, 400)
    whole = maker.part()
    assert sorted(name for group in whole.groups.values() for name in group.members) == graph.names
    assert 2 <= len(whole.groups) <= 40
    assert "s123" in maker.around("s123").groups
