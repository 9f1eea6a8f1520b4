"""Call chains between services: hand-made traces, and comparison with a search from parent to parent."""

from __future__ import annotations

import random
from statistics import median

import pytest
from hypothesis import given, settings

from tests.support.building import US, GivenSpan, build, span
from tests.support.call_reference import ReferenceCall
from tests.support.near import near
from tests.support.service_graphs import LONG, ReferenceGraph, call_pairs, call_paths, graph_of, graph_of_call, hops
from tests.support.strategies import service_sets, unhurried
from tracetui.analysis.call_chains import CallChain, CallChains, call_chains
from tracetui.analysis.service_graph import Target
from tracetui.model.span import Kind

some = settings(unhurried, max_examples=40)

# --- Reference implementation, call by call -------------------------------------------------------------------------


def arrives(call: ReferenceCall, plain: ReferenceGraph, end: Target) -> bool:
    if call.callee != end.service or (end.caller and call.caller != end.caller):
        return False
    if not end.operation:
        return True
    # some span of the operation is in the part of the trace below the call
    own = plain.own(end)
    return any(call.span in one.part for one in own)


def expected_chains(
    plain: ReferenceGraph, begin: Target, end: Target
) -> dict[tuple[str, ...], set[tuple[ReferenceCall, ReferenceCall]]]:
    """Return the services of each chain, with its last and first calls."""
    starts = plain.own(begin)
    found: dict[tuple[str, ...], set[tuple[ReferenceCall, ReferenceCall]]] = {}
    for last in plain.calls:
        if not arrives(last, plain, end):
            continue
        followed: set[ReferenceCall] = set()
        level: set[tuple[ReferenceCall, tuple[str, ...]]] = {(last, (end.service,))}
        while level:
            above = set()
            for call, way in level:
                part = call.caller_span.part
                if call.caller == begin.service and (call.by_peer or not starts.isdisjoint(part)):
                    found.setdefault((call.caller, *way), set()).add((last, call))
                    continue
                # a calling peer has no callers
                if not call.by_peer:
                    above |= {(c, (call.caller, *way)) for c in plain.calls if c.span in part and not c.outward}
            # a link is followed once
            followed |= {call for call, _ in level if call.by_link}
            level = {(call, way) for call, way in above if call not in followed}
    return found


@some
@given(service_sets())
def test_observed_chains_follow_parents(spans: list[GivenSpan]) -> None:
    graph, plain = graph_of(*spans), ReferenceGraph(build(*spans))
    chance = random.Random(len(spans))
    for end in plain.targets:
        for begin in chance.sample(plain.targets, min(6, len(plain.targets))):
            found = call_chains(graph, begin, end)
            assert (found.begin, found.end) == (begin.name, end.name)
            expected = {
                way: (
                    len({last.span.trace for last, _ in pairs}),
                    len(pairs),
                    near(median((first.half or first.caller_span).duration for _, first in pairs)),
                )
                for way, pairs in expected_chains(plain, begin, end).items()
            }
            observed = found.observed
            assert {
                chain.services: (chain.trace_count, chain.call_count, chain.p50_ns) for chain in observed
            } == expected
            order = [(-chain.trace_count, len(chain.services), chain.services) for chain in observed]
            assert order == sorted(order)
            for chain in found.possible:
                assert chain == CallChain(chain.services)
                assert chain.services not in expected
                assert (chain.services[0], chain.services[-1]) == (begin.service, end.service)
                assert {*zip(chain.services, chain.services[1:], strict=False)} <= plain.pairs
                if end.caller:
                    assert chain.services[-2] == end.caller
                assert len(chain.services) - 1 == (
                    1 + hops(begin.service, plain.pairs)[end.caller]
                    if end.caller
                    else hops(begin.service, plain.pairs)[end.service]
                )


@some
@given(service_sets())
def test_result_is_independent_of_input_order(spans: list[GivenSpan]) -> None:
    other = list(spans)
    random.Random(len(spans)).shuffle(other)
    one, two = graph_of(*spans), graph_of(*other)
    for begin in one.names:
        for end in one.names:
            ways = (Target(begin), Target(end))
            assert call_chains(one, *ways) == call_chains(two, *ways)


@some
@given(call_pairs())
def test_possible_chains_are_the_shortest_ones(ways: list[str]) -> None:
    # every call is a trace of its own, so no longer chain was observed
    graph, pairs = graph_of(*call_paths(*ways)), {(way[0], way[1]) for way in ways}
    for begin in graph.names:
        far = hops(begin, pairs)
        for end in graph.names:
            shortest: list[tuple[str, ...]] = [(begin,)]
            for _ in range(far.get(end, 0)):
                shortest = [(*way, b) for way in shortest for a, b in pairs if a == way[-1]]
            shortest = [way for way in shortest if way[-1] == end and len(way) > 2]
            found = call_chains(graph, Target(begin), Target(end)).possible
            assert [chain.services for chain in found] == sorted(shortest)[:10]


# --- Hand-made traces -----------------------------------------------------------------------------------------------


def chains(begin: str, end: str, *spans: GivenSpan) -> CallChains:
    graph = graph_of(*spans)
    return call_chains(graph, graph.target(begin), graph.target(end))


def observed_figures(begin: str, end: str, *spans: GivenSpan) -> dict[str, tuple[int, int, float]]:
    """Return trace count, call count, and median in microseconds of each observed chain."""
    found = chains(begin, end, *spans).observed
    return {" ".join(one.services): (one.trace_count, one.call_count, (one.p50_ns or 0) / US) for one in found}


def test_chains_are_counted_and_timed() -> None:
    spans = [
        # web 0-100 > cart 10-90 > db twice; web > db; and the first chain again, slower
        span("1", 0, 100, trace="1", service="web"),
        span("2", 10, 90, trace="1", service="cart", parent="1"),
        span("3", 20, 30, trace="1", service="db", parent="2"),
        span("4", 40, 60, trace="1", service="db", parent="2"),
        span("5", 95, 99, trace="1", service="db", parent="1"),
        span("1", 0, 300, trace="2", service="web"),
        span("2", 10, 290, trace="2", service="cart", parent="1"),
        span("3", 20, 30, trace="2", service="db", parent="2"),
    ]
    # durations of the first call, made by web: 100, 100, 300
    assert observed_figures("web", "db", *spans) == {"web cart db": (2, 3, 100), "web db": (1, 1, 100)}
    assert observed_figures("cart", "db", *spans) == {"cart db": (2, 3, 80)}
    assert observed_figures("web", "cart", *spans) == {"web cart": (2, 2, 200)}
    assert observed_figures("db", "web", *spans) == {}
    found = chains("web", "db", *spans)
    assert found.possible == ()
    assert found == CallChains(
        "web", "db", (CallChain(("web", "cart", "db"), 2, 3, 100 * US), CallChain(("web", "db"), 1, 1, 100 * US)), ()
    )


def test_first_call_is_timed_by_the_callers_span() -> None:
    spans = [
        span("1", 0, 100, service="web"),
        span("2", 10, 80, service="web", kind=Kind.CLIENT, parent="1"),
        span("3", 20, 60, service="db", parent="2"),
    ]
    assert observed_figures("web", "db", *spans) == {"web db": (1, 1, 70)}


def test_service_that_calls_itself_is_listed_once() -> None:
    assert observed_figures("a", "x", *call_paths("aabbax")) == {"a x": (1, 1, 91)}
    assert observed_figures("b", "x", *call_paths("aabbbax")) == {"b a x": (1, 1, 91)}


def test_chain_begins_at_the_nearest_span_of_its_service() -> None:
    spans = call_paths("abax")
    assert observed_figures("a", "x", *spans) == {"a x": (1, 1, 95)}
    assert observed_figures("b", "x", *spans) == {"b a x": (1, 1, 97)}
    # from a service to itself: the cycle
    assert observed_figures("a", "a", *spans) == {"a b a": (1, 1, 99)}
    assert chains("a", "a", *spans).possible == ()


def test_observed_paths_come_before_possible_ones() -> None:
    spans = call_paths("abd", "acd", "ac", "ax", "xd", "abcd")
    found = chains("a", "d", *spans)
    assert [chain.services for chain in found.observed] == [tuple("abd"), tuple("acd"), tuple("abcd")]
    # a > x > d was never observed
    assert found.possible == (CallChain(tuple("axd")),)
    assert chains("d", "a", *spans) == CallChains("d", "a", (), ())


def test_at_most_ten_possible_paths_are_listed() -> None:
    middle = "bcdefghijklmno"
    spans = call_paths(*("a" + name for name in middle), *(name + "z" for name in middle))
    found = chains("a", "z", *spans)
    assert [chain.services[1] for chain in found.possible] == list(middle[:10])


def test_chains_between_operations() -> None:
    spans = [
        span("1", 0, 100, service="web", name="buy"),
        span("2", 10, 90, service="cart", name="add", parent="1"),
        span("3", 20, 80, service="cart", name="inner", parent="2"),
        span("4", 30, 70, service="db", name="put", parent="3"),
        span("5", 31, 60, service="db", name="log", parent="4"),
        span("1", 0, 50, trace="2", service="web", name="look"),
        span("2", 10, 40, trace="2", service="cart", name="add", parent="1"),
    ]
    assert observed_figures("web:buy", "cart:add", *spans) == {"web cart": (1, 1, 100)}
    assert observed_figures("web:look", "cart", *spans) == {"web cart": (1, 1, 50)}
    # an operation within the part of the service that was called
    assert observed_figures("web", "cart:inner", *spans) == {"web cart": (1, 1, 100)}
    assert observed_figures("web:buy", "db:log", *spans) == {"web cart db": (1, 1, 100)}
    assert (
        observed_figures("cart:inner", "db", *spans)
        == observed_figures("cart:add", "db", *spans)
        == {"cart db": (1, 1, 60)}
    )
    assert observed_figures("web:look", "db", *spans) == {}


def test_chains_from_an_operation_begin_in_its_part_of_the_trace() -> None:
    spans = [
        span("1", 0, 100, service="a", name="far"),
        span("2", 10, 90, service="b", parent="1"),
        span("3", 20, 80, service="a", name="near", parent="2"),
        span("4", 30, 70, service="x", parent="3"),
        # a sibling's operation does not lead there
        span("5", 30, 70, service="a", name="beside", parent="2"),
    ]
    assert observed_figures("a:near", "x", *spans) == {"a x": (1, 1, 60)}
    assert observed_figures("a:far", "x", *spans) == {"a b a x": (1, 1, 100)}
    assert observed_figures("a:beside", "x", *spans) == {}


def test_chains_through_a_call() -> None:
    spans = call_paths("wabx", "wcbx", "wax")
    assert observed_figures("w", "a -> b", *spans) == {"w a b": (1, 1, 99)}
    assert observed_figures("w", "c -> b", *spans) == {"w c b": (1, 1, 99)}
    assert observed_figures("a -> b", "x", *spans) == {"b x": (1, 1, 95)}
    # possible, but not observed
    found = chains("w", "c -> b", *call_paths("wa", "ac", "cb", "wb"))
    assert (found.observed, found.possible) == ((), (CallChain(tuple("wacb")),))


def test_repeated_calls_are_distinguished_by_their_callers() -> None:
    spans = [
        span("1", 0, 100, service="a"),
        span("2", 10, 20, service="a", kind=Kind.PRODUCER, parent="1"),
        span("3", 30, 50, service="c", kind=Kind.PRODUCER),
        span("4", 12, 90, service="b", kind=Kind.CONSUMER, parent="2", links=[("1", "3")]),
    ]
    assert observed_figures("c", "b", *spans) == {"c b": (1, 1, 20)}
    assert observed_figures("c", "a -> b", *spans) == {}
    assert observed_figures("a", "a -> b", *spans) == {"a b": (1, 1, 10)}


def test_chains_to_an_inferred_peer() -> None:
    spans = [
        span("1", 0, 100, service="web"),
        span("2", 10, 90, service="cart", parent="1"),
        span("3", 20, 60, service="cart", kind=Kind.CLIENT, parent="2", attributes={"db.system": "redis"}),
        span("4", 60, 70, service="cart", kind=Kind.CLIENT, parent="2", attributes={"db.system": "redis"}),
    ]
    assert observed_figures("web", "redis", *spans) == {"web cart redis": (1, 2, 100)}
    assert (
        observed_figures("cart", "redis", *spans)
        == observed_figures("cart", "cart -> redis", *spans)
        == {"cart redis": (1, 2, 25)}
    )
    assert observed_figures("redis", "web", *spans) == {}


def test_unanswered_call_to_a_known_service() -> None:
    # the client span that names shop is itself the entry span of web
    spans = [
        span("1", 0, 100, service="api"),
        span("2", 10, 90, service="web", kind=Kind.CLIENT, parent="1", attributes={"peer.service": "shop"}),
        span("3", 20, 80, service="web", parent="2"),
        span("4", 30, 70, service="db", parent="3"),
        span("1", 0, 9, trace="2", service="shop"),
    ]
    assert observed_figures("api", "db", *spans) == {"api web db": (1, 1, 100)}
    # the span below answers it; without an answer it is a call to shop
    assert observed_figures("api", "shop", *spans) == {}
    assert observed_figures("api", "shop", *spans[:3], spans[4]) == {"api web shop": (1, 1, 100)}


def test_links_lead_across_traces() -> None:
    spans = [
        span("1", 0, 100, trace="1", service="web"),
        span("2", 10, 20, trace="1", service="shop", parent="1"),
        span("3", 11, 19, trace="1", service="shop", kind=Kind.PRODUCER, parent="2"),
        # the consumer span need not be the entry span of its service
        span("1", 200, 300, trace="2", service="mail", name="poll"),
        span("2", 210, 290, trace="2", service="mail", kind=Kind.CONSUMER, parent="1", links=[("1", "3")]),
        span("3", 220, 280, trace="2", service="smtp", parent="2"),
        span("4", 291, 299, trace="2", service="dns", parent="1"),
        span("5", 295, 299, trace="2", service="mail", name="after", parent="1"),
    ]
    assert observed_figures("web", "smtp", *spans) == {"web shop mail smtp": (1, 1, 100)}
    assert observed_figures("shop", "mail", *spans) == {"shop mail": (1, 1, 8)}
    # spans beside the consumer are not caused by the message
    assert observed_figures("web", "dns", *spans) == {}
    assert [chain.services for chain in chains("web", "dns", *spans).possible] == [("web", "shop", "mail", "dns")]
    assert observed_figures("shop", "mail:work", *spans) == {"shop mail": (1, 1, 8)}
    assert observed_figures("shop", "mail:poll", *spans) == observed_figures("shop", "mail:after", *spans) == {}


def test_batch_of_messages_leads_back_to_each_producer() -> None:
    spans = [
        span("1", 0, 30, trace="1", service="shop", kind=Kind.PRODUCER),
        span("1", 0, 50, trace="2", service="shop", kind=Kind.PRODUCER),
        span("1", 200, 300, trace="3", service="mail", kind=Kind.CONSUMER, links=[("1", "1"), ("2", "1")]),
        span("2", 220, 280, trace="3", service="smtp", parent="1"),
    ]
    assert observed_figures("shop", "smtp", *spans) == {"shop mail smtp": (1, 2, 40)}


def test_links_in_a_cycle_are_followed_once() -> None:
    # each of two producers links to the other's message
    a = span("2", 1, 9, trace="1", service="a", kind=Kind.PRODUCER, parent="1", links=[("2", "1")])
    b = span("1", 0, 9, trace="2", service="b", kind=Kind.PRODUCER, links=[("1", "2")])
    ring = [span("1", 0, 50, trace="1", service="z"), a, b, span("2", 1, 8, trace="2", service="x", parent="1")]
    assert observed_figures("z", "x", *ring) == {"z a b x": (1, 1, 50)}
    assert observed_figures("z", "a", *ring) == {"z a": (1, 1, 50), "z a b a": (1, 1, 50)}
    # each of nine links to all the others: a chain uses each link once
    crowd = [
        span(
            "1",
            0,
            9,
            trace=f"{i}",
            service=f"s{i % 3}",
            kind=Kind.PRODUCER,
            links=[(f"{j}", "1") for j in range(1, 10)],
        )
        for i in range(1, 10)
    ]
    crowd.append(span("1", 0, 9, trace="99", service="away"))
    crowd.append(span("2", 0, 9, trace="99", service="s0", parent="1"))
    found = chains("away", "s1", *crowd)
    assert (found.observed, [chain.services for chain in found.possible]) == ((), [("away", "s0", "s1")])
    assert observed_figures("s0", "s1", *crowd).keys() == {"s0 s1", "s0 s2 s1", "s0 s1 s2 s1", "s0 s2 s1 s2 s1"}


def test_orphan_has_no_call() -> None:
    spans = call_paths("abc")[:1] + call_paths("abc")[2:]
    spans.append(span("9", 0, 1, service="b", parent="1"))
    found = chains("a", "b", *spans)
    assert len(found.observed) == 1
    assert observed_figures("a", "c", *spans) == {}


def test_chains_may_repeat_services() -> None:
    assert observed_figures("x", "y", *call_paths("xababy")) == {"x a b a b y": (1, 1, 99)}
    # at most 200 calls
    spans = [
        GivenSpan(f"{i + 1:x}", 1 + i, 999 - 2 * i, parent=f"{i:x}" if i else "", service="xab"[i and 1 + i % 2])
        for i in range(250)
    ]
    found = observed_figures("x", "a", *spans)
    assert max(map(len, found)) == 2 * 200 + 1
    assert observed_figures("b", "a", *spans)["b a"][1] == 124


@pytest.mark.parametrize("names", [("a->b", "c:d"), ("a -> b", ":"), (LONG, LONG + "y")])
def test_any_names(names: tuple[str, str]) -> None:
    graph = graph_of_call(*names)
    found = call_chains(graph, Target(names[0]), Target(names[1], "get"))
    assert (found.begin, found.end) == (names[0], f"{names[1]}:get")
    assert [chain.services for chain in found.observed] == [names]
