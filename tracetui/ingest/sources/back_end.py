"""What every back end can be asked, and what it may answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import msgspec

from tracetui.ingest.sources.at_once import each
from tracetui.ingest.sources.calls import readable_edges
from tracetui.ingest.sources.connection import AT_ONCE, NO_JSON, Answer, Connection, CutOffError, HttpError, Params
from tracetui.ingest.sources.names import readable_names
from tracetui.ingest.sources.pieces import Shape, TooLargeError, pieces
from tracetui.ingest.sources.searched import Searched
from tracetui.model.opinion import Dependency, Metrics
from tracetui.model.problems import BackEndError
from tracetui.model.search import Search

LARGEST_TRACE = 1 << 28
"""Bytes; some are read at once."""
Say = Callable[[str], None]
"""Is told what was done otherwise than asked, and what could not be read."""


class NotOfferedError(BackEndError):
    """Something that this back end does not have."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What a back end has, beyond search and trace by id."""

    name: str
    """As people call it, with its interface: `Jaeger (v3)`."""
    finds_errors: str
    """How it tells a span that failed, in words."""
    finds_elements: bool = False
    """Whether it finds a list by one of its elements."""
    finds_attributes: str = ""
    """Which attributes it finds, in words, where that is not all of spans and resources."""
    knows_traceql: bool = False
    """Whether it searches by expressions in TraceQL."""
    lower_case: bool = False
    """Whether it keeps services and operations in lower case, whatever they were sent as."""


def with_a_span_alike(search: Search) -> Search | None:
    """What to ask for first of traces that are failed or slow: such a span, which nearly all of them have.

    None where the search is of neither, or where no span can be so long.
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


def of_spans_alone(search: Search) -> Search:
    """A search without what it says of whole traces."""
    return msgspec.structs.replace(search, failed=False, slower_ns=None)


def of_any_service(search: Search) -> Search:
    """A search without its choice of services."""
    return msgspec.structs.replace(search, services=(), every_service=False)


class BackEnd(ABC):
    """A server that holds traces. What is sent are documents for `ingest.contents.decode`."""

    def __init__(self, connection: Connection, say: Say) -> None:
        self.connection = connection
        self._say = say
        self.has_more = False
        """Whether the last search left out traces though it found fewer than it was to find."""
        self.leaves_out_unchanged = False
        """Whether traces that were sent before and have not grown need not be sent again."""
        self.asks_for_choice = False
        """Whether to raise ManyServicesError rather than ask each of many services."""
        self.unchanged: dict[str, int] = {}
        """When traces began that were found and not sent again, as they are as they were, by their ids."""
        self.searched: Searched | None = None
        """Which traces the last search looked through, where a server could not be asked for what was wanted alone."""

    @property
    def sends_newest(self) -> bool:
        """Whether of more traces than are asked for it sends the newest, and not any."""
        return True

    def say(self, text: str) -> None:
        """Tell something, in which there may be what the server said."""
        self._say(self.connection.redacted(text))

    def close(self) -> None:
        """End its connections."""
        self.connection.close()

    @property
    @abstractmethod
    def offers(self) -> Offers: ...

    @abstractmethod
    def services(self) -> list[str]:
        """The names of all services, sorted. Raises BackEndError, as everything here does."""

    @abstractmethod
    def operations(self, service: str) -> list[str]:
        """The names of a service's operations, sorted; none for a service that is not there."""

    @abstractmethod
    def search(self, search: Search) -> Generator[bytes]:
        """Traces of which one span meets the search, as they come, in no order. Nothing is found: no document."""

    @abstractmethod
    def trace(self, trace_id: str) -> bytes | None:
        """One trace whole, None where there is no such."""

    @abstractmethod
    def dependencies(self, start_ns: int, end_ns: int) -> list[Dependency]:
        """The server's own graph of the services. Raises NotOfferedError where it has none."""

    def metrics(self, service: str, start_ns: int, end_ns: int) -> Metrics:  # noqa: ARG002 - what others take
        """How a service does by the server's metrics. Raises NotOfferedError where it keeps none."""
        raise NotOfferedError(f"{self.connection.name}: {self.offers.name} keeps no metrics of services")

    def names(self, path: str, listed: Sequence[msgspec.Raw], what: str) -> list[str]:
        """The names in a list that was sent, as `readable_names`. Raises HttpError where not one of them is a name."""
        try:
            return readable_names(listed, what, self.say)
        except NO_JSON as error:
            raise self.connection.no_answer(path, str(error)) from None

    def edges(self, path: str, listed: Sequence[msgspec.Raw]) -> list[Dependency]:
        """The dependency graph in a list that was sent, as `readable_edges`. Raises HttpError where no edge is one."""
        try:
            return readable_edges(listed, self.say)
        except NO_JSON as error:
            raise self.connection.no_answer(path, str(error)) from None

    def streamed(self, path: str, params: Params, shape: Shape) -> Generator[bytes]:
        """What it sends to a search, in documents as it comes."""
        try:
            yield from pieces(self.connection.stream(path, params), shape)
        except TooLargeError:
            raise CutOffError(
                f"{self.connection.name}{path}: more than can be kept came as one trace; the rest is left out"
            ) from None

    def takes(self, search: Search) -> Search:
        """What it is asked for by a search, at first; the rest is for whoever asks to filter."""
        search = of_any_service(search)
        return with_a_span_alike(search) or of_spans_alone(search)

    @abstractmethod
    def newest_start(self, search: Search) -> int:
        """When the newest trace of a search began, in nanoseconds since the epoch; 0 for none. Takes one request."""

    def whole(self, path: str) -> Answer:
        """What it sends for one trace, whatever its status."""
        return self.connection.get(path, most=LARGEST_TRACE)

    def traces(self, trace_ids: Sequence[str]) -> Generator[bytes]:
        """Traces by their ids, as they come; those that are missing or cannot be read are said."""

        def fetch(trace_id: str) -> tuple[str, bytes | HttpError | None]:
            try:
                return trace_id, self.trace(trace_id)
            except HttpError as error:
                return trace_id, error

        missing, failed = [], []
        for trace_id, found in each(fetch, trace_ids, AT_ONCE):
            if isinstance(found, HttpError):
                failed.append((trace_id, found))
            elif found is None:
                missing.append(trace_id)
            else:
                yield found
        if failed and len(failed) + len(missing) == len(trace_ids):
            raise failed[0][1]
        if failed:
            self.say(f"{_some(failed[0][0], len(failed))} could not be read: {failed[0][1]}")
        if missing:
            self.say(f"{_some(missing[0], len(missing))} {'is' if len(missing) == 1 else 'are'} not there")


def _some(first: str, count: int) -> str:
    return f"trace {first}" + (f" and {count - 1:,} more" if count > 1 else "")
