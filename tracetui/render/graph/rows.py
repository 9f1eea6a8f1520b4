"""Rows of the places of a layout, close to those of their neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.render.graph.bundles import Bundle, Place, track_order
from tracetui.render.graph.crossings import MANY, mean

_ALIGNMENTS = 3
"""Pairs of sweeps to move nodes next to their neighbours."""
_SLACK = 1.25
"""Largest height of a drawing, as a multiple of that of its highest layer. More would make lines straighter, but most
rows would have only lines.
"""


def set_heights(layers: list[list[Place]]) -> None:
    """Set the height of each place, and order its bundles by the rows of their other ends."""
    rank = {place: row for layer in layers for row, place in enumerate(layer)}
    for layer in layers:
        for place in layer:
            place.left.sort(key=lambda bundle: mean([rank[one] for one in bundle.sources], 0))
            place.right.sort(key=lambda bundle: mean([rank[one] for one in bundle.targets], 0))
            place.height = max(len(place.left), len(place.right), place.least_height)


def align(layers: list[list[Place]]) -> None:
    """Choose the rows, close to those of neighbours: in the order of the layer, without overlap."""
    for layer in layers:
        _stack(layer, [0.0] * len(layer))
    count = sum(map(len, layers))
    for sweep in range(2 * (_ALIGNMENTS if count < MANY else _ALIGNMENTS // 3)):
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
    _limit_height(layers)


def _limit_height(layers: list[list[Place]]) -> None:
    """Move places at the top and at the bottom towards the middle, and the first row to 0, in place."""
    places = [place for layer in layers for place in layer]
    if not places:
        return
    height = 2 + round(_SLACK * max(sum(place.height for place in layer) for layer in layers))
    rows = sorted(place.row for place in places)
    top = max(rows[len(rows) // 2] - height // 2, rows[0])
    for layer in layers:
        least, below = top, sum(place.height for place in layer)
        for place in layer:
            place.row = min(max(place.row, least), top + height - below)
            least, below = place.row + place.height, below - place.height
    top = min(place.row for place in places)
    for place in places:
        place.row -= top


def _stack(layer: Sequence[Place], wanted: Sequence[float]) -> None:
    """Place the nodes of a layer as close as possible to the wanted rows, in order and without overlap.

    Groups of touching nodes are placed at the median of the rows they want (pool adjacent violators).
    """
    groups: list[tuple[list[float], list[Place], int, int]] = []
    for place, row in zip(layer, wanted, strict=True):
        groups.append(([row], [place], place.height, round(row)))
        while len(groups) > 1 and groups[-2][3] + groups[-2][2] > groups[-1][3]:
            (above, above_members, above_height, _), (below, members, height, _) = groups[-2:]
            # rows that the first place of the group wants, or would want in its stead
            rows = sorted([*above, *(one - above_height for one in below)])
            top = round(rows[len(rows) // 2])
            groups[-2:] = [(rows, above_members + members, above_height + height, top)]
    for _, members, _, row in groups:
        for place in members:
            place.row = row
            row += place.height


def clear_rows(layer: Sequence[Place], following: Sequence[Place], bundles: Sequence[Bundle]) -> None:
    """Move places of the following layer down until the tracks of the gap can be ordered, in place."""
    conflicting: set[Bundle] = set()
    while True:
        order = track_order(bundles)
        unordered = set(bundles).difference(order)
        if not unordered:
            return
        # moving a place may bring it into conflict with others
        conflicting |= unordered
        taken = {place.row + at: bundle for place in layer for at, bundle in enumerate(place.right)}
        row = 0
        for place in following:
            row = max(row, place.row)
            while any(
                taken.get(row + at, bundle) is not bundle and (bundle in conflicting or taken[row + at] in conflicting)
                for at, bundle in enumerate(place.left)
            ):
                row += 1
            place.row = row
            row += place.height
