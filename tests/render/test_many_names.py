"""Many distinct names cost no more scans of the spans than few."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench import many_names as benchmark
from tests.bench.many_names import many_names, word
from tests.support.building import JsonCodec, build, span
from tracetui.analysis import bottlenecks
from tracetui.analysis.alerts import baselines
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.blast_radius import blast_radius
from tracetui.analysis.bottlenecks import Bottleneck
from tracetui.analysis.call_chains import call_chains
from tracetui.analysis.compare import compare
from tracetui.analysis.contrast import contrast
from tracetui.analysis.criticality import ranking
from tracetui.analysis.error_table import ErrorTable
from tracetui.analysis.new_findings import find_new_findings
from tracetui.analysis.operation_table import OperationTable
from tracetui.analysis.root_causes import find_causes_within, find_causes_without_baseline, find_root_causes
from tracetui.analysis.root_causes.with_baseline import MAX_CAUSES
from tracetui.analysis.service_graph import Target
from tracetui.analysis.service_overview import overview
from tracetui.analysis.service_questions import (
    caller_difference,
    find_services,
    neighbours,
    peers_of_type,
    shared_dependencies,
)
from tracetui.analysis.service_table import ServiceTable
from tracetui.export.registry import exporter_named
from tracetui.model.peers import PeerType
from tracetui.model.span import Value
from tracetui.model.traces import TraceSet
from tracetui.query import parse
from tracetui.render.errors.table import ErrorListColumns
from tracetui.render.hot_spots.table import HotSpotListColumns
from tracetui.render.report.json import bottleneck_json, report_json
from tracetui.render.report.text import report_text
from tracetui.render.report.text_blocks import ReportOptions
from tracetui.render.services.table import ServiceList, ServiceListColumns
from tracetui.render.text.glyphs import UNICODE
from tracetui.render.traces.columns import SortKey, trace_columns
from tracetui.render.traces.error_groups import errors_by_service

SPANS = 20_000
FEW, MANY = 60, 6_000
MAX_TIMES = 4.0
"""Largest ratio of examined numbers; a scan of all for each name would give a ratio of a hundred."""


class Counted(np.ndarray):
    """Numbers that count how many of them are examined, also in all values derived from them."""

    seen = 0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        Counted.seen += max(np.size(one) for one in inputs)
        if "out" in options:
            options["out"] = tuple(map(uncounted, options["out"]))
        found = getattr(ufunc, method)(*map(uncounted, inputs), **options)
        return found.view(Counted) if isinstance(found, np.ndarray) else found


def uncounted(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Counted) else value


def counted(traces: TraceSet) -> TraceSet:
    """Return the set with counting columns."""
    columns = {one.name: getattr(traces, one.name) for one in fields(traces)}
    counting: dict[str, Any] = {k: v.view(Counted) for k, v in columns.items() if isinstance(v, np.ndarray)}
    made = replace(traces, **counting)
    # looked up in tables, these are no results of the columns
    for name in ("service", "shape"):
        made.__dict__[name] = getattr(traces, name).view(Counted)
    return made


@cache
def prepare_inputs(names: int) -> Analysis:
    """Compute the inputs of queries about services."""
    analysis = Analysis(counted(many_names(SPANS, names)))
    _ = analysis.graph, analysis.paths, analysis.errors
    return analysis


def halves(analysis: Analysis) -> tuple[Analysis, Analysis]:
    first = np.arange(analysis.traces.trace_count) % 2 == 0
    before, after = (counted(analysis.traces.select(np.asarray(side))) for side in (first, ~first))
    return Analysis(before), Analysis(after)


def graph(question: Callable[..., object], *more: Any, **named: Any) -> Callable[[Analysis], object]:
    return lambda analysis: question(analysis.graph, *more, **named)


def matches(text: str, analysis: Analysis) -> object:
    return parse(text).matches(analysis.traces)


A, B = (f"service_{word(number)}" for number in (1, 3))
QUESTIONS: dict[str, Callable[[Analysis], object]] = {
    "bottlenecks": lambda analysis: analysis.bottlenecks(),
    "paths": lambda analysis: Analysis(analysis.traces).paths,
    "errors": lambda analysis: Analysis(analysis.traces).errors,
    "dependencies": lambda analysis: Analysis(analysis.traces).dependencies,
    "whole report": lambda analysis: b"".join(report_json(Analysis(analysis.traces))),
    "suggestions": lambda analysis: Analysis(analysis.traces).suggestions,
    "summary": lambda analysis: Analysis(analysis.traces).summary,
    "asynchronous work": lambda analysis: Analysis(analysis.traces).async_work.entries(),
    "compare": lambda analysis: compare(*halves(analysis)).regressions,
    "contrast": lambda analysis: contrast(analysis.traces, np.asarray(analysis.traces.trace_errors > 0)),
    "alerts": lambda analysis: baselines(analysis.traces, "service_a"),
    "causes": lambda analysis: find_causes_within(analysis.traces),
    "causes with a baseline": lambda analysis: find_root_causes(*(half.traces for half in halves(analysis))),
    "news": lambda analysis: find_new_findings(analysis.traces, np.arange(analysis.traces.trace_count) % 2 == 0),
    "overview": graph(overview, Target(A)),
    "callers": graph(neighbours, Target(A), upstream=True),
    "callees": graph(neighbours, Target(A), upstream=False),
    "callees of an operation": graph(neighbours, Target(A, f"operation_{word(1)}"), upstream=False),
    "blast radius": lambda analysis: blast_radius(analysis.graph, analysis.paths, Target(B)),
    "path": graph(call_chains, Target(A), Target(B)),
    "shared": graph(shared_dependencies, [A, B]),
    "diff-callers": graph(caller_difference, A, B),
    "critical": graph(ranking),
    "databases": graph(peers_of_type, PeerType.DATABASE),
    "find by name": graph(find_services, "operation"),
    "find by attribute": graph(find_services, "select"),
    "table of errors": lambda analysis: [
        table.entries(one) for table in [ErrorListColumns(ErrorTable(analysis)).table] for one in table.patterns
    ],
    "table of hot spots": lambda analysis: [
        (table.hot_spot(row), table.worst_traces(table.number(row)), table.over_time(table.number(row), 8))
        for table in [HotSpotListColumns(OperationTable(analysis)).table]
        for row in range(min(len(table), FEW))
    ],
    "table of services": lambda analysis: len(
        ServiceList(ServiceListColumns(ServiceTable(analysis)), UNICODE, "rank", descending=True, part="service_b")
    ),
    "table of traces": lambda analysis: trace_columns(analysis.traces),
    "traces by service": lambda analysis: errors_by_service(
        trace_columns(analysis.traces), np.arange(analysis.traces.trace_count), next(iter(SortKey)), True, (), UNICODE
    ),
    **{
        f"query {text}": partial(matches, text)
        for text in ("service = service_b", "operation =~ operation_b", "caller = service_b and error")
    },
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_many_names_cost_no_more_scans_than_few(question: str) -> None:
    examined = []
    for names in (FEW, MANY):
        analysis = prepare_inputs(names)
        before = Counted.seen
        QUESTIONS[question](analysis)
        examined.append(Counted.seen - before)
    # results per name may be examined a few times more
    assert examined[1] <= MAX_TIMES * examined[0] + 20 * SPANS


def test_many_failing_services_cost_no_more_scans_than_few() -> None:
    examined = []
    for services in (20, 1_000):
        spans = (span("1", 0, 10, trace=f"{i:x}", service=f"s{i % services}", error=True) for i in range(1, 2_001))
        traces = counted(build(*spans))
        before = Counted.seen
        assert len(find_causes_without_baseline(traces).causes) == MAX_CAUSES
        examined.append(Counted.seen - before)
    assert examined[1] <= MAX_TIMES * examined[0]


def test_only_bottlenecks_that_are_listed_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = Analysis(many_names(SPANS, MANY))
    _ = analysis.network
    built: list[str] = []
    read: list[bytes] = []

    def build(**figures: Any) -> Bottleneck:
        built.append(figures["operation"])
        return Bottleneck(**figures)

    def attributes(codec: JsonCodec, raw: bytes) -> dict[str, Value]:
        read.append(raw)
        return decode(codec, raw)

    decode = JsonCodec.attributes
    monkeypatch.setattr(bottlenecks, "Bottleneck", build)
    monkeypatch.setattr(JsonCodec, "attributes", attributes)
    text = "\n".join(line.text for line in report_text(analysis, ["bottlenecks"], ReportOptions()))
    assert "more bottlenecks" in text
    # ten in the list, and one in the verdict
    assert len(built) <= 11
    assert len(read) < 500
    built.clear()
    document = json.loads(b"".join(report_json(analysis, ["bottlenecks"])))
    assert len(document["bottlenecks"]) >= 500
    assert built == []
    assert document["bottlenecks"] == [bottleneck_json(one) for one in analysis.bottlenecks()]


def test_benchmark_file_equals_the_exported_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "FOLDER", tmp_path)
    exported = exporter_named("jaeger").encode(many_names(2_000, FEW), Counter())
    assert benchmark.many_names_file(2_000, FEW).read_bytes() == b"".join(exported)


def test_scan_for_each_name_is_detected() -> None:
    analysis = prepare_inputs(MANY)
    before = Counted.seen
    for operation in np.unique(np.asarray(analysis.traces.operation)).tolist():
        np.flatnonzero(analysis.traces.operation == operation)
    assert Counted.seen - before > 20 * MAX_TIMES * SPANS
