"""Forms of log records: samples of logging libraries, and the fields read from them."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import GivenSpan, build, span
from tests.support.envelope_writers import WRITERS
from tests.support.paths import CASES
from tests.support.program import Program
from tests.support.strategies import unhurried
from tracetui.ingest.logs import with_logs
from tracetui.ingest.logs.plain_text import ORIGINAL
from tracetui.ingest.logs.registry import FORMS
from tracetui.model.errors import InputError
from tracetui.model.span import ERROR_SEVERITY, Event
from tracetui.model.traces import TraceSet

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
LOW = TRACE[16:]
IDS = {"trace_id": TRACE, "span_id": SPAN}
NAMED = f"trace_id={TRACE} span_id={SPAN}"
AT = 1_774_000_000_150_000_000
"""2026-03-20T09:46:40.150Z"""
BEGAN = AT - 150_000_000


def _span(span_id: str, parent: str = "", trace: str = TRACE) -> GivenSpan:
    return span(span_id, 0, 1_000_000, parent=parent, trace=trace).but(start=BEGAN + (10_000_000 if parent else 0))


def _set(trace: str = TRACE) -> TraceSet:
    return build(_span("1000000000000001", trace=trace), _span(SPAN, "1000000000000001", trace=trace))


def read_logs(tmp_path: Path, text: str | bytes, trace: str = TRACE) -> list[tuple[str, Event]]:
    """Read a file. -> its log records, and the ids of their spans"""
    file = tmp_path / "app.log"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = with_logs(_set(trace), [str(file)])
    return [(found.span_id(row), event) for row in range(len(found)) for event in found.log_events(row)]


DOTNET = f"""\
LogRecord.Timestamp:               2026-03-20T09:46:40.1500000Z
LogRecord.ObservedTimestamp:       2026-03-20T09:46:41.0000000Z
LogRecord.TraceId:                 {TRACE}
LogRecord.SpanId:                  {SPAN}
LogRecord.TraceFlags:              Recorded
LogRecord.CategoryName:            Shop.Orders
LogRecord.Severity:                Error
LogRecord.FormattedMessage:        boom
LogRecord.Attributes (Key:Value):
    order: 5
    OriginalFormat (a.k.a Body): bo{{x}}m
LogRecord.EventId:                 7
LogRecord.Exception:               System.Exception: no
   at Shop.Orders.Take()

Resource associated with LogRecord:
service.name: shop
telemetry.sdk.language: dotnet

"""
COLLECTOR = f"""\
2026-03-20T09:46:45.000Z\tinfo\tLogs\t{{"resource logs": 1, "log records": 2}}
2026-03-20T09:46:45.000Z\tinfo\tResourceLog #0
Resource SchemaURL:
Resource attributes:
     -> service.name: Str(shop)
ScopeLogs #0
ScopeLogs SchemaURL:
InstrumentationScope Shop.Orders 1.0
LogRecord #0
ObservedTimestamp: 2026-03-20 09:46:41 +0000 UTC
Timestamp: 2026-03-20 09:46:40.15 +0000 UTC
SeverityText: Error
SeverityNumber: Error(17)
Body: Str(boom)
Attributes:
     -> order: Int(5)
Trace ID: {TRACE}
Span ID: {SPAN}
Flags: 1
LogRecord #1
ObservedTimestamp: 2026-03-20 09:46:41 +0000 UTC
Timestamp: 1970-01-01 00:00:00 +0000 UTC
SeverityText:
SeverityNumber: Unspecified(0)
Body: Str(no trace)
Trace ID:
Span ID:
Flags: 0
\t{{"otelcol.component.id": "debug", "otelcol.signal": "logs"}}
"""
RUST = f"""\
Logs
Resource
\t ->  service.name=String(Owned("shop"))
Log #0
\t Instrumentation Scope: Shop.Orders
\t Timestamp: 2026-03-20 09:46:40.150000
\t SeverityText: "ERROR"
\t SeverityNumber: Error
\t Body: String(Owned("boom"))
\t TraceId: "{TRACE}"
\t SpanId: "{SPAN}"
\t TraceFlags: TraceFlags(1)
\t Attributes:
\t\t ->  order: I64(5)
"""
CONSOLES = {".NET": DOTNET, "collector": COLLECTOR, "Rust": RUST}


@pytest.mark.parametrize("name", CONSOLES)
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("writer", ["", "docker", "kubectl with times", "gcloud list", "syslog 5424"])
def test_console_exporters_of_several_lines(name: str, count: int, writer: str, tmp_path: Path) -> None:
    text = "starting\n" + CONSOLES[name] * count + "done\n"
    if writer:
        text = WRITERS[writer].write([("web-1", line) for line in text.splitlines()])
    found = read_logs(tmp_path, text)
    assert len(found) == count
    for at, event in found:
        assert (at, event.time_ns, event.name) == (SPAN, AT, "ERROR boom")
        expected = {"service.name": "shop", "otel.scope.name": "Shop.Orders"}
        assert {key: event.attributes[key] for key in expected} == expected
        assert str(event.attributes["order"]) == "5"


JSON_LINES: dict[str, dict[str, Any]] = {
    "Elastic Common Schema": {
        "@timestamp": "2026-03-20T09:46:40.150Z", "log.level": "ERROR", "message": "boom", "ecs.version": "1.2.0",
        "trace.id": TRACE, "transaction.id": "1000000000000001", "span.id": SPAN,
    },
    "zap": {"level": "error", "ts": 1774000000.15, "caller": "a.go:1", "msg": "boom", **IDS},
    "zerolog": {"level": "error", "time": 1774000000150, "message": "boom", "traceId": TRACE, "spanId": SPAN},
    "logrus": {"level": "error", "msg": "boom", "time": "2026-03-20T10:46:40.15+01:00", **IDS},
    "slog": {"time": "2026-03-20T09:46:40.150000000Z", "level": "ERROR", "msg": "boom", **IDS},
    "pino": {"level": 50, "time": 1774000000150, "pid": 1, "hostname": "h", **IDS, "msg": "boom"},
    "bunyan": {"name": "a", "level": 50, "msg": "boom", "time": "2026-03-20T09:46:40.150Z", "v": 0, **IDS},
    "winston": {"level": "error", "message": "boom", "timestamp": "2026-03-20T09:46:40.150Z", **IDS},
    "log4j JSON layout": {
        "instant": {"epochSecond": 1774000000, "nanoOfSecond": 150000000}, "thread": "main", "level": "ERROR",
        "loggerName": "a.B", "message": "boom", "contextMap": {**IDS}, "threadId": 1,
    },
    "logstash-logback-encoder": {
        "@timestamp": "2026-03-20T09:46:40.150+00:00", "@version": "1", "message": "boom", "level": "ERROR",
        "level_value": 40000, "traceId": TRACE, "spanId": SPAN,
    },
    "serilog compact": {"@t": "2026-03-20T09:46:40.1500000Z", "@mt": "boom", "@l": "Error", "@tr": TRACE, "@sp": SPAN},
    ".NET JSON console": {
        "Timestamp": "2026-03-20T09:46:40.150Z", "LogLevel": "Error", "Message": "boom",
        "Scopes": [], "TraceId": TRACE, "SpanId": SPAN,
    },
    "structlog": {"event": "boom", "level": "error", "timestamp": "2026-03-20T09:46:40.150Z", **IDS},
    "Python's OpenTelemetry": {
        "asctime": "2026-03-20 09:46:40,150", "levelname": "ERROR", "message": "boom",
        "otelTraceID": TRACE, "otelSpanID": SPAN, "otelServiceName": "a", "otelTraceSampled": True,
    },
    "Python's console exporter": {
        "body": "boom", "severity_number": 17, "severity_text": "ERROR", "attributes": {}, "dropped_attributes": 0,
        "timestamp": "2026-03-20T09:46:40.150000Z", "trace_id": f"0x{TRACE}", "span_id": f"0x{SPAN}", "trace_flags": 1,
    },
    "monolog": {
        "message": "boom", "context": {}, "level": 400, "level_name": "ERROR", "channel": "app",
        "datetime": "2026-03-20T09:46:40.150000+00:00", "extra": {**IDS},
    },
    "GELF": {
        "version": "1.1", "host": "h", "short_message": "boom", "timestamp": 1774000000.15, "level": 3,
        "_trace_id": TRACE, "_span_id": SPAN,
    },
    "Google Cloud": {
        "severity": "ERROR", "message": "boom", "timestampSeconds": 1774000000, "timestampNanos": 150000000,
        "logging.googleapis.com/trace": f"projects/p/traces/{TRACE}", "logging.googleapis.com/spanId": SPAN,
    },
    "AWS X-Ray": {
        "level": "ERROR", "message": "boom", "timestamp": "2026-03-20 09:46:40,150+0000", "service": "a",
        "xray_trace_id": f"1-{TRACE[:8]}-{TRACE[8:]}", "span_id": SPAN,
    },
    "Datadog": {
        "timestamp": "2026-03-20T09:46:40.150Z", "level": "error", "message": "boom",
        "dd": {"trace_id": str(int(LOW, 16)), "span_id": str(int(SPAN, 16)), "service": "a"},
    },
    "Application Insights": {
        "timestamp": "2026-03-20T09:46:40.150Z", "message": "boom", "severityLevel": 3,
        "operation_Id": TRACE, "operation_ParentId": SPAN,
    },
    "traceparent": {
        "time": "2026-03-20T09:46:40.150Z", "level": "error", "msg": "boom", "traceparent": f"00-{TRACE}-{SPAN}-01",
    },
    "an Elasticsearch hit": {
        "_index": "logs", "_id": "1",
        "_source": {
            "@timestamp": "2026-03-20T09:46:40.150Z", "level": "error", "message": "boom",
            "trace.id": TRACE, "span.id": SPAN,
        },
    },
    "a row of ClickHouse's otel_logs": {
        "Timestamp": "2026-03-20 09:46:40.150000000", "TraceId": TRACE, "SpanId": SPAN, "SeverityText": "ERROR",
        "SeverityNumber": 17, "ServiceName": "a", "Body": "boom", "LogAttributes": {},
    },
    "a flat OTLP record": {
        "timeUnixNano": str(AT), "severityNumber": 17, "severityText": "ERROR", "body": {"stringValue": "boom"},
        "traceId": TRACE, "spanId": SPAN, "attributes": [{"key": "a", "value": {"intValue": "1"}}],
    },
}  # fmt: skip


def _one(tmp_path: Path, text: str | bytes) -> Event:
    ((span_id, event),) = read_logs(tmp_path, text)
    assert (span_id, event.by_time, event.no_time) == (SPAN, False, False)
    return event


@pytest.mark.parametrize("library", JSON_LINES)
def test_json_of_usual_libraries(library: str, tmp_path: Path) -> None:
    event = _one(tmp_path, json.dumps(JSON_LINES[library]))
    assert abs(event.time_ns - AT) < 1_000
    assert event.is_log
    assert event.severity >= ERROR_SEVERITY
    assert event.name.split(" ")[-1] == "boom"
    assert not {"trace_id", "traceId", "@tr", "timestamp", "level"} & event.attributes.keys()


LOGFMT = {
    "Go": f'time=2026-03-20T09:46:40.150Z level=error msg="pool \\"main\\" exhausted" {NAMED}',
    "camel case": f'level=error ts=1774000000.15 traceID={TRACE} spanID={SPAN} msg="pool \\"main\\" exhausted"',
    "dots": f"ts=2026-03-20T09:46:40.15Z lvl=eror trace.id={TRACE} span.id={SPAN}"
    ' msg="pool \\u0022main\\u0022 exhausted"',
    "Datadog": f'dd.trace_id={int(LOW, 16)} dd.span_id={int(SPAN, 16)} time="2026-03-20 09:46:40.150" level=ERROR'
    ' msg="pool \\"main\\" exhausted"',
    "empty values": f'a= b="" trace_id={TRACE} spanId={SPAN} level=error t=2026-03-20T09:46:40.150Z'
    ' message="pool \\"main\\" exhausted"',
}


@pytest.mark.parametrize("kind", LOGFMT)
def test_logfmt(kind: str, tmp_path: Path) -> None:
    event = _one(tmp_path, LOGFMT[kind])
    assert event.time_ns == AT
    assert event.is_log
    assert event.severity >= ERROR_SEVERITY
    assert event.name.endswith('pool "main" exhausted')


TEXT = {
    "Spring Cloud Sleuth": f"2026-03-20 09:46:40.150 ERROR [shop,{TRACE},{SPAN},true] 1 --- [exec-1] a.B : boom",
    "Sleuth with short ids": f"2026-03-20 09:46:40.150 ERROR [shop,{LOW},{SPAN}] 1 --- [exec-1] a.B : boom",
    "Micrometer": f"2026-03-20T09:46:40.150Z ERROR 1 --- [shop] [exec-1] [{TRACE}-{SPAN}] a.B : boom",
    "Python's OpenTelemetry": "2026-03-20 09:46:40,150 ERROR [root] [a.py:1]"
    f" [{NAMED} resource.service.name=shop trace_sampled=True] - boom",
    "Logback with a zone": f"2026-03-20 10:46:40,150 +0100 [main] ERROR a.B - {NAMED} boom",
    "brackets": f"[2026-03-20T09:46:40.150Z] [error] [traceId: {TRACE}, spanId: {SPAN}] boom",
    "Quarkus": f"2026-03-20 09:46:40,150 ERROR traceId={TRACE}, parentId=1000000000000001, spanId={SPAN} [a.B] boom",
    "traceparent": f"2026/03/20 09:46:40.150 ERROR boom traceparent: 00-{TRACE}-{SPAN}-01",
    "Jaeger's header": f"2026-03-20T09:46:40.150Z ERROR boom uber-trace-id: {TRACE}:{SPAN}:0:1",
    "zap's console": f'2026-03-20T09:46:40.150Z\tERROR\ta.go:1\tboom\t{{"trace_id": "{TRACE}", "span_id": "{SPAN}"}}',
    "access log": f'10.0.0.1 - - [20/Mar/2026:10:46:40.150 +0100] "GET / HTTP/1.1" 500 ERROR {NAMED}',
    "klog": f'E0320 09:46:40.150000       1 a.go:1] "boom" traceID="{TRACE}" spanID="{SPAN}"',
    "syslog": f"Mar 20 09:46:40.150 host app[1]: ERROR boom {NAMED}",
    "time of day": f"09:46:40.150 [main] ERROR a.B - boom {NAMED}",
    "seconds": f"1774000000.150 ERROR boom {NAMED}",
    "Redis": f"12:M 20 Mar 2026 09:46:40.150 # ERROR boom trace={TRACE} span_id={SPAN}",
    "Java agent": f"[otel.javaagent 2026-03-20 09:46:40:150 +0000] [main] ERROR boom {NAMED}",
    "Rails": f"E, [2026-03-20T09:46:40.150000 #1] ERROR -- : [{NAMED}] boom",
    "Datadog": f"2026-03-20 09:46:40.150 ERROR [dd.trace_id={int(LOW, 16)} dd.span_id={int(SPAN, 16)}] boom",
    "X-Ray": f"2026-03-20T09:46:40.150Z ERROR boom Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={SPAN};Sampled=1",
    # only the loaded set shows that these are ids
    "bare ids": f"2026-03-20T09:46:40.150Z ERROR {SPAN} {LOW} boom",
    "bare upper case": f"2026-03-20T09:46:40.150Z ERROR boom <{TRACE.upper()}> <{SPAN.upper()}>",
}


@pytest.mark.parametrize("kind", TEXT)
def test_plain_text(kind: str, tmp_path: Path) -> None:
    event = _one(tmp_path, TEXT[kind])
    assert event.time_ns == AT
    assert event.is_log
    assert event.severity >= ERROR_SEVERITY
    assert "boom" in event.name or "GET /" in event.name
    # ids and time of the record are shown separately
    if "header" not in kind and kind != "traceparent":
        assert TRACE not in event.name
        assert TEXT[kind].endswith(str(event.attributes.get(ORIGINAL, "")))
    assert not event.name.startswith(("2026", "[2026", "09:46", "1774"))


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


RECORD: dict[str, Any] = {
    "timeUnixNano": str(AT), "severityNumber": 17, "severityText": "ERROR", "body": {"stringValue": "boom"},
    "attributes": [_attribute("pool", "main")], "traceId": TRACE, "spanId": SPAN,
}  # fmt: skip
RESOURCE = {"attributes": [_attribute("service.name", "shop")]}
REQUEST = {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"scope": {"name": "a.B"}, "logRecords": [RECORD]}]}]}
SNAKE = {
    "resource_logs": [
        {
            "resource": RESOURCE,
            "scope_logs": [
                {
                    "scope": {"name": "a.B"},
                    "log_records": [
                        {
                            re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): value
                            for key, value in RECORD.items()
                        }
                    ],
                }
            ],
        }
    ]
}
OTLP = {
    "a line": json.dumps(REQUEST),
    "pretty": json.dumps(REQUEST, indent=2),
    "a list": json.dumps([REQUEST]),
    "a pretty list": json.dumps([REQUEST], indent=4),
    "snake case": json.dumps(SNAKE),
    "a resource a line": json.dumps(REQUEST["resourceLogs"][0]),
    "observed time alone": json.dumps(REQUEST).replace("timeUnixNano", "observedTimeUnixNano"),
    "base64 ids": json.dumps(REQUEST).replace(TRACE, "S/kvNXezTaajzpKdDg5HNg==").replace(SPAN, "APBnqgupArc="),
}


@pytest.mark.parametrize("kind", OTLP)
def test_otlp_json(kind: str, tmp_path: Path) -> None:
    event = _one(tmp_path, OTLP[kind])
    assert (event.name, event.time_ns, event.severity) == ("ERROR boom", AT, 17)
    assert event.attributes == {"service.name": "shop", "otel.scope.name": "a.B", "pool": "main"}


def _field(number: int, data: bytes) -> bytes:
    size, prefix = len(data), b""
    while size > 0x7F:
        prefix += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + prefix + bytes([size]) + data


def _pair(key: str, value: str) -> bytes:
    return _field(1, key.encode()) + _field(2, _field(1, value.encode()))


def protobuf(count: int = 1) -> bytes:
    record = b"".join(
        (
            b"\x09" + struct.pack("<Q", AT), b"\x10\x11", _field(3, b"ERROR"), _field(5, _field(1, b"boom")),
            _field(6, _pair("pool", "main")), b"\x45" + struct.pack("<I", 1),
            _field(9, bytes.fromhex(TRACE)), _field(10, bytes.fromhex(SPAN)),
        )
    )  # fmt: skip
    scope = _field(1, _field(1, b"a.B")) + _field(2, record) * count
    return _field(1, _field(1, _field(1, _pair("service.name", "shop"))) + _field(2, scope))


@pytest.mark.parametrize("records", [False, True])
def test_otlp_protobuf(records: bool, tmp_path: Path) -> None:
    data = protobuf()
    event = _one(tmp_path, struct.pack(">I", len(data)) + data if records else data)
    assert (event.name, event.time_ns, event.severity) == ("ERROR boom", AT, 17)
    assert event.attributes == {"service.name": "shop", "otel.scope.name": "a.B", "pool": "main"}


def test_truncated_protobuf_keeps_its_complete_records(tmp_path: Path) -> None:
    whole = read_logs(tmp_path, protobuf(3))
    for cut in range(1, 40):
        found = read_logs(tmp_path, protobuf(3)[:-cut])
        assert [event for _, event in found] == [event for _, event in whole][:2]


def test_every_form_is_tested() -> None:
    names = ["OTLP protobuf", "OTLP JSON", "JSON", "objects printed by Node"]
    names += [".NET console", "collector debug", "Rust console", "logfmt", "text"]
    assert [form.name for form in FORMS] == names


def test_forms_mixed_in_one_file(tmp_path: Path) -> None:
    lines = [
        "starting up", json.dumps(REQUEST), *(json.dumps(line) for line in JSON_LINES.values()),
        *LOGFMT.values(), json.dumps(REQUEST, indent=2), *TEXT.values(), "]", "}", "", "bye",
    ]  # fmt: skip
    assert len(read_logs(tmp_path, "\n".join(lines))) == 2 + len(JSON_LINES) + len(LOGFMT) + len(TEXT)


def test_level_before_the_logger_is_not_a_syslog_host(tmp_path: Path) -> None:
    lines = [f"2026-03-20 09:46:40,150 {level} shop.cart: boom {NAMED}" for level in ("ERROR", "WARNING", "info")]
    found = [event for _, event in read_logs(tmp_path, "\n".join(lines))]
    assert [event.name for event in found] == [f"{level} shop.cart: boom" for level in ("ERROR", "WARNING", "info")]
    assert [event.severity for event in found[:2]] == [17, 13]


# --- Stack traces ------------------------------------------------------------------------------------------------

STACK = """java.lang.IllegalStateException: pool exhausted
\tat shop.Pool.take(Pool.java:42)
\tat shop.Cart.add(Cart.java:7)
Caused by: java.net.SocketException: refused
\t... 12 more"""
TRACEBACK = """Traceback (most recent call last):
  File "shop.py", line 7, in add
    raise KeyError(item)
KeyError: 'id'"""


@pytest.mark.parametrize("stack", [STACK, TRACEBACK])
@pytest.mark.parametrize(
    "line",
    [TEXT["Spring Cloud Sleuth"], LOGFMT["Go"], json.dumps(JSON_LINES["zap"])],
    ids=["text", "logfmt", "JSON"],
)
def test_stack_trace_stays_with_its_line(line: str, stack: str, tmp_path: Path) -> None:
    other = f"2026-03-20 09:46:41.000  INFO [shop,{TRACE},{SPAN}] 1 --- a.B : next"
    found = [event.name for _, event in read_logs(tmp_path, f"{line}\n{stack}\n{other}\n")]
    assert len(found) == 2
    assert found[0].partition("\n")[2] == stack
    assert "\n" not in found[1]


def test_lines_without_a_time_continue_the_previous_one(tmp_path: Path) -> None:
    text = (
        f"2026-03-20 09:46:40.150 ERROR trace_id={TRACE} query failed:\nSELECT *\nFROM items\n2026-03-20 09:46:41 bye"
    )
    ((_, event),) = read_logs(tmp_path, text)
    assert event.name.endswith("query failed:\nSELECT *\nFROM items")


def test_id_in_a_later_line_of_a_record_is_found(tmp_path: Path) -> None:
    text = f"2026-03-20 09:46:40.150 ERROR query failed\n    trace_id={TRACE}\n2026-03-20 09:46:41 bye"
    ((_, event),) = read_logs(tmp_path, text)
    assert event.name.startswith("ERROR query failed\n")


def test_endless_stack_trace_is_bounded(tmp_path: Path) -> None:
    ((_, event),) = read_logs(tmp_path, f"{TEXT['Datadog']}\n" + "\tat a.B.c(B.java:1)\n" * 50_000)
    assert 10_000 < len(event.name) <= 1 << 16


# --- Ids of other forms -------------------------------------------------------------------------------------------

ID_FORMS = {
    "as it is": (TRACE, TRACE),
    "upper case": (TRACE, TRACE.upper()),
    "0x": (TRACE, f"0x{TRACE}"),
    "UUID": (TRACE, f"{TRACE[:8]}-{TRACE[8:12]}-{TRACE[12:16]}-{TRACE[16:20]}-{TRACE[20:]}"),
    "the log has the low half": (TRACE, LOW),
    "the log has the low half in decimal": (TRACE, str(int(LOW, 16))),
    "the log has the low half as a number": (TRACE, int(LOW, 16)),
    "the set has the low half": (LOW, TRACE),
    "the set has the padded low half": (LOW.rjust(32, "0"), TRACE),
    "decimal of 128 bits": (TRACE, int(TRACE, 16)),
}


@pytest.mark.parametrize("form", ID_FORMS)
def test_forms_of_trace_ids(form: str, tmp_path: Path) -> None:
    trace, written = ID_FORMS[form]
    text = json.dumps({"trace_id": written, "span_id": SPAN, "time": "2026-03-20T09:46:40.150Z", "msg": "x"})
    assert [span_id for span_id, _ in read_logs(tmp_path, text, trace)] == [SPAN]


@pytest.mark.parametrize(
    "span_id", [SPAN, SPAN.upper(), f"0x{SPAN}", str(int(SPAN, 16)), int(SPAN, 16), SPAN.lstrip("0")]
)
def test_forms_of_span_ids(span_id: Any, tmp_path: Path) -> None:
    text = json.dumps({"trace_id": TRACE, "span_id": span_id, "time": "2026-03-20T09:46:40.150Z", "msg": "x"})
    ((found, event),) = read_logs(tmp_path, text)
    assert (found, event.by_time) == (SPAN, False)


def test_ambiguous_low_half_of_an_id_matches_no_trace(tmp_path: Path) -> None:
    other = f"{'a' * 16}{LOW}"
    with_other = json.dumps({"trace_id": other, "time": 1, "msg": "x"})
    assert read_logs(tmp_path, with_other) == []
    # of two traces with the same low half neither matches
    file = tmp_path / "app.log"
    file.write_text(json.dumps({"trace_id": LOW, "time": 1, "msg": "x"}))
    two = build(_span("1"), _span("1", trace=other))
    assert not len(with_logs(two, [str(file)]).log_lines)


@pytest.mark.parametrize("none", ["", "0" * 32, "0", "null", "-", None, 0, [], {}, True, "none"])
def test_invalid_ids_match_no_trace(none: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no trace id in 1 log record"):
        read_logs(tmp_path, json.dumps({"trace_id": none, "time": 1, "msg": "x"}))


# --- Cases --------------------------------------------------------------------------------------------------------


def test_case_of_otlp_logs(program: Program) -> None:
    trace, logs = (str(CASES / name) for name in ("logs-trace.json", "logs-otlp.jsonl"))
    done = program("show", trace, "--trace", "slowest", "--logs", logs, "--verbose")
    assert "2 log records (1 error)" in done.out
    lines = [line.strip() for line in done.out.splitlines()]
    at = next(number for number, line in enumerate(lines) if "deadlock seen" in line)
    assert lines[at] == "◆ +150 ms  ERROR deadlock seen"
    assert "query" in lines[at - 1]
    assert done.err.endswith("2 log records (2 OTLP JSON), 2 with a trace id, 2 in loaded traces\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"ERROR [shop,{TRACE},{SPAN}] 1 --- boom", "ERROR [shop] 1 --- boom"),
        (f"ERROR [{TRACE}-{SPAN}] boom", "ERROR boom"),
        (f"ERROR [trace_id={TRACE} span_id={SPAN} sampled=True] - boom", "ERROR [sampled=True] - boom"),
        (f'ERROR boom {{"traceId": "{TRACE}", "user":  7}}', 'ERROR boom {"user":  7}'),
        (f"ERROR trace_id={TRACE}, span_id={SPAN}, boom  it  went", "ERROR boom  it  went"),
        (f"ERROR traceparent: 00-{TRACE}-{SPAN}-01 boom", f"ERROR traceparent: 00-{TRACE}-{SPAN}-01 boom"),
        (f"trace_id={TRACE}", f"trace_id={TRACE}"),
    ],
)
def test_ids_are_removed_from_messages(line: str, message: str, tmp_path: Path) -> None:
    ((_, event),) = read_logs(tmp_path, f"2026-03-20T09:46:40.150Z {line}")
    assert event.name == message


def test_spans_given_as_logs_are_reported(program: Program) -> None:
    trace = str(CASES / "logs-trace.json")
    done = program("show", trace, "--logs", trace)
    assert done.code == 3
    assert "these look like spans, not logs" in done.err


# --- Envelopes ----------------------------------------------------------------------------------------------------

PLAIN = [
    *(json.dumps(line) for line in JSON_LINES.values()),
    *LOGFMT.values(),
    *(text for kind, text in TEXT.items() if kind != "access log"),
    OTLP["a line"],
]


@pytest.mark.parametrize("name", WRITERS)
def test_records_are_equal_in_an_envelope(name: str, tmp_path: Path) -> None:
    enveloped = read_logs(tmp_path, WRITERS[name].write([("web-1", line) for line in PLAIN]))
    bare = read_logs(tmp_path, "\n".join(PLAIN))
    assert [span_id for span_id, _ in enveloped] == [span_id for span_id, _ in bare]
    assert {event.name for _, event in enveloped} == {event.name for _, event in bare}


@pytest.mark.parametrize("name", WRITERS)
def test_stack_trace_in_an_envelope_stays_with_its_line(name: str, tmp_path: Path) -> None:
    lines = [TEXT["brackets"], *STACK.split("\n"), TEXT["zap's console"]]
    # lines of another stream between them
    written = [one for line in lines for one in (("web-1", line), ("web-2", "ready"))]
    writer = WRITERS[name]
    if not writer.names_streams:
        written = [("web-1", line) for line in lines]
    found = [event.name for _, event in read_logs(tmp_path, writer.write(written))]
    assert len(found) == 2
    assert any(name.partition("\n")[2] == STACK for name in found)


WITHOUT_TIME = f"ERROR boom {NAMED}"


@pytest.mark.parametrize("name", WRITERS)
def test_line_without_a_time_has_that_of_its_envelope(name: str, tmp_path: Path) -> None:
    ((span_id, event),) = read_logs(tmp_path, WRITERS[name].write([("web-1", "ready"), ("web-1", WITHOUT_TIME)]))
    assert (span_id, event.name) == (SPAN, "ERROR boom")
    if not event.no_time:
        assert abs(event.time_ns - BEGAN) <= 1_000_000_000


IN_METADATA = {
    "Loki's structured metadata": {
        "status": "success",
        "data": {
            "resultType": "streams",
            "result": [{"stream": {"app": "shop"}, "values": [[str(AT), "boom", {**IDS, "severity_text": "ERROR"}]]}],
        },
    },
    "Loki's labels": {
        "status": "success",
        "data": {
            "resultType": "streams",
            "result": [{"stream": {**IDS, "level": "error"}, "values": [[str(AT), "boom"]]}],
        },
    },
    "logcli": {"labels": {**IDS, "level": "error"}, "line": "boom", "timestamp": "2026-03-20T09:46:40.15Z"},
    "Grafana": {"line": "boom", "timestamp": str(AT), "fields": {**IDS, "level": "error"}},
    "Google Cloud": {
        "insertId": "1", "logName": "l", "textPayload": "boom", "severity": "ERROR", "spanId": SPAN,
        "timestamp": "2026-03-20T09:46:40.15Z", "trace": f"projects/p/traces/{TRACE}", "resource": {"type": "k8s"},
    },
}  # fmt: skip


@pytest.mark.parametrize("store", IN_METADATA)
def test_fields_of_a_log_store_next_to_a_line(store: str, tmp_path: Path) -> None:
    event = _one(tmp_path, json.dumps(IN_METADATA[store]))
    assert (event.name, event.time_ns, event.severity) == ("ERROR boom", AT, 17)


def test_case_of_a_container_log(program: Program) -> None:
    trace, logs = (str(CASES / name) for name in ("logs-trace.json", "logs-docker.jsonl"))
    done = program("show", trace, "--trace", "slowest", "--logs", logs, "--verbose")
    assert "1 log record (1 error)" in done.out
    lines = [line.strip() for line in done.out.splitlines()]
    at = next(number for number, line in enumerate(lines) if "deadlock seen" in line)
    assert "query" in lines[at - 1]


# --- Damage -------------------------------------------------------------------------------------------------------

GOOD = json.dumps({"trace_id": TRACE, "span_id": SPAN, "time": "2026-03-20T09:46:40.150Z", "msg": "good"}).encode()
SAMPLES = [
    *(line.encode() for line in PLAIN),
    *STACK.encode().split(b"\n"),
    protobuf(),
    b"[",
    b"{",
    b'{"a":',
    b"[[" * 500,
]


@unhurried
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from(SAMPLES),
            # truncated records, and records with other bytes
            st.tuples(st.sampled_from(SAMPLES), st.integers(0, 300)).map(lambda cut: cut[0][: cut[1]]),
            st.tuples(st.sampled_from(SAMPLES), st.integers(0, 200), st.binary(max_size=8)).map(
                lambda put: put[0][: put[1]] + put[2] + put[0][put[1] :]
            ),
        ),
        max_size=6,
    )
)
def test_damaged_lines_cost_only_themselves(lines: list[bytes]) -> None:
    traces = _set()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "app.log"
        file.write_bytes(b"\n".join([GOOD, *(line.replace(b"\n", b" ") for line in lines), GOOD]))
        found = with_logs(traces, [str(file)])
    events = [event for span_number in range(len(found)) for event in found.log_events(span_number)]
    # the next line may seem to belong to it
    assert sum(event.name.partition("\n")[0] == "good" for event in events) == 2
    assert all(0 <= event.severity <= 24 for event in events)


IN_TABLE = [TRACE, SPAN, "boom"]
TABLES = {
    "with usual names": (["timestamp", "level", "trace_id", "span_id", "message"], ["{time}", "ERROR", *IN_TABLE]),
    "of ClickHouse": (["Timestamp", "SeverityText", "TraceId", "SpanId", "Body"], ["{time}", "ERROR", *IN_TABLE]),
    "without a known column of text": (["time", "level", "traceID", "spanID", "event"], ["{time}", "error", *IN_TABLE]),
    "of Datadog": (["Date", "Service", "@otel.trace_id", "@otel.span_id", "Content"], ["{time}", "a", *IN_TABLE]),
    "with labels": (["labels", "Time", "Line"], [json.dumps({**IDS, "level": "error"}), "{time}", "boom"]),
    "with ids in the text": (["@timestamp", "@message"], ["{time}", f"ERROR boom {NAMED}"]),
    "with JSON in it": (["@timestamp", "@message"], ["{time}", json.dumps({"level": "error", "msg": "boom", **IDS})]),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_records_in_a_table(name: str, separator: str, tmp_path: Path) -> None:
    header, row = TABLES[name]
    out = io.StringIO()
    table = csv.writer(out, delimiter=separator, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    other = [cell.replace(TRACE, "").replace(SPAN, "") for cell in row]
    table.writerows([header, [cell.replace("{time}", "2026-03-20T09:46:40.150Z") for cell in row], other])
    ((span_id, event),) = read_logs(tmp_path, out.getvalue())
    assert (span_id, event.name.removeprefix("ERROR ").strip(), event.time_ns) == (SPAN, "boom", AT)


NODE = f"""\
{{
  resource: {{
    attributes: {{ 'service.name': 'web' }}
  }},
  timestamp: 1774000000150000,
  traceId: '{TRACE}',
  spanId: '{SPAN}',
  severityText: 'ERROR',
  severityNumber: 17,
  body: 'boom',
  attributes: {{ 'user.id': '7' }}
}}
"""
PRINTED = {
    "the exporter for logs": NODE,
    "in colour": re.sub("('[^']*')", "\x1b[32m\\1\x1b[39m", NODE),
    "of one line": "{ level: 'error', msg: 'boom', time: 2026-03-20T09:46:40.150Z, "
    f"trace_id: '{TRACE}', span_id: '{SPAN}' }}\n",
}


@pytest.mark.parametrize("name", PRINTED)
def test_objects_printed_by_node(name: str, tmp_path: Path) -> None:
    for text in (PRINTED[name], f"ready {{x}}\n{PRINTED[name]}done\n{{ level: 'info', msg: 'asked' }}\n"):
        ((span_id, event), *_) = read_logs(tmp_path, text)
        assert (span_id, event.name, event.time_ns, event.severity) == (SPAN, "ERROR boom", AT, 17)
    lines = [("web-1", line) for line in PRINTED[name].splitlines()]
    ((span_id, event), *_) = read_logs(tmp_path, WRITERS["docker"].write(lines))
    assert (span_id, event.time_ns) == (SPAN, AT)


def test_values_of_the_go_exporter_for_logs(tmp_path: Path) -> None:
    record = {
        "Timestamp": "2026-03-20T09:46:40.15Z",
        "Severity": 17,
        "SeverityText": "ERROR",
        "Body": {"Type": "String", "Value": "boom"},
        "TraceID": TRACE,
        "SpanID": SPAN,
    }
    ((span_id, event),) = read_logs(tmp_path, json.dumps(record))
    assert (span_id, event.name) == (SPAN, "ERROR boom")
