"""Layout of a directed graph on a grid of characters: nodes in layers, edges between them as lines.

The layered method of K. Sugiyama, S. Tagawa and M. Toda ("Methods for Visual Understanding of Hierarchical System
Structures", 1981): cycles are broken, nodes assigned to layers, each layer ordered by the barycentres of neighbours so
that few edges cross, and edges routed through the gaps between layers.

Edges of a gap that connect every one of some nodes with every one of others are drawn as one `Bundle`: a vertical line
with a horizontal stub to each node. Each bundle has a row of its own at each of its nodes, so that the lines can be
followed from end to end: lines that touch are of one bundle, and every left end of it is connected with every right
end. Edges over several layers pass through a passage in each layer between, which all those share that begin, or end,
at one node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tracetui.render.graph.bundles import LayerGap, Place, PlaceLink, assign_tracks, find_bundles
from tracetui.render.graph.crossings import order_places
from tracetui.render.graph.layers import LayoutEdge, make_layers
from tracetui.render.graph.rows import align, clear_rows, set_heights


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Places of all nodes and lines of all edges."""

    layers: list[list[Place]]
    """Nodes and passages of each layer, from top to bottom."""
    gaps: list[LayerGap]
    """`gaps[i]` lies between `layers[i]` and `layers[i + 1]`."""
    height: int
    """Number of rows."""


@dataclass(frozen=True, eq=False, slots=True)
class LayerOrder:
    """Order of a graph's nodes and passages in layers: the costly part of a layout, the same for nodes of any size."""

    _layers: list[list[Place]]
    _links: list[PlaceLink]

    def place(self, heights: Mapping[str, int] | None = None) -> Layout:
        """Choose rows and columns. `heights`: least number of rows of each node, by default 1."""
        copy = {
            place: Place(place.name, place.layer, place.is_passage, place.merges, least_height=_rows(place, heights))
            for layer in self._layers
            for place in layer
        }
        layers = [[copy[place] for place in layer] for layer in self._layers]
        after: list[list[PlaceLink]] = [[] for _ in layers]
        for link in self._links:
            after[link.left.layer].append(replace(link, left=copy[link.left], right=copy[link.right]))
        bundles = [find_bundles(layer, links) for layer, links in zip(layers[:-1], after, strict=False)]
        set_heights(layers)
        align(layers)
        for at, bundles_of_gap in enumerate(bundles):
            clear_rows(layers[at], layers[at + 1], bundles_of_gap)
        gaps = [LayerGap(bundles_of_gap, assign_tracks(bundles_of_gap)) for bundles_of_gap in bundles]
        height = max((place.row + place.height for layer in layers for place in layer), default=0)
        return Layout(layers, gaps, height)


def _rows(place: Place, heights: Mapping[str, int] | None) -> int:
    return 1 if heights is None or place.is_passage else heights.get(place.name, 1)


def order_layers(nodes: Iterable[str], edges: Iterable[LayoutEdge]) -> LayerOrder:
    """Order a graph in layers. The result depends on the sets of nodes and edges only, not on their order.

    Edges between a node and itself and those with other nodes are ignored.
    """
    names = sorted(set(nodes))
    known = set(names)
    drawn = sorted(
        {edge for edge in edges if edge.source != edge.target and {edge.source, edge.target} <= known},
        key=lambda edge: (edge.source, edge.target, repr(edge.style)),
    )
    layers, links = make_layers(names, drawn)
    order_places(layers, links)
    return LayerOrder(layers, links)
