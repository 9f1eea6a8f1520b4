"""Assembly: how spans become traces. A plain reference, written span by span, must come to the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.building import EPOCH, US, GivenSpan, at, build, collect, ids, span
from tests.strategies import chain, fan, rough_sets, span_sets, unhurried
from tracetui.model.assemble import assemble
from tracetui.model.span import Kind, Mark
from tracetui.model.traces import TraceSet

Row = tuple[Any, ...]


# --- The reference --------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Node:
    """A span that was kept."""

    given: GivenSpan
    number: int
    start: int
    duration: int
    marks: Mark
    parent: Node | None = None
    missing: str | None = None
    children: list[Node] = field(default_factory=list)


def _same_trace(text: str) -> str:
    is_hex = 0 < len(text) <= 32 and all(c in "0123456789abcdefABCDEF" for c in text)
    return text.lower().zfill(32) if is_hex else text


def _same_span(text: str) -> int | str:
    is_hex = len(text) <= 16 and all(c in "0123456789abcdefABCDEF" for c in text)
    return int(text or "0", 16) if is_hex else text


def _kept(spans: list[GivenSpan]) -> list[Node]:
    """One node per span that is not an exact duplicate; what the source says *about* it makes no difference."""
    kept: list[Node] = []
    seen: list[GivenSpan] = []
    for number, given_span in enumerate(spans):
        same_ids = {"id": _same_span(given_span.id), "parent": _same_span(given_span.parent), "trace": ""}
        content = given_span.but(marks=Mark.NONE, warnings=(), **same_ids)
        if content not in seen:
            seen.append(content)
            kept.append(Node(given_span, number, given_span.start, given_span.duration, given_span.marks))
    return kept


def _find_parents(nodes: list[Node]) -> None:
    alike: dict[int | str, list[Node]] = {}
    for node in nodes:
        alike.setdefault(_same_span(node.given.id), []).append(node)
    for node in nodes:
        halves = alike[_same_span(node.given.id)]
        clients = [half for half in halves if not half.marks & Mark.SHARED]
        if sum(half.marks & Mark.SHARED == node.marks & Mark.SHARED for half in halves) > 1:
            node.marks |= Mark.SAME_ID
        wanted = _same_span(node.given.parent)
        if node.marks & Mark.SHARED and clients:
            node.parent = clients[0]
        elif wanted in alike and wanted != 0:
            node.parent = _parent_among(alike[wanted], node)
        elif wanted != 0:
            node.marks |= Mark.ORPHAN
            node.missing = node.given.parent


def _parent_among(halves: list[Node], child: Node) -> Node:
    servers = [half for half in halves if half.marks & Mark.SHARED]
    clients = [half for half in halves if not half.marks & Mark.SHARED]
    if not (servers and clients):
        return halves[0]
    same_service = [server for server in servers if server.given.service == child.given.service]
    return [*same_service, *clients][0]


def _cut_rings(nodes: list[Node]) -> None:
    for node in nodes:
        ring = [node]
        while (above := ring[-1].parent) is not None and above is not node and above not in ring:
            ring.append(above)
        if above is node:
            earliest = min(ring, key=lambda n: (n.given.start, n.number))
            earliest.parent = None
            earliest.marks |= Mark.CYCLE_CUT


def _top_down(roots: list[Node]) -> list[Node]:
    order = []
    waiting = sorted(roots, key=lambda n: (n.start, n.number), reverse=True)
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting += sorted(node.children, key=lambda n: (n.start, n.number), reverse=True)
    return order


def _repair_times(nodes: list[Node]) -> None:
    for node in nodes:
        if node.duration < 0:
            node.duration = 0
            node.marks |= Mark.NEGATIVE_DURATION
        if node.start < 0:
            node.marks |= Mark.START_REPAIRED
    earliest = min((node.start for node in nodes if not node.marks & Mark.START_REPAIRED), default=0)
    for node in _top_down([node for node in nodes if node.parent is None]):
        if node.marks & Mark.START_REPAIRED:
            node.start = node.parent.start if node.parent else earliest


def expected_traces(spans: list[GivenSpan]) -> list[tuple[list[Node], int]]:
    """-> per trace, in order of appearance, its nodes in pre-order and how many exact duplicates were dropped."""
    by_trace: dict[str, list[GivenSpan]] = {}
    for given_span in spans:
        by_trace.setdefault(_same_trace(given_span.trace), []).append(given_span)
    traces = []
    for members in by_trace.values():
        nodes = _kept(members)
        _find_parents(nodes)
        _cut_rings(nodes)
        for node in nodes:
            if node.parent is not None:
                node.parent.children.append(node)
        _repair_times(nodes)
        traces.append((_top_down([n for n in nodes if n.parent is None]), len(members) - len(nodes)))
    return traces


def _depth(node: Node) -> int:
    depth = 0
    while node.parent is not None:
        node, depth = node.parent, depth + 1
    return depth


def expected_rows(nodes: list[Node]) -> list[Row]:
    place = {id(node): i for i, node in enumerate(nodes)}
    return [
        (
            node.given.id or "0" * 16,
            place[id(node.parent)] if node.parent else -1,
            node.missing,
            place[id(node)] + len(_top_down([node])),
            _depth(node),
            node.start,
            node.duration,
            node.marks,
            (node.given.service, node.given.name, node.given.kind, node.given.error, node.given.message),
            node.given.attributes,
            [tuple(link) for link in node.given.links],
        )
        for node in nodes
    ]


def rows(traces: TraceSet, trace: int) -> list[Row]:
    first = int(traces.first[trace])
    found = []
    for i in traces.spans_of(trace):
        one = traces.span(i)
        parent = int(traces.parent[i])
        found.append(
            (
                one.span_id,
                parent - first if parent >= 0 else -1,
                one.parent_id if parent < 0 else None,
                int(traces.subtree_end[i]) - first,
                int(traces.depth[i]),
                one.start_ns,
                one.duration_ns,
                one.marks,
                (one.service, one.name, one.kind, one.error, one.status_message),
                one.attributes,
                [(link.trace_id, link.span_id) for link in one.links],
            )
        )
    return found


# --- Against the reference ------------------------------------------------------------------------------------------


@unhurried
@given(span_sets())
def test_every_span_stands_where_the_reference_puts_it(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    expected = expected_traces(spans)
    assert traces.trace_count == len(expected)
    for trace, (nodes, lost) in enumerate(expected):
        assert rows(traces, trace) == expected_rows(nodes)
        assert traces.duplicates.get(trace, 0) == lost
        assert set(traces.trace[traces.spans_of(trace)].tolist()) == {trace}


@unhurried
@given(span_sets())
def test_what_is_true_of_whole_traces(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    for trace, (nodes, lost) in enumerate(expected_traces(spans)):
        start = min(node.start for node in nodes)
        roots = [node for node in nodes if node.parent is None]
        main = next((root for root in roots if not root.marks & Mark.ORPHAN), roots[0])
        warned = [node.marks & ~(Mark.FOLLOWS_FROM | Mark.SHARED) for node in nodes]
        assert traces.trace_start[trace] == start
        assert traces.trace_duration[trace] == max(node.start + node.duration for node in nodes) - start
        assert traces.trace_errors[trace] == sum(node.given.error for node in nodes)
        assert traces.main_root[trace] == traces.first[trace] + nodes.index(main)
        assert traces.trace_name(trace) == f"{main.given.service} {main.given.name}"
        assert traces.trace_warning_counts[trace] == sum(map(int.bit_count, warned)) + (lost > 0)


@unhurried
@given(span_sets(), st.data())
def test_a_selection_is_what_its_spans_alone_assemble_to(spans: list[GivenSpan], data: st.DataObject) -> None:
    traces = build(*spans)
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=traces.trace_count, max_size=traces.trace_count)), bool)
    names = {_same_trace(traces.trace_ids[trace]) for trace in np.flatnonzero(keep)}
    alone = build(*(given_span for given_span in spans if _same_trace(given_span.trace) in names))
    for chosen in (traces.select(keep), traces.select(np.flatnonzero(keep))):
        assert chosen.trace_ids == alone.trace_ids
        assert chosen.first.tolist() == alone.first.tolist()
        assert chosen.duplicates == alone.duplicates
        assert chosen.trace_warnings == alone.trace_warnings
        for column in ("trace", "parent", "subtree_end", "depth", "key"):
            assert getattr(chosen, column).tolist() == getattr(alone, column).tolist(), column
        assert [chosen.span(i) for i in range(len(chosen))] == [alone.span(i) for i in range(len(alone))]
        assert all(chosen.find_trace(text) == trace for trace, text in enumerate(chosen.trace_ids))


@unhurried
@given(rough_sets(), st.integers(0, 14))
def test_pieces_of_a_load_meet_as_if_they_came_at_once(spans: list[GivenSpan], cut: int) -> None:
    intake = collect(spans[:cut])
    early = assemble(intake)
    before = [early.span(i) for i in range(len(early))]
    absorbing = collect(spans[:cut])
    absorbing.absorb(collect(spans[cut:]))
    whole = build(*spans)
    for grown in (assemble(collect(spans[cut:], intake)), assemble(absorbing)):
        assert grown.trace_ids == whole.trace_ids
        assert [grown.span(i) for i in range(len(grown))] == [whole.span(i) for i in range(len(whole))]
    assert [early.span(i) for i in range(len(early))] == before


# --- By hand --------------------------------------------------------------------------------------------------------


def test_no_spans_are_an_empty_set() -> None:
    traces = build()
    assert (len(traces), traces.trace_count, traces.first.tolist()) == (0, 0, [0])
    assert traces.main_root.tolist() == traces.trace_duration.tolist() == []


def test_an_orphan_is_a_root_that_names_its_missing_parent() -> None:
    traces = build(
        span("a", 5, 9, service="web", name="GET /"),
        span("b", 0, 4, parent="Gone"),
        span("c", 1, 2, parent="b"),
        span("d", 6, 7, parent="0"),
    )
    orphan = at(traces, "b")
    assert traces.parent[orphan] == -1
    assert traces.parent_id(orphan) == "Gone"
    assert traces.warnings_of(orphan) == ["orphan: its parent Gone is not in the trace"]
    assert ids(traces, np.flatnonzero(traces.marks & int(Mark.ORPHAN))) == ["b"]
    # earlier than every other root, and still not the main one
    assert traces.trace_name(0) == "web GET /"


def test_a_parent_in_another_trace_is_no_parent() -> None:
    traces = build(span("a", 0, 9, trace="1"), span("b", 1, 2, trace="2", parent="a"))
    assert traces.marks.tolist() == [Mark.NONE, Mark.ORPHAN]


def test_exact_duplicates_are_dropped_and_counted() -> None:
    twice = span("a", 0, 9, attributes={"k": 1, "l": 2})
    # the same attributes in another order and spelling are the same attributes
    traces = build(twice, twice.but(id="000000000000000a", attributes={"l": 2, "k": 1}), span("b", 1, 2, parent="a"))
    assert ids(traces, range(len(traces))) == ["a", "b"]
    assert traces.duplicates == {0: 1}
    assert traces.trace_warnings == {0: ["1 exact duplicate span dropped"]}
    assert not traces.marks.any()


@pytest.mark.parametrize(
    "change",
    [
        {"start": EPOCH + 1},
        {"duration": 8 * US},
        {"service": "other"},
        {"name": "other"},
        {"kind": Kind.SERVER},
        {"parent": "ff"},
        {"message": "other"},
        {"attributes": {"k": 2}},
        {"events": [(EPOCH, "x")]},
        {"links": [("1", "b")]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_different_spans_with_one_id_both_stay(change: dict[str, Any]) -> None:
    one = span("a", 0, 9, attributes={"k": 1}, error=True)
    traces = build(one, span("b", 1, 2, parent="a"), one.but(**change))
    assert len(traces) == 3
    assert sum(mark & Mark.SAME_ID > 0 for mark in traces.marks.tolist()) == 2
    assert traces.duplicates == {}
    # children attach to the first
    above = traces.span(int(traces.parent[at(traces, "b")]))
    assert (above.start_ns, above.service, above.attributes) == (one.start, one.service, one.attributes)


def test_a_ring_is_cut_at_its_earliest_span() -> None:
    traces = build(
        span("a", 3, 9, parent="c"),
        span("b", 2, 9, parent="a"),
        span("c", 4, 9, parent="b"),
        span("d", 1, 2, parent="c"),
        span("e", 1, 2, parent="e", trace="2"),
    )
    assert [traces.parent_id(at(traces, name)) for name in "abcde"] == ["c", None, "b", "c", None]
    assert ids(traces, np.flatnonzero(traces.marks & int(Mark.CYCLE_CUT))) == ["b", "e"]


def test_times_that_cannot_be_are_repaired_and_marked() -> None:
    traces = build(
        span("a", 5, 9),
        GivenSpan("b", 0, 3 * US, parent="a", marks=Mark.START_REPAIRED),
        GivenSpan("c", -4, 2 * US, parent="b"),
        span("d", 8, 7, parent="a"),
    )
    assert [int(traces.start[at(traces, name)] - EPOCH) // US for name in "abcd"] == [5, 5, 5, 8]
    assert traces.duration[at(traces, "d")] == 0
    assert [Mark(int(traces.marks[at(traces, name)])) for name in "abcd"] == [
        Mark.NONE,
        Mark.START_REPAIRED,
        Mark.START_REPAIRED,
        Mark.NEGATIVE_DURATION,
    ]


def test_a_clock_may_begin_at_0() -> None:
    running = build(GivenSpan("a", 0, 90), GivenSpan("b", 0, 5, parent="a"), GivenSpan("c", 7, 5, parent="a"))
    assert (running.start.tolist(), running.marks.tolist()) == ([0, 0, 7], [Mark.NONE] * 3)


def test_an_end_that_is_known_stays_where_the_start_is_missing() -> None:
    only_end = Mark.START_REPAIRED | Mark.END_KNOWN
    traces = build(
        GivenSpan("a", EPOCH + 90 * US, 0, marks=only_end),
        span("b", 20, 50, parent="a"),
        GivenSpan("c", EPOCH + 70 * US, 0, parent="b", marks=only_end),
        GivenSpan("d", EPOCH + 10 * US, 0, parent="b", marks=only_end),
    )
    where = [at(traces, name) for name in "abcd"]
    assert [(traces.start[i] - EPOCH) // US for i in where] == [20, 20, 20, 20]
    assert [traces.duration[i] // US for i in where] == [70, 30, 50, 0]
    marks = [Mark(int(traces.marks[i])) for i in where]
    # one that ends before its parent begins cannot have taken its start
    assert marks == [Mark.START_REPAIRED, 0, Mark.START_REPAIRED, Mark.START_REPAIRED | Mark.NEGATIVE_DURATION]
    assert traces.no_start[where].tolist() == [True, False, True, True]


def test_of_server_halves_alike_children_attach_to_the_first() -> None:
    server = span("1", 1, 8, service="cart", kind=Kind.SERVER, marks=Mark.SHARED)
    other = server.but(start=server.start + US)
    traces = build(span("1", 0, 9), server, other, span("2", 3, 4, service="cart", parent="1"))
    assert traces.parent.tolist() == [-1, 0, 1, 0]
    assert traces.marks.tolist() == [Mark.NONE, Mark.SHARED | Mark.SAME_ID, Mark.NONE, Mark.SHARED | Mark.SAME_ID]


def test_the_halves_of_zipkin_calls_hang_together_whatever_their_order() -> None:
    # as Zipkin writes it: both halves of a call have one id and one parent
    halves = [
        span("1", 0, 90, service="web", kind=Kind.SERVER),
        span("2", 10, 80, service="web", kind=Kind.CLIENT, parent="1"),
        span("2", 20, 70, service="cart", kind=Kind.SERVER, parent="1", marks=Mark.SHARED),
        span("3", 30, 60, service="cart", kind=Kind.CLIENT, parent="2"),
        span("3", 40, 50, service="db", kind=Kind.SERVER, parent="2", marks=Mark.SHARED),
        span("4", 45, 46, service="db", kind=Kind.INTERNAL, parent="3"),
    ]
    for order in (halves, halves[::-1], halves[::2] + halves[1::2]):
        traces = build(*order)
        assert [int(above) for above in traces.parent] == [-1, 0, 1, 2, 3, 4]
        assert traces.trace_warning_counts.tolist() == [0]


@pytest.mark.parametrize("shape", [chain, fan])
def test_shapes_of_100_000_spans(shape: Any) -> None:
    spans = shape(100_000)
    traces = build(*spans)
    assert len(traces) == 100_000
    assert Counter(traces.depth.tolist()).most_common(1)[0][1] == (1 if shape is chain else 99_999)
    assert traces.subtree_end[0] == 100_000
    assert (np.diff(traces.start) > 0).all()
