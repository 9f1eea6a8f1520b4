"""Large sources of one value or of many lines are decoded in several processes, with the same result."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.support.paths import SAMPLES
from tracetui.export.registry import exporter_named
from tracetui.ingest import detect, json_text
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats import otlp_protobuf, zipkin_json
from tracetui.ingest.loader import load
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Span
from tracetui.model.traces import TraceSet

RESPONSE = json.loads((SAMPLES / "first-look/checkout.json").read_bytes())


def exported(name: str) -> bytes:
    return b"".join(exporter_named(name).encode(load([str(SAMPLES / "first-look/checkout.json")]), Counter()))


def documents(response: dict[str, Any]) -> bytes:
    lines = [
        {"_index": "jaeger-span", "_source": {**span, "process": trace["processes"][span["processID"]]}}
        for trace in response["data"]
        for span in trace["spans"]
    ]
    # spans of a trace are apart, as the documents of an index are
    return "".join(json.dumps(line) + "\n" for line in lines[::2] + lines[1::2]).encode()


def read(data: bytes) -> TraceSet:
    intake = Intake()
    detect.decode(data, DecodeContext(intake, "f"))
    return assemble(intake)


def contents(traces: TraceSet) -> tuple[list[Span], list[int], list[str], object]:
    return [traces.span(i) for i in range(len(traces))], traces.order.tolist(), traces.trace_ids, traces.load_warnings


@pytest.fixture
def three_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_text, zipkin_json, otlp_protobuf):
        monkeypatch.setattr(module, "processes_for", lambda _: 3)


SOURCES = {
    "zipkin": exported("zipkin"),
    "zipkin-v1": exported("zipkin-v1"),
    "otlp-protobuf": exported("otlp-protobuf"),
    "documents": documents(RESPONSE),
}
SERIAL = {name: contents(read(data)) for name, data in SOURCES.items()}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.usefixtures("three_processes")
def test_several_processes_find_the_same_spans_in_the_same_order(name: str) -> None:
    assert len(SERIAL[name][0]) == sum(len(trace["spans"]) for trace in RESPONSE["data"])
    assert contents(read(SOURCES[name])) == SERIAL[name]


@pytest.mark.usefixtures("three_processes")
def test_trace_ids_of_two_lengths_are_joined_across_processes() -> None:
    spans = [{"traceId": digits, "id": f"{i + 1:016x}"} for i, digits in enumerate(["0" * 15 + "a", *["b"] * 7])]
    spans.append({"traceId": "1" * 16 + "0" * 15 + "a", "id": "ff"})
    assert read(json.dumps(spans).encode()).trace_count == 2


@pytest.mark.usefixtures("three_processes")
def test_a_cut_off_request_gives_its_intact_spans() -> None:
    data = SOURCES["otlp-protobuf"]
    found = read(data[:-5])
    assert len(found) == len(SERIAL["otlp-protobuf"][0]) - 1
    assert "cut off" in str(found.load_warnings)


@pytest.mark.usefixtures("three_processes")
def test_an_unreadable_part_of_a_request_gives_the_spans_before_it() -> None:
    found = read(SOURCES["otlp-protobuf"] + b"\x0f")
    assert len(found) == len(SERIAL["otlp-protobuf"][0])
    assert "invalid wire type" in str(found.load_warnings)


OF_OTHER_FORMATS = {
    "document": {"traceID": "a1", "spanID": "b1", "operationName": "x", "traceId": "a1", "id": "b1"},
    "trace": {**RESPONSE["data"][0], "traceId": "a1", "id": "b1"},
    "request": {
        "resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "a1", "spanId": "b1"}]}]}],
        "traceId": 1,
        "id": 2,
    },
    "number": 7,
    "other object": {"traceId": "a1"},
}


@pytest.mark.parametrize("name", OF_OTHER_FORMATS)
def test_items_between_spans_of_zipkin_are_recognised_each(name: str) -> None:
    spans = [{"traceId": "c1", "id": f"{i:016x}", "localEndpoint": {"serviceName": "web"}} for i in range(1, 601)]
    item = OF_OTHER_FORMATS[name]
    alone = read(json.dumps([item]).encode())
    mixed = read(json.dumps([*spans[:300], item, *spans[300:]]).encode())
    assert len(mixed) == 600 + len(alone)
    assert {mixed.operation_name(i) for i in range(len(mixed))} >= {alone.operation_name(i) for i in range(len(alone))}
    assert len(mixed.load_warnings) == len(alone.load_warnings)


def test_a_span_that_needs_repair_does_not_affect_its_neighbours() -> None:
    spans: list[dict[str, Any]] = [
        {"traceId": "c1", "id": f"{i:016x}", "timestamp": i, "localEndpoint": {"serviceName": "web"}}
        for i in range(1, 3001)
    ]
    spans[1500]["timestamp"] = "1501"
    spans[1501]["id"] = ""
    found = read(json.dumps(spans).encode())
    assert len(found) == 2999
    assert sorted(set(range(1, 3001)) - set((found.start // 1000).tolist())) == [1502]
    assert [str(warning) for warning in found.load_warnings] == ["f: [1501]: skipped: a span needs a traceId and an id"]
