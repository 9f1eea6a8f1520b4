"""Output of `analyze` and `show` for the samples, and for hostile names."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.building import build, span
from tests.support.paths import GOLDEN, SAMPLES
from tracetui.analysis.analysis import Analysis
from tracetui.cli.main import run
from tracetui.model.span import Status
from tracetui.render.report.json import report_json
from tracetui.render.report.text import report_text
from tracetui.render.report.text_blocks import ReportOptions

UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))

FIRST_LOOK = [f"first-look/{name}.json" for name in ("checkout", "search", "timeout")]
INCIDENT = ["incident/before.json"]
OUTPUTS = {
    "first-look.json": ["analyze", *FIRST_LOOK, "--json"],
    "first-look.txt": ["analyze", *FIRST_LOOK, "--width", "80"],
    "first-look-ascii.txt": ["analyze", *FIRST_LOOK, "--width", "80", "--ascii"],
    "incident.txt": ["analyze", *INCIDENT, "--width", "80"],
    "incident-colour.txt": ["analyze", *INCIDENT, "--width", "60", "--color", "always", "--bottlenecks", "--errors"],
    "broken.txt": ["analyze", "broken/lost-context.json", "--width", "80", "--verbose"],
    **{
        f"show-{Path(name).stem}{suffix}.txt": ["show", name, "--width", "100", *flags]
        for name in [*FIRST_LOOK, *INCIDENT, "async/queue.json", "broken/clock-skew.json"]
        for suffix, flags in (("", []), ("-ascii", ["--ascii"]))
    },
}


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLORFGBG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def output(args: list[str], capsysbinary: pytest.CaptureFixture[bytes]) -> bytes:
    code = run(args)
    printed = capsysbinary.readouterr()
    assert (code, printed.err) == (0, b"")
    return printed.out


@pytest.mark.parametrize("name", OUTPUTS)
def test_output_is_unchanged(name: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    printed = output(OUTPUTS[name], capsysbinary)
    if UPDATE:
        (GOLDEN / name).write_bytes(printed)
    assert printed == (GOLDEN / name).read_bytes()


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir() if not path.name.startswith(("graph-", "keys-", "why"))} == {
        *OUTPUTS,
        "README.md",
    }


def report(args: list[str], capsysbinary: pytest.CaptureFixture[bytes]) -> Any:
    return json.loads(output(["analyze", *args, "--json"], capsysbinary))


SUMMARY = "trace_count span_count service_count error_trace_count error_rate orphan_span_count warning_count start end"
PATTERN = "service message operations count percent propagated_count trace_count first_seen last_seen example_trace_ids"
KEYS = {
    "summary": f"{SUMMARY} duration_stats response_time_stats skewed_trace_count root_missing_count",
    "summary.response_time_stats": "min_ms mean_ms p50_ms p90_ms p95_ms p99_ms max_ms",
    "async_work.0": "service operation unit_count trace_count duration_stats bottlenecks example_trace_ids",
    "critical_paths.2.async_work.0": "span_id service operation duration_ms sections",
    "summary.duration_stats": "min_ms mean_ms p50_ms p90_ms p95_ms p99_ms max_ms",
    "bottlenecks.0": "service operation mean_critical_ms share_percent occurrences trace_count pattern",
    "critical_paths.0": "trace_id total_duration_ms response_time_ms critical_path_duration_ms spans sections",
    "critical_paths.1": "async_work root_missing",
    "critical_paths.0.spans.0": "span_id service operation duration_ms critical_ms",
    "critical_paths.0.sections.0": "span_id service operation start_us end_us",
    "errors": "error_rate error_trace_count trace_count patterns by_service",
    "errors.patterns.0": PATTERN,
    "errors.by_service.fraud-service": "error_count patterns",
    "errors.by_service.fraud-service.patterns.0": "message count percent example_trace_ids",
    "dependencies": "services dependencies edges",
    "dependencies.services.fraud-service": "call_count avg_duration_ms p50_ms p95_ms p99_ms error_rate inferred",
    "dependencies.dependencies.fraud-service": "history-db",
    "dependencies.edges.0": "caller callee call_count error_count error_rate p50_ms p95_ms p99_ms async",
    "warnings.0": "file position message",
}


def test_the_json_has_every_promised_key(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["analyze", *FIRST_LOOK, "broken/cut.json", "--json"]) == 0
    found = json.loads(capsysbinary.readouterr().out)
    sections = {"verdict", "bottlenecks", "findings", "async_work", "critical_paths", "errors", "dependencies"}
    assert set(found) == {"summary", *sections, "warning_kinds", "warnings"}
    for path, keys in KEYS.items():
        part = found
        for step in path.split("."):
            part = part[int(step) if step.isdecimal() else step]
        assert set(keys.split()) <= set(part), path


def test_figures_of_the_incident(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    before = report(INCIDENT, capsysbinary)
    summary = before["summary"]
    assert (summary["trace_count"], summary["error_trace_count"], summary["error_rate"]) == (100, 8, 8.0)
    stats = summary["duration_stats"]
    assert [stats[key] for key in ("mean_ms", "p95_ms", "p99_ms")] == pytest.approx([1250, 2100, 3500], rel=0.001)
    first, second = before["bottlenecks"][:2]
    assert (first["service"], first["operation"]) == ("user-service", "database_query")
    assert first["share_percent"] == pytest.approx(74, abs=0.5)
    assert (first["occurrences"], first["trace_count"]) == (100, 100)
    assert first["pattern"].startswith("SELECT")
    assert (second["service"], second["operation"]) == ("recommendation-service", "fetch_recommendations")
    assert second["total_share_percent"] == pytest.approx(26, abs=0.5)
    could, *others = before["findings"]
    assert [(one["advice"], one["trace_count"]) for one in others] == [("timeouts", 2), ("timeouts", 6)]
    assert (could["advice"], could["service"], could["operation"]) == ("side_by_side", "api-gateway", "GET /profile")
    calls = [(call["service"], call["operation"]) for call in could["calls"]]
    assert calls == [("user-service", "get_user"), ("recommendation-service", "fetch_recommendations")]
    assert (could["trace_count"], could["share_percent"]) == (85, pytest.approx(25.8, abs=0.1))
    patterns = [(p["service"], p["message"], p["count"]) for p in before["errors"]["patterns"]]
    assert patterns == [
        ("recommendation-service", "Connection timeout", 6),
        ("user-service", "Database query timeout", 2),
    ]
    assert before["dependencies"]["dependencies"] == {
        "api-gateway": {"user-service": 100, "recommendation-service": 85},
        "user-service": {"database": 100},
    }
    durations = [path["total_duration_ms"] for path in before["critical_paths"]]
    assert durations == sorted(durations, reverse=True)


def test_figures_after_the_fix(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    summary = report(["incident/after.json"], capsysbinary)["summary"]
    assert (summary["trace_count"], summary["error_trace_count"]) == (200, 1)
    stats = summary["duration_stats"]
    assert [stats[key] for key in ("mean_ms", "p95_ms", "p99_ms")] == pytest.approx([250, 380, 450], rel=0.001)


def test_empty_selection_gives_nulls(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    found = report([*INCIDENT, "--latency-threshold", "1e9"], capsysbinary)
    assert set(found["summary"]["duration_stats"].values()) == {None}
    assert (found["summary"]["trace_count"], found["summary"]["start"]) == (0, None)
    assert (found["bottlenecks"], found["critical_paths"], found["errors"]["patterns"]) == ([], [], [])
    text = output(["analyze", *INCIDENT, "--latency-threshold", "3.6e6", "--errors-only"], capsysbinary)
    assert text == b"No trace matches\nfilter: slower than 1h, with errors\n"


def is_harmless(text: str) -> bool:
    """Test for text without characters that move the cursor, colour, hide or reorder."""
    return all(
        character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        for character in text
    )


HOSTILE = sorted((SAMPLES / "hostile").glob("*.json"))


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
@pytest.mark.parametrize("width", ["40", "80", "200"])
def test_hostile_samples_print_only_text(path: Path, width: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    for command in (["analyze", "--verbose"], ["show", "--all"], ["show", "--ascii"], ["analyze", "--ascii"]):
        code = run([*command, str(path), "--width", width])
        printed = capsysbinary.readouterr()
        assert (code, printed.out != b"") == (0, True)
        assert is_harmless(printed.out.decode())
        assert is_harmless(printed.err.decode())


NASTY = st.text(
    st.sampled_from(
        "\x1b\x07\x00\x7f\x85\x9b\r\n\t\u202e\u2066\u200b\u200d\ufeff\u2028\ud800\udfff\ue000[]m;/é漢e\u0301🙂"
    )
    | st.characters(),
    max_size=12,
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NASTY, min_size=9, max_size=9), width=st.integers(40, 120), ascii_only=st.booleans())
def test_names_with_control_codes_are_escaped(
    names: list[str], width: int, ascii_only: bool, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    service, operation, key, value, message, event, warning, trace_id, process = names
    span = {
        "traceID": trace_id,
        "spanID": "1",
        "operationName": operation,
        "startTime": 1_000_000,
        "duration": 1000,
        "processID": process,
        "tags": [
            {"key": "error", "type": "bool", "value": True},
            {"key": "otel.status_description", "type": "string", "value": message},
            {"key": "span.kind", "type": "string", "value": "client"},
            {"key": "peer.service", "type": "string", "value": value},
            {"key": key, "type": "string", "value": value},
        ],
        "logs": [{"timestamp": 1_000_100, "fields": [{"key": "event", "type": "string", "value": event}]}],
        "warnings": [warning],
    }
    child = {**span, "spanID": warning or "2", "references": [{"traceID": trace_id, "spanID": "1"}]}
    trace = {"traceID": trace_id, "spans": [span, child], "processes": {process: {"serviceName": service}}}
    file = tmp_path / "trace"
    file.write_text(json.dumps({"data": [trace, 5], "errors": [{"msg": message}]}))
    flags = [str(file), "--width", str(width), *(["--ascii"] if ascii_only else [])]
    for command in ("analyze", "show"):
        code = run([command, *flags, "--verbose"])
        printed = capsysbinary.readouterr()
        assert code == 0
        assert is_harmless(printed.out.decode())
        assert is_harmless(printed.err.decode())
    run(["show", *flags, "--trace", f"no {operation}".replace("\0", "")])
    assert is_harmless(capsysbinary.readouterr().err.decode())


def test_report_of_one_trace_with_a_handled_error() -> None:
    spans = [span("1", 0, 100, service="web", error=True, message="failed")]
    spans.append(span("2", 0, 90, parent="1", service="cart", status=Status.OK))
    spans.append(span("3", 0, 80, parent="2", service="db", error=True))
    shown = "\n".join(line.text for line in report_text(Analysis(build(*spans)), ("errors",), ReportOptions(width=100)))
    assert shown.count("1 of 1 request failed") == 2
    assert "1 handled" in shown
    assert "failed 1 request" in shown
    assert "propagated to" not in shown


def test_traces_with_errors_and_failed_requests_are_both_shown() -> None:
    recovered = [
        span("1", 0, 100, trace="2", service="web"),
        span("2", 0, 10, trace="2", parent="1", service="web", name="get", error=True),
        span("3", 10, 20, trace="2", parent="1", service="web", name="get"),
    ]
    traces = build(span("1", 0, 100, trace="1", service="web", error=True, message="failed"), *recovered)
    shown = "\n".join(line.text for line in report_text(Analysis(traces), ("errors",), ReportOptions(width=100)))
    assert shown.count("2 of 2 traces with errors (100 %): 1 request failed (50 %), 1 recovered") == 2
    assert "1 handled (1 retried)" in shown


def test_kinds_of_warnings_are_named_with_counts() -> None:
    traces = build(
        span("a", 0, 10),
        span("b", 1, 5, parent="99"),
        span("c", 1, 5, parent="98"),
        span("d", 0, 10, trace="2"),
        span("e", 1, 5, trace="2"),
    )
    analysis = Analysis(traces)
    text = "\n".join(line.text for line in report_text(analysis, ("summary",), ReportOptions()))
    assert "⚠ warnings  orphan 2 in 1 trace   roots 3 in 2 traces\n" in text
    kinds = json.loads(b"".join(report_json(analysis)))["warning_kinds"]
    assert [(kind["kind"], kind["span_count"], kind["trace_count"]) for kind in kinds] == [
        ("orphan", 2, 1),
        ("roots", 3, 2),
    ]
