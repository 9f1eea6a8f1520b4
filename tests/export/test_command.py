from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tracetui import export
from tracetui.ingest.loader import load
from tracetui.model.span import Event, Flag, Kind, Link, Span, Status, Value

SPAN = Span("1a", "b", None, "web", "GET /", 1_000_000_000_000, 5_000_000, Kind.SERVER)

RICH = replace(
    SPAN,
    parent_id="a",
    status=Status.ERROR,
    status_message="boom",
    error=True,
    attributes={"n": 1, "peer.service": "db"},
    resource={"host.name": "h"},
    scope_name="lib",
    scope_version="2",
    events=(Event(1_000_000_001_000, "retry", {"try": 2}), Event(1_000_000_002_000, "done")),
    links=(Link("2a", "3", "", {"why": "batch"}), Link("2a", "4", "CHILD_OF")),
    warnings=("late",),
)


def jaeger(*spans: Span) -> list[Any]:
    answer = json.loads(export.jaeger_json(spans))
    assert {key: answer[key] for key in answer if key != "data"} == {
        "total": 0,
        "limit": 0,
        "offset": 0,
        "errors": None,
    }
    data: list[Any] = answer["data"]
    return data


def otlp_span(span: Span) -> Any:
    return json.loads(export.otlp_json([span]))["resourceSpans"][0]["scopeSpans"][0]["spans"][0]


# --- Jaeger


def test_jaeger_writes_a_bare_span() -> None:
    assert jaeger(SPAN) == [
        {
            "traceID": "1a",
            "spans": [
                {
                    "traceID": "1a",
                    "spanID": "b",
                    "operationName": "GET /",
                    "references": [],
                    "startTime": 1_000_000_000,
                    "duration": 5_000,
                    "tags": [{"key": "span.kind", "type": "string", "value": "server"}],
                    "logs": [],
                    "processID": "p1",
                    "warnings": None,
                }
            ],
            "processes": {"p1": {"serviceName": "web", "tags": []}},
            "warnings": None,
        }
    ]


def test_jaeger_writes_everything_else_as_tags_logs_and_references() -> None:
    (trace,) = jaeger(RICH)
    (span,) = trace["spans"]
    assert {tag["key"]: tag["value"] for tag in span["tags"]} == {
        "span.kind": "server",
        "error": True,
        "otel.scope.name": "lib",
        "otel.scope.version": "2",
        "otel.status_code": "ERROR",
        "otel.status_description": "boom",
        "n": 1,
        "peer.service": "db",
    }
    assert span["references"] == [
        {"refType": "CHILD_OF", "traceID": "1a", "spanID": "a"},
        {"refType": "FOLLOWS_FROM", "traceID": "2a", "spanID": "3"},
        {"refType": "CHILD_OF", "traceID": "2a", "spanID": "4"},
    ]
    assert span["logs"][0] == {
        "timestamp": 1_000_000_001,
        "fields": [
            {"key": "event", "type": "string", "value": "retry"},
            {"key": "try", "type": "int64", "value": 2},
        ],
    }
    assert span["warnings"] == ["late"]
    assert trace["processes"]["p1"]["tags"] == [{"key": "host.name", "type": "string", "value": "h"}]


@pytest.mark.parametrize(
    ("flags", "warnings", "written"),
    [
        (Flag.NONE, (), None),
        (Flag.SOURCE_WARNING, ("late", "odd"), ["late", "odd"]),
        (Flag.ORPHAN, ("orphan: its parent a is not in the trace",), None),
        (
            Flag.ORPHAN | Flag.NO_DURATION | Flag.SKEW_ADJUSTED | Flag.SOURCE_WARNING,
            ("orphan: ...", "no duration; ...", "moved by ...", "late"),
            ["late"],
        ),
        (Flag.SHARED | Flag.FOLLOWS_FROM | Flag.SOURCE_WARNING, ("late",), ["late"]),
    ],
)
def test_jaeger_writes_source_warnings_but_not_those_of_flags(
    flags: Flag, warnings: tuple[str, ...], written: list[str] | None
) -> None:
    (trace,) = jaeger(replace(SPAN, flags=flags, warnings=warnings))
    assert trace["spans"][0]["warnings"] == written


def test_warnings_are_not_duplicated_by_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "traces.json"
    orphan, twin = replace(SPAN, span_id="c", parent_id="d", warnings=("late",)), replace(SPAN, name="twin")
    path.write_bytes(export.jaeger_json([SPAN, orphan, twin]))
    for _ in range(2):
        traces = load([str(path)])
        spans = [traces.span(i) for i in range(len(traces))]
        assert sorted(len(span.warnings) for span in spans) == [1, 1, 2]
        assert [span.warnings[1:] for span in spans if span.flags & Flag.ORPHAN] == [("late",)]
        path.write_bytes(export.jaeger_json(spans))


def test_jaeger_groups_by_trace_and_gives_a_process_to_each_service_and_resource() -> None:
    other_host = replace(SPAN, span_id="c", resource={"host.name": "h2"})
    one, two = jaeger(SPAN, replace(SPAN, trace_id="2"), other_host, replace(SPAN, span_id="d"))
    assert [span["processID"] for span in one["spans"]] == ["p1", "p2", "p1"]
    assert (one["traceID"], two["traceID"]) == ("1a", "2")


def test_jaeger_writes_follows_from_parents_and_ok_status() -> None:
    (trace,) = jaeger(replace(SPAN, parent_id="a", flags=Flag.FOLLOWS_FROM, status=Status.OK))
    assert trace["spans"][0]["references"][0]["refType"] == "FOLLOWS_FROM"
    tags = {tag["key"]: tag["value"] for tag in trace["spans"][0]["tags"]}
    assert tags["otel.status_code"] == "OK"
    assert "error" not in tags


def test_jaeger_keeps_existing_tags() -> None:
    (trace,) = jaeger(replace(SPAN, status=Status.ERROR, attributes={"error": "boom"}))
    assert [tag["value"] for tag in trace["spans"][0]["tags"] if tag["key"] == "error"] == ["boom"]


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        ("x", "string", "x"),
        (False, "bool", False),
        (2**53 - 1, "int64", 2**53 - 1),
        (2**53, "int64", "9007199254740992"),
        (-(2**53), "int64", "-9007199254740992"),
        (2**63, "string", "9223372036854775808"),
        (0.5, "float64", 0.5),
        (float("nan"), "float64", "NaN"),
        (float("-inf"), "float64", "-Infinity"),
        (b"hi", "binary", "aGk="),
        (None, "string", ""),
        ([1, {"a": b"hi"}, None], "string", '[1,{"a":"aGk="},null]'),
        ("\ud800", "string", "\ud800"),
    ],
)
def test_jaeger_tag_types(value: Value, kind: str, written: object) -> None:
    (trace,) = jaeger(replace(SPAN, kind=Kind.UNSPECIFIED, attributes={"k": value}))
    assert trace["spans"][0]["tags"] == [{"key": "k", "type": kind, "value": written}]


# --- OTLP


def test_otlp_json_writes_a_bare_span() -> None:
    assert json.loads(export.otlp_json([SPAN])) == {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]},
                "scopeSpans": [
                    {
                        "scope": {},
                        "spans": [
                            {
                                "traceId": "0000000000000000000000000000001a",
                                "spanId": "000000000000000b",
                                "name": "GET /",
                                "kind": 2,
                                "startTimeUnixNano": "1000000000000",
                                "endTimeUnixNano": "1000005000000",
                            }
                        ],
                    }
                ],
            }
        ]
    }


def test_otlp_json_writes_status_events_links_and_scope() -> None:
    (resource,) = json.loads(export.otlp_json([RICH]))["resourceSpans"]
    assert resource["resource"]["attributes"][1] == {"key": "host.name", "value": {"stringValue": "h"}}
    assert resource["scopeSpans"][0]["scope"] == {"name": "lib", "version": "2"}
    span = otlp_span(RICH)
    assert span["parentSpanId"] == "000000000000000a"
    assert span["status"] == {"message": "boom", "code": 2}
    assert span["events"] == [
        {
            "timeUnixNano": "1000000001000",
            "name": "retry",
            "attributes": [{"key": "try", "value": {"intValue": "2"}}],
        },
        {"timeUnixNano": "1000000002000", "name": "done"},
    ]
    assert span["links"] == [
        {
            "traceId": "0000000000000000000000000000002a",
            "spanId": "0000000000000003",
            "attributes": [{"key": "why", "value": {"stringValue": "batch"}}],
        },
        {
            "traceId": "0000000000000000000000000000002a",
            "spanId": "0000000000000004",
            "attributes": [{"key": "opentracing.ref_type", "value": {"stringValue": "child_of"}}],
        },
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, {"boolValue": True}),
        (7, {"intValue": "7"}),
        (2**63, {"stringValue": "9223372036854775808"}),
        (1.5, {"doubleValue": 1.5}),
        (float("inf"), {"doubleValue": "Infinity"}),
        (b"hi", {"bytesValue": "aGk="}),
        (None, {}),
        ([1], {"arrayValue": {"values": [{"intValue": "1"}]}}),
        ({"a": ""}, {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": ""}}]}}),
    ],
)
def test_otlp_value_types(value: Value, written: object) -> None:
    assert otlp_span(replace(SPAN, attributes={"k": value}))["attributes"] == [{"key": "k", "value": written}]


def test_otlp_replaces_invalid_ids_consistently() -> None:
    parent, child = replace(SPAN, trace_id="order #7", span_id="root"), replace(SPAN, trace_id="0", parent_id="root")
    assert otlp_span(parent)["spanId"] == otlp_span(child)["parentSpanId"]
    assert len(otlp_span(parent)["traceId"]) == 32
    assert int(otlp_span(child)["traceId"], 16) != 0


def test_otlp_times_stay_within_64_bits() -> None:
    assert otlp_span(replace(SPAN, start_ns=-5))["startTimeUnixNano"] == "1"
    assert otlp_span(replace(SPAN, start_ns=2**64))["endTimeUnixNano"] == str(2**64 - 1)


def test_otlp_json_lines_has_one_batch_per_line() -> None:
    spans = [replace(SPAN, span_id=f"{i + 1}") for i in range(5)]
    lines = export.otlp_json_lines(spans, spans_per_line=2).splitlines()
    held = [json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"] for line in lines]
    assert [len(batch) for batch in held] == [2, 2, 1]


def test_otlp_protobuf_of_a_bare_span_byte_by_byte() -> None:
    service = b"\x0a\x0cservice.name\x12\x05\x0a\x03web"
    resource = b"\x0a" + bytes([len(service)]) + service
    span = (
        b"\x0a\x10" + bytes(15) + b"\x1a"
        b"\x12\x08" + bytes(7) + b"\x0b"
        b"\x2a\x05GET /"
        b"\x30\x02"
        b"\x39\x00\x10\xa5\xd4\xe8\x00\x00\x00"
        b"\x41\x40\x5b\xf1\xd4\xe8\x00\x00\x00"
    )
    scopes = b"\x0a\x00" + b"\x12" + bytes([len(span)]) + span
    body = b"\x0a" + bytes([len(resource)]) + resource + b"\x12" + bytes([len(scopes)]) + scopes
    assert export.otlp_protobuf([SPAN]) == b"\x0a" + bytes([len(body)]) + body


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("", b"\x0a\x00"),
        ("é", b"\x0a\x02\xc3\xa9"),
        ("\ud800", b"\x0a\x01?"),
        (False, b"\x10\x00"),
        (True, b"\x10\x01"),
        (300, b"\x18\xac\x02"),
        (-1, b"\x18" + b"\xff" * 9 + b"\x01"),
        (1.0, b"\x21\x00\x00\x00\x00\x00\x00\xf0\x3f"),
        ([True, None], b"\x2a\x06\x0a\x02\x10\x01\x0a\x00"),
        ({"a": 1}, b"\x32\x09\x0a\x07\x0a\x01a\x12\x02\x18\x01"),
        (b"hi", b"\x3a\x02hi"),
        (None, b""),
    ],
)
def test_otlp_protobuf_values(value: Value, wire: bytes) -> None:
    pair = b"\x0a\x01k\x12" + bytes([len(wire)]) + wire
    assert export.otlp_protobuf([replace(SPAN, attributes={"k": value})]).endswith(b"\x4a" + bytes([len(pair)]) + pair)


def test_otlp_protobuf_ends_with_the_status() -> None:
    assert export.otlp_protobuf([RICH]).endswith(b"\x7a\x08\x12\x04boom\x18\x02")


def test_otlp_records_are_a_length_and_a_payload() -> None:
    other = replace(SPAN, span_id="c")
    payload, rest = export.otlp_protobuf([SPAN]), export.otlp_protobuf([other])
    expected = b"".join(len(part).to_bytes(4, "big") + part for part in (payload, rest))
    assert export.otlp_records([SPAN, other], spans_per_record=1) == expected
    assert export.otlp_records([SPAN], protobuf=False)[4:] == export.otlp_json([SPAN])


# --- Zipkin


def test_zipkin_v2_writes_a_bare_span() -> None:
    assert json.loads(export.zipkin_v2([SPAN])) == [
        {
            "traceId": "000000000000001a",
            "id": "000000000000000b",
            "name": "GET /",
            "timestamp": 1_000_000_000,
            "duration": 5_000,
            "kind": "SERVER",
            "localEndpoint": {"serviceName": "web"},
            "tags": {},
        }
    ]


def test_zipkin_v2_writes_tags_annotations_and_the_peer() -> None:
    (span,) = json.loads(export.zipkin_v2([RICH]))
    assert span["parentId"] == "000000000000000a"
    assert span["remoteEndpoint"] == {"serviceName": "db"}
    assert span["annotations"] == [
        {"timestamp": 1_000_000_001, "value": '"retry": {"try":2}'},
        {"timestamp": 1_000_000_002, "value": "done"},
    ]
    assert span["tags"] == {
        "host.name": "h",
        "otel.scope.name": "lib",
        "otel.scope.version": "2",
        "otel.status_code": "ERROR",
        "otel.status_description": "boom",
        "n": "1",
        "peer.service": "db",
        "error": "boom",
    }


def test_zipkin_v2_writes_error_for_failed_spans_only() -> None:
    sound = replace(SPAN, attributes={"error": False})
    silent = replace(SPAN, status=Status.ERROR)
    assert [span["tags"].get("error") for span in json.loads(export.zipkin_v2([sound, silent]))] == [None, ""]


def test_zipkin_v2_has_no_zero_and_no_internal() -> None:
    (span,) = json.loads(export.zipkin_v2([replace(SPAN, start_ns=0, duration_ns=0, kind=Kind.INTERNAL)]))
    assert "timestamp" not in span
    assert "kind" not in span
    assert span["duration"] == 1
    (unfinished,) = json.loads(export.zipkin_v2([replace(SPAN, duration_ns=0, flags=Flag.NO_DURATION)]))
    assert "duration" not in unfinished


def test_zipkin_v1_writes_kinds_as_annotations() -> None:
    endpoint = {"serviceName": "web"}
    span, local = json.loads(export.zipkin_v1([replace(RICH, kind=Kind.CLIENT), replace(SPAN, kind=Kind.INTERNAL)]))
    assert [(note["timestamp"], note["value"]) for note in span["annotations"]] == [
        (1_000_000_000, "cs"),
        (1_000_000_001, '"retry": {"try":2}'),
        (1_000_000_002, "done"),
        (1_000_005_000, "cr"),
    ]
    assert span["binaryAnnotations"][-1] == {"key": "sa", "value": True, "endpoint": {"serviceName": "db"}}
    assert local["binaryAnnotations"] == [{"key": "lc", "value": "", "endpoint": endpoint}]


# --- All


def test_halves_of_a_shared_span_get_separate_ids_outside_zipkin() -> None:
    client = replace(SPAN, service="web", kind=Kind.CLIENT)
    server = replace(SPAN, service="api", flags=Flag.SHARED)
    below = replace(SPAN, service="api", span_id="c", parent_id="b")
    beside = replace(SPAN, service="web", span_id="d", parent_id="b")
    (trace,) = jaeger(client, server, below, beside)
    ids = [span["spanID"] for span in trace["spans"]]
    parents = [[reference["spanID"] for reference in span["references"]] for span in trace["spans"]]
    assert len(set(ids)) == 4
    assert parents == [[], [ids[0]], [ids[1]], [ids[0]]]
    shared = json.loads(export.zipkin_v2([client, server]))
    assert [(span["id"], span.get("shared")) for span in shared] == [
        ("000000000000000b", None),
        ("000000000000000b", True),
    ]


@pytest.mark.parametrize("write", [export.jaeger_json, export.otlp_json, export.zipkin_v2, export.zipkin_v1])
def test_values_that_json_libraries_reject_are_written(write: Any) -> None:
    nested: list[Value] = []
    for _ in range(5000):
        nested = [nested]
    odd: dict[str, Value] = {"\ud800": "\udfff", "big": 2**80, "nan": float("nan"), "deep": nested}
    json.loads(write([replace(SPAN, name="\ud800", attributes=odd, start_ns=10**40)]))


@pytest.mark.parametrize(
    "write",
    [
        export.jaeger_json,
        export.otlp_json,
        export.otlp_json_lines,
        export.otlp_protobuf,
        export.otlp_records,
        export.zipkin_v2,
        export.zipkin_v1,
    ],
)
def test_encoders_accept_any_iterable_and_no_spans(write: Any) -> None:
    assert write(iter([RICH, SPAN])) == write([RICH, SPAN])
    assert isinstance(write([]), bytes)


@pytest.mark.parametrize("name", export.__all__)
def test_spans_without_an_id_are_not_merged(name: str, tmp_path: Path) -> None:
    """An id of zeros is missing, and its replacements must differ between the spans of a trace."""
    spans = [replace(SPAN, span_id=zeros, duration_ns=at) for at, zeros in enumerate(("0" * 16, "0" * 16, "0", ""), 5)]
    path = tmp_path / "exported"
    path.write_bytes(getattr(export, name)(spans))
    assert len(load([str(path)])) == len(spans)
