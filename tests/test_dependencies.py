"""Who calls whom: calls, the edges they make, the peers inferred from them, and the figures of each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tests.building import US, GivenSpan, build, span
from tests.strategies import span_sets, unhurried
from tracetui.analysis.dependencies import Edge, ServiceFigures, find_calls, find_dependencies
from tracetui.model.peers import peer_name
from tracetui.model.span import Kind, Mark
from tracetui.model.traces import TraceSet

Call = tuple[str, str, bool, int]
"""Caller, callee, whether it is asynchronous, and the callee's span (for an inferred peer the caller's)."""


# --- The definition, span by span -----------------------------------------------------------------------------------


def _direct_calls(traces: TraceSet) -> list[Call]:
    found = {}
    for one in range(len(traces)):
        service = traces.service_name(one)
        entry = one
        while (above := int(traces.parent[entry])) >= 0 and traces.service_name(above) == service:
            entry = above
        # whichever span of the callee is asked, the call is its entry span's, and counts once
        if above >= 0:
            pair = Kind(int(traces.kind[above])), Kind(int(traces.kind[entry]))
            is_async = pair == (Kind.PRODUCER, Kind.CONSUMER) or bool(traces.marks[entry] & Mark.FOLLOWS_FROM)
            found[entry] = traces.service_name(above), service, is_async, entry
    return list(found.values())


def _link_calls(traces: TraceSet) -> list[tuple[int, int]]:
    found = []
    for one in range(len(traces)):
        for link in traces.links(one) if traces.kind[one] == Kind.CONSUMER else []:
            trace = traces.find_trace(link.trace_id) if link.trace_id else int(traces.trace[one])
            key = int(link.span_id or "0", 16) if len(link.span_id) <= 16 and link.span_id != "span-5" else None
            for other in traces.spans_of(trace) if trace is not None else ():
                if traces.span_id(other) == link.span_id or int(traces.key[other]) == key:
                    if other != traces.parent[one] and traces.service_name(other) != traces.service_name(one):
                        found.append((other, one))
                    break
    return found


def _peer_calls(traces: TraceSet, linked: set[int]) -> list[Call]:
    found = []
    for one in range(len(traces)):
        kind = Kind(int(traces.kind[one]))
        service = traces.service_name(one)
        attributes = traces.attributes(one)
        children = [child for child in range(len(traces)) if traces.parent[child] == one]
        outgoing = kind in (Kind.CLIENT, Kind.PRODUCER)
        if any(traces.service_name(child) != service for child in children) or one in linked:
            continue
        if any(traces.kind[child] in (Kind.CLIENT, Kind.PRODUCER) for child in children):
            continue
        queries = kind in (Kind.INTERNAL, Kind.UNSPECIFIED) and not children and "db.system" in attributes
        name = peer_name(kind, attributes) if outgoing or queries else None
        if name is not None and name != service:
            found.append((service, name, kind == Kind.PRODUCER, one))
    return found


def expected_calls(traces: TraceSet) -> list[Call]:
    linked = _link_calls(traces)
    by_link = [(traces.service_name(a), traces.service_name(b), True, b) for a, b in linked]
    return _direct_calls(traces) + by_link + _peer_calls(traces, {a for a, _ in linked})


def same_ids(traces: TraceSet) -> bool:
    return bool((traces.marks & int(Mark.SAME_ID | Mark.SHARED)).any())


@unhurried
@given(span_sets())
def test_calls_are_those_of_the_definition(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    if same_ids(traces):
        # which of several spans a link means is a matter of the input's order
        traces = build(*(one.but(links=()) for one in spans))
    calls = find_calls(traces)
    found = Counter(
        (calls.nodes[caller], calls.nodes[callee], bool(is_async), int(one))
        for caller, callee, is_async, one in zip(calls.caller, calls.callee, calls.is_async, calls.span, strict=True)
    )
    assert found == Counter(expected_calls(traces))
    assert all(caller != callee for caller, callee, *_ in found)


@unhurried
@given(span_sets())
def test_figures_are_those_of_the_spans_behind_them(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    calls = find_calls(traces)
    found = find_dependencies(traces, calls)
    assert sum(edge.call_count for edge in found.edges) == len(calls.span)
    for edge in found.edges:
        rows = [
            i
            for i in range(len(calls.span))
            if (edge.caller, edge.callee) == (calls.nodes[calls.caller[i]], calls.nodes[calls.callee[i]])
            and edge.is_async == calls.is_async[i]
        ]
        either = [bool(traces.error[calls.span[i]] or traces.error[calls.caller_span[i]]) for i in rows]
        assert (edge.call_count, edge.error_count) == (len(rows), sum(either))
        assert edge.p95_ns == np.quantile([int(traces.duration[calls.span[i]]) for i in rows], 0.95)
    services = {traces.service_name(i) for i in range(len(traces))}
    for figures in found.services:
        if figures.inferred:
            assert figures.service not in services
            members = [
                int(i) for i, n in zip(calls.span, calls.callee, strict=True) if calls.nodes[n] == figures.service
            ]
        else:
            members = [
                i
                for i in range(len(traces))
                if traces.service_name(i) == figures.service
                and (traces.parent[i] < 0 or traces.service_name(int(traces.parent[i])) != figures.service)
            ]
        durations = traces.duration[members]
        assert (figures.call_count, figures.error_count) == (len(members), int(traces.error[members].sum()))
        assert figures.error_rate == 100 * figures.error_count / figures.call_count
        assert figures.mean_ns == pytest.approx(float(np.mean(durations, dtype=np.float64)))
        assert figures.p50_ns == np.quantile(durations, 0.5)
    assert services <= {figures.service for figures in found.services}


# --- By hand --------------------------------------------------------------------------------------------------------


def edges(*spans: GivenSpan) -> dict[tuple[str, str, bool], int]:
    """(caller, callee, async) -> calls."""
    found = find_dependencies(build(*spans)).edges
    return {(edge.caller, edge.callee, edge.is_async): edge.call_count for edge in found}


def edge_of(*spans: GivenSpan) -> Edge:
    (edge,) = find_dependencies(build(*spans)).edges
    return edge


def client(span_id: str = "c", parent: str = "a", **rest: Any) -> GivenSpan:
    return span(span_id, 10, 90, service="web", kind=Kind.CLIENT, parent=parent, **rest)


WEB = span("a", 0, 100, service="web", kind=Kind.SERVER)


def test_a_call_counts_once_at_the_callees_entry() -> None:
    spans = [
        WEB,
        client(),
        span("d", 20, 80, service="cart", kind=Kind.SERVER, parent="c"),
        span("e", 30, 40, service="cart", parent="d"),
        span("f", 32, 38, service="cart", parent="e"),
    ]
    assert edges(*spans) == {("web", "cart", False): 1}


def test_latency_is_the_callees_and_the_callers_stands_beside_it() -> None:
    edge = edge_of(WEB, client(), span("d", 20, 80, service="cart", kind=Kind.SERVER, parent="c"))
    assert (edge.p50_ns, edge.p99_ns, edge.caller_p50_ns) == (60 * US, 60 * US, 80 * US)
    assert not edge.inferred


@pytest.mark.parametrize(("caller", "callee", "errors"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)])
def test_a_call_fails_when_either_half_does(caller: int, callee: int, errors: int) -> None:
    half = span("d", 20, 80, service="cart", kind=Kind.SERVER, parent="c", error=bool(callee))
    edge = edge_of(WEB, client(error=bool(caller)), half)
    assert (edge.error_count, edge.error_rate) == (errors, 100 * errors)


def test_calls_within_a_service_are_no_edges() -> None:
    spans = [WEB, client(), span("d", 20, 80, service="web", kind=Kind.SERVER, parent="c")]
    assert edges(*spans) == {}
    assert edges(WEB, client(attributes={"peer.service": "web"})) == {}


def test_a_service_called_back_is_called_again() -> None:
    spans = [
        WEB,
        span("d", 20, 80, service="cart", parent="a"),
        span("e", 30, 40, service="web", parent="d"),
        span("f", 32, 38, service="cart", parent="e"),
    ]
    assert edges(*spans) == {("web", "cart", False): 2, ("cart", "web", False): 1}


def test_an_orphan_is_called_by_nobody() -> None:
    assert edges(WEB, span("d", 20, 80, service="cart", parent="gone")) == {}


@pytest.mark.parametrize(
    ("above", "below", "marks", "is_async"),
    [
        (Kind.PRODUCER, Kind.CONSUMER, Mark.NONE, True),
        (Kind.PRODUCER, Kind.SERVER, Mark.NONE, False),
        (Kind.CLIENT, Kind.CONSUMER, Mark.NONE, False),
        (Kind.CLIENT, Kind.SERVER, Mark.FOLLOWS_FROM, True),
    ],
)
def test_messages_and_followers_are_called_asynchronously(
    above: Kind, below: Kind, marks: Mark, is_async: bool
) -> None:
    callee = span("d", 120, 150, service="mail", kind=below, parent="c", marks=marks)
    assert edges(WEB, client().but(kind=above), callee) == {("web", "mail", is_async): 1}


@pytest.mark.parametrize("link", [("A", "c"), ("000a", "C"), ("0000000000000000000000000000000a", "000000000000000c")])
def test_a_consumer_is_called_by_whom_it_links_to_across_traces(link: tuple[str, str]) -> None:
    produced = client(trace="a", attributes={"messaging.destination.name": "orders"}).but(kind=Kind.PRODUCER)
    consumed = span("d", 200, 250, trace="b", service="mail", kind=Kind.CONSUMER, links=[link])
    # and as the message was answered for, no queue is inferred
    assert edges(WEB.but(trace="a"), produced, consumed) == {("web", "mail", True): 1}


def test_links_that_lead_nowhere_new_are_no_calls() -> None:
    produced = client().but(kind=Kind.PRODUCER)
    consumed = span(
        "d", 20, 80, service="mail", kind=Kind.CONSUMER, parent="c", links=[("1", "c"), ("1", "ff"), ("9", "c")]
    )
    assert edges(WEB, produced, consumed) == {("web", "mail", True): 1}
    # nor is a link of another kind of span, or to the service itself
    assert edges(WEB, span("d", 20, 80, service="mail", kind=Kind.SERVER, links=[("1", "a")])) == {}
    assert edges(WEB, span("d", 20, 80, service="web", kind=Kind.CONSUMER, links=[("1", "a")])) == {}


def test_a_client_that_nobody_answers_has_an_inferred_peer() -> None:
    query = client(attributes={"db.system": "redis", "db.namespace": "0"}, error=True)
    edge = edge_of(WEB, query)
    assert (edge.caller, edge.callee, edge.inferred, edge.is_async) == ("web", "redis:0", True, False)
    assert (edge.p50_ns, edge.caller_p50_ns, edge.error_count) == (80 * US, 80 * US, 1)


def test_a_client_that_is_answered_has_none() -> None:
    called = client(attributes={"server.address": "cart.local"})
    assert edges(WEB, called, span("d", 20, 80, service="cart", parent="c")) == {("web", "cart", False): 1}


def test_spans_of_its_own_service_are_no_answer() -> None:
    called = client(attributes={"server.address": "example.org"})
    assert edges(WEB, called, span("d", 20, 80, service="web", parent="c")) == {("web", "example.org", False): 1}


def test_a_peer_that_is_a_known_service_is_that_service() -> None:
    spans = [WEB, client(attributes={"peer.service": "cart"}), span("d", 0, 9, trace="2", service="cart")]
    edge = edge_of(*spans)
    assert (edge.callee, edge.inferred) == ("cart", False)
    # the call is no entry span of the service: its figures are its own
    figures = {figures.service: figures for figures in find_dependencies(build(*spans)).services}
    assert (figures["cart"].call_count, figures["cart"].p50_ns) == (1, 9 * US)


def test_client_spans_within_one_another_are_one_call() -> None:
    outer = client("c", attributes={"rpc.system": "aws-api", "rpc.service": "S3"})
    inner = client("d", parent="c", attributes={"server.address": "s3.example.org"})
    assert edges(WEB, outer, inner) == {("web", "s3.example.org", False): 1}


def test_a_message_that_nobody_consumes_goes_to_its_queue() -> None:
    sent = client(attributes={"messaging.destination.name": "orders"}).but(kind=Kind.PRODUCER)
    assert edges(WEB, sent) == {("web", "orders", True): 1}


@pytest.mark.parametrize("kind", [Kind.INTERNAL, Kind.UNSPECIFIED])
def test_a_span_of_no_kind_calls_the_database_that_it_names(kind: Kind) -> None:
    query = client("d", attributes={"db.system": "redis"}).but(kind=kind)
    assert edges(WEB, query) == {("web", "redis", False): 1}
    # but not one that only wraps others, nor any other peer
    assert edges(WEB, query, client("e", parent="d")) == {}
    assert edges(WEB, query.but(attributes={"peer.service": "stripe"})) == {}


def test_figures_of_services_are_their_entry_spans() -> None:
    spans = [WEB, client(attributes={"db.system": "redis"})]
    for number, duration in enumerate((10, 20, 30, 40)):
        failed = number == 3
        spans.append(span(f"d{number}", 0, duration, service="cart", parent="a", error=failed))
        spans.append(span(f"e{number}", 0, 9, service="cart", parent=f"d{number}", error=True))
    cart, redis, web = find_dependencies(build(*spans)).services
    assert (cart.service, cart.call_count, cart.error_count, cart.error_rate) == ("cart", 4, 1, 25)
    # half of the way from 20 to 30; 0.85 and 0.97 of the way from 30 to 40
    assert (cart.mean_ns, cart.p50_ns, cart.p95_ns, cart.p99_ns) == pytest.approx((25_000, 25_000, 38_500, 39_700))
    assert redis == ServiceFigures("redis", True, 1, 0, *[80 * US] * 4)
    assert (web.service, web.inferred, web.call_count, web.p99_ns) == ("web", False, 1, 100 * US)


def test_no_traces_have_no_services() -> None:
    found = find_dependencies(build())
    assert (found.services, found.edges) == ((), ())


def test_a_service_without_a_span_left_is_a_peer() -> None:
    traces = build(
        span("1", 0, 90, trace="1", service="web", kind=Kind.CLIENT, attributes={"peer.service": "cart"}),
        span("2", 0, 50, trace="2", service="cart"),
    )
    found = find_dependencies(traces.select(np.array([0])))
    assert [(figures.service, figures.inferred) for figures in found.services] == [("cart", True), ("web", False)]
    assert [(edge.caller, edge.callee, edge.inferred) for edge in found.edges] == [("web", "cart", True)]
