"""Lists from servers: invalid items are skipped, and the number of names and of dependency edges is bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

import msgspec

from tracetui.ingest.servers.request_errors import NO_JSON
from tracetui.model.json_decoding import RAW_MEMBERS
from tracetui.model.server_stats import Dependency

_ReadableItem = TypeVar("_ReadableItem")

MAX_NAMES: Final = 10_000
"""Largest number of names of a list that are kept."""
LONGEST_NAME: Final = 2_000
"""Longest name in characters. Names become part of request addresses, whose length servers limit."""
MAX_EDGES: Final = 50_000
"""Largest number of edges of a graph that are kept."""

_CallName = Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=10**18)]


class _Edge(msgspec.Struct, rename="camel"):
    parent: _CallName
    child: _CallName
    call_count: _Count = 0
    error_count: _Count | None = None


_NAME: Final = msgspec.json.Decoder(str)
_EDGE: Final = msgspec.json.Decoder(_Edge, strict=False)


def readable_items(
    decode: Callable[[msgspec.Raw], _ReadableItem],
    listed: Sequence[msgspec.Raw],
    what: str,
    warn: Callable[[str], object],
) -> list[_ReadableItem]:
    """Decode the items of a list; `warn` is called for those that are skipped.

    what: plural noun for the items. Raises one of NO_JSON if none is valid.
    """
    found: list[_ReadableItem] = []
    for at, item in enumerate(listed):
        try:
            found.append(decode(item))
        except NO_JSON:
            if at == len(listed) - 1 and not found:
                raise
    if len(found) < len(listed):
        warn(f"{len(listed) - len(found):,} invalid {what} were skipped")
    return found


def members_of(listed: Sequence[msgspec.Raw], key: str) -> list[msgspec.Raw]:
    """Return this member of each object in a list; an item without it stays as it is."""
    return [_member(item, key) for item in listed]


def _member(item: msgspec.Raw, key: str) -> msgspec.Raw:
    try:
        return RAW_MEMBERS.decode(item).get(key, item)
    except NO_JSON:
        return item


def readable_names(listed: Sequence[msgspec.Raw], what: str, warn: Callable[[str], None]) -> list[str]:
    """Return up to `MAX_NAMES` distinct names of a list, sorted; `warn` is called for those that are skipped.

    what: plural noun for the named things. Raises one of NO_JSON if none is a valid name.
    """
    names: set[str] = set()
    unreadable = long = 0
    for item in listed:
        try:
            name = _NAME.decode(item)
            name.encode()
        except NO_JSON:
            unreadable += 1
            if unreadable == len(listed):
                raise
            continue
        if len(name) > LONGEST_NAME:
            long += 1
            continue
        names.add(name)
    if unreadable:
        warn(f"{unreadable:,} invalid names of {what} were skipped")
    if long:
        warn(f"{long:,} names of {what} longer than {LONGEST_NAME:,} characters were skipped")
    if len(names) > MAX_NAMES:
        warn(f"the server lists {len(names):,} {what}; only the first {MAX_NAMES:,} are used")
    return sorted(names)[:MAX_NAMES]


def readable_edges(listed: Sequence[msgspec.Raw], warn: Callable[[str], None]) -> list[Dependency]:
    """Read the edges of a graph in Jaeger's and Zipkin's form; `warn` is called for those that are skipped.

    Raises one of NO_JSON if no edge is valid.
    """
    edges = [
        Dependency(edge.parent, edge.child, edge.call_count, edge.error_count)
        for edge in readable_items(_EDGE.decode, listed, "edges of the dependency graph", warn)
    ]
    if len(edges) > MAX_EDGES:
        warn(f"the dependency graph has {len(edges):,} edges; only the {MAX_EDGES:,} with the most calls are used")
        edges = sorted(edges, key=lambda edge: -edge.call_count)[:MAX_EDGES]
    return edges
