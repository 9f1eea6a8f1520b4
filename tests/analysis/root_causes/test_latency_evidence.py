"""Evidence from latency."""

from __future__ import annotations

import numpy as np

from tests.support.building import build, span
from tracetui.analysis.root_causes import find_root_causes
from tracetui.model.traces import TraceSet


def requests(count: int, slow: frozenset[int], seed: int, *, calls: int = 4) -> TraceSet:
    """Make requests that query a database several times, each query 100 times slower in the requests `slow`."""
    random, spans = np.random.default_rng(seed), []
    for trace in range(count):
        at, name = trace * 10_000_000, str(trace + 1)
        spans.append(span("a", at, at + 2_000_000, trace=name, service="web"))
        for call in range(calls):
            begin = at + 400_000 * call
            duration = int(1_000 * random.lognormal(0, 0.1) * (100 if trace in slow else 1))
            spans.append(span(f"b{call}", begin, begin + duration, parent="a", trace=name, service="db"))
    return build(*spans)


BASELINE = requests(60, frozenset(), 1)


def test_pause_in_a_single_trace_is_no_evidence() -> None:
    assert not find_root_causes(BASELINE, requests(10, frozenset({4}), 2)).causes


def test_slowness_in_two_traces_is_evidence() -> None:
    first = find_root_causes(BASELINE, requests(10, frozenset({4, 7}), 2)).causes[0]
    assert first.service == "db"


def test_slowness_of_the_only_trace_is_evidence() -> None:
    """Without that trace nothing would be left to compare."""
    first = find_root_causes(BASELINE, requests(1, frozenset({0}), 2)).causes[0]
    assert first.service == "db"
