"""Which spans have a row, group against a plain reading of the tree."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import build, span
from tracetui.model.traces import TraceSet
from tracetui.render.waterfall.rows import Rows

LENGTH = 2
"""From this many on siblings are a run here."""


@dataclass
class ReferenceRows:
    """A tree with folds, gone through from the top."""

    parent: list[int]
    looks: list[int]
    folded: set[int] = field(default_factory=set)
    opened: set[int] = field(default_factory=set)
    """The first members of runs that are open."""
    hidden: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.children: list[list[int]] = [[] for _ in self.parent]
        for one, above in enumerate(self.parent):
            if above >= 0:
                self.children[above].append(one)
        self.runs: dict[int, list[int]] = {}
        for siblings in [[one for one, above in enumerate(self.parent) if above < 0], *self.children]:
            at = 0
            while at < len(siblings):
                stop = at + 1
                while stop < len(siblings) and self.look(siblings[stop]) == self.look(siblings[at]):
                    stop += 1
                if stop - at >= LENGTH:
                    self.runs[siblings[at]] = siblings[at:stop]
                at = stop
        self.run_of = {one: first for first, members in self.runs.items() for one in members}

    def look(self, one: int) -> tuple[object, ...]:
        return (self.looks[one], *map(self.look, self.children[one]))

    def below(self, one: int) -> list[int]:
        return [one, *(lower for child in self.children[one] for lower in self.below(child))]

    def fold(self, one: int) -> None:
        first = self.run_of.get(one)
        if first in self.opened and (one in self.folded or not self.children[one]):
            self.opened.discard(first)
        elif self.children[one]:
            self.folded.add(one)

    def unfold(self, one: int) -> None:
        first = self.run_of.get(one)
        if first is not None and first not in self.opened:
            self.open(first)
        else:
            self.folded.discard(one)

    def open(self, first: int) -> None:
        self.opened.add(first)
        self.folded |= {one for one in self.runs[first] if self.children[one]}

    def reveal(self, one: int) -> None:
        for first, members in self.runs.items():
            inside = [lower for member in members for lower in self.below(member)]
            if one != first and one in inside and first not in self.opened:
                self.open(first)
        above = self.parent[one]
        while above >= 0:
            self.folded.discard(above)
            above = self.parent[above]

    def hide(self, spans: set[int]) -> None:
        self.hidden = set(spans)
        for members in self.runs.values():
            if not set(members) <= spans:
                self.hidden -= set(members)

    def rows(self, siblings: list[int]) -> list[tuple[int, list[int], int]]:
        """First span, all spans and number of siblings of each row."""
        found: list[tuple[int, list[int], int]] = []
        skipped: set[int] = set()
        for one in siblings:
            if one in skipped:
                continue
            members = self.runs.get(one, [])
            if members and one not in self.opened and one not in self.hidden:
                skipped |= set(members)
                found.append((one, [lower for member in members for lower in self.below(member)], len(members)))
            elif one in self.hidden:
                found += self.rows(self.children[one])
            elif one in self.folded:
                found.append((one, self.below(one), 1))
            else:
                found += [(one, [one], 1), *self.rows(self.children[one])]
        return found


@st.composite
def trees(draw: st.DrawFn) -> TraceSet:
    """Return trees of a few repeated patterns."""
    patterns = draw(st.lists(st.lists(st.integers(-1, 3), min_size=1, max_size=4), min_size=1, max_size=3))
    spans = [span("0", 0, 1_000, name="top")]
    for number, pattern in enumerate(draw(st.lists(st.sampled_from(patterns), max_size=7))):
        names: list[str] = []
        above = draw(st.sampled_from(["0", *([spans[-1].id] if draw(st.booleans()) else [])]))
        for place, back in enumerate(pattern):
            parent = above if not place or back < 0 else names[min(back, place - 1)]
            names.append(f"{number}.{place}")
            begin = 10 * len(spans)
            spans.append(span(names[-1], begin, begin + 1, parent=parent, name=f"op{place % 2}"))
    return build(*spans)


def assert_equal_rows(rows: Rows, reference: ReferenceRows) -> None:
    expected = reference.rows([one for one, above in enumerate(reference.parent) if above < 0])
    assert rows.positions.tolist() == [first for first, _, _ in expected]
    for row, (first, spans, siblings) in enumerate(expected):
        run = rows.repeats(row)
        assert list(rows.spans(row)) == sorted(spans)
        assert (len(run) if run else 1) == siblings
        assert run is None or list(run) == reference.runs[first]
        assert rows.hidden(row) == len(set(spans) - reference.hidden) - siblings
        assert all(rows.row_of(one) == row for one in spans if one not in reference.hidden)


STEPS = st.lists(
    st.tuples(st.sampled_from(["fold", "unfold", "reveal", "fold_all", "unfold_all", "runs"]), st.integers(0, 40)),
    max_size=8,
)


@given(trees(), STEPS, st.sets(st.integers(0, 40)))
def test_rows_equal_those_of_the_reference(traces: TraceSet, steps: list[tuple[str, int]], hidden: set[int]) -> None:
    size = len(traces)
    looks = traces.operation.astype(np.int64)
    rows = Rows(traces, 0, size, looks, LENGTH)
    reference = ReferenceRows(traces.parent.tolist(), looks.tolist())
    assert_equal_rows(rows, reference)
    for step, number in steps:
        one = number % size
        if step == "fold":
            rows.fold(one)
            reference.fold(one)
        elif step == "unfold":
            rows.fold(one, False)
            reference.unfold(one)
        elif step == "reveal":
            row = rows.reveal(one)
            reference.reveal(one)
            assert rows.positions[row] == one
        elif step == "fold_all":
            rows.fold_all()
            reference.folded = {above for above in reference.parent if above >= 0}
            reference.opened = set()
        else:
            rows.unfold_all(repeats=step == "runs")
            reference.folded = set()
            reference.opened |= set(reference.runs) if step == "runs" else set()
        assert_equal_rows(rows, reference)
    left = {one for one in hidden if one < size}
    mask = np.zeros(size, bool)
    mask[list(left)] = True
    rows.hide(mask)
    reference.hide(left)
    assert_equal_rows(rows, reference)
    rows.hide(None)
    reference.hide(set())
    assert_equal_rows(rows, reference)


def test_calls_with_equal_subtrees_fold_into_one_row() -> None:
    calls = [
        part
        for i in range(6)
        for part in (
            span(f"c{i}", 10 * i, 10 * i + 8, parent="r", name="GET user"),
            span(f"s{i}", 10 * i + 1, 10 * i + 7, parent=f"c{i}", service="user", name="get_user"),
        )
    ]
    traces = build(span("r", 0, 100, name="page"), *calls)
    rows = Rows(traces, 0, len(traces), traces.operation.astype(np.int64), 5)
    assert [list(rows.spans(row)) for row in range(len(rows))] == [[0], list(range(1, 13))]
    assert rows.repeats(1) == range(1, 13, 2)
    assert rows.hidden(1) == 6
    rows.fold(1, False)
    assert rows.positions.tolist() == [0, 1, 3, 5, 7, 9, 11]
    assert rows.is_folded(3)
    rows.fold(5, False)
    assert rows.positions.tolist() == [0, 1, 3, 5, 6, 7, 9, 11]
    rows.fold(5)
    rows.fold(5)
    assert len(rows) == 2


@given(trees(), st.data())
def test_folding_outside_keeps_the_path_to_each_span_open(traces: TraceSet, data: st.DataObject) -> None:
    rows = Rows(traces, 0, len(traces))
    sought = np.array(data.draw(st.lists(st.booleans(), min_size=len(traces), max_size=len(traces))), bool)
    rows.fold_outside(sought)
    assert set(np.flatnonzero(sought).tolist()) <= set(rows.positions.tolist())
    for row, one in enumerate(rows.positions.tolist()):
        below = sought[one + 1 : int(traces.subtree_end[one])]
        is_parent = int(traces.subtree_end[one]) > one + 1
        assert rows.is_folded(row) == (is_parent and not below.any() and one > 0)


@given(trees(), st.data(), st.integers(1, 12))
def test_ancestors_of_further_spans_are_unfolded_as_far_as_there_is_room(
    traces: TraceSet, data: st.DataObject, most: int
) -> None:
    keys = traces.operation.astype(np.int64)
    sought = np.zeros(len(traces), bool)
    sought[data.draw(st.integers(0, len(traces) - 1))] = True
    others = data.draw(st.lists(st.integers(0, len(traces) - 1)))
    rows, folded = Rows(traces, 0, len(traces), keys, 3), Rows(traces, 0, len(traces), keys, 3)
    folded.fold_outside(sought)
    rows.fold_outside(sought, others, most)
    assert set(folded.positions.tolist()) <= set(rows.positions.tolist())
    assert len(rows) <= max(most, len(folded))
    if most >= len(traces):
        shown = set(rows.positions.tolist())
        repeated = {one for row in range(len(rows)) for one in rows.spans(row) if rows.repeats(row)}
        assert set(others) <= shown | repeated


@given(trees(), st.data())
def test_siblings_share_a_row_unless_kept(traces: TraceSet, data: st.DataObject) -> None:
    size = len(traces)
    flags = st.lists(st.booleans(), min_size=size, max_size=size)
    rows = Rows(traces, 0, size, traces.operation.astype(np.int64), 3)
    rows.fold_outside(np.array(data.draw(flags), bool))
    before = {row: rows.spans(row) for row in range(len(rows))}
    kept = np.array(data.draw(flags), bool)
    rows.group_siblings(kept)
    groups = [rows.group(row) for row in range(len(rows))]
    assert sorted(one for row in range(len(rows)) for one in rows.spans(row)) == list(range(size))
    for row, siblings in enumerate(groups):
        if siblings is None:
            assert rows.spans(row) in before.values()
            continue
        assert len(set(traces.parent[siblings].tolist())) == 1
        assert not kept[[one.start for one in before.values() if one.start in siblings]].any()
        assert rows.is_folded(row)
        assert rows.has_children(row)
        assert not rows.can_fold(row)
        assert rows.hidden(row) == len(rows.spans(row)) - len(siblings)
        assert [one for one in before.values() if one.start in rows.spans(row)][-1].stop == rows.spans(row).stop
    span = data.draw(st.integers(0, size - 1))
    group = next(group for row, group in enumerate(groups) if span in rows.spans(row))
    row = rows.reveal(span)
    assert rows.positions[row] == span
    assert rows.group(row) is None
    assert sorted(one for row in range(len(rows)) for one in rows.spans(row)) == list(range(size))
    if group is not None:
        for one in group.tolist():
            assert rows.spans(rows.row_of(one)).start <= one
    rows.unfold_all(repeats=True)
    assert rows.positions.tolist() == list(range(size))


def test_row_of_siblings_is_unfolded_or_gives_one_a_row() -> None:
    traces = build(
        span("root", 0, 100),
        *(span(f"{i:x}", 10 * i, 10 * i + 5, parent="root", name=f"step {chr(97 + i)}") for i in range(8)),
    )
    rows = Rows(traces, 0, len(traces))
    sought = np.zeros(len(traces), bool)
    sought[4] = True
    rows.fold_outside(sought)
    rows.group_siblings(sought)
    assert [list(rows.spans(row)) for row in range(len(rows))] == [[0], [1, 2, 3], [4], [5, 6, 7, 8]]
    assert rows.next_sibling(1) == 2
    assert rows.previous_sibling(3) == 2
    assert rows.previous_sibling(2) == 1
    rows.hide(None)
    assert len(rows) == 4
    assert rows.reveal(7) == 4
    assert [list(rows.spans(row)) for row in range(len(rows))] == [[0], [1, 2, 3], [4], [5, 6], [7], [8]]
    rows.fold(1, False)
    assert rows.positions.tolist() == [0, 1, 2, 3, 4, 5, 7, 8]
    hidden = np.zeros(len(traces), bool)
    hidden[8] = True
    rows.hide(hidden)
    assert rows.positions.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    rows.hide(None)
    rows.fold_all()
    assert rows.positions.tolist() == [0]
