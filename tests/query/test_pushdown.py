"""Push-down of queries to servers: searches that never exclude a matching trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.building import GivenSpan, build
from tests.support.strategies import service_sets
from tracetui.model.search import LIMIT, LOOKBACK_NS, Search, describe
from tracetui.model.span import Span, Value
from tracetui.model.traces import TraceSet
from tracetui.query import QueryError, parse
from tracetui.query.pushdown import conjuncts, pushdown
from tracetui.query.trace_filters import Filters, apply, search_of

MS = 1_000_000
NEW_YEAR_NS = 1_704_067_200_000_000_000

PUSHED = {
    "": (Search(), []),
    "service = cart": (Search(service="cart"), []),
    "{ service = cart }": (Search(service="cart"), []),
    "{ service = cart and operation = 'GET /' && span.duration > 5ms AND duration <= 1s }": (
        Search(service="cart", operation="GET /", least_ns=5 * MS, most_ns=1000 * MS),
        [],
    ),
    # two spans may meet these, and a server tests a single one
    "service = cart AND operation = GET": (Search(service="cart"), ["operation = GET"]),
    "operation = GET AND { service = cart AND http.method = GET }": (
        Search(service="cart", attributes={"http.method": "GET"}),
        ["operation = GET"],
    ),
    "root.service = web": (Search(service="web"), ["root.service = web"]),
    "root.service = web AND { operation = charge }": (
        Search(service="web"),
        ["root.service = web", "{ operation = charge }"],
    ),
    "http.status_code = 500": (Search(attributes={"http.status_code": "500"}), []),
    'attr.note = "AND or ) }"': (Search(attributes={"note": "AND or ) }"}), []),
    "resource.host = a": (Search(attributes={"host": "a"}), []),
    # numbers and booleans that may have other spellings
    "attr.n = 5e2": (Search(), ["attr.n = 5e2"]),
    "attr.n = 500.0": (Search(), ["attr.n = 500.0"]),
    "attr.n = '500'": (Search(attributes={"n": "500"}), []),
    "attr.n = 007": (Search(), ["attr.n = 007"]),
    "attr.n = 0.5": (Search(attributes={"n": "0.5"}), []),
    "attr.b = true": (Search(attributes={"b": "true"}), []),
    "attr.b = TRUE": (Search(), ["attr.b = TRUE"]),
    "error": (Search(errors=True), []),
    "status = error": (Search(errors=True), []),
    "{ status = error }": (Search(errors=True), []),
    "error AND service = cart": (Search(service="cart", failed=True), []),
    "{ error AND service = cart }": (Search(service="cart", errors=True), []),
    "error AND { error AND service = cart }": (Search(service="cart", errors=True), []),
    "error = false": (Search(), ["error = false"]),
    "NOT error AND service = cart": (Search(service="cart"), ["NOT error"]),
    "service != cart": (Search(), ["service != cart"]),
    "service =~ ca": (Search(), ["service =~ ca"]),
    "status = ok": (Search(), ["status = ok"]),
    "duration > 500ms": (Search(slower_ns=500 * MS), []),
    "duration >= 500ms": (Search(slower_ns=500 * MS - 1), []),
    "duration >= 0": (Search(), []),
    "duration < 500ms": (Search(), ["duration < 500ms"]),
    "span.duration >= 5ms AND span.duration < 9ms": (Search(least_ns=5 * MS), ["span.duration < 9ms"]),
    "trace.start >= 2024-01-01 AND trace.start < 2024-01-01T00:00:01Z": (
        Search(start_ns=NEW_YEAR_NS, end_ns=NEW_YEAR_NS + 1000 * MS),
        [],
    ),
    "trace.id = 1F AND service = cart": (Search(trace_ids=("1F",), service="cart"), []),
    "service = a OR service = b OR service = a": (Search(services=("a", "b")), []),
    "{ service = a OR service = b } AND error": (Search(services=("a", "b"), failed=True), []),
    "duration > 1s AND (service = a OR service = b)": (Search(slower_ns=1000 * MS, services=("a", "b")), []),
    "(service = a OR service = b) AND attr.k = v": (Search(services=("a", "b")), ["attr.k = v"]),
    "service = c AND (service = a OR service = b)": (Search(service="c"), ["(service = a OR service = b)"]),
    "service = a OR operation = b": (Search(), ["service = a OR operation = b"]),
    # known conditions on one span are sent, the others remain
    "{ service = a AND message =~ x }": (Search(service="a"), ["{ service = a AND message =~ x }"]),
    "{ service = a OR error }": (Search(), ["{ service = a OR error }"]),
    "{ error AND kind = server }": (Search(errors=True), ["{ error AND kind = server }"]),
    "{ service = a } >> { service = b }": (Search(service="b"), ["{ service = a } >> { service = b }"]),
    "{ service = a AND error } >> { kind = client }": (
        Search(service="a", errors=True),
        ["{ service = a AND error } >> { kind = client }"],
    ),
    "{ kind = server } >> { kind = client }": (Search(), ["{ kind = server } >> { kind = client }"]),
    # an exception is usually an event, and most servers do not search these
    "exception.type = KeyError AND service = a": (Search(service="a"), ["exception.type = KeyError"]),
    "{ exception.type = KeyError AND service = a }": (
        Search(service="a"),
        ["{ exception.type = KeyError AND service = a }"],
    ),
    "EXISTS http.method AND service = a": (Search(service="a"), ["EXISTS http.method"]),
}


@pytest.mark.parametrize("text", PUSHED)
def test_sent_and_remaining_conditions(text: str) -> None:
    assert pushdown(text) == PUSHED[text]


def test_invalid_queries_are_rejected() -> None:
    for text in ("service =", "AND", "service = a AND", "servce = a"):
        with pytest.raises(QueryError):
            pushdown(text)


@pytest.mark.parametrize(
    ("filters", "search", "left"),
    [
        (Filters(), Search(), []),
        (Filters(services=("a",)), Search(service="a"), []),
        (Filters(operations=("b",)), Search(operation="b"), []),
        (Filters(services=("a",), operations=("b",)), Search(service="a", operation="b"), []),
        (Filters(services=("a", "c")), Search(services=("a", "c")), []),
        (Filters(services=("a", "c"), operations=("b",)), Search(services=("a", "c")), ["operation b"]),
        (Filters(services=("a",), operations=("b", "c")), Search(service="a"), ["operation b or c"]),
        (Filters(services=("a",), query=parse("operation = b")), Search(service="a"), ["operation = b"]),
        (
            Filters(services=("a", "c"), query=parse("attr.k = v"), errors_only=True),
            Search(services=("a", "c"), failed=True),
            ["attr.k = v"],
        ),
        (
            Filters(services=("a", "c"), query=parse("{ service = b AND error }")),
            Search(service="b", errors=True),
            ["service a or c"],
        ),
        (
            Filters(services=("a",), query=parse("{ service = b AND error }")),
            Search(service="b", errors=True),
            ["service a"],
        ),
        (
            Filters(services=("a",), errors_only=True, query=parse("duration > 1ms"), latency_threshold_ns=2 * MS),
            Search(service="a", failed=True, slower_ns=2 * MS),
            [],
        ),
        (Filters(time_range_ns=5, limit=3), Search(lookback_ns=5, limit=3), []),
    ],
)
def test_searches_of_filters(filters: Filters, search: Search, left: list[str]) -> None:
    assert search_of(filters) == (search, left)


def test_searches_are_described_in_words() -> None:
    search = Search(service="cart", attributes={"a": "b"}, errors=True, slower_ns=5 * MS, least_ns=MS, most_ns=2 * MS)
    assert describe(search) == (
        "service cart, a = b, a span in error, slower than 5ms, a span of 1ms or more, a span of 2ms or less,"
        f" the last 1h, at most {LIMIT}"
    )
    assert describe(Search(trace_ids=("1", "2"), service="a")) == "trace 1, 2"
    assert LOOKBACK_NS == 3_600_000 * MS


# never more conditions than the query has


HELD = (None, 500, 500.0, "500", 0.5, "0.5", True, False, "true", "TRUE", "", "cart")
SPELLINGS: dict[Any, tuple[str, ...]] = {
    500: ("500", "5e2", "500.0", "'500'", "+500"),
    "500": ("500", "5e2", "'500'"),
    0.5: ("0.5", ".5", "5e-1"),
    "0.5": ("0.5", "'0.5'", ".50"),
    True: ("true", "TRUE", "'true'"),
    False: ("false", "False"),
    "true": ("true",),
    "TRUE": ("TRUE",),
    "": ('""',),
    "cart": ("cart", "'cart'"),
}
"""Spellings of a value."""
EPOCH_TIME = "1970-01-01T00:00:00.{:09}Z"


def comparisons_that_hold(draw: st.DrawFn, name: str, held: int, write: str) -> str:
    """Draw a comparison that holds, often at the exact limit."""
    operation = draw(st.sampled_from((">", ">=", "<", "<=", "=")))
    away = draw(st.sampled_from((0, 0, 1, 7))) if operation in (">=", "<=") else {"=": 0}.get(operation, 1)
    value = held - away if operation[0] == ">" else held + away
    return f"{name} {operation} {write.format(max(value, 0))}"


def of_span(draw: st.DrawFn, span: Span) -> str:
    """Draw a condition that the span meets."""
    held = span.attributes.get("n")
    found = [
        f"service = {span.service}",
        f"operation = {span.name}",
        comparisons_that_hold(draw, "span.duration", span.duration_ns, "{}ns"),
        "kind != consumer" if span.kind.name != "CONSUMER" else "kind = consumer",
        "error" if span.error else "error = false",
        "status = error" if span.error else "status != error",
        *(f"{key} = {value!s}" for key, value in span.attributes.items() if "." in key),
        *(f"attr.n = {written}" for written in SPELLINGS.get(held, ()) if held is not None),
    ]
    return draw(st.sampled_from(found))


def of_trace(draw: st.DrawFn, traces: TraceSet, trace: int) -> str:
    """Draw a condition that the trace meets."""
    root = traces.span(int(traces.main_root[trace]))
    found = [
        comparisons_that_hold(draw, "trace.duration", int(traces.trace_duration[trace]), "{}ns"),
        comparisons_that_hold(draw, "trace.response", int(traces.response_time[trace]), "{}ns"),
        comparisons_that_hold(draw, "trace.start", int(traces.trace_start[trace]), EPOCH_TIME),
        f"root.service = {root.service}",
        f"trace.id = {traces.trace_ids[trace]}",
    ]
    # an id makes all others unnecessary
    return draw(st.sampled_from(found[:4] * 3 + found))


@st.composite
def matching_query(draw: st.DrawFn, traces: TraceSet, trace: int) -> str:
    """Draw a query that the trace meets."""
    spans = [traces.span(position) for position in traces.spans_of(trace)]
    parts = []
    kinds = ("span", "braces", "braces", "trace", "services", "below")
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4)):
        span = draw(st.sampled_from(spans))
        if kind == "trace":
            parts.append(of_trace(draw, traces, trace))
        elif kind == "span":
            parts.append(of_span(draw, span).replace("error = false", "span.duration >= 0"))
        elif kind == "services":
            parts.append(f"(service = {draw(st.sampled_from(('mail', 'api', 'db')))} OR service = {span.service})")
        else:
            above = [one for one in spans if one.span_id == span.parent_id] if kind == "below" else []
            together = [
                f"{{ {' AND '.join(of_span(draw, one) for _ in range(draw(st.integers(1, 3))))} }}"
                for one in (*above, span)
            ]
            parts.append(" >> ".join(together))
    return " AND ".join(parts)


@st.composite
def sets(draw: st.DrawFn) -> TraceSet:
    spans = draw(service_sets())
    held = draw(st.lists(st.sampled_from(HELD), min_size=len(spans), max_size=len(spans)))
    return build(*(_values_held(span, value) for span, value in zip(spans, held, strict=True)))


def _values_held(span: GivenSpan, value: Any) -> GivenSpan:
    return span if value is None else span.but(attributes={**span.attributes, "n": value})


def server_finds(search: Search, traces: TraceSet, trace: int) -> bool:
    """Test whether a server that supports all of `search` sends the trace."""
    if search.trace_ids:
        return trace in {traces.find_trace(trace_id) for trace_id in search.trace_ids}
    spans = [traces.span(position) for position in traces.spans_of(trace)]
    start = int(traces.trace_start[trace])
    return (
        (search.start_ns is None or start >= search.start_ns)
        and (search.end_ns is None or start <= search.end_ns)
        and (search.slower_ns is None or int(traces.trace_duration[trace]) > search.slower_ns)
        and (not search.failed or any(span.error for span in spans))
        and any(meets(search, span) for span in spans)
    )


def meets(search: Search, span: Span) -> bool:
    return (
        search.service in ("", span.service)
        and (bool(search.service) or not search.services or span.service in search.services)
        and search.operation in ("", span.name)
        and (not search.errors or span.error)
        and (search.least_ns is None or span.duration_ns >= search.least_ns)
        and (search.most_ns is None or span.duration_ns <= search.most_ns)
        and all(value == as_text(span.attributes.get(key)) for key, value in search.attributes.items())
    )


def as_text(value: Value) -> str | None:
    """Write a value as servers do for comparison, in Go's notation."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else str(value)


@settings(max_examples=80)
@given(sets(), st.data())
def test_no_requested_trace_is_missing(traces: TraceSet, data: st.DataObject) -> None:
    wanted = data.draw(st.integers(0, traces.trace_count - 1))
    text = data.draw(matching_query(traces, wanted))
    for trace in np.flatnonzero(parse(text).matches(traces)).tolist():
        assert server_finds(pushdown(text)[0], traces, trace), text


@settings(max_examples=80)
@given(sets(), st.data())
def test_no_trace_that_filters_keep_is_left_out(traces: TraceSet, data: st.DataObject) -> None:
    wanted = data.draw(st.integers(0, traces.trace_count - 1))
    spans = [traces.span(position) for position in traces.spans_of(wanted)]
    span = data.draw(st.sampled_from(spans))
    filters = Filters(
        services=data.draw(st.sampled_from(((), (span.service,), (span.service, "mail")))),
        operations=data.draw(st.sampled_from(((), (span.name,), (span.name, "list")))),
        latency_threshold_ns=data.draw(st.sampled_from((None, max(int(traces.response_time[wanted]) - 1, 0)))),
        errors_only=data.draw(st.sampled_from((False, any(span.error for span in spans)))),
        query=data.draw(st.sampled_from((None, parse(data.draw(matching_query(traces, wanted)))))),
    )
    search, _ = search_of(filters)
    kept_ids = set(apply(traces, filters).trace_ids)
    found = {traces.trace_ids[trace] for trace in range(traces.trace_count) if server_finds(search, traces, trace)}
    assert kept_ids <= found, search


@given(sets(), st.data())
def test_conjuncts_together_equal_the_query(traces: TraceSet, data: st.DataObject) -> None:
    wanted = data.draw(st.integers(0, traces.trace_count - 1))
    text, other = (data.draw(matching_query(traces, wanted)) for _ in range(2))
    parts = conjuncts(text)
    assert parts is not None
    together = np.logical_and.reduce([parse(part).matches(traces) for part in parts])
    assert together.tolist() == parse(text).matches(traces).tolist()
    assert set(pushdown(text)[1]) <= set(parts)
    assert conjuncts(f"{text} OR {other}") is None
    search, rest = pushdown(f"{text} OR {other}")
    assert rest == [f"{text} OR {other}"] if search == Search() else search.services and not rest


def test_response_time_is_searched_as_duration_and_then_filtered() -> None:
    search, rest = pushdown("trace.response > 100ms AND trace.duration > 90ms")
    assert (search.slower_ns, rest) == (90_000_000, ["trace.response > 100ms"])
    assert pushdown("trace.response < 100ms") == (Search(), ["trace.response < 100ms"])
