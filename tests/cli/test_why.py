"""Root causes: generated incidents, the choice of a baseline, and the command."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.support.building import build, span
from tests.support.incidents import FAULTS, Incident, incident
from tests.support.paths import GOLDEN, SAMPLES
from tracetui.analysis.root_causes import (
    Cause,
    choose_baseline,
    find_causes_without_baseline,
    find_root_causes,
    halve_confidence,
)
from tracetui.analysis.root_causes.aligned_trace_sets import Numbering
from tracetui.analysis.root_causes.evidence import HALF_CERTAIN, EvidenceKind, certainty
from tracetui.analysis.root_causes.log_statements import number_log_statements
from tracetui.cli.main import run
from tracetui.export.registry import exporter_named
from tracetui.export.save import save
from tracetui.ingest.logs import with_logs_of_all
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet

KIND_OF = {
    "self_time": EvidenceKind.SELF_TIME,
    "network": EvidenceKind.NETWORK,
    "errors": EvidenceKind.ERRORS,
    "early_return": EvidenceKind.STEPS,
    "dependency": EvidenceKind.DEPENDENCY,
    "more_calls": EvidenceKind.MORE_CALLS,
    "slow_host": EvidenceKind.SELF_TIME,
    "new_call": EvidenceKind.STEPS,
}
SEEDS = range(24)


def is_right(cause: Cause, of: Incident) -> bool:
    if of.fault == "dependency":
        return cause.service == f"postgresql:{of.service}-db"
    return cause.service == of.service


def test_first_cause_is_right_in_generated_incidents() -> None:
    right, sure, surely_right = [], 0, 0
    for seed in SEEDS:
        generated = incident(seed)
        found = find_root_causes(generated.before, generated.after)
        first = found.causes[0]
        right.append(is_right(first, generated))
        if first.confidence >= 0.9:
            sure += 1
            surely_right += right[-1]
        if right[-1] and generated.fault != "more_calls":
            assert first.propagation_path[0] == "gateway"
            assert first.propagation_path[-1] == first.service
    assert np.mean(right) >= 0.8
    assert sure >= 3
    assert surely_right / sure >= 0.9


@pytest.mark.parametrize("fault", FAULTS)
def test_evidence_kind_of_each_fault(fault: str) -> None:
    generated = incident(100, fault)
    first = find_root_causes(generated.before, generated.after).causes[0]
    assert is_right(first, generated)
    assert first.kind is KIND_OF[fault]
    finding = first.evidence[0]
    assert finding.before is None or finding.after > finding.before
    assert first.example_trace_ids
    assert all(generated.after.find_trace(trace) is not None for trace in first.example_trace_ids)


def test_equal_sets_have_no_cause() -> None:
    generated = incident(3)
    found = find_root_causes(generated.before, generated.before)
    assert not found.is_confident
    assert not found.causes
    assert any("deviation" in text for text in found.missing_data)


def test_busy_service_does_not_rank_higher_for_its_size() -> None:
    """One service has a hundred times the calls and becomes 10 % slower; another becomes 10 times slower."""

    def generated(busy: int, rare: int, seed: int) -> TraceSet:
        random, spans = np.random.default_rng(seed), []
        for trace in range(40):
            at, name = trace * 10_000_000, str(trace + 1)
            spans.append(span("a", at, at + 2_000_000, trace=name, service="web", kind=Kind.SERVER))
            for call in range(100):
                begin = at + 1_000 * call
                duration = int(busy * random.lognormal(0, 0.1))
                spans.append(span(f"{call + 16:x}", begin, begin + duration, parent="a", trace=name, service="busy"))
            duration = int(rare * random.lognormal(0, 0.1))
            spans.append(span("f0f", at + 1_000_000, at + 1_000_000 + duration, parent="a", trace=name, service="rare"))
        return build(*spans)

    found = find_root_causes(generated(500, 20_000, 1), generated(550, 200_000, 2))
    assert found.causes[0].service == "rare"


def test_slow_instance_is_reported() -> None:
    generated = incident(100, "slow_host")
    first = find_root_causes(generated.before, generated.after).causes[0]
    assert first.host == f"{generated.service}-1"


def test_caller_of_failing_service_is_not_its_cause() -> None:
    generated = incident(5, "errors")
    found = find_root_causes(generated.before, generated.after)
    assert found.causes[0].service == generated.service
    assert all(cause.kind is not EvidenceKind.ERRORS for cause in found.causes[1:])


def test_baseline_is_the_time_before_the_fault() -> None:
    generated = incident(0, "self_time")
    both = joined(generated)
    choice = choose_baseline(both)
    assert choice is not None
    is_after = np.arange(both.trace_count) >= generated.before.trace_count
    assert (choice.incident == is_after).mean() > 0.85
    found = find_root_causes(both.select(choice.baseline), both.select(choice.incident))
    assert found.causes[0].service == generated.service


def test_failed_requests_are_compared_with_the_others_if_no_period_is_abnormal() -> None:
    spans = []
    for trace in range(40):
        at, name, failed = trace * 1_000_000, str(trace + 1), trace % 4 == 0
        spans.append(span("a", at, at + 1_000, trace=name, service="web", kind=Kind.SERVER, error=failed))
        spans.append(span("b", at + 10, at + 900, parent="a", trace=name, service="db", error=failed))
    traces = build(*spans)
    choice = choose_baseline(traces)
    assert choice is not None
    assert choice.incident.tolist() == (traces.trace_errors > 0).tolist()
    assert find_root_causes(traces.select(choice.baseline), traces.select(choice.incident)).causes[0].service == "db"


def test_baseline_of_faster_requests_halves_the_confidence() -> None:
    choice = choose_baseline(incident(1).before)
    assert choice is not None
    assert choice.is_weak
    found = find_root_causes(incident(1).before, incident(1).after)
    reduced = halve_confidence(found)
    assert not reduced.is_confident
    assert [cause.service for cause in reduced.causes] == [cause.service for cause in found.causes]
    assert any("baseline" in text for text in reduced.missing_data)


def test_few_traces_have_no_baseline() -> None:
    assert choose_baseline(build(span("a", 0, 10))) is None


def test_slow_trace_without_a_baseline_is_analysed_by_critical_path() -> None:
    traces = build(
        span("a", 0, 1_000, service="web", name="GET /"),
        span("b", 10, 200, parent="a", service="auth"),
        span("c", 200, 990, parent="a", service="shop", name="order"),
        span("d", 210, 980, parent="c", service="stock", name="reserve"),
    )
    found = find_causes_without_baseline(traces)
    assert [cause.service for cause in found.causes[:2]] == ["stock", "auth"]
    first = found.causes[0]
    assert (first.operation, first.propagation_path) == ("reserve", ("web", "shop", "stock"))
    assert 0.5 < first.confidence < 0.9
    assert found.missing_data


def test_slow_trace_with_several_causes_lists_them_by_their_time_on_the_critical_path() -> None:
    database = {"db.system": "mysql", "db.name": "orders"}
    traces = build(
        span("a", 0, 1_000, service="web", name="GET /"),
        span("b", 10, 410, parent="a", service="shop", name="order"),
        span("c", 20, 400, parent="b", service="shop", name="SELECT", kind=Kind.CLIENT, attributes=database),
        span("d", 420, 980, parent="a", service="stock", name="reserve"),
    )
    found = find_causes_without_baseline(traces)
    assert [cause.service for cause in found.causes] == ["stock", "shop", "web"]
    # the target has no span that could be looked at
    detail = found.causes[1].evidence[0]
    assert (detail.kind, detail.operation, detail.target) == (EvidenceKind.DEPENDENCY, "SELECT", "mysql:orders")
    assert not found.causes[1].is_external


def test_failed_trace_without_a_baseline_is_analysed_by_errors() -> None:
    traces = build(
        span("a", 0, 1_000, service="web", kind=Kind.SERVER, error=True),
        span("b", 10, 900, parent="a", service="slow"),
        span("c", 910, 950, parent="a", service="broken", error=True),
    )
    first = find_causes_without_baseline(traces).causes[0]
    assert (first.service, first.kind) == ("broken", EvidenceKind.ERRORS)
    assert (first.evidence[0].after, first.evidence[0].span_count) == (1.0, 1)


def test_single_failed_request_is_not_compared_with_the_others() -> None:
    spans = []
    for trace in range(30):
        at, name, failed = trace * 1_000_000, str(trace + 1), trace == 7
        spans.append(span("a", at, at + 1_000, trace=name, service="web", kind=Kind.SERVER, error=failed))
        spans.append(span("b", at + 10, at + 900, parent="a", trace=name, service="db", name="q", error=failed))
    traces = build(*spans)
    assert choose_baseline(traces) is None
    first = find_causes_without_baseline(traces).causes[0]
    assert (first.service, first.evidence[0].span_count) == ("db", 30)
    assert first.evidence[0].after == pytest.approx(1 / 30)


def test_certainty_of_a_change() -> None:
    assert certainty(np.array([-5.0, 0.0, HALF_CERTAIN, 1e9])).tolist() == pytest.approx([0, 0, 0.5, 1], abs=1e-6)


# --- log lines -------------------------------------------------------------------------------------------------------


def test_log_statements_are_recognised_by_call_site_or_text(tmp_path: Path) -> None:
    traces = build(span("a", 0, 1_000))
    messages = [
        "10:00:01.5 INFO OrderService#57 saved 8123",
        "10:00:02.5 INFO OrderService#57 saved 8124 twice",
        "10:00:02.5 INFO OrderService#61 saved 8124",
        "order.go:12 saved 1",
        "user 17 logged in",
        "user 18 logged in",
    ]
    statements = Numbering[str]()
    numbers = number_log_statements(logged(tmp_path, [(traces, messages)])[0], statements, {})
    assert sorted(statements.values) == ["OrderService#57", "OrderService#61", "order.go:12", "user {id} logged in"]
    assert len(numbers) == 6


def test_missing_log_line_is_evidence_against_the_service_that_omits_it(tmp_path: Path) -> None:
    def generated(trace: int) -> TraceSet:
        spans = []
        for number in range(trace, trace + 30):
            at, name = number * 10_000, f"{number:032x}"
            spans.append(span("a", at, at + 1_000, trace=name, service="web", name="GET"))
            spans.append(span("b", at + 10, at + 900, parent="a", trace=name, service="stock", name="reserve"))
        return build(*spans)

    before, after = generated(1), generated(101)
    found = logged(tmp_path, [(before, ["begin", "done"]), (after, ["begin"])])
    why = find_root_causes(*found)
    first = why.causes[0]
    assert (first.service, first.kind) == ("stock", EvidenceKind.STEPS)
    assert first.evidence[0].missing_steps == ("log done",)
    assert find_root_causes(before, after).causes == ()


def logged(folder: Path, sides: list[tuple[TraceSet, list[str]]]) -> list[TraceSet]:
    """Add log lines with these messages to the last span of each trace, all from one file."""
    lines = [
        json.dumps(
            {
                "message": message,
                "trace_id": traces.trace_ids[trace],
                "span_id": traces.span_id(last),
                "time": "2023-11-14T22:13:20Z",
            }
        )
        for traces, messages in sides
        for trace in range(traces.trace_count)
        for last in [int(traces.first[trace + 1]) - 1]
        for message in messages
    ]
    file = folder / "logs.jsonl"
    file.write_text("\n".join(lines))
    return with_logs_of_all([traces for traces, _ in sides], [str(file)])


def test_log_records_of_one_file_are_assigned_to_the_set_of_their_trace(tmp_path: Path) -> None:
    first, second = build(span("a", 0, 10, trace="1")), build(span("a", 0, 10, trace="2"))
    found = logged(tmp_path, [(first, ["one"]), (second, ["two", "three"])])
    assert [len(traces.log_lines) for traces in found] == [1, 2]
    assert found[0].log_lines.files[0].matched == 3


# --- the command -----------------------------------------------------------------------------------------------------


def joined(generated: Incident) -> TraceSet:
    """Build one set of the traces before and after, one hour apart."""
    spans = []
    for number, traces in enumerate((generated.before, generated.after)):
        for position in range(len(traces)):
            one = traces.span(position)
            at = (one.start_ns - 1_700_000_000_000_000_000) // 1_000 + number * 3_600_000_000
            spans.append(
                span(
                    one.span_id,
                    at,
                    at + one.duration_ns // 1_000,
                    parent=one.parent_id or "",
                    trace=f"{number + 1}{int(one.trace_id, 16):04x}",
                    service=one.service,
                    name=one.name,
                    kind=one.kind,
                    error=one.error,
                    message=one.status_message,
                    attributes=one.attributes,
                    resource=one.resource,
                )
            )
    return build(*spans)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Write the traces before, after, and of both, to files."""
    folder = tmp_path_factory.mktemp("why")
    generated = incident(8, "self_time")
    paths = []
    for name, traces in (
        ("before", generated.before),
        ("after", generated.after),
        ("both", joined(generated)),
    ):
        path = folder / f"{name}.json"
        path.write_bytes(b"".join(exporter_named("otlp-json").encode(traces, Counter())))
        paths.append(path)
    return paths[0], paths[1], paths[2]


def test_json_names_the_cause(files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    generated = incident(8, "self_time")
    assert run(["why", str(files[1]), "--baseline", str(files[0]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["baseline"] == {"description": str(files[0]), "trace_count": 40}
    first = found["causes"][0]
    assert (first["rank"], first["service"], first["kind"]) == (1, generated.service, "self_time")
    assert first["evidence"][0]["after_ms"] > 3 * first["evidence"][0]["before_ms"]
    assert first["entry_points"] == [{"service": "gateway", "operation": "gateway.handle", "trace_count": 40}]
    assert run(["show", str(files[1]), "--trace", first["example_trace_ids"][0]]) == 0


@pytest.mark.parametrize("option", [["--at", "22:40"], []])
def test_baseline_within_one_set(
    files: tuple[Path, Path, Path], option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["why", str(files[2]), *option, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["causes"][0]["service"] == incident(8, "self_time").service
    assert found["baseline"]["description"] == ("before 22:40" if option else "normal periods of the same traces")


def test_report_equals_the_golden_file(
    files: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(files[0].parent)
    assert run(["why", "after.json", "--baseline", "before.json", "--width", "100"]) == 0
    text, path = capsys.readouterr().out, GOLDEN / "why.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_report_of_an_improvement_says_first_that_nothing_got_worse(capsys: pytest.CaptureFixture[str]) -> None:
    before, after = str(SAMPLES / "incident" / "before.json"), str(SAMPLES / "incident" / "after.json")
    folder = str(SAMPLES / "incident")
    for arguments in ([after, "--baseline", before], [folder, "--at", "10:16"]):
        assert run(["why", *arguments]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[2] == "Nothing got worse: p50 1.22 s → 267 ms, failed requests 8.0 % → 0.5 %."
        assert not any("confidence" in line for line in lines)
    assert run(["why", after, "--baseline", before, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sure"], found["symptoms"]["worse"], found["symptoms"]["faster"]) == (False, False, True)
    assert found["causes"][0]["confidence"] < 0.5


def test_report_names_what_got_worse_and_the_origins_of_failures(capsys: pytest.CaptureFixture[str]) -> None:
    before, after = str(SAMPLES / "incident" / "before.json"), str(SAMPLES / "incident" / "after.json")
    assert run(["why", before, "--baseline", after]) == 0
    text = capsys.readouterr().out
    assert (
        "Got worse  api-gateway GET /profile\n           p50 267 ms → 1.22 s, failed requests 0.5 % → 8.0 %\n" in text
    )
    assert "  database (external)  dependency  confidence 72 %" in text
    assert "  recommendation-service  error origin  explains some failures" in text
    assert "errors begin in 7.1 % of 85 spans, in 0.6 % before" in text
    assert " 0 %\n" not in text
    assert run(["why", before, "--baseline", after, "--json"]) == 0
    entry = json.loads(capsys.readouterr().out)["symptoms"]["entry_points"][0]
    assert (entry["service"], entry["slower"], entry["fails_more"]) == ("api-gateway", True, True)
    assert (entry["before"]["failed_request_count"], entry["after"]["failed_request_count"]) == (1, 8)


def test_sum_of_requests_is_omitted_if_only_rare_entry_points_got_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, factor in (("before", 1), ("after", 9)):
        spans = []
        for number in range(4_020):
            operation, time = ("GET /", 1_000) if number < 4_000 else (f"GET /{'ab'[number % 2]}", 1_000 * factor)
            time += number % 7
            spans.append(span("a", 0, time, trace=f"{number + 1:032x}", service="web", name=operation))
        save(build(*spans), tmp_path / f"{name}.json")
    assert run(["why", str(tmp_path / "after.json"), "--baseline", str(tmp_path / "before.json")]) == 0
    lines = capsys.readouterr().out.splitlines()[2:6]
    assert [line.strip() for line in lines[::2]] == ["Got worse  web GET /a", "web GET /b"]
    assert all(line.strip().startswith("p50 1.00 ms") for line in lines[1::2])


def test_equal_sets_are_reported_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(SAMPLES / "incident" / "before.json")
    assert run(["why", file, "--baseline", file]) == 0
    text = capsys.readouterr().out
    text = " ".join(text.split())
    assert "Nothing got worse beyond chance: p50 1.22 s → 1.22 s, failed requests 8.0 % → 8.0 %." in text
    assert "Not enough evidence to name a cause." in text


def test_failed_requests_are_not_called_worse_than_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", str(SAMPLES / "incident" / "before.json")]) == 0
    text = capsys.readouterr().out
    assert "requests that did not fail" in text
    assert "worse" not in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--at", "10:05", "--by", "x"], "use only one of --baseline, --at and --by"),
        (["--at", "soon"], "'soon' is not a time"),
        (["--query", "duration > 1h"], "matches the filters"),
        (["--query", "service = nothing AND error"], "no service named 'nothing'"),
    ],
)
def test_bad_usage(
    files: tuple[Path, Path, Path], arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["why", str(files[0]), *arguments]) == 2
    assert text in capsys.readouterr().err
