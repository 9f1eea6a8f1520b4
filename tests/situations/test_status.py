"""Reported cases of span statuses, with the expected errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.paths import CASES
from tests.support.program import Program


def test_failed_grpc_call_with_http_200_is_an_error(program: Program) -> None:
    found = json.loads(program.analyze(str(CASES / "grpc-over-http-200.json")).out)
    assert (found["summary"]["trace_count"], found["summary"]["error_trace_count"]) == (5, 3)
    messages = {
        trace[-2:]: pattern["message"]
        for pattern in found["errors"]["patterns"]
        for trace in pattern["example_trace_ids"]
    }
    assert messages == {"01": "no healthy upstream", "02": "UNAVAILABLE", "04": "INTERNAL"}


@pytest.mark.parametrize(
    ("query", "kept"),
    [("error = true", {"01", "02", "04"}), ("error = false", {"03", "05"})],
)
def test_query_distinguishes_failed_grpc_calls(program: Program, query: str, kept: set[str]) -> None:
    case = str(CASES / "grpc-over-http-200.json")
    found = json.loads(program("analyze", case, "--query", query, "--json").out)
    assert {path["trace_id"][-2:] for path in found["critical_paths"]} == kept


def test_unknown_content_is_reported_with_its_file(program: Program, tmp_path: Path) -> None:
    tags = [{"key": "span.kind", "type": "string", "value": "sideways"}]
    for number in range(3):
        span = {
            "traceID": f"a{number}",
            "spanID": "b",
            "operationName": "op",
            "startTime": 1,
            "duration": 2,
            "tags": tags,
        }
        trace = {
            "traceID": f"a{number}",
            "spans": [{**span, "processID": "p"}],
            "processes": {"p": {"serviceName": "s"}},
        }
        (tmp_path / f"{number}.json").write_text(json.dumps({"data": [trace] * 60}))
    found = json.loads(program.analyze(*(str(tmp_path / f"{number}.json") for number in range(3))).out)
    files = [Path(warning["file"]).name for warning in found["warnings"]]
    assert files == sorted(files)
    assert len(set(files)) == 3
    assert sum("more warnings like these" in warning["message"] for warning in found["warnings"]) in (0, 3)
