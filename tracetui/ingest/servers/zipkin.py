"""Zipkin's v2 API."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from tracetui.ingest.servers.back_end import (
    BackEnd,
    Capabilities,
    ServerKind,
    Warn,
    span_prefilter,
    without_trace_conditions,
)
from tracetui.ingest.servers.connection import Connection
from tracetui.ingest.servers.per_service import documents_by_service, full_searches, searches_by_service
from tracetui.ingest.servers.probe import Probe
from tracetui.ingest.servers.request_errors import NO_JSON
from tracetui.ingest.servers.searched_window import SearchedWindow, window_of
from tracetui.ingest.servers.stream_split import ZIPKIN
from tracetui.ingest.servers.unseen_traces import (
    TraceStarts,
    add_latest_starts,
    add_starts,
    unseen_zipkin,
)
from tracetui.model.json_decoding import RAW_ITEMS
from tracetui.model.search import Search
from tracetui.model.server_stats import Dependency

_APIS: Final = ("/api/v2", "/zipkin/api/v2")

_NOT_FOUND = 404
_AND = " and "


class Zipkin(BackEnd):
    """Zipkin, or a server with its v2 API."""

    def __init__(self, connection: Connection, warn: Warn, api: str) -> None:
        """`api`: path of its API, to follow the address."""
        super().__init__(connection, warn)
        self._api = api

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            "Zipkin", "by the tag error", lower_case=True, page_path="/zipkin/traces", grafana_type="zipkin"
        )

    def services(self) -> list[str]:
        path = f"{self._api}/services"
        found = self.connection.json(RAW_ITEMS, path)
        return self.names(path, found, "services")

    def operations(self, service: str) -> list[str]:
        path = f"{self._api}/spans"
        found = self.connection.json(RAW_ITEMS, path, {"serviceName": service.lower()})
        return self.names(path, found, "operations")

    def supported_search(self, search: Search) -> Search:
        found = super().supported_search(
            msgspec.structs.replace(search, attributes=_supported_conditions(search.attributes))
        )
        return msgspec.structs.replace(found, services=search.services)

    def search(self, search: Search) -> Generator[bytes]:
        self.has_more, self.searched = False, None
        self.complete_since_ns = 0
        narrow = span_prefilter(search)
        if narrow is None:
            yield from self._streamed(without_trace_conditions(search))
            return
        seen: TraceStarts = {}
        for document in self._streamed(narrow):
            seen |= unseen_zipkin(document, {})[0]
            yield document
        if len(seen) >= search.max_traces:
            return
        anywhere = span_prefilter(
            Search(
                failed=search.failed,
                slower_ns=search.slower_ns,
                start_ns=search.start_ns,
                end_ns=search.end_ns,
                limit=search.max_traces,
            )
        )
        if anywhere is not None and (search.service or search.services or search.operation or search.attributes):
            # the failed or slow span may be a different one than the span that meets the other conditions
            others: TraceStarts = {}
            for document in self._streamed(anywhere):
                heads, unseen = unseen_zipkin(document, seen)
                others |= heads
                if unseen:
                    yield unseen
            self.has_more |= len(others) >= search.max_traces
            seen |= others
        # some slow or failed traces have no span that the server can search for
        found: TraceStarts = {}
        latest: TraceStarts = {}
        for document in self._streamed(without_trace_conditions(search)):
            heads, unseen = unseen_zipkin(document, seen)
            add_starts(found, heads)
            add_latest_starts(latest, document)
            if unseen:
                yield unseen
        if len(found) >= search.max_traces:
            self.has_more, self.complete_since_ns = True, self.complete_since_ns or self.complete_since(latest)
        self.searched = SearchedWindow(len(found), *window_of([*found.values()]))

    def newest_start(self, search: Search) -> int:
        newest = msgspec.structs.replace(without_trace_conditions(search), limit=1)
        starts = [start for found in self._streamed(newest) for start in unseen_zipkin(found, {})[0].values()]
        return max(starts, default=0)

    def _streamed(self, search: Search) -> Generator[bytes]:
        if search.services and not search.service:
            return self._search_each_service(search)
        return self.streamed(f"{self._api}/traces", _params(search), ZIPKIN)

    def _documents(self, search: Search) -> list[bytes]:
        return self.gathered(self._streamed(search))

    def _search_each_service(self, search: Search) -> Generator[bytes]:
        """Search the chosen services one by one, as Zipkin searches either a single service or all."""
        searches = searches_by_service(search, search.services, self.warn)
        seen: TraceStarts = {}
        full: list[Search] = []
        for _ in range(2):
            full, bounds = [], [0]
            found = documents_by_service(
                searches, self._documents, unseen_zipkin, seen, self.warn_incomplete, self.complete_since
            )
            for one, since, documents in found:
                yield from documents
                if since is not None:
                    full.append(one)
                    bounds.append(since)
            self.complete_since_ns = max(bounds)
            searches = full_searches(full, search)
            if not searches or len(seen) >= search.max_traces:
                break
        self.has_more |= bool(full)

    def trace(self, trace_id: str) -> bytes | None:
        path = f"{self._api}/trace/{quote(trace_id.lower(), safe='')}"
        response = self.get_trace_response(path)
        if response.status == _NOT_FOUND:
            return None
        if response.status != 200:
            raise self.connection.errors.status_error(path, response.status, response.body)
        return response.body

    def dependencies(self, start_ns: int, end_ns: int) -> list[Dependency]:
        params = {"endTs": end_ns // 1_000_000, "lookback": max((end_ns - start_ns) // 1_000_000, 1)}
        path = f"{self._api}/dependencies"
        found = self.connection.json(RAW_ITEMS, path, params)
        edges = self.edges(path, found)
        # Zipkin omits a count of 0
        return [msgspec.structs.replace(edge, error_count=edge.error_count or 0) for edge in edges]


def _supported_conditions(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the conditions that Zipkin's query can express, as it has no quotes."""
    return {
        key: value
        for key, value in attributes.items()
        if _is_supported(key) and _AND not in f"{key}={value}" and value.strip() == value
    }


def _is_supported(key: str) -> bool:
    return _AND not in key and "=" not in key and key.strip() == key


def _params(search: Search) -> dict[str, Any]:
    start, end = search.window()
    begin, stop = start // 1_000_000, -(-end // 1_000_000)
    conditions_by_key = _supported_conditions(search.attributes)
    # if the value cannot be expressed, require only that the key exists
    conditions = [
        f"{key}={conditions_by_key[key]}" if conditions_by_key.get(key) else key
        for key in search.attributes
        if _is_supported(key)
    ]
    minimum = search.least_ns
    if minimum is None and search.most_ns is not None:
        # Zipkin requires a minimum duration with a maximum
        minimum = 1_000
    params: dict[str, Any] = {
        # it stores names in lower case
        "serviceName": search.service.lower(),
        "spanName": search.operation.lower(),
        "annotationQuery": _AND.join([*conditions, *(["error"] if search.errors else [])]),
        # Zipkin stores whole microseconds
        "minDuration": minimum and max(-(-minimum // 1_000), 1),
        "maxDuration": search.most_ns and -(-search.most_ns // 1_000),
        "endTs": stop,
        "lookback": max(stop - begin, 1),
        "limit": search.max_traces,
    }
    return {key: value for key, value in params.items() if value}


def _detect(probe: Probe) -> BackEnd | None:
    for api in _APIS:
        response = probe.get(f"{api}/services")
        try:
            if response is not None and response.json(RAW_ITEMS) is not None:
                return Zipkin(probe.connection, probe.warn, api)
        except NO_JSON:
            continue
    return None


KIND: Final = ServerKind(name="zipkin", title="Zipkin", port=9411, detect=_detect)
