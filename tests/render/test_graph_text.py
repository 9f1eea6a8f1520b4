"""Drawings and tables of services: untrusted names stay text, and widths hold."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.building import build, span
from tests.support.strategies import unhurried
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.service_graph import Target
from tracetui.analysis.service_questions import neighbours
from tracetui.model.peers import PeerType
from tracetui.model.span import Kind
from tracetui.render.graph.diagram import Arrow, Diagram, DiagramNode, calls_diagram, dot, mermaid
from tracetui.render.graph.json import answer_json, services_json
from tracetui.render.graph.text import neighbours_text, services_text
from tracetui.render.graph.text_blocks import GraphPage
from tracetui.render.report.text_blocks import ReportOptions
from tracetui.render.text.cells import cell_width
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import Column, figure_cell

_TRAPS = (
    'a"b', "a\\", 'a\\"b', "a\\N\\n", "end", "end\n}", "]", ")]", "[(", "{x}", "-->", "---|x|", "%%{init: {}}%%",
    "%% x", "&quot;", "&#34;", "#quot;", "#34;", "<b>x</b>", "<br/>", "`x`", "**x**", "1. x", "- x", "# x", "    x",
    "_x_", "www.example.com", "http://x.y/z", "a@b.c", "$$x$$", ":::focus", ";", "\x1b[31m", "\x00", "\r\n",
    "\u202e", "\ud800", "", " ", "n0", "名前", "e\u0301", "fa:fa-car", "style=dashed]", "*/", "//", "\u2028",
)  # fmt: skip
_names = st.one_of(
    st.sampled_from(_TRAPS), st.text(max_size=12), st.lists(st.sampled_from(_TRAPS), max_size=4).map("".join)
)
_types = st.sampled_from((None, *PeerType))
_DOT_SHAPES = {
    PeerType.DATABASE: "cylinder",
    PeerType.CACHE: "cylinder",
    PeerType.QUEUE: "cds",
    PeerType.EXTERNAL: "hexagon",
}
_diagrams = st.lists(_names, min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.builds(
        Diagram,
        st.tuples(
            *(st.builds(DiagramNode, st.just(n), _types, st.booleans(), st.sampled_from(("", "rank 1"))) for n in names)
        ),
        st.lists(
            st.builds(
                Arrow,
                st.sampled_from(names),
                st.sampled_from(names),
                st.sampled_from((1, 2)),
                st.sampled_from((0.0, 8.0)),
                st.booleans(),
                st.booleans(),
            ),
            max_size=5,
        ).map(tuple),
    )
)

_EVERY_TRAP = Diagram(
    tuple(DiagramNode(name, (None, *PeerType)[at % 5], is_focus=at % 3 == 0) for at, name in enumerate(_TRAPS)),
    tuple(Arrow(name, _TRAPS[0], 1) for name in _TRAPS),
)


# --- Graphviz ---------------------------------------------------------------------------------------------------------

_DOT_STRING = r'"(?:[^"\\]|\\.)*"'
_DOT_TOKEN = re.compile(rf"\s*({_DOT_STRING}|->|[\w.]+|[\[\]{{}}=,;])")


def read_dot(text: str) -> tuple[dict[str, dict[str, str]], list[tuple[str, str, dict[str, str]]]]:
    """Parse the used part of Graphviz's grammar: nodes and edges with attributes. Fails on anything else."""
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _DOT_TOKEN.match(text, at)
        assert match, text[at:]
        tokens.append(match[1])
        at = match.end()
    assert tokens[:3] == ["digraph", "tracetui", "{"]
    assert tokens[-1] == "}"
    nodes: dict[str, dict[str, str]] = {}
    edges = []
    statement: list[str] = []
    for token in tokens[3:-1]:
        if token != ";":
            statement.append(token)
            continue
        begin = statement.index("[") if "[" in statement else len(statement)
        pairs = [part for part in statement[begin + 1 : -1] if part != ","]
        assert pairs[1::3] == ["="] * (len(pairs) // 3)
        looks = dict(zip(pairs[::3], pairs[2::3], strict=True))
        if statement[1] == "->":
            edges.append((statement[0], statement[2], looks))
        elif statement[0] not in ("node", "rankdir"):
            assert statement[0] not in nodes
            nodes[statement[0]] = looks
        statement = []
    assert not statement
    return nodes, edges


def shown_by_graphviz(label: str) -> list[str]:
    """Return the lines of a label."""
    assert (label[0], label[-1]) == ('"', '"')
    inner = re.sub(r'\\"', '"', label[1:-1])
    lines, line = [], ""
    for escape, plain in re.findall(r"\\(.)|([^\\])", inner, re.DOTALL):
        if escape == "n":
            lines.append(line)
            line = ""
        else:
            assert escape in ("", "\\"), "an escape that means something to Graphviz"
            line += escape or plain
    return [html.unescape(part) for part in [*lines, line]]


@given(_diagrams)
@example(_EVERY_TRAP)
@unhurried
def test_graphviz_shows_every_name_unchanged(diagram: Diagram) -> None:
    text = dot(diagram)
    assert text.encode("utf-8")
    nodes, edges = read_dot(text)
    for node, looks in zip(diagram.nodes, nodes.values(), strict=True):
        assert shown_by_graphviz(looks["label"]) == [safe(node.name, 200), *([node.note] if node.note else [])]
        assert looks.get("shape") == (_DOT_SHAPES[node.peer_type] if node.peer_type else None)
        assert looks.get("penwidth") == ("3" if node.is_focus else None)
    ids = {node.name: number for node, number in zip(diagram.nodes, nodes, strict=True)}
    for arrow, (caller, callee, looks) in zip(diagram.arrows, edges, strict=True):
        assert (caller, callee) == (ids[arrow.caller], ids[arrow.callee])
        style = "dotted" if arrow.is_possible else "dashed" if arrow.is_async else None
        assert looks.get("style") == style


# --- Mermaid ----------------------------------------------------------------------------------------------------------

_MERMAID_NODE = re.compile(r'  (n\d+)(\[|\[\(|>|\{\{)"([^"]*)"(\]|\)\]|\}\})(:::focus)?')
_MERMAID_SHAPES = {
    None: "[]",
    PeerType.DATABASE: "[()]",
    PeerType.CACHE: "[()]",
    PeerType.QUEUE: ">]",
    PeerType.EXTERNAL: "{{}}",
}
_MERMAID_ARROW = re.compile(r'  (n\d+) (-->|-\.->|-\.-o)\|"([^"]*)"\| (n\d+)')


@given(_diagrams)
@example(_EVERY_TRAP)
@unhurried
def test_mermaid_shows_every_name_unchanged(diagram: Diagram) -> None:
    text = mermaid(diagram)
    assert text.encode("utf-8")
    first, *lines = text.removesuffix("\n").split("\n")
    assert first == "flowchart LR"
    if any(node.is_focus for node in diagram.nodes):
        assert lines.pop() == "  classDef focus stroke-width:3px"
    ids = {}
    for node, line in zip(diagram.nodes, lines, strict=False):
        match = _MERMAID_NODE.fullmatch(line)
        assert match, line
        ids[node.name] = match[1]
        name, *notes = match[3].split("<br/>")
        assert notes == ([node.note] if node.note else [])
        # no character with a meaning in HTML, Markdown or directives is left unescaped
        assert re.fullmatch(r"(?:[^\W_]|(?<=[^\W_])[-:/ ](?=[^\W_])|#\d+;)+", name), name
        assert re.sub(r"#(\d+);", lambda code: chr(int(code[1])), name) == (safe(node.name, 200) or " ")
        assert (match[2] + match[4], bool(match[5])) == (_MERMAID_SHAPES[node.peer_type], node.is_focus)
    assert len(set(ids.values())) == len(diagram.nodes)
    for arrow, line in zip(diagram.arrows, lines[len(diagram.nodes) :], strict=True):
        match = _MERMAID_ARROW.fullmatch(line)
        assert match, line
        assert (match[1], match[4]) == (ids[arrow.caller], ids[arrow.callee])
        assert match[2] == ("-.-o" if arrow.is_possible else "-.->" if arrow.is_async else "-->")


# --- calls of a set ---------------------------------------------------------------------------------------------------


def analysis(*more: Any) -> Analysis:
    """Analyse a set in which `web` calls `api` directly, and `mail` by a queue and directly; `api` reads the peer
    `cache`.
    """
    return Analysis(
        build(
            span("a", 0, 100, service="web"),
            span("b", 10, 90, parent="a", service="api", error=True),
            span("c", 20, 30, parent="b", service="api", kind=Kind.CLIENT, attributes={"peer.service": "cache"}),
            span("d", 40, 50, parent="a", service="web", kind=Kind.PRODUCER),
            span("e", 150, 160, parent="d", service="mail", kind=Kind.CONSUMER),
            span("f", 60, 70, parent="a", service="mail"),
            *more,
        )
    )


def test_drawing_of_calls() -> None:
    drawn = calls_diagram(analysis().graph, ["web", "api", "mail", "cache"], focus=["api"], notes={"web": ("x", "")})
    assert drawn.nodes == (
        DiagramNode("api", is_focus=True),
        DiagramNode("cache", PeerType.EXTERNAL),
        DiagramNode("mail"),
        DiagramNode("web", note="x"),
    )
    assert [arrow.latency.count for arrow in drawn.arrows if arrow.latency is not None] == [1, 1, 1, 1]
    assert tuple(replace(arrow, latency=None, network_share=None) for arrow in drawn.arrows) == (
        Arrow("api", "cache", 1),
        Arrow("web", "api", 1, 100.0),
        Arrow("web", "mail", 1),
        Arrow("web", "mail", 1, is_async=True),
    )
    some = calls_diagram(analysis().graph, ["web", "api"], possible=[("web", "api")])
    assert [(arrow.callee, arrow.is_possible) for arrow in some.arrows] == [("api", True)]


def test_cycles_are_reported_once_and_terminate() -> None:
    found = analysis(span("g", 25, 28, parent="b", service="web"), span("h", 26, 27, parent="g", service="web"))
    page = GraphPage(found, ReportOptions())
    text = "\n".join(line.text for line in services_text(page, list(found.graph.figures.values())))
    assert "Cycles\n  ●api → ●web → ●api" in text
    assert b'"cycles": [\n    [\n      "api",\n      "web"' in answer_json(services_json(found.graph, []))
    assert "●web ⇝ ●mail" not in "\n".join(line.text for line in page.chain(("web", "mail"), ""))


def test_asynchronous_calls_are_marked() -> None:
    found = Analysis(
        build(
            span("a", 0, 100, service="web", kind=Kind.PRODUCER),
            span("b", 110, 120, parent="a", service="mail", kind=Kind.CONSUMER),
        )
    )
    (web,) = neighbours(found.graph, Target("mail"), upstream=True)
    for ascii_only, mark in ((False, "⇝"), (True, "~")):
        page = GraphPage(found, ReportOptions(ascii_only=ascii_only))
        assert f"{mark} async" in "\n".join(
            line.text for line in neighbours_text(page, Target("mail"), [web], upstream=True)
        )
        assert mark in next(page.chain(("web", "mail"), "")).text


def test_service_without_calls() -> None:
    found = Analysis(build(span("a", 0, 100, service="web")))
    page = GraphPage(found, ReportOptions())
    alone = [line.text for line in neighbours_text(page, Target("web"), [], upstream=True)]
    assert alone[0] == "Nothing calls web"
    assert next(neighbours_text(page, Target("web"), [], upstream=False)).text == "web has no callees"
    assert dot(calls_diagram(found.graph, ["web"])).count("label") == 1


@pytest.mark.parametrize("verbose", [False, True])
def test_long_tables_are_cut_with_a_hint_to_show_all(verbose: bool) -> None:
    spans = [span(f"s{i}", 0, 10, trace=str(i), service=f"service-{i:02}") for i in range(60)]
    found = Analysis(build(*spans))
    lines = list(services_text(GraphPage(found, ReportOptions(verbose=verbose)), list(found.graph.figures.values())))
    named = [line for line in lines if "●service-" in line.text]
    assert len(named) == (60 if verbose else 50)
    assert ("  10 more: --verbose lists all" in [line.text for line in lines]) is not verbose


@given(st.lists(_names, min_size=1, max_size=4), st.integers(40, 100), st.booleans())
@unhurried
def test_no_line_is_wider_than_the_page(names: list[str], width: int, ascii_only: bool) -> None:
    chain = [span(str(i), i, 100 - i, parent=str(i - 1) if i else "", service=name * 9) for i, name in enumerate(names)]
    found = Analysis(build(*chain))
    page = GraphPage(found, ReportOptions(width=width, ascii_only=ascii_only))
    services = list(found.graph.figures)
    lines = [
        *services_text(page, list(found.graph.figures.values())),
        *neighbours_text(
            page, Target(services[0]), neighbours(found.graph, Target(services[0]), upstream=False), upstream=False
        ),
        *page.chain(services, "  "),
        *page.heading(safe(services[0]), safe(services[-1])),
        *page.prose(safe(services[0])),
    ]
    assert max(line.width for line in lines) <= width


def test_columns_are_dropped_from_the_right_before_a_figure_is_cut() -> None:
    found = analysis()
    columns = [Column("service", grows=True), *(Column(f"figure {i}", "right") for i in range(6))]

    def shown(width: int) -> list[str]:
        page = GraphPage(found, ReportOptions(width=width))
        return [
            line.text for line in page.table(columns, [[page.service_cell("cache"), *[figure_cell("123,456,789")] * 6]])
        ]

    seen = []
    for width in range(40, 110):
        heading, row = shown(width)
        assert cell_width(row) <= width
        assert row.count("123,456,789") == heading.count("figure") == len(re.findall(r"\d{3}", row)) // 3
        assert "cache" in row
        seen.append(heading.count("figure"))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (1, 6)
