"""Case of names: align names of two sets, as Zipkin stores services and operations in lower case."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tracetui.model.traces import TraceSet


def align_case(traces: TraceSet, other: TraceSet) -> TraceSet:
    """Spell lower-case names as another set does. -> the set itself if nothing differs."""
    services = _spelled(traces.services, other.services)
    names = _spelled(traces.names, other.names)
    if services == traces.services and names == traces.names:
        return traces
    return replace(traces, services=services, names=names, known_operations=[])


def spelled_as_in(name: str, *tables: Collection[str]) -> str:
    """The name as a set's tables spell it: in lower case if only that is known."""
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
