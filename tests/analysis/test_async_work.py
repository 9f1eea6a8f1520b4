"""Asynchronous work: units, their critical paths, and their entry points."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given

from tests.support.building import US, GivenSpan, build, ids, micros, span
from tests.support.critical_reference import is_async_root, path_of_root
from tests.support.strategies import incomplete_sets, unhurried
from tracetui.analysis.async_work import AsyncWork
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.summary import duration_stats
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet


def _unit_of(traces: TraceSet, position: int) -> int:
    at = position
    while at >= 0 and not is_async_root(traces, at):
        at = int(traces.parent[at])
    return at


@unhurried
@given(incomplete_sets())
def test_units_have_critical_paths(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    work = AsyncWork(traces)
    roots = [i for i in range(len(traces)) if is_async_root(traces, i)]
    assert (work.roots.tolist(), len(work)) == (roots, len(roots))
    paths = {}
    for trace in range(traces.trace_count):
        units = work.units_of(trace)
        assert [unit.root for unit in units] == [root for root in roots if traces.trace[root] == trace]
        for unit in units:
            sections = zip(unit.spans.tolist(), unit.starts.tolist(), unit.ends.tolist(), strict=True)
            paths[unit.root] = list(sections)
            assert paths[unit.root] == path_of_root(traces, unit.root)
    expected = defaultdict(list)
    for root in roots:
        expected[traces.operation_label(int(traces.operation[root]))].append(root)
    entries = {(one.service, one.operation): one for one in work.entries()}
    assert set(entries) == set(expected)
    for label, members in expected.items():
        found = entries[label]
        assert found.unit_count == len(members)
        assert found.trace_count == len({int(traces.trace[root]) for root in members})
        assert found.path_ns == sum(end - start for root in members for _, start, end in paths[root])
        lengths = traces.reached_end[members] - traces.start[members]
        assert found.durations == duration_stats(lengths)
        occurs = defaultdict(set)
        for i in range(len(traces)):
            if (root := _unit_of(traces, i)) in members:
                occurs[traces.operation_label(int(traces.operation[i]))].add(root)
        for one in found.bottlenecks:
            touched = occurs[one.service, one.operation]
            own = sum(
                end - start
                for root in touched
                for i, start, end in paths[root]
                if traces.operation_label(int(traces.operation[i])) == (one.service, one.operation)
            )
            whole = sum(end - start for root in touched for _, start, end in paths[root])
            assert (one.occurrences, one.trace_count) == (len(touched), len(members))
            assert one.share_percent == pytest.approx(100 * own / whole)
            assert 20 < one.share_percent <= 100.000001


def test_work_an_hour_later() -> None:
    traces = build(
        span("a", 0, 200, service="shop", name="POST"),
        span("b", 170, 175, parent="a", service="shop", name="send", kind=Kind.PRODUCER),
        span("c", 3_000, 3_500, parent="b", service="mail", name="process", kind=Kind.CONSUMER),
        span("d", 3_050, 3_450, parent="c", service="mail", name="render"),
        # messages sent by asynchronous work start units of their own
        span("e", 3_460, 3_470, parent="c", service="mail", name="send", kind=Kind.PRODUCER),
        span("f", 3_480, 9_000, parent="e", service="log", name="write", kind=Kind.CONSUMER),
    )
    log, mail = AsyncWork(traces).entries()
    assert (log.service, log.operation, log.path_ns) == ("log", "write", 5_520 * US)
    assert (mail.unit_count, mail.trace_count, mail.durations.max_ns, mail.path_ns) == (1, 1, 500 * US, 500 * US)
    assert [(one.operation, one.share_percent) for one in mail.bottlenecks] == [("render", 80)]
    unit = AsyncWork(traces).units_of(0)[0]
    assert ids(traces, unit.spans) == ["c", "d", "c", "e", "c"]
    assert [micros(end) for end in unit.ends] == [3_050, 3_450, 3_460, 3_470, 3_500]
    assert critical_paths(traces).trace_critical.tolist() == [200 * US]


def test_consumer_root_is_a_unit() -> None:
    traces = build(
        span("a", 0, 100),
        span("b", 200, 300, service="mail", name="process", kind=Kind.CONSUMER, parent="gone"),
        span("a", 500, 600, trace="2", service="mail", name="process", kind=Kind.CONSUMER),
    )
    (mail,) = AsyncWork(traces).entries()
    assert (mail.unit_count, mail.slowest[0][0]) == (1, 0)
    assert AsyncWork(traces).units_of(1) == []


def test_empty_set_has_no_asynchronous_work() -> None:
    assert AsyncWork(build()).entries() == []
