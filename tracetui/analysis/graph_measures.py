"""Measures of a directed graph whose cost grows faster than the graph, each bounded in steps.

They are exact for up to a few thousand services. In larger graphs, measures that would take minutes are sampled or
skipped; each returns a message about that, '' for none.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import networkx as nx

MAX_STEPS = 2_000_000
"""Largest number of steps over arcs for a measure that is computed service by service."""
MAX_PAIRS = 2_000_000_000
"""Largest product of services and arcs for which indirect callers in a component of the graph are counted."""
MAX_GROUPED = 5_000
"""Largest number of services that are grouped by call counts."""
EXACT = 300
"""Largest number of nodes for which all measures are exact."""


@dataclass(frozen=True, eq=False, slots=True)
class Arcs:
    """Directed graph whose nodes are numbers below `len(onwards)`."""

    onwards: list[list[int]]
    backwards: list[list[int]]

    @classmethod
    def of(cls, count: int, pairs: Iterable[tuple[int, int]]) -> Arcs:
        """Build a graph of `count` nodes with these arcs, each pair once."""
        onwards: list[list[int]] = [[] for _ in range(count)]
        backwards: list[list[int]] = [[] for _ in range(count)]
        for begin, end in pairs:
            onwards[begin].append(end)
            backwards[end].append(begin)
        return cls(onwards, backwards)

    def __len__(self) -> int:
        return len(self.onwards)


def hops(arcs: Sequence[Sequence[int]], begins: Iterable[int], most: int | None = None) -> dict[int, int]:
    """Compute the fewest arcs, up to `most`, from any of these nodes to each node they reach, themselves included."""
    found = dict.fromkeys(begins, 0)
    layer = list(found)
    distance = 0
    while layer and distance != most:
        distance += 1
        following = []
        for node in layer:
            for other in arcs[node]:
                if other not in found:
                    found[other] = distance
                    following.append(other)
        layer = following
    return found


def weak_components(arcs: Arcs) -> Iterator[list[int]]:
    """List the weakly connected components."""
    seen = bytearray(len(arcs))
    for begin in range(len(arcs)):
        if seen[begin]:
            continue
        seen[begin] = 1
        component = [begin]
        for node in component:
            for around in (arcs.onwards[node], arcs.backwards[node]):
                for other in around:
                    if not seen[other]:
                        seen[other] = 1
                        component.append(other)
        yield component


def strong_components(arcs: Arcs) -> list[list[int]]:
    """List the strongly connected components of more than one node."""
    left = [len(around) for around in arcs.backwards]
    waiting = [node for node, count in enumerate(left) if not count]
    done = bytearray(len(arcs))
    while waiting:
        node = waiting.pop()
        done[node] = 1
        for other in arcs.onwards[node]:
            left[other] -= 1
            if not left[other]:
                waiting.append(other)
    # peel off nodes that cannot be on a cycle; usually nothing is left
    within = nx.DiGraph()
    within.add_edges_from(
        (node, other)
        for node, around in enumerate(arcs.onwards)
        if not done[node]
        for other in around
        if not done[other]
    )
    return [sorted(component) for component in nx.strongly_connected_components(within) if len(component) > 1]


def count_callers(arcs: Arcs) -> tuple[list[int | None], str]:
    """Count the nodes that reach each node. -> counts, None in a component that is too large; a message about those"""
    counts: list[int | None] = [0] * len(arcs)
    # treat a strong component as one node: whatever reaches one of its nodes reaches all
    component_of = list(range(len(arcs)))
    members: dict[int, list[int]] = {}
    for component in strong_components(arcs):
        members[component[0]] = component
        for node in component:
            component_of[node] = component[0]
    left_out = 0
    for component in weak_components(arcs):
        if len(component) == 1:
            continue
        heads = [node for node in component if component_of[node] == node]
        size = sum(len(arcs.onwards[node]) for node in component)
        if len(component) > EXACT and len(heads) * (len(heads) + size) > MAX_PAIRS:
            left_out += len(component)
            for node in component:
                counts[node] = None
            continue
        _count_within(arcs, heads, component_of, members, counts)
    return counts, f"indirect callers of {left_out:,} services (too many to count)" if left_out else ""


def _count_within(
    arcs: Arcs, heads: list[int], component_of: list[int], members: dict[int, list[int]], counts: list[int | None]
) -> None:
    """Count within a weak component. `heads`: one node of each strong component, and all other nodes."""
    before = {
        head: {component_of[other] for node in members.get(head, (head,)) for other in arcs.backwards[node]} - {head}
        for head in heads
    }
    after: dict[int, list[int]] = {head: [] for head in heads}
    for head, callers in before.items():
        for caller in callers:
            after[caller].append(head)
    waiting = [head for head in heads if not before[head]]
    missing = {head: len(callers) for head, callers in before.items()}
    users = {head: len(following) for head, following in after.items()}
    # sets are bits of integers: for a thousand services each takes a few words of memory
    reach: dict[int, int] = {}
    at = 0
    while waiting:
        head = waiting.pop()
        component = members.get(head, (head,))
        bits = ((1 << len(component)) - 1) << at
        at += len(component)
        for caller in before[head]:
            bits |= reach[caller]
            users[caller] -= 1
            if not users[caller]:
                del reach[caller]
        if users[head]:
            reach[head] = bits
        count = bits.bit_count() - 1
        for node in component:
            counts[node] = count
        for following in after[head]:
            missing[following] -= 1
            if not missing[following]:
                waiting.append(following)


def betweenness(arcs: Arcs) -> tuple[list[float], str]:
    """Compute the betweenness of each node, the share of shortest paths between two others that pass through it.

    -> the values; a message about sampling

    U. Brandes, "A Faster Algorithm for Betweenness Centrality", 2001. In a large graph only as many evenly spaced
    starting nodes are used as the steps allow.
    """
    count = len(arcs)
    between = [0.0] * count
    if count < 3:
        return between, ""
    begins = [node for node in range(count) if arcs.onwards[node]]
    random.Random(0).shuffle(begins)
    steps = done = 0
    for begin in begins:
        if count > EXACT and steps > MAX_STEPS:
            break
        done += 1
        steps += _add_between(arcs, begin, between)
    scale = len(begins) / max(done, 1) / ((count - 1) * (count - 2))
    left_out = f"betweenness is estimated from the paths of {done:,} of {len(begins):,} callers"
    return [value * scale for value in between], left_out if done < len(begins) else ""


def _add_between(arcs: Arcs, begin: int, between: list[float]) -> int:
    """Add for each node its share of the shortest paths from one node. -> steps taken"""
    distance, paths = {begin: 0}, {begin: 1.0}
    order, steps = [begin], 0
    for node in order:
        onwards = arcs.onwards[node]
        steps += len(onwards) + 1
        for other in onwards:
            if other not in distance:
                distance[other] = distance[node] + 1
                paths[other] = 0.0
                order.append(other)
            if distance[other] == distance[node] + 1:
                paths[other] += paths[node]
    share = dict.fromkeys(order, 0.0)
    for node in reversed(order):
        own = share[node]
        if node != begin:
            between[node] += own
        for other in arcs.backwards[node]:
            if distance.get(other, -2) == distance[node] - 1:
                share[other] += paths[other] / paths[node] * (1 + own)
    return steps


def dominators(arcs: Arcs, entries: Sequence[int]) -> tuple[set[int], str]:
    """Find the nodes without which an entry would no longer reach some other node.

    -> the nodes; a message about skipped entries

    Such a node is on all paths from an entry to another node: it dominates that node (K. D. Cooper, T. J. Harvey and
    K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001).
    """
    found: set[int] = set()
    steps = done = 0
    for entry in entries:
        if len(arcs) > EXACT and steps > MAX_STEPS:
            break
        done += 1
        steps += _add_dominators(arcs, entry, found)
    left_out = f"single points of failure are known for {done:,} of {len(entries):,} entry services"
    return found, left_out if done < len(entries) else ""


def _add_dominators(arcs: Arcs, entry: int, found: set[int]) -> int:
    """Add the dominators of nodes reached from one entry. -> steps taken"""
    after = _in_postorder(arcs, entry)
    number = {node: at for at, node in enumerate(after)}
    immediate = {entry: entry}
    steps = len(after)
    changed = True
    while changed:
        changed = False
        for node in reversed(after[:-1]):
            nearest = -1
            for other in arcs.backwards[node]:
                if other not in immediate:
                    continue
                if nearest < 0:
                    nearest = other
                while nearest != other:
                    steps += 1
                    if number[nearest] < number[other]:
                        nearest = immediate[nearest]
                    else:
                        other = immediate[other]
            steps += 1
            if immediate.get(node) != nearest:
                immediate[node] = nearest
                changed = True
    found.update(above for below, above in immediate.items() if above != entry and above != below)
    return steps


def _in_postorder(arcs: Arcs, begin: int) -> list[int]:
    """List the reachable nodes in postorder: each after those first reached from it."""
    seen = {begin}
    order = []
    stack = [(begin, iter(arcs.onwards[begin]))]
    while stack:
        node, onwards = stack[-1]
        other = next((one for one in onwards if one not in seen), None)
        if other is None:
            order.append(node)
            stack.pop()
        else:
            seen.add(other)
            stack.append((other, iter(arcs.onwards[other])))
    return order


class CycleSearch:
    """Search for cycles. `found`: cycles, shortest first, each from its lowest node; `left_out`: a message about
    limits.
    """

    def __init__(self, arcs: Arcs, longest: int, most: int) -> None:
        self._arcs = arcs
        self._firsts = sorted(node for component in strong_components(arcs) for node in component)
        self._steps = 0
        every = (cycle for length in range(2, longest + 1) for cycle in self._cycles_of_length(length))
        self.found = tuple(islice(every, most))
        self.left_out = "cycles of some services (too many to find all)" if self._is_over() else ""

    def _is_over(self) -> bool:
        return self._steps > MAX_STEPS and len(self._arcs) > EXACT

    def _cycles_of_length(self, length: int) -> Iterator[tuple[int, ...]]:
        for first in self._firsts:
            if self._is_over():
                return
            distance = hops(self._arcs.backwards, (first,), length - 1)
            self._steps += len(distance)
            paths: list[tuple[int, ...]] = [(first,)]
            while paths:
                path = paths.pop()
                self._steps += 1
                if len(path) == length:
                    yield path
                    continue
                left = length - len(path)
                # continue with nodes from which the remaining length leads back
                further = [
                    node
                    for node in self._arcs.onwards[path[-1]]
                    if node > first and node not in path and distance.get(node, length) <= left
                ]
                paths.extend((*path, node) for node in sorted(further, reverse=True))
