"""`tracetui why`: rank the root causes of failures and slowness in a trace set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from tracetui.analysis.root_causes import CausesAndBaseline, find_causes_within, find_root_causes
from tracetui.cli import options as o
from tracetui.cli.filtered_session import check_names, naming_searched, open_for_report
from tracetui.cli.output import print_json, print_lines, print_warnings
from tracetui.ingest.logs import with_logs_of_all
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.servers.resolve import servers_of
from tracetui.model.errors import UsageError
from tracetui.model.traces import TraceSet
from tracetui.query.trace_set_split import search_before, split_at, split_by

BaselineSource = Annotated[
    str | None,
    typer.Option(
        "--baseline", metavar="SOURCE", help="Traces without the problem, from an earlier time or another version."
    ),
]
ProblemAt = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Start of the problem, such as 10:05. Earlier traces are the baseline."),
]
ProblemBy = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="ATTRIBUTE",
        help="Attribute whose latest value marks the traces with the problem, or KEY=GOOD,BAD.",
    ),
]
EvidenceLogs = Annotated[
    list[str] | None,
    typer.Option(
        "--logs",
        metavar="FILE",
        help="Log file of the traces or of the baseline. New and missing log lines are evidence.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyOptions:
    """The sources, their baseline and log files."""

    sources: o.Sources
    baseline: BaselineSource = None
    at: ProblemAt = None
    by: ProblemBy = None
    logs: EvidenceLogs = None
    json: o.JsonOption = False


def why(options: WhyOptions, selection: o.Selection, report: o.Report, servers: o.Servers) -> None:
    """Rank root causes, with evidence and confidence.

    Without --baseline, --at or --by, normal periods of the same traces are the baseline. Fewer than 20 traces are
    analysed without one, by errors and critical path. Filters apply to the baseline, too.
    """
    if sum(given is not None for given in (options.baseline, options.at, options.by)) > 1:
        raise UsageError("use only one of --baseline, --at and --by")
    filters = selection.filters()
    opened = partial(
        open_for_report, filters=filters, selection=selection, report=report, servers=servers, checks_names=False
    )
    named = [options.sources] if options.baseline is None else [options.sources, [options.baseline]]
    # the credentials of one server must not be sent to the other
    servers_of([source for sources in named for source in sources])
    at = options.at
    second_search = (lambda search: search_before(search, at)) if at else (lambda _: None)
    sessions = [opened(sources, second_search=second_search) for sources in named]
    check_names(filters, sessions, options.sources, servers.overrides())
    sets = [session.analysis.traces for session in sessions]
    for session, sources in zip(sessions, named, strict=True):
        if not session.analysis.traces.trace_count:
            raise UsageError(f"no trace of {', '.join(map(without_secrets, sources))} matches the filters")
    sets = _with_logs(sets, options.logs or [], verbose=report.verbose)
    with naming_searched(sessions[0]):
        causes = _find_causes(sets, options)
    if options.json:
        from tracetui.render.report.why_json import why_json

        warnings = [warning for traces in sets for warning in traces.load_warnings]
        print_json(why_json(causes, warnings), report.output, ascii_only=report.ascii)
        return
    from tracetui.render.report.why_text import why_text

    look = report.options(filters)
    source = " ".join(map(without_secrets, options.sources))
    lines = why_text(causes, source, look)
    print_lines(lines, report.color, report.output, ascii_only=look.ascii_only)


def _with_logs(sets: list[TraceSet], files: Sequence[str], *, verbose: bool) -> list[TraceSet]:
    """Add the log records of the files to the sets, with warnings."""
    known = len(sets[-1].load_warnings)
    found = with_logs_of_all(sets, files)
    print_warnings(found[-1].load_warnings[known:], verbose)
    return found


def _find_causes(sets: list[TraceSet], options: WhyOptions) -> CausesAndBaseline:
    traces = sets[0]
    if len(sets) > 1:
        return CausesAndBaseline(find_root_causes(sets[1], traces), without_secrets(options.baseline or ""))
    if options.at is not None or options.by is not None:
        split = split_at(traces, options.at) if options.at is not None else split_by(traces, options.by or "")
        found = find_root_causes(traces.select(split.before), traces.select(split.after))
        return CausesAndBaseline(found, split.names[0])
    return find_causes_within(traces)
