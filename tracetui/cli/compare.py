"""`tracetui compare`: what became better and what worse between two sets of traces."""

from __future__ import annotations

from typing import Annotated

import typer

from tracetui.analysis.compare import DEFAULT_THRESHOLD
from tracetui.analysis.compare import compare as compared
from tracetui.cli import options as o
from tracetui.cli.filtered import open_filtered
from tracetui.cli.output import check_not_read, print_json, print_lines
from tracetui.ingest.sources.address import without_secrets
from tracetui.ingest.sources.served import servers_of
from tracetui.model.problems import UsageError

_MOST_PERCENT = 1e9
_WORSE = 1
"""The exit code of a gate that found something."""

Before = Annotated[
    str, typer.Argument(metavar="BEFORE", help="A file, directory or pattern: the traces to compare with.")
]
After = Annotated[str, typer.Argument(metavar="AFTER", help="The traces that are compared.")]
FailOnRegression = Annotated[
    bool, typer.Option("--fail-on-regression", help="Exit with 1 where something became worse, for CI.")
]
Threshold = Annotated[
    float,
    typer.Option("--threshold", metavar="PERCENT", min=0, help="Call out changes by so much or more."),
]


def compare(
    before: Before,
    after: After,
    *,
    fail_on_regression: FailOnRegression = False,
    threshold: Threshold = DEFAULT_THRESHOLD,
    selection: o.Selection,
    json: o.Json = False,
    report: o.Report,
) -> None:
    """Compare traces from before a change with traces from after it.

    A change is called out where it is by 10 % or more (--threshold), by a hundredth of what a trace takes or more, and
    chance is no likely explanation of it. The filters select traces of both.
    """
    if not threshold <= _MOST_PERCENT:
        raise UsageError(f"--threshold: {threshold:g} is no percentage")
    if before == after == "-":
        raise UsageError("standard input can be one of the two, not both")
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
                raise UsageError(f"none among {session.searched} of {name} is left to compare; --limit looks at more")
            raise UsageError(f"no trace of {name} is left to compare; other filters may leave some")
    first, second = (session.findings for session in sessions)
    found = compared(first, second, threshold)
    if json:
        from tracetui.render.compare_json import compare_json

        print_json(compare_json(found), report.output, ascii_only=report.ascii)
    else:
        from tracetui.render.compare_text import compare_text

        look = report.options(filters)
        lines = compare_text(found, (without_secrets(before), without_secrets(after)), look)
        print_lines(lines, report.color, report.output, ascii_only=look.ascii_only)
    if fail_on_regression and not found.has_common:
        from tracetui.render.compare_text import NOTHING_IN_COMMON

        raise UsageError(NOTHING_IN_COMMON)
    if fail_on_regression and found.regressions:
        raise typer.Exit(_WORSE)
