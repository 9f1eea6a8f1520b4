"""Map of all services: highlighting, level of detail, and navigation along lines."""

from __future__ import annotations

import pytest

from tests.support.paths import SAMPLES
from tracetui.analysis.analysis import Analysis
from tracetui.render.graph.service_drawing import SIZES
from tracetui.render.services.map import ServiceMap
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Role
from tracetui.session import Session

SHOP = SAMPLES / "shop"


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Session.open([str(SHOP)]).analysis


def map_of(analysis: Analysis, chosen: str, glyphs: Glyphs = UNICODE, width: int = 80) -> ServiceMap:
    return ServiceMap(analysis.graph, {}, glyphs, chosen, width)


def text_of(shown: ServiceMap, width: int) -> str:
    return "\n".join(shown.line(row, width).text for row in range(len(shown)))


def test_selected_service_and_its_lines_are_highlighted(analysis: Analysis) -> None:
    shown = map_of(analysis, "checkout-api", width=400)
    assert "█●checkout-api█" in text_of(shown, 400)
    accented = {row for row in range(len(shown)) for _, role in shown.line(row, 400).runs if role == Role.ACCENT}
    for callee in ("auth-service", "inventory-service", "payment-processor", "order-service", "redis-cache"):
        box = shown.drawing.boxes[callee]
        assert accented & set(range(box.row, box.row + box.height))
    assert shown.title(118).text.startswith("●checkout-api  1 caller  5 callees   47 services in ")
    shown.choose("web-app")
    assert "▐●checkout-api▌" in text_of(shown, 400)
    assert "█●web-app█" in text_of(shown, 400)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("width", [20, 78, 198])
def test_lines_fit_their_width_at_every_zoom(analysis: Analysis, width: int, glyphs: Glyphs) -> None:
    shown = map_of(analysis, "notification-service", glyphs, width)
    shown.zoom_by(-9)
    for _ in SIZES:
        for line in (shown.title(width), shown.heading(width), *(shown.line(row, width) for row in range(len(shown)))):
            assert line.width <= width
            assert glyphs is UNICODE or line.text.isascii()
        shown.zoom_by(1)


def test_most_detail_that_fits_is_shown(analysis: Analysis) -> None:
    assert [map_of(analysis, "web-app", width=width).size for width in (80, 210, 300, 1000)] == [6, 6, 3, 0]
    assert map_of(analysis, "web-app", width=1000).drawing.width <= 1000


def test_selected_service_stays_visible(analysis: Analysis) -> None:
    shown = map_of(analysis, "web-app")
    seen = set()
    for columns, rows in [(1, 0)] * 9 + [(0, 3)] * 3 + [(-1, 0)] * 9 + [(0, -1)] * 40:
        shown.move(columns, rows)
        seen.add(shown.chosen)
        assert f"█●{shown.chosen[:5]}" in text_of(shown, 60)
    assert len(seen) > 10


def test_moving_sideways_follows_a_line(analysis: Analysis) -> None:
    shown = map_of(analysis, "api-gateway")
    shown.move(1, 0)
    assert ("api-gateway", shown.chosen) in analysis.graph.edges
    shown.move(-1, 0)
    assert shown.chosen == "api-gateway"
    leaf = map_of(analysis, "postgres-main")
    leaf.move(1, 0)
    assert leaf.chosen == "postgres-main"


def test_service_at_a_cell(analysis: Analysis) -> None:
    shown = map_of(analysis, "api-gateway")
    line = next(row for row in range(len(shown)) if "█" in shown.line(row, 80).text)
    assert shown.at(line, shown.line(line, 80).text.index("█") + 1) == "api-gateway"
    assert shown.at(9999, 0) is None
