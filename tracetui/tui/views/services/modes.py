"""Modes of the service explorer, and the columns with their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.blast_radius import BlastRadius, blast_radius
from tracetui.analysis.call_chains import call_chains
from tracetui.analysis.edge_changes import GraphChanges
from tracetui.analysis.service_graph import ServiceGraph, Target
from tracetui.analysis.service_overview import ServiceOverview, overview
from tracetui.analysis.service_questions import (
    SharedDependency,
    caller_difference,
    calls_on_shortest_paths,
    find_services,
    neighbours,
    shared_dependencies,
)
from tracetui.analysis.service_table import ServiceTable
from tracetui.render.graph.diagram import (
    Diagram,
    callers_diagram,
    calls_diagram,
    changes_diagram,
    effect_diagram,
    path_diagram,
    shared_diagram,
)
from tracetui.render.services.explorer import Explorer, ExplorerColumn
from tracetui.render.services.table import ServiceListColumns, p95_or_range
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import service_name
from tracetui.tui.widgets.choice import Option

MAX_DRAWN = 40
"""Largest number of services in the drawing of the explorer; the map shows more."""
AROUND, SLOW, FAILS, PATH, SHARED, DIFFERENCE = "around", "slow", "fails", "path", "shared", "difference"


@dataclass(frozen=True, slots=True)
class Mode:
    """Mode of the explorer: its kind, the other services, and the number of hops shown."""

    what: str = AROUND
    others: tuple[str, ...] = ()
    hops: int = 1
    operation: str = ""
    """Operation of the service in focus; '' for the whole service."""


@dataclass(frozen=True, slots=True)
class ShownChanges:
    """Changes of calls between two sets, whose names are given, and the graph of the later one."""

    graph: ServiceGraph
    changes: GraphChanges
    names: tuple[str, str]

    def diagram(self, focus: str, names: set[str]) -> Diagram:
        """Build the diagram of services with the changes, and of calls to and from the focus that are gone."""
        gone = [key[:2] for key, change in self.changes.edges.items() if change.is_gone and focus in key[:2]]
        return changes_diagram(self.graph, sorted(names.union(*gone)), self.changes, focus=[focus])


@dataclass(frozen=True, slots=True)
class ModeColumns:
    """Columns of the explorer; one of them may take the whole width."""

    left: ExplorerColumn
    right: ExplorerColumn | None = None
    blast: BlastRadius | None = None
    about: ServiceOverview | None = None
    """Operation in focus."""
    diagram: Diagram | None = None
    """Services concerned, to be drawn; None for too many."""

    def impacts(self, fails: bool) -> dict[str, float]:
        """Compute the effect on each service relative to the most affected one; services only exposed are omitted."""
        found = self.blast.services if self.blast is not None else ()
        of = {
            one.service: one.impact.failing if fails else one.impact.latency for one in found if one.impact.exposure > 0
        }
        most = max(of.values(), default=0.0)
        return {name: strength / most for name, strength in of.items() if strength > 0}


def mode_columns(
    columns: ServiceListColumns,
    analysis: Analysis,
    mode: Mode,
    focus: str,
    glyphs: Glyphs,
    changes: ShownChanges | None = None,
) -> ModeColumns:
    """Compute the columns of a mode. Slow, except for neighbours. changes: those of the neighbours' calls"""
    graph, target = columns.table.graph, Target(focus, mode.operation)
    explorer = Explorer(columns.role, columns.names, glyphs, changes.changes.edges if changes is not None else None)
    if mode.what in (SLOW, FAILS):
        found = blast_radius(graph, analysis.paths, target)
        fails = mode.what == FAILS
        return ModeColumns(
            explorer.impacts(found, failing=fails),
            explorer.entries(found, failing=fails),
            found,
            diagram=_if_few(effect_diagram(graph, found, failing=fails)),
        )
    if mode.what == PATH:
        end = Target(mode.others[0])
        chains = call_chains(graph, target, end)
        back = None if chains.observed else call_chains(graph, end, target)
        reverse = back if back is not None and back.observed else None
        drawn_chains = reverse if reverse is not None and not chains.possible else chains
        path = path_diagram(graph, drawn_chains, {focus, mode.others[0]})
        return ModeColumns(explorer.chains(chains, reverse), diagram=_if_few(path))
    if mode.what == SHARED:
        names = (focus, *mode.others)
        shared = shared_dependencies(graph, names)
        diagram = _shared_diagram(graph, names, shared)
        return ModeColumns(explorer.shared(names, shared), diagram=diagram)
    if mode.what == DIFFERENCE:
        other = mode.others[0]
        callers = caller_difference(graph, focus, other)
        diagram = _if_few(callers_diagram(graph, focus, other, callers))
        return ModeColumns(explorer.difference(focus, other, callers), diagram=diagram)
    columns_of, drawn = [], {focus}
    for upstream in (True, False):
        every = neighbours(graph, target, upstream=upstream)
        shown = [one for one in every if one.distance.hops <= mode.hops]
        drawn.update(one.service for one in shown)
        further = len(every) - len(shown)
        columns_of.append(explorer.neighbours(target, shown, upstream=upstream, further=further))
    left, right = columns_of
    calls = None
    if len(drawn) <= MAX_DRAWN:
        calls = changes.diagram(focus, drawn) if changes is not None else calls_diagram(graph, drawn, focus=[focus])
    return ModeColumns(left, right, about=overview(graph, target) if mode.operation else None, diagram=calls)


def _shared_diagram(graph: ServiceGraph, names: Sequence[str], found: Sequence[SharedDependency]) -> Diagram | None:
    """Build the diagram of the paths to all shared dependencies, or to the nearest if there are many."""
    for hops in (max((max(one.hops) for one in found), default=0), 2, 1):
        ends = [one.service for one in found if max(one.hops) <= hops]
        pairs = {pair for name in names for pair in calls_on_shortest_paths(graph, name, ends)}
        diagram = _if_few(shared_diagram(graph, names, pairs))
        if diagram is not None:
            return diagram
    return None


def _if_few(diagram: Diagram) -> Diagram | None:
    """Return a diagram that is worth drawing; None if it has too many services, or no calls."""
    return diagram if diagram.arrows and len(diagram.nodes) <= MAX_DRAWN else None


def title(
    columns: ServiceListColumns, mode: Mode, focus: str, found: ModeColumns | None, width: int, glyphs: Glyphs
) -> Line:
    """Return the title of the columns; `found` is None until it is computed."""
    table = columns.table
    figures = table.services[table.number[focus]]
    room, role = max(width // 2, 8), columns.role(focus)
    line = service_name(focus, role, room, glyphs, figures.inferred, operation=mode.operation, pad=False)
    if figures.peer_type:
        line.add(f"  {figures.peer_type}", Role.DIM)
    if mode.what in (SLOW, FAILS):
        return _impact_title(line, mode, found.blast if found else None, glyphs)
    if mode.what == PATH:
        return line.add(f" {glyphs.sync_call} {safe(mode.others[0])}", Role.STRONG)
    if mode.what == SHARED:
        return line.add(" and " + ", ".join(map(safe, mode.others)) + ": shared dependencies", Role.STRONG)
    if mode.what == DIFFERENCE:
        return line.add(f" and {safe(mode.others[0])}: callers compared", Role.STRONG)
    share, calls, errors = table.criticality[focus].trace_share, figures.call_count, figures.error_rate
    if mode.operation:
        if found is None or found.about is None:
            return line.add(f"  computing{glyphs.ellipsis}", Role.DIM)
        operations = found.about.operations
        share, calls = found.about.trace_share, sum(one.call_count for one in operations)
        errors = 100 * sum(one.error_count for one in operations) / calls if calls else 0.0
    line.add(f"  in {numbers.percent(share)} of the traces, {numbers.counted(calls, 'call')}", Role.DIM)
    if errors:
        line.add(f"  {glyphs.origin} {numbers.percent(errors)}", Role.ERROR)
    own_cycle = next((cycle for cycle in table.cycles if focus in cycle), None)
    if own_cycle is not None:
        line.add(f"  {glyphs.warning} {cycle_text(own_cycle, table.graph, glyphs)}", Role.WARNING)
    return line.add(f"  to {mode.hops} hops", Role.ACCENT) if mode.hops > 1 else line


def add_figures(line: Line, table: ServiceTable, focus: str, glyphs: Glyphs) -> Line:
    """Add the figures of a service that the ranking leaves out."""
    figures, part = table.services[table.number[focus]], table.criticality[focus]
    if figures.latency.p50_ns is not None:
        line.add(f"  p50 {numbers.duration(round(figures.latency.p50_ns), glyphs.ascii_only)}", Role.DIM)
    self_calls = table.self_calls(focus)
    if self_calls:
        line.add(f"  calls itself {numbers.counted(self_calls, 'time')}", Role.DIM)
    if part.betweenness:
        line.add(f"  on {numbers.whole_percent(100 * part.betweenness)} of paths between others", Role.DIM)
    if part.single_point:
        line.add(f"  {glyphs.warning} single point of failure", Role.DIM)
    return line


def _impact_title(line: Line, mode: Mode, found: BlastRadius | None, glyphs: Glyphs) -> Line:
    line.add("  if it is SLOW" if mode.what == SLOW else "  if it FAILS", Role.ACCENT)
    if found is None:
        return line.add(f"  computing{glyphs.ellipsis}", Role.DIM)
    if mode.what == SLOW:
        affected = sum(one.impact.exposure > 0 for one in found.services)
        line.add(f"  {numbers.counted(affected, 'service')} affected", Role.STRONG)
    else:
        failed = sum(one.impact.failing > 0 for one in found.services)
        text = f"  {numbers.counted(failed, 'service')} had failed requests" if failed else "  no request failed"
        line.add(text, Role.ERROR if failed else Role.STRONG)
    return line.add(f"  in {numbers.percent(found.trace_share)} of the traces", Role.PLAIN)


def cycle_text(cycle: Sequence[str], graph: ServiceGraph, glyphs: Glyphs) -> str:
    """Format a call cycle."""
    text = safe(cycle[0])
    for caller, callee in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
        is_sync = any(not edge.is_async for edge in graph.edges[caller, callee])
        text += f" {glyphs.sync_call if is_sync else glyphs.async_call} {safe(callee)}"
    return text


def operations_of(graph: ServiceGraph, service: str, glyphs: Glyphs) -> list[Option]:
    """List the operations of a service as options, most called first. Slow on a large set."""
    options = []
    for one in overview(graph, Target(service)).operations:
        latency = p95_or_range(one.latency, one.call_count, glyphs)
        p95 = "" if one.latency.small_sample_range or not one.latency.count else "p95 "
        note = f"{numbers.counted(one.call_count, 'call')}, {p95}{latency}"
        failed = f", {glyphs.origin} {numbers.percent(one.error_rate)}" if one.error_count else ""
        options.append(Option(one.operation, one.operation, note + failed))
    return options


def with_attribute(graph: ServiceGraph, word: str) -> dict[str, str]:
    """Find services that match a text only in attributes, with the most frequent one. Slow on a large set."""
    first = {one.service: one.matched[0] for one in find_services(graph, word)}
    return {service: matched.value for service, matched in first.items() if matched.what == "attribute"}
