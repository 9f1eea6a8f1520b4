"""Order of the places in each layer, so that few lines cross."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tracetui.render.graph.bundles import Place, PlaceLink

_SWEEPS = 12
"""Sweeps over the layers to reduce crossings; the best order is kept."""
MANY = 4_000
"""Number of places from which there are a third as many sweeps."""


def order_places(layers: list[list[Place]], links: Sequence[PlaceLink]) -> None:
    """Order each layer by the barycentres of its neighbours, in place; the order with the fewest crossings is kept."""
    before: dict[Place, list[Place]] = {place: [] for layer in layers for place in layer}
    after: dict[Place, list[Place]] = {place: [] for layer in layers for place in layer}
    for link in links:
        before[link.right].append(link.left)
        after[link.left].append(link.right)
    position = {place: float(row) for layer in layers for row, place in enumerate(layer)}
    best, fewest = [list(layer) for layer in layers], _crossings(layers, after, position)
    for sweep in range(_SWEEPS if len(position) < MANY else _SWEEPS // 3):
        if not fewest:
            break
        leftwards = sweep % 2 == 1
        around = after if leftwards else before
        for layer in reversed(layers) if leftwards else layers:
            centre = {place: mean([position[other] for other in around[place]], position[place]) for place in layer}
            layer.sort(key=lambda place: (centre[place], position[place]))
            position.update((place, float(row)) for row, place in enumerate(layer))
        count = _crossings(layers, after, position)
        if count < fewest:
            best, fewest = [list(layer) for layer in layers], count
    for layer, kept in zip(layers, best, strict=True):
        layer[:] = kept


def mean(values: Sequence[float], otherwise: float) -> float:
    """Return the mean of values, or a number if there are none."""
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
