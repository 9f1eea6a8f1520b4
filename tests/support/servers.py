"""Stand-ins for Jaeger, Zipkin and Tempo on loopback, from recorded responses of real servers.

with replaying("jaeger-2.20-v3", "jaeger-2.20-v1") as jaeger:
    ...jaeger.url, jaeger.requests

with LiveServer("zipkin") as zipkin:
    zipkin.hide(zipkin.trace_ids[-2:])
    ...
    zipkin.show(zipkin.trace_ids[-2:])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from ssl import SSLContext

from tests.support.backends import PLAIN, Backend, JaegerV1, JaegerV3, Tempo, Zipkin
from tests.support.documents import Document, Json, padded, shifted
from tests.support.jaeger_compatible import JAEGER_COMPATIBLE
from tests.support.loopback import Loopback, Request, Response
from tests.support.recordings import FIRST_NS, LAST_NS, Recording, recorded

__all__ = ["FIRST_NS", "LAST_NS", "LiveServer", "recorded", "replaying"]

KINDS: Mapping[str, tuple[type[Backend], str]] = {
    "jaeger-v1": (JaegerV1, "jaeger-2.20-v1"),
    "jaeger-v3": (JaegerV3, "jaeger-main-v3"),
    "zipkin": (Zipkin, "zipkin-3.5.1"),
    "tempo": (Tempo, "tempo-3.0"),
}


NOT_FOUND = Response((b"404 page not found\n",), 404, PLAIN)
NO_METRICS = ("calls-unknown-service", "metrics-calls")
"""Recorded responses for metrics that were not recorded."""


class StandIn(Loopback, ABC):
    """Recordings and APIs below the path `base`; `respond` defines the order in which they are tried."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        backends: Sequence[Backend],
        base: str = "",
        tls: SSLContext | None = None,
        socket_path: Path | None = None,
    ) -> None:
        super().__init__(tls=tls, socket_path=socket_path)
        self.recordings = recordings
        self.backends = backends
        self._base = base

    @property
    def url(self) -> str:
        return super().url + self._base

    def respond(self, request: Request) -> Response:
        below = request.path.removeprefix(self._base)
        if below == request.path and self._base:
            return NOT_FOUND
        return self.respond_below(request._replace(path=below))

    @abstractmethod
    def respond_below(self, request: Request) -> Response:
        """Respond to a request; its path is without the base."""

    def computed_response(self, request: Request) -> Response | None:
        return next((answer for backend in self.backends if (answer := backend.answer(request))), None)

    def recorded_response(self, request: Request, *, respect_window: bool) -> Response | None:
        first = self.recordings[0]
        if request.path.startswith("/api/metrics/"):
            # the first of several recordings decides whether there are metrics
            fallback = next((first.answers[name] for name in NO_METRICS if name in first.answers), None)
            return first.find(request.path, request.query) or fallback
        found = (recording.find(request.path, request.query, respect_window) for recording in self.recordings)
        return next((answer for answer in found if answer), None)

    def not_found(self) -> Response:
        return self.recordings[0].answers.get("not-found", NOT_FOUND)


class LiveServer(StandIn):
    """Server of one kind, of `KINDS` or of `JAEGER_COMPATIBLE`, whose traces can appear and disappear.

    With `ends_ns`, all times are shifted so that the last span ends then, within a window that ends now.
    """

    def __init__(
        self,
        kind: str,
        *,
        ends_ns: int | None = None,
        empty: bool = False,
        base: str = "",
        tls: SSLContext | None = None,
        socket_path: Path | None = None,
        orders_by_arrival: bool = False,
    ) -> None:
        """`orders_by_arrival`: the newest traces are those that were added last, as in Jaeger's memory storage."""
        api, name, root = JAEGER_COMPATIBLE[kind] if kind in JAEGER_COMPATIBLE else (*KINDS[kind], "")
        self._backend = api(recorded(name))
        self._backend.orders_by_arrival = orders_by_arrival
        super().__init__([self._backend.recording], [self._backend], base + root, tls, socket_path)
        documents = list(self._backend.documents.values())
        if empty:
            self._backend.documents.clear()
        elif ends_ns is not None:
            by = (ends_ns - max(document.end_ns for document in documents)) // 1_000_000 * 1_000_000
            self._backend.documents = {d.id: Document(shifted(d.body, by), d.facts, d.broken) for d in documents}

    @property
    def trace_ids(self) -> list[str]:
        """Ids of all traces, hidden ones included, oldest first, in 32 digits."""
        documents = self._backend.documents
        return sorted(documents, key=lambda key: documents[key].start_ns)

    def document(self, trace_id: str) -> Document:
        return self._backend.documents[padded(trace_id)]

    def add(self, body: Json, *, broken: bool = False) -> str:
        """Add a trace in this server's JSON (Jaeger v3 and Tempo: an OTLP message). -> its id

        broken: the server fails to encode it.
        """
        document = Document(body, self._backend.facts, broken)
        self._backend.documents[document.id] = document
        return document.id

    def add_all(self, bodies: Iterable[Json]) -> None:
        """Add traces, all at the same moment."""
        documents = [Document(body, self._backend.facts, False) for body in bodies]
        self._backend.documents = {**self._backend.documents, **{document.id: document for document in documents}}

    def hide(self, trace_ids: Iterable[str]) -> None:
        self._backend.hidden |= set(map(padded, trace_ids))

    def show(self, trace_ids: Iterable[str]) -> None:
        self._backend.hidden -= set(map(padded, trace_ids))

    def respond_below(self, request: Request) -> Response:
        return (
            self.computed_response(request) or self.recorded_response(request, respect_window=False) or self.not_found()
        )


class replaying(StandIn):  # noqa: N801 - reads as a verb
    """Replays recorded responses; other requests are answered from the traces in the recorded responses.

    Several recordings are several APIs of one server. With `tenant`, only requests that name it are accepted.
    """

    def __init__(self, *names: str, base: str = "", tenant: str = "") -> None:
        recordings = [recorded(name) for name in names]
        backends = [api(recording) for recording in recordings if (api := _api_of(recording))]
        super().__init__(recordings, backends, base)
        self._tenant = tenant

    def respond_below(self, request: Request) -> Response:
        return (
            self._of_no_tenant(request)
            or self.recorded_response(request, respect_window=True)
            or self.computed_response(request)
            or self.recorded_response(request, respect_window=False)
            or self.not_found()
        )

    def _of_no_tenant(self, request: Request) -> Response | None:
        if not self._tenant:
            return None
        if self.recordings[0].name.startswith("tempo"):
            named = request.headers.get("x-scope-orgid")
            return None if named else Response((b"no org id",), 401, PLAIN)
        named = request.headers.get("x-tenant")
        if named == self._tenant:
            return None
        return recorded("jaeger-2.20-tenant-unknown" if named else "jaeger-2.20-tenant-missing")["services"]


def _api_of(recording: Recording) -> type[Backend] | None:
    """None for recordings that hold no traces."""
    if "tenant" in recording.name or "metrics" in recording.name:
        return None
    kinds = {"zipkin": Zipkin, "tempo": Tempo, "jaeger": JaegerV1 if recording.name.endswith("v1") else JaegerV3}
    return kinds[recording.name.split("-")[0]]
