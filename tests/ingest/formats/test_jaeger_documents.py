"""Jaeger spans with an inline process."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats import jaeger_documents
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Event, Flag, Kind, Link, Span, Status
from tracetui.model.traces import TraceSet

TRACE = "000000000000000000000000000000aa"


def document(span_id: str = "a1", **fields: Any) -> dict[str, Any]:
    return {
        "traceID": TRACE,
        "spanID": span_id.rjust(16, "0"),
        "operationName": "op",
        "startTime": 1000,
        "duration": 500,
        "process": {"serviceName": "web", "tags": []},
        **fields,
    }


def tag(key: str, kind: str, value: Any) -> dict[str, Any]:
    return {"key": key, "type": kind, "value": value}


def reference(span_id: str, kind: str = "CHILD_OF", trace: str = TRACE) -> dict[str, Any]:
    return {"refType": kind, "traceID": trace, "spanID": span_id.rjust(16, "0")}


def loaded(*items: Any) -> TraceSet:
    intake = Intake()
    raw = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in items]
    jaeger_documents.decode_documents(
        [(item, DecodeContext(intake, "dump.json", f"line {n}")) for n, item in enumerate(raw, 1)]
    )
    return assemble(intake)


def spans(*items: Any) -> list[Span]:
    found = loaded(*items)
    return [found.span(i) for i in range(len(found))]


def only(*items: Any) -> Span:
    (span,) = spans(*items)
    return span


def test_document() -> None:
    span = only(
        document(
            startTimeMillis=1,
            flags=1,
            tags=[
                tag("span.kind", "string", "client"),
                tag("error", "bool", "true"),
                tag("code", "int64", "200"),
                tag("ratio", "float64", "0.5"),
                tag("blob", "binary", "00ff"),
                tag("odd", "int64", "many"),
            ],
            logs=[{"timestamp": 1100, "fields": [tag("event", "string", "x"), tag("b", "binary", "cafe")]}],
            process={"serviceName": "web", "tags": [tag("id", "binary", "01")], "tag": {"host@name": "h1"}},
            tag={"http@url": "/x", "n": 5, "ok": True},
        )
    )
    assert span == Span(
        trace_id=TRACE,
        span_id="00000000000000a1",
        parent_id=None,
        service="web",
        name="op",
        start_ns=1_000_000,
        duration_ns=500_000,
        kind=Kind.CLIENT,
        status=Status.ERROR,
        error=True,
        attributes={
            "span.kind": "client",
            "error": True,
            "code": 200,
            "ratio": 0.5,
            "blob": b"\x00\xff",
            "odd": "many",
            "http.url": "/x",
            "n": 5,
            "ok": True,
        },
        resource={"id": b"\x01", "host.name": "h1"},
        events=(Event(1_100_000, "x", {"b": b"\xca\xfe"}),),
    )


def test_base64_values_are_unchanged() -> None:
    value = base64.b64encode(b"not hex!").decode()
    assert only(document(tags=[tag("b", "binary", value)])).attributes == {"b": b"not hex!"}


def test_nested_tag_objects_equal_dotted_keys() -> None:
    nested = {"span": {"kind": "client"}, "db": {"system": "mysql", "name": "shop"}, "http": {"status_code": 503}}
    whole = {"span@kind": "client", "db@system": "mysql", "db@name": "shop", "http@status_code": 503}
    span = only(document(tag=nested))
    assert span == only(document(tag=whole))
    assert (span.kind, span.error) == (Kind.CLIENT, True)


def test_error_is_decided_by_tag_objects_too() -> None:
    span = only(document(tag={"span@kind": "server", "error": True}))
    assert (span.kind, span.status, span.error) == (Kind.SERVER, Status.ERROR, True)


@pytest.mark.parametrize(("start", "expected"), [(0, 7_000_000), (None, 7_000_000), ("7001", 7_001_000), (9, 9_000)])
def test_missing_start_is_read_from_milliseconds(start: Any, expected: int) -> None:
    assert only(document(startTime=start, startTimeMillis=7)).start_ns == expected


@pytest.mark.parametrize(
    ("fields", "parent", "links", "mark"),
    [
        ({"references": [reference("1")]}, "1", (), Flag.ORPHAN),
        ({"parentSpanID": "0000000000000001"}, "1", (), Flag.ORPHAN),
        ({"parentSpanID": "0000000000000001", "references": [reference("1")]}, "1", (), Flag.ORPHAN),
        (
            {"parentSpanID": "0000000000000001", "references": [reference("1", "FOLLOWS_FROM")]},
            "1",
            (),
            Flag.ORPHAN | Flag.FOLLOWS_FROM,
        ),
        (
            {"parentSpanID": "0000000000000001", "references": [reference("2"), reference("1")]},
            "1",
            (Link(TRACE, "0000000000000002", "CHILD_OF"),),
            Flag.ORPHAN,
        ),
        ({"parentSpanID": "", "references": [reference("2")]}, "2", (), Flag.ORPHAN),
        ({"parentSpanID": "0", "references": [reference("2")]}, "2", (), Flag.ORPHAN),
        (
            {"references": [reference("2", trace="bb")]},
            None,
            (Link("bb", "0000000000000002", "CHILD_OF"),),
            Flag.NONE,
        ),
    ],
)
def test_parents(fields: dict[str, Any], parent: str | None, links: tuple[Link, ...], mark: Flag) -> None:
    span = only(document(**fields))
    assert (span.parent_id and span.parent_id.lstrip("0"), span.links, span.flags) == (parent, links, mark)


def test_documents_of_several_traces_and_services() -> None:
    back = {"serviceName": "back", "tags": [tag("v", "int64", 1)]}
    found = loaded(
        document("a2", references=[reference("a1")], process=back),
        document("b1", traceID="bb"),
        document("a1", traceID="AA"),
        document("b2", traceID="00000000000000bb", references=[reference("b1", trace="bb")], process=back),
    )
    assert found.trace_ids == [TRACE, "bb"]
    assert [(s.service, s.span_id[-2:], s.parent_id and s.parent_id[-2:]) for s in map(found.span, range(4))] == [
        ("web", "a1", None),
        ("back", "a2", "a1"),
        ("web", "b1", None),
        ("back", "b2", "b1"),
    ]
    assert found.resource_attributes(1) == {"v": 1}
    assert not found.load_warnings


@pytest.mark.parametrize("process", [None, 5, "", []])
def test_span_without_a_process_has_an_unknown_service(process: Any) -> None:
    found = loaded(document(process=process))
    assert found.service_name(0) == "unknown_service"
    (warning,) = found.load_warnings
    assert warning.position == "line 1"
    assert "unknown service" in warning.message


def test_process_may_be_a_service_name() -> None:
    found = loaded(document(process="web"))
    assert found.service_name(0) == "web"
    assert not found.load_warnings


def test_items_that_are_not_spans_are_skipped_with_their_position() -> None:
    found = loaded(document(), {"traceID": TRACE}, 5, b"{", document() | {"spanID": ""})
    assert len(found) == 1
    assert [str(warning) for warning in found.load_warnings] == [
        "dump.json: line 2: skipped: not a span object with a spanID (and 3 more like it)"
    ]


def test_wrong_types_are_repaired() -> None:
    found = loaded(
        document(
            operationName=5,
            duration="soon",
            tags={"a": 1},
            tag=[1],
            logs="none",
            parentSpanID=7,
            process={"serviceName": None, "tags": 5, "tag": 6},
        )
    )
    span = found.span(0)
    assert (span.service, span.name, span.duration_ns, span.attributes) == ("unknown_service", "5", 0, {"a": 1})
    assert [str(warning) for warning in found.load_warnings] == [
        "dump.json: line 1.logs: cannot be read: unknown structure",
        "dump.json: line 1.duration: not a number; ignored",
        "dump.json: line 1: process 'p1' has no service name; its spans have an unknown service",
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
TAGS = VALUES | st.lists(
    VALUES
    | st.fixed_dictionaries({"key": VALUES, "type": VALUES | st.sampled_from(["binary", "int64"]), "value": VALUES}),
    max_size=3,
)
ITEMS = VALUES | st.fixed_dictionaries(
    {"spanID": VALUES | st.sampled_from(["a1", "b1"])},
    optional={
        "traceID": VALUES | st.sampled_from(["1", "01", "2"]),
        "parentSpanID": VALUES | st.just("a1"),
        "operationName": VALUES,
        "startTime": VALUES,
        "startTimeMillis": VALUES,
        "duration": VALUES,
        "tags": TAGS,
        "tag": VALUES,
        "logs": VALUES | st.lists(st.fixed_dictionaries({"timestamp": VALUES, "fields": TAGS}), max_size=2),
        "references": VALUES | st.lists(st.fixed_dictionaries({"traceID": VALUES, "spanID": VALUES}), max_size=2),
        "process": VALUES | st.fixed_dictionaries({"serviceName": VALUES, "tags": TAGS, "tag": VALUES}),
        "warnings": VALUES,
    },
)


@given(st.lists(ITEMS.map(lambda item: json.dumps(item).encode()) | st.binary(max_size=30), max_size=6))
def test_any_json_is_read_or_skipped(items: list[bytes]) -> None:
    found = loaded(*items)
    for i in range(len(found)):
        found.span(i)
    if items and not len(found):
        assert found.load_warnings
