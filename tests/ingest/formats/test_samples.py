"""Samples of console output, exports and tables of spans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.decoding import read
from tests.support.format_samples import CHILD, MS, ROOT, SAMPLES, START_NS, TABLES, TRACE, Sample, spans, warnings
from tests.support.paths import CASES
from tests.support.program import Program
from tests.support.report_facts import report_facts
from tracetui.model.span import Kind

ALL = {**SAMPLES, **TABLES}


@pytest.mark.parametrize("sample", ALL.values(), ids=ALL)
def test_sample_is_read_completely(sample: Sample) -> None:
    traces = read(sample.text)
    found = spans(traces)
    assert found.keys() == {"GET /x", "load"}
    root, child = found["GET /x"], found["load"]
    assert (root.trace_id, root.span_id, child.span_id) == (TRACE, ROOT, CHILD)
    if sample.has_callers:
        assert (root.parent_id, child.parent_id) == (None, ROOT)
        assert (root.service, child.service) == ("web", "orders")
    else:
        assert (root.parent_id, child.parent_id) == (None, None)
    if sample.has_times:
        assert (root.start_ns, root.duration_ns) == (START_NS, 100 * MS)
        assert (child.start_ns, child.duration_ns) == (START_NS + 10 * MS, 50 * MS)
    assert child.error is sample.has_status
    assert not root.error
    if sample.has_attributes:
        assert (root.kind, child.kind) == (Kind.SERVER, Kind.SERVER)
        assert root.attributes["n"] == 1
    if sample.has_messages:
        assert child.status_message == ("deadlock" if sample.has_status else "")
    assert warnings(traces) == list(sample.warnings)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_other_output_around_a_sample_is_ignored(sample: Sample) -> None:
    before, after = "2026-03-20 INFO starting {not json}\n[2026-03-20] done\n", "\nTraceback: it's 'over'\n"
    alone, among = read(sample.text), read(before + sample.text + after)
    assert spans(among) == spans(alone)
    assert [one.message for one in among.load_warnings] == [one.message for one in alone.load_warnings]


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples_of_all_formats_in_one_source(sample: Sample) -> None:
    among = read("".join([SAMPLES["node"].text, sample.text, SAMPLES["dotnet"].text, SAMPLES["go, pretty"].text]))
    assert set(spans(among)) == {"GET /x", "load"}
    assert not [text for text in warnings(among) if "damaged" in text or "left out" in text]


# --- Cases ----------------------------------------------------------------------------------------------------------

RIGHT: dict[str, dict[str, Any]] = {
    "console-python.json": {
        "traces": 1,
        "spans": 2,
        "services": ["billing"],
        "start": "2026-03-20T09:46:40.000000Z",
        "max_ms": 500.0,
        "failed": 1,
        "edges": ["billing → bank, 1, 1"],
        "warnings": [],
    },
    "console-go-list.json": {
        "traces": 1,
        "spans": 2,
        "services": ["builder"],
        "start": "2026-03-20T09:46:40.000000Z",
        "max_ms": 5000.0,
        "failed": 1,
        "patterns": ["builder not found"],
        "edges": ["builder → registry, 1, 1"],
        "warnings": [],
    },
    "java-logging-exporter.log": {"traces": 2, "spans": 3, "failed": 1, "warnings": []},
    "sweep-opensearch-spans.jsonl": {
        "traces": 1,
        "spans": 2,
        "max_ms": 100.0,
        "failed": 1,
        "edges": ["web → orders, 1, 1"],
        "patterns": ["orders deadlock"],
        "warnings": [],
    },
    "sweep-jaeger-proto-batches.jsonl": {
        "traces": 1,
        "spans": 2,
        "max_ms": 100.0,
        "edges": ["web → orders, 1, 1"],
        "bottlenecks": ["web GET / 50.0", "orders load 50.0"],
        "warnings": [],
    },
    "sweep-flat-spans.jsonl": {
        "traces": 1,
        "spans": 2,
        "max_ms": 100.0,
        "failed": 1,
        "edges": ["web → orders, 1, 1"],
        "patterns": ["orders deadlock"],
        "warnings": [],
    },
}


@pytest.mark.parametrize("name", RIGHT)
def test_cases(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    done = Program(tmp_path, capsys).analyze(str(CASES / name))
    report = json.loads(done.out)
    found = report_facts(report)
    assert {key: sorted(found[key]) if key == "bottlenecks" else found[key] for key in RIGHT[name]} == {
        key: sorted(value) if key == "bottlenecks" else value for key, value in RIGHT[name].items()
    }
    if name == "sweep-opensearch-spans.jsonl":
        assert report["errors"]["patterns"][0]["propagated_to"] == {"web": 1}
