"""`tracetui show`: one trace as a waterfall of text."""

from __future__ import annotations

import re
from typing import Annotated

import numpy as np
import typer

from tracetui.analysis.errors import roles
from tracetui.analysis.messages import error_message
from tracetui.cli import options as o
from tracetui.cli.output import is_ascii, marks_of, print_lines, say_warnings, width_of
from tracetui.cli.progress import open_session
from tracetui.model.problems import UsageError
from tracetui.model.search import NOTHING, Search
from tracetui.model.traces import TraceSet
from tracetui.render.ansi import When
from tracetui.render.waterfall import ALIKE_SIBLINGS, Waterfall
from tracetui.render.waterfall_text import MAX_ROWS, waterfall_text

SLOWEST, NEWEST, FAILED = "slowest", "newest", "failed"
_LISTED = 5
_WHOLE_ID = re.compile(r"[0-9a-fA-F]{16}|[0-9a-fA-F]{32}")


def show(
    sources: o.Sources,
    trace: Annotated[
        str,
        typer.Option(
            "--trace", "-t", metavar="ID", help="A trace id or the beginning of one, or slowest, newest or failed."
        ),
    ] = SLOWEST,
    everything: Annotated[bool, typer.Option("--all", help="Every span, also of long traces and repeats.")] = False,
    max_rows: Annotated[int, typer.Option("--max-rows", metavar="N", min=1, help="Rows of a long trace.")] = MAX_ROWS,
    verbose: o.Verbose = False,
    adjust_skew: o.AdjustSkew = False,
    logs: o.Logs = None,
    ascii: o.Ascii = False,  # noqa: A002 - the option's name
    color: o.Color = When.AUTO,
    width: o.Width = None,
    local_time: o.LocalTime = False,
) -> None:
    """Draw one trace as a waterfall. Solid is what the trace waited for, light what ran beside it."""
    search = Search(trace_ids=(trace,)) if _WHOLE_ID.fullmatch(trace) else NOTHING
    session = open_session(sources, search=search, adjust_skew=adjust_skew, logs=logs or ())
    say_warnings(session.loaded.load_warnings, verbose)
    traces = session.loaded
    number = find_trace(traces, trace)
    marks = marks_of(is_ascii(ascii))
    view = Waterfall(
        traces,
        number,
        sections=session.findings.paths.sections_of(number),
        roles=roles(traces),
        marks=marks,
        message_of=lambda span: error_message(traces, span),
        alike=0 if everything else ALIKE_SIBLINGS,
    )
    rows = None if everything else max_rows
    lines = waterfall_text(view, width_of(width), max_rows=rows, local_time=local_time, log_lines=verbose)
    print_lines(lines, color, ascii_only=marks.ascii_only)


def find_trace(traces: TraceSet, wanted: str) -> int:
    """The trace that a user means. UsageError if it is none or more than one."""
    exact = traces.find_trace(wanted)
    if exact is not None:
        return exact
    if wanted == SLOWEST:
        return int(np.argmax(traces.response_time))
    if wanted == NEWEST:
        return int(np.argmax(traces.trace_start))
    if wanted == FAILED:
        failed = np.flatnonzero(traces.trace_errors > 0)
        if not len(failed):
            raise UsageError("no trace failed")
        return int(failed[np.argmax(traces.trace_errors[failed])])
    begins = [t for t, text in enumerate(traces.trace_ids) if wanted and text.lower().startswith(wanted.lower())]
    if len(begins) == 1:
        return begins[0]
    if begins:
        listed = ", ".join(traces.trace_ids[t] for t in begins[:_LISTED])
        raise UsageError(
            f"{len(begins)} traces begin with {wanted}: {listed}{', ...' if len(begins) > _LISTED else ''}"
        )
    if not traces.trace_count:
        raise UsageError(f"no trace {wanted}: there are none")
    slowest = np.argsort(-traces.response_time, kind="stable")[:_LISTED].tolist()
    listed = ", ".join(traces.trace_ids[t] for t in slowest)
    raise UsageError(f"no trace {wanted}; the slowest of {traces.trace_count:,} are {listed}")
