"""Saved traces that are loaded again: the same figures and warnings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given

from tests.support.building import GivenSpan, build, span
from tests.support.paths import CASES
from tests.support.program import Program
from tests.support.saved_files import comparable_spans, reloaded, report_figures
from tests.support.strategies import rough_sets, service_sets, unhurried
from tracetui.analysis.skew import correct_skew
from tracetui.export.save import save
from tracetui.ingest.formats import saved_fields
from tracetui.ingest.formats.value_nesting import SKIPPED, VALUE_NESTING
from tracetui.ingest.loader import load
from tracetui.ingest.logs import with_logs
from tracetui.model.span import Flag


@unhurried
@given(given_spans=rough_sets() | service_sets())
def test_saved_traces_round_trip(given_spans: list[GivenSpan], tmp_path_factory: Any) -> None:
    assume(given_spans)
    traces = build(*given_spans)
    loaded = reloaded(traces, tmp_path_factory.mktemp("saved"))
    assert comparable_spans(loaded) == comparable_spans(traces)
    assert report_figures(loaded) == report_figures(traces)


_PARENT = span("a", 0, 100, service="web")
MARKED: dict[Flag, list[GivenSpan]] = {
    Flag.ORPHAN: [span("b", 10, 60, parent="gone")],
    Flag.SAME_ID: [_PARENT, span("b", 10, 60, parent="a"), span("b", 70, 90, parent="a", name="other")],
    Flag.CYCLE_CUT: [span("a", 10, 60, parent="b"), span("b", 20, 60, parent="a")],
    Flag.NEGATIVE_DURATION: [_PARENT, span("b", 60, 10, parent="a")],
    Flag.SOURCE_WARNING: [_PARENT, span("b", 10, 60, parent="a", warnings=["late", "odd"])],
} | {
    mark: [_PARENT, span("b", 10, 60, parent="a", flags=mark), span("c", 20, 30, parent="b")]
    for mark in (
        Flag.START_REPAIRED,
        Flag.NO_DURATION,
        Flag.FOLLOWS_FROM,
        Flag.SHARED,
        Flag.SHORTENED,
        Flag.OUT_OF_RANGE,
        Flag.SKEW_ADJUSTED,
    )
}


@pytest.mark.parametrize("mark", [mark for mark in Flag if mark is not Flag.END_KNOWN], ids=lambda mark: mark.name)
def test_every_flag_is_saved(mark: Flag, tmp_path: Path) -> None:
    traces = build(*MARKED[mark])
    assert any(one.flags & mark for one in comparable_spans(traces))
    loaded = reloaded(traces, tmp_path)
    assert comparable_spans(loaded) == comparable_spans(traces)
    assert report_figures(loaded) == report_figures(traces)
    assert all(mark in saved_fields.CARRIED for mark in MARKED if mark & ~Flag.warnings())


def test_end_without_start_is_resolved_before_saving() -> None:
    assert not any(
        one.flags & Flag.END_KNOWN for one in comparable_spans(load([str(CASES / "sweep-save-start-zero.json")]))
    )


def test_trace_with_only_an_end_keeps_its_position(tmp_path: Path) -> None:
    source = tmp_path / "source.json"
    ended = '{"traceId":"01","spanId":"02","name":"a","endTimeUnixNano":"7000000"}'
    source.write_text(f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{ended}]}}]}}]}}')
    traces = load([str(source)])
    assert traces.start.tolist() == [7_000_000]
    loaded = reloaded(traces, tmp_path)
    assert comparable_spans(loaded) == comparable_spans(traces)
    assert report_figures(loaded) == report_figures(traces)


def test_skew_adjusted_spans_keep_their_times(tmp_path: Path) -> None:
    moved = correct_skew(
        build(
            span("a", 0, 100, service="web", resource={"host.name": "h1"}),
            span("b", 500, 550, parent="a", service="api", resource={"host.name": "h2"}, events=[(510, "e")]),
        )
    )
    assert moved.skew
    loaded = reloaded(moved, tmp_path)
    assert np.array_equal(loaded.start, moved.start)
    assert [event.time_ns for one in comparable_spans(loaded) for event in one.events] == [
        event.time_ns for one in comparable_spans(moved) for event in one.events
    ]
    assert report_figures(loaded) == report_figures(moved)
    assert all("to correct clock skew" in loaded.warnings_of(at)[-1] for at in moved.skew)


@pytest.mark.parametrize("trace_id", ["1a", "ABCDEF0123456789", "a" * 32, "not hex", "f" * 40])
def test_spelling_of_ids_is_saved(trace_id: str, tmp_path: Path) -> None:
    many = [span(f"odd {i}", i, i + 2, trace=trace_id, parent="odd 0" if i else "", service=f"s{i}") for i in range(3)]
    traces = build(*many, span("B", 5, 6, trace="2b"))
    loaded = reloaded(traces, tmp_path)
    assert not any(loaded.flags & int(Flag.ORPHAN))
    assert loaded.trace_ids == traces.trace_ids
    assert comparable_spans(loaded) == comparable_spans(traces)


def test_spans_with_equal_starts_keep_their_order(tmp_path: Path) -> None:
    calls = [span(f"{i}", 10, 90, parent="a", service=f"s{i % 2}", name=f"n{i}") for i in (3, 1, 2, 5, 4)]
    traces = build(_PARENT, *calls)
    loaded = reloaded(traces, tmp_path)
    assert [one.span_id for one in comparable_spans(loaded)] == [one.span_id for one in comparable_spans(traces)]
    assert report_figures(loaded) == report_figures(traces)


def test_trace_warnings_are_saved(tmp_path: Path) -> None:
    traces = replace(build(_PARENT), trace_warnings={0: ["incomplete", "late"]})
    loaded = reloaded(traces, tmp_path)
    assert loaded.trace_warnings == traces.trace_warnings
    assert loaded.trace_warning_counts.tolist() == [2]


def test_lost_parts_are_reported(tmp_path: Path) -> None:
    traces = build(_PARENT, _PARENT, span("b", 10, 60, parent="a"), _PARENT)
    (tmp_path / "app.jsonl").write_text('{"trace_id": "1", "time": 1, "msg": "a line"}')
    lost = save(with_logs(traces, [str(tmp_path / "app.jsonl")]), tmp_path / "saved.jsonl")
    assert lost == ["2 duplicate records of spans", "1 log record"]
    loaded = load([str(tmp_path / "saved.jsonl")])
    assert loaded.events(0) == traces.events(0)
    assert save(loaded, tmp_path / "again.jsonl") == []


def test_other_readers_can_ignore_the_extra_field(tmp_path: Path) -> None:
    save(build(*MARKED[Flag.FOLLOWS_FROM]), tmp_path / "saved.jsonl")
    (line,) = (tmp_path / "saved.jsonl").read_text().splitlines()
    added = [
        set(one) - {"traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"}
        for part in json.loads(line)["resourceSpans"]
        for scope in part["scopeSpans"]
        for one in scope["spans"]
    ]
    assert set().union(*added) == {saved_fields.FIELD}


@pytest.mark.parametrize("field", [5, "x", [], {"marks": 5}, {"marks": ["NOBODY", "ORPHAN"]}, None])
def test_foreign_field_of_the_same_name_is_ignored(field: Any, tmp_path: Path) -> None:
    one = {"traceId": "a" * 32, "spanId": "b" * 16, "startTimeUnixNano": "1000", "endTimeUnixNano": "3000"}
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [one | {saved_fields.FIELD: field}]}]}]}
    (tmp_path / "f.json").write_text(json.dumps(request))
    found = load([str(tmp_path / "f.json")]).span(0)
    assert (found.start_ns, found.duration_ns, found.flags) == (1000, 2000, Flag.NONE)


# --- The command line -----------------------------------------------------------------------------------------------


def saved_and_reloaded(program: Program, case: str, folder: Path) -> list[Any]:
    path = folder / "saved.jsonl"
    runs = [program("analyze", str(CASES / case), "--save", str(path), "--json"), program.analyze(str(path))]
    assert [run.code for run in runs] == [0, 0]
    return [json.loads(run.out) for run in runs]


def test_a_start_of_zero_is_a_time(program: Program, tmp_path: Path) -> None:
    first, second = saved_and_reloaded(program, "sweep-save-start-zero.json", tmp_path)
    assert first == second
    assert second["summary"]["duration_stats"]["max_ms"] == 100.0
    assert second["summary"]["warning_count"] == 0
    services = second["dependencies"]["services"]
    assert (services["web"]["p50_ms"], services["orders"]["p50_ms"]) == (100.0, 50.0)
    assert [(row["service"], row["share_percent"]) for row in second["bottlenecks"]] == [
        ("web", 50.0),
        ("orders", 50.0),
    ]


def test_follows_from_parent_is_saved(program: Program, tmp_path: Path) -> None:
    first, second = saved_and_reloaded(program, "sweep-save-follows-from.json", tmp_path)
    assert first == second
    (edge,) = second["dependencies"]["edges"]
    assert (edge["caller"], edge["callee"], edge["call_count"], edge["error_count"]) == ("shop", "mailer", 1, 0)
    assert edge["async"] is True


def test_a_span_without_a_start_keeps_its_duration(program: Program, tmp_path: Path) -> None:
    first, second = saved_and_reloaded(program, "fuzz-save-no-start.json", tmp_path)
    assert first == second
    assert second["summary"]["duration_stats"]["max_ms"] == 100.0


NUMBERS = [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**40, -(10**40), 0, True, 0.5]


def nested(depth: int, kind: type) -> Any:
    value: Any = 2**70
    for _ in range(depth):
        value = [value] if kind is list else {"key": value}
    return value


def test_integers_of_any_size_and_nested_values_are_saved(tmp_path: Path) -> None:
    deep = {f"{kind.__name__} {depth}": nested(depth, kind) for kind in (list, dict) for depth in (1, 31, 32, 33, 63)}
    values = {**{f"n{at}": value for at, value in enumerate(NUMBERS)}, "list": list(NUMBERS), **deep}
    traces = build(span("a", 0, 9, attributes=values, resource=values, events=[(1, "e", values)]))
    path = tmp_path / "saved.jsonl"
    assert save(traces, path) == []
    assert comparable_spans(load([str(path)])) == comparable_spans(traces)


def test_too_deep_values_are_reported(tmp_path: Path) -> None:
    traces = build(span("a", 0, 9, attributes={"deep": nested(70, list), "deeper": nested(80, dict), "b": 1}))
    assert save(traces, tmp_path / "saved.jsonl") == ["2 values nested too deeply"]


_DEEP_SPANS = {
    "jaeger": b"""{"data":[{"traceID":"1","spans":[{"traceID":"1","spanID":"2","operationName":"n","startTime":1,
        "duration":5,"processID":"p","tags":[{"key":"k","type":"string","value":%b}],
        "logs":[{"timestamp":2,"fields":[{"key":"k","value":%b}]}]}],"processes":{"p":{"serviceName":"s"}}}]}""",
    "zipkin": b"""[{"traceId":"1","id":"2","timestamp":1,"duration":5,"tags":{"k":%b},
        "annotations":[{"timestamp":2,"value":"e|{\\"k\\":%b}|0"}]}]""",
    "otlp": b"""{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"1","spanId":"2","startTimeUnixNano":1000,
        "endTimeUnixNano":6000,"attributes":[{"key":"k","value":%b}],
        "events":[{"timeUnixNano":2000,"attributes":[{"key":"k","value":%b}]}]}]}]}]}""",
}


@pytest.mark.parametrize("form", _DEEP_SPANS)
@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["lists", "maps"])
@pytest.mark.parametrize("depth", [63, 64, 65, 240, 450, 3_000])
def test_nesting_limit_is_the_same_in_every_format_and_saved_file(
    form: str, opening: bytes, depth: int, tmp_path: Path
) -> None:
    """The limit of the interpreter differs from version to version; that of the program does not."""
    closing = (b"]" if opening == b"[" else b"}") * depth
    deep = opening * depth + b"1" + closing
    quoted = deep.replace(b'"', b'\\"') if form == "zipkin" else deep
    source = tmp_path / "source.json"
    source.write_bytes(_DEEP_SPANS[form] % (deep, quoted))
    traces = load([str(source)])
    (one,) = comparable_spans(traces)
    for value in (one.attributes["k"], one.events[0].attributes["k"]):
        levels, inner = 0, value
        while isinstance(inner, (list, dict)):
            (inner,) = inner if isinstance(inner, list) else inner.values()
            levels += 1
        assert (levels, inner) == ((depth, 1) if depth <= VALUE_NESTING else (VALUE_NESTING, SKIPPED))
    path = tmp_path / "saved.jsonl"
    assert ("2 values nested too deeply" in save(traces, path)) == (depth > VALUE_NESTING)
    assert comparable_spans(load([str(path)])) == [one]


def test_order_of_ties_does_not_depend_on_the_order_of_names(tmp_path: Path) -> None:
    """A saved file has its names in another order than its source."""
    traces = build(
        span("b", 100, 150, parent="a", trace="1", service="web", name="y"),
        span("a", 100, 200, trace="1", service="api", name="x"),
    )
    number = np.array([1, 0], np.int32)
    renamed = replace(
        traces,
        services=traces.services[::-1],
        resources=[one._replace(service=int(number[one.service])) for one in traces.resources],
        known_operations=[],
        known_slots=[],
    )
    assert comparable_spans(renamed) == comparable_spans(traces)
    assert report_figures(renamed) == report_figures(reloaded(renamed, tmp_path)) == report_figures(traces)


@pytest.mark.parametrize("time_us", [-7, 0, 1 << 52, 1 << 63, 1 << 70])
def test_event_times_have_the_limits_of_start_times(time_us: int, tmp_path: Path) -> None:
    source = tmp_path / "source.json"
    source.write_bytes(_DEEP_SPANS["jaeger"].replace(b'"timestamp":2', b'"timestamp":%d' % time_us) % (b"1", b"1"))
    traces = load([str(source)])
    assert [event.time_ns for event in traces.span(0).events] == traces.event_times(0).tolist()
    assert comparable_spans(reloaded(traces, tmp_path)) == comparable_spans(traces)
