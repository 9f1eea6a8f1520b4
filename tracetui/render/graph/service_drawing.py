"""Drawings of the service graph: a diagram of services and calls, in characters or as a picture (SVG)."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from tracetui.render.graph.diagram import Arrow, Diagram, DiagramNode, Effect, change_text
from tracetui.render.graph.drawing import DrawnNode, GraphDrawing
from tracetui.render.graph.layout import LayerOrder
from tracetui.render.graph.line_glyphs import line_glyphs
from tracetui.render.graph.node_names import LETTERS
from tracetui.render.graph.stub_edges import HEAVY, DrawnEdge
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import UNICODE, Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.theme import DARK, Theme

if TYPE_CHECKING:
    # networkx is imported only when a graph is queried
    from tracetui.analysis.edge_changes import EdgeChange

_EFFECT_ROLES: Final = {
    Effect.NONE: Role.PLAIN,
    Effect.SLOW: Role.WARNING,
    Effect.FAILS: Role.ERROR,
    Effect.POSSIBLE: Role.DIM,
}
_CHANGE_ROLES: Final = {
    "errors": Role.ERROR,
    "p95": Role.WARNING,
    "network": Role.EVENT,
    "calls": Role.LITERAL,
}
_HEAVY_SHARE: Final = 0.25
"""Smallest number of calls for a heavy line, as a share of the largest number on any edge."""
_CELL: Final = (8.4, 16.0)
"""Width and height of a cell in a picture, in pixels. Vertical lines touch those in the next row."""
_FONT: Final = "DejaVu Sans Mono, Menlo, Consolas, monospace"
_BACKGROUND: Final = "#121212"
_FOREGROUND: Final = "#e0e0e0"


class Figures(enum.IntEnum):
    """Figures on the lines of a drawing."""

    NONE = 0
    CALLS = 1
    """Number of calls, and how many fail."""
    ALL = 2
    """Also the p95 and the share of network time."""


@dataclass(frozen=True, slots=True)
class DrawingSize:
    """Amount of detail of a drawing: cells and rows of names, and figures on lines."""

    name_width: int
    name_rows: int = 1
    figures: Figures = Figures.NONE


SIZES: Final = (
    DrawingSize(40, figures=Figures.ALL),
    DrawingSize(40, figures=Figures.CALLS),
    DrawingSize(18, 2, Figures.CALLS),
    DrawingSize(40),
    DrawingSize(18, 2),
    DrawingSize(14, 3),
    DrawingSize(12, 3),
    DrawingSize(10, 3),
    DrawingSize(9, 3),
    DrawingSize(8, 3),
    DrawingSize(5),
    DrawingSize(LETTERS),
)
"""Sizes of drawings, the most detailed first. Figures are left out before names are cut, names before only letters
are left.
"""
_LEGIBLE: Final = 10
"""Number of sizes in which most names are complete."""
_SCROLLED: Final = 5
"""Position of the size of a drawing that is legible only if it is wider."""


def draw(
    diagram: Diagram,
    roles: Mapping[str, str],
    glyphs: Glyphs,
    size: DrawingSize = SIZES[0],
    order: LayerOrder | None = None,
) -> GraphDrawing:
    """Draw a diagram. `roles`: role of each service; `order`: that of a drawing with figures on the same lines."""
    nodes = {
        node.name: DrawnNode(
            node.name,
            role=Role.TITLE if node.is_focus else _EFFECT_ROLES[node.effect],
            glyph=glyphs.folded if node.more else glyphs.service,
            glyph_role=roles.get(node.name, Role.DIM),
            note=_note(node, glyphs),
        )
        for node in diagram.nodes
    }
    heavy = _heavy_count(diagram)
    edges = [
        DrawnEdge(
            arrow.caller,
            arrow.callee,
            label=_changed_label(arrow, size.figures, glyphs)
            if diagram.is_comparison
            else edge_label(arrow, size.figures, glyphs),
            is_async=arrow.is_async or arrow.is_possible,
            fails=arrow.error_rate > 0 and not diagram.is_comparison,
            role=_change_role(arrow.change),
            weight=HEAVY if heavy is not None and arrow.call_count >= heavy else 1,
        )
        for arrow in diagram.arrows
    ]
    return GraphDrawing(nodes, edges, glyphs, name_width=size.name_width, name_rows=size.name_rows, order=order)


def _changed_label(arrow: Arrow, figures: Figures, glyphs: Glyphs) -> str:
    """Return what changed, with the number of calls if there is room: `50 ▲errors p95`, `new`."""
    count = numbers.short_count(arrow.call_count) if figures is not Figures.NONE else ""
    text = change_text(arrow.change, glyphs.ascending, glyphs.descending) if arrow.change is not None else ""
    return " ".join(filter(None, (count, text)))


def _change_role(change: EdgeChange | None) -> str:
    """Return the colour of a changed edge: by the worst figure that became worse."""
    if change is None:
        return Role.GUIDE
    worse = next((role for figure, role in _CHANGE_ROLES.items() if figure in change.worse), None)
    return worse or (Role.ACCENT if change.is_new else Role.DIM if change.is_gone else Role.STRONG)


def _heavy_count(diagram: Diagram) -> float | None:
    """Return the least number of calls of a heavy line; None if all lines would be heavy."""
    counts = [arrow.call_count for arrow in diagram.arrows]
    least = _HEAVY_SHARE * max(counts, default=0)
    return least if min(counts, default=0) < least else None


def _note(node: DiagramNode, glyphs: Glyphs) -> str:
    """Return the text after the name of a node."""
    parts = [f"+{node.more:,}" if node.more else "", node.short_note, glyphs.cycle if node.is_on_cycle else ""]
    return " ".join(filter(None, parts))


def fitting(
    diagram: Diagram, roles: Mapping[str, str], glyphs: Glyphs, width: int, height: int | None = None
) -> tuple[GraphDrawing, int]:
    """Draw a diagram in the most detailed size that fits the width in cells, and the height in rows if given.

    -> the drawing, which may still be larger, and the position of its size in `SIZES`
    """
    orders: dict[bool, LayerOrder] = {}
    for at in [*range(_LEGIBLE), _SCROLLED]:
        has_figures = SIZES[at].figures is not Figures.NONE
        drawing = draw(diagram, roles, glyphs, SIZES[at], orders.get(has_figures))
        orders[has_figures] = drawing.order
        if drawing.width <= width and (height is None or drawing.height <= height):
            break
    drawing.paint()
    return drawing, at


def edge_label(arrow: Arrow, figures: Figures, glyphs: Glyphs) -> str:
    """Return the figures of a line: `50`, `6.0 % of 50` if some of the calls fail, `50, 12 ms, net 9 %`."""
    if figures is Figures.NONE:
        return ""
    count = numbers.short_count(arrow.call_count)
    parts = [f"{numbers.percent(arrow.error_rate)} of {count}" if arrow.error_rate else count]
    if figures is Figures.ALL and arrow.latency is not None and arrow.latency.p95_ns is not None:
        few = arrow.latency.small_sample_range
        longest = numbers.duration(few[1] if few else round(arrow.latency.p95_ns), glyphs.ascii_only)
        parts.append(f"{glyphs.at_most if few else ''}{longest}")
    if figures is Figures.ALL and arrow.network_share is not None:
        parts.append(f"net {numbers.whole_percent(arrow.network_share)}")
    return ", ".join(parts)


_EXPLAINED: Final = {
    Figures.NONE: (),
    Figures.CALLS: ("figures: calls",),
    Figures.ALL: ("figures: calls, p95, network share",),
}


def legend(diagram: Diagram, glyphs: Glyphs, figures: Figures, drawing: GraphDrawing) -> Line:
    """Explain the lines and glyphs of a drawing."""
    lines = line_glyphs(glyphs)
    heavy, dotted = lines.heavy, lines.dotted
    crossing = f"{lines.horizontal}{lines.crossing}{lines.horizontal}" if glyphs.ascii_only else lines.crossing
    arrows, nodes = diagram.arrows, diagram.nodes
    parts = [
        *_EXPLAINED[min(figures, Figures.CALLS) if diagram.is_comparison else figures],
        f"{heavy} many calls" if _heavy_count(diagram) is not None else "",
        f"{dotted} asynchronous" if any(arrow.is_async for arrow in arrows) else "",
        f"{dotted} possible, not observed" if any(arrow.is_possible for arrow in arrows) else "",
        f"{glyphs.origin} some fail" if any(a.error_rate for a in arrows) and not diagram.is_comparison else "",
        f"{glyphs.ascending} worse   {glyphs.descending} better" if diagram.is_comparison else "",
        f"{glyphs.cycle} on a cycle" if any(node.is_on_cycle for node in nodes) else "",
        "+9 group with 9 more" if any(node.more for node in nodes) else "",
        "% of its critical path" if any(node.effect is Effect.SLOW for node in nodes) else "",
        "% of its requests failed" if any(node.effect is Effect.FAILS for node in nodes) else "",
        "no %: possible, not observed" if any(node.effect is Effect.POSSIBLE for node in nodes) else "",
        f"{crossing} crossing" if drawing.has_crossings else "",
        f"{lines.joins[-1]} junction" if drawing.has_joins else "",
    ]
    return Line([("   ".join(filter(None, parts)), Role.DIM)])


def drawing_lines(diagram: Diagram, roles: Mapping[str, str], glyphs: Glyphs, width: int) -> Iterator[Line]:
    """Yield a legend, the drawing, and a remark if it is wider than `width` cells."""
    drawing, size = fitting(diagram, roles, glyphs, width)
    yield legend(diagram, glyphs, SIZES[size].figures, drawing).cropped(width, glyphs.ellipsis)
    yield Line()
    for row in range(drawing.height):
        yield drawing.line(row, 0, width)
    if drawing.width > width:
        text = f"cut at column {width} of {drawing.width}; --width {drawing.width} shows all, --focus a part"
        yield Line([(text, Role.WARNING)]).cropped(width, glyphs.ellipsis)


def svg(diagram: Diagram, roles: Mapping[str, str]) -> str:
    """Draw a diagram as a picture (SVG). `roles`: role of each service."""
    drawing = draw(diagram, roles, UNICODE)
    lines = [drawing.line(row) for row in range(drawing.height)]
    return svg_of_lines(lines, drawing.width, DARK)


def svg_of_lines(lines: Sequence[Line], width: int, theme: Theme) -> str:
    """Draw lines of text as a picture (SVG), one text element per run so that columns stay aligned."""
    cell, height = _CELL
    size = f'width="{width * cell + 2 * cell:.0f}" height="{len(lines) * height + height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{_FONT}" font-size="14">',
        f'<rect width="100%" height="100%" fill="{_BACKGROUND}"/>',
    ]
    for row, line in enumerate(lines):
        column = 0
        for text, role in line.runs:
            run_width = Line([(text, role)]).width
            if text.strip():
                style = theme.style(role)
                colour = style.color.get_truecolor().hex if style.color is not None else _FOREGROUND
                weight = ' font-weight="bold"' if style.bold else ""
                parts.append(
                    f'<text x="{cell + column * cell:.1f}" y="{(row + 1) * height:.1f}" fill="{colour}"{weight}'
                    f' textLength="{run_width * cell:.1f}" xml:space="preserve">{escape(text)}</text>'
                )
            column += run_width
    return "\n".join([*parts, "</svg>", ""])
