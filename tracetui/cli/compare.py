"""`tracetui compare`: regressions and improvements between two trace sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tracetui.analysis.compare import DEFAULT_THRESHOLD
from tracetui.analysis.compare import compare as compared
from tracetui.cli import options as o
from tracetui.cli.filtered_session import check_services, open_filtered
from tracetui.cli.output import check_not_read, print_json, print_lines
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.servers.resolve import servers_of
from tracetui.model.errors import UsageError

_MOST_PERCENT = 1e9
_WORSE = 1
"""Exit code of `--fail-on-regression` on a regression."""

Before = Annotated[str, typer.Argument(metavar="BEFORE", help="Baseline: a file, directory, glob, server or -.")]
After = Annotated[str, typer.Argument(metavar="AFTER", help="Traces to compare with it.")]
FailOnRegression = Annotated[bool, typer.Option("--fail-on-regression", help="Exit with code 1 on a regression.")]
Threshold = Annotated[
    float,
    typer.Option("--threshold", metavar="PERCENT", min=0, help="Smallest change to report."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """The two trace sets, and what counts as a regression."""

    before: Before
    after: After
    fail_on_regression: FailOnRegression = False
    threshold: Threshold = DEFAULT_THRESHOLD
    json: o.JsonOption = False


def compare(options: CompareOptions, selection: o.Selection, report: o.Report, servers: o.Servers) -> None:
    """Compare two trace sets: regressions and improvements.

    A change is reported if it is at least 10 % (--threshold), at least 1 % of the response time, and unlikely to be
    chance. Filters apply to both sets.
    """
    before, after, threshold = options.before, options.after, options.threshold
    if not threshold <= _MOST_PERCENT:
        raise UsageError(f"--threshold: {threshold:g} is not a percentage")
    if before == after == "-":
        raise UsageError("only one of the two can be standard input")
    check_not_read(report.output, (before, after))
    # the credentials of one server must not be sent to the other
    servers_of([before, after])
    filters = selection.filters()
    sessions = [
        open_filtered(
            [source],
            filters,
            servers.overrides(),
            adjust_skew=report.adjust_skew,
            verbose=report.verbose,
            exact_names=selection.exact_names,
            knows_services=False,
        )
        for source in (before, after)
    ]
    check_services(filters.services, sessions, (before, after), servers.overrides())
    for source, session in zip((before, after), sessions, strict=True):
        if not session.analysis.traces.trace_count:
            name = without_secrets(source)
            if session.searched:
                raise UsageError(f"no match among {session.searched} of {name}; raise --limit to search more")
            raise UsageError(f"no trace of {name} matches the filters")
    first, second = (session.analysis for session in sessions)
    found = compared(first, second, threshold)
    if options.json:
        from tracetui.render.report.compare_json import compare_json

        print_json(compare_json(found), report.output, ascii_only=report.ascii)
    else:
        from tracetui.render.report.compare_text import compare_text

        look = report.options(filters)
        lines = compare_text(found, (without_secrets(before), without_secrets(after)), look)
        print_lines(lines, report.color, report.output, ascii_only=look.ascii_only)
    if options.fail_on_regression and not found.has_common:
        from tracetui.render.report.compare_text import NOTHING_IN_COMMON

        raise UsageError(NOTHING_IN_COMMON)
    if options.fail_on_regression and found.regressions:
        raise typer.Exit(_WORSE)
