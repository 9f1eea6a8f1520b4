"""Grafana Tempo's API: a TraceQL search returns ids, by which each trace is fetched."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from tracetui.ingest.servers.back_end import BackEnd, Capabilities, NotSupportedError, ServerKind, Warn, span_prefilter
from tracetui.ingest.servers.connection import Connection
from tracetui.ingest.servers.probe import Probe
from tracetui.ingest.servers.readable_lists import members_of
from tracetui.ingest.servers.request_errors import NO_JSON, HttpError
from tracetui.model.search import Search
from tracetui.model.server_stats import Dependency
from tracetui.model.times import SECOND_NS

_NOT_FOUND: Final = 404
_LONGEST_SECONDS: Final = 167 * 3600
"""Longest window of one search: Tempo's default limit is 168 hours."""
_NAMES_SECONDS: Final = 24 * 3600
"""Window for listing services and operations."""
_NEWEST: Final = " with (most_recent=true)"
_BAD_REQUEST: Final = 400
_MAX_SEARCHES: Final = 60
"""Largest number of consecutive searches of that length."""
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-/]*")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class _Values(msgspec.Struct, rename="camel"):
    tag_values: list[msgspec.Raw] | None = None


class _Stats(msgspec.Struct, rename="camel"):
    span_count: int = 0
    error_count: int = 0


class _FoundId(msgspec.Struct):
    trace_id: str = msgspec.field(name="traceID")


class _Found(_FoundId, rename="camel"):
    start_time_unix_nano: int = 0
    duration_ms: int = 0
    service_stats: dict[str, _Stats] | None = None

    @property
    def figures(self) -> tuple[int, ...]:
        """Values that change when the trace grows; () if unknown."""
        stats = (self.service_stats or {}).values()
        spans = sum(one.span_count for one in stats)
        errors = sum(one.error_count for one in stats)
        return (self.start_time_unix_nano, self.duration_ms, spans, errors) if spans else ()


MAX_REMEMBERED = 10_000
"""Largest number of traces remembered as sent; fetching one again costs a request."""


class _Listed(msgspec.Struct):
    traces: list[msgspec.Raw] | None = None


class _Head(msgspec.Struct):
    batches: list[msgspec.Raw] | None = None
    trace: dict[str, msgspec.Raw] | None = None
    status: str = ""
    message: str = ""


_TAG_VALUES: Final = msgspec.json.Decoder(_Values, strict=False)
_FOUND: Final = msgspec.json.Decoder(_Found, strict=False)
_FOUND_ID: Final = msgspec.json.Decoder(_FoundId)
_FOUND_TRACES: Final = msgspec.json.Decoder(_Listed, strict=False)
_HEAD: Final = msgspec.json.Decoder(_Head, strict=False)


def _found_in(item: msgspec.Raw) -> _Found:
    """Decode a trace of a search result; its id is enough to fetch it. Raises one of NO_JSON without one."""
    try:
        return _FOUND.decode(item)
    except NO_JSON:
        return _Found(_FOUND_ID.decode(item).trace_id)


class Tempo(BackEnd):
    """Grafana Tempo."""

    _supports_hint = True
    """True if it supports the hint for the newest traces; older versions reject it and send arbitrary ones."""

    def __init__(self, connection: Connection, warn: Warn) -> None:
        super().__init__(connection, warn)
        self._sent: dict[str, tuple[int, ...]] = {}
        """Figures of the traces that were sent, by id."""
        self._read: set[str] = set()
        """Traces received whole during the current search."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            "Tempo", "by the span's status", finds_elements=True, supports_traceql=True, grafana_type="tempo"
        )

    def services(self) -> list[str]:
        return self._values("resource.service.name", {})

    def operations(self, service: str) -> list[str]:
        return self._values("name", {"q": f"{{resource.service.name={_text(service)}}}"})

    def dependencies(self, start_ns: int, end_ns: int) -> list[Dependency]:  # noqa: ARG002 - part of the interface
        raise NotSupportedError(f"{self.connection.name}: Tempo has no dependency graph")

    def _values(self, tag: str, params: dict[str, str]) -> list[str]:
        path = f"/api/v2/search/tag/{tag}/values"
        # without a window it lists only names that arrived recently
        end = int(time.time() + self.connection.clock_ahead) + 1
        window = {"start": end - _NAMES_SECONDS, "end": end}
        found = self.connection.json(_TAG_VALUES, path, {**params, **window}).tag_values or ()
        return self.names(path, members_of(found, "value"), "names")

    def search(self, search: Search) -> Generator[bytes]:
        found: dict[str, _Found] = {}
        # most slow traces have a span of that length: searching for it is fast and finds them first
        narrow = span_prefilter(msgspec.structs.replace(search, failed=False))
        if narrow is not None:
            self._find(msgspec.structs.replace(narrow, failed=search.failed), found)
        self._find(search, found)
        newest = sorted(found.values(), key=lambda one: -one.start_time_unix_nano)
        # traces that have not grown since they were sent are already loaded
        same = [one for one in newest if one.figures and self._sent.get(one.trace_id) == one.figures]
        self.unchanged = {one.trace_id: one.start_time_unix_nano for one in same if self.omits_unchanged}
        self._read.clear()
        yield from self.traces([one.trace_id for one in newest if one.trace_id not in self.unchanged])
        self._remember([one for one in newest if one.trace_id in self._read or one.trace_id in self.unchanged])

    def _remember(self, sent: Sequence[_Found]) -> None:
        """Remember the figures of the latest traces; bounded, as following is endless."""
        for one in sent:
            self._sent.pop(one.trace_id, None)
            self._sent[one.trace_id] = one.figures
        for trace_id in list(self._sent)[: -max(len(sent), MAX_REMEMBERED)]:
            del self._sent[trace_id]

    def newest_start(self, search: Search) -> int:
        start, end = search.window()
        stop = -(-end // SECOND_NS)
        params = {"start": max(start // SECOND_NS, stop - _LONGEST_SECONDS), "end": stop, "limit": 1, "spss": 1}
        return max((one.start_time_unix_nano for one in self._listed(query(search), params)), default=0)

    def _find(self, search: Search, found: dict[str, _Found]) -> None:
        """Add the traces that a search finds, until the limit is reached."""
        start, end = search.window()
        begin, stop = start // SECOND_NS, -(-end // SECOND_NS)
        searches = 0
        while stop > begin and len(found) < search.max_traces:
            if searches == _MAX_SEARCHES:
                back_to = time.strftime("%Y-%m-%d", time.gmtime(stop))
                self.warn(f"Tempo searches one week at a time; searched back to {back_to} only")
                break
            searches += 1
            since = max(begin, stop - _LONGEST_SECONDS)
            params = {"start": since, "end": stop, "limit": search.max_traces, "spss": 1}
            for item in self._listed(query(search), params):
                if len(found) < search.max_traces:
                    found.setdefault(item.trace_id, item)
            stop = since

    def _listed(self, traceql: str, params: dict[str, int]) -> Sequence[_Found]:
        """Query the newest traces of a search, or arbitrary ones if Tempo cannot send those."""
        if self._supports_hint:
            try:
                newest: dict[str, str | int] = {"q": traceql + _NEWEST, **params}
                return self._search_result(newest)
            except HttpError as error:
                if error.status != _BAD_REQUEST:
                    raise
        # if the query is also rejected without the hint, the hint may be supported
        found = self._search_result({"q": traceql, **params})
        self._supports_hint = False
        return found

    def _search_result(self, params: dict[str, str | int]) -> Sequence[_Found]:
        path = "/api/search"
        listed = self.connection.json(_FOUND_TRACES, path, params).traces or ()
        return self.items(path, _found_in, listed, "traces of the search result")

    @property
    def sends_newest(self) -> bool:
        return self._supports_hint

    def supported_search(self, search: Search) -> Search:
        return search

    def trace(self, trace_id: str) -> bytes | None:
        # Tempo omits leading zeros of ids in results
        path = f"/api/v2/traces/{quote(trace_id.zfill(32), safe='')}"
        response = self.get_trace_response(path)
        if response.status == _NOT_FOUND:
            path = path.replace("/api/v2/", "/api/")
            response = self.get_trace_response(path)
        if response.status == _NOT_FOUND:
            return None
        if response.status != 200:
            raise self.connection.errors.status_error(path, response.status, response.body)
        try:
            head = response.json(_HEAD)
        except NO_JSON:
            # damaged: the decoder recovers the intact parts
            return response.body
        if (head.batches or head.trace) and head.status != "PARTIAL":
            self._read.add(trace_id)
        if head.status == "PARTIAL":
            self.warn(f"trace {trace_id} is incomplete: {head.message or 'too large'}")
        return response.body if head.batches or head.trace else None


def query(search: Search) -> str:
    """Convert a search to TraceQL."""
    conditions = []
    if search.service:
        conditions.append(f"resource.service.name={_text(search.service)}")
    elif search.services:
        named = " || ".join(f"resource.service.name={_text(name)}" for name in search.services)
        conditions.append(f"({named})" if len(search.services) > 1 else named)
    if search.operation:
        conditions.append(f"name={_text(search.operation)}")
    for key, value in search.attributes.items():
        name = f".{key}" if _PLAIN_KEY.fullmatch(key) else f".{_text(key)}"
        one = f"{name}={_text(value)}"
        # values are typed in TraceQL, but not in a search
        if _NUMBER.fullmatch(value) or value in ("true", "false"):
            one = f"({one} || {name}={value})"
        conditions.append(one)
    if search.errors:
        conditions.append("status=error")
    if search.least_ns is not None:
        conditions.append(f"duration>={search.least_ns}ns")
    if search.most_ns is not None:
        conditions.append(f"duration<={search.most_ns}ns")
    if search.slower_ns is not None:
        conditions.append(f"traceDuration>{search.slower_ns}ns")
    sets = []
    if conditions:
        sets.append(f"{{{' && '.join(conditions)}}}")
    if search.failed and not search.errors:
        sets.append("{status=error}")
    if search.expression:
        # a pipeline has a lower precedence than &&
        sets.insert(0, f"({search.expression})" if sets else search.expression)
    return " && ".join(sets) or "{}"


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()


def _detect(probe: Probe) -> BackEnd | None:
    response = probe.get("/api/echo")
    if response is not None and response.body.strip() == b"echo":
        return Tempo(probe.connection, probe.warn)
    # some gateways pass only searches
    return Tempo(probe.connection, probe.warn) if probe.get_fields("/api/search/tags", "tagNames") else None


KIND: Final = ServerKind(name="tempo", title="Tempo", port=3200, detect=_detect)
