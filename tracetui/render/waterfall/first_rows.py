"""Rows with which a large trace opens: those that lead to where its time went and where its errors began."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np

from tracetui.analysis.errors import ErrorRole
from tracetui.render.waterfall.row_notes import running_sums
from tracetui.render.waterfall.waterfall import Waterfall

_MIN_CRITICAL_SHARE = 0.01
"""Smallest share of the critical path of a span to which a large trace is unfolded."""
_MIN_OWN_ROW = 0.05
"""Smallest share of the critical path of a span with all below it that has a row of its own in any case."""
_MAX_UNFOLDED = 50
"""Largest number of spans of the critical path, and of error origins, to which a large trace is unfolded."""


def longest_critical(view: Waterfall) -> int | None:
    """Return the span with the longest critical time; None without a critical path."""
    at = int(np.argmax(view.critical))
    return view.first + at if view.critical[at] else None


def first_origin(view: Waterfall) -> int | None:
    """Return the first error origin in the order of the tree."""
    is_origin = view.roles == ErrorRole.ORIGIN
    at = int(np.argmax(is_origin))
    return view.first + at if is_origin[at] else None


def unfold_important(view: Waterfall, most: int) -> None:
    """Fold all spans except those that lead to the longest part of the critical path and to the first error origin.

    If there are fewer than `most` rows, also unfold the ancestors of further parts and origins, as far as they fit;
    else let siblings with small parts share rows.
    """
    targets = [span for span in (longest_critical(view), first_origin(view)) if span is not None]
    if not targets:
        return
    is_target = np.zeros(view.stop - view.first, bool)
    is_target[np.array(targets) - view.first] = True
    parts = np.flatnonzero(view.critical >= max(view.path_ns * _MIN_CRITICAL_SHARE, 1))
    parts = parts[np.argsort(-view.critical[parts], kind="stable")][:_MAX_UNFOLDED]
    origins = np.flatnonzero(view.roles == ErrorRole.ORIGIN)[:_MAX_UNFOLDED]
    others = [one for pair in zip_longest(parts.tolist(), origins.tolist()) for one in pair if one is not None]
    view.tree.fold_outside(is_target, [view.first + one for one in others], most)
    if len(view.tree) > most:
        _group_siblings(view, is_target, most)


def _group_siblings(view: Waterfall, is_target: np.ndarray, most: int) -> None:
    """Let siblings share rows, except targets, those with large parts, and the longest others as far as they fit."""
    before = running_sums(view.critical)
    below = before[view.traces.subtree_end[view.first : view.stop] - view.first] - before[:-1]
    kept = is_target | (below >= max(view.path_ns * _MIN_OWN_ROW, 1))
    rows = view.tree.positions - view.first
    view.tree.group_siblings(kept)
    # one that leaves a shared row divides it
    count = max(most - len(view.tree), 0) // 2
    rows = rows[~kept[rows] & (below[rows] > 0)]
    if count and len(rows):
        kept[rows[np.argsort(-below[rows], kind="stable")[:count]]] = True
        view.tree.group_siblings(kept)
