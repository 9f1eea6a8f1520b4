"""Queries about services: shared dependencies, differences of callers, text search, neighbours."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.building import US, GivenSpan, build, span
from tests.support.call_reference import ReferenceCall
from tests.support.near import near
from tests.support.service_graphs import (
    LONG,
    ReferenceGraph,
    call_paths,
    distances,
    graph_of,
    graph_of_call,
    hops,
    reverse,
)
from tests.support.strategies import service_sets, unhurried
from tracetui.analysis.dependencies import EdgeNetwork
from tracetui.analysis.latency import Latency, latency
from tracetui.analysis.service_graph import Distance, Target
from tracetui.analysis.service_questions import (
    CallerDifference,
    FoundService,
    Neighbour,
    SharedDependency,
    WordMatch,
    caller_difference,
    find_services,
    neighbours,
    shared_dependencies,
)
from tracetui.model.span import Kind

some = settings(unhurried, max_examples=60)

# --- Shared dependencies --------------------------------------------------------------------------------------------


@some
@given(service_sets(), st.data())
def test_shared_dependencies_equal_reference(spans: list[GivenSpan], data: st.DataObject) -> None:
    graph, plain = graph_of(*spans), ReferenceGraph(build(*spans))
    asked = data.draw(st.lists(st.sampled_from(sorted(plain.names)), max_size=4))
    far = [hops(name, plain.pairs) for name in asked]
    common = {name for name in plain.names if asked and all(name in one for one in far)}
    found = shared_dependencies(graph, asked)
    assert {one.service: one.hops for one in found} == {name: tuple(one[name] for one in far) for name in common}
    assert found == sorted(found, key=lambda one: (sum(one.hops), one.service))


def shared(spans: list[GivenSpan], *names: str) -> dict[str, tuple[int, ...]]:
    return {one.service: one.hops for one in shared_dependencies(graph_of(*spans), names)}


def test_shared_dependencies_have_the_hops_from_each() -> None:
    spans = call_paths("abcd", "xc", "xy")
    assert shared_dependencies(graph_of(*spans), ["a", "x"]) == [
        SharedDependency("c", (2, 1)),
        SharedDependency("d", (3, 2)),
    ]
    assert shared(spans, "x", "a") == {"c": (1, 2), "d": (2, 3)}
    # one service may depend on the other; a service shares everything with itself
    assert shared(spans, "b", "c") == {"c": (1, 0), "d": (2, 1)}
    assert shared(spans, "x") == {"x": (0,), "c": (1,), "y": (1,), "d": (2,)}
    assert shared(spans, "a", "x", "y") == {}
    assert shared(spans) == {}
    # in a cycle every service depends on all
    assert shared(call_paths("abca"), "a", "b") == {"a": (0, 2), "b": (1, 0), "c": (2, 1)}


# --- Differences of callers -----------------------------------------------------------------------------------------


@some
@given(service_sets())
def test_caller_differences_equal_reference(spans: list[GivenSpan]) -> None:
    graph, plain = graph_of(*spans), ReferenceGraph(build(*spans))
    direct = {name: {caller for caller, callee in plain.pairs if callee == name} for name in plain.names}
    every = {name: set(hops(name, reverse(plain.pairs))) - {name} for name in plain.names}
    for a in plain.names:
        for b in plain.names:
            found = caller_difference(graph, a, b)
            far_a, far_b = every[a] - direct[a], every[b] - direct[b]
            assert found == CallerDifference(
                only_a=tuple(sorted(direct[a] - direct[b])),
                both=tuple(sorted(direct[a] & direct[b])),
                only_b=tuple(sorted(direct[b] - direct[a])),
                indirect_only_a=tuple(sorted(far_a - far_b)),
                indirect_both=tuple(sorted(far_a & far_b)),
                indirect_only_b=tuple(sorted(far_b - far_a)),
            )


def test_caller_difference() -> None:
    graph = graph_of(*call_paths("wab", "wcb", "wcd", "xd", "yxd"))
    # callers of b: a and c, indirectly w; of d: c and x, indirectly w and y
    assert caller_difference(graph, "b", "d") == CallerDifference(("a",), ("c",), ("x",), (), ("w",), ("y",))
    # a direct caller of one may be an indirect caller of the other
    assert caller_difference(graph, "b", "a") == CallerDifference(("a", "c"), (), ("w",), ("w",), (), ())
    assert caller_difference(graph, "w", "w") == CallerDifference((), (), (), (), (), ())


# --- Neighbours -----------------------------------------------------------------------------------------------------


@some
@given(service_sets())
def test_neighbours_equal_reference(spans: list[GivenSpan]) -> None:
    graph, plain = graph_of(*spans), ReferenceGraph(build(*spans))
    for target in plain.targets:
        if target.caller:
            continue
        for upstream in (True, False):
            found = neighbours(graph, target, upstream=upstream)
            pairs, sync = plain.pairs, plain.sync_pairs
            if upstream:
                pairs, sync = reverse(pairs), reverse(sync)
            around = distances(target.service, pairs, sync)
            if target.operation:
                around = {name: d for name, d in around.items() if name in seen(plain, target, upstream=upstream)}
            assert {one.service: one.distance for one in found} == around
            order = [(one.distance.hops, -one.calls, one.service) for one in found]
            assert order == sorted(order)
            for one in found:
                pair = (one.service, target.service) if upstream else (target.service, one.service)
                assert one.is_async != one.distance.is_sync
                assert one.inferred == (one.service not in plain.services)
                if one.distance.hops > 1:
                    calls, errors = figures(plain, one.service)
                else:
                    between = [
                        call
                        for call in plain.calls
                        if (call.caller, call.callee) == pair
                        and (not target.operation or with_it(plain, target, call, upstream))
                    ]
                    calls, errors = len(between), sum(call.error for call in between)
                assert (one.calls, one.error_rate) == (calls, near(100 * errors / max(calls, 1)))


def with_it(plain: ReferenceGraph, target: Target, call: ReferenceCall, upstream: bool) -> bool:
    """Return whether a call leads to an operation, or was made by it or by its descendants."""
    own = plain.own(target)
    if upstream:
        return not own.isdisjoint(plain.led_to(call.span))
    return any(call.caller_span in plain.led_to(one) for one in own)


def seen(plain: ReferenceGraph, target: Target, *, upstream: bool) -> set[str]:
    """Return the services observed upstream of an operation, or called by it or by its descendants."""
    own = plain.own(target)
    if upstream:
        return {one.service for one in plain.nodes if not own.isdisjoint(plain.led_to(one))}
    below = {other for one in own for other in plain.led_to(one)}
    return {call.callee for call in plain.calls if call.caller_span in below}


def figures(plain: ReferenceGraph, service: str) -> tuple[int, int]:
    """Return calls and errors of a service or peer."""
    if service in plain.services:
        entries = [one for one in plain.nodes if one.service == service and one.is_entry]
    else:
        entries = [call.span for call in plain.calls if call.callee == service]
    return len(entries), sum(one.error for one in entries)


def test_figures_of_direct_and_indirect_neighbours() -> None:
    spans = [
        span("1", 0, 100, service="web", error=True),
        span("2", 10, 60, service="cart", parent="1", error=True),
        span("3", 20, 50, service="db", parent="2"),
        span("4", 70, 80, service="cart", parent="1"),
        span("5", 81, 82, service="mail", parent="1", kind=Kind.CONSUMER),
    ]
    spans[0] = spans[0].but(kind=Kind.PRODUCER)
    graph = graph_of(*spans)
    near, far = Distance(1, True), Distance(2, True)
    # a call has an error if either half has; a span of no kind is not a half
    assert neighbours(graph, Target("web"), upstream=False) == [
        Neighbour("cart", near, 2, 100.0, of(50, 10), False, False, network=EdgeNetwork(40 * US, 40 * US, 40.0)),
        Neighbour("mail", Distance(1, False), 1, 100.0, of(1), True, False),
        Neighbour("db", far, 1, 0.0, of(30), False, False),
    ]
    assert neighbours(graph, Target("db"), upstream=True) == [
        Neighbour("cart", near, 1, 0.0, of(30), False, False),
        Neighbour("web", far, 1, 100.0, of(100), False, False),
    ]
    assert neighbours(graph, Target("db"), upstream=False) == []


def of(*microseconds: int) -> Latency:
    return latency(np.array(microseconds) * US)


def test_network_time_is_that_of_the_calls_to_the_operation() -> None:
    spans = []
    for number, (operation, length, answer) in enumerate((("x", 100, 98), ("y", 700, 100))):
        ids = [f"{number}{name}" for name in "rcs"]
        spans += [
            span(ids[0], 0, 900, trace=str(number + 1), service="a", kind=Kind.SERVER),
            span(ids[1], 10, 10 + length, trace=str(number + 1), service="a", kind=Kind.CLIENT, parent=ids[0]),
            span(
                ids[2],
                11,
                11 + answer,
                trace=str(number + 1),
                service="b",
                kind=Kind.SERVER,
                parent=ids[1],
                name=operation,
            ),
        ]
    (found,) = neighbours(graph_of(*spans), Target("b", operation="x"), upstream=True)
    assert found.network == EdgeNetwork(2 * US, 2 * US, 2.0)
    (found,) = neighbours(graph_of(*spans), Target("b"), upstream=True)
    assert found.network == EdgeNetwork(301 * US, near(570.1 * US), near(75.25))


def test_latency_joins_synchronous_and_asynchronous_calls() -> None:
    sent = [
        span("1", 0, 100, service="a", kind=Kind.PRODUCER),
        span("2", 10, 20, service="b", kind=Kind.CONSUMER, parent="1"),
        span("3", 10, 20, service="b", kind=Kind.CONSUMER, parent="1", error=True),
        span("4", 10, 90, service="b", parent="1", error=True),
    ]
    # latency of synchronous and asynchronous calls together; network time of synchronous ones only
    network = EdgeNetwork(20 * US, 20 * US, 20.0)
    assert neighbours(graph_of(*sent), Target("a"), upstream=False) == [
        Neighbour(
            "b",
            Distance(1, True),
            3,
            near(200 / 3),
            of(10, 10, 80),
            False,
            False,
            network=network,
        )
    ]


def test_operation_has_only_observed_neighbours() -> None:
    spans = [
        span("1", 0, 99, service="web"),
        span("2", 1, 90, service="cart", name="add", parent="1"),
        span("3", 2, 80, service="cart", kind=Kind.CLIENT, parent="2", attributes={"db.system": "redis"}),
        span("1", 0, 99, trace="2", service="job"),
        span("2", 1, 90, trace="2", service="cart", name="list", parent="1"),
        span("3", 2, 80, trace="2", service="db", parent="2"),
    ]
    graph = graph_of(*spans)

    def names(operation: str, *, upstream: bool) -> list[str]:
        return [one.service for one in neighbours(graph, Target("cart", operation), upstream=upstream)]

    assert (names("add", upstream=True), names("add", upstream=False)) == (["web"], ["redis"])
    assert (names("list", upstream=True), names("list", upstream=False)) == (["job"], ["db"])


# --- Text search ----------------------------------------------------------------------------------------------------


@some
@given(service_sets(), st.sampled_from(["a", "CART", "get", "s", "ip", "redis", "peer.", "=", "zz", "stripe"]))
def test_text_search_equals_reference(spans: list[GivenSpan], word: str) -> None:
    graph, plain = graph_of(*spans), ReferenceGraph(build(*spans))
    sought = word.lower()
    expected: dict[str, Counter[tuple[str, str]]] = {}
    for name in plain.names:
        if sought in name:
            expected.setdefault(name, Counter())["service", name] = figures(plain, name)[0]
    for one in spans:
        if sought in one.name:
            expected.setdefault(one.service, Counter())["operation", one.name] += 1
        else:
            texts = [f"{key}={value}" for key, value in one.attributes.items()]
            for text in texts:
                if sought in text:
                    expected.setdefault(one.service, Counter())["attribute", text] += 1
    found = find_services(graph, word)
    assert {one.service: {(m.what, m.value): m.count for m in one.matched} for one in found} == expected
    rank = ["service", "operation", "attribute"]
    for service in found:
        matched = [(rank.index(m.what), -m.count, m.value) for m in service.matched]
        assert matched == sorted(matched)
    order = [(rank.index(of.matched[0].what), -sum(m.count for m in of.matched), of.service) for of in found]
    assert order == sorted(order)


def test_matches_are_ordered_by_name_operation_attribute() -> None:
    spans = [
        span("1", 0, 99, service="web", name="GET /pay"),
        span("2", 1, 90, service="payment", name="charge", parent="1", resource={"host": "pay-1"}),
        span("3", 2, 80, service="payment", name="charge", parent="2", attributes={"of": "pay"}),
        # a service's own name is not an attribute match
        span("7", 3, 70, service="log", name="write", parent="3", resource={"service.name": "pay-log"}),
        span("4", 3, 70, service="log", name="write", parent="3", attributes={"from": "PAYMENT", "n": 1}),
        span("5", 3, 70, service="log", name="write", parent="3", attributes={"from": "PAYMENT"}),
        span("6", 3, 70, service="log", name="write", parent="3", kind=Kind.CLIENT, attributes={"db.system": "paydb"}),
    ]
    assert find_services(graph_of(*spans), "Pay") == [
        FoundService(
            "payment",
            (
                WordMatch("service", "payment", 1),
                WordMatch("attribute", "host=pay-1", 1),
                WordMatch("attribute", "of=pay", 1),
            ),
        ),
        FoundService("paydb", (WordMatch("service", "paydb", 1),)),
        FoundService("web", (WordMatch("operation", "GET /pay", 1),)),
        FoundService("log", (WordMatch("attribute", "from=PAYMENT", 2), WordMatch("attribute", "db.system=paydb", 1))),
    ]
    assert find_services(graph_of(*spans), "nothing of the kind") == []


def test_five_matches_of_each_kind_are_shown() -> None:
    spans = [span("1", 0, 99, service="api", name="root")]
    for i in range(8):
        for k in range(i + 1):
            spans.append(span(f"{i + 1}{k}", 1, 9, service="api", parent="1", name=f"op-{i}"))
            spans.append(
                span(f"{i + 1}{k + 20}", 1, 9, service="api", parent="1", name="x", attributes={"k": f"op={i}"})
            )
    (found,) = find_services(graph_of(*spans), "op")
    assert [(m.what, m.value, m.count) for m in found.matched] == [
        *(("operation", f"op-{i}", i + 1) for i in (7, 6, 5, 4, 3)),
        *(("attribute", f"k=op={i}", i + 1) for i in (7, 6, 5, 4, 3)),
    ]


# --- Unusual sets ---------------------------------------------------------------------------------------------------


def test_empty_set_has_no_results() -> None:
    graph = graph_of()
    assert (shared_dependencies(graph, []), find_services(graph, "a"), find_services(graph, "")) == ([], [], [])


@pytest.mark.parametrize("names", [("a->b", "c:d"), ("a -> b:c", "-"), (LONG, LONG + "y")])
def test_any_names(names: tuple[str, str]) -> None:
    caller, callee = names
    graph = graph_of_call(caller, callee)
    assert shared_dependencies(graph, [caller, callee]) == [SharedDependency(callee, (1, 0))]
    assert caller_difference(graph, caller, callee).only_b == (caller,)
    assert [one.service for one in neighbours(graph, Target(callee, "get"), upstream=True)] == [caller]
    assert [one.matched[0] for one in find_services(graph, caller)][:1] == [WordMatch("service", caller, 1)]


@settings(unhurried, max_examples=30)
@given(service_sets())
def test_result_is_independent_of_input_order(spans: list[GivenSpan]) -> None:
    other = list(spans)
    random.Random(len(spans)).shuffle(other)
    one, two = graph_of(*spans), graph_of(*other)
    assert shared_dependencies(one, one.names) == shared_dependencies(two, two.names)
    for name in one.names:
        target = Target(name)
        for upstream in (True, False):
            assert neighbours(one, target, upstream=upstream) == neighbours(two, target, upstream=upstream)
    for word in ("e", "t", "r", "get"):
        assert find_services(one, word) == find_services(two, word)
