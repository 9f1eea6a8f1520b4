"""Lists from servers with damaged items: these are skipped and counted, all others are used."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.client import client_of
from tests.support.loopback import Response
from tests.support.recordings import FIRST_NS, LAST_NS
from tests.support.servers import LiveServer
from tracetui.ingest.servers import jaeger_traces, unseen_traces
from tracetui.model.search import Search

WHOLE = Search(start_ns=FIRST_NS, end_ns=LAST_NS + 10**9, limit=1000)


def answering(kind: str, path: str, body: bytes) -> LiveServer:
    """Make a server that answers requests to a path with these bytes."""
    server = LiveServer(kind)

    def fault(handler: Any) -> None:
        server.send(handler, Response((body,)))

    server.fault, server.fault_on = fault, path
    return server


@pytest.mark.parametrize("bad", ["5", "null", '{"traceID":5}', '"x"', "{}"])
def test_damaged_item_of_tempos_search_result_is_skipped(bad: str) -> None:
    with client_of(LiveServer("tempo")) as client:
        good = sorted(client.found(WHOLE))[:2]
    items = [json.dumps({"traceID": trace_id, "startTimeUnixNano": "1", "durationMs": 2}) for trace_id in good]
    with client_of(answering("tempo", "/search$", f'{{"traces":[{bad},{",".join(items)}]}}'.encode())) as client:
        assert sorted(client.found(WHOLE)) == good
        assert "1 invalid traces of the search result were skipped" in client.warnings


@pytest.mark.parametrize(
    "figures", [{"durationMs": "x"}, {"startTimeUnixNano": "soon"}, {"serviceStats": {"a": 5}}, {"durationMs": 1.5}]
)
def test_damaged_figure_of_tempos_search_result_costs_no_trace(figures: dict[str, object]) -> None:
    with client_of(LiveServer("tempo")) as client:
        good = sorted(client.found(WHOLE))[:2]
    items = [{"traceID": trace_id, **figures} for trace_id in good]
    with client_of(answering("tempo", "/search$", json.dumps({"traces": items}).encode())) as client:
        assert sorted(client.found(WHOLE)) == good


@pytest.mark.parametrize("item", ["{}", "5", "null", '{"name":5,"value":5}'])
@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("jaeger-v1", "/operations$", '{"data":[BAD,{"name":"op"}]}'),
        ("jaeger-v3", "/operations$", '{"operations":[BAD,{"name":"op"}]}'),
        ("tempo", "/values$", '{"tagValues":[BAD,{"value":"op"}]}'),
        ("zipkin", "/spans$", '[BAD,"op"]'),
    ],
)
def test_damaged_operation_is_skipped(kind: str, path: str, body: str, item: str) -> None:
    with client_of(answering(kind, path, body.replace("BAD", item).encode())) as client:
        assert client.back_end.operations("cart") == ["op"]
        assert len(client.warnings) == 1


@pytest.mark.parametrize("number", [b"Infinity", b"NaN", b"-Infinity"])
@pytest.mark.parametrize("kind", ["jaeger-v1", "jaeger-v3", "zipkin"])
def test_number_that_json_does_not_have_costs_only_itself(kind: str, number: bytes) -> None:
    key = {"jaeger-v1": "data", "jaeger-v3": "services", "zipkin": ""}[kind]
    listed = b'["cart",%b]' % number
    with client_of(answering(kind, "/services$", b'{"%b":%b}' % (key.encode(), listed) if key else listed)) as client:
        assert client.back_end.services() == ["cart"]


def points(*values: str) -> bytes:
    listed = ",".join(f'{{"gaugeValue":{{"doubleValue":{value}}}}}' for value in values)
    return f'{{"metrics":[5,{{"metricPoints":[null,{listed}]}}]}}'.encode()


def test_damaged_metric_point_is_skipped() -> None:
    with client_of(answering("jaeger-v1", "/metrics/.*", points("1", '"x"', "3"))) as client:
        assert client.back_end.metrics("cart", FIRST_NS, LAST_NS).calls_per_second == 2


V1 = (
    b'{"data":[',
    b'{"traceID":"1","spans":[{"startTime":5,"processID":"p","tags":[{"key":"error","value":true}]}],'
    b'"processes":{"p":{"serviceName":"a"}}}',
    b"]}",
)
OTLP = (
    b'{"result":{"resourceSpans":[',
    b'{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":'
    b'"a"}}]},"scopeSpans":[{"spans":[{"traceId":"1","startTimeUnixNano":"5000","status":{"code":2}}]}]}',
    b"]}}",
)
ZIPKIN = (b"[", b'[{"traceId":"1","timestamp":5}]', b"]")


@pytest.mark.parametrize("bad", [b"5", b'"x"', b'{"spans":5,"resource":5,"scopeSpans":5}', b"null"])
@pytest.mark.parametrize(
    ("response", "read", "found"),
    [
        (V1, lambda text: jaeger_traces.services_in(text), {"a"}),
        (V1, lambda text: jaeger_traces.has_errors(text, ["a"]), True),
        (V1, lambda text: jaeger_traces.unseen_with_services(text, ["a"], {"1": 0}).count(b"traceID"), 0),
        (V1, lambda text: unseen_traces.jaeger_starts(text), {"1": 5000}),
        (V1, lambda text: unseen_traces.latest_starts(text), {"1": 5000}),
        (OTLP, lambda text: jaeger_traces.services_in_v3(text), {"a"}),
        (OTLP, lambda text: jaeger_traces.has_errors_v3(text, ["a"]), True),
        (OTLP, lambda text: unseen_traces.jaeger_starts(text), {"1": 5000}),
        (OTLP, lambda text: unseen_traces.latest_starts(text), {"1": 5000}),
        (ZIPKIN, lambda text: unseen_traces.unseen_zipkin(text, {})[0], {"1": 5000}),
        (ZIPKIN, lambda text: unseen_traces.unseen_zipkin(text, {"1": 0})[1].count(b"traceId"), 0),
        (ZIPKIN, lambda text: unseen_traces.latest_starts(text), {"1": 5000}),
    ],
)
def test_damaged_trace_of_a_response_is_the_only_loss(
    bad: bytes, response: tuple[bytes, bytes, bytes], read: Callable[[bytes], Any], found: object
) -> None:
    begin, good, end = response
    assert read(begin + bad + b"," + good + end) == found
