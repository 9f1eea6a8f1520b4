"""Jaeger, Zipkin and Tempo behind one interface: requests to them, and handling of their responses."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from tests.support.client import client_of
from tests.support.documents import padded
from tests.support.faults import HTML, faulty, login_page, status
from tests.support.format_losses import by_ids, comparable, sent_spans, spans_of, with_losses, without_server_warnings
from tests.support.loopback import Handler, Loopback, Response
from tests.support.recordings import FIRST_NS, LAST_NS
from tests.support.servers import KINDS, LiveServer, StandIn, replaying
from tracetui.config import Overrides, Profile
from tracetui.ingest.servers import back_end, bounded_map, connection
from tracetui.ingest.servers.back_end import BackEnd, NotSupportedError
from tracetui.ingest.servers.registry import kind_titles
from tracetui.ingest.servers.request_errors import HttpError
from tracetui.ingest.servers.resolve import documents, open_back_end, server_at
from tracetui.model.errors import BackEndError
from tracetui.model.search import Search
from tracetui.model.server_stats import Dependency
from tracetui.model.span import Span, Status

changed = msgspec.structs.replace
MS, SECOND = 1_000_000, 1_000_000_000
ALL = Search(start_ns=FIRST_NS, end_ns=LAST_NS + SECOND, limit=1000)
NEVER = Search(start_ns=FIRST_NS - 7200 * SECOND, end_ns=FIRST_NS - 3600 * SECOND)
PLAIN = Overrides()
SHORT, BROKEN, MISSING = "1f2e3d4c5b6a7988", "0af7651916cd43dd8448eb211c80319c", "deadbeef" * 4
POISONED = next(ids[0] for ids, span in sent_spans().items() if span.service == "poisoned")


def dated(server: StandIn, by_seconds: int, age: str = "") -> StandIn:
    """Give the server a clock that is ahead of the local one, in its Date headers."""

    def answer(handler: Handler) -> None:
        right = server.respond(handler.request_read)
        date = {"date": format_datetime(datetime.now(UTC) + timedelta(seconds=by_seconds), usegmt=True)}
        server.send(handler, replace(right, headers={**right.headers, **date, **({"age": age} if age else {})}))

    server.fault = answer
    return server


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("by_seconds", "warnings"), [(7200, "2h ahead of"), (-7200, "2h behind")])
def test_lookback_uses_the_clock_of_the_server(kind: str, by_seconds: int, warnings: str) -> None:
    now = time.time_ns() + by_seconds * SECOND
    with client_of(dated(LiveServer(kind, ends_ns=now), by_seconds)) as client:
        assert len(client.found(Search(limit=1000))) >= len(client.stored_ids) - 1
        assert any(f"the server's clock is {warnings} the local clock" in one for one in client.warnings)
        # windows with a beginning and an end are unchanged
        assert not client.found(Search(limit=1000, start_ns=now - 9000 * SECOND, end_ns=now - 8000 * SECOND))


@pytest.mark.parametrize(("by_seconds", "age"), [(7200, "7200"), (3, ""), (-900_000_000, "")])
def test_accurate_and_unset_clocks_are_ignored(by_seconds: int, age: str) -> None:
    with client_of(dated(LiveServer("zipkin", ends_ns=time.time_ns()), by_seconds, age)) as client:
        assert client.found(Search(limit=1000)) == client.stored_ids
        assert client.warnings == []
        assert client.back_end.connection.clock_ahead == 0


@pytest.mark.parametrize("kind", KINDS)
def test_trace_may_be_larger_than_other_responses(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_SMALL_RESPONSE_BYTES", 500)
    with client_of(LiveServer(kind)) as client:
        largest = max(client.stored_ids, key=lambda trace_id: len(client.server.backends[0].documents[trace_id].text))
        assert client.found(Search(trace_ids=(largest,))) == {largest}
        monkeypatch.setattr(back_end, "LARGEST_TRACE", 5_000)
        with pytest.raises(HttpError, match="response larger than"):
            client.found(Search(trace_ids=(largest,)))


def test_fetching_stops_with_the_consumer() -> None:
    begun: list[int] = []

    def noted(number: int) -> int:
        begun.append(number)
        return number

    taken = bounded_map.bounded_map(noted, range(100), 2)
    for count in range(1, 100):
        next(taken)
        # results that wait for the consumer, and fetches that wait for them
        assert len(begun) <= count + 2 * 2
    assert len(list(taken)) == 1
    # no thread remains after the consumer stops
    others = set(threading.enumerate())
    some = bounded_map.bounded_map(lambda number: number, range(100), 2)
    next(some)
    workers = set(threading.enumerate()) - others
    assert isinstance(some, Generator)
    some.close()
    for worker in workers:
        worker.join(300)
        assert not worker.is_alive()


@pytest.mark.parametrize("kind", KINDS)
def test_windows_that_no_server_accepts(kind: str) -> None:
    ever = Search(limit=1000, lookback_ns=9_999_999 * 24 * 3600 * SECOND)
    with client_of(LiveServer(kind, ends_ns=time.time_ns())) as client:
        for search in (ever, Search(limit=1000, start_ns=-(10**20), end_ns=10**20)):
            queried = len(client.server.requests)
            found = client.found(search)
            assert len(client.server.requests) - queried < 200
            # such a window is searched week by week, from its end
            assert len(found) >= len(client.stored_ids) - 1 or (kind == "tempo" and search is not ever)
            assert not client.found(changed(search, start_ns=10**20, end_ns=10**20 + 1))
        if kind == "tempo":
            assert any(one.startswith("Tempo searches one week at a time; searched back to") for one in client.warnings)


def without_summaries(server: StandIn) -> StandIn:
    """Make the server a Jaeger before 2.19."""
    server.fault, server.fault_on = status(404, body=b"404 page not found\n"), "/trace-summaries$"
    return server


SERVERS: dict[str, Callable[[], StandIn]] = {
    "jaeger-v1": lambda: LiveServer("jaeger-v1"),
    "jaeger-v3": lambda: LiveServer("jaeger-v3"),
    "jaeger-v3 before 2.19": lambda: without_summaries(LiveServer("jaeger-v3")),
    "jaeger-2.20": lambda: replaying("jaeger-2.20-v3", "jaeger-2.20-v1"),
    "zipkin": lambda: LiveServer("zipkin"),
    "zipkin as recorded": lambda: replaying("zipkin-3.5.1"),
    "tempo": lambda: LiveServer("tempo"),
    "tempo as recorded": lambda: replaying("tempo-3.0"),
}
RECORDED = [name for name in SERVERS if "recorded" in name or "2.20" in name]
each_server = pytest.mark.parametrize("name", SERVERS)


def connected(url: str) -> BackEnd:
    at = server_at(url)
    assert at
    return open_back_end(at, Overrides(), pytest.fail)


# detection


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("jaeger-v1", "Jaeger (v1)"),
        ("jaeger-v3", "Jaeger (v3)"),
        ("jaeger-v3 before 2.19", "Jaeger (v3)"),
        ("jaeger-2.20", "Jaeger (v3)"),
        ("zipkin", "Zipkin"),
        ("tempo", "Tempo"),
    ],
)
def test_kind_of_server_is_detected(name: str, called: str) -> None:
    with client_of(SERVERS[name]()) as client:
        assert client.back_end.capabilities.name == called


def test_v1_is_preferred_before_219() -> None:
    with client_of(without_summaries(replaying("jaeger-2.20-v3", "jaeger-2.20-v1"))) as client:
        assert client.back_end.capabilities.name == "Jaeger (v1)"


def test_kind_in_the_profile_replaces_detection() -> None:
    with client_of(LiveServer("tempo"), profile=Profile(kind="tempo")) as client:
        assert client.server.paths() == ["/api/echo"]
    with (
        pytest.raises(BackEndError, match="not with the API of Zipkin;"),
        client_of(LiveServer("tempo"), profile=Profile(kind="zipkin")),
    ):
        pass


@pytest.mark.parametrize(
    "path",
    ["/jaeger", "/jaeger/", "/jaeger/search?service=cart&limit=20", f"/jaeger/trace/{BROKEN}", "/jaeger/dependencies"],
)
def test_jaeger_below_a_base_path(path: str) -> None:
    server = replaying("jaeger-2.20-v3", base="/jaeger")
    with server:
        at = server_at(server.url.removesuffix("/jaeger") + path)
    assert at
    assert at.address.base == server.url


@pytest.mark.parametrize("path", ["", "/zipkin", "/zipkin/", "/zipkin/?serviceName=cart", f"/zipkin/traces/{BROKEN}"])
def test_zipkin_below_its_page(path: str) -> None:
    with client_of(LiveServer("zipkin"), path) as client:
        assert "cart" in client.back_end.services()
        assert client.last == ("/api/v2/services", {})


def test_zipkin_behind_a_gateway_that_passes_only_its_page() -> None:
    with client_of(LiveServer("zipkin", base="/zipkin")) as client:
        assert "cart" in client.back_end.services()
        assert client.last == ("/zipkin/api/v2/services", {})


def test_tempo_behind_a_gateway_that_passes_only_searches() -> None:
    server = LiveServer("tempo")
    server.fault, server.fault_on = status(404), "/api/echo"
    with client_of(server) as client:
        assert client.back_end.capabilities.name == "Tempo"


@pytest.mark.parametrize(
    ("respond", "why"),
    [
        (None, f"responds, but not with the API of {kind_titles()}.*16686"),
        (lambda request: Response((b'{"openapi":"3.1.0"}',)), "responds, but not with the API of"),
        (lambda request: Response((b"[1",)), "responds, but not with the API of"),
        (lambda request: Response((b"<html>Sign in</html>",), 200, HTML), "a web page, perhaps a login page"),
        (lambda request: Response((b"<html>who?</html>",), 401, HTML), r"credentials required \(401\)"),
        (lambda request: Response((b"<html>no</html>",), 403, HTML), r"access denied \(403\)"),
        (lambda request: Response((b"<html>oh</html>",), 500, HTML), r"server error \(500\)"),
        (lambda request: Response((b"<html>where?</html>",), 404, HTML), "responds, but not with the API of"),
    ],
    ids=["404", "JSON", "half JSON", "page", "401", "403", "500", "404 page"],
)
def test_unknown_kinds_of_servers_are_rejected(respond: Any, why: str) -> None:
    with Loopback(respond) as server, pytest.raises(BackEndError, match=f"^{server.url}.*{why}"):
        connected(server.url)


# tenants


@pytest.mark.parametrize("recording", ["jaeger-2.20-v3", "tempo-3.0"])
def test_tenants(recording: str) -> None:
    # headers are bytes, which the test server decodes as Latin-1
    with client_of(
        replaying(recording, tenant="größe".encode().decode("latin-1")), overrides=Overrides(tenant="größe")
    ) as client:
        assert "cart" in client.back_end.services()
    with (
        pytest.raises(HttpError, match=r"401.*(no org id|missing tenant header|tenant).*Set the tenant with --tenant"),
        client_of(replaying(recording, tenant="shop")),
    ):
        pass


def test_tenant_in_a_custom_header() -> None:
    with client_of(LiveServer("tempo"), profile=Profile(tenant="shop", tenant_header="X-Team")) as client:
        assert client.server.requests[0].headers["x-team"] == "shop"
        assert "x-scope-orgid" not in client.server.requests[0].headers


# services and operations


@each_server
def test_services_and_operations(name: str) -> None:
    with client_of(SERVERS[name]()) as client:
        services = client.back_end.services()
        assert services == sorted(services)
        # v1 omits the service of the trace that it cannot send
        stored_ids = {span.service for ids, span in sent_spans().items() if ids[0] in client.stored_ids - {POISONED}}
        assert stored_ids <= set(services) <= {span.service for span in sent_spans().values()}
        written = str.lower if "zipkin" in name else str
        expected = sorted({written(span.name) for span in sent_spans().values() if span.service == "payment"})
        assert client.back_end.operations("payment") == expected
        assert client.back_end.operations("nobody") == []


@pytest.mark.parametrize("name", ["jaeger-v1", "jaeger-v3", "tempo"])
def test_operations_of_a_service_with_special_characters(name: str) -> None:
    with client_of(SERVERS[name]()) as client:
        assert client.back_end.operations("größe-サービス") == ["drain queue"]


# searches


def meets(search: Search, span: Span) -> bool:
    return (
        search.service in ("", span.service)
        and search.operation in ("", span.name)
        and (search.least_ns or 0) <= span.duration_ns <= (search.most_ns or 1 << 62)
        and all(str(span.attributes.get(key)) == value for key, value in search.attributes.items())
        and (not search.errors or span.status is Status.ERROR)
    )


SEARCHES = {
    "service": Search(service="payment"),
    "operation": Search(service="payment", operation="payments.Charge/Run"),
    "attribute": Search(service="web-frontend", attributes={"customer.tier": "gold"}),
    "long spans": Search(service="cart", least_ns=500 * MS),
    "short spans": Search(service="cart", most_ns=60 * MS),
    "spans between": Search(service="cart", least_ns=50 * MS, most_ns=80 * MS),
    "errors": Search(service="payment", errors=True),
    "an odd service": Search(service="größe-サービス"),
    "a hostile service": Search(service="bad[actor]"),
}


@each_server
def test_searches(name: str) -> None:
    with client_of(SERVERS[name]()) as client:
        stored_ids = client.stored_ids
        for what, wanted in SEARCHES.items():
            expected = {ids[0] for ids, span in sent_spans().items() if meets(wanted, span)} & stored_ids
            found = client.found(changed(wanted, start_ns=ALL.start_ns, end_ns=ALL.end_ns, limit=1000))
            assert found & expected, what
            if name in RECORDED:
                # with the current limit, whatever is requested
                assert found <= expected, what
            elif name == "jaeger-v3 before 2.19" and (wanted.attributes or wanted.errors):
                # conditions that it does not support are filtered locally
                assert found > expected, what
            else:
                assert found == expected, what


@each_server
def test_traces_are_complete(name: str) -> None:
    kind = next(kind for kind in ("jaeger-v1", "jaeger-v3", "zipkin", "tempo", "jaeger-2.20") if name.startswith(kind))
    with client_of(SERVERS[name]()) as client:
        found = client.spans(Search(service="cart", start_ns=ALL.start_ns, end_ns=ALL.end_ns, limit=1000))
    here = {trace_id for trace_id, _ in found}
    assert len(here) > 20
    assert set(found) == {ids for ids in sent_spans() if ids[0] in here}
    for ids, span in found.items():
        expected = with_losses(kind.replace("2.20", "v3"), sent_spans()[ids])
        assert comparable(without_server_warnings(span)) == comparable(expected)


@each_server
def test_window_in_the_future(name: str) -> None:
    with client_of(SERVERS[name]()) as client:
        for search in (Search(start_ns=time.time_ns() + 3600 * SECOND), Search(start_ns=LAST_NS + 9, end_ns=LAST_NS)):
            assert client.found(search) == set()


@each_server
def test_limit_and_window(name: str) -> None:
    with client_of(SERVERS[name]()) as client:
        assert len(client.found(changed(ALL, service="cart", limit=3))) == 3
        assert list(documents(client.back_end, changed(NEVER, service="cart"))) == []
        assert client.warnings == []


def test_unsupported_conditions_are_filtered_locally() -> None:
    wanted = changed(ALL, errors=True, failed=True, slower_ns=1, attributes={"a": "b"})
    supported: dict[str, dict[str, Any]] = {
        "jaeger-v1": {"failed": False, "slower_ns": None, "least_ns": 2},
        "jaeger-v3": {},
        "jaeger-v3 before 2.19": {"failed": False, "slower_ns": None, "errors": False, "attributes": {}},
        "zipkin": {"failed": False, "slower_ns": None, "least_ns": 2},
        "tempo": {},
    }
    for name, left in supported.items():
        with client_of(SERVERS[name]()) as client:
            assert client.back_end.supported_search(wanted) == changed(wanted, **left), name


@pytest.mark.parametrize("name", ["jaeger-v3", "tempo"])
def test_conditions_on_whole_traces(name: str) -> None:
    ends: dict[str, list[int]] = {}
    for (trace_id, _), span in sent_spans().items():
        ends.setdefault(trace_id, []).extend((span.start_ns, span.end_ns))
    slow = {trace_id for trace_id, times in ends.items() if max(times) - min(times) > 400 * MS}
    failed = {ids[0] for ids, span in sent_spans().items() if span.status is Status.ERROR}
    with client_of(SERVERS[name]()) as client:
        assert client.found(changed(ALL, slower_ns=400 * MS)) == slow
        assert client.found(changed(ALL, failed=True)) == failed
        assert client.found(changed(ALL, failed=True, slower_ns=400 * MS)) == slow & failed
        assert client.found(changed(NEVER, failed=True)) == set()
    assert slow - failed
    assert failed - slow


# requests

EVERYTHING = Search(
    service="payment",
    operation="payments.Charge/Run",
    attributes={"customer.tier": "gold"},
    errors=True,
    least_ns=50 * MS + 1,
    most_ns=1500 * MS + 1,
    start_ns=FIRST_NS + 1,
    end_ns=LAST_NS + 1,
    limit=7,
)
START, END = "2026-11-20T10:00:00.000000001Z", "2026-11-20T10:13:26.000000001Z"
TRACEQL = (
    '{resource.service.name="payment" && name="payments.Charge/Run" && .customer.tier="gold" && status=error'
    " && duration>=50000001ns && duration<=1500000001ns}"
)


@pytest.mark.parametrize(
    ("name", "path", "query"),
    [
        (
            "jaeger-v1",
            "/api/traces",
            {
                "service": "payment",
                "operation": "payments.Charge/Run",
                "start": str(FIRST_NS // 1000),
                "end": str(LAST_NS // 1000 + 1),
                "limit": "7",
                "minDuration": "50000001ns",
                "maxDuration": "1500000001ns",
                "tags": '{"customer.tier":"gold","error":"true"}',
            },
        ),
        (
            "jaeger-v3",
            "/api/v3/traces",
            {
                "query.serviceName": "payment",
                "query.operationName": "payments.Charge/Run",
                "query.startTimeMin": START,
                "query.startTimeMax": END,
                "query.searchDepth": "7",
                "query.durationMin": "50000001ns",
                "query.durationMax": "1500000001ns",
                "query.attributes": '{"customer.tier":"gold","error":"true"}',
            },
        ),
        (
            "jaeger-v3 before 2.19",
            "/api/v3/traces",
            {
                "query.service_name": "payment",
                "query.operation_name": "payments.Charge/Run",
                "query.start_time_min": START,
                "query.start_time_max": END,
                "query.num_traces": "7",
                "query.duration_min": "50000001ns",
                "query.duration_max": "1500000001ns",
            },
        ),
        (
            "zipkin",
            "/api/v2/traces",
            {
                "serviceName": "payment",
                "spanName": "payments.charge/run",
                "annotationQuery": "customer.tier=gold and error",
                "minDuration": "50001",
                "maxDuration": "1500001",
                "endTs": str(LAST_NS // MS + 1),
                "lookback": str((LAST_NS - FIRST_NS) // MS + 1),
                "limit": "7",
            },
        ),
        (
            "tempo",
            "/api/search",
            {
                "q": TRACEQL + " with (most_recent=true)",
                "start": str(FIRST_NS // SECOND),
                "end": str(LAST_NS // SECOND + 1),
                "limit": "7",
                "spss": "1",
            },
        ),
    ],
)
def test_requests_to_a_server(name: str, path: str, query: dict[str, str]) -> None:
    with client_of(SERVERS[name]()) as client:
        list(documents(client.back_end, EVERYTHING))
        asks = next(request for request in client.server.requests if request.path == path and len(request.query) > 4)
        assert asks.query == {key: [value] for key, value in query.items()}
        assert asks.headers["accept-encoding"].startswith("gzip")


@pytest.mark.parametrize("name", ["jaeger-v1", "jaeger-v3", "zipkin", "tempo"])
def test_search_without_conditions_sends_only_the_usual_parameters(name: str) -> None:
    usual = {"start", "end", "limit", "service", "endTs", "lookback", "q", "spss"}
    usual |= {"query.startTimeMin", "query.startTimeMax", "query.searchDepth", "query.serviceName"}
    with client_of(SERVERS[name]()) as client:
        list(documents(client.back_end, changed(ALL, service="cart" if name == "jaeger-v1" else "")))
        assert set(client.last[1]) <= usual


@pytest.mark.parametrize(
    ("search", "expected_params"),
    [
        (Search(most_ns=100 * MS), {"minDuration": ["1"], "maxDuration": ["100000"]}),
        (Search(least_ns=1), {"minDuration": ["1"]}),
        (Search(attributes={"error.type": ""}, errors=True), {"annotationQuery": ["error.type and error"]}),
        (Search(service="Cart", operation="GET"), {"serviceName": ["cart"], "spanName": ["get"]}),
        (Search(attributes={"note": "salt and pepper", "a": "b"}), {"annotationQuery": ["note and a=b"]}),
        (Search(attributes={"a=b": "c"}), {}),
    ],
)
def test_conditions_that_zipkin_does_not_support(search: Search, expected_params: dict[str, list[str]]) -> None:
    """A maximum without a minimum duration, names in upper case, and values that contain Zipkin's separators."""
    with client_of(LiveServer("zipkin")) as client:
        list(documents(client.back_end, changed(search, start_ns=FIRST_NS, end_ns=LAST_NS)))
        query = client.last[1]
    assert {key: query[key] for key in query if key not in ("endTs", "lookback", "limit")} == expected_params


@pytest.mark.parametrize(
    ("search", "traceql"),
    [
        (Search(), "{}"),
        (Search(attributes={"http.status_code": "500"}), '{(.http.status_code="500" || .http.status_code=500)}'),
        (Search(attributes={"retry": "true"}), '{(.retry="true" || .retry=true)}'),
        (Search(attributes={"odd key": 'a"b\\c\n'}), '{."odd key"="a\\"b\\\\c\\n"}'),
        (Search(failed=True), "{status=error}"),
        (Search(service="a", failed=True), '{resource.service.name="a"} && {status=error}'),
        (Search(service="a", errors=True, failed=True), '{resource.service.name="a" && status=error}'),
        (Search(slower_ns=5), "{traceDuration>5ns}"),
        (Search(expression="{.a=1} >> {.b=2}", service="s"), '({.a=1} >> {.b=2}) && {resource.service.name="s"}'),
        (Search(expression="{.a=1} | count() > 2"), "{.a=1} | count() > 2"),
    ],
)
def test_searches_in_traceql(search: Search, traceql: str) -> None:
    from tracetui.ingest.servers.tempo import query

    assert query(search) == traceql


def test_tempo_is_searched_a_week_at_a_time() -> None:
    with client_of(LiveServer("tempo")) as client:
        begin = LAST_NS - 400 * 3600 * SECOND
        found = client.found(changed(ALL, start_ns=begin, end_ns=LAST_NS + 1, limit=1000))
        asks = [request.query for request in client.server.requests if request.path == "/api/search"]
    windows = [(int(query["start"][0]), int(query["end"][0])) for query in asks]
    assert [stop - start for start, stop in windows] == [167 * 3600, 167 * 3600, 66 * 3600 + 1]
    assert [start for start, _ in windows[:-1]] == [stop for _, stop in windows[1:]]
    assert len(found) == 82


# by id


@each_server
def test_trace_by_id(name: str) -> None:
    with client_of(SERVERS[name]()) as client:
        for trace_id in (SHORT, padded(SHORT), SHORT.upper()):
            (found,) = {ids[0] for ids in by_ids(spans_of(client.back_end.trace(trace_id) or b""))}
            assert found == padded(SHORT)
        assert client.back_end.trace(MISSING) is None
        with pytest.raises(HttpError, match="400"):
            client.back_end.trace("not-hex")


@each_server
def test_traces_by_id(name: str) -> None:
    with client_of(SERVERS[name]()) as client:
        assert client.found(Search(trace_ids=(SHORT, MISSING, BROKEN))) == {padded(SHORT), BROKEN}
        assert client.warnings == [f"trace {MISSING} is missing"]
        client.warnings.clear()
        assert list(documents(client.back_end, Search(trace_ids=(MISSING, "feed")))) == []
        assert len(client.warnings) == 1
        assert client.warnings[0].endswith("and 1 more are missing")


@pytest.mark.parametrize("kind", KINDS)
def test_trace_is_equal_from_all_servers(kind: str) -> None:
    """Except for the losses of formats. v1 cannot send one of the traces."""
    server = LiveServer(kind)
    with client_of(server) as client:
        ids = server.trace_ids
        found = client.spans(Search(trace_ids=tuple(ids)))
        warnings = client.warnings
    unread = {POISONED} if kind == "jaeger-v1" else set()
    assert {trace_id for trace_id, _ in found} == set(ids) - unread
    for key, span in found.items():
        assert comparable(without_server_warnings(span)) == comparable(with_losses(kind, sent_spans()[key])), key
    assert [text.startswith(f"trace {POISONED} could not be read: ") for text in warnings] == [True] * len(unread)


def test_incomplete_trace() -> None:
    partly = Response((b'{"trace":{"resourceSpans":[]},"status":"PARTIAL","message":"too large"}',))
    with Loopback(lambda request: partly if "traces" in request.path else Response((b"echo",))) as server:
        at = server_at(server.url)
        assert at is not None
        warnings: list[str] = []
        back_end = open_back_end(replace(at, profile=Profile(kind="tempo")), Overrides(), warnings.append)
        back_end.trace("1")
        back_end.close()
    assert warnings == ["trace 1 is incomplete: too large"]


# dependencies


@pytest.mark.parametrize("name", ["jaeger-2.20", "jaeger-v1", "jaeger-v3", "zipkin as recorded", "zipkin"])
def test_dependencies(name: str) -> None:
    with client_of(SERVERS[name]()) as client:
        found = client.back_end.dependencies(FIRST_NS, LAST_NS)
        assert client.last[1] == {
            "endTs": [str(LAST_NS // MS)],
            "lookback": [str((LAST_NS - FIRST_NS) // MS)],
        }
    recording = client.server.recordings[0]
    answer = next(a for a in recording.answers.values() if a.path.endswith("/dependencies") and len(a.body) > 100)
    given = json.loads(answer.body)
    if isinstance(given, dict):
        assert found == [Dependency(d["parent"], d["child"], d["callCount"]) for d in given["data"]]
    else:
        assert found == [Dependency(d["parent"], d["child"], d["callCount"], d.get("errorCount", 0)) for d in given]
    assert len(found) > 2


def test_tempo_has_no_dependencies() -> None:
    with (
        client_of(LiveServer("tempo")) as client,
        pytest.raises(NotSupportedError, match="Tempo has no dependency graph"),
    ):
        client.back_end.dependencies(FIRST_NS, LAST_NS)


# Jaeger's v1 API, and traces that it cannot send


def test_v3_is_used_for_traces_that_v1_cannot_write() -> None:
    with client_of(without_summaries(replaying("jaeger-2.20-v3", "jaeger-2.20-v1"))) as client:
        assert client.found(changed(ALL, service="poisoned")) == {POISONED}
        assert client.server.paths()[-2:] == ["/api/traces", "/api/v3/traces"]
    (warnings,) = client.warnings
    assert "unsupported value" in warnings
    assert "used the v3 API instead" in warnings


@pytest.fixture
def server_with_neighbours() -> LiveServer:
    """Serve a Jaeger v1 with valid traces of the same service before and after the one that it cannot send."""
    server = LiveServer("jaeger-v1")
    sound = next(document for document in map(server.document, server.trace_ids) if not document.broken)
    begin = min(span.start_ns for ids, span in sent_spans().items() if ids[0] == POISONED)
    for number, away in enumerate((-300 * SECOND, -2 * MS, 20 * MS, 20 * SECOND)):
        body = sound.copy_with(f"5a{number}".rjust(32, "0"), by_ns=begin + away - sound.start_ns)
        for process in body["processes"].values():
            process["serviceName"] = "poisoned"
        server.add(body)
    return server


def test_parts_that_v1_cannot_represent_are_omitted(server_with_neighbours: LiveServer) -> None:
    with client_of(server_with_neighbours) as client:
        found = spans_of(*documents(client.back_end, changed(ALL, service="poisoned")))
    assert {span.trace_id for span in found} == {f"5a{number}".rjust(32, "0") for number in range(4)}
    # a trace is found in each slice that it overlaps
    assert all(not span.warnings for span in found)
    assert len(client.warnings) >= 1
    begin = min(span.start_ns for ids, span in sent_spans().items() if ids[0] == POISONED)
    assert any("2026-11-20 10:13:00.0" in warnings for warnings in client.warnings), (begin, client.warnings)
    assert all("the server cannot send traces that start between" in warnings for warnings in client.warnings)
    assert len(client.server.requests) < 150


def test_losses_for_many_traces_that_v1_cannot_write_are_small(server_with_neighbours: LiveServer) -> None:
    """Requests are spread evenly over the window, instead of losing all of its last part."""
    sound = server_with_neighbours.document("5a3".rjust(32, "0"))
    for number in range(6):
        away = (number + 1) * 1800 * SECOND
        server_with_neighbours.add(sound.copy_with(f"b{number}".rjust(32, "0"), by_ns=away - 600 * SECOND), broken=True)
        server_with_neighbours.add(sound.copy_with(f"c{number}".rjust(32, "0"), by_ns=away), broken=False)
    search = changed(ALL, service="poisoned", start_ns=FIRST_NS - 3600 * SECOND, end_ns=LAST_NS + 4 * 3600 * SECOND)
    with client_of(server_with_neighbours) as client:
        found = client.found(search)
    assert {f"c{number}".rjust(32, "0") for number in range(6)} <= found
    assert len(client.server.requests) < 100
    # adjacent windows are reported as one
    times = [re.findall(r"\d\d:\d\d:\d\d\.\d+", warnings) for warnings in client.warnings]
    assert all(before[1] != after[0] for before, after in pairwise(times))
    assert len(times) == 7


@pytest.mark.parametrize("fault", [status(500), status(500, body=b'{"errors":[{"code":500,"msg":"disk full"}]}')])
def test_other_failures_of_v1_are_errors(fault: Any) -> None:
    server = LiveServer("jaeger-v1")
    server.fault, server.fault_on = fault, "/api/traces"
    with client_of(server) as client, pytest.raises(HttpError, match="server error"):
        list(documents(client.back_end, changed(ALL, service="cart")))
    assert client.server.paths().count("/api/traces") == 1


def test_v1_without_a_service_finds_each_trace_once() -> None:
    server = LiveServer("jaeger-v1")
    with client_of(server) as client:
        bodies = list(documents(client.back_end, ALL))
        ids = server.trace_ids
    found = [trace["traceID"] for body in bodies for trace in json.loads(body)["data"]]
    assert len(found) == len(set(found))
    assert {padded(trace_id) for trace_id in found} == set(ids) - {POISONED}
    assert client.warnings[0].startswith("the server searches by service only: requested the newest ")
    # a search fails for every service of a trace that the server cannot send
    assert len(dict.fromkeys(client.warnings)) == 2


def test_errors_in_a_v1_response_with_traces_are_passed_on() -> None:
    server = LiveServer("jaeger-v1")
    errors = [{"code": 500, "msg": "one store of two is gone"}]

    def partly(handler: Any) -> None:
        body = json.loads(server.respond(handler.request_read).body) | {"errors": errors}
        server.send(handler, Response((json.dumps(body).encode(),)))

    server.fault, server.fault_on, server.faults_left = partly, "/api/traces$", 1
    with client_of(server) as client:
        bodies = [json.loads(body) for body in documents(client.back_end, ALL)]
    assert [body["errors"] for body in bodies if body["errors"]] == [errors]


@pytest.mark.parametrize("limit", [20, 1000])
@pytest.mark.parametrize("name", ["v1", "v3"])
def test_search_by_services_reports_whether_there_are_more(name: str, limit: int) -> None:
    with client_of(LiveServer("jaeger-v1") if name == "v1" else require_service(replaying("jaeger-main-v3"))) as client:
        list(documents(client.back_end, changed(ALL, limit=limit)))
        assert client.back_end.has_more == (limit == 20)
        list(documents(client.back_end, changed(ALL, service="legacy-gateway")))
        assert not client.back_end.has_more


def require_service(server: StandIn, *, has_summaries: bool = True) -> StandIn:
    """Make the server a Jaeger v3 with a store by service, such as Cassandra."""
    refuses = status(400, body=b'{"error":{"httpCode":400,"message":"service is required"}}')

    def fault(handler: Any) -> None:
        if not has_summaries and "summaries" in handler.path:
            status(404, body=b"404 page not found\n")(handler)
        elif {"query.serviceName", "query.service_name"} & set(handler.request_read.query):
            server.send(handler, server.respond(handler.request_read))
        else:
            refuses(handler)

    server.fault, server.fault_on = fault, "/(traces|trace-summaries)$"
    return server


def test_v3_store_that_requires_a_service() -> None:
    with client_of(require_service(replaying("jaeger-main-v3"))) as client:
        assert client.found(ALL) == {ids[0] for ids in sent_spans()}
        assert client.found(ALL) == {ids[0] for ids in sent_spans()}
    assert client.server.paths().count("/api/v3/traces") == 1


def test_v3_store_that_requires_a_service_before_summaries() -> None:
    with client_of(require_service(replaying("jaeger-main-v3"), has_summaries=False)) as client:
        assert client.found(ALL) == {ids[0] for ids in sent_spans()}


# unexpected JSON responses

NOT_THAT = {
    "deep": b"[" * 100_000,
    "deep objects": b'{"services":' * 100_000,
    "list": b"[1,2]",
    "text": b'"x"',
    "null": b"null",
    "other items": b'{"services":[1,null,{}],"data":[1,null],"tagValues":[1],"traces":[1],"summaries":[1]}',
    "no lists": b'{"services":5,"data":"a","tagValues":5,"traces":5,"summaries":5,"metrics":5,"operations":5}',
    "no text": b'{"services":["\xff"],"data":["\xff"]}',
    "errors": b'{"errors":5,"error":[5]}',
}


@pytest.mark.parametrize("name", ["jaeger-v1", "jaeger-v3", "zipkin", "tempo"])
def test_any_response_is_read_or_rejected_with_a_message(name: str) -> None:
    with client_of(SERVERS[name]()) as client:
        back_end, server = client.back_end, client.server
        trace_id = server.backends[0].visible()[0].id
        ways: list[Callable[[], object]] = [
            back_end.services,
            lambda: back_end.operations("cart"),
            lambda: back_end.dependencies(FIRST_NS, LAST_NS),
            lambda: back_end.metrics("cart", FIRST_NS, LAST_NS),
            lambda: list(back_end.search(ALL)),
            lambda: list(back_end.search(changed(ALL, failed=True))),
            lambda: list(back_end.traces([trace_id])),
        ]
        for body in NOT_THAT.values():
            for code in (200, 400):
                server.fault = status(code, body=body)
                for ask in ways:
                    with contextlib.suppress(BackEndError):
                        ask()
                with contextlib.suppress(BackEndError):
                    connected(server.url).close()


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        (
            "jaeger-v3",
            b'{"services":[1]}',
            r"/api/v3/services: unexpected response \(Expected `str`, got",
        ),
        ("zipkin", b"{}", "/api/v2/services: unexpected response .*; is there a gateway in between"),
        ("tempo", b"no", r"/values: the response is not JSON"),
    ],
)
def test_errors_for_unexpected_responses(name: str, body: bytes, why: str) -> None:
    with client_of(SERVERS[name]()) as client:
        client.server.fault = status(200, body=body)
        with pytest.raises(HttpError, match=why):
            client.back_end.services()


def test_empty_server() -> None:
    for kind in KINDS:
        with client_of(LiveServer(kind, empty=True), profile=Profile(kind=kind.split("-")[0])) as client:
            assert list(documents(client.back_end, ALL)) == [], kind


def test_web_page_instead_of_traces() -> None:
    with faulty(login_page, on="/api/v3/traces$", then="jaeger-v3") as server:
        back_end = connected(server.url)
        with pytest.raises(HttpError, match="a web page, not traces; perhaps a login page"):
            list(documents(back_end, ALL))
        back_end.close()
