"""View state of one trace, independent of a screen: rows, time range, folding, hiding, matches and jumps.

Rows are current row numbers. Spans are positions in the loaded set. Positions are those in the view's set, which
differ from spans if these are merged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tracetui.render.text.line import Line
from tracetui.render.text.numbers import counted, short_count, whole_percent
from tracetui.render.text.safe_text import safe
from tracetui.render.waterfall.flame import Flame
from tracetui.render.waterfall.row_order import FlatRows, RowOrder
from tracetui.render.waterfall.waterfall import DURATION_TITLE, SELF_TITLE, Waterfall
from tracetui.tui.views.waterfall.jumps import Jumps
from tracetui.tui.views.waterfall.prepare import PreparedTrace

TREE, FLAT, FLAME = "tree", "flat", "flame"
MODES = (TREE, FLAT, FLAME)
MODE_TITLES = {TREE: "tree", FLAT: "flat, by start", FLAME: "flame, merged by call path"}
SHARES = (0, 1, 5)
"""Shares of the trace, in percent, below which spans can be hidden."""
_CLOSEST_NS = 8
"""Shortest time range that can be zoomed to."""
_FINE_ZOOM = 1.15
"""Zoom below which a second decimal is shown."""


class ViewState:
    """View state of a trace or subtree."""

    def __init__(self, opened: PreparedTrace) -> None:
        self.opened = opened
        self.base = opened.view
        self.view = opened.view
        self.mode = TREE
        self.least_percent = 0
        self.hidden_services: set[int] = set()
        self.found: np.ndarray | None = None
        """bool[spans], matches of the search; None without a search."""
        self.only_found = False
        self.self_mode = False
        self._orders: dict[str, RowOrder] = {TREE: self.base.tree}
        self._flame: Flame | None = None
        self._zooms: list[tuple[int, int]] = []
        self.jumps = Jumps(self)
        self._hidden_spans = 0

    # --- source of a list of lines

    def __len__(self) -> int:
        return len(self.view.rows)

    def line(self, row: int, width: int) -> Line:
        return self.view.row(row, width)

    @property
    def is_merged(self) -> bool:
        """True if a row stands for all spans with the same call path."""
        return self.mode == FLAME

    @property
    def has_errors(self) -> bool:
        """True if there are errors, even if hidden."""
        return bool((self.base.roles > 0).any())

    def views(self) -> list[Waterfall]:
        """List its row layouts."""
        return [self.base] if self._flame is None else [self.base, self._flame]

    # --- spans and rows

    def span_at(self, row: int) -> int | None:
        """Return the span of a row; None if there are no rows."""
        if not len(self):
            return None
        return self.view.span_of(self.position(row))

    def crumbs(self, row: int) -> list[str]:
        """Name the trace, the span to which a subtree belongs, and the span of a row."""
        traces, span = self.base.traces, self.span_at(row)
        main, root = int(traces.main_root[self.opened.trace]), self.opened.root
        names = {one: traces.operation_name(one) or "(no name)" for one in (main, root, span) if one is not None}
        subtree = [] if root is None else [f"from {names[root]}"]
        return [f"{traces.service_name(main)} {names[main]}", *subtree, *([] if span is None else [names[span]])]

    def row_of(self, span: int) -> int:
        """Return the row of a span, or of the fold that hides it."""
        return self.view.rows.row_of(self.view.position_of(span))

    def reveal(self, span: int) -> int:
        """Unfold whatever hides a span. -> its row"""
        position = self.view.position_of(span)
        row = self.view.rows.row_of(position)
        if len(self) and int(self.view.rows.positions[row]) == position and self.view.rows.group(row) is None:
            return row
        return self.view.rows.reveal(position)

    def has(self, span: int) -> bool:
        return self.base.first <= span < self.base.stop

    def time_of(self, row: int) -> tuple[int, int] | None:
        """Return start and length in ns of the spans that a row represents; None if there are no rows."""
        span = self.span_at(row)
        if span is None:
            return None
        traces = self.base.traces
        within = np.array([span]) if self.is_merged else self.view.members(min(row, len(self) - 1))
        start = int(traces.start[within].min())
        return start, int(traces.end[within].max()) - start

    def position(self, row: int) -> int:
        """Return the position of a row."""
        return int(self.view.rows.positions[min(row, len(self) - 1)])

    # --- row layouts

    def make(self, mode: str) -> tuple[str, RowOrder, Flame | None]:
        """Build the rows of a mode without showing them. Slow on a long trace."""
        base = self.base
        if mode == FLAT and FLAT not in self._orders:
            return mode, FlatRows(base.traces, base.first, base.stop), None
        if mode == FLAME and self._flame is None:
            flame = Flame(base)
            flame.layout(80)
            return mode, flame.tree, flame
        return mode, self._orders[mode], self._flame

    def use(self, made: tuple[str, RowOrder, Flame | None]) -> None:
        """Show the rows of a mode."""
        self.mode, order, flame = made
        self._orders[self.mode] = order
        if self.is_merged:
            self._flame = flame
            assert flame is not None
            self.view = flame
        else:
            self.view = self.base
        self.view.rows = order
        self._zooms.clear()
        self.view.window = self.view.whole
        self.apply()

    def apply(self) -> None:
        """Hide and dim spans in the current rows."""
        self.jumps.forget()
        view = self.view
        view.found = self._found_positions()
        hidden = np.zeros(view.stop - view.first, bool)
        if self.least_percent:
            durations = view.durations
            if self.mode == TREE:
                durations = view.tree.repeat_totals(durations)
            # never hide errors
            hidden |= (durations * 100 < self.least_percent * view.whole_ns) & (view.roles == 0)
        if self.hidden_services:
            hidden |= np.isin(view.traces.service[view.first : view.stop], list(self.hidden_services))
        if self.only_found and view.found is not None:
            kept = view.found
            if self.mode != FLAT:
                before = np.concatenate(([0], np.cumsum(kept)))
                kept = before[view.traces.subtree_end[view.first : view.stop] - view.first] > before[:-1]
            hidden |= ~kept
        self._hidden_spans = int(hidden.sum())
        view.rows.hide(hidden if self._hidden_spans else None)
        self.show_times()

    def hide_next_share(self) -> None:
        """Hide spans below the next share of the trace's time, or none."""
        self.least_percent = SHARES[(SHARES.index(self.least_percent) + 1) % len(SHARES)]

    @property
    def has_hidden(self) -> bool:
        """True if spans are hidden."""
        return self._hidden_spans > 0

    def show_all(self) -> None:
        """Hide no span."""
        self.hidden_services.clear()
        self.least_percent, self.only_found = 0, False

    def hide_as(self, other: ViewState) -> None:
        """Adopt the hidden spans and the column of times of another view state."""
        self.least_percent, self.self_mode = other.least_percent, other.self_mode
        self.hidden_services = set(other.hidden_services)

    def _found_positions(self) -> np.ndarray | None:
        if self.found is None or not self.found.any():
            # without a match no row is dimmed
            return None
        if not self.is_merged:
            return self.found
        assert self._flame is not None
        return np.bincount(self._flame.merged.node_of, self.found, len(self._flame.merged.total)) > 0

    def show_times(self) -> None:
        """Fill the column of times."""
        view = self.view
        if self.self_mode:
            view.displayed, view.displayed_title = self.self_times(), SELF_TITLE
        else:
            view.displayed, view.displayed_title = view.durations, "total" if self.is_merged else DURATION_TITLE

    def self_times(self) -> np.ndarray:
        """Return the self time of each position; for merged spans their sum."""
        times: np.ndarray = self.opened.facts.self_times[self.base.first : self.base.stop]
        if self._flame is not None and self.is_merged:
            sums = np.zeros(len(self._flame.merged.total), np.int64)
            np.add.at(sums, self._flame.merged.node_of, times)
            return sums
        return times

    def captions(self) -> list[str]:
        """Describe briefly which part of the trace is shown: texts for less and less room."""
        words = [] if self.mode == TREE else [MODE_TITLES[self.mode]]
        if self.view.window != self.view.whole:
            words.append(
                f"zoom {self.view.glyphs.times}{zoom_factor(self.view.whole[1] / max(self.view.window[1], 1))}"
            )
        rows, unmatched = counted(len(self), "row"), self.only_found and self.found is not None
        if not (self.least_percent or self.hidden_services or unmatched):
            return [", ".join(words) or rows]
        hidden = f"{short_count(self._hidden_spans)} hidden"
        services = [safe(self.base.traces.services[number], 20) for number in sorted(self.hidden_services)]
        reasons = [f"<{whole_percent(self.least_percent)} of the trace"] if self.least_percent else []
        reasons += services
        reasons += ["no match"] if unmatched else []
        short = "; ".join([*words, rows, hidden])
        return [f"{short}: {', '.join(reasons)}", short, f"{rows}; {hidden}", hidden]

    # --- folding, for the tree and the merged tree

    def unfold(self, row: int) -> int:
        """Unfold a row, or go to its first child. -> the new row"""
        view = self.view
        if self.mode == FLAT or not len(self):
            return row
        position = self.position(row)
        if view.rows.repeats(row) or (view.rows.is_folded(row) and view.rows.has_children(row)):
            view.tree.fold(position, False)
            return view.rows.row_of(position)
        return row + 1 if view.rows.has_children_shown(row) else row

    def fold(self, row: int) -> int:
        """Fold a row, or go to its parent. -> the new row"""
        if self.mode == FLAT or not len(self):
            return row
        tree, position = self.view.tree, self.position(row)
        if tree.can_fold(row):
            tree.fold(position)
            return tree.row_of(position)
        return self.parent(row)

    def toggle(self, row: int) -> int:
        """Fold or unfold a row. -> the new row"""
        if self.mode == FLAT or not len(self):
            return row
        tree, position = self.view.tree, self.position(row)
        is_closed = bool(tree.repeats(row)) or (tree.is_folded(row) and tree.has_children(row))
        if is_closed or tree.can_fold(row):
            tree.fold(position, not is_closed)
        return tree.row_of(position)

    def fold_all(self, row: int) -> int:
        return self._keeping(row, self.view.tree.fold_all)

    def unfold_all(self, row: int) -> int:
        """Unfold everything; if nothing else is folded, also the repeated siblings. -> the new row"""
        tree = self.view.tree
        return self._keeping(row, lambda: tree.unfold_all(repeats=tree.is_unfolded()))

    def shallower(self, row: int) -> int:
        return self._fold_level(row, -1)

    def deeper(self, row: int) -> int:
        return self._fold_level(row, 1)

    def _fold_level(self, row: int, more: int) -> int:
        """Show more or fewer levels. -> the new row"""
        tree = self.view.tree
        return self._keeping(row, lambda: tree.fold_to(max(tree.deepest_shown() + more, 0)))

    def fold_service(self, row: int) -> int:
        """Fold or unfold all calls of the row's service. -> the new row"""
        view = self.view
        services = view.traces.service[view.first : view.stop]
        same = services == services[self.position(row) - view.first]
        return self._keeping(row, lambda: view.tree.fold_where(same))

    def _keeping(self, row: int, change: Callable[[], object]) -> int:
        """Change which rows are folded. -> row of the same span"""
        span = self.span_at(row)
        change()
        return 0 if span is None else self.row_of(span)

    # --- navigation in the tree

    def parent(self, row: int) -> int:
        if not len(self):
            return row
        above = self.view.rows.parent_of(self.position(row))
        return self.view.rows.row_of(above) if above >= 0 else row

    def sibling(self, row: int, step: int) -> int | None:
        """Return the row of the next (1) or previous (-1) sibling."""
        if self.mode == FLAT or not len(self):
            return None
        tree = self.view.tree
        return tree.next_sibling(row) if step > 0 else tree.previous_sibling(row)

    # --- time

    @property
    def is_zoomed(self) -> bool:
        return self.view.window != self.view.whole

    def zoom_to(self, row: int) -> None:
        """Zoom to the time range of a row's spans."""
        if not len(self):
            return
        view, within = self.view, self.view.members(min(row, len(self) - 1))
        start = int(view.traces.start[within].min())
        self._look_at(start, int(view.traces.end[within].max()) - start)

    def zoom_by(self, row: int, factor: float) -> None:
        """Zoom by a factor (below 1 out) around the visible part of the row's span."""
        if not len(self):
            return
        start, length = self.view.window
        position = self.position(row)
        low = max(int(self.view.traces.start[position]), start)
        high = min(int(self.view.traces.end[position]), start + length)
        middle = (low + high) // 2 if low <= high else start + length // 2
        wanted = int(length / factor)
        self._look_at(middle - wanted // 2, wanted)

    def pan(self, share: float) -> None:
        """Move the time range by a share of its length."""
        start, length = self.view.window
        self._look_at(start + int(length * share), length, remember=False)

    def zoom_out(self, all_the_way: bool = False) -> None:
        """Return to the previous time range."""
        before = self._zooms.pop() if self._zooms and not all_the_way else self.view.whole
        if all_the_way:
            self._zooms.clear()
        self.view.window = before

    def _look_at(self, start: int, length: int, remember: bool = True) -> None:
        whole_start, whole = self.view.whole
        length = min(max(length, _CLOSEST_NS), whole)
        start = min(max(start, whole_start), whole_start + whole - length)
        if (start, length) == self.view.window:
            return
        if remember:
            self._zooms.append(self.view.window)
        if length == whole:
            self._zooms.clear()
        self.view.window = (start, length)


def zoom_factor(times: float) -> str:
    """Format a zoom of more than 1, which never looks like none: `1.03`, `4.2`, `38k`."""
    if times < _FINE_ZOOM:
        return f"{max(times, 1.01):.2f}"
    return f"{times:.1f}".removesuffix(".0") if times < 10 else short_count(round(times))


FOLDING: Mapping[str, Callable[[ViewState, int], int]] = {
    "fold": ViewState.fold,
    "unfold": ViewState.unfold,
    "toggle": ViewState.toggle,
    "fold_all": ViewState.fold_all,
    "unfold_all": ViewState.unfold_all,
    "shallower": ViewState.shallower,
    "deeper": ViewState.deeper,
    "fold_service": ViewState.fold_service,
}
"""Ways to fold and unfold by name: each takes the row of the cursor and returns its next one."""
