"""Search service by service, for servers that cannot search all at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Final, TypeVar

import msgspec

from tracetui.ingest.servers.back_end import Warn
from tracetui.ingest.servers.bounded_map import bounded_map
from tracetui.ingest.servers.connection import AT_ONCE
from tracetui.ingest.servers.request_errors import HttpError
from tracetui.ingest.servers.unseen_traces import TraceStarts, add_latest_starts, add_starts
from tracetui.model.search import Search, traces_per_service

_MAX_SERVICES: Final = 1_000
"""Largest number of services that are searched."""

_ServiceResult = TypeVar("_ServiceResult")


def searches_by_service(search: Search, services: Sequence[str], warn: Warn) -> list[Search]:
    """Split a search into one per service, each with a smaller limit."""
    if len(services) > _MAX_SERVICES:
        warn(f"the server has {len(services):,} services; only the first {_MAX_SERVICES:,} were searched")
        services = services[:_MAX_SERVICES]
    # a shared window makes warnings about it equal, so that they are shown once
    start, end = search.window()
    limit = traces_per_service(search.max_traces, len(services))
    if not search.services:
        warn(f"the server searches by service only: requested the newest {limit:,} traces of each of {len(services):,}")
    elif limit < search.max_traces:
        # each of a few chosen services is searched up to the full limit
        warn(f"requested the newest {limit:,} traces of each of the {len(services):,} services")
    return [msgspec.structs.replace(search, start_ns=start, end_ns=end, service=name, limit=limit) for name in services]


def full_searches(full: Sequence[Search], search: Search) -> list[Search]:
    """Repeat the searches that reached the limit per service, with the overall limit.

    full: searches that found as many traces as their limit.
    """
    return [msgspec.structs.replace(one, limit=search.max_traces) for one in full if one.max_traces < search.max_traces]


def documents_by_service(
    searches: Sequence[Search],
    run_search: Callable[[Search], list[bytes]],
    unseen: Callable[[bytes, TraceStarts], tuple[TraceStarts, bytes]],
    seen: TraceStarts,
    warn: Warn,
    complete_since: Callable[[TraceStarts], int],
    limit_of: Callable[[Search], int] = lambda search: search.max_traces,
) -> Generator[tuple[Search, int | None, list[bytes]]]:
    """Yield searches of one service each as they complete.

    -> the search; None, or the time from which on it is complete if it found as many traces as its limit (`limit_of`),
    0 if unknown; documents of the unseen traces

    unseen: reduces a document to traces that are not in `seen`, which those found are added to.
    complete_since: as `BackEnd.complete_since`.
    """
    for search, documents in results_by_service(searches, run_search, warn):
        found: TraceStarts = {}
        latest: TraceStarts = {}
        new = []
        for document in documents:
            # a trace can be divided between documents of one search, so `seen` grows only after the last
            heads, rest = unseen(document, seen)
            add_starts(found, heads)
            if rest:
                new.append(rest)
        seen |= found
        since = None
        if len(found) >= limit_of(search):
            for document in documents:
                add_latest_starts(latest, document)
            since = complete_since(latest)
        yield search, since, new


def results_by_service(
    searches: Sequence[Search], run_search: Callable[[Search], _ServiceResult], warn: Warn
) -> Generator[tuple[Search, _ServiceResult]]:
    """Yield the searches of single services with their results, as they complete; warn if some fail.

    Raises HttpError if all fail.
    """

    def run(search: Search) -> tuple[Search, _ServiceResult | HttpError]:
        try:
            return search, run_search(search)
        except HttpError as error:
            return search, error

    failed: list[HttpError] = []
    for search, found in bounded_map(run, searches, AT_ONCE):
        if isinstance(found, HttpError):
            failed.append(found)
        else:
            yield search, found
    if failed and len(failed) == len(searches):
        raise failed[0]
    if failed:
        warn(f"the search failed for {len(failed):,} of {len(searches):,} services: {failed[0]}")
