"""`tracetui analyze`: report on a trace set, as text or JSON."""

from __future__ import annotations

from typing import Annotated

import typer

from tracetui.cli import options as o
from tracetui.cli.filtered_session import open_filtered
from tracetui.cli.output import check_not_read, print_json, print_lines, say
from tracetui.render.report.json import SECTIONS, report_json
from tracetui.render.report.text import report_text

_SECTION = "Sections (default: all)"


def analyze(
    sources: o.Sources,
    *,
    selection: o.Selection,
    bottlenecks: Annotated[
        bool,
        typer.Option("--bottlenecks", help="Operations that dominate the critical path.", rich_help_panel=_SECTION),
    ] = False,
    critical_path: Annotated[
        bool, typer.Option("--critical-path", help="Critical paths of the slowest traces.", rich_help_panel=_SECTION)
    ] = False,
    errors: Annotated[
        bool, typer.Option("--errors", help="Error patterns, and where they began.", rich_help_panel=_SECTION)
    ] = False,
    dependencies: Annotated[
        bool, typer.Option("--dependencies", help="Services and the calls between them.", rich_help_panel=_SECTION)
    ] = False,
    json: o.JsonOption = False,
    save: o.Save = None,
    report: o.Report,
) -> None:
    """Report bottlenecks, errors and dependencies."""
    check_not_read(report.output, sources)
    check_not_read(save, sources)
    filters = selection.filters()
    wanted = (bottlenecks, critical_path, errors, dependencies)
    sections = [name for name, on in zip(SECTIONS, wanted, strict=True) if on] or list(SECTIONS)
    session = open_filtered(
        sources, filters, adjust_skew=report.adjust_skew, verbose=report.verbose, exact_names=selection.exact_names
    )
    if save is not None:
        from tracetui.export.save import save as save_traces

        for lost in save_traces(session.analysis.traces, save, replace=True):
            say(f"not saved: {lost}")
    if json:
        print_json(report_json(session.analysis, sections), report.output, ascii_only=report.ascii)
        return
    look = report.options(filters, session.searched)
    lines = report_text(session.analysis, sections, look)
    print_lines(lines, report.color, report.output, ascii_only=look.ascii_only)
