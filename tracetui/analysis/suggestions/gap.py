"""Gaps: time of a parent between two of its children, in which no span runs: uninstrumented work, or queueing."""

from __future__ import annotations

import numpy as np

from tracetui.analysis.stats.groups import keyed_together
from tracetui.analysis.suggestions.kind import SuggestionKind
from tracetui.analysis.suggestions.siblings import Instances, Siblings


def find(siblings: Siblings) -> Instances:
    """Find times between two siblings in which no child of their parent runs."""
    after = np.flatnonzero(siblings.follows)
    gap = siblings.start[after] - siblings.end[after - 1]
    # the gap before a retry is a deliberate pause
    real = (gap > 0) & ~siblings.retried[siblings.span[after - 1]] & ~_busy(siblings, after)
    after, gap = after[real], gap[real]
    before_and_after = np.column_stack((siblings.span[after - 1], siblings.span[after])).ravel()
    starts = np.arange(0, len(before_and_after), 2)
    group, members = siblings.named_by_all(before_and_after, starts, np.full(len(after), 2), ordered=True)
    # no call runs in parallel to the gap: only work parallel to its parent limits the saving
    saving = np.minimum(gap, siblings.bound.of(siblings.parent[after]))
    return Instances(group, siblings.span[after], saving, np.full(len(after), 2), gap, members)


def _busy(siblings: Siblings, after: np.ndarray) -> np.ndarray:
    """Return bool[k]: whether another child of the parent runs between these k siblings and those before them."""
    paths = siblings.paths
    ran = (paths.parent >= 0) & (paths.start < paths.end)
    spans = np.flatnonzero(ran)
    spans = spans[np.lexsort((paths.start[spans], paths.parent[spans]))]
    if not len(spans) or not len(after):
        return np.zeros(len(after), bool)
    parents = paths.parent[spans]
    start, end, since, until = keyed_together(
        (parents, paths.start[spans]),
        (parents, paths.end[spans]),
        (siblings.parent[after], siblings.end[after - 1]),
        (siblings.parent[after], siblings.start[after]),
    )
    reached = np.maximum.accumulate(end)
    # the last one that begins before the sibling, and the greatest end among it and those before it
    last = np.searchsorted(start, until) - 1
    busy: np.ndarray = (last >= 0) & (reached[np.maximum(last, 0)] > since)
    return busy


KIND = SuggestionKind(
    name="gap",
    label="gap",
    sentence=("uninstrumented gap between", "{call} and", "{other}", "{parent}"),
    explanation=(
        "No span covers the time between these two calls: work that is not",
        "instrumented, a queue, a lock, a pause. Look there, or instrument it.",
    ),
    find=find,
    words="uninstrumented missing",
    keeps_order=True,
)
