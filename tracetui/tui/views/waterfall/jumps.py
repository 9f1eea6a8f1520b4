"""Jumps from row to row of a trace: errors, matches, the critical path, self times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracetui.analysis.errors import ErrorRole

if TYPE_CHECKING:
    from tracetui.tui.views.waterfall.view_state import ViewState

_RANKED = 100


@dataclass(frozen=True, slots=True)
class Jump:
    """Target of a jump: a span, its number among the targets that are shown, and their count."""

    span: int
    number: int
    total: int
    hidden: int = 0
    """Number of further targets that are hidden."""

    def __str__(self) -> str:
        more = f" (+{self.hidden:,} hidden)" if self.hidden else ""
        return f"{self.number:,} of {self.total:,}{more}"


class Jumps:
    """Targets of jumps among the rows shown."""

    def __init__(self, state: ViewState) -> None:
        self._state = state
        self._ranking: np.ndarray | None = None
        self._ranked = -1
        self._step = -1

    def forget(self) -> None:
        """Start again, after a change of the rows."""
        self._ranking, self._ranked, self._step = None, -1, -1

    def error(self, row: int, step: int) -> Jump | None:
        """Find the next or previous error origin; without origins, any error."""
        roles = self._state.view.roles
        is_origin = roles == ErrorRole.ORIGIN
        return self._next(np.flatnonzero(is_origin if is_origin.any() else roles > 0), row, step)

    def match(self, row: int, step: int, or_current: bool = False) -> Jump | None:
        """Find the next or previous match; with `or_current` it may be the span under the cursor."""
        if self._state.view.found is None:
            return None
        return self._next(np.flatnonzero(self._state.view.found), row, step, or_current)

    def _next(self, local: np.ndarray, row: int, step: int, or_current: bool = False) -> Jump | None:
        view = self._state.view
        rows = view.rows
        shown = rows.shown(local + view.first)
        if not len(shown):
            return None
        order = np.argsort(rows.ranks(shown), kind="stable")
        shown = shown[order]
        here = rows.ranks(np.array([self._state.position(row)]))[0]
        if step > 0:
            at = int(np.searchsorted(rows.ranks(shown), here, "left" if or_current else "right"))
        else:
            at = int(np.searchsorted(rows.ranks(shown), here, "left")) - 1
        at %= len(shown)
        return Jump(view.span_of(int(shown[at])), at + 1, len(shown), len(local) - len(shown))

    def path_step(self, row: int, step: int) -> tuple[Jump, int] | None:
        """Find the next or previous section of the critical path. -> target, length in ns"""
        view, is_merged = self._state.view, self._state.is_merged
        positions, starts, ends = self._state.opened.path
        if is_merged:
            positions, starts, ends = view.sections
            order = np.argsort(starts, kind="stable")
            positions, starts, ends = positions[order], starts[order], ends[order]
        kept = np.isin(positions, view.rows.shown(np.unique(positions)))
        positions, starts, ends = positions[kept], starts[kept], ends[kept]
        if not len(positions):
            return None
        position = self._state.position(row)
        if 0 <= self._step < len(positions) and positions[self._step] == position:
            at = self._step + step
        else:
            begin = view.traces.start[position]
            candidates = np.flatnonzero((starts >= begin) & (positions != position) if step > 0 else starts < begin)
            at = int(candidates[0 if step > 0 else -1]) if len(candidates) else (0 if step > 0 else -1)
        at %= len(positions)
        self._step = at
        position = int(positions[at])
        ns = view.critical[position - view.first] if is_merged else ends[at] - starts[at]
        return Jump(view.span_of(position), at + 1, len(positions)), int(ns)

    def longest_self(self, row: int) -> tuple[Jump, int] | None:
        """Find the span with the longest self time, at repetition the next longest. -> target, self time in ns"""
        view, times = self._state.view, self._state.self_times()
        if self._ranking is None:
            local = view.rows.shown(np.arange(len(times)) + view.first) - view.first
            if len(local) > _RANKED:
                local = local[np.argpartition(-times[local], _RANKED)[:_RANKED]]
            local = local[np.lexsort((local, -times[local]))]
            self._ranking = local[times[local] > 0]
        ranking = self._ranking
        if not len(ranking):
            return None
        at = 0
        if self._ranked >= 0 and ranking[self._ranked % len(ranking)] == self._state.position(row) - view.first:
            at = (self._ranked + 1) % len(ranking)
        self._ranked = at
        position = int(ranking[at]) + view.first
        return Jump(view.span_of(position), at + 1, len(ranking)), int(times[ranking[at]])
