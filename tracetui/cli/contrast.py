"""`tracetui contrast`: attributes, services and operations over-represented in a selection of traces."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import orjson
import typer

from tracetui.analysis.contrast import Contrast
from tracetui.analysis.contrast import contrast as contrasted
from tracetui.analysis.requests import failed_requests
from tracetui.cli import options as o
from tracetui.cli.filtered_session import open_for_report
from tracetui.cli.output import print_json, print_lines, print_message
from tracetui.model.errors import UsageError
from tracetui.model.search import Search, combined
from tracetui.model.traces import TraceSet
from tracetui.query import parse
from tracetui.query.pushdown import pushdown
from tracetui.render.report.json_values import in_percent, warnings_json
from tracetui.render.report.text_blocks import ReportOptions
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import glyphs_of
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.traces.contrast import ContrastList, remarks

_SHOWN = 20
_MAX_OLDER = 0.2
"""Largest share of selected traces before all others for which both are of about the same time."""

Slow = Annotated[
    float | None,
    typer.Option(
        "--slow",
        metavar="PERCENTILE",
        min=0,
        max=100,
        help="Traces slower than this percentile.",
        rich_help_panel=o.SELECTION,
    ),
]
Select = Annotated[
    str | None,
    typer.Option("--select", metavar="EXPR", help="Traces that match an expression.", rich_help_panel=o.SELECTION),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastOptions:
    """Sources, and the traces to contrast with the others."""

    sources: o.Sources
    slow: Slow = None
    select: Select = None
    json: o.JsonOption = False


def contrast(options: ContrastOptions, selection: o.Selection, report: o.Report, servers: o.Servers) -> None:
    """Show what is over-represented in failed or slow traces.

    Compares the attributes, services, operations and response times of a selection with those of the other traces.
    """
    sources, slow, select = options.sources, options.slow, options.select
    if slow is not None and select is not None:
        raise UsageError("use either --slow or --select, not both")
    filters = selection.filters()

    def second_search(search: Search) -> Search | None:
        """Build a second search, which finds the traces of the selection."""
        if slow is not None or filters.errors_only:
            return None
        if select is None:
            return combined(search, Search(failed=True))
        return combined(search, pushdown(select, exact_names=selection.exact_names)[0])

    session = open_for_report(sources, filters, selection, report, servers, second_search=second_search)
    traces = session.analysis.traces
    chosen, what = _chosen(traces, slow, select)
    number = int(chosen.sum())
    if not number or number == traces.trace_count:
        none = "no trace" if not number else "every trace"
        # the filters may have left few of the traces searched
        of = f"among {session.searched}" if session.searched and not number else f"of {traces.trace_count:,}"
        advice = "; omit --errors-only" if number and filters.errors_only else ""
        raise UsageError(f"nothing to contrast: {none} {of} is in the selection ({what}){advice}")
    older = int((traces.trace_start[chosen] < traces.trace_start[~chosen].min()).sum())
    if session.searched and older > number * _MAX_OLDER:
        print_message(
            f"warning: {older:,} of the {number:,} selected traces are older than all others, of which the server sent"
            f" {session.searched}: as the others started later, the time may explain a difference; narrow both with"
            " --since and --until, or raise --limit"
        )
    found = contrasted(traces, chosen, outcomes=select is not None, durations=slow is None)
    if options.json:
        data = orjson.dumps(_json(found, traces, chosen), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        print_json(data, report.output, ascii_only=report.ascii)
        return
    look = report.options(filters)
    with_errors = slow is None and select is None
    failed = numbers.requests_failed(number, int(failed_requests(traces).sum())) if with_errors else ""
    print_lines(_text(found, what, failed, look), report.color, report.output, ascii_only=look.ascii_only)


def _chosen(traces: TraceSet, slow: float | None, select: str | None) -> tuple[np.ndarray, str]:
    """Select traces. -> bool[traces] and a description."""
    if slow is not None:
        if not math.isfinite(slow):
            raise UsageError(f"--slow: {slow} is not a percentile")
        durations = traces.response_time
        least = float(np.quantile(durations, slow / 100)) if len(durations) else 0.0
        return durations > least, f"traces slower than p{slow:g}"
    if select is not None:
        return parse(select).matches(traces), f"traces where {' '.join(select.split())}"
    return traces.trace_errors > 0, "traces with errors"


def _text(found: Contrast, what: str, requests_failed: str, report: ReportOptions) -> Iterator[Line]:
    """Yield a contrast as text. `requests_failed`: failed requests among traces with errors, '' if all failed."""
    glyphs = glyphs_of(report.ascii_only)
    selected = f"{found.selected_of:,} {_singular(what, found.selected_of)}"
    title = Line([("Over-represented in ", Role.DIM), (selected, Role.TITLE)])
    if requests_failed:
        title.add(f" ({requests_failed})", Role.TITLE)
    title.add(f", compared with {numbers.counted(found.rest_of, 'other trace')}", Role.DIM)
    yield title.cropped(report.width, glyphs.ellipsis)
    if report.filtered:
        yield Line([(f"filter: {safe(report.filtered)}", Role.DIM)]).cropped(report.width, glyphs.ellipsis)
    for line in remarks(found, glyphs):
        yield line.cropped(report.width, glyphs.ellipsis)
    yield Line()
    rows = ContrastList(found, glyphs)
    if not len(rows):
        yield Line([("  nothing beyond chance", Role.PLAIN)])
        return
    shown = len(rows) if report.verbose else min(len(rows), _SHOWN)
    for line in (rows.heading(report.width - 2), *(rows.line(row, report.width - 2) for row in range(shown))):
        yield Line([("  ", Role.PLAIN)]).extend(line)
    if shown < len(rows):
        yield Line([(f"  {len(rows) - shown:,} more: --verbose lists all", Role.DIM)])


def _singular(what: str, number: int) -> str:
    return safe(what.replace("traces", "trace", 1) if number == 1 else what)


def _json(found: Contrast, traces: TraceSet, chosen: np.ndarray) -> dict[str, Any]:
    """`chosen`: bool[traces], the selection."""
    return {
        "selected_count": found.selected_of,
        "selected_error_trace_count": int((traces.trace_errors[chosen] > 0).sum()),
        "selected_failed_request_count": int(failed_requests(traces)[chosen].sum()),
        "rest_count": found.rest_of,
        "selected_sample": found.selected,
        "rest_sample": found.rest,
        "few": found.is_weak,
        "differences": [
            {
                "what": one.what,
                "key": one.key,
                "value": int(one.value) / 1e6 if one.what == "duration" else one.value,
                "selected_count": one.selected,
                "rest_count": one.rest,
                "selected_percent": in_percent(one.selected_percent),
                "rest_percent": in_percent(one.rest_percent),
                "may_be_chance": one.is_hint,
                "lift": None if math.isinf(one.lift) else round(one.lift, 4),
            }
            for one in found.differences
        ],
        "warnings": warnings_json(traces.load_warnings),
    }
