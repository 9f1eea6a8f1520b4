"""Spans within the records of loggers, log stores and queues: as text or as objects, at any key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.decoding import read
from tests.support.format_samples import SAMPLES, spans, warnings

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


def test_log_records_that_mention_traces_are_not_spans() -> None:
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


TABLES = {
    "ES|QL": ("columns", "values"),
    "Elasticsearch's SQL": ("columns", "rows"),
    "OpenSearch's SQL": ("schema", "datarows"),
    "Trino": ("columns", "data"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_with_a_column_of_lines(name: str) -> None:
    names, rows = TABLES[name]
    columns = [{"name": column, "type": "text"} for column in ("@timestamp", "message")]
    cells = [["2026-03-20T09:46:40Z", line] for line in SPAN_LINES]
    assert spans(read(json.dumps({names: columns, rows: cells}))) == spans(read(SAMPLES["flat"].text))


@pytest.mark.parametrize("at", [0, 1])
def test_row_that_is_no_list_is_the_only_loss(at: int) -> None:
    cells: list[object] = [["2026-03-20T09:46:40Z", line] for line in SPAN_LINES]
    columns = [{"name": column, "type": "text"} for column in ("@timestamp", "message")]
    traces = read(json.dumps({"columns": columns, "rows": [*cells[:at], 5, *cells[at:]]}))
    assert spans(traces) == spans(read(SAMPLES["flat"].text))
    assert len(warnings(traces)) == 1


def test_fields_of_a_search() -> None:
    hits = [{"_id": "1", "fields": {"@timestamp": ["2026-03-20T09:46:40Z"], "message": [line]}} for line in SPAN_LINES]
    assert len(read(json.dumps({"hits": {"hits": hits}}))) == 2


def test_several_lines_in_one_text() -> None:
    log = "\r\n".join(["starting", *SPAN_LINES, "done"])
    traces = read(json.dumps([{"message": log, "time": "2026-03-20T09:46:40Z", "type": "out"}]))
    assert len(traces) == 2
    assert warnings(traces) == []
    fenced = [{"type": "message", "text": f"```{line}```"} for line in SPAN_LINES]
    assert len(read(json.dumps(fenced))) == 2


def test_messages_of_a_queue_in_a_table() -> None:
    rows = [f'{i},2026-03-20,"{line.replace(chr(34), chr(34) * 2)}"' for i, line in enumerate(SPAN_LINES)]
    traces = read("id,date,payload\n" + "\n".join(rows))
    assert len(traces) == 2
    assert warnings(traces) == []


def test_dictionaries_that_python_prints() -> None:
    traces = read("\n".join(repr(json.loads(line)) for line in SPAN_LINES))
    assert spans(traces) == spans(read(SAMPLES["flat"].text))
    assert warnings(traces) == []
    assert len(read("".join(f"span: {json.loads(line)!r}\n" for line in SPAN_LINES))) == 2


def test_colours_in_the_first_line() -> None:
    coloured = "\n".join(f"\x1b[1;39m{{\x1b[0m{line[1:]}\x1b[0m" for line in SPAN_LINES)
    assert len(read(coloured)) == 2


def test_printed_objects_after_a_prefix() -> None:
    text = SAMPLES["node"].text.replace("{\n  resource", "info: {\n  resource")
    traces = read(text)
    assert spans(traces) == spans(read(SAMPLES["node"].text))
    assert warnings(traces) == []
