"""Which spans of a trace stand on which row of a waterfall: what is folded, and what there is no room for."""

from __future__ import annotations

import numpy as np

from tracetui.model.traces import TraceSet

_MAX_MISFITS = 256


class Rows:
    """The rows of one tree or trace: `positions`, int64[rows], ascending.

    A row is a span, or a folded run: the first of alike leaf siblings that follow one another. Positions are those
    of the trace set; the spans looked at are the slice `first:stop`, which is a trace or a subtree.
    """

    def __init__(
        self, traces: TraceSet, first: int, stop: int, alike: np.ndarray | None = None, run_length: int = 0
    ) -> None:
        """`alike`: int64[stop - first], equal where two siblings look the same but for their times. Runs of at
        least `run_length` of them are folded; 0 folds none.
        """
        self.first, self.stop = first, stop
        parent = traces.parent[first:stop].astype(np.int64)
        self._parent = np.where(parent >= first, parent - first, stop - first)
        self._end = traces.subtree_end[first:stop].astype(np.int64) - first
        size = stop - first
        self._folded = np.zeros(size, bool)
        self._kept: np.ndarray | None = None
        self._left_out_below = np.zeros(0, np.int64)
        self._run_start, self._run_stop = _runs(self._parent, self._end, alike, run_length)
        self._run_open = np.zeros(len(self._run_start), bool)
        self._rebuild()

    def __len__(self) -> int:
        return len(self.positions)

    def _rebuild(self) -> None:
        size = self.stop - self.first
        folded = np.flatnonzero(self._folded)
        closed = ~self._run_open
        step = np.zeros(size + 1, np.int32)
        step[folded + 1] += 1
        step[self._run_start[closed] + 1] += 1
        step[self._run_stop[closed]] -= 1
        step -= np.bincount(self._end[folded], minlength=size + 1).astype(np.int32)
        shown = np.cumsum(step[:size]) == 0
        if self._kept is not None:
            shown &= self._kept
        local = np.flatnonzero(shown)
        # the last row of each parent is written last
        self._last_child = np.full(size + 1, -1, np.int64)
        self._last_child[self._parent[local]] = local
        self.positions = local + self.first

    def _local(self, row: int) -> int:
        return int(self.positions[row]) - self.first

    def row_of(self, span: int) -> int:
        """The row that shows a span: its own, or that of the fold or run it is in."""
        return max(0, int(np.searchsorted(self.positions, span, "right")) - 1)

    def _run_of(self, local: int) -> int:
        run = int(np.searchsorted(self._run_start, local, "right")) - 1
        return run if run >= 0 and local < self._run_stop[run] else -1

    def run(self, row: int) -> range | None:
        """The spans of a folded run, or None where the row is one span."""
        local = self._local(row)
        run = self._run_of(local)
        if run < 0 or self._run_open[run]:
            return None
        return range(self.first + local, self.first + int(self._run_stop[run]))

    def is_folded(self, row: int) -> bool:
        return bool(self._folded[self._local(row)])

    def spans(self, row: int) -> range:
        """The spans that a row stands for: itself, its run, or its folded subtree."""
        local = self._local(row)
        if self._folded[local]:
            return range(self.first + local, self.first + int(self._end[local]))
        return self.run(row) or range(self.first + local, self.first + local + 1)

    def has_children_shown(self, row: int) -> bool:
        return bool(self._last_child[self._local(row)] >= 0)

    def hidden(self, row: int) -> int:
        """How many spans are folded below a row's, or are the subtrees of children there was no room for."""
        local = self._local(row)
        if self._folded[local]:
            return int(self._end[local]) - local - 1
        return 0 if self._kept is None else int(self._left_out_below[local])

    def has_next(self, span: int) -> bool:
        """Whether a sibling of the span has a row below it."""
        local = span - self.first
        return bool(self._last_child[self._parent[local]] > local)

    def left_out(self) -> int:
        """How many spans `limit` left no room for."""
        return 0 if self._kept is None else len(self._kept) - int(self._kept.sum())

    def fold(self, span: int, folded: bool = True) -> None:
        """Fold or unfold a span's children, or the run that it is in."""
        local = span - self.first
        run = self._run_of(local)
        if run >= 0:
            self._run_open[run] = not folded
        elif self._end[local] > local + 1:
            self._folded[local] = folded
        self._rebuild()

    def fold_all(self, depths: np.ndarray | None = None, level: int = 0) -> None:
        """Fold every span with children; with `depths` (int[stop - first]) those of this level or deeper alone."""
        self._folded = self._end > np.arange(len(self._end)) + 1
        if depths is not None:
            self._folded &= depths >= level
        self._run_open[:] = False
        self._rebuild()

    def unfold_all(self, runs: bool = False) -> None:
        """Unfold every span, and with `runs` the runs of alike siblings too."""
        self._folded[:] = False
        if runs:
            self._run_open[:] = True
        self._rebuild()

    def reveal(self, span: int) -> int:
        """Unfold what hides a span. -> its row"""
        local = span - self.first
        above = int(self._parent[local])
        while above < len(self._folded):
            self._folded[above] = False
            above = int(self._parent[above])
        run = self._run_of(local)
        if run >= 0 and local > self._run_start[run]:
            self._run_open[run] = True
        self._rebuild()
        return self.row_of(span)

    def limit(self, rows: int, weight: np.ndarray) -> None:
        """Keep at most `rows` rows: those of the heaviest spans with their ancestors, then the first ones.

        `weight`: float64[stop - first], 0 for spans that matter no more than others.
        """
        if len(self) <= rows:
            return
        local = self.positions - self.first
        chosen = _heaviest(local, self._parent, np.maximum.reduceat(weight, local), rows)
        # members of a run have a row if the first of them has
        kept = np.zeros(len(weight), bool)
        kept[local[chosen]] = True
        for start, stop in zip(self._run_start.tolist(), self._run_stop.tolist(), strict=True):
            kept[start:stop] = kept[start]
        self._kept = kept
        # with a span its whole subtree is left out
        tops = np.flatnonzero(~kept & np.append(kept, True)[self._parent])
        self._left_out_below = np.zeros(len(kept) + 1, np.int64)
        np.add.at(self._left_out_below, self._parent[tops], self._end[tops] - tops)
        self._rebuild()


def _runs(parent: np.ndarray, end: np.ndarray, alike: np.ndarray | None, length: int) -> tuple[np.ndarray, np.ndarray]:
    """-> starts and stops, int64[runs]. Leaf siblings that follow one another stand at consecutive positions."""
    size = len(parent)
    if alike is None or length < 2 or size < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    leaf = end == np.arange(size) + 1
    same = leaf[1:] & leaf[:-1] & (parent[1:] == parent[:-1]) & (alike[1:] == alike[:-1])
    edges = np.flatnonzero(np.diff(same.astype(np.int8), prepend=0, append=0))
    starts, stops = edges[0::2], edges[1::2] + 1
    long = stops - starts >= length
    return starts[long], stops[long]


def _heaviest(local: np.ndarray, parent: np.ndarray, weight: np.ndarray, rows: int) -> np.ndarray:
    """-> bool[rows before], at most `rows` of them true, and with each row its ancestors' rows.

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
