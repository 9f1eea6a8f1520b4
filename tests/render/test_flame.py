"""Rows other than the tree of a trace: merged by call path, flat, and with hidden spans."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.one_trace import one_trace
from tests.support.building import at, build, ids, span
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.merged_calls import merge_calls
from tracetui.model.span import Flag, Kind
from tracetui.render.waterfall.flame import Flame
from tracetui.render.waterfall.row_order import FlatRows
from tracetui.render.waterfall.rows import Rows
from tracetui.render.waterfall.waterfall import Waterfall

CALLS = build(
    span("a", 0, 1_000, name="root"),
    span("b", 0, 100, parent="a", name="get"),
    span("c", 0, 60, parent="b", name="sql", service="db"),
    span("d", 200, 500, parent="a", name="get"),
    span("e", 200, 480, parent="d", name="sql", service="db", error=True),
    span("f", 600, 1_000, parent="a", name="put"),
    span("g", 600, 900, parent="f", name="sql", service="db"),
)


def flame() -> Flame:
    return Flame(Waterfall(CALLS, 0, sections=critical_paths(CALLS).sections_of(0)))


def test_calls_are_merged_by_path() -> None:
    merged = merge_calls(CALLS, 0, len(CALLS))
    names = [merged.traces.operation_name(node) for node in range(5)]
    assert names == ["root", "get", "sql", "put", "sql"]
    assert (merged.total // 1_000).tolist() == [1_000, 400, 340, 400, 300]
    assert merged.calls.tolist() == [1, 2, 2, 1, 1]
    assert ids(CALLS, merged.example) == ["a", "d", "e", "f", "g"]
    assert merged.traces.parent.tolist() == [-1, 0, 1, 0, 3]


def test_flame_has_rows_like_a_trace() -> None:
    view = flame()
    lines = [line.text for line in view.lines(100)]
    assert "get ×2 ≤300 µs" in lines[1]
    assert "400 µs" in lines[1]
    assert "sql ×2 ≤280 µs ✖" in lines[2]
    assert view.span_of(2) == at(CALLS, "e")
    assert view.position_of(at(CALLS, "c")) == 2
    assert view.critical.sum() == 1_000_000
    view.tree.fold(1)
    assert len(view) == 4


def test_parallel_calls_are_drawn_within_their_caller() -> None:
    traces = build(span("a", 0, 100), *(span(f"b{i}", 0, 90, parent="a", name=f"op{i}") for i in range(5)))
    shown = merge_calls(traces, 0, 6).traces
    assert int(shown.end.max()) <= int(shown.end[0])
    assert (shown.duration[1:] > 0).all()


def test_squeezed_calls_keep_their_critical_share() -> None:
    """Three calls in parallel, drawn a third as wide as they are long: one of them is on the critical path."""
    traces = build(
        span("a", 0, 100, name="root"),
        *(span(f"b{i}", 10, 90, parent="a", name="call", service=f"s{i}") for i in range(3)),
        span("c", 10, 90, parent="b0", name="work", service="s0"),
    )
    view = Flame(Waterfall(traces, 0, sections=critical_paths(traces).sections_of(0)))
    shares = [view.share(range(node, node + 1)) for node in range(len(view))]
    assert max(shares) == pytest.approx(80)
    assert sum(shares) == pytest.approx(100)


def test_axis_of_squeezed_calls_has_no_times() -> None:
    parallel = build(span("a", 0, 1_000), *(span(f"b{i}", 0, 900, parent="a", name=f"op{i}") for i in range(3)))
    view = Flame(Waterfall(parallel, 0))
    for width, words in ((160, "width: share of the caller; parallel calls squeezed"), (56, "parallel calls squeezed")):
        axis = view.scale(width).text
        assert words in axis
        assert "ms" not in axis
    assert "1.00 ms" in flame().scale(80).text, "calls that follow each other are as wide as long"


def test_asynchronous_work_has_its_own_bar() -> None:
    traces = build(
        span("a", 0, 1_000, name="root"),
        span("b", 0, 900, parent="a", name="work"),
        span("p", 900, 902, parent="a", name="publish", kind=Kind.PRODUCER),
        span("c", 902, 1_402, parent="p", name="process", service="worker", kind=Kind.CONSUMER),
        span("d", 950, 1_300, parent="c", name="store", service="worker"),
        span("f", 990, 3_990, parent="b", name="later", flags=Flag.FOLLOWS_FROM),
    )
    shown = merge_calls(traces, 0, 6).traces
    node = {shown.operation_name(number): number for number in range(6)}
    assert shown.duration[node["process"]] == 500_000, "as long as it took, although its caller took less"
    assert shown.end[node["process"]] == shown.end[0], "it ends with the trace at the latest"
    assert shown.duration[node["store"]] == 350_000
    assert (shown.duration[node["later"]], shown.start[node["later"]]) == (3_000_000, shown.start[0])
    assert shown.duration[node["work"]] == 900_000, "and takes nothing from who is waited for"


def test_a_subtree_of_a_trace_is_merged() -> None:
    root = at(CALLS, "d")
    merged = merge_calls(CALLS, root, int(CALLS.subtree_end[root]))
    assert merged.total.tolist() == [300_000, 280_000]


@pytest.mark.parametrize("shape", ["chain", "fan", "tree"])
def test_every_span_has_a_node(shape: str) -> None:
    r = random.Random(4)
    shapes: dict[str, Callable[[int], int]] = {
        "chain": lambda i: i - 1,
        "fan": lambda i: 0,
        "tree": lambda i: r.randrange(i),
    }
    parent = shapes[shape]
    traces = one_trace(3_000, lambda i: -1 if i == 0 else parent(i))
    merged = merge_calls(traces, 0, 3_000)
    nodes = merged.traces
    assert merged.calls.sum() == 3_000
    assert merged.total.sum() == traces.duration.sum()
    assert nodes.subtree_end[0] == len(nodes)
    inside = nodes.parent >= 0
    assert (nodes.depth[inside] == nodes.depth[nodes.parent[inside]] + 1).all()
    assert (nodes.start[inside] >= nodes.start[nodes.parent[inside]]).all()
    assert (nodes.end[inside] <= nodes.end[nodes.parent[inside]]).all()


def test_flat_rows_are_ordered_by_start() -> None:
    rows = FlatRows(CALLS, 0, len(CALLS))
    starts = CALLS.start[rows.positions]
    assert (np.diff(starts) >= 0).all()
    assert [rows.row_of(int(s)) for s in rows.positions] == list(range(7))
    hidden = np.zeros(7, bool)
    hidden[rows.positions[2]] = True
    before = int(rows.positions[1])
    gone = int(rows.positions[2])
    rows.hide(hidden)
    assert len(rows) == 6
    assert rows.row_of(before) == 1 == rows.row_of(gone)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10_000), st.sampled_from([0.1, 0.5, 0.95]), st.integers(0, 2))
def test_children_of_hidden_spans_move_up(count: int, seed: int, share: float, folds: int) -> None:
    r = random.Random(seed)
    traces = one_trace(count, lambda i: -1 if i == 0 else r.randrange(i))
    rows = Rows(traces, 0, count)
    hidden = np.array([r.random() < share for _ in range(count)])
    rows.hide(hidden)
    for _ in range(folds):
        rows.fold(r.randrange(count))
    shown = rows.positions.tolist()
    for row, position in enumerate(shown):
        above = int(traces.parent[position])
        depth = 0
        nearest = -1
        while above >= 0:
            if not hidden[above]:
                nearest = above if nearest < 0 else nearest
                depth += 1
            above = int(traces.parent[above])
        assert rows.parent_of(position) == nearest
        assert rows.depth_of(position) == depth
        siblings = [other for other, p in enumerate(shown) if rows.parent_of(p) == nearest]
        place = siblings.index(row)
        assert rows.next_sibling(row) == (siblings[place + 1] if place + 1 < len(siblings) else None)
        assert rows.previous_sibling(row) == (siblings[place - 1] if place else None)
        assert rows.has_next(position) == (place + 1 < len(siblings))
    rows.hide(None)
    rows.unfold_all()
    assert len(rows) == count


def test_run_is_hidden_as_a_whole() -> None:
    traces = build(span("a", 0, 100), *(span(f"b{i}", i, i + 5 + (i == 3), parent="a", name="q") for i in range(8)))
    view = Waterfall(traces, 0)
    assert len(view) == 2
    assert view.tree.repeat_totals(traces.duration).tolist() == [100_000] + [41_000] * 8
    hidden = np.ones(9, bool)
    hidden[[0, 4]] = False
    view.tree.hide(hidden)
    assert len(view) == 2
    hidden[4] = True
    view.tree.hide(hidden)
    assert len(view) == 1
