"""Dependencies: calls, edges, inferred peers, and their figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import US, GivenSpan, build, span
from tests.support.call_reference import ReferenceCall, find, nodes_of, peer_types
from tests.support.service_graphs import WEB, client_span, edge_of, edges
from tests.support.strategies import examples, layered_sets, span_sets, unhurried
from tracetui.analysis.calls import Calls, find_calls
from tracetui.analysis.dependencies import ServiceFigures, find_dependencies
from tracetui.analysis.latency import Latency
from tracetui.model.peers import PeerType
from tracetui.model.span import UNKNOWN_SERVICE, Flag, Kind
from tracetui.model.traces import TraceSet

# --- Reference implementation, span by span -------------------------------------------------------------------------


def same_ids(traces: TraceSet) -> bool:
    return bool((traces.flags & int(Flag.SAME_ID | Flag.SHARED)).any())


def expected_rows(calls: Iterable[ReferenceCall]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            *(call.caller, call.callee, call.is_async, call.error, call.by_link),
            *(call.span.position, call.caller_span.position, call.half.position if call.half else -1),
        )
        for call in calls
    )


@examples(3)
@given(st.one_of(span_sets(), layered_sets()))
def test_calls_equal_reference(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    if same_ids(traces):
        # the order of the input decides which of several spans with one id a link means
        traces = build(*(one.but(links=()) for one in spans))
    calls = find_calls(traces)
    columns = (calls.is_async, calls.error, calls.by_link, calls.span, calls.caller_span, calls.caller_half)
    pairs = (
        (calls.nodes[caller], calls.nodes[callee]) for caller, callee in zip(calls.caller, calls.callee, strict=True)
    )
    found = Counter((*pair, *row) for pair, *row in zip(pairs, *(column.tolist() for column in columns), strict=True))
    nodes = nodes_of(traces)
    expected = find(traces, nodes)
    assert found == expected_rows(expected)
    assert all(caller != callee for caller, callee, *_ in found)
    peers = calls.nodes[calls.first_peer :]
    assert dict(zip(peers, calls.peer_types, strict=True)) == peer_types(expected)
    assert calls.entries.tolist() == [one.position for one in nodes if one.is_entry]
    assert UNKNOWN_SERVICE not in {name for caller, callee, *_ in found for name in (caller, callee)}


def network_totals(traces: TraceSet, calls: Calls) -> dict[int, int]:
    """The network or queue time of each answered call, by its row; of several answers by that of the first."""
    answered = [row for row in range(len(calls.span)) if 0 <= calls.caller_half[row] != calls.span[row]]
    found = {}
    for row in answered:
        half, span = int(calls.caller_half[row]), int(calls.span[row])
        if calls.is_async[row]:
            found[row] = max(int(traces.start[span]) - int(traces.end[half]), 0)
            continue
        same = [other for other in answered if calls.caller_half[other] == half and not calls.is_async[other]]
        if row == min(same, key=lambda other: (int(traces.start[calls.span[other]]), other)):
            spent = sum(int(traces.duration[calls.span[other]]) for other in same)
            found[row] = max(int(traces.duration[half]) - spent, 0)
    return found


@unhurried
@given(span_sets())
def test_figures_equal_their_spans(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    calls = find_calls(traces)
    found = find_dependencies(traces, calls)
    assert sum(edge.call_count for edge in found.edges) == len(calls.span)
    totals = network_totals(traces, calls)
    for edge in found.edges:
        rows = [
            i
            for i in range(len(calls.span))
            if (edge.caller, edge.callee) == (calls.nodes[calls.caller[i]], calls.nodes[calls.callee[i]])
            and edge.is_async == calls.is_async[i]
        ]
        assert (edge.call_count, edge.error_count) == (len(rows), int(calls.error[rows].sum()))
        halves = [(int(calls.caller_half[i]), int(calls.span[i])) for i in rows if calls.caller_half[i] >= 0]
        waited = [int(traces.duration[half]) for half, _ in halves]
        assert edge.caller_p50_ns == (np.quantile(waited, 0.5) if waited else None)
        network = [total for row, total in totals.items() if row in rows]
        if not edge.is_async:
            whole = sum(int(traces.duration[calls.caller_half[row]]) for row in totals if row in rows)
            assert edge.network_share_percent == (pytest.approx(100 * sum(network) / whole) if whole else None)
        assert edge.network_p50_ns == (np.quantile(network, 0.5) if network else None)
        assert edge.network_p95_ns == (np.quantile(network, 0.95) if network else None)
        assert edge.latency.p95_ns == np.quantile([int(traces.duration[calls.span[i]]) for i in rows], 0.95)
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
        if not members:
            # no observed calls: it is the caller of a root
            assert figures.inferred
            assert (figures.call_count, figures.latency) == (0, Latency(0))
            continue
        durations = traces.duration[members]
        assert (figures.call_count, figures.error_count) == (len(members), int(traces.error[members].sum()))
        assert figures.error_rate == 100 * figures.error_count / figures.call_count
        assert figures.latency.mean_ns == pytest.approx(float(np.mean(durations, dtype=np.float64)))
        assert figures.latency.p50_ns == np.quantile(durations, 0.5)
    assert services <= {figures.service for figures in found.services}


# --- Hand-made traces -----------------------------------------------------------------------------------------------


def test_call_counts_once_at_the_callees_entry() -> None:
    spans = [
        WEB,
        client_span(),
        span("d", 20, 80, service="cart", kind=Kind.SERVER, parent="c"),
        span("e", 30, 40, service="cart", parent="d"),
        span("f", 32, 38, service="cart", parent="e"),
    ]
    assert edges(*spans) == {("web", "cart", False): 1}


def test_latency_of_callee_and_caller() -> None:
    edge = edge_of(WEB, client_span(), span("d", 20, 80, service="cart", kind=Kind.SERVER, parent="c"))
    assert (edge.latency.p50_ns, edge.latency.p99_ns, edge.caller_p50_ns) == (60 * US, 60 * US, 80 * US)
    assert not edge.inferred


@pytest.mark.parametrize(("caller", "callee", "errors"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)])
def test_call_fails_if_either_half_fails(caller: int, callee: int, errors: int) -> None:
    half = span("d", 20, 80, service="cart", kind=Kind.SERVER, parent="c", error=bool(callee))
    edge = edge_of(WEB, client_span(error=bool(caller)), half)
    assert (edge.error_count, edge.error_rate) == (errors, 100 * errors)


def test_calls_within_a_service_are_not_edges() -> None:
    spans = [WEB, client_span(), span("d", 20, 80, service="web", kind=Kind.SERVER, parent="c")]
    assert edges(*spans) == {}
    assert edges(WEB, client_span(attributes={"peer.service": "web"})) == {}


def test_call_back_is_a_call() -> None:
    spans = [
        WEB,
        span("d", 20, 80, service="cart", parent="a"),
        span("e", 30, 40, service="web", parent="d"),
        span("f", 32, 38, service="cart", parent="e"),
    ]
    assert edges(*spans) == {("web", "cart", False): 2, ("cart", "web", False): 1}


def test_orphan_has_no_caller() -> None:
    assert edges(WEB, span("d", 20, 80, service="cart", parent="gone")) == {}


@pytest.mark.parametrize(
    ("above", "below", "flags", "is_async"),
    [
        (Kind.PRODUCER, Kind.CONSUMER, Flag.NONE, True),
        (Kind.PRODUCER, Kind.SERVER, Flag.NONE, False),
        (Kind.CLIENT, Kind.CONSUMER, Flag.NONE, False),
        (Kind.CLIENT, Kind.SERVER, Flag.FOLLOWS_FROM, True),
    ],
)
def test_messages_and_follows_from_are_asynchronous_calls(
    above: Kind, below: Kind, flags: Flag, is_async: bool
) -> None:
    callee = span("d", 120, 150, service="mail", kind=below, parent="c", flags=flags)
    assert edges(WEB, client_span().but(kind=above), callee) == {("web", "mail", is_async): 1}


@pytest.mark.parametrize("link", [("A", "c"), ("000a", "C"), ("0000000000000000000000000000000a", "000000000000000c")])
def test_consumer_is_called_by_linked_producers_in_other_traces(link: tuple[str, str]) -> None:
    produced = client_span(trace="a", attributes={"messaging.destination.name": "orders"}).but(kind=Kind.PRODUCER)
    consumed = span("d", 200, 250, trace="b", service="mail", kind=Kind.CONSUMER, links=[link])
    # the message has a consumer, so no queue is inferred
    assert edges(WEB.but(trace="a"), produced, consumed) == {("web", "mail", True): 1}


def test_links_without_a_producer_of_another_service_are_not_calls() -> None:
    produced = client_span().but(kind=Kind.PRODUCER)
    consumed = span(
        "d", 20, 80, service="mail", kind=Kind.CONSUMER, parent="c", links=[("1", "c"), ("1", "ff"), ("9", "c")]
    )
    assert edges(WEB, produced, consumed) == {("web", "mail", True): 1}
    # neither are links of other kinds of spans, or to the service itself
    assert edges(WEB, span("d", 20, 80, service="mail", kind=Kind.SERVER, links=[("1", "a")])) == {}
    assert edges(WEB, span("d", 20, 80, service="web", kind=Kind.CONSUMER, links=[("1", "a")])) == {}


def test_unanswered_client_span_has_an_inferred_peer() -> None:
    query = client_span(attributes={"db.system": "redis", "db.namespace": "0"}, error=True)
    edge = edge_of(WEB, query)
    assert (edge.caller, edge.callee, edge.inferred, edge.is_async) == ("web", "redis:0", True, False)
    assert (edge.latency.p50_ns, edge.caller_p50_ns, edge.error_count) == (80 * US, 80 * US, 1)


def test_answered_client_span_has_no_inferred_peer() -> None:
    called = client_span(attributes={"server.address": "cart.local"})
    assert edges(WEB, called, span("d", 20, 80, service="cart", parent="c")) == {("web", "cart", False): 1}


def test_spans_of_the_caller_are_not_an_answer() -> None:
    called = client_span(attributes={"server.address": "example.org"})
    assert edges(WEB, called, span("d", 20, 80, service="web", parent="c")) == {("web", "example.org", False): 1}


def test_peer_with_the_name_of_a_service_is_that_service() -> None:
    spans = [WEB, client_span(attributes={"peer.service": "cart"}), span("d", 0, 9, trace="2", service="cart")]
    edge = edge_of(*spans)
    assert (edge.callee, edge.inferred) == ("cart", False)
    # the call has no entry span in the service, so its figures are unchanged
    figures = {figures.service: figures for figures in find_dependencies(build(*spans)).services}
    assert (figures["cart"].call_count, figures["cart"].latency.p50_ns) == (1, 9 * US)


def test_nested_client_spans_are_one_call() -> None:
    outer = client_span("c", attributes={"rpc.system": "aws-api", "rpc.service": "S3"})
    inner = client_span("d", parent="c", attributes={"server.address": "s3.example.org"})
    assert edges(WEB, outer, inner) == {("web", "S3", False): 1}


def test_message_without_a_consumer_is_a_call_to_its_queue() -> None:
    sent = client_span(attributes={"messaging.destination.name": "orders"}).but(kind=Kind.PRODUCER)
    assert edges(WEB, sent) == {("web", "orders", True): 1}


@pytest.mark.parametrize("kind", [Kind.INTERNAL, Kind.UNSPECIFIED])
def test_span_of_no_kind_calls_its_database(kind: Kind) -> None:
    query = client_span("d", attributes={"db.system": "redis"}).but(kind=kind)
    assert edges(WEB, query) == {("web", "redis", False): 1}
    # but not a span with children
    assert edges(WEB, query, client_span("e", parent="d")) == {}


def test_figures_of_services_are_their_entry_spans() -> None:
    spans = [WEB, client_span(attributes={"db.system": "redis"})]
    for number, duration in enumerate((10, 20, 30, 40)):
        failed = number == 3
        spans.append(span(f"d{number}", 0, duration, service="cart", parent="a", error=failed))
        spans.append(span(f"e{number}", 0, 9, service="cart", parent=f"d{number}", error=True))
    cart, redis, web = find_dependencies(build(*spans)).services
    assert (cart.service, cart.call_count, cart.error_count, cart.error_rate) == ("cart", 4, 1, 25)
    # interpolated: 0.5 between 20 and 30; 0.85 and 0.97 between 30 and 40
    found = cart.latency
    assert (found.mean_ns, found.p50_ns, found.p95_ns, found.p99_ns) == pytest.approx((25_000, 25_000, 38_500, 39_700))
    assert redis == ServiceFigures("redis", True, 1, 0, Latency(1, *[80 * US] * 6), PeerType.CACHE)
    assert (web.service, web.inferred, web.call_count, web.latency.p99_ns) == ("web", False, 1, 100 * US)


def test_empty_set_has_no_services() -> None:
    found = find_dependencies(build())
    assert (found.services, found.edges) == ((), ())


def test_service_without_selected_spans_is_a_peer() -> None:
    traces = build(
        span("1", 0, 90, trace="1", service="web", kind=Kind.CLIENT, attributes={"peer.service": "cart"}),
        span("2", 0, 50, trace="2", service="cart"),
    )
    found = find_dependencies(traces.select(np.array([0])))
    assert [(figures.service, figures.inferred) for figures in found.services] == [("cart", True), ("web", False)]
    assert [(edge.caller, edge.callee, edge.inferred) for edge in found.edges] == [("web", "cart", True)]


def test_span_without_an_end_is_a_call_without_latency() -> None:
    traces = build(
        span("1", 0, 100, service="web", kind=Kind.SERVER),
        span("2", 0, 40, service="back", parent="1", kind=Kind.SERVER),
        span("3", 50, 0, service="back", parent="1", kind=Kind.SERVER, flags=Flag.NO_DURATION),
        span("4", 60, 0, service="mute", parent="1", kind=Kind.SERVER, flags=Flag.NO_DURATION),
    )
    found = find_dependencies(traces)
    back, mute, _ = found.services
    assert (back.call_count, back.latency.p50_ns, back.latency.p99_ns, back.latency.mean_ns) == (2, 40e3, 40e3, 40e3)
    assert (back.latency.count, back.latency.small_sample_range) == (1, (40_000, 40_000))
    assert (mute.call_count, mute.latency) == (1, Latency(0))
    calls = [(edge.callee, edge.call_count, edge.latency.count, edge.latency.p50_ns) for edge in found.edges]
    assert calls == [("back", 2, 1, 40e3), ("mute", 1, 0, None)]
