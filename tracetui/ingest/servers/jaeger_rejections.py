"""Searches that a server with Jaeger's API rejects, learned from its errors: without a service, or of many traces."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Final

import msgspec

from tracetui.ingest.servers.back_end import Warn
from tracetui.ingest.servers.request_errors import HttpError
from tracetui.model.search import Search

_BAD_REQUEST, _FAILED = 400, 500
_ON_SERVICE: Final = re.compile(r"service.*(?:must be set|required)", re.IGNORECASE)
_ON_LIMIT: Final = re.compile(r"\blimit\b|search ?depth", re.IGNORECASE)
_Conditions = tuple[bool, bool, bool]
"""Flags of the conditions of a search: on attributes or errors, on an operation, on durations."""


def is_on_limit(error: HttpError) -> bool:
    """Test whether the server's message is about a limit that is too high."""
    return _ON_LIMIT.search(error.server_message) is not None


class ServerLimit:
    """The server's limit on traces per search, once it has rejected a higher one."""

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._limit = 0
        """0 for none so far."""

    def lower(self, search: Search) -> Search:
        """Lower the limit of a search to the server's."""
        return msgspec.structs.replace(search, limit=self._limit) if 0 < self._limit < search.max_traces else search

    def adopt(self, search: Search, error: HttpError) -> bool:
        """Adopt the server's limit from an error that states it. -> True if it does"""
        if error.status not in (_BAD_REQUEST, _FAILED) or not is_on_limit(error):
            return False
        numbers = map(int, re.findall(r"\d{1,9}", error.server_message))
        requested = self.lower(search).max_traces
        self._limit = max((number for number in numbers if 0 < number < requested), default=0)
        if self._limit:
            self._warn(f"the server's limit is {self._limit:,} traces per search, not {search.max_traces:,}")
        return self._limit > 0

    def within(self, search: Search, run_search: Callable[[Search], Generator[bytes]]) -> Generator[bytes]:
        """Run a search, again if the server states a lower limit."""
        try:
            yield from run_search(self.lower(search))
        except HttpError as error:
            if not self.adopt(search, error):
                raise
            yield from run_search(self.lower(search))


class RequiredService:
    """Searches for which the store requires a service."""

    def __init__(self, *, accepts_any: bool) -> None:
        self._rejected: set[_Conditions] = set() if accepts_any else {(False, False, False)}
        """Searches without a service that the store rejects; it also rejects stricter ones."""

    def is_needed(self, search: Search) -> bool:
        """Test whether a search is to be done service by service: some are chosen, or the store requires one."""
        if search.service or search.services:
            return not search.service
        requested = _conditions(search)
        return any(
            all(has or not is_rejected for has, is_rejected in zip(requested, flags, strict=True))
            for flags in self._rejected
        )

    def learn(self, search: Search, error: HttpError) -> bool:
        """Test whether the error means that the store requires a service for this search; remember it if so."""
        if search.service or error.status not in (_BAD_REQUEST, _FAILED) or is_on_limit(error):
            return False
        if error.status == _FAILED and not _ON_SERVICE.search(error.server_message):
            return False
        self._rejected.add(_conditions(search))
        return True


def _conditions(search: Search) -> _Conditions:
    has_duration = search.least_ns is not None or search.most_ns is not None
    return bool(search.attributes or search.errors), bool(search.operation), has_duration
