"""The critical path: hand-made traces, and comparison with the definition."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from tests.support.building import US, GivenSpan, at, build, micros, span
from tests.support.critical_reference import Section, path_of_trace
from tests.support.strategies import chain, examples, fan, incomplete_sets, nested, trees, unhurried
from tracetui.analysis.critical_path import critical_paths, root_paths
from tracetui.analysis.skew import correct_skew
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet


def sections(traces: TraceSet, trace: int = 0) -> list[Section]:
    spans, starts, ends = critical_paths(traces).sections_of(trace)
    return list(zip(spans.tolist(), starts.tolist(), ends.tolist(), strict=True))


@examples(3)
@given(incomplete_sets())
def test_sections_equal_the_definition(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    for trace in range(traces.trace_count):
        assert sections(traces, trace) == path_of_trace(traces, trace)


@unhurried
@given(trees())
def test_sections_equal_the_definition_after_skew_correction(spans: list[GivenSpan]) -> None:
    # corrected siblings are no longer ordered by start
    traces = correct_skew(build(*spans))
    for trace in range(traces.trace_count):
        assert sections(traces, trace) == path_of_trace(traces, trace)


@unhurried
@given(incomplete_sets())
def test_sections_partition_a_root(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    paths = root_paths(traces)
    by_root: dict[int, list[Section]] = {i: [] for i in range(len(traces)) if traces.parent[i] < 0}
    for trace in range(traces.trace_count):
        for section in zip(*(column.tolist() for column in paths.sections_of(trace)), strict=True):
            by_root[max(root for root in by_root if root <= section[0])].append(section)
    total: Counter[int] = Counter()
    for root, parts in by_root.items():
        moments = [int(traces.start[root]), *(end for _, _, end in parts)]
        assert [start for _, start, _ in parts] == moments[:-1]
        assert moments[-1] == traces.reached_end[root]
        assert all(start < end for _, start, end in parts)
        assert all(one[0] != other[0] for one, other in pairwise(parts))
        for owner, start, end in parts:
            total[owner] += end - start
            assert traces.start[owner] <= start < end <= traces.reached_end[owner]
    assert paths.critical.tolist() == [total[i] for i in range(len(traces))]
    assert set(total) <= set(np.flatnonzero(paths.on_path).tolist())


@unhurried
@given(incomplete_sets())
def test_sections_of_a_trace_never_overlap(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    paths = critical_paths(traces)
    total: Counter[int] = Counter()
    for trace in range(traces.trace_count):
        parts = sections(traces, trace)
        assert all(start < end for _, start, end in parts)
        assert all(one[2] <= other[1] for one, other in pairwise(parts))
        assert not any(one[0] == other[0] and one[2] == other[1] for one, other in pairwise(parts))
        for owner, start, end in parts:
            total[owner] += end - start
        assert paths.trace_critical[trace] == sum(end - start for _, start, end in parts)
        main = int(traces.main_root[trace])
        whole = int(traces.reached_end[main] - traces.start[main])
        assert whole <= paths.trace_critical[trace] <= traces.trace_duration[trace]
    assert paths.critical.tolist() == [total[i] for i in range(len(traces))]
    on_path = set(np.flatnonzero(paths.on_path).tolist())
    assert set(total) <= on_path
    assert not paths.asynchronous[list(on_path)].any()


@unhurried
@given(nested())
def test_spans_on_the_path_have_callers_on_the_path(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    on_path = critical_paths(traces).on_path
    called = on_path & (traces.parent >= 0)
    assert on_path[traces.parent[called]].all()


# --- Hand-made traces -----------------------------------------------------------------------------------------------


def path(*spans: GivenSpan) -> list[tuple[str, float, float]]:
    """Return the critical path of one trace: span ids, and starts and ends in microseconds."""
    traces = build(*spans)
    return [(traces.span_id(owner), micros(start), micros(end)) for owner, start, end in sections(traces)]


def test_single_span_is_its_path() -> None:
    assert path(span("a", 0, 100)) == [("a", 0, 100)]


def test_gap_belongs_to_the_parent() -> None:
    assert path(span("a", 0, 100), span("b", 10, 40, parent="a"), span("c", 60, 90, parent="a")) == [
        ("a", 0, 10),
        ("b", 10, 40),
        ("a", 40, 60),
        ("c", 60, 90),
        ("a", 90, 100),
    ]


def test_adjacent_children_are_both_on_the_path() -> None:
    assert path(span("a", 0, 90), span("b", 0, 40, parent="a"), span("c", 40, 90, parent="a")) == [
        ("b", 0, 40),
        ("c", 40, 90),
    ]


def test_last_of_parallel_children_is_on_the_path() -> None:
    # b ends during c and is never waited for; d ends before c begins
    spans = [
        span("a", 0, 100),
        span("b", 10, 70, parent="a"),
        span("c", 50, 90, parent="a"),
        span("d", 20, 45, parent="a"),
    ]
    assert path(*spans) == [("a", 0, 20), ("d", 20, 45), ("a", 45, 50), ("c", 50, 90), ("a", 90, 100)]


def test_path_descends_into_children() -> None:
    spans = [
        span("a", 0, 100),
        span("b", 10, 90, parent="a"),
        span("c", 20, 50, parent="b"),
        span("d", 55, 80, parent="b"),
        span("e", 5, 85, parent="a"),  # longer than b, but b ends last
        span("f", 6, 84, parent="e"),
    ]
    assert path(*spans) == [
        ("a", 0, 10),
        ("b", 10, 20),
        ("c", 20, 50),
        ("b", 50, 55),
        ("d", 55, 80),
        ("b", 80, 90),
        ("a", 90, 100),
    ]


def test_longest_of_children_with_one_end_is_on_the_path() -> None:
    spans = [span("a", 0, 100), span("b", 50, 80, parent="a"), span("c", 20, 80, parent="a")]
    assert path(*spans) == [("a", 0, 20), ("c", 20, 80), ("a", 80, 100)]


@pytest.mark.parametrize("order", ["bc", "cb"])
def test_first_of_equal_children_is_on_the_path(order: str) -> None:
    assert path(span("a", 0, 100), *(span(name, 20, 80, parent="a") for name in order))[1] == (order[0], 20, 80)


def test_longest_of_skew_corrected_children_with_one_end_is_on_the_path() -> None:
    # b is moved to the middle of its parent, 40 to 60, and so begins after c
    traces = correct_skew(build(span("a", 0, 100), span("b", -50, -30, parent="a"), span("c", 20, 60, parent="a")))
    assert [traces.span_id(owner) for owner, *_ in sections(traces)] == ["a", "c", "a"]


def test_time_outside_the_parent_is_excluded() -> None:
    spans = [
        span("a", 10, 100),
        span("b", 0, 40, parent="a"),
        span("c", 0, 5, parent="b"),  # within b, but before a began
        span("d", 60, 150, parent="a"),
        span("e", 90, 140, parent="d"),
        span("f", 110, 120, parent="e"),  # within e, but after a ended
    ]
    assert path(*spans) == [("b", 10, 40), ("a", 40, 60), ("d", 60, 90), ("e", 90, 100)]


@pytest.mark.parametrize("interval", [(0, 10), (5, 10), (100, 101), (120, 130)])
def test_child_outside_its_parent_is_excluded_with_its_descendants(interval: tuple[int, int]) -> None:
    spans = [span("a", 10, 100), span("b", *interval, parent="a"), span("c", 20, 30, parent="b")]
    assert path(*spans) == [("a", 10, 100)]


def test_child_without_duration_is_excluded_with_its_descendants() -> None:
    spans = [span("a", 0, 100), span("b", 50, 50, parent="a"), span("c", 40, 60, parent="b")]
    assert path(*spans) == [("a", 0, 100)]


def test_consumer_is_excluded_with_its_descendants() -> None:
    spans = [
        span("a", 0, 100, kind=Kind.PRODUCER),
        span("b", 10, 90, parent="a", kind=Kind.CONSUMER),
        span("c", 20, 80, parent="b"),
        span("d", 5, 7, parent="a"),
    ]
    assert path(*spans) == [("a", 0, 5), ("d", 5, 7), ("a", 7, 100)]


def test_orphan_has_its_own_path() -> None:
    spans = [span("b", 10, 90, parent="gone"), span("c", 20, 30, parent="b")]
    assert path(*spans) == [("b", 10, 20), ("c", 20, 30), ("b", 30, 90)]


def test_path_of_an_orphan_counts_outside_the_main_root() -> None:
    spans = [span("a", 10, 50), span("b", 0, 90, parent="gone"), span("c", 40, 60, parent="b")]
    assert path(*spans) == [("b", 0, 10), ("a", 10, 50), ("c", 50, 60), ("b", 60, 90)]


def test_orphan_keeps_time_before_a_child_within_the_main_root() -> None:
    spans = [span("a", 10, 90), span("b", 0, 40, parent="gone"), span("c", 20, 30, parent="b")]
    assert path(*spans) == [("b", 0, 10), ("a", 10, 90)]


def test_parallel_orphans_count_once() -> None:
    spans = [span("a", 0, 100, parent="gone"), span("b", 20, 60, parent="gone"), span("c", 90, 130, parent="gone")]
    assert path(*spans) == [("a", 0, 100), ("c", 100, 130)]


def test_root_without_duration_does_not_split_other_paths() -> None:
    assert path(span("a", 50, 50), span("b", 0, 90, parent="gone")) == [("b", 0, 90)]


def test_consumer_other_than_the_main_root_is_never_on_the_path() -> None:
    spans = [span("a", 0, 100), span("b", 200, 300, kind=Kind.CONSUMER, parent="gone"), span("c", 210, 220, parent="b")]
    assert path(*spans) == [("a", 0, 100)]
    assert path(*(one.but(trace="1") for one in spans[1:])) == [("b", 200, 210), ("c", 210, 220), ("b", 220, 300)]


def test_children_of_a_span_without_start_count_for_its_parent() -> None:
    spans = [
        span("a", 0, 100),
        span("b", 0, 90, parent="a", flags=Flag.START_REPAIRED),
        span("c", 0, 80, parent="b", flags=Flag.START_REPAIRED),
        span("d", 20, 60, parent="c"),
        span("e", 5, 30, parent="a"),
    ]
    assert path(*spans) == [("a", 0, 20), ("d", 20, 60), ("a", 60, 100)]


def test_root_without_start_keeps_its_path() -> None:
    # it begins with the earliest span of its trace
    spans = [span("a", 0, 100, flags=Flag.START_REPAIRED), span("b", 20, 60, parent="a")]
    assert path(*spans) == [("b", 20, 60), ("a", 60, 120)]


def test_span_without_end_lasts_until_the_latest_end_below_it() -> None:
    spans = [
        span("a", 0, 0, flags=Flag.NO_DURATION),
        span("b", 10, 10, parent="a", flags=Flag.NO_DURATION),
        span("c", 20, 50, parent="b"),
        span("d", 60, 100, parent="a"),
    ]
    assert path(*spans) == [("a", 0, 10), ("b", 10, 20), ("c", 20, 50), ("a", 50, 60), ("d", 60, 100)]


def test_time_0_is_valid() -> None:
    traces = build(GivenSpan("a", 0, 100), GivenSpan("b", 0, 40, parent="a"), GivenSpan("c", 40, 20, parent="a"))
    assert [(traces.span_id(owner), *times) for owner, *times in sections(traces)] == [
        ("b", 0, 40),
        ("c", 40, 60),
        ("a", 60, 100),
    ]


def test_traces_are_independent() -> None:
    traces = build(
        span("a", 0, 100, trace="1"),
        span("a", 0, 50, trace="2"),
        span("b", 10, 20, trace="2", parent="a"),
        span("a", 7, 7, trace="3"),
    )
    assert [[micros(end) for *_, end in sections(traces, trace)] for trace in range(3)] == [[100], [10, 20, 50], []]
    assert (critical_paths(traces).critical // US).tolist() == [100, 40, 10, 0]


def test_empty_set_has_no_paths() -> None:
    paths = critical_paths(build())
    assert paths.critical.tolist() == paths.on_path.tolist() == []


def test_chain_of_100_000_levels() -> None:
    traces = build(*chain(100_000))
    parts = sections(traces)
    # down to the innermost span and back up, one nanosecond for each level
    assert [owner for owner, _, _ in parts] == [*range(100_000), *range(99_998, -1, -1)]
    assert {end - start for _, start, end in parts} == {1}


def test_fan_of_100_000_children() -> None:
    traces = build(*fan(100_000))
    paths = critical_paths(traces)
    assert paths.on_path.all()
    assert paths.critical.tolist() == [99_999] + [2] * 99_999
    assert len(sections(traces)) == 2 * 99_999


def test_100_000_parallel_children() -> None:
    crowd = [GivenSpan(f"{i:x}", 10, 80, parent="ffffffff") for i in range(1, 100_000)]
    traces = build(GivenSpan("ffffffff", 1, 100), *crowd)
    parts = sections(traces)
    assert [end - start for _, start, end in parts] == [9, 80, 11]
    assert traces.span_id(parts[1][0]) == "1"
    assert at(traces, "ffffffff") == parts[0][0] == parts[2][0]
