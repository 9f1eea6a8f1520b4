"""Edges that the stubs of bundles stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tracetui.render.graph.bundles import Bundle, Place
from tracetui.render.text.line import Role

HEAVY = 2
"""Weight from which a line is heavy."""


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """Edge of a drawing."""

    source: str
    target: str
    label: str = ""
    """Figures on the line."""
    is_async: bool = False
    fails: bool = False
    weight: int = 1
    """1, or `HEAVY` and more for a heavy line."""
    role: str = Role.GUIDE

    @property
    def is_labelled(self) -> bool:
        return bool(self.label) or self.fails


class StubEdges:
    """Finds the edge that a stub at one end of a bundle stands for, unless it stands for several."""

    def __init__(self, edges: Iterable[DrawnEdge]) -> None:
        self.of_pair: dict[tuple[str, str], DrawnEdge] = {}
        for edge in edges:
            # if calls are both synchronous and asynchronous, draw the synchronous ones
            known = self.of_pair.get((edge.source, edge.target))
            if known is None or known.is_async > edge.is_async:
                self.of_pair[edge.source, edge.target] = edge

    def left(self, bundle: Bundle, source: Place) -> DrawnEdge | None:
        """Return the edge of the stub at a source, if the bundle leads to one target."""
        return self.between(bundle, source, bundle.targets[0]) if len(bundle.targets) == 1 else None

    def right(self, bundle: Bundle, target: Place) -> DrawnEdge | None:
        """Return the edge of the stub at a target, if the bundle begins at one source."""
        return self.between(bundle, bundle.sources[0], target) if len(bundle.sources) == 1 else None

    def labelled_left(self, bundle: Bundle, source: Place) -> DrawnEdge | None:
        """Return the edge whose label belongs to the stub at a source."""
        if self._is_labelled_at_head(bundle, source):
            return self.left(bundle, source) if not source.is_passage else None
        is_at_left = len(bundle.sources) > 1 or bundle.targets[0].merges
        return self.left(bundle, source) if is_at_left and not source.merges else None

    def labelled_right(self, bundle: Bundle, target: Place) -> DrawnEdge | None:
        """Return the edge whose label belongs to the stub at a target: where it ends, or joins others."""
        is_at_left = target.merges and len(bundle.targets) == 1
        is_on_the_way = target.is_passage and not target.merges
        source = bundle.sources[0]
        if is_at_left or is_on_the_way or source.merges or self._is_labelled_at_head(bundle, source):
            return None
        return self.right(bundle, target)

    def _is_labelled_at_head(self, bundle: Bundle, source: Place) -> bool:
        """Test whether a stub belongs to a single edge that points to the left: its label is at its arrowhead."""
        while source.is_passage and not source.merges:
            bundle = source.left[0]
            source = bundle.sources[0]
        return bundle.is_reversed and not source.merges and self.left(bundle, source) is not None

    def between(self, bundle: Bundle, left: Place, right: Place) -> DrawnEdge | None:
        """Return the only edge between two places of a bundle."""
        begins, ends = _left_ends(left), _right_ends(right)
        if len(begins) != 1 or len(ends) != 1:
            return None
        pair = (ends[0], begins[0]) if bundle.is_reversed else (begins[0], ends[0])
        return self.of_pair.get(pair)


def _right_ends(place: Place) -> list[str]:
    """List the nodes to which a bundle leads at this place: the node itself, or those behind a passage."""
    found: list[str] = []
    waiting = [place]
    while waiting:
        one = waiting.pop()
        if one.is_passage and not one.merges:
            waiting += [target for bundle in one.right for target in bundle.targets]
        else:
            found.append(one.name)
    return found


def _left_ends(place: Place) -> list[str]:
    """List the nodes from which a bundle leads at this place: the node itself, or those in front of a passage."""
    found: list[str] = []
    waiting = [place]
    while waiting:
        one = waiting.pop()
        if one.merges:
            waiting += [source for bundle in one.left for source in bundle.sources]
        else:
            found.append(one.name)
    return found
