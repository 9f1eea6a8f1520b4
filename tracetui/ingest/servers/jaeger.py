"""Jaeger's query service: the v1 API (`/api/...`, until 2.20) and the v3 API (`/api/v3/...`, from 1.25).

v3 sends OTLP and can encode NaN and infinity, which make whole v1 requests fail. From 2.19 on v3 can search by
attributes and sends summaries; after 2.20 only v3 can search. On servers before 2.19 v1 is preferred.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from tracetui.ingest.servers.back_end import (
    BackEnd,
    Capabilities,
    NotSupportedError,
    Warn,
    span_prefilter,
    without_services,
    without_trace_conditions,
)
from tracetui.ingest.servers.connection import Connection
from tracetui.ingest.servers.jaeger_dialects import JAEGER, Dialect
from tracetui.ingest.servers.jaeger_failed_traces import FEW_SERVICES, FailedTraces
from tracetui.ingest.servers.jaeger_metrics import metrics_of
from tracetui.ingest.servers.jaeger_params import v1_params, v3_params
from tracetui.ingest.servers.jaeger_rejections import RequiredService, ServerLimit, is_on_limit
from tracetui.ingest.servers.jaeger_summaries import TraceSummary, summaries_at
from tracetui.ingest.servers.jaeger_unsendable import read_around_failures
from tracetui.ingest.servers.per_service import (
    documents_by_service,
    full_searches,
    results_by_service,
    searches_by_service,
)
from tracetui.ingest.servers.readable_lists import members_of
from tracetui.ingest.servers.request_errors import HttpError
from tracetui.ingest.servers.searched_window import SearchedWindow, window_of
from tracetui.ingest.servers.stream_split import JAEGER_V1, OTLP
from tracetui.ingest.servers.unseen_traces import TraceStarts, jaeger_starts, unseen_jaeger, unseen_v1
from tracetui.model.errors import ManyServicesError
from tracetui.model.search import Search
from tracetui.model.server_stats import Dependency, Metrics

_BAD_REQUEST, _NOT_FOUND, _FAILED = 400, 404, 500
_HEX_ID: Final = re.compile(r"[0-9a-fA-F]{1,32}")
_SUMMARIES_PER_TRACE: Final = 20
"""Number of summaries requested per wanted trace."""
_MAX_SUMMARIES: Final = 5_000


class _Names(msgspec.Struct):
    services: list[msgspec.Raw] | None = None
    """v3"""
    data: list[msgspec.Raw] | None = None
    """v1"""


class _OperationNames(msgspec.Struct):
    operations: list[msgspec.Raw] | None = None
    data: list[msgspec.Raw] | None = None


class _JaegerCalls(msgspec.Struct):
    data: list[msgspec.Raw] | None = None


_NAME_LISTS: Final = msgspec.json.Decoder(_Names, strict=False)
_OPERATION_LISTS: Final = msgspec.json.Decoder(_OperationNames, strict=False)
_CALL_LISTS: Final = msgspec.json.Decoder(_JaegerCalls, strict=False)


class Jaeger(BackEnd):
    """Jaeger, or a server with one of its APIs."""

    def __init__(
        self,
        connection: Connection,
        warn: Warn,
        *,
        v1: bool,
        v3: bool,
        summaries: bool,
        root: str = "",
        dialect: Dialect = JAEGER,
    ) -> None:
        """`v1`, `v3`: True if that API can search; `summaries`: True if v3 is of 2.19 or later.

        `root`: path of the APIs, to follow the address.
        """
        super().__init__(connection, warn)
        self._v3, self._summaries = v3, summaries
        self._root, self._dialect = root, dialect
        self._prefers_v3 = v3 and (summaries or not v1)
        self.limit = ServerLimit(self.warn)
        self.required_service = RequiredService(accepts_any=self._prefers_v3 or dialect.searches_all_services)
        self._lists_operations_by_path = False
        self._complete_traces: TraceStarts = {}
        """Traces received whole, for servers whose results contain only root spans."""
        self._failed = FailedTraces(self, finds_errors=None if not self._prefers_v3 and dialect is JAEGER else True)

    @property
    def capabilities(self) -> Capabilities:
        version = "v3" if self._prefers_v3 else "v1"
        is_jaeger = self._dialect is JAEGER
        name = f"Jaeger ({version})" if is_jaeger else f"{self._dialect.name} (Jaeger's {version} API)"
        return Capabilities(
            name,
            self._failed.finds_errors_by,
            finds_attributes=self._dialect.finds_attributes,
            page_path=f"{self._root}/trace" if is_jaeger else "",
            grafana_type="jaeger",
        )

    @property
    def sends_newest(self) -> bool:
        return self._dialect.sends_newest

    @property
    def may_order_by_arrival(self) -> bool:
        # its memory storage does (`internal/storage/v2/memory/tenant.go`), and no API names the storage
        return self._dialect is JAEGER

    def services(self) -> list[str]:
        path = f"{self._root}/api/v3/services" if self._prefers_v3 else f"{self._root}/api/services"
        found = self.connection.json(_NAME_LISTS, path)
        return self.names(path, (found.services if self._prefers_v3 else found.data) or (), "services")

    def operations(self, service: str) -> list[str]:
        path = f"{self._root}/api/v3/operations" if self._prefers_v3 else f"{self._root}/api/operations"
        if not self._lists_operations_by_path:
            try:
                found = self.connection.json(_OPERATION_LISTS, path, {"service": service})
            except HttpError as error:
                if self._prefers_v3 or error.status not in (_BAD_REQUEST, _NOT_FOUND):
                    raise
                self._lists_operations_by_path = True
            else:
                listed = (found.operations if self._prefers_v3 else found.data) or ()
                return self.names(path, members_of(listed, "name"), "operations")
        path = f"{self._root}/api/services/{quote(service, safe='')}/operations"
        return self.names(path, self.connection.json(_NAME_LISTS, path).data or (), "operations")

    def trace(self, trace_id: str) -> bytes | None:
        path = f"{self._root}/api/v3/traces/" if self._v3 else f"{self._root}/api/traces/"
        if _HEX_ID.fullmatch(trace_id):
            # other servers with Jaeger's API compare ids as text of this form
            trace_id = trace_id.lower().zfill(32)
        response = self.get_trace_response(path + quote(trace_id, safe=""))
        if response.status == _NOT_FOUND:
            return None
        if response.status != 200:
            raise self.connection.errors.status_error(path, response.status, response.body)
        # other servers with Jaeger's API send an empty list for an unknown trace
        return None if JAEGER_V1.empty.fullmatch(response.body) else response.body

    def dependencies(self, start_ns: int, end_ns: int) -> list[Dependency]:
        if not self._dialect.has_dependencies:
            raise NotSupportedError(f"{self.connection.name}: {self._dialect.name} has no dependency graph")
        path = f"{self._root}/api/dependencies"
        params = {"endTs": end_ns // 1_000_000, "lookback": max((end_ns - start_ns) // 1_000_000, 1)}
        try:
            found = self.connection.json(_CALL_LISTS, path, params).data or ()
        except HttpError as error:
            if "not supported" not in error.server_message:
                raise
            raise NotSupportedError(f"{self.connection.name}: no dependency graph ({error.server_message})") from None
        return self.edges(path, found)

    def supported_search(self, search: Search) -> Search:
        search = self.limit.lower(self._dialect.supported_search(search))
        if not self.required_service.is_needed(search):
            search = without_services(search)
        if self._summaries:
            return search
        return self.prefilter(search) or self.without_ignored(without_trace_conditions(search))

    def without_ignored(self, search: Search) -> Search:
        """Remove conditions that the server ignores: v3 before 2.19 ignores attributes, and therefore errors."""
        if self._failed.finds_errors is False:
            return msgspec.structs.replace(search, errors=False)
        overlooks = self._prefers_v3 and not self._summaries
        return msgspec.structs.replace(search, attributes={}, errors=False) if overlooks else search

    def prefilter(self, search: Search) -> Search | None:
        """Return a first query for failed or slow traces; None if the server does not support it."""
        narrow = span_prefilter(search)
        if narrow is not None and self._failed.finds_errors is False and narrow.least_ns is not None:
            return self.without_ignored(narrow)
        return narrow if narrow is not None and self.without_ignored(narrow) == narrow else None

    def metrics(self, service: str, start_ns: int, end_ns: int) -> Metrics:
        if not self._dialect.has_metrics:
            return super().metrics(service, start_ns, end_ns)
        return metrics_of(self.connection, self._root, service, start_ns, end_ns)

    def newest_start(self, search: Search) -> int:
        newest = msgspec.structs.replace(without_trace_conditions(search), limit=1)
        if self._summaries:
            return max((one.start_ns for one in self._summarised(newest)), default=0)
        if self._prefers_v3:
            found = self._stream_v3(newest)
        else:
            params = v1_params(self._dialect.adapt(newest))
            found = self.streamed(f"{self._root}/api/traces", params, JAEGER_V1)
        return max((start for document in found for start in jaeger_starts(document).values()), default=0)

    def search(self, search: Search) -> Generator[bytes]:
        self.has_more, self.searched, self._complete_traces = False, None, {}
        self.complete_since_ns = 0
        if self._dialect.v1_losses and not self._prefers_v3:
            self.warn(self._dialect.v1_losses)
        narrow = self.prefilter(search)
        if narrow is None:
            yield from self._failed.search_spans(self.without_ignored(without_trace_conditions(search)))
            return
        seen: TraceStarts = {}
        for document in self._failed.search_spans_only(narrow):
            seen |= jaeger_starts(document)
            yield document
        if len(seen) >= search.max_traces:
            return
        # not all slow or failed traces have such a span
        if self._summaries:
            yield from self._by_summaries(search, seen)
        else:
            yield from self._failed.others(search, narrow, seen)

    def search_spans(self, search: Search) -> Generator[bytes]:
        """Yield the traces in which one span meets the conditions on spans."""
        if self.required_service.is_needed(search):
            yield from self.search_each_service(search)
        elif self._prefers_v3:
            try:
                yield from self._search_v3(search)
            except HttpError as error:
                if not self.required_service.learn(search, error):
                    raise
                yield from self.search_each_service(search)
        else:
            yield from self._search_v1(search)

    def _by_summaries(self, search: Search, seen: TraceStarts) -> Generator[bytes]:
        """Filter summaries by the conditions on whole traces, and fetch the matching traces."""
        wider = msgspec.structs.replace(
            without_trace_conditions(search), limit=min(search.max_traces * _SUMMARIES_PER_TRACE, _MAX_SUMMARIES)
        )
        try:
            through = self._summaries_of(wider)
        except HttpError as error:
            if not is_on_limit(error) or wider.max_traces <= search.max_traces:
                raise
            # the error does not state the limit, but the original one is supported
            wider = without_trace_conditions(search)
            through = self._summaries_of(wider)
        if len(through) >= self.limit.lower(wider).max_traces:
            self.has_more = True
            self.complete_since_ns = self.complete_since({one.trace_id: one.end_ns for one in through})
        self.searched = SearchedWindow(
            len(through), *window_of([one.start_ns for one in through]), is_newest=self.sends_newest
        )
        found = [one for one in through if one.meets(search) and one.trace_id not in seen]
        newest = sorted(found, key=lambda one: -one.start_ns)[: search.max_traces - len(seen)]
        yield from self.traces([one.trace_id for one in newest])

    def _summaries_of(self, search: Search) -> list[TraceSummary]:
        """Return the summaries of the traces that a search finds, without duplicates."""
        if not self.required_service.is_needed(search):
            try:
                return self._summarised(search)
            except HttpError as error:
                if not self.required_service.learn(search, error):
                    raise
        found: dict[str, TraceSummary] = {}
        searches = searches_by_service(search, self._services_for(search), self.warn)
        for _ in range(2):
            full, bounds = [], [0]
            for one, summaries in results_by_service(searches, self._summarised, self.warn_incomplete):
                found |= {summary.trace_id: summary for summary in summaries}
                if len(summaries) >= self.limit.lower(one).max_traces:
                    full.append(one)
                    bounds.append(self.complete_since({summary.trace_id: summary.end_ns for summary in summaries}))
            self.has_more, self.complete_since_ns = bool(full), max(bounds)
            searches = full_searches(full, search)
            if not searches or len(found) >= search.max_traces:
                break
        return sorted(found.values(), key=lambda one: -one.start_ns)[: search.max_traces]

    def _search_v3(self, search: Search) -> Generator[bytes]:
        yield from self.limit.within(search, self._stream_v3)

    def _stream_v3(self, search: Search) -> Generator[bytes]:
        params = v3_params(self._dialect.adapt(search), is_new=self._summaries)
        try:
            yield from self.streamed(f"{self._root}/api/v3/traces", params, OTLP)
        except HttpError as error:
            # Jaeger responds like this to a search without results
            if error.status != _NOT_FOUND:
                raise

    def _search_v1(self, search: Search) -> Generator[bytes]:
        try:
            yield from self.limit.within(search, self._stream_v1)
        except HttpError as error:
            if error.status != _FAILED or "json" not in error.server_message:
                raise
            # one span with a value that JSON cannot encode makes the whole response fail
            if self._v3:
                self.warn(f"the search failed in Jaeger's v1 API ({error.server_message}); used the v3 API instead")
                yield from self._search_v3(search)
            else:
                yield from read_around_failures(search, self._stream_v1, error.server_message, self.warn)

    def _stream_v1(self, search: Search) -> Generator[bytes]:
        found = self.streamed(f"{self._root}/api/traces", v1_params(self._dialect.adapt(search)), JAEGER_V1)
        if self._dialect.sends_roots:
            yield from self._whole_traces([*found], search.max_traces)
        else:
            yield from found

    def _whole_traces(self, roots: Sequence[bytes], limit: int) -> Generator[bytes]:
        """Fetch each trace of search results that contain only root spans."""
        starts: TraceStarts = {}
        for document in roots:
            starts |= unseen_v1(document, {})[0]
        self.has_more |= len(starts) >= limit
        wanted = [trace_id for trace_id in starts if trace_id not in self._complete_traces]
        for document in self.traces(wanted):
            self._complete_traces |= unseen_v1(document, {})[0]
            yield document
        lost = [trace_id for trace_id in wanted if trace_id not in self._complete_traces]
        if lost:
            self.warn(f"{len(lost):,} traces have only their root span: the server does not return old traces by ID")
        for document in roots if lost else ():
            unseen = unseen_v1(document, self._complete_traces)[1]
            if unseen:
                yield unseen

    def _services_for(self, search: Search) -> Sequence[str]:
        """List the services to search one at a time. Raises ManyServicesError if the user must choose some first."""
        if search.services:
            return search.services
        services = self.services()
        if self.user_can_choose and not search.every_service and len(services) > FEW_SERVICES:
            raise ManyServicesError(self.connection.name, len(services))
        return services

    def search_each_service(self, search: Search, *, is_reported: bool = True, rounds: int = 2) -> Generator[bytes]:
        """Search service by service until the limit is reached.

        is_reported: True to state the limits per service in a warning.
        rounds: 1 to omit what services have beyond those limits.
        """
        if self._summaries and not search.services:
            yield from self.traces([one.trace_id for one in self._summaries_of(search)])
            return
        warn = self.warn if is_reported else (lambda _: None)
        searches = searches_by_service(search, self._services_for(search), warn)
        seen: TraceStarts = {}

        def requested(one: Search) -> list[bytes]:
            return self.gathered(self._search_v3(one) if self._prefers_v3 else self._search_v1(one))

        for _ in range(rounds):
            full, bounds = [], [0]
            found = documents_by_service(
                searches,
                requested,
                unseen_jaeger,
                seen,
                self.warn_incomplete,
                self.complete_since,
                lambda one: self.limit.lower(one).max_traces,
            )
            for at, (one, since, documents) in enumerate(found, 1):
                yield from documents
                if since is not None:
                    full.append(one)
                    bounds.append(since)
                is_enough = len(seen) >= search.max_traces and not search.every_service
                if is_enough and at < len(searches) and len(searches) > FEW_SERVICES:
                    self.has_more, self.complete_since_ns = True, search.window()[1]
                    self.warn(
                        f"searched {at:,} of {len(searches):,} services, enough for {search.max_traces:,} traces, but"
                        " not the newest of all; choose services with --service NAME (repeatable)"
                    )
                    return
            self.has_more, self.complete_since_ns = bool(full), max(bounds)
            searches = full_searches(full, search)
            if not searches or len(seen) >= search.max_traces:
                return

    def _summarised(self, search: Search) -> list[TraceSummary]:
        path = f"{self._root}/api/v3/trace-summaries"
        requested = self._dialect.adapt(self.limit.lower(search))
        try:
            return summaries_at(self.connection, path, v3_params(requested, is_new=True))
        except HttpError as error:
            if not self.limit.adopt(search, error):
                raise
            return self._summarised(search)
