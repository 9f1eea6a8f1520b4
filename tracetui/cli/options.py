"""Options shared by commands, each defined once, and option groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tracetui.cli.output import is_ascii, width_of
from tracetui.config import Overrides
from tracetui.model.errors import UsageError
from tracetui.model.times import find_clock, find_time, parse_duration
from tracetui.model.user_path import user_path
from tracetui.query import Query, parse
from tracetui.query.edit import TIME_FIELD, resolve_reference
from tracetui.query.lexer import quoted
from tracetui.query.parser import where_searched
from tracetui.query.trace_filters import Filters, describe
from tracetui.render.text.ansi import ColourChoice

if TYPE_CHECKING:
    from tracetui.render.report.text_blocks import ReportOptions
    from tracetui.session import Session

SELECTION = "Selection (default: traces with errors)"
SECTIONS = "Sections (default: all)"
OUTPUT = "Output"
_FILTER = "Filters"
_INPUT = "Input"
_LOOK = "Display"
_SERVERS = "Servers"
PANELS: Final = (SELECTION, _FILTER, _INPUT, SECTIONS, OUTPUT, _LOOK, _SERVERS)
"""Headings of option groups on a help page, in order."""

CREDENTIALS: Final = (
    "Credentials for servers come from TRACETUI_TOKEN, or TRACETUI_USER and TRACETUI_PASSWORD (for one server"
    " at a time), from ~/.netrc, or from a profile."
)
STDOUT: Final = "-"
"""File name that means standard output."""
_NS_PER_MS = 1_000_000
SOURCES_HELP = "Files, directories, globs, - for standard input, server addresses or profiles."

_filter = partial(typer.Option, rich_help_panel=_FILTER)
_input = partial(typer.Option, rich_help_panel=_INPUT)
_output = partial(typer.Option, rich_help_panel=OUTPUT)
_display = partial(typer.Option, rich_help_panel=_LOOK)
_of_servers = partial(typer.Option, rich_help_panel=_SERVERS)

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help=SOURCES_HELP,
        show_default=False,
    ),
]
Ascii = Annotated[bool, _display("--ascii", help="Use ASCII characters only.")]
Color = Annotated[ColourChoice, _display("--color", help="When to use colour.")]
Width = Annotated[int | None, _display("--width", metavar="COLUMNS", help="Output width (default: the terminal's).")]
LocalTime = Annotated[bool, _display("--local-time", help="Show times in the local zone, not UTC.")]
ThemeOption = Annotated[
    str, _display("--theme", metavar="NAME", help="Theme: textual-dark, textual-light, ansi-dark or high-contrast.")
]
NoMouse = Annotated[bool, _display("--no-mouse", help="Do not capture the mouse.")]
AdjustSkew = Annotated[bool, _input("--adjust-skew", help="Correct clock skew between hosts, as Jaeger does.")]
ExactNames = Annotated[bool, _input("--exact-names", help="Do not merge GET /orders/17 into GET /orders/{id}.")]
Logs = Annotated[
    list[str] | None,
    _input("--logs", metavar="FILE", help="Log file to show with the spans: OTLP, JSON lines, logfmt or text."),
]
Service = Annotated[list[str] | None, _filter("--service", metavar="NAME", help="Traces with a span of this service.")]
Operation = Annotated[
    list[str] | None,
    _filter("--operation", metavar="NAME", help="Traces with this operation, such as GET /orders/{id}."),
]
LatencyThreshold = Annotated[
    float | None, _filter("--latency-threshold", metavar="MS", min=0, help="Traces with a longer response time.")
]
ErrorsOnly = Annotated[bool, _filter("--errors-only", help="Traces with errors.")]
TimeRange = Annotated[
    str | None,
    _filter(
        "--time-range",
        metavar="DURATION",
        help="Traces of the last 30m, 1h, 2d... before the newest (servers: before now).",
    ),
]
Since = Annotated[
    str | None,
    _filter(
        "--since",
        metavar="TIME",
        help="Traces from this time on: 10:05 (on the day of the traces) or 2026-03-10T10:05Z.",
    ),
]
Until = Annotated[str | None, _filter("--until", metavar="TIME", help="Traces that started before this time.")]
QueryText = Annotated[
    str | None,
    _filter(
        "--query",
        metavar="EXPR",
        help="Traces with a word (timeout), or that match 'duration > 500ms AND service = db'.",
    ),
]
Limit = Annotated[int | None, _filter("--limit", metavar="N", min=1, help="At most the newest N traces.")]


def _output_path(text: str) -> Path | None:
    """Convert the value of --output: None for standard output. The shell does not expand `~` in `--output=~/x`."""
    return None if text == STDOUT else user_path(text)


def _save_path(text: str) -> Path:
    if text == STDOUT:
        raise UsageError(f"--save {text}: the report goes to standard output; use tracetui export, or name a file")
    return user_path(text)


Output = Annotated[
    Path | None, _output("--output", "-o", metavar="FILE", help="Write to a file, not stdout.", parser=_output_path)
]
Save = Annotated[
    Path | None,
    _output(
        "--save",
        metavar="FILE",
        help="Also save the traces, in the format of the suffix as export does (default: OTLP JSON).",
        parser=_save_path,
    ),
]
JsonOption = Annotated[bool, _output("--json", help="Print JSON.")]
Verbose = Annotated[bool, _output("--verbose", "-v", help="Show all rows and warnings.")]
Tenant = Annotated[str, _of_servers("--tenant", metavar="NAME", help="Tenant to query.")]
Ca = Annotated[str, _of_servers("--ca", metavar="FILE", help="CA certificates (PEM) that verify the server.")]
Cert = Annotated[str, _of_servers("--cert", metavar="FILE", help="Client certificate (PEM).")]
Key = Annotated[str, _of_servers("--key", metavar="FILE", help="Private key of the client certificate (PEM).")]
Insecure = Annotated[bool, _of_servers("--insecure", help="Do not verify the server's certificate.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Trace selection options."""

    service: Service = None
    operation: Operation = None
    latency_threshold: LatencyThreshold = None
    errors_only: ErrorsOnly = False
    time_range: TimeRange = None
    since: Since = None
    until: Until = None
    query: QueryText = None
    limit: Limit = None
    exact_names: ExactNames = False

    def filters(self) -> Filters:
        """Build the filters from the options. Raises UsageError for invalid values."""
        threshold = self.latency_threshold
        if threshold is not None and not math.isfinite(threshold * _NS_PER_MS):
            raise UsageError(f"--latency-threshold: {threshold:g} is not a number of milliseconds")
        return Filters(
            services=tuple(self.service or ()),
            operations=tuple(self.operation or ()),
            latency_threshold_ns=None if threshold is None else round(threshold * _NS_PER_MS),
            errors_only=self.errors_only,
            time_range_ns=None if self.time_range is None else parse_duration(self.time_range),
            query=self._query(),
            limit=self.limit,
        )

    def _query(self) -> Query | None:
        limits = (("--since", ">=", self.since), ("--until", "<", self.until))
        conditions = [_start_condition(option, sign, text) for option, sign, text in limits if text is not None]
        text = None if self.query is None else resolve_reference(self.query)
        if not conditions:
            return None if text is None else parse(text)
        if text is not None:
            # an error must point at the query as it was typed
            parse(text)
            conditions.insert(0, f"({text})")
        return parse(" AND ".join(conditions))


def _start_condition(option: str, sign: str, text: str) -> str:
    """Format a condition on the start of traces. Raises UsageError for an invalid time."""
    if find_time(text) is None and find_clock(text) is None:
        raise UsageError(f"{option}: {text!r} is not a time; write 10:05 or 2026-03-10T10:05Z")
    return f"{TIME_FIELD} {sign} {quoted(text.strip())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Connection options for servers."""

    tenant: Tenant = ""
    ca: Ca = ""
    cert: Cert = ""
    key: Key = ""
    insecure: Insecure = False

    def overrides(self) -> Overrides:
        """Return the settings that override those of profiles."""
        return Overrides(self.tenant, self.ca, self.cert, self.key, self.insecure)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenLook:
    """Display options of the screen."""

    ascii: Ascii = False
    local_time: LocalTime = False
    theme: ThemeOption = ""
    no_mouse: NoMouse = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Output and display options."""

    output: Output = None
    verbose: Verbose = False
    adjust_skew: AdjustSkew = False
    ascii: Ascii = False
    color: Color = ColourChoice.AUTO
    width: Width = None
    local_time: LocalTime = False

    def options(self, filters: Filters, session: Session | None = None) -> ReportOptions:
        """Build the layout of the session's report from the options and the output."""
        # imported late, as only reports need it
        from tracetui.cli.links import trace_page
        from tracetui.render.report.text_blocks import ReportOptions

        return ReportOptions(
            width=width_of(self.width),
            ascii_only=is_ascii(self.ascii) if self.output is None else self.ascii,
            verbose=self.verbose,
            local_time=self.local_time,
            filtered="" if filters == Filters() else describe(filters),
            words="" if filters.query is None else where_searched(filters.query.text),
            searched=session.searched if session else "",
            window=session.window if session else "",
            trace_page=trace_page(session) if session and self.output is None else "",
        )
