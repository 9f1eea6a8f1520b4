"""What-if replays: hand-made traces, and invariants of any traces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import US, GivenSpan, at, build, span
from tests.support.strategies import chain, span_sets, unhurried
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.what_if import run_replay, what_if
from tracetui.model.errors import UsageError
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.render.hot_spots.what_if import what_if_lines
from tracetui.render.text.glyphs import UNICODE


def scaled(traces: TraceSet, *ids: str) -> np.ndarray:
    spans = np.zeros(len(traces), bool)
    spans[[at(traces, one) for one in ids]] = True
    return spans


def took(traces: TraceSet, percent: float, *ids: str) -> int:
    """Return the new duration of the first trace in microseconds."""
    replay = run_replay(critical_paths(traces), scaled(traces, *ids), percent)
    return int(replay.end_of_traces[0] - traces.trace_start[0]) // US


ONE_AFTER_THE_OTHER = build(
    span("1", 0, 100, name="page"),
    span("2", 10, 50, parent="1", name="first"),
    span("3", 55, 90, parent="1", name="second"),
)
AT_ONCE = build(
    span("1", 0, 100, name="page"),
    span("2", 10, 90, parent="1", name="slow"),
    span("3", 10, 60, parent="1", name="fast"),
)


def test_later_siblings_start_earlier_by_the_saving() -> None:
    # first ends at 30 instead of 50: later spans start 20 µs earlier, gaps stay
    assert took(ONE_AFTER_THE_OTHER, 50, "2") == 80
    assert took(ONE_AFTER_THE_OTHER, 0, "3") == 65
    assert took(ONE_AFTER_THE_OTHER, 0, "2", "3") == 25
    assert took(ONE_AFTER_THE_OTHER, 200, "2") == 140
    assert took(ONE_AFTER_THE_OTHER, 50, "1") == 50


def test_parent_waits_for_the_slowest_parallel_call() -> None:
    assert took(AT_ONCE, 50, "2") == 70
    # the other call takes until 60, then 10 µs after the last call
    assert took(AT_ONCE, 0, "2") == 70
    assert took(AT_ONCE, 0, "3") == 100
    assert took(AT_ONCE, 200, "3") == 120


def test_scaled_callees_are_mentioned() -> None:
    def lines(*ids: str) -> list[str]:
        found = what_if(critical_paths(ONE_AFTER_THE_OTHER), scaled(ONE_AFTER_THE_OTHER, *ids), 50)
        return [line.text for line in what_if_lines(found, ONE_AFTER_THE_OTHER, UNICODE)]

    # the first call takes 20 of 50 µs then, the second 17.5
    assert lines("1") == ["at 50 % duration: 100 µs → 50.0 µs", "callees included  next bottleneck 40 %: api first"]
    assert lines("2") == ["at 50 % duration: 100 µs → 80.0 µs", "next bottleneck 44 %: api second"]
    assert lines("1", "2", "3")[1:] == ["callees included"]


def test_descendants_of_a_scaled_span_are_scaled() -> None:
    traces = build(
        span("1", 0, 100),
        span("2", 20, 80, parent="1"),
        span("3", 30, 70, parent="2"),
        span("4", 80, 95, parent="1"),
    )
    replay = run_replay(critical_paths(traces), scaled(traces, "2", "3"), 50).traces
    times = {
        one: (int(replay.start[at(traces, one)] - traces.start[0]) // US, int(replay.duration[at(traces, one)]) // US)
        for one in "1234"
    }
    assert times == {"1": (0, 70), "2": (20, 30), "3": (25, 20), "4": (50, 15)}


def test_change_of_a_deep_span_changes_the_trace() -> None:
    traces = build(*chain(2_000))
    last = np.zeros(len(traces), bool)
    last[-1] = True
    paths = critical_paths(traces)
    gone = int(traces.duration[-1])
    after = run_replay(paths, last, 0)
    assert int(after.end_of_traces[0] - traces.trace_start[0]) == int(traces.trace_duration[0]) - gone


def test_spans_off_the_critical_path_move_with_their_parent() -> None:
    traces = build(
        span("1", 0, 100, kind=Kind.SERVER),
        span("2", 10, 60, parent="1", name="slow"),
        span("3", 60, 90, parent="1", kind=Kind.PRODUCER),
        span("4", 95, 300, parent="3", kind=Kind.CONSUMER),
    )
    # the message is sent and consumed 50 µs earlier
    assert took(traces, 0, "2") == 250


def test_figures_before_and_after_and_next_bottleneck() -> None:
    paths = critical_paths(ONE_AFTER_THE_OTHER)
    found = what_if(paths, scaled(ONE_AFTER_THE_OTHER, "2"), 50)
    assert (found.p50_ns, found.mean_ns, found.trace_count) == ((100 * US, 80 * US), (100 * US, 80 * US), 1)
    assert found.next_operation is not None
    assert ONE_AFTER_THE_OTHER.operation_label(found.next_operation) == ("api", "second")
    # second takes 35 of 80 µs
    assert found.next_share == pytest.approx(43.75)


@pytest.mark.parametrize("percent", [-1, 1_001, float("nan")])
def test_invalid_share_is_rejected(percent: float) -> None:
    with pytest.raises(UsageError, match="the share must be between"):
        run_replay(critical_paths(AT_ONCE), scaled(AT_ONCE, "2"), percent)


some_of_them = st.lists(st.integers(0, 1 << 30), max_size=6)


def _chosen(traces: TraceSet, picks: list[int]) -> np.ndarray:
    spans = np.zeros(len(traces), bool)
    if len(traces):
        spans[[pick % len(traces) for pick in picks]] = True
    return spans


@unhurried
@given(span_sets(), some_of_them)
def test_unchanged_durations_change_nothing(spans: list[GivenSpan], picks: list[int]) -> None:
    traces = build(*spans)
    after = run_replay(critical_paths(traces), _chosen(traces, picks), 100)
    assert after.traces.start.tolist() == traces.start.tolist()
    assert after.traces.duration.tolist() == traces.duration.tolist()


@unhurried
@given(span_sets(), some_of_them, st.just(0.0) | st.floats(0, 100))
def test_shorter_spans_never_make_a_trace_longer(spans: list[GivenSpan], picks: list[int], percent: float) -> None:
    traces = build(*spans)
    after = run_replay(critical_paths(traces), _chosen(traces, picks), percent)
    durations = after.end_of_traces - traces.trace_start
    assert (durations >= 0).all()
    # times are whole nanoseconds; each span of a chain may be rounded up, except at 0 % and 100 %
    assert (durations <= traces.trace_duration + (len(traces) if percent % 100 else 0)).all()
    assert (after.traces.duration >= 0).all()
