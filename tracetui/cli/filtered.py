"""What commands share that report on the traces which filters select."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.analysis.filters import Filters, asked_of
from tracetui.cli.output import say, say_warnings
from tracetui.cli.progress import open_session
from tracetui.ingest.sources.served import server_at
from tracetui.session import Session


def open_filtered(
    sources: Sequence[str], filters: Filters, *, adjust_skew: bool, verbose: bool, exact_names: bool = False
) -> Session:
    """Load sources and look at what meets the filters; what was lost or names nothing is said. Raises InputError."""
    search, rest = asked_of(filters, exact_names=exact_names)
    session = open_session(sources, search=search, adjust_skew=adjust_skew, exact_names=exact_names)
    if rest and any(server_at(source) for source in sources):
        say(f"filtered here: {', '.join(rest)}")
    say_warnings(session.loaded.load_warnings, verbose)
    unknown = session.filter(filters)
    if session.searched and not session.findings.traces.trace_count:
        say(f"none among {session.searched}: --limit looks through more, --time-range further back")
    else:
        for line in unknown:
            say(line)
    return session
