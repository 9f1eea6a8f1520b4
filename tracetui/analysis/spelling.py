"""Spell names alike that two sets have in different case: Zipkin has services and operations in lower case only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tracetui.model.traces import TraceSet


def in_one_spelling(traces: TraceSet, other: TraceSet) -> TraceSet:
    """Spell names that are in lower case as another set does. -> the set itself where nothing differs."""
    services = _spelled(traces.services, other.services)
    names = _spelled(traces.names, other.names)
    if services == traces.services and names == traces.names:
        return traces
    return replace(traces, services=services, names=names, known_operations=[])


def as_kept(name: str, *tables: Collection[str]) -> str:
    """The name as a set's tables have it: in lower case where it is in none of them, and so it is."""
    lowered = name.lower()
    if lowered == name or any(name in table for table in tables):
        return name
    return lowered if any(lowered in table for table in tables) else name


def _spelled(texts: list[str], others: list[str]) -> list[str]:
    spellings: dict[str, list[str]] = {}
    for text in others:
        if text != text.lower():
            spellings.setdefault(text.lower(), []).append(text)
    if not spellings:
        return texts
    own = set(texts)

    def spelled(text: str) -> str:
        found = spellings.get(text, ())
        # of several spellings, and where both are in this set, the case tells names apart
        return found[0] if len(found) == 1 and found[0] not in own else text

    return [spelled(text) for text in texts]
