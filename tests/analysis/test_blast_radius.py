"""Blast radius: hand-made graphs, and comparison with a reference implementation that works span by span."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from hypothesis import given, settings

from tests.support.building import GivenSpan, build, span
from tests.support.call_reference import Node
from tests.support.error_reference import Reference
from tests.support.near import near
from tests.support.service_graphs import LONG, ReferenceGraph, call_paths, distances, graph_of, reverse
from tests.support.strategies import service_sets, unhurried
from tracetui.analysis.blast_radius import AffectedEntry, AffectedService, BlastRadius, Impact, blast_radius
from tracetui.analysis.critical_path import critical_paths, root_paths
from tracetui.analysis.service_graph import Distance, Target
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet

some = settings(unhurried, max_examples=80)

# --- Reference implementation, span by span -------------------------------------------------------------------------


class Expected:
    """Expected blast radius of one target."""

    def __init__(self, plain: ReferenceGraph, target: Target, traces: TraceSet) -> None:
        self.plain, self.target, self.traces = plain, target, traces
        self.own = plain.own(target)
        self.outcome = Reference(traces).outcome

    def leads(self, one: Node) -> bool:
        return not self.own.isdisjoint(self.plain.led_to(one))

    def began(self, one: Node, *outcomes: str) -> bool:
        """Return whether an error with one of these outcomes began at or below the span, in or below spans of the
        target.
        """
        for at, origin in enumerate(self.plain.nodes):
            between = list(origin.path_to_root)
            began = self.outcome.get(at) in outcomes
            if began and one in between and not self.own.isdisjoint(between[: between.index(one) + 1]):
                return True
        return False

    def shares(self, members: list[Node], critical: list[int]) -> tuple[int, int]:
        """Return the critical time in and below these spans, and the part of it that the target takes."""
        path = within = 0
        for one, own in zip(self.plain.nodes, critical, strict=True):
            above = list(one.path_to_root)
            mine = [place for place, upper in enumerate(above) if upper in members]
            if mine:
                path += own
                # time of the target is latency of every span above it
                if not self.own.isdisjoint(above[: mine[-1] + 1]):
                    within += own
        return path, within

    def apart(self, members: list[Node]) -> list[int]:
        """Return the critical time of every span if these spans are roots of their own traces."""
        parent = self.traces.parent.copy()
        for at, one in enumerate(self.plain.nodes):
            if one in members and not any(upper in members for upper in list(one.path_to_root)[1:]):
                parent[at] = -1
        critical = [0] * len(self.plain.nodes)
        paths = root_paths(dataclasses.replace(self.traces, parent=parent))
        for trace in range(self.traces.trace_count):
            for at, start, end in zip(*paths.sections_of(trace), strict=True):
                critical[int(at)] += int(end) - int(start)
        return critical

    def impact(self, members: list[Node]) -> Impact:
        """Return the impact on a service or entry point with these spans."""
        traces = {one.trace for one in members}
        exposed = {one.trace for one in members if self.leads(one)}
        failing = {one.trace for one in members if self.began(one, "failed")}
        handled = {one.trace for one in members if self.began(one, "handled", "retried")} - failing
        path, within = self.shares(members, [one.critical for one in self.plain.nodes])
        if not path:
            # off the critical path of the trace: the spans' own paths count
            path, within = self.shares(members, self.apart(members))
        share = 100 / len(traces)
        latency = 100 * within / path if path else 0.0
        return Impact(len(exposed) * share, len(failing) * share, latency, len(traces), len(handled) * share)

    def services(self) -> list[AffectedService]:
        plain, target = self.plain, self.target
        of = target.caller or target.service
        upstream = distances(of, reverse(plain.pairs), reverse(plain.sync_pairs))
        if target.caller:
            # callers of the caller are one hop further away
            at_once = (target.caller, target.service) in plain.sync_pairs
            upstream = {name: Distance(d.hops + 1, d.is_sync and at_once) for name, d in upstream.items()}
            upstream[target.caller] = Distance(1, at_once)
            upstream.pop(target.service, None)
        found = []
        for name, distance in upstream.items():
            if name not in plain.services:
                # a peer that calls has no spans to measure
                continue
            members = [one for one in plain.nodes if one.service == name]
            if not target.operation or any(map(self.leads, members)):
                found.append(AffectedService(name, distance, self.impact(members)))
        return found

    def entries(self) -> list[AffectedEntry]:
        by_name: dict[tuple[str, str], list[Node]] = {}
        for root in self.plain.roots:
            by_name.setdefault((root.service, root.operation), []).append(root)
        return [
            AffectedEntry(*name, self.impact(roots)) for name, roots in by_name.items() if any(map(self.leads, roots))
        ]

    def downstream(self) -> dict[str, Distance]:
        target, plain = self.target, self.plain
        reached = distances(target.service, plain.pairs, plain.sync_pairs)
        if not target.operation:
            return reached
        below = {other for one in self.own for other in plain.led_to(one)}
        called = {call.callee for call in plain.calls if call.caller_span in below}
        return {name: distance for name, distance in reached.items() if name in called}


def figures(found: Impact) -> tuple[Any, ...]:
    return pytest.approx(_plain(found)), found.trace_count


def _plain(found: Impact) -> tuple[float, ...]:
    return found.exposure, found.failing, found.handled, found.latency


def radii(*spans: GivenSpan) -> dict[Target, BlastRadius]:
    """Return the blast radius of every target."""
    graph = graph_of(*spans)
    paths = critical_paths(graph.traces)
    return {target: blast_radius(graph, paths, target) for target in ReferenceGraph(graph.traces).targets}


@some
@given(service_sets())
def test_blast_radius_equals_reference(spans: list[GivenSpan]) -> None:
    together = build(*spans)
    plain = ReferenceGraph(together)
    for target, found in radii(*spans).items():
        expected = Expected(plain, target, together)
        traces = {one.trace for one in expected.own}
        assert (found.target, found.trace_count) == (target, len(traces))
        assert found.trace_share == pytest.approx(100 * len(traces) / plain.trace_count)
        services = {one.service: (one.distance, *figures(one.impact)) for one in expected.services()}
        assert {
            one.service: (
                one.distance,
                (one.impact.exposure, one.impact.failing, one.impact.handled, one.impact.latency),
                one.impact.trace_count,
            )
            for one in found.services
        } == services
        entries = {(one.service, one.operation): figures(one.impact) for one in expected.entries()}
        assert {
            (one.service, one.operation): (
                (one.impact.exposure, one.impact.failing, one.impact.handled, one.impact.latency),
                one.impact.trace_count,
            )
            for one in found.entries
        } == entries
        assert dict(found.downstream) == expected.downstream()


@some
@given(service_sets())
def test_invariants_of_blast_radii(spans: list[GivenSpan]) -> None:
    plain = ReferenceGraph(build(*spans))
    for target, found in radii(*spans).items():
        assert 0 <= found.trace_share <= 100
        assert target.service not in {one.service for one in found.services}
        assert target.service not in dict(found.downstream)
        for impact in (*(one.impact for one in found.services), *(one.impact for one in found.entries)):
            assert 0 <= impact.failing <= impact.exposure <= 100
            assert 0 <= impact.latency <= 100
            assert impact.trace_count > 0
            if not impact.exposure:
                assert impact.latency == 0
        assert all(one.distance.hops >= 1 for one in found.services)
        assert all(distance.hops >= 1 for _, distance in found.downstream)
        assert all(one.impact.exposure > 0 for one in found.entries)
        # highest impact first
        assert list(found.services) == sorted(
            found.services, key=lambda one: (-one.impact.exposure, one.distance.hops, one.service)
        )
        assert list(found.entries) == sorted(
            found.entries, key=lambda one: (-one.impact.exposure, -one.impact.trace_count, one.service, one.operation)
        )
        assert list(found.downstream) == sorted(found.downstream, key=lambda one: (one[1].hops, one[0]))
        # an entry point above the target in every trace has full exposure
        own = plain.own(target)
        for entry in found.entries:
            roots = [one for one in plain.roots if (one.service, one.operation) == (entry.service, entry.operation)]
            if all(not own.isdisjoint(root.subtree) for root in roots):
                assert entry.impact.exposure == 100


@settings(unhurried, max_examples=40)
@given(service_sets())
def test_result_is_independent_of_input_order(spans: list[GivenSpan]) -> None:
    # with equal times, the order of the input may decide about the critical path and the name of a trace
    apart = [one.but(start=100 * one.start + i, duration=100 * one.duration + 20 + i) for i, one in enumerate(spans)]
    other = list(apart)
    random.Random(len(spans)).shuffle(other)
    assert radii(*apart) == radii(*other)


# --- Hand-made graphs -----------------------------------------------------------------------------------------------


def radius(target: str, *spans: GivenSpan) -> BlastRadius:
    graph = graph_of(*spans)
    return blast_radius(graph, critical_paths(graph.traces), graph.target(target))


def impacts(found: BlastRadius) -> dict[str, tuple[int, bool, Impact]]:
    """Return hops, whether all calls are synchronous, and figures of each upstream service."""
    return {one.service: (one.distance.hops, one.distance.is_sync, one.impact) for one in found.services}


def entries(found: BlastRadius) -> dict[str, Impact]:
    return {f"{one.service} {one.operation}": one.impact for one in found.entries}


def web(trace: str, *, end: int = 100, **rest: Any) -> GivenSpan:
    return span("1", 0, end, trace=trace, service="web", name="buy", kind=Kind.SERVER, **rest)


def test_exposure_is_a_share_of_the_callers_traces() -> None:
    spans = [
        # web > cart > db, web > cart, web, and a trace without web
        web("1"),
        span("2", 10, 90, trace="1", service="cart", parent="1"),
        span("3", 20, 70, trace="1", service="db", parent="2"),
        web("2"),
        span("2", 10, 90, trace="2", service="cart", parent="1"),
        web("3"),
        span("1", 0, 100, trace="4", service="job", name="tick"),
        span("2", 0, 25, trace="4", service="db", parent="1"),
    ]
    found = radius("db", *spans)
    assert (found.trace_count, found.trace_share) == (2, 50)
    assert impacts(found) == {
        # db takes 25 of the 100 µs of its only trace
        "job": (1, True, Impact(100, 0, 25, 1)),
        # 50 of 160: the critical time below it, in both of its traces
        "cart": (1, True, Impact(50, 0, 31.25, 2)),
        # 50 of 300
        "web": (2, True, Impact(100 / 3, 0, 100 * 50 / 300, 3)),
    }
    assert [one.service for one in found.services] == ["job", "cart", "web"]
    assert entries(found) == {"job tick": Impact(100, 0, 25, 1), "web buy": Impact(100 / 3, 0, 100 * 50 / 300, 3)}
    assert found.downstream == ()
    # a service without callers affects itself
    assert radius("web", *spans).services == ()
    assert radius("web", *spans).downstream == (("cart", Distance(1, True)), ("db", Distance(2, True)))
    assert entries(radius("web", *spans)) == {"web buy": Impact(100, 0, 100, 3)}


def test_latency_share_counts_only_the_critical_path() -> None:
    # db runs for 60 µs; 50 of them are parallel to pay
    spans = [
        web("1"),
        span("2", 10, 70, trace="1", service="db", parent="1"),
        span("3", 20, 90, trace="1", service="pay", parent="1"),
    ]
    # the path is web 0-20, pay 20-90, web 90-100: db is not on it
    assert impacts(radius("db", *spans))["web"][2] == Impact(100, 0, 0, 1)
    assert impacts(radius("pay", *spans))["web"][2] == Impact(100, 0, 70, 1)
    # time of pay includes its callees
    below = span("4", 30, 80, trace="1", service="bank", parent="3")
    assert impacts(radius("pay", *spans, below))["web"][2] == Impact(100, 0, 70, 1)
    assert impacts(radius("bank", *spans, below))["web"][2] == Impact(100, 0, 50, 1)
    assert impacts(radius("bank", *spans, below))["pay"][2].latency == pytest.approx(100 * 50 / 70)


def failing(target: str, *spans: GivenSpan) -> dict[str, float]:
    found = radius(target, *spans)
    of_entries = {f"entry {one.service}": one.impact.failing for one in found.entries}
    return {one.service: one.impact.failing for one in found.services} | of_entries


def failures(*, in_web: bool, in_cart: bool, in_db: bool, below_db: bool, beside: bool = False) -> list[GivenSpan]:
    """Return the traces web > cart > db > disk with mail called by cart: one with errors, one without."""
    broken = [
        web("1", error=in_web),
        span("2", 10, 90, trace="1", service="cart", parent="1", error=in_cart),
        span("3", 20, 50, trace="1", service="db", parent="2", error=in_db),
        span("4", 30, 40, trace="1", service="disk", parent="3", error=below_db),
        span("5", 60, 70, trace="1", service="mail", parent="2", error=beside),
    ]
    return broken + [one.but(trace="2", error=False) for one in broken]


def test_error_of_the_target_fails_services_it_propagates_to() -> None:
    spans = failures(in_web=True, in_cart=True, in_db=True, below_db=False)
    assert failing("db", *spans) == {"cart": 50, "web": 50, "entry web": 50}
    # it began below cart, not in it
    assert failing("cart", *spans) == {"web": 50, "entry web": 50}
    assert failing("mail", *spans) == {"cart": 0, "web": 0, "entry web": 0}
    assert failing("disk", *spans) == {"db": 0, "cart": 0, "web": 0, "entry web": 0}


def test_error_below_the_target_counts_as_its_own() -> None:
    spans = failures(in_web=True, in_cart=True, in_db=True, below_db=True)
    assert failing("db", *spans) == {"cart": 50, "web": 50, "entry web": 50}
    assert failing("disk", *spans) == {"db": 50, "cart": 50, "web": 50, "entry web": 50}
    # also if the target itself succeeds
    spans = failures(in_web=True, in_cart=True, in_db=False, below_db=True)
    assert failing("db", *spans) == {"cart": 50, "web": 50, "entry web": 50}


@pytest.mark.parametrize("in_cart", [True, False])
def test_errors_without_failed_requests_are_counted_separately(in_cart: bool) -> None:
    spans = failures(in_web=False, in_cart=in_cart, in_db=True, below_db=False)
    assert failing("db", *spans) == {"cart": 0, "web": 0, "entry web": 0}
    found = radius("db", *spans)
    assert {one.service: one.impact.handled for one in found.services} == {"cart": 50, "web": 50}
    assert [one.impact.handled for one in found.entries] == [50]


def test_errors_elsewhere_do_not_count() -> None:
    spans = failures(in_web=True, in_cart=True, in_db=False, below_db=False, beside=True)
    assert failing("db", *spans) == {"cart": 0, "web": 0, "entry web": 0}
    assert failing("mail", *spans) == {"cart": 50, "web": 50, "entry web": 50}
    # of two origins, each counts
    spans = failures(in_web=True, in_cart=True, in_db=True, below_db=False, beside=True)
    assert failing("db", *spans) == failing("mail", *spans) == {"cart": 50, "web": 50, "entry web": 50}
    # without errors below, the span with the error is the origin
    spans = failures(in_web=True, in_cart=True, in_db=False, below_db=False)
    assert failing("db", *spans) == {"cart": 0, "web": 0, "entry web": 0}
    assert failing("cart", *spans) == {"web": 50, "entry web": 50}


def test_errors_count_below_any_span_of_a_service_and_below_the_root_of_an_entry() -> None:
    spans = [
        web("1", error=True),
        span("2", 1, 99, trace="1", service="web", kind=Kind.CLIENT, parent="1", error=True),
        span("3", 2, 98, trace="1", service="db", parent="2", error=True),
    ]
    assert failing("db", *spans) == {"web": 100, "entry web": 100}


def test_asynchronous_consumer_has_its_own_critical_path() -> None:
    spans = [
        web("1"),
        span("2", 10, 20, trace="1", service="web", kind=Kind.PRODUCER, parent="1"),
        span("3", 30, 130, trace="1", service="worker", kind=Kind.CONSUMER, parent="2"),
        span("4", 40, 105, trace="1", service="mail", parent="3"),
    ]
    found = impacts(radius("mail", *spans))
    assert found["worker"][2] == Impact(100, 0, 65, 1)
    # the request has ended by then
    assert found["web"][2] == Impact(100, 0, 0, 1)


# --- Kinds of targets -----------------------------------------------------------------------------------------------


def query(trace: str, **rest: Any) -> GivenSpan:
    return span("3", 20, 60, trace=trace, service="cart", kind=Kind.CLIENT, attributes={"db.system": "redis"}, **rest)


def test_inferred_peer_is_searched_by_its_client_spans() -> None:
    spans = [
        web("1", error=True),
        span("2", 10, 90, trace="1", service="cart", parent="1", error=True),
        query("1", parent="2", error=True),
        web("2"),
        span("2", 10, 90, trace="2", service="cart", parent="1"),
    ]
    found = radius("redis", *spans)
    assert (found.trace_count, found.downstream) == (1, ())
    # 40 of the 160 µs below cart, 40 of 200 below web
    assert impacts(found) == {"cart": (1, True, Impact(50, 50, 25, 2)), "web": (2, True, Impact(50, 50, 20, 2))}
    assert entries(found) == {"web buy": Impact(50, 50, 20, 2)}
    assert radius("cart", *spans).downstream == (("redis", Distance(1, True)),)


def test_service_that_is_a_peer_in_other_traces_counts_both() -> None:
    seen = [web("1", error=True), span("2", 10, 60, trace="1", service="stripe", parent="1", error=True)]
    unseen = [
        web("2"),
        span(
            "2", 10, 90, trace="2", service="web", kind=Kind.CLIENT, parent="1", attributes={"peer.service": "stripe"}
        ),
    ]
    found = radius("stripe", *seen, *unseen)
    assert found.trace_count == 2
    assert impacts(found) == {"web": (1, True, Impact(100, 50, 100 * (50 + 80) / 200, 2))}
    # the operation of the caller's span is not an operation of the peer
    spans = [*seen, unseen[0], unseen[1].but(name="work")]
    found = radius("stripe:work", *spans)
    assert found.trace_count == 1
    assert impacts(found) == {"web": (1, True, Impact(50, 50, 25, 2))}


def test_operation_affects_only_services_that_reach_it() -> None:
    spans = [
        web("1"),
        span("2", 10, 60, trace="1", service="cart", name="add", parent="1"),
        span("3", 20, 50, trace="1", service="db", parent="2"),
        web("2"),
        span("2", 10, 40, trace="2", service="cart", name="list", parent="1"),
        span("3", 20, 30, trace="2", service="redis", parent="2"),
        span("1", 0, 9, trace="3", service="job", name="tick"),
        span("2", 1, 8, trace="3", service="cart", name="list", parent="1"),
    ]
    found = radius("cart:add", *spans)
    assert found.target == Target("cart", "add")
    assert (found.trace_count, found.trace_share) == (1, near(100 / 3))
    assert impacts(found) == {"web": (1, True, Impact(50, 0, 25, 2))}
    assert entries(found) == {"web buy": Impact(50, 0, 25, 2)}
    assert found.downstream == (("db", Distance(1, True)),)
    assert impacts(radius("cart:list", *spans)).keys() == {"web", "job"}
    assert radius("cart:list", *spans).downstream == (("redis", Distance(1, True)),)
    # the operation of an entry point affects itself
    assert entries(radius("web:buy", *spans)) == {"web buy": Impact(100, 0, 100, 2)}


def test_call_affects_services_upstream() -> None:
    spans = [
        # web > cart > db, and web > db
        web("1", error=True),
        span("2", 10, 60, trace="1", service="cart", parent="1", error=True),
        span("3", 20, 40, trace="1", service="db", parent="2", error=True),
        web("2", error=True),
        span("2", 10, 90, trace="2", service="db", parent="1", error=True),
        span("3", 30, 50, trace="2", service="disk", parent="2"),
    ]
    found = radius("cart -> db", *spans)
    assert (found.target.name, found.trace_count, found.trace_share) == ("cart -> db", 1, 50)
    assert impacts(found) == {"cart": (1, True, Impact(100, 100, 40, 1)), "web": (2, True, Impact(50, 50, 10, 2))}
    assert entries(found) == {"web buy": Impact(50, 50, 10, 2)}
    assert found.downstream == (("disk", Distance(1, True)),)
    found = radius("web -> db", *spans)
    assert impacts(found) == {"web": (1, True, Impact(50, 50, 40, 2))}


def test_ends_of_a_call_in_a_cycle_are_not_their_own_callers() -> None:
    spans = call_paths("abab")
    found = radius("a -> b", *spans)
    assert {one.service: one.distance.hops for one in found.services} == {"a": 1}
    assert dict(found.downstream) == {"a": Distance(1, True)}


# --- Messages -------------------------------------------------------------------------------------------------------

SENT = [
    web("1"),
    span("2", 10, 20, trace="1", service="web", kind=Kind.PRODUCER, parent="1"),
]


def test_message_adds_exposure_but_no_latency() -> None:
    spans = [
        *SENT,
        span("3", 12, 90, trace="1", service="mail", kind=Kind.CONSUMER, parent="2", error=True),
        span("4", 20, 80, trace="1", service="smtp", parent="3"),
    ]
    found = radius("mail", *spans)
    # errors of asynchronous work fail no request
    assert impacts(found) == {"web": (1, False, Impact(100, 0, 0, 1))}
    further = impacts(radius("smtp", *spans))
    assert further["web"] == (2, False, Impact(100, 0, 0, 1))
    # the consumer waits, not the request
    assert further["mail"][2].latency == pytest.approx(100 * 60 / 78)
    assert radius("web", *spans).downstream == (("mail", Distance(1, False)), ("smtp", Distance(2, False)))
    # beyond a message all hops are asynchronous, also if the target is the message's own call
    other = [one.but(trace="9", service={"w": "web"}.get(one.service, one.service)) for one in call_paths("xw")]
    assert impacts(radius("web -> mail", *spans, *other))["web"][:2] == (1, False)


def test_services_above_a_message_are_reached_asynchronously() -> None:
    spans = [span("8", 0, 100, trace="1", service="shop"), SENT[0].but(parent="8"), SENT[1]]
    spans.append(span("3", 12, 90, trace="1", service="mail", kind=Kind.CONSUMER, parent="2"))
    found = radius("web -> mail", *spans)
    assert {one.service: one.distance for one in found.services} == {
        "web": Distance(1, False),
        "shop": Distance(2, False),
    }
    # the same for the service and for the call
    assert impacts(radius("mail", *spans))["shop"][:2] == (2, False)


def test_link_leads_to_another_trace() -> None:
    spans = [
        *SENT,
        web("9"),
        span("1", 200, 300, trace="2", service="mail", name="send", kind=Kind.CONSUMER, links=[("1", "2")]),
        span("2", 210, 290, trace="2", service="smtp", name="put", parent="1", error=True),
        span("3", 220, 280, trace="2", service="dns", parent="2"),
    ]
    found = radius("smtp", *spans)
    assert found.trace_count == 1
    # one of web's two traces leads to smtp; error and time in another trace do not count
    assert impacts(found) == {"mail": (1, True, Impact(100, 0, 80, 1, 100)), "web": (2, False, Impact(50, 0, 0, 2))}
    assert entries(found) == {"mail send": Impact(100, 0, 80, 1, 100), "web buy": Impact(50, 0, 0, 2)}
    assert impacts(radius("smtp:put", *spans)).keys() == {"mail", "web"}
    # downstream services are found by the same links
    needed = {"mail": Distance(1, False), "smtp": Distance(2, False), "dns": Distance(3, False)}
    assert dict(radius("web", *spans).downstream) == needed
    assert dict(radius("web:buy", *spans).downstream) == needed
    assert dict(radius("mail:send", *spans).downstream) == {"smtp": Distance(1, True), "dns": Distance(2, True)}


def test_cyclic_links_terminate() -> None:
    a = span("1", 0, 9, trace="1", service="a", kind=Kind.PRODUCER, links=[("2", "1")])
    b = span("1", 0, 9, trace="2", service="b", kind=Kind.PRODUCER, links=[("1", "1")])
    c = span("2", 1, 8, trace="2", service="c", parent="1")
    assert {name: hit[2].exposure for name, hit in impacts(radius("c", a, b, c)).items()} == {"a": 100, "b": 100}
    assert dict(radius("a:work", a, b, c).downstream) == {"b": Distance(1, False), "c": Distance(2, False)}


def test_follows_from_is_asynchronous() -> None:
    spans = [web("1"), span("2", 10, 90, trace="1", service="cart", parent="1", flags=Flag.FOLLOWS_FROM)]
    assert impacts(radius("cart", *spans)) == {"web": (1, False, Impact(100, 0, 80, 1))}


# --- Unusual shapes -------------------------------------------------------------------------------------------------


def test_single_service_affects_only_itself() -> None:
    found = radius("api", span("1", 0, 9), span("2", 1, 8, parent="1"), span("3", 2, 3, parent="2", error=True))
    assert (found.services, found.downstream, found.trace_share) == ((), (), 100)
    assert entries(found) == {"api work": Impact(100, 0, 100, 1, 100)}


def test_service_that_calls_itself_counts_once() -> None:
    spans = [
        web("1"),
        span("2", 10, 90, trace="1", service="web", parent="1"),
        span("3", 20, 60, trace="1", service="db", parent="2"),
        span("4", 30, 50, trace="1", service="db", parent="3"),
    ]
    assert impacts(radius("db", *spans)) == {"web": (1, True, Impact(100, 0, 40, 1))}


def test_service_that_is_called_back_counts_once() -> None:
    # a 0-100 > b 10-90 > a 20-80 > x 30-60
    spans = [
        span("1", 0, 100, service="a", error=True),
        span("2", 10, 90, service="b", parent="1", error=True),
        span("3", 20, 80, service="a", parent="2", error=True),
        span("4", 30, 60, service="x", parent="3", error=True),
    ]
    assert impacts(radius("x", *spans)) == {
        # nested spans of one service count once
        "a": (1, True, Impact(100, 100, 30, 1)),
        "b": (2, True, Impact(100, 100, 37.5, 1)),
    }
    # the inner a affects b
    assert impacts(radius("a", *spans)) == {"b": (1, True, Impact(100, 100, 75, 1))}
    assert radius("a", *spans).downstream == (("b", Distance(1, True)), ("x", Distance(1, True)))
    # b, with everything below it, affects the outer a
    assert impacts(radius("b", *spans)) == {"a": (1, True, Impact(100, 100, 80, 1))}


def test_service_is_not_affected_by_its_callers() -> None:
    # x calls a, and a calls x in another trace
    above = [
        span("1", 0, 100, trace="1", service="x", error=True),
        span("2", 10, 90, trace="1", service="a", parent="1", error=True),
    ]
    below = [
        span("1", 0, 100, trace="2", service="a", name="go"),
        span("2", 10, 30, trace="2", service="x", parent="1"),
    ]
    # 20 of 180 µs, of the second trace; its failure is its own
    assert impacts(radius("x", *above, *below)) == {"a": (1, True, Impact(50, 0, 100 * 20 / 180, 2))}
    # also not its own error beside another call
    both = [*above, span("3", 20, 40, trace="1", service="x", parent="2"), *below]
    both.append(span("4", 50, 60, trace="1", service="a", parent="2", error=True))
    assert impacts(radius("x", *both)) == {"a": (1, True, Impact(100, 0, 100 * (20 + 20) / 180, 2))}


def test_possible_callers_come_last_without_figures() -> None:
    found = radius("c", *call_paths("ab", "bc"))
    assert [(one.service, one.distance, one.impact.exposure) for one in found.services] == [
        ("b", Distance(1, True), 50),
        ("a", Distance(2, True), 0),
    ]
    assert found.services[1].impact == Impact(0, 0, 0, 1)
    # no trace of a reaches the target
    assert [one.service for one in found.entries] == ["b"]


def test_search_in_a_cycle_terminates() -> None:
    found = radius("a", *call_paths("abca", "cx"))
    assert {one.service: one.distance.hops for one in found.services} == {"c": 1, "b": 2}
    assert dict(found.downstream) == {"b": Distance(1, True), "c": Distance(2, True), "x": Distance(3, True)}


def test_orphan_counts_for_the_trace_but_has_no_entry_point() -> None:
    spans = [
        web("1", error=True),
        span("2", 10, 20, trace="1", service="cart", parent="1"),
        span("3", 12, 18, trace="1", service="db", parent="2"),
        web("2", error=True),
        span("2", 10, 20, trace="2", service="cart", parent="gone"),
        span("3", 12, 18, trace="2", service="db", parent="2", error=True),
    ]
    found = radius("db", *spans)
    assert found.trace_count == 2
    # an orphan has a path of its own; the outcome of its error is unknown
    assert impacts(found) == {"cart": (1, True, Impact(100, 0, 60, 2)), "web": (2, True, Impact(50, 0, 3, 2))}
    assert entries(found) == {"web buy": Impact(50, 0, 3, 2)}


def test_spans_without_duration_have_no_latency_share() -> None:
    spans = [span("1", 5, 5, service="a"), span("2", 5, 5, service="b", parent="1")]
    assert impacts(radius("b", *spans)) == {"a": (1, True, Impact(100, 0, 0, 1))}


@pytest.mark.parametrize("name", ["a->b", "b:c:d", "a -> b:c", LONG, "\n"])
def test_any_names(name: str) -> None:
    spans = [span("1", 0, 10, service=name, name=name), span("2", 2, 7, service="db", name=name, parent="1")]
    graph = graph_of(*spans)
    paths = critical_paths(graph.traces)
    for target in (Target("db"), Target("db", name), Target("db", caller=name)):
        found = blast_radius(graph, paths, target)
        assert impacts(found) == {name: (1, True, Impact(100, 0, 50, 1))}
        assert [(one.service, one.operation) for one in found.entries] == [(name, name)]


def test_chain_of_20_000_spans() -> None:
    spans = [
        GivenSpan(f"{i + 1:x}", 1 + i, 40_001 - 2 * i, parent=f"{i:x}" if i else "", service=f"s{i % 7}")
        for i in range(20_000)
    ]
    found = radius("s3", *spans, span("1", 0, 9, trace="2", service="s2"))
    assert impacts(found)["s2"][2].exposure == 50
    assert {one.distance.hops for one in found.services} == {1, 2, 3, 4, 5, 6}
