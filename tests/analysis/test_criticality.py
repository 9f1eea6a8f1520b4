"""Criticality of services: hand-made graphs, and comparison with counts and with graphs without the service."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings

from tests.support.building import GivenSpan, build, span
from tests.support.near import near
from tests.support.service_graphs import LONG, ReferenceGraph, call_pairs, call_paths, graph_of, hops, reverse
from tests.support.strategies import service_sets, unhurried
from tracetui.analysis.criticality import Criticality, criticality
from tracetui.analysis.service_graph import ServiceGraph
from tracetui.model.span import Kind

some = settings(unhurried, max_examples=80)

# --- Reference implementation, span by span -------------------------------------------------------------------------


@some
@given(service_sets())
def test_criticality_equals_reference(spans: list[GivenSpan]) -> None:
    plain = ReferenceGraph(build(*spans))
    found = criticality(graph_of(*spans))
    assert {one.service for one in found} == plain.names
    for one in found:
        through = {node.trace for node in plain.nodes if one.service in (node.service, node.peer)}
        through |= {call.span.trace for call in plain.calls if call.by_peer and call.caller == one.service}
        callers = hops(one.service, reverse(plain.pairs))
        direct = [name for name, hops in callers.items() if hops == 1]
        # the main roots with spans of the service below them, other than its own roots
        entries = {
            f"{root.service} {root.operation}"
            for root in plain.roots
            if root.service != one.service and any(one.service in (node.service, node.peer) for node in root.subtree)
        }
        assert (one.trace_count, one.trace_share) == (
            len(through),
            near(100 * len(through) / plain.trace_count),
        )
        assert (one.direct_callers, one.indirect_callers) == (len(direct), len(callers) - 1 - len(direct))
        assert one.entry_operations == tuple(sorted(entries))
        assert one.inferred == (one.service not in plain.services)
        assert 0 < one.trace_share <= 100
    assert [one.rank for one in found] == list(range(1, len(found) + 1))
    order = [
        (-one.trace_count, -one.direct_callers - (one.indirect_callers or 0), -one.direct_callers, one.service)
        for one in found
    ]
    assert order == sorted(order)


@some
@given(service_sets())
def test_single_points_equal_reference(spans: list[GivenSpan]) -> None:
    plain = ReferenceGraph(build(*spans))
    expected = {name for name in plain.names if expected_single(name, {r.service for r in plain.roots}, plain.pairs)}
    graph = graph_of(*spans)
    assert single_points(graph) == expected


def expected_single(name: str, entries: set[str], pairs: set[tuple[str, str]]) -> bool:
    """Return whether, without this service, some entry service no longer reaches some other service."""
    rest = {pair for pair in pairs if name not in pair}
    return any(set(hops(entry, pairs)) - {name} != set(hops(entry, rest)) for entry in entries - {name})


@some
@given(call_pairs())
def test_single_points_and_betweenness_in_random_graphs(ways: list[str]) -> None:
    graph, pairs = graph_of(*call_paths(*ways)), {(way[0], way[1]) for way in ways}
    entries = {way[0] for way in ways}
    assert single_points(graph) == {name for name in graph.names if expected_single(name, entries, pairs)}
    between = {one.service: one.betweenness for one in criticality(graph)}
    for name in graph.names:
        others = [other for other in graph.names if other != name]
        share = 0.0
        for begin in others:
            for end in others:
                ways_there = shortest(begin, end, pairs) if begin != end else []
                if ways_there:
                    share += sum(name in way for way in ways_there) / len(ways_there)
        count = len(others) * (len(others) - 1)
        assert between[name] == pytest.approx(share / count if count else 0)
        assert 0 <= between[name] <= 1


def shortest(begin: str, end: str, pairs: set[tuple[str, str]]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [(begin,)]
    for _ in range(hops(begin, pairs).get(end, 0)):
        found = [(*way, b) for way in found for a, b in pairs if a == way[-1]]
    return [way for way in found if way[-1] == end]


@settings(unhurried, max_examples=40)
@given(service_sets())
def test_result_is_independent_of_input_order(spans: list[GivenSpan]) -> None:
    # with equal starts, the order of the input decides about the name of a trace
    apart = [one.but(start=100 * one.start + i, duration=100 * one.duration) for i, one in enumerate(spans)]
    other = list(apart)
    random.Random(len(spans)).shuffle(other)
    assert criticality(graph_of(*apart)) == criticality(graph_of(*other))


# --- Hand-made graphs -----------------------------------------------------------------------------------------------


def parts(*spans: GivenSpan) -> dict[str, Criticality]:
    return {one.service: one for one in criticality(graph_of(*spans))}


def test_service_in_most_traces_comes_first() -> None:
    found = parts(*call_paths("web", "wex", "we"[:1], "xb"))
    # w in 3 of 4 traces; in 2 traces: b with three callers, x with two, e with one
    assert [(one.rank, name) for name, one in found.items()] == [(1, "w"), (2, "b"), (3, "x"), (4, "e")]
    assert {name: one.trace_share for name, one in found.items()} == {"w": 75, "e": 50, "b": 50, "x": 50}
    assert (found["b"].direct_callers, found["b"].indirect_callers) == (2, 1)
    assert (found["x"].direct_callers, found["x"].indirect_callers) == (1, 1)
    assert (found["w"].direct_callers, found["w"].indirect_callers) == (0, 0)


def test_ties_are_ordered_by_direct_callers_then_by_name() -> None:
    found = parts(*call_paths("pqb", "xa", "ya", "xd", "yd"))
    same = [name for name, one in found.items() if one.trace_count == 2]
    assert same == ["a", "d", "x", "y"]
    found = parts(*call_paths("pqb", "xa", "xc", "ya", "yc"), *(one.but(trace="9") for one in call_paths("pqb")))
    # each has two callers in two traces; one of b's callers is indirect
    assert [name for name, one in found.items() if name in "abc"] == ["a", "c", "b"]


def test_entries_are_named_by_service_and_operation() -> None:
    spans = [
        span("1", 0, 99, trace="1", service="web", name="buy it"),
        span("2", 1, 9, trace="1", service="db", parent="1"),
        span("1", 0, 99, trace="2", service="job", name="tick"),
        span("2", 1, 9, trace="2", service="db", parent="1"),
        span("1", 0, 99, trace="3", service="web", name="look"),
    ]
    found = parts(*spans)
    assert found["db"].entry_operations == ("job tick", "web buy it")
    assert found["web"].entry_operations == found["job"].entry_operations == ()


def test_orphan_counts_for_its_trace_but_not_for_an_entry() -> None:
    spans = [span("1", 0, 99, service="web"), span("2", 1, 9, service="db", parent="gone")]
    found = parts(*spans)
    assert (found["db"].trace_share, found["db"].entry_operations, found["db"].direct_callers) == (100, (), 0)


def test_inferred_peers_are_included() -> None:
    spans = [
        span("1", 0, 99, service="web"),
        span("2", 1, 9, service="web", kind=Kind.CLIENT, parent="1", attributes={"db.system": "redis"}),
        span("3", 11, 19, service="web", kind=Kind.CLIENT, parent="1", attributes={"peer.service": "shop"}),
        span("1", 0, 99, trace="2", service="shop"),
    ]
    found = parts(*spans)
    assert (found["redis"].inferred, found["redis"].trace_share, found["redis"].direct_callers) == (True, 50, 1)
    # a peer with spans of its own counts in both sets of traces
    assert (found["shop"].inferred, found["shop"].trace_share, found["shop"].direct_callers) == (False, 100, 1)
    assert found["redis"].entry_operations == found["shop"].entry_operations == ("web work",)


def single_points(graph: ServiceGraph) -> set[str]:
    return {one.service for one in criticality(graph) if one.single_point}


def single(*ways: str) -> str:
    return "".join(sorted(single_points(graph_of(*call_paths(*ways)))))


def test_single_points_are_the_only_connections() -> None:
    assert single("abcd") == "bc"
    # two paths to d; one to the service behind it
    assert single("abd", "acd") == ""
    assert single("abde", "acd") == "d"
    # an entry service is no single point for itself, only for another entry service
    assert single("ab") == ""
    assert single("ab", "xab") == "a"
    # requests do not begin at b, so only a loses what b reaches
    assert single("abc", "c") == "b"
    assert single("aba") == ""
    assert single("abca") == "b"


def test_betweenness_is_the_share_of_shortest_paths() -> None:
    # of the 6 ordered pairs without b's own, only a > c leads through b
    assert {name: one.betweenness for name, one in parts(*call_paths("abc")).items()} == {"a": 0, "b": 0.5, "c": 0}
    found = parts(*call_paths("abd", "acd"))
    assert {name: one.betweenness for name, one in found.items()} == pytest.approx(
        {"a": 0, "b": 1 / 12, "c": 1 / 12, "d": 0}
    )


def test_unusual_sets() -> None:
    assert criticality(graph_of()) == []
    assert single_points(graph_of()) == set()
    (alone,) = criticality(graph_of(*call_paths("aa")))
    assert alone == Criticality("a", 1, False, 1, 100, 0, 0, (), 0, False)
    ring = parts(*call_paths("abca"))
    assert {(one.direct_callers, one.indirect_callers) for one in ring.values()} == {(1, 1)}
    assert (ring["a"].entry_operations, ring["b"].entry_operations) == ((), ("a work",))


@pytest.mark.parametrize("name", ["a->b", "b:c", LONG])
def test_any_names(name: str) -> None:
    found = parts(
        span("1", 0, 9, service=name, name=name),
        span("2", 1, 8, service="b", parent="1"),
        span("3", 2, 7, service=name + "!", parent="2"),
    )
    assert (found["b"].entry_operations, found["b"].single_point) == ((f"{name} {name}",), True)
    assert found[name + "!"].indirect_callers == 1


def test_beyond_300_services_betweenness_is_estimated() -> None:
    spans = [
        GivenSpan(f"{i + 1:x}", 1 + i, 999 - 2 * i, parent=f"{i:x}" if i else "", service=f"s{i:03}")
        for i in range(310)
    ]
    found = parts(*spans)
    # in a chain the middle service is between half of all pairs: on different sides of it, in order
    assert found["s155"].betweenness == pytest.approx(0.25, abs=0.02)
    assert found["s000"].betweenness == found["s309"].betweenness == 0
    assert criticality(graph_of(*spans)) == list(found.values())
