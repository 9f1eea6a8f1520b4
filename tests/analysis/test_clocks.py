"""Clock skew: spans outside callers that waited for them, reported by default."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tests.support.building import GivenSpan, build, ids, span
from tests.support.strategies import span_sets, unhurried
from tracetui.analysis.skew import correct_skew
from tracetui.analysis.summary import summarize
from tracetui.model.skewed_spans import skewed_spans
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet


def _is_skewed(traces: TraceSet, i: int) -> bool:
    parent = int(traces.parent[i])
    if parent < 0 or traces.service[i] == traces.service[parent]:
        return False
    if (traces.flags[i] | traces.flags[parent]) & (Flag.START_REPAIRED | Flag.SAME_ID):
        return False
    if traces.flags[i] & Flag.FOLLOWS_FROM:
        return False
    if traces.kind[i] == Kind.CONSUMER and traces.kind[parent] == Kind.PRODUCER:
        return False
    early, late = traces.start[parent] - 1_000, traces.reached_end[parent] + 1_000
    return not early <= traces.start[i] <= late


@unhurried
@given(span_sets())
def test_skewed_spans_start_outside_their_caller(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    expected = [i for i in range(len(traces)) if _is_skewed(traces, i)]
    assert skewed_spans(traces).tolist() == expected
    assert traces.skewed.tolist() == [
        trace in {int(traces.trace[i]) for i in expected} for trace in range(traces.trace_count)
    ]


def call(start: int, end: int, *, at: dict[str, Any] | None = None, **rest: Any) -> list[GivenSpan]:
    """Return a call of 100 µs and its callee. `at` is the resource of the callee."""
    caller = span("a", 0, 100, service="web", kind=Kind.CLIENT, resource={"host.name": "one"})
    return [caller, span("b", start, end, **{"parent": "a", "service": "api", "resource": at or {}, **rest})]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        (call(10, 90), []),
        (call(-50, 20), ["b"]),
        (call(300_000, 300_050), ["b"]),
        # asynchronous work, and rounding
        (call(10, 500), []),
        (call(-1, 90), []),
        (call(-50, 20, at={"host.name": "two"}), ["b"]),
        # the same host
        (call(-50, 20, at={"host.name": "one"}), []),
        # one service on two hosts
        (call(-50, 20, at={"host.name": "two"}, service="web"), ["b"]),
        (call(-50, 20, service="web"), []),
        # no caller waited for these
        (call(-50, 20, flags=Flag.FOLLOWS_FROM), []),
        ([one.but(kind=kind) for one, kind in zip(call(500, 600), (Kind.PRODUCER, Kind.CONSUMER), strict=True)], []),
        (call(-50, 20, parent="gone"), []),
    ],
)
def test_hand_made_skew(spans: list[GivenSpan], expected: list[str]) -> None:
    traces = build(*spans)
    assert ids(traces, skewed_spans(traces)) == expected
    assert traces.trace_warning_counts.tolist() == [len(expected) + (spans[1].parent == "gone")]


def test_one_warning_per_skewed_trace() -> None:
    traces = build(
        *call(-50, 20),
        span("c", -40, 10, parent="b", service="db"),
        span("d", 400, 500, parent="b", service="db"),
        *(one.but(trace="2") for one in call(10, 20)),
    )
    assert len(skewed_spans(traces)) == 2
    assert (summarize(traces).skewed_trace_count, summarize(traces).warning_count) == (1, 1)


def test_adjusted_spans_are_no_longer_skewed() -> None:
    traces = correct_skew(build(*call(300_000, 300_050)))
    assert not traces.skewed.any()
    assert np.count_nonzero(traces.flags & int(Flag.SKEW_ADJUSTED)) == 1
