"""Probe of a server whose kind is unknown."""

from __future__ import annotations

from typing import Final

import msgspec

from tracetui.ingest.servers.back_end import Warn
from tracetui.ingest.servers.connection import Connection, ServerResponse
from tracetui.ingest.servers.request_errors import NO_JSON, HttpError
from tracetui.model.errors import BackEndError
from tracetui.model.json_decoding import RAW_MEMBERS

_OK, _BAD_REQUEST, _FAILED = 200, 400, 500
_REFUSED: Final = (401, 403)
_OVERLOADED: Final = (429, 502, 503, 504)
_PROXY_REFUSED: Final = 407
_GRAFANA: Final = b"<title>Grafana</title>"


class Probe:
    """Requests to a server of unknown kind, and facts about it from its responses."""

    def __init__(self, connection: Connection, warn: Warn) -> None:
        self.connection = connection
        self.warn = warn
        self._refused: HttpError | None = None
        self._web_page = self._is_grafana = False
        self._failed: HttpError | None = None
        self._server_message = ""
        """The server's message about a rejected request."""

    def get(self, path: str, **params: str) -> ServerResponse | None:
        """Return a response of status 200, except web pages. Raises HttpError for an unreachable or busy server."""
        response = self.connection.get(path, params)
        if response.status in _OVERLOADED or response.status == _PROXY_REFUSED:
            # it was already retried; stop, as each further path would be retried, too, or refused by the proxy
            raise self.connection.errors.status_error(path, response.status, response.body)
        # the first path is that of the most probable kind
        if response.status in _REFUSED:
            self._refused = self._refused or self.connection.errors.status_error(path, response.status, response.body)
        elif response.status >= _FAILED:
            self._failed = self._failed or self.connection.errors.status_error(path, response.status, response.body)
        elif response.status == _BAD_REQUEST:
            self._server_message = (
                self._server_message
                or self.connection.errors.status_error(path, response.status, response.body).server_message
            )
        elif response.status == _OK and response.body.lstrip()[:1] == b"<":
            self._web_page = True
            self._is_grafana |= _GRAFANA in response.body
        return response if response.status == _OK and response.body.lstrip()[:1] != b"<" else None

    def get_fields(self, path: str, key: str, **params: str) -> dict[str, msgspec.Raw] | None:
        """Return the fields of a JSON response, None unless one of them is `key`."""
        response = self.get(path, **params)
        try:
            fields = response.json(RAW_MEMBERS) if response is not None else {}
        except NO_JSON:
            return None
        return fields if key in fields else None

    def failure(self, api: str, addresses: str) -> BackEndError:
        """Return the error for a server without the wanted API.

        addresses: usual ports and base paths of known servers.
        """
        if self._refused is not None:
            return self._refused
        name = self.connection.name
        if self._is_grafana:
            origin = self.connection.address.origin
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
        return BackEndError(f"{name}: responds, but not with the API of {api}{message}; check {addresses}")
