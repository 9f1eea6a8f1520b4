"""Failed and slow traces on a Jaeger that sends no summaries, and mostly searches one service at a time.

Such a server matches conditions against the spans of one service. A trace of that service whose error is in another one
is found by the spans of the services that take part in its traces.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from typing import TYPE_CHECKING, Final

import msgspec

from tracetui.ingest.servers.back_end import without_trace_conditions
from tracetui.ingest.servers.jaeger_traces import (
    has_errors,
    has_errors_v3,
    services_in,
    services_in_v3,
    unseen_with_services,
)
from tracetui.ingest.servers.searched_window import SearchedWindow, window_of
from tracetui.ingest.servers.unseen_traces import (
    TraceStarts,
    add_latest_starts,
    add_starts,
    jaeger_starts,
    unseen_jaeger,
)
from tracetui.model.search import Search, describe

if TYPE_CHECKING:
    from tracetui.ingest.servers.jaeger import Jaeger

FEW_SERVICES: Final = 30
"""Largest number of services of which all are searched; with more, the search stops once it has enough traces."""
_TAG_FAILS: Final = (
    "the server does not find errors by the tag error=true (memory storage of some Jaeger versions); only the newest"
    " traces were searched for them"
)
_TAG_MAY_FAIL: Final = (
    "the server found no error by the tag error=true, which the memory storage of some Jaeger versions never does"
)


class FailedTraces:
    """Search for failed and slow traces, as far as the search for such spans does not find them."""

    def __init__(self, back_end: Jaeger, *, finds_errors: bool | None) -> None:
        """`finds_errors`: None if the store may ignore the tag error=true.

        The memory storage of Jaeger 2 did so until early 2026: `validSpan` in `internal/storage/v2/memory/tenant.go`
        reads the tag, which is text, as a truth value.
        """
        self._back_end = back_end
        self.finds_errors = finds_errors
        """False if traces have shown that the store ignores the tag; None if that is unknown yet."""

    @property
    def finds_errors_by(self) -> str:
        """Description of the spans that are found as failed."""
        if self.finds_errors is False:
            return "among the newest traces only"
        return "by the tag error=true, not by HTTP or gRPC status alone"

    def search_spans(self, search: Search) -> Generator[bytes]:
        """Search by conditions on spans; if none with an error is found, check whether the store can find any."""
        is_empty = True
        for document in self.search_spans_only(search):
            is_empty = False
            yield document
        if is_empty:
            yield from self._check_error_tag(search)

    def search_spans_only(self, search: Search) -> Generator[bytes]:
        """Search by conditions on spans."""
        for document in self._back_end.search_spans(search):
            if search.errors:
                self.finds_errors = True
            yield document

    def others(self, search: Search, narrow: Search, seen: TraceStarts) -> Generator[bytes]:
        """Yield traces beyond those that have a failed or slow span which meets the other conditions.

        narrow: the search for such spans, which is done; `seen` are the traces that it found.
        """
        if search.service or search.services or not self._back_end.required_service.is_needed(search):
            yield from self._newest(search, narrow, seen)
            return
        if not seen:
            yield from self._check_error_tag(narrow)
        if self.finds_errors is not False:
            self._back_end.warn(f"the search was limited to traces with {describe(narrow, alone=True)}")

    def _newest(self, search: Search, narrow: Search, seen: TraceStarts) -> Generator[bytes]:
        """Yield the newest traces, failed or not, then those that failed in other services."""
        back_end = self._back_end
        wanted = search.services or (search.service,)
        found: TraceStarts = {}
        services: set[str] = set()
        has_error = False
        latest: TraceStarts = {}
        for document in back_end.search_spans(back_end.without_ignored(without_trace_conditions(search))):
            starts, unseen = unseen_jaeger(document, seen)
            add_starts(found, starts)
            services |= services_in(document) or services_in_v3(document)
            add_latest_starts(latest, document)
            has_error = has_error or _has_errors(document, wanted)
            if unseen:
                yield unseen
        if len(found) >= back_end.limit.lower(search).max_traces:
            back_end.has_more = True
            back_end.complete_since_ns = back_end.complete_since_ns or back_end.complete_since(latest)
        back_end.searched = SearchedWindow(len(found), *window_of([*found.values()]), is_newest=back_end.sends_newest)
        if narrow.errors and not seen and self.finds_errors is None:
            if has_error and not (search.operation or search.attributes or narrow.least_ns or narrow.most_ns):
                self.finds_errors = False
                back_end.warn(_TAG_FAILS)
                return
            if back_end.has_more:
                back_end.warn(_TAG_MAY_FAIL)
        if not back_end.has_more and not back_end.is_incomplete:
            # the traces of the wanted services are complete, whichever of their spans failed
            return
        others = sorted(services.difference(wanted))
        if any(wanted) and others:
            yield from self._failed_in_other_services(search, others, {**seen, **found})

    def _failed_in_other_services(self, search: Search, services: list[str], seen: TraceStarts) -> Generator[bytes]:
        """Yield traces of the wanted services that failed or were slow in one of these services.

        It takes a request for each of them: v1 searches the spans of one service at a time, and has no summaries.
        """
        back_end = self._back_end
        start, end = search.window()
        anywhere = back_end.prefilter(
            Search(
                failed=search.failed, slower_ns=search.slower_ns, start_ns=start, end_ns=end, limit=search.max_traces
            )
        )
        if anywhere is None:
            return
        has_more, since = back_end.has_more, back_end.complete_since_ns
        if back_end.required_service.is_needed(anywhere):
            if len(services) > FEW_SERVICES:
                back_end.warn(f"searched {FEW_SERVICES} of the {len(services):,} services that take part in the traces")
            chosen = msgspec.structs.replace(anywhere, services=tuple(services[:FEW_SERVICES]))
            documents = back_end.search_each_service(chosen, is_reported=False)
        else:
            documents = back_end.search_spans(anywhere)
        for document in documents:
            unseen = unseen_with_services(document, search.services or (search.service,), seen)
            if unseen:
                yield unseen
        back_end.has_more |= has_more
        back_end.complete_since_ns = max(back_end.complete_since_ns, since)

    def _check_error_tag(self, search: Search) -> Generator[bytes]:
        """Search the newest traces for errors if the store found none; if there are any, search without the tag."""
        if not search.errors or self.finds_errors is not None:
            return
        back_end = self._back_end
        newest = msgspec.structs.replace(search, errors=False, operation="", attributes={}, least_ns=None, most_ns=None)
        if back_end.required_service.is_needed(newest):
            documents = back_end.gathered(back_end.search_each_service(newest, is_reported=False, rounds=1))
        else:
            documents = back_end.gathered(back_end.search_spans(newest))
        services = search.services or ((search.service,) if search.service else back_end.services())
        found: TraceStarts = {}
        for document in documents:
            add_starts(found, jaeger_starts(document))
        back_end.has_more |= len(found) >= back_end.limit.lower(search).max_traces
        if any(_has_errors(document, services) for document in documents):
            self.finds_errors = False
            back_end.warn(_TAG_FAILS)
            yield from back_end.search_spans(back_end.without_ignored(search))
        elif back_end.has_more:
            back_end.searched = SearchedWindow(len(found), *window_of([*found.values()]))
            back_end.warn(_TAG_MAY_FAIL)


def _has_errors(document: bytes, services: Collection[str]) -> bool:
    """Test a response of either API, as v1 falls back to v3, for spans of these services in error."""
    return has_errors(document, services) or has_errors_v3(document, services)
