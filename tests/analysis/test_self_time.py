"""Self time: the time of a span outside its children."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import US, GivenSpan, at, build, span
from tests.support.strategies import chain, fan, nested, span_sets, unhurried
from tracetui.analysis.self_time import self_times
from tracetui.analysis.stats.groups import keyed
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet


def _self_time(traces: TraceSet, owner: int) -> int:
    """Return the duration less the union of the children's intervals, merged one by one."""
    start, end = int(traces.start[owner]), int(traces.end[owner])
    intervals = []
    for child in range(len(traces)):
        consumes = traces.kind[child] == Kind.CONSUMER and traces.kind[owner] == Kind.PRODUCER
        if traces.parent[child] == owner and not consumes:
            intervals.append((max(start, int(traces.start[child])), min(end, int(traces.end[child]))))
    covered, reached = 0, start
    for begin, until in sorted(intervals):
        if until > max(begin, reached):
            covered += until - max(begin, reached)
            reached = until
    return end - start - covered


@unhurried
@given(span_sets())
def test_self_time_equals_the_definition(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    found = self_times(traces)
    assert found.tolist() == [_self_time(traces, owner) for owner in range(len(traces))]
    assert (found >= 0).all()
    assert (found <= traces.duration).all()


@unhurried
@given(nested())
def test_traces_are_unchanged(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    before = traces.duration.tolist()
    self_times(traces)
    assert traces.duration.tolist() == before


def own_time(*spans: GivenSpan) -> float:
    """Return the self time of span `a`, in microseconds."""
    traces = build(*spans)
    return float(self_times(traces)[at(traces, "a")] / US)


@pytest.mark.parametrize(
    ("children", "expected"),
    [
        ([], 100),
        ([(10, 30)], 80),
        ([(10, 30), (20, 50)], 60),  # overlapping
        ([(10, 30), (30, 50)], 60),  # touching
        ([(10, 60), (20, 30)], 50),  # nested
        ([(10, 60), (20, 30), (50, 70)], 40),  # a long one around shorter ones
        ([(-20, 10), (95, 130)], 85),  # beyond both ends
        ([(-20, -10), (100, 130)], 100),  # outside
        ([(-20, 130)], 0),  # around the parent
        ([(40, 40)], 100),  # no duration
        ([(0, 100), (0, 100)], 0),
    ],
)
def test_children_count_once_and_within_their_parent(children: list[tuple[int, int]], expected: float) -> None:
    below = [span(f"b{i}", start, end, parent="a") for i, (start, end) in enumerate(children)]
    assert own_time(span("a", 0, 100), *below) == expected


def test_child_without_an_end_runs_as_long_as_its_descendants() -> None:
    unended = span("b", 20, 20, parent="a", flags=Flag.NO_DURATION)
    assert own_time(span("a", 0, 100), unended) == 100
    assert own_time(span("a", 0, 100), unended, span("c", 40, 70, parent="b")) == 50
    assert own_time(span("a", 0, 100), unended, span("c", 40, 130, parent="b")) == 20


def test_grandchildren_are_ignored() -> None:
    assert own_time(span("a", 0, 100), span("b", 10, 20, parent="a"), span("c", 30, 90, parent="b")) == 90


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        (Kind.PRODUCER, Kind.CONSUMER, 100),
        (Kind.PRODUCER, Kind.SERVER, 80),
        (Kind.CLIENT, Kind.CONSUMER, 80),
        (Kind.CONSUMER, Kind.PRODUCER, 80),
    ],
)
def test_consumer_of_a_message_is_not_subtracted(above: Kind, below: Kind, expected: float) -> None:
    assert own_time(span("a", 0, 100, kind=above), span("b", 10, 30, parent="a", kind=below)) == expected


def test_empty_set_has_no_self_times() -> None:
    assert self_times(build()).tolist() == []


def test_chain_of_100_000_levels() -> None:
    # each level is 1 ns longer than the next at both ends
    assert self_times(build(*chain(100_000))).tolist() == [2] * 99_999 + [1]


def test_fan_of_100_000_children() -> None:
    # a nanosecond before each child
    assert self_times(build(*fan(100_000))).tolist() == [99_999] + [2] * 99_999


@unhurried
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1 << 61), st.integers(0, 1 << 61)), min_size=1),
    st.sampled_from((0, 58)),
)
def test_group_and_value_are_encoded_in_one_number_at_any_distance(
    pairs: list[tuple[int, int, int]], bits: int
) -> None:
    # with fewer bits, equal values are more common, and a value fits into 64 bits together with its group
    group = np.array([pair[0] for pair in pairs])
    values = [np.array([pair[i] >> bits for pair in pairs]) for i in (1, 2)]
    plain = [(int(g), int(v)) for value in values for g, v in zip(group, value, strict=True)]
    numbers = np.concatenate(keyed(group, *values)).tolist()
    assert [sorted(set(numbers)).index(number) for number in numbers] == [
        sorted(set(plain)).index(pair) for pair in plain
    ]
