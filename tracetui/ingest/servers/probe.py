"""Detection of the kind of server at an address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec

from tracetui.config import BackEndKind
from tracetui.ingest.servers.back_end import BackEnd, Say
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


def back_end_at(connection: Connection, kind: BackEndKind, say: Say) -> BackEnd:
    """The back end at an address, of a given kind or ('') of the kind detected.

    Raises BackEndError where nothing can be reached or what answers is none of them.
    """
    probe = _Probe(connection, say)
    first = kind or _PORTS.get(urlsplit(connection.address.base).port, "jaeger")
    for one in [first] if kind else sorted(_ORDER, key=lambda other: other != first):
        found = probe.find[one]()
        if found is not None:
            return found
    raise probe.failure(kind)


class _Probe:
    def __init__(self, connection: Connection, say: Say) -> None:
        self._connection = connection
        self._say = say
        self._refused: HttpError | None = None
        self._web_page = self._is_grafana = False
        self._failed: HttpError | None = None
        self._said = ""
        """Reason why it cannot handle the request."""
        self.find: dict[BackEndKind, Callable[[], BackEnd | None]] = {
            "jaeger": self._jaeger,
            "zipkin": self._zipkin,
            "tempo": self._tempo,
        }

    def _asked(self, path: str, **params: str) -> ServerResponse | None:
        """Response of status 200 that is no web page. Raises HttpError for an unreachable or busy server."""
        answer = self._connection.get(path, params)
        if answer.status in _OVERLOADED:
            # it was asked again already, and would be for each of the paths
            raise self._connection.refusal(path, answer.status, answer.body)
        # the first of them is of what most probably is there
        if answer.status in _REFUSED:
            self._refused = self._refused or self._connection.refusal(path, answer.status, answer.body)
        elif answer.status >= _FAILED:
            self._failed = self._failed or self._connection.refusal(path, answer.status, answer.body)
        elif answer.status == _BAD_REQUEST:
            self._said = self._said or self._connection.refusal(path, answer.status, answer.body).said
        elif answer.status == _OK and answer.body.lstrip()[:1] == b"<":
            self._web_page = True
            self._is_grafana |= _GRAFANA in answer.body
        return answer if answer.status == _OK and answer.body.lstrip()[:1] != b"<" else None

    def _holding(self, path: str, key: str, **params: str) -> dict[str, msgspec.Raw] | None:
        """Fields of a response, if one of them is `key`."""
        answer = self._asked(path, **params)
        try:
            fields = answer.json(dict[str, msgspec.Raw]) if answer is not None else {}
        except NO_JSON:
            return None
        return fields if key in fields else None

    def _jaeger(self) -> BackEnd | None:
        address = urlsplit(self._connection.address.base)
        usual = "" if address.path else PATHS.get(address.port or 0, "")
        for root in dict.fromkeys((usual, "")):
            v3 = self._holding(f"{root}/api/v3/services", "services") is not None
            names = self._holding(f"{root}/api/services", "data")
            if v3 or names is not None:
                return Jaeger(
                    self._connection,
                    self._say,
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
        answer = self._connection.get(f"{root}/api/v3/trace-summaries", window)
        # a store that wants a service says so in JSON
        return answer.status in (_OK, _BAD_REQUEST) and answer.body.lstrip()[:1] == b"{"

    def _zipkin(self) -> BackEnd | None:
        for api in _ZIPKIN_APIS:
            answer = self._asked(f"{api}/services")
            try:
                if answer is not None and answer.json(list[msgspec.Raw]) is not None:
                    return Zipkin(self._connection, self._say, api)
            except NO_JSON:
                continue
        return None

    def _tempo(self) -> BackEnd | None:
        answer = self._asked("/api/echo")
        if answer is not None and answer.body.strip() == b"echo":
            return Tempo(self._connection, self._say)
        # some gateways let the searches alone pass
        return Tempo(self._connection, self._say) if self._holding("/api/search/tags", "tagNames") else None

    def failure(self, kind: BackEndKind) -> BackEndError:
        """Why no back end was found."""
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
        said = f" ({self._said})" if self._said else ""
        return BackEndError(
            f"{name}: responds, but not with the API of {api}{said}; check the port (Jaeger 16686, Zipkin 9411,"
            " Tempo 3200) and the base path (VictoriaTraces /select/jaeger, GreptimeDB /v1/jaeger, Quickwit"
            " /api/v1/INDEX/jaeger)"
        )
