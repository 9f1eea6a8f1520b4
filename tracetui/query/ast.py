"""Syntax tree of a query, before names are resolved."""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.query.lexer import Token


@dataclass(frozen=True, slots=True)
class ComparisonNode:
    """Comparison of a field with a value, or the field alone."""

    field: Token
    operator: Token | None = None
    value: Token | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class TextNode:
    """Words to search, without a field. A single one may be the name of a field that can be absent."""

    words: tuple[Token, ...]
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
    opening: Token
    depth: int


@dataclass(frozen=True, slots=True)
class DescendantNode:
    """Chain of braces, each about a span below the one before."""

    parts: tuple[SpanNode, ...]
    depth: int


Syntax = ComparisonNode | TextNode | NegationNode | ConjunctionNode | AlternativesNode | SpanNode | DescendantNode
"""Syntax node. Its `depth` is the number of levels of operators below it."""


def joined(kind: type[ConjunctionNode] | type[AlternativesNode], parts: list[Syntax]) -> Syntax:
    """Join parts by an operator. Parts that are joined by the same one are merged, so that long chains stay flat."""
    flat: list[Syntax] = []
    for part in parts:
        if isinstance(part, kind):
            flat.extend(part.parts)
        else:
            flat.append(part)
    return kind(tuple(flat), max(part.depth for part in flat) + 1)
