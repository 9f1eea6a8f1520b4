"""Traces with errors and failed requests, shown together wherever they differ."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.support.building import build, span
from tests.support.paths import CASES
from tests.support.program import Program
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare import compare
from tracetui.analysis.error_table import ErrorTable
from tracetui.analysis.summary import DurationStats, summarize
from tracetui.cli.trace_opening import find_trace
from tracetui.model.errors import UsageError
from tracetui.model.traces import TraceSet
from tracetui.render.frame import status_line
from tracetui.render.report.compare_json import compare_json
from tracetui.render.report.compare_text import compare_text
from tracetui.render.report.text import report_text
from tracetui.render.report.text_blocks import ReportOptions
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import UNICODE
from tracetui.render.text.percentiles import spread_words
from tracetui.render.traces.columns import SortKey, trace_columns
from tracetui.render.traces.error_groups import errors_by_service
from tracetui.render.traces.scatter import Points
from tracetui.render.traces.scatter_stats import STATS_WIDTH, stats_lines
from tracetui.tui.views.contrast import selection_words


def mixed(failed: int = 1, recovered: int = 1, without: int = 0) -> TraceSet:
    """Build a set with this many failed requests, traces with handled errors only, and traces without errors."""
    spans = []
    for number in range(failed + recovered + without):
        trace = str(number)
        spans.append(span("1", 0, 100 + number, trace=trace, service="web", error=number < failed, message="no"))
        if failed <= number < failed + recovered:
            spans.append(span("2", 0, 10, trace=trace, parent="1", service="cache", error=True, message="miss"))
            spans.append(span("3", 10, 20, trace=trace, parent="1", service="cache"))
            spans.append(span("4", 20, 30, trace=trace, parent="1", service="cache", error=True, message="miss"))
            spans.append(span("5", 30, 40, trace=trace, parent="1", service="cache"))
    return build(*spans)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((8, 8, 100), "8 of 100 requests failed (8.0 %)"),
        ((8, 6, 100), "8 of 100 traces with errors (8.0 %): 6 requests failed (6.0 %), 2 recovered"),
        ((2, 1, 2), "2 of 2 traces with errors (100 %): 1 request failed (50 %), 1 recovered"),
        ((1, 0, 1), "1 of 1 trace with errors (100 %): no request failed, 1 recovered"),
        ((0, 0, 1), "0 of 1 request failed (0 %)"),
        ((0, 0, 0), "0 of 0 requests failed (0 %)"),
    ],
)
def test_failure_counts_in_words(counts: tuple[int, int, int], words: str) -> None:
    assert numbers.failures_of(*counts) == words


@pytest.mark.parametrize(
    ("failed", "recovered", "words"),
    [
        (2, 1, "✖ 2 requests failed, 3 with errors"),
        (1, 1, "✖ 1 request failed, 2 with errors"),
        (3, 0, "✖ 3 requests failed"),
        (0, 2, "✖ 2 with errors, no request failed"),
    ],
)
def test_status_line(failed: int, recovered: int, words: str) -> None:
    summary = summarize(mixed(failed, recovered, 5))
    total = summary.trace_count
    wide = status_line(200, UNICODE, source="a/traces.json", summary=summary, total=total).text
    assert words in wide.split(" │ ")
    # the count of failed requests and the date stay when program name, source and the other count are dropped
    for width in range(80, 200):
        text = status_line(width, UNICODE, source="a/" + 40 * "x", summary=summary, total=total).text
        assert (f"✖ {failed} " if failed else "with errors") in text
        assert "2023-11-14" in text


@pytest.mark.parametrize(
    ("with_errors", "failed", "of", "words"),
    [
        (3, 3, 100, "✖ 3 of 100 requests failed  3.0 %"),
        (12, 7, 300, "✖ 12 with errors, 7 requests failed"),
        (2, 0, 40, "✖ 2 with errors, no request failed"),
        (0, 0, 40, "no errors"),
        (1_000, 1_000, 123_456, "✖ 1,000 of 123,456 failed  0.8 %"),
    ],
)
def test_statistics_next_to_the_plot(with_errors: int, failed: int, of: int, words: str) -> None:
    number = np.arange(of)
    points = Points(number, number + 1, number < with_errors, number < failed)
    last = stats_lines(points, UNICODE)[-1].text
    assert len(last) <= STATS_WIDTH
    assert last == words or last == words.replace(" requests", "").replace(" request", "")


def test_groups_by_service() -> None:
    columns = trace_columns(mixed(1, 2, 3))
    groups = errors_by_service(columns, np.arange(6), SortKey.DURATION, True, (), UNICODE)
    headings = {columns.services[group.key]: group.heading(120).text for group in groups}
    assert "✖ 2 traces   67 % of 3 with errors   no request failed" in headings["cache"]
    assert "✖ 1 trace   33 % of 3 with errors   no   " in headings["web"]
    assert "request" not in headings["web"]


def test_entry_points_of_a_pattern_count_failed_requests() -> None:
    # the request span below a client without a status failed, and so did its request
    traces = build(
        span("1", 0, 100, service="browser", name="click"),
        span("2", 10, 90, parent="1", service="web", name="GET /", kind=2, error=True, message="no"),
    )
    table = ErrorTable(Analysis(traces))
    assert table.entries(table.patterns[0]) == [("browser", "click", 1, 1)]


def test_show_picks_a_failed_request_before_traces_with_more_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_trace(mixed(1, 2, 3), "failed") == 0
    assert capsys.readouterr().err == ""
    traces = mixed(0, 2, 3)
    assert traces.trace_errors[find_trace(traces, "failed")] == 2
    assert "no request failed; showing one of 2 traces with errors" in capsys.readouterr().err
    with pytest.raises(UsageError, match="no trace has errors"):
        find_trace(mixed(0, 0, 3), "failed")


def test_compare_shows_both_rates_if_they_differ() -> None:
    before, after = Analysis(mixed(30, 30, 60)), Analysis(mixed(30, 0, 60))
    found = compare(before, after)
    changes = json.loads(compare_json(found))["changes"]
    assert (changes["error_rate"]["before"], changes["failed_request_rate"]["before"]) == (50, 25)
    text = "\n".join(line.text for line in compare_text(found, ("a", "b"), ReportOptions(width=100)))
    assert "  with errors" in text
    assert "  requests failed" in text
    same = compare(after, Analysis(mixed(60, 0, 30)))
    text = "\n".join(line.text for line in compare_text(same, ("a", "b"), ReportOptions(width=100)))
    assert "requests failed" not in text
    assert "failed_request_rate" in json.loads(compare_json(same))["changes"]
    assert sum("of traces" in line and "rate" in line for line in same.regressions) == 1


def test_contrast_counts_failed_requests(program: Program) -> None:
    result = program("contrast", str(CASES / "error-origin-later-consumer.json"))
    assert "nothing to contrast: every trace of 1 is in the selection (traces with errors)" in result.err
    assert selection_words(8, "with errors") == "8 traces with errors"
    assert selection_words(1, "with errors") == "1 trace with errors"
    assert selection_words(2, "slowest") == "2 slowest traces"


def test_report_counts_merged_records(program: Program) -> None:
    result = program("analyze", str(CASES / "span-sent-at-start-and-end.jsonl"), "--width", "80")
    summary = json.loads(program("analyze", str(CASES / "span-sent-at-start-and-end.jsonl"), "--json").out)["summary"]
    assert summary["duplicate_span_count"] == 1
    assert "\n1 duplicate span record merged\n" in result.out
    whole = "\n".join(line.text for line in report_text(Analysis(mixed()), (), ReportOptions()))
    assert "duplicate" not in whole


@pytest.mark.parametrize(("count", "words"), [(19, "1 to 9"), (20, "p50 3, max 9"), (1, "1 to 9")])
def test_few_samples_have_a_range_and_many_a_percentile(count: int, words: str) -> None:
    stats = DurationStats(count, 1, 2.0, 3.0, 4.0, 5.0, 6.0, 9)
    assert spread_words(stats, lambda ns: f"{ns:g}") == words
