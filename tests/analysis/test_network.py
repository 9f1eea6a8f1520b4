"""Network time: between the halves of calls, and queue time of messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tests.support.building import EPOCH, US, GivenSpan, build, span
from tests.support.paths import CASES, SAMPLES
from tests.support.program import Program
from tests.support.strategies import layered_sets, unhurried
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.calls import find_calls
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.network import UNKNOWN, NetworkTimes, network_by_operation, network_times
from tracetui.analysis.operation_table import OperationTable
from tracetui.model.span import Flag, Kind
from tracetui.session import Session

ROOT = span("a", 0, 1_000, kind=Kind.SERVER, service="orders", name="POST /orders")
CLIENT = span("b", 100, 900, parent="a", kind=Kind.CLIENT, service="orders", name="GET stock")
SERVER = span("c", 250, 800, parent="b", kind=Kind.SERVER, service="stock", name="GET /stock")


def measured(*spans: GivenSpan) -> list[tuple[int, int, int, bool]]:
    """The total, before and after of each call in microseconds, and whether it is asynchronous."""
    found = network_times(build(*spans))
    times = (np.where(column == UNKNOWN, column, column // US) for column in (found.total, found.before, found.after))
    return list(zip(*(column.tolist() for column in (*times, found.is_async)), strict=True))


def test_network_time_is_what_the_client_took_longer_than_the_server() -> None:
    assert measured(ROOT, CLIENT, SERVER) == [(250, 150, 100, False)]


def test_spans_between_the_halves_do_not_matter() -> None:
    inner = span("d", 120, 880, parent="b", service="orders", name="http")
    assert measured(ROOT, CLIENT, inner, SERVER.but(parent="d")) == [(250, 150, 100, False)]


def test_calls_without_both_halves_have_no_network_time() -> None:
    assert measured(ROOT, CLIENT) == []
    assert measured(ROOT, SERVER.but(parent="a")) == []
    assert measured(ROOT, CLIENT, SERVER.but(flags=Flag.NO_DURATION)) == []


@pytest.mark.parametrize("shift", [-200, -152, 102, 5_000])
def test_clock_skew_leaves_the_total_but_hides_the_split(shift: int) -> None:
    moved = SERVER.but(start=SERVER.start + shift * US)
    assert measured(ROOT, CLIENT, moved) == [(250, UNKNOWN, UNKNOWN, False)]


def test_a_server_that_goes_on_after_its_client_gave_up_was_reached_in_no_time() -> None:
    assert measured(ROOT, CLIENT, span("c", 250, 2_000, parent="b", kind=Kind.SERVER, service="stock")) == [
        (0, UNKNOWN, UNKNOWN, False)
    ]


def test_answers_to_one_client_span_add_up() -> None:
    first = span("c", 200, 400, parent="b", kind=Kind.SERVER, service="stock")
    second = span("d", 500, 850, parent="b", kind=Kind.SERVER, service="stock")
    assert measured(ROOT, CLIENT, first, second) == [(250, 100, 50, False)]


def test_messages_have_a_queue_time_for_each_receiver() -> None:
    sent = span("b", 100, 120, parent="a", kind=Kind.PRODUCER, service="orders")
    received = [
        span(id_, start, start + 50, parent="b", kind=Kind.CONSUMER, service=service)
        for id_, start, service in (("c", 500, "mail"), ("d", 110, "audit"), ("e", 90, "stock"))
    ]
    # one begins before the message is sent completely, one on a clock that is behind
    assert measured(ROOT, sent, *received) == [
        (0, UNKNOWN, UNKNOWN, True),
        (0, UNKNOWN, UNKNOWN, True),
        (380, 380, 0, True),
    ]


def test_a_linked_message_has_a_queue_time_across_traces() -> None:
    sent = span("b", 100, 120, parent="a", kind=Kind.PRODUCER, service="orders")
    received = span("c", 620, 700, trace="2", kind=Kind.CONSUMER, service="mail", links=[("1", "b")])
    assert measured(ROOT, sent, received) == [(500, 500, 0, True)]


@unhurried
@given(layered_sets())
def test_all_calls_with_two_halves_are_measured_once(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    calls = find_calls(traces)
    found = network_times(traces, calls)
    alone = network_times(traces)
    for name in ("caller", "answer", "is_async", "total", "before", "after"):
        np.testing.assert_array_equal(getattr(found, name), getattr(alone, name))
    assert (found.total >= 0).all()
    halves, answers, is_async = calls.answered
    known = ~traces.no_duration[halves] & (is_async | ~traces.no_duration[answers])
    messages = sorted(zip(halves[known & is_async].tolist(), answers[known & is_async].tolist(), strict=True))
    assert sorted(zip(found.caller[found.is_async].tolist(), found.answer[found.is_async].tolist(), strict=True)) == (
        messages
    )
    assert found.caller[~found.is_async].tolist() == sorted(set(halves[known & ~is_async].tolist()))
    paths = critical_paths(traces)
    networks = network_by_operation(paths, found)
    assert networks.operation.tolist() == sorted(set(networks.operation.tolist()))
    for operation, critical_ns in zip(networks.operation, networks.critical_ns, strict=True):
        assert 0 < critical_ns <= int(paths.critical[traces.operation == operation].sum())
    split = found.before != UNKNOWN
    assert ((found.before[split] >= 0) & (found.after[split] >= 0)).all()


def times_from_json(lines: list[str]) -> dict[str, list[int]]:
    """Network and queue times of OTLP records, ns, by calling span, read from the JSON text alone.

    A call is answered by the SERVER spans below it that follow through INTERNAL spans, a message received by CONSUMER
    spans that are below it or link to it.
    """
    spans = [
        record
        for line in lines
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for record in scope["spans"]
    ]
    children: dict[tuple[str, str], list[dict[str, Any]]] = {}
    linked: dict[str, list[dict[str, Any]]] = {}
    for one in spans:
        children.setdefault((one["traceId"], one.get("parentSpanId", "")), []).append(one)
        for link in one.get("links", ()):
            linked.setdefault(link["spanId"], []).append(one)

    def answers(of: dict[str, Any]) -> list[dict[str, Any]]:
        found = []
        for one in children.get((of["traceId"], of["spanId"]), ()):
            found += [one] if one["kind"] == 2 else answers(one) if one["kind"] == 1 else []
        return found

    def length(one: dict[str, Any]) -> int:
        return int(one["endTimeUnixNano"]) - int(one["startTimeUnixNano"])

    times: dict[str, list[int]] = {}
    for one in spans:
        if one["kind"] == 3 and (found := answers(one)):
            times[one["spanId"]] = [max(length(one) - sum(map(length, found)), 0)]
        if one["kind"] == 4:
            below = [child for child in children.get((one["traceId"], one["spanId"]), ()) if child["kind"] == 5]
            received = {
                other["spanId"]: other for other in [*below, *linked.get(one["spanId"], ())] if other["kind"] == 5
            }
            queued = [int(other["startTimeUnixNano"]) - int(one["endTimeUnixNano"]) for other in received.values()]
            if queued:
                times[one["spanId"]] = sorted(max(ns, 0) for ns in queued)
    return times


@pytest.mark.parametrize(
    ("path", "least"),
    [
        (SAMPLES / "otlp" / "traces.jsonl", 50),
        (CASES / "call-through-internal-span.json", 1),
        (CASES / "async-an-hour-later.json", 1),
        (CASES / "browser-clock-behind.json", 1),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else None,
)
def test_network_and_queue_times_equal_those_read_from_json(path: Path, least: int) -> None:
    traces = Session.open([str(path)]).loaded
    found = network_times(traces)
    measured_times: dict[str, list[int]] = {}
    for caller, total in zip(found.caller.tolist(), found.total.tolist(), strict=True):
        measured_times.setdefault(traces.span_id(caller), []).append(total)
    expected = times_from_json(path.read_text("utf-8").splitlines())
    assert {span_id: sorted(times) for span_id, times in measured_times.items()} == expected
    assert len(expected) >= least


def test_the_first_call_of_a_span_is_found() -> None:
    times = np.array([5, 5, 9])
    found = NetworkTimes(times, times, times, times > 0, times, times, times)
    assert [found.of(span) for span in (4, 5, 9, 10)] == [None, 0, 2, None]


def test_the_network_is_a_bottleneck_where_most_of_the_time_of_a_call_is_spent_on_it() -> None:
    fast = span("c", 490, 510, parent="b", kind=Kind.SERVER, service="stock", name="GET /stock")
    (found,) = Analysis(build(ROOT, CLIENT, fast)).bottlenecks()
    assert (found.operation, found.network_to, found.network_ns) == ("GET stock", "stock", 780 * US)
    assert [(one.operation, one.network_to) for one in Analysis(build(ROOT, CLIENT, SERVER)).bottlenecks()] == [
        ("GET /stock", ""),
        ("GET stock", "stock"),
    ]


def test_own_work_of_a_caller_is_not_network_time() -> None:
    # the clock of the server is ahead, so that the path has no time of the server within its caller
    skewed = SERVER.but(start=EPOCH + 5_000 * US)
    found = {one.operation: one for one in Analysis(build(ROOT, CLIENT, skewed)).bottlenecks()}
    assert (found["GET stock"].mean_critical_ns, found["GET stock"].network_ns) == (800 * US, 250 * US)
    assert found["GET stock"].network_to == ""


def test_the_slow_link_of_the_sample_is_named(program: Program) -> None:
    report = json.loads(program.analyze(str(SAMPLES / "network")).out)
    assert report["verdict"]["slow"]["network_to"] == "stock-service"
    edges = {edge["callee"]: edge for edge in report["dependencies"]["edges"]}
    assert edges["stock-service"]["network_share_percent"] > 80
    assert edges["price-service"]["network_p50_ms"] == edges["payment-service"]["network_p95_ms"] == 0.8
    assert edges["mail-worker"]["network_p50_ms"] is None
    assert 20 < edges["mail-worker"]["queue_p50_ms"] < 30


def test_comparison_names_the_link_that_became_slow(program: Program) -> None:
    found = json.loads(program("compare", str(SAMPLES / "network"), "--at", "10:08", "--json").out)
    edge = next(edge for edge in found["edges"] if edge["callee"] == "stock-service")
    network = edge["changes"]["network_ms"]
    assert (network["verdict"], round(network["before"], 3)) == ("worse", 0.8)
    assert "network of calls order-service to stock-service" in found["regressions"]


def test_pattern_of_an_operation_that_waits_for_the_network() -> None:
    fast = span("c", 490, 510, parent="b", kind=Kind.SERVER, service="stock", name="GET /stock")
    table = OperationTable(Analysis(build(ROOT, CLIENT, fast)))
    patterns = {table.label(row)[1]: table.pattern(table.number(row)) for row in range(len(table))}
    assert patterns == {"GET stock": "network to stock", "POST /orders": "", "GET /stock": ""}
    # a detail of the call says more
    route = CLIENT.but(attributes={"http.request.method": "GET", "http.route": "/stock"})
    table = OperationTable(Analysis(build(ROOT, route, fast)))
    assert "GET /stock" in {table.pattern(table.number(row)) for row in range(len(table))}
