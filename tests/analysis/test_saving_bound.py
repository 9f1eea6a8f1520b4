"""Limits of savings by parallel work: hand-made traces, and comparison with a replay."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from tests.support.building import US, GivenSpan, at, build, span
from tests.support.strategies import nested, unhurried
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.saving_bound import UNBOUND, SavingBound
from tracetui.analysis.what_if import run_replay
from tracetui.model.traces import TraceSet

# "fast" ends 15 us before "slow", and "last" comes after both
BESIDE = build(
    span("1", 0, 100),
    span("2", 10, 60, parent="1", name="slow"),
    span("3", 10, 45, parent="1", name="fast"),
    span("4", 70, 95, parent="1", name="last"),
)


def slack(traces: TraceSet, one: str) -> int:
    return int(SavingBound(critical_paths(traces)).of(np.array([at(traces, one)]))[0])


def test_parallel_work_limits_the_saving_of_a_call() -> None:
    assert slack(BESIDE, "2") == 15 * US
    assert slack(BESIDE, "4") == slack(BESIDE, "1") == UNBOUND


def test_work_parallel_to_the_caller_limits_the_saving() -> None:
    above = build(
        span("1", 0, 100),
        span("2", 0, 90, parent="1"),
        span("3", 0, 85, parent="1", name="beside"),
        span("4", 5, 80, parent="2", name="inside"),
    )
    assert slack(above, "4") == slack(above, "2") == 5 * US


def test_work_that_overlaps_the_next_call_limits_the_saving() -> None:
    # "beside" ends during the second call, which cannot end earlier than it
    on = build(
        span("1", 0, 100),
        span("2", 0, 40, parent="1"),
        span("3", 30, 75, parent="1", name="beside"),
        span("4", 40, 95, parent="1"),
    )
    assert slack(on, "2") == slack(on, "4") == 20 * US


def test_work_parallel_to_the_first_of_several_calls_limits_the_saving() -> None:
    calls = [span(str(i + 2), 10 * i, 10 * i + 10, parent="1") for i in range(4)]
    beside = span("9", 2, 33, parent="1", name="beside")
    traces = build(span("1", 0, 50), *calls, beside)
    first, last = np.array([at(traces, "2")]), np.array([at(traces, "5")])
    assert SavingBound(critical_paths(traces)).of_calls(first, last).tolist() == [7 * US]
    # work that starts after the first call moves with it
    later = build(span("1", 0, 50), *calls, beside.but(start=beside.start + 8 * US, duration=25 * US))
    assert SavingBound(critical_paths(later)).of_calls(first, last).tolist() == [UNBOUND]


def test_work_after_a_parallel_call_waits_for_it() -> None:
    # "after" follows "beside" and moves with it, not with the calls
    traces = build(
        span("1", 0, 100),
        span("2", 0, 40, parent="1"),
        span("3", 0, 45, parent="1", name="beside"),
        span("4", 46, 85, parent="1", name="after"),
        span("5", 40, 95, parent="1"),
    )
    assert slack(traces, "2") == slack(traces, "5") == 10 * US


def _follow_one_another(traces: TraceSet, beside: list[int]) -> bool:
    """Return whether one of these spans begins when a sibling among them has ended."""
    return any(
        traces.parent[one] == traces.parent[other] and traces.end[one] <= traces.start[other] and traces.duration[one]
        for one in beside
        for other in beside
    )


@unhurried
@given(nested())
def test_bound_equals_the_saving_of_a_replay(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    paths = critical_paths(traces)
    held = SavingBound(paths)
    is_simple = not _follow_one_another(traces, np.flatnonzero(~paths.on_path).tolist())
    for one in np.flatnonzero(paths.on_path & (traces.parent >= 0)).tolist():
        alone = np.zeros(len(traces), bool)
        alone[one] = True
        after = run_replay(paths, alone, 0).traces
        saved = int(traces.duration[0] - after.duration[0])
        bound = min(int(traces.duration[one]), int(held.of(np.array([one]))[0]))
        assert saved == bound if is_simple else saved <= bound
