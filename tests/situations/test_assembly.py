"""Cases with duplicate records, shared ids and missing times, with the expected results."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.paths import CASES
from tests.support.recordings import recorded
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare import compare
from tracetui.cli.main import run
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.loader import load
from tracetui.model.assemble import assemble
from tracetui.model.ids import canonical_trace_id
from tracetui.model.intake import Intake
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet
from tracetui.render.waterfall.waterfall import Waterfall

RIGHT: dict[str, dict[str, Any]] = {
    "zipkin-address-fragment.json": {
        "spans": 3,
        "folded": 1,
        "warnings": 0,
        "max_ms": 1200.0,
        "edges": {("web", "sandbox"): (1, 0)},
        "calls": {"sandbox": 1},
    },
    "span-sent-at-start-and-end.jsonl": {
        "spans": 2,
        "folded": 1,
        "warnings": 0,
        "max_ms": 100.0,
        "edges": {("web", "back"): (1, 0)},
        "shares": {("web", "call"): 80.0},
    },
    "shared-span-id.otlp.json": {
        "spans": 4,
        "folded": 0,
        "warnings": 0,
        "max_ms": 100.0,
        "edges": {("front", "back"): (1, 0), ("back", "postgresql:b"): (1, 0)},
        "path": {"GET /": 10.0, "get": 10.0, "get /api": 20.0, "SELECT": 60.0},
    },
    "sweep-otlp-start-zero-end-known.json": {
        "spans": 2,
        "folded": 0,
        "warnings": 1,
        "max_ms": 70.0,
        "start": "2026-03-20T09:46:40.030000Z",
        "edges": {},
        "shares": {("web", "GET /"): 57.1, ("web", "query"): 42.9},
    },
}


@pytest.mark.parametrize(("name", "expected"), RIGHT.items(), ids=RIGHT)
def test_cases(name: str, expected: dict[str, Any], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["analyze", str(CASES / name), "--json"]) == 0
    found = orjson.loads(capfdbinary.readouterr().out)
    summary = found["summary"]
    assert (summary["span_count"], summary["duplicate_span_count"]) == (expected["spans"], expected["folded"])
    assert (summary["warning_count"], summary["duration_stats"]["max_ms"]) == (expected["warnings"], expected["max_ms"])
    assert summary["start"] == expected.get("start", summary["start"])
    edges = found["dependencies"]["edges"]
    assert {(e["caller"], e["callee"]): (e["call_count"], e["error_count"]) for e in edges} == expected["edges"]
    for service, calls in expected.get("calls", {}).items():
        assert found["dependencies"]["services"][service]["call_count"] == calls
    shares = {(b["service"], b["operation"]): round(b["share_percent"], 1) for b in found["bottlenecks"]}
    assert expected.get("shares", {}).items() <= shares.items()
    path = {span["operation"]: span["critical_ms"] for span in found["critical_paths"][0]["spans"]}
    assert expected.get("path", path) == path


def test_halves_of_a_call_with_one_id_are_parent_and_child() -> None:
    traces = load([str(CASES / "shared-span-id.otlp.json")])
    names = [traces.operation_name(i) for i in range(len(traces))]
    above = [names[int(parent)] if parent >= 0 else "" for parent in traces.parent]
    assert dict(zip(names, above, strict=True)) == {
        "GET /": "",
        "get": "GET /",
        "get /api": "get",
        "SELECT": "get /api",
    }


def test_known_end_stays_and_only_the_start_is_flagged() -> None:
    traces = load([str(CASES / "sweep-otlp-start-zero-end-known.json")])
    root = int(traces.main_root[0])
    assert (int(traces.flags[root]), int(traces.duration[root])) == (Flag.START_REPAIRED, 70_000_000)


def test_parent_field_of_a_span_builds_one_tree() -> None:
    traces = load([str(CASES / "sweep-jaeger-parent-span-id.json")])
    names = [f"{traces.service_name(i)} {traces.operation_name(i)}" for i in range(len(traces))]
    assert dict(zip(names, traces.depth.tolist(), strict=True)) == {"web GET /": 0, "orders load": 1, "stock query": 2}
    critical = Analysis(traces).paths.critical
    shares = 100 * critical / critical.sum()
    assert dict(zip(names, shares.tolist(), strict=True)) == {"web GET /": 20, "orders load": 30, "stock query": 50}


@pytest.mark.parametrize("name", ["span-sent-at-start-and-end.jsonl", "zipkin-address-fragment.json"])
def test_result_is_independent_of_order_and_files(name: str, tmp_path: Path) -> None:
    text = (CASES / name).read_text()
    parts = text.splitlines() if name.endswith(".jsonl") else [json.dumps([span]) for span in json.loads(text)]
    expected = facts(load([str(CASES / name)]))
    for order in itertools.permutations(parts):
        files = [tmp_path / f"{number}.json" for number in range(len(order))]
        for file, part in zip(files, order, strict=True):
            file.write_text(part)
        assert facts(load([str(file) for file in files])) == expected


def facts(traces: TraceSet) -> set[tuple[Any, ...]]:
    """Facts that formats with other resolutions and spellings share."""
    kinds = [int(kind) for kind in traces.kind]
    return {
        (
            canonical_trace_id(traces.trace_ids[int(traces.trace[i])]),
            int(traces.key[i]),
            traces.parent_id(i),
            traces.service_name(i).lower(),
            traces.operation_name(i).lower(),
            kinds[i] or 1,
            int(traces.start[i]) // 1000,
            bool(traces.error[i]),
            int(traces.flags[i]) & ~int(Flag.SOURCE_WARNING),
        )
        for i in range(len(traces))
    }


def taken(*bodies: bytes) -> TraceSet:
    intake = Intake()
    for number, body in enumerate(bodies):
        decode(body, DecodeContext(intake, f"answer {number}"))
    return assemble(intake)


SERVERS = {
    "jaeger-2.20-v1": "trace-broken",
    "jaeger-2.20-v3": "trace-broken",
    "zipkin-3.5.1": "trace-broken",
    "tempo-3.0": "trace",
}


def test_trace_of_several_servers_occurs_once() -> None:
    bodies = [recorded(server)[answer].body for server, answer in SERVERS.items()]
    expected = facts(taken(bodies[-1]))
    for some in itertools.chain(itertools.permutations(bodies, 3), itertools.permutations(bodies)):
        found = taken(*some)
        assert (found.trace_count, len(found), found.duplicates) == (1, 2, {0: 2 * len(some) - 2})
        assert facts(found) == expected
        # its spans are orphans in the recording, too, and Jaeger warns about them; there are no other warnings
        assert set(found.flags.tolist()) <= {Flag.ORPHAN, Flag.ORPHAN | Flag.SOURCE_WARNING}
        assert found.trace_warnings == {}


ANSWERS = {"jaeger-2.20-v1": "search-wide", "jaeger-2.20-v3": "search-wide", "zipkin-3.5.1": "search-wide"}


@pytest.mark.parametrize("pair", list(itertools.permutations(ANSWERS, 2)), ids=" ".join)
def test_set_of_two_servers_equals_that_of_one(pair: tuple[str, str]) -> None:
    before, after = (taken(recorded(server)[ANSWERS[server]].body) for server in pair)
    found = compare(Analysis(before), Analysis(after))
    changes = [*found.overall, *(change for one in (*found.operations, *found.edges) for change in one.changes)]
    assert changes
    assert all(one.counts[0] == one.counts[1] > 0 for one in (*found.operations, *found.edges))
    # except for the resolution of times
    assert [change.after for change in changes] == pytest.approx([change.before for change in changes], abs=1_000)
    # both together are the same set
    both = taken(*(recorded(server)[ANSWERS[server]].body for server in pair))
    assert facts(both) == facts(before)
    assert not both.flags.any()


def test_row_without_an_end_is_labelled() -> None:
    text = (CASES / "span-sent-at-start-and-end.jsonl").read_text().splitlines()
    unfinished = json.loads(text[1])
    spans = unfinished["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans[1]["endTimeUnixNano"] = "0"
    found = taken(json.dumps(unfinished).encode())
    view = Waterfall(found, 0)
    root, call = (line.text for line in view.lines(100))
    assert "no end" in root
    assert "no duration" in root
    assert "no end" not in call
    assert call.rstrip().endswith("80.0 ms")
