"""The service graph: distances, cycles, communities and names, compared with searches in plain Python.

`ReferenceGraph` is also the reference of the tests of other service queries.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.building import GivenSpan, build, span
from tests.support.service_graphs import (
    LONG,
    ReferenceGraph,
    call_pairs,
    call_paths,
    distances,
    graph_of,
    graph_of_call,
    hops,
    reverse,
)
from tests.support.strategies import service_sets, unhurried
from tracetui.analysis.service_graph import Distance, Target
from tracetui.model.errors import UsageError
from tracetui.model.span import Kind

some = settings(unhurried, max_examples=60)


@some
@given(service_sets())
def test_distances_equal_reference(spans: list[GivenSpan]) -> None:
    graph, plain = graph_of(*spans), ReferenceGraph(build(*spans))
    assert graph.names == sorted(plain.names)
    assert set(graph.edges) == plain.pairs
    for name in plain.names:
        down = distances(name, plain.pairs, plain.sync_pairs)
        up = distances(name, reverse(plain.pairs), reverse(plain.sync_pairs))
        assert (graph.callees(name), graph.callers(name)) == (down, up)
        assert name not in down
        assert all(distance.hops >= 1 for distance in (*down.values(), *up.values()))
        for found in (graph.callees(name), graph.callers(name)):
            order = [(distance.hops, other) for other, distance in found.items()]
            assert order == sorted(order)


def expected_rings(pairs: set[tuple[str, str]]) -> set[tuple[str, ...]]:
    """Return all cycles, each starting at its first name."""
    found = set()
    ways: list[tuple[str, ...]] = [(name,) for name in {name for pair in pairs for name in pair}]
    for way in ways:
        for begin, end in pairs:
            if begin == way[-1] and end == way[0]:
                found.add(way)
            elif begin == way[-1] and end > way[0] and end not in way:
                ways.append((*way, end))
    return found


@some
@given(call_pairs("abcde"))
def test_cycles_equal_reference(ways: list[str]) -> None:
    graph = graph_of(*call_paths(*ways))
    pairs = {(way[0], way[1]) for way in ways}
    rings = expected_rings(pairs)
    assert list(graph.cycles) == sorted(rings, key=lambda ring: (len(ring), ring))[:50]
    # a service is in a cycle if it reaches one of its callers
    within = {a for a in graph.names for b in hops(a, pairs) if a != b and a in hops(b, pairs)}
    assert {name for ring in graph.cycles for name in ring} == within


def test_shortest_of_many_cycles_are_reported() -> None:
    # 15 of two services, 40 of three and many more
    names = "abcdef"
    graph = graph_of(*call_paths(*(a + b for a in names for b in names if a != b)))
    assert Counter(map(len, graph.cycles)) == {2: 15, 3: 35}
    assert len(set(graph.cycles)) == 50


def test_cycle_begins_at_its_first_name_and_is_reported_once() -> None:
    assert graph_of(*call_paths("cbdbc", "xcbdb", "a")).cycles == (("b", "c"), ("b", "d"))
    assert graph_of(*call_paths("abcba")).cycles == (("a", "b"), ("b", "c"))
    assert graph_of(*call_paths("zyxz", "xzy")).cycles == (("x", "z", "y"),)
    assert graph_of(*call_paths("abc")).cycles == ()


def test_cycles_of_more_than_8_services_are_not_reported() -> None:
    assert graph_of(*call_paths("abcdefgha")).cycles == (tuple("abcdefgh"),)
    assert graph_of(*call_paths("abcdefghia")).cycles == ()


@some
@given(call_pairs())
def test_every_service_is_in_one_community(ways: list[str]) -> None:
    graph = graph_of(*call_paths(*ways))
    assert sorted(name for group in graph.communities for name in group) == graph.names
    assert list(graph.communities) == sorted(graph.communities, key=lambda group: (-len(group), group))
    assert all(list(group) == sorted(group) for group in graph.communities)
    # the services of a community are connected
    pairs = {(way[0], way[1]) for way in ways}
    for group in graph.communities:
        among = {pair for pair in pairs if set(pair) <= set(group)}
        assert set(hops(group[0], among | reverse(among))) == set(group)


def test_communities_are_services_that_call_each_other_most() -> None:
    graph = graph_of(*call_paths(*["ab", "bc", "ca", "xy", "yz", "zx"] * 3, "cx"))
    assert graph.communities == (("a", "b", "c"), ("x", "y", "z"))
    # calls in both directions count together: 6 for a and d and for b and c, 4 for a and b and for c and d
    graph = graph_of(*call_paths(*["ab", "cd"] * 4, *["bc", "cb", "da", "ad"] * 3))
    assert graph.communities == (("a", "d"), ("b", "c"))
    assert graph_of(*call_paths(*["ab", "cd"] * 4, *["bc", "da"] * 3)).communities == (("a", "b"), ("c", "d"))
    assert graph_of(*call_paths("b", "a")).communities == (("a",), ("b",))


def test_entries_are_the_services_of_the_main_roots() -> None:
    spans = call_paths("ab", "ac")
    # an earlier orphan does not name the trace, unless the trace has no root
    spans += [span("9", -9, 1, parent="77", service="o", trace="1"), span("9", 0, 1, parent="77", service="p")]
    spans[-1] = spans[-1].but(trace="3")
    assert graph_of(*spans).entry_services == ("a", "p")


def test_empty_set_has_an_empty_graph() -> None:
    graph = graph_of()
    assert (graph.names, graph.edges, graph.cycles, graph.communities, graph.entry_services) == ([], {}, (), (), ())
    with pytest.raises(UsageError, match="known: none"):
        graph.target("a")


def test_single_service_has_no_callers_or_callees() -> None:
    graph = graph_of(*call_paths("aaa"))
    assert (graph.names, graph.edges, graph.callers("a"), graph.callees("a")) == (["a"], {}, {}, {})
    assert graph.communities == (("a",),)


def test_asynchronous_calls_make_paths_asynchronous() -> None:
    spans = [
        span("1", 0, 99, service="a"),
        span("2", 1, 9, service="a", kind=Kind.PRODUCER, parent="1"),
        span("3", 20, 90, service="b", kind=Kind.CONSUMER, parent="2"),
        span("4", 30, 40, service="c", parent="3"),
    ]
    assert graph_of(*spans).callees("a") == {"b": Distance(1, False), "c": Distance(2, False)}
    # a longer, synchronous path
    spans += [one.but(trace="2") for one in call_paths("adc")]
    assert graph_of(*spans).callees("a")["c"] == Distance(2, True)
    assert graph_of(*spans).callers("c") == {
        "b": Distance(1, True),
        "d": Distance(1, True),
        "a": Distance(2, True),
    }


# --- Names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [("web", "db"), ("a->b", "c"), ("a", "b->c"), ("a -> b", "c -> d"), ("a:b", "c:d"), (LONG, LONG + "y"), ("-", ">")],
)
@pytest.mark.parametrize("operation", ["get", "GET /a:b", "a -> b", "GET x->y: z", LONG, ":", "->"])
def test_every_target_is_found_by_its_name(names: tuple[str, str], operation: str) -> None:
    graph = graph_of_call(*names, operation)
    for target in (Target(names[0]), Target(names[1]), Target(names[1], operation), Target(names[1], caller=names[0])):
        assert graph.target(target.name) == target


_names = st.text(st.sampled_from("ab:->"), min_size=1, max_size=5)


@some
@given(_names, _names, _names)
def test_resolved_target_has_the_requested_name(caller: str, callee: str, operation: str) -> None:
    graph = graph_of_call(caller, callee, operation)
    targets = [Target(caller), Target(callee), Target(callee, operation), Target(caller, "root")]
    if caller != callee:
        targets.append(Target(callee, caller=caller))
    for target in targets:
        # two targets may have one name: either is found
        assert graph.target(target.name).name == target.name


def test_services_precede_calls_and_calls_precede_operations() -> None:
    graph = graph_of(
        span("1", 0, 9, service="a", name="b"),
        span("2", 0, 9, service="a:b", parent="1"),
        span("3", 0, 9, service="a", name="x -> c", parent="2"),
        span("4", 0, 9, service="a:x", parent="1"),
        span("5", 0, 9, service="c", parent="4"),
    )
    assert graph.target("a:b") == Target("a:b")
    assert graph.target("a:x -> c") == Target("c", caller="a:x")


def test_names_ignore_case_and_blanks() -> None:
    graph = graph_of_call("Web", "DB", "Get It")
    assert graph.target(" wEB ") == Target("Web")
    assert graph.service("db") == "DB"
    assert graph.target("db: get it ") == Target("DB", "Get It")
    assert graph.target("WEB->db") == Target("DB", caller="Web")
    # ambiguous names must match exactly
    both = graph_of_call("WEB", "web")
    assert both.target("web") == Target("web")
    with pytest.raises(UsageError, match="did you mean"):
        both.target("Web")


def test_operation_of_a_service_that_is_also_a_peer_is_found_in_both() -> None:
    graph = graph_of(
        span("1", 0, 9, service="redis", name="x"), span("2", 0, 9, service="redis:0", name="get", parent="1")
    )
    assert graph.target("redis:0:get") == Target("redis:0", "get")
    assert graph.target("redis:0") == Target("redis:0")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("cat", "no service named 'cat'; did you mean cart?"),
        ("web:gett", "no operation of web named 'gett'; did you mean get?"),
        ("redis:get", "no operation of redis named 'get'; known: none"),
        ("cart -> web", "cart does not call web in these traces"),
        ("web -> web", "web does not call web in these traces"),
        ("wb -> cart", "no service named 'wb'; did you mean web?"),
        ("web -> crt", "no service named 'crt'; did you mean cart?"),
        ("", "no service named ''; known: cart, redis, web"),
        ("zzzzzzzz", "no service named 'zzzzzzzz'; known: cart, redis, web"),
    ],
)
def test_unknown_targets_are_reported_with_known_names(asked: str, says: str) -> None:
    spans = [
        span("1", 0, 99, service="web", name="get"),
        span("2", 1, 9, service="cart", parent="1"),
        span("3", 2, 3, service="cart", kind=Kind.CLIENT, parent="2", attributes={"db.system": "redis"}),
    ]
    with pytest.raises(UsageError) as refused:
        graph_of(*spans).target(asked)
    assert str(refused.value) == says
    if ":" not in asked and "->" not in asked:
        with pytest.raises(UsageError) as refused:
            graph_of(*spans).service(asked)
        assert str(refused.value) == says


def test_spans_of_an_operation_are_of_its_service() -> None:
    graph = graph_of_call("web", "db", "query")
    assert (graph.operations("web"), graph.operations("db"), graph.operations("?")) == (["root"], ["query"], [])
