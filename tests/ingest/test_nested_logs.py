"""Ids of log records in unusual places, and records within the lists of log stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import GivenSpan, build, span
from tracetui.ingest.logs import with_logs
from tracetui.ingest.logs.plain_text import ORIGINAL
from tracetui.model.errors import InputError
from tracetui.model.span import Event

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
AT = 1_774_000_000_150_000_000
"""2026-03-20T09:46:40.150Z"""
ISO = "2026-03-20T09:46:40.150Z"
BEGAN = AT - 150_000_000
IDS = {"trace_id": TRACE, "span_id": SPAN}
APP = json.dumps({"timestamp": ISO, "level": "error", "message": "boom", **IDS})
RIGHT = [(SPAN, "ERROR boom", AT)]


def _span(span_id: str, parent: str = "") -> GivenSpan:
    return span(span_id, 0, 1_000_000, parent=parent, trace=TRACE).but(start=BEGAN)


SET = build(_span("1000000000000001"), _span(SPAN, "1000000000000001").but(duration=1_000_000))


def events(tmp_path: Path, text: str) -> list[tuple[str, Event]]:
    """Read a file, which must give no warning. -> its log records, and the ids of their spans"""
    file = tmp_path / "app.log"
    file.write_text(text)
    found = with_logs(SET, [str(file)])
    assert found.load_warnings == []
    return [(found.span_id(row), event) for row in range(len(found)) for event in found.log_events(row)]


def placed(tmp_path: Path, text: str) -> list[tuple[str, str, int]]:
    return [(span_id, event.name, event.time_ns) for span_id, event in events(tmp_path, text)]


PINO = {"level": 50, "time": AT // 1_000_000, "pid": 1, "hostname": "h", "msg": "boom"}
ELSEWHERE: dict[str, Any] = {
    "Pino, an object at any key": PINO | {"req": {"id": 7, **IDS}},
    "Pino, in the text": PINO | {"msg": f"boom trace_id={TRACE} span_id={SPAN}"},
    "ASP.NET": {
        "Timestamp": ISO,
        "LogLevel": "Error",
        "Message": "boom",
        "Scopes": [{"SpanId": SPAN, "TraceId": TRACE}],
    },
    "Rails": {"timestamp": ISO, "level": "error", "message": "boom", "named_tags": IDS},
    "Loguru": {
        "record": {
            "message": "boom",
            "level": {"name": "ERROR"},
            "extra": IDS,
            "time": {"repr": "2026-03-20 09:46:40.150+00:00", "timestamp": AT / 1e9},
        }
    },
    "two levels down": {
        "time": ISO,
        "level": "error",
        "msg": "boom",
        "data": {"request": {"traceId": TRACE, "spanId": SPAN}},
    },
    "a span key of one word": {"time": ISO, "level": "error", "msg": "boom", "trace": TRACE, "span": SPAN},
    "Application Insights, workspace": {
        "TimeGenerated": ISO,
        "Message": "boom",
        "Level": "error",
        "OperationId": TRACE,
        "ParentId": SPAN,
    },
    "Datadog's status": {"timestamp": ISO, "status": "error", "message": "boom", **IDS},
    "OpenSearch": {
        "@timestamp": ISO,
        "body": "boom",
        "severity": {"text": "ERROR", "number": 17},
        "traceId": TRACE,
        "spanId": SPAN,
    },
    "Snowflake": {
        "TIMESTAMP": "2026-03-20 09:46:40.150",
        "TRACE": IDS,
        "RECORD_TYPE": "LOG",
        "RECORD": {"severity_text": "ERROR"},
        "VALUE": "boom",
    },
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_ids_in_unusual_places(tmp_path: Path, name: str) -> None:
    found = placed(tmp_path, json.dumps(ELSEWHERE[name]))
    assert [(span_id, time) for span_id, _, time in found] == [(SPAN, AT)]
    assert name == "Loguru" or [text for _, text, _ in found] == ["ERROR boom"]


def test_ids_in_a_text_are_kept_in_the_original(tmp_path: Path) -> None:
    ((_, event),) = events(tmp_path, json.dumps(ELSEWHERE["Pino, in the text"]))
    assert event.attributes[ORIGINAL] == f"boom trace_id={TRACE} span_id={SPAN}"


def test_ids_of_a_parent_or_a_link_are_not_those_of_the_record(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no trace id"):
        events(tmp_path, json.dumps(PINO | {"parent": IDS, "links": [IDS]}))


OTLP = {"timeUnixNano": str(AT), "severityText": "ERROR", "body": {"stringValue": "boom"}}
ATTRIBUTES = [{"key": key, "value": {"stringValue": value}} for key, value in IDS.items()]
NEW_RELIC = {"timestamp": AT // 1_000_000, "message": "boom"}
RELIC_IDS = {"trace.id": TRACE, "span.id": SPAN}
LISTS: dict[str, Any] = {
    "New Relic, attributes of the record": [
        {
            "common": {"attributes": {"service": "a"}},
            "logs": [NEW_RELIC | {"attributes": {**RELIC_IDS, "level": "ERROR"}}],
        }
    ],
    "New Relic, attributes of all": [
        {
            "common": {"timestamp": AT // 1_000_000, "attributes": RELIC_IDS},
            "logs": [{"message": "boom", "level": "ERROR"}],
        }
    ],
    "New Relic, a line of the program": [{"logs": [{"timestamp": AT // 1_000_000, "message": APP}]}],
    "New Relic, flat": [NEW_RELIC | RELIC_IDS | {"level": "ERROR"}],
    "New Relic, query": {"results": [{"events": [NEW_RELIC | RELIC_IDS | {"level": "ERROR"}]}], "metadata": {}},
    "New Relic, GraphQL": {
        "data": {"actor": {"account": {"nrql": {"results": [NEW_RELIC | RELIC_IDS | {"level": "ERROR"}]}}}}
    },
    "PHP's SDK": {
        "resource": {"attributes": {"service.name": "a"}},
        "scopes": [
            {"name": "m", "logs": [{"timestamp": AT, "severity_text": "ERROR", "body": "boom", **IDS}]},
        ],
    },
    "Elasticsearch, OpenTelemetry": {
        "hits": {"hits": [{"_source": {"@timestamp": ISO, "body": {"text": "boom"}, "severity_text": "ERROR", **IDS}}]}
    },
    "Splunk's collector, an object": {
        "time": AT / 1e9,
        "host": "h",
        "event": {"message": "boom", "level": "error", **IDS},
    },
    "Splunk's collector, a text": {"time": AT / 1e9, "host": "h", "event": APP},
    "a list in an object": {"logs": [json.loads(APP)]},
    "Loki, several answers": [
        {
            "status": "success",
            "data": {"resultType": "streams", "result": [{"stream": {"a": "b"}, "values": [[str(AT), APP]]}]},
        }
    ],
    "ClickHouse, FORMAT JSON": {
        "meta": [{"name": "Timestamp", "type": "DateTime64(9)"}],
        "data": [
            {
                "Timestamp": "2026-03-20 09:46:40.150000000",
                "TraceId": TRACE,
                "SpanId": SPAN,
                "SeverityText": "ERROR",
                "Body": "boom",
            }
        ],
    },
    "ClickHouse, FORMAT JSONCompact": {
        "meta": [{"name": name} for name in ("Timestamp", "TraceId", "SpanId", "SeverityText", "Body")],
        "data": [["2026-03-20 09:46:40.150000000", TRACE, SPAN, "ERROR", "boom"]],
    },
    "OpenSearch's SQL": {
        "schema": [{"name": name} for name in ("@timestamp", "message", "level", "traceId", "spanId")],
        "datarows": [[ISO, "boom", "error", TRACE, SPAN]],
    },
    "Application Insights": {
        "tables": [
            {
                "columns": [
                    {"name": name}
                    for name in ("timestamp", "message", "severityLevel", "operation_Id", "operation_ParentId")
                ],
                "rows": [[ISO, "boom", 3, TRACE, SPAN]],
            }
        ]
    },
    "SQS": {"Messages": [{"MessageId": "m", "Body": APP}]},
    "EventBridge": {"detail-type": "x", "source": "s", "time": ISO, "detail": json.loads(APP)},
    "Dynatrace": {"results": [{"timestamp": AT // 1_000_000, "content": APP}]},
    "OTLP, ids in the body": {
        "resourceLogs": [
            {
                "scopeLogs": [
                    {
                        "logRecords": [
                            OTLP
                            | {
                                "body": {
                                    "kvlistValue": {
                                        "values": [{"key": "msg", "value": {"stringValue": "boom"}}, *ATTRIBUTES]
                                    }
                                }
                            }
                        ]
                    }
                ]
            }
        ]
    },
    "OTLP, ids as attributes": {"resourceLogs": [{"scopeLogs": [{"logRecords": [OTLP | {"attributes": ATTRIBUTES}]}]}]},
    "OTLP, a line of the program": {
        "resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "5", "body": {"stringValue": APP}}]}]}]
    },
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_records_in_lists(tmp_path: Path, name: str, indent: int | None) -> None:
    assert placed(tmp_path, json.dumps(LISTS[name], indent=indent)) == RIGHT
    assert placed(tmp_path, f"{json.dumps(LISTS[name])}\n" * 2) == RIGHT * 2


@pytest.mark.parametrize("bad", [5, None, "?"])
def test_row_that_is_no_list_is_the_only_loss(tmp_path: Path, bad: object) -> None:
    table = LISTS["ClickHouse, FORMAT JSONCompact"]
    assert placed(tmp_path, json.dumps(table | {"data": [bad, *table["data"]]})) == RIGHT


def test_table_in_json(tmp_path: Path) -> None:
    names = ["Timestamp", "TraceId", "SpanId", "SeverityText", "Body"]
    types = ["DateTime64(9)", "String", "String", "LowCardinality(String)", "String"]
    row = ["2026-03-20 09:46:40.150000000", TRACE, SPAN, "ERROR", "boom"]
    assert placed(tmp_path, "\n".join(map(json.dumps, [names, row]))) == RIGHT
    assert placed(tmp_path, "\n".join(map(json.dumps, [names, types, row]))) == RIGHT
    assert placed(tmp_path, "\n".join("\t".join(cells) for cells in [names, types, row])) == RIGHT


TEXTS = {
    "structlog": f"timestamp='{ISO}' level='error' event='boom' trace_id='{TRACE}' span_id='{SPAN}'",
    "a file name of grep": f"logs/app.log:12:{APP}",
    "Lambda": f"{ISO}\t8f5a\tERROR\t{APP}",
    "a process of Aspire": f"[web] {APP}",
    "fields of syslog": f'<131>1 {ISO} h app 17 - [otel@1 trace_id="{TRACE}" span_id="{SPAN}"] boom',
    "a record of Fluentd": f"2026-03-20T09:46:41+00:00\tweb\t{APP}",
    "pino-pretty": f'[09:46:40.150] ERROR (17): boom\n    trace_id: "{TRACE}"\n    span_id: "{SPAN}"\n',
    "Rust's SDK": 'Logs\nResource\n\t ->  service.name=String(Owned("a"))\nLog #0\n\t Instrumentation Scope: x\n'
    f'\t Observed Timestamp: {ISO[:-1].replace("T", " ")}000\n\t SeverityText: "ERROR"\n\t SeverityNumber: 17\n'
    f'\t Body: String(Owned("boom"))\n\t TraceId: "{TRACE}"\n\t SpanId: "{SPAN}"\n\t Attributes:\n\t\t ->  n: I64(1)\n',
}


@pytest.mark.parametrize("name", TEXTS)
def test_ids_in_texts(tmp_path: Path, name: str) -> None:
    ((span_id, text, time),) = placed(tmp_path, TEXTS[name])
    assert (span_id, time) == (SPAN, AT)
    assert "boom" in text


def test_line_of_an_access_log_describes_its_request(tmp_path: Path) -> None:
    line = {
        "start_time": ISO,
        "method": "GET",
        "path": "/x",
        "response_code": 500,
        "traceparent": f"00-{TRACE}-{SPAN}-01",
    }
    assert placed(tmp_path, json.dumps(line)) == [(SPAN, "GET /x 500", AT)]
