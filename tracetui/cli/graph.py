"""`tracetui graph`: queries about the service graph, as text, JSON or a diagram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from tracetui.analysis.analysis import Analysis
from tracetui.cli import options as o
from tracetui.cli.filtered_session import check_is_loaded, open_for_report
from tracetui.cli.graph_questions import HOPS, QUESTIONS, GraphQuestion, NameKind, map_graph
from tracetui.cli.output import print_diagram, print_json, print_lines
from tracetui.ingest.servers.resolve import servers_of
from tracetui.model.errors import UsageError
from tracetui.query.errors import nearest
from tracetui.render.report.text import report_text
from tracetui.session import Session

if TYPE_CHECKING:
    # networkx is imported only by a query
    from tracetui.analysis.edge_changes import GraphChanges
    from tracetui.analysis.service_graph import ServiceGraph, Target


class GraphFormat(StrEnum):
    """Forms of diagrams."""

    TEXT = "text"
    SVG = "svg"
    DOT = "dot"
    MERMAID = "mermaid"


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
        typer.Option(
            "--focus", metavar="SERVICE", help="map: draw this service and those around it.", show_default=False
        ),
    ] = None
    hops: Annotated[int, typer.Option("--hops", metavar="N", min=1, help="map: calls from the service to draw.")] = HOPS
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline", metavar="SOURCE", help="map: show changes since these earlier traces.", show_default=False
        ),
    ] = None
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
    if options.baseline is not None and options.question != "map":
        raise UsageError(f"--baseline is an option of map, not of {options.question}")
    query = _question(options.question, names)
    if json and format_:
        raise UsageError(f"use either --json or --format {format_}, not both")
    filters = selection.filters()
    sources = [options.source] if options.baseline is None else [options.source, options.baseline]
    # the credentials of one server must not be sent to the other
    servers_of(sources)
    session, *baseline = (open_for_report([source], filters, selection, report, servers) for source in sources)
    look = report.options(filters, session)
    analysis = session.analysis
    if not analysis.traces.trace_count and not json and not format_:
        print_lines(report_text(analysis, (), look), report.color, report.output, ascii_only=look.ascii_only)
        return
    if options.question == "map":
        changes = _changes(baseline[0].analysis, analysis) if baseline else None
        query = replace(query, answer=partial(map_graph, hops=options.hops, changes=changes))
    try:
        targets = [_target(session, query.kind, name, look.filtered) for name in names]
    except UsageError:
        for name in names:
            check_is_loaded(name, session, [options.source], servers.overrides())
        raise
    answer = query.answer(analysis, targets)
    if json:
        from tracetui.render.graph.json import answer_json

        print_json(answer_json(answer.json()), report.output, ascii_only=report.ascii)
    elif format_ is GraphFormat.TEXT:
        from tracetui.render.graph.text import map_text
        from tracetui.render.graph.text_blocks import GraphPage

        lines = map_text(GraphPage(analysis, look), answer.diagram())
        print_lines(lines, report.color, report.output, ascii_only=look.ascii_only)
    elif format_ is GraphFormat.SVG:
        from tracetui.render.graph.service_drawing import svg
        from tracetui.render.text.tables import service_roles

        print_diagram(svg(answer.diagram(), service_roles(analysis.traces)), report.output, ascii_only=report.ascii)
    elif format_:
        from tracetui.render.graph.diagram import FORMATS

        print_diagram(FORMATS[format_](answer.diagram()), report.output, ascii_only=report.ascii)
    else:
        from tracetui.render.graph.text_blocks import GraphPage

        print_lines(answer.text(GraphPage(analysis, look)), report.color, report.output, ascii_only=look.ascii_only)


def _changes(before: Analysis, after: Analysis) -> GraphChanges:
    from tracetui.analysis.compare import compare
    from tracetui.analysis.edge_changes import graph_changes

    return graph_changes(compare(before, after))


def _question(question: str, names: Sequence[str]) -> GraphQuestion:
    """Find a question. Raises UsageError for an unknown one or a wrong number of names."""
    found = QUESTIONS.get(question)
    if found is None:
        near = nearest(question, sorted(QUESTIONS))
        hint = f"; did you mean {near}?" if near else ""
        raise UsageError(f"unknown question {question!r}{hint}\n{_questions()}")
    if len(names) < found.least or (found.most is not None and len(names) > found.most):
        given = f"{len(names)} names" if len(names) != 1 else "1 name"
        needs = f"a name is {found.kind}" if found.kind is not NameKind.WORD else "put a word with blanks in quotes"
        raise UsageError(f"{question}: wrong number of names ({given}); write `{found.form}`; {needs}\n{_questions()}")
    return found


def _questions() -> str:
    width = max(len(found.form) for found in QUESTIONS.values())
    return "\n".join(["questions:", *(f"  {found.form:<{width}}  {found.what}" for found in QUESTIONS.values())])


def _target(session: Session, kind: NameKind, name: str, filtered: str) -> Target:
    """Resolve a name in the selected traces. Raises UsageError with the nearest names."""
    from tracetui.analysis.service_graph import Target

    if kind is NameKind.WORD:
        return Target(name)
    try:
        return _resolved(session.analysis.graph, kind, name)
    except UsageError:
        if not filtered:
            raise
        # a name that the filter excludes needs no suggestions; for an unknown one, suggest from all names
        unfiltered = _resolved(Analysis(session.loaded).graph, kind, name)
        raise UsageError(f"{unfiltered.name} is not in the selected traces: {filtered}") from None


def _resolved(graph: ServiceGraph, kind: NameKind, name: str) -> Target:
    from tracetui.analysis.service_graph import Target

    if kind is NameKind.SERVICE:
        return Target(graph.service(name))
    target = graph.target(name)
    if target.caller and kind is not NameKind.CALL:
        raise UsageError(f"{target.name} is a call; this question takes {kind}")
    return target


# one list of forms for the help and the errors
graph.__doc__ = f"Query the service graph: callers, callees, paths, blast radius.\n\n\b\nQ{_questions()[1:]}"
