"""Errors: origins, propagation, and patterns."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import EPOCH, US, GivenSpan, at, build, ids, span
from tests.support.error_reference import Reference
from tests.support.failing_sets import failing_sets
from tests.support.strategies import chain, span_sets, unhurried
from tracetui.analysis.error_messages import NO_MESSAGE, error_message
from tracetui.analysis.errors import EXAMPLES, ErrorPattern, ErrorRole, find_errors, first_origin, retried, roles
from tracetui.analysis.message_templates import template
from tracetui.model.span import Status
from tracetui.model.traces import TraceSet

# --- Reference implementation, span by span -------------------------------------------------------------------------


def _hops(traces: TraceSet, origins: list[int], service: str) -> int:
    """Return the hops from these origins up to the nearest error of a service."""
    return min(
        up
        for origin in origins
        for up, above in enumerate(Reference(traces).above(origin))
        if traces.error[above] and traces.service_name(above) == service
    )


@unhurried
@given(st.one_of(span_sets(), failing_sets()))
def test_patterns_contain_every_origin_once_with_its_propagation(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    errors, expected = find_errors(traces), Reference(traces)
    groups: dict[tuple[str, str], list[int]] = {}
    for one in expected.outcome:
        key = traces.service_name(one), template(error_message(traces, one))
        groups.setdefault(key, []).append(one)
    assert len(errors.patterns) == len(groups)
    origins = sum(map(len, groups.values()))
    for pattern in errors.patterns:
        members = groups[pattern.service, pattern.template]
        outcomes = Counter(expected.outcome[one] for one in members)
        reached = {other for one in members for other in expected.reaches[one] if expected.role[other] == "propagated"}
        failed = {int(traces.trace[one]) for one in members if expected.outcome[one] == "failed"}
        assert pattern.spans.tolist() == members
        assert pattern.count == len(members)
        assert pattern.percent == pytest.approx(100 * len(members) / origins)
        assert pattern.propagated_count == len(reached)
        counts = Counter(traces.service_name(one) for one in reached)
        assert dict(pattern.propagated_to) == counts
        assert set(pattern.operations) == {traces.operation_name(one) for one in members}
        assert pattern.trace_count == len({int(traces.trace[one]) for one in members})
        assert pattern.first_seen == min(traces.start[one] for one in members)
        assert pattern.last_seen == max(traces.start[one] for one in members)
        assert pattern.failed_request_count == len(failed)
        assert pattern.swallowed_count == outcomes["handled"] + outcomes["retried"]
        assert pattern.retried_count == outcomes["retried"]
        assert (pattern.background_count, pattern.unknown_count) == (outcomes["background"], outcomes["unknown"])
        assert {int(traces.trace[one]) for one in members} >= set(pattern.example_traces)
    assert [p.count for p in errors.patterns] == sorted((p.count for p in errors.patterns), reverse=True)
    assert errors.cancelled_count == Counter(expected.role.values())["cancelled"]


@unhurried
@given(st.one_of(span_sets(), failing_sets()))
def test_traces_with_errors_and_failed_requests_are_counted_separately(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    with_errors = {int(trace) for trace in traces.trace[traces.error]}
    errors, expected = find_errors(traces), Reference(traces)
    assert (errors.error_trace_count, errors.trace_count) == (len(with_errors), traces.trace_count)
    assert errors.error_rate == (100 * len(with_errors) / traces.trace_count if traces.trace_count else 0)
    failed = sum(bool(expected.failures(trace)) for trace in range(traces.trace_count))
    assert errors.failed_request_count == failed <= errors.error_trace_count
    assert errors.failed_request_rate == (100 * failed / traces.trace_count if traces.trace_count else 0)


# --- Hand-made traces -----------------------------------------------------------------------------------------------

CHECKOUT = [
    # web fails because of cart, and cart because of one of its three calls to the database
    span("1", 0, 100, service="web", name="POST /checkout", error=True, message="checkout failed"),
    span("2", 10, 90, service="cart", name="reserve", parent="1", error=True, message="cannot reserve"),
    span("3", 15, 20, service="db", name="SELECT", parent="2"),
    span("4", 20, 50, service="db", name="UPDATE", parent="2", error=True, message="row 17 is locked"),
    span("5", 60, 70, service="db", name="SELECT", parent="2"),
    span("6", 91, 95, service="mail", name="send", parent="1"),
    span("7", 92, 94, service="mail", name="smtp", parent="6", error=True, message="no route to 10.0.0.1"),
]


def named(traces: TraceSet, chosen: np.ndarray) -> list[str]:
    return [text.lstrip("0") for text in ids(traces, np.flatnonzero(chosen))]


def only(traces: TraceSet) -> ErrorPattern:
    (pattern,) = find_errors(traces).patterns
    return pattern


def test_origin_of_a_failure() -> None:
    traces = build(*CHECKOUT)
    role = roles(traces)
    assert named(traces, role == ErrorRole.PROPAGATED) == ["1", "2"]
    assert named(traces, role == ErrorRole.ORIGIN) == ["4", "7"]
    assert named(traces, retried(traces)) == []


def test_pattern_names_services_it_propagated_to() -> None:
    locked, unreachable = find_errors(build(*CHECKOUT)).patterns
    assert (locked.service, locked.message, locked.template) == ("db", "row 17 is locked", "row {id} is locked")
    assert (locked.count, locked.percent, locked.trace_count, locked.operations) == (1, 50, 1, ("UPDATE",))
    assert (locked.propagated_count, sorted(locked.propagated_to)) == (2, [("cart", 1), ("web", 1)])
    assert locked.propagated_to == (("cart", 1), ("web", 1))
    assert (unreachable.service, unreachable.template) == ("mail", "no route to {id}")
    # the span between is not explicitly OK
    assert unreachable.propagated_to == (("web", 1),)
    assert (locked.failed_request_count, unreachable.failed_request_count) == (1, 1)


def test_error_below_an_ok_span_is_handled() -> None:
    fine = [one.but(status=Status.OK) if one.id == "6" else one for one in CHECKOUT]
    _, unreachable = find_errors(build(*fine)).patterns
    assert (unreachable.propagated_to, unreachable.swallowed_count, unreachable.failed_request_count) == ((), 1, 0)


def test_propagation_lists_the_nearest_services_first() -> None:
    def failing(trace: int, *services: str) -> list[GivenSpan]:
        """Return a trace in which each service calls the next one, and all fail."""
        return [
            span(str(i + 1), i, 90 - i, trace=str(trace), parent=str(i) if i else "", service=name, error=True)
            for i, name in enumerate(services)
        ]

    traces = build(
        *failing(1, "web", "cart", "stock", "db"),
        *failing(2, "web", "cart", "stock", "db"),
        *failing(3, "web", "audit", "stock", "db"),
        # web calls it directly
        *failing(4, "app", "web", "db"),
    )
    (pattern,) = find_errors(traces).patterns
    assert pattern.propagated_to == (("web", 4), ("stock", 3), ("cart", 2), ("app", 1), ("audit", 1))


def test_origins_with_one_service_and_template_are_one_pattern() -> None:
    def failing(trace: int, row: int, name: str, start: int) -> GivenSpan:
        text = f"row {row} is locked"
        return span("a", start, start + 5, trace=f"{trace}", service="db", name=name, error=True, message=text)

    traces = build(
        failing(1, 17, "UPDATE", 70),
        failing(2, 4, "DELETE", 30),
        failing(3, 8, "UPDATE", 50),
        span("a", 0, 1, trace="4", service="cache", error=True, message="row 9 is locked"),
        span("a", 0, 1, trace="5"),
    )
    database, cache = find_errors(traces).patterns
    assert (database.message, database.count, database.percent) == ("row {id} is locked", 3, 75)
    assert database.operations == ("UPDATE", "DELETE")
    assert (database.first_seen, database.last_seen) == (EPOCH + 30 * US, EPOCH + 70 * US)
    # a message without others of its template is shown unchanged
    assert (cache.service, cache.message) == ("cache", "row 9 is locked")
    assert find_errors(traces).error_rate == 80


def test_patterns_of_one_trace_share_propagated_spans() -> None:
    spans = [span("a", 0, 9, error=True, message="x"), span("b", 0, 9, parent="a", error=True, message="y")]
    spans += [
        span(f"{n}", n, n + 1, parent="b", service="db", error=True, message=text) for n, text in enumerate("ppq", 1)
    ]
    first, second = find_errors(build(*spans)).patterns
    assert (first.template, first.count, first.propagated_to) == ("p", 2, (("api", 2),))
    assert (second.template, second.count, second.propagated_to) == ("q", 1, (("api", 2),))


def test_examples_are_ordered_by_errors_then_by_duration() -> None:
    spans = []
    for trace, (errors, duration) in enumerate([(1, 10), (1, 30), (2, 5), (1, 20), (2, 9), (1, 1), (1, 2)]):
        spans.append(span("a", 0, duration, trace=f"{trace}", error=True, message="x"))
        spans += [span("b", 0, 1, trace=f"{trace}", parent="gone", error=True, message="x")] * (errors > 1)
    assert only(build(*spans)).example_traces == (4, 2, 1, 3, 0)
    assert EXAMPLES == 5


@pytest.mark.parametrize(
    ("sibling", "expected"),
    [
        ({}, True),
        ({"error": True}, False),
        ({"name": "other"}, False),
        ({"service": "other"}, False),
        ({"parent": "b"}, False),
        ({"start": EPOCH + 10 * US}, False),  # parallel
        ({"start": EPOCH + 5 * US}, False),  # earlier
    ],
    ids=str,
)
def test_error_is_retried_if_a_later_sibling_succeeds(sibling: dict[str, object], expected: bool) -> None:
    call = span("c", 10, 20, parent="a", service="db", name="get")
    traces = build(
        span("a", 0, 90),
        span("b", 1, 80, parent="a"),
        call.but(error=True),
        call.but(id="d", start=EPOCH + 30 * US).but(**sibling),
    )
    assert retried(traces)[at(traces, "c")] == expected


def test_all_attempts_before_a_success_are_retried() -> None:
    attempts = [span(f"{n}", 10 * n, 10 * n + 5, parent="a", error=n != 3) for n in range(1, 5)]
    traces = build(span("a", 0, 90), *attempts)
    assert named(traces, retried(traces)) == ["1", "2"]
    assert (only(traces).count, only(traces).retried_count) == (3, 2)


def test_outcome_of_an_orphan_is_unknown() -> None:
    main = span("m", 0, 90)
    traces = build(main, span("a", 0, 9, parent="gone", error=True), span("b", 9, 12, parent="gone"))
    assert not retried(traces).any()
    assert (only(traces).unknown_count, only(traces).swallowed_count) == (1, 0)


def test_error_without_a_message_has_a_pattern() -> None:
    assert only(build(span("a", 0, 9, error=True))).message == NO_MESSAGE


def test_no_errors_give_no_patterns() -> None:
    assert find_errors(build(span("a", 0, 9))).patterns == ()
    nothing = find_errors(build())
    assert (nothing.error_trace_count, nothing.trace_count, nothing.error_rate, nothing.patterns) == (0, 0, 0.0, ())


def test_failure_propagated_through_100_000_levels() -> None:
    traces = build(*(one.but(error=True) for one in chain(100_000)))
    pattern = only(traces)
    assert (pattern.count, pattern.propagated_count) == (1, 99_999)
    assert pattern.spans.tolist() == [99_999]


@unhurried
@given(span_sets())
def test_first_origin_of_a_trace(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    found = roles(traces)
    for trace in range(traces.trace_count):
        origins = [span for span in traces.spans_of(trace) if found[span] == ErrorRole.ORIGIN]
        assert first_origin(traces, trace) == (origins[0] if origins else None)
