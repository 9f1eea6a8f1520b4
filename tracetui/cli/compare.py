"""`tracetui compare`: regressions and improvements between two trace sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import typer

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare import DEFAULT_THRESHOLD
from tracetui.analysis.compare import compare as compared
from tracetui.analysis.normal_trace import compare_with_normal
from tracetui.cli import options as o
from tracetui.cli.filtered_session import check_names, has_servers, naming_searched, open_for_report
from tracetui.cli.output import print_json, print_lines, print_warnings
from tracetui.cli.progress import open_session
from tracetui.cli.trace_opening import TraceOpening, find_trace
from tracetui.config import Overrides
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.servers.resolve import servers_of
from tracetui.model.errors import UsageError
from tracetui.model.search import Search
from tracetui.model.trace_reference import trace_ids_in
from tracetui.model.traces import TraceSet
from tracetui.query.trace_filters import Filters, search_of
from tracetui.query.trace_set_split import search_before, split_at, split_by
from tracetui.render.text.glyphs import glyphs_of
from tracetui.session import LoadOptions, Session

_MAX_PERCENT = 1e9
_WORSE = 1
"""Exit code of `--fail-on-regression` on a regression."""

ComparedSources = Annotated[
    list[str],
    typer.Argument(
        metavar="BEFORE AFTER",
        help="Two sources: the baseline, and the traces to compare with it. With --at or --by any number, as one set.",
        show_default=False,
    ),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Compare the traces before and after a time, such as 10:05."),
]
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="ATTRIBUTE",
        help="Compare by attribute: the traces with its latest value and all others, or KEY=BEFORE,AFTER.",
    ),
]
TraceId = Annotated[
    str | None,
    typer.Option(
        "--trace",
        metavar="ID",
        help="Compare one trace with the median trace of its entry point: an id, slowest or failed.",
    ),
]
NormalId = Annotated[
    str | None,
    typer.Option(
        "--normal", metavar="ID", help="With --trace: the trace to compare it with, instead of the median one."
    ),
]
FailOnRegression = Annotated[bool, typer.Option("--fail-on-regression", help="Exit with code 1 on a regression.")]
Threshold = Annotated[
    float,
    typer.Option("--threshold", metavar="PERCENT", min=0, help="Smallest change to report."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """The trace sets, and what counts as a regression."""

    sources: ComparedSources
    at: At = None
    by: By = None
    trace: TraceId = None
    normal: NormalId = None
    fail_on_regression: FailOnRegression = False
    threshold: Threshold = DEFAULT_THRESHOLD
    json: o.JsonOption = False


def compare(options: CompareOptions, selection: o.Selection, report: o.Report, servers: o.Servers) -> None:
    """Compare two trace sets: regressions and improvements.

    A change is reported if it is at least 10 % (--threshold), at least 1 % of the response time, and unlikely to be
    chance. Filters apply to both sets. --at and --by compare two parts of one set.
    """
    threshold = options.threshold
    if not threshold <= _MAX_PERCENT:
        raise UsageError(f"--threshold: {threshold:g} is not a percentage")
    if sum(one is not None for one in (options.at, options.by, options.trace)) > 1:
        raise UsageError("use only one of --at, --by and --trace")
    if options.normal is not None and options.trace is None:
        raise UsageError("--normal needs --trace, the trace to compare with it")
    filters = selection.filters()
    opened = partial(
        open_for_report, filters=filters, selection=selection, report=report, servers=servers, checks_names=False
    )
    if options.trace is not None:
        if has_servers(options.sources):
            session, trace_id = _with_others_of_entry_point(options, selection, report, servers.overrides())
        else:
            session, trace_id = opened(options.sources), options.trace
        _compare_trace(options, session, trace_id, report, filters)
        return
    if options.at is None and options.by is None:
        first, second, names = _two_sets(options.sources, opened, filters, servers.overrides())
    else:
        at = options.at
        session = opened(
            options.sources, second_search=(lambda search: search_before(search, at)) if at else (lambda _: None)
        )
        check_names(filters, [session], options.sources, servers.overrides())
        traces = session.analysis.traces
        _check_not_empty(session, "the traces")
        with naming_searched(session):
            split = split_at(traces, at) if at is not None else split_by(traces, options.by or "")
        first, second = (Analysis(traces.select(side)) for side in (split.before, split.after))
        names = split.names
    found = compared(first, second, threshold)
    if options.json:
        from tracetui.render.report.compare_json import compare_json

        print_json(compare_json(found), report.output, ascii_only=report.ascii)
    else:
        from tracetui.render.report.compare_text import compare_text

        look = report.options(filters)
        lines = compare_text(found, names, look, by_value=options.by is not None)
        print_lines(lines, report.color, report.output, ascii_only=look.ascii_only)
    if options.fail_on_regression and not found.has_common:
        from tracetui.render.report.compare_text import NOTHING_IN_COMMON

        raise UsageError(NOTHING_IN_COMMON)
    if options.fail_on_regression and found.regressions:
        raise typer.Exit(_WORSE)


def _with_others_of_entry_point(
    options: CompareOptions, selection: o.Selection, report: o.Report, overrides: Overrides
) -> tuple[Session, str]:
    """Find the trace on servers, then load it with others of its entry point. -> these, and its id"""
    loading = LoadOptions(overrides=overrides, adjust_skew=report.adjust_skew, exact_names=selection.exact_names)
    opening = TraceOpening(options.sources, selection, loading, verbose=report.verbose)
    found, number = opening.find(options.trace or "")
    traces = found.analysis.traces
    root = traces.span(int(traces.main_root[number]))
    search, _ = search_of(selection.filters(), exact_names=selection.exact_names)
    start, end = search.window()
    if not start <= root.start_ns <= end:
        half = (end - start) // 2
        start, end = root.start_ns - half, root.start_ns + half
    others = Search(service=root.service, operation=root.name, start_ns=start, end_ns=end, limit=search.limit)
    trace_id = traces.trace_ids[number]
    session = open_session(
        options.sources,
        replace(
            loading,
            search=others,
            second_search=Search(trace_ids=(trace_id, *trace_ids_in(options.normal or "")[:1])),
        ),
    )
    print_warnings(session.loaded.load_warnings, report.verbose)
    return session, trace_id


def _compare_trace(
    options: CompareOptions, session: Session, trace_id: str, report: o.Report, filters: Filters
) -> None:
    """Print the comparison of a trace with the median trace of its entry point."""
    traces = session.analysis.traces
    _check_not_empty(session, "the traces")
    number = find_trace(traces, _id_in(trace_id))
    normal = None if options.normal is None else find_trace(traces, _id_in(options.normal))
    if normal is not None:
        _check_normal(traces, number, normal)
    found = compare_with_normal(traces, number, normal)
    if found is None:
        raise UsageError(f"no other trace has the entry point of trace {options.trace}; nothing to compare with")
    if options.json:
        from tracetui.render.report.compare_json import normal_json

        print_json(normal_json(found, traces), report.output, ascii_only=report.ascii)
        return
    from tracetui.render.waterfall.normal_diff import NormalDiff

    look = report.options(filters, session)
    diff = NormalDiff(found, traces, glyphs_of(look.ascii_only))
    lines = diff.lines(look.width, local=look.local_time, page=look.trace_page)
    print_lines(lines, report.color, report.output, ascii_only=look.ascii_only)


def _id_in(text: str) -> str:
    """Return the first trace id in a text such as a header or an address, or else the text."""
    return next(iter(trace_ids_in(text)), text)


def _check_normal(traces: TraceSet, trace: int, normal: int) -> None:
    """Raise UsageError if a trace cannot be compared with `normal`: it is the same, or of another entry point."""
    if normal == trace:
        raise UsageError("--normal is the trace of --trace itself")
    entries = [int(traces.operation[traces.main_root[one]]) for one in (trace, normal)]
    if entries[0] != entries[1]:
        names = [" ".join(traces.operation_label(entry)) for entry in entries]
        raise UsageError(f"--normal has another entry point, {names[1]}, than --trace, {names[0]}")


def _two_sets(
    sources: Sequence[str], opened: Callable[[Sequence[str]], Session], filters: Filters, overrides: Overrides
) -> tuple[Analysis, Analysis, tuple[str, str]]:
    """Open two sources. -> their analyses and names"""
    if len(sources) != 2:
        hint = "; --at TIME and --by ATTRIBUTE compare two parts of one set" if len(sources) == 1 else ""
        raise UsageError(f"compare needs two sources, BEFORE and AFTER, not {len(sources)}{hint}")
    if set(sources) == {"-"}:
        raise UsageError("only one of the two can be standard input")
    # the credentials of one server must not be sent to the other
    servers_of(sources)
    sessions = [opened([source]) for source in sources]
    check_names(filters, sessions, sources, overrides)
    before, after = map(without_secrets, sources)
    for name, session in zip((before, after), sessions, strict=True):
        _check_not_empty(session, name)
    return sessions[0].analysis, sessions[1].analysis, (before, after)


def _check_not_empty(session: Session, name: str) -> None:
    """Raise UsageError if no trace of a source, described by `name`, is left."""
    if not session.analysis.traces.trace_count:
        if session.searched:
            raise UsageError(f"no match among {session.searched} of {name}; raise --limit to search more")
        raise UsageError(f"no trace of {name} matches the filters")
