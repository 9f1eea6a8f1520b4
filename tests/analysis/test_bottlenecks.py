"""Bottlenecks: operations on the critical path, their share, and the commonest detail of their spans."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tests.support.building import US, GivenSpan, JsonCodec, build, span
from tests.support.critical_reference import below_async_roots, path_of_trace
from tests.support.near import near
from tests.support.strategies import nested, span_sets, unhurried
from tracetui.analysis.bottlenecks import (
    BOTTLENECK_PERCENT,
    Bottleneck,
    common_detail,
    critical_operations,
    find_bottlenecks,
)
from tracetui.analysis.critical_path import critical_paths
from tracetui.model.span import Kind, Value


def listed(*spans: GivenSpan, min_share: float = BOTTLENECK_PERCENT) -> list[Bottleneck]:
    return find_bottlenecks(critical_paths(build(*spans)), min_share).bottlenecks()


def found(*spans: GivenSpan, min_share: float = BOTTLENECK_PERCENT) -> dict[str, Bottleneck]:
    """Return the bottlenecks by operation, in order."""
    return {one.operation: one for one in listed(*spans, min_share=min_share)}


@unhurried
@given(span_sets())
def test_shares_equal_the_definition(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    paths = critical_paths(traces)
    path_time = [
        sum(end - start for _, start, end in path_of_trace(traces, trace)) for trace in range(traces.trace_count)
    ]
    asynchronous = below_async_roots(traces)
    assert set(np.flatnonzero(paths.asynchronous).tolist()) == asynchronous
    seen = set()
    for operation, critical, share, total, occurrences in critical_operations(paths):
        members = [i for i in range(len(traces)) if traces.operation[i] == operation and i not in asynchronous]
        touched = {int(traces.trace[i]) for i in members}
        time = sum(path_time[trace] for trace in touched)
        own = sum(int(paths.critical[i]) for i in members)
        assert critical == pytest.approx(own)
        assert share == pytest.approx(100 * own / time if time else 0)
        assert total == pytest.approx(100 * own / sum(path_time) if sum(path_time) else 0)
        assert max(share, total) <= 100.000001
        assert occurrences == len(touched)
        seen.add(operation)
    assert seen == {int(traces.operation[i]) for i in range(len(traces)) if i not in asynchronous}


@unhurried
@given(nested())
def test_shares_of_a_trace_add_up_to_its_duration(spans: list[GivenSpan]) -> None:
    paths = critical_paths(build(*spans))
    assert sum(share for _, _, share, _, _ in critical_operations(paths)) == pytest.approx(100)


def test_operation_is_measured_in_the_traces_that_contain_it() -> None:
    spans = [
        span("a", 0, 100, trace="1", name="GET"),
        span("b", 10, 50, trace="1", service="db", name="query", parent="a"),
        span("c", 60, 80, trace="1", service="db", name="query", parent="a"),
        span("a", 0, 200, trace="2", name="GET"),
        span("b", 0, 180, trace="2", service="db", name="query", parent="a"),
        span("a", 0, 700, trace="3", name="GET"),
    ]
    get, query = found(*spans).values()
    # 240 of 300 us in two traces, and of 1,000 us in all three
    assert (query.service, query.operation, query.span_count) == ("db", "query", 3)
    assert (query.mean_critical_ns, query.occurrences, query.trace_count) == (120 * US, 2, 3)
    assert (query.share_percent, query.total_share_percent) == (80, 24)
    # 40 + 20 + 700: the largest time in the set comes first
    assert (get.mean_critical_ns, get.share_percent, get.occurrences) == (near(760_000 / 3), 76, 3)


def test_operations_of_two_services_are_distinct() -> None:
    spans = [span("a", 0, 100), span("b", 0, 50, parent="a", service="db")]
    assert [(one.service, one.share_percent) for one in listed(*spans)] == [
        ("api", 50),
        ("db", 50),
    ]


def test_shares_of_parallel_orphans_are_limited_to_the_whole_time() -> None:
    spans = [span(f"{i}", i, 100 + i, parent="gone") for i in range(5)]
    (only,) = found(*spans).values()
    assert (only.share_percent, only.total_share_percent, only.mean_critical_ns) == (100, 100, 104 * US)


def test_asynchronous_work_is_excluded_from_shares_of_requests() -> None:
    spans = [
        span("a", 0, 200, name="POST", service="shop"),
        span("b", 10, 160, parent="a", name="INSERT", service="shop"),
        span("c", 170, 175, parent="a", name="send", kind=Kind.PRODUCER, service="shop"),
        span("d", 3_600_000, 3_600_500, parent="c", name="process", kind=Kind.CONSUMER, service="mail"),
        span("e", 3_600_010, 3_600_400, parent="d", name="INSERT", service="shop"),
    ]
    insert, post = found(*spans).values()
    assert (insert.operation, insert.share_percent, insert.occurrences, insert.span_count) == ("INSERT", 75, 1, 1)
    assert (post.operation, post.share_percent) == ("POST", 22.5)


def test_time_off_the_critical_path_is_excluded() -> None:
    spans = [
        span("a", 0, 100, name="GET"),
        span("b", 0, 100, parent="a", name="slow"),
        span("c", 0, 99, parent="a", name="beside"),
    ]
    assert list(found(*spans)) == ["slow"]
    assert list(found(*spans, min_share=-1)) == ["slow", "GET", "beside"]


@pytest.mark.parametrize(("microseconds", "expected"), [(20, ["GET"]), (21, ["GET", "query"])])
def test_bottlenecks_are_above_the_threshold(microseconds: int, expected: list[str]) -> None:
    spans = [span("a", 0, 100, name="GET"), span("b", 0, microseconds, parent="a", name="query")]
    assert list(found(*spans)) == expected


def test_traces_without_duration_have_no_bottlenecks() -> None:
    assert listed() == []
    assert found(span("a", 5, 5)) == {}
    assert found(span("a", 5, 5), min_share=-1)["work"].share_percent == 0


# --- The pattern ----------------------------------------------------------------------------------------------------


def detail(*spans: GivenSpan) -> str:
    traces = build(*spans)
    return common_detail(traces, np.arange(len(traces)))


@pytest.mark.parametrize(
    ("attributes", "error", "expected"),
    [
        ({"db.query.text": "SELECT 1", "db.statement": "SELECT 'x'"}, False, "SELECT ?"),
        (
            {"db.statement": "SELECT *\n  FROM t WHERE n = 'bob' LIMIT 5"},
            True,
            "SELECT * FROM t WHERE n = ? LIMIT ?",
        ),
        ({"db.statement": " ", "http.method": "GET"}, False, "GET"),
        ({"http.request.method": "GET"}, True, "row {id} is locked"),
        ({"http.request.method": "GET", "http.route": "/api/v1/users/{id}"}, False, "GET /api/v1/users/{id}"),
        ({"http.method": "GET", "url.path": "/users/42"}, False, "GET /users/{id}"),
        ({"http.method": "GET", "http.target": "/users/42"}, False, "GET /users/{id}"),
        ({"http.route": "/users", "messaging.destination.name": "orders"}, False, "orders"),
        ({"messaging.destination": "orders"}, False, "orders"),
        ({"other": "x", "http.method": 7, "db.statement": None}, False, ""),
    ],
)
def test_detail_of_a_span(attributes: dict[str, Any], error: bool, expected: str) -> None:
    text = "row 17 is locked" if error else ""
    assert detail(span("a", 0, 9, attributes=attributes, error=error, message=text)) == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, ""),
        ({"http.response.status_code": 503}, ""),
        ({"rpc.grpc.status_code": 14}, ""),
        ({"http.response.status_code": 503, "http.request.method": "GET", "http.route": "/cart"}, "GET /cart"),
        ({"http.response.status_code": 503, "error.message": "no seat 12"}, "no seat {id}"),
    ],
)
def test_error_without_a_message_is_not_a_pattern(attributes: dict[str, Any], expected: str) -> None:
    assert detail(span("a", 0, 9, error=True, attributes=attributes)) == expected


def test_commonest_detail_is_the_pattern() -> None:
    statements = ["SELECT 1", "INSERT x", "SELECT 22", None, None, None]
    spans = [span(f"{i}", 0, 9, attributes={"db.statement": text} if text else {}) for i, text in enumerate(statements)]
    assert detail(*spans) == "SELECT ?"


@pytest.mark.parametrize(("silent", "expected"), [(18, "timeout"), (19, "")])
def test_rare_detail_is_not_a_pattern(silent: int, expected: str) -> None:
    spans = [span(f"{i:x}", 0, 9) for i in range(2, silent + 2)]
    spans += [span(f"{i}", 0, 9, error=True, message="timeout") for i in range(2)]
    assert detail(*spans) == expected


def test_pattern_comes_from_spans_of_the_operation() -> None:
    spans = [
        span("a", 0, 100, name="GET", attributes={"http.method": "GET"}),
        span("b", 0, 60, name="query", parent="a", attributes={"db.statement": "SELECT 1"}),
    ]
    assert {operation: one.pattern for operation, one in found(*spans).items()} == {"query": "SELECT ?", "GET": "GET"}


@pytest.mark.parametrize("count", [1, 2, 3, 5, 1_999, 2_000, 2_001, 2_999, 5_000])
def test_no_more_spans_are_read_than_allowed(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    traces = build(*(span(str(i), i, i + 1, name="get") for i in range(count)))
    read: list[bytes] = []

    def attributes(_: object, raw: bytes) -> dict[str, Value]:
        read.append(raw)
        return {}

    monkeypatch.setattr(JsonCodec, "attributes", attributes)
    for most in (2, 2_000):
        read.clear()
        common_detail(traces, np.arange(count), most)
        assert min(count, most) / 2 <= len(read) <= most


def test_many_spans_are_sampled() -> None:
    # most spans have the same detail, but not the first ones
    spans = [span(f"{i:x}", 0, 9, attributes={"db.statement": "rare" if i < 2_500 else "common"}) for i in range(9_000)]
    assert detail(*spans) == "common"
