"""Response time of traces: the duration of the main root, and the duration of the whole trace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tests.support.building import US, GivenSpan, build, span
from tests.support.strategies import chain, span_sets, unhurried
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet


def _reached(traces: TraceSet, position: int) -> int:
    if not traces.flags[position] & Flag.NO_DURATION:
        return int(traces.end[position])
    return max(int(traces.end[below]) for below in range(position, int(traces.subtree_end[position])))


def without_ends(spans: list[GivenSpan], every: int = 3) -> list[GivenSpan]:
    """Return the spans with every n-th end missing."""
    return [
        one.but(duration=0, flags=one.flags | Flag.NO_DURATION) if number % every == 0 else one
        for number, one in enumerate(spans)
    ]


@unhurried
@given(span_sets())
def test_response_time_is_duration_of_main_root(spans: list[GivenSpan]) -> None:
    for given_spans in (spans, without_ends(spans)):
        traces = build(*given_spans)
        assert traces.reached_end.tolist() == [_reached(traces, i) for i in range(len(traces))]
        for trace in range(traces.trace_count):
            root = int(traces.main_root[trace])
            is_missing = bool(traces.flags[root] & Flag.ORPHAN)
            assert traces.root_missing[trace] == is_missing
            expected = (
                int(traces.trace_duration[trace]) if is_missing else _reached(traces, root) - int(traces.start[root])
            )
            assert traces.response_time[trace] == expected
            assert 0 <= traces.response_time[trace] <= traces.trace_duration[trace]


@pytest.mark.parametrize(
    ("spans", "expected", "missing"),
    [
        ([span("a", 0, 100)], 100, False),
        # a message processed much later
        (
            [
                span("a", 0, 200),
                span("b", 10, 20, parent="a", kind=Kind.PRODUCER),
                span("c", 9_000, 9_500, parent="b", kind=Kind.CONSUMER),
            ],
            200,
            False,
        ),
        ([span("a", 0, 100, parent="gone"), span("b", 50, 400, parent="gone")], 400, True),
        # an orphan beside a root is never the main root
        ([span("a", 0, 100, parent="gone"), span("b", 50, 400)], 350, False),
        # a root without an end lasts until the latest end below it
        (
            [
                span("a", 0, 0, flags=Flag.NO_DURATION),
                span("b", 10, 70, parent="a"),
                span("c", 20, 80, parent="b"),
                span("d", 90, 95, parent="gone"),
            ],
            80,
            False,
        ),
        ([span("a", 0, 0, flags=Flag.NO_DURATION)], 0, False),
    ],
)
def test_response_time_of_a_trace(spans: list[GivenSpan], expected: int, missing: bool) -> None:
    traces = build(*spans)
    assert (traces.response_time // US).tolist() == [expected]
    assert traces.root_missing.tolist() == [missing]


def test_root_without_end_above_100_000_levels() -> None:
    links = chain(100_000)
    traces = build(links[0].but(duration=0, flags=Flag.NO_DURATION), *links[1:])
    # ends decrease by a nanosecond per level
    assert traces.response_time.tolist() == [links[0].duration - 1]


def test_empty_set_has_no_response_times() -> None:
    traces = build()
    assert traces.response_time.tolist() == traces.root_missing.tolist() == []


def test_selection_keeps_response_times() -> None:
    traces = build(span("a", 0, 100, trace="1"), span("a", 0, 50, trace="2", parent="gone"))
    chosen = traces.select(np.array([False, True]))
    assert (chosen.response_time // US).tolist() == [50]
    assert chosen.root_missing.tolist() == [True]
