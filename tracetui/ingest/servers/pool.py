"""Pool of the servers among the sources: connect once, search any number of times."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from tracetui.config import Overrides
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.processes.decode_pool import DecodePool
from tracetui.ingest.servers.bounded_map import bounded_map
from tracetui.ingest.servers.resolve import Server, documents, download, open_back_end
from tracetui.ingest.servers.searched_window import SearchedWindow, window_of
from tracetui.model.errors import BackEndError, LoadWarning, ManyServicesError, shortened
from tracetui.model.ids import canonical_trace_id
from tracetui.model.intake import Intake
from tracetui.model.search import NOTHING, Search, describe
from tracetui.model.server_stats import Dependency, Metrics, ServerStats
from tracetui.model.trace_page import grafana_template, template_at

if TYPE_CHECKING:
    # HTTP modules are slow to import, and not needed for files
    from tracetui.ingest.servers.back_end import BackEnd, Capabilities

MAX_BYTES = 1 << 30
"""Limit in bytes on attributes, events and links from servers, per response and in total, as following is endless."""
_MAX_WARNINGS = 100
"""Largest number of distinct warnings about one response; further ones are only counted."""
_TOO_MUCH = (
    f"more than {MAX_BYTES >> 30} GiB of traces arrived; the rest was skipped."
    " Try a shorter time range or a smaller limit."
)
WaitContext = Callable[[], AbstractContextManager[object]]
"""Context entered while waiting for a server; a signal handler may raise an exception in it to end the wait."""


@dataclass(frozen=True, slots=True)
class SearchReport:
    """Report on one search of a server."""

    text: str
    """Text for display: the search, the number of results, and the remaining filters."""
    may_have_more: bool
    """True if the server sent as many traces as the limit allows."""
    search: Search
    """The search, including the conditions of its address and profile."""
    lower_case: bool = False
    """True if the server converts services and operations to lower case."""
    searched: SearchedWindow | None = None
    """Traces that were searched for matches, if the server has more."""
    services_to_choose: int = 0
    """Number of services to choose from, if there are too many to search; 0 otherwise."""
    is_incomplete: bool = False
    """True if part of the search failed, such as that of one of several services."""
    unread_beyond: int = 0
    """Number of traces read, if more had arrived meanwhile; 0 if all were read."""
    trace_page: str = ""
    """Address of a trace's web page, as in `model.trace_page`; '' if unknown."""


def describe_searched(reports: Sequence[SearchReport]) -> str:
    """Describe the traces that were searched on servers that have more; '' if all were searched."""
    return " and ".join(found.searched.words for found in reports if found.searched is not None)


class ServerPool:
    """Searches all servers and adds the results to an intake."""

    def __init__(
        self,
        servers: Sequence[Server],
        overrides: Overrides,
        waiting: WaitContext = nullcontext,
        *,
        user_can_choose: bool = False,
    ) -> None:
        """`user_can_choose`: let the user choose services on a server that searches by service and has many."""
        self._user_can_choose = user_can_choose
        self.servers = servers
        self._overrides = overrides
        self._waiting = waiting
        self._back_ends: dict[str, BackEnd] = {}
        self.found_ids: dict[str, frozenset[str]] = {}
        """Canonical ids of the traces that the last search found, by server.

        Only of servers that may order them by arrival, and of which no part failed.
        """
        self._notes: list[str] = []
        """Deviations of the current server from the request."""

    @property
    def can_search_again(self) -> bool:
        """True if another search can find something new."""
        return any(not server.address.file for server in self.servers)

    def search(
        self,
        search: Search,
        intake: Intake,
        on_data: Callable[[str], None],
        on_report: Callable[[SearchReport], None],
        known_ids: Mapping[str, frozenset[str]] | None = None,
    ) -> list[BackEndError]:
        """Search the servers and add the results to the intake. -> errors of the servers that failed

        `on_data` is called with the name of each server that has sent data, `on_report` with the report of each search.
        `known_ids`: by server, as `BackEnd.known_ids`.
        Warnings in the intake name lost data. Raises UsageError for a server with unusable settings.
        """
        failed = []
        self.found_ids = {}
        for server in self.servers:
            spans = len(intake)
            known = (known_ids or {}).get(server.name, frozenset())
            try:
                self._search_server(server, search, intake, on_data, on_report, known)
            except BackEndError as error:
                # the connection is also dead
                self._close(server.name)
                if len(intake) > spans:
                    # the text names the server and the request
                    intake.warnings.add("", "", str(error))
                else:
                    failed.append(error)
            except BaseException:
                # after a stop, running requests would delay the next ones
                self._close(server.name)
                raise
        return failed

    def _search_server(
        self,
        server: Server,
        search: Search,
        intake: Intake,
        on_data: Callable[[str], None],
        on_report: Callable[[SearchReport], None],
        known_ids: frozenset[str],
    ) -> None:
        context, spans = DecodeContext(intake, server.name), len(intake)
        before, kept = len(intake.warnings), intake.chunks.raw_bytes
        # a command may wait for the user to unlock a key
        command = server.secret_command if server.name not in self._back_ends else ""
        on_data(f"{server.name}, waiting for {command}" if command else server.name)
        if server.address.file:
            with self._waiting():
                prefix = f"{context.file}: "
                data = download(server, self._overrides, lambda text: context.warn(text.removeprefix(prefix)))
            decode(data, context)
            return
        self._notes = []
        with self._waiting():
            back_end = self.back_end(server)
        wanted = server.search(search)
        if wanted.expression and not back_end.capabilities.supports_traceql:
            self._notes.append(f"the server does not support TraceQL; ignored {wanted.expression}")
            wanted = msgspec.structs.replace(wanted, expression="")
        back_end.has_more, back_end.searched, back_end.unchanged = False, None, {}
        back_end.complete_since_ns, back_end.is_incomplete = 0, False
        back_end.known_ids = known_ids
        damage: list[LoadWarning] = []
        try:
            with (
                DecodePool(intake, partial(_decode, server.name)) as decoding,
                closing(self._received(documents(back_end, wanted))) as arriving,
            ):
                for document in arriving:
                    decoding.decode(document)
                    on_data(server.name)
                    if intake.chunks.raw_bytes - kept > MAX_BYTES:
                        self._notes.append(_TOO_MUCH)
                        break
        except ManyServicesError as error:
            on_report(_choice_report(back_end, wanted, error.count))
            return
        finally:
            # the pieces of a response often have the same damage
            found, more = intake.warnings.pop(before)
            distinct = shortened(server.name, [*dict.fromkeys(found)], more, _MAX_WARNINGS)
            damage = [replace(one, message=back_end.connection.errors.redacted(one.message)) for one in distinct]
            for one in [*damage, *(LoadWarning(server.name, "", text) for text in self._notes)]:
                intake.warnings.add(one.file, one.position, one.message)
        if damage and len(intake) == spans:
            what = f"the response contains no traces ({damage[0].message}); is there a gateway in between?"
            raise BackEndError(f"{back_end.connection.name}: {what}")
        name = server.name if len(self.servers) > 1 else ""
        latest, window = _searched(intake, spans, back_end.unchanged)
        if back_end.may_order_by_arrival and not back_end.is_incomplete:
            self.found_ids[server.name] = frozenset(map(canonical_trace_id, latest))
        report = _report(back_end, wanted, latest, window, name)
        on_report(replace(report, trace_page=_page_template(server, back_end.capabilities)))

    def back_end(self, server: Server) -> BackEnd:
        """Return the connection to a server. Raises BackEndError and UsageError."""
        found = self._back_ends.get(server.name)
        if found is None:
            # the list of notes is replaced for each search
            found = self._back_ends[server.name] = open_back_end(
                server, self._overrides, lambda text: self._notes.append(text)
            )
            # keep the data received so far
            found.omits_unchanged = True
            found.user_can_choose = self._user_can_choose
        return found

    def close(self) -> None:
        """Close all connections."""
        for name in [*self._back_ends]:
            self._close(name)

    def _close(self, name: str) -> None:
        back_end = self._back_ends.pop(name, None)
        if back_end is not None:
            back_end.close()

    def services(self) -> list[str]:
        """List the services of the servers that have responded, sorted. Raises BackEndError."""
        with self._waiting():
            return sorted({name for back_end in self._back_ends.values() for name in back_end.services()})

    def operations(self, services: Sequence[str]) -> set[str]:
        """Query the operations of services, with one request for each and each server. Raises BackEndError."""
        # HTTP modules are slow to import, and not needed for files
        from tracetui.ingest.servers.connection import AT_ONCE

        pairs = [
            (self.back_end(server), service)
            for server in self.servers
            if not server.address.file
            for service in services
        ]
        with self._waiting():
            return {
                name
                for listed in bounded_map(lambda pair: pair[0].operations(pair[1]), pairs, AT_ONCE)
                for name in listed
            }

    def newest_starts(self, services: Sequence[str], lookback_ns: int, found: dict[str, int]) -> None:
        """Add to `found` the start of the newest trace of each service within the lookback; 0 for none.

        Takes one request for each service and server that has responded. Services whose request fails are missing.
        """
        # HTTP modules are slow to import, and not needed for files
        from tracetui.ingest.servers.connection import AT_ONCE

        end = time.time_ns()

        def newest(pair: tuple[BackEnd, str]) -> tuple[str, int | None]:
            back_end, service = pair
            wanted = Search(service=service, start_ns=end - lookback_ns, end_ns=end)
            try:
                return service, back_end.newest_start(wanted)
            except BackEndError:
                return service, None

        pairs = [(back_end, service) for service in services for back_end in self._back_ends.values()]
        try:
            with self._waiting():
                for service, start in bounded_map(newest, pairs, AT_ONCE):
                    if start is not None:
                        found[service] = max(found.get(service, 0), start)
        except BaseException:
            # running requests would delay the next ones
            self.close()
            raise

    def server_stats(self, services: Sequence[str], lookback_ns: int) -> ServerStats:
        """Query the server statistics: calls within the lookback, and the metrics of these services.

        Missing parts are named in the result. Raises UsageError for a server with unusable settings.
        """
        end = time.time_ns()
        start = end - lookback_ns
        dependencies: list[Dependency] = []
        metrics: list[Metrics] = []
        missing = []
        for server in self.servers:
            try:
                with self._waiting():
                    back_end = self.back_end(server)
            except BackEndError as error:
                missing.append(str(error))
                continue
            self._notes = []
            try:
                with self._waiting():
                    dependencies += back_end.dependencies(start, end)
            except BackEndError as error:
                missing.append(str(error))
            try:
                with self._waiting():
                    metrics += [back_end.metrics(service, start, end) for service in services]
            except BackEndError as error:
                missing.append(str(error))
            missing += [f"{back_end.connection.name}: {text}" for text in self._notes]
        return ServerStats(lookback_ns, dependencies, metrics, missing)

    def _received(self, found: Generator[bytes]) -> Generator[bytes]:
        with closing(found):
            while True:
                with self._waiting():
                    document = next(found, None)
                if document is None:
                    return
                yield document


def _decode(name: str, document: bytes, intake: Intake) -> None:
    decode(document, DecodeContext(intake, name))


def _searched(intake: Intake, position: int, unchanged: Mapping[str, int]) -> tuple[dict[str, int], SearchedWindow]:
    """Find the traces of the spans from a position on, and add the found ones that were not sent again.

    -> the start of the last span of each, by id; their number and window
    """
    intake.flush()
    none = np.zeros(0, np.int64)
    trace = np.concatenate([none, *(chunk.trace for chunk in intake.chunks)])[position:]
    start = np.concatenate([none, *(chunk.start for chunk in intake.chunks)])[position:]
    traces, of_trace = np.unique(trace, return_inverse=True)
    known = start > 0
    begun = np.full(len(traces), np.iinfo(np.int64).max)
    np.minimum.at(begun, of_trace[known], start[known])
    starts = [*begun[begun < np.iinfo(np.int64).max].tolist(), *unchanged.values()]
    # a server takes those traces for the newest that have the newest span, whenever they began
    last = np.zeros(len(traces), np.int64)
    np.maximum.at(last, of_trace, start)
    ids = intake.traces.ids
    latest = {ids[number]: moment for number, moment in zip(traces.tolist(), last.tolist(), strict=True)}
    return {**latest, **unchanged}, SearchedWindow(len(traces) + len(unchanged), *window_of(starts))


def _page_template(server: Server, capabilities: Capabilities) -> str:
    """Return the template of the pages of a server's traces; '' for none."""
    if server.profile.ui or server.address.socket:
        return server.profile.ui
    base = server.address.base
    return grafana_template(base, capabilities.grafana_type) or template_at(base, capabilities.page_path)


def _choice_report(back_end: BackEnd, wanted: Search, count: int) -> SearchReport:
    text = f"{back_end.capabilities.name} searches by service only and has {count:,} services; choose some"
    return SearchReport(text, False, back_end.supported_search(wanted), services_to_choose=count)


def _report(
    back_end: BackEnd, wanted: Search, latest: Mapping[str, int], received: SearchedWindow, name: str
) -> SearchReport:
    search = back_end.supported_search(wanted)
    count = "1 trace" if received.count == 1 else f"{received.count:,} traces"
    text = f"{count} from {back_end.capabilities.name}{name and ' at '}{name} (searched: {describe(search)})"
    searched = back_end.searched
    if searched is not None and searched.count:
        text += f"; then searched {searched.words} for more"
    may_have_more = not search.trace_ids and (received.count >= search.max_traces or back_end.has_more)
    if may_have_more:
        text += "; there may be more"
        if not back_end.sends_newest:
            received = replace(received, is_newest=False)
            text += ", also newer ones: the server does not send the newest first"
    if search.attributes and not back_end.capabilities.finds_elements:
        text += "; conditions match whole values, not list elements"
    if search.attributes and back_end.capabilities.finds_attributes:
        text += f"; attributes searched: {back_end.capabilities.finds_attributes}"
    if search.errors or search.failed:
        text += f"; errors matched {back_end.capabilities.finds_errors}"
    rest = {
        name: value for name in wanted.__struct_fields__ if (value := getattr(wanted, name)) != getattr(search, name)
    }
    rest = {name: value for name, value in rest.items() if value != getattr(NOTHING, name) and name != "limit"}
    if "attributes" in rest:
        rest["attributes"] = {k: v for k, v in wanted.attributes.items() if k not in search.attributes}
    if rest:
        text += f"; filtered locally: {describe(msgspec.structs.replace(NOTHING, **rest), alone=True)}"
    since = back_end.complete_since_ns or (back_end.complete_since(latest) if searched is None else 0)
    window = replace(searched or received, complete_since_ns=since)
    return SearchReport(
        text,
        may_have_more,
        search,
        back_end.capabilities.lower_case,
        window if may_have_more else None,
        is_incomplete=back_end.is_incomplete,
    )
