"""What the services view can be asked about the service in focus, and the columns that answer."""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.analysis.blast_radius import BlastRadius, blast_radius
from tracetui.analysis.chains import call_chains
from tracetui.analysis.findings import Findings
from tracetui.analysis.service_graph import Target
from tracetui.analysis.service_questions import caller_difference, neighbours, shared_dependencies
from tracetui.render import numbers
from tracetui.render.explorer import Column, Explorer
from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks
from tracetui.render.safe_text import safe
from tracetui.render.service_list import ServiceTable, service_name

AROUND, SLOW, FAILS, PATH, SHARED, DIFFERENCE = "around", "slow", "fails", "path", "shared", "difference"


@dataclass(frozen=True, slots=True)
class Mode:
    """A question, the other services in it, and how far neighbours are shown."""

    what: str = AROUND
    others: tuple[str, ...] = ()
    hops: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns of the explorer; one of them may take the whole width."""

    left: Column
    right: Column | None = None
    blast: BlastRadius | None = None


def answer(table: ServiceTable, findings: Findings, mode: Mode, focus: str, marks: Marks) -> Answer:
    """Answer a question about a service. Takes a while on a large set, but for its neighbours."""
    graph, explorer, target = table.graph, Explorer(table.role, marks), Target(focus)
    if mode.what in (SLOW, FAILS):
        found = blast_radius(graph, findings.paths, target)
        fails = mode.what == FAILS
        return Answer(explorer.hits(found, failing=fails), explorer.entries(found, failing=fails), found)
    if mode.what == PATH:
        return Answer(explorer.chains(call_chains(graph, target, Target(mode.others[0]))))
    if mode.what == SHARED:
        names = (focus, *mode.others)
        return Answer(explorer.shared(names, shared_dependencies(graph, names)))
    if mode.what == DIFFERENCE:
        other = mode.others[0]
        return Answer(explorer.difference(focus, other, caller_difference(graph, focus, other)))
    up, down = (
        [one for one in neighbours(graph, target, upstream=upstream) if one.distance.hops <= mode.hops]
        for upstream in (True, False)
    )
    return Answer(explorer.neighbours(focus, up, upstream=True), explorer.neighbours(focus, down, upstream=False))


def title(table: ServiceTable, mode: Mode, focus: str, found: BlastRadius | None, width: int, marks: Marks) -> Line:
    """What the columns are about, in one line."""
    figures = table.services[table.number[focus]]
    line = service_name(focus, table.role(focus), max(width // 2, 8), marks, figures.inferred, pad=False)
    if mode.what in (SLOW, FAILS):
        line.add("  if it is SLOW" if mode.what == SLOW else "  if it FAILS", Role.ACCENT)
        if found is None:
            return line.add(f"  measuring {marks.ellipsis}", Role.DIM)
        if mode.what == SLOW:
            hit = sum(one.hit.exposure > 0 for one in found.services)
            line.add(f"  {numbers.counted(hit, 'service')} hit", Role.STRONG)
        else:
            failed = sum(one.hit.failing > 0 for one in found.services)
            said = f"  {numbers.counted(failed, 'service')} failed with it"
            line.add(said, Role.ERROR if failed else Role.STRONG)
        return line.add(f"  {numbers.percent(found.trace_share)} of all traces go through it", Role.PLAIN)
    if mode.what == PATH:
        arrow = "->" if marks.ascii_only else "→"
        return line.add(f" {arrow} {safe(mode.others[0])}", Role.STRONG)
    if mode.what == SHARED:
        return line.add(" and " + ", ".join(map(safe, mode.others)), Role.STRONG)
    if mode.what == DIFFERENCE:
        return line.add(f" and {safe(mode.others[0])}: whose callers are whose", Role.STRONG)
    share = numbers.percent(table.criticality[focus].trace_share)
    line.add(f"  in {share} of the traces, {numbers.counted(figures.call_count, 'call')}", Role.DIM)
    if figures.error_count:
        line.add(f"  {marks.origin} {numbers.percent(figures.error_rate)}", Role.ERROR)
    return line.add(f"  to {mode.hops} hops", Role.ACCENT) if mode.hops > 1 else line
