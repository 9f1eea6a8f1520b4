"""OTLP in JSON, in protobuf, and in the collector's records."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tracetui import export
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.formats import otlp_json, otlp_protobuf
from tracetui.ingest.formats.length_prefixed_otlp import RecordReader, looks_like_records
from tracetui.ingest.formats.otlp_detection import looks_like_request
from tracetui.ingest.formats.otlp_json_fields import REQUEST, OtlpRequest
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.peers import read_note
from tracetui.model.span import Event, Flag, Kind, Link, Span, Status
from tracetui.model.traces import TraceSet

TRACE = "5b8efff798038103d269b633813fc60c"
SPAN = "eee19b7ec3c1b174"
PARENT = "b7ad6b7169203331"
START = 1_544_712_660_000_000_000
Decode = Callable[[bytes, DecodeContext], None]


def load(*requests: object, decode: Decode = otlp_json.decode_request) -> TraceSet:
    intake = Intake()
    for request in requests:
        raw = request if isinstance(request, bytes) else json.dumps(request).encode()
        decode(raw, DecodeContext(intake, "file"))
    return assemble(intake)


def pair(key: str, **value: object) -> dict[str, object]:
    return {"key": key, "value": value}


def span_json(**fields: object) -> dict[str, object]:
    span: dict[str, object] = {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": "GET /",
        "kind": 2,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 1000),
    }
    return {key: value for key, value in {**span, **fields}.items() if value is not ...}


def request_json(*spans: object, service: str = "web") -> dict[str, object]:
    resource = {"attributes": [pair("service.name", stringValue=service), pair("host.name", stringValue="h1")]}
    scope = {"name": "lib", "version": "1.2", "attributes": []}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": list(spans)}]}]}


def one(*spans: object) -> Span:
    return load(request_json(*spans)).span(0)


def warnings(traces: TraceSet) -> list[str]:
    return [f"{warning.position}: {warning.message}" for warning in traces.load_warnings]


class TestJson:
    def test_all_fields_of_a_span(self) -> None:
        span = one(
            span_json(
                parentSpanId=PARENT,
                traceState="a=b",
                flags=257,
                attributes=[pair("user", stringValue="é"), pair("n", intValue="9007199254740993")],
                events=[
                    {"timeUnixNano": str(START + 5), "name": "exception", "attributes": [pair("a", boolValue=False)]},
                    {"timeUnixNano": START + 6},
                ],
                links=[{"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "2", "attributes": [pair("k", doubleValue=1)]}],
                status={"code": 2, "message": "boom"},
            )
        )
        assert span == Span(
            trace_id=TRACE,
            span_id=SPAN,
            parent_id=PARENT,
            service="web",
            name="GET /",
            start_ns=START,
            duration_ns=1000,
            kind=Kind.SERVER,
            status=Status.ERROR,
            status_message="boom",
            error=True,
            attributes={"user": "é", "n": 9007199254740993},
            resource={"host.name": "h1"},
            scope_name="lib",
            scope_version="1.2",
            events=(Event(START + 5, "exception", {"a": False}), Event(START + 6, "")),
            links=(Link("0" * 31 + "1", "0" * 15 + "2", "", {"k": 1.0}),),
            flags=Flag.ORPHAN,
            warnings=(f"orphan: its parent {PARENT} is not in the trace",),
        )

    def test_values_of_every_type(self) -> None:
        nested = {"values": [pair("k", arrayValue={"values": [{"intValue": 1}, {"stringValue": "x"}, {}]})]}
        attributes = [
            pair("int", intValue=-5),
            pair("nan", doubleValue="NaN"),
            pair("inf", doubleValue="-Infinity"),
            pair("half", doubleValue=0.5),
            pair("map", kvlistValue=nested),
            pair("bytes", bytesValue="AAH/"),
            pair("no base64", bytesValue="?"),
            pair("empty"),
            {"key": "no value"},
            pair("no list", arrayValue={}),
            pair("snake", array_value={"values": [{"string_value": "s"}]}),
            pair("wrong", stringValue={"a": 1}),
            pair("unknown", somethingNew=1),
        ]
        found = dict(one(span_json(attributes=attributes)).attributes)
        number = found.pop("nan")
        assert isinstance(number, float)
        assert math.isnan(number)
        assert found == {
            "int": -5,
            "inf": -math.inf,
            "half": 0.5,
            "map": {"k": [1, "x", None]},
            "bytes": b"\x00\x01\xff",
            "no base64": "?",
            "empty": None,
            "no value": None,
            "no list": [],
            "snake": ["s"],
            "wrong": '{"a": 1}',
            "unknown": {"somethingNew": 1},
        }

    def test_base64_ids_and_enum_names(self) -> None:
        trace, span, parent = (base64.b64encode(bytes.fromhex(text)).decode() for text in (TRACE, SPAN, PARENT))
        fields = {"traceId": trace, "parentSpanId": parent, "kind": "SPAN_KIND_CLIENT"}
        links = [{"traceId": trace, "spanId": span}]
        found = one(span_json(**fields, spanId=span, links=links, status={"code": "STATUS_CODE_ERROR"}))
        assert (found.trace_id, found.span_id, found.parent_id) == (TRACE, SPAN, PARENT)
        assert (found.kind, found.status, found.links) == (Kind.CLIENT, Status.ERROR, (Link(TRACE, SPAN),))
        bare = one(span_json(traceId=trace.rstrip("="), spanId=span.rstrip("=")))
        assert (bare.trace_id, bare.span_id) == (TRACE, SPAN)

    @pytest.mark.parametrize("parent", ["", "0" * 16, "AAAAAAAAAAA=", None, ...])
    def test_no_parent(self, parent: object) -> None:
        found = one(span_json(parentSpanId=parent))
        assert found.parent_id is None
        assert found.flags == Flag.NONE

    def test_invalid_ids_are_preserved(self) -> None:
        found = one(span_json(traceId="my trace", spanId="12", parentSpanId="zz"))
        assert (found.trace_id, found.span_id, found.parent_id) == ("my trace", "12", "zz")

    @pytest.mark.parametrize("top", ["resourceSpans", "resource_spans", "batches"])
    @pytest.mark.parametrize(
        ("scopes", "scope"),
        [
            ("scopeSpans", "scope"),
            ("scope_spans", "scope"),
            ("instrumentationLibrarySpans", "instrumentationLibrary"),
            ("instrumentation_library_spans", "instrumentation_library"),
        ],
    )
    def test_spellings_of_the_envelope(self, top: str, scopes: str, scope: str) -> None:
        part = {scopes: [{scope: {"name": "lib"}, "spans": [span_json()]}]}
        traces = load({top: [part], "resourceLogs": [{"scopeLogs": []}]})
        assert len(traces) == 1
        assert traces.span(0).scope_name == "lib"
        assert traces.span(0).service == "unknown_service"
        assert not traces.load_warnings

    def test_snake_case_spans(self) -> None:
        span = {
            "trace_id": TRACE,
            "span_id": SPAN,
            "parent_span_id": PARENT,
            "kind": "SPAN_KIND_SERVER",
            "start_time_unix_nano": START,
            "end_time_unix_nano": str(START + 7),
            "attributes": [{"key": "http.status_code", "value": {"int_value": "503"}}],
            "events": [{"time_unix_nano": "9", "name": "e"}],
            "links": [{"trace_id": TRACE, "span_id": PARENT}],
            "dropped_events_count": 1,
        }
        found = one(span)
        assert (found.span_id, found.parent_id, found.start_ns, found.duration_ns) == (SPAN, PARENT, START, 7)
        assert (found.kind, found.error, found.attributes) == (Kind.SERVER, True, {"http.status_code": 503})
        assert (found.events, found.links) == ((Event(9, "e"),), (Link(TRACE, PARENT),))
        assert "1 event dropped by the SDK" in found.warnings

    def test_snake_case_maps_are_not_span_attributes(self) -> None:
        members = {"values": [{"key": "error", "value": {"bool_value": True}}]}
        span = {"trace_id": TRACE, "span_id": SPAN, "attributes": [pair("m", kvlist_value=members)]}
        found = one(span)
        assert (found.attributes, found.error) == ({"m": {"error": True}}, False)

    def test_times(self) -> None:
        assert one(span_json(startTimeUnixNano=START, endTimeUnixNano=float(START))).duration_ns == 0
        backwards = one(span_json(endTimeUnixNano=str(START - 5)))
        assert (backwards.duration_ns, backwards.flags) == (0, Flag.NEGATIVE_DURATION)
        unfinished = one(span_json(endTimeUnixNano=...))
        assert (unfinished.duration_ns, unfinished.flags) == (0, Flag.NO_DURATION)
        only_end = one(span_json(startTimeUnixNano=..., endTimeUnixNano=str(START)))
        assert (only_end.start_ns, only_end.duration_ns, only_end.flags) == (START, 0, Flag.START_REPAIRED)
        timeless = one(span_json(startTimeUnixNano="0", endTimeUnixNano="0"))
        assert (timeless.duration_ns, timeless.flags) == (0, Flag.NO_DURATION | Flag.START_REPAIRED)
        beyond = one(span_json(endTimeUnixNano=str(2**64 - 1)))
        assert Flag.OUT_OF_RANGE in beyond.flags

    def test_counts_dropped_by_the_sdk(self) -> None:
        traces = load(request_json(span_json(droppedAttributesCount=12, droppedLinksCount=1, droppedEventsCount=0)))
        assert traces.warnings_of(0) == ["12 attributes dropped by the SDK", "1 link dropped by the SDK"]
        assert Flag(int(traces.flags[0])) == Flag.SOURCE_WARNING

    def test_warnings_of_jaeger(self) -> None:
        texts = {"values": [{"stringValue": "clock skew"}, {"stringValue": "duplicate"}]}
        spans = [
            span_json(attributes=[pair("a", intValue=1), pair("@jaeger@warnings", arrayValue=texts)]),
            span_json(spanId=PARENT),
        ]
        traces = load(request_json(*spans))
        assert [traces.warnings_of(i) for i in range(2)] == [["clock skew", "duplicate"], []]

    @pytest.mark.parametrize(
        ("attributes", "fields", "error"),
        [
            ([], {}, False),
            ([pair("error", boolValue=True)], {}, True),
            ([pair("error", stringValue="false")], {}, False),
            ([pair("error.message", stringValue="x")], {}, False),
            ([pair("http.response.status_code", intValue="404")], {}, False),
            ([pair("http.response.status_code", intValue="404")], {"kind": 3}, False),
            ([pair("http.response.status_code", intValue="503")], {"kind": 3}, True),
            ([pair("http.response.status_code", intValue="500")], {"status": {"code": 1}}, False),
            ([pair("rpc.grpc.status_code", intValue=14)], {}, True),
            ([pair("rpc.grpc.status_code", intValue=5)], {}, False),
            ([pair("m", kvlistValue={"values": [pair("error", boolValue=True)]})], {}, False),
            ([pair("l", arrayValue={"values": [{"stringValue": "error"}]}), pair("error", boolValue=True)], {}, True),
            ([{"value": {"boolValue": True}, "key": "error"}], {}, True),
            ([pair("t", stringValue='}"error"'), pair("error.type", stringValue="E")], {}, True),
        ],
    )
    def test_errors(self, attributes: list[object], fields: dict[str, object], error: bool) -> None:
        request = request_json(span_json(attributes=attributes, **fields))
        json_span = load(request).span(0)
        assert json_span.error is error
        wire = load(export.otlp_protobuf([json_span]), decode=otlp_protobuf.decode_request).span(0)
        assert wire == json_span
        pretty = json.dumps(request, indent=2).encode()
        assert load(pretty).span(0) == json_span

    def test_faulty_items_are_skipped_or_repaired_with_a_warning(self) -> None:
        bad = [
            None,
            span_json(startTimeUnixNano="soon", name=None, status="bad", attributes={"a": 1}, kind=True, links=5),
            span_json(spanId=PARENT, startTimeUnixNano=[], events="x"),
            span_json(spanId="0123456789abcdef"),
        ]
        traces = load({**request_json(*bad), "batches": 7})
        assert len(traces) == 3
        place = "resourceSpans[0].scopeSpans[0].spans"
        assert warnings(traces) == [
            f"{place}[0]: skipped: not an object (and 1 more like it)",
            f"{place}[1]: startTimeUnixNano is not a time; read as missing (and 1 more like it)",
            ": kind 'True' of 1 span is unknown; read as unspecified",
            ": status code 'bad' of 1 span is unknown; read as unset",
            ": events of 1 span cannot be read: unknown structure",
            ": links of 1 span cannot be read: unknown structure",
        ]
        for i in range(3):
            traces.span(i)

    def test_spans_without_ids(self) -> None:
        traces = load(request_json(span_json(traceId="", spanId=...), span_json(spanId="")))
        assert traces.trace_count == 2
        assert len(warnings(traces)) == 2

    def test_bare_nan_lone_surrogates_and_invalid_utf8(self) -> None:
        attributes = [pair("a", doubleValue="X"), pair("b", stringValue="Y")]
        raw = json.dumps(request_json(span_json(name="NAME", attributes=attributes)))
        raw = raw.replace('"X"', "NaN").replace("NAME", "\\ud800").replace("Y", "\\udc00")
        found = load(raw.encode()).span(0)
        assert found.name == "�"
        number = found.attributes["a"]
        assert isinstance(number, float)
        assert math.isnan(number)
        assert found.attributes["b"] == "�"
        raw_bytes = json.dumps(request_json(span_json(attributes=[pair("b", stringValue="Y")]))).encode()
        assert load(raw_bytes.replace(b"Y", b"\xff")).span(0).attributes == {"b": "�"}

    @pytest.mark.parametrize("depth", [100, 300, 900, 10_000, 100_000])
    def test_deep_values(self, depth: int) -> None:
        deep = b'{"arrayValue":{"values":[' * depth + b"]}}" * depth
        raw = json.dumps(request_json(span_json(attributes=[pair("deep", stringValue="DEEP"), pair("b", intValue=1)])))
        found = load(raw.encode().replace(b'{"stringValue": "DEEP"}', deep))
        assert found.attributes(0).keys() == {"deep", "b"}
        assert otlp_json.CODEC.attributes(b"[" * depth) == {}
        assert otlp_json.CODEC.attributes(b'[{"key":"a","value":' + deep + b"}]").keys() == {"a"}

    @pytest.mark.parametrize("raw", [b"", b"x", b"[]", b"7", b'{"resourceSpans":[', b"[" * 10_000, b'{"a":' * 5000])
    def test_reject_input_that_is_not_a_request(self, raw: bytes) -> None:
        with pytest.raises(ValueError, match=r"line 1|nested too deeply|not a JSON object"):
            load(raw)

    @pytest.mark.parametrize("raw", [b"{}", b'{"resourceSpans":null}', b'{"resourceLogs":[]}', b'{"batches":[{}]}'])
    def test_request_without_spans(self, raw: bytes) -> None:
        traces = load(raw)
        assert len(traces) == 0
        assert not traces.load_warnings

    @given(st.binary(max_size=200))
    def test_codec_never_raises(self, raw: bytes) -> None:
        for codec in (otlp_json.CODEC, otlp_protobuf.CODEC):
            assert all(isinstance(key, str) for key in codec.attributes(raw))
            assert all(isinstance(event, Event) for event in codec.events(raw))
            assert all(isinstance(link, Link) for link in codec.links(raw))


WireField = tuple[int, float | str | bytes]


def message(*fields: WireField) -> bytes:
    """Encode a protobuf message; integers become varints, floats fixed64 of their integer part, other values bytes."""
    written = b""
    for number, content in fields:
        if isinstance(content, int):
            written += varint(number << 3) + varint(content)
        elif isinstance(content, float):
            written += varint(number << 3 | 1) + struct.pack("<Q", int(content))
        else:
            body = content.encode() if isinstance(content, str) else content
            written += varint(number << 3 | 2) + varint(len(body)) + body
    return written


def varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])


def text_pair(key: str, value: str) -> bytes:
    return message((1, key), (2, message((1, value))))


def span_wire(span_id: str = SPAN, *more: WireField) -> bytes:
    ids: list[WireField] = [(1, bytes.fromhex(TRACE)), (2, bytes.fromhex(span_id))]
    return message(*ids, (5, "op"), (6, 3), (7, 5e9), (8, 6e9), *more)


def request_wire(*spans: bytes) -> bytes:
    resource = message((1, text_pair("service.name", "web")), (1, text_pair("host.name", "h1")), (2, 0))
    scope = message((1, "lib"), (2, "1.2"))
    return message((1, message((1, resource), (2, message((1, scope), *((2, span) for span in spans))))))


def load_wire(data: bytes) -> TraceSet:
    return load(data, decode=otlp_protobuf.decode_request)


def wrapped(body: bytes, *numbers: int) -> bytes:
    """Wrap a message in these fields of messages, from the inside out."""
    for number in numbers:
        body = message((number, body))
    return body


LOG = message((1, 5e9), (2, 9), (5, message((1, "x"))), (9, bytes(16)), (10, bytes(8)))
METRIC = message((1, "http.server.time"), (2, "duration"), (3, "s"), (5, message((1, b""))))
LOGS, METRICS = (wrapped(body, 2, 2, 1) for body in (LOG, METRIC))
ZIPKIN = wrapped(message((1, bytes(16)), (2, bytes(8)), (3, bytes(8)), (4, 1), (5, "get"), (6, 5e9), (7, 9)), 1)


class TestProtobuf:
    def test_fields_in_any_order_and_unknown_ones(self) -> None:
        more = (
            (9, text_pair("a", "1")),
            (11, message((1, 7e9), (2, "e"), (3, text_pair("x", "y")))),
            (9, text_pair("b", "2")),
            (16, 257),
            (4, bytes.fromhex(PARENT)),
            (13, message((1, bytes.fromhex(TRACE)), (2, bytes.fromhex(PARENT)), (4, text_pair("l", "m")))),
            (15, message((3, 2), (2, "bad"))),
            (10, 3),
            (99, b"unknown"),
            (9, b""),
        )
        found = load_wire(request_wire(span_wire(SPAN, *more))).span(0)
        assert (found.service, found.resource) == ("web", {"host.name": "h1"})
        assert (found.scope_name, found.scope_version) == ("lib", "1.2")
        assert found.attributes == {"a": "1", "b": "2", "": None}
        assert found.events == (Event(7_000_000_000, "e", {"x": "y"}),)
        assert found.links == (Link(TRACE, PARENT, "", {"l": "m"}),)
        assert (found.status, found.status_message, found.error) == (Status.ERROR, "bad", True)
        assert (found.span_id, found.parent_id, found.kind) == (SPAN, PARENT, Kind.CLIENT)
        assert "3 attributes dropped by the SDK" in found.warnings

    def test_resource_after_its_spans_and_the_layout_of_2022(self) -> None:
        scopes = message((2, span_wire()), (1, message((1, "late"))))
        part = message((1000, scopes), (1, message((1, text_pair("service.name", "late")))))
        found = load_wire(message((1, part))).span(0)
        assert (found.service, found.scope_name) == ("late", "late")

    def test_wrapper_of_tempo(self) -> None:
        data = message((1, request_wire(span_wire())), (2, message((1, 5))), (3, 1))
        assert looks_like_request(data)
        traces = load_wire(data)
        assert len(traces) == 1
        assert "part of the trace" in traces.load_warnings[0].message

    def test_text_with_invalid_utf8(self) -> None:
        pair_ = message((1, b"k\xff"), (2, message((1, b"\xfe"))))
        assert load_wire(request_wire(span_wire(SPAN, (9, pair_), (5, b"\xff")))).span(0).name == "�"
        assert load_wire(request_wire(span_wire(SPAN, (9, pair_)))).attributes(0) == {"k�": "�"}

    def test_deep_values(self) -> None:
        value = wrapped(message((1, "x")), *[1, 5] * 3000)
        deep = message((1, "deep"), (2, value))
        found = load_wire(request_wire(span_wire(SPAN, (9, deep), (9, text_pair("b", "1")))))
        assert found.attributes(0).keys() == {"deep", "b"}

    def test_truncation_anywhere_keeps_intact_spans(self) -> None:
        spans = [span_wire(f"{i:016x}", (9, text_pair("key", "v" * 200))) for i in range(1, 4)]
        data = request_wire(*spans)
        ends = [data.index(span) + len(span) for span in spans]
        for cut in range(1, len(data)):
            traces = load_wire(data[:cut])
            assert len(traces) == sum(end <= cut for end in ends)
            (warning,) = traces.load_warnings
            assert warning.position == f"byte {cut}"
            assert f"{len(traces)} intact spans" in warning.message
            if cut > 3:
                assert f"{len(data) - cut} bytes are missing" in warning.message
        assert not load_wire(data).load_warnings

    @pytest.mark.parametrize(
        ("data", "where"),
        [
            (b"\x0b\x0c", "byte 0"),
            (b"\x0a\x00\x0e\x00", "byte 2"),
            (b"\x02\x00", "byte 0"),
            (message((1, b"\x12\x7f")), "byte 2"),
            (b"\x08" + b"\xff" * 11, "byte 1"),
            (request_wire(span_wire() + b"\x5b"), "wire type 3"),
            (request_wire(span_wire() + b"\x4a\x05a"), "longer than its span"),
            (request_wire(span_wire() + b"\x39\x05a"), "longer than its span"),
        ],
    )
    def test_damage_warning_names_the_byte(self, data: bytes, where: str) -> None:
        intake = Intake()
        try:
            otlp_protobuf.decode_request(data, DecodeContext(intake, "file"))
        except ValueError as error:
            texts = [str(error)]
        else:
            texts = list(map(str, intake.warnings))
        assert where in texts[0]

    def test_damaged_span_costs_only_itself(self) -> None:
        spans = [span_wire(f"{i:016x}") for i in range(1, 8)]
        damages: list[Callable[[bytes], bytes]] = [
            lambda span: span + b"\x5b",
            lambda span: span[:-1] + b"\xff",
            lambda span: span + b"\x4a\x05a",
            lambda span: b"\x07" + span[1:],
        ]
        for damage in damages:
            for at in (0, 3, 6):
                damaged = [*spans[:at], damage(spans[at]), *spans[at + 1 :]]
                traces = load_wire(request_wire(*damaged))
                kept = {traces.span_id(i) for i in range(len(traces))}
                assert kept >= {f"{i + 1:016x}" for i in range(7) if i != at}
        (warning,) = load_wire(request_wire(*spans[:3], spans[3] + b"\x5b", *spans[4:])).load_warnings
        assert "wire type 3" in warning.message

    def test_damaged_length_costs_no_following_span(self) -> None:
        spans = [span_wire(f"{i:016x}") for i in range(1, 8)]
        data = bytearray(request_wire(*spans))
        begins = [data.index(span) for span in spans]
        for at in range(7):
            damaged = data.copy()
            damaged[begins[at] - 1] ^= 0x40
            traces = load_wire(bytes(damaged))
            kept = {traces.span_id(i) for i in range(len(traces))}
            assert kept >= {f"{i + 1:016x}" for i in range(7) if i != at}
            assert traces.load_warnings

    def test_damaged_resource_costs_only_itself(self) -> None:
        whole = request_wire(span_wire("1" * 16))
        traces = load_wire(message((1, b"\x12\x7f")) + message((1, b"\x0a\x02\x0b\x0c")) + whole)
        assert len(traces) == 1
        assert "longer than its message" in traces.load_warnings[0].message

    @given(st.binary(max_size=300))
    def test_arbitrary_bytes(self, data: bytes) -> None:
        for decode_one in (otlp_protobuf.decode_request, otlp_json.decode_request):
            for raw in (data, request_wire(data), request_wire(span_wire() + data)):
                intake = Intake()
                with suppress(ValueError):
                    decode_one(raw, DecodeContext(intake, "file"))
                traces = assemble(intake)
                # each can be read, and no more are read than the bytes can hold
                assert len([traces.span(i) for i in range(len(traces))]) <= len(raw) // 2
                assert looks_like_request(raw) in (True, False)

    def test_detect_requests(self) -> None:
        data = request_wire(span_wire())
        assert looks_like_request(data)
        assert looks_like_request(memoryview(data))
        assert looks_like_request(data[:-3])
        for other in (b"", b"{}", LOGS, METRICS, ZIPKIN, request_wire(), b"\x0a" * 50, b"\x1f\x8b" + data):
            assert not looks_like_request(other)


class TestRecords:
    DATA = request_wire(span_wire())

    def test_kinds_of_payload(self) -> None:
        payloads = [self.DATA, json.dumps(request_json(span_json())).encode(), LOGS]
        compressed = zstandard.ZstdCompressor().compress(self.DATA)
        data = record(payloads[0]) + record(payloads[1]) + record(b"") + record(compressed) + record(LOGS)
        assert looks_like_records(data)
        assert [payload for _, payload in RecordReader(data)] == [*payloads[:2], self.DATA, LOGS]
        assert [at for at, _ in RecordReader(data)][:2] == [0, 4 + len(self.DATA)]
        assert [looks_like_request(payload) for _, payload in RecordReader(data)] == [True, False, True, False]

    def test_truncated_last_record(self) -> None:
        first = record(self.DATA)
        for cut in range(1, len(first)):
            found = RecordReader(first + first[:cut])
            assert list(found) == [(0, self.DATA)]
            ((at, text),) = found.warnings
            assert at == len(first)
            assert "cut off" in text
        assert looks_like_records(first[:-5])

    def test_compression_bombs_and_damaged_records_are_skipped(self) -> None:
        bomb = zstandard.ZstdCompressor().compress(bytes(5_000_000))
        broken = b"\x28\xb5\x2f\xfd" + b"\xff" * 20
        found = RecordReader(record(bomb) + record(broken) + record(self.DATA), largest=1_000_000)
        assert [payload for _, payload in found] == [self.DATA]
        assert [at for at, _ in found.warnings] == [0, len(record(bomb))]

    def test_detect_records(self) -> None:
        assert looks_like_records(export.otlp_records([one(span_json())]))
        assert looks_like_records(export.otlp_records([one(span_json())], protobuf=False))
        for other in (b"", b"\0" * 50, self.DATA, b'{"resourceSpans":[]}', b"\n\n{}", b"\0\0\0\x05abcde"):
            assert not looks_like_records(other)

    @pytest.mark.parametrize("size", [ord("["), ord("{")])
    def test_length_that_is_also_a_bracket(self, size: int) -> None:
        """A request of such a length begins like JSON after a line break."""
        spans = [Span("1" * 32, f"{i}" * 16, None, "s", "n", 1, 2) for i in (1, 2, 3)]
        short = [export.otlp_records([span], 1) for span in spans]
        longer = "n" * (1 + size - short[0][5])
        data = b"".join(export.otlp_records([replace(span, name=longer)], 1) for span in spans)
        assert data[4:6] == bytes([0x0A, size])
        intake = Intake()
        decode(data[:-2], DecodeContext(intake, "file"))
        traces = assemble(intake)
        assert len(traces) == 2
        assert "cut off within a record" in "".join(warnings(traces))

    @pytest.mark.parametrize("bad", [b"\xff" * 30, b"hello world", b"\xff" + DATA[1:], DATA[:30] + b"\xff" * 9])
    @pytest.mark.parametrize(("count", "at"), [(2, 0), (2, 1), (3, 1), (12, 0), (12, 6), (12, 11)])
    def test_damaged_record_is_the_only_loss(self, bad: bytes, count: int, at: int) -> None:
        requests = [request_wire(span_wire(f"{i:016x}")) for i in range(1, count + 1)]
        requests[at] = bad
        intake = Intake()
        decode(b"".join(map(record, requests)), DecodeContext(intake, "file"))
        traces = assemble(intake)
        assert len(traces) == count - 1
        assert len(warnings(traces)) == 1

    @pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x7f\0\0\0", b"text"])
    @pytest.mark.parametrize("at", [1, 5, 10])
    def test_damaged_length_costs_one_record(self, length: bytes, at: int) -> None:
        records = [record(request_wire(span_wire(f"{i:016x}"))) for i in range(1, 13)]
        records[at] = length + records[at][4:]
        intake = Intake()
        decode(b"".join(records), DecodeContext(intake, "file"))
        assert len(assemble(intake)) >= 11

    def test_text_after_records_costs_none_of_them(self) -> None:
        requests = [request_wire(span_wire(f"{i:016x}")) for i in (1, 2, 3)]
        intake = Intake()
        decode(b"".join(map(record, requests)) + b"shutting down\n", DecodeContext(intake, "file"))
        assert len(assemble(intake)) == 3

    def test_damaged_message_does_not_hide_a_request(self) -> None:
        damaged = request_wire(b"\xff" * 20)
        assert not looks_like_request(damaged)
        assert looks_like_request(damaged + self.DATA)

    @given(st.binary(max_size=100))
    def test_arbitrary_bytes(self, data: bytes) -> None:
        assert looks_like_records(data) in (True, False)
        positions = [position for position, _ in RecordReader(data)]
        assert positions == sorted(set(positions))


def record(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
scalars = st.none() | st.booleans() | numbers | texts | st.binary(max_size=5)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
attributes = st.dictionaries(texts | st.sampled_from(["error", "http.status_code", "error.type"]), values, max_size=4)
plain_attributes = st.dictionaries(texts.filter(lambda key: key != "service.name"), values, max_size=3)
ids = st.integers(1, 2**64 - 1).map("{:016x}".format)
times = st.integers(1, 2**61)


@st.composite
def spans_of_one_trace(draw: st.DrawFn) -> list[Span]:
    made: list[Span] = []
    for span_id in draw(st.lists(ids, unique=True, min_size=1, max_size=5)):
        made.append(
            Span(
                trace_id=TRACE,
                span_id=span_id,
                parent_id=draw(st.sampled_from([None, *(span.span_id for span in made)])),
                service=draw(st.sampled_from(["web", "db"])),
                name=draw(texts),
                start_ns=draw(times),
                duration_ns=draw(st.integers(0, 2**60)),
                kind=draw(st.sampled_from(Kind)),
                status=draw(st.sampled_from(Status)),
                status_message=draw(texts),
                attributes=draw(attributes),
                resource=draw(st.sampled_from([{}, draw(plain_attributes)])),
                scope_name=draw(texts),
                scope_version=draw(texts),
                events=tuple(draw(st.lists(st.builds(Event, times, texts, attributes), max_size=2))),
                links=tuple(
                    draw(
                        st.lists(
                            st.builds(Link, st.just(TRACE), ids, st.sampled_from(["", "CHILD_OF"]), attributes),
                            max_size=2,
                        )
                    )
                ),
            )
        )
    return made


@given(spans_of_one_trace())
def test_round_trips(spans: list[Span]) -> None:
    from_json = load(export.otlp_json(spans))
    from_wire = load_wire(export.otlp_protobuf(spans))
    from_lines = load(*export.otlp_json_lines(spans, 2).splitlines())
    payloads = [payload for _, payload in RecordReader(export.otlp_records(spans, 2))]
    from_records = load(*payloads, decode=otlp_protobuf.decode_request)
    expected = {span.span_id: span for span in spans}
    for traces in (from_json, from_wire, from_lines, from_records):
        found = [traces.span(i) for i in range(len(traces))]
        assert len(found) == len(spans)
        for span in found:
            wanted = expected[span.span_id]
            # errors are not written but decided, by the same rule for both encodings
            assert {**fields_of(span), "error": None} == {**fields_of(wanted), "error": None}
    assert from_json.error.tolist() == from_wire.error.tolist()


def fields_of(span: Span) -> dict[str, object]:
    return {name: getattr(span, name) for name in span.__dataclass_fields__}


@pytest.mark.parametrize("count", [1, 300])
@pytest.mark.parametrize("blank", ["", " ", "\n      "])
def test_second_value_of_an_attribute_counts_as_it_is_shown(count: int, blank: str) -> None:
    values = '{"stringValue":"redis"' + blank + '},"value":{"a":1' + blank + "}" + blank
    peer = '{"key":"peer.service","value":{"stringValue":"store"}}'
    attributes = '[{"key":"db.system.name","value":' + values + "}," + peer + "]"
    spans = [
        f'{{"traceId":"{"a" * 32}","spanId":"{i:016x}","name":"x","kind":3,"attributes":{attributes}}}'
        for i in range(1, count + 1)
    ]
    traces = load(('{"resourceSpans":[{"scopeSpans":[{"spans":[' + ",".join(spans) + "]}]}]}").encode())
    assert all(traces.attributes(span)["db.system.name"] == {"a": 1} for span in range(count))
    # with the first value it would be a cache
    assert {read_note(traces.peers[note])[:2] for note in traces.noted_peer.tolist()} == {("store", None)}


SCOPES: list[object] = [{"name": "lib", "version": "1"}, {}, None, 7]


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Requests with resources and scopes of any number of spans, some of them not as specified."""
    ids = iter(range(1, 100))

    def spans() -> list[object]:
        count = draw(st.integers(0, 4))
        return [span_json(spanId=f"{next(ids):016x}", **draw(st.sampled_from(ODD_FIELDS))) for _ in range(count)]

    def scope_spans() -> dict[str, Any]:
        key = draw(st.sampled_from(["scope", "instrumentationLibrary", "scopeName"]))
        return {key: draw(st.sampled_from(SCOPES)), "spans": draw(st.sampled_from([spans(), None, []]))}

    def resource_spans() -> dict[str, Any]:
        service = pair("service.name", stringValue=draw(st.sampled_from(["web", "db"])))
        resources: list[dict[str, Any]] = [{"resource": {"attributes": [service]}}, {"resource": None}, {}]
        resource = draw(st.sampled_from(resources))
        key = draw(st.sampled_from(["scopeSpans", "instrumentationLibrarySpans", "scope_spans"]))
        return {**resource, key: [scope_spans() for _ in range(draw(st.integers(0, 3)))]}

    return {
        draw(st.sampled_from(["resourceSpans", "batches"])): [resource_spans() for _ in range(draw(st.integers(0, 3)))]
    }


ODD_FIELDS: list[dict[str, Any]] = [
    {},
    {"startTime": "2026-01-01T00:00:00Z"},
    {"kind": "SPAN_KIND_SERVER"},
    {"events": "x"},
]


@given(requests())
def test_a_request_read_in_parts_gives_the_same_spans(request: dict[str, Any]) -> None:
    raw = json.dumps(request).encode()
    whole = load(request)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(otlp_json, "_LARGE_BYTES", 0)
        patch.setattr(otlp_json, "CHUNK_SPANS", 2)
        parts = load(request)
    for found in (whole, parts):
        assert len(found) == raw.count(b'"spanId"')
    assert [parts.span(i) for i in range(len(parts))] == [whole.span(i) for i in range(len(whole))]
    assert bool(parts.load_warnings) == bool(whole.load_warnings)


def test_a_large_request_is_decoded_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    class Decoder:
        def decode(self, raw: bytes) -> OtlpRequest:
            decoded.append(bytes(raw))
            return REQUEST.decode(raw)

    monkeypatch.setattr(otlp_json, "_LARGE_BYTES", 0)
    monkeypatch.setattr(otlp_json, "CHUNK_SPANS", 2)
    monkeypatch.setattr(otlp_json, "REQUEST", Decoder())
    found = load(request_json(*(span_json(spanId=f"{i:016x}") for i in range(1, 8))))
    assert [part.count(b'"spanId"') for part in decoded] == [2, 2, 2, 1]
    assert len(found) == 7
    assert len(found.resources) == 1
