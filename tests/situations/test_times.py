"""Critical paths in cases from the field: asynchronous work, clock skew, several roots."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import CASES
from tests.support.program import Program

Report = Callable[..., dict[str, Any]]


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Program(tmp_path, capsys)


@pytest.fixture
def report(program: Program) -> Report:
    """Run `analyze` on a case. -> its JSON"""

    def run(name: str, *options: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(program.analyze(str(CASES / f"{name}.json"), *options).out)
        return found

    return run


def text(program: Program, name: str) -> str:
    """Run `analyze` on a case. -> its text with white space folded"""
    return " ".join(program("analyze", str(CASES / f"{name}.json")).out.split())


def rows(found: dict[str, Any]) -> list[tuple[str, str, float, int]]:
    """List service, operation, share and traces of each bottleneck."""
    return [
        (one["service"], one["operation"], round(one["share_percent"], 1), one["occurrences"])
        for one in found["bottlenecks"]
    ]


def assert_shares_are_valid(found: dict[str, Any]) -> bool:
    shares = [one[key] for one in found["bottlenecks"] for key in ("share_percent", "total_share_percent")]
    paths = found["critical_paths"]
    return all(0 <= share <= 100 for share in shares) and all(
        path["critical_path_duration_ms"] <= path["total_duration_ms"] for path in paths
    )


def test_message_processed_an_hour_later_is_not_on_the_critical_path(report: Report) -> None:
    found = report("async-an-hour-later")
    assert rows(found)[0] == ("shop", "INSERT", 75.0, 20)
    assert assert_shares_are_valid(found)
    summary = found["summary"]
    assert summary["duration_stats"]["p50_ms"] == 3_600_500
    assert {summary["response_time_stats"][f"{name}_ms"] for name in ("min", "p50", "p99", "max")} == {200}
    assert not report("async-an-hour-later", "--latency-threshold", "200")["summary"]["trace_count"]
    assert report("async-an-hour-later", "--latency-threshold", "199")["summary"]["trace_count"] == 20
    assert report("async-an-hour-later", "--query", "trace.response < 1s")["summary"]["trace_count"] == 20
    assert report("async-an-hour-later", "--query", "trace.duration > 1h")["summary"]["trace_count"] == 20


def test_text_report_contains_duration_and_response_time(program: Program) -> None:
    found = text(program, "async-an-hour-later")
    assert "Response time of 20 traces mean 200 ms" in found
    assert "20 of 20 traces lasted over 5 % longer than their response time" in found
    assert "Duration of 20 traces mean 3,600,500 ms" in found


def test_browser_with_a_slow_clock(report: Report, program: Program) -> None:
    found = report("browser-clock-behind")
    assert found["summary"]["warning_count"] == 1
    assert found["summary"]["skewed_trace_count"] == 1
    (warning,) = found["warnings"]
    assert "clock skew" in warning["message"]
    assert "--adjust-skew" in warning["message"]
    assert "clock skew in 1 trace: " in text(program, "browser-clock-behind")
    assert "--adjust-skew corrects this" in text(program, "browser-clock-behind")
    adjusted = report("browser-clock-behind", "--adjust-skew")
    assert adjusted["summary"]["duration_stats"]["max_ms"] == 900
    assert rows(adjusted)[0] == ("api", "SELECT", 66.7, 1)
    assert not adjusted["summary"]["skewed_trace_count"]


def test_parallel_orphans(report: Report) -> None:
    found = report("orphans-side-by-side")
    assert rows(found) == [("item", "GET item", 100.0, 1)]
    assert found["bottlenecks"][0]["mean_critical_ms"] == 104
    (path,) = found["critical_paths"]
    assert (path["critical_path_duration_ms"], path["total_duration_ms"]) == (104, 104)
    assert (path["response_time_ms"], path["root_missing"]) == (104, True)
    assert found["summary"]["root_missing_count"] == 1
    assert assert_shares_are_valid(found)


def test_concurrent_roots_share_the_critical_path(report: Report, program: Program) -> None:
    found = report("fuzz-roots-share")
    assert rows(found) == [("s", "o", 100.0, 1)]
    assert found["bottlenecks"][0]["total_share_percent"] == 100
    assert assert_shares_are_valid(found)
    assert "200 %" not in text(program, "fuzz-roots-share")


def test_asynchronous_work_has_its_own_entry_point(report: Report, program: Program) -> None:
    found = report("async-an-hour-later")
    (mail,) = found["async_work"]
    assert (mail["service"], mail["operation"]) == ("mailer", "process mail")
    assert (mail["unit_count"], mail["trace_count"], mail["duration_stats"]["max_ms"]) == (20, 20, 500)
    assert all(one["share_percent"] <= 100 for one in mail["bottlenecks"])
    assert not any(one["service"] == "mailer" for one in found["bottlenecks"])
    assert {unit["service"] for path in found["critical_paths"] for unit in path["async_work"]} == {"mailer"}
    assert "⇝ mailer process mail" in text(program, "async-an-hour-later")
