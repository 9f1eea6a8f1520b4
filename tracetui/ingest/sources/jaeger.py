"""Jaeger's query service: the v1 API (`/api/...`, until 2.20) and the v3 API (`/api/v3/...`, from 1.25).

v3 sends OTLP and writes NaN and infinity, which v1 answers with an error for all that was asked for; from 2.19 on it
takes attributes and sends summaries, and after 2.20 it is the only one that searches. Of an older one v1 is the better.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec
import numpy as np

from tracetui.ingest.sources.at_once import each
from tracetui.ingest.sources.back_end import BackEnd, Offers, Say, of_spans_alone, with_a_span_alike
from tracetui.ingest.sources.connection import AT_ONCE, Connection, HttpError, Params
from tracetui.ingest.sources.jaeger_metrics import metrics_of
from tracetui.ingest.sources.pieces import JAEGER_V1, OTLP
from tracetui.ingest.sources.searched import Searched, window_of
from tracetui.ingest.sources.trace_heads import Heads, otlp_heads, unseen_v1
from tracetui.model.opinion import Dependency, Metrics
from tracetui.model.search import Search, describe

_BAD_REQUEST, _NOT_FOUND, _FAILED = 400, 404, 500
_NARROWEST_NS: Final = 1_000_000
_MOST_SLICES: Final = 64
_ONE_TRACE_NS: Final = 1_000_000_000
_LEAST_PER_SERVICE: Final = 10
FEW_SERVICES: Final = 30
"""Services that are all asked one by one; of more, no more than it takes to find as many traces as are wanted."""
_MOST_SERVICES: Final = 1_000
"""Services that are asked one by one."""
_WANTS_SERVICE: Final = re.compile(r"service.*(?:must be set|required)", re.IGNORECASE)
_Conditions = tuple[bool, bool, bool]
"""Whether a search is of attributes or errors, of an operation, and of durations."""
_LOOKED_THROUGH: Final = 20
"""Summaries for each trace that is wanted."""
_MOST_SUMMARIES: Final = 5_000
_FINDS_ERRORS: Final = "by the tag error=true; a span that failed by its HTTP or gRPC status alone is not found"

_Result = TypeVar("_Result")


class _Names(msgspec.Struct):
    services: list[msgspec.Raw] | None = None
    """v3"""
    data: list[msgspec.Raw] | None = None
    """v1"""


class _Operation(msgspec.Struct):
    name: msgspec.Raw


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
        self._refused: set[_Conditions] = set() if self._prefers_v3 else {(False, False, False)}
        """The searches without a service that its store refuses; whatever asks for more is refused as well."""

    @property
    def offers(self) -> Offers:
        return Offers(f"Jaeger ({'v3' if self._prefers_v3 else 'v1'})", _FINDS_ERRORS)

    def services(self) -> list[str]:
        path = "/api/v3/services" if self._prefers_v3 else "/api/services"
        found = self.connection.json(_Names, path)
        return self.names(path, (found.services if self._prefers_v3 else found.data) or (), "services")

    def operations(self, service: str) -> list[str]:
        path = "/api/v3/operations" if self._prefers_v3 else "/api/operations"
        found = self.connection.json(_Operations, path, {"service": service})
        listed = (found.operations if self._prefers_v3 else found.data) or ()
        return self.names(path, [item.name for item in listed], "operations")

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
        return self._narrow(search) or self._heeded(of_spans_alone(search))

    def _heeded(self, search: Search) -> Search:
        """Without what it overlooks: v3 attributes, and with them errors, before 2.19."""
        overlooks = self._prefers_v3 and not self._summaries
        return msgspec.structs.replace(search, attributes={}, errors=False) if overlooks else search

    def _narrow(self, search: Search) -> Search | None:
        """What to ask for first of traces that are failed or slow; None where it would overlook what to ask for."""
        narrow = with_a_span_alike(search)
        return narrow if narrow is not None and self._heeded(narrow) == narrow else None

    def metrics(self, service: str, start_ns: int, end_ns: int) -> Metrics:
        return metrics_of(self.connection, service, start_ns, end_ns)

    def search(self, search: Search) -> Generator[bytes]:
        self.has_more, self.searched = False, None
        narrow = self._narrow(search)
        if narrow is None:
            yield from self._of_spans(of_spans_alone(search))
            return
        seen: Heads = {}
        for document in self._of_spans(narrow):
            seen |= otlp_heads(document) or unseen_v1(document, {})[0]
            yield document
        if len(seen) >= search.most:
            return
        # a trace may be slow or failed by other signs than such a span
        if self._summaries:
            yield from self._by_summaries(search, seen)
        elif self._needs_service(search):
            self.say(f"it was not asked for other traces than those with {describe(narrow, alone=True)}")
        else:
            found: Heads = {}
            for document in self._of_spans(of_spans_alone(search)):
                heads, unseen = unseen_v1(document, seen)
                found |= heads
                if unseen:
                    yield unseen
            self.has_more = len(found) >= search.most
            self.searched = Searched(len(found), *window_of([*found.values()]))

    def _of_spans(self, search: Search) -> Generator[bytes]:
        """The traces of which one span meets what is said of spans."""
        if self._needs_service(search):
            yield from self._every_service(search)
        elif self._prefers_v3:
            try:
                yield from self._search_v3(search)
            except HttpError as error:
                if not self._refuses(search, error):
                    raise
                yield from self._every_service(search)
        else:
            yield from self._search_v1(search)

    def _needs_service(self, search: Search) -> bool:
        if search.service:
            return False
        asked = _conditions(search)
        return any(all(has or not is_refused for has, is_refused in zip(asked, r, strict=True)) for r in self._refused)

    def _refuses(self, search: Search, error: HttpError) -> bool:
        """Whether its store keeps traces by service and cannot search for this without one; it is remembered."""
        if search.service or error.status not in (_BAD_REQUEST, _FAILED):
            return False
        if error.status == _FAILED and not _WANTS_SERVICE.search(error.said):
            return False
        self._refused.add(_conditions(search))
        return True

    def _by_summaries(self, search: Search, seen: Heads) -> Generator[bytes]:
        """Look through more summaries than traces are wanted, for what only whole traces tell, and fetch those."""
        limit = min(search.most * _LOOKED_THROUGH, _MOST_SUMMARIES)
        through = self._summaries_of(msgspec.structs.replace(of_spans_alone(search), limit=limit))
        self.has_more |= len(through) >= limit
        self.searched = Searched(len(through), *window_of([one.start_ns for one in through]))
        found = [one for one in through if one.meets(search) and one.trace_id not in seen]
        newest = sorted(found, key=lambda one: -one.start_ns)[: search.most - len(seen)]
        yield from self.traces([one.trace_id for one in newest])

    def _summaries_of(self, search: Search) -> list[_Summary]:
        """The traces that a search finds, without their spans, each once."""
        if not self._needs_service(search):
            try:
                return self._summarised(search)
            except HttpError as error:
                if not self._refuses(search, error):
                    raise
        found: dict[str, _Summary] = {}
        searches = self._by_service(search)
        for summaries in self._each_service(searches, self._summarised):
            self.has_more |= len(summaries) >= searches[0].most
            found |= {summary.trace_id: summary for summary in summaries}
        return sorted(found.values(), key=lambda one: -one.start_ns)[: search.most]

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
        """Search service by service, as it cannot without one, until as many traces are found as are wanted."""
        if self._summaries:
            yield from self.traces([one.trace_id for one in self._summaries_of(search)])
            return
        searches = self._by_service(search)
        per_service = searches[0].most if searches else 0
        seen: Heads = {}

        def asked(one: Search) -> list[bytes]:
            return list(self._search_v1(one) if self._v1 else self._search_v3(one))

        for at, documents in enumerate(self._each_service(searches, asked), 1):
            found: Heads = {}
            for document in documents:
                heads, unseen = unseen_v1(document, seen) if self._v1 else (otlp_heads(document), document)
                found |= heads
                seen |= heads
                if unseen:
                    yield unseen
            self.has_more |= len(found) >= per_service
            if len(seen) >= search.most and at < len(searches) and len(searches) > FEW_SERVICES:
                self.has_more = True
                self.say(
                    f"{at:,} of {len(searches):,} services were asked, which was enough for {search.most:,} traces:"
                    " they are not the newest of all; name a service"
                )
                break

    def _by_service(self, search: Search) -> list[Search]:
        """The search for each of the services."""
        services = self.services()
        if len(services) > _MOST_SERVICES:
            self.say(f"it knows {len(services):,} services, of which the first {_MOST_SERVICES:,} are asked")
            services = services[:_MOST_SERVICES]
        # one window for all: what cannot be sent is then found in the same place, and said once
        start, end = search.window()
        limit = max(math.ceil(2 * search.most / max(len(services), 1)), _LEAST_PER_SERVICE)
        self.say(f"it searches by service only: each of {len(services):,} was asked for its newest {limit:,} traces")
        return [
            msgspec.structs.replace(search, start_ns=start, end_ns=end, service=name, limit=limit) for name in services
        ]

    def _each_service(self, searches: Sequence[Search], ask: Callable[[Search], _Result]) -> Generator[_Result]:
        """Answers to the search for each service, as they come; that some services fail is said.

        Raises HttpError where all of them fail.
        """

        def answer(search: Search) -> _Result | HttpError:
            try:
                return ask(search)
            except HttpError as error:
                return error

        failed: list[HttpError] = []
        for found in each(answer, searches, AT_ONCE):
            if isinstance(found, HttpError):
                failed.append(found)
            else:
                yield found
        if failed and len(failed) == len(searches):
            raise failed[0]
        if failed:
            self.say(f"the search failed for {len(failed):,} of {len(searches):,} services: {failed[0]}")

    def _summarised(self, search: Search) -> list[_Summary]:
        found = self.connection.json(_Summaries, "/api/v3/trace-summaries", self._v3_params(search)).summaries or ()
        return [
            _Summary(
                item.trace_id or item.old_trace_id,
                item.min_start_time_unix_nano,
                item.max_end_time_unix_nano,
                item.error_span_count,
            )
            for item in found
        ]


def _conditions(search: Search) -> _Conditions:
    has_duration = search.least_ns is not None or search.most_ns is not None
    return bool(search.attributes or search.errors), bool(search.operation), has_duration


def _joined(slices: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Slices of time in order; those that one trace may reach into as one."""
    joined: list[tuple[int, int]] = []
    for begin, stop in sorted(slices):
        if joined and begin - joined[-1][1] <= _ONE_TRACE_NS:
            begin = joined.pop()[0]
        joined.append((begin, stop))
    return joined


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
