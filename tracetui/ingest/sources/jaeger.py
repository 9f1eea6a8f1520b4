"""Jaeger's query service: the v1 API (`/api/...`, until 2.20) and the v3 API (`/api/v3/...`, from 1.25).

v3 sends OTLP and writes NaN and infinity, which v1 answers with an error for all that was asked for; from 2.19 on it
takes attributes and sends summaries, and after 2.20 it is the only one that searches. Of an older one v1 is the better.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec
import numpy as np

from tracetui.ingest.sources.back_end import BackEnd, Offers, Say
from tracetui.ingest.sources.connection import NO_JSON, Connection, HttpError, Params
from tracetui.ingest.sources.jaeger_metrics import metrics_of
from tracetui.ingest.sources.pieces import JAEGER_V1, OTLP
from tracetui.model.opinion import Dependency, Metrics
from tracetui.model.search import Search

_BAD_REQUEST, _NOT_FOUND, _FAILED = 400, 404, 500
_NARROWEST_NS: Final = 1_000_000
_MOST_SLICES: Final = 64
_ONE_TRACE_NS: Final = 1_000_000_000
_LEAST_PER_SERVICE: Final = 10
_LOOKED_THROUGH: Final = 20
"""Summaries for each trace that is wanted."""
_MOST_SUMMARIES: Final = 5_000
_FINDS_ERRORS: Final = "by the tag error=true; a span that failed by its HTTP or gRPC status alone is not found"


class _Found(msgspec.Struct):
    data: list[msgspec.Raw] | None
    errors: list[msgspec.Raw] | None = None


class _Head(msgspec.Struct):
    traceID: str  # noqa: N815 - as the server writes it


class _Names(msgspec.Struct):
    services: list[str] | None = None
    """v3"""
    data: list[str] | None = None
    """v1"""


class _Operation(msgspec.Struct):
    name: str


class _Operations(msgspec.Struct):
    operations: list[_Operation] | None = None
    data: list[_Operation] | None = None


class _Call(msgspec.Struct, rename="camel"):
    parent: str
    child: str
    call_count: int = 0


class _Calls(msgspec.Struct):
    data: list[_Call] | None = None


class _Summarised(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    old_trace_id: str = msgspec.field(name="traceID", default="")
    min_start_time_unix_nano: int = 0
    max_end_time_unix_nano: int = 0
    error_span_count: int = 0


class _Summaries(msgspec.Struct):
    summaries: list[_Summarised] | None = None


@dataclass(frozen=True, slots=True)
class _Summary:
    trace_id: str
    start_ns: int
    end_ns: int
    error_spans: int

    def meets(self, search: Search) -> bool:
        """Whether the trace meets what the search says of whole traces."""
        slow = search.slower_ns is None or self.end_ns - self.start_ns > search.slower_ns
        return slow and (not search.failed or self.error_spans > 0)


class Jaeger(BackEnd):
    def __init__(self, connection: Connection, say: Say, *, v1: bool, v3: bool, summaries: bool) -> None:
        """`v1`, `v3`: which of the APIs search; `summaries`: whether v3 is of 2.19 or later."""
        super().__init__(connection, say)
        self._v1, self._v3, self._summaries = v1, v3, summaries
        self._prefers_v3 = v3 and (summaries or not v1)
        self._wants_service = not self._prefers_v3

    @property
    def offers(self) -> Offers:
        return Offers(f"Jaeger ({'v3' if self._prefers_v3 else 'v1'})", _FINDS_ERRORS)

    def services(self) -> list[str]:
        found = self.connection.json(_Names, "/api/v3/services" if self._prefers_v3 else "/api/services")
        return sorted((found.services if self._prefers_v3 else found.data) or ())

    def operations(self, service: str) -> list[str]:
        path = "/api/v3/operations" if self._prefers_v3 else "/api/operations"
        found = self.connection.json(_Operations, path, {"service": service})
        listed = (found.operations if self._prefers_v3 else found.data) or ()
        return sorted({item.name for item in listed})

    def trace(self, trace_id: str) -> bytes | None:
        path = "/api/v3/traces/" if self._v3 else "/api/traces/"
        answer = self.whole(path + quote(trace_id, safe=""))
        if answer.status == _NOT_FOUND:
            return None
        if answer.status != 200:
            raise self.connection.refusal(path, answer.status, answer.body)
        return answer.body

    def dependencies(self, start_ns: int, end_ns: int) -> list[Dependency]:
        params = {"endTs": end_ns // 1_000_000, "lookback": max((end_ns - start_ns) // 1_000_000, 1)}
        found = self.connection.json(_Calls, "/api/dependencies", params).data or ()
        return [Dependency(item.parent, item.child, item.call_count) for item in found]

    def takes(self, search: Search) -> Search:
        if self._summaries:
            return search
        # before 2.19 v3 overlooks attributes
        taken = msgspec.structs.replace(search, attributes={}, errors=False) if self._prefers_v3 else search
        return super().takes(taken)

    def metrics(self, service: str, start_ns: int, end_ns: int) -> Metrics:
        return metrics_of(self.connection, service, start_ns, end_ns)

    def search(self, search: Search) -> Generator[bytes]:
        self.has_more = False
        if self._summaries and (search.failed or search.slower_ns is not None):
            yield from self._by_summaries(search)
        elif not search.service and self._wants_service:
            yield from self._every_service(search)
        elif self._prefers_v3:
            try:
                yield from self._search_v3(search)
            except HttpError as error:
                if error.status != _BAD_REQUEST or search.service:
                    raise
                # its store keeps traces by service
                self._wants_service = True
                yield from self._every_service(search)
        else:
            yield from self._search_v1(search)

    def _by_summaries(self, search: Search) -> Generator[bytes]:
        """Look through more summaries than traces are wanted, for what only whole traces tell, and fetch those."""
        many = msgspec.structs.replace(search, limit=min(search.most * _LOOKED_THROUGH, _MOST_SUMMARIES))
        looked_through = list(self._summarised(many))
        self.has_more = len(looked_through) >= many.most
        found = [one for one in looked_through if one.meets(search)]
        newest = sorted(found, key=lambda one: -one.start_ns)[: search.most]
        yield from self.traces([one.trace_id for one in newest])

    def _search_v3(self, search: Search) -> Generator[bytes]:
        try:
            yield from self.streamed("/api/v3/traces", self._v3_params(search), OTLP)
        except HttpError as error:
            # which is how it says that nothing was found
            if error.status != _NOT_FOUND:
                raise

    def _v3_params(self, search: Search) -> Params:
        start, end = search.window()
        params: dict[str, str | int] = {
            "service_name": search.service,
            "operation_name": search.operation,
            "start_time_min": _rfc3339(start),
            "start_time_max": _rfc3339(end),
            "num_traces": search.most,
            "duration_min": _go_duration(search.least_ns),
            "duration_max": _go_duration(search.most_ns),
        }
        if self._summaries:
            params = {_camel(key): value for key, value in params.items()}
            params["searchDepth"] = params.pop("numTraces")
            tags = _tags(search)
            params["attributes"] = msgspec.json.encode(tags).decode() if tags else ""
        return {f"query.{key}": value for key, value in params.items() if value}

    def _search_v1(self, search: Search) -> Generator[bytes]:
        try:
            yield from self.streamed("/api/traces", _v1_params(search), JAEGER_V1)
        except HttpError as error:
            if error.status != _FAILED or "json" not in error.said:
                raise
            # one span with a value that JSON cannot hold makes it send none of them
            if self._v3:
                self.say(f"its v1 search failed ({error.said}); asked its v3 API instead")
                yield from self._search_v3(search)
            else:
                yield from self._around_what_fails(search, error)

    def _around_what_fails(self, search: Search, error: HttpError) -> Generator[bytes]:
        """Halve the window until what the server cannot write is alone in a slice of it, and read the rest."""
        start, end = search.window()
        # the widest first: where there is much that it cannot write, as little as can be is lost of all parts
        slices = deque([(start, end)])
        lost: list[tuple[int, int]] = []
        asked = 0
        while slices:
            begin, stop = slices.popleft()
            if stop - begin > _NARROWEST_NS and asked < _MOST_SLICES:
                middle = (begin + stop) // 2
                for half in ((begin, middle), (middle, stop)):
                    asked += 1
                    narrow = msgspec.structs.replace(search, start_ns=half[0], end_ns=half[1])
                    try:
                        yield from self.streamed("/api/traces", _v1_params(narrow), JAEGER_V1)
                    except HttpError as again:
                        if again.status != _FAILED:
                            raise
                        slices.append(half)
            else:
                lost.append((begin, stop))
        for begin, stop in _joined(lost):
            self.say(
                f"it cannot send traces that start between {_shown(begin)} and {_shown(stop)}: {error.said};"
                " the rest was read around them"
            )

    def _every_service(self, search: Search) -> Generator[bytes]:
        """Search service by service, as it cannot without one, and leave out what another one has brought."""
        services = self.services()
        # one window for all: what cannot be sent is then found in the same place, and said once
        start, end = search.window()
        search = msgspec.structs.replace(search, start_ns=start, end_ns=end)
        limit = max(math.ceil(2 * search.most / max(len(services), 1)), _LEAST_PER_SERVICE)
        self.say(f"it searches by service only: each of {len(services):,} was asked for its newest {limit:,} traces")
        searches = [msgspec.structs.replace(search, service=name, limit=limit) for name in services]
        if self._v1:
            seen: set[str] = set()
            for one in searches:
                count = 0
                for document in self._search_v1(one):
                    more, unseen = _unseen(document, seen)
                    count += more
                    if unseen:
                        yield unseen
                self.has_more |= count >= limit
        elif self._summaries:
            found: dict[str, int] = {}
            for one in searches:
                summaries = list(self._summarised(one))
                self.has_more |= len(summaries) >= limit
                found |= {summary.trace_id: summary.start_ns for summary in summaries}
            newest = sorted(found, key=lambda trace_id: -found[trace_id])[: search.most]
            yield from self.traces(newest)
        else:
            for one in searches:
                # a trace of several services comes several times
                yield from self._search_v3(one)

    def _summarised(self, search: Search) -> Iterable[_Summary]:
        """The traces that a search finds, without their spans."""
        found = self.connection.json(_Summaries, "/api/v3/trace-summaries", self._v3_params(search)).summaries or ()
        for item in found:
            yield _Summary(
                item.trace_id or item.old_trace_id,
                item.min_start_time_unix_nano,
                item.max_end_time_unix_nano,
                item.error_span_count,
            )


def _joined(slices: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Slices of time in order; those that one trace may reach into as one."""
    joined: list[tuple[int, int]] = []
    for begin, stop in sorted(slices):
        if joined and begin - joined[-1][1] <= _ONE_TRACE_NS:
            begin = joined.pop()[0]
        joined.append((begin, stop))
    return joined


def _unseen(document: bytes, seen: set[str]) -> tuple[int, bytes]:
    """-> how many traces an answer holds, and an answer of those that were not seen yet, b"" for none"""
    try:
        answer = msgspec.json.decode(document, type=_Found)
        found = answer.data or []
        heads = [msgspec.json.decode(item, type=_Head).traceID for item in found]
    except NO_JSON:
        # damaged: whoever decodes it makes the best of it
        return 0, document
    new = [item for item, trace_id in zip(found, heads, strict=True) if trace_id not in seen]
    seen.update(heads)
    answer.data = new
    return len(found), msgspec.json.encode(answer) if new or answer.errors else b""


def _v1_params(search: Search) -> Params:
    start, end = search.window()
    tags = _tags(search)
    params: dict[str, Any] = {
        "service": search.service,
        "operation": search.operation,
        "start": start // 1_000,
        "end": -(-end // 1_000),
        "limit": search.most,
        "minDuration": _go_duration(search.least_ns),
        "maxDuration": _go_duration(search.most_ns),
        "tags": msgspec.json.encode(tags).decode() if tags else "",
    }
    return {key: value for key, value in params.items() if value}


def _tags(search: Search) -> dict[str, str]:
    return {**search.attributes, **({"error": "true"} if search.errors else {})}


def _go_duration(ns: int | None) -> str:
    return f"{ns}ns" if ns is not None else ""


def _rfc3339(ns: int) -> str:
    return str(np.datetime64(ns, "ns")) + "Z"


def _shown(ns: int) -> str:
    return str(np.datetime64(ns // 1_000_000, "ms")).replace("T", " ") + "Z"


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)
