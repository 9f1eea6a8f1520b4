"""Dependency graphs from servers: invalid edges are skipped, and the list is bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec

from tracetui.ingest.servers.connection import NO_JSON
from tracetui.ingest.servers.name_lists import LONGEST_NAME
from tracetui.model.server_stats import Dependency

MOST_EDGES: Final = 50_000
"""Most edges of a graph that are kept."""

_CallName = Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=10**18)]


class _Edge(msgspec.Struct, rename="camel"):
    parent: _CallName
    child: _CallName
    call_count: _Count = 0
    error_count: _Count | None = None


def readable_edges(listed: Sequence[msgspec.Raw], warn: Callable[[str], None]) -> list[Dependency]:
    """Read the edges of a graph in Jaeger's and Zipkin's form; `warn` is called for those that are skipped.

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
