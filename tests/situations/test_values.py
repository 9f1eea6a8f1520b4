"""Files whose values deviate from their format, with the expected results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import CASES
from tests.support.program import Program
from tests.support.report_facts import report_facts


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Program(tmp_path, capsys)


RIGHT: dict[str, dict[str, Any]] = {
    "otlp-enums-as-digits.json": {
        "failed": 1,
        "patterns": ["web deadlock"],
        "edges": ["web → db1, 1, 1"],
        "warnings": [],
    },
    "otlp-go-struct-values.json": {
        "services": ["web"],
        "edges": ["web → mysql:shop, 1, 1"],
        "warnings": [],
    },
    "otlp-times-low-high.json": {
        "start": "2026-03-20T09:46:40.000000Z",
        "max_ms": 500.0,
        "bottlenecks": ["web query 60.0", "web GET /x 40.0"],
        "warnings": [],
    },
    "zipkin-v1-span-among-v2.json": {
        "services": ["web"],
        "edges": ["web → auth, 1, 1"],
        "failed": 1,
        "patterns": ["web denied"],
        "warnings": [],
    },
    "trailing-comma.json": {
        "spans": 2,
        "orphans": 0,
        "max_ms": 500.0,
        "failed": 1,
        "warnings": ["surplus comma; ignored"],
    },
    "sweep-otlp-unknown-kind.json": {
        "spans": 1,
        "failed": 0,
        "warnings": [
            "kind 'SPAN_KIND_SERVERLESS' of 1 span is unknown; read as unspecified",
            "status code 'STATUS_CODE_FAILED' of 1 span is unknown; read as unset",
        ],
    },
    "sweep-error-key-beside-traces.jsonl": {
        "traces": 1,
        "spans": 1,
        "warnings": [],
    },
    "sweep-jaeger-parent-span-id.json": {
        "orphans": 0,
        "edges": ["orders → stock, 1, 0", "web → orders, 1, 0"],
        "bottlenecks": ["stock query 50.0", "orders load 30.0"],
        "warnings": [],
    },
    "docker-json-file.log": {"traces": 2, "spans": 3, "failed": 1, "warnings": []},
    "cri-split-lines.log": {"traces": 2, "spans": 3, "failed": 1, "warnings": []},
    "two-files.zip": {"traces": 2, "spans": 3, "failed": 1, "warnings": []},
    "sweep-bulk-lines.jsonl": {"spans": 2, "edges": ["web → orders, 1, 0"], "warnings": []},
}


@pytest.mark.parametrize("name", RIGHT)
def test_case_file_has_its_expected_spans(name: str, program: Program) -> None:
    found = report_facts(json.loads(program.analyze(str(CASES / name)).out))
    expected = RIGHT[name]
    assert {key: found[key] for key in expected} == expected
    assert "unknown_service" not in found["services"]


def test_query_finds_an_exception_in_an_event(program: Program) -> None:
    case = str(CASES / "exception-in-event.json")
    for query, kept in (
        ("exception.type = TimeoutError", 1),
        ('exception.message = "gave up"', 1),
        ("{ exception.type = TimeoutError AND error }", 1),
        ("EXISTS exception.type", 1),
        ("NOT EXISTS exception.type", 1),
        ("exception.type != TimeoutError", 1),
        ("{ exception.type != ValueError }", 1),
        ("exception.type = ValueError", 0),
    ):
        report = program.analyze(case, "--query", query).out
        found = json.loads(report)["summary"]["trace_count"] if report else 0
        assert found == kept, query
