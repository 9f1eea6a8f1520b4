"""Drawing of a graph: its edges can be read from the characters, and no name is overlapped."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracetui.render.graph.drawing import DrawnEdge, DrawnNode, GraphDrawing
from tracetui.render.graph.line_glyphs import line_glyphs
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs

UP, DOWN, LEFT, RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)
ARMS = {UP: 1, DOWN: 2, LEFT: 4, RIGHT: 8}
OPPOSITE = {UP: DOWN, DOWN: UP, LEFT: RIGHT, RIGHT: LEFT}


def names(count: int) -> list[str]:
    return [f"s{number}" for number in range(count)]


def drawing(edges: set[tuple[str, str]], nodes: list[str], glyphs: Glyphs = UNICODE) -> GraphDrawing:
    return GraphDrawing({name: DrawnNode(name) for name in nodes}, [DrawnEdge(*edge) for edge in sorted(edges)], glyphs)


def rows_of(drawn: GraphDrawing) -> list[str]:
    return [drawn.line(row).text.ljust(drawn.width) for row in range(drawn.height)]


class Reader:
    """Reads the edges from the characters only, following lines from left to right, as a person would."""

    def __init__(self, rows: list[str], glyphs: Glyphs) -> None:
        self.rows, self.marks = rows, line_glyphs(glyphs)
        self.horizontals = {self.marks.horizontal, self.marks.heavy, self.marks.dotted}
        self.horizontals |= {self.marks.forward, self.marks.backward}
        self.verticals = {self.marks.vertical, self.marks.dotted_vertical}
        self.owner: dict[tuple[int, int], str] = {}
        self.ports: list[tuple[int, int, str]] = []
        above: dict[int, str] = {}
        for row, text in enumerate(rows):
            at, inside = 0, {}
            while (begin := text.find(self.marks.opening, at)) >= 0:
                end = text.index(self.marks.closing, begin)
                name = text[begin + 1 : end].strip() or above[begin]
                inside[begin] = name
                self.owner[row, begin] = name
                self.ports.append((row, end, name))
                at = end + 1
            above = inside

    def at(self, row: int, column: int) -> str:
        inside = 0 <= row < len(self.rows) and 0 <= column < len(self.rows[row])
        return self.rows[row][column] if inside else " "

    def has_arm(self, row: int, column: int, direction: tuple[int, int]) -> bool:
        """Test whether a cell has a line to this side; in ASCII a + joins its neighbours."""
        text = self.at(row, column)
        if text in self.verticals:
            return direction in (UP, DOWN)
        if text in self.horizontals:
            return direction in (LEFT, RIGHT)
        if text == "+":
            other = self.at(row + direction[0], column + direction[1])
            return other in (self.verticals if direction in (UP, DOWN) else self.horizontals) or other == "+"
        found = [arms for arms in range(4, 16) if self.marks.joins[arms] == text]
        return any(arms & ARMS[direction] for arms in found)

    def edges(self) -> set[tuple[str, str]]:
        found = set()
        for row, column, name in self.ports:
            if self.at(row, column + 1) in self.horizontals:
                is_reversed = self.at(row, column + 1) == self.marks.backward
                for target in self.edges_from(row, column + 1):
                    found.add((target, name) if is_reversed else (name, target))
        return found

    def edges_from(self, row: int, column: int) -> set[str]:
        found, waiting, seen = set(), [((row, column), RIGHT)], set()
        while waiting:
            (row, column), direction = waiting.pop()
            if ((row, column), direction) in seen:
                continue
            seen.add(((row, column), direction))
            text = self.at(row, column)
            if (row, column) in self.owner:
                found.add(self.owner[row, column])
            elif text in self.horizontals | self.verticals:
                # lines cross
                waiting.append(((row + direction[0], column + direction[1]), direction))
            else:
                assert self.has_arm(row, column, OPPOSITE[direction]), "a line ends nowhere"
                # from left to right: never back to another source
                waiting += [
                    ((row + onward[0], column + onward[1]), onward)
                    for onward in (UP, DOWN, RIGHT)
                    if onward != OPPOSITE[direction] and self.has_arm(row, column, onward)
                ]
        return found


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
    reader = Reader(rows, glyphs)
    assert {name for _, _, name in reader.ports} == set(nodes)
    assert reader.edges() == edges, "\n".join(rows)


@settings(max_examples=5)
@given(st.randoms(use_true_random=False), st.integers(50, 200))
def test_edges_of_large_graphs_can_be_read(random: object, count: int) -> None:
    nodes = names(count)
    edges = set()
    for at in range(count):
        for _ in range(random.randrange(4)):  # type: ignore[attr-defined]
            other = random.randrange(count)  # type: ignore[attr-defined]
            if other != at:
                edges.add((nodes[at], nodes[other]))
    assert Reader(rows_of(drawing(edges, nodes)), UNICODE).edges() == edges


@given(graphs())
def test_boxes_do_not_overlap_and_hold_their_names(graph: tuple[list[str], set[tuple[str, str]]]) -> None:
    nodes, edges = graph
    drawn = drawing(edges, nodes)
    rows = rows_of(drawn)
    cells = set()
    for name, box in drawn.boxes.items():
        assert rows[box.row][box.column + 1 : box.column + box.width - 1] == name
        for row in range(box.row, box.row + box.height):
            for column in range(box.column, box.column + box.width):
                assert (row, column) not in cells
                cells.add((row, column))


@given(graphs(), st.randoms(use_true_random=False))
def test_drawing_is_independent_of_input_order(graph: tuple[list[str], set[tuple[str, str]]], random: object) -> None:
    nodes, edges = graph
    shuffled = list(nodes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rows_of(drawing(edges, nodes)) == rows_of(drawing(edges, shuffled))


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
        "▐●fraud日本▌─────┼───▶▐●inventory▌┄┄┄┄┄┄┄┄┄┄┄┄┄26┄▶▐●mail▌",
        "▐●web▌─8─────────╯    ▐          ▌───58 p95 12 ms─▶▐●postgres▌",
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


def test_empty_graph() -> None:
    drawn = GraphDrawing({}, [], UNICODE)
    assert (drawn.height, drawn.line(0).text) == (0, "")


def drawn_rows(names: str, *edges: DrawnEdge) -> list[str]:
    return rows_of(GraphDrawing({name: DrawnNode(name) for name in names}, edges, UNICODE))


def test_synchronous_calls_are_drawn_before_asynchronous_ones() -> None:
    waits, sends = DrawnEdge("a", "b", "9"), DrawnEdge("a", "b", "1", is_async=True)
    assert drawn_rows("ab", waits, sends) == drawn_rows("ab", sends, waits) == drawn_rows("ab", waits)


def test_calls_against_the_layers_have_figures_of_their_own() -> None:
    edges = DrawnEdge("a", "b", "1"), DrawnEdge("b", "c", "2"), DrawnEdge("c", "a", "3", fails=True)
    assert drawn_rows("abc", *edges) == ["▐c▌───✖3─▶▐a▌───1─▶▐b▌", "▐ ▌◀─────────────2─▐ ▌"]
