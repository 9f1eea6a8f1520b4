"""Groups of services in a large graph, each shown as one until it is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import networkx as nx

from tracetui.analysis.graph_measures import MAX_GROUPED
from tracetui.analysis.service_graph import ServiceGraph

MOST_TOGETHER = 80
"""Largest number of services that are shown one by one."""
_MOST_GROUPS = 40
"""Largest number of groups in one; beyond it the smallest ones are joined."""
_RESOLUTIONS = (1.0, 2.0, 4.0, 8.0)
"""Resolutions of Louvain's method, until it finds more than one group."""


@dataclass(frozen=True, eq=False, slots=True)
class ServiceGroup:
    """Services that call each other more than others; its name is that of the most called one."""

    members: tuple[str, ...]
    """Most called first, inferred peers last."""

    @property
    def name(self) -> str:
        return self.members[0]

    def __len__(self) -> int:
        return len(self.members)


OpenedGroups = tuple[ServiceGroup, ...]
"""Opened groups, each part of the one before it; () for the whole graph."""


class ServiceGroups:
    """Divides the services of a graph into groups, and these into smaller ones, as they are opened."""

    def __init__(self, graph: ServiceGraph) -> None:
        self._graph = graph
        self.all = self._group(graph.names)
        self._parts: dict[ServiceGroup, tuple[ServiceGroup, ...]] = {}

    def parts(self, group: ServiceGroup) -> tuple[ServiceGroup, ...]:
        """Return the parts of a group: single services if they are few. Slow for many services at the first time."""
        if group not in self._parts:
            self._parts[group] = self._divide(group)
        return self._parts[group]

    def scope_of(self, service: str) -> OpenedGroups:
        """Return the groups to open so that a service is shown."""
        scope: list[ServiceGroup] = []
        within = self.all
        while True:
            part = next(part for part in self.parts(within) if service in part.members)
            if len(part) == 1:
                return tuple(scope)
            scope.append(part)
            within = part

    def opened(self, scope: OpenedGroups, group: ServiceGroup) -> OpenedGroups:
        """Return the scope in which a group that is shown in another one is opened."""
        for depth in range(len(scope), -1, -1):
            within = scope[depth - 1] if depth else self.all
            if group in self.parts(within):
                return (*scope[:depth], group)
        return scope

    def shown(self, scope: OpenedGroups) -> tuple[tuple[ServiceGroup, ...], tuple[ServiceGroup, ...]]:
        """Return the parts of the innermost opened group, and the closed groups around that call them or are called."""
        path = (self.all, *scope)
        inside = self.parts(path[-1])
        within = set(path[-1].members)
        connected = {
            other
            for caller, callee in self._graph.edges
            if (caller in within) != (callee in within)
            for other in (caller, callee)
            if other not in within
        }
        around = [part for level, opened in enumerate(scope) for part in self.parts(path[level]) if part is not opened]
        return inside, tuple(part for part in around if not connected.isdisjoint(part.members))

    def _group(self, names: Iterable[str]) -> ServiceGroup:
        figures = self._graph.figures
        return ServiceGroup(
            tuple(sorted(names, key=lambda name: (figures[name].inferred, -figures[name].call_count, name)))
        )

    def _divide(self, group: ServiceGroup) -> tuple[ServiceGroup, ...]:
        if len(group) <= MOST_TOGETHER:
            return tuple(map(ServiceGroup, ((name,) for name in sorted(group.members))))
        divided = sorted(self._communities(group), key=lambda names: (-len(names), min(names)))
        kept = divided if 1 < len(divided) <= _MOST_GROUPS else divided[: _MOST_GROUPS // 2] if len(divided) > 1 else []
        rest = sorted(set(group.members).difference(*kept))
        # services that cannot be told apart by their calls
        size = max(MOST_TOGETHER, -(-len(rest) // (_MOST_GROUPS // 2)))
        return tuple(map(self._group, [*kept, *(rest[begin : begin + size] for begin in range(0, len(rest), size))]))

    def _communities(self, group: ServiceGroup) -> list[set[str]]:
        members = set(group.members)
        near = nx.Graph()
        near.add_nodes_from(sorted(members))
        weights: dict[tuple[str, str], int] = {}
        for (caller, callee), edges in self._graph.edges.items():
            if caller in members and callee in members:
                pair = (min(caller, callee), max(caller, callee))
                weights[pair] = weights.get(pair, 0) + sum(edge.call_count for edge in edges)
        near.add_weighted_edges_from((*pair, weight) for pair, weight in sorted(weights.items()))
        if len(members) > MAX_GROUPED:
            return [set(part) for part in nx.connected_components(near)]
        found: list[set[str]] = []
        for resolution in _RESOLUTIONS:
            found = nx.community.louvain_communities(near, resolution=resolution, seed=0)
            if len(found) > 1:
                break
        return found


def group_names(groups: Iterable[ServiceGroup]) -> Mapping[str, str]:
    """Return the name of the group of each service."""
    return {member: group.name for group in groups for member in group.members}
