"""Open a session and filter it, for the commands that print a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial

from tracetui.analysis.name_matching import missing_names, spelled_as_in
from tracetui.cli import options as o
from tracetui.cli.output import print_message, print_warnings
from tracetui.cli.progress import open_session
from tracetui.config import Overrides
from tracetui.ingest.servers.pool import ServerPool
from tracetui.ingest.servers.resolve import Server, parse_sources, servers_of
from tracetui.model.errors import BackEndError, UsageError
from tracetui.model.operation_shape import may_be_shape
from tracetui.model.search import NOTHING, Search, combined
from tracetui.model.search_offers import MAX_SEARCHED, NEWEST_NS, by_newest, newest_text, wider_window
from tracetui.model.times import format_duration
from tracetui.query.errors import nearest
from tracetui.query.trace_filters import Filters, missing_services, search_of
from tracetui.render.text.numbers import counted
from tracetui.session import LoadOptions, Session

_NAMED = 8
"""Largest number of services listed if a requested one is missing."""


def open_filtered(
    sources: Sequence[str],
    filters: Filters,
    options: LoadOptions,
    *,
    verbose: bool,
    more: Search = NOTHING,
    second_search: Callable[[Search], Search | None] = lambda _: None,
    checks_names: bool = True,
) -> Session:
    """Load sources and apply the filters, with warnings for lost input and unknown names.

    `options` without searches, which the filters make; `more`: additional conditions for servers; `second_search`:
    returns a second search, given the first one; `checks_names`: False if the filters may name services and operations
    of other sources.

    Raises InputError, and UsageError for a service or operation that no source has.
    """
    named = parse_sources(sources)
    filters = replace(filters, trace_ids=named.trace_ids)
    search, rest = search_of(filters, exact_names=options.exact_names)
    search = combined(search, more)
    then = second_search(search) if has_servers(sources) else None
    session = open_session(sources, replace(options, search=search, second_search=then))
    if has_servers(sources) and (then is not None or more != NOTHING):
        # servers applied the limit to each of the two searches
        filters = replace(filters, limit=None)
    if rest and has_servers(sources):
        print_message(f"filtered locally: {', '.join(rest)}")
    print_warnings(session.loaded.load_warnings, verbose)
    unknown = session.filter(filters)
    _check_found(session, named.trace_ids)
    if checks_names:
        check_names(filters, [session], sources, options.overrides)
    if not session.loaded.trace_count and named.servers:
        _report_offers(named.servers, options.overrides, session, filters.services)
    if not session.loaded.trace_count and named.servers:
        # the services of the servers were listed above
        unknown = []
    is_empty = not session.analysis.traces.trace_count
    if is_empty and session.loaded.trace_count and session.window and not session.searched:
        # all traces of the window were searched, and none has passed the filters
        now = time.time_ns()
        window, _ = wider_window([now], _searched_ns(session), now)
        print_message(f"--time-range {format_duration(window)} looks further back")
    if session.searched and not session.analysis.traces.trace_count:
        print_message(
            f"no match among {session.searched}; raise --limit to search more, or --time-range to go further back"
        )
    elif checks_names:
        for line in unknown:
            print_message(line)
    return session


def open_for_report(
    sources: Sequence[str],
    filters: Filters,
    selection: o.Selection,
    report: o.Report,
    servers: o.Servers,
    *,
    second_search: Callable[[Search], Search | None] = lambda _: None,
    checks_names: bool = True,
) -> Session:
    """Load and filter as `open_filtered` does, with the options of a report.

    For one of several compared sets `checks_names` is False: call check_names with all sessions.
    """
    return open_filtered(
        sources,
        filters,
        LoadOptions(overrides=servers.overrides(), adjust_skew=report.adjust_skew, exact_names=selection.exact_names),
        verbose=report.verbose,
        second_search=second_search,
        checks_names=checks_names,
    )


@contextmanager
def naming_searched(session: Session) -> Iterator[None]:
    """Add to a UsageError about a set which traces were searched, if the servers have more."""
    try:
        yield
    except UsageError as error:
        if not session.searched:
            raise
        raise UsageError(f"{error}; searched {session.searched}, raise --limit to search more") from None


def check_names(filters: Filters, sessions: Sequence[Session], sources: Sequence[str], overrides: Overrides) -> None:
    """Raise UsageError for a service or operation of the filters that neither the loaded traces nor the servers have.

    A typo in a filter must not look like an empty result.
    """
    _check_services(partial(missing_services, filters), sessions, sources, overrides)
    _check_operations(filters, sessions, sources, overrides)


def check_services(
    names: Sequence[str], sessions: Sequence[Session], sources: Sequence[str], overrides: Overrides
) -> None:
    """Raise UsageError for a service that neither the loaded traces nor the servers have."""
    _check_services(partial(missing_names, names), sessions, sources, overrides)


def _check_services(
    missing_of: Callable[[Collection[str]], list[str]],
    sessions: Sequence[Session],
    sources: Sequence[str],
    overrides: Overrides,
) -> None:
    """Raise UsageError for the first missing service. missing_of: lists the missing services, given the known ones"""
    known = {service for session in sessions for service in session.loaded.services}
    if not missing_of(known):
        return
    if has_servers(sources):
        offered = _offered_services(sources, overrides)
        if not offered:
            # without a list of services there is nothing to compare with
            return
        known.update(offered)
    missing = missing_of(known)
    if missing and known:
        raise _unknown_name("service", missing[0], known, sessions)


def check_is_loaded(name: str, session: Session, sources: Sequence[str], overrides: Overrides) -> None:
    """Raise UsageError for a service that the servers have, but none of the loaded traces."""
    if spelled_as_in(name, session.loaded.services) in session.loaded.services or not has_servers(sources):
        return
    known = _offered_services(sources, overrides)
    if spelled_as_in(name, known) in known:
        searched = session.searched or "the loaded traces"
        raise UsageError(
            f"the server has {name}, but not among {searched}; --service searches its traces, --time-range looks"
            " further back"
        )


def _check_operations(
    filters: Filters, sessions: Sequence[Session], sources: Sequence[str], overrides: Overrides
) -> None:
    if not filters.operations:
        return
    known = {name for session in sessions for name in (*session.loaded.names, *session.loaded.shapes)}
    missing = missing_names(filters.operations, known)
    if not missing:
        return
    if has_servers(sources):
        # servers list names only
        missing = [name for name in missing if not may_be_shape(name)]
        offered = _offered_operations(sources, overrides, filters.services) if missing else None
        if not offered:
            return
        known.update(offered)
        missing = missing_names(missing, known)
    if missing and known:
        raise _unknown_name("operation", missing[0], known, sessions)


def _unknown_name(what: str, name: str, known: Collection[str], sessions: Sequence[Session]) -> UsageError:
    traces = sum(session.loaded.trace_count for session in sessions)
    text = f"no {what} named {name!r}" + (f" in {counted(traces, 'trace')}" if traces else "")
    names = sorted(filter(None, known))
    near = nearest(name, names)
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    hint = f"did you mean {near}?" if near else f"{what}s: {', '.join(names[:_NAMED])}{more}"
    return UsageError(f"{text}; {hint}")


def _report_offers(servers: Sequence[Server], overrides: Overrides, session: Session, wanted: Sequence[str]) -> None:
    """List the services (all, or the wanted ones) of servers without results, with the ages of their newest traces."""
    newest: dict[str, int] = {}
    with closing(ServerPool(servers, overrides)) as pool:
        known = _services(pool)
        kept = [spelled_as_in(name, known) for name in wanted]
        services = [name for name in known if name in kept] or known
        if not services:
            return
        with suppress(BackEndError):
            pool.newest_starts(services[:MAX_SEARCHED], NEWEST_NS, newest)
    now = time.time_ns()
    named = by_newest(services, newest)[:MAX_SEARCHED]
    ages = (f"{name} {text}" if (text := newest_text(newest.get(name), now)) else name for name in named)
    others = f" and {len(services) - len(named):,} more" if len(services) > len(named) else ""
    print_message(f"{'newest traces by service: ' if newest else 'services: '}{', '.join(ages)}{others}")
    window, reaches = wider_window(newest.values(), _searched_ns(session), now)
    print_message(
        f"--time-range {format_duration(window)} looks further back" + (" and reaches the newest" if reaches else "")
    )


def _searched_ns(session: Session) -> int:
    """Return how far back from now the servers were searched."""
    now = time.time_ns()
    return max((now - report.search.window(now)[0] for report in session.reports), default=0)


def _check_found(session: Session, trace_ids: Sequence[str]) -> None:
    """Raise UsageError if none of the named traces was loaded."""
    loaded = session.loaded
    if trace_ids and all(loaded.find_trace(trace_id) is None for trace_id in trace_ids):
        raise UsageError(f"no trace {trace_ids[0]} among {counted(loaded.trace_count, 'trace')}")


def has_servers(sources: Sequence[str]) -> bool:
    """Test whether the sources include a server."""
    return bool(parse_sources(sources).servers)


def _offered_services(sources: Sequence[str], overrides: Overrides) -> list[str]:
    """List the services known to the servers among the sources, sorted."""
    with closing(ServerPool(servers_of(sources), overrides)) as pool:
        return _services(pool)


def _offered_operations(sources: Sequence[str], overrides: Overrides, wanted: Sequence[str]) -> set[str] | None:
    """Return the operations of the wanted services, or of all if none is wanted, as the servers list them.

    None if they are unknown: a server does not list them, or has too many services to query each.
    """
    with closing(ServerPool(servers_of(sources), overrides)) as pool:
        known = _services(pool)
        services = [spelled_as_in(name, known) for name in wanted] or known
        if len(services) > MAX_SEARCHED:
            return None
        try:
            return pool.operations(services)
        except BackEndError:
            return None


def _services(pool: ServerPool) -> list[str]:
    found: set[str] = set()
    for server in pool.servers:
        if server.address.file:
            continue
        try:
            found.update(pool.back_end(server).services())
        except BackEndError:
            # the server sent traces, and the list of services is optional
            continue
    return sorted(found)
