"""`tracetui analyze`: report on a trace set, as text or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tracetui.cli import options as o
from tracetui.cli.filtered_session import open_for_report
from tracetui.cli.output import print_lines, print_message, print_pieces
from tracetui.query.trace_filters import describe
from tracetui.render.report.json import SECTIONS, report_json
from tracetui.render.report.text import report_text
from tracetui.render.text.numbers import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeOptions:
    """Sources, and parts of the report."""

    sources: o.Sources
    bottlenecks: Annotated[
        bool,
        typer.Option("--bottlenecks", help="Operations that dominate the critical path.", rich_help_panel=o.SECTIONS),
    ] = False
    critical_path: Annotated[
        bool, typer.Option("--critical-path", help="Critical paths of the slowest traces.", rich_help_panel=o.SECTIONS)
    ] = False
    errors: Annotated[
        bool, typer.Option("--errors", help="Error patterns, and where they began.", rich_help_panel=o.SECTIONS)
    ] = False
    dependencies: Annotated[
        bool, typer.Option("--dependencies", help="Services and the calls between them.", rich_help_panel=o.SECTIONS)
    ] = False
    json: o.JsonOption = False
    save: o.Save = None


def analyze(options: AnalyzeOptions, selection: o.Selection, report: o.Report, servers: o.Servers) -> None:
    """Report bottlenecks, errors and dependencies."""
    sources, save = options.sources, options.save
    filters = selection.filters()
    wanted = (options.bottlenecks, options.critical_path, options.errors, options.dependencies)
    sections = [name for name, on in zip(SECTIONS, wanted, strict=True) if on] or list(SECTIONS)
    session = open_for_report(sources, filters, selection, report, servers)
    # of servers, wider windows are suggested instead
    has_all = bool(session.loaded.trace_count) and not session.reports
    if filters.query is not None and has_all and not session.analysis.traces.trace_count:
        print_message(f"none of {counted(session.loaded.trace_count, 'trace')} matches {describe(filters)}")
    if save is not None:
        from tracetui.export.save import save as save_traces

        for lost in save_traces(session.analysis.traces, save, replace=True):
            print_message(f"not saved: {lost}")
    if options.json:
        pieces = report_json(session.analysis, sections)
        print_pieces(pieces, report.output, is_json=True, ascii_only=report.ascii)
        return
    look = report.options(filters, session)
    lines = report_text(session.analysis, sections, look)
    print_lines(lines, report.color, report.output, ascii_only=look.ascii_only)
