"""Jaeger's v1 API, which searches the spans of one service at a time: traces are whole, and errors are found."""

from __future__ import annotations

import json
from collections.abc import Generator

import msgspec
import pytest

from tests.support.client import client_of
from tests.support.documents import padded
from tests.support.loopback import Handler, Response
from tests.support.many_traces import MS, SECOND, trace
from tests.support.recordings import LAST_NS
from tests.support.servers import LiveServer
from tracetui.ingest.loader import load
from tracetui.ingest.servers.back_end import BackEnd
from tracetui.ingest.servers.connection import Params
from tracetui.ingest.servers.jaeger_traces import (
    has_errors,
    has_errors_v3,
    services_in,
    services_in_v3,
    unseen_with_services,
)
from tracetui.ingest.servers.per_service import documents_by_service
from tracetui.ingest.servers.pool import SearchReport
from tracetui.ingest.servers.stream_split import Shape
from tracetui.ingest.servers.unseen_traces import latest_starts, unseen_otlp, unseen_v1
from tracetui.model.search import LAST_NS as SEARCH_LAST_NS
from tracetui.model.search import Search

NEWER = 150
LIMIT = 40
NO_TRACES = Response((b'{"data":[],"total":0,"limit":0,"offset":0,"errors":null}',))
WHOLE = Search(start_ns=LAST_NS - 3600 * SECOND, end_ns=LAST_NS + 10 * SECOND, limit=LIMIT)
changed = msgspec.structs.replace


def a_minute_of_traces(*, failing: int = 0, failing_newest: int = 0, slow: int = 0) -> LiveServer:
    """Newer traces of front and back, behind them some whose span of back fails, or whose span of front is slow.

    failing_newest: number of failing traces that are newer than all others.
    """
    server = LiveServer("jaeger-v1", empty=True)
    number = 0

    def add(count: int, start_ns: int, durations: tuple[int, int], *, is_error: bool) -> None:
        nonlocal number
        for _ in range(count):
            number += 1
            server.add(trace("jaeger-v1", number, start_ns + number * MS, durations, is_error=is_error))

    add(failing, LAST_NS - 1000 * SECOND, (5 * MS, 4 * MS), is_error=True)
    add(slow, LAST_NS - 1000 * SECOND, (5 * SECOND, 4 * MS), is_error=False)
    add(NEWER, LAST_NS - 100 * SECOND, (5 * MS, 4 * MS), is_error=False)
    add(failing_newest, LAST_NS, (5 * MS, 4 * MS), is_error=True)
    return server


def ignoring_error_tags(server: LiveServer) -> LiveServer:
    """A store that finds nothing by the tag error=true, as Jaeger's memory storage did until early 2026."""

    def respond(handler: Handler) -> None:
        asks = any('"error"' in tags for tags in handler.request_read.query.get("tags", ()))
        server.send(handler, NO_TRACES if asks else server.respond(handler.request_read))

    server.fault, server.fault_on = respond, "/api/traces$"
    return server


def test_trace_between_two_documents_of_one_search_is_whole() -> None:
    whole = trace("jaeger-v3", 1, LAST_NS)
    parts = [json.dumps({"result": {"resourceSpans": [group]}}).encode() for group in whole["resourceSpans"]]
    assert len(parts) == 2
    searches = [Search(service="front"), Search(service="back")]
    found = list(documents_by_service(searches, lambda _: parts, unseen_otlp, {}, print, lambda _: 0))
    assert [documents for _, _, documents in found] == [parts, []]


@pytest.mark.parametrize("chosen", [{"service": "front"}, {"services": ("front",)}], ids=["one", "several"])
@pytest.mark.parametrize("failing", [30, LIMIT + 20])
def test_failed_traces_of_a_service_are_found_by_errors_in_another(chosen: dict[str, str], failing: int) -> None:
    with client_of(a_minute_of_traces(failing=failing)) as client:
        documents = list(client.back_end.search(changed(WHOLE, failed=True, **chosen)))
    found = {one["traceID"] for document in documents for one in json.loads(document)["data"]}
    failed = {f"{number:032x}" for number in range(1, failing + 1)}
    assert len(failed & {padded(trace_id) for trace_id in found}) >= min(failing, LIMIT)


def test_slow_traces_of_a_service_are_found_by_spans_of_another() -> None:
    with a_minute_of_traces(slow=12) as server:
        search = changed(WHOLE, service="back", slower_ns=SECOND)
        traces = load([server.url], search=search)
    assert sum(1 for duration in traces.response_time.tolist() if duration > SECOND) == 12


@pytest.mark.parametrize("wanted", [{"failed": True}, {"slower_ns": SECOND}], ids=["failed", "slow"])
@pytest.mark.parametrize("limit", [LIMIT, 1_000])
def test_other_services_are_searched_only_if_traces_are_missing(wanted: dict[str, int], limit: int) -> None:
    with client_of(a_minute_of_traces(failing=10, slow=10)) as client:
        search = changed(WHOLE, service="front" if "failed" in wanted else "back", limit=limit, **wanted)
        found = client.found(search)
        numbers = range(1, 11) if "failed" in wanted else range(11, 21)
        assert {f"{number:032x}" for number in numbers} <= found
        # that of such spans, that of all traces, and that of the other service
        assert client.server.paths().count("/api/traces") == (3 if limit == LIMIT else 2)


@pytest.mark.parametrize("wanted", [{"failed": True}, {"slower_ns": SECOND}], ids=["failed", "slow"])
def test_other_services_are_searched_if_the_server_lowers_the_limit(wanted: dict[str, int]) -> None:
    server = a_minute_of_traces(failing=10, slow=10)
    too_high = b'{"data":null,"errors":[{"code":400,"msg":"limit should be not higher than %d"}]}' % LIMIT

    def respond(handler: Handler) -> None:
        (limit,) = handler.request_read.query["limit"]
        is_too_high = int(limit) > LIMIT
        server.send(handler, Response((too_high,), 400) if is_too_high else server.respond(handler.request_read))

    server.fault, server.fault_on = respond, "/api/traces$"
    with client_of(server) as client:
        search = changed(WHOLE, service="front" if "failed" in wanted else "back", limit=1_000, **wanted)
        found = client.found(search)
        assert client.back_end.has_more
    numbers = range(1, 11) if "failed" in wanted else range(11, 21)
    assert {f"{number:032x}" for number in numbers} <= found


def test_traces_of_other_services_are_not_loaded() -> None:
    server = a_minute_of_traces(failing=1)
    server.add(trace("jaeger-v1", 9_000, LAST_NS - 500 * SECOND, [MS], ["back"], is_error=True))
    with server:
        traces = load([server.url], search=changed(WHOLE, failed=True, service="front"))
    ids = {padded(trace_id) for trace_id in traces.trace_ids}
    assert f"{1:032x}" in ids
    assert f"{9_000:032x}" not in ids


@pytest.mark.parametrize("condition", [{"failed": True}, {"errors": True}], ids=["failed", "errors"])
@pytest.mark.parametrize("count", [LIMIT - 1, LIMIT])
def test_trace_between_two_documents_counts_once_from_first_to_last_span(
    condition: dict[str, bool], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = LiveServer("jaeger-v3", empty=True)
    groups = []
    for number in range(count):
        groups += trace("jaeger-v3", number + 1, LAST_NS - number * 10 * SECOND, later=SECOND)["resourceSpans"]
    parts = [json.dumps({"result": {"resourceSpans": [group]}}).encode() for group in groups]

    def streamed(_: BackEnd, path: str, params: Params, shape: Shape) -> Generator[bytes]:
        has_tags = '"error"' in str(params.get("tags"))
        yield from () if has_tags else [*parts[::2], *parts[1::2], parts[0]]

    monkeypatch.setattr(BackEnd, "streamed", streamed)
    with client_of(failing_without_conditions(server)) as client:
        client.back_end.known_ids = frozenset({f"{count:032x}"})
        list(client.back_end.search(changed(WHOLE, service="front", **condition)))
        searched = client.back_end.searched
        assert client.back_end.has_more == (count == LIMIT)
        if count == LIMIT or "failed" in condition:
            assert searched is not None
            begun = searched.count, searched.since_ns, searched.until_ns
            assert begun == (count, LAST_NS - (count - 1) * 10 * SECOND, LAST_NS)
        if count == LIMIT and "failed" in condition:
            # the last span of the oldest trace
            assert client.back_end.complete_since_ns == LAST_NS - (count - 1) * 10 * SECOND + SECOND


def failing_without_conditions(server: LiveServer) -> LiveServer:
    """A Jaeger before 2.19 whose v1 API finds no span by the tag error=true, and cannot send all other traces."""
    names = Response((b'{"data":["back","front"],"total":2,"limit":0,"offset":0,"errors":null}',))
    unsendable = Response((b'{"data":null,"errors":[{"code":500,"msg":"json: unsupported value: NaN"}]}',), 500)

    def respond(handler: Handler) -> None:
        request = handler.request_read
        has_tags = any('"error"' in tags for tags in request.query.get("tags", ()))
        responses = {"/api/services": names, "/api/traces": NO_TRACES if has_tags else unsendable}
        server.send(handler, responses.get(request.path, Response((b"404 page not found\n",), 404)))

    server.fault, server.fault_on = respond, "/trace-summaries$|^/api/(services|traces)$"
    return server


@pytest.mark.parametrize("condition", [{"failed": True}, {"errors": True}], ids=["failed", "errors"])
@pytest.mark.parametrize("count", [LIMIT - 1, LIMIT])
def test_newest_traces_from_the_other_api_count_as_searched(condition: dict[str, bool], count: int) -> None:
    server = LiveServer("jaeger-v3", empty=True)
    for number in range(count):
        server.add(trace("jaeger-v3", number + 1, LAST_NS - number * SECOND, later=MS))
    with client_of(failing_without_conditions(server)) as client:
        list(client.back_end.search(changed(WHOLE, service="front", **condition)))
        assert any("used the v3 API instead" in warning for warning in client.warnings)
        searched = client.back_end.searched
        assert client.back_end.has_more == (count == LIMIT)
        if count == LIMIT or "failed" in condition:
            assert searched is not None
            begun = searched.count, searched.since_ns, searched.until_ns
            assert begun == (count, LAST_NS - (count - 1) * SECOND, LAST_NS)


@pytest.mark.parametrize(
    "search",
    [
        Search(failed=True),
        Search(errors=True),
        Search(failed=True, service="back"),
        Search(errors=True, service="back"),
        Search(failed=True, services=("back", "front")),
    ],
    ids=["all", "all spans", "service", "spans of a service", "services"],
)
def test_errors_are_found_where_the_store_ignores_the_error_tag(search: Search) -> None:
    reports: list[SearchReport] = []
    wanted = changed(search, start_ns=WHOLE.start_ns, end_ns=WHOLE.end_ns, limit=LIMIT)
    with ignoring_error_tags(a_minute_of_traces(failing=10, failing_newest=3)) as server:
        traces = load([server.url], search=wanted, on_report=reports.append)
    assert sum(1 for errors in traces.trace_errors.tolist() if errors) == 3
    assert any("does not find errors by the tag" in warning.message for warning in traces.load_warnings)
    assert "filtered locally: " in reports[0].text
    assert "error" in reports[0].text.partition("filtered locally: ")[2]
    # ten more exist
    assert reports[0].may_have_more


def test_store_that_finds_errors_is_not_checked_again() -> None:
    with client_of(a_minute_of_traces(failing=5)) as client:
        list(client.back_end.search(changed(WHOLE, errors=True, service="back")))
        count = len(client.server.requests)
        list(client.back_end.search(changed(WHOLE, errors=True, service="front")))
        assert len(client.server.requests) == count + 1
        assert not client.warnings


@pytest.mark.parametrize("search", [Search(failed=True), Search(errors=True, service="back")])
def test_missing_error_is_checked_only_if_more_traces_exist(search: Search) -> None:
    wanted = changed(search, start_ns=WHOLE.start_ns, end_ns=WHOLE.end_ns)
    for limit, is_doubted in ((LIMIT, True), (1_000, False)):
        reports: list[SearchReport] = []
        with ignoring_error_tags(a_minute_of_traces()) as server:
            traces = load([server.url], search=changed(wanted, limit=limit), on_report=reports.append)
        assert is_doubted == any("the tag error=true, which" in warning.message for warning in traces.load_warnings)
        assert is_doubted == reports[0].may_have_more
        assert is_doubted == ("the newest" in reports[0].text)


def test_services_and_errors_of_a_response_of_v3() -> None:
    failed, other = trace("jaeger-v3", 1, LAST_NS, is_error=True), trace("jaeger-v3", 2, LAST_NS, [MS], ["alone"])
    document = json.dumps({"result": {"resourceSpans": failed["resourceSpans"] + other["resourceSpans"]}}).encode()
    assert services_in_v3(document) == {"front", "back", "alone"}
    assert has_errors_v3(document, ["back"])
    assert has_errors_v3(document.replace(b'"code": 2', b'"code": "STATUS_CODE_ERROR"'), ["back"])
    assert not has_errors_v3(document, ["front", "alone"])
    for damaged in (b"", b"[", b"{}", b'{"result":{"resourceSpans":[{"resource":3}]}}', b'{"data":[]}'):
        assert services_in_v3(damaged) == set()
        assert not has_errors_v3(damaged, ["back"])


@pytest.mark.parametrize("search", [Search(failed=True, service="back"), Search(errors=True, service="back")])
def test_errors_in_traces_from_the_other_api_show_that_the_error_tag_is_ignored(search: Search) -> None:
    server = LiveServer("jaeger-v3", empty=True)
    for number in range(3):
        server.add(trace("jaeger-v3", number + 1, LAST_NS - number * SECOND, is_error=number == 1))
    wanted = changed(search, start_ns=WHOLE.start_ns, end_ns=WHOLE.end_ns)
    with client_of(failing_without_conditions(server)) as client:
        found = b"".join(client.back_end.search(wanted))
        assert f"{2:032x}".encode() in found
        assert any("does not find errors by the tag" in warning for warning in client.warnings)


def test_reading_services_and_errors_of_a_response() -> None:
    failed = trace("jaeger-v1", 1, LAST_NS, is_error=True)
    other = trace("jaeger-v1", 2, LAST_NS, [MS], ["alone"])
    document = json.dumps({"data": [failed, other]}).encode()
    assert services_in(document) == {"front", "back", "alone"}
    assert has_errors(document, ["back"])
    assert not has_errors(document, ["front", "alone"])
    reduced = unseen_with_services(document, ["front"], {})
    assert [one["traceID"] for one in json.loads(reduced)["data"]] == [failed["traceID"]]
    assert unseen_with_services(document, ["front"], {failed["traceID"]: 0}) == b""
    otlp = json.dumps({"result": trace("jaeger-v3", 1, LAST_NS)}).encode()
    for damaged in (b"", b"[", b'{"data":[{"processes":3}]}', otlp):
        assert services_in(damaged) == set()
        assert not has_errors(damaged, ["back"])
        assert unseen_with_services(damaged, ["back"], {}) == damaged


@pytest.mark.parametrize("kind", ["jaeger-v1", "jaeger-v3", "zipkin"])
def test_start_from_which_no_trace_is_missing(kind: str) -> None:
    """A trace that began an hour ago is among the newest if it has a new span."""
    bodies = [trace(kind, 1, LAST_NS - 3_600 * SECOND, later=3_601 * SECOND), trace(kind, 2, LAST_NS)]
    wrapped = {"zipkin": bodies, "jaeger-v1": {"data": bodies}}
    groups = [] if kind != "jaeger-v3" else [group for body in bodies for group in body["resourceSpans"]]
    document = json.dumps(wrapped.get(kind, {"result": {"resourceSpans": groups}})).encode()
    latest = latest_starts(document)
    assert {padded(trace_id): start // 1_000 for trace_id, start in latest.items()} == {
        f"{1:032x}": (LAST_NS + SECOND) // 1_000,
        f"{2:032x}": LAST_NS // 1_000,
    }
    assert latest_starts(b"[") == {}
    with client_of(LiveServer(kind, empty=True)) as client:
        back_end = client.back_end
        # a server of Jaeger may order traces by arrival: without a known trace, any may be missing
        if kind != "zipkin":
            assert back_end.complete_since(latest) == SEARCH_LAST_NS
            back_end.known_ids = frozenset({f"{1:032x}"})
        assert back_end.complete_since(latest) // 1_000 == LAST_NS // 1_000
        back_end.known_ids = frozenset()


@pytest.mark.parametrize("damaged", ["7", '"text"', "{}", '{"traceID":8}'])
def test_damaged_item_does_not_hide_the_traces_beside_it(damaged: str) -> None:
    document = f'{{"data":[{damaged},{{"traceID":"a","spans":[{{"startTime":5}}]}},{{"traceID":"b"}}]}}'.encode()
    starts, unseen = unseen_v1(document, {"a": 5_000})
    assert starts == {"a": 5_000, "b": 0}
    assert json.loads(unseen)["data"] == [json.loads(damaged), {"traceID": "b"}]
