"""Clock skew correction by Jaeger's rule: spans moved, by how much, and their marks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tests.support.building import EPOCH, US, GivenSpan, at, build, micros, span
from tests.support.strategies import span_sets, unhurried
from tracetui.analysis.skew import correct_skew
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet

HERE = {"host.name": "here"}
THERE = {"host.name": "there"}


def moved(*spans: GivenSpan) -> dict[str, tuple[float, float]]:
    """Return start and end of each span in microseconds, by id."""
    traces = correct_skew(build(*spans))
    return {traces.span_id(i): (micros(traces.start[i]), micros(traces.end[i])) for i in range(len(traces))}


@pytest.mark.parametrize(
    ("child", "expected"),
    [
        ((20, 80), (20, 80)),  # fits inside
        ((0, 100), (0, 100)),  # fits exactly
        ((0, 0), (0, 0)),
        ((-50, 10), (20, 80)),  # begins too early: moved to the middle
        ((-50, 50), (0, 100)),  # as long as its parent
        ((60, 120), (20, 80)),  # ends too late
        ((200, 240), (30, 70)),  # outside
        ((-300, -299), (49.5, 50.5)),
        ((-10, 110), (0, 120)),  # longer than its parent: moved to the parent's start
        ((10, 130), (10, 130)),  # but not if it begins later
    ],
)
def test_child_on_another_host_is_moved_into_its_parent(child: tuple[int, int], expected: tuple[float, float]) -> None:
    spans = [span("a", 0, 100, resource=HERE), span("b", *child, parent="a", resource=THERE)]
    assert moved(*spans)["b"] == expected
    assert moved(*spans)["a"] == (0, 100)


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        ({"host.name": "x"}, {"host.name": "x"}, True),
        ({"host.name": "x"}, {"host.name": "y"}, False),
        ({"host.id": "1", "host.name": "x"}, {"host.id": "2", "host.name": "x"}, False),
        ({"host.id": "1", "host.name": "x"}, {"host.id": "1", "host.name": "y"}, True),
        ({"host.ip": "10.0.0.1", "host.name": "x"}, {"host.ip": "10.0.0.2", "host.name": "x"}, False),
        ({"host.ip": ["10.0.0.1", "::1"]}, {"host.ip": "10.0.0.1"}, True),
        ({"host.id": "", "host.name": "x"}, {"host.name": "x"}, True),
        # an unknown host never equals another
        ({}, {}, False),
        ({"host.name": "x"}, {}, False),
        ({"host.name": ""}, {"host.name": ""}, False),
        ({"host.name": 7}, {"host.name": 7}, False),
    ],
)
def test_child_on_the_same_host_is_not_moved(here: dict[str, Any], there: dict[str, Any], same: bool) -> None:
    spans = [span("a", 0, 100, resource=here), span("b", 200, 240, parent="a", resource=there)]
    assert moved(*spans)["b"] == ((200, 240) if same else (30, 70))


def test_descendants_on_the_same_host_move_along() -> None:
    spans = [
        span("a", 0, 100, resource=HERE),
        span("b", 200, 260, parent="a", resource=THERE),
        span("c", 210, 240, parent="b", resource=THERE),
        span("d", 220, 299, parent="c", resource=THERE),
        span("e", 90, 95, parent="a", resource=HERE),
    ]
    assert moved(*spans) == {"a": (0, 100), "b": (20, 80), "c": (30, 60), "d": (40, 119), "e": (90, 95)}


def test_third_host_is_compared_with_its_moved_parent() -> None:
    spans = [
        span("a", 0, 100, resource=HERE),
        span("b", 200, 260, parent="a", resource=THERE),
        # outside b after the correction
        span("c", 210, 240, parent="b", resource={"host.name": "third"}),
        # inside b after the correction
        span("d", 25, 35, parent="b", resource=HERE),
    ]
    assert moved(*spans) == {"a": (0, 100), "b": (20, 80), "c": (35, 65), "d": (25, 35)}


def test_events_move_with_their_span() -> None:
    late = span("b", 200, 240, parent="a", resource=THERE, events=[(210, "retry", {"n": 1}), (230, "done")])
    traces = correct_skew(build(span("a", 0, 100, resource=HERE, events=[(5, "x")]), late))
    events = traces.events(at(traces, "b"))
    assert [(event.name, micros(event.time_ns)) for event in events] == [("retry", 40), ("done", 60)]
    assert events[0].attributes == {"n": 1}
    assert traces.span(at(traces, "b")).events == tuple(events)
    assert [micros(event.time_ns) for event in traces.events(at(traces, "a"))] == [5]


def test_moved_spans_have_their_shift() -> None:
    traces = build(
        span("a", 0, 100, trace="1", resource=HERE),
        span("b", -1_000_000, -999_960, trace="2", parent="a", resource=THERE),
        span("a", 0, 100, trace="2", resource=HERE),
    )
    adjusted = correct_skew(traces)
    b = at(adjusted, "b")
    assert adjusted.skew == {b: 1_000_030 * US}
    assert adjusted.warnings_of(b) == ["moved by +1,000.030 ms to correct clock skew"]
    assert np.flatnonzero(adjusted.flags & int(Flag.SKEW_ADJUSTED)).tolist() == [b]
    assert adjusted.trace_warning_counts.tolist() == [0, 1]
    assert adjusted.trace_duration.tolist() == [100 * US, 100 * US]
    # the original set is unchanged
    assert (traces.skew, traces.start[b], traces.flags[b]) == ({}, EPOCH - 1_000_000 * US, Flag.NONE)
    # a selection keeps the shifts
    assert adjusted.select(np.array([False, True])).skew == {1: 1_000_030 * US}


def test_spans_with_a_shared_id_and_their_descendants_are_not_moved() -> None:
    spans = [
        span("a", 0, 100, resource=HERE),
        span("b", 200, 240, parent="a", resource=THERE),
        span("b", 300, 350, parent="a", resource=THERE),
        span("c", 500, 510, parent="b", resource=HERE),
    ]
    traces = build(*spans)
    assert correct_skew(traces) is traces


def test_roots_are_never_moved() -> None:
    traces = build(span("a", 0, 100, resource=HERE), span("b", 500, 600, parent="gone", resource=THERE))
    assert correct_skew(traces) is traces
    assert len(correct_skew(build())) == 0


def _with_hosts(spans: list[GivenSpan]) -> TraceSet:
    hosts: list[dict[str, str]] = [{}, HERE, THERE]
    return build(*(one.but(resource=hosts[len(one.service + one.name) % 3]) for one in spans))


@unhurried
@given(span_sets())
def test_spans_on_other_hosts_fit_into_their_parents_afterwards(spans: list[GivenSpan]) -> None:
    before = _with_hosts(spans)
    after = correct_skew(before)
    for one in range(len(before)):
        parent = int(before.parent[one])
        moved_by = int(after.start[one] - before.start[one])
        assert after.skew.get(one, 0) == moved_by
        assert bool(after.flags[one] & Flag.SKEW_ADJUSTED) == (moved_by != 0)
        if parent < 0 or (before.flags[one] | before.flags[parent]) & Flag.SAME_ID:
            assert moved_by == 0
            continue
        host, parents_host = (before.resource_attributes(i).get("host.name") for i in (one, parent))
        if host == parents_host is not None:
            assert moved_by == after.skew.get(parent, 0)
        else:
            assert after.start[one] >= after.start[parent]
            assert after.end[one] <= after.end[parent] or after.duration[one] > after.duration[parent]


@unhurried
@given(span_sets())
def test_correction_changes_only_starts_and_is_idempotent(spans: list[GivenSpan]) -> None:
    before = _with_hosts(spans)
    after = correct_skew(before)
    for column in ("trace", "parent", "subtree_end", "depth", "duration", "key", "error", "kind"):
        assert getattr(after, column).tolist() == getattr(before, column).tolist()
    assert correct_skew(after) is after
