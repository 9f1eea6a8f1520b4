"""`tracetui show`: one trace as a text waterfall."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import typer

from tracetui.analysis.error_messages import error_message
from tracetui.analysis.errors import roles
from tracetui.analysis.requests import failed_requests
from tracetui.cli import options as o
from tracetui.cli.filtered_session import open_filtered
from tracetui.cli.output import is_ascii, print_lines, print_message, print_warnings, width_of
from tracetui.cli.progress import open_session
from tracetui.config import Overrides
from tracetui.ingest.servers.resolve import parse_sources
from tracetui.model.errors import UsageError
from tracetui.model.search import NOTHING, Search, combined
from tracetui.model.trace_reference import trace_ids_in
from tracetui.model.traces import TraceSet
from tracetui.query.filters import search_of
from tracetui.render.text.ansi import ColourChoice
from tracetui.render.text.glyphs import glyphs_of
from tracetui.render.text.numbers import counted
from tracetui.render.waterfall.document import MAX_ROWS, waterfall_text
from tracetui.render.waterfall.waterfall import LEAST_REPEATS, Waterfall
from tracetui.session import Session

SLOWEST, NEWEST, FAILED = "slowest", "newest", "failed"
_MICROSECOND = 1_000
_LISTED = 5
_MOST_SEARCHES = 5
"""Most searches for traces slower than the slowest found."""


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
    trace = options.trace
    pasted = trace_ids_in(trace) or (parse_sources(options.sources).trace_ids if trace == SLOWEST else ())
    trace = pasted[0] if pasted else trace
    opening = _Opening(options, selection, servers.overrides())
    if pasted:
        session = opening.by_id(trace)
    elif trace == SLOWEST:
        session = opening.slowest()
    else:
        # keep the other traces, as percentiles compare the trace with its peers
        session = opening.filtered(Search(failed=True) if trace == FAILED else NOTHING)
    traces = session.analysis.traces
    for file in session.loaded.log_lines.files:
        print_message(str(file))
    try:
        number = find_trace(traces, trace)
    except UsageError as error:
        if not session.searched or trace == NEWEST:
            raise
        hint = "servers need the full id of 16 or 32 digits"
        hint = "raise --limit to search more" if trace in (SLOWEST, FAILED) else hint
        raise UsageError(f"{error} among {session.searched}: {hint}") from None
    glyphs = glyphs_of(is_ascii(options.ascii))
    view = Waterfall(
        traces,
        number,
        sections=session.analysis.paths.sections_of(number),
        roles=roles(traces),
        glyphs=glyphs,
        message_of=lambda span: error_message(traces, span),
        least_repeats=0 if options.everything else LEAST_REPEATS,
    )
    rows = None if options.everything else options.max_rows
    lines = waterfall_text(
        view, width_of(options.width), max_rows=rows, local_time=options.local_time, log_lines=options.verbose
    )
    print_lines(lines, options.color, ascii_only=glyphs.ascii_only)


@dataclass(frozen=True, slots=True)
class _Opening:
    """Sources, and the options for loading them."""

    options: ShowOptions
    selection: o.Selection
    overrides: Overrides

    def by_id(self, trace_id: str) -> Session:
        return self._searched(Search(trace_ids=(trace_id,)))

    def filtered(self, more: Search = NOTHING) -> Session:
        return open_filtered(
            self.options.sources,
            self.selection.filters(),
            self.overrides,
            adjust_skew=self.options.adjust_skew,
            verbose=self.options.verbose,
            exact_names=self.selection.exact_names,
            logs=self.options.logs or (),
            more=more,
        )

    def slowest(self) -> Session:
        """Search servers for ever slower traces until none is found."""
        session = self.filtered()
        for _ in range(_MOST_SEARCHES):
            traces = session.analysis.traces
            if not session.searched or not traces.trace_count:
                break
            slowest = int(traces.response_time.max())
            slower = self._slower(slowest)
            found = slower.analysis.traces
            if not found.trace_count or int(found.response_time.max()) <= slowest:
                break
            session = slower
        return session

    def _slower(self, than_ns: int) -> Session:
        """Search servers for traces slower than `than_ns`; the set may be empty."""
        filters = self.selection.filters()
        search, _ = search_of(filters, exact_names=self.selection.exact_names)
        # servers that store microseconds truncate it: a search within the same microsecond finds `than_ns` again
        least = (than_ns // _MICROSECOND + 1) * _MICROSECOND
        # a slower trace has a span of that length, but perhaps not one that matches the filters
        is_any = not (search.service or search.operation or filters.query)
        more = Search(least_ns=least) if is_any else Search(slower_ns=least - 1)
        session = self._searched(combined(search, more))
        session.filter(replace(filters, limit=None))
        return session

    def _searched(self, search: Search) -> Session:
        session = open_session(
            self.options.sources,
            self.overrides,
            search=search,
            adjust_skew=self.options.adjust_skew,
            logs=self.options.logs or (),
            exact_names=self.selection.exact_names,
        )
        print_warnings(session.loaded.load_warnings, self.options.verbose)
        return session


def find_trace(traces: TraceSet, wanted: str) -> int:
    """Find the trace that a text names. Raises UsageError if there is none or it is ambiguous."""
    exact = traces.find_trace(wanted)
    if exact is not None:
        return exact
    if wanted in (SLOWEST, NEWEST) and not traces.trace_count:
        raise UsageError("no traces")
    if wanted == SLOWEST:
        return int(np.argmax(traces.response_time))
    if wanted == NEWEST:
        return int(np.argmax(traces.trace_start))
    if wanted == FAILED:
        with_errors = np.flatnonzero(traces.trace_errors > 0)
        if not len(with_errors):
            raise UsageError("no trace has errors")
        failed = np.flatnonzero(failed_requests(traces))
        if not len(failed):
            print_message(f"no request failed; showing one of {counted(len(with_errors), 'trace')} with errors")
            failed = with_errors
        return int(failed[np.argmax(traces.trace_errors[failed])])
    begins = [t for t, text in enumerate(traces.trace_ids) if wanted and text.lower().startswith(wanted.lower())]
    if len(begins) == 1:
        return begins[0]
    if begins:
        listed = ", ".join(traces.trace_ids[t] for t in begins[:_LISTED])
        raise UsageError(
            f"{len(begins)} trace ids begin with {wanted}: {listed}{', ...' if len(begins) > _LISTED else ''}"
        )
    if not traces.trace_count:
        raise UsageError(f"no trace {wanted}: the set is empty")
    slowest = np.argsort(-traces.response_time, kind="stable")[:_LISTED].tolist()
    listed = ", ".join(traces.trace_ids[t] for t in slowest)
    raise UsageError(f"no trace {wanted}; the slowest of {traces.trace_count:,} are {listed}")
