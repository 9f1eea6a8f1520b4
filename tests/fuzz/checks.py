"""Invariants for any input: it is read, and all results are consistent.

Sections, shares and self time are defined in the analysis modules that compute them.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from tests.support.decoding import read
from tests.support.saved_files import comparable_spans, reloaded, report_figures
from tests.support.texts import is_harmless
from tracetui import export
from tracetui.analysis.alerts import baselines
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare import compare
from tracetui.analysis.contrast import contrast
from tracetui.analysis.error_messages import error_message
from tracetui.analysis.errors import roles
from tracetui.analysis.self_time import self_times
from tracetui.analysis.service_graph import Target
from tracetui.analysis.skew import correct_skew
from tracetui.cli.graph_questions import QUESTIONS
from tracetui.export.exporter import Losses
from tracetui.export.registry import EXPORTERS
from tracetui.model.errors import UsageError
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet
from tracetui.query import parse
from tracetui.render.graph.diagram import FORMATS
from tracetui.render.graph.json import answer_json
from tracetui.render.graph.text_blocks import GraphPage
from tracetui.render.report.alert_rules import alert_rules
from tracetui.render.report.compare_json import compare_json
from tracetui.render.report.compare_text import compare_text
from tracetui.render.report.json import SECTIONS, report_json
from tracetui.render.report.markdown import trace_markdown
from tracetui.render.report.text import report_text
from tracetui.render.report.text_blocks import ReportOptions
from tracetui.render.text.glyphs import ASCII, UNICODE
from tracetui.render.text.line import Line
from tracetui.render.traces.columns import trace_columns
from tracetui.render.traces.table import TraceRows
from tracetui.render.waterfall.document import waterfall_text
from tracetui.render.waterfall.waterfall import Waterfall
from tracetui.session import Session
from tracetui.tui.state import Look
from tracetui.tui.widgets.copy_menu import CopySource, copy_items

_EVERY_TRACE = 3
"""Number of traces in a set of which each waterfall is drawn; sets of mutants have few."""
_QUERIES = (
    'duration > 1ms AND { service =~ "a" } OR error',
    "http.status_code >= 500 OR attr.x OR trace.start > 2026-03-10T10:03Z",
    "NOT { status = error } AND trace.response < 1s",
)
_ENCODERS = {name: getattr(export, name) for name in export.__all__}


class BrokenError(AssertionError):
    """Violated invariant; the message names it without parts of the input, so that equal ones are grouped."""


def check(holds: object, what: str) -> None:
    """Raise BrokenError if an invariant does not hold."""
    if not holds:
        raise BrokenError(what)


def check_whole(traces: TraceSet) -> None:
    """Analyse, draw, export and save a set. Raises BrokenError for the first violated invariant."""
    analysis = Analysis(traces)
    _check_report(analysis)
    _check_times(analysis)
    _check_waterfalls(analysis)
    _check_graph(analysis)
    _check_comparisons(analysis)
    _check_exports(traces)


# --- results ---------------------------------------------------------------------------------------------------------


def _check_report(analysis: Analysis) -> None:
    traces = analysis.traces
    report = _strict(b"".join(report_json(analysis)), "report")
    summary = report["summary"]
    check(summary["trace_count"] == traces.trace_count, "report: number of traces")
    check(summary["span_count"] == len(traces), "report: number of spans")
    for width, ascii_only in ((40, False), (80, True), (120, False)):
        options = ReportOptions(width=width, ascii_only=ascii_only, verbose=width > 40, local_time=ascii_only)
        text = _harmless(report_text(analysis, SECTIONS, options), "report")
        for noun in ("trace", "span", "service"):
            check(f"{summary[f'{noun}_count']:,} {noun}" in text, f"report: number of {noun}s in text and JSON")
    _check_shares(report, "report")
    for name in ("duration_stats", "response_time_stats"):
        stats = summary[name]
        order = [stats[f"{key}_ms"] for key in ("min", "p50", "p90", "p95", "p99", "max")]
        check(order == sorted(order), f"{name}: percentiles in order")
        check(stats["min_ms"] - 1e-6 <= stats["mean_ms"] <= stats["max_ms"] + 1e-6, f"{name}: mean between extremes")
    errors = report["errors"]
    by_pattern = sum(pattern["count"] for pattern in errors["patterns"])
    check(sum(one["error_count"] for one in errors["by_service"].values()) == by_pattern, "errors: sums by service")
    check(_strict(b"".join(report_json(Analysis(correct_skew(traces)))), "report without skew"), "report without skew")


def _check_times(analysis: Analysis) -> None:
    traces, paths = analysis.traces, analysis.paths
    own = self_times(traces)
    check((own >= 0).all(), "self time is not negative")
    check((own <= np.maximum(traces.duration, 0)).all(), "self time is not above the duration")
    for trace in range(traces.trace_count):
        _, starts, ends = paths.sections_of(trace)
        check((starts < ends).all(), "sections are not empty")
        check((ends[:-1] <= starts[1:]).all(), "sections do not overlap")
        roots = [span for span in traces.spans_of(trace) if traces.parent[span] < 0]
        main = int(traces.main_root[trace])
        laid = [root for root in roots if root == main or traces.kind[root] != Kind.CONSUMER]
        covered = _covered((int(traces.start[root]), int(traces.reached_end[root])) for root in laid)
        check(int((ends - starts).sum()) == covered, "sections add up to the time of the roots")
        check(covered <= int(traces.trace_duration[trace]), "the critical path is not longer than the trace")


def _covered(intervals: Iterable[tuple[int, int]]) -> int:
    """Compute the length of the union."""
    total, reached = 0, -(1 << 100)
    for start, end in sorted(intervals):
        total += max(end - max(start, reached), 0)
        reached = max(reached, end)
    return total


def _check_waterfalls(analysis: Analysis) -> None:
    traces = analysis.traces
    found = roles(traces)
    for trace in range(min(traces.trace_count, _EVERY_TRACE)):
        for glyphs, width in ((UNICODE, 80), (ASCII, 40), (UNICODE, 200)):
            view = Waterfall(
                traces,
                trace,
                sections=analysis.paths.sections_of(trace),
                roles=found,
                glyphs=glyphs,
                message_of=lambda span: error_message(traces, span),
            )
            _harmless(waterfall_text(view, width, max_rows=60, log_lines=True), "waterfall")
        for line in trace_markdown(view, 100).splitlines():
            _harmless([line], "Markdown")
        source = CopySource(
            traces, Session(traces).trace_json, Look(), "https://jaeger.example/trace/{id}", ("traces.json",)
        )
        for item in copy_items(source, int(traces.first[trace])):
            item.make().encode("utf-8", "surrogatepass")
    rows = TraceRows(trace_columns(traces), np.arange(traces.trace_count), glyphs=UNICODE)
    _harmless((rows.line(row, 100) for row in range(min(len(rows), 20))), "trace list")


def _check_graph(analysis: Analysis) -> None:
    names = sorted(analysis.graph.names)[:3]
    for key, question in QUESTIONS.items():
        if not names and question.least:
            continue
        targets = [Target(names[at % len(names)]) for at in range(question.least)]
        try:
            answer = question.answer(analysis, targets)
        except UsageError:
            # an empty word is not searched
            continue
        _check_shares(_strict(answer_json(answer.json()), f"graph {key}"), f"graph {key}")
        _harmless(answer.text(GraphPage(analysis, ReportOptions(width=80))), f"graph {key}")
        for name, drawn in FORMATS.items():
            for line in drawn(answer.diagram()).splitlines():
                _harmless([line], f"graph {key} as {name}")


def _check_comparisons(analysis: Analysis) -> None:
    traces = analysis.traces
    if not traces.trace_count:
        return
    found = compare(analysis, Analysis(traces))
    document = _strict(compare_json(found), "compare")
    check(not found.regressions, "compare with itself: regressions")
    for path, number in _numbers(document["changes"]):
        check(not path.endswith(".difference") or number == 0, "compare with itself: differences")
    _harmless(compare_text(found, ("a", "b"), ReportOptions(width=80)), "compare")
    failed = traces.trace_errors > 0
    for selection in (failed, np.arange(traces.trace_count) % 2 == 0):
        if selection.any() and not selection.all():
            contrast(traces, selection, outcomes=True)
    for service in traces.services[:2]:
        base, _ = baselines(traces, service)
        for line in alert_rules(service, base).splitlines():
            _harmless([line], "alert rules")
    for query in _queries():
        query.matches(traces)


@cache
def _queries() -> list[Any]:
    return list(map(parse, _QUERIES))


def _check_exports(traces: TraceSet) -> None:
    whole = [traces.span(span) for span in range(len(traces))]
    # warnings of a span are not exported, and without them two spans of one id may merge
    is_valid = not any(one.flags & Flag.warnings() for one in whole)
    for name, encoder in _ENCODERS.items():
        found = read(encoder(whole))
        check(len(found) == len(traces) or not is_valid, f"{name}: number of spans")
    for exporter in EXPORTERS:
        found = read(b"".join(exporter.encode(traces, Losses()))) if exporter.is_readable else traces
        check(len(found) == len(traces) or not is_valid, f"export to {exporter.name}: number of spans")
    with tempfile.TemporaryDirectory() as folder:
        loaded = reloaded(traces, Path(folder))
    check(_text(loaded) == _text(traces), "saved is loaded: spans")
    check(report_figures(loaded) == report_figures(traces), "saved is loaded: figures")


def _text(traces: TraceSet) -> str:
    """Convert the spans to text: NaN equals itself, and an integer beyond OTLP's range the text that is
    saved for it.
    """
    return re.sub(r"(?<![\w.'-])-?\d{19,}(?![\w.'])", _as_saved, repr(comparable_spans(traces)))


def _as_saved(found: re.Match[str]) -> str:
    # texts of thousands of digits are too long for int()
    is_storable = len(found[0]) <= 20 and -(1 << 63) <= int(found[0]) < 1 << 63
    return found[0] if is_storable else f"'{found[0]}'"


# --- output ----------------------------------------------------------------------------------------------------------


def _strict(data: bytes, what: str) -> Any:
    """Decode JSON that follows the standard."""
    try:
        return orjson.loads(data)
    except ValueError:
        raise BrokenError(f"{what}: strict JSON") from None


def _harmless(lines: Iterable[Line | str], what: str) -> str:
    text = [line if isinstance(line, str) else line.text for line in lines]
    check(all(map(is_harmless, text)), f"{what}: nothing that a terminal obeys")
    return "\n".join(text)


def _check_shares(value: Any, what: str) -> None:
    for path, number in _numbers(value):
        key = path.rpartition(".")[2]
        if key.endswith(("percent", "_rate")):
            check(-1e-9 <= number <= 100 + 1e-6, f"{what}: {key} is within 0 and 100")
        elif key.endswith(("_ms", "count", "occurrences")):
            check(number >= -1e-9, f"{what}: {key} is not negative")


def _numbers(value: Any) -> Iterator[tuple[str, float]]:
    """Yield every number within a value, with its path."""
    waiting = [("", value)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend((f"{path}.{key}", item) for key, item in node.items())
        elif isinstance(node, list):
            waiting.extend((path, item) for item in node)
        elif isinstance(node, int | float) and not isinstance(node, bool):
            yield path, node
