"""Console output, exports and tables of spans: what is read of them, and that each is told from all others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.format_samples import CHILD, MS, ROOT, SAMPLES, START_NS, TABLES, TRACE, Sample
from tests.program import Program
from tests.test_cases_values import facts
from tracetui.ingest.contents import decode
from tracetui.ingest.formats import flat_otlp, registry, rust_stdout
from tracetui.ingest.formats.format import Format, JsonFormat, TableFormat, TextFormat
from tracetui.ingest.formats.words import plain
from tracetui.ingest.place import Place
from tracetui.ingest.tables import header_of
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Kind, Span
from tracetui.model.traces import TraceSet

CASES = Path(__file__).parent / "cases"
ALL = {**SAMPLES, **TABLES}


def read(text: str | bytes) -> TraceSet:
    intake = Intake()
    decode(text.encode() if isinstance(text, str) else text, Place(intake, "f"))
    return assemble(intake)


def spans(traces: TraceSet) -> dict[str, Span]:
    return {span.name: span for span in map(traces.span, range(len(traces)))}


def warnings(traces: TraceSet) -> list[str]:
    return [str(warning) for warning in traces.load_warnings]


@pytest.mark.parametrize("sample", ALL.values(), ids=ALL)
def test_a_sample_is_read_whole(sample: Sample) -> None:
    traces = read(sample.text)
    found = spans(traces)
    assert found.keys() == {"GET /x", "load"}
    root, child = found["GET /x"], found["load"]
    assert (root.trace_id, root.span_id, child.span_id) == (TRACE, ROOT, CHILD)
    if sample.parentless:
        assert (root.parent_id, child.parent_id) == (None, None)
    else:
        assert (root.parent_id, child.parent_id) == (None, ROOT)
        assert (root.service, child.service) == ("web", "orders")
    if not sample.timeless:
        assert (root.start_ns, root.duration_ns) == (START_NS, 100 * MS)
        assert (child.start_ns, child.duration_ns) == (START_NS + 10 * MS, 50 * MS)
    assert child.error is sample.status
    assert not root.error
    if sample.format not in ("nezha_csv", "rcaeval_csv"):
        assert (root.kind, child.kind) == (Kind.SERVER, Kind.SERVER)
        assert root.attributes["n"] == 1
    if sample.format not in ("nezha_csv", "rcaeval_csv", "jaeger_protobuf_json"):
        assert child.status_message == ("deadlock" if sample.status else "")
    said = warnings(traces)
    if sample.format == "java_logging":
        what = "parents, times, status, events and the service"
        assert said == [f"f: {what} of 2 spans are not in the output of Java's logging exporter"]
    else:
        assert said == []


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_other_output_around_a_sample_costs_nothing(sample: Sample) -> None:
    before, after = "2026-03-20 INFO starting {not json}\n[2026-03-20] done\n", "\nTraceback: it's 'over'\n"
    alone, among = read(sample.text), read(before + sample.text + after)
    assert spans(among) == spans(alone)
    assert [one.message for one in among.load_warnings] == [one.message for one in alone.load_warnings]


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples_of_all_formats_in_one_source(sample: Sample) -> None:
    among = read("".join([SAMPLES["node"].text, sample.text, SAMPLES["dotnet"].text, SAMPLES["go, pretty"].text]))
    assert set(spans(among)) == {"GET /x", "load"}
    assert not [text for text in warnings(among) if "damaged" in text or "left out" in text]


# --- Detection ------------------------------------------------------------------------------------------------------


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of a sample as detection sees them, out of lists and answers."""
    decoder, found, at = json.JSONDecoder(), list[Any](), 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        at = re.compile(r"\s*").match(text, at).end()  # type: ignore[union-attr]  # it matches the empty text, too
    plain_objects = list[dict[str, Any]]()
    while found:
        value = found.pop()
        if isinstance(value, list):
            found += value
        elif "hits" in value or "data" in value or "_source" in value:
            found.append(value.get("hits", value.get("data", value.get("_source"))))
        else:
            plain_objects.append(value)
    return plain_objects


def claims(known: object, text: str) -> bool:
    """Whether a format claims a sample."""
    match known:
        case JsonFormat():
            if text[:1] not in "{[" or not re.match(r'[{\[]\s*["{\[]', text):
                return False
            return any(
                any(one.keys() >= keys for keys in known.keys)
                or any({plain(key) for key in one} >= set(map(plain, keys)) for keys in known.spellings)
                for one in objects(text)
            )
        case TextFormat(begins=begins, block=block):
            found = re.search(begins, text.encode(), re.MULTILINE) if begins else re.match(block, text.encode())
            return found is not None
        case TableFormat(columns=columns):
            return set(header_of(text.encode(), 0)[0]) >= set(columns)
        case _:
            raise AssertionError(known)


EVERY = (*registry.JSON_FORMATS, *registry.TEXT_FORMATS, *registry.TABLE_FORMATS)
SAMPLE_TRACES = Path(__file__).parent.parent / "sample_traces"
LATER: dict[str, tuple[Format, ...]] = {
    "data_prepper": (flat_otlp.FORMAT,),
    "collector_debug": (rust_stdout.FORMAT,),
}
"""Formats that would claim the samples of another, which therefore is tried before them."""
OLD = {
    "jaeger": SAMPLE_TRACES / "first-look/checkout.json",
    "otlp": SAMPLE_TRACES / "otlp/traces.jsonl",
    "zipkin": SAMPLE_TRACES / "zipkin/traces.json",
}


@pytest.mark.parametrize("name", ALL)
def test_no_format_claims_the_sample_of_another(name: str) -> None:
    claimed = [known for known in EVERY if claims(known, ALL[name].text)]
    own = __import__(f"tracetui.ingest.formats.{ALL[name].format}", fromlist=["FORMAT"]).FORMAT
    assert claimed[0] is own
    assert {known.name for known in claimed[1:]} <= {known.name for known in LATER.get(ALL[name].format, ())}


@pytest.mark.parametrize("name", OLD)
def test_no_other_format_claims_what_has_a_decoder_of_its_own(name: str) -> None:
    own = {"jaeger": registry.JAEGER, "otlp": registry.OTLP, "zipkin": registry.ZIPKIN}[name]
    assert [known for known in EVERY if claims(known, OLD[name].read_text())] == [own]


def test_the_registry_lists_each_format_once() -> None:
    names = [known.name for known in EVERY]
    assert len(set(names)) == len(names)


# --- Cases ----------------------------------------------------------------------------------------------------------

RIGHT: dict[str, dict[str, Any]] = {
    "console-python.json": {
        "traces": 1,
        "spans": 2,
        "services": ["billing"],
        "start": "2026-03-20T09:46:40.000000Z",
        "max_ms": 500.0,
        "failed": 1,
        "edges": ["billing → bank, 1, 1"],
        "warnings": [],
    },
    "console-go-list.json": {
        "traces": 1,
        "spans": 2,
        "services": ["builder"],
        "start": "2026-03-20T09:46:40.000000Z",
        "max_ms": 5000.0,
        "failed": 1,
        "patterns": ["builder not found"],
        "edges": ["builder → registry, 1, 1"],
        "warnings": [],
    },
    "java-logging-exporter.log": {"traces": 2, "spans": 3, "failed": 1, "warnings": []},
    "sweep-opensearch-spans.jsonl": {
        "traces": 1,
        "spans": 2,
        "max_ms": 100.0,
        "failed": 1,
        "edges": ["web → orders, 1, 1"],
        "patterns": ["orders deadlock"],
        "warnings": [],
    },
    "sweep-jaeger-proto-batches.jsonl": {
        "traces": 1,
        "spans": 2,
        "max_ms": 100.0,
        "edges": ["web → orders, 1, 1"],
        "bottlenecks": ["web GET / 50.0", "orders load 50.0"],
        "warnings": [],
    },
    "sweep-flat-spans.jsonl": {
        "traces": 1,
        "spans": 2,
        "max_ms": 100.0,
        "failed": 1,
        "edges": ["web → orders, 1, 1"],
        "patterns": ["orders deadlock"],
        "warnings": [],
    },
}


@pytest.mark.parametrize("name", RIGHT)
def test_cases(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    done = Program(tmp_path, capsys).analyze(str(CASES / name))
    report = json.loads(done.out)
    found = facts(report)
    assert {key: sorted(found[key]) if key == "bottlenecks" else found[key] for key in RIGHT[name]} == {
        key: sorted(value) if key == "bottlenecks" else value for key, value in RIGHT[name].items()
    }
    if name == "sweep-opensearch-spans.jsonl":
        assert report["errors"]["patterns"][0]["propagated_to"] == {"web": 1}


# --- Nearest --------------------------------------------------------------------------------------------------------


def without(value: Any, *keys: str) -> Any:
    if isinstance(value, list):
        return [without(item, *keys) for item in value]
    return {key: item for key, item in value.items() if key not in keys}


ZIPKIN = {
    "traceId": "c1",
    "id": "01",
    "name": "get",
    "timestamp": 1,
    "duration": 2,
    "localEndpoint": {"serviceName": "web"},
    "tags": {},
}
FLAT = json.loads(SAMPLES["flat"].text.partition("\n")[0])
NEAR = {
    "zipkin, a list": (
        json.dumps([without(ZIPKIN, "traceId")] * 3),
        "looks like Zipkin JSON, but no span has a traceId",
    ),
    "zipkin, one": (json.dumps(without(ZIPKIN, "id")), "looks like Zipkin JSON, but no span has an id"),
    "zipkin, lines": (
        (json.dumps(without(ZIPKIN, "traceId")) + "\n") * 3,
        "looks like Zipkin JSON, but no span has a traceId",
    ),
    "python": (
        json.dumps(without(json.loads(SAMPLES["python, a line each"].text.partition("\n")[0]), "context")),
        "looks like output of OpenTelemetry's console exporter for Python, but no span has a context",
    ),
    "go": (
        json.dumps(without(json.loads(SAMPLES["go, a list"].text), "SpanContext")),
        "looks like output of OpenTelemetry's Go exporter stdouttrace, but no span has a SpanContext",
    ),
    "data prepper": (
        json.dumps(without(json.loads(SAMPLES["data prepper"].text.partition("\n")[0]), "spanId")),
        "looks like OpenSearch Data Prepper's span documents, but no span has a spanId",
    ),
    "rows": (
        json.dumps(without(FLAT, "span_id")),
        "looks like rows of OTLP spans, but no span has a span_id",
    ),
    "dotnet": (
        SAMPLES["dotnet"].text.replace("Activity.TraceId:", "Activity.Trace:"),
        "looks like output of OpenTelemetry's console exporter for .NET, but has no Activity.TraceId",
    ),
    "nezha": (
        TABLES["nezha"].text.replace("TraceID", "Trace", 1),
        "looks like Nezha's span table (CSV), but has no column TraceID",
    ),
    "rcaeval": (
        TABLES["rcaeval"].text.replace("spanID", "span", 1).replace("duration", "length", 1),
        "looks like RCAEval's span table (CSV), but has no column spanID or duration",
    ),
}


@pytest.mark.parametrize(("text", "says"), NEAR.values(), ids=NEAR)
def test_an_input_of_no_format_is_shown_with_the_nearest_one(text: str, says: str) -> None:
    traces = read(text)
    assert len(traces) == 0
    assert warnings(traces) == [f"f: {says}"]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "x", "kind": 1, "timestamp": 5, "duration": 3}',
        '{"level": "info", "trace_id": "c1", "span_id": "01", "msg": "asked"}',
        '{"id": 1, "status": "ok", "data": {"n": 1}}',
        '{"services": ["a"]}',
        "time,service,value\n1,a,2\n",
        "it is [tracer: x]\n",
        "traceId: c1\n",
    ],
)
def test_nothing_is_called_near_without_evidence(text: str) -> None:
    assert not [said for said in warnings(read(text)) if "looks like" in said]


def test_objects_near_to_a_format_among_its_spans_are_counted() -> None:
    found = read(json.dumps([ZIPKIN, without(ZIPKIN, "traceId"), without(ZIPKIN, "traceId")]))
    assert len(found) == 1
    assert warnings(found) == ["f: [1]: left out: looks like Zipkin JSON, but has no traceId (and 1 more like it)"]


# --- Damage ---------------------------------------------------------------------------------------------------------


CUT = {name: sample for name, sample in SAMPLES.items() if "answer" not in name and "JSON" not in name}


@pytest.mark.parametrize("sample", CUT.values(), ids=CUT)
@pytest.mark.parametrize("share", [0.3, 0.55, 0.8, 0.97])
def test_a_cut_costs_the_span_that_is_cut(sample: Sample, share: float) -> None:
    whole = spans(read(sample.text))
    text = sample.text * 3
    cut = int(len(text) * share)
    found = read(text[:cut])
    assert set(spans(found)) <= set(whole)
    assert {"GET /x", "load"} <= set(spans(found)) or share < 0.5


@pytest.mark.parametrize("name", ["python, pretty", "php", "go, pretty", "node", "jaeger's protobuf, pretty"])
def test_an_object_cut_off_by_the_next_costs_no_other(name: str) -> None:
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
    assert warnings(traces) == ["f: values of 1 span are cut off in Node's output ([Object], [Array], ... more)"]


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
    said = warnings(read(text))
    assert said == ["f: times of 2 spans are not in Go's output (WithoutTimestamps); shown without duration"]


# --- Tables ---------------------------------------------------------------------------------------------------------


def test_cells_in_quotes_and_rows_that_are_damaged() -> None:
    header, *rows = TABLES["nezha"].text.splitlines()
    quoted = rows[0].replace('"load"', '"load, ""x""\nand y"')
    text = "\r\n".join([header, quoted, "a,b", rows[1].replace('"GET /x"', '"GET /x'), rows[1], rows[1][:20]])
    traces = read(text)
    assert set(spans(traces)) == {'load, "x"\nand y', "GET /x"}
    (said,) = warnings(traces)
    assert said.startswith("f: line 4: left out: not 8 cells, as the header has")


def test_the_service_of_a_pod_is_its_deployment() -> None:
    found = spans(read(TABLES["nezha"].text))
    assert found["load"].resource == {"k8s.pod.name": "orders-5d8f7b9c4d-x2x7k"}


def test_a_table_in_other_order_with_other_separators() -> None:
    rows = [line.split(",") for line in TABLES["nezha"].text.splitlines()]
    text = "\n".join(";".join(reversed(row)) for row in rows)
    assert spans(read(text)).keys() == {"GET /x", "load"}
    assert spans(read(text))["load"].parent_id == ROOT


def test_a_table_longer_than_what_is_taken_at_once() -> None:
    header, first, second = TABLES["rcaeval"].text.splitlines()
    text = "\n".join([header, *([first, second] * 3000)])
    assert len(read(text.replace(TRACE, "c2"))) == 2
    many = [first.replace(CHILD, f"{i:016x}") for i in range(5000)]
    assert len(read("\n".join([header, *many]))) == 5000
