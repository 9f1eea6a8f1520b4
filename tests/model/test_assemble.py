"""Assembly of traces, compared with a plain reference that works span by span."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import EPOCH, US, GivenSpan, at, build, collect, ids, span
from tests.support.strategies import chain, fan, rough_sets, span_sets, unhurried
from tracetui.model.assemble import assemble
from tracetui.model.ids import span_key
from tracetui.model.intake import Intake
from tracetui.model.span import Flag, Kind, Status
from tracetui.model.traces import TraceSet

Row = tuple[Any, ...]


# --- The reference --------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Node:
    """Span, made of one or more records."""

    given: GivenSpan
    number: int
    start: int
    duration: int
    flags: Flag
    parent: Node | None = None
    missing: str | None = None
    children: list[Node] = field(default_factory=list)
    records: int = 1


def _same_trace(text: str) -> str:
    is_hex = 0 < len(text) <= 32 and all(c in "0123456789abcdefABCDEF" for c in text)
    return text.lower().zfill(32) if is_hex else text


def _same_span(text: str) -> int | str:
    is_hex = len(text) <= 16 and all(c in "0123456789abcdefABCDEF" for c in text)
    return int(text or "0", 16) if is_hex else text


def _no_start(record: GivenSpan) -> bool:
    return bool(record.flags & Flag.START_REPAIRED) or record.start < 0


def _no_end(record: GivenSpan) -> bool:
    return bool(record.flags & Flag.NO_DURATION)


def _whole(record: GivenSpan) -> bool:
    return not _no_start(record) and not _no_end(record)


def _timeless(record: GivenSpan) -> bool:
    return _no_start(record) and _no_end(record)


def _equal(one: str, other: str, *none: str) -> bool:
    return one.lower() == other.lower() or one in none or other in none


def _fit(one: GivenSpan, other: GivenSpan) -> bool:
    """Test whether two records with one trace and id can be of one span."""
    if not _equal(one.service, other.service, "", "unknown_service"):
        return False
    if _timeless(one) or _timeless(other):
        return True
    if one.kind and other.kind and one.kind != other.kind:
        return False
    if not _equal(one.name, other.name, "", "unknown"):
        return False
    if not (_whole(one) and _whole(other)):
        return True
    apart = abs(one.start - other.start)
    rounded = one.start % 1_000_000 == 0 or other.start % 1_000_000 == 0
    return apart <= 1_000 or (rounded and apart < 1_000_000)


def _group_order(record: GivenSpan) -> Any:
    start = 0 if _no_start(record) else record.start
    says = (
        record.kind == Kind.UNSPECIFIED,
        record.service in ("", "unknown_service"),
        record.name in ("", "unknown"),
        record.kind not in (Kind.CLIENT, Kind.PRODUCER),
        record.kind,
    )
    names = (record.service.lower(), record.name.lower(), -record.duration)
    return (not _whole(record), _timeless(record), _no_start(record), start, *says, *names)


def _groups(records: list[GivenSpan]) -> list[list[GivenSpan]]:
    groups: list[list[GivenSpan]] = []
    for record in sorted(records, key=_group_order):
        fitting = [group for group in groups if all(_fit(record, other) for other in group)]
        calling = (Kind.CLIENT, Kind.PRODUCER)
        fitting.sort(key=lambda group: not any(other.kind in calling for other in group))
        if fitting:
            fitting[0].append(record)
        else:
            groups.append([record])
    return groups


def _steps(record: GivenSpan) -> int:
    """Return the resolution of a record's times: 0 below microseconds, 4 for whole milliseconds."""
    return sum(time % unit == 0 for unit in (1_000, 1_000_000) for time in (record.start, record.duration))


def _leading_order(group: list[GivenSpan]) -> list[GivenSpan]:
    longest = max((record.duration for record in group if not _no_end(record)), default=-1)

    def shorter(record: GivenSpan) -> bool:
        by = longest - record.duration
        rounded = record.duration % 1_000_000 == 0 or longest % 1_000_000 == 0
        return _no_end(record) or by > (999_999 if rounded else 1_000)

    def order(record: GivenSpan) -> Any:
        steps = _steps(record)
        attributes = len(record.attributes)
        all_of_it = attributes + len(record.events) + len(record.links)
        texts = (record.service or "unknown_service", record.name, "JsonCodec", _json(record.resource))
        parent = 0 if record.parent == "" else _key(record.parent)
        message = record.message
        flags = record.flags | (Flag.START_REPAIRED if record.start < 0 else 0)
        content = (message, record.kind, parent, 2 if record.error else 0, flags)
        parts = (_json(record.attributes), _json(record.events), _json(record.links))
        return (
            _no_end(record),
            shorter(record),
            0 if shorter(record) else steps,
            -record.duration,
            steps,
            -all_of_it,
            -attributes,
            record.start,
            *texts,
            *content,
            *parts,
        )

    return sorted(group, key=order)


def _key(text: str) -> int:
    return span_key(text)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode() if value else b""


def _merged(group: list[GivenSpan]) -> GivenSpan:
    """Merge the records of a span."""
    if len(group) == 1:
        return group[0]
    group = _leading_order(group)
    leader = group[0]
    attributes: dict[str, Any] = {}
    resource: dict[str, Any] = {}
    events: list[Any] = []
    links: dict[Any, Any] = {}
    for record in group:
        attributes = {**attributes, **{k: v for k, v in record.attributes.items() if k not in attributes}}
        resource = {**resource, **{k: v for k, v in record.resource.items() if k not in resource}}
        known = list(events)
        for event in record.events:
            same = [other for other in known if other[1] == event[1] and abs(other[0] // 1000 - event[0] // 1000) <= 1]
            if same:
                known.remove(same[0])
            else:
                events.append(event)
        for link in record.links:
            links.setdefault((_same_trace(link[0]), _key(link[1])), link)
    errors = [record for record in group if record.error]
    naming = [r for r in group if r.name not in ("", "unknown") and not _timeless(r)]
    naming += [r for r in group if r.name not in ("", "unknown") and _timeless(r)]
    name = naming[0].name if naming else leader.name
    name = next((r.name for r in naming if not _timeless(r) and r.name != r.name.lower()), name)
    serving = [r.service for r in group if r.service not in ("", "unknown_service")]
    parents = [r for r in group if r.parent and _key(r.parent)]
    parents = [r for r in parents if r is leader or not r.flags & Flag.FOLLOWS_FROM or not leader.links]
    parents.sort(key=lambda r: (r is not leader, bool(r.flags & Flag.FOLLOWS_FROM)))
    parent = parents[0].parent if parents else ""
    follows = parent and any(r.flags & Flag.FOLLOWS_FROM and _key(r.parent) == _key(parent) for r in group)
    start, flags = leader.start, leader.flags
    starts = [r.start for r in group if not _no_start(r)]
    if _no_start(leader) and starts:
        start, flags = min(starts), flags & ~Flag.START_REPAIRED
    elif _no_start(leader):
        start = -1
    flags &= ~Flag.FOLLOWS_FROM
    for record in group:
        flags |= record.flags & (Flag.SHARED | Flag.SOURCE_WARNING | Flag.SHORTENED)
    return leader.but(
        start=start,
        flags=flags | (Flag.FOLLOWS_FROM if follows else Flag.NONE),
        parent=parent,
        service=next((s for s in serving if s != s.lower()), serving[0] if serving else leader.service),
        name=name,
        kind=next((record.kind for record in group if record.kind), Kind.UNSPECIFIED),
        error=bool(errors),
        message=next((r.message for r in errors or group if r.message), ""),
        attributes=attributes,
        resource=resource,
        events=sorted(events, key=lambda event: event[0]),
        links=list(links.values()),
    )


def _spans_of(records: list[GivenSpan]) -> list[Node]:
    """Return one node per span, in the order of their first records."""
    by_id: dict[int | str, list[int]] = {}
    for number, record in enumerate(records):
        # a record without an id is a span of its own
        by_id.setdefault(_same_span(record.id) or f"none {number}", []).append(number)
    nodes = []
    for numbers in by_id.values():
        numbered = {id(records[number]): number for number in reversed(numbers)}
        for group in _groups([records[number] for number in numbers]):
            given = _merged(group)
            first = min(numbered[id(record)] for record in group)
            nodes.append(Node(given, first, given.start, given.duration, given.flags, records=len(group)))
    return sorted(nodes, key=lambda node: node.number)


_CALLED = {Kind.CLIENT: Kind.SERVER, Kind.PRODUCER: Kind.CONSUMER}


def _find_parents(nodes: list[Node]) -> None:
    colliding: dict[int | str, list[Node]] = {}
    for node in nodes:
        if _same_span(node.given.id) != 0:
            colliding.setdefault(_same_span(node.given.id), []).append(node)
    for node in nodes:
        wanted = _same_span(node.given.parent)
        if wanted != 0 and wanted in colliding:
            node.parent = _parent_among(colliding[wanted], node)
        elif wanted != 0:
            node.flags |= Flag.ORPHAN
            node.missing = node.given.parent
    for same in colliding.values():
        halves = _halves(same)
        for half, above in halves.items():
            if half.flags & Flag.ORPHAN:
                half.flags &= ~Flag.ORPHAN
                half.missing = None
            half.parent = above
            half.flags = half.flags & ~Flag.FOLLOWS_FROM | Flag.SHARED
        if len(same) - len(halves) > 1:
            for node in same:
                if node not in halves:
                    node.flags |= Flag.SAME_ID


def _earliest_first(nodes: list[Node]) -> list[Node]:
    def order(node: Node) -> Any:
        given, missing = node.given, _no_start(node.given)
        times = (missing, given.start if not missing else min(given.start, -1), given.kind, -given.duration)
        return (*times, given.service or "unknown_service", given.name)

    return sorted(nodes, key=order)


def _halves(same: list[Node]) -> dict[Node, Node]:
    """Find the called halves of spans with one id, and the half above each."""
    same = _earliest_first(same)
    halves: dict[Node, Node] = {}
    for calling, kind in _CALLED.items():
        vague = [node for node in same if node.given.kind == Kind.UNSPECIFIED and node.flags & Flag.SHARED]
        called = [node for node in same if node.given.kind == kind]
        called += vague if kind == Kind.SERVER else []
        callers = [node for node in same if node.given.kind == calling]
        if called and not callers and any(node.flags & Flag.SHARED for node in called):
            local = (Kind.INTERNAL, Kind.UNSPECIFIED)
            callers = [node for node in same if node.given.kind in local and node not in called]
        if callers:
            halves.update(dict.fromkeys(called, callers[0]))
    return halves


def _parent_among(same: list[Node], child: Node) -> Node:
    halves = _halves(same)
    above = next(node for node in _earliest_first(same) if node not in halves)
    below = [node for node in _earliest_first(same) if halves.get(node) is above]

    def service(node: Node) -> str:
        return (node.given.service or "unknown_service").lower()

    of_service = [node for node in below if service(node) == service(child)]
    if of_service:
        return of_service[0]
    return above if not below or service(child) == service(above) else below[0]


def _when(given: GivenSpan) -> int:
    return 0 if _no_start(given) else given.start


def _cut_cycles(nodes: list[Node]) -> None:
    for node in nodes:
        ring = [node]
        while (above := ring[-1].parent) is not None and above is not node and above not in ring:
            ring.append(above)
        if above is node:
            # one without a start is only considered among others without one
            earliest = min(ring, key=lambda n: (_no_start(n.given), _when(n.given), _key(n.given.id), n.number))
            earliest.parent = None
            earliest.flags |= Flag.CYCLE_CUT


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
            node.flags |= Flag.NEGATIVE_DURATION
        if node.start < 0:
            node.flags |= Flag.START_REPAIRED
    earliest = min((node.start for node in nodes if not node.flags & Flag.START_REPAIRED), default=0)
    for node in _top_down([node for node in nodes if node.parent is None]):
        if node.flags & Flag.START_REPAIRED:
            node.start = node.parent.start if node.parent else earliest


def expected_traces(spans: list[GivenSpan]) -> list[tuple[list[Node], int]]:
    """Build the expected traces. -> for each, in order of appearance, its nodes in pre-order and the number of merged
    records
    """
    by_trace: dict[str, list[GivenSpan]] = {}
    for given_span in spans:
        by_trace.setdefault(_same_trace(given_span.trace), []).append(given_span)
    traces = []
    for members in by_trace.values():
        nodes = _spans_of(members)
        _find_parents(nodes)
        _cut_cycles(nodes)
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
            node.flags,
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
                one.flags,
                (one.service, one.name, one.kind, one.error, one.status_message),
                one.attributes,
                [(link.trace_id, link.span_id) for link in one.links],
            )
        )
    return found


# --- Against the reference ------------------------------------------------------------------------------------------


@unhurried
@given(span_sets())
def test_assembly_equals_the_reference(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    expected = expected_traces(spans)
    assert traces.trace_count == len(expected)
    for trace, (nodes, lost) in enumerate(expected):
        assert rows(traces, trace) == expected_rows(nodes)
        assert traces.duplicates.get(trace, 0) == lost
        assert set(traces.trace[traces.spans_of(trace)].tolist()) == {trace}


@unhurried
@given(span_sets())
def test_invariants_of_whole_traces(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    for trace, (nodes, _) in enumerate(expected_traces(spans)):
        start = min(node.start for node in nodes)
        roots = [node for node in nodes if node.parent is None]
        main = next((root for root in roots if not root.flags & Flag.ORPHAN), roots[0])
        warned = [node.flags & ~(Flag.FOLLOWS_FROM | Flag.SHARED) for node in nodes]
        assert traces.trace_start[trace] == start
        assert traces.trace_duration[trace] == max(node.start + node.duration for node in nodes) - start
        assert traces.trace_errors[trace] == sum(node.given.error for node in nodes)
        assert traces.main_root[trace] == traces.first[trace] + nodes.index(main)
        assert traces.trace_name(trace) == f"{main.given.service} {main.given.name}"
        assert traces.trace_warning_counts[trace] == sum(map(int.bit_count, warned)) + traces.skewed[trace]


@unhurried
@given(span_sets(), st.data())
def test_selection_equals_the_assembly_of_its_spans(spans: list[GivenSpan], data: st.DataObject) -> None:
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
def test_assembly_is_independent_of_the_pieces_of_a_load(spans: list[GivenSpan], cut: int) -> None:
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


# --- Examples -------------------------------------------------------------------------------------------------------


def test_no_spans_give_an_empty_set() -> None:
    traces = build()
    assert (len(traces), traces.trace_count, traces.first.tolist()) == (0, 0, [0])
    assert traces.main_root.tolist() == traces.trace_duration.tolist() == []


def test_orphan_is_a_root_with_a_missing_parent() -> None:
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
    assert ids(traces, np.flatnonzero(traces.flags & int(Flag.ORPHAN))) == ["b"]
    # earlier than every other root, but not the main one
    assert traces.trace_name(0) == "web GET /"


def test_parent_in_another_trace_is_missing() -> None:
    traces = build(span("a", 0, 9, trace="1"), span("b", 1, 2, trace="2", parent="a"))
    assert traces.flags.tolist() == [Flag.NONE, Flag.ORPHAN]


def test_records_of_one_span_are_merged_and_counted() -> None:
    twice = span("a", 0, 9, attributes={"k": 1, "l": 2})
    traces = build(twice, twice.but(id="000000000000000a", attributes={"l": 2, "k": 1}), span("b", 1, 2, parent="a"))
    assert sorted(int(traces.key[i]) for i in range(len(traces))) == [10, 11]
    assert (traces.duplicates, traces.trace_warnings) == ({0: 1}, {})
    assert not traces.flags.any()


ONE = span("a", 5, 9, service="Shop", name="GET /", attributes={"k": 1})
ONE = ONE.but(start=ONE.start + 321)
REPEATS = {
    "the same": {},
    "a start in microseconds": {"start": ONE.start - 321},
    "a start of 1 µs later": {"start": ONE.start + US},
    "a start in whole milliseconds": {"start": EPOCH},
    "another end": {"duration": 8 * US},
    "no end": {"duration": 0, "flags": Flag.NO_DURATION},
    "no end, begun elsewhere": {"start": ONE.start - 900 * US, "duration": 0, "flags": Flag.NO_DURATION},
    "no start": {"start": -1, "flags": Flag.START_REPAIRED},
    "no time at all and another name": {"start": -1, "flags": Flag.NO_DURATION, "name": "other"},
    "no time at all and another kind": {"start": -1, "flags": Flag.NO_DURATION, "kind": Kind.CLIENT},
    "no service": {"service": ""},
    "no name": {"name": ""},
    "Zipkin's word for no name": {"name": "unknown"},
    "lower case": {"service": "shop", "name": "get /"},
    "no kind": {"kind": Kind.UNSPECIFIED},
    "another message": {"message": "late"},
    "another attribute": {"attributes": {"l": 2}},
    "another value": {"attributes": {"k": 2}},
    "an event": {"events": [(EPOCH, "x")]},
    "a link": {"links": [("1", "b")]},
    "a parent": {"parent": "b"},
}


@pytest.mark.parametrize("change", REPEATS.values(), ids=REPEATS)
def test_duplicate_records_are_merged(change: dict[str, Any]) -> None:
    other, child = ONE.but(**change), span("b", 6, 7)
    for records in ([ONE, child, other], [other, ONE, child]):
        traces = build(*records)
        assert (len(traces), traces.duplicates) == (2, {0: 1})
        found = traces.span(at(traces, "a"))
        assert (found.service, found.name, found.kind) == ("Shop", "GET /", Kind.INTERNAL)
        assert (found.start_ns, found.duration_ns) == (ONE.start, max(ONE.duration, other.duration))
        assert (found.flags, found.status_message) == (Flag.NONE, other.message)
        assert found.attributes.keys() == ONE.attributes.keys() | other.attributes.keys()
        assert len(found.events) == len(other.events)
        assert len(found.links) == len(other.links)
        assert found.parent_id == (other.parent or None)


DIFFERENT = {
    "a start over 1 µs later": {"start": ONE.start + US + 1},
    "a start over 1 ms later, in whole milliseconds": {"start": EPOCH + 1_000_000 + 5 * US},
    "another service": {"service": "other"},
    "another name": {"name": "other"},
    "another kind": {"kind": Kind.SERVER},
    "no time at all and another service": {"start": -1, "flags": Flag.NO_DURATION, "service": "other"},
}


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT)
def test_different_spans_with_one_id_stay_separate(change: dict[str, Any]) -> None:
    other = ONE.but(**change)
    for records in ([ONE, other], [other, ONE]):
        traces = build(*records, span("b", 6, 7, parent="a"))
        assert (len(traces), traces.duplicates) == (3, {})
        marked = [span for span in range(3) if traces.flags[span] & Flag.SAME_ID]
        assert ids(traces, marked) == ["a", "a"]
        # children attach to the first
        above = traces.span(int(traces.parent[at(traces, "b")]))
        assert (above.start_ns, above.service, above.name) == (ONE.start, ONE.service, ONE.name)


def test_record_with_an_end_leads_then_the_longer_then_the_more_detailed() -> None:
    begun = span("a", 0, 0, flags=Flag.NO_DURATION, attributes={"from": "begun", "begun": 1, "more": 1, "most": 1})
    short = span("a", 0, 50, attributes={"from": "short", "short": 1, "more": 1})
    long = span("a", 0, 70, attributes={"from": "long", "long": 1})
    rich = span("a", 0, 70, attributes={"from": "rich", "rich": 1, "richer": 1})
    for records in itertools.permutations([begun, short, long, rich]):
        traces = build(*records)
        (found,) = (traces.span(i) for i in range(len(traces)))
        assert (found.duration_ns, found.attributes["from"], traces.duplicates) == (70 * US, "rich", {0: 3})
        assert found.attributes.keys() == {"from", "begun", "more", "most", "short", "long", "rich", "richer"}
        assert found.flags == Flag.NONE


def test_of_records_that_differ_by_rounding_the_finer_leads() -> None:
    fine = GivenSpan("a", EPOCH + 1_234, 7_900)
    # as written by a format of microseconds that rounds up, and by one of milliseconds
    coarse = GivenSpan("a", EPOCH + 1_000, 8_000, attributes={"k": 1})
    coarsest = GivenSpan("a", EPOCH, 0)
    for records in itertools.permutations([fine, coarse, coarsest]):
        traces = build(*records)
        assert (traces.start.tolist(), traces.duration.tolist()) == ([EPOCH + 1_234], [7_900])


def test_failure_of_any_record_makes_the_span_an_error() -> None:
    fine = span("a", 0, 90, message="all well")
    failed = span("a", 0, 50, error=True, message="refused")
    for records in itertools.permutations([fine, failed, span("a", 0, 20, error=True, message="other")]):
        traces = build(*records)
        assert (traces.error.tolist(), traces.span(0).status, traces.span(0).status_message) == (
            [True],
            Status.ERROR,
            "refused",
        )
    assert build(fine, span("a", 0, 50)).span(0).status_message == "all well"


def test_events_and_links_of_several_records_occur_once() -> None:
    one = span("a", 0, 9, events=[(1, "retry"), (1, "retry"), (3, "x")], links=[("1", "b")])
    grid = [(event[0] + 400, *event[1:]) for event in one.events[1:]]
    two = one.but(events=[*grid, (EPOCH + 8 * US, "late")], links=[("01", "0b"), ("2", "c")], attributes={"k": 1})
    for records in ([one, two], [two, one]):
        found = build(*records).span(0)
        assert [event.name for event in found.events] == ["retry", "retry", "x", "late"]
        assert len(found.links) == 2


def test_spans_without_an_id_are_never_merged() -> None:
    traces = build(*[span(id_, 0, 9) for id_ in ("", "", "0", "0000000000000000")], span("b", 1, 2, parent="0"))
    assert (len(traces), traces.duplicates, bool(traces.flags.any())) == (5, {}, False)
    assert (traces.parent < 0).all()


def test_tracer_that_gives_all_spans_one_id() -> None:
    spans = [span("7", i * 9, i * 9 + 5, name=f"op {i}") for i in range(3_000)]
    traces = build(*spans, *spans[:1_500])
    assert (len(traces), traces.duplicates) == (3_000, {0: 1_500})
    assert (traces.flags == Flag.SAME_ID).all()


def _content(traces: TraceSet) -> list[Any]:
    """Return everything known about the spans, except the spelling of ids and the order of equal ones."""
    found = []
    for i in range(len(traces)):
        one = traces.span(i)
        parent = traces.parent[i]
        above = None if parent < 0 else (int(traces.key[parent]), int(traces.start[parent]), int(traces.kind[parent]))
        ids_ = (_same_trace(one.trace_id), int(traces.key[i]), above, _key(traces.missing_parents.get(i, "")))
        content = (one.service, one.name, one.kind, one.start_ns, one.duration_ns, one.error, one.status)
        rest = (one.status_message, one.flags, sorted(one.warnings), sorted(one.attributes.items()))
        lists = (sorted((event.time_ns, event.name) for event in one.events), len(one.links))
        found.append(repr((ids_, content, rest, lists)))
    return sorted(found)


@unhurried
@given(rough_sets(), st.randoms(use_true_random=False), st.integers(1, 3))
def test_result_is_independent_of_record_order(spans: list[GivenSpan], chance: Random, pieces: int) -> None:
    shuffled = chance.sample(spans, len(spans))
    absorbing = Intake()
    for piece in range(pieces):
        absorbing.absorb(collect(shuffled[piece::pieces]))
    for other in (build(*shuffled), assemble(absorbing)):
        assert _content(other) == _content(build(*spans))
        assert sum(other.duplicates.values()) == len(spans) - len(other)


def test_parent_cycle_is_cut_at_its_earliest_span() -> None:
    traces = build(
        span("a", 3, 9, parent="c"),
        span("b", 2, 9, parent="a"),
        span("c", 4, 9, parent="b"),
        span("d", 1, 2, parent="c"),
        span("e", 1, 2, parent="e", trace="2"),
    )
    assert [traces.parent_id(at(traces, name)) for name in "abcde"] == ["c", None, "b", "c", None]
    assert ids(traces, np.flatnonzero(traces.flags & int(Flag.CYCLE_CUT))) == ["b", "e"]


def test_impossible_times_are_repaired_and_flagged() -> None:
    traces = build(
        span("a", 5, 9),
        GivenSpan("b", 0, 3 * US, parent="a", flags=Flag.START_REPAIRED),
        GivenSpan("c", -4, 2 * US, parent="b"),
        span("d", 8, 7, parent="a"),
    )
    assert [int(traces.start[at(traces, name)] - EPOCH) // US for name in "abcd"] == [5, 5, 5, 8]
    assert traces.duration[at(traces, "d")] == 0
    assert [Flag(int(traces.flags[at(traces, name)])) for name in "abcd"] == [
        Flag.NONE,
        Flag.START_REPAIRED,
        Flag.START_REPAIRED,
        Flag.NEGATIVE_DURATION,
    ]


def test_time_0_is_a_valid_start() -> None:
    running = build(GivenSpan("a", 0, 90), GivenSpan("b", 0, 5, parent="a"), GivenSpan("c", 7, 5, parent="a"))
    assert (running.start.tolist(), running.flags.tolist()) == ([0, 0, 7], [Flag.NONE] * 3)


def test_known_end_stays_if_the_start_is_missing() -> None:
    only_end = Flag.START_REPAIRED | Flag.END_KNOWN
    traces = build(
        GivenSpan("a", EPOCH + 90 * US, 0, flags=only_end),
        span("b", 20, 50, parent="a"),
        GivenSpan("c", EPOCH + 70 * US, 0, parent="b", flags=only_end),
        GivenSpan("d", EPOCH + 10 * US, 0, parent="b", flags=only_end),
    )
    where = [at(traces, name) for name in "abcd"]
    assert [(traces.start[i] - EPOCH) // US for i in where] == [20, 20, 20, 20]
    assert [traces.duration[i] // US for i in where] == [70, 30, 50, 0]
    flags = [Flag(int(traces.flags[i])) for i in where]
    # its end is before the start of its parent, which it therefore cannot adopt
    assert flags == [Flag.START_REPAIRED, 0, Flag.START_REPAIRED, Flag.START_REPAIRED | Flag.NEGATIVE_DURATION]
    assert traces.no_start[where].tolist() == [True, False, True, True]


def test_called_halves_are_children_of_the_calling_half() -> None:
    server = span("1", 1, 8, service="cart", kind=Kind.SERVER)
    other = server.but(start=server.start + 2 * US)
    client = span("1", 0, 9, kind=Kind.CLIENT)
    below = [span(f"{i}", 4, 5, service=name, parent="1") for i, name in enumerate(("cart", "api", "db"), start=2)]
    for records in ([client, server, other, *below], [*below, other, server, client]):
        traces = build(*records)
        assert traces.trace_warning_counts.tolist() == [0]
        halves = [i for i in range(len(traces)) if traces.flags[i] == Flag.SHARED]
        assert [(int(traces.parent[i]), int(traces.start[i])) for i in halves] == [(0, server.start), (0, other.start)]
        # those of the caller's service stay with it, all others belong to the first server
        assert [int(traces.parent[at(traces, id_)]) for id_ in "234"] == [halves[0], 0, halves[0]]


@pytest.mark.parametrize(("calling", "called"), [(Kind.CLIENT, Kind.SERVER), (Kind.PRODUCER, Kind.CONSUMER)])
def test_children_in_a_service_that_calls_itself_belong_to_the_called_half(calling: Kind, called: Kind) -> None:
    traces = build(span("1", 0, 9, kind=calling), span("1", 1, 8, kind=called), span("2", 2, 3, parent="1"))
    assert (traces.parent.tolist(), traces.kind.tolist()[:2]) == ([-1, 0, 1], [calling, called])


@pytest.mark.parametrize(
    ("kinds", "marked", "parents"),
    [
        # other pairs of kinds are different spans
        ((Kind.CLIENT, Kind.CONSUMER), 2, [-1, -1]),
        ((Kind.INTERNAL, Kind.SERVER), 2, [-1, -1]),
        # of two clients the earlier is the first
        ((Kind.CLIENT, Kind.CLIENT, Kind.SERVER), 2, [-1, 0, -1]),
        ((Kind.PRODUCER, Kind.CONSUMER, Kind.CONSUMER), 0, [-1, 0, 0]),
    ],
)
def test_remaining_spans_with_one_id_are_flagged(kinds: tuple[Kind, ...], marked: int, parents: list[int]) -> None:
    spans = [span("1", 5 + 2 * i, 90, kind=kind) for i, kind in enumerate(kinds)]
    for records in (spans, spans[::-1]):
        traces = build(*records)
        assert sum((traces.flags & Flag.SAME_ID) > 0) == marked
        assert traces.parent.tolist() == parents


def test_halves_of_zipkin_calls_are_joined_in_any_order() -> None:
    # as written by Zipkin: both halves of a call have one id and one parent
    halves = [
        span("1", 0, 90, service="web", kind=Kind.SERVER),
        span("2", 10, 80, service="web", kind=Kind.CLIENT, parent="1"),
        span("2", 20, 70, service="cart", kind=Kind.SERVER, parent="1", flags=Flag.SHARED),
        span("3", 30, 60, service="cart", kind=Kind.CLIENT, parent="2"),
        span("3", 40, 50, service="db", kind=Kind.SERVER, parent="2", flags=Flag.SHARED),
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
