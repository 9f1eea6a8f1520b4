"""Client of a server in tests: the back end as the program opens it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.documents import padded
from tests.support.format_losses import by_ids, spans_of
from tests.support.servers import StandIn
from tracetui.config import NO_OVERRIDES, Overrides, Profile
from tracetui.ingest.servers.back_end import BackEnd
from tracetui.ingest.servers.resolve import documents, open_back_end, server_at
from tracetui.model.search import Search
from tracetui.model.span import Span


@dataclass
class Client:
    """A back end, the server behind it, and the warnings of its requests."""

    back_end: BackEnd
    server: StandIn
    warnings: list[str] = field(default_factory=list)

    def spans(self, search: Search) -> dict[tuple[str, str], Span]:
        return by_ids(spans_of(*documents(self.back_end, search)))

    def found(self, search: Search) -> set[str]:
        return {trace_id for trace_id, _ in self.spans(search)}

    @property
    def stored_ids(self) -> set[str]:
        """Return the ids of the traces that the server holds."""
        return {padded(trace_id) for backend in self.server.backends for trace_id in backend.documents}

    @property
    def last(self) -> tuple[str, dict[str, list[str]]]:
        request = self.server.requests[-1]
        return request.path, dict(request.query)


@contextmanager
def client_of(
    server: StandIn, path: str = "", overrides: Overrides = NO_OVERRIDES, profile: Profile | None = None
) -> Iterator[Client]:
    """Run a server and open its back end."""
    with server:
        at = server_at(server.url + path)
        assert at
        warnings: list[str] = []
        back_end = open_back_end(
            at if profile is None else type(at)(at.name, at.address, profile), overrides, warnings.append
        )
        try:
            yield Client(back_end, server, warnings)
        finally:
            back_end.close()
