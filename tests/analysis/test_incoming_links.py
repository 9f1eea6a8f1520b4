"""Spans that link to a span or to its trace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import at, build, ids, span
from tracetui.analysis.incoming_links import known_incoming_links, read_incoming_links
from tracetui.model.traces import TraceSet


def linked() -> TraceSet:
    """Build an order whose message two jobs of other traces link to, and a job that links to a span not loaded."""
    return build(
        span("1", 0, 100, trace="a", name="POST /orders"),
        span("2", 10, 20, trace="a", parent="1", name="publish"),
        span("3", 30, 40, trace="a", parent="1", name="retry", links=[("a", "2")]),
        span("4", 500, 600, trace="b", name="bill", links=[("a", "2"), ("a", "2"), ("zz", "1")]),
        span("5", 400, 450, trace="c", name="mail", links=[("0a", "2")]),
        span("6", 700, 750, trace="d", name="audit", links=[("a", "99")]),
    )


def test_links_are_followed_backwards_by_start() -> None:
    traces = linked()
    links = read_incoming_links(traces)
    assert ids(traces, links.to(traces, at(traces, "2"))) == ["3", "5", "4"]
    assert ids(traces, links.to(traces, at(traces, "1"))) == ["5", "4", "6"], "those to its trace from others"
    assert ids(traces, links.to(traces, at(traces, "4"))) == []


def test_links_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    traces = linked()
    assert known_incoming_links(traces) is None
    read: list[int] = []
    links_of = TraceSet.links

    def counted(self: TraceSet, one: int) -> object:
        read.append(one)
        return links_of(self, one)

    monkeypatch.setattr(TraceSet, "links", counted)
    for one in range(len(traces)):
        read_incoming_links(traces).to(traces, one)
    assert sorted(read) == sorted(at(traces, name) for name in ("3", "4", "5", "6"))
    assert known_incoming_links(traces) is read_incoming_links(traces)
    assert known_incoming_links(build(span("1", 0, 1))) is not None, "without links there is nothing to read"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_links_equal_a_plain_search(pairs: list[tuple[int, int]]) -> None:
    spans = []
    for number in range(6):
        name = f"t{number // 2}"
        to = [(f"t{target // 2}", f"{target + 1:x}") for source, target in pairs if source == number]
        spans.append(
            span(f"{number + 1:x}", number, 20, trace=name, parent=f"{number:x}" if number % 2 else "", links=to)
        )
    traces = build(*spans)
    links = read_incoming_links(traces)
    for one in range(len(traces)):
        trace = int(traces.trace[one])
        expected = set()
        for source in range(len(traces)):
            for link in traces.links(source):
                to_span = link.span_id == traces.span_id(one).lstrip("0")
                to_trace = traces.find_trace(link.trace_id) == trace and int(traces.trace[source]) != trace
                if (traces.find_trace(link.trace_id) == trace and to_span) or (
                    to_trace and one == int(traces.main_root[trace])
                ):
                    expected.add(source)
        assert set(links.to(traces, one).tolist()) == expected
