"""Dependency graphs that servers send: an edge that cannot be read costs no other, and the list is bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec

from tracetui.ingest.servers.connection import NO_JSON
from tracetui.ingest.servers.name_lists import LONGEST_NAME
from tracetui.model.server_stats import Dependency

MOST_EDGES: Final = 50_000
"""Edges that are kept of one graph."""

_CallName = Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=10**18)]


class _Edge(msgspec.Struct, rename="camel"):
    parent: _CallName
    child: _CallName
    call_count: _Count = 0
    error_count: _Count | None = None


def readable_edges(listed: Sequence[msgspec.Raw], warn: Callable[[str], None]) -> list[Dependency]:
    """Return the edges of a graph as Jaeger and Zipkin write them; `warn` is called for those that are skipped.

    Raises one of NO_JSON if no edge is valid.
    """
    edges: list[Dependency] = []
    unreadable = 0
    for item in listed:
        try:
            edge = msgspec.json.decode(item, type=_Edge, strict=False)
        except NO_JSON:
            unreadable += 1
            if unreadable == len(listed):
                raise
            continue
        edges.append(Dependency(edge.parent, edge.child, edge.call_count, edge.error_count))
    if unreadable:
        warn(f"{unreadable:,} invalid edges of the dependency graph were skipped")
    if len(edges) > MOST_EDGES:
        warn(f"the dependency graph has {len(edges):,} edges; only the {MOST_EDGES:,} with the most calls are used")
        edges = sorted(edges, key=lambda edge: -edge.call_count)[:MOST_EDGES]
    return edges
