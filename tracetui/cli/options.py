"""Options that commands share, each told once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tracetui.analysis.filters import Filters
from tracetui.analysis.query import parse
from tracetui.model.problems import UsageError
from tracetui.model.times import parse_duration
from tracetui.render.ansi import When

_LOOK = "How it looks"
_NS_PER_MS = 1_000_000
_FILTER = "Which traces"

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="Files, directories, patterns, - for standard input, addresses of servers, or profiles.",
        show_default=False,
    ),
]
Ascii = Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters alone.", rich_help_panel=_LOOK)]
Color = Annotated[When, typer.Option("--color", help="When to use colour.", rich_help_panel=_LOOK)]
Width = Annotated[
    int | None,
    typer.Option(
        "--width", metavar="COLUMNS", help="Width to draw at; the terminal's by default.", rich_help_panel=_LOOK
    ),
]
LocalTime = Annotated[
    bool, typer.Option("--local-time", help="Show times in the local zone, not UTC.", rich_help_panel=_LOOK)
]
Theme = Annotated[
    str,
    typer.Option(
        "--theme",
        metavar="NAME",
        help="Of the screen: textual-dark, textual-light, ansi-dark or high-contrast.",
        rich_help_panel=_LOOK,
    ),
]
NoMouse = Annotated[bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.", rich_help_panel=_LOOK)]
AdjustSkew = Annotated[
    bool,
    typer.Option("--adjust-skew", help="Move spans whose host's clock disagrees with their caller's (Jaeger's rule)."),
]
Logs = Annotated[
    list[str] | None,
    typer.Option("--logs", metavar="FILE", help="Log lines (a JSON object a line) to put beside their spans."),
]
Service = Annotated[
    list[str] | None,
    typer.Option("--service", metavar="NAME", help="Traces in which a service takes part.", rich_help_panel=_FILTER),
]
Operation = Annotated[
    list[str] | None,
    typer.Option("--operation", metavar="NAME", help="Traces with an operation.", rich_help_panel=_FILTER),
]
LatencyThreshold = Annotated[
    float | None,
    typer.Option(
        "--latency-threshold",
        metavar="MS",
        min=0,
        help="Traces slower than this, in milliseconds.",
        rich_help_panel=_FILTER,
    ),
]
ErrorsOnly = Annotated[bool, typer.Option("--errors-only", help="Failed traces.", rich_help_panel=_FILTER)]
TimeRange = Annotated[
    str | None,
    typer.Option(
        "--time-range",
        metavar="DURATION",
        help="Traces of the last 1h, 30m, 2d... counted back from the newest.",
        rich_help_panel=_FILTER,
    ),
]
QueryText = Annotated[
    str | None,
    typer.Option(
        "--query",
        metavar="EXPR",
        help="Traces that meet an expression: 'duration > 500ms AND { service = db AND status = error }'.",
        rich_help_panel=_FILTER,
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="The newest N of them.", rich_help_panel=_FILTER)
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead of stdout.")
]
Save = Annotated[
    Path | None,
    typer.Option("--save", metavar="FILE", help="Keep the traces in a file that opens again (OTLP JSON, also .gz)."),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Leave nothing out for length.")]


def filters_of(
    services: Sequence[str] | None,
    operations: Sequence[str] | None,
    latency_threshold_ms: float | None,
    errors_only: bool,
    time_range: str | None,
    query: str | None,
    limit: int | None,
) -> Filters:
    """The filters that options ask for. Raises UsageError for one that cannot be meant."""
    if latency_threshold_ms is not None and not math.isfinite(latency_threshold_ms):
        raise UsageError(f"--latency-threshold: {latency_threshold_ms} is no number of milliseconds")
    return Filters(
        services=tuple(services or ()),
        operations=tuple(operations or ()),
        latency_threshold_ns=None if latency_threshold_ms is None else round(latency_threshold_ms * _NS_PER_MS),
        errors_only=errors_only,
        time_range_ns=None if time_range is None else parse_duration(time_range),
        query=None if query is None else parse(query),
        limit=limit,
    )
