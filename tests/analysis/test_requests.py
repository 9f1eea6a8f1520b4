"""Request spans, failed requests and asynchronous steps."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.support.building import GivenSpan, at, build, span
from tests.support.strategies import chain, fan, span_sets, unhurried
from tracetui.analysis.error_causes import async_steps
from tracetui.analysis.requests import explicit_ok, failed_requests, request_spans
from tracetui.model.span import Flag, Kind, Status
from tracetui.model.traces import TraceSet

C, S, INTERNAL, P, Q = Kind.CLIENT, Kind.SERVER, Kind.INTERNAL, Kind.PRODUCER, Kind.CONSUMER


def _path(traces: TraceSet, one: int) -> list[int]:
    """Return the span and its ancestors, upwards."""
    path = [one]
    while (one := int(traces.parent[one])) >= 0:
        path.append(one)
    return path


def _expected_request(traces: TraceSet, trace: int) -> int:
    root = int(traces.main_root[trace])
    if traces.kind[root] in (S, Q) or traces.error[root] or traces.status[root] == Status.OK:
        return root
    below = [one for one in traces.spans_of(trace) if one != root and root in _path(traces, one)]
    servers = [one for one in below if traces.kind[one] == S]
    least = min((len(_path(traces, one)) for one in servers), default=0)
    nearest = [one for one in servers if len(_path(traces, one)) == least]
    return nearest[0] if len(nearest) == 1 else root


@unhurried
@given(span_sets())
def test_request_spans_equal_the_definition(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    expected = [_expected_request(traces, trace) for trace in range(traces.trace_count)]
    assert request_spans(traces).tolist() == expected
    assert failed_requests(traces).tolist() == [bool(traces.error[_path(traces, one)].any()) for one in expected]


@unhurried
@given(span_sets())
def test_step_is_asynchronous_by_kinds_or_reference(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    expected = [
        parent >= 0
        and ((traces.kind[parent] == P and traces.kind[one] == Q) or bool(traces.flags[one] & Flag.FOLLOWS_FROM))
        for one, parent in enumerate(traces.parent.tolist())
    ]
    assert async_steps(traces).tolist() == expected


@pytest.mark.parametrize(
    ("root", "request_span"),
    [
        ({"kind": INTERNAL}, "c"),
        ({"kind": C}, "c"),
        ({"kind": P}, "c"),
        ({"kind": Kind.UNSPECIFIED}, "c"),
        ({"kind": S}, "a"),
        ({"kind": Q}, "a"),
        ({"kind": INTERNAL, "error": True}, "a"),
        ({"kind": INTERNAL, "status": Status.OK}, "a"),
    ],
)
def test_request_span_is_the_only_nearest_server_below_a_root_without_status(
    root: dict[str, object], request_span: str
) -> None:
    traces = build(
        span("a", 0, 90).but(**root),
        span("b", 5, 80, parent="a", kind=C),
        span("c", 10, 70, parent="b", kind=S),
        span("d", 20, 60, parent="c", kind=C),
        span("e", 20, 60, parent="d", kind=S),
    )
    assert request_spans(traces).tolist() == [at(traces, request_span)]


def test_two_nearest_servers_give_no_request_span() -> None:
    calls = [span(f"{n}", 10 * n, 10 * n + 5, parent="a", kind=S, error=True) for n in (1, 2)]
    traces = build(span("a", 0, 90), *calls)
    assert (request_spans(traces).tolist(), failed_requests(traces).tolist()) == ([0], [False])


@pytest.mark.parametrize(("error", "failed"), [("a", True), ("b", True), ("c", True), ("d", False), ("x", False)])
def test_request_fails_by_an_error_between_its_span_and_the_root(error: str, failed: bool) -> None:
    spans = [
        span("a", 0, 90, kind=INTERNAL),
        span("b", 5, 80, parent="a", kind=C),
        span("c", 10, 70, parent="b", kind=S),
        span("d", 20, 60, parent="c", kind=C),
        span("x", 20, 60, parent="gone", kind=S),
    ]
    traces = build(*(one.but(error=one.id == error) for one in spans))
    assert failed_requests(traces).tolist() == [failed]


def test_span_is_explicitly_ok_only_by_its_status() -> None:
    traces = build(span("a", 0, 9, status=Status.OK), span("b", 1, 9, parent="a"), span("c", 2, 9, error=True))
    assert explicit_ok(traces).tolist() == [True, False, False]


def test_large_and_empty_sets() -> None:
    assert request_spans(build()).tolist() == []
    assert failed_requests(build()).tolist() == []
    assert async_steps(build()).tolist() == []
    deep = chain(100_000)
    deep[-1] = deep[-1].but(kind=S, error=True)
    assert request_spans(build(*deep)).tolist() == [99_999]
    assert failed_requests(build(*deep)).tolist() == [True]
    wide = [one.but(kind=S if one.parent else INTERNAL, error=bool(one.parent)) for one in fan(100_000)]
    assert failed_requests(build(*wide)).tolist() == [False]
