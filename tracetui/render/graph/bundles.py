"""Bundles of the edges between two layers of a graph, and the columns of their vertical lines.

Edges that connect every one of some places with every one of others are drawn as one `Bundle`: a vertical line with a
horizontal stub to each place.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace


@dataclass(eq=False, slots=True)
class Place:
    """Node, or passage of edges through a layer, with its rows."""

    name: str
    """Name of the node; for a passage the node at the left end of its edges, or at the right end if it merges."""
    layer: int
    is_passage: bool = False
    merges: bool = False
    """True for a passage that edges from several nodes share."""
    row: int = 0
    """First row."""
    height: int = 1
    """Number of rows: at least one for each bundle that ends here on one side."""
    least_height: int = 1
    left: list[Bundle] = field(default_factory=list)
    """Bundles at the left side, by row."""
    right: list[Bundle] = field(default_factory=list)

    def left_row(self, bundle: Bundle) -> int:
        """Row in which a bundle ends at the left side."""
        return self.row + self.left.index(bundle)

    def right_row(self, bundle: Bundle) -> int:
        """Row in which a bundle begins at the right side."""
        return self.row + self.right.index(bundle)


@dataclass(eq=False, slots=True)
class Bundle:
    """Edges between each of `sources`, in one layer, and each of `targets`, in the next."""

    sources: list[Place]
    targets: list[Place]
    style: Hashable
    is_reversed: bool
    """True for edges that point from right to left."""
    track: int = -1
    """Number of the column for its vertical line; -1 if it needs none."""

    @property
    def left_rows(self) -> list[int]:
        return [place.right_row(self) for place in self.sources]

    @property
    def right_rows(self) -> list[int]:
        return [place.left_row(self) for place in self.targets]


@dataclass(frozen=True, eq=False, slots=True)
class LayerGap:
    """Gap between two layers."""

    bundles: list[Bundle]
    track_count: int


@dataclass(frozen=True, eq=False, slots=True)
class PlaceLink:
    """Edge between places of neighbouring layers."""

    left: Place
    right: Place
    style: Hashable
    is_reversed: bool
    is_labelled: bool = False
    """True if it needs a stub of its own: its bundle has only one place on the left, or on the right."""


def find_bundles(layer: Sequence[Place], links: Sequence[PlaceLink]) -> list[Bundle]:
    """Bundle the links from a layer to the next one, and list the bundles at their places.

    Repeatedly, the place with the most remaining links is taken with all of these, together with the places that are
    linked with the same others.
    """
    found: list[Bundle] = []
    kinds: dict[tuple[str, bool], list[PlaceLink]] = {}
    for link in links:
        kinds.setdefault((repr(link.style), link.is_reversed), []).append(link)
    for _, same_kind in sorted(kinds.items(), key=lambda kind: kind[0]):
        found += _stars(_bicliques(same_kind), {(one.left, one.right) for one in same_kind if one.is_labelled})
    rank = {place: row for row, place in enumerate(layer)}
    for bundle in found:
        bundle.sources.sort(key=rank.__getitem__)
        for place in bundle.sources:
            place.right.append(bundle)
        for place in bundle.targets:
            place.left.append(bundle)
    return found


def _bicliques(links: Sequence[PlaceLink]) -> list[Bundle]:
    """Partition the links into bundles of all links between two sets of places."""
    right_of: dict[Place, dict[Place, None]] = {}
    left_of: dict[Place, dict[Place, None]] = {}
    for link in links:
        right_of.setdefault(link.left, {})[link.right] = None
        left_of.setdefault(link.right, {})[link.left] = None
    style, is_reversed = links[0].style, links[0].is_reversed
    found = []
    by_count = sorted(
        [(place, right_of, left_of) for place in right_of] + [(place, left_of, right_of) for place in left_of],
        key=lambda one: -len(one[1][one[0]]),
    )
    for place, ends_of, back_of in by_count:
        ends = dict(ends_of[place])
        if not ends:
            continue
        if len(ends) == 1 and len(back_of[next(iter(ends))]) > 1 and ends_of is right_of:
            # leave the links to the place at the other end, which has more
            continue
        same = [other for other in back_of[next(iter(ends))] if ends_of[other].keys() == ends.keys()]
        for other in same:
            ends_of[other] = {}
        for end in ends:
            for other in same:
                back_of[end].pop(other, None)
        pair = (same, list(ends)) if ends_of is right_of else (list(ends), same)
        found.append(Bundle(*pair, style, is_reversed))
    for left, ends in right_of.items():
        for right in list(ends):
            found.append(Bundle([left], [right], style, is_reversed))
            del left_of[right][left]
        ends.clear()
    return found


def _stars(bundles: Sequence[Bundle], labelled: set[tuple[Place, Place]]) -> list[Bundle]:
    """Divide bundles with several places on both sides, so that labelled links have a stub of their own."""
    found = []
    for bundle in bundles:
        links = ((left, right) for left in bundle.sources for right in bundle.targets)
        if len(bundle.sources) > 1 and len(bundle.targets) > 1 and not labelled.isdisjoint(links):
            if len(bundle.sources) <= len(bundle.targets):
                found += [replace(bundle, sources=[one], targets=list(bundle.targets)) for one in bundle.sources]
            else:
                found += [replace(bundle, sources=list(bundle.sources), targets=[one]) for one in bundle.targets]
        else:
            found.append(bundle)
    return found


def track_order(bundles: Sequence[Bundle]) -> list[Bundle]:
    """Order bundles from left to right, without those for which that is impossible.

    If a bundle begins in the row in which another one ends, its vertical line must be further left, or the two would
    overlap in that row.
    """
    begins = {row: bundle for bundle in bundles for row in bundle.left_rows}
    after: dict[Bundle, set[Bundle]] = {bundle: set() for bundle in bundles}
    waiting = dict.fromkeys(bundles, 0)
    for bundle in bundles:
        for row in bundle.right_rows:
            other = begins.get(row)
            if other is not None and other is not bundle and bundle not in after[other]:
                after[other].add(bundle)
                waiting[bundle] += 1
    position = {bundle: at for at, bundle in enumerate(bundles)}
    ready = [bundle for bundle in bundles if not waiting[bundle]]
    order = []
    while ready:
        bundle = ready.pop(0)
        order.append(bundle)
        for other in sorted(after[bundle], key=position.__getitem__):
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return order


def assign_tracks(bundles: Sequence[Bundle]) -> int:
    """Assign a column to the vertical line of each bundle, as far left as possible. -> number of columns"""
    order = track_order(bundles)
    assert len(order) == len(bundles)
    begins = {row: bundle for bundle in bundles for row in bundle.left_rows}
    used: list[int] = []
    """Rows of each track that are in use, as bits."""
    for bundle in order:
        rows = [*bundle.left_rows, *bundle.right_rows]
        low, high = min(rows), max(rows)
        if low == high:
            continue
        track = 0
        for row in bundle.right_rows:
            other = begins.get(row)
            if other is not None and other is not bundle:
                track = max(track, other.track + 1)
        # a free row between the lines of one track, so that their ends do not touch
        rows_used = ((1 << (high - low + 3)) - 1) << low
        while track < len(used) and used[track] & rows_used:
            track += 1
        if track >= len(used):
            used += [0] * (track + 1 - len(used))
        used[track] |= ((1 << (high - low + 1)) - 1) << (low + 1)
        bundle.track = track
    return len(used)
