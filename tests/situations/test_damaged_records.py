"""Cases of damaged records and of deep nesting, with the expected warnings."""

from __future__ import annotations

import pytest

from tests.support.paths import CASES
from tests.support.program import Program
from tracetui.ingest.loader import load

READ = [
    ("fuzz-record-cut-json.bin", 3, 0, "record at byte 0"),
    ("fuzz-record-cut-then-whole.bin", 0, 1, "record at byte 0"),
    ("fuzz-record-key-not-utf8.bin", 3, 0, "record at byte 0"),
    ("fuzz-record-name-not-utf8.bin", 0, 1, ""),
    ("fuzz-nested-400.json", 3, 0, "nested too deeply"),
]


@pytest.mark.parametrize(("name", "status", "spans", "warning"), READ)
def test_damage_is_reported(program: Program, name: str, status: int, spans: int, warning: str) -> None:
    done = program("analyze", str(CASES / name), "--json")
    assert done.code == status
    assert warning in done.err
    assert "internal error" not in done.err
    assert f'"span_count": {spans}' in done.out if spans else not done.out


def test_a_damaged_record_costs_no_other_file(program: Program) -> None:
    names = ("fuzz-record-cut-json.bin", "fuzz-record-cut-then-whole.bin", "fuzz-record-name-not-utf8.bin")
    done = program("analyze", *(str(CASES / name) for name in names), "--json")
    assert done.code == 0
    assert '"trace_count": ' in done.out
    assert "fuzz-record-cut-json.bin: record at byte 0" in done.err


def test_name_that_is_not_utf8_is_shown_with_replacements() -> None:
    traces = load([str(CASES / "fuzz-record-name-not-utf8.bin")])
    assert [traces.span(i).name for i in range(len(traces))] == ["\ufffd"]
