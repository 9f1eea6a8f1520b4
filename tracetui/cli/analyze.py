"""`tracetui analyze`: what a set of traces has to say, as text or JSON."""

from __future__ import annotations

from typing import Annotated

import typer

from tracetui.analysis.filters import Filters, describe
from tracetui.cli import options as o
from tracetui.cli.output import is_ascii, print_bytes, print_lines, say, say_warnings, width_of
from tracetui.cli.progress import open_session
from tracetui.render.ansi import When
from tracetui.render.report_json import SECTIONS, report_json
from tracetui.render.report_text import ReportOptions, report_text

_SECTION = "Sections of the report (all by default)"


def analyze(
    sources: o.Sources,
    service: o.Service = None,
    operation: o.Operation = None,
    latency_threshold: o.LatencyThreshold = None,
    errors_only: o.ErrorsOnly = False,
    time_range: o.TimeRange = None,
    query: o.QueryText = None,
    limit: o.Limit = None,
    bottlenecks: Annotated[
        bool, typer.Option("--bottlenecks", help="Where the time goes.", rich_help_panel=_SECTION)
    ] = False,
    critical_path: Annotated[
        bool, typer.Option("--critical-path", help="What traces wait for.", rich_help_panel=_SECTION)
    ] = False,
    errors: Annotated[bool, typer.Option("--errors", help="What fails, and where.", rich_help_panel=_SECTION)] = False,
    dependencies: Annotated[
        bool, typer.Option("--dependencies", help="Who calls whom.", rich_help_panel=_SECTION)
    ] = False,
    json: o.Json = False,
    output: o.Output = None,
    verbose: o.Verbose = False,
    adjust_skew: o.AdjustSkew = False,
    ascii: o.Ascii = False,  # noqa: A002 - the option's name
    color: o.Color = When.AUTO,
    width: o.Width = None,
    local_time: o.LocalTime = False,
) -> None:
    """Report where the time goes, what fails and who calls whom in a set of traces."""
    filters = o.filters_of(service, operation, latency_threshold, errors_only, time_range, query, limit)
    wanted = (bottlenecks, critical_path, errors, dependencies)
    sections = [name for name, on in zip(SECTIONS, wanted, strict=True) if on] or list(SECTIONS)
    session = open_session(sources, adjust_skew=adjust_skew)
    say_warnings(session.loaded.load_warnings, verbose)
    for unknown in session.filter(filters):
        say(unknown)
    if json:
        print_bytes(report_json(session.findings, sections), output)
        return
    report = ReportOptions(
        width=width_of(width),
        ascii_only=is_ascii(ascii) if output is None else ascii,
        verbose=verbose,
        local_time=local_time,
        filtered="" if filters == Filters() else describe(filters),
    )
    print_lines(report_text(session.findings, sections, report), color, output)
