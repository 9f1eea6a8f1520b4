"""Diagrams of services and their calls for Graphviz (DOT) and Mermaid.

Names are untrusted: each is made safe and escaped, so that both languages read it as plain text. A service is a box; an
inferred peer has the shape of its type: a cylinder for a database or cache, an arrow for a queue, else a hexagon. A
synchronous call is a solid line, an asynchronous one dashed, and one of an unobserved path dotted.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from tracetui.model.peers import PeerType
from tracetui.render.text import numbers
from tracetui.render.text.safe_text import safe

if TYPE_CHECKING:
    # networkx is imported only when a graph is queried
    from tracetui.analysis.blast_radius import BlastRadius
    from tracetui.analysis.call_chains import CallChains
    from tracetui.analysis.criticality import Criticality
    from tracetui.analysis.edge_changes import EdgeChange, GraphChanges
    from tracetui.analysis.latency import Latency
    from tracetui.analysis.service_graph import ServiceGraph
    from tracetui.analysis.service_questions import CallerDifference

Pair = tuple[str, str]

_NAME_CHARACTERS = 200
_DOT_BREAK = "\\n"
_DOT_SHAPES = {
    PeerType.DATABASE: "cylinder",
    PeerType.CACHE: "cylinder",
    PeerType.QUEUE: "cds",
    PeerType.EXTERNAL: "hexagon",
}
_MERMAID_SHAPES = {
    PeerType.DATABASE: ("[(", ")]"),
    PeerType.CACHE: ("[(", ")]"),
    PeerType.QUEUE: (">", "]"),
    PeerType.EXTERNAL: ("{{", "}}"),
}
# between two letters or digits these have no special meaning in Mermaid or its Markdown
_MERMAID_PLAIN = re.compile(r"(?<=[^\W_])[-:/](?=[^\W_])|[^\W_]|(?<=[^\W_]) (?=[^\W_])")


class Effect(enum.Enum):
    """Effect of a slow or failing service on another one."""

    NONE = "none"
    SLOW = "slow"
    FAILS = "fails"
    POSSIBLE = "possible"
    """It could be affected, but was not in these traces."""


@dataclass(frozen=True, slots=True)
class DiagramNode:
    """Service in a diagram."""

    name: str
    peer_type: PeerType | None = None
    """Type of an inferred peer."""
    is_focus: bool = False
    """True for a service named in the question, which is drawn bolder."""
    note: str = ""
    """Second line, '' for none. Like an arrow's label it is trusted text of this program."""
    short_note: str = ""
    """The note for a drawing in characters."""
    effect: Effect = Effect.NONE
    is_on_cycle: bool = False
    """True for a service that calls itself through others."""
    more: int = 0
    """Number of further services that it stands for, in a group."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """Calls between two services of a diagram."""

    caller: str
    callee: str
    call_count: int
    error_rate: float = 0.0
    """In percent of the calls."""
    is_async: bool = False
    is_possible: bool = False
    """True for a step of an unobserved path."""
    latency: Latency | None = None
    """Durations of the callee."""
    network_share: float | None = None
    """Share of network time in the callers' durations, in percent; None if unknown."""
    change: EdgeChange | None = None
    """Change since another set; None for none."""

    @property
    def label(self) -> str:
        """`50 calls, 6.0 % failed`"""
        failed = f", {numbers.percent(self.error_rate)} failed" if self.error_rate else ""
        return numbers.counted(self.call_count, "call") + failed


@dataclass(frozen=True, slots=True)
class Diagram:
    """Diagram of services and calls. The ends of the arrows are among the nodes."""

    nodes: tuple[DiagramNode, ...]
    arrows: tuple[Arrow, ...]
    is_comparison: bool = False
    """True if it shows what changed since another set."""

    @property
    def without_calls_around(self) -> Diagram | None:
        """The diagram with the calls of services in focus only; None if others would be left without calls."""
        focus = {node.name for node in self.nodes if node.is_focus}
        arrows = tuple(arrow for arrow in self.arrows if focus & {arrow.caller, arrow.callee})
        touched = {name for arrow in arrows for name in (arrow.caller, arrow.callee)}
        return replace(self, arrows=arrows) if all(node.name in touched for node in self.nodes) else None


def calls_diagram(
    graph: ServiceGraph,
    names: Collection[str],
    *,
    focus: Collection[str] = (),
    notes: Mapping[str, tuple[str, str]] | None = None,
    pairs: Collection[Pair] | None = None,
    possible: Collection[Pair] = (),
) -> Diagram:
    """Build the diagram of calls among `names`: those of `pairs` (caller, callee), by default all.

    notes: note and short note by service.
    """
    among = set(names)
    if pairs is None:
        pairs = [(caller, callee) for caller, callee in graph.graph.subgraph(among).edges]
    nodes = [
        DiagramNode(
            name,
            graph.figures[name].peer_type,
            name in focus,
            *(notes or {}).get(name, ("", "")),
            is_on_cycle=name in graph.on_cycles,
        )
        for name in sorted(among)
    ]
    arrows = [
        Arrow(
            edge.caller,
            edge.callee,
            edge.call_count,
            edge.error_rate,
            edge.is_async,
            pair in possible,
            edge.latency,
            edge.network_share_percent,
        )
        for pair in sorted(pairs)
        for edge in graph.edges[pair]
    ]
    return Diagram(tuple(nodes), tuple(arrows))


def changes_diagram(
    graph: ServiceGraph, names: Collection[str], changes: GraphChanges, *, focus: Collection[str] = ()
) -> Diagram:
    """Build the diagram of calls among `names` with their changes, and of calls that are gone."""
    diagram = calls_diagram(graph, [name for name in names if name in graph.figures], focus=focus)
    gone = [key for key, change in changes.edges.items() if change.is_gone and {key[0], key[1]} <= set(names)]
    known = {node.name for node in diagram.nodes}
    former = {name for caller, callee, _ in gone for name in (caller, callee)} - known
    nodes = [*diagram.nodes, *(replace(node, note="gone", short_note="gone") for node in _former(changes, former))]
    arrows = [
        replace(arrow, change=changes.edges.get((arrow.caller, arrow.callee, arrow.is_async)))
        for arrow in diagram.arrows
    ]
    for key in gone:
        edge = next(edge for edge in changes.before.edges[key[:2]] if edge.is_async == key[2])
        arrows.append(Arrow(edge.caller, edge.callee, edge.call_count, 0.0, edge.is_async, change=changes.edges[key]))
    return Diagram(tuple(nodes), tuple(arrows), is_comparison=True)


def _former(changes: GraphChanges, names: Collection[str]) -> tuple[DiagramNode, ...]:
    return calls_diagram(changes.before, names).nodes


def blast_radius_diagram(graph: ServiceGraph, found: BlastRadius) -> Diagram:
    """Build the diagram of a blast radius, with the exposure of each service and the target's dependencies."""
    target = found.target
    focus = [name for name in (target.caller, target.service) if name]
    shares = {one.service: numbers.percent(one.impact.exposure) for one in found.services}
    notes = {name: (f"{share} exposed", share) for name, share in shares.items()}
    names = {*focus, *notes, *(name for name, _ in found.downstream)}
    return calls_diagram(graph, names, focus=focus, notes=notes)


def effect_diagram(graph: ServiceGraph, found: BlastRadius, *, failing: bool) -> Diagram:
    """Build the diagram of a target and its upstream services, each with the effect of a slow or failing target."""
    target = found.target
    focus = [name for name in (target.caller, target.service) if name]
    effects: dict[str, tuple[str, Effect]] = {}
    for one in found.services:
        share = one.impact.failing if failing else one.impact.latency
        effect = Effect.FAILS if failing else Effect.SLOW
        effects[one.service] = (numbers.percent(share), effect) if share > 0 else ("", Effect.POSSIBLE)
    diagram = calls_diagram(graph, {*focus, *effects}, focus=focus)
    nodes = [
        replace(node, short_note=note, effect=effect)
        for node in diagram.nodes
        for note, effect in [effects.get(node.name, ("", Effect.NONE))]
    ]
    return Diagram(tuple(nodes), diagram.arrows)


def path_diagram(graph: ServiceGraph, found: CallChains, focus: Collection[str]) -> Diagram:
    """Build the diagram of call chains, unobserved ones dotted."""
    observed = {pair for chain in found.observed for pair in _steps(chain.services)}
    possible = {pair for chain in found.possible for pair in _steps(chain.services)} - observed
    names = {*focus, *(name for pair in observed | possible for name in pair)}
    return calls_diagram(graph, names, focus=focus, pairs=observed | possible, possible=possible)


def _steps(services: tuple[str, ...]) -> Iterator[Pair]:
    # calls of a service to itself get no arrow
    return (pair for pair in pairwise(services) if pair[0] != pair[1])


def shared_diagram(graph: ServiceGraph, names: Collection[str], pairs: Collection[Pair]) -> Diagram:
    """Build the diagram of services and the calls on their paths to shared dependencies. pairs: (caller, callee)"""
    return calls_diagram(graph, {*names, *(name for pair in pairs for name in pair)}, focus=names, pairs=pairs)


def callers_diagram(graph: ServiceGraph, a: str, b: str, found: CallerDifference) -> Diagram:
    """Build the diagram of two services and their direct callers."""
    pairs = {(caller, a) for caller in (*found.only_a, *found.both)}
    pairs |= {(caller, b) for caller in (*found.only_b, *found.both)}
    return shared_diagram(graph, (a, b), pairs)


def critical_diagram(graph: ServiceGraph, found: Iterable[Criticality]) -> Diagram:
    """Build the diagram of services with rank and share of traces; single points of failure bolder."""
    ranked = list(found)
    notes = {
        one.service: (f"rank {one.rank}, in {(share := numbers.percent(one.trace_share))} of traces", share)
        for one in ranked
    }
    return calls_diagram(graph, notes, focus={one.service for one in ranked if one.single_point}, notes=notes)


def dot(diagram: Diagram) -> str:
    """Return the diagram as Graphviz DOT."""
    lines = ["digraph tracetui {", "  rankdir=LR;", "  node [shape=box];"]
    for name, node in _numbered(diagram).items():
        attributes = [f'label="{dot_text(node.name)}{_under(_DOT_BREAK, node)}"']
        attributes += [f"shape={_DOT_SHAPES[node.peer_type]}"] if node.peer_type else []
        attributes += ["penwidth=3"] if node.is_focus else []
        lines.append(f"  {name} [{', '.join(attributes)}];")
    for caller, callee, arrow in _arrows(diagram):
        attributes = [f'label="{_label(arrow)}"']
        attributes += ["style=dotted"] if arrow.is_possible else ["style=dashed"] if arrow.is_async else []
        lines.append(f"  {caller} -> {callee} [{', '.join(attributes)}];")
    return "\n".join([*lines, "}", ""])


def dot_text(text: str) -> str:
    """Escape untrusted text for a quoted DOT string."""
    # Graphviz interprets backslashes and entities in labels even within quotes
    return safe(text, _NAME_CHARACTERS).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def mermaid(diagram: Diagram) -> str:
    """Return the diagram as Mermaid."""
    lines = ["flowchart LR"]
    for name, node in _numbered(diagram).items():
        opening, closing = _MERMAID_SHAPES[node.peer_type] if node.peer_type else ("[", "]")
        focus = ":::focus" if node.is_focus else ""
        lines.append(f'  {name}{opening}"{mermaid_text(node.name)}{_under("<br/>", node)}"{closing}{focus}')
    for caller, callee, arrow in _arrows(diagram):
        line = "-.-o" if arrow.is_possible else "-.->" if arrow.is_async else "-->"
        lines.append(f'  {caller} {line}|"{_label(arrow)}"| {callee}')
    if any(node.is_focus for node in diagram.nodes):
        lines.append("  classDef focus stroke-width:3px")
    return "\n".join([*lines, ""])


def mermaid_text(text: str) -> str:
    """Escape untrusted text for a quoted Mermaid string."""
    shown = safe(text, _NAME_CHARACTERS)
    plain = {match.start() for match in _MERMAID_PLAIN.finditer(shown)}
    # as code points, quotes, directives, HTML and Markdown are plain text; an empty string is a syntax error
    return "".join(letter if at in plain else f"#{ord(letter)};" for at, letter in enumerate(shown)) or "#32;"


def _under(line_break: str, node: DiagramNode) -> str:
    return line_break + node.note if node.note else ""


def _label(arrow: Arrow) -> str:
    # also in words, as dotted and dashed lines look similar
    label = f"possible, {arrow.label}" if arrow.is_possible else arrow.label
    return f"{label}, {change_text(arrow.change)}" if arrow.change is not None else label


def change_text(change: EdgeChange, worse: str = "worse: ", better: str = "better: ") -> str:
    """Return `worse: errors p95`, `new` or `gone`."""
    parts = [worse + " ".join(change.worse)] if change.worse else []
    parts += [better + " ".join(change.better)] if change.better else []
    return " ".join(parts) or ("new" if change.is_new else "gone" if change.is_gone else "")


def _numbered(diagram: Diagram) -> dict[str, DiagramNode]:
    return {f"n{number}": node for number, node in enumerate(diagram.nodes)}


def _arrows(diagram: Diagram) -> Iterator[tuple[str, str, Arrow]]:
    ids = {node.name: name for name, node in _numbered(diagram).items()}
    return ((ids[arrow.caller], ids[arrow.callee], arrow) for arrow in diagram.arrows)


FORMATS: dict[str, Callable[[Diagram], str]] = {"dot": dot, "mermaid": mermaid}
