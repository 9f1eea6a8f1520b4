"""Detection of the kind of server at an address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec

from tracetui.config import BackEndKind
from tracetui.ingest.servers.back_end import BackEnd, Warn
from tracetui.ingest.servers.connection import NO_JSON, Connection, HttpError, ServerResponse
from tracetui.ingest.servers.jaeger import Jaeger
from tracetui.ingest.servers.jaeger_dialects import PATHS, dialect_of
from tracetui.ingest.servers.tempo import Tempo
from tracetui.ingest.servers.zipkin import Zipkin
from tracetui.model.errors import BackEndError

_OK, _BAD_REQUEST, _FAILED = 200, 400, 500
_REFUSED: Final = (401, 403)
_OVERLOADED: Final = (429, 502, 503, 504)
_GRAFANA: Final = b"<title>Grafana</title>"
_ZIPKIN_APIS: Final = ("/api/v2", "/zipkin/api/v2")
_PORTS: Final[dict[int | None, BackEndKind]] = {9411: "zipkin", 3200: "tempo"}
_ORDER: Final[tuple[BackEndKind, ...]] = ("jaeger", "zipkin", "tempo")


def back_end_at(connection: Connection, kind: BackEndKind, warn: Warn) -> BackEnd:
    """Connect to the back end at an address, of the given kind or ('') of the detected one.

    Raises BackEndError for an unreachable server or one of another kind.
    """
    probe = _Probe(connection, warn)
    first = kind or _PORTS.get(urlsplit(connection.address.base).port, "jaeger")
    for one in [first] if kind else sorted(_ORDER, key=lambda other: other != first):
        found = probe.find[one]()
        if found is not None:
            return found
    raise probe.failure(kind)


class _Probe:
    def __init__(self, connection: Connection, warn: Warn) -> None:
        self._connection = connection
        self._warn = warn
        self._refused: HttpError | None = None
        self._web_page = self._is_grafana = False
        self._failed: HttpError | None = None
        self._server_message = ""
        """The server's message about a rejected request."""
        self.find: dict[BackEndKind, Callable[[], BackEnd | None]] = {
            "jaeger": self._jaeger,
            "zipkin": self._zipkin,
            "tempo": self._tempo,
        }

    def _get(self, path: str, **params: str) -> ServerResponse | None:
        """Get a response of status 200 that is not a web page. Raises HttpError for an unreachable or busy server."""
        response = self._connection.get(path, params)
        if response.status in _OVERLOADED:
            # it was retried already, and would be retried for each path
            raise self._connection.refusal(path, response.status, response.body)
        # the first path is that of the most probable kind
        if response.status in _REFUSED:
            self._refused = self._refused or self._connection.refusal(path, response.status, response.body)
        elif response.status >= _FAILED:
            self._failed = self._failed or self._connection.refusal(path, response.status, response.body)
        elif response.status == _BAD_REQUEST:
            self._server_message = (
                self._server_message or self._connection.refusal(path, response.status, response.body).server_message
            )
        elif response.status == _OK and response.body.lstrip()[:1] == b"<":
            self._web_page = True
            self._is_grafana |= _GRAFANA in response.body
        return response if response.status == _OK and response.body.lstrip()[:1] != b"<" else None

    def _get_fields(self, path: str, key: str, **params: str) -> dict[str, msgspec.Raw] | None:
        """Get the fields of a response, if one of them is `key`."""
        response = self._get(path, **params)
        try:
            fields = response.json(dict[str, msgspec.Raw]) if response is not None else {}
        except NO_JSON:
            return None
        return fields if key in fields else None

    def _jaeger(self) -> BackEnd | None:
        address = urlsplit(self._connection.address.base)
        usual = "" if address.path else PATHS.get(address.port or 0, "")
        for root in dict.fromkeys((usual, "")):
            v3 = self._get_fields(f"{root}/api/v3/services", "services") is not None
            names = self._get_fields(f"{root}/api/services", "data")
            if v3 or names is not None:
                return Jaeger(
                    self._connection,
                    self._warn,
                    v1=names is not None,
                    v3=v3,
                    summaries=v3 and self._has_summaries(root),
                    root=root,
                    dialect=dialect_of(address.path + root, names),
                )
        return None

    def _has_summaries(self, root: str) -> bool:
        window = {
            "query.startTimeMin": "2020-01-01T00:00:00Z",
            "query.startTimeMax": "2020-01-01T00:00:01Z",
            "query.searchDepth": "1",
        }
        response = self._connection.get(f"{root}/api/v3/trace-summaries", window)
        # a store that requires a service rejects the request in JSON
        return response.status in (_OK, _BAD_REQUEST) and response.body.lstrip()[:1] == b"{"

    def _zipkin(self) -> BackEnd | None:
        for api in _ZIPKIN_APIS:
            response = self._get(f"{api}/services")
            try:
                if response is not None and response.json(list[msgspec.Raw]) is not None:
                    return Zipkin(self._connection, self._warn, api)
            except NO_JSON:
                continue
        return None

    def _tempo(self) -> BackEnd | None:
        response = self._get("/api/echo")
        if response is not None and response.body.strip() == b"echo":
            return Tempo(self._connection, self._warn)
        # some gateways pass only searches
        return Tempo(self._connection, self._warn) if self._get_fields("/api/search/tags", "tagNames") else None

    def failure(self, kind: BackEndKind) -> BackEndError:
        """Return the error for a server of no known kind."""
        if self._refused is not None:
            return self._refused
        name, api = self._connection.name, kind.capitalize() or "Jaeger, Zipkin or Tempo"
        if self._is_grafana:
            origin = self._connection.address.origin
            return BackEndError(
                f"{name}: this is Grafana, not a trace server; use the address of its data source,"
                f" {origin}/api/datasources/proxy/uid/UID, with a service account token (TRACETUI_TOKEN or a profile)"
            )
        if self._web_page:
            return BackEndError(
                f"{name}: returned a web page, perhaps a login page, not the API of {api}; is a base path missing, or"
                " are credentials (TRACETUI_TOKEN or a profile)?"
            )
        if self._failed is not None:
            return self._failed
        message = f" ({self._server_message})" if self._server_message else ""
        return BackEndError(
            f"{name}: responds, but not with the API of {api}{message}; check the port (Jaeger 16686, Zipkin 9411,"
            " Tempo 3200) and the base path (VictoriaTraces /select/jaeger, GreptimeDB /v1/jaeger, Quickwit"
            " /api/v1/INDEX/jaeger)"
        )
