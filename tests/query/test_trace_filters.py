"""Trace filters of the command line and the screens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import CODEC, GivenSpan, build
from tests.support.strategies import service_sets, unhurried
from tracetui.model.assemble import assemble
from tracetui.model.errors import UsageError
from tracetui.model.intake import Intake
from tracetui.model.times import format_duration, parse_duration
from tracetui.model.traces import TraceSet
from tracetui.query import parse
from tracetui.query.trace_filters import Filters, apply, as_query, describe, unknown_names

MS = 1_000_000


def traces_of(*traces: tuple[int, list[tuple[Any, ...]]]) -> TraceSet:
    """Build traces, each from its start in ms and spans as (service, operation, duration in ms, error); ids `1`, `2`,
    ...
    """
    intake = Intake()
    number = 0
    for trace, (start, spans) in enumerate(traces):
        root = f"{number + 1:016x}"
        for service, operation, ms, *error in spans:
            number += 1
            intake.add(
                trace=intake.traces(str(trace + 1)),
                span_id=f"{number:016x}",
                parent_id="" if root == f"{number:016x}" else root,
                name=operation,
                resource=intake.resources(service, b"", CODEC),
                start_ns=(1000 + start) * MS,
                duration_ns=int(ms * MS),
                error=bool(error),
            )
    return assemble(intake)


@pytest.fixture
def shop() -> TraceSet:
    return traces_of(
        (400, [("api", "GET /cart", 20), ("cart", "load", 10)]),
        (100, [("api", "GET /user", 900), ("user-service", "find", 200)]),
        (300, [("api", "POST /pay", 50), ("db", "query", 40, True)]),
        (200, [("api", "GET /cart", 500), ("cart", "query", 10)]),
    )


def kept_ids(traces: TraceSet, **filters: Any) -> list[int]:
    return [int(text) for text in apply(traces, Filters(**filters)).trace_ids]


def test_no_filter_keeps_every_trace(shop: TraceSet) -> None:
    assert apply(shop, Filters()) is shop


def test_service_filter_keeps_traces_with_a_span_of_it(shop: TraceSet) -> None:
    assert kept_ids(shop, services=("cart",)) == [1, 4]
    assert kept_ids(shop, services=("cart", "db")) == [1, 3, 4]
    assert kept_ids(shop, services=("nobody",)) == []


def test_operation_and_service_must_be_of_one_span(shop: TraceSet) -> None:
    assert kept_ids(shop, operations=("query",)) == [3, 4]
    assert kept_ids(shop, operations=("query", "find")) == [2, 3, 4]
    assert kept_ids(shop, services=("db",), operations=("query",)) == [3]
    assert kept_ids(shop, services=("api",), operations=("query",)) == []


def test_slower_than_excludes_the_threshold_itself(shop: TraceSet) -> None:
    assert kept_ids(shop, latency_threshold_ns=50 * MS) == [2, 4]
    assert kept_ids(shop, latency_threshold_ns=0) == [1, 2, 3, 4]


def test_errors_only_keeps_traces_with_errors(shop: TraceSet) -> None:
    assert kept_ids(shop, errors_only=True) == [3]


def test_the_time_range_counts_back_from_the_newest_trace(shop: TraceSet) -> None:
    assert kept_ids(shop, time_range_ns=100 * MS) == [1, 3]
    assert kept_ids(shop, time_range_ns=100 * MS - 1) == [1]
    # even if the newest trace itself is filtered out
    assert kept_ids(shop, time_range_ns=200 * MS, services=("cart",)) == [1, 4]
    assert kept_ids(shop, time_range_ns=199 * MS, services=("cart",)) == [1]


def test_the_limit_keeps_the_newest_in_the_order_of_the_set(shop: TraceSet) -> None:
    assert kept_ids(shop, limit=2) == [1, 3]
    assert kept_ids(shop, limit=3) == [1, 3, 4]
    assert kept_ids(shop, limit=9) == [1, 2, 3, 4]
    assert kept_ids(shop, limit=1, services=("user-service", "db")) == [3]
    assert kept_ids(traces_of(*[(0, [("a", "b", 1)])] * 3), limit=2) == [1, 2]


def test_query_is_combined_with_other_filters(shop: TraceSet) -> None:
    assert kept_ids(shop, query=parse("duration >= 500ms")) == [2, 4]
    assert kept_ids(shop, query=parse("NOT service = db"), services=("cart",)) == [1, 4]
    assert kept_ids(shop, query=parse("NOT service = db"), errors_only=True) == []
    assert kept_ids(shop, query=parse("duration > 10ms"), limit=1) == [1]


def test_an_empty_set_stays_empty() -> None:
    everything = Filters(("a",), ("b",), 1, True, 1, parse("error"), 1)
    assert apply(assemble(Intake()), everything).trace_count == 0
    assert unknown_names(assemble(Intake()), everything) == ["no service named 'a'", "no operation named 'b'"]


def test_invalid_filters_are_rejected() -> None:
    with pytest.raises(UsageError, match="the limit must be at least 1, not 0"):
        Filters(limit=0)
    with pytest.raises(UsageError, match="the latency threshold must not be negative"):
        Filters(latency_threshold_ns=-1)
    with pytest.raises(UsageError, match="the time range must not be negative"):
        Filters(time_range_ns=-1)


def test_unknown_names_are_reported_with_the_nearest_known(shop: TraceSet) -> None:
    assert unknown_names(shop, Filters()) == []
    assert unknown_names(shop, Filters(services=("api",), operations=("find",))) == []
    assert unknown_names(shop, Filters(services=("user-servce", "xyz", "xyz", "CART"), operations=("get /cart",))) == [
        "no service named 'user-servce'; did you mean user-service?",
        "no service named 'xyz'",
        "no service named 'CART'; used cart instead",
        "no operation named 'get /cart'; did you mean GET /cart?",
    ]


def test_names_outside_a_selection_are_unknown(shop: TraceSet) -> None:
    carts = apply(shop, Filters(services=("cart",)))
    assert unknown_names(carts, Filters(services=("db", "cart"))) == ["no service named 'db'"]


def test_filters_are_described() -> None:
    assert describe(Filters()) == "all traces"
    assert (
        describe(
            Filters(("api", "web"), ("GET /",), 500 * MS, True, parse_duration("1h"), parse("error\n AND a.b"), 20)
        )
        == "service api or web, operation GET /, slower than 500ms, with errors, from the last 1h, "
        "where error AND a.b, the newest 20"
    )


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("500ms", 500 * MS),
        ("1h", 3600 * 1000 * MS),
        ("1h30m", 5400 * 1000 * MS),
        ("1.5s", 1500 * MS),
        (".5ms", MS // 2),
        ("2d", 2 * 86400 * 1000 * MS),
        ("3us", 3000),
        ("3µs", 3000),
        ("3μs", 3000),
        ("7ns", 7),
        ("0", 0),
        (" 1s ", 1000 * MS),
    ],
)
def test_durations(text: str, duration: int) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "5", "ms", "-5ms", "5 ms", "5parsec", "1h30", "1e3s", "nan", "1_0s", "5MS"])
def test_invalid_durations_are_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration; write a number with a unit, such as 500ms"):
        parse_duration(text)


@given(st.integers(0, 1 << 62))
def test_formatted_durations_parse_to_the_same_value(duration: int) -> None:
    assert parse_duration(format_duration(duration)) == duration


def test_durations_have_the_shortest_form() -> None:
    for text in ("1h30m", "500ms", "1.5s", "2d", "1m0.25s", "0", "999ns"):
        assert format_duration(parse_duration(text)) == text.replace("m0.25s", "m250ms")


NAMES = ("api", "cart", "db", "nobody")


@unhurried
@given(
    given_spans=service_sets(),
    services=st.lists(st.sampled_from(NAMES), max_size=2),
    operations=st.lists(st.sampled_from(["get", "put", "GET /x y"]), max_size=2),
    threshold=st.none() | st.sampled_from([0, 1_000, 2_500]),
    errors_only=st.booleans(),
    time_range=st.none() | st.sampled_from([0, 3_000]),
    query=st.none() | st.sampled_from(["service = db OR error", "depth > 1 AND NOT error"]),
)
def test_filters_as_a_query_select_the_same_traces(
    given_spans: list[GivenSpan],
    services: list[str],
    operations: list[str],
    threshold: int | None,
    errors_only: bool,
    time_range: int | None,
    query: str | None,
) -> None:
    traces = build(*given_spans)
    filters = Filters(
        services=tuple(services),
        operations=tuple(operations),
        latency_threshold_ns=threshold,
        errors_only=errors_only,
        time_range_ns=time_range,
        query=None if query is None else parse(query),
    )
    text = as_query(filters)
    assert bool(text) == (filters != Filters())
    found = traces.select(parse(text).matches(traces)) if text else traces
    assert found.trace_ids == apply(traces, filters).trace_ids


def test_filters_become_a_readable_query() -> None:
    filters = Filters(("api", "my db"), ("GET /x",), 500 * MS, True, 3_600_000 * MS, parse("a.b = 1 OR error"), 5)
    assert as_query(filters) == (
        '{ (service = api OR service = "my db") AND operation = "GET /x" } AND trace.response > 500ms AND error'
        " AND trace.age <= 1h AND (a.b = 1 OR error)"
    )
    assert as_query(Filters()) == ""
