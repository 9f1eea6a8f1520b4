"""Questions of `tracetui graph`, each with its answer as text, JSON and diagram."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from tracetui.analysis.analysis import Analysis
from tracetui.cli.output import print_message
from tracetui.model.errors import UsageError
from tracetui.model.peers import PeerType
from tracetui.render.text.line import Line

if TYPE_CHECKING:
    # networkx is imported only by a query
    from tracetui.analysis.edge_changes import GraphChanges
    from tracetui.analysis.service_graph import Target
    from tracetui.render.graph.diagram import Diagram
    from tracetui.render.graph.text_blocks import GraphPage

HOPS = 2
_MIN_WORD = 3
"""Shortest word of a phrase that is searched for on its own."""


class NameKind(StrEnum):
    """Kinds of names in a question."""

    SERVICE = "a service or inferred peer"
    OPERATION = "a service, an inferred peer or service:operation"
    CALL = 'a service, an inferred peer, service:operation or "caller -> callee"'
    WORD = "a word"


@dataclass(frozen=True, slots=True)
class GraphAnswer:
    """Answer to a question in all formats, computed on demand."""

    text: Callable[[GraphPage], Iterator[Line]]
    json: Callable[[], dict[str, Any]]
    diagram: Callable[[], Diagram]


@dataclass(frozen=True, slots=True)
class GraphQuestion:
    """Question: form, description and number of names. `most` is None for no limit."""

    form: str
    what: str
    kind: NameKind
    least: int
    most: int | None
    answer: Callable[[Analysis, Sequence[Target]], GraphAnswer]


def map_graph(
    analysis: Analysis, targets: Sequence[Target], hops: int = HOPS, changes: GraphChanges | None = None
) -> GraphAnswer:
    from tracetui.render.graph.diagram import calls_diagram, changes_diagram
    from tracetui.render.graph.json import map_json
    from tracetui.render.graph.text import map_text

    graph = analysis.graph
    focus = [target.service for target in targets]
    names = graph.within(focus[0], hops) if focus else set(graph.names)
    if changes is None:
        diagram = calls_diagram(graph, names, focus=focus)
    else:
        before = changes.before
        if not focus:
            names |= set(before.names)
        elif focus[0] in before.figures:
            names |= before.within(focus[0], hops)
        diagram = changes_diagram(graph, names, changes, focus=focus)
    return GraphAnswer(
        text=lambda page: map_text(page, diagram, *((focus[0], hops) if focus else ())),
        json=lambda: map_json(diagram),
        diagram=lambda: diagram,
    )


def _overview(analysis: Analysis, targets: Sequence[Target]) -> GraphAnswer:
    from tracetui.analysis.service_overview import overview
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import overview_json
    from tracetui.render.graph.text import overview_text

    found = overview(analysis.graph, targets[0])
    names = {one.service for one in (*found.callers, *found.callees)} | {found.figures.service}
    return GraphAnswer(
        text=lambda page: overview_text(page, found),
        json=lambda: overview_json(found),
        diagram=lambda: calls_diagram(analysis.graph, names, focus=[found.figures.service]),
    )


def _services(analysis: Analysis, _: Sequence[Target]) -> GraphAnswer:
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import services_json
    from tracetui.render.graph.text import services_text

    graph = analysis.graph
    ranked = sorted(
        graph.figures.values(), key=lambda one: (-sum(graph.direct_counts(one.service)), -one.call_count, one.service)
    )
    return GraphAnswer(
        text=lambda page: services_text(page, ranked),
        json=lambda: services_json(graph, ranked),
        diagram=lambda: calls_diagram(graph, graph.names),
    )


def _neighbours(analysis: Analysis, targets: Sequence[Target], *, upstream: bool) -> GraphAnswer:
    from tracetui.analysis.service_questions import neighbours
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import neighbours_json
    from tracetui.render.graph.text import neighbours_text

    (target,) = targets
    found = neighbours(analysis.graph, target, upstream=upstream)
    names = {target.service, *(one.service for one in found)}
    return GraphAnswer(
        text=lambda page: neighbours_text(page, target, found, upstream=upstream),
        json=lambda: neighbours_json(target, found),
        diagram=lambda: calls_diagram(analysis.graph, names, focus=[target.service]),
    )


def _blast_radius(analysis: Analysis, targets: Sequence[Target]) -> GraphAnswer:
    from tracetui.analysis.blast_radius import blast_radius
    from tracetui.render.graph.diagram import blast_radius_diagram
    from tracetui.render.graph.impact_text import blast_radius_text
    from tracetui.render.graph.json import blast_radius_json

    found = blast_radius(analysis.graph, analysis.paths, targets[0])
    return GraphAnswer(
        text=lambda page: blast_radius_text(page, found),
        json=lambda: blast_radius_json(found),
        diagram=lambda: blast_radius_diagram(analysis.graph, found),
    )


def _path(analysis: Analysis, targets: Sequence[Target]) -> GraphAnswer:
    from tracetui.analysis.call_chains import call_chains
    from tracetui.render.graph.diagram import path_diagram
    from tracetui.render.graph.impact_text import path_text
    from tracetui.render.graph.json import path_json

    begin, end = targets
    found = call_chains(analysis.graph, begin, end)
    reverse = begin.service in analysis.graph.callees(end.service)
    return GraphAnswer(
        text=lambda page: path_text(page, found, reverse),
        json=lambda: path_json(found),
        diagram=lambda: path_diagram(analysis.graph, found, {begin.service, end.service}),
    )


def _shared(analysis: Analysis, targets: Sequence[Target]) -> GraphAnswer:
    from tracetui.analysis.service_questions import shared_dependencies
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.impact_text import shared_text
    from tracetui.render.graph.json import shared_json

    graph = analysis.graph
    names = list(dict.fromkeys(target.service for target in targets))
    found = shared_dependencies(graph, names)

    def between() -> set[str]:
        """List the services on the way to the shared dependencies."""
        reached = graph.around(names, upstream=False)
        shared = graph.around([one.service for one in found], upstream=True)
        return set(names) | reached & shared

    return GraphAnswer(
        text=lambda page: shared_text(page, names, found),
        json=lambda: shared_json(names, found),
        diagram=lambda: calls_diagram(graph, between(), focus=names),
    )


def _diff_callers(analysis: Analysis, targets: Sequence[Target]) -> GraphAnswer:
    from tracetui.analysis.service_questions import caller_difference
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.impact_text import diff_callers_text
    from tracetui.render.graph.json import diff_callers_json

    graph = analysis.graph
    a, b = (target.service for target in targets)
    found = caller_difference(graph, a, b)
    return GraphAnswer(
        text=lambda page: diff_callers_text(page, a, b, found),
        json=lambda: diff_callers_json(a, b, found),
        diagram=lambda: calls_diagram(graph, {a, b, *graph.callers(a), *graph.callers(b)}, focus=[a, b]),
    )


def _critical(analysis: Analysis, targets: Sequence[Target]) -> GraphAnswer:
    from tracetui.render.graph.diagram import critical_diagram
    from tracetui.render.graph.impact_text import critical_text
    from tracetui.render.graph.json import critical_json

    names = {target.service for target in targets}
    found = [one for one in analysis.ranking.services if not names or one.service in names]
    left_out = analysis.ranking.left_out
    return GraphAnswer(
        text=lambda page: critical_text(page, found, bool(names), left_out),
        json=lambda: critical_json(found, left_out),
        diagram=lambda: critical_diagram(analysis.graph, found),
    )


def _find(analysis: Analysis, targets: Sequence[Target]) -> GraphAnswer:
    from tracetui.analysis.service_questions import find_services
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import find_json
    from tracetui.render.graph.text import find_text

    word = targets[0].service.strip()
    if not word:
        raise UsageError("find: empty search word")
    found = find_services(analysis.graph, word)
    for part in _parts(word) if not found else ():
        # without a match for the phrase, try its words, also in the singular
        found = find_services(analysis.graph, part)
        if found:
            print_message(f"no match for {word!r}; showing {part!r}")
            word = part
            break
    return GraphAnswer(
        text=lambda page: find_text(page, word, found),
        json=lambda: find_json(word, found),
        diagram=lambda: calls_diagram(analysis.graph, {one.service for one in found}),
    )


def _peers(analysis: Analysis, targets: Sequence[Target], type_: PeerType) -> GraphAnswer:
    from tracetui.analysis.service_questions import peers_of_type
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import peers_json
    from tracetui.render.graph.text import peers_text

    graph = analysis.graph
    service = targets[0].service if targets else None
    found = peers_of_type(graph, type_, service)
    names = {one.service for one in found}
    focus = {service} if service else set()
    among = {*names, *focus} if service else names.union(*(one.callers for one in found))
    if service:
        # services on the paths to indirect peers
        among |= graph.around([service], upstream=False) & graph.around(names, upstream=True)
    return GraphAnswer(
        text=lambda page: peers_text(page, type_, service, found),
        json=lambda: peers_json(type_, service, found),
        diagram=lambda: calls_diagram(graph, among, focus=sorted(focus)),
    )


def _parts(phrase: str) -> list[str]:
    words = [word for word in re.split(r"[^\w]+", phrase) if len(word) >= _MIN_WORD]
    return [part for word in words for part in dict.fromkeys((word, word.removesuffix("s"))) if part != phrase]


QUESTIONS = {
    "overview": GraphQuestion("overview S", "S and everything connected to it", NameKind.SERVICE, 1, 1, _overview),
    "map": GraphQuestion("map [S]", "drawing of all services, or of those around S", NameKind.SERVICE, 0, 1, map_graph),
    "services": GraphQuestion(
        "services", "all services, most connected first, and cycles", NameKind.SERVICE, 0, 0, _services
    ),
    "callers": GraphQuestion(
        "callers S", "direct and indirect callers of S", NameKind.OPERATION, 1, 1, partial(_neighbours, upstream=True)
    ),
    "callees": GraphQuestion(
        "callees S",
        "direct and indirect dependencies of S",
        NameKind.OPERATION,
        1,
        1,
        partial(_neighbours, upstream=False),
    ),
    "blast-radius": GraphQuestion(
        "blast-radius S",
        "affected services and entry points; S may be 'A -> B'",
        NameKind.CALL,
        1,
        1,
        _blast_radius,
    ),
    "path": GraphQuestion("path A B", "call chains from A to B", NameKind.OPERATION, 2, 2, _path),
    "shared": GraphQuestion(
        "shared A B [C...]", "dependencies that all of them share", NameKind.SERVICE, 2, None, _shared
    ),
    "diff-callers": GraphQuestion(
        "diff-callers A B", "callers of A, of B and of both", NameKind.SERVICE, 2, 2, _diff_callers
    ),
    "critical": GraphQuestion("critical [S...]", "most critical services", NameKind.SERVICE, 0, None, _critical),
    "databases": GraphQuestion(
        "databases [S]",
        "databases that S depends on, or all",
        NameKind.SERVICE,
        0,
        1,
        partial(_peers, type_=PeerType.DATABASE),
    ),
    "caches": GraphQuestion(
        "caches [S]", "caches that S depends on, or all", NameKind.SERVICE, 0, 1, partial(_peers, type_=PeerType.CACHE)
    ),
    "queues": GraphQuestion(
        "queues [S]", "queues that S depends on, or all", NameKind.SERVICE, 0, 1, partial(_peers, type_=PeerType.QUEUE)
    ),
    "external": GraphQuestion(
        "external [S]",
        "external systems that S depends on, or all",
        NameKind.SERVICE,
        0,
        1,
        partial(_peers, type_=PeerType.EXTERNAL),
    ),
    "find": GraphQuestion("find WORD", "services that match a word, or peers of a type", NameKind.WORD, 1, 1, _find),
}
