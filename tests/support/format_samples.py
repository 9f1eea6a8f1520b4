"""A failed span and its parent in every format without a decoder module of its own kind: `SAMPLES`.

All contain the same, as far as the format allows: `web` handles `GET /x` in 100 ms and calls `orders` for 50 ms, which
fails with "deadlock".
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

from tracetui.model.span import Span
from tracetui.model.traces import TraceSet

TRACE = "000000000000000000000000000000c1"
ROOT, CHILD = "0000000000000001", "0000000000000002"
START_NS = 1_774_000_000_000_000_000
MS = 1_000_000


@dataclass(frozen=True)
class Sample:
    """format: its module. text: the sample. has_...: what the format holds; `has_callers` is parents and services,
    `has_messages` those of failures. warnings: those of a load from `f`.
    """

    format: str
    text: str
    has_times: bool = True
    has_callers: bool = True
    has_status: bool = True
    has_messages: bool = True
    has_attributes: bool = True
    """Kinds, too."""
    warnings: tuple[str, ...] = ()


def iso(ms: int) -> str:
    return f"2026-03-20T09:46:40.{ms:03d}"


def python(name: str, span: str, parent: str | None, service: str, start: int, end: int) -> dict[str, Any]:
    failed = span == CHILD
    return {
        "name": name,
        "context": {"trace_id": f"0x{TRACE}", "span_id": f"0x{span}", "trace_state": "[]"},
        "kind": "SpanKind.SERVER",
        "parent_id": parent and f"0x{parent}",
        "start_time": f"{iso(start)}000Z",
        "end_time": f"{iso(end)}000Z",
        "status": {"status_code": "ERROR", "description": "deadlock"} if failed else {"status_code": "UNSET"},
        "attributes": {"n": 1},
        "events": [],
        "links": [],
        "resource": {"attributes": {"service.name": service}, "schema_url": ""},
    }


def snowflake(name: str, span: str, parent: str, service: str, start: int, end: int) -> dict[str, Any]:
    code = {"code": "STATUS_CODE_ERROR", "message": "deadlock"} if span == CHILD else {"code": "STATUS_CODE_UNSET"}
    record = {"kind": "SPAN_KIND_SERVER", "name": name, "status": code}
    return {
        "TIMESTAMP": iso(end).replace("T", " "),
        "START_TIMESTAMP": iso(start).replace("T", " "),
        "TRACE": {"span_id": span, "trace_id": TRACE},
        "RESOURCE_ATTRIBUTES": {"snow.executable.name": f"{service}(X NUMBER):NUMBER", "db.user": "a"},
        "SCOPE": {"name": "s"},
        "RECORD_TYPE": "SPAN",
        "RECORD": record | ({"parent_span_id": parent} if parent else {}),
        "RECORD_ATTRIBUTES": {"n": 1},
    }


def php(name: str, span: str, parent: str, service: str, start: int, end: int) -> list[dict[str, Any]]:
    failed = span == CHILD
    return [
        {
            "name": name,
            "context": {"trace_id": TRACE, "span_id": span, "trace_state": "", "trace_flags": 1},
            "resource": {"service.name": service},
            "parent_span_id": parent,
            "kind": "KIND_SERVER",
            "start": START_NS + start * MS,
            "end": START_NS + end * MS,
            "attributes": {"n": 1},
            "status": {"code": "Error" if failed else "Unset", "description": "deadlock" if failed else ""},
            "events": [],
            "links": [],
            "schema_url": "",
        }
    ]


def go(name: str, span: str, parent: str, service: str, start: int, end: int) -> dict[str, Any]:
    failed = span == CHILD

    def context(trace: str, identity: str) -> dict[str, Any]:
        return {"TraceID": trace, "SpanID": identity, "TraceFlags": "01", "TraceState": "", "Remote": False}

    return {
        "Name": name,
        "SpanContext": context(TRACE, span),
        "Parent": context(TRACE, parent) if parent else context("0" * 32, "0" * 16),
        "SpanKind": 2,
        "StartTime": f"{iso(start)}Z",
        "EndTime": f"{iso(end)}Z",
        "Attributes": [{"Key": "n", "Value": {"Type": "INT64", "Value": 1}}],
        "Events": None,
        "Links": None,
        "Status": {"Code": "Error", "Description": "deadlock"} if failed else {"Code": "Unset", "Description": ""},
        "DroppedAttributes": 0,
        "DroppedEvents": 0,
        "DroppedLinks": 0,
        "ChildSpanCount": 0,
        "Resource": [{"Key": "service.name", "Value": {"Type": "STRING", "Value": service}}],
        "InstrumentationScope": {"Name": "lib", "Version": "1.0", "SchemaURL": ""},
        "InstrumentationLibrary": {"Name": "lib", "Version": "1.0", "SchemaURL": ""},
    }


def node(name: str, span: str, parent: str, service: str, start: int, end: int) -> str:
    up = (
        f"{{\n    traceId: '{TRACE}',\n    spanId: '{parent}',\n    traceFlags: 1,\n    traceState: undefined\n  }}"
        if parent
        else "undefined"
    )
    status = "{ code: 2, message: 'deadlock' }" if span == CHILD else "{ code: 0 }"
    return f"""{{
  resource: {{ attributes: {{ 'service.name': '{service}' }} }},
  instrumentationScope: {{ name: 'lib', version: '1.0', schemaUrl: undefined }},
  traceId: '{TRACE}',
  parentSpanContext: {up},
  traceState: undefined,
  name: '{name}',
  id: '{span}',
  kind: 1,
  timestamp: {(START_NS + start * MS) // 1000},
  duration: {(end - start) * 1000},
  attributes: {{ n: 1 }},
  status: {status},
  events: [],
  links: []
}}"""


def java(name: str, span: str, parent: str, service: str, start: int, end: int) -> str:
    attributes = "AttributesMap{data={n=1}, capacity=128, totalAddedValues=1}"
    return f"'{name}' : {TRACE} {span} SERVER [tracer: lib:1.0] {attributes}"


def dotnet(name: str, span: str, parent: str, service: str, start: int, end: int) -> str:
    lines = [f"Activity.TraceId:            {TRACE}", f"Activity.SpanId:             {span}"]
    lines += ["Activity.TraceFlags:         Recorded"]
    lines += [f"Activity.ParentSpanId:       {parent}"] if parent else []
    lines += [f"Activity.DisplayName:        {name}", "Activity.Kind:               Server"]
    lines += [
        f"Activity.StartTime:          {iso(start)}0000Z",
        f"Activity.Duration:           00:00:00.{end - start:03d}0000",
    ]
    lines += ["Activity.Tags:", "    n: 1"]
    lines += ["StatusCode: Error", "Activity.StatusDescription:  deadlock"] if span == CHILD else []
    lines += ["Instrumentation scope (ActivitySource):", "    Name: lib", "    Version: 1.0"]
    return "\n".join([*lines, "Resource associated with Activity:", f"    service.name: {service}", ""])


def collector(name: str, span: str, parent: str, service: str, start: int, end: int) -> str:
    failed = ("Error", "deadlock") if span == CHILD else ("Unset", "")
    return f"""2026-03-20T09:46:41.000Z\tinfo\tResourceSpans #0
Resource SchemaURL:
Resource attributes:
     -> service.name: Str({service})
ScopeSpans #0
ScopeSpans SchemaURL:
InstrumentationScope lib 1.0
Span #0
    Trace ID       : {TRACE}
    Parent ID      : {parent}
    ID             : {span}
    Name           : {name}
    Kind           : Server
    Start time     : 2026-03-20 09:46:40.{start:03d} +0000 UTC
    End time       : 2026-03-20 09:46:40.{end:03d} +0000 UTC
    Status code    : {failed[0]}
    Status message : {failed[1]}
    DroppedAttributesCount: 0
Attributes:
     -> n: Int(1)
\t{{"otelcol.component.id": "debug", "otelcol.signal": "traces"}}
"""


def rust(name: str, span: str, parent: str, service: str, start: int, end: int) -> str:
    status = 'Error { description: "deadlock" }' if span == CHILD else "Unset"
    return f"""Spans
Resource
\t ->  service.name=String(Owned("{service}"))
Span #0
\tInstrumentation Scope
\t\tName         : "lib"
\t\tVersion  : "1.0"

\tName        : {name}
\tTraceId     : {TRACE}
\tSpanId      : {span}
\tTraceFlags  : TraceFlags(1)
\tParentSpanId: {parent or "0" * 16}
\tKind        : Server
\tStart time: 2026-03-20 09:46:40.{start:03d}000
\tEnd time: 2026-03-20 09:46:40.{end:03d}000
\tStatus: {status}
\tAttributes:
\t\t ->  n: I64(1)
"""


def ruby(name: str, span: str, parent: str, service: str, start: int, end: int) -> str:
    def identity(text: str) -> str:
        return "".join(f"\\x{byte:02X}" for byte in bytes.fromhex(text))

    code, message = (2, "deadlock") if span == CHILD else (1, "")
    return f"""#<struct OpenTelemetry::SDK::Trace::SpanData
 name="{name}",
 kind=:server,
 status=
  #<OpenTelemetry::Trace::Status:0x0000000104574248
   @code={code},
   @description="{message}">,
 parent_span_id="{identity(parent or "0" * 16)}",
 total_recorded_attributes=1,
 total_recorded_events=0,
 total_recorded_links=0,
 start_timestamp={START_NS + start * MS},
 end_timestamp={START_NS + end * MS},
 attributes=
  {{"n"=>1}},
 links=nil,
 events=nil,
 resource=
  #<OpenTelemetry::SDK::Resources::Resource:0x000000010511d1f8
   @attributes=
    {{"service.name"=>"{service}",
     "process.command"=>"bin/rails"}}>,
 instrumentation_scope=
  #<struct OpenTelemetry::SDK::InstrumentationScope
   name="lib",
   version="1.0">,
 span_id="{identity(span)}",
 trace_id=
  "{identity(TRACE)}",
 trace_flags=#<OpenTelemetry::Trace::TraceFlags:0x00000001 @flags=1>,
 tracestate=#<OpenTelemetry::Trace::Tracestate:0x00000002 @hash={{}}>>"""


def data_prepper(name: str, span: str, parent: str, service: str, start: int, end: int) -> dict[str, Any]:
    failed = {"status.code": 2, "status.message": "deadlock"} if span == CHILD else {"status.code": 0}
    return {
        "traceId": TRACE,
        "spanId": span,
        "traceState": "",
        "parentSpanId": parent,
        "name": name,
        "kind": "SPAN_KIND_SERVER",
        "startTime": f"{iso(start)}000000Z",
        "endTime": f"{iso(end)}000000Z",
        "durationInNanos": (end - start) * MS,
        "serviceName": service,
        "events": [],
        "links": [],
        "traceGroup": "GET /x",
        "resource.attributes.service@name": service,
        "span.attributes.n": 1,
        **failed,
    }


def flat(name: str, span: str, parent: str | None, service: str, start: int, end: int) -> dict[str, Any]:
    return {
        "trace_id": TRACE,
        "span_id": span,
        "trace_state": None,
        "parent_span_id": parent,
        "name": name,
        "kind": 2,
        "start_time_unix_nano": START_NS + start * MS,
        "end_time_unix_nano": START_NS + end * MS,
        "attributes": {"n": 1, "error": None},
        "resource": {"service.name": service},
        "status": {"code": 2, "message": "deadlock"} if span == CHILD else None,
    }


def cpp(name: str, span: str, parent: str, service: str, start: int, end: int) -> str:
    return f"""{{
  name          : {name}
  trace_id      : {TRACE}
  span_id       : {span}
  tracestate    : 
  parent_span_id: {parent or "0" * 16}
  start         : {START_NS + start * MS}
  duration      : {(end - start) * MS}
  description   : {"deadlock" if span == CHILD else ""}
  span kind     : Server
  status        : {"Error" if span == CHILD else "Unset"}
  attributes    : 
\tn: 1
  events        : 
  links         : 
  resources     : 
\tservice.name: {service}
\ttelemetry.sdk.language: cpp
  instr-lib     : lib-1.0
}}"""  # noqa: W291 - as it is written


def clickhouse(name: str, span: str, parent: str, service: str, start: int, end: int) -> dict[str, Any]:
    return {
        "Timestamp": f"2026-03-20 09:46:40.{start:03d}000000",
        "TraceId": TRACE,
        "SpanId": span,
        "ParentSpanId": parent,
        "TraceState": "",
        "SpanName": name,
        "SpanKind": "Server",
        "ServiceName": service,
        "ResourceAttributes": {"service.name": service},
        "ScopeName": "lib",
        "ScopeVersion": "1.0",
        "SpanAttributes": {"n": 1},
        "Duration": str((end - start) * MS),
        "StatusCode": "Error" if span == CHILD else "Unset",
        "StatusMessage": "deadlock" if span == CHILD else "",
        "Events.Timestamp": [],
        "Events.Name": [],
        "Events.Attributes": [],
    }


def proto(name: str, span: str, parent: str, service: str, start: int, end: int) -> dict[str, Any]:
    def identity(number: str) -> str:
        return "AAAAAAAAA" + {ROOT: "AE=", CHILD: "AI="}[number]

    tags: list[dict[str, Any]] = [{"key": "span.kind", "vStr": "server"}, {"key": "n", "vType": "INT64", "vInt64": "1"}]
    if span == CHILD:
        tags += [
            {"key": "error", "vType": "BOOL", "vBool": True},
            {"key": "otel.status_description", "vStr": "deadlock"},
        ]
    trace = "AAAAAAAAAAAAAAAAAAAAwQ=="
    above = {"references": [{"traceId": trace, "spanId": identity(parent)}]} if parent else {}
    written = {
        "traceId": trace,
        "spanId": identity(span),
        "operationName": name,
        "startTime": f"{iso(start)}Z",
        "duration": f"{(end - start) / 1000:.3f}s",
        "tags": tags,
    }
    return {"process": {"serviceName": service}, "spans": [written | above]}


SPANS: list[tuple[str, str, str, str, int, int]] = [
    ("load", CHILD, ROOT, "orders", 10, 60),
    ("GET /x", ROOT, "", "web", 0, 100),
]


def _json(write: Any, **style: Any) -> str:
    return "\n".join(json.dumps(write(*span), **style) for span in SPANS) + "\n"


def _whole(value: Any, **style: Any) -> str:
    return json.dumps(value, **style) + "\n"


def _text(write: Any) -> str:
    return "\n".join(write(*span) for span in SPANS) + "\n"


SAMPLES = {
    "python, pretty": Sample("python_console", _json(python, indent=4)),
    "python, a line each": Sample("python_console", _json(python)),
    "php": Sample("php_console", _json(php, indent=4)),
    "go, pretty": Sample("go_stdouttrace", _json(go, indent="\t")),
    "go, a line each": Sample("go_stdouttrace", _json(go, separators=(",", ":"))),
    "go, a list": Sample("go_stdouttrace", _whole([go(*span) for span in SPANS], indent=2)),
    "node": Sample("node_console", _text(node)),
    "java": Sample(
        "java_logging",
        _text(java),
        has_times=False,
        has_callers=False,
        has_status=False,
        warnings=(
            "f: parents, times, status, events and the service of 2 spans are missing in the output of Java's logging"
            " exporter",
        ),
    ),
    "dotnet": Sample("dotnet_console", _text(dotnet)),
    "ruby": Sample("ruby_console", _text(ruby)),
    "collector": Sample("collector_debug", _text(collector)),
    "rust": Sample("rust_stdout", _text(rust)),
    "c++": Sample("cpp_ostream", _text(cpp)),
    "data prepper": Sample("data_prepper", _json(data_prepper)),
    "data prepper, a search's answer": Sample(
        "data_prepper", _whole({"hits": {"hits": [{"_id": "1", "_source": data_prepper(*span)} for span in SPANS]}})
    ),
    "flat": Sample("flat_otlp", _json(flat)),
    "flat, a list": Sample("flat_otlp", _whole([flat(*span) for span in SPANS])),
    "clickhouse": Sample("flat_otlp", _json(clickhouse)),
    "clickhouse, FORMAT JSON": Sample(
        "flat_otlp", _whole({"meta": [], "data": [clickhouse(*span) for span in SPANS], "rows": 2}, indent=2)
    ),
    "snowflake": Sample("snowflake", _json(snowflake)),
    "jaeger's protobuf, batches": Sample("jaeger_protobuf_json", _json(proto), has_messages=False),
    "jaeger's protobuf, pretty": Sample("jaeger_protobuf_json", _json(proto, indent=2), has_messages=False),
}


def _csv(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV, with objects as JSON."""
    out = io.StringIO()
    table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({key: json.dumps(cell) if isinstance(cell, dict) else cell for key, cell in row.items()})
    return out.getvalue()


TABLES = {
    "snowflake, CSV": Sample("snowflake", _csv([snowflake(*one) for one in SPANS])),
    "nezha": Sample(
        "nezha_csv",
        "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n"
        + "".join(
            f'{TRACE},{span},{parent or "root"},{service}-5d8f7b9c4d-x2x7k,"{name}",{START_NS + start * MS},'
            f"{START_NS + end * MS},{(end - start) * 1000}\n"
            for name, span, parent, service, start, end in SPANS
        ),
        has_status=False,
        has_attributes=False,
    ),
    "rcaeval": Sample(
        "rcaeval_csv",
        "time,traceID,spanID,serviceName,methodName,operationName,startTimeMillis,startTime,duration,statusCode,"
        "parentSpanID\r\n"
        + "".join(
            f"09:46,{TRACE},{span},{service},{name},{name},{(START_NS + start * MS) // MS},"
            f"{(START_NS + start * MS) // 1000},{(end - start) * 1000},{13.0 if span == CHILD else 0.0},{parent}\r\n"
            for name, span, parent, service, start, end in SPANS
        ),
        has_messages=False,
        has_attributes=False,
    ),
}


def spans(traces: TraceSet) -> dict[str, Span]:
    return {span.name: span for span in map(traces.span, range(len(traces)))}


def warnings(traces: TraceSet) -> list[str]:
    return [str(warning) for warning in traces.load_warnings]
