"""Spans within the records of loggers, log stores and queues: as text or as objects, at any key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.format_samples import SAMPLES, read, spans, warnings

SPAN_LINES = SAMPLES["flat"].text.splitlines()
NOISE = "asked {ok}"

Write = Callable[[str], Any]
RECORDS: dict[str, Write] = {
    "zap": lambda text: {"level": "info", "ts": 1774000000.1, "caller": "x.go:3", "msg": text},
    "slog": lambda text: {"time": "2026-03-20T09:46:40Z", "level": "INFO", "msg": text},
    "structlog": lambda text: {"event": text, "level": "info"},
    "Serilog": lambda text: {"@t": "2026-03-20T09:46:40Z", "@mt": "{Line}", "Line": text},
    "Bunyan": lambda text: {"name": "a", "hostname": "h", "pid": 1, "level": 30, "msg": text, "v": 0},
    "Log4j": lambda text: {"instant": {"epochSecond": 1774000000}, "level": "INFO", "message": f"INFO: {text}"},
    "GELF": lambda text: {"version": "1.1", "short_message": text[:20], "full_message": text, "level": 6},
    "Splunk collector": lambda text: {"time": 1774000000.1, "host": "h", "event": text},
    "Splunk collector, Docker": lambda text: {"time": "1774000000.1", "event": {"line": text, "source": "stdout"}},
    "kcat": lambda text: {"topic": "spans", "partition": 0, "offset": 1, "payload": text},
    "New Relic": lambda text: [{"common": {"attributes": {}}, "logs": [{"timestamp": 1774000000000, "message": text}]}],
    "NRQL": lambda text: {"results": [{"events": [{"timestamp": 1774000000000, "message": text}]}]},
    "OTLP logs": lambda text: {
        "resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "5", "body": {"stringValue": text}}]}]}]
    },
}


@pytest.mark.parametrize("name", RECORDS)
def test_spans_in_texts_of_records(name: str) -> None:
    lines = SPAN_LINES if name == "NRQL" else [NOISE, *SPAN_LINES]
    traces = read("".join(json.dumps(RECORDS[name](line)) + "\n" for line in lines))
    assert spans(traces) == spans(read(SAMPLES["flat"].text))
    assert warnings(traces) == []


@pytest.mark.parametrize("write", [RECORDS["zap"], RECORDS["GELF"]])
def test_records_in_a_list(write: Write) -> None:
    traces = read(json.dumps([write(line) for line in (NOISE, *SPAN_LINES)]))
    assert len(traces) == 2
    assert warnings(traces) == []


def test_records_within_an_envelope() -> None:
    def docker(text: str) -> str:
        return json.dumps({"log": text + "\n", "stream": "stdout", "time": "2026-03-20T09:46:40Z"})

    traces = read("\n".join(docker(json.dumps(RECORDS["zap"](line))) for line in (NOISE, *SPAN_LINES)))
    assert len(traces) == 2
    assert warnings(traces) == []


def test_span_as_an_object_in_a_record() -> None:
    traces = read("\n".join(json.dumps({"time": 1, "event": json.loads(line)}) for line in SPAN_LINES))
    assert spans(traces) == spans(read(SAMPLES["flat"].text))


def test_damaged_text_costs_its_record() -> None:
    lines = [SPAN_LINES[0], SPAN_LINES[1][:-40], SPAN_LINES[1]]
    traces = read("".join(json.dumps(RECORDS["zap"](line)) + "\n" for line in lines))
    assert len(traces) == 2
    assert warnings(traces) == ["f: line 2: skipped: msg: damaged JSON (Input data was truncated)"]


def test_log_records_that_mention_traces_are_no_spans() -> None:
    record = {"level": "info", "msg": "asked", "request": {"traceId": "c1", "id": "1"}, "took": {"duration": 5}}
    traces = read(json.dumps(record) + "\n" + SAMPLES["flat"].text)
    assert len(traces) == 2
    assert warnings(traces) == []


def test_text_around_a_value_on_its_line() -> None:
    one, two = SPAN_LINES
    traces = read(
        f'[2026-03-20T09:46:40+00:00] app.INFO: {one} [] []\n[2026-03-20T09:46:40+00:00] app.INFO: {two} {{"a":1}} []'
    )
    assert len(traces) == 2
    assert warnings(traces) == []


def test_value_in_quotes_on_a_line() -> None:
    traces = read("".join(f"time=2026-03-20T09:46:40Z level=INFO msg={json.dumps(line)}\n" for line in SPAN_LINES))
    assert len(traces) == 2
    assert warnings(traces) == []
