"""Suggestions for slow traces: hand-made traces with known savings, and invariants of any traces."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.support.building import US, GivenSpan, at, build, span
from tests.support.strategies import service_sets, span_sets, unhurried
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.suggestions import gap, identical_calls, n_plus_one, parallel_calls, retries, timeouts
from tracetui.analysis.suggestions.kind import SuggestionKind
from tracetui.analysis.suggestions.registry import Suggestion
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.render.hot_spots.suggestions import SuggestionDetail, SuggestionList, words_of
from tracetui.render.text.glyphs import UNICODE

CLIENT = Kind.CLIENT


def found(traces: TraceSet, kind: SuggestionKind) -> list[Suggestion]:
    return [one for one in Analysis(traces).suggestions if one.kind is kind]


def query(number: str, start: int, end: int, **more: Any) -> GivenSpan:
    return span(number, start, end, parent="1", name="SELECT", kind=CLIENT, **more)


def test_sequential_calls_of_one_operation_are_an_n_plus_one() -> None:
    # 5 calls of 10, 20, 10, 10 and 15 µs: one call as long as the longest saves 65 - 20 µs
    times = [(0, 10), (10, 30), (35, 45), (50, 60), (60, 75)]
    calls = [query(str(i + 2), start, end) for i, (start, end) in enumerate(times)]
    traces = build(span("1", 0, 100, name="list"), *calls)
    (one,) = found(traces, n_plus_one.KIND)
    assert one.parent == ("api", "list")
    assert one.calls == (("api", "SELECT"),)
    assert (one.saving_ns, one.mean_saving_ns, one.share_percent) == (45 * US, 45 * US, 45.0)
    assert (one.trace_count, one.most_calls, one.example_trace, one.example_span) == (1, 5, 0, at(traces, "2"))
    assert not found(build(span("1", 0, 100, name="list"), *calls[:4]), n_plus_one.KIND)


def test_parallel_calls_are_not_an_n_plus_one() -> None:
    calls = [query(str(i + 2), i, 50 + i) for i in range(6)]
    assert not found(build(span("1", 0, 100), *calls), n_plus_one.KIND)


def test_nested_calls_that_time_out_are_one_cascade() -> None:
    # successful calls take 40 µs: of the 90 µs of the innermost call that timed out, 50 would be saved
    usual = [
        part
        for number in range(3)
        for part in (
            span("1", 0, 60, trace=f"a{number}", name="page"),
            span("2", 5, 55, trace=f"a{number}", parent="1", name="get", service="users"),
            span("3", 10, 50, trace=f"a{number}", parent="2", name="query", service="db"),
        )
    ]
    timed_out = [
        span("1", 0, 100, trace="t", name="page", error=True, message="upstream timed out"),
        span("2", 2, 98, trace="t", parent="1", name="get", service="users", error=True, message="deadline exceeded"),
        span("3", 5, 95, trace="t", parent="2", name="query", service="db", error=True, message="Timeout after 90 us"),
    ]
    traces = build(*usual, *timed_out)
    (one,) = found(traces, timeouts.KIND)
    assert (one.parent, one.calls) == (("users", "get"), (("db", "query"),))
    assert (one.saving_ns, one.mean_time_ns, one.share_percent) == (50 * US, 90 * US, 50.0)
    assert (one.trace_count, one.most_calls) == (1, 3)
    assert traces.trace_ids[one.example_trace].endswith("t")
    assert "times out (up to 2 callers too)" in " ".join(line.text for line in words_of(one))
    # without a successful call there is nothing to wait for
    (alone,) = found(build(*timed_out), timeouts.KIND)
    assert alone.saving_ns == 90 * US


def test_other_errors_and_short_timeouts_are_not_suggested() -> None:
    calls = [span("2", 0, 90, parent="1", name="get", error=True, message="connection refused")]
    assert not found(build(span("1", 0, 100), *calls), timeouts.KIND)
    # it times out sooner than a usual call takes
    early = [
        span("1", 0, 100, trace="a"),
        span("2", 0, 90, trace="a", parent="1", name="get"),
        span("1", 0, 100, trace="b"),
        span("2", 0, 50, trace="b", parent="1", name="get", error=True, message="timed out"),
    ]
    assert not found(build(*early), timeouts.KIND)


def reading(number: str, start: int, end: int, parent: str = "1", **attributes: Any) -> GivenSpan:
    keys = {"statement": "db.query.text", "url": "url.full", "method": "http.request.method"}
    given = {keys[name]: value for name, value in attributes.items()}
    return span(number, start, end, parent=parent, name="read", kind=CLIENT, attributes=given)


def test_reads_of_the_same_are_identical_calls() -> None:
    same = {"statement": "SELECT name FROM users WHERE id = 17"}
    traces = build(
        span("1", 0, 100, name="page"),
        reading("2", 0, 30, **same),
        span("3", 30, 80, parent="1", name="render"),
        reading("4", 35, 55, "3", **same),
        reading("5", 60, 75, "3", statement="SELECT name FROM users WHERE id = 18"),
    )
    (one,) = found(traces, identical_calls.KIND)
    assert (one.parent, one.calls) == (("api", "page"), (("api", "read"),))
    assert (one.saving_ns, one.most_calls, one.mean_time_ns) == (20 * US, 2, 50 * US)
    assert one.example_span == at(traces, "2")
    assert "reads the same up to 2 times in a trace" in " ".join(line.text for line in words_of(one))


@pytest.mark.parametrize(
    ("attributes", "is_read"),
    [
        ({"url": "http://users/17?full=1", "method": "GET"}, True),
        ({"url": "http://users/17", "method": "POST"}, False),
        ({"url": "http://users/17"}, False),
        ({"statement": "GET cart:17"}, True),
        ({"statement": "GET ?"}, False),
        ({"statement": "SET cart:17 1"}, False),
        ({"statement": "select name from users where id = $1"}, False),
        ({"statement": "UPDATE users SET name = 'a' WHERE id = 17"}, False),
        ({"statement": "WITH old AS (SELECT 17 AS id) DELETE FROM users USING old"}, False),
        ({"statement": "select * from users where id = 17 for update"}, False),
        ({"statement": "SELECT nextval('order_ids')"}, False),
        ({"statement": "SELECT deleted, updated_at FROM users WHERE id = 17"}, True),
        ({}, False),
    ],
)
def test_only_reads_with_known_values_can_be_identical(attributes: dict[str, str], is_read: bool) -> None:
    traces = build(span("1", 0, 100), reading("2", 0, 40, **attributes), reading("3", 50, 90, **attributes))
    assert bool(found(traces, identical_calls.KIND)) is is_read


@pytest.mark.parametrize(
    ("attributes", "key"),
    [
        ({"http.method": "GET", "http.target": "/health"}, "net.peer.name"),
        ({"http.method": "GET", "http.target": "/health"}, "http.host"),
        ({"db.query.text": "GET cart:17"}, "server.address"),
        ({"db.query.text": "SELECT name FROM users WHERE id = 17"}, "db.namespace"),
    ],
)
def test_reads_of_different_hosts_or_databases_are_not_identical(attributes: dict[str, str], key: str) -> None:
    def calls(second: str) -> TraceSet:
        first, last = reading("2", 0, 40), reading("3", 50, 90)
        return build(
            span("1", 0, 100),
            first.but(attributes={**attributes, key: "one"}),
            last.but(attributes={**attributes, key: second}),
        )

    assert found(calls("one"), identical_calls.KIND)
    assert not found(calls("two"), identical_calls.KIND)


def test_identical_calls_in_parallel_save_nothing() -> None:
    same = {"statement": "GET cart:17"}
    assert not found(
        build(span("1", 0, 100), reading("2", 0, 90, **same), reading("3", 5, 80, **same)), identical_calls.KIND
    )


def test_retries_of_a_read_are_not_identical_calls() -> None:
    same = {"statement": "GET cart:17"}
    failed = reading("2", 0, 40, **same).but(error=True)
    traces = build(span("1", 0, 100), failed, reading("3", 50, 90, **same))
    assert not found(traces, identical_calls.KIND)


def test_savings_are_summed_and_the_largest_is_the_example() -> None:
    def listing(trace: str, times: int) -> list[GivenSpan]:
        calls = [query(str(i + 2), 10 * i, 10 * i + 10, trace=trace) for i in range(times)]
        return [span("1", 0, 100, name="list", trace=trace), *calls]

    traces = build(*listing("1", 5), *listing("2", 8), *listing("3", 2))
    (one,) = found(traces, n_plus_one.KIND)
    assert (one.saving_ns, one.mean_saving_ns, one.trace_count) == (110 * US, 55 * US, 2)
    assert one.share_percent == 55.0
    assert (traces.trace_ids[one.example_trace], one.most_calls) == ("2", 8)


def test_calls_to_different_services_could_run_in_parallel() -> None:
    # 30 µs in users, then 20 µs in orders: 30 µs in parallel
    traces = build(
        span("1", 0, 100, name="page", kind=Kind.SERVER),
        span("2", 10, 40, parent="1", name="GET users", kind=CLIENT),
        span("3", 12, 38, parent="2", service="users", name="get", kind=Kind.SERVER),
        span("4", 45, 65, parent="1", name="GET orders", kind=CLIENT),
        span("5", 46, 64, parent="4", service="orders", name="list", kind=Kind.SERVER),
    )
    (one,) = found(traces, parallel_calls.KIND)
    assert one.calls == (("users", "get"), ("orders", "list"))
    assert (one.parent, one.saving_ns, one.most_calls) == (("api", "page"), 20 * US, 2)
    assert one.example_span == at(traces, "2")


def test_number_of_further_calls_is_shown() -> None:
    calls = [query(str(i + 2), 10 * i, 10 * i + 10, attributes={"peer.service": f"s{i}"}) for i in range(9)]
    traces = build(span("1", 0, 100, name="page"), *calls)
    (one,) = found(traces, parallel_calls.KIND)
    assert (len(one.calls), one.more_calls, one.most_calls, one.saving_ns) == (6, 3, 9, 80 * US)
    assert [line.text for line in words_of(one)][5:8] == ["s5 SELECT and", "3 more", "are sequential"]
    assert "9 calls in api page  s0 SELECT" in SuggestionList([one], traces, UNICODE).line(0, 160).text
    assert "s5 SELECT +3 " in SuggestionList([one], traces, UNICODE).line(0, 160).text
    detail = SuggestionDetail(one, traces, UNICODE)
    assert "and 3 more" in [detail.line(row, 80).text for row in range(len(detail))]


def test_calls_to_one_service_stay_sequential() -> None:
    def call(number: str, start: int, end: int, to: str) -> GivenSpan:
        return span(number, start, end, parent="1", name=f"ask {to}", kind=CLIENT, attributes={"peer.service": to})

    page = span("1", 0, 100, name="page")
    # a: 10 + 25 µs, b: 30 µs; 35 µs in parallel, with the calls to a in sequence
    both = build(page, call("2", 0, 10, "a"), call("3", 10, 40, "b"), call("4", 40, 65, "a"))
    (one,) = found(both, parallel_calls.KIND)
    assert (one.saving_ns, one.most_calls) == (30 * US, 3)
    assert one.calls == (("a", "ask a"), ("b", "ask b"))
    assert not found(build(page, call("2", 0, 10, "a"), call("4", 40, 65, "a")), parallel_calls.KIND)


def test_work_between_two_calls_separates_them() -> None:
    def call(number: str, start: int, end: int, to: str) -> GivenSpan:
        return span(number, start, end, parent="1", kind=CLIENT, attributes={"peer.service": to})

    work = span("3", 30, 50, parent="1", name="compute")
    traces = build(span("1", 0, 100), call("2", 0, 30, "a"), work, call("4", 50, 80, "b"))
    assert not found(traces, parallel_calls.KIND)


def test_uninstrumented_gap_is_named_by_its_neighbours() -> None:
    traces = build(
        span("1", 0, 100, name="page"),
        span("2", 0, 20, parent="1", name="before"),
        span("3", 60, 100, parent="1", name="after"),
    )
    (one,) = found(traces, gap.KIND)
    assert one.calls == (("api", "before"), ("api", "after"))
    assert (one.saving_ns, one.share_percent, one.example_span) == (40 * US, 40.0, at(traces, "3"))


def test_time_covered_by_another_child_is_not_a_gap() -> None:
    # c follows a on the critical path, but b runs between them
    traces = build(
        span("1", 0, 100, name="page"),
        span("2", 0, 10, parent="1", name="a"),
        span("3", 10, 60, parent="1", name="b"),
        span("4", 50, 100, parent="1", name="c"),
    )
    assert not found(traces, gap.KIND)


def test_calls_in_two_lanes_are_not_an_n_plus_one() -> None:
    calls = [query(str(i + 2), 10 * (i // 2), 10 * (i // 2) + 9 + i % 2) for i in range(10)]
    assert not found(build(span("1", 0, 100), *calls), n_plus_one.KIND)


def test_retries_are_only_reported_as_retries() -> None:
    attempts = [query(str(i + 2), 12 * i, 12 * i + 10, error=i < 5) for i in range(6)]
    analysis = Analysis(build(span("1", 0, 100, name="page"), *attempts)).suggestions
    assert [(one.kind, one.saving_ns) for one in analysis] == [(retries.KIND, 50 * US)]


def test_failed_attempts_cost_their_duration() -> None:
    # two attempts of 10 and 20 us fail before the third succeeds
    traces = build(
        span("1", 0, 100, name="page"),
        span("2", 0, 10, parent="1", name="pay", kind=CLIENT, error=True),
        span("3", 10, 30, parent="1", name="pay", kind=CLIENT, error=True),
        span("4", 30, 90, parent="1", name="pay", kind=CLIENT),
    )
    (one,) = found(traces, retries.KIND)
    assert (one.calls, one.saving_ns, one.most_calls) == ((("api", "pay"),), 30 * US, 2)
    assert one.example_span == at(traces, "2")


def test_failed_attempt_does_not_hide_sequential_calls() -> None:
    # of 8 queries the third fails and is retried: the other 7 take 70 µs, and one call would save 60 µs of it
    calls = [query(str(i + 2), 10 * i, 10 * i + 10, error=i == 2) for i in range(8)]
    traces = build(span("1", 0, 100, name="list"), *calls)
    (one,) = found(traces, n_plus_one.KIND)
    assert (one.most_calls, one.saving_ns, one.mean_time_ns) == (7, 60 * US, 70 * US)
    (again,) = found(traces, retries.KIND)
    assert (again.most_calls, again.saving_ns) == (1, 10 * US)


def test_overlapping_calls_do_not_hide_sequential_ones() -> None:
    calls = [query(str(i + 2), 10 * i, 10 * i + 10) for i in range(7)]
    overlapping = query("20", 65, 75)
    (one,) = found(build(span("1", 0, 100, name="list"), *calls, overlapping), n_plus_one.KIND)
    assert (one.most_calls, one.saving_ns) == (6, 50 * US)


def test_parallel_work_limits_a_saving() -> None:
    def call(number: str, start: int, end: int, to: str) -> GivenSpan:
        return span(number, start, end, parent="1", name=f"ask {to}", kind=CLIENT, attributes={"peer.service": to})

    # a and b take 30 and 20 µs, 30 µs in parallel; c, parallel to both, ends 5 µs before b
    traces = build(span("1", 0, 80, name="page"), call("2", 0, 30, "a"), call("3", 1, 45, "c"), call("4", 30, 50, "b"))
    (one,) = found(traces, parallel_calls.KIND)
    assert one.calls == (("a", "ask a"), ("b", "ask b"))
    assert (one.saving_ns, one.mean_time_ns) == (5 * US, 50 * US)
    # a parallel span with the same end leaves no saving
    as_long = build(span("1", 0, 80), call("2", 0, 30, "a"), span("3", 1, 50, parent="1"), call("4", 30, 50, "b"))
    assert not found(as_long, parallel_calls.KIND)


def test_spans_off_the_critical_path_save_nothing() -> None:
    slow = span("9", 0, 100, parent="1", name="slow")
    calls = [query(str(i + 2), 10 * i, 10 * i + 10) for i in range(6)]
    assert not Analysis(build(span("1", 0, 100), slow, *calls)).suggestions


def test_savings_below_one_percent_are_not_reported() -> None:
    calls = [query(str(i + 2), 2 * i, 2 * i + 1) for i in range(5)]
    assert not found(build(span("1", 0, 1_000), *calls), n_plus_one.KIND)


@unhurried
@given(span_sets())
def test_savings_are_between_zero_and_the_duration(spans: list[GivenSpan]) -> None:
    _check(build(*spans))


@unhurried
@given(service_sets())
def test_savings_in_service_sets_are_between_zero_and_the_duration(spans: list[GivenSpan]) -> None:
    _check(build(*spans))


def _check(traces: TraceSet) -> None:
    for one in Analysis(traces).suggestions:
        assert 0 < one.saving_ns <= int(traces.trace_duration.sum())
        assert 0 < one.mean_saving_ns <= int(traces.trace_duration.max())
        assert 1.0 <= one.share_percent <= 100.0 + 1e-9
        assert 1 <= one.trace_count <= traces.trace_count
        assert int(traces.trace[one.example_span]) == one.example_trace
        assert one.most_calls >= (5 if one.kind is n_plus_one.KIND else 1)
