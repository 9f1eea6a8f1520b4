"""Searches in a tree in pre-order: outermost subtrees, parents among some spans, ancestors to show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_MAX_MISFITS = 256
"""Spans too deep for the remaining rows after which no more are tried."""
FEW_SLICES = 64
"""Number of slices up to which a loop over them is faster than a pass over all spans."""


def outermost(chosen: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and ends of the chosen subtrees (bool[spans]) that are in no other chosen subtree."""
    # usually there are few, so skipping subtrees is faster than testing each span
    few: list[int] = []
    at = 0
    while at < len(chosen) and len(few) < FEW_SLICES:
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


def parents_among(spans: np.ndarray, depth: np.ndarray, size: int) -> np.ndarray:
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


def visible_ancestors(parent: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Find the nearest visible ancestor of each span. The last position means no ancestor and is never hidden."""
    above = np.append(parent, len(parent))
    # pointer doubling for the unfinished ones
    while True:
        at = np.flatnonzero(hidden[above])
        if not len(at):
            return above[:-1]
        above[at] = above[above[at]]


def heaviest_rows(local: np.ndarray, parent: np.ndarray, weight: np.ndarray, rows: int) -> np.ndarray:
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


def ancestors_within(
    room: int, spans: Sequence[int], folded: np.ndarray, parent: np.ndarray, children: np.ndarray
) -> list[int]:
    """Return the folded ancestors to unfold to show `spans`, as far as they add at most `room` rows.

    folded: bool[spans]; children: int64[spans], rows that appear below a span if it is unfolded.
    """
    unfolded: list[int] = []
    known = set[int]()
    for span in spans:
        ancestors: list[int] = []
        added, above = 0, int(parent[span])
        # above an unfolded span all are unfolded
        while above < len(parent) and folded[above] and above not in known and added <= room:
            ancestors.append(above)
            added += int(children[above])
            above = int(parent[above])
        if added <= room:
            unfolded += ancestors
            known.update(ancestors)
            room -= added
    return unfolded
