"""`tracetui show`: one trace as a text waterfall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tracetui.analysis.error_messages import error_message
from tracetui.analysis.errors import roles
from tracetui.cli import options as o
from tracetui.cli.links import trace_page
from tracetui.cli.output import is_ascii, print_lines, print_message, width_of
from tracetui.cli.trace_opening import SLOWEST, TraceOpening
from tracetui.render.text.ansi import ColourChoice
from tracetui.render.text.glyphs import glyphs_of
from tracetui.render.waterfall.document import MAX_ROWS, waterfall_text
from tracetui.render.waterfall.waterfall import MIN_REPEATS, Waterfall
from tracetui.session import LoadOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions:
    """Sources, the trace, and how to draw it."""

    sources: o.Sources
    trace: Annotated[
        str,
        typer.Option(
            "--trace",
            "-t",
            metavar="ID",
            help="Trace id, its beginning, or a header or URL with one; or slowest, newest or failed.",
        ),
    ] = SLOWEST
    everything: Annotated[bool, typer.Option("--all", help="Show every span, without folding repeats.")] = False
    max_rows: Annotated[int, typer.Option("--max-rows", metavar="N", min=1, help="Largest number of rows.")] = MAX_ROWS
    verbose: o.Verbose = False
    adjust_skew: o.AdjustSkew = False
    logs: o.Logs = None
    ascii: o.Ascii = False
    color: o.Color = ColourChoice.AUTO
    width: o.Width = None
    local_time: o.LocalTime = False


def show(selection: o.Selection, options: ShowOptions, servers: o.Servers) -> None:
    """Draw one trace as a waterfall.

    Solid bars are on the critical path, light ones off it.
    """
    opening = TraceOpening(
        options.sources,
        selection,
        LoadOptions(
            overrides=servers.overrides(),
            adjust_skew=options.adjust_skew,
            logs=options.logs or (),
            exact_names=selection.exact_names,
        ),
        verbose=options.verbose,
    )
    session, number = opening.find(options.trace)
    traces = session.analysis.traces
    for file in session.loaded.log_lines.files:
        print_message(str(file))
    glyphs = glyphs_of(is_ascii(options.ascii))
    view = Waterfall(
        traces,
        number,
        sections=session.analysis.paths.sections_of(number),
        roles=roles(traces),
        glyphs=glyphs,
        message_of=lambda span: error_message(traces, span),
        network=session.analysis.network,
        least_repeats=0 if options.everything else MIN_REPEATS,
    )
    rows = None if options.everything else options.max_rows
    lines = waterfall_text(
        view,
        width_of(options.width),
        max_rows=rows,
        local_time=options.local_time,
        log_lines=options.verbose,
        page=trace_page(session),
    )
    print_lines(lines, options.color, ascii_only=glyphs.ascii_only)
