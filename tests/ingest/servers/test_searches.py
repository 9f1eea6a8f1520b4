"""Searches on servers with more traces than one response contains: all matching traces are found, or losses
reported.
"""

from __future__ import annotations

import json
import threading
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.client import client_of
from tests.support.documents import padded
from tests.support.format_losses import sent_spans
from tests.support.loopback import Response
from tests.support.many_traces import MS, NEWER, SECOND, server_with_newer_traces, server_with_services, trace
from tests.support.paths import CASES
from tests.support.program import Program
from tests.support.recordings import FIRST_NS, LAST_NS
from tests.support.servers import KINDS, LiveServer, StandIn, replaying
from tracetui.ingest.loader import Loader, load
from tracetui.ingest.servers import readable_lists
from tracetui.ingest.servers.jaeger_failed_traces import FEW_SERVICES
from tracetui.ingest.servers.pool import SearchReport
from tracetui.ingest.servers.request_errors import HttpError
from tracetui.ingest.servers.searched_window import SearchedWindow, window_of
from tracetui.model.search import Search, describe
from tracetui.model.span import Status

FAILED_COUNT = 8
"""Recorded traces with an error; all are older than the newest 150."""
SLOW_COUNT = 7
"""Number of recorded traces whose response time is above 400 ms."""
WHOLE = Search(start_ns=FIRST_NS, end_ns=LAST_NS + (NEWER + 1) * SECOND, limit=20)
changed = msgspec.structs.replace


def failed_ids() -> set[str]:
    return {ids[0] for ids, span in sent_spans().items() if span.status is Status.ERROR}


@pytest.mark.parametrize("kind", KINDS)
def test_failed_traces_are_found_behind_newer_ones(kind: str) -> None:
    with client_of(server_with_newer_traces(kind)) as client:
        found = client.found(changed(WHOLE, failed=True))
        held = client.stored_ids
    assert len(failed_ids() & held) == FAILED_COUNT
    assert failed_ids() & held <= {padded(trace_id) for trace_id in found}


@pytest.mark.parametrize("kind", KINDS)
def test_slow_traces_are_found_behind_newer_ones(kind: str) -> None:
    slow = 400 * MS
    with server_with_newer_traces(kind) as server:
        everything = load([server.url], search=changed(WHOLE, limit=1000))
        found = load([server.url], search=changed(WHOLE, slower_ns=slow))
    wanted, got = (
        {text for text, took in zip(some.trace_ids, some.response_time.tolist(), strict=True) if took > slow}
        for some in (everything, found)
    )
    assert len(wanted) == SLOW_COUNT
    assert got == wanted


@pytest.mark.parametrize(
    ("kind", "most"),
    # v1 also searches the three services that take part in traces of cart
    [("zipkin", 2), ("jaeger-v3", 2), ("tempo", 1 + FAILED_COUNT), ("jaeger-v1", 2 + 3)],
)
def test_requests_for_failed_traces_are_few(kind: str, most: int) -> None:
    with client_of(server_with_newer_traces(kind)) as client:
        before = len(client.server.requests)
        service = "cart" if kind == "jaeger-v1" else ""
        client.spans(changed(WHOLE, failed=True, service=service))
        assert len(client.server.requests) - before <= most


@pytest.mark.parametrize("kind", ["zipkin", "jaeger-v3"])
def test_full_response_is_not_extended(kind: str) -> None:
    with client_of(server_with_newer_traces(kind)) as client:
        before = len(client.server.requests)
        assert len(client.found(changed(WHOLE, failed=True, limit=5))) == 5
        assert len(client.server.requests) - before == 1


@pytest.mark.parametrize("kind", ["zipkin", "jaeger-v1"])
def test_response_is_extended_by_traces_that_failed_otherwise(kind: str) -> None:
    server = LiveServer(kind)
    server.add(trace(kind, 1, LAST_NS, tags={"http.response.status_code": "503"}))
    search = changed(WHOLE, failed=True, service="front" if kind == "jaeger-v1" else "")
    with server:
        traces = load([server.url], search=search)
    failed = {text for text, errors in zip(traces.trace_ids, traces.trace_errors.tolist(), strict=True) if errors}
    assert f"{1:032x}" in {padded(text) for text in failed}


@pytest.mark.parametrize("kind", ["zipkin", "jaeger-v1"])
def test_no_trace_occurs_twice_in_an_extended_response(kind: str) -> None:
    search = changed(WHOLE, failed=True, limit=1000, service="payment")
    with client_of(LiveServer(kind)) as client:
        from tracetui.ingest.servers.resolve import documents

        bodies = [json.loads(body) for body in documents(client.back_end, search)]
    traces = [one for body in bodies for one in (body if kind == "zipkin" else body["data"])]
    ids = [one[0]["traceId"] if kind == "zipkin" else one["traceID"] for one in traces]
    assert len(ids) == len(set(ids)) > FAILED_COUNT


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [(kind, wanted) for kind in KINDS for wanted in (Search(), Search(failed=True), Search(slower_ns=400 * MS))],
)
def test_traces_of_several_services_are_found_behind_newer_ones(kind: str, wanted: Search) -> None:
    services = ("payment", "reporting", "unknown")
    search = changed(wanted, services=services, start_ns=WHOLE.start_ns, end_ns=WHOLE.end_ns, limit=100)
    comparable: list[SearchReport] = []
    with server_with_newer_traces(kind) as server:
        everything = load([server.url], search=changed(WHOLE, limit=1000))
        found = load([server.url], search=search, on_report=comparable.append)
    expected = {
        text
        for trace, text in enumerate(everything.trace_ids)
        if any(everything.span(span).service in services for span in everything.spans_of(trace))
        and (not wanted.failed or everything.trace_errors[trace] > 0)
        and (wanted.slower_ns is None or everything.response_time[trace] > wanted.slower_ns)
    }
    assert len(expected) >= 5
    assert expected <= set(found.trace_ids)
    assert "service payment or reporting or unknown" in comparable[0].text
    # a trace of two of the services occurs once
    assert not found.duplicates


# stores that keep traces by service


def badger(server: StandIn) -> StandIn:
    """Make the server a Jaeger whose store rejects attributes without a service, with status 500."""
    refused = Response((b'{"error":{"httpCode":500,"message":"service name must be set"}}',), 500)

    def fault(handler: Any) -> None:
        query = handler.request_read.query
        if "query.attributes" in query and "query.serviceName" not in query:
            server.send(handler, refused)
        else:
            server.send(handler, server.respond(handler.request_read))

    server.fault, server.fault_on = fault, "/(traces|trace-summaries)$"
    return server


@pytest.mark.parametrize(
    "wanted",
    [
        Search(errors=True),
        Search(failed=True),
        Search(attributes={"customer.tier": "gold"}),
        Search(attributes={"customer.tier": "gold"}, failed=True),
        Search(),
    ],
    ids=["error", "failed", "attribute", "attribute of failed", "all"],
)
def test_store_that_requires_a_service_for_attributes(wanted: Search) -> None:
    search = changed(wanted, start_ns=FIRST_NS, end_ns=LAST_NS + SECOND, limit=1000)
    with client_of(replaying("jaeger-main-v3")) as plain:
        right = plain.found(search)
    with client_of(badger(replaying("jaeger-main-v3"))) as client:
        assert client.found(search) == right
        assert client.found(search) == right
        if not wanted.attributes and not wanted.errors and not wanted.failed:
            assert client.warnings == []
    assert right


# lists of names from servers


@pytest.mark.parametrize("kind", ["jaeger-v1", "jaeger-v3", "zipkin"])
def test_damaged_names_of_services_are_skipped(kind: str) -> None:
    server = LiveServer(kind)
    key = {"jaeger-v1": "data", "jaeger-v3": "services", "zipkin": ""}[kind]
    listed = b'["cart","\\ud800",7,"' + b"x" * 100_000 + b'","payment"]'
    body = b'{"%s":%b}' % (key.encode(), listed) if key else listed

    def fault(handler: Any) -> None:
        server.send(handler, Response((body,)))

    server.fault, server.fault_on = fault, "/services$"
    with client_of(server) as client:
        assert client.back_end.services() == ["cart", "payment", "\ufffd"]
        assert client.warnings == [
            "1 invalid names of services were skipped",
            "1 names of services longer than 2,000 characters were skipped",
        ]


FAR = st.none() | st.sampled_from([-(10**40), -1, 0, 1, 10**19, 10**40, 10**400])


@given(FAR, FAR, FAR, FAR)
def test_every_search_can_be_sent_and_described(
    start: int | None, end: int | None, lookback: int | None, limit: int | None
) -> None:
    search = Search(start_ns=start, end_ns=end, lookback_ns=lookback, limit=limit)
    begin, stop = search.window()
    assert 0 <= begin < stop < 1 << 63
    assert 1 <= search.max_traces <= 10**9
    assert describe(search)


def test_any_limit_can_be_requested(program: Program) -> None:
    with LiveServer("jaeger-v1") as server:
        warnings = program("analyze", server.url, "--time-range", "9999999d", "--limit", "9" * 400)
    # rejecting it is up to the server
    assert (warnings.code, "search depth must be" in warnings.err) == (4, True)


@given(st.lists(st.integers() | st.sampled_from([10**30, 10**4_000, 1 << 63, (1 << 63) - 1, -(10**30)])))
def test_any_time_from_a_server_can_be_formatted(starts: list[int]) -> None:
    assert SearchedWindow(len(starts), *window_of(starts)).words.startswith(f"the newest {len(starts)}")


def test_names_are_bounded() -> None:
    warnings: list[str] = []
    listed = [msgspec.Raw(b'"s%d"' % number) for number in range(30_000)]
    assert len(readable_lists.readable_names(listed, "services", warnings.append)) == readable_lists.MAX_NAMES
    assert warnings == ["the server lists 30,000 services; only the first 10,000 are used"]


def test_services_are_searched_until_the_limit() -> None:
    server = LiveServer("jaeger-v1", empty=True)
    many = 5 * FEW_SERVICES
    for number in range(many):
        start = FIRST_NS + number * SECOND
        server.add(trace("jaeger-v1", number + 1, start, [MS], [f"svc-{number:03}"]))
    with client_of(server) as client:
        assert len(client.found(changed(WHOLE, limit=1000))) == many
        del server.requests[:]
        few = client.found(changed(WHOLE, limit=10))
        expected_params = server.paths().count("/api/traces")
    assert len(few) >= 10
    assert expected_params < many / 2
    assert "of 150 services, enough for 10 traces" in client.warnings[-1]


def test_services_are_searched_concurrently() -> None:
    server = server_with_services("jaeger-v1", 4, begun_ns=FIRST_NS + SECOND)
    two = threading.Barrier(2, timeout=300)

    def fault(handler: Any) -> None:
        # each request waits for another concurrent one
        two.wait()
        server.send(handler, server.respond(handler.request_read))

    server.fault, server.fault_on = fault, "/api/traces$"
    with client_of(server) as client:
        assert len(client.found(changed(WHOLE, limit=1000))) == 4


def test_failed_search_for_one_service_does_not_affect_the_others() -> None:
    server = LiveServer("jaeger-v1")

    def fault(handler: Any) -> None:
        if handler.request_read.query.get("service") == ["cart"]:
            server.send(handler, Response((b'{"errors":[{"code":500,"msg":"no such table"}]}',), 500))
        else:
            server.send(handler, server.respond(handler.request_read))

    server.fault, server.fault_on = fault, "/api/traces$"
    with client_of(server) as client:
        assert len(client.found(changed(WHOLE, limit=1000))) > 20
        assert any("the search failed for 1 of 12 services" in text for text in client.warnings)
        assert client.back_end.is_incomplete


# Tempo


def without_hints(server: StandIn) -> StandIn:
    """Make the server a Tempo that rejects unknown text after a query."""
    refused = Response((b"invalid TraceQL query: parse error at line 1, col 4: syntax error: unexpected with",), 400)

    def fault(handler: Any) -> None:
        hinted = "most_recent" in handler.request_read.query.get("q", [""])[0]
        server.send(handler, refused if hinted else server.respond(handler.request_read))

    server.fault, server.fault_on = fault, "/api/search$"
    return server


def test_tempo_search_requests_its_newest_traces() -> None:
    server = server_with_newer_traces("tempo")
    with client_of(server) as client:
        assert client.found(WHOLE) == set(server.trace_ids[-20:])
        searches = [request.query["q"] for request in client.server.requests if request.path == "/api/search"]
        assert searches == [["{} with (most_recent=true)"]]


def test_older_tempo_is_queried_without_the_hint_from_then_on() -> None:
    with client_of(without_hints(server_with_newer_traces("tempo"))) as client:
        assert len(client.found(WHOLE)) == 20
        assert not client.back_end.sends_newest
        assert len(client.found(WHOLE)) == 20
        assert client.server.paths().count("/api/search") == 3


def test_results_of_an_older_tempo_are_not_reported_as_the_newest() -> None:
    comparable: list[SearchReport] = []
    with without_hints(server_with_newer_traces("tempo")) as server:
        load([server.url], search=WHOLE, on_report=comparable.append)
    assert comparable[0].text.endswith("there may be more, also newer ones: the server does not send the newest first")
    assert comparable[0].searched is not None
    assert comparable[0].searched.words.startswith("any 20 (")


def test_query_that_tempo_rejects_is_an_error() -> None:
    with client_of(LiveServer("tempo")) as client:
        with pytest.raises(HttpError, match="400"):
            client.found(changed(WHOLE, expression="{ nonsense"))
        assert client.back_end.sends_newest


def test_tempo_names_are_requested_for_a_window() -> None:
    """Without a window Tempo only knows names that have just arrived."""
    server = LiveServer("tempo")

    def fault(handler: Any) -> None:
        query = handler.request_read.query
        timed = {"start", "end"} <= set(query) and int(query["start"][0]) < int(query["end"][0])
        empty = Response((b'{"tagValues":[],"metrics":{}}',))
        server.send(handler, server.respond(handler.request_read) if timed else empty)

    server.fault, server.fault_on = fault, "/values$"
    with client_of(server) as client:
        assert len(client.back_end.services()) == 13
        assert "payments.Charge/Run" in client.back_end.operations("payment")


def test_events_of_the_python_zipkin_exporter() -> None:
    traces = load([str(CASES / "zipkin-python-events.json")])
    exceptions = {
        traces.span(span).name: [event.attributes.get("exception.type") for event in traces.span(span).events]
        for span in range(len(traces))
    }
    assert exceptions == {"GET /exc": [], "compute": ["RuntimeError", "ValueError"], "retry ok": ["TimeoutError"]}


def test_unchanged_traces_of_tempo_are_not_fetched_again() -> None:
    with LiveServer("tempo") as server:
        loading = Loader([server.url])
        search = changed(WHOLE, limit=1000)
        comparable: list[SearchReport] = []
        first = loading.read(search=search)
        count = len(server.requests)
        assert loading.search_again(search, lambda _: None, comparable.append) is None
        assert [request.path for request in server.requests[count:]] == ["/api/search"]
        assert comparable[0].text.startswith(f"{first.trace_count} traces from Tempo")
        # one new trace, and one that has grown
        server.add(trace("tempo", 1, LAST_NS, [5 * MS], ["front"]))
        assert (loading.search_again(search, lambda _: None) or first).trace_count == first.trace_count + 1
        server.add(trace("tempo", 1, LAST_NS))
        count = len(server.requests)
        grown = loading.search_again(search, lambda _: None)
        assert grown is not None
        assert len(grown) == len(first) + 2
        assert len(server.requests) - count == 2
        loading.servers.close()


@pytest.mark.parametrize("kind", KINDS)
def test_warning_that_elements_of_lists_are_not_found(kind: str) -> None:
    comparable: list[SearchReport] = []
    search = changed(WHOLE, attributes={"customer.tier": "gold"}, service="payment")
    with LiveServer(kind) as server:
        load([server.url], search=search, on_report=comparable.append)
    assert ("not list elements" in comparable[0].text) == (kind != "tempo")
