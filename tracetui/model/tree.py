"""Tree algorithms on columns: parents, depths and pre-order of many traces at once, without recursion."""

from __future__ import annotations

import numpy as np


def depths(parent: np.ndarray, start: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Compute the depth of every span, by doubling the step towards the root.

    parent: int[n], -1 for a root. start: int64[n]. key: uint64[n], the span ids.
    -> depth int32[n] (0 for a root); the parents with all cycles cut, int32[n]; the spans at which one was cut, the
    earliest of each cycle (of equally early ones that with the lowest id).
    """
    parent = parent.astype(np.int32)
    cuts: list[int] = []
    while True:
        depth, above = _climb(parent)
        looping = np.flatnonzero(above >= 0)
        if not len(looping):
            return depth, parent, cuts
        found = _earliest_of_cycles(parent, start, key, looping)
        parent[found] = -1
        cuts.extend(found)


def _climb(parent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    depth = (parent >= 0).astype(np.int32)
    above = parent.copy()
    moving = np.flatnonzero(above >= 0)
    for _ in range(len(parent).bit_length() + 1):
        if not len(moving):
            break
        step = above[moving]
        depth[moving] += depth[step]
        above[moving] = above[step]
        moving = moving[above[moving] >= 0]
    return depth, above


def _earliest_of_cycles(parent: np.ndarray, start: np.ndarray, key: np.ndarray, candidates: np.ndarray) -> list[int]:
    up = parent.tolist()
    seen: dict[int, int] = {}
    found: list[int] = []
    for walk, candidate in enumerate(candidates.tolist()):
        node = candidate
        while node not in seen:
            seen[node] = walk
            node = up[node]
            if node < 0:
                break
        if node >= 0 and seen[node] == walk:
            cycle = [node]
            while (node := up[node]) != cycle[0]:
                cycle.append(node)
            found.append(min(cycle, key=lambda span: (start[span], key[span], span)))
    return found


def subtree_maximum(parent: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Compute the greatest value in every subtree, root included, by doubling the step towards the root.

    parent: int[n], -1 for a root, without cycles. values: int64[n]. -> int64[n], in O(n log depth).
    """
    greatest = values.copy()
    above = parent.copy()
    moving = np.flatnonzero(above >= 0)
    while len(moving):
        step = above[moving]
        # each span has the maximum over the levels below it so far, and receives those of descendants that far down
        np.maximum.at(greatest, step, greatest[moving])
        above[moving] = above[step]
        moving = moving[above[moving] >= 0]
    return greatest


def nearest_above(parent: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Find the nearest ancestor that is `wanted`, by doubling the step towards the root.

    parent: int[n], -1 for a root, without cycles. wanted: bool[n]. -> int[n], -1 for none.
    """
    above = parent.copy()
    moving = np.flatnonzero(above >= 0)
    moving = moving[~wanted[above[moving]]]
    while len(moving):
        # every other span points to the nearest wanted one, or to a span on the way there
        above[moving] = above[above[moving]]
        moving = moving[above[moving] >= 0]
        moving = moving[~wanted[above[moving]]]
    return above


def preorder(
    trace: np.ndarray, parent: np.ndarray, start: np.ndarray, trace_count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the position of each span when traces are concatenated, each in pre-order.

    Siblings, and the roots of a trace, are sorted by start, then by input order.
    -> position int64[n] of each span; the number of spans in its subtree, itself included, int64[n]; and the first
    position of each trace, int64[trace_count + 1].

    An Euler tour of each trace goes down into every span and up out of it. Its steps are ranked by doubling: after k
    rounds each step knows how many of the next 2^k steps go down. This takes O(n log n) for any shape.
    """
    count = len(trace)
    family = np.where(parent >= 0, parent, count + trace).astype(np.int32)
    order = np.argsort(family, kind="stable")
    same_family = family[order[1:]] == family[order[:-1]]
    if (same_family & (start[order[1:]] < start[order[:-1]])).any():
        order = np.lexsort((start, family))
    family = family[order]
    next_sibling = np.full(count, -1, np.int32)
    next_sibling[order[:-1][same_family]] = order[1:][same_family]
    leads = np.ones(count, bool)
    leads[1:] = ~same_family
    leads &= family < count
    first_child = np.full(count, -1, np.int32)
    first_child[family[leads]] = order[leads]
    # step i goes down into span i, step count + i up out of it
    following = np.empty(2 * count + 1, np.int32)
    following[:count] = np.where(first_child >= 0, first_child, np.arange(count, 2 * count))
    upwards = np.where(parent >= 0, count + parent, 2 * count)
    following[count:-1] = np.where(next_sibling >= 0, next_sibling, upwards)
    following[-1] = 2 * count
    downs = np.zeros(2 * count + 1, np.int32)
    downs[:count] = 1
    sizes = np.bincount(trace, minlength=trace_count)
    for _ in range(int(2 * sizes.max(initial=0)).bit_length()):
        downs += downs[following]
        following = following[following]
    first = np.zeros(trace_count + 1, np.int64)
    np.cumsum(sizes, out=first[1:])
    position = first[1:][trace] - downs[:count]
    return position, (downs[:count] - downs[count:-1]).astype(np.int64), first
