"""Map of the service graph: a drawing with a movable selection, whose lines are highlighted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tracetui.analysis.edge_changes import EdgeChange, GraphChanges
from tracetui.analysis.service_graph import ServiceGraph
from tracetui.analysis.service_groups import MOST_TOGETHER, OpenedGroups, ServiceGroup, ServiceGroups, group_names
from tracetui.render.graph.diagram import Arrow, Diagram, DiagramNode, calls_diagram, changes_diagram
from tracetui.render.graph.drawing import GraphDrawing
from tracetui.render.graph.service_drawing import SIZES, draw, fitting, legend
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.numbers import counted
from tracetui.render.text.safe_text import safe

_MARGIN = 4
"""Cells kept visible on either side of the chosen service."""


@dataclass(frozen=True, eq=False, slots=True)
class MapPart:
    """Drawn part of a map: the services in the innermost opened group, and the closed groups around them."""

    scope: OpenedGroups
    groups: Mapping[str, ServiceGroup]
    """Group of each node, by name; most have one service only."""
    diagram: Diagram
    drawing: GraphDrawing
    size: int
    """Position in `SIZES`."""


class MapMaker:
    """Draws the parts of a map; slow, so it runs outside the UI loop."""

    def __init__(
        self,
        graph: ServiceGraph,
        roles: Mapping[str, str],
        glyphs: Glyphs,
        width: int,
        changes: GraphChanges | None = None,
        versions: tuple[str, str] = ("", ""),
    ) -> None:
        """`width`: cells that a drawing should fit; `changes`: those to show, between two sets of these names."""
        self.graph, self.groups, self.changes, self.versions = graph, ServiceGroups(graph), changes, versions
        self._glyphs, self._width = glyphs, width
        # many services have the same colour, and each change of colour costs bytes
        self.roles = roles if len(graph.names) <= MOST_TOGETHER else dict.fromkeys(graph.names, Role.PLAIN)

    def part(self, scope: OpenedGroups = (), size: int | None = None) -> MapPart:
        """Draw the part with these groups opened. `size`: position in `SIZES`, by default the largest that fits."""
        inside, around = self.groups.shown(scope)
        shown = [*inside, *around]
        if not all(len(group) == 1 for group in shown):
            diagram = _grouped_diagram(self.graph, inside, around, self.changes)
        elif self.changes is not None:
            former = [name for name in self.changes.before.names if name not in self.graph.figures]
            shown += [ServiceGroup((name,)) for name in former if not scope]
            diagram = changes_diagram(self.graph, [group.name for group in shown], self.changes)
            drawn = {node.name for node in diagram.nodes}
            shown = [group for group in shown if group.name in drawn]
        else:
            diagram = calls_diagram(self.graph, [group.name for group in shown])
        if size is None:
            drawing, size = fitting(diagram, self.roles, self._glyphs, self._width)
        else:
            drawing = draw(diagram, self.roles, self._glyphs, SIZES[size])
            drawing.paint()
        return MapPart(scope, {group.name: group for group in shown}, diagram, drawing, size)

    def found(self, text: str) -> list[str]:
        """List the services with a text in their name, ignoring case: those that begin with it first."""
        folded = text.casefold()
        names = [name for name in self.graph.names if folded in name.casefold()]
        return sorted(names, key=lambda name: not name.casefold().startswith(folded))

    def around(self, service: str) -> MapPart:
        """Draw the part with a service."""
        return self.part(self.groups.scope_of(service))


def _grouped_diagram(
    graph: ServiceGraph,
    inside: tuple[ServiceGroup, ...],
    around: tuple[ServiceGroup, ...],
    changes: GraphChanges | None,
) -> Diagram:
    """Build the diagram of groups and services; calls between two groups around are left out."""
    group_of = group_names([*inside, *around])
    within = {group.name for group in inside}
    nodes = [
        DiagramNode(
            group.name,
            graph.figures[group.name].peer_type if len(group) == 1 else None,
            is_on_cycle=len(group) == 1 and group.name in graph.on_cycles,
            more=len(group) - 1,
        )
        for group in sorted([*inside, *around], key=lambda group: group.name)
    ]
    counts: dict[tuple[str, str, bool], list[int]] = {}
    changed: dict[tuple[str, str, bool], list[EdgeChange | None]] = {}
    for (caller, callee), edges in graph.edges.items():
        pair = group_of.get(caller), group_of.get(callee)
        if pair[0] is None or pair[1] is None or pair[0] == pair[1] or within.isdisjoint(pair):
            continue
        for edge in edges:
            key = pair[0], pair[1], edge.is_async
            found = counts.setdefault(key, [0, 0])
            found[0] += edge.call_count
            found[1] += edge.error_count
            if changes is not None:
                changed.setdefault(key, []).append(changes.edges.get((caller, callee, edge.is_async)))
    arrows = [
        Arrow(
            *key[:2],
            calls,
            100 * errors / calls if calls else 0.0,
            key[2],
            change=EdgeChange.of_all(changed.get(key, ())),
        )
        for key, (calls, errors) in sorted(counts.items())
    ]
    return Diagram(tuple(nodes), tuple(arrows), is_comparison=changes is not None)


class ServiceMap:
    """Visible part of a map with a chosen service or group, callers left of callees: a `LineSource`.

    The visible columns follow the choice.
    """

    def __init__(self, maker: MapMaker, part: MapPart, glyphs: Glyphs, chosen: str) -> None:
        self._maker, self._glyphs = maker, glyphs
        self._first = self._width = 0
        self._keeps_columns = False
        """True if the visible columns stay although the choice is at their edge."""
        self._is_shown = False
        """True once columns of the part were visible."""
        self._stale: set[int] | None = None
        """Rows whose highlight changed; None for all."""
        self.show(part, chosen)

    def show(self, part: MapPart, chosen: str) -> None:
        """Show another part, and choose the node of a service."""
        self.part = part
        self.chosen = group_names(part.groups.values()).get(chosen) or next(iter(part.groups))
        self._keeps_columns = self._is_shown = False
        self._highlight()
        self._stale = None

    @property
    def drawing(self) -> GraphDrawing:
        return self.part.drawing

    @property
    def group(self) -> ServiceGroup:
        """The chosen group, of one service or more."""
        return self.part.groups[self.chosen]

    def _highlight(self) -> None:
        changed = self.drawing.highlight(self.chosen, node_role=Role.TITLE, line_role=Role.ACCENT)
        self._stale = self._stale | changed if self._stale is not None else None

    def take_stale_rows(self, width: int) -> set[int] | None:
        """Return the rows that changed since the last time, for a width; None for all."""
        before = self._first
        stale = self._stale if self._window(width) == before else None
        self._stale = set()
        return stale

    def __len__(self) -> int:
        return self.drawing.height

    @property
    def row(self) -> int:
        """First row of the choice."""
        return self.drawing.boxes[self.chosen].row

    # --- moving ------------------------------------------------------------------------------------------------------

    def move(self, columns: int, rows: int) -> None:
        """Move the choice: along a line to the left or right, or up or down."""
        self.choose(self.drawing.step(self.chosen, columns, rows))

    def choose(self, name: str, *, scrolls: bool = True) -> None:
        """Choose a node; the visible columns follow unless `scrolls` is False."""
        self.chosen, self._keeps_columns = name, not scrolls
        self._highlight()

    def pan(self, columns: int) -> None:
        """Move the visible columns."""
        self._first = min(max(self._first + columns, 0), max(self.drawing.width - self._width, 0))
        self._keeps_columns, self._stale = True, None

    def at(self, row: int, cell: int) -> str | None:
        """Return the node at a row and a cell of the visible part; None for none."""
        return self.drawing.node_at(row, self._first + cell)

    # --- lines -------------------------------------------------------------------------------------------------------

    def title(self, width: int) -> Line:
        """Return the title: the choice and its connections, and the part of the map."""
        name, group = self.chosen, self.group
        glyph = self._glyphs.folded if len(group) > 1 else self._glyphs.service
        line = Line([(glyph, self._maker.roles.get(name, Role.PLAIN)), (safe(name), Role.TITLE)])
        line.add(f" and {counted(len(group) - 1, 'other')}" if len(group) > 1 else "", Role.TITLE)
        graph = self._maker.graph
        callers = sum(arrow.callee == name for arrow in self._pairs)
        callees = sum(arrow.caller == name for arrow in self._pairs)
        line.add(f"  {counted(callers, 'caller')}  {counted(callees, 'callee')}", Role.PLAIN)
        cycle = next((cycle for cycle in graph.cycles if name in cycle), ()) if name in graph.on_cycles else ()
        if cycle and len(group) == 1:
            arrow = f" {self._glyphs.sync_call} "
            line.add(f"  {self._glyphs.cycle} {arrow.join(map(safe, (*cycle, cycle[0])))}", Role.WARNING)
        if self._maker.changes is not None:
            before, after = self._maker.versions
            worse = sum(bool(arrow.change and arrow.change.worse) for arrow in self.part.diagram.arrows)
            line.add(f"   {counted(worse, 'call')} worse", Role.WARNING if worse else Role.DIM)
            line.add(f" from {safe(before)} to {safe(after)}", Role.DIM)
        services = sum(map(len, self.part.groups.values()))
        whole = counted(services, "service")
        if self.part.scope:
            opened = self.part.scope[-1]
            whole = f"{len(opened):,} of {len(graph.names):,} services, around {safe(opened.name)}"
        elif len(self.part.groups) < services:
            whole += f" in {len(self.part.groups):,} groups"
        line.add(f"   {whole}", Role.DIM)
        return line.cropped(width, self._glyphs.ellipsis)

    @property
    def _pairs(self) -> list[Arrow]:
        """One arrow for each pair of caller and callee."""
        return list({(arrow.caller, arrow.callee): arrow for arrow in self.part.diagram.arrows}.values())

    def heading(self, width: int) -> Line:
        """Return the legend, and signs for parts that are out of view."""
        first = self._window(width)
        more = "<" * (first > 0), ">" * (first + width < self.drawing.width)
        # apart from the legend, whose first mark is a line
        line = Line([(f"{more[0]:<2}", Role.ACCENT)])
        line.extend(legend(self.part.diagram, self._glyphs, SIZES[self.part.size].figures, self.drawing))
        return line.cropped(width - 2, self._glyphs.ellipsis).pad(width - 2).add(f" {more[1]}", Role.ACCENT)

    def line(self, row: int, width: int) -> Line:
        return self.drawing.line(row, self._window(width), width, ellipsis=self._glyphs.ellipsis)

    def _window(self, width: int) -> int:
        """Return the first visible column, so that the choice is visible."""
        self._width = width
        box = self.drawing.boxes[self.chosen]
        begin, end = box.column - _MARGIN, box.column + box.width + _MARGIN
        if self._keeps_columns:
            return self._first
        if not self._first <= begin or not end <= self._first + width:
            # scroll as little as possible, as the terminal itself moves what stays visible; else centre the choice
            near = begin if begin < self._first else end - width
            is_near = self._is_shown and abs(near - self._first) < width
            wanted = near if is_near else begin + (end - begin - width) // 2
            wanted = max(min(wanted, self.drawing.width - width), 0)
            # begin with a whole layer, so that no name is cut at the left
            layers = {box.column for box in self.drawing.boxes.values()}
            whole = [column for column in (0, *layers) if column <= box.column and end <= column + width]
            self._first = min(whole, key=lambda column: (abs(column - wanted), column), default=wanted)
        self._is_shown = True
        return self._first
