"""Inferred peers: names and types of unanswered calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import unhurried
from tracetui.analysis.dependencies import find_dependencies
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats import jaeger_json, otlp_json
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.peers import NOTED, Note, Peer, PeerType, called_peer, read_note, receives
from tracetui.model.span import Event, Kind, Link, Value
from tracetui.model.span_codec import MergedCodec, merge_codecs
from tracetui.model.traces import TraceSet


def name_of(kind: Kind, attributes: dict[str, Any]) -> str | None:
    peer = called_peer(kind, attributes)
    return None if peer is None else peer.name


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        # a name given by the caller
        ({"service.peer.name": "stripe", "peer.service": "old", "db.system": "redis"}, "stripe"),
        ({"peer.service": "stripe", "server.address": "10.0.0.1"}, "stripe"),
        # databases: the system and its namespace, else its address
        ({"db.system.name": "postgresql", "db.system": "other", "db.namespace": "shop"}, "postgresql:shop"),
        ({"db.system": "mysql", "db.name": "orders", "server.address": "db1"}, "mysql:orders"),
        ({"db.system": "redis", "server.address": "cache-1"}, "redis@cache-1"),
        ({"db.system": "redis", "net.peer.name": "cache-1"}, "redis@cache-1"),
        ({"db.system": "redis"}, "redis"),
        ({"sql.query": "SELECT 1", "db.name": "orders"}, "sql:orders"),
        # queues: the destination, else the system
        ({"messaging.system": "kafka", "messaging.destination.name": "orders"}, "orders"),
        ({"messaging.system": "kafka", "messaging.destination.template": "orders-{n}"}, "orders-{n}"),
        ({"messaging.system": "kafka", "messaging.destination": "orders"}, "orders"),
        ({"messaging.system": "kafka", "message_bus.destination": "orders"}, "orders"),
        ({"messaging.system": "kafka", "server.address": "broker-1"}, "kafka"),
        # remote procedures: the service, also as a part of the method, else the host
        ({"rpc.system": "grpc", "rpc.service": "shop.Cart", "server.address": "h"}, "shop.Cart"),
        ({"rpc.system.name": "grpc", "rpc.method": "shop.Cart/Add"}, "shop.Cart"),
        ({"rpc.system": "grpc", "rpc.method": "/shop.Cart/Add"}, "shop.Cart"),
        ({"rpc.system": "grpc", "rpc.method": "Add", "server.address": "cart-1"}, "cart-1"),
        # anything else: the host
        ({"server.address": "example.org", "url.full": "https://other.org/"}, "example.org"),
        ({"net.peer.name": "example.org"}, "example.org"),
        ({"http.host": "example.org"}, "example.org"),
        ({"url.full": "https://user:secret@example.org:8443/x?y"}, "example.org"),
        ({"http.url": "http://[::1]:80/"}, "::1"),
        ({"http.url": "http://[broken", "peer.hostname": "example.org"}, "example.org"),
        ({"http.url": "/only/a/path", "net.peer.ip": "10.0.0.1"}, "10.0.0.1"),
        ({"network.peer.address": "10.0.0.1"}, "10.0.0.1"),
        ({"net.sock.peer.name": "example.org", "net.sock.peer.addr": "10.0.0.1"}, "example.org"),
        ({"net.sock.peer.addr": "10.0.0.1"}, "10.0.0.1"),
        ({"peer.address": "10.0.0.1"}, "10.0.0.1"),
        # attributes that name no peer
        ({}, None),
        ({"http.method": "GET"}, None),
        ({"peer.service": "  ", "server.address": ""}, None),
        ({"peer.service": 7, "server.address": ["x"]}, None),
    ],
)
def test_peer_of_a_client_span(attributes: dict[str, Any], expected: str | None) -> None:
    assert name_of(Kind.CLIENT, attributes) == expected


@pytest.mark.parametrize("known", [{}, {"server.address": "broker-1"}])
def test_peer_of_a_producer_is_its_destination_or_host(known: dict[str, Any]) -> None:
    assert name_of(Kind.PRODUCER, {"messaging.destination.name": "orders", **known}) == "orders"
    assert name_of(Kind.PRODUCER, known) == known.get("server.address")


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        (Kind.CLIENT, {"db.system": "postgresql"}, PeerType.DATABASE),
        (Kind.CLIENT, {"sql.query": "SELECT 1"}, PeerType.DATABASE),
        (Kind.CLIENT, {"db.system.name": "Redis", "db.namespace": "0"}, PeerType.CACHE),
        (Kind.INTERNAL, {"db.system": "memcached"}, PeerType.CACHE),
        (Kind.CLIENT, {"peer.service": "users", "db.system": "mysql"}, PeerType.DATABASE),
        (Kind.CLIENT, {"messaging.system": "kafka"}, PeerType.QUEUE),
        (Kind.CLIENT, {"peer.service": "events", "messaging.system": "kafka"}, PeerType.QUEUE),
        (Kind.PRODUCER, {"peer.service": "events"}, PeerType.QUEUE),
        (Kind.PRODUCER, {"server.address": "broker-1"}, PeerType.QUEUE),
        (Kind.CLIENT, {"peer.service": "stripe"}, PeerType.EXTERNAL),
        (Kind.CLIENT, {"rpc.system": "grpc", "rpc.service": "shop.Cart"}, PeerType.EXTERNAL),
        (Kind.UNSPECIFIED, {"network.peer.address": "10.0.0.1"}, PeerType.EXTERNAL),
    ],
)
def test_type_of_a_peer(kind: Kind, attributes: dict[str, Any], expected: PeerType) -> None:
    peer = called_peer(kind, attributes)
    assert peer is not None
    assert peer.type is expected


def test_spans_of_other_kinds_name_databases_and_remote_ends() -> None:
    for kind in (Kind.INTERNAL, Kind.UNSPECIFIED):
        assert name_of(kind, {"db.system": "redis", "db.namespace": "0"}) == "redis:0"
        known = {"server.address": "example.org", "messaging.system": "kafka", "rpc.system": "grpc"}
        assert name_of(kind, known) is None
    assert name_of(Kind.UNSPECIFIED, {"peer.service": "stripe"}) == "stripe"
    assert name_of(Kind.INTERNAL, {"peer.service": "stripe"}) is None
    assert name_of(Kind.INTERNAL, {"peer.service": "cache", "db.system": "redis"}) == "cache"


def test_name_takes_precedence_over_an_address() -> None:
    assert called_peer(Kind.CLIENT, {"server.address": "a"}) == Peer("a", PeerType.EXTERNAL, True, "a")
    assert called_peer(Kind.CLIENT, {"peer.service": "a"}) == Peer("a", PeerType.EXTERNAL, False, "a")
    # a database or a queue is no service, wherever it is
    assert called_peer(Kind.CLIENT, {"db.system": "redis", "server.address": "a"}) == Peer("redis@a", PeerType.CACHE)


_KEYS = (
    "service.peer.name peer.service db.system.name db.system db.namespace db.name sql.query messaging.system"
    " messaging.destination.name rpc.system rpc.service rpc.method server.address url.full http.url"
    " http.host peer.address"
).split()
_values = st.one_of(st.text(), st.sampled_from(("http://[", "https://x", "//", "a/b/c")), st.integers(), st.none())


@unhurried
@given(st.sampled_from(Kind), st.dictionaries(st.sampled_from(_KEYS), _values))
def test_name_of_a_peer_is_text_for_any_attributes(kind: Kind, attributes: dict[str, Any]) -> None:
    name = name_of(kind, attributes)
    assert name is None or (name and name == name.strip())


def _as_jaeger(spans: list[dict[str, Any]], *, chained: bool = False) -> TraceSet:
    """Write spans of one service, or each as the child of the previous one and every third of another service."""
    tags = [[{"key": key, "type": "string", "value": value} for key, value in span.items()] for span in spans]
    written = [{"spanID": f"{i + 1:016x}", "processID": "p", "tags": one} for i, one in enumerate(tags)]
    for i, span in enumerate(written if chained else []):
        span["processID"] = "pq"[i // 3 % 2]
        span["references"] = [{"refType": "CHILD_OF", "traceID": "1", "spanID": f"{i:016x}"}] if i else []
    processes = {name: {"serviceName": service} for name, service in (("p", "shop"), ("q", "cart"))}
    trace = {"traceID": "1", "spans": written, "processes": processes}
    intake = Intake()
    jaeger_json.decode_trace(orjson.dumps(trace), DecodeContext(intake, "a file"))
    return assemble(intake)


def _as_otlp(spans: list[dict[str, Any]]) -> TraceSet:
    lists = [[{"key": key, "value": {"stringValue": value}} for key, value in span.items()] for span in spans]
    ids = [{"traceId": "1" * 32, "spanId": f"{i + 1:016x}"} for i in range(len(lists))]
    written = [{**one, "attributes": attributes} for one, attributes in zip(ids, lists, strict=True)]
    intake = Intake()
    request = {"resourceSpans": [{"scopeSpans": [{"spans": written}]}]}
    otlp_json.decode_request(orjson.dumps(request), DecodeContext(intake, "a file"))
    return assemble(intake)


_texts = st.one_of(
    st.sampled_from(("", " ", "orders", "redis", "postgresql", '"db.name"', '}"peer.service"')), st.text()
)
_OPERATIONS = ["messaging.operation", "messaging.operation.type", "messaging.operation.name"]
_named = st.dictionaries(
    st.sampled_from([*_KEYS, *_OPERATIONS, "db.statement", "db.name.x", "x.peer.service", "messaging.operations"]),
    st.one_of(_texts, st.sampled_from(("receive", "Process", "send"))),
    max_size=6,
)


@pytest.mark.parametrize("decoded", [_as_jaeger, _as_otlp])
@unhurried
@given(st.lists(_named, min_size=1, max_size=4))
def test_noted_peers_equal_those_of_the_attributes(
    decoded: Callable[[list[dict[str, Any]]], TraceSet], spans: list[dict[str, Any]]
) -> None:
    traces = decoded(spans)
    for span in range(len(traces)):
        noted = int(traces.noted_peer[span])
        attributes = traces.attributes(span)
        assert (noted == Note.RECEIVES) == receives(attributes)
        if noted == Note.NOTHING:
            assert NOTED.isdisjoint(set(attributes) - set(_OPERATIONS))
        if noted >= len(Note):
            name, type_, host = read_note(traces.peers[noted])
            peer = called_peer(Kind.CLIENT, attributes)
            assert peer is not None
            assert (name, host, False) == (peer.name, peer.host, peer.is_host)
            assert type_ in (None, peer.type)
        told = attributes.get("peer.service")
        if isinstance(told, str) and told.strip():
            assert noted >= len(Note) or noted == Note.RECEIVES


_sent = st.lists(
    st.tuples(
        st.sampled_from([kind.name.lower() for kind in Kind if kind]),
        st.sampled_from([{}, {"peer.service": "cart"}, {"db.system": "redis"}, {"server.address": "cart"}]),
        st.sampled_from([{}, *({key: "receive"} for key in _OPERATIONS), {"messaging.operation": "send"}]),
    ),
    min_size=2,
    max_size=6,
)


@unhurried
@given(_sent)
def test_calls_are_the_same_without_the_notes_of_decoders(
    spans: list[tuple[str, dict[str, str], dict[str, str]]],
) -> None:
    traces = _as_jaeger([{"span.kind": kind, **peer, **operation} for kind, peer, operation in spans], chained=True)
    assert (traces.noted_peer != Note.UNREAD).any() or all("db.system" in peer for _, peer, _ in spans)
    unread = replace(traces, noted_peer=np.full(len(traces), Note.UNREAD))
    noted, searched = (find_dependencies(one) for one in (traces, unread))
    assert (noted.services, noted.edges) == (searched.services, searched.edges)


@pytest.mark.parametrize(
    "attributes",
    [
        {"peer.service": "p"},
        {"peer.service": "p", "sql.query": "SELECT 1"},
        {"peer.service": "p", "messaging.system": "kafka"},
        {"peer.service": "p", "db.system": "redis"},
        {"peer.service": "p", "note": "sql.query"},
        {"sql.query": "SELECT 1"},
        {"sql.query": "SELECT 1", "messaging.system": "kafka", "service.peer.name": "p"},
    ],
)
@pytest.mark.parametrize("kind", [Kind.CLIENT, Kind.PRODUCER])
def test_peer_type_comes_from_its_calls(kind: Kind, attributes: dict[str, str]) -> None:
    traces = _as_jaeger([{"span.kind": kind.name.lower(), **attributes}] * 3)
    (found,) = [one for one in find_dependencies(traces).services if one.inferred]
    message = called_peer(kind, attributes)
    assert message is not None
    assert (found.service, found.peer_type) == (message.name, message.type)


class Named:
    """Codec that reads any attributes as the name of one peer."""

    is_text = True

    def __init__(self, peer: str) -> None:
        self.peer = peer

    def attributes(self, raw: bytes) -> dict[str, Value]:
        return {"peer.service": self.peer} if raw else {}

    def events(self, raw: bytes) -> list[Event]:
        return []

    def links(self, raw: bytes) -> list[Link]:
        return []


def test_equal_bytes_in_different_formats_name_different_peers() -> None:
    intake = Intake()
    for at, peer in enumerate(("stripe", "mailer"), 1):
        intake.add(
            trace=intake.traces(f"{at:032x}"),
            span_id=f"{at:016x}",
            parent_id="",
            name="call",
            resource=intake.resources(f"service-{at}", b"", MergedCodec([Named(peer)])),
            start_ns=at * 1_000_000,
            duration_ns=1_000,
            kind=Kind.CLIENT,
            attributes=merge_codecs([b"the same"]),
        )
    found = find_dependencies(assemble(intake)).edges
    assert [(edge.caller, edge.callee) for edge in found] == [("service-1", "stripe"), ("service-2", "mailer")]
