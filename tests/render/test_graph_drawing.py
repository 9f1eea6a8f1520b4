"""Drawing of a graph: its edges can be read from the characters, and no name is overlapped."""

from __future__ import annotations

import re
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.drawing_reader import DrawingReader
from tests.support.paths import SHOP
from tracetui.render.graph.drawing import DrawnNode, GraphDrawing
from tracetui.render.graph.node_names import names_in_rows
from tracetui.render.graph.stub_edges import HEAVY, DrawnEdge
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Role
from tracetui.session import Session

LONG_NAMES = st.text("abc-_.日", min_size=1, max_size=30).filter(lambda name: name[0] not in "-_.")


def names(count: int) -> list[str]:
    return [f"s{number}" for number in range(count)]


def drawing(edges: set[tuple[str, str]], nodes: list[str], glyphs: Glyphs = UNICODE) -> GraphDrawing:
    return GraphDrawing({name: DrawnNode(name) for name in nodes}, [DrawnEdge(*edge) for edge in sorted(edges)], glyphs)


def rows_of(drawn: GraphDrawing) -> list[str]:
    return [drawn.line(row).text.ljust(drawn.width) for row in range(drawn.height)]


@st.composite
def graphs(draw: st.DrawFn, most: int = 24) -> tuple[list[str], set[tuple[str, str]]]:
    count = draw(st.integers(1, most))
    pair = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    chosen = draw(st.sets(pair, max_size=2 * count))
    nodes = names(count)
    return nodes, {(nodes[a], nodes[b]) for a, b in chosen if a != b}


@given(graphs(), st.sampled_from([UNICODE, ASCII]))
def test_edges_can_be_read_from_the_drawing(graph: tuple[list[str], set[tuple[str, str]]], glyphs: Glyphs) -> None:
    nodes, edges = graph
    rows = rows_of(drawing(edges, nodes, glyphs))
    reader = DrawingReader(rows, glyphs)
    assert sorted(reader.names) == sorted(nodes)
    assert reader.pairs() == edges, "\n".join(rows)


@given(graphs(12), st.data(), st.sampled_from([UNICODE, ASCII]))
def test_labels_and_glyphs_can_be_read_at_their_edge(
    graph: tuple[list[str], set[tuple[str, str]]], data: st.DataObject, glyphs: Glyphs
) -> None:
    nodes, pairs = graph
    edges = [
        DrawnEdge(
            *pair,
            label=f"{number}c" if data.draw(st.booleans()) else "",
            is_async=data.draw(st.booleans()),
            fails=data.draw(st.booleans()),
            weight=data.draw(st.integers(1, 2)),
        )
        for number, pair in enumerate(sorted(pairs))
    ]
    rows = rows_of(GraphDrawing({name: DrawnNode(name) for name in nodes}, edges, glyphs))
    expected = {(edge.source, edge.target, glyphs.origin * edge.fails + edge.label, edge.is_async) for edge in edges}
    found = DrawingReader(rows, glyphs).edges()
    assert {(edge.source, edge.target, edge.label, edge.is_dotted) for edge in found} == expected, "\n".join(rows)
    labels = [edge.label for edge in edges if edge.label]
    assert sorted(re.findall(r"\d+c", "".join(rows))) == sorted(labels), "each label is drawn once"
    assert "".join(rows).count(glyphs.origin) == sum(edge.fails for edge in edges)
    heavy = {(edge.source, edge.target) for edge in edges if edge.weight == HEAVY}
    assert {(edge.source, edge.target) for edge in found if edge.is_heavy} <= heavy


@given(graphs(12), st.data(), st.integers(4, 20), st.integers(1, 4), st.sampled_from([UNICODE, ASCII]))
def test_names_in_several_rows_are_read_whole(
    graph: tuple[list[str], set[tuple[str, str]]], data: st.DataObject, width: int, rows: int, glyphs: Glyphs
) -> None:
    nodes, pairs = graph
    long = dict(
        zip(nodes, data.draw(st.lists(LONG_NAMES, min_size=len(nodes), max_size=len(nodes), unique=True)), strict=True)
    )
    drawn = GraphDrawing(
        {name: DrawnNode(name, glyph="●") for name in long.values()},
        [DrawnEdge(long[a], long[b]) for a, b in sorted(pairs)],
        glyphs,
        name_width=width,
        name_rows=rows,
    )
    texts = rows_of(drawn)
    reader = DrawingReader(texts, glyphs)
    whole = [name for name in long.values() if len(names_in_rows([name], width, 99, "…")[name]) <= rows]
    assert set(whole) <= set(reader.names)
    assert len(reader.names) == len(nodes)
    assert all(box.width <= width + 3 for box in drawn.boxes.values())
    if len(whole) == len(nodes):
        assert reader.pairs() == {(long[a], long[b]) for a, b in pairs}, "\n".join(texts)


@settings(max_examples=5)
@given(st.randoms(use_true_random=False), st.integers(50, 200), st.sampled_from([UNICODE, ASCII]))
def test_edges_of_large_graphs_can_be_read(random: Random, count: int, glyphs: Glyphs) -> None:
    nodes = names(count)
    pairs = {(a, random.choice(nodes)) for a in nodes for _ in range(random.randrange(4))}
    edges = {(a, b) for a, b in pairs if a != b}
    assert DrawingReader(rows_of(drawing(edges, nodes, glyphs)), glyphs).pairs() == edges


@given(graphs())
def test_boxes_do_not_overlap_and_hold_their_names(graph: tuple[list[str], set[tuple[str, str]]]) -> None:
    nodes, edges = graph
    drawn = drawing(edges, nodes)
    rows = rows_of(drawn)
    cells = set()
    for name, box in drawn.boxes.items():
        assert rows[box.row][box.column + 1 : box.column + box.width - 1] == name
        for row in range(box.row, box.row + box.height):
            assert rows[row][box.column] + rows[row][box.column + box.width - 1] == "▐▌"
            for column in range(box.column, box.column + box.width):
                assert (row, column) not in cells
                cells.add((row, column))


@given(graphs(), st.randoms(use_true_random=False))
def test_drawing_is_independent_of_input_order(graph: tuple[list[str], set[tuple[str, str]]], random: Random) -> None:
    nodes, edges = graph
    shuffled, edges_shuffled = list(nodes), [DrawnEdge(*edge) for edge in edges]
    random.shuffle(shuffled)
    random.shuffle(edges_shuffled)
    other = GraphDrawing({name: DrawnNode(name) for name in shuffled}, edges_shuffled, UNICODE)
    assert rows_of(drawing(edges, nodes)) == rows_of(other)


def test_calls_of_one_service_from_several_layers_share_a_line() -> None:
    edges = {*pairwise("abcdef"), *((caller, "f") for caller in "abcd")}
    passages = [place for layer in drawing(edges, list("abcdef")).layout.layers for place in layer if place.is_passage]
    assert [place.name for place in passages] == ["f"] * 4
    assert DrawingReader(rows_of(drawing(edges, list("abcdef"))), UNICODE).pairs() == edges


@pytest.mark.parametrize(
    "more", ["af bf cf df", "fa fb fc fd", "af ae ad ac", "fb fc ec da", "ax xf by yf", "xa fx yb"]
)
def test_each_label_is_drawn_once(more: str) -> None:
    pairs = [*map("".join, pairwise("abcdef")), *more.split()]
    edges = [DrawnEdge(pair[0], pair[1], label=f"{number}c") for number, pair in enumerate(pairs, 10)]
    drawn = GraphDrawing({name: DrawnNode(name) for pair in pairs for name in pair}, edges, UNICODE)
    assert sorted(re.findall(r"\d+c", "".join(rows_of(drawn)))) == [edge.label for edge in edges]


def test_dense_graph_has_few_layers() -> None:
    nodes = names(120)
    edges = {(nodes[at], nodes[at * step % 120]) for at in range(120) for step in (2, 3, 5, 7, 11, 13, 17)}
    edges = {(a, b) for a, b in edges | set(pairwise(nodes)) if a != b}
    drawn = drawing(edges, nodes)
    assert len(drawn.layout.layers) <= 24
    assert DrawingReader(rows_of(drawn), UNICODE).pairs() == edges


def test_few_rows_have_only_lines() -> None:
    graph = Session.open([SHOP]).analysis.graph
    drawn = drawing(set(graph.edges), list(graph.names))
    highest = max(sum(place.height for place in layer) for layer in drawn.layout.layers)
    assert drawn.height <= 1.7 * highest


def test_drawing_with_a_focus_and_figures() -> None:
    nodes = {
        name: DrawnNode(name, glyph="●") for name in ("checkout", "mail", "inventory", "postgres", "web", "fraud日本")
    }
    edges = [
        DrawnEdge("web", "inventory", label="8"),
        DrawnEdge("checkout", "inventory", label="50", fails=True, weight=2),
        DrawnEdge("inventory", "postgres", label="58 p95 12 ms"),
        DrawnEdge("inventory", "mail", label="26", is_async=True),
        DrawnEdge("fraud日本", "inventory"),
    ]
    drawn = GraphDrawing(nodes, edges, UNICODE)
    assert [line.rstrip() for line in rows_of(drawn)] == [
        "▐●checkout▌━✖50━━╮",
        "▐●fraud日本▌─────■──▶▐●inventory▌┄┄┄┄┄┄┄┄┄┄┄┄26┄▶▐●mail▌",
        "▐●web▌─8─────────╯   ▐          ▌──58 p95 12 ms─▶▐●postgres▌",
    ]
    assert drawn.line(0, 4, 6).width == 6


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_untrusted_names_are_safe_and_truncated(glyphs: Glyphs) -> None:
    name = "\x1b[31m" + "x" * 50
    drawn = GraphDrawing({name: DrawnNode(name)}, [], glyphs, name_width=10)
    assert drawn.line(0).text.isprintable()
    assert drawn.width == 12


def test_names_that_differ_at_the_end_are_distinguishable() -> None:
    names = ["inventory-service", "inventory-sync-job", "mail"]
    drawn = GraphDrawing({name: DrawnNode(name) for name in names}, [], UNICODE, name_width=12)
    assert sorted(text.strip() for text in rows_of(drawn)) == ["▐inve…service▌", "▐inv…sync-job▌", "▐mail▌"]


def test_highlight_keeps_the_colour_of_failing_calls() -> None:
    edges = [DrawnEdge("a", "b", label="9", fails=True), DrawnEdge("a", "c", label="5")]
    drawn = GraphDrawing({name: DrawnNode(name) for name in "abc"}, edges, UNICODE)
    drawn.highlight("a", node_role=Role.TITLE, line_role=Role.ACCENT)
    roles = {text.strip("─"): role for row in range(drawn.height) for text, role in drawn.line(row).runs}
    assert roles["✖9"] == roles["▶"] == Role.ERROR
    assert {role for row in range(drawn.height) for text, role in drawn.line(row).runs if "─" in text} == {Role.ACCENT}


def test_empty_graph() -> None:
    drawn = GraphDrawing({}, [], UNICODE)
    assert (drawn.height, drawn.line(0).text) == (0, "")


def drawn_rows(names: str, *edges: DrawnEdge) -> list[str]:
    return rows_of(GraphDrawing({name: DrawnNode(name) for name in names}, edges, UNICODE))


def test_synchronous_calls_are_drawn_before_asynchronous_ones() -> None:
    waits, sends = DrawnEdge("a", "b", "9"), DrawnEdge("a", "b", "1", is_async=True)
    assert drawn_rows("ab", waits, sends) == drawn_rows("ab", sends, waits) == drawn_rows("ab", waits)


def test_calls_against_the_layers_have_figures_at_the_arrowhead() -> None:
    edges = DrawnEdge("a", "b", "1"), DrawnEdge("b", "c", "2"), DrawnEdge("c", "a", "3", fails=True)
    assert drawn_rows("abc", *edges) == ["▐c▌────✖3─▶▐a▌──1─▶▐b▌", "▐ ▌◀2──────────────▐ ▌"]


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_names_cut_at_an_edge_of_the_window_end_with_an_ellipsis(glyphs: Glyphs) -> None:
    nodes = {name: DrawnNode(name) for name in ("caller", "日本語")}
    drawn = GraphDrawing(nodes, [DrawnEdge("caller", "日本語")], glyphs)
    whole, mark = drawn.line(0).text, glyphs.ellipsis
    assert drawn.line(0, 0, 99, mark).text == whole
    assert drawn.line(0, 3, 12, mark).text.startswith(f"{mark}ler{whole[7]}")
    assert drawn.line(0, 0, 4, mark).text == f"{whole[:3]}{mark}"
    # half of a wide letter is left out
    for first, width in ((0, drawn.width - 2), (0, drawn.width - 3), (drawn.width - 6, 5)):
        line = drawn.line(0, first, width, mark)
        assert line.width == width
        assert mark in line.text
    # brackets are not part of a name
    assert mark not in drawn.line(0, 0, 7, mark).text
    assert mark not in drawn.line(0, 7, 5, mark).text
