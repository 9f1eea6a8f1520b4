"""Changes of calls between two sets, in figures and in drawings."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.building import GivenSpan, build, span
from tests.support.drawing_reader import DrawingReader
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare import compare
from tracetui.analysis.edge_changes import EdgeChange, GraphChanges, graph_changes
from tracetui.model.span import Kind
from tracetui.render.graph.diagram import changes_diagram, dot, mermaid
from tracetui.render.graph.json import map_json
from tracetui.render.graph.service_drawing import SIZES, DrawingSize, draw, legend
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Role

_TRACES = 60


def traces_of(calls: int, peer: str, *, slow: int = 1, failing: int = 0, waits: int = 0) -> Analysis:
    """Return traces in which `web` calls `api` some times and `peer` once.

    slow: factor of the duration; failing: percent of the traces whose calls fail; waits: network time of the calls.
    """
    spans: list[GivenSpan] = []
    for number in range(_TRACES):
        trace, fails = f"{number + 1:x}", 100 * number < failing * _TRACES
        spans.append(span("1", 0, 100_000, service="web", trace=trace, kind=Kind.SERVER))
        for call in range(calls):
            begin = 20_000 * call + 10
            end = begin + slow * (1_000 + number)
            spans.append(span(f"c{call}", begin, end + waits, service="web", trace=trace, parent="1", kind=Kind.CLIENT))
            spans.append(
                span(
                    f"a{call}",
                    begin,
                    end,
                    service="api",
                    trace=trace,
                    parent=f"c{call}",
                    kind=Kind.SERVER,
                    error=fails,
                )
            )
        spans.append(span("f", 90_000, 90_100, service=peer, trace=trace, parent="1", kind=Kind.SERVER))
    return Analysis(build(*spans))


def changes(before: Analysis, after: Analysis) -> GraphChanges:
    return graph_changes(compare(before, after))


@pytest.mark.parametrize(
    ("after", "worse"),
    [
        ({"calls": 3}, ("calls",)),
        ({"failing": 50}, ("errors",)),
        ({"slow": 5}, ("p95",)),
        ({"waits": 5_000}, ("network",)),
        ({"calls": 2, "failing": 50, "slow": 3}, ("calls", "errors", "p95")),
        ({}, ()),
    ],
)
def test_figures_that_became_worse(after: dict[str, int], worse: tuple[str, ...]) -> None:
    first, second = traces_of(1, "mail"), traces_of(peer="mail", **{"calls": 1} | after)
    edge = ("web", "api", False)
    assert changes(first, second).edges == ({edge: EdgeChange(worse=worse)} if worse else {})
    assert changes(second, first).edges == ({edge: EdgeChange(better=worse)} if worse else {})


def test_more_calls_in_few_traces_may_be_chance() -> None:
    sets = traces_of(1, "mail"), traces_of(2, "mail")
    few = [Analysis(analysis.traces.select(np.arange(10))) for analysis in sets]
    assert changes(*few).edges == {}


def test_new_calls_and_those_that_are_gone() -> None:
    found = changes(traces_of(1, "old"), traces_of(1, "new")).edges
    assert found == {("web", "new", False): EdgeChange(is_new=True), ("web", "old", False): EdgeChange(is_gone=True)}


def test_changes_of_several_edges_are_combined() -> None:
    worse, better = EdgeChange(worse=("p95",)), EdgeChange(better=("p95", "errors"))
    assert EdgeChange.of_all([None, None]) is None
    assert EdgeChange.of_all([worse, better, None]) == EdgeChange(("p95",), ("errors",))
    new = EdgeChange(is_new=True)
    assert EdgeChange.of_all([new, new]) == new
    assert EdgeChange.of_all([new, None]) == EdgeChange()


@pytest.mark.parametrize(("glyphs", "worse"), [(UNICODE, "▲errors p95"), (ASCII, "^errors p95")])
@pytest.mark.parametrize("size", [SIZES[0], SIZES[-2]])
def test_changes_are_drawn_without_colour(glyphs: Glyphs, worse: str, size: DrawingSize) -> None:
    after = traces_of(1, "new", failing=50, slow=5)
    found = changes(traces_of(1, "old"), after)
    diagram = changes_diagram(after.graph, ["web", "api", "new", "old"], found)
    drawing = draw(diagram, {}, glyphs, size)
    lines = [drawing.line(row) for row in range(drawing.height)]
    read = {
        edge.target: edge.label.removeprefix("60 ")
        for edge in DrawingReader([line.text for line in lines], glyphs).edges()
    }
    assert read == {"api": worse, "new": "new", "old gone": "gone"}
    roles = {role for line in lines for _, role in line.runs}
    assert {Role.ERROR, Role.ACCENT, Role.DIM} <= roles
    assert glyphs.origin not in legend(diagram, glyphs, SIZES[0].figures, drawing).text


def test_changes_in_every_format() -> None:
    after = traces_of(1, "new", slow=5)
    diagram = changes_diagram(after.graph, ["web", "api", "new", "old"], changes(traces_of(1, "old"), after))
    for text in (dot(diagram), mermaid(diagram)):
        assert "60 calls, worse: p95" in text
        assert "60 calls, new" in text
        assert "60 calls, gone" in text
    found = {edge["callee"]: edge["change"] for edge in map_json(diagram)["edges"]}
    assert found == {
        "api": {"status": None, "worse": ["p95"], "better": []},
        "new": {"status": "new", "worse": [], "better": []},
        "old": {"status": "gone", "worse": [], "better": []},
    }
