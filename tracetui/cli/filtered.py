"""What commands share that report on the traces which filters select."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tracetui.analysis.filters import Filters, asked_of, describe
from tracetui.cli.output import is_ascii, say, say_warnings, width_of
from tracetui.cli.progress import open_session
from tracetui.ingest.sources.served import server_at
from tracetui.render.report_text import ReportOptions
from tracetui.session import Session


def open_filtered(sources: Sequence[str], filters: Filters, *, adjust_skew: bool, verbose: bool) -> Session:
    """Load sources and look at what meets the filters; what was lost or names nothing is said. Raises InputError."""
    search, rest = asked_of(filters)
    session = open_session(sources, search=search, adjust_skew=adjust_skew)
    if rest and any(server_at(source) for source in sources):
        say(f"filtered here: {', '.join(rest)}")
    say_warnings(session.loaded.load_warnings, verbose)
    for unknown in session.filter(filters):
        say(unknown)
    return session


def report_options(
    filters: Filters, output: Path | None, *, width: int | None, ascii_only: bool, verbose: bool, local_time: bool
) -> ReportOptions:
    """How a report is to look, by the options and by where it goes (None for stdout)."""
    return ReportOptions(
        width=width_of(width),
        ascii_only=is_ascii(ascii_only) if output is None else ascii_only,
        verbose=verbose,
        local_time=local_time,
        filtered="" if filters == Filters() else describe(filters),
    )
