"""Fake servers: they respond like the real ones, and fail on request."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import faults
from tests.support.backends import Backend, JaegerV1, JaegerV3, Tempo, Zipkin
from tests.support.documents import (
    Document,
    dumped,
    jaeger_v3_documents,
    otlp_documents,
    otlp_spans,
    to_tempo_json,
    values_of,
)
from tests.support.faults import Proxy, certificate, faulty, refused, tls
from tests.support.loopback import Loopback, Request
from tests.support.recordings import FIRST_NS, LAST_NS, Recorded, recorded
from tests.support.servers import LiveServer, replaying

APIS: list[tuple[str, type[Backend]]] = [
    ("jaeger-2.20-v1", JaegerV1),
    ("jaeger-2.20-v3", JaegerV3),
    ("jaeger-main-v3", JaegerV3),
    ("zipkin-3.5.1", Zipkin),
    ("tempo-3.0", Tempo),
]
LIMITS = ("limit", "query.searchDepth", "query.num_traces")
WINDOW = {"start": FIRST_NS // 1000, "end": LAST_NS // 1000}
TRACE = "1f2e3d4c5b6a7988"
SAYS_LESS = {
    "services",  # of a Zipkin and a Jaeger v1 with the recorded traces only
    "operations-flat-slash",
    "tag-values-status",  # numbers in Tempo, which are not TraceQL
    "search-structure",  # TraceQL that the fake server does not support
}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    # shared, as reading the system's certificates takes longer than the requests
    with httpx.Client(timeout=300, trust_env=False) as shared:
        yield shared


def ids(body: Any) -> set[str]:
    return {str(value).lstrip("0") for value in values_of(body, "traceId", "traceID")}


def trace_ids(answer: httpx.Response) -> set[str]:
    return ids(answer.json())


@pytest.mark.parametrize("name", [name for name, _ in APIS] + ["jaeger-2.20-metrics", "jaeger-2.20-tenant-acme"])
def test_recorded_requests_get_the_recorded_bytes(name: str, client: httpx.Client) -> None:
    with replaying(name) as server:
        for given in recorded(name).answers.values():
            got = client.get(server.url + given.path, params=given.query)
            assert (got.status_code, got.content) == (given.status, given.body), given.name
            assert got.headers.get("content-type") == given.headers.get("content-type")


def replayed(name: str, api: type[Backend]) -> Iterator[tuple[Recorded, Any, Any]]:
    backend = api(recorded(name))
    for given in recorded(name).answers.values():
        answer = backend.answer(Request("GET", given.path, given.query, {}))
        if answer and given.name not in SAYS_LESS:
            assert answer.status == given.status, given.name
            told, got = (json.loads(body) if given.status == 200 else body for body in (given.body, answer.body))
            yield given, told, got


@pytest.mark.parametrize(("name", "api"), APIS)
def test_computed_figures_equal_those_of_the_recorded_server(name: str, api: type[Backend]) -> None:
    compared = 0
    for given, real, ours in replayed(name, api):
        if given.status != 200:
            assert ours == real, given.name
        elif ids(real):
            # the server selects the traces within a limit
            limit = int(next((v[0] for k, v in given.query.items() if k in LIMITS), 1000))
            assert len(ids(ours)) == len(ids(real)) == limit or ids(ours) == ids(real), given.name
        else:
            assert in_any_order(ours) == in_any_order(real), given.name
        compared += 1
    assert compared > 10


def in_any_order(body: Any) -> list[str]:
    items = body if isinstance(body, list) else next((v for v in body.values() if isinstance(v, list)), [])
    return sorted(map(json.dumps, items))


@pytest.fixture(scope="module")
def original_traces() -> dict[str, Document]:
    return {document.id: document for document in otlp_documents(recorded("tempo-3.0"))}


@pytest.mark.parametrize("name", ["trace", "trace-v2", "trace-short-id"])
def test_traces_of_tempo_have_its_form(name: str, original_traces: dict[str, Document]) -> None:
    given = recorded("tempo-3.0")[name]
    body = json.loads(given.body)
    real = body.get("batches") or body["trace"]["resourceSpans"]
    assert to_tempo_json(original_traces[given.path.rpartition("/")[2].rjust(32, "0")].body) == real


@pytest.mark.parametrize(
    ("name", "api", "key", "answer"),
    [
        ("tempo-3.0", Tempo, "traces", "search"),
        ("tempo-3.0", Tempo, "traces", "search-error"),
        ("tempo-3.0", Tempo, "traces", "search-duration"),
        ("jaeger-2.20-v3", JaegerV3, "summaries", "summaries-any-service"),
    ],
)
def test_summaries_equal_recorded_ones(name: str, api: type[Backend], key: str, answer: str) -> None:
    given = recorded(name)[answer]
    everything = {"limit": ["100"], "query.searchDepth": ["100"]}
    ours = api(recorded(name)).answer(Request("GET", given.path, {**given.query, **everything}, {}))
    assert ours
    real = json.loads(given.body)[key]
    assert [summary for summary in real if summary not in json.loads(ours.body)[key]] == []


def test_recorded_traces_equal_the_sent_ones(original_traces: dict[str, Document]) -> None:
    """Traces that were not recorded are taken from the sent ones."""
    for document in jaeger_v3_documents(recorded("jaeger-2.20-v3")):
        assert spans_of(document) == spans_of(original_traces[document.id])


def spans_of(document: Document) -> dict[str, Any]:
    return {span["spanId"]: in_order([resource, span]) for resource, span in otlp_spans(document.body)}


def in_order(node: Any) -> Any:
    """Sort attributes by name, without those that Jaeger adds."""
    if isinstance(node, list):
        return [in_order(item) for item in node]
    if not isinstance(node, dict):
        return node
    written = {key: in_order(value) for key, value in node.items() if key != "attributes"}
    attributes = [item for item in node.get("attributes", ()) if item["key"] != "@jaeger@warnings"]
    return written | ({"attributes": sorted(attributes, key=dumped)} if attributes else {})


# requests that were not recorded


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"service": "cart", "limit": 2, **WINDOW}, 2),
        ({"service": "cart", "limit": 50, "start": 1, "end": FIRST_NS // 1000 - 1}, 0),
        ({"service": "poisoned", "start": 1, "end": FIRST_NS // 1000}, 0),
        ({"service": "payment", "tags": '{ "error": "true" }', "limit": 20, **WINDOW}, 7),
    ],
)
def test_jaeger_searches(query: dict[str, Any], count: int, client: httpx.Client) -> None:
    with replaying("jaeger-2.20-v1") as server:
        assert len(client.get(f"{server.url}/api/traces", params=query).json()["data"]) == count


def test_both_apis_of_jaeger(client: httpx.Client) -> None:
    with replaying("jaeger-2.20-v3", "jaeger-2.20-v1") as server:
        snake: dict[str, str | int] = {"query.service_name": "cart", "query.num_traces": 3}
        window: dict[str, str | int] = {
            "query.start_time_min": "2026-11-20T09:00:00Z",
            "query.start_time_max": "2026-11-20T12:00:00Z",
        }
        assert len(trace_ids(client.get(f"{server.url}/api/v3/traces", params=snake | window))) == 3
        assert client.get(f"{server.url}/api/v3/traces", params=snake).status_code == 400
        poisoned = client.get(f"{server.url}/api/traces", params={"service": "poisoned", **WINDOW})
        assert poisoned.status_code == 500
        assert trace_ids(client.get(f"{server.url}/api/traces/{TRACE}")) == {TRACE}
        assert server.requests[0].query["query.service_name"] == ["cart"]
        assert server.paths()[-1] == f"/api/traces/{TRACE}"


def test_base_path_and_tenant(client: httpx.Client) -> None:
    with replaying("jaeger-2.20-v3", base="/jaeger", tenant="shop") as server:
        url = f"{server.url}/api/v3/services"
        assert server.url.endswith("/jaeger")
        assert client.get(url).text == "missing tenant header"
        assert client.get(url, headers={"X-Tenant": "who"}).text == "unknown tenant"
        assert len(client.get(url, headers={"X-Tenant": "shop"}).json()["services"]) == 13
        assert client.get(url.replace("/jaeger", ""), headers={"X-Tenant": "shop"}).status_code == 404


def test_metrics_are_those_of_the_first_recording(client: httpx.Client) -> None:
    with replaying("jaeger-2.20-metrics", "jaeger-2.20-v3") as server:
        assert client.get(f"{server.url}/api/metrics/calls", params={"service": "cart"}).json()["metrics"] == []
        calls = client.get(f"{server.url}/api/metrics/calls", params={"service": "web-frontend", "endTs": 5})
        assert calls.json()["metrics"] != []
    with replaying("jaeger-2.20-v3") as server:
        assert client.get(f"{server.url}/api/metrics/errors", params={"service": "edge"}).status_code == 501


@pytest.mark.parametrize(
    ("kind", "path", "query"),
    [
        ("jaeger-v1", "/api/dependencies", {"endTs": 1_900_000_000_000, "lookback": 60_000}),
        ("jaeger-v3", "/api/dependencies", {"endTs": 1_900_000_000_000, "lookback": 60_000}),
        ("zipkin", "/api/v2/dependencies", {"endTs": 1_900_000_000_000}),
        ("tempo", "/api/v2/search/tags", {}),
    ],
)
def test_requests_other_than_searches_ignore_the_window(
    kind: str, path: str, query: dict[str, int], client: httpx.Client
) -> None:
    with LiveServer(kind) as server:
        assert len(client.get(server.url + path, params=query).content) > 100


SEARCHES = {
    "jaeger-v1": ("/api/traces", {"service": "cart"}),
    "jaeger-v3": (
        "/api/v3/traces",
        {"query.startTimeMin": "2026-11-20T09:00:00Z", "query.startTimeMax": "2026-11-20T12:00:00Z"},
    ),
    "zipkin": ("/api/v2/traces", {"limit": "100"}),
    "tempo": ("/api/search", {"q": "{}", "limit": "100"}),
}


@pytest.mark.parametrize("kind", SEARCHES)
def test_traces_appear_and_disappear(kind: str, client: httpx.Client) -> None:
    path, query = SEARCHES[kind]
    with LiveServer(kind) as server:
        first, *_, last = sorted(trace_ids(client.get(server.url + path, params=query)))
        server.hide([last])
        assert last not in trace_ids(client.get(server.url + path, params=query))
        server.show([last])
        assert last in trace_ids(client.get(server.url + path, params=query))
        server.add(server.document(first).copy_with("abc123".rjust(len(first), "9"), by_ns=1_000_000_000))
        assert "abc123".rjust(len(first), "9") in trace_ids(client.get(server.url + path, params=query))


def test_traces_can_be_recent() -> None:
    now = 1_900_000_000_000_000_000
    for kind in SEARCHES:
        server = LiveServer(kind, ends_ns=now)
        ends = [server.document(trace_id).end_ns for trace_id in server.trace_ids]
        assert now - 1_000_000 < max(ends) <= now


@pytest.mark.parametrize("zipped", [False, True])
def test_remaining_pieces_of_a_response_can_be_held_back(zipped: bool, client: httpx.Client) -> None:
    with LiveServer("jaeger-v1") as server:
        server.hold_after, server.gzip = 3, zipped
        with client.stream("GET", f"{server.url}/api/traces", params={"service": "cart"}) as answer:
            pieces = answer.iter_bytes()
            early = next(pieces)
            while early.count(b'"processes"') < 2:
                early += next(pieces)
            server.release()
            late = b"".join(pieces)
        assert json.loads(early + late)["errors"] is None
        assert b'"processes"' in late
        assert answer.headers.get("content-encoding") == ("gzip" if zipped else None)


# faults


def test_closed_port_and_restarted_server(client: httpx.Client) -> None:
    with refused() as server:
        with pytest.raises(httpx.ConnectError):
            client.get(server.url)
        server.up()
        assert client.get(f"{server.url}/api/services").status_code == 200
        server.down()
        with pytest.raises(httpx.TransportError):
            client.get(f"{server.url}/api/services")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.reset, httpx.ReadError),
        (faults.silent, httpx.ReadTimeout),
        (faults.cut, httpx.RemoteProtocolError),
        (faults.cut_chunked, httpx.RemoteProtocolError),
        (faults.wrong_encoding, httpx.DecodingError),
    ],
    ids=lambda given: getattr(given, "__name__", None),
)
def test_connections_fail(fault: faults.Fault, error: type[Exception], client: httpx.Client) -> None:
    with faulty(fault) as server, pytest.raises(error):
        client.get(f"{server.url}/api/services", timeout=httpx.Timeout(5, read=0.1))


@pytest.mark.parametrize("fault", [faults.drip, faults.huge, faults.gzip_bomb], ids=lambda given: given.__name__)
def test_endless_responses(fault: faults.Fault, client: httpx.Client) -> None:
    with faulty(fault, on="/traces$") as server:
        with client.stream("GET", f"{server.url}/api/traces", params={"service": "cart"}) as answer:
            pieces = answer.iter_bytes(10)
            assert b"{" in next(pieces) if fault is not faults.drip else next(answer.iter_raw()) == b"{"
        assert client.get(f"{server.url}/api/services").status_code == 200


def test_compression_bomb_is_small_on_the_wire(client: httpx.Client) -> None:
    with faulty(faults.gzip_bomb) as server, client.stream("GET", f"{server.url}/api/services") as answer:
        unpacked = 0
        for piece in answer.iter_bytes():
            unpacked += len(piece)
            if unpacked > 50 * faults.MIB:
                break
        assert answer.num_bytes_downloaded < unpacked / 500


@pytest.mark.parametrize("code", [401, 403, 404, 429, 500, 502, 503, 504])
def test_status_is_sent_as_often_as_configured(code: int, client: httpx.Client) -> None:
    with faulty(faults.status(code, retry_after="1"), times=1) as server:
        got = client.get(f"{server.url}/api/services")
        assert (got.status_code, got.headers["retry-after"]) == (code, "1")
        assert client.get(f"{server.url}/api/services").status_code == 200


def test_login_pages(client: httpx.Client) -> None:
    with faulty(faults.login_page) as server:
        assert client.get(server.url).headers["content-type"].startswith("text/html")
    with faulty(faults.login_redirect()) as server:
        assert client.get(server.url, follow_redirects=True).content == faults.LOGIN_PAGE
    with Loopback() as other, faulty(faults.login_redirect(f"{other.url}/login")) as server:
        client.get(server.url, follow_redirects=True, headers={"authorization": "Bearer abc"})
        assert other.paths() == ["/login"]
        assert "authorization" not in other.requests[0].headers


@pytest.mark.parametrize("fault", [faults.bad_json, faults.json_of_something_else])
def test_responses_without_traces_are_rejected(fault: faults.Fault, client: httpx.Client) -> None:
    with faulty(fault) as server:
        assert client.get(server.url).headers["content-type"] == "application/json"


def test_tls() -> None:
    trusting = ssl.create_default_context(cafile=str(certificate("server").certificate))
    with LiveServer("zipkin", tls=tls()) as server:
        with pytest.raises(httpx.ConnectError, match="self-signed"):
            httpx.get(f"{server.url}/health", trust_env=False)
        assert httpx.get(f"{server.url}/health", verify=trusting, trust_env=False).status_code == 200
    with LiveServer("zipkin", tls=tls(client=certificate("client"))) as server:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{server.url}/health", verify=trusting, trust_env=False)
        trusting.load_cert_chain(*certificate("client"))
        assert httpx.get(f"{server.url}/health", verify=trusting, trust_env=False).status_code == 200


def test_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    transport = httpx.HTTPTransport(uds=str(path))
    with LiveServer("tempo", socket_path=path) as server, httpx.Client(transport=transport, trust_env=False) as client:
        assert client.get(f"{server.url}/api/echo").text == "echo\n"


def test_proxy() -> None:
    trusting = ssl.create_default_context(cafile=str(certificate("server").certificate))
    with Proxy() as proxy, LiveServer("zipkin") as server, LiveServer("zipkin", tls=tls()) as safe:
        with httpx.Client(proxy=proxy.url, verify=trusting, trust_env=False) as client:
            assert client.get(f"{server.url}/health").status_code == 200
            assert client.get(f"{safe.url}/health").status_code == 200
        assert [request.target for request in proxy.requests] == [f"{server.url}/health", safe.authority]
        assert server.paths() == safe.paths() == ["/health"]
