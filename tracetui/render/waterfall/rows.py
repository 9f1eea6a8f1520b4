"""Assignment of a trace's spans to the rows of a waterfall: folding, hiding and row limits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from tracetui.model.traces import TraceSet
from tracetui.render.waterfall.repeats import find_repeats
from tracetui.render.waterfall.sibling_groups import SiblingGroups
from tracetui.render.waterfall.subtrees import (
    FEW_SLICES,
    ancestors_within,
    heaviest_rows,
    outermost,
    parents_among,
    visible_ancestors,
)

_MAX_CACHED = 16_384
_ONE_IN = 8
"""If fewer than one in this many spans is visible, searching parents among them is faster than walking up the tree."""


class Rows:
    """Rows of one trace or subtree: `positions`, int64[rows], ascending.

    A row is a span, or the first member of a folded run of repeated siblings. Positions are those of the trace set;
    the slice `first:stop` is a trace or a subtree.
    """

    def __init__(
        self, traces: TraceSet, first: int, stop: int, repeat_keys: np.ndarray | None = None, least_repeats: int = 0
    ) -> None:
        """`repeat_keys`: int64[stop - first], equal for spans that differ only in time. `least_repeats`: number of
        siblings with equal subtrees from which on they fold into one row; 0 for never.
        """
        self.first, self.stop = first, stop
        parent = traces.parent[first:stop].astype(np.int64)
        self._parent = np.where(parent >= first, parent - first, stop - first)
        self._end = traces.subtree_end[first:stop].astype(np.int64) - first
        size = stop - first
        self._folded = np.zeros(size, bool)
        self._kept: np.ndarray | None = None
        self._omitted_below = np.zeros(0, np.int64)
        self._hidden: np.ndarray | None = None
        self._depth = self._own_depth = traces.depth[first:stop] - traces.depth[first]
        self._above = self._parent
        self._has_child = self._is_parent = self._end > np.arange(size) + 1
        self._repeats = runs = find_repeats(self._parent, self._end, self._own_depth, repeat_keys, least_repeats)
        self._repeat_open = np.zeros(len(runs), bool)
        self._repeat_hidden = np.zeros(len(runs), bool)
        self._repeat_of = np.full(size, -1, np.int32)
        """Run of each span, -1 for none."""
        self._repeat_of[runs.members] = runs.spread(np.arange(len(runs)))
        self._folded_end = self._end.copy() if len(runs) else self._end
        """End of the spans that each row represents, if it is folded."""
        self._groups = SiblingGroups(self._parent)
        self._rebuild()

    def __len__(self) -> int:
        return len(self.positions)

    def _rebuild(self) -> None:
        # a hidden span cannot be unfolded, so it must not hide its descendants
        folded = self._folded if self._hidden is None else self._folded & ~self._hidden
        closed = ~(self._repeat_open | self._repeat_hidden)
        if len(closed):
            start = self._repeats.start
            self._folded_end[start] = np.where(closed, self._repeats.stop, self._end[start])
            folded = folded.copy()
            folded[start[closed]] = True
        if len(self._groups):
            starts, stops = self._groups.slices()
            folded, self._folded_end = folded.copy(), self._folded_end.copy()
            folded[starts], self._folded_end[starts] = True, stops
        starts, stops = outermost(folded, self._folded_end)
        # cached, as guides need it in every row, and neighbouring rows have the same ancestors
        self._next: dict[int, int | None] = {}
        if not len(starts) and self._kept is None and self._hidden is None:
            self.positions = self._every
            return
        covered = self._covered(starts, stops)
        if self._kept is not None:
            covered |= ~self._kept
        if self._hidden is not None:
            covered |= self._hidden
        self.positions = np.flatnonzero(~covered)
        if self.first:
            self.positions += self.first

    @cached_property
    def _every(self) -> np.ndarray:
        return np.arange(self.first, self.stop)

    def _covered(self, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
        """Select all spans of disjoint slices except the first of each: bool[stop - first]."""
        size = self.stop - self.first
        if len(starts) <= FEW_SLICES:
            inside = np.zeros(size, bool)
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
                inside[start + 1 : stop] = True
            return inside
        # int8 keeps this pass over a million spans fast enough for every key press
        step = np.zeros(size + 1, np.int8)
        step[starts + 1] += 1
        step[stops] -= 1
        covered: np.ndarray = np.cumsum(step[:size], dtype=np.int8).view(bool)
        return covered

    def _local(self, row: int) -> int:
        return int(self.positions[row]) - self.first

    def row_of(self, span: int) -> int:
        """Return the row that shows a span: its own, or that of the fold or run containing it."""
        return max(0, int(self.positions.searchsorted(span, "right")) - 1)

    def repeats(self, row: int) -> range | None:
        """Return the siblings of a folded run, without descendants; None if the row is one span."""
        local = self._local(row)
        run = self._repeat_of[local]
        if run < 0 or self._repeat_open[run] or local in self._groups:
            return None
        return range(self.first + local, self.first + int(self._repeats.stop[run]), int(self._repeats.step[run]))

    def group(self, row: int) -> np.ndarray | None:
        """Return the siblings that share a row, int64[n]; None if it is not that of a group."""
        local = self._local(row)
        return self._groups.siblings(local) + self.first if local in self._groups else None

    def is_folded(self, row: int) -> bool:
        local = self._local(row)
        return bool(self._folded[local]) or local in self._groups

    def spans(self, row: int) -> range:
        """Return the spans that a row represents: one, or all spans of its run, group or folded subtree."""
        local = self._local(row)
        if local in self._groups:
            return range(self.first + local, self.first + self._groups.stop_of(local))
        repeats = self.repeats(row)
        if repeats or self._folded[local]:
            return range(self.first + local, repeats.stop if repeats else self.first + int(self._end[local]))
        return range(self.first + local, self.first + local + 1)

    def has_children(self, row: int) -> bool:
        """Test whether there are children to fold or unfold."""
        local = self._local(row)
        return bool(self._has_child[local]) or local in self._groups

    def has_children_shown(self, row: int) -> bool:
        return row + 1 < len(self) and bool(self._above[self._local(row + 1)] == self._local(row))

    def hidden(self, row: int) -> int:
        """Count the spans folded into a row, or in subtrees of its children beyond the row limit."""
        repeats, local = self.repeats(row), self._local(row)
        siblings = self.group(row)
        if siblings is not None:
            return len(self.spans(row)) - len(siblings)
        if repeats or self._folded[local]:
            spans = self.spans(row)
            within = slice(spans.start - self.first, spans.stop - self.first)
            unseen = 0 if self._hidden is None else int(self._hidden[within].sum())
            return len(spans) - len(repeats or range(1)) - unseen
        return 0 if self._kept is None else int(self._omitted_below[local])

    def has_next(self, span: int) -> bool:
        """Test whether a sibling of the span has a row below it."""
        return self._next_of(span - self.first) is not None

    def parent_of(self, span: int) -> int:
        """Return the nearest visible ancestor, -1 for none."""
        above = int(self._above[span - self.first])
        return above + self.first if above < len(self._above) else -1

    def depth_of(self, span: int) -> int:
        """Count the visible ancestors."""
        return int(self._depth[span - self.first])

    def next_sibling(self, row: int) -> int | None:
        """Return the row of the next sibling, or None."""
        return self._next_of(self._local(row))

    def _next_of(self, local: int) -> int | None:
        if local not in self._next:
            if len(self._next) > _MAX_CACHED:
                # a pass over all rows needs only recent ones
                self._next.clear()
            after = int(self.positions.searchsorted(self._folded_end[local] + self.first))
            is_next = after < len(self) and self._above[self._local(after)] == self._above[local]
            self._next[local] = after if is_next else None
        return self._next[local]

    def previous_sibling(self, row: int) -> int | None:
        """Return the row of the previous sibling, or None."""
        local = self._local(row)
        above = int(self._above[local])
        begin = above + 1 if above < len(self._above) else 0
        before = np.flatnonzero(self._above[begin:local] == above)
        if self._hidden is not None:
            before = before[~self._hidden[begin + before]]
        return self.row_of(self.first + begin + int(before[-1])) if len(before) else None

    def deepest_shown(self) -> int:
        """Return the depth of the deepest row."""
        depths = self._depth[self.positions - self.first]
        return int(depths.max()) if len(depths) else 0

    def omitted_count(self) -> int:
        """Count the spans beyond the row limit."""
        return 0 if self._kept is None else len(self._kept) - int(self._kept.sum())

    def fold(self, span: int, folded: bool = True) -> None:
        """Fold or unfold a span's children, or the run that it is in: inner folds first."""
        local = span - self.first
        if local in self._groups:
            self._ungroup(local)
            self._rebuild()
            return
        run = int(self._repeat_of[local])
        is_open = run >= 0 and bool(self._repeat_open[run])
        if folded and is_open and (self._folded[local] or not self._has_child[local]):
            self._repeat_open[run] = False
        elif not folded and run >= 0 and not is_open:
            self._open(np.array([run]))
        elif self._is_parent[local]:
            self._folded[local] = folded
        self._rebuild()

    def _ungroup(self, start: int | None = None) -> None:
        """Give the siblings of a group rows of their own, or those of all groups."""
        if start is None:
            starts, _ = self._groups.slices()
            self._folded_end[starts] = self._end[starts]
            self._groups.clear()
        else:
            self._folded_end[start] = self._end[start]
            self._groups.remove(start)

    def group_siblings(self, kept: np.ndarray) -> None:
        """Give siblings that follow each other one row, unless they are kept (bool[stop - first]) or unfolded."""
        if len(self._groups):
            self._ungroup()
            self._rebuild()
        local = self.positions - self.first
        is_run = np.zeros(self.stop - self.first, bool)
        is_run[self._repeats.start[~self._repeat_open]] = True
        is_open = (self._is_parent & ~self._folded & ~is_run)[local]
        is_run |= self._folded
        ends = np.where(is_run[local], self._folded_end[local], local + 1)
        self._groups.join(local, ends, ~kept[local] & ~is_open)
        self._rebuild()

    def _open(self, runs: np.ndarray) -> None:
        """Open runs (int64[n]): each member gets a row, with its descendants folded."""
        self._repeat_open[runs] = True
        members = self._repeats.members[np.isin(self._repeats.spread(np.arange(len(self._repeats))), runs)]
        self._folded[members[self._is_parent[members]]] = True

    def can_fold(self, row: int) -> bool:
        """Test whether `fold` of the row's span removes rows: its children are shown, or it is in an open run."""
        if self._local(row) in self._groups:
            return False
        return self.has_children_shown(row) or (self._repeat_of[self._local(row)] >= 0 and self.repeats(row) is None)

    def fold_to(self, level: int) -> None:
        """Show spans down to this depth."""
        self.fold_all(self._depth, level)

    def fold_where(self, spans: np.ndarray) -> None:
        """Fold these spans, bool[stop - first]; if all of them are folded, unfold them."""
        parents = spans & self._is_parent
        self._folded[parents] = not self._folded[parents].all()
        self._rebuild()

    def is_unfolded(self) -> bool:
        """Test whether no span is folded, except into repeats."""
        return not self._folded.any()

    def fold_all(self, depths: np.ndarray | None = None, level: int = 0) -> None:
        """Fold every span with children; with `depths` (int[stop - first]) only from this level down."""
        self._ungroup()
        self._folded = self._is_parent.copy() if depths is None else self._is_parent & (depths >= level)
        self._repeat_open[:] = False
        self._rebuild()

    def fold_outside(self, spans: np.ndarray, others: Sequence[int] = (), most: int = 0) -> None:
        """Fold every span but the first without one of these below it: bool[stop - first].

        Then unfold the ancestors of each span in `others`, in their order, if there are at most `most` rows then.
        """
        self._ungroup()
        before = np.concatenate(([0], np.cumsum(spans)))
        below = before[self._end] - before[np.arange(1, len(spans) + 1)]
        self._folded = self._is_parent & (below == 0)
        self._folded[:1] = False
        self._repeat_open[:] = False
        self._rebuild()
        if len(self) < most and others:
            has_row = np.ones(len(spans), bool)
            has_row[self._repeats.members] = False
            has_row[self._repeats.start] = True
            children = np.bincount(self._parent[has_row], minlength=len(spans) + 1)
            wanted = [one - self.first for one in others]
            self._folded[ancestors_within(most - len(self), wanted, self._folded, self._parent, children)] = False
            self._rebuild()

    def unfold_all(self, repeats: bool = False) -> None:
        """Unfold every span, and with `repeats` also the repeated siblings."""
        self._ungroup()
        self._folded[:] = False
        if repeats:
            self._repeat_open[:] = True
        self._rebuild()

    def reveal(self, span: int) -> int:
        """Unfold whatever hides a span, and return its row."""
        local = span - self.first
        runs = self._repeats
        group = self._groups.slice_with(local)
        if group is not None:
            one = self._groups.sibling(group, local)
            run = int(self._repeat_of[one])
            is_run = run >= 0 and not self._repeat_open[run]
            self._folded_end[group] = self._end[group]
            self._groups.take_out(group, *((runs.start[run], runs.stop[run]) if is_run else (one, self._end[one])))
        self._open(np.flatnonzero((runs.start < local) & (local < runs.stop) & ~self._repeat_open))
        folded = np.flatnonzero(self._folded[:local])
        self._folded[folded[self._end[folded] > local]] = False
        self._rebuild()
        return self.row_of(span)

    def repeat_totals(self, column: np.ndarray) -> np.ndarray:
        """Return the column (int64[stop - first]) with each member of a run replaced by the run's total."""
        totals = column.copy()
        totals[self._repeats.members] = self._repeats.spread(self._repeats.sums_of(column))
        return totals

    def ranks(self, spans: np.ndarray) -> np.ndarray:
        """Return sort keys that ascend with the rows, int64."""
        return spans

    def shown(self, spans: np.ndarray) -> np.ndarray:
        """Filter out hidden spans; folded ones stay."""
        return spans if self._hidden is None else spans[~self._hidden[spans - self.first]]

    def hide(self, hidden: np.ndarray | None) -> None:
        """Hide the rows of these spans, bool[stop - first]; None shows all. Their descendants move up.

        A run is hidden only as a whole.
        """
        size = self.stop - self.first
        if hidden is None or not hidden.any():
            self._hidden, self._above = None, self._parent
            self._depth = self._own_depth
            self._has_child = self._is_parent
            self._repeat_hidden[:] = False
            self._rebuild()
            return
        self._ungroup()
        hidden = hidden.copy()
        self._repeat_hidden = self._repeats.all_of(hidden)
        hidden[self._repeats.members] = self._repeats.spread(self._repeat_hidden)
        self._hidden = hidden
        step = np.zeros(size + 1, np.int32)
        visible = np.flatnonzero(~hidden)
        step[visible + 1] += 1
        step -= np.bincount(self._end[visible], minlength=size + 1).astype(np.int32)
        self._depth = np.cumsum(step[:size])
        if _ONE_IN * len(visible) < size:
            self._above = np.full(size, size, np.int64)
            self._above[visible] = parents_among(visible, self._depth[visible], size)
        else:
            self._above = visible_ancestors(self._parent, np.append(hidden, False))
        self._has_child = np.zeros(size + 1, bool)
        self._has_child[self._above[visible]] = True
        self._rebuild()

    def limit(self, rows: int, weight: np.ndarray) -> None:
        """Limit the number of rows: keep the heaviest spans with their ancestors, then the first ones.

        `weight`: float64[stop - first], 0 for ordinary spans.
        """
        if len(self) <= rows:
            return
        local = self.positions - self.first
        chosen = heaviest_rows(local, self._parent, np.maximum.reduceat(weight, local), rows)
        # a run is kept or dropped as a whole
        kept = np.zeros(len(weight), bool)
        kept[local[chosen]] = True
        shown = np.isin(self._repeats.start, local)
        for start, stop in zip(self._repeats.start[shown].tolist(), self._repeats.stop[shown].tolist(), strict=True):
            kept[start:stop] = kept[start]
        self._kept = kept
        # the subtree of a dropped span is also dropped
        tops = np.flatnonzero(~kept & np.append(kept, True)[self._parent])
        self._omitted_below = np.zeros(len(kept) + 1, np.int64)
        np.add.at(self._omitted_below, self._parent[tops], self._end[tops] - tops)
        self._rebuild()
