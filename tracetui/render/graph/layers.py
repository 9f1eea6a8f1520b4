"""Layers of a directed graph: cycles are broken, nodes assigned to layers, and long edges routed through passages."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from tracetui.render.graph.bundles import Place, PlaceLink

_SHORTENINGS = 4
"""Most rounds in which edges are shortened."""
_MAX_LAYERS = 24
"""Number of layers beyond which edges point backwards rather than to a further layer."""


@dataclass(frozen=True, slots=True)
class LayoutEdge:
    """Edge between two different nodes. Only edges of one `style` are bundled."""

    source: str
    target: str
    style: Hashable = None
    is_labelled: bool = False
    """True for an edge that needs a stub of its own, for a label."""


def make_layers(names: Sequence[str], edges: Sequence[LayoutEdge]) -> tuple[list[list[Place]], list[PlaceLink]]:
    """Make the places of nodes and passages by layer, and the links between neighbouring layers."""
    layer_of = _assign_layers(names, edges)
    layers: list[list[Place]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    places = {name: Place(name, layer_of[name]) for name in names}
    for name in names:
        layers[layer_of[name]].append(places[name])
    links: dict[tuple[Place, Place, Hashable, bool], bool] = {}
    passages: dict[tuple[str, int, Hashable, bool, bool], Place] = {}
    ways = [_Way.of(edge, layer_of) for edge in edges]
    merged = _merged_ways([way for way in ways if way.end - way.begin > 1])
    for way in ways:
        at = places[way.left]
        merges = way in merged
        name = way.right if merges else way.left
        for layer in range(way.begin + 1, way.end):
            key = (name, layer, way.style, way.is_reversed, merges)
            passage = passages.get(key)
            if passage is None:
                passage = passages[key] = Place(name, layer, is_passage=True, merges=merges)
                layers[layer].append(passage)
            key_of_link = at, passage, way.style, way.is_reversed
            links[key_of_link] = links.get(key_of_link, False) or way.is_labelled
            at = passage
        links[at, places[way.right], way.style, way.is_reversed] = way.is_labelled
    return layers, [PlaceLink(*link, is_labelled) for link, is_labelled in links.items()]


@dataclass(frozen=True, slots=True)
class _Way:
    """Edge as drawn, from left to right, and the layers where it begins and ends."""

    left: str
    right: str
    begin: int
    end: int
    style: Hashable
    is_reversed: bool
    is_labelled: bool

    @classmethod
    def of(cls, edge: LayoutEdge, layer_of: dict[str, int]) -> _Way:
        is_reversed = layer_of[edge.source] > layer_of[edge.target]
        left, right = (edge.target, edge.source) if is_reversed else (edge.source, edge.target)
        return cls(left, right, layer_of[left], layer_of[right], edge.style, is_reversed, edge.is_labelled)


def _merged_ways(ways: Sequence[_Way]) -> set[_Way]:
    """Choose the edges over several layers that share passages with others that end, not begin, at the same node.

    Repeatedly, the node where the most remaining edges begin or end takes all of these.
    """
    groups: dict[tuple[bool, str, Hashable, bool], dict[_Way, None]] = {}
    for way in ways:
        for merges, name in ((False, way.left), (True, way.right)):
            groups.setdefault((merges, name, way.style, way.is_reversed), {})[way] = None
    keys = list(groups)
    by_size = [(-len(groups[key]), key[0], number) for number, key in enumerate(keys)]
    heapify(by_size)
    found: set[_Way] = set()
    while by_size:
        size, merges, number = heappop(by_size)
        key = keys[number]
        if -size != len(groups[key]):
            # some were taken by others since
            heappush(by_size, (-len(groups[key]), merges, number))
            continue
        _, _, style, is_reversed = key
        for way in groups.pop(key):
            if merges:
                found.add(way)
            other = groups.get((not merges, way.left if merges else way.right, style, is_reversed))
            if other is not None:
                del other[way]
    return found


def _assign_layers(names: Sequence[str], edges: Sequence[LayoutEdge]) -> dict[str, int]:
    """Assign a layer to each node, so that few edges point backwards and most are short."""
    successors: dict[str, list[str]] = {name: [] for name in names}
    predecessors: dict[str, list[str]] = {name: [] for name in names}
    order = _acyclic_order(names, edges)
    rank = {name: position for position, name in enumerate(order)}
    for edge in edges:
        left, right = sorted((edge.source, edge.target), key=rank.__getitem__)
        successors[left].append(right)
        predecessors[right].append(left)
    layer_of: dict[str, int] = {}
    for name in order:
        layer_of[name] = max((layer_of[other] + 1 for other in predecessors[name]), default=0)
    if max(layer_of.values(), default=0) >= _MAX_LAYERS:
        layer_of = _limited_layers(order, predecessors, successors)
    else:
        _shorten(order, predecessors, successors, layer_of)
    used = {layer: at for at, layer in enumerate(sorted(set(layer_of.values())))}
    return {name: used[layer] for name, layer in layer_of.items()}


def _shorten(
    order: Sequence[str],
    predecessors: dict[str, list[str]],
    successors: dict[str, list[str]],
    layer_of: dict[str, int],
) -> None:
    """Move nodes next to what they are connected with on the side where they have more edges, in place."""
    for _ in range(_SHORTENINGS):
        before = dict(layer_of)
        for name in reversed(order):
            after = successors[name]
            if after and len(after) > len(predecessors[name]):
                layer_of[name] = min(layer_of[other] for other in after) - 1
        for name in order:
            earlier = predecessors[name]
            if earlier and len(earlier) > len(successors[name]):
                layer_of[name] = max(layer_of[other] for other in earlier) + 1
        if layer_of == before:
            break


def _limited_layers(
    order: Sequence[str], predecessors: dict[str, list[str]], successors: dict[str, list[str]]
) -> dict[str, int]:
    """Assign layers up to the limit, and more only for a node with neighbours in all of these.

    Each node takes the layer without neighbours where fewest of its edges point backwards: a drawing with a hundred
    layers would hold little but lines.
    """
    layer_of: dict[str, int] = {}
    for name in order:
        earlier = [layer_of[other] for other in predecessors[name]]
        later = [layer_of[other] for other in successors[name] if other in layer_of]
        taken = {*earlier, *later}
        free = [layer for layer in range(_MAX_LAYERS) if layer not in taken]
        if not free:
            free = [next(layer for layer in range(_MAX_LAYERS, len(order) + _MAX_LAYERS) if layer not in taken)]
        layer_of[name] = min(
            free,
            key=lambda layer: (sum(one > layer for one in earlier) + sum(one < layer for one in later), layer),
        )
    return layer_of


def _acyclic_order(names: Sequence[str], edges: Sequence[LayoutEdge]) -> list[str]:
    """Order the nodes so that few edges point backwards.

    P. Eades, X. Lin and W. Smyth, "A fast and effective heuristic for the feedback arc set problem", 1993: take sinks
    from the right and sources from the left, else the node with most outgoing and fewest incoming edges.
    """
    outgoing: dict[str, set[str]] = {name: set() for name in names}
    incoming: dict[str, set[str]] = {name: set() for name in names}
    for edge in edges:
        outgoing[edge.source].add(edge.target)
        incoming[edge.target].add(edge.source)
    left: list[str] = []
    right: list[str] = []
    remaining = dict.fromkeys(names)
    ready = sorted(names)
    while remaining:
        waiting = [name for name in ready if name in remaining and not (outgoing[name] and incoming[name])]
        if not waiting:
            waiting = [max(remaining, key=lambda name: (len(outgoing[name]) - len(incoming[name]), -len(left), name))]
        ready = []
        for name in waiting:
            if name not in remaining:
                continue
            (right if not outgoing[name] and incoming[name] else left).append(name)
            del remaining[name]
            for other in sorted(outgoing.pop(name)):
                incoming[other].discard(name)
                ready.append(other)
            for other in sorted(incoming.pop(name)):
                outgoing[other].discard(name)
                ready.append(other)
    return left + right[::-1]
