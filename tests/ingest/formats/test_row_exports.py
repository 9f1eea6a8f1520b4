"""Rows of spans as stores other than ClickHouse export them, and the event table of Snowflake."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.decoding import read
from tests.support.format_samples import CHILD, MS, ROOT, SPANS, START_NS, TRACE, iso, snowflake, spans, warnings

Row = dict[str, Any]


def greptime(name: str, span: str, parent: str, service: str, start: int, end: int) -> Row:
    failed = span == CHILD
    return {
        "timestamp": START_NS + start * MS,
        "timestamp_end": START_NS + end * MS,
        "duration_nano": (end - start) * MS,
        "trace_id": TRACE,
        "span_id": span,
        "parent_span_id": parent or None,
        "span_kind": "SPAN_KIND_SERVER",
        "span_name": name,
        "span_status_code": "STATUS_CODE_ERROR" if failed else "STATUS_CODE_UNSET",
        "span_status_message": "deadlock" if failed else "",
        "service_name": service,
        "span_attributes.n": 1,
        "resource_attributes.host.name": "h",
    }


def quickwit(name: str, span: str, parent: str, service: str, start: int, end: int) -> Row:
    return {
        "trace_id": TRACE,
        "span_id": span,
        "parent_span_id": parent,
        "service_name": service,
        "span_name": name,
        "span_kind": 2,
        "span_start_timestamp_nanos": START_NS + start * MS,
        "span_end_timestamp_nanos": START_NS + end * MS,
        "span_duration_millis": end - start,
        "span_status": {"code": "error", "message": "deadlock"} if span == CHILD else {},
        "resource_attributes": {"host.name": "h"},
        "span_attributes": {"n": 1},
    }


def logfire(name: str, span: str, parent: str, service: str, start: int, end: int) -> Row:
    return {
        "start_timestamp": f"{iso(start)}Z",
        "end_timestamp": f"{iso(end)}Z",
        "duration": (end - start) / 1000,
        "trace_id": TRACE,
        "span_id": span,
        "parent_span_id": parent or None,
        "kind": "span",
        "span_name": name,
        "service_name": service,
        "otel_status_code": "ERROR" if span == CHILD else None,
        "otel_status_message": "deadlock" if span == CHILD else None,
        "attributes": {"n": 1},
    }


def honeycomb(name: str, span: str, parent: str, service: str, start: int, end: int) -> Row:
    return {
        "Timestamp": f"{iso(start)}Z",
        "trace.trace_id": TRACE,
        "trace.span_id": span,
        "trace.parent_id": parent or None,
        "name": name,
        "service.name": service,
        "duration_ms": float(end - start),
        "error": span == CHILD,
        "status_message": "deadlock" if span == CHILD else None,
        "attributes.n": 1,
        "http.route": "/x",
    }


def openobserve(name: str, span: str, parent: str, service: str, start: int, end: int) -> Row:
    return {
        "_timestamp": (START_NS + start * MS) // 1000,
        "start_time": START_NS + start * MS,
        "end_time": START_NS + end * MS,
        "duration": (end - start) * 1000,
        "trace_id": TRACE,
        "span_id": span,
        "reference_parent_span_id": parent,
        "operation_name": name,
        "service_name": service,
        "span_status": "ERROR" if span == CHILD else "UNSET",
        "status_message": "deadlock" if span == CHILD else "",
        "attributes.n": 1,
    }


def signoz(name: str, span: str, parent: str, service: str, start: int, end: int) -> Row:
    return {
        "timestamp": f"2026-03-20 09:46:40.{start:03d}000000",
        "trace_id": TRACE,
        "span_id": span,
        "parent_span_id": parent,
        "name": name,
        "kind_string": "Server",
        "duration_nano": (end - start) * MS,
        "has_error": span == CHILD,
        "status_message": "deadlock" if span == CHILD else "",
        "attributes": {"n": 1},
        "resources_string": {"service.name": service},
        "serviceName": service,
    }


def jaeger_table(name: str, span: str, parent: str, service: str, start: int, end: int) -> Row:
    return {
        "id": span,
        "trace_id": TRACE,
        "parent_span_id": parent,
        "name": name,
        "kind": "server",
        "start_time": f"2026-03-20 09:46:40.{start:03d}000000",
        "duration": (end - start) * MS,
        "status_code": "Error" if span == CHILD else "Unset",
        "status_message": "deadlock" if span == CHILD else "",
        "service_name": service,
        "int_attributes.key": ["n"],
        "int_attributes.value": [1],
        "resource_str_attributes.key": ["host.name"],
        "resource_str_attributes.value": ["h"],
    }


WRITERS: list[Callable[..., Row]] = [greptime, quickwit, logfire, honeycomb, openobserve, signoz, jaeger_table]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_rows_of_a_store(write: Callable[..., Row]) -> None:
    traces = read("".join(json.dumps(write(*span)) + "\n" for span in SPANS))
    found = spans(traces)
    root, child = found["GET /x"], found["load"]
    assert (root.trace_id, root.span_id, root.parent_id, child.parent_id) == (TRACE, ROOT, None, ROOT)
    assert (root.service, child.service) == ("web", "orders")
    assert (root.start_ns, root.duration_ns, child.duration_ns) == (START_NS, 100 * MS, 50 * MS)
    assert (root.error, child.error, child.status_message) == (False, True, "deadlock")
    assert root.attributes["n"] == 1
    assert root.resource in ({}, {"host.name": "h"})
    assert warnings(traces) == []


def test_columns_with_a_dot_are_attributes() -> None:
    traces = read("".join(json.dumps(honeycomb(*span)) + "\n" for span in SPANS))
    assert spans(traces)["load"].attributes == {"n": 1, "http.route": "/x"}


# --- Snowflake ------------------------------------------------------------------------------------------------------


def event(span: str = CHILD, time: str = "2026-03-20 09:46:40.030") -> Row:
    return {
        **dict.fromkeys(snowflake(*SPANS[0])),
        "TIMESTAMP": time,
        "TRACE": {"trace_id": TRACE, "span_id": span},
        "RECORD_TYPE": "SPAN_EVENT",
        "RECORD": {"name": "exception"},
        "RECORD_ATTRIBUTES": {"exception.type": "E", "exception.message": "deadlock"},
    }


def without_message() -> list[Row]:
    rows = [snowflake(*span) for span in SPANS]
    rows[0]["RECORD"] = {**rows[0]["RECORD"], "status": {"code": "STATUS_CODE_ERROR"}}
    return rows


def as_csv(rows: list[Row]) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, [*snowflake(*SPANS[0]), "VALUE"])
    table.writeheader()
    table.writerows(
        {key: json.dumps(cell) if isinstance(cell, dict) else cell for key, cell in row.items()} for row in rows
    )
    return out.getvalue()


@pytest.mark.parametrize("write", [json.dumps, lambda rows: "\n".join(map(json.dumps, rows)), as_csv])
@pytest.mark.parametrize("before", [False, True])
def test_events_of_snowflake_are_joined_to_their_spans(write: Callable[[list[Row]], str], before: bool) -> None:
    rows = without_message()
    log = {**event(), "RECORD_TYPE": "LOG", "RECORD": {"severity_text": "INFO"}, "VALUE": "asked"}
    events = [event(time="2026-03-20 09:46:40.040"), event(), log]
    traces = read(write([*events, *rows] if before else [*rows, *events]))
    found = spans(traces)
    assert [(one.name, one.time_ns - START_NS) for one in found["load"].events] == [
        ("exception", 30 * MS),
        ("exception", 40 * MS),
    ]
    assert found["GET /x"].events == ()
    assert warnings(traces) == []


def test_events_without_their_span_are_counted() -> None:
    traces = read(json.dumps([*without_message(), event("99"), event("98")]))
    assert len(traces) == 2
    assert warnings(traces) == ["f: 2 events belong to missing spans; skipped"]
    assert warnings(read(json.dumps([event()]))) == ["f: 1 event belongs to missing spans; skipped"]


def test_columns_of_snowflake_in_lower_case() -> None:
    rows = [{name.lower(): cell for name, cell in snowflake(*span).items()} for span in SPANS]
    assert spans(read(json.dumps(rows))) == spans(read(json.dumps([snowflake(*span) for span in SPANS])))


def test_spans_of_datadog_agent() -> None:
    rows = [
        {
            "trace_id": 193,
            "span_id": int(span, 16),
            "parent_id": int(parent or "0", 16),
            "name": name,
            "service": service,
            "start": START_NS + start * MS,
            "duration": (end - start) * MS,
            "error": int(span == CHILD),
            "meta": {"error.message": "deadlock"},
            "metrics": {"n": 1},
        }
        for name, span, parent, service, start, end in SPANS
    ]
    found = spans(read(json.dumps([rows])))
    assert (found["GET /x"].error, found["load"].error) == (False, True)
    assert found["load"].attributes == {"error.message": "deadlock", "n": 1}
    assert found["load"].duration_ns == 50 * MS
