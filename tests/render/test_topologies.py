"""Maps of published topologies: who calls whom is read from the characters, with whole names."""

from __future__ import annotations

import pytest

from tests.support.building import build
from tests.support.drawing_reader import DrawingReader
from tests.support.topologies import TOPOLOGIES
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.service_graph import ServiceGraph
from tracetui.render.services.map import MapMaker
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs

_EDGES = 3
FITS = {"online-boutique": 80, "opentelemetry-demo": 140, "social-network": 140, "train-ticket": 200}
"""Width of the narrowest of three terminals whose screen has room for the whole map with whole names."""


@pytest.fixture(scope="module")
def graphs() -> dict[str, ServiceGraph]:
    return {name: Analysis(build(*topology.spans())).graph for name, topology in TOPOLOGIES.items()}


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_traces_have_the_calls_of_the_topology(name: str, graphs: dict[str, ServiceGraph]) -> None:
    found = {pair: all(edge.is_async for edge in edges) for pair, edges in graphs[name].edges.items()}
    assert found == TOPOLOGIES[name].calls


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("width", [80, 140, 200])
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_calls_are_read_from_the_map(name: str, width: int, glyphs: Glyphs, graphs: dict[str, ServiceGraph]) -> None:
    drawing = MapMaker(graphs[name], {}, glyphs, width - _EDGES).part().drawing
    reader = DrawingReader([drawing.line(row).text for row in range(drawing.height)], glyphs)
    calls = TOPOLOGIES[name].calls
    assert {(edge.source, edge.target): edge.is_dotted for edge in reader.edges()} == calls
    assert (drawing.width <= width - _EDGES) == (width >= FITS[name])
