"""Jaeger's JSON."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.decoding import read
from tests.support.strategies import unhurried
from tracetui.analysis.analysis import Analysis
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.formats import jaeger_json
from tracetui.ingest.formats.error_rule import StatusSource, decide_status
from tracetui.ingest.formats.field_names import read_kind
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Event, Flag, Kind, Link, Span, Status
from tracetui.model.traces import TraceSet

TRACE = "000000000000000000000000000000aa"


def tag(key: str, kind: str, value: Any) -> dict[str, Any]:
    return {"key": key, "type": kind, "value": value}


def span_json(span_id: str = "a1", **fields: Any) -> dict[str, Any]:
    base = {
        "traceID": TRACE,
        "spanID": span_id.rjust(16, "0"),
        "operationName": "op",
        "startTime": 1000,
        "duration": 500,
    }
    return {**base, "processID": "p1", **fields}


def trace(*spans: Any, **fields: Any) -> dict[str, Any]:
    return {"traceID": TRACE, "spans": list(spans), "processes": {"p1": {"serviceName": "web", "tags": []}}, **fields}


def loaded(*traces: Any) -> TraceSet:
    intake = Intake()
    decode(json.dumps({"data": traces}).encode(), DecodeContext(intake, "f.json"))
    return assemble(intake)


def spans(*given: Any) -> list[Span]:
    found = loaded(trace(*given))
    return [found.span(i) for i in range(len(found))]


def only(**fields: Any) -> Span:
    (span,) = spans(span_json(**fields))
    return span


def reference(span_id: str, kind: str = "CHILD_OF", trace_id: str = TRACE) -> dict[str, Any]:
    return {"refType": kind, "traceID": trace_id, "spanID": span_id.rjust(16, "0")}


def test_span() -> None:
    found = loaded(
        trace(
            span_json(
                flags=1,
                tags=[tag("span.kind", "string", "SERVER"), tag("error", "bool", True), tag("n", "int64", 5)],
                logs=[{"timestamp": 1200, "fields": [tag("event", "string", "retry"), tag("n", "int64", 1)]}],
                warnings=["late", "late"],
            ),
            processes={"p1": {"serviceName": "web", "tags": [tag("host.name", "string", "h1")]}},
            warnings=["cut at 10 spans"],
        )
    )
    assert found.span(0) == Span(
        trace_id=TRACE,
        span_id="00000000000000a1",
        parent_id=None,
        service="web",
        name="op",
        start_ns=1_000_000,
        duration_ns=500_000,
        kind=Kind.SERVER,
        status=Status.ERROR,
        error=True,
        attributes={"span.kind": "SERVER", "error": True, "n": 5},
        resource={"host.name": "h1"},
        events=(Event(1_200_000, "retry", {"n": 1}),),
        flags=Flag.SOURCE_WARNING,
        warnings=("late",),
    )
    assert found.trace_warnings == {0: ["cut at 10 spans"]}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int64", "9007199254740993", 9007199254740993),
        ("int64", 7, 7),
        ("int64", "many", "many"),
        ("float64", "0.5", 0.5),
        ("float64", 2, 2.0),
        ("bool", "True", True),
        ("bool", "no", False),
        ("bool", False, False),
        ("binary", base64.b64encode(b"\0\xff").decode(), b"\0\xff"),
        ("binary", "not base64!", "not base64!"),
        ("string", "", ""),
        ("", {"a": [1]}, {"a": [1]}),
        ("unheard-of", 1, 1),
    ],
)
def test_tags_by_their_type(kind: str, value: Any, expected: Any) -> None:
    found = only(tags=[tag("k", kind, value)]).attributes["k"]
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "empty", [{}, {"tags": None, "logs": None, "references": None, "warnings": None}, {"tags": []}]
)
def test_optional_fields(empty: dict[str, Any]) -> None:
    span = only(**empty)
    assert (span.attributes, span.events, span.links, span.warnings, span.parent_id) == ({}, (), (), (), None)
    assert (span.kind, span.status, span.error) == (Kind.UNSPECIFIED, Status.UNSET, False)


@pytest.mark.parametrize(
    ("references", "parent", "links", "flags"),
    [
        ([reference("1")], "1", (), Flag.ORPHAN),
        ([reference("1", "FOLLOWS_FROM")], "1", (), Flag.ORPHAN | Flag.FOLLOWS_FROM),
        (
            [reference("2", "FOLLOWS_FROM"), reference("1")],
            "1",
            (Link(TRACE, "0000000000000002", "FOLLOWS_FROM"),),
            Flag.ORPHAN,
        ),
        ([reference("1"), reference("2")], "1", (Link(TRACE, "0000000000000002", "CHILD_OF"),), Flag.ORPHAN),
        ([reference("1", trace_id="bb")], None, (Link("bb", "0000000000000001", "CHILD_OF"),), Flag.NONE),
        ([reference("1", trace_id="")], "1", (), Flag.ORPHAN),
        ([reference("1", trace_id="AA")], "1", (), Flag.ORPHAN),
    ],
)
def test_parents_and_links(references: list[Any], parent: str | None, links: tuple[Link, ...], flags: Flag) -> None:
    span = only(references=references)
    assert (span.parent_id and span.parent_id.lstrip("0"), span.links, span.flags) == (parent, links, flags)


def test_name_of_a_log_is_its_event_message_or_log() -> None:
    logs = [
        {"timestamp": 1, "fields": [tag("message", "string", "m"), tag("event", "string", "e")]},
        {"timestamp": 2, "fields": [tag("message", "string", "m")]},
        {"timestamp": 3, "fields": [tag("log", "string", "l")]},
        {"timestamp": 4, "fields": [tag("x", "int64", 1)]},
        {"timestamp": 5},
    ]
    assert only(logs=logs).events == (
        Event(1000, "e", {"message": "m"}),
        Event(2000, "m"),
        Event(3000, "l"),
        Event(4000, "", {"x": 1}),
        Event(5000, ""),
    )


def test_ids_match_in_any_spelling() -> None:
    short = trace(span_json("b2", traceID="aa", references=[reference("a1", trace_id="aa")]), traceID="aa")
    found = loaded(trace(span_json()), short)
    assert (found.trace_ids, [found.parent_id(i) for i in range(2)]) == ([TRACE], [None, "00000000000000a1"])


def test_spans_of_several_traces_in_one_object_are_separated() -> None:
    found = loaded(trace(span_json(), span_json("b1", traceID="bb", references=[reference("a1", trace_id="bb")])))
    assert found.trace_ids == [TRACE, "bb"]
    assert found.span(1).flags == Flag.ORPHAN


def test_missing_process_gives_an_unknown_service() -> None:
    found = loaded(trace(span_json(processID="p9"), span_json("a2")))
    assert [found.service_name(i) for i in range(2)] == ["unknown_service", "web"]
    assert [str(w) for w in found.load_warnings] == [
        "f.json: data[0]: process 'p9' is not listed; its spans have an unknown service"
    ]


def test_service_name_from_process_attribute() -> None:
    named = {"p1": {"tags": [tag("service.name", "string", "web")]}}
    traces = loaded(trace(span_json(), processes=named))
    assert [traces.span(i).service for i in range(len(traces))] == ["web"]
    assert not traces.load_warnings


def test_spans_without_a_trace_id_form_a_trace() -> None:
    found = loaded(trace(span_json(traceID=""), traceID=""), trace(span_json(traceID=""), traceID=""))
    assert found.trace_count == 2
    assert len(found.load_warnings) == 2


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"startTime": "1500"}, {"start_ns": 1_500_000}),
        ({"startTime": 1000.9}, {"start_ns": 1_000_000}),
        ({"duration": "soon"}, {"duration_ns": 0}),
        ({"duration": -5}, {"duration_ns": 0, "flags": Flag.NEGATIVE_DURATION}),
        ({"startTime": 1 << 80}, {"flags": Flag.OUT_OF_RANGE}),
        ({"operationName": None}, {"name": ""}),
        ({"operationName": 7}, {"name": "7"}),
        ({"tags": {"a": 1}}, {"attributes": {"a": 1}}),
        ({"tags": "none"}, {"attributes": {}}),
        ({"tags": [5, {"key": 5}, {"key": "k"}]}, {"attributes": {"k": None}}),
        ({"logs": [5, {"fields": {"event": "x"}}]}, {"events": (Event(0, "x"),)}),
        ({"references": "none"}, {"parent_id": None}),
        ({"processID": None}, {"service": "unknown_service"}),
        ({"warnings": "none"}, {"warnings": ()}),
    ],
)
def test_field_of_wrong_type_costs_only_itself(fields: dict[str, Any], kept: dict[str, Any]) -> None:
    span = only(**fields)
    assert {key: getattr(span, key) for key in kept} == kept


def test_items_that_are_not_spans_are_skipped_and_counted() -> None:
    found = loaded(trace(span_json(), 5, {"spanID": ""}, {"traceID": TRACE}, span_json("a2")))
    assert len(found) == 2
    assert [str(w) for w in found.load_warnings] == [
        "f.json: data[0]: 3 of 5 spans skipped: not an object with a spanID"
    ]


DECIDING = [
    [tag("error", "bool", True)],
    [tag("error", "string", "}")],
    [{"value": True, "type": "bool", "key": "error"}],
    [tag("error", "bool", False), tag("x", "string", '"error": true')],
    [tag("x", "string", '{"key": "error", "value": true}')],
    [tag("otel.status_code", "string", "ERROR")],
    [tag("error.type", "string", "x")],
    [tag("http.status_code", "int64", 500)],
    [tag("http.response.status_code", "int64", 404), tag("span.kind", "string", "client")],
    [tag("rpc.grpc.status_code", "int64", 14)],
    [tag("error", "bool", True), tag("error", "bool", False)],
    [tag("my.error", "bool", True)],
    [tag("error", "", {"a": {"b": 1}})],
    [tag("\\u0065rror", "bool", True)],
]


@pytest.mark.parametrize("tags", DECIDING, ids=range(len(DECIDING)))
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_attribute_search_decides_like_the_whole_list(tags: list[Any], separators: tuple[str, str]) -> None:
    intake = Intake()
    decode(json.dumps(trace(span_json(tags=tags)), separators=separators).encode(), DecodeContext(intake, "f"))
    span = assemble(intake).span(0)
    whole = span.attributes
    kind = read_kind(whole.get("span.kind")) or Kind.UNSPECIFIED
    assert (span.status, span.error) == decide_status(kind, Status.UNSET, whole, StatusSource.TAGS)
    assert span.kind == kind


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TAGS = VALUES | st.lists(
    st.fixed_dictionaries({"key": VALUES, "type": VALUES | st.sampled_from(["int64", "binary"]), "value": VALUES}),
    max_size=2,
)
SPANS = VALUES | st.fixed_dictionaries(
    {"spanID": VALUES | st.sampled_from(["a", "b"])},
    optional={
        "traceID": VALUES | st.sampled_from(["1", "01"]),
        "operationName": VALUES,
        "references": VALUES | st.lists(st.fixed_dictionaries({"traceID": VALUES, "spanID": st.just("a")}), max_size=2),
        "startTime": VALUES,
        "duration": VALUES,
        "tags": TAGS,
        "logs": VALUES | st.lists(st.fixed_dictionaries({"timestamp": VALUES, "fields": TAGS}), max_size=2),
        "processID": VALUES,
        "warnings": VALUES,
    },
)


@unhurried
@given(st.lists(SPANS, max_size=4), VALUES, VALUES, VALUES)
def test_any_json_in_a_trace_is_read_or_skipped(items: list[Any], name: Any, processes: Any, warnings: Any) -> None:
    found = loaded({"traceID": name, "spans": items, "processes": processes, "warnings": warnings})
    for i in range(len(found)):
        found.span(i)
    if items and not len(found):
        assert found.load_warnings


@pytest.mark.parametrize("warnings", [None, ["clock skew"]])
def test_large_trace_is_decoded_in_parts(monkeypatch: pytest.MonkeyPatch, warnings: list[str] | None) -> None:
    spans = [
        {
            "traceID": "ab",
            "spanID": f"{i + 1:x}",
            "operationName": f"op {i % 3}",
            "references": [{"refType": "CHILD_OF", "traceID": "ab", "spanID": f"{i // 2:x}"}] if i > 1 else [],
            "startTime": 1_700_000_000_000_000 + i,
            "duration": 100 - i,
            "processID": f"p{i % 2}",
            "tags": [{"key": "n", "type": "int64", "value": i}],
        }
        for i in range(20)
    ]
    processes = {f"p{i}": {"serviceName": f"s{i}", "tags": []} for i in range(2)}
    text = json.dumps({"traceID": "ab", "spans": spans, "processes": processes, "warnings": warnings}).encode()
    sets = []
    for largest in (1 << 30, 0):
        monkeypatch.setattr(jaeger_json, "_LARGE_BYTES", largest)
        monkeypatch.setattr(jaeger_json, "CHUNK_SPANS", 7)
        intake = Intake()
        decode(text, DecodeContext(intake, "traces.json"))
        sets.append(assemble(intake))
    whole, parts = sets
    for column in ("start", "duration", "depth", "parent", "name", "resource", "error", "flags"):
        assert np.array_equal(getattr(whole, column), getattr(parts, column)), column
    assert parts.trace_warnings == whole.trace_warnings
    assert parts.load_warnings == whole.load_warnings == []
    assert [parts.span(i) for i in range(len(parts))] == [whole.span(i) for i in range(len(whole))]


@pytest.mark.parametrize("later", ["[]", '[{"traceID":"2","spans":[]}]', "[ ]"])
def test_repeated_list_does_not_discard_the_earlier_one(later: str) -> None:
    trace = json.dumps({"traceID": TRACE, "spans": [span_json()], "processes": {"p1": {"serviceName": "s"}}})
    intake = Intake()
    decode(f'{{"data":[{trace}],"data":{later}}}'.encode(), DecodeContext(intake, "traces.json"))
    traces = assemble(intake)
    assert len(traces) == 1
    assert "the list data is repeated" in str(traces.load_warnings[0])


KIND = {"key": "span.kind", "value": "client"}
PEER = {"key": "peer.service", "value": "wrong"}
BLANKS = (",", ":"), (" ,\n ", " :\t ")


@pytest.mark.parametrize("count", [1, 300], ids=["few spans", "many spans"])
@pytest.mark.parametrize("separators", BLANKS, ids=["compact", "with blanks"])
@pytest.mark.parametrize(
    "damaged",
    [
        {"key": PEER, "value": 1},
        {"key": [PEER], "value": 1},
        {"key": [{"key": "x", "value": 1}, PEER], "value": 1},
        {"key": {"tags": [KIND, PEER]}, "value": 1},
        {"key": [KIND], "value": 1},
    ],
)
def test_attributes_within_a_damaged_key_do_not_decide(
    damaged: object, separators: tuple[str, str], count: int
) -> None:
    def spans(tags: list[object]) -> list[object]:
        parent = [{"refType": "CHILD_OF", "traceID": "1", "spanID": "1"}]
        times = {"startTime": 1_700_000_000_000_000, "duration": 2, "logs": [], "processID": "p"}
        children = [
            {"traceID": "1", "spanID": f"{n + 2:x}", "operationName": "x", "references": parent, "tags": tags, **times}
            for n in range(count)
        ]
        return [{"traceID": "1", "spanID": "1", "operationName": "x", "references": [], "tags": [], **times}, *children]

    for tags in ([damaged], [KIND, damaged]):
        document = {"data": [{"traceID": "1", "spans": spans(tags), "processes": {"p": {"serviceName": "s"}}}]}
        traces = read(json.dumps(document, separators=separators))
        kind = Kind.CLIENT if KIND in tags else Kind.UNSPECIFIED
        assert {span.kind for span in map(traces.span, range(1, count + 1))} == {kind}
        assert not Analysis(traces).dependencies.edges


@pytest.mark.parametrize("bad", [5, None, "?"])
def test_item_of_a_list_with_positions_that_is_no_object_is_the_only_loss(bad: object) -> None:
    spans = {str(i): {"spanID": f"{i}", "operationName": "op", "startTime": 1, "duration": 1} for i in (1, 2, 3)}
    document = {"data": [{"traceID": "7", "spans": {"0": bad, **spans}, "processes": {}}]}
    assert len(read(json.dumps(document))) == 3
