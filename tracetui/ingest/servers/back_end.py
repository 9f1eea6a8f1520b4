"""Interface of a back end: its queries and their results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import msgspec

from tracetui.ingest.servers.bounded_map import bounded_map
from tracetui.ingest.servers.calls import readable_edges
from tracetui.ingest.servers.connection import (
    AT_ONCE,
    NO_JSON,
    Connection,
    CutOffError,
    HttpError,
    Params,
    ServerResponse,
)
from tracetui.ingest.servers.name_lists import readable_names
from tracetui.ingest.servers.search_window import SearchedWindow
from tracetui.ingest.servers.stream_split import Shape, TooLargeError, split_stream
from tracetui.model.errors import BackEndError
from tracetui.model.search import Search
from tracetui.model.server_stats import Dependency, Metrics

LARGEST_TRACE = 1 << 28
"""Bytes; some are read at once."""
Warn = Callable[[str], None]
"""Callback for deviations from the request, and for what could not be read."""


class NotSupportedError(BackEndError):
    """Raised for a feature that this back end does not have."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capabilities of a back end, beyond search and trace by id."""

    name: str
    """Display name, with the interface: `Jaeger (v3)`."""
    finds_errors: str
    """Description of how it recognises a failed span."""
    finds_elements: bool = False
    """True if it finds a list by one of its elements."""
    finds_attributes: str = ""
    """Description of the attributes that it finds, where these are not all of spans and resources."""
    knows_traceql: bool = False
    """True if it searches by TraceQL expressions."""
    lower_case: bool = False
    """True if it keeps services and operations in lower case, whatever they were sent as."""


def span_prefilter(search: Search) -> Search | None:
    """Return a first query for failed or slow traces: a span that nearly all of them have.

    None where the search is for neither, or where its conditions exclude such a span.
    """
    if not search.failed and search.slower_ns is None:
        return None
    least = search.least_ns
    if search.slower_ns is not None:
        least = max(least or 0, search.slower_ns + 1)
        if search.most_ns is not None and search.most_ns < least:
            return None
    return msgspec.structs.replace(
        search, errors=search.errors or search.failed, failed=False, slower_ns=None, least_ns=least
    )


def without_trace_conditions(search: Search) -> Search:
    """A search without its conditions on whole traces."""
    return msgspec.structs.replace(search, failed=False, slower_ns=None)


def without_services(search: Search) -> Search:
    """A search without its choice of services."""
    return msgspec.structs.replace(search, services=(), every_service=False)


class BackEnd(ABC):
    """A server that holds traces. It sends documents for `ingest.detect.decode`."""

    def __init__(self, connection: Connection, warn: Warn) -> None:
        self.connection = connection
        self._warn = warn
        self.has_more = False
        """True if the last search left out traces although it found fewer than the limit."""
        self.leaves_out_unchanged = False
        """True if traces that were sent before and have not grown need not be sent again."""
        self.asks_for_choice = False
        """True to raise ManyServicesError rather than search each of many services."""
        self.unchanged: dict[str, int] = {}
        """Start times, by id, of traces that were found but not sent again, as they have not changed."""
        self.searched: SearchedWindow | None = None
        """Traces that the last search covered, where the server could not search for the wanted ones alone."""

    @property
    def sends_newest(self) -> bool:
        """True if, of more traces than the limit, it sends the newest and not just any."""
        return True

    def warn(self, text: str) -> None:
        """Report something, possibly with text of the server's."""
        self._warn(self.connection.redacted(text))

    def close(self) -> None:
        """End its connections."""
        self.connection.close()

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities: ...

    @abstractmethod
    def services(self) -> list[str]:
        """The names of all services, sorted. Raises BackEndError, as everything here does."""

    @abstractmethod
    def operations(self, service: str) -> list[str]:
        """The names of a service's operations, sorted; none for a service that is not there."""

    @abstractmethod
    def search(self, search: Search) -> Generator[bytes]:
        """Traces with one span that meets the search, as they arrive, in no order; no document if none."""

    @abstractmethod
    def trace(self, trace_id: str) -> bytes | None:
        """One whole trace, None if it does not exist."""

    @abstractmethod
    def dependencies(self, start_ns: int, end_ns: int) -> list[Dependency]:
        """The server's service graph. Raises NotSupportedError where it has none."""

    def metrics(self, service: str, start_ns: int, end_ns: int) -> Metrics:  # noqa: ARG002 - what others take
        """Metrics of a service from the server. Raises NotSupportedError where it keeps none."""
        raise NotSupportedError(f"{self.connection.name}: {self.capabilities.name} has no service metrics")

    def names(self, path: str, listed: Sequence[msgspec.Raw], what: str) -> list[str]:
        """Names in a received list, as `readable_names`. Raises HttpError if none of them is a name."""
        try:
            return readable_names(listed, what, self.warn)
        except NO_JSON as error:
            raise self.connection.unexpected_response(path, str(error)) from None

    def edges(self, path: str, listed: Sequence[msgspec.Raw]) -> list[Dependency]:
        """Dependency graph in a received list, as `readable_edges`. Raises HttpError if none of the edges is valid."""
        try:
            return readable_edges(listed, self.warn)
        except NO_JSON as error:
            raise self.connection.unexpected_response(path, str(error)) from None

    def streamed(self, path: str, params: Params, shape: Shape) -> Generator[bytes]:
        """Response to a search, in documents as they arrive."""
        try:
            yield from split_stream(self.connection.stream(path, params), shape)
        except TooLargeError:
            raise CutOffError(
                f"{self.connection.name}{path}: a trace exceeds the size limit; the rest was skipped"
            ) from None

    def supported_search(self, search: Search) -> Search:
        """Part of a search that the server supports; the caller filters by the rest."""
        search = without_services(search)
        return span_prefilter(search) or without_trace_conditions(search)

    @abstractmethod
    def newest_start(self, search: Search) -> int:
        """Start of the newest trace of a search, in nanoseconds since the epoch; 0 for none. Takes one request."""

    def get_trace_response(self, path: str) -> ServerResponse:
        """Response for one trace, whatever its status."""
        return self.connection.get(path, most=LARGEST_TRACE)

    def traces(self, trace_ids: Sequence[str]) -> Generator[bytes]:
        """Traces by their ids, as they arrive; missing and unreadable ones are reported."""

        def fetch(trace_id: str) -> tuple[str, bytes | HttpError | None]:
            try:
                return trace_id, self.trace(trace_id)
            except HttpError as error:
                return trace_id, error

        missing, failed = [], []
        for trace_id, found in bounded_map(fetch, trace_ids, AT_ONCE):
            if isinstance(found, HttpError):
                failed.append((trace_id, found))
            elif found is None:
                missing.append(trace_id)
            else:
                yield found
        if failed and len(failed) + len(missing) == len(trace_ids):
            raise failed[0][1]
        if failed:
            self.warn(f"{_count_text(failed[0][0], len(failed))} could not be read: {failed[0][1]}")
        if missing:
            self.warn(f"{_count_text(missing[0], len(missing))} {'is' if len(missing) == 1 else 'are'} missing")


def _count_text(first: str, count: int) -> str:
    return f"trace {first}" + (f" and {count - 1:,} more" if count > 1 else "")
