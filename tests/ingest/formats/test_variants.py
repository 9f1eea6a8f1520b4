"""Console output and tables of spans from other versions of their writers, truncated and damaged."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.decoding import read
from tests.support.format_samples import (
    CHILD,
    MS,
    ROOT,
    SAMPLES,
    SPANS,
    START_NS,
    TABLES,
    TRACE,
    Sample,
    clickhouse,
    flat,
    spans,
    warnings,
)
from tests.support.strategies import unhurried
from tracetui.model.span import Kind, Span

# --- Damage ---------------------------------------------------------------------------------------------------------


CUT = {name: sample for name, sample in SAMPLES.items() if "answer" not in name and "JSON" not in name}


@pytest.mark.parametrize("sample", CUT.values(), ids=CUT)
@pytest.mark.parametrize("share", [0.3, 0.55, 0.8, 0.97])
def test_truncation_costs_only_the_cut_span(sample: Sample, share: float) -> None:
    whole = spans(read(sample.text))
    text = sample.text * 3
    cut = int(len(text) * share)
    found = read(text[:cut])
    assert set(spans(found)) <= set(whole)
    assert {"GET /x", "load"} <= set(spans(found)) or share < 0.5


@pytest.mark.parametrize("name", ["python, pretty", "php", "go, pretty", "node", "jaeger's protobuf, pretty"])
def test_object_cut_off_by_the_next_costs_only_itself(name: str) -> None:
    text = SAMPLES[name].text
    middle = text[: len(text) // 2].rindex("\n") + 1
    found = read(text[: middle // 2] + "\n" + text)
    assert {"GET /x", "load"} <= set(spans(found))
    assert found.load_warnings
    alone = read("starting\n" + text[: middle // 2] + "\nthe program ended\n" + text)
    assert {"GET /x", "load"} <= set(spans(alone))
    assert alone.load_warnings


@pytest.mark.parametrize("name", ["python, pretty", "go, pretty", "node"])
def test_lines_of_another_thread_within_an_object(name: str) -> None:
    lines = SAMPLES[name].text.split("\n")
    mixed = [*lines[:4], "2026-03-20 INFO from elsewhere", *lines[4:9], '{"level": "info"}', *lines[9:]]
    assert spans(read("\n".join(mixed))) == spans(read(SAMPLES[name].text))
    java = SAMPLES["java"].text.replace(TRACE, "c2".rjust(32, "0")).splitlines()
    assert len(read("\n".join([*lines[:4], java[0], *lines[4:9], java[1], *lines[9:]]))) == 4


def test_java_attributes_over_several_lines() -> None:
    text = SAMPLES["java"].text.replace("{n=1}", "{n=1, db.statement=SELECT a,\n  b\nFROM c, list=[1, 2], ok=true}")
    attributes = spans(read(text))["load"].attributes
    assert attributes == {"n": 1, "db.statement": "SELECT a,\n  b\nFROM c", "list": [1, 2], "ok": True}
    cut = read(SAMPLES["java"].text.replace(", capacity=128, totalAddedValues=1}", "", 1) + SAMPLES["java"].text)
    assert set(spans(cut)) == {"GET /x", "load"}


def test_java_with_the_prefix_of_java_util_logging() -> None:
    before = "Mar 20, 2026 9:46:40 AM io.opentelemetry.exporter.logging.LoggingSpanExporter export\nINFO: "
    text = "".join(before + line + "\n" for line in SAMPLES["java"].text.splitlines())
    assert spans(read(text)).keys() == {"GET /x", "load"}
    quoted = text.replace("AttributesMap{data={n=1}, capacity=128, totalAddedValues=1}", '{animal="cat", lives=9}')
    assert spans(read(quoted))["load"].attributes == {"animal": "cat", "lives": 9}


def test_otlp_json_after_the_prefix_of_java_util_logging() -> None:
    span = {"traceId": TRACE, "spanId": ROOT, "name": "GET /x", "startTimeUnixNano": "5", "endTimeUnixNano": "9"}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]}
    request = json.dumps({"resource": resource, "scopeSpans": [{"spans": [span]}]})
    before = "Mar 20, 2026 9:46:40 AM io.opentelemetry.exporter.logging.otlp.OtlpJsonLoggingSpanExporter export\nINFO: "
    traces = read(before + request + "\n" + before + request.replace(ROOT, CHILD) + "\n")
    assert len(traces) == 2
    assert traces.load_warnings == []


def test_dotnet_of_other_versions() -> None:
    old = f"""Activity.Id:          00-{TRACE}-{CHILD}-01
Activity.ParentId:    00-{TRACE}-{ROOT}-01
Activity.ActivitySourceName: lib
Activity.DisplayName: load
Activity.Kind:        Client
Activity.StartTime:   2026-03-20T09:46:40.0100000Z
Activity.Duration:    1.00:00:00.0500000
Activity.TagObjects:
    db.statement: SELECT a

FROM c
    list: [1, 2]
   StatusCode : ERROR
Activity.Events:
    retry [03/20/2026 09:46:40 +00:00]
        attempt: 2
Activity.Links:
    {TRACE} {ROOT}
        why: because
Resource associated with Activity:
    service.name: 12
    Schema URL: https://example.org

info: other output
"""
    (span,) = spans(read(old)).values()
    assert (span.span_id, span.parent_id, span.kind, span.status.name) == (CHILD, ROOT, Kind.CLIENT, "ERROR")
    assert span.duration_ns == 86_400_050 * MS
    assert span.attributes == {"db.statement": "SELECT a\n\nFROM c", "list": [1, 2]}
    assert (span.service, span.scope_name) == ("12", "lib")
    assert [(event.name, event.time_ns, event.attributes) for event in span.events] == [
        ("retry", START_NS, {"attempt": 2})
    ]
    assert [(link.trace_id, link.span_id, link.attributes) for link in span.links] == [
        (TRACE, ROOT, {"why": "because"})
    ]


NODE_SPAN = {
    "traceId": TRACE,
    "parentId": ROOT,
    "name": "load",
    "id": CHILD,
    "kind": 2,
    "timestamp": 1774000000000000,
    "duration": 50000,
    "attributes": {"db.system": "mysql", "ok": True},
    "status": {"code": 2, "message": "deadlock"},
    "events": [{"name": "retry", "attributes": {"n": 1}, "time": [1774000000, 5]}],
    "links": [],
}


def test_node_as_json_is_not_zipkin() -> None:
    for text in (json.dumps(NODE_SPAN), json.dumps([NODE_SPAN], indent=2), "INFO " + json.dumps(NODE_SPAN)):
        (span,) = spans(read(text)).values()
        assert (span.kind, span.error, span.status_message) == (Kind.CLIENT, True, "deadlock")
        assert (span.parent_id, span.duration_ns) == (ROOT, 50 * MS)
        assert span.attributes == {"db.system": "mysql", "ok": True}
        assert [(event.name, event.time_ns) for event in span.events] == [("retry", START_NS + 5)]


@pytest.mark.parametrize("prefix", ["", "2026-03-20T09:46:40.001Z ", "web-1  | ", "[app] INFO "])
def test_node_on_one_line(prefix: str) -> None:
    lines = [" ".join(line.split()) for line in re.split(r"(?m)(?<=^})\n", SAMPLES["node"].text) if line]
    found = read("".join(f"{prefix}{line}\n" for line in ["ready {not a span}", *lines]))
    assert spans(found) == spans(read(SAMPLES["node"].text))
    assert warnings(found) == []
    cut = read("".join(f"{prefix}{line}\n" for line in [lines[0], lines[1].replace("{ code", "{{ code")]))
    assert len(cut) == 1
    (message,) = warnings(cut)
    assert "skipped: cut off, output of OpenTelemetry's console exporter for Node" in message


def test_node_before_version_2() -> None:
    text = f"""{{
  traceId: '{TRACE}',
  parentId: '{ROOT}',
  name: 'load',
  id: '{CHILD}',
  kind: 2,
  timestamp: 1774000000010000.5,
  duration: 50000,
  attributes: {{ 'a': [Object], b: 'x'... 12 more characters, c: [ 1, 2, ... 3 more items ], d: 12n }},
  status: {{ code: 1 }},
  events: [ [Object] ]
}}
"""
    traces = read(text)
    (span,) = spans(traces).values()
    assert (span.parent_id, span.kind, span.status.name) == (ROOT, Kind.CLIENT, "OK")
    assert (span.start_ns, span.duration_ns) == (START_NS + 10 * MS + 500, 50 * MS)
    assert span.attributes == {"a": "[Object]", "b": "x", "c": [1, 2], "d": 12}
    assert warnings(traces) == [
        "f: values of 1 span are cut off in Node's output ([Object], [Array], ... more)",
        "f: the service of 1 span is missing in the output of this version of Node's exporter",
    ]


def test_ruby_ids_of_printable_bytes_and_events() -> None:
    text = SAMPLES["ruby"].text.replace(
        'span_id="\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02"', r'span_id="\xBFb\xC9\xFD\xA6F!\""'
    )
    event = (
        '[#<struct OpenTelemetry::SDK::Trace::Event name="a\\n\\e[1m=>", attributes={"k" => [1, nil]}, timestamp=5>]'
    )
    link = (
        "[#<OpenTelemetry::Trace::Link:0x01 @span_context=#<OpenTelemetry::Trace::SpanContext:0x02"
        ' @trace_id="\\x01", @span_id="\\x02">, @attributes={why: "because"}>]'
    )
    span = spans(read(text.replace("events=nil", f"events={event}").replace("links=nil", f"links={link}")))["load"]
    assert span.span_id == "bf62c9fda6462122"
    assert [(one.name, one.time_ns, one.attributes) for one in span.events] == [("a\n\x1b[1m=>", 5, {"k": [1, None]})]
    assert [(one.trace_id, one.span_id, one.attributes) for one in span.links] == [("01", "02", {"why": "because"})]


def test_go_before_version_1() -> None:
    text = json.dumps(
        {
            "SpanContext": {"TraceID": TRACE, "SpanID": CHILD, "TraceFlags": 1, "TraceState": None},
            "ParentSpanID": ROOT,
            "SpanKind": 3,
            "Name": "load",
            "StartTime": "2026-03-20T10:46:40.01+01:00",
            "EndTime": "2026-03-20T10:46:40.06+01:00",
            "Attributes": [{"Key": "n", "Value": {"Type": "INT64", "Value": 1}}],
            "MessageEvents": [{"Name": "retry", "Attributes": None, "Time": "2026-03-20T09:46:40Z"}],
            "Links": None,
            "StatusCode": "Error",
            "StatusMessage": "deadlock",
            "DroppedAttributeCount": 2,
            "Resource": [{"Key": "service.name", "Value": {"Type": "STRING", "Value": "orders"}}],
            "InstrumentationLibrary": {"Name": "lib", "Version": ""},
        }
    )
    (span,) = spans(read(text)).values()
    assert (span.parent_id, span.service, span.kind) == (ROOT, "orders", Kind.CLIENT)
    assert (span.status.name, span.status_message) == ("ERROR", "deadlock")
    assert (span.start_ns, span.duration_ns) == (START_NS + 10 * MS, 50 * MS)
    assert [(event.name, event.time_ns) for event in span.events] == [("retry", START_NS)]
    assert "2 attributes dropped by the SDK" in span.warnings


def test_go_without_timestamps() -> None:
    text = re.sub(r'"(Start|End)Time":"[^"]*"', r'"\1Time":"0001-01-01T00:00:00Z"', SAMPLES["go, a line each"].text)
    messages = warnings(read(text))
    assert messages == ["f: times of 2 spans are missing in Go's output (WithoutTimestamps); shown without duration"]


# --- Tables ---------------------------------------------------------------------------------------------------------


def test_quoted_cells_and_damaged_rows() -> None:
    header, *rows = TABLES["nezha"].text.splitlines()
    quoted = rows[0].replace('"load"', '"load, ""x""\nand y"')
    text = "\r\n".join([header, quoted, "a,b", rows[1].replace('"GET /x"', '"GET /x'), rows[1], rows[1][:20]])
    traces = read(text)
    assert set(spans(traces)) == {'load, "x"\nand y', "GET /x"}
    (messages,) = warnings(traces)
    assert messages.startswith("f: line 4: skipped: the row does not have 8 cells like the header")


def test_service_of_a_pod_is_its_deployment() -> None:
    found = spans(read(TABLES["nezha"].text))
    assert found["load"].resource == {"k8s.pod.name": "orders-5d8f7b9c4d-x2x7k"}


def test_a_table_without_ends_has_durations() -> None:
    rows = [line.split(",") for line in TABLES["nezha"].text.splitlines()]
    found = spans(read("\n".join(",".join([*row[:6], *row[7:]]) for row in rows)))
    assert (found["load"].duration_ns, found["GET /x"].duration_ns) == (50 * MS, 100 * MS)


def test_a_table_in_other_order_with_other_separators() -> None:
    rows = [line.split(",") for line in TABLES["nezha"].text.splitlines()]
    text = "\n".join(";".join(reversed(row)) for row in rows)
    assert spans(read(text)).keys() == {"GET /x", "load"}
    assert spans(read(text))["load"].parent_id == ROOT


def test_table_longer_than_one_batch() -> None:
    header, first, second = TABLES["rcaeval"].text.splitlines()
    text = "\n".join([header, *([first, second] * 3000)])
    assert len(read(text.replace(TRACE, "c2"))) == 2
    many = [first.replace(CHILD, f"{i:016x}") for i in range(5000)]
    assert len(read("\n".join([header, *many]))) == 5000


PIECES = """{ } [ ] " ' \\ , : = > #< => undefined [Object] null ... + -1 1e999 0x \0 \x1b[3m @ - é
AttributesMap{data={""".split()
CHANGES = st.tuples(
    st.floats(0, 1), st.integers(0, 300), st.sampled_from([*PIECES, "", "\n", "Span #0\n", "Resource\n"])
)


@unhurried
@given(st.sampled_from(sorted({**SAMPLES, **TABLES})), st.lists(CHANGES, min_size=1, max_size=6))
def test_damaged_samples_never_fail(name: str, changes: list[tuple[float, int, str]]) -> None:
    # a failing reader raises here, as the tests set TRACETUI_DEBUG
    text = {**SAMPLES, **TABLES}[name].text
    for share, size, piece in changes:
        at = int(share * len(text))
        text = text[:at] + piece + text[at + size :]
    found = read(text)
    for span in map(found.span, range(len(found))):
        assert span.duration_ns >= 0


# --- Rows and Jaeger's protobuf ---------------------------------------------------------------------------------------

ARGUMENTS = ("load", CHILD, ROOT, "orders", 10, 60)
EVENTS = {
    "Events.Timestamp": ["2026-03-20 09:46:40.020000000"],
    "Events.Name": ["retry"],
    "Events.Attributes": [{"n": "2"}],
    "Links.TraceId": [TRACE],
    "Links.SpanId": [ROOT],
    "Links.Attributes": [{"why": "x"}],
}
NESTED = {
    "Events": [{"Timestamp": "2026-03-20T09:46:40.02Z", "Name": "retry", "Attributes": {"n": "2"}}],
    "Links": [{"TraceId": TRACE, "SpanId": ROOT, "Attributes": {"why": "x"}}],
}
ROW = {key: item for key, item in clickhouse(*ARGUMENTS).items() if "." not in key}
ROWS: dict[str, dict[str, Any]] = {
    "a list for each column": ROW | EVENTS,
    "lists of objects": ROW | NESTED,
    "JSON in texts": ROW
    | {name: json.dumps(value) for name, value in NESTED.items()}
    | {"SpanAttributes": '{"n": 1}', "ResourceAttributes": '{"service.name": "orders"}'},
    "names of before 2024": ROW | EVENTS | {"SpanKind": "SPAN_KIND_SERVER", "StatusCode": "STATUS_CODE_ERROR"},
    "pairs for maps": ROW | EVENTS | {"SpanAttributes": [["n", 1]], "ResourceAttributes": [["service.name", "orders"]]},
    "numbers for texts": ROW | EVENTS | {"Duration": 50 * MS},
    "a column `error`": ROW | EVENTS | {"error": None, "data": {}, "trace": "x"},
}


def check(span: Span, events: bool = True) -> None:
    assert (span.trace_id, span.span_id, span.parent_id, span.name) == (TRACE, CHILD, ROOT, "load")
    assert (span.service, span.kind) == ("orders", Kind.SERVER)
    assert (span.status.name, span.status_message, span.error) == ("ERROR", "deadlock", True)
    assert (span.start_ns, span.duration_ns) == (START_NS + 10 * MS, 50 * MS)
    assert span.attributes == {"n": 1}
    if events:
        assert [(one.name, one.time_ns, one.attributes) for one in span.events] == [
            ("retry", START_NS + 20 * MS, {"n": "2"})
        ]
        assert [(one.trace_id, one.span_id, one.attributes) for one in span.links] == [(TRACE, ROOT, {"why": "x"})]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_rows_of_clickhouse(row: dict[str, Any]) -> None:
    traces = read(json.dumps(row))
    assert traces.load_warnings == []
    check(spans(traces)["load"])
    meta = [{"name": name, "type": "String"} for name in row]
    check(spans(read(json.dumps({"meta": meta, "data": [list(row.values())], "rows": 1})))["load"])


TIMES = ("start_time_unix_nano", "end_time_unix_nano")
FLAT = {key: item for key, item in flat(*ARGUMENTS).items() if key not in TIMES}
FLATS: dict[str, dict[str, Any]] = {
    "milliseconds, as data frames have them": {"start_time": 1_774_000_000_010, "end_time": 1_774_000_000_060},
    "microseconds and a duration with its unit": {"start_time": 1_774_000_000_010_000, "duration_ms": 50},
    "texts": {"start_time": "2026-03-20 09:46:40.010", "end_time": "2026-03-20 09:46:40.060"},
    "seconds": {"timestamp": 1_774_000_000.01, "duration": "50ms"},
    "a status in columns": {
        "start": 1_774_000_000_010_000_000,
        "end": 1_774_000_000_060_000_000,
        "status": None,
        "status_code": "ERROR",
        "status_message": "deadlock",
        "service_name": "orders",
        "resource": None,
    },
    "other spellings": {"startTimeUnixNano": "1774000000010000000", "durationNano": 50_000_000},
}


@pytest.mark.parametrize("more", FLATS.values(), ids=FLATS)
def test_rows_whose_columns_have_other_names(more: dict[str, Any]) -> None:
    traces = read(json.dumps(FLAT | more))
    assert traces.load_warnings == []
    check(spans(traces)["load"], events=False)


def proto_span(spell: Any) -> dict[str, Any]:
    """Make a span of Jaeger's protobuf, with keys in the spelling of `spell`."""
    trace = "AAAAAAAAAAAAAAAAAAAAwQ=="
    return {
        spell("trace_id"): trace,
        spell("span_id"): "AAAAAAAAAAI=",
        spell("operation_name"): "load",
        "references": [
            {spell("trace_id"): trace, spell("span_id"): "AAAAAAAAAAE="},
            {spell("trace_id"): trace, spell("span_id"): "AAAAAAAAAAk=", spell("ref_type"): "FOLLOWS_FROM"},
        ],
        spell("start_time"): "2026-03-20T09:46:40.010Z",
        "duration": "0.050s",
        "tags": [
            {"key": "span.kind", spell("v_str"): "server"},
            {"key": "error", spell("v_type"): "BOOL", spell("v_bool"): True},
            {"key": "n", spell("v_type"): "INT64", spell("v_int64"): "1"},
            {"key": "zero", spell("v_type"): "INT64"},
            {"key": "half", spell("v_type"): "FLOAT64", spell("v_float64"): 0.5},
            {"key": "bytes", spell("v_type"): "BINARY", spell("v_binary"): "AAE="},
        ],
        "logs": [{"timestamp": "2026-03-20T09:46:40.020Z", "fields": [{"key": "event", spell("v_str"): "retry"}]}],
        "process": {spell("service_name"): "orders", "tags": [{"key": "host", spell("v_str"): "h"}]},
    }


def camel(name: str) -> str:
    return re.sub("_(.)", lambda match: match[1].upper(), name)


@pytest.mark.parametrize("spell", [str, camel], ids=["snake case", "camel case"])
@pytest.mark.parametrize("shape", ["alone", "a list", "a batch", "a request", "an answer", "answers, pretty"])
def test_jaeger_protobuf_as_json(spell: Any, shape: str) -> None:
    span = proto_span(spell)
    batch = {"process": span["process"], "spans": [{key: item for key, item in span.items() if key != "process"}]}
    text = {
        "alone": json.dumps(span),
        "a list": json.dumps([span]),
        "a batch": json.dumps(batch),
        "a request": json.dumps({"batch": batch}),
        "an answer": json.dumps({"spans": [span]}),
        "answers, pretty": json.dumps({"spans": [span]}, indent=2) + "\n" + json.dumps({"spans": [span]}, indent=2),
    }[shape]
    traces = read(text)
    assert traces.load_warnings == []
    (found,) = map(traces.span, range(len(traces)))
    assert (found.trace_id, found.span_id, found.parent_id, found.name) == (TRACE, CHILD, ROOT, "load")
    assert (found.service, found.kind, found.error) == ("orders", Kind.SERVER, True)
    assert (found.start_ns, found.duration_ns) == (START_NS + 10 * MS, 50 * MS)
    values = {key: found.attributes[key] for key in ("n", "zero", "half", "bytes")}
    assert values == {"n": 1, "zero": 0, "half": 0.5, "bytes": b"\x00\x01"}
    assert found.resource == {"host": "h"}
    assert [(one.name, one.time_ns) for one in found.events] == [("retry", START_NS + 20 * MS)]
    assert [(one.span_id, one.kind) for one in found.links] == [("0000000000000009", "FOLLOWS_FROM")]


def test_faulty_span_in_a_batch_costs_only_itself() -> None:
    batch = {"process": {"serviceName": "orders"}, "spans": [proto_span(camel), 5, {"x": 1}]}
    traces = read(json.dumps(batch))
    assert len(traces) == 1
    assert warnings(traces) == ["f: 2 of 3 spans skipped: not an object with a spanId"]


def facts(found: dict[str, Span]) -> list[tuple[Any, ...]]:
    return [
        (
            one.span_id,
            one.parent_id,
            one.service,
            name,
            one.start_ns,
            one.duration_ns,
            one.kind,
            one.error,
            one.status_message,
        )
        for name, one in sorted(found.items())
    ]


WRITERS_OF_CELLS: dict[str, Callable[[Any], str]] = {
    "JSON": lambda cell: json.dumps(cell) if isinstance(cell, (dict, list)) else "" if cell is None else str(cell),
    "Python": lambda cell: "" if cell is None else str(cell),
    "ClickHouse": lambda cell: (
        str(cell).replace(": ", ":").replace(", ", ",") if isinstance(cell, dict) else str(cell or "")
    ),
}


@pytest.mark.parametrize("cells", WRITERS_OF_CELLS)
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_rows_of_spans_as_a_table(cells: str, separator: str) -> None:
    for row_of in (flat, clickhouse):
        rows = [row_of(*one) for one in SPANS]
        out = io.StringIO()
        table = csv.writer(out, delimiter=separator)
        table.writerow(["row" if separator == "\t" else "", *rows[0]])
        table.writerows([i, *map(WRITERS_OF_CELLS[cells], row.values())] for i, row in enumerate(rows))
        found = read(out.getvalue())
        bare = read("".join(json.dumps(row) + "\n" for row in rows))
        assert facts(spans(found)) == facts(spans(bare))
        assert spans(found)["load"].attributes == spans(bare)["load"].attributes
        assert warnings(found) == []


def test_a_data_frame_by_columns() -> None:
    rows = [flat(*one) for one in SPANS]
    frame = {"columns": list(rows[0]), "index": [0, 1], "data": [list(row.values()) for row in rows]}
    assert facts(spans(read(json.dumps(frame)))) == facts(spans(read(json.dumps(rows))))


def test_signoz_rows_are_not_jaeger_documents() -> None:
    row = {
        "timestamp": "2026-03-20T09:46:40.01Z", "traceID": TRACE, "spanID": CHILD, "parentSpanID": ROOT, "name": "load",
        "serviceName": "orders", "durationNano": 50 * MS, "kind": 3, "statusCode": 2, "statusMessage": "deadlock",
    }  # fmt: skip
    (span,) = spans(read(json.dumps([row]))).values()
    assert (span.service, span.parent_id, span.start_ns, span.duration_ns) == (
        "orders",
        ROOT,
        START_NS + 10 * MS,
        50 * MS,
    )
    assert (span.kind, span.error, span.status_message) == (Kind.CLIENT, True, "deadlock")


def test_jaegers_trace_message_lists_its_processes() -> None:
    batches = [json.loads(line) for line in SAMPLES["jaeger's protobuf, batches"].text.splitlines()]
    trace = {
        "spans": [{**span, "processId": f"p{i}"} for i, batch in enumerate(batches) for span in batch["spans"]],
        "processMap": [{"processId": f"p{i}", "process": batch["process"]} for i, batch in enumerate(batches)],
    }
    assert spans(read(json.dumps(trace))) == spans(read(SAMPLES["jaeger's protobuf, batches"].text))
    assert warnings(read(json.dumps(trace))) == []


def test_responses_of_several_searches() -> None:
    answer = json.loads(SAMPLES["data prepper, a search's answer"].text)
    kinds: list[dict[str, Any]] = [
        {"responses": [answer]},
        {"rawResponse": answer, "isPartial": False},
        {"traces": [answer]},
    ]
    for wrapped in kinds:
        assert spans(read(json.dumps(wrapped))) == spans(read(json.dumps(answer)))


def test_cpp_with_events_links_and_values_over_several_lines() -> None:
    text = SAMPLES["c++"].text.replace("\tn: 1\n", "\tn: 1\n\tdb.statement: SELECT a\nFROM b\n", 1)
    text = text.replace(
        "  events        : \n",
        "  events        : \n\t{\n\t  name          : exception\n\t  timestamp     : 1774000000030000000\n"
        "\t  attributes    : \n\t\texception.message: gone: x\n\t\tn: 2\n\t}\n",
        1,
    )
    text = text.replace(
        "  links         : \n",
        f"  links         : \n\t{{\n\t  trace_id      : {TRACE}\n\t  span_id       : {ROOT}\n\t  tracestate    : \n"
        "\t  attributes    : \n\t\twhy: because\n\t}\n",
        1,
    )
    found = read("starting {\n" + text + "[WARN] x { y }\n")
    child = spans(found)["load"]
    assert child.attributes == {"n": 1, "db.statement": "SELECT a\nFROM b"}
    assert [(one.name, one.time_ns, one.attributes) for one in child.events] == [
        ("exception", START_NS + 30 * MS, {"exception.message": "gone: x", "n": 2})
    ]
    assert [(one.span_id, one.attributes) for one in child.links] == [(ROOT, {"why": "because"})]
    assert (child.scope_name, child.scope_version) == ("lib", "1.0")
    assert warnings(found) == []


def test_dotnet_status_among_the_tags() -> None:
    text = SAMPLES["dotnet"].text
    old = re.sub(r"StatusCode: Error\n\s*Activity.StatusDescription: +deadlock\n", "", text)
    old = old.replace("    n: 1\n", "    n: 1\n    StatusCode: ERROR\n    Activity.StatusDescription: deadlock\n", 1)
    child = spans(read(old))["load"]
    assert (child.error, child.status_message, child.attributes) == (True, "deadlock", {"n": 1})


def test_otlp_over_several_lines_after_a_prefix() -> None:
    text = "".join(f"INFO: {json.dumps(json.loads(line), indent=2)}\n" for line in SAMPLES["flat"].text.splitlines())
    found = read("starting {\n" + text)
    assert spans(found) == spans(read(SAMPLES["flat"].text))
    assert warnings(found) == []
