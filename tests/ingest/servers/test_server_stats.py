"""Server statistics: the servers' own dependency graphs and metrics."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest

from tests.support.client import client_of
from tests.support.faults import refused, status
from tests.support.program import Program
from tests.support.recordings import FIRST_NS, LAST_NS, recorded
from tests.support.servers import LiveServer, StandIn, replaying
from tracetui.ingest.servers.readable_lists import readable_edges
from tracetui.model.server_stats import Dependency, Metrics, ServerStats
from tracetui.render.services.server_stats import ServerStatsList, metrics_line, server_stats_title
from tracetui.render.text.glyphs import ASCII


def with_metrics() -> StandIn:
    return replaying("jaeger-2.20-metrics", "jaeger-2.20-v3")


def points(name: str) -> list[float]:
    """Return the numbers of a recorded response; a missing one is 0."""
    series = json.loads(recorded("jaeger-2.20-metrics")[name].body)["metrics"]
    values = [float(point["gaugeValue"].get("doubleValue", 0)) for one in series for point in one["metricPoints"]]
    return [value for value in values if value == value]


def test_metrics_are_means_of_the_recorded_points() -> None:
    with client_of(with_metrics()) as client:
        found = client.back_end.metrics("web-frontend", FIRST_NS, LAST_NS)
        assert client.back_end.metrics("nobody", FIRST_NS, LAST_NS) == Metrics("nobody", None, None, None)
        queries = {request.path: request.query for request in client.server.requests[-6:-3]}
    for name, value in (("calls", found.calls_per_second), ("latencies", found.p95_ms)):
        known = points(name)
        assert value == (pytest.approx(sum(known) / len(known)) if known else None)
    known = points("errors")
    assert found.error_percent == pytest.approx(100 * sum(known) / len(known))
    assert found.calls_per_second
    window = {"endTs": [str(LAST_NS // 1_000_000)], "lookback": [str((LAST_NS - FIRST_NS) // 1_000_000)]}
    assert all(query.items() >= {"service": ["web-frontend"], **window}.items() for query in queries.values())
    assert queries["/api/metrics/latencies"]["quantile"] == ["0.95"]


@pytest.mark.parametrize(
    ("served", "missing"),
    [
        (lambda: LiveServer("zipkin"), ["Zipkin has no service metrics"]),
        (lambda: LiveServer("tempo"), ["Tempo has no dependency graph", "Tempo has no service metrics"]),
        (lambda: LiveServer("jaeger-v3"), ["no metrics store is configured"]),
    ],
    ids=["zipkin", "tempo", "jaeger"],
)
def test_data_missing_on_a_server_is_reported(
    served: Callable[[], StandIn], missing: list[str], program: Program
) -> None:
    with served() as server:
        result = program("server", server.url, "cart", "--json")
        text = program("server", server.url, "cart", "--width", "100").out
    assert result.code == 0
    found = json.loads(result.out)
    assert "cart" in found["services"]
    assert len(found["missing"]) == len(missing)
    assert all(what in told for what, told in zip(missing, found["missing"], strict=True))
    assert all(what in text for what in missing)
    assert bool(found["dependencies"]) == ("Tempo" not in missing[0])


def test_failed_dependency_graph_costs_only_itself(program: Program) -> None:
    with LiveServer("zipkin") as server:
        server.fault, server.fault_on = status(500), "/dependencies$"
        result = program("server", server.url, "--json")
    assert result.code == 0
    assert json.loads(result.out)["services"]
    assert "server error (500)" in json.loads(result.out)["missing"][0]


EDGES = (
    b'{"parent":"a","child":"b","callCount":3}',
    b'{"parent":5,"child":null}',
    b'{"parent":"a","child":"c","callCount":NUMBER}',
    b'{"parent":"\\ud800","child":"c"}',
    b'{"parent":"%b","child":"c"}' % (b"x" * 100_000),
)


@pytest.mark.parametrize("number", [b"-5", b"2.5", b"9" * 30, b"9" * 4_000, b"1e300", b"null", b'"x"'])
@pytest.mark.parametrize("kind", ["jaeger-v1", "zipkin"])
def test_unreadable_edge_costs_only_itself(kind: str, number: bytes, program: Program) -> None:
    body = b"[%b]" % b",".join(EDGES).replace(b"NUMBER", number)
    with LiveServer(kind) as server:
        server.fault, server.fault_on = status(200, body=body if kind == "zipkin" else b'{"data":%b}' % body), "/dep.*"
        result = program("server", server.url, "--json")
        assert program("server", server.url).code == 0
    found = json.loads(result.out)
    assert [(one["caller"], one["callee"], one["call_count"]) for one in found["dependencies"]][:1] == [("a", "b", 3)]
    assert len(found["dependencies"]) == 2
    assert found["missing"] == [
        f"{server.url}: 3 invalid edges of the dependency graph were skipped",
    ]


def test_dependency_graph_is_bounded() -> None:
    result: list[str] = []
    listed = [msgspec.Raw(b'{"parent":"a","child":"b","callCount":%d}' % count) for count in range(60_000)]
    found = readable_edges(listed, result.append)
    assert [edge.call_count for edge in found] == list(range(59_999, 9_999, -1))
    assert result == ["the dependency graph has 60,000 edges; only the 50,000 with the most calls are used"]


@pytest.mark.parametrize("value", [b"1e308", b"1e305", b"-1e300", b"-5"])
def test_invalid_metrics_are_omitted(value: bytes, program: Program) -> None:
    point = b'{"gaugeValue":{"doubleValue":%b}}'
    body = b'{"metrics":[{"metricPoints":[%b,%b,%b]}]}' % (point % value, point % value, point % b"2")
    with LiveServer("jaeger-v1") as server:
        server.fault, server.fault_on = status(200, body=body), "/metrics/"
        result = program("server", server.url, "cart")
    assert result.code == 0, result.err
    assert "120 calls/min" in result.out
    assert "p95 2.00 ms" in result.out


def test_unreachable_server(program: Program) -> None:
    with refused() as server:
        result = program("server", server.url)
    assert (result.code, result.out) == (4, "")
    assert "connection refused" in result.err
    result = program("server", "traces.json")
    assert (result.code, result.out) == (2, "")


def test_server_without_data(program: Program) -> None:
    with LiveServer("zipkin", empty=True) as server:
        server.fault, server.fault_on = status(200, body=b"[]"), "/dependencies$"
        result = program("server", server.url)
    assert (result.code, "no services" in result.err) == (4, True)


def test_calls_missing_from_traces_come_first() -> None:
    calls = [
        Dependency("a", "a", 900),
        Dependency("a", "b", 50),
        Dependency("a", "c", 2),
        Dependency("b", "[/c]\x1b", 9),
    ]
    rows = ServerStatsList(ServerStats(0, calls), {("a", "b"): 7}, ASCII)
    assert [rows.line(row, 70).text.split() for row in range(len(rows))] == [
        ["b", "->", "[/c]␛", "9", "none"],
        ["a", "->", "c", "2", "none"],
        ["a", "->", "b", "50", "7"],
        ["a", "->", "a", "900", "internal"],
    ]
    alone = ServerStatsList(ServerStats(0, calls), None, ASCII)
    assert alone.line(0, 70).text.split() == ["a", "->", "b", "50"]
    assert all(rows.line(row, width).width <= width for row in range(4) for width in (20, 40, 80, 140))


def test_metrics_in_words() -> None:
    assert metrics_line(Metrics("cart", None, None, None)).text == "cart  no metrics"
    assert metrics_line(Metrics("cart", 1.125, 0.0, 12.5)).text.startswith(
        "cart  67.5 calls/min  0 % failed  p95 12.5 ms"
    )
    title = [line.text for line in server_stats_title(ServerStats(3_600_000_000_000, missing=["no\x1b graph"]))]
    assert title == ["Server statistics, last 1h", "no␛ graph"]
