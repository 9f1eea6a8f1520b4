"""Inputs of situations that people reported, with what a right reading finds: the status of spans."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.program import Program

CASES = Path(__file__).parent / "cases"


def test_a_failed_grpc_call_is_http_200(program: Program) -> None:
    found = json.loads(program.analyze(str(CASES / "grpc-over-http-200.json")).out)
    assert (found["summary"]["trace_count"], found["summary"]["error_trace_count"]) == (5, 3)
    messages = {
        trace[-2:]: pattern["message"]
        for pattern in found["errors"]["patterns"]
        for trace in pattern["example_trace_ids"]
    }
    assert messages == {"01": "no healthy upstream", "02": "gRPC UNAVAILABLE", "04": "gRPC INTERNAL"}


@pytest.mark.parametrize(
    ("query", "kept"),
    [("error = true", {"01", "02", "04"}), ("error = false", {"03", "05"})],
)
def test_a_query_tells_failed_grpc_calls_from_others(program: Program, query: str, kept: set[str]) -> None:
    case = str(CASES / "grpc-over-http-200.json")
    found = json.loads(program("analyze", case, "--query", query, "--json").out)
    assert {path["trace_id"][-2:] for path in found["critical_paths"]} == kept
