"""Contract of a back end: queries and their results, and how its kind of server is detected.

To add one, write a module with its `BackEnd` and its `KIND`, and list it in `servers.registry`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tracetui.ingest.servers.bounded_map import bounded_map
from tracetui.ingest.servers.connection import AT_ONCE, Connection, Params, ServerResponse
from tracetui.ingest.servers.readable_lists import readable_edges, readable_items, readable_names
from tracetui.ingest.servers.request_errors import NO_JSON, CutOffError, HttpError
from tracetui.ingest.servers.searched_window import SearchedWindow
from tracetui.ingest.servers.stream_split import ManyMembersError, Shape, TooLargeError, split_stream
from tracetui.ingest.source_bytes import format_size
from tracetui.model.errors import BackEndError
from tracetui.model.ids import canonical_trace_id
from tracetui.model.search import LAST_NS, Search
from tracetui.model.server_stats import Dependency, Metrics

_ReceivedItem = TypeVar("_ReceivedItem")

if TYPE_CHECKING:
    from tracetui.ingest.servers.probe import Probe

LARGEST_TRACE = 1 << 28
"""Size limit in bytes; several traces are fetched at the same time."""
Warn = Callable[[str], None]
"""Callback for deviations from the request and for unreadable data."""


class NotSupportedError(BackEndError):
    """The back end does not support a feature."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capabilities of a back end, beyond search and trace by id."""

    name: str
    """Display name, with the interface: `Jaeger (v3)`."""
    finds_errors: str
    """Description of the spans that it finds as failed."""
    finds_elements: bool = False
    """True if a search for a value also matches an element of a list."""
    finds_attributes: str = ""
    """Description of the attributes that it finds, if not all of spans and resources."""
    supports_traceql: bool = False
    """True if it searches by TraceQL expressions."""
    lower_case: bool = False
    """True if it converts services and operations to lower case."""
    page_path: str = ""
    """Path of its web pages of traces, which the id follows; '' for none."""
    grafana_type: str = ""
    """Type of its data sources in Grafana."""


def span_prefilter(search: Search) -> Search | None:
    """Return a first query for failed or slow traces, by a span that nearly all of them have.

    None if the search is for neither, or if its conditions exclude such a span.
    """
    if not search.failed and search.slower_ns is None:
        return None
    minimum = search.least_ns
    if search.slower_ns is not None:
        minimum = max(minimum or 0, search.slower_ns + 1)
        if search.most_ns is not None and search.most_ns < minimum:
            return None
    return msgspec.structs.replace(
        search, errors=search.errors or search.failed, failed=False, slower_ns=None, least_ns=minimum
    )


def without_trace_conditions(search: Search) -> Search:
    """Remove the conditions on whole traces from a search."""
    return msgspec.structs.replace(search, failed=False, slower_ns=None)


def without_services(search: Search) -> Search:
    """Remove the choice of services from a search."""
    return msgspec.structs.replace(search, services=(), every_service=False)


class BackEnd(ABC):
    """Server that stores traces. Its results are documents for `ingest.detect.decode`."""

    def __init__(self, connection: Connection, warn: Warn) -> None:
        self.connection = connection
        self._warn = warn
        connection.warn = self.warn
        self.has_more = False
        """True if the last search omitted traces although it found fewer than the limit."""
        self.omits_unchanged = False
        """True to omit traces that were sent before and have not grown."""
        self.user_can_choose = False
        """True to raise ManyServicesError rather than search each of many services."""
        self.unchanged: dict[str, int] = {}
        """Start times, by id, of traces that were found but omitted because they have not changed."""
        self.is_incomplete = False
        """True if part of the last search failed, such as that of one of several services."""
        self.complete_since_ns = 0
        """Start from which on the last search found all traces, if services had more than the limit; 0 otherwise."""
        self.known_ids: frozenset[str] = frozenset()
        """Canonical ids of traces that an earlier search found, which was like this one and missed no newer trace."""
        self.searched: SearchedWindow | None = None
        """Traces that the last search covered, if the server could not search for the matching ones only."""

    @property
    def sends_newest(self) -> bool:
        """True if it sends the newest traces, not arbitrary ones, when there are more than the limit."""
        return True

    @property
    def may_order_by_arrival(self) -> bool:
        """True if the traces that it sends as the newest may be those that arrived last, whenever they began."""
        return False

    def complete_since(self, latest: Mapping[str, int]) -> int:
        """Return the time from which on no trace is missing in the newest ones, in ns since the epoch; 0 if unknown.

        latest: start of the last span of each of these traces, by id.

        In the order of arrival that depends on a trace that was known before: nothing is missing that arrived after it.
        Without one, any trace may be missing.
        """
        if self.may_order_by_arrival and self.known_ids.isdisjoint(map(canonical_trace_id, latest)):
            return LAST_NS
        return min(filter(None, latest.values()), default=0)

    def warn(self, text: str) -> None:
        """Report a warning, possibly with a message from the server."""
        self._warn(self.connection.errors.redacted(text))

    def warn_incomplete(self, text: str) -> None:
        """Report that part of a search failed."""
        self.is_incomplete = True
        self.warn(text)

    def close(self) -> None:
        """Close its connections."""
        self.connection.close()

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities: ...

    @abstractmethod
    def services(self) -> list[str]:
        """Query the names of all services, sorted. Raises BackEndError, as all queries do."""

    @abstractmethod
    def operations(self, service: str) -> list[str]:
        """Query the names of a service's operations, sorted; none for an unknown service."""

    @abstractmethod
    def search(self, search: Search) -> Generator[bytes]:
        """Yield the traces in which one span meets the search, as they arrive, unordered; nothing if there are none."""

    @abstractmethod
    def trace(self, trace_id: str) -> bytes | None:
        """Fetch one whole trace; None if it does not exist."""

    @abstractmethod
    def dependencies(self, start_ns: int, end_ns: int) -> list[Dependency]:
        """Query the server's service graph. Raises NotSupportedError if it has none."""

    def metrics(self, service: str, start_ns: int, end_ns: int) -> Metrics:  # noqa: ARG002 - part of the interface
        """Query the server's metrics of a service. Raises NotSupportedError if it has none."""
        raise NotSupportedError(f"{self.connection.name}: {self.capabilities.name} has no service metrics")

    def items(
        self, path: str, decode: Callable[[msgspec.Raw], _ReceivedItem], listed: Sequence[msgspec.Raw], what: str
    ) -> list[_ReceivedItem]:
        """Read a received list with `readable_items`. Raises HttpError if it contains no valid item."""
        try:
            return readable_items(decode, listed, what, self.warn)
        except NO_JSON as error:
            raise self.connection.errors.unexpected_response_error(path, str(error)) from None

    def names(self, path: str, listed: Sequence[msgspec.Raw], what: str) -> list[str]:
        """Read a received list with `readable_names`. Raises HttpError if it contains no valid name."""
        try:
            return readable_names(listed, what, self.warn)
        except NO_JSON as error:
            raise self.connection.errors.unexpected_response_error(path, str(error)) from None

    def edges(self, path: str, listed: Sequence[msgspec.Raw]) -> list[Dependency]:
        """Read a received dependency graph with `readable_edges`. Raises HttpError if it contains no valid edge."""
        try:
            return readable_edges(listed, self.warn)
        except NO_JSON as error:
            raise self.connection.errors.unexpected_response_error(path, str(error)) from None

    def streamed(self, path: str, params: Params, shape: Shape) -> Generator[bytes]:
        """Yield the documents of a search response as they arrive."""
        try:
            yield from split_stream(self.connection.stream(path, params), shape)
        except ManyMembersError as error:
            self.warn_incomplete(f"{path}: {error}; the rest of the response was not read")
        except TooLargeError:
            raise CutOffError(
                f"{self.connection.name}{path}: a trace exceeds the size limit; the rest was skipped"
            ) from None

    def gathered(self, documents: Iterable[bytes]) -> list[bytes]:
        """Collect the documents of a search, up to the size limit of a trace, as several searches run at once.

        Raises HttpError if the search fails before the first one.
        """
        found: list[bytes] = []
        size = 0
        try:
            for document in documents:
                size += len(document)
                if size > LARGEST_TRACE and found:
                    limit = format_size(LARGEST_TRACE)
                    self.warn_incomplete(f"more than {limit} arrived for one search of several; the rest was skipped")
                    break
                found.append(document)
        except CutOffError as error:
            if not found:
                raise
            self.warn_incomplete(str(error))
        return found

    def supported_search(self, search: Search) -> Search:
        """Return the part of a search that the server supports; the caller filters by the rest."""
        search = without_services(search)
        return span_prefilter(search) or without_trace_conditions(search)

    @abstractmethod
    def newest_start(self, search: Search) -> int:
        """Query the start of the newest trace of a search in ns since the epoch; 0 for none. Takes one request."""

    def get_trace_response(self, path: str) -> ServerResponse:
        """Request one trace. -> the response, whatever its status"""
        response = self.connection.get(path, max_bytes=LARGEST_TRACE)
        if response.surplus:
            self.warn(f"{path}: {response.surplus}")
        return response

    def traces(self, trace_ids: Sequence[str]) -> Generator[bytes]:
        """Yield traces by id as they arrive; missing and unreadable ones are reported."""

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
            self.warn_incomplete(f"{_count_text(failed[0][0], len(failed))} could not be read: {failed[0][1]}")
        if missing:
            self.warn(f"{_count_text(missing[0], len(missing))} {'is' if len(missing) == 1 else 'are'} missing")


def _count_text(first: str, count: int) -> str:
    return f"trace {first}" + (f" and {count - 1:,} more" if count > 1 else "")


@dataclass(frozen=True, slots=True, eq=False)
class ServerKind:
    """Kind of server.

    name: name in the config file.
    title: name for users.
    port: usual port.
    detect: returns the back end if the probed server is of this kind, else None. Raises BackEndError for one that
        cannot be reached.
    base_paths: for users, servers with this API below a base path, such as "VictoriaTraces /select/jaeger".
    """

    name: str
    title: str
    port: int
    detect: Callable[[Probe], BackEnd | None]
    base_paths: str = ""
