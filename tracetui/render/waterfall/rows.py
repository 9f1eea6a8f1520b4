"""Assignment of a trace's spans to the rows of a waterfall: folding, hiding and row limits."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tracetui.model.traces import TraceSet
from tracetui.render.waterfall.repeats import find_repeats

_MAX_MISFITS = 256
"""Spans too deep for the remaining rows after which no more are tried."""
_FEW_SLICES = 64
"""Number of slices up to which a loop over them is faster than a pass over all spans."""
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
        starts, stops = _outermost(folded, self._folded_end)
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
        if len(starts) <= _FEW_SLICES:
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
        if run < 0 or self._repeat_open[run]:
            return None
        return range(self.first + local, self.first + int(self._repeats.stop[run]), int(self._repeats.step[run]))

    def is_folded(self, row: int) -> bool:
        return bool(self._folded[self._local(row)])

    def spans(self, row: int) -> range:
        """Return the spans that a row represents: one, or all spans of its run or folded subtree."""
        local = self._local(row)
        repeats = self.repeats(row)
        if repeats or self._folded[local]:
            return range(self.first + local, repeats.stop if repeats else self.first + int(self._end[local]))
        return range(self.first + local, self.first + local + 1)

    def has_children(self, row: int) -> bool:
        """Test whether there are children to fold or unfold."""
        return bool(self._has_child[self._local(row)])

    def has_children_shown(self, row: int) -> bool:
        return row + 1 < len(self) and bool(self._above[self._local(row + 1)] == self._local(row))

    def hidden(self, row: int) -> int:
        """Count the spans folded into a row, or in subtrees of its children beyond the row limit."""
        repeats, local = self.repeats(row), self._local(row)
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
        run = int(self._repeat_of[local])
        is_open = run >= 0 and bool(self._repeat_open[run])
        if folded and is_open and (self._folded[local] or not self._has_child[local]):
            self._repeat_open[run] = False
        elif not folded and run >= 0 and not is_open:
            self._open(np.array([run]))
        elif self._is_parent[local]:
            self._folded[local] = folded
        self._rebuild()

    def _open(self, runs: np.ndarray) -> None:
        """Open runs (int64[n]): each member gets a row, with its descendants folded."""
        self._repeat_open[runs] = True
        members = self._repeats.members[np.isin(self._repeats.spread(np.arange(len(self._repeats))), runs)]
        self._folded[members[self._is_parent[members]]] = True

    def can_fold(self, row: int) -> bool:
        """Test whether `fold` of the row's span removes rows: its children are shown, or it is in an open run."""
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
        self._folded = self._is_parent.copy() if depths is None else self._is_parent & (depths >= level)
        self._repeat_open[:] = False
        self._rebuild()

    def fold_outside(self, spans: np.ndarray) -> None:
        """Fold every span but the roots without one of these below it: bool[stop - first]."""
        before = np.concatenate(([0], np.cumsum(spans)))
        below = before[self._end] - before[np.arange(1, len(spans) + 1)]
        self._folded = self._is_parent & (below == 0) & (self._own_depth > 0)
        self._repeat_open[:] = False
        self._rebuild()

    def unfold_all(self, repeats: bool = False) -> None:
        """Unfold every span, and with `repeats` also the repeated siblings."""
        self._folded[:] = False
        if repeats:
            self._repeat_open[:] = True
        self._rebuild()

    def reveal(self, span: int) -> int:
        """Unfold whatever hides a span, and return its row."""
        local = span - self.first
        runs = self._repeats
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
            self._above[visible] = _callers(visible, self._depth[visible], size)
        else:
            self._above = _unhidden(self._parent, np.append(hidden, False))
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
        chosen = _heaviest(local, self._parent, np.maximum.reduceat(weight, local), rows)
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


def _outermost(chosen: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and ends of the chosen subtrees (bool[spans]) that are in no other chosen subtree."""
    # usually there are few, so skipping subtrees is faster than testing each span
    few: list[int] = []
    at = 0
    while at < len(chosen) and len(few) < _FEW_SLICES:
        at += int(chosen[at:].argmax())
        if not chosen[at]:
            at = len(chosen)
            break
        few.append(at)
        at = int(end[at])
    if at >= len(chosen):
        starts = np.array(few, np.int64)
        return starts, end[starts]
    spans = np.flatnonzero(chosen)
    ends = end[spans]
    outermost = np.ones(len(spans), bool)
    outermost[1:] = spans[1:] >= np.maximum.accumulate(ends)[:-1]
    return spans[outermost], ends[outermost]


def _callers(spans: np.ndarray, depth: np.ndarray, size: int) -> np.ndarray:
    """Return the parents among `spans` (ascending pre-order positions with depths), `size` for none."""
    keys = depth.astype(np.int64) * (size + 1) + spans
    keys.sort()
    # in pre-order the parent is the last preceding span one level up
    before = np.searchsorted(keys, keys - (size + 1)) - 1
    own = keys % (size + 1)
    parents = np.full(size, size, np.int64)
    parents[own] = np.where(keys > size, own[before], size)
    found: np.ndarray = parents[spans]
    return found


def _unhidden(parent: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Find the nearest visible ancestor of each span. The last position means no ancestor and is never hidden."""
    above = np.append(parent, len(parent))
    # pointer doubling for the unfinished ones
    while True:
        at = np.flatnonzero(hidden[above])
        if not len(at):
            return above[:-1]
        above[at] = above[above[at]]


def _heaviest(local: np.ndarray, parent: np.ndarray, weight: np.ndarray, rows: int) -> np.ndarray:
    """Choose at most `rows` rows by weight, each with its ancestors' rows; bool[rows before].

    `local` and `weight` are per row, `parent` is per span.
    """
    top = len(parent)
    chosen = {top}
    misfits = 0
    heavy = np.flatnonzero(weight > 0)
    for row in heavy[np.argsort(-weight[heavy], kind="stable")].tolist():
        path: list[int] = []
        at = int(local[row])
        while at not in chosen and len(path) <= rows + 1 - len(chosen):
            path.append(at)
            at = int(parent[at])
        if len(chosen) - 1 + len(path) <= rows:
            chosen.update(path)
        else:
            misfits += 1
        if len(chosen) > rows or misfits > _MAX_MISFITS:
            break
    for at, above in zip(local.tolist(), parent[local].tolist(), strict=True):
        if len(chosen) > rows:
            break
        if above in chosen:
            chosen.add(at)
    return np.isin(local, np.fromiter(chosen, np.int64, len(chosen)))
