"""Search service by service, where a server cannot search all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Final, TypeVar

import msgspec

from tracetui.ingest.servers.back_end import Say
from tracetui.ingest.servers.bounded_map import bounded_map
from tracetui.ingest.servers.connection import AT_ONCE, HttpError
from tracetui.model.search import Search, traces_per_service

_MOST_SERVICES: Final = 1_000
"""Services that are asked one by one."""

_ServiceResult = TypeVar("_ServiceResult")


def searches_by_service(search: Search, services: Sequence[str], say: Say) -> list[Search]:
    """Turn a search into one for each of the services, for fewer traces each."""
    if len(services) > _MOST_SERVICES:
        say(f"the server has {len(services):,} services; only the first {_MOST_SERVICES:,} were searched")
        services = services[:_MOST_SERVICES]
    # one window for all: what cannot be sent is then found in the same place, and said once
    start, end = search.window()
    limit = traces_per_service(search.most, len(services))
    if not search.services or limit < search.most:
        # of few that were chosen there are as many traces as were asked for
        say(f"the server searches by service only: requested the newest {limit:,} traces of each of {len(services):,}")
    return [msgspec.structs.replace(search, start_ns=start, end_ns=end, service=name, limit=limit) for name in services]


def asked_for_all(full: Sequence[Search], search: Search) -> list[Search]:
    """Searches of services that had more than they were asked for, now for as many traces as are wanted in all.

    full: searches of single services that were answered with as many traces as they asked for.
    """
    return [msgspec.structs.replace(one, limit=search.most) for one in full if one.most < search.most]


def answers_by_service(
    searches: Sequence[Search], ask: Callable[[Search], _ServiceResult], say: Say
) -> Generator[tuple[Search, _ServiceResult]]:
    """Searches that are each of one service and their answers, as they come; that some of them fail is said.

    Raises HttpError where all of them fail.
    """

    def answer(search: Search) -> tuple[Search, _ServiceResult | HttpError]:
        try:
            return search, ask(search)
        except HttpError as error:
            return search, error

    failed: list[HttpError] = []
    for search, found in bounded_map(answer, searches, AT_ONCE):
        if isinstance(found, HttpError):
            failed.append(found)
        else:
            yield search, found
    if failed and len(failed) == len(searches):
        raise failed[0]
    if failed:
        say(f"the search failed for {len(failed):,} of {len(searches):,} services: {failed[0]}")
