"""Format detection, and warnings for inputs of unknown formats."""

from __future__ import annotations

import json
import re
from importlib import import_module
from typing import Any

import pytest

from tests.support.decoding import read
from tests.support.format_samples import CHILD, SAMPLES, TABLES, TRACE, warnings
from tests.support.paths import SAMPLES as SAMPLE_TRACES
from tracetui.ingest.csv_tables import header_of
from tracetui.ingest.formats import flat_otlp, node_console, registry, rust_stdout
from tracetui.ingest.formats.field_names import plain
from tracetui.ingest.formats.format import Format, JsonFormat, TableFormat, TextFormat

ALL = {**SAMPLES, **TABLES}


# --- Detection ------------------------------------------------------------------------------------------------------


def objects(text: str) -> list[dict[str, Any]]:
    """Return the objects of a sample as detection sees them, out of lists and responses."""
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
    """Test whether a format claims a sample."""
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
        case TableFormat():
            return known.recognises(header_of(text.encode(), 0)[0])
        case _:
            raise AssertionError(known)


EVERY: tuple[JsonFormat | TextFormat | TableFormat, ...] = (
    *registry.JSON_FORMATS,
    *registry.TEXT_FORMATS,
    *registry.TABLE_FORMATS,
)
LATER: dict[str, tuple[Format, ...]] = {
    "data_prepper": (flat_otlp.FORMAT,),
    "collector_debug": (rust_stdout.FORMAT,),
    "cpp_ostream": (node_console.FORMAT,),
    "rcaeval_csv": (flat_otlp.TABLE_FORMAT,),
}
"""Formats that would claim the samples of others, and therefore come later."""
OLD = {
    "jaeger": SAMPLE_TRACES / "first-look/checkout.json",
    "otlp": SAMPLE_TRACES / "otlp/traces.jsonl",
    "zipkin": SAMPLE_TRACES / "zipkin/traces.json",
}


@pytest.mark.parametrize("name", ALL)
def test_no_format_claims_the_sample_of_another(name: str) -> None:
    claimed = [known for known in EVERY if claims(known, ALL[name].text)]
    module = import_module(f"tracetui.ingest.formats.{ALL[name].format}")
    own = {id(one) for one in vars(module).values() if isinstance(one, (JsonFormat, TextFormat, TableFormat))}
    assert id(claimed[0]) in own
    assert {known.name for known in claimed[1:]} <= {known.name for known in LATER.get(ALL[name].format, ())}


@pytest.mark.parametrize("name", OLD)
def test_formats_with_own_decoder_are_not_claimed_by_others(name: str) -> None:
    own = {"jaeger": registry.JAEGER, "otlp": registry.OTLP, "zipkin": registry.ZIPKIN}[name]
    assert [known for known in EVERY if claims(known, OLD[name].read_text())] == [own]


def test_text_formats_read_what_they_claim() -> None:
    for known in registry.TEXT_FORMATS:
        assert (known.read is None) != (known.read_block is None)
        assert bool(known.begins) == (known.read is not None)
        assert bool(known.block) == (known.read_block is not None)
        assert known.needs
        assert known.signs


def test_log_lines_with_span_ids_are_not_spans() -> None:
    lines = [
        {"level": "info", "trace_id": TRACE, "span_id": CHILD, "msg": "asked"},
        {"name": "access", "trace_id": TRACE, "span_id": CHILD, "timestamp": "2026-03-20T09:46:40Z", "duration": 12},
        {"traceId": TRACE, "spanId": CHILD, "message": "asked", "time": 5},
    ]
    found = read("".join(json.dumps(line) + "\n" for line in lines) + SAMPLES["flat"].text)
    assert len(found) == 2
    assert found.load_warnings == []


def test_registry_lists_each_format_once() -> None:
    names = [known.name for known in EVERY]
    assert len(set(names)) == len(names)


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
    "rows without times": (
        json.dumps(without(FLAT, "start_time_unix_nano", "end_time_unix_nano")),
        "looks like rows of OTLP spans, but no span has a duration or timestamp",
    ),
    "python without times": (
        json.dumps(without(json.loads(SAMPLES["python, a line each"].text.partition("\n")[0]), "start_time")),
        "looks like output of OpenTelemetry's console exporter for Python, but no span has a start_time",
    ),
    "jaeger": (
        json.dumps({"data": [{"traceID": "c1", "processes": {"p1": {"serviceName": "a"}}}]}),
        "looks like Jaeger's JSON, but has no spans",
    ),
    "a table of rows": (
        "trace_id,span_id,parent_span_id,name,kind\nc1,01,,get,2\n",
        "looks like a table of OTLP spans (CSV), but has no column duration or timestamp",
    ),
    "Elastic APM": (
        json.dumps({"processor": {"event": "transaction"}, "trace": {"id": "c1"}, "transaction": {"id": "01"}}),
        "no traces: events of Elastic APM, which are not supported",
    ),
    "Chrome": (json.dumps({"traceEvents": []}), "no traces: a Chrome trace, which is not supported"),
    "summaries": (
        json.dumps({"traces": [{"traceID": "c1", "rootServiceName": "web"}]}),
        "traces: 1 of 1 entry skipped: a summary of a trace, which holds no spans",
    ),
    "Parquet": ("PAR1" + "x" * 9, "a Parquet file, which is not supported; export its rows as CSV or JSON"),
    "SQLite": (
        "SQLite format 3\0" + "x" * 9,
        "an SQLite database, which is not supported; export its rows as CSV or JSON",
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


@pytest.mark.parametrize(("text", "message"), NEAR.values(), ids=NEAR)
def test_unknown_input_is_reported_with_the_nearest_format(text: str, message: str) -> None:
    traces = read(text)
    assert len(traces) == 0
    assert warnings(traces) == [f"f: {message}"]


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
def test_no_nearest_format_without_evidence(text: str) -> None:
    assert not [warning for warning in warnings(read(text)) if "looks like" in warning]


def test_similar_objects_among_spans_are_counted() -> None:
    found = read(json.dumps([ZIPKIN, without(ZIPKIN, "traceId"), without(ZIPKIN, "traceId")]))
    assert len(found) == 1
    assert warnings(found) == ["f: [1]: skipped: looks like Zipkin JSON, but has no traceId (and 1 more like it)"]
