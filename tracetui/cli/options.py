"""Options that commands share, each defined once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracetui.cli.option_groups import OptionGroup
from tracetui.cli.output import is_ascii, width_of
from tracetui.model.errors import UsageError
from tracetui.model.times import parse_duration
from tracetui.query import parse
from tracetui.query.edit import resolve_reference
from tracetui.query.filters import Filters, describe
from tracetui.render.text.ansi import When

if TYPE_CHECKING:
    from tracetui.render.report.text import ReportOptions

_INPUT = "Input"
_LOOK = "Display"
_NS_PER_MS = 1_000_000
_FILTER = "Filters"
_OUTPUT = "Output"
SOURCES_HELP = "Files, directories, globs, - for standard input, server addresses or profiles."

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help=SOURCES_HELP,
        show_default=False,
    ),
]
Ascii = Annotated[bool, typer.Option("--ascii", help="Use ASCII characters only.", rich_help_panel=_LOOK)]
Color = Annotated[When, typer.Option("--color", help="When to use colour.", rich_help_panel=_LOOK)]
Width = Annotated[
    int | None,
    typer.Option("--width", metavar="COLUMNS", help="Output width (default: the terminal's).", rich_help_panel=_LOOK),
]
LocalTime = Annotated[
    bool, typer.Option("--local-time", help="Show times in the local zone, not UTC.", rich_help_panel=_LOOK)
]
ThemeOption = Annotated[
    str,
    typer.Option(
        "--theme",
        metavar="NAME",
        help="Theme: textual-dark, textual-light, ansi-dark or high-contrast.",
        rich_help_panel=_LOOK,
    ),
]
NoMouse = Annotated[bool, typer.Option("--no-mouse", help="Do not capture the mouse.", rich_help_panel=_LOOK)]
AdjustSkew = Annotated[
    bool,
    typer.Option("--adjust-skew", help="Correct clock skew between hosts, as Jaeger does.", rich_help_panel=_INPUT),
]
ExactNames = Annotated[
    bool,
    typer.Option(
        "--exact-names",
        help="Do not merge GET /orders/17 into GET /orders/{id}.",
        rich_help_panel=_INPUT,
    ),
]
Logs = Annotated[
    list[str] | None,
    typer.Option(
        "--logs",
        metavar="FILE",
        help="Log file to show with the spans: OTLP, JSON lines, logfmt or text.",
        rich_help_panel=_INPUT,
    ),
]
Service = Annotated[
    list[str] | None,
    typer.Option("--service", metavar="NAME", help="Traces with a span of this service.", rich_help_panel=_FILTER),
]
Operation = Annotated[
    list[str] | None,
    typer.Option(
        "--operation",
        metavar="NAME",
        help="Traces with this operation, such as GET /orders/{id}.",
        rich_help_panel=_FILTER,
    ),
]
LatencyThreshold = Annotated[
    float | None,
    typer.Option(
        "--latency-threshold",
        metavar="MS",
        min=0,
        help="Traces with a longer response time.",
        rich_help_panel=_FILTER,
    ),
]
ErrorsOnly = Annotated[bool, typer.Option("--errors-only", help="Traces with errors.", rich_help_panel=_FILTER)]
TimeRange = Annotated[
    str | None,
    typer.Option(
        "--time-range",
        metavar="DURATION",
        help="Traces of the last 30m, 1h, 2d... before the newest (servers: before now).",
        rich_help_panel=_FILTER,
    ),
]
QueryText = Annotated[
    str | None,
    typer.Option(
        "--query",
        metavar="EXPR",
        help="Traces that match an expression, such as 'duration > 500ms AND service = db'.",
        rich_help_panel=_FILTER,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=1, help="At most the newest N traces.", rich_help_panel=_FILTER),
]


def _expanded(path: Path | None) -> Path | None:
    """Expand `~`, which the shell leaves alone in `--output=~/x`; an unknown user's home stays as it is."""
    try:
        return path.expanduser() if path is not None else None
    except RuntimeError:
        return path


Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to a file, not stdout.",
        rich_help_panel=_OUTPUT,
        callback=_expanded,
    ),
]
Save = Annotated[
    Path | None,
    typer.Option("--save", metavar="FILE", help="Also save the traces (OTLP JSON, .gz).", rich_help_panel=_OUTPUT),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=_OUTPUT)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show all rows and warnings.", rich_help_panel=_OUTPUT)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(OptionGroup):
    """Trace selection options."""

    service: Service = None
    operation: Operation = None
    latency_threshold: LatencyThreshold = None
    errors_only: ErrorsOnly = False
    time_range: TimeRange = None
    query: QueryText = None
    limit: Limit = None
    exact_names: ExactNames = False

    def filters(self) -> Filters:
        """Filters from the options. Raises UsageError for invalid values."""
        threshold = self.latency_threshold
        if threshold is not None and not math.isfinite(threshold * _NS_PER_MS):
            raise UsageError(f"--latency-threshold: {threshold:g} is not a number of milliseconds")
        return Filters(
            services=tuple(self.service or ()),
            operations=tuple(self.operation or ()),
            latency_threshold_ns=None if threshold is None else round(threshold * _NS_PER_MS),
            errors_only=self.errors_only,
            time_range_ns=None if self.time_range is None else parse_duration(self.time_range),
            query=None if self.query is None else parse(resolve_reference(self.query)),
            limit=self.limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(OptionGroup):
    """Output and display options."""

    output: Output = None
    verbose: Verbose = False
    adjust_skew: AdjustSkew = False
    ascii: Ascii = False
    color: Color = When.AUTO
    width: Width = None
    local_time: LocalTime = False

    def options(self, filters: Filters, searched: str = "") -> ReportOptions:
        """Layout of the report, from the options and the output; `searched` as `Session.searched`."""
        # commands without a report do not pay for this import
        from tracetui.render.report.text import ReportOptions

        return ReportOptions(
            width=width_of(self.width),
            ascii_only=is_ascii(self.ascii) if self.output is None else self.ascii,
            verbose=self.verbose,
            local_time=self.local_time,
            filtered="" if filters == Filters() else describe(filters),
            searched=searched,
        )
