"""Layout of a directed graph on a grid of characters: nodes in layers, edges between them as lines.

The layered method of K. Sugiyama, S. Tagawa and M. Toda ("Methods for Visual Understanding of Hierarchical System
Structures", 1981): cycles are broken, nodes assigned to layers, each layer ordered by the barycentres of neighbours so
that few edges cross, and edges routed through the gaps between layers.

Edges of a gap that connect every one of some nodes with every one of others are drawn as one `Bundle`: a vertical line
with a horizontal stub to each node. Each bundle has a row of its own at each of its nodes, so that the lines can be
followed from end to end: lines that touch are of one bundle, and every left end of it is connected with every right
end. Edges over several layers pass through a passage in each layer between.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tracetui.render.graph.bundles import Bundle, LayerGap, Place, PlaceLink, assign_tracks, find_bundles, track_order

_SWEEPS = 12
"""Sweeps over the layers to reduce crossings; the best order is kept."""
_ALIGNMENTS = 3
"""Pairs of sweeps to move nodes next to their neighbours."""
_MANY = 4_000
"""Number of places from which there are a third as many sweeps."""


@dataclass(frozen=True, slots=True)
class LayoutEdge:
    """Edge between two different nodes. Only edges of one `style` are bundled."""

    source: str
    target: str
    style: Hashable = None


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Places of all nodes and lines of all edges."""

    layers: list[list[Place]]
    """Nodes and passages of each layer, from top to bottom."""
    gaps: list[LayerGap]
    """`gaps[i]` lies between `layers[i]` and `layers[i + 1]`."""
    height: int
    """Number of rows."""


def lay_out(nodes: Iterable[str], edges: Iterable[LayoutEdge]) -> Layout:
    """Lay out a graph. The result depends on the sets of nodes and edges only, not on their order.

    Edges between a node and itself and those with other nodes are ignored.
    """
    names = sorted(set(nodes))
    known = set(names)
    drawn = sorted(
        {edge for edge in edges if edge.source != edge.target and {edge.source, edge.target} <= known},
        key=lambda edge: (edge.source, edge.target, repr(edge.style)),
    )
    layers, links = _places(names, _assign_layers(names, drawn), drawn)
    _order(layers, links)
    after: list[list[PlaceLink]] = [[] for _ in layers]
    for link in links:
        after[link.left.layer].append(link)
    bundles = [find_bundles(layer, links_after) for layer, links_after in zip(layers[:-1], after, strict=False)]
    _set_heights(layers)
    _align(layers)
    for at, bundles_of_gap in enumerate(bundles):
        _clear_rows(layers[at], layers[at + 1], bundles_of_gap)
    gaps = [LayerGap(bundles_of_gap, assign_tracks(bundles_of_gap)) for bundles_of_gap in bundles]
    height = max((place.row + place.height for layer in layers for place in layer), default=0)
    return Layout(layers, gaps, height)


def _assign_layers(names: Sequence[str], edges: Sequence[LayoutEdge]) -> dict[str, int]:
    """Assign a layer to each node, so that few edges point backwards and most are short."""
    successors: dict[str, list[str]] = {name: [] for name in names}
    predecessors: dict[str, list[str]] = {name: [] for name in names}
    rank = {name: position for position, name in enumerate(_acyclic_order(names, edges))}
    for edge in edges:
        left, right = sorted((edge.source, edge.target), key=rank.__getitem__)
        successors[left].append(right)
        predecessors[right].append(left)
    order = sorted(names, key=rank.__getitem__)
    layer_of: dict[str, int] = {}
    for name in order:
        layer_of[name] = max((layer_of[other] + 1 for other in predecessors[name]), default=0)
    # move nodes to the right, next to what they lead to, unless they have more edges on the left
    for name in reversed(order):
        after = successors[name]
        if after and len(after) > len(predecessors[name]):
            layer_of[name] = min(layer_of[other] for other in after) - 1
    used = {layer: at for at, layer in enumerate(sorted(set(layer_of.values())))}
    return {name: used[layer] for name, layer in layer_of.items()}


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


def _places(
    names: Sequence[str], layer_of: dict[str, int], edges: Sequence[LayoutEdge]
) -> tuple[list[list[Place]], list[PlaceLink]]:
    """Make the places of nodes and passages by layer, and the links between neighbouring layers."""
    layers: list[list[Place]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    places = {name: Place(name, layer_of[name]) for name in names}
    for name in names:
        layers[layer_of[name]].append(places[name])
    links: list[PlaceLink] = []
    passages: dict[tuple[str, int, Hashable, bool], Place] = {}
    for edge in edges:
        is_reversed = layer_of[edge.source] > layer_of[edge.target]
        left, right = (edge.target, edge.source) if is_reversed else (edge.source, edge.target)
        at = places[left]
        for layer in range(layer_of[left] + 1, layer_of[right]):
            # edges of one node share their passages
            key = (left, layer, edge.style, is_reversed)
            passage = passages.get(key)
            if passage is None:
                passage = passages[key] = Place(left, layer, is_passage=True)
                layers[layer].append(passage)
                links.append(PlaceLink(at, passage, edge.style, is_reversed))
            at = passage
        links.append(PlaceLink(at, places[right], edge.style, is_reversed))
    return layers, links


def _order(layers: list[list[Place]], links: Sequence[PlaceLink]) -> None:
    """Order each layer by the barycentres of its neighbours, in place; the order with the fewest crossings is kept."""
    before: dict[Place, list[Place]] = {place: [] for layer in layers for place in layer}
    after: dict[Place, list[Place]] = {place: [] for layer in layers for place in layer}
    for link in links:
        before[link.right].append(link.left)
        after[link.left].append(link.right)
    position = {place: float(row) for layer in layers for row, place in enumerate(layer)}
    best, fewest = [list(layer) for layer in layers], _crossings(layers, after, position)
    for sweep in range(_SWEEPS if len(position) < _MANY else _SWEEPS // 3):
        if not fewest:
            break
        leftwards = sweep % 2 == 1
        around = after if leftwards else before
        for layer in reversed(layers) if leftwards else layers:
            centre = {place: _mean([position[other] for other in around[place]], position[place]) for place in layer}
            layer.sort(key=lambda place: (centre[place], position[place]))
            position.update((place, float(row)) for row, place in enumerate(layer))
        count = _crossings(layers, after, position)
        if count < fewest:
            best, fewest = [list(layer) for layer in layers], count
    for layer, kept in zip(layers, best, strict=True):
        layer[:] = kept


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: list[list[Place]], after: dict[Place, list[Place]], position: dict[Place, float]) -> int:
    """Count the crossings between neighbouring layers, with a tree of counts (Fenwick)."""
    crossings = 0
    for layer, following in pairwise(layers):
        size = len(following)
        tree = [0] * (size + 1)
        total = 0
        for place in layer:
            ends = sorted(int(position[other]) for other in after[place])
            for end in ends:
                at, upto = end + 1, 0
                while at:
                    upto += tree[at]
                    at &= at - 1
                crossings += total - upto
            for end in ends:
                at = end + 1
                while at <= size:
                    tree[at] += 1
                    at += at & -at
                total += 1
    return crossings


def _set_heights(layers: list[list[Place]]) -> None:
    """Set the height of each place, and order its bundles by the rows of their other ends."""
    rank = {place: row for layer in layers for row, place in enumerate(layer)}
    for layer in layers:
        for place in layer:
            place.left.sort(key=lambda bundle: _mean([rank[one] for one in bundle.sources], 0))
            place.right.sort(key=lambda bundle: _mean([rank[one] for one in bundle.targets], 0))
            place.height = max(len(place.left), len(place.right), 1)


def _align(layers: list[list[Place]]) -> None:
    """Choose the rows, close to those of neighbours: in the order of the layer, without overlap."""
    for layer in layers:
        _stack(layer, [0.0] * len(layer))
    count = sum(map(len, layers))
    for sweep in range(2 * (_ALIGNMENTS if count < _MANY else _ALIGNMENTS // 3)):
        leftwards = sweep % 2 == 1
        for layer in reversed(layers) if leftwards else layers:
            wanted = []
            for place in layer:
                bundles = place.right if leftwards else place.left
                rows = [
                    (other.row + (other.left if leftwards else other.right).index(bundle)) - at
                    for at, bundle in enumerate(bundles)
                    for other in (bundle.targets if leftwards else bundle.sources)
                ]
                wanted.append(sorted(rows)[len(rows) // 2] if rows else float(place.row))
            _stack(layer, wanted)
    top = min((place.row for layer in layers for place in layer), default=0)
    for layer in layers:
        for place in layer:
            place.row -= top


def _stack(layer: Sequence[Place], wanted: Sequence[float]) -> None:
    """Place the nodes of a layer as close as possible to the wanted rows, in order and without overlap.

    Groups of touching nodes are placed at the median of the rows they want (pool adjacent violators).
    """
    groups: list[tuple[list[float], list[Place], int]] = []
    for place, row in zip(layer, wanted, strict=True):
        offsets, members, height = [row], [place], place.height
        groups.append((offsets, members, height))
        while len(groups) > 1 and _top(groups[-2]) + groups[-2][2] > _top(groups[-1]):
            (above, above_members, above_height), (below, members, height) = groups[-2:]
            groups[-2:] = [
                ([*above, *(one - above_height for one in below)], above_members + members, above_height + height)
            ]
    for group in groups:
        row = _top(group)
        for place in group[1]:
            place.row = row
            row += place.height


def _top(group: tuple[list[float], list[Place], int]) -> int:
    rows = sorted(group[0])
    return round(rows[len(rows) // 2])


def _clear_rows(layer: Sequence[Place], following: Sequence[Place], bundles: Sequence[Bundle]) -> None:
    """Move the places of the following layer down until the tracks of the gap can be ordered, in place."""
    if track_order(bundles) is not None:
        return
    taken = {place.row + at: bundle for place in layer for at, bundle in enumerate(place.right)}
    row = 0
    for place in following:
        row = max(row, place.row)
        while any(taken.get(row + at, bundle) is not bundle for at, bundle in enumerate(place.left)):
            row += 1
        place.row = row
        row += place.height
