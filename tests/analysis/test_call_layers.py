"""Layers of a call, receive spans, links, and spans without a service: hand-made traces."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.building import US, GivenSpan, build, span
from tests.support.service_graphs import WEB, client_span, edge_of, edges
from tracetui.analysis.dependencies import ServiceFigures, find_dependencies
from tracetui.analysis.latency import Latency
from tracetui.model.peers import PeerType
from tracetui.model.span import UNKNOWN_SERVICE, Flag, Kind, Value
from tracetui.query.fields import FIELDS, TextColumn

ORDERS = span("f0", 20, 80, service="orders", kind=Kind.SERVER, parent="t")
SENT = span("c", 10, 90, service="web", kind=Kind.PRODUCER, attributes={"messaging.destination.name": "q"})


def attempt(span_id: str = "t", parent: str = "c", kind: Kind = Kind.INTERNAL, **rest: Any) -> GivenSpan:
    return span(span_id, 11, 89, service="web", kind=kind, parent=parent, **rest)


def nameless(span_id: str, parent: str, kind: Kind = Kind.INTERNAL, **rest: Any) -> GivenSpan:
    return span(span_id, 12, 88, service=UNKNOWN_SERVICE, kind=kind, parent=parent, **rest)


# --- Layers ---------------------------------------------------------------------------------------------------------


def test_layers_between_the_halves_are_not_calls() -> None:
    called = client_span(attributes={"server.address": "orders.default.svc"})
    assert edges(WEB, called, attempt(), ORDERS) == {("web", "orders", False): 1}
    assert edges(WEB, called, attempt(kind=Kind.CLIENT), ORDERS) == {("web", "orders", False): 1}
    deep = [called, attempt("s", kind=Kind.CLIENT), attempt("t", "s"), ORDERS]
    assert edges(WEB, *deep) == {("web", "orders", False): 1}


def test_callee_caller_and_network_latency_are_in_one_row() -> None:
    edge = edge_of(WEB, client_span(), attempt(), ORDERS)
    assert (edge.latency.p50_ns, edge.caller_p50_ns, edge.network_p50_ns) == (60 * US, 80 * US, 20 * US)
    # without a span of the caller; a message without queue time; a peer with one half
    edge = edge_of(WEB, ORDERS.but(parent="a"))
    assert (edge.latency.p50_ns, edge.caller_p50_ns, edge.network_p50_ns) == (60 * US, None, None)
    edge = edge_of(WEB, client_span().but(kind=Kind.PRODUCER), ORDERS.but(parent="c", kind=Kind.CONSUMER))
    assert (edge.caller_p50_ns, edge.network_p50_ns) == (80 * US, 0)
    edge = edge_of(WEB, client_span(attributes={"peer.service": "stripe"}))
    assert (edge.latency.p50_ns, edge.caller_p50_ns, edge.network_p50_ns) == (80 * US, 80 * US, None)


@pytest.mark.parametrize(("failed", "errors"), [("orders", 1), ("attempt", 0), ("client", 1), ("server", 0)])
def test_only_errors_of_the_halves_count_for_a_call(failed: str, errors: int) -> None:
    layers = {"server": WEB, "client": client_span(), "attempt": attempt(), "orders": ORDERS}
    layers[failed] = layers[failed].but(error=True)
    assert edge_of(*layers.values()).error_count == errors


def test_client_span_above_a_server_span_is_not_a_half() -> None:
    inner = span("s", 15, 85, service="web", kind=Kind.SERVER, parent="c")
    edge = edge_of(WEB, client_span(error=True), inner, ORDERS.but(parent="s"))
    assert (edge.callee, edge.error_count, edge.caller_p50_ns) == ("orders", 0, None)


@pytest.mark.parametrize("kind", [Kind.CLIENT, Kind.PRODUCER])
def test_error_of_an_outgoing_entry_span_is_not_of_the_incoming_call(kind: Kind) -> None:
    entry = ORDERS.but(kind=kind, error=True, parent="c")
    stock = entry.but(id="f1", parent="f0", service="stock", kind=Kind.SERVER, error=False)
    found = find_dependencies(build(WEB, client_span(), entry, stock)).edges
    errors = {(edge.caller, edge.callee): edge.error_count for edge in found}
    assert errors == {("web", "orders"): 0, ("orders", "stock"): 1}
    assert edge_of(WEB, client_span(error=True), entry.but(error=False)).error_count == 1


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("attributes", [{}, {"server.address": "orders"}, {"rpc.system": "grpc", "rpc.service": "O.O"}])
@pytest.mark.parametrize("host", [{}, {"server.address": "10.0.0.7"}])
def test_failed_attempt_below_an_answered_call_is_a_layer(
    layers: int, attributes: dict[str, Value], host: dict[str, Value]
) -> None:
    called = client_span(attributes=attributes)
    failed = attempt("f", kind=Kind.CLIENT, error=True, attributes=host)
    around = [attempt("w", kind=Kind.CLIENT)] if layers == 2 else []
    inner = attempt(kind=Kind.CLIENT, parent="w" if around else "c")
    edge = edge_of(WEB, called, failed, *around, inner, ORDERS)
    assert (edge.callee, edge.call_count, edge.error_count) == ("orders", 1, 0)
    # without an answer, each of them is a call
    name = attributes.get("rpc.service") or {**attributes, **host}.get("server.address")
    assert edges(WEB, called, failed) == ({("web", name, False): 1} if name else {})


def test_transport_of_an_answered_call_is_a_layer() -> None:
    transport = attempt("7", kind=Kind.CLIENT, attributes={"server.address": "sqs.example.org"})
    consumed = ORDERS.but(parent="c", kind=Kind.CONSUMER, service="mail")
    assert edges(SENT, transport, consumed) == {("web", "mail", True): 1}
    linked = consumed.but(parent="", trace="2", links=[("1", "c")])
    assert edges(SENT, transport, linked) == {("web", "mail", True): 1}
    # without an answer it is the message; a span with a name of its own is also a call
    assert edges(SENT, transport) == {("web", "q", True): 1}
    query = transport.but(attributes={"db.system": "redis"})
    assert edges(SENT, query, consumed) == {("web", "mail", True): 1, ("web", "redis", False): 1}


def test_outermost_name_and_innermost_address_are_used() -> None:
    table = {"rpc.system": "aws-api", "rpc.service": "DynamoDB", "db.system": "dynamodb"}
    http = attempt(kind=Kind.CLIENT, attributes={"server.address": "dynamodb.example.org"}, error=True)
    edge = edge_of(WEB, client_span(attributes=table), http)
    assert (edge.callee, edge.call_count, edge.error_count, edge.latency.p50_ns) == ("dynamodb", 1, 1, 78 * US)
    assert edges(WEB, client_span(attributes={"server.address": "proxy"}), http) == {
        ("web", "dynamodb.example.org", False): 1
    }
    assert edges(WEB, client_span(attributes={"server.address": "proxy"}), http.but(attributes={})) == {
        ("web", "proxy", False): 1
    }
    # a database span without a kind below the client span is a layer of it
    query = attempt(attributes={"db.system": "redis"})
    assert edges(WEB, client_span(attributes={"server.address": "cache-1"}), query) == {("web", "redis", False): 1}


@pytest.mark.parametrize(
    ("host", "callee"),
    [
        ("orders", "orders"),
        ("Orders:8080", "orders"),
        ("orders.default.svc", "orders"),
        ("orders.default.svc.cluster.local", "orders"),
        ("orders.local", "orders"),
        ("orders.prod.internal", "orders"),
        ("orders.service.consul", "orders"),
        ("orders.example.org", "orders.example.org"),
        ("api.orders.local", "api.orders.local"),
        ("orders-2.local", "orders-2.local"),
    ],
)
def test_host_name_in_a_cluster_is_a_service(host: str, callee: str) -> None:
    there = ORDERS.but(parent="", trace="2")
    assert edges(WEB, client_span(attributes={"server.address": host}), there) == {("web", callee, False): 1}
    assert edges(WEB, client_span(attributes={"peer.service": host}), there) == {("web", callee, False): 1}
    rpc = {"rpc.system": "grpc", "rpc.service": "shop.Orders", "server.address": host}
    expected = "orders" if callee == "orders" else "shop.Orders"
    assert edges(WEB, client_span(attributes=rpc), there) == {("web", expected, False): 1}


def test_deep_layers() -> None:
    ids = [f"{0x1000 + i:x}" for i in range(5_000)]
    deep = [WEB, client_span(attributes={"peer.service": "stripe"})]
    kinds = (Kind.INTERNAL, Kind.CLIENT)
    deep += [attempt(one, above, kinds[i % 2]) for i, (one, above) in enumerate(zip(ids, ["c", *ids], strict=False))]
    assert edges(*deep) == {("web", "stripe", False): 1}
    assert edges(*deep, ORDERS.but(parent=ids[-1])) == {("web", "orders", False): 1}


# --- Messages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.CLIENT, Kind.INTERNAL, Kind.UNSPECIFIED, Kind.CONSUMER])
@pytest.mark.parametrize(
    "operation",
    [{"messaging.operation.type": "receive"}, {"messaging.operation": "process"}, {"messaging.operation": "receive"}],
)
def test_receive_span_is_called(kind: Kind, operation: dict[str, Any]) -> None:
    polled = span("b", 100, 120, trace="2", service="mail", kind=kind, links=[("1", "c")])
    polled = polled.but(attributes={"messaging.destination.name": "q", "messaging.system": "kafka", **operation})
    assert edges(SENT, polled) == {("web", "mail", True): 1}
    # the same by parent instead of link
    assert edges(SENT, polled.but(trace="1", parent="c")) == {("web", "mail", True): 1}
    # without a link it makes no call
    assert edges(SENT, polled.but(links=())) == {("web", "q", True): 1}


def test_sending_client_span_calls_its_queue() -> None:
    said = {"messaging.operation.type": "send", "messaging.system": "kafka", "messaging.destination.name": "q"}
    assert edges(WEB, client_span(attributes=said)) == {("web", "q", False): 1}


def test_batch_is_called_once_per_producer() -> None:
    sent = [SENT, SENT.but(id="d"), SENT.but(id="e", service="cart")]
    batch = span("b", 100, 150, trace="2", service="mail", kind=Kind.CONSUMER)
    batch = batch.but(links=[("1", "c"), ("1", "d"), ("1", "e"), ("1", "c")])
    assert edges(*sent, batch) == {("web", "mail", True): 2, ("cart", "mail", True): 1}
    # spans below link to the same messages
    handled = batch.but(id="f", parent="b", links=[("1", "c")])
    assert edges(*sent, batch, handled) == {("web", "mail", True): 2, ("cart", "mail", True): 1}
    # another consumer gets them as well
    assert edges(*sent, batch, handled.but(service="audit", parent="")) == {
        ("web", "mail", True): 2,
        ("cart", "mail", True): 1,
        ("web", "audit", True): 1,
    }


@pytest.mark.parametrize("kind", [Kind.SERVER, Kind.CLIENT, Kind.CONSUMER, Kind.INTERNAL])
def test_link_to_a_span_other_than_a_producer_is_not_a_call(kind: Kind) -> None:
    consumed = span("b", 100, 120, trace="2", service="mail", kind=Kind.CONSUMER, links=[("1", "c")])
    assert edges(SENT.but(kind=kind, attributes={}), consumed) == {}


def test_link_to_the_callers_of_the_parent_makes_no_call() -> None:
    layer = span("d", 12, 80, service="web", parent="c")
    consumed = span("b", 100, 120, service="mail", kind=Kind.CONSUMER, parent="d", links=[("1", "c")])
    assert edges(SENT, layer, consumed) == {("web", "mail", True): 1}


def test_synchronous_and_asynchronous_calls_are_two_edges() -> None:
    spans = [
        SENT,
        span("b", 20, 30, service="mail", kind=Kind.CONSUMER, parent="c"),
        client_span("e", "", trace="2"),
        span("f", 20, 30, trace="2", service="mail", kind=Kind.SERVER, parent="e"),
    ]
    assert edges(*spans) == {("web", "mail", True): 1, ("web", "mail", False): 1}


# --- The other end of a span ----------------------------------------------------------------------------------------


def test_leaf_without_a_kind_calls_its_remote_end() -> None:
    leaf = client_span(attributes={"peer.service": "stripe"}).but(kind=Kind.UNSPECIFIED)
    assert edges(WEB, leaf) == {("web", "stripe", False): 1}
    assert edges(WEB, leaf.but(attributes={"network.peer.address": "10.0.0.1"})) == {("web", "10.0.0.1", False): 1}
    # not with another kind, with children, or with the span's own address
    assert edges(WEB, leaf.but(kind=Kind.INTERNAL)) == {}
    assert edges(WEB, leaf, span("e", 20, 30, service="web", parent="c")) == {}
    assert edges(WEB, leaf.but(attributes={"server.address": "web-1"})) == {}


def test_root_with_a_remote_end_is_called_by_it() -> None:
    root = WEB.but(attributes={"peer.service": "browser"}, error=True)
    assert edges(root) == {("browser", "web", False): 1}
    assert edges(root.but(kind=Kind.CONSUMER)) == {("browser", "web", True): 1}
    edge = edge_of(root)
    assert (edge.inferred, edge.error_count, edge.latency.p50_ns) == (False, 1, 100 * US)
    assert (edge.caller_p50_ns, edge.network_p50_ns) == (None, None)
    browser, web = find_dependencies(build(root)).services
    assert browser == ServiceFigures("browser", True, 0, 0, Latency(0), PeerType.EXTERNAL)
    assert web.call_count == 1
    # a known service as the caller, and a root with a missing parent
    assert edges(root, span("b", 0, 9, trace="2", service="browser")) == {("browser", "web", False): 1}
    assert edges(root.but(parent="dead")) == {("browser", "web", False): 1}
    # spans of other kinds name no caller
    assert edges(root.but(kind=Kind.INTERNAL)) == {}
    assert edges(root.but(attributes={"network.peer.address": "10.0.0.1"})) == {}
    assert edges(root.but(attributes={"peer.service": "web"})) == {}


# --- Spans without a service ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.INTERNAL, Kind.SERVER, Kind.CLIENT])
def test_calls_pass_through_spans_without_a_service(kind: Kind) -> None:
    assert edges(WEB, client_span(), nameless("t", "c", kind), ORDERS) == {("web", "orders", False): 1}
    assert edges(WEB, nameless("s", "a", kind), nameless("t", "s"), ORDERS) == {("web", "orders", False): 1}
    # within one service it is no call; without spans above it has no caller
    assert edges(WEB, nameless("t", "a", kind), ORDERS.but(service="web")) == {}
    assert edges(nameless("t", "", kind), ORDERS) == {}
    follower = nameless("t", "c", kind, flags=Flag.FOLLOWS_FROM)
    assert edges(WEB, client_span(), follower, ORDERS) == {("web", "orders", True): 1}


def test_half_of_a_call_is_the_callers_own_span() -> None:
    edge = edge_of(WEB, client_span(error=True), nameless("t", "c", Kind.SERVER), ORDERS)
    assert (edge.error_count, edge.caller_p50_ns) == (1, 80 * US)
    assert edge_of(WEB, client_span(), nameless("t", "c", Kind.CLIENT, error=True), ORDERS).error_count == 0


def test_span_without_a_service_counts_for_the_service_above() -> None:
    query = nameless("t", "a", Kind.CLIENT, attributes={"db.system": "redis"})
    assert edges(WEB, query) == {("web", "redis", False): 1}
    assert edges(query.but(parent="")) == {}
    # the span that answers it is called once
    called = nameless("t", "a", Kind.CLIENT, attributes={"peer.service": "orders"})
    assert edges(WEB, called, ORDERS) == {("web", "orders", False): 1}


# --- In queries -----------------------------------------------------------------------------------------------------


def test_caller_field_of_queries() -> None:
    consumed = span("b", 100, 120, trace="2", service="mail", kind=Kind.CONSUMER, links=[("1", "c")])
    traces = build(SENT, consumed, nameless("t", "c"), span("d", 20, 80, service="orders", parent="t"))

    def callers() -> dict[str, str]:
        read = FIELDS["caller"].read
        assert read is not None
        found = read(traces)
        assert isinstance(found, TextColumn)
        return {traces.service_name(i): found.texts[code] for i, code in enumerate(found.codes.tolist())}

    assert callers() == {"web": "", "mail": "web", "orders": "web", UNKNOWN_SERVICE: ""}
