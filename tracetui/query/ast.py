"""A query as it is written, before its names are looked up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A piece of the query's text, and where it starts."""

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class ComparisonNode:
    """A field compared with a value; or the field alone."""

    field: QueryWord
    operator: QueryWord | None = None
    value: QueryWord | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class NegationNode:
    part: Syntax
    depth: int


@dataclass(frozen=True, slots=True)
class ConjunctionNode:
    parts: tuple[Syntax, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class AlternativesNode:
    parts: tuple[Syntax, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class SpanNode:
    part: Syntax
    opening: QueryWord
    depth: int


@dataclass(frozen=True, slots=True)
class DescendantNode:
    """Braces, each about a span below the one before."""

    parts: tuple[SpanNode, ...]
    depth: int


Syntax = ComparisonNode | NegationNode | ConjunctionNode | AlternativesNode | SpanNode | DescendantNode
"""Every node has `depth`, the levels of joining below it."""


def joined(kind: type[ConjunctionNode] | type[AlternativesNode], parts: list[Syntax]) -> Syntax:
    """Join parts; parts joined the same way are flattened, so that long chains stay flat."""
    flat: list[Syntax] = []
    for part in parts:
        if isinstance(part, kind):
            flat.extend(part.parts)
        else:
            flat.append(part)
    return kind(tuple(flat), max(part.depth for part in flat) + 1)
