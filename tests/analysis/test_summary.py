"""The summary of a set."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import EPOCH, US, GivenSpan, build, span
from tests.support.near import near
from tests.support.strategies import span_sets, unhurried
from tracetui.analysis.summary import DurationStats, duration_stats, summarize
from tracetui.model.skewed_spans import skewed_spans


def _quantile(ordered: list[int], share: float) -> float:
    """Return the quantile by linear interpolation."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@unhurried
@given(st.lists(st.integers(0, 1 << 53), min_size=1))
def test_quantiles_of_durations(durations: list[int]) -> None:
    ordered = sorted(durations)
    found = duration_stats(np.array(durations, np.int64))
    assert (found.count, found.min_ns, found.max_ns) == (len(durations), ordered[0], ordered[-1])
    assert found.mean_ns == pytest.approx(statistics.fmean(durations))
    for value, share in ((found.p50_ns, 0.5), (found.p90_ns, 0.9), (found.p95_ns, 0.95), (found.p99_ns, 0.99)):
        assert value == pytest.approx(_quantile(ordered, share))


def test_known_durations() -> None:
    found = duration_stats(np.array([40, 10, 30, 20]))
    assert found == DurationStats(4, 10, 25, 25, near(37), near(38.5), near(39.7), 40)


@unhurried
@given(span_sets())
def test_counts_equal_the_traces(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    found = summarize(traces)
    everyone = [traces.span(i) for i in range(len(traces))]
    assert found.trace_count == traces.trace_count
    assert found.span_count == len(traces)
    assert found.span_count + found.duplicate_span_count == len(spans)
    assert found.service_count == len({one.service for one in everyone})
    assert found.error_trace_count == len({one.trace_id for one in everyone if one.error})
    assert found.orphan_span_count == sum(any("orphan" in text for text in one.warnings) for one in everyone)
    about_traces = len(traces.trace_warnings) + found.skewed_trace_count
    assert found.warning_count == sum(len(one.warnings) for one in everyone) + about_traces
    assert found.skewed_trace_count == len({int(traces.trace[i]) for i in skewed_spans(traces)})
    assert found.root_missing_count == int(traces.root_missing.sum())
    assert found.response_times == duration_stats(traces.response_time)
    longer = zip(traces.trace_duration.tolist(), traces.response_time.tolist(), strict=True)
    assert found.differing_count == sum(20 * (whole - response) > response for whole, response in longer)
    assert found.start_ns == min((one.start_ns for one in everyone), default=None)
    assert found.end_ns == max((one.end_ns for one in everyone), default=None)
    assert found.durations == duration_stats(traces.trace_duration)


def test_hand_made_set() -> None:
    traces = build(
        span("a", 0, 100, trace="1", service="web"),
        span("b", 10, 20, trace="1", service="db", parent="a", error=True),
        span("b", 10, 20, trace="1", service="db", parent="a", error=True),
        span("a", 50, 350, trace="2", service="web"),
        span("b", 60, 70, trace="2", service="mail", parent="gone"),
    )
    found = summarize(traces)
    assert (found.trace_count, found.span_count, found.duplicate_span_count, found.service_count) == (2, 4, 1, 3)
    assert (found.error_trace_count, found.error_rate) == (1, 50)
    # duplicate spans are not a warning
    assert (found.orphan_span_count, found.warning_count) == (1, 1)
    assert (found.start_ns, found.end_ns) == (EPOCH, EPOCH + 350 * US)
    assert (found.durations.count, found.durations.min_ns, found.durations.max_ns) == (2, 100 * US, 300 * US)


def test_summary_of_a_selection() -> None:
    twice = span("b", 10, 20, trace="1", service="db", parent="a", error=True)
    traces = build(span("a", 0, 100, trace="1"), twice, twice, span("a", 0, 50, trace="2", service="web"))
    found = summarize(traces.select(np.array([False, True])))
    assert (found.span_count, found.duplicate_span_count, found.service_count, found.error_rate) == (1, 0, 1, 0)
    assert found.durations.max_ns == 50 * US


def test_empty_set() -> None:
    found = summarize(build())
    assert (found.trace_count, found.span_count, found.error_rate, found.warning_count) == (0, 0, 0, 0)
    assert (found.start_ns, found.end_ns) == (None, None)
    assert found.durations == duration_stats(np.zeros(0, np.int64)) == DurationStats(0, 0, 0, 0, 0, 0, 0, 0)
