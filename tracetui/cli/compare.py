"""`tracetui compare`: regressions and improvements between two trace sets."""

from __future__ import annotations

from typing import Annotated

import typer

from tracetui.analysis.compare import DEFAULT_THRESHOLD
from tracetui.analysis.compare import compare as compared
from tracetui.cli import options as o
from tracetui.cli.filtered_session import open_filtered
from tracetui.cli.output import check_not_read, print_json, print_lines
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.servers.resolve import servers_of
from tracetui.model.errors import UsageError

_MOST_PERCENT = 1e9
_WORSE = 1
"""The exit code of a gate that found something."""

Before = Annotated[
    str, typer.Argument(metavar="BEFORE", help="Traces to compare with: a file, directory, glob or server.")
]
After = Annotated[str, typer.Argument(metavar="AFTER", help="Traces to compare: a file, directory, glob or server.")]
FailOnRegression = Annotated[bool, typer.Option("--fail-on-regression", help="Exit with 1 on a regression, for CI.")]
Threshold = Annotated[
    float,
    typer.Option("--threshold", metavar="PERCENT", min=0, help="Report changes of at least this many percent."),
]


def compare(
    before: Before,
    after: After,
    *,
    fail_on_regression: FailOnRegression = False,
    threshold: Threshold = DEFAULT_THRESHOLD,
    selection: o.Selection,
    json: o.JsonOption = False,
    report: o.Report,
) -> None:
    """Compare traces from before a change with traces from after it.

    A change is called out where it is by 10 % or more (--threshold), by a hundredth of what a trace takes or more, and
    chance is no likely explanation of it. The filters select traces of both.
    """
    if not threshold <= _MOST_PERCENT:
        raise UsageError(f"--threshold: {threshold:g} is no percentage")
    if before == after == "-":
        raise UsageError("standard input can be only one of the two")
    check_not_read(report.output, (before, after))
    # each is read for itself, and what is for one server must not go to the other
    servers_of([before, after])
    filters = selection.filters()
    sessions = [
        open_filtered(
            [source], filters, adjust_skew=report.adjust_skew, verbose=report.verbose, exact_names=selection.exact_names
        )
        for source in (before, after)
    ]
    for source, session in zip((before, after), sessions, strict=True):
        if not session.findings.traces.trace_count:
            name = without_secrets(source)
            if session.searched:
                raise UsageError(f"no match among {session.searched} of {name}; raise --limit to search more")
            raise UsageError(f"no trace of {name} matches the filters")
    first, second = (session.findings for session in sessions)
    found = compared(first, second, threshold)
    if json:
        from tracetui.render.report.compare_json import compare_json

        print_json(compare_json(found), report.output, ascii_only=report.ascii)
    else:
        from tracetui.render.report.compare_text import compare_text

        look = report.options(filters)
        lines = compare_text(found, (without_secrets(before), without_secrets(after)), look)
        print_lines(lines, report.color, report.output, ascii_only=look.ascii_only)
    if fail_on_regression and not found.has_common:
        from tracetui.render.report.compare_text import NOTHING_IN_COMMON

        raise UsageError(NOTHING_IN_COMMON)
    if fail_on_regression and found.regressions:
        raise typer.Exit(_WORSE)
