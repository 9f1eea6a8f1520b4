"""What commands share that report on the traces which filters select."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

from tracetui.analysis.filters import Filters, asked_of
from tracetui.cli.output import say, say_warnings
from tracetui.cli.progress import open_session
from tracetui.cli.reach import overrides
from tracetui.ingest.asked import Servers
from tracetui.ingest.sources.served import server_at, servers_of
from tracetui.model.problems import BackEndError
from tracetui.model.search import NOTHING, Search, combined
from tracetui.session import Session

_NAMED = 12
"""Services that are named where there is no trace."""


def open_filtered(
    sources: Sequence[str],
    filters: Filters,
    *,
    adjust_skew: bool,
    verbose: bool,
    exact_names: bool = False,
    logs: Sequence[str] = (),
    more: Search = NOTHING,
    also: Callable[[Search], Search | None] = lambda _: None,
) -> Session:
    """Load sources and look at what meets the filters; what was lost or names nothing is said. Raises InputError.

    `more`: what servers are asked for besides; `also`: given what they are asked for, what to ask them for after it.
    """
    search, rest = asked_of(filters, exact_names=exact_names)
    search = combined(search, more)
    then = also(search) if has_servers(sources) else None
    session = open_session(
        sources, search=search, adjust_skew=adjust_skew, logs=logs, exact_names=exact_names, also=then
    )
    if has_servers(sources) and (then is not None or more != NOTHING):
        # servers were asked for so many, and sent others beside what is wanted of them
        filters = replace(filters, limit=None)
    if rest and has_servers(sources):
        say(f"filtered here: {', '.join(rest)}")
    say_warnings(session.loaded.load_warnings, verbose)
    unknown = session.filter(filters)
    if not session.loaded.trace_count and has_servers(sources) and (offered := offered_services(sources)):
        others = f" and {len(offered) - _NAMED:,} more" if len(offered) > _NAMED else ""
        say(f"its services are {', '.join(offered[:_NAMED])}{others}; --time-range 24h looks further back")
    if session.searched and not session.findings.traces.trace_count:
        say(f"none among {session.searched}: --limit looks through more, --time-range further back")
    else:
        for line in unknown:
            say(line)
    return session


def has_servers(sources: Sequence[str]) -> bool:
    """Whether there is a server among sources."""
    return any(server_at(source) for source in sources)


def offered_services(sources: Sequence[str]) -> list[str]:
    """The services that the servers among sources know, sorted; none of a server that does not tell."""
    servers = servers_of(sources)
    found: set[str] = set()
    with closing(Servers(servers, overrides())) as asked:
        for server in servers:
            if server.address.file:
                continue
            try:
                found.update(asked.back_end(server).services())
            except BackEndError:
                # it has answered before: its traces are what is asked about
                continue
    return sorted(found)
