"""Log records of spans: keys that are read, assignment to spans, and warnings about records without one."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import EPOCH, US, at, build, span
from tests.support.paths import INCIDENT
from tests.support.strategies import unhurried
from tracetui.analysis.span_search import find_spans
from tracetui.cli.main import run
from tracetui.ingest.logs import with_logs
from tracetui.ingest.logs.plain_text import ORIGINAL, without_ids
from tracetui.ingest.logs.timestamps import read_moment
from tracetui.model.errors import InputError
from tracetui.model.times import MAX_START_NS
from tracetui.model.traces import TraceSet
from tracetui.session import Session

TRACES = build(
    span("1", 0, 1_000, name="page"),
    span("2", 100, 500, parent="1", name="query"),
    span("3", 200, 400, parent="2", name="fetch"),
    span("4", 0, 10, trace="2"),
)


def logged(tmp_path: Path, *lines: dict[str, Any] | str, name: str = "app.jsonl") -> TraceSet:
    file = tmp_path / name
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    file.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return with_logs(TRACES, [str(file)])


def line(micros: int, **more: Any) -> dict[str, Any]:
    return {"trace_id": "1", "time": (EPOCH + micros * US) // 1_000, **more}


def names(traces: TraceSet, span_id: str) -> list[str]:
    return [event.name for event in traces.events(at(traces, span_id))]


def test_record_is_assigned_to_its_span_or_the_deepest_running_one(tmp_path: Path) -> None:
    found = logged(
        tmp_path,
        line(300, msg="by time"),
        line(450, message="of query", level="warn"),
        line(300, body="by id", span_id="1"),
        line(5_000, msg="too late"),
        line(300, msg="of an unknown span", span_id="99"),
    )
    assert names(found, "3") == ["by time", "of an unknown span"]
    assert names(found, "2") == ["WARN of query"]
    assert names(found, "1") == ["by id", "too late"]
    assert found.load_warnings == []
    # the original set is unchanged
    assert not len(TRACES.log_lines)


@pytest.mark.parametrize(
    "keys",
    [
        {"traceId": "1", "ts": 1_700_000_000.0003, "msg": "x"},
        {"trace.id": "1", "@timestamp": "2023-11-14T22:13:20.000300Z", "message": "x"},
        {"traceID": "0" * 31 + "1", "timestamp": "2023-11-14T23:13:20.0003+01:00", "log": "x"},
        {"context": {"trace_id": "1"}, "time": 1_700_000_000_000_300, "event": "x"},
        {"dd.trace_id": "1", "timeUnixNano": "1700000000000300000", "body": {"stringValue": "x"}},
        {"TraceId": "1", "Timestamp": 1_700_000_000_000_300_000, "Body": "x"},
        {"trace": {"id": "1"}, "span": {"id": "3"}, "@timestamp": "2023-11-14T22:13:20.0003Z", "message": "x"},
        {
            "logging.googleapis.com/trace": "projects/p/traces/1",
            "logging.googleapis.com/spanId": "3",
            "timestamp": {"seconds": 1_700_000_000, "nanos": 300_000},
            "message": "x",
        },
        {"trace_id": "1", "timestamp": {"seconds": "1700000000", "nanos": 300_000}, "msg": "x"},
        # fields of the line take precedence over nested ones
        {"trace_id": "1", "time": 1_700_000_000.0003, "text": "x", "extra": {"message": "y", "trace_id": "2"}},
        {"otelTraceID": "1", "asctime": "2023-11-14 22:13:20,000300", "msg": "x"},
        {"trace-id": "1", "time": "2023-11-14 22:13:20.0003 UTC", "msg": "x"},
        {"trace_id": "1", "time": "2023-11-14 23:13:20.0003 +0100", "msg": "x"},
        # an empty field does not hide another one
        {"trace_id": "", "traceId": "1", "time": None, "ts": 1_700_000_000.0003, "message": "", "msg": "x"},
    ],
)
def test_keys_and_times_of_loggers(keys: dict[str, Any], tmp_path: Path) -> None:
    found = logged(tmp_path, keys)
    (event,) = found.events(at(found, "3"))
    assert (event.name, event.is_log) == ("x", True)
    assert abs(event.time_ns - (EPOCH + 300 * US)) < US


def test_log_records_placed_by_time_are_flagged(tmp_path: Path) -> None:
    found = logged(
        tmp_path,
        line(300, msg="own", span_id="3"),
        line(301, msg="none"),
        line(302, msg="unknown", span_id="99"),
    )
    assert [(event.name, event.by_time) for event in found.events(at(found, "3"))] == [
        ("own", False),
        ("none", True),
        ("unknown", True),
    ]


def test_severities_in_any_case_and_objects_as_messages(tmp_path: Path) -> None:
    found = logged(
        tmp_path,
        line(300, SeverityText="warn", Message={"order": 7, "items": ["a"]}),
        line(301, log={"level": "error"}, message="nested level"),
        line(302, body={"kvlistValue": {"values": []}}),
    )
    assert names(found, "3") == [
        'WARN {"order": 7, "items": ["a"]}',
        "ERROR nested level",
        '{"kvlistValue": {"values": []}}',
    ]


def test_lines_with_many_sets_of_keys(tmp_path: Path) -> None:
    # the same keys with other values, and more sets of keys than are cached
    found = logged(
        tmp_path,
        line(300, log="text", message=""),
        line(301, log={"level": "error"}, message="nested"),
        line(302, log={"level": "warn"}, message=""),
        *(line(310 + i % 80, msg="x", **{f"key-{i}": i}) for i in range(1_500)),
        line(399, log="text again", message=""),
    )
    told = names(found, "3")
    assert told[:3] == ["text", "ERROR nested", 'WARN {"level": "warn"}']
    assert (len(told), told[-1]) == (1_504, "text again")


def test_stop_does_not_wait_for_more_lines(tmp_path: Path) -> None:
    file = tmp_path / "app.jsonl"
    file.write_text("\n".join([json.dumps(line(300, msg="x"))] * 12_000), "utf-8")
    # the first time before the file is read
    continues = iter([True, True, True, False])
    found = with_logs(TRACES, [str(file)], lambda: next(continues))
    assert len(names(found, "3")) == 10_000
    assert found.load_warnings[0].message == "stopped after 10,000 log records"


def test_record_of_a_duplicate_id_is_assigned_to_the_first_span(tmp_path: Path) -> None:
    file = tmp_path / "app.jsonl"
    file.write_text(json.dumps(line(50, msg="x", span_id="2")), "utf-8")
    twice = build(span("1", 0, 100), span("2", 10, 20, parent="1"), span("2", 30, 90, parent="1", name="second"))
    found = with_logs(twice, [str(file)])
    assert [len(found.events(i)) for i in range(3)] == [0, 1, 0]


def test_byte_order_marks_and_invalid_characters(tmp_path: Path) -> None:
    file = tmp_path / "app.jsonl"
    first, second = json.dumps(line(300, msg="first")), json.dumps(line(301, msg="half \ud800 of one"))
    file.write_bytes(b"\xef\xbb\xbf" + f"{first}\r\n{second}".encode())
    assert names(with_logs(TRACES, [str(file)]), "3") == ["first", "half \ufffd of one"]
    file.write_bytes(f"{first}\n".encode("utf-16"))
    assert names(with_logs(TRACES, [str(file)]), "3") == ["first"]


def warning_texts(found: TraceSet) -> list[tuple[str, str]]:
    return [(Path(one.file).name, one.message.split(";")[0]) for one in found.load_warnings]


def test_unreadable_file_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("plain text\n", "utf-8")
    (tmp_path / "b.jsonl").write_text(json.dumps(line(300, msg="here")), "utf-8")
    (tmp_path / "c.log").write_text("\n", "utf-8")
    found = with_logs(TRACES, [str(tmp_path), str(tmp_path / "missing.jsonl")])
    assert names(found, "3") == ["here"]
    assert warning_texts(found) == [
        ("a.txt", "no trace id in 1 log record (1 text)"),
        ("missing.jsonl", "no such file"),
        ("c.log", "holds no log records"),
    ]
    with pytest.raises(InputError, match="no trace id in 1 log record"):
        with_logs(TRACES, [str(tmp_path / "a.txt"), str(tmp_path / "missing.jsonl")])


def test_records_are_counted(tmp_path: Path) -> None:
    found = logged(
        tmp_path, "not json", line(300, msg="here"), {"msg": "no trace"}, {"trace_id": "77", "time": 1}, "[1]"
    )
    assert names(found, "3") == ["here"]
    # a record without a trace id is not damaged
    assert warning_texts(found) == []
    (file,) = found.log_lines.files
    assert str(file).endswith("app.jsonl: 5 log records (3 JSON, 2 text), 2 with a trace id, 1 in loaded traces")
    none = logged(tmp_path, {"trace_id": "77", "time": 1_700_000_000})
    assert warning_texts(none) == [("app.jsonl", "1 record names a trace, none of which is loaded")]


def test_damaged_lines_are_counted_and_read_as_text(tmp_path: Path) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    traces = build(span("1", 0, 1_000, trace=trace))
    file = tmp_path / "app.jsonl"
    whole = json.dumps({"trace_id": trace, "time": "2023-11-14T22:13:20Z", "msg": "x"})
    file.write_text(f"{whole}\n{whole[:-5]}\n{whole}\n", "utf-8")
    found = with_logs(traces, [str(file)])
    assert [event.attributes.get(ORIGINAL) for event in found.log_events(0)] == [None, whole[:-5], None]
    assert warning_texts(found) == [("app.jsonl", "1 damaged line (the first: 2)")]


def test_record_without_a_time_is_shown_at_the_start_of_its_span(tmp_path: Path) -> None:
    found = logged(tmp_path, {"trace_id": "1", "span_id": "3", "msg": "own"}, {"trace_id": "1", "msg": "of the trace"})
    ((own,), (other,)) = (found.events(at(found, span_id)) for span_id in ("3", "1"))
    assert (own.time_ns, own.no_time, own.by_time) == (EPOCH + 200 * US, True, False)
    assert (other.time_ns, other.no_time, other.by_time) == (EPOCH, True, True)
    assert warning_texts(found) == [("app.jsonl", "2 records without a time are shown at the start of a span")]


def test_times_without_a_zone_that_differ_by_hours_give_a_warning(tmp_path: Path) -> None:
    lines = [{"trace_id": "1", "span_id": "3", "time": f"2023-11-15 00:13:2{i}.5", "msg": "x"} for i in range(3)]
    assert warning_texts(logged(tmp_path, *lines)) == [
        ("app.jsonl", "times without a zone were read as UTC, but most are 2 h after their traces")
    ]
    with_zone = [{**one, "time": f"{one['time']}Z"} for one in lines]
    assert warning_texts(logged(tmp_path, *with_zone)) == []


DEEP = '{"a":' * 900 + "1" + "}" * 900
VALUES = [
    '{"seconds":"+-5"}',
    '{"seconds":"--5","nanos":"-+1"}',
    '"+-5"',
    "9" * 5_000,
    '"\\ud800"',
    "1e999",
    DEEP,
    "[" * 5_000,
]


@pytest.mark.parametrize("key", ["trace_id", "span_id", "time", "msg", "level", "attributes", "other"])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:20])
def test_unusual_line_costs_no_other(tmp_path: Path, key: str, value: str) -> None:
    bad = json.dumps({"trace_id": "1", "time": EPOCH // 1_000, "msg": "x"})[:-1] + f', "{key}": {value}}}'
    found = logged(tmp_path, line(300, msg="before"), bad, line(300, msg="after"))
    assert [name for name in names(found, "3") if name in {"before", "after"}] == ["before", "after"]


def test_compressed_and_several_files(tmp_path: Path) -> None:
    logged(tmp_path, line(300, msg="b"), name="b.jsonl.gz")
    logged(tmp_path, line(250, msg="a"), name="a.jsonl")
    found = with_logs(TRACES, [str(tmp_path / "b.jsonl.gz"), str(tmp_path / "a.jsonl")])
    assert names(found, "3") == ["a", "b"]


@pytest.mark.parametrize("packed", [False, True])
def test_logs_in_an_archive(tmp_path: Path, packed: bool) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.log", json.dumps(line(300, msg="a")))
        archive.writestr("b/c.log", json.dumps(line(310, msg="c")))
        archive.writestr("readme.txt", "see a.log")
    file = tmp_path / ("ticket.zip.gz" if packed else "ticket.zip")
    file.write_bytes(gzip.compress(inner.getvalue()) if packed else inner.getvalue())
    found = with_logs(TRACES, [str(file)])
    assert names(found, "3") == ["a", "c"]
    assert [Path(one.name).name for one in found.log_lines.files] == [f"{file.name}:a.log", "c.log"]
    assert warning_texts(found) == [(f"{file.name}:readme.txt", "no trace id in 1 log record (1 text)")]


def test_logs_are_searchable_and_follow_a_selection(tmp_path: Path) -> None:
    found = logged(tmp_path, line(300, msg="Pool exhausted", pool="main"))
    hits = find_spans(found, 0, len(found), "pool exh")
    assert hits is not None
    assert hits.nonzero()[0].tolist() == [at(found, "3")]
    some = found.select(found.trace_errors >= 0)
    assert names(some, "3") == ["Pool exhausted"]
    assert not len(found.select(found.trace_duration < 100 * US).log_lines)


@unhurried
@given(
    st.recursive(
        st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none(), st.text("+-0٣²5")),
        lambda parts: st.lists(parts) | st.dictionaries(st.sampled_from(["seconds", "nanos"]), parts),
        max_leaves=4,
    )
)
def test_any_value_is_a_time_or_none(value: Any) -> None:
    moment = read_moment(value)
    assert moment is None or 0 < moment.ns < MAX_START_NS


@pytest.mark.parametrize("fraction", ["5", "25", "253563197", "000000001"])
@pytest.mark.parametrize("second", ["2023-01-29T08:43:06", "2024-02-29T23:59:59", "1970-01-01T00:00:00"])
def test_utc_times_are_read_as_with_a_numeric_zone(second: str, fraction: str) -> None:
    utc = read_moment(f"{second}.{fraction}Z")
    assert utc is not None
    assert utc == read_moment(f"{second}.{fraction}+00:00")
    assert utc.ns % 1_000_000_000 == int(fraction.ljust(9, "0"))


@pytest.mark.parametrize(
    "text",
    ["2023-02-30T08:43:06.5Z", "2023-01-29T25:43:06.5Z", "1969-01-01T00:00:00.5Z"],
)
def test_impossible_utc_times_are_none(text: str) -> None:
    assert read_moment(text) is None


def test_header_counts_log_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded = Session.open([INCIDENT]).loaded
    trace = int(loaded.trace_duration.argmax())
    begin = int(loaded.trace_start[trace])
    file = tmp_path / "app.jsonl"
    lines = [
        {"trace_id": loaded.trace_ids[trace], "ts": (begin + i * 10**8) // 1_000, "msg": f"step {i}"} for i in range(3)
    ]
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert run(["show", INCIDENT, "--logs", str(file), "--width", "120"]) == 0
    out = capsys.readouterr().out
    assert "3 log records" in out
    assert "◆" in out
    assert "◆ log record" in out
    assert "step 1" not in out
    assert run(["show", INCIDENT, "--logs", str(file), "--width", "120", "--verbose"]) == 0
    told = [text for text in capsys.readouterr().out.splitlines() if "step" in text]
    assert [" ".join(text.split()) for text in told] == [
        "◆ +0 s step 0 (by time)",
        "◆ +100 ms step 1 (by time)",
        "◆ +200 ms step 2 (by time)",
    ]
    (tmp_path / "other.log").write_text("plain\n", "utf-8")
    assert run(["show", INCIDENT, "--logs", str(file), "--logs", str(tmp_path / "other.log")]) == 0
    printed = capsys.readouterr()
    assert "other.log" in printed.err
    assert "3 log records" in printed.out
    assert run(["show", INCIDENT, "--logs", str(tmp_path / "other.log")]) == 3


def test_blanks_of_a_line_with_ids_are_read_in_linear_time() -> None:
    # a regular expression that backtracks would never end
    trace_id, blanks = "5b8efff798038103d269b633813fc60c", " " * 300_000
    assert without_ids(f"({trace_id} , ) order{blanks}paid", [trace_id]) == f"order{blanks}paid"
