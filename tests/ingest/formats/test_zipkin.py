"""Zipkin's JSON, versions 2 and 1."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tracetui import export
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats import zipkin_json, zipkin_v1
from tracetui.ingest.formats.zipkin_span import CODEC
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Event, Flag, Kind, Link, Span, Status
from tracetui.model.traces import TraceSet

Decoder = Callable[[Sequence[Raw | bytes], DecodeContext], None]

TRACE = "5af7183fb1d4cf5f0000000000000001"
FRONT = {"serviceName": "Front", "ipv4": "192.0.2.1", "port": 8080}
BACK = {"serviceName": "back", "ipv4": "192.0.2.2"}


def v2(id_: str = "a1", **fields: Any) -> dict[str, Any]:
    return {"traceId": TRACE, "id": id_.rjust(16, "0"), "timestamp": 1000, "duration": 500, "name": "op", **fields}


def loaded(*items: Any, decode: Decoder = zipkin_json.decode_spans) -> TraceSet:
    raw = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in items]
    intake = Intake()
    decode(raw, DecodeContext(intake, "spans.json"))
    return assemble(intake)


def spans(*items: Any, decode: Decoder = zipkin_json.decode_spans) -> list[Span]:
    found = loaded(*items, decode=decode)
    return [found.span(i) for i in range(len(found))]


def only(*items: Any, decode: Decoder = zipkin_json.decode_spans) -> Span:
    (span,) = spans(*items, decode=decode)
    return span


def only_of(id_: str, *items: Any, decode: Decoder = zipkin_json.decode_spans) -> Span:
    (span,) = [span for span in spans(*items, decode=decode) if span.span_id.lstrip("0") == id_]
    return span


def shape(found: list[Span]) -> list[tuple[str, str, str | None]]:
    return [(span.service, span.span_id.lstrip("0"), span.parent_id and span.parent_id.lstrip("0")) for span in found]


# --- One span -------------------------------------------------------------------------------------------------------


def test_all_fields_of_a_span() -> None:
    span = only(
        v2(
            "a2",
            kind="CLIENT",
            name="get /API",
            localEndpoint=FRONT,
            remoteEndpoint={"serviceName": "db", "ipv6": "2001:db8::1", "port": 5432},
            annotations=[{"timestamp": 1100, "value": "cache.miss"}],
            tags={"http.path": "/api"},
        )
    )
    assert span == Span(
        trace_id=TRACE,
        span_id="00000000000000a2",
        parent_id=None,
        service="Front",
        name="get /API",
        start_ns=1_000_000,
        duration_ns=500_000,
        kind=Kind.CLIENT,
        attributes={
            "peer.service": "db",
            "network.peer.address": "2001:db8::1",
            "network.peer.port": 5432,
            "http.path": "/api",
        },
        resource={"host.ip": "192.0.2.1", "network.local.port": 8080},
        events=(Event(1_100_000, "cache.miss"),),
    )


def test_tags_take_precedence_over_the_remote_endpoint() -> None:
    span = only(v2(remoteEndpoint={"serviceName": "db", "port": 1}, tags={"peer.service": "billing"}))
    assert span.attributes == {"peer.service": "billing", "network.peer.port": 1}


@pytest.mark.parametrize("tags", [b"{}", b"{ }", b"null", b"[]", b'{"a": "b"}', b'{ "a":"b"}'])
def test_remote_endpoint_with_any_tags(tags: bytes) -> None:
    item = b'{"traceId":"1","id":"2","remoteEndpoint":{"serviceName":"db"},"tags":%b}' % tags
    assert only(item).attributes == {"peer.service": "db", **({"a": "b"} if b"a" in tags else {})}


def test_only_the_ids_are_required() -> None:
    span = only({"traceId": "1", "id": "2"})
    assert (span.service, span.name, span.kind) == ("unknown_service", "unknown", Kind.UNSPECIFIED)
    assert (span.start_ns, span.duration_ns) == (0, 0)
    assert span.flags == Flag.NO_DURATION | Flag.START_REPAIRED


def test_missing_start_is_set_to_that_of_the_parent() -> None:
    late = only_of("b", v2("a"), v2("b", parentId="a", timestamp=None))
    assert (late.start_ns, late.flags) == (1_000_000, Flag.START_REPAIRED)


@pytest.mark.parametrize(
    ("fields", "error", "status", "message"),
    [
        ({"tags": {"error": "no route"}}, True, Status.ERROR, "no route"),
        ({"tags": {"error": ""}}, True, Status.ERROR, ""),
        ({"tags": {"error": "false"}}, True, Status.ERROR, ""),
        ({"tags": {"error": "TRUE"}}, True, Status.ERROR, ""),
        ({"tags": {"error": True}}, True, Status.ERROR, ""),
        ({"tags": {"error": None}}, True, Status.ERROR, ""),
        ({"tags": {"error": "", "otel.status_code": "OK"}}, False, Status.OK, ""),
        ({"tags": {"error": "no", "otel.status_description": "refused"}}, True, Status.ERROR, "refused"),
        ({"tags": {"error.kind": "x"}}, False, Status.UNSET, ""),
        ({"tags": {"error.type": "Timeout"}}, True, Status.UNSET, ""),
        ({"tags": {"http.status_code": "404", "error.type": "404"}}, False, Status.UNSET, ""),
        ({"tags": {"http.status_code": "404"}, "kind": "SERVER"}, False, Status.UNSET, ""),
        ({"tags": {"http.response.status_code": "503"}, "kind": "SERVER"}, True, Status.UNSET, ""),
        ({"tags": {"http.status_code": 503}, "kind": "SERVER"}, True, Status.UNSET, ""),
        ({"tags": {"http.status_code": "503", "otel.status_code": "OK"}}, False, Status.OK, ""),
        ({"tags": {"otel.status_code": "ERROR"}}, True, Status.ERROR, ""),
        ({"tags": {"rpc.grpc.status_code": "5"}, "kind": "CLIENT"}, True, Status.UNSET, ""),
        ({"tags": {"note": '"error": "no"'}}, False, Status.UNSET, ""),
        ({"annotations": [{"timestamp": 1, "value": "error"}]}, False, Status.UNSET, ""),
    ],
)
def test_errors(fields: dict[str, Any], error: bool, status: Status, message: str) -> None:
    span = only(v2(**fields))
    assert (span.error, span.status, span.status_message) == (error, status, message)


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("plain", Event(0, "plain")),
        ('{"exception": {"exception.type": "E", "n": 1}}', Event(0, "exception", {"exception.type": "E", "n": 1})),
        ('{"ready": {}}', Event(0, "ready")),
        ('{"a": {}, "b": {}}', Event(0, '{"a": {}, "b": {}}')),
        ('{"a": {"b": {}}', Event(0, '{"a": {"b": {}}')),
        ('{"a": [{}]}', Event(0, '{"a": [{}]}')),
        ('"exception": {"exception.type": "E", "n": 1}', Event(0, "exception", {"exception.type": "E", "n": 1})),
        ('"a \\" b":{}', Event(0, 'a " b')),
        ('exception|{"a":"x|y"}|0', Event(0, "exception", {"a": "x|y"})),
        ('exception|{"a":1}|3', Event(0, "exception", {"a": 1, "otel.dropped_attributes_count": 3})),
        ('"name": {not json}', Event(0, '"name": {not json}')),
        ("a|{b}|0", Event(0, "a|{b}|0")),
        ("a|b|c", Event(0, "a|b|c")),
        ("", Event(0, "")),
    ],
)
def test_annotations_become_events(text: str, event: Event) -> None:
    assert only(v2(annotations=[{"timestamp": 7, "value": text}])).events == (replace(event, time_ns=7000),)


def test_links_in_tags_of_the_collector() -> None:
    tags = {"otlp.link.10": "cd|02||{}|0", "otlp.link.2": 'ab|01|a=b|{"k":"x|y"}|0', "otlp.link.3": "no link"}
    assert only(v2(tags=tags)).links == (Link("ab", "01", "", {"k": "x|y"}), Link("cd", "02"))


# --- Ids ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parent", ["00000000000000a1", "a1", "A1", "0000000000000000", "", None])
def test_span_is_not_its_own_parent(parent: str | None) -> None:
    span = only(v2("a1", parentId=parent))
    assert (span.parent_id, span.flags) == (None, Flag.NONE)


def test_ids_match_in_any_spelling() -> None:
    assert shape(spans(v2("a1"), v2("b1") | {"id": "B1", "parentId": "A1"})) == [
        ("unknown_service", "a1", None),
        ("unknown_service", "B1", "a1"),
    ]


def test_short_and_long_ids_of_a_trace_are_joined() -> None:
    short, padded = TRACE[16:], "0" * 16 + TRACE[16:]
    found = loaded(v2("a1") | {"traceId": short}, v2("a2", parentId="a1"), v2("a3") | {"traceId": padded})
    assert found.trace_ids == [TRACE]
    assert len(found) == 3


def test_ambiguous_short_id_is_not_joined() -> None:
    other = "f" * 16 + TRACE[16:]
    found = loaded(v2("a1") | {"traceId": TRACE[16:]}, v2("a2"), v2("a3") | {"traceId": other})
    assert found.trace_ids == [TRACE[16:], TRACE, other]


# --- Pieces and halves ----------------------------------------------------------------------------------------------


def test_pieces_of_a_span_are_joined() -> None:
    note = {"timestamp": 3, "value": "x"}
    span = only_of(
        "a1",
        v2("a1", kind="CLIENT", name="unknown", duration=None, localEndpoint={"serviceName": "Front"}),
        v2("b1"),
        v2("a1", timestamp=None, parentId="b1", localEndpoint=FRONT, tags={"a": "1"}, annotations=[note]),
        v2("a1", name=None, duration=None, tags={"b": "2"}, annotations=[note]),
    )
    assert (span.kind, span.name, span.service, span.parent_id) == (Kind.CLIENT, "op", "Front", "00000000000000b1")
    assert (span.start_ns, span.duration_ns, span.flags) == (1_000_000, 500_000, Flag.NONE)
    assert span.attributes == {"a": "1", "b": "2"}
    assert span.resource == {"host.ip": "192.0.2.1", "network.local.port": 8080}
    assert span.events == (Event(3000, "x"),)


@pytest.mark.parametrize(
    "other",
    [
        {"timestamp": 2000},
        {"kind": "CLIENT"},
        {"localEndpoint": BACK, "timestamp": None},
        {"name": "other", "duration": None},
    ],
)
def test_contradicting_spans_stay_separate(other: dict[str, Any]) -> None:
    found = spans(v2(kind="PRODUCER", localEndpoint=FRONT), v2(**{"kind": "PRODUCER", "localEndpoint": FRONT, **other}))
    assert len(found) == 2
    assert all(Flag.SAME_ID in span.flags for span in found)


def test_repeats_are_dropped_and_counted() -> None:
    found = loaded(v2("a1"), v2("a1"), v2("b1"), v2("a1"))
    assert len(found) == 2
    assert (found.duplicates, found.trace_warnings) == ({0: 2}, {})


def test_repeated_pieces_are_counted_too() -> None:
    start, end = v2("a1", duration=None), v2("a1", timestamp=None)
    found = loaded(start, start, end)
    assert len(found) == 1
    assert (found.duplicates, found.trace_warnings) == ({0: 2}, {})


def test_many_spans_with_one_id() -> None:
    assert len(loaded(*[v2("a1", timestamp=1 + 2 * i) for i in range(3000)])) == 3000


CLIENT = v2("c", parentId="a", kind="CLIENT", localEndpoint=FRONT, timestamp=1010, duration=300)
SERVER = v2("c", parentId="a", kind="SERVER", localEndpoint=BACK, timestamp=1020, duration=200, shared=True)
RPC = [
    v2("a", kind="SERVER", localEndpoint=FRONT),
    CLIENT,
    SERVER,
    v2("d", parentId="c", localEndpoint=BACK, timestamp=1030, duration=10),
    v2("e", parentId="c", localEndpoint=FRONT, timestamp=1040, duration=10),
]


@pytest.mark.parametrize("order", [RPC, RPC[::-1], [RPC[2], RPC[0], RPC[4], RPC[1], RPC[3]]])
@pytest.mark.parametrize("flag", [{"shared": True}, {"shared": False}, {"parentId": None}])
def test_halves_of_an_rpc(order: list[dict[str, Any]], flag: dict[str, Any]) -> None:
    found = spans(*[item | flag if item is SERVER else item for item in order])
    assert shape(found) == [
        ("Front", "a", None),
        ("Front", "c", "a"),
        ("back", "c", "c"),
        ("back", "d", "c"),
        ("Front", "e", "c"),
    ]
    assert [span.flags for span in found] == [0, 0, Flag.SHARED, 0, 0]
    depths = loaded(*order).depth.tolist()
    assert depths == [0, 1, 2, 3, 2]


def test_service_that_calls_itself() -> None:
    found = spans(CLIENT | {"parentId": None}, SERVER | {"localEndpoint": FRONT, "shared": None})
    assert [(span.kind, span.flags) for span in found] == [(Kind.CLIENT, 0), (Kind.SERVER, Flag.SHARED)]


def test_shared_flag_of_a_client_is_ignored() -> None:
    assert only(v2(kind="CLIENT", shared=True)).flags == Flag.NONE


def test_pieces_of_both_halves() -> None:
    found = spans(*RPC, v2("c", shared=True, localEndpoint=BACK, timestamp=None, duration=None, tags={"late": "yes"}))
    assert len(found) == 5
    assert [span.attributes for span in found] == [{}, {}, {"late": "yes"}, {}, {}]


# --- Broken input ---------------------------------------------------------------------------------------------------


def test_items_that_are_not_spans_are_skipped_and_counted() -> None:
    found = loaded(v2("a1"), 7, [], {"id": "2"}, "x", b"{broken", {"traceId": "1"})
    assert len(found) == 1
    assert [str(warning) for warning in found.load_warnings] == [
        "spans.json: [1]: skipped: not a span object (and 3 more like it)",
        "spans.json: [3]: skipped: a span needs a traceId and an id (and 1 more like it)",
    ]


def test_wrong_types_are_repaired() -> None:
    found = loaded(
        {
            "traceId": 12,
            "id": 34,
            "name": 5,
            "kind": "server",
            "timestamp": "1000",
            "duration": "soon",
            "localEndpoint": "front",
            "remoteEndpoint": [1],
            "annotations": {"a": 1},
            "tags": {"n": 1, "list": [1, {"a": None}]},
        }
    )
    span = found.span(0)
    assert (span.trace_id, span.span_id, span.name, span.kind) == ("12", "34", "5", Kind.SERVER)
    assert (span.start_ns, span.duration_ns, span.flags) == (1_000_000, 0, Flag.NO_DURATION)
    assert (span.attributes, span.events) == ({"n": 1, "list": [1, {"a": None}]}, ())
    assert [str(w) for w in found.load_warnings] == [
        "spans.json: annotations of 1 span cannot be read: unknown structure",
        "spans.json: [0]: duration is not a number; ignored",
    ]


def test_numbers_and_texts_that_strict_json_rejects() -> None:
    span = only(b'{"traceId":"1","id":"2","name":"a\\ud800b","tags":{"n":NaN,"t":"\\udc00"},"timestamp":1e3}')
    assert (span.name, span.start_ns, span.attributes["t"]) == ("a\ufffdb", 1_000_000, "\ufffd")


# --- Version 1 ------------------------------------------------------------------------------------------------------


def v1(*notes: tuple[int, str, Any], binary: Sequence[tuple[str, Any, Any]] = (), **fields: Any) -> dict[str, Any]:
    return {
        "traceId": TRACE,
        "id": "00000000000000c1",
        "name": "op",
        "annotations": [{"timestamp": time, "value": value, "endpoint": end} for time, value, end in notes],
        "binaryAnnotations": [{"key": key, "value": value, "endpoint": end} for key, value, end in binary],
        **fields,
    }


def old(*items: Any) -> list[Span]:
    return spans(*items, decode=zipkin_v1.decode_spans)


def facts(span: Span) -> tuple[str, Kind, int, int, Flag]:
    return span.service, span.kind, span.start_ns // 1000, span.duration_ns // 1000, span.flags


def test_v1_client_and_server_in_one_span_split() -> None:
    client, server = old(
        v1(
            (100, "cs", FRONT),
            (120, "sr", BACK),
            (125, "note", BACK),
            (180, "ss", BACK),
            (200, "cr", FRONT),
            binary=[("http.path", "/a", FRONT), ("sql", "x", BACK), ("sa", True, BACK), ("ca", True, FRONT)],
            parentId="00000000000000ff",
        )
    )
    assert facts(client) == ("Front", Kind.CLIENT, 100, 100, Flag.ORPHAN)
    assert facts(server) == ("back", Kind.SERVER, 120, 60, Flag.SHARED)
    assert server.parent_id == client.span_id == "00000000000000c1"
    assert client.attributes == {
        "peer.service": "back",
        "network.peer.address": "192.0.2.2",
        "http.path": "/a",
    }
    assert server.attributes["sql"] == "x"
    assert server.attributes["peer.service"] == "Front"
    assert (client.events, server.events) == ((), (Event(125_000, "note"),))


def test_v1_halves_from_two_reports() -> None:
    found = old(
        v1((120, "sr", BACK), (180, "ss", BACK)),
        v1((100, "cs", FRONT), (200, "cr", FRONT), timestamp=100, duration=100),
    )
    assert [facts(span) for span in found] == [
        ("Front", Kind.CLIENT, 100, 100, 0),
        ("back", Kind.SERVER, 120, 60, Flag.SHARED),
    ]


def test_v1_service_that_calls_itself() -> None:
    found = old(
        v1(
            (100, "cs", FRONT),
            (120, "sr", FRONT),
            (180, "ss", FRONT),
            (200, "cr", FRONT),
            binary=[("sa", True, BACK), ("ca", True, {**FRONT, "port": 9})],
        )
    )
    assert [facts(span) for span in found] == [
        ("Front", Kind.CLIENT, 100, 100, 0),
        ("Front", Kind.SERVER, 120, 60, Flag.SHARED),
    ]
    assert found[0].attributes["peer.service"] == "back"
    assert found[1].attributes == {"network.peer.address": "192.0.2.1", "network.peer.port": 9}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (v1((1, "cs", FRONT), (5, "cr", FRONT)), ("Front", Kind.CLIENT, 1, 4, 0)),
        (v1((1, "cs", FRONT), (5, "cr", FRONT), timestamp=2, duration=9), ("Front", Kind.CLIENT, 2, 9, 0)),
        (v1((1, "sr", BACK), (5, "ss", BACK), timestamp=1, duration=4), ("back", Kind.SERVER, 1, 4, 0)),
        (v1((1, "sr", BACK), (5, "ss", BACK)), ("back", Kind.SERVER, 1, 4, Flag.SHARED)),
        (v1((1, "cs", FRONT)), ("Front", Kind.CLIENT, 1, 0, Flag.NO_DURATION)),
        (v1((9, "cr", FRONT), timestamp=4, duration=5), ("Front", Kind.CLIENT, 4, 5, 0)),
        (v1((5, "cs", FRONT), (1, "cr", FRONT)), ("Front", Kind.CLIENT, 5, 0, Flag.NEGATIVE_DURATION)),
        (v1((1, "ms", FRONT), (3, "ws", FRONT)), ("Front", Kind.PRODUCER, 1, 2, 0)),
        (v1((1, "wr", FRONT), (4, "mr", FRONT)), ("Front", Kind.CONSUMER, 1, 3, 0)),
        (v1((4, "mr", FRONT)), ("Front", Kind.CONSUMER, 4, 0, Flag.NO_DURATION)),
        (v1(timestamp=3, duration=2, binary=[("lc", "", BACK)]), ("back", Kind.UNSPECIFIED, 3, 2, 0)),
        (v1(timestamp=3, duration=2, binary=[("ca", True, BACK)]), ("unknown_service", Kind.SERVER, 3, 2, 0)),
        (v1(timestamp=3, duration=2), ("unknown_service", Kind.UNSPECIFIED, 3, 2, 0)),
    ],
)
def test_v1_kinds_and_times(item: dict[str, Any], expected: tuple[Any, ...]) -> None:
    (span,) = old(item)
    assert facts(span) == expected


def test_v1_messages_in_one_span_split() -> None:
    found = old(v1((1, "ms", FRONT), (2, "ws", FRONT), (5, "mr", BACK), binary=[("ma", True, {"serviceName": "mq"})]))
    assert [facts(span)[:4] for span in found] == [("Front", Kind.PRODUCER, 1, 1), ("back", Kind.CONSUMER, 5, 0)]
    assert [span.attributes for span in found] == [{"peer.service": "mq"}] * 2


def test_v1_tags() -> None:
    binary = [("error", "boom", FRONT), ("lc", "worker", FRONT), ("n", 5, FRONT), ("b", True, None), ("sa", True, BACK)]
    (span,) = old(v1((1, "plain", None), (2, "cs", None), binary=binary, timestamp=1, duration=2))
    assert span.attributes == {
        "error": "boom",
        "lc": "worker",
        "n": "5",
        "b": "true",
        "peer.service": "back",
        "network.peer.address": "192.0.2.2",
    }
    assert (span.error, span.status_message, span.kind) == (True, "boom", Kind.UNSPECIFIED)
    assert [event.name for event in span.events] == ["plain", "cs"]


def test_v1_list_with_spans_of_version_2() -> None:
    found = old(v1((1, "cs", FRONT)), v2("a1", kind="SERVER", localEndpoint=BACK), v2("b1", kind="PRODUCER"))
    assert [span.kind for span in found] == [Kind.CLIENT, Kind.SERVER, Kind.PRODUCER]


def test_v1_spans_of_wrong_types_are_repaired_or_skipped() -> None:
    found = loaded(
        7,
        {"traceId": "1"},
        {"traceId": 1, "id": "2", "annotations": [{"timestamp": "x", "value": 3}, 7], "binaryAnnotations": [{}]},
        decode=zipkin_v1.decode_spans,
    )
    assert [span.events for span in map(found.span, range(len(found)))] == [(Event(0, "3"),)]
    assert [warning.position for warning in found.load_warnings] == ["[0]", "[1]", "[2]"]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (v1((1, "cs", FRONT)), True),
        ({"traceId": "1", "id": "2", "annotations": [{"timestamp": 1, "value": "x", "endpoint": FRONT}]}, True),
        (v2(localEndpoint=FRONT), False),
        (v2(tags={}), False),
        (v1(binary=[("tags", "Endpoint", FRONT), ("myEndpoint", "x", FRONT)]), True),
    ],
)
def test_detect_versions(item: dict[str, Any], expected: bool) -> None:
    assert zipkin_v1.is_v1(json.dumps(item).encode()) is expected


# --- Round trips ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "decode"),
    [(export.zipkin_v2, zipkin_json.decode_spans), (export.zipkin_v1, zipkin_v1.decode_spans)],
)
def test_written_spans_round_trip(write: Callable[[list[Span]], bytes], decode: Decoder) -> None:
    written = [
        Span(TRACE, "00000000000000a1", None, "Front", "get /", 5_000_000, 900_000, Kind.SERVER),
        Span(
            TRACE,
            "00000000000000a2",
            "00000000000000a1",
            "Front",
            "call",
            5_100_000,
            300_000,
            Kind.CLIENT,
            status=Status.ERROR,
            status_message="no route",
            error=True,
            attributes={"peer.service": "back", "k": "v"},
            events=(Event(5_200_000, "retry", {"n": 1}), Event(5_210_000, "plain")),
        ),
        Span(
            TRACE,
            "00000000000000a2",
            "00000000000000a2",
            "back",
            "call",
            5_150_000,
            200_000,
            Kind.SERVER,
            flags=Flag.SHARED,
        ),
        Span(TRACE, "00000000000000a3", "00000000000000a2", "back", "step", 5_160_000, 2_000, Kind.UNSPECIFIED),
    ]
    read = spans(*json.loads(write(written)), decode=decode)

    def comparable(span: Span) -> tuple[Any, ...]:
        tags = {k: v for k, v in span.attributes.items() if k != "error" and not k.startswith("otel.")}
        return replace(span, attributes={}, status_message="", warnings=()), tags, span.status_message

    assert [comparable(span) for span in read] == [comparable(span) for span in written]


# --- Any input ------------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["a1", "cs", "sr"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
ENDPOINTS = VALUES | st.sampled_from([FRONT, BACK])
NOTES = VALUES | st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "timestamp": VALUES | st.integers(0, 9),
            "value": VALUES | st.sampled_from("cs cr sr ss ms mr ws wr".split()),
            "key": VALUES | st.sampled_from("ca sa ma lc error".split()),
            "endpoint": ENDPOINTS,
        },
    ),
    max_size=5,
)
ITEMS = VALUES | st.fixed_dictionaries(
    {"traceId": VALUES | st.sampled_from(["1", TRACE, TRACE[16:]]), "id": VALUES | st.sampled_from(["a1", "b1"])},
    optional={
        "parentId": VALUES,
        "kind": VALUES | st.sampled_from(["CLIENT", "SERVER", "client"]),
        "name": VALUES,
        "timestamp": VALUES | st.integers(-9, 9),
        "duration": VALUES | st.integers(-9, 9),
        "shared": VALUES,
        "localEndpoint": ENDPOINTS,
        "remoteEndpoint": ENDPOINTS,
        "annotations": NOTES,
        "binaryAnnotations": NOTES,
        "tags": VALUES | st.dictionaries(st.sampled_from(["error", "http.status_code", "otlp.link.0"]), VALUES),
    },
)


@given(st.lists(ITEMS.map(lambda item: json.dumps(item).encode()) | st.binary(max_size=30), max_size=6))
@pytest.mark.parametrize("decode", [zipkin_json.decode_spans, zipkin_v1.decode_spans])
def test_any_json_is_read_or_skipped(decode: Decoder, items: list[bytes]) -> None:
    intake = Intake()
    decode(items, DecodeContext(intake, "x"))
    found = assemble(intake)
    for i in range(len(found)):
        found.span(i)
    if items and not len(found):
        assert found.load_warnings


@given(st.binary())
def test_the_codec_never_raises(raw: bytes) -> None:
    assert all(isinstance(key, str) for key in CODEC.attributes(raw))
    assert all(isinstance(event, Event) for event in CODEC.events(raw))
