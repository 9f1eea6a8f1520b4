"""`tracetui graph`: queries about the service graph, as text, JSON or a diagram."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracetui.analysis.analysis import Analysis
from tracetui.cli import options as o
from tracetui.cli.filtered_session import open_filtered
from tracetui.cli.output import check_not_read, print_diagram, print_json, print_lines, print_message
from tracetui.model.errors import UsageError
from tracetui.model.peers import PeerType
from tracetui.query.errors import nearest
from tracetui.render.report.text import report_text
from tracetui.render.text.line import Line
from tracetui.session import Session

if TYPE_CHECKING:
    # networkx is imported only by a query
    from tracetui.analysis.service_graph import ServiceGraph, Target
    from tracetui.render.graph.diagram import Diagram
    from tracetui.render.graph.text import GraphText


_HOPS = 2
_LEAST_WORD = 3
"""Shortest word of a phrase that is searched for on its own."""


class GraphFormat(StrEnum):
    """Forms of diagrams."""

    TEXT = "text"
    SVG = "svg"
    DOT = "dot"
    MERMAID = "mermaid"


class _NameKind(StrEnum):
    """Kinds of names in a question."""

    SERVICE = "a service or inferred peer"
    OPERATION = "a service, an inferred peer or service:operation"
    CALL = 'a service, an inferred peer, service:operation or "caller -> callee"'
    WORD = "a word"


@dataclass(frozen=True, slots=True)
class _GraphAnswer:
    """Answer to a question in all formats, computed on demand."""

    text: Callable[[GraphText], Iterator[Line]]
    json: Callable[[], dict[str, Any]]
    diagram: Callable[[], Diagram]


@dataclass(frozen=True, slots=True)
class _GraphQuestion:
    """Question: form, description and number of names. `most` is None for no limit."""

    form: str
    what: str
    kind: _NameKind
    least: int
    most: int | None
    answer: Callable[[Analysis, Sequence[Target]], _GraphAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphOptions:
    """Source, question, and form of the answer."""

    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="File, directory, glob, server or - for standard input.", show_default=False
        ),
    ]
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="One of the questions above.", show_default=False)]
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Service, inferred peer or service:operation.", show_default=False),
    ] = None
    focus: Annotated[
        str | None,
        typer.Option("--focus", metavar="SERVICE", help="map: draw what is around this service.", show_default=False),
    ] = None
    hops: Annotated[int, typer.Option("--hops", metavar="N", min=1, help="map: calls from the service to draw.")] = (
        _HOPS
    )
    json: o.JsonOption = False
    format: Annotated[
        GraphFormat | None,
        typer.Option(
            "--format", help="Draw the graph: text, svg, dot (Graphviz) or mermaid.", rich_help_panel=o.OUTPUT
        ),
    ] = None


def graph(options: GraphOptions, selection: o.Selection, report: o.Report, servers: o.Servers) -> None:
    names, json, format_ = tuple(options.names or ()), options.json, options.format
    if options.focus is not None:
        if options.question != "map":
            raise UsageError(f"--focus is an option of map, not of {options.question}")
        names = (*names, options.focus)
    query = _question(options.question, names)
    if json and format_:
        raise UsageError(f"use either --json or --format {format_}, not both")
    check_not_read(report.output, [options.source])
    filters = selection.filters()
    session = open_filtered(
        [options.source],
        filters,
        servers.overrides(),
        adjust_skew=report.adjust_skew,
        verbose=report.verbose,
        exact_names=selection.exact_names,
    )
    look = report.options(filters, session)
    analysis = session.analysis
    if not analysis.traces.trace_count and not json and not format_:
        print_lines(report_text(analysis, (), look), report.color, report.output, ascii_only=look.ascii_only)
        return
    if options.question == "map":
        query = replace(query, answer=partial(_map, hops=options.hops))
    answer = query.answer(analysis, [_target(session, query.kind, name, look.filtered) for name in names])
    if json:
        from tracetui.render.graph.json import answer_json

        print_json(answer_json(answer.json()), report.output, ascii_only=report.ascii)
    elif format_ is GraphFormat.TEXT:
        from tracetui.render.graph.text import GraphText

        lines = GraphText(analysis, look).map(answer.diagram())
        print_lines(lines, report.color, report.output, ascii_only=look.ascii_only)
    elif format_ is GraphFormat.SVG:
        from tracetui.render.graph.service_drawing import svg

        print_diagram(svg(answer.diagram()), report.output, ascii_only=report.ascii)
    elif format_:
        from tracetui.render.graph.diagram import FORMATS

        print_diagram(FORMATS[format_](answer.diagram()), report.output, ascii_only=report.ascii)
    else:
        from tracetui.render.graph.text import GraphText

        print_lines(answer.text(GraphText(analysis, look)), report.color, report.output, ascii_only=look.ascii_only)


def _question(question: str, names: Sequence[str]) -> _GraphQuestion:
    """Find a question. Raises UsageError for an unknown one or a wrong number of names."""
    found = QUESTIONS.get(question)
    if found is None:
        near = nearest(question, sorted(QUESTIONS))
        hint = f"; did you mean {near}?" if near else ""
        raise UsageError(f"unknown question {question!r}{hint}\n{_questions()}")
    if len(names) < found.least or (found.most is not None and len(names) > found.most):
        given = f"{len(names)} names" if len(names) != 1 else "1 name"
        needs = f"a name is {found.kind}" if found.kind is not _NameKind.WORD else "put a word with blanks in quotes"
        raise UsageError(f"{question}: wrong number of names ({given}); write `{found.form}`; {needs}\n{_questions()}")
    return found


def _questions() -> str:
    width = max(len(found.form) for found in QUESTIONS.values())
    return "\n".join(["questions:", *(f"  {found.form:<{width}}  {found.what}" for found in QUESTIONS.values())])


def _target(session: Session, kind: _NameKind, name: str, filtered: str) -> Target:
    """Resolve a name in the selected traces. Raises UsageError with the nearest names."""
    from tracetui.analysis.service_graph import Target

    if kind is _NameKind.WORD:
        return Target(name)
    try:
        return _resolved(session.analysis.graph, kind, name)
    except UsageError:
        if not filtered:
            raise
        # a name that the filter excludes needs no suggestions; for an unknown one, suggest from all names
        unfiltered = _resolved(Analysis(session.loaded).graph, kind, name)
        raise UsageError(f"{unfiltered.name} is not in the selected traces: {filtered}") from None


def _resolved(graph: ServiceGraph, kind: _NameKind, name: str) -> Target:
    from tracetui.analysis.service_graph import Target

    if kind is _NameKind.SERVICE:
        return Target(graph.service(name))
    target = graph.target(name)
    if target.caller and kind is not _NameKind.CALL:
        raise UsageError(f"{target.name} is a call; this question takes {kind}")
    return target


# --- the questions ---------------------------------------------------------------------------------------------------


def _map(analysis: Analysis, targets: Sequence[Target], hops: int = _HOPS) -> _GraphAnswer:
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import map_json

    graph = analysis.graph
    focus = [target.service for target in targets]
    names = graph.within(focus[0], hops) if focus else graph.names
    diagram = calls_diagram(graph, names, focus=focus)
    return _GraphAnswer(
        text=lambda page: page.map(diagram, *((focus[0], hops) if focus else ())),
        json=lambda: map_json(diagram),
        diagram=lambda: diagram,
    )


def _overview(analysis: Analysis, targets: Sequence[Target]) -> _GraphAnswer:
    from tracetui.analysis.service_overview import overview
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import overview_json

    found = overview(analysis.graph, targets[0])
    names = {one.service for one in (*found.callers, *found.callees)} | {found.figures.service}
    return _GraphAnswer(
        text=lambda page: page.overview(found),
        json=lambda: overview_json(found),
        diagram=lambda: calls_diagram(analysis.graph, names, focus=[found.figures.service]),
    )


def _services(analysis: Analysis, _: Sequence[Target]) -> _GraphAnswer:
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import services_json

    graph = analysis.graph
    ranked = sorted(
        graph.figures.values(), key=lambda one: (-sum(graph.direct_counts(one.service)), -one.call_count, one.service)
    )
    return _GraphAnswer(
        text=lambda page: page.services(ranked),
        json=lambda: services_json(graph, ranked),
        diagram=lambda: calls_diagram(graph, graph.names),
    )


def _neighbours(analysis: Analysis, targets: Sequence[Target], *, upstream: bool) -> _GraphAnswer:
    from tracetui.analysis.service_questions import neighbours
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import neighbours_json

    (target,) = targets
    found = neighbours(analysis.graph, target, upstream=upstream)
    names = {target.service, *(one.service for one in found)}
    return _GraphAnswer(
        text=lambda page: page.neighbours(target, found, upstream=upstream),
        json=lambda: neighbours_json(target, found),
        diagram=lambda: calls_diagram(analysis.graph, names, focus=[target.service]),
    )


def _callers(analysis: Analysis, targets: Sequence[Target]) -> _GraphAnswer:
    return _neighbours(analysis, targets, upstream=True)


def _callees(analysis: Analysis, targets: Sequence[Target]) -> _GraphAnswer:
    return _neighbours(analysis, targets, upstream=False)


def _blast_radius(analysis: Analysis, targets: Sequence[Target]) -> _GraphAnswer:
    from tracetui.analysis.blast_radius import blast_radius
    from tracetui.render.graph.diagram import blast_radius_diagram
    from tracetui.render.graph.json import blast_radius_json

    found = blast_radius(analysis.graph, analysis.paths, targets[0])
    return _GraphAnswer(
        text=lambda page: page.blast_radius(found),
        json=lambda: blast_radius_json(found),
        diagram=lambda: blast_radius_diagram(analysis.graph, found),
    )


def _path(analysis: Analysis, targets: Sequence[Target]) -> _GraphAnswer:
    from tracetui.analysis.call_chains import call_chains
    from tracetui.render.graph.diagram import path_diagram
    from tracetui.render.graph.json import path_json

    begin, end = targets
    found = call_chains(analysis.graph, begin, end)
    reverse = begin.service in analysis.graph.callees(end.service)
    return _GraphAnswer(
        text=lambda page: page.path(found, reverse),
        json=lambda: path_json(found),
        diagram=lambda: path_diagram(analysis.graph, found, {begin.service, end.service}),
    )


def _shared(analysis: Analysis, targets: Sequence[Target]) -> _GraphAnswer:
    from tracetui.analysis.service_questions import shared_dependencies
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import shared_json

    graph = analysis.graph
    names = list(dict.fromkeys(target.service for target in targets))
    found = shared_dependencies(graph, names)

    def between() -> set[str]:
        """List the services on the way to the shared dependencies."""
        reached = graph.around(names, upstream=False)
        shared = graph.around([one.service for one in found], upstream=True)
        return set(names) | reached & shared

    return _GraphAnswer(
        text=lambda page: page.shared(names, found),
        json=lambda: shared_json(names, found),
        diagram=lambda: calls_diagram(graph, between(), focus=names),
    )


def _diff_callers(analysis: Analysis, targets: Sequence[Target]) -> _GraphAnswer:
    from tracetui.analysis.service_questions import caller_difference
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import diff_callers_json

    graph = analysis.graph
    a, b = (target.service for target in targets)
    found = caller_difference(graph, a, b)
    return _GraphAnswer(
        text=lambda page: page.diff_callers(a, b, found),
        json=lambda: diff_callers_json(a, b, found),
        diagram=lambda: calls_diagram(graph, {a, b, *graph.callers(a), *graph.callers(b)}, focus=[a, b]),
    )


def _critical(analysis: Analysis, targets: Sequence[Target]) -> _GraphAnswer:
    from tracetui.render.graph.diagram import critical_diagram
    from tracetui.render.graph.json import critical_json

    names = {target.service for target in targets}
    found = [one for one in analysis.ranking.services if not names or one.service in names]
    left_out = analysis.ranking.left_out
    return _GraphAnswer(
        text=lambda page: page.critical(found, bool(names), left_out),
        json=lambda: critical_json(found, left_out),
        diagram=lambda: critical_diagram(analysis.graph, found),
    )


def _find(analysis: Analysis, targets: Sequence[Target]) -> _GraphAnswer:
    from tracetui.analysis.service_questions import find_services
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import find_json

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
    return _GraphAnswer(
        text=lambda page: page.find(word, found),
        json=lambda: find_json(word, found),
        diagram=lambda: calls_diagram(analysis.graph, {one.service for one in found}),
    )


def _peers(analysis: Analysis, targets: Sequence[Target], type_: PeerType) -> _GraphAnswer:
    from tracetui.analysis.service_questions import peers_of_type
    from tracetui.render.graph.diagram import calls_diagram
    from tracetui.render.graph.json import peers_json

    graph = analysis.graph
    service = targets[0].service if targets else None
    found = peers_of_type(graph, type_, service)
    names = {one.service for one in found}
    focus = {service} if service else set()
    among = {*names, *focus} if service else names.union(*(one.callers for one in found))
    if service:
        # services on the paths to indirect peers
        among |= graph.around([service], upstream=False) & graph.around(names, upstream=True)
    return _GraphAnswer(
        text=lambda page: page.peers(type_, service, found),
        json=lambda: peers_json(type_, service, found),
        diagram=lambda: calls_diagram(graph, among, focus=sorted(focus)),
    )


def _parts(phrase: str) -> list[str]:
    words = [word for word in re.split(r"[^\w]+", phrase) if len(word) >= _LEAST_WORD]
    return [part for word in words for part in dict.fromkeys((word, word.removesuffix("s"))) if part != phrase]


QUESTIONS = {
    "overview": _GraphQuestion("overview S", "S and everything connected to it", _NameKind.SERVICE, 1, 1, _overview),
    "map": _GraphQuestion("map [S]", "drawing of all services, or of those around S", _NameKind.SERVICE, 0, 1, _map),
    "services": _GraphQuestion(
        "services", "all services, most connected first, and cycles", _NameKind.SERVICE, 0, 0, _services
    ),
    "callers": _GraphQuestion("callers S", "direct and indirect callers of S", _NameKind.OPERATION, 1, 1, _callers),
    "callees": _GraphQuestion(
        "callees S", "direct and indirect dependencies of S", _NameKind.OPERATION, 1, 1, _callees
    ),
    "blast-radius": _GraphQuestion(
        "blast-radius S",
        "affected services and entry points; S may be 'A -> B'",
        _NameKind.CALL,
        1,
        1,
        _blast_radius,
    ),
    "path": _GraphQuestion("path A B", "call chains from A to B", _NameKind.OPERATION, 2, 2, _path),
    "shared": _GraphQuestion(
        "shared A B [C...]", "dependencies that all of them share", _NameKind.SERVICE, 2, None, _shared
    ),
    "diff-callers": _GraphQuestion(
        "diff-callers A B", "callers of A, of B and of both", _NameKind.SERVICE, 2, 2, _diff_callers
    ),
    "critical": _GraphQuestion("critical [S...]", "most critical services", _NameKind.SERVICE, 0, None, _critical),
    "databases": _GraphQuestion(
        "databases [S]",
        "databases that S depends on, or all",
        _NameKind.SERVICE,
        0,
        1,
        partial(_peers, type_=PeerType.DATABASE),
    ),
    "caches": _GraphQuestion(
        "caches [S]", "caches that S depends on, or all", _NameKind.SERVICE, 0, 1, partial(_peers, type_=PeerType.CACHE)
    ),
    "queues": _GraphQuestion(
        "queues [S]", "queues that S depends on, or all", _NameKind.SERVICE, 0, 1, partial(_peers, type_=PeerType.QUEUE)
    ),
    "external": _GraphQuestion(
        "external [S]",
        "external systems that S depends on, or all",
        _NameKind.SERVICE,
        0,
        1,
        partial(_peers, type_=PeerType.EXTERNAL),
    ),
    "find": _GraphQuestion("find WORD", "services that match a word, or peers of a type", _NameKind.WORD, 1, 1, _find),
}

# one list of forms for the help and the errors
graph.__doc__ = f"Query the service graph: callers, callees, paths, blast radius.\n\n\b\nQ{_questions()[1:]}"
