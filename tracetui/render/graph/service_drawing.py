"""Drawings of the service graph: a diagram of services and calls, in characters or as a picture (SVG)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from tracetui.render.graph.diagram import Arrow, Diagram, Effect
from tracetui.render.graph.drawing import HEAVY, DrawnEdge, DrawnNode, GraphDrawing
from tracetui.render.graph.layout import Layout
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import UNICODE, Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.theme import DARK, Theme

_EFFECT_ROLES: Final = {
    Effect.NONE: Role.PLAIN,
    Effect.SLOW: Role.WARNING,
    Effect.FAILS: Role.ERROR,
    Effect.POSSIBLE: Role.DIM,
}
_HEAVY_SHARE: Final = 0.25
"""Smallest number of calls for a heavy line, as a share of the largest number on any edge."""
_CELL: Final = (8.4, 18.0)
"""Width and height of a cell in a picture, in pixels."""
_FONT: Final = "DejaVu Sans Mono, Menlo, Consolas, monospace"
_BACKGROUND: Final = "#121212"
_FOREGROUND: Final = "#e0e0e0"


@dataclass(frozen=True, slots=True)
class DrawingSize:
    """Amount of detail of a drawing."""

    name_width: int
    labels: bool


SIZES: Final = (
    DrawingSize(40, labels=True),
    DrawingSize(24, labels=True),
    DrawingSize(24, labels=False),
    DrawingSize(16, labels=False),
    DrawingSize(12, labels=False),
    DrawingSize(8, labels=False),
    DrawingSize(5, labels=False),
)
"""Sizes of drawings, the most detailed first."""


def draw(
    diagram: Diagram,
    roles: Mapping[str, str],
    glyphs: Glyphs,
    size: DrawingSize = SIZES[0],
    layout: Layout | None = None,
) -> GraphDrawing:
    """Draw a diagram. `roles`: role of each service; `layout`: that of another size, if it is known."""
    nodes = {
        node.name: DrawnNode(
            node.name,
            role=Role.TITLE if node.is_focus else _EFFECT_ROLES[node.effect],
            glyph=glyphs.service,
            glyph_role=roles.get(node.name, Role.DIM),
            note=node.short_note,
        )
        for node in diagram.nodes
    }
    most = max((arrow.call_count for arrow in diagram.arrows), default=0)
    edges = [
        DrawnEdge(
            arrow.caller,
            arrow.callee,
            label=short_label(arrow) if size.labels else "",
            is_async=arrow.is_async or arrow.is_possible,
            fails=arrow.error_rate > 0,
            weight=HEAVY if arrow.call_count >= _HEAVY_SHARE * most else 1,
        )
        for arrow in diagram.arrows
    ]
    return GraphDrawing(nodes, edges, glyphs, name_width=size.name_width, layout=layout)


def size_for(diagram: Diagram, glyphs: Glyphs, width: int) -> DrawingSize:
    """Choose the most detailed size whose drawing fits the width in cells; the smallest may still be wider."""
    layout = None
    for size in SIZES:
        drawing = draw(diagram, {}, glyphs, size, layout)
        if drawing.width <= width:
            return size
        layout = drawing.layout
    return SIZES[-1]


def short_label(arrow: Arrow) -> str:
    """Return `50`, or `6.0 % of 50` if some of the calls fail."""
    count = numbers.short_count(arrow.call_count)
    return f"{numbers.percent(arrow.error_rate)} of {count}" if arrow.error_rate else count


def legend(glyphs: Glyphs, *, labels: bool) -> Line:
    """Explain the lines."""
    heavy, dotted = ("=", ".") if glyphs.ascii_only else ("━", "┄")
    parts = ["figures: calls"] * labels + [
        f"{heavy} many calls",
        f"{dotted} asynchronous",
        f"{glyphs.origin} some fail",
    ]
    return Line([("   ".join(parts), Role.DIM)])


def drawing_lines(diagram: Diagram, roles: Mapping[str, str], glyphs: Glyphs, width: int) -> Iterator[Line]:
    """Yield a legend, the drawing, and a remark if it is wider than `width` cells."""
    size = size_for(diagram, glyphs, width)
    drawing = draw(diagram, roles, glyphs, size)
    yield legend(glyphs, labels=size.labels).cropped(width, glyphs.ellipsis)
    yield Line()
    for row in range(drawing.height):
        yield drawing.line(row, 0, width)
    if drawing.width > width:
        text = f"cut at column {width} of {drawing.width}; --width {drawing.width} shows all, --focus a part"
        yield Line([(text, Role.WARNING)])


def svg(diagram: Diagram) -> str:
    """Draw a diagram as a picture (SVG)."""
    drawing = draw(diagram, _numbered_roles(diagram), UNICODE)
    lines = [drawing.line(row) for row in range(drawing.height)]
    return svg_of_lines(lines, drawing.width, DARK)


def _numbered_roles(diagram: Diagram) -> dict[str, str]:
    from tracetui.render.text.colours import service_slots

    names = [node.name for node in diagram.nodes]
    return {name: Role.service(slot) for name, slot in zip(names, service_slots(names), strict=True)}


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
