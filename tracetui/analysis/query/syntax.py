"""A query as it is written, before its names are looked up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of the query's text, and where it starts."""

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared with a value; or the field alone."""

    field: Word
    operator: Word | None = None
    value: Word | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Negation:
    part: Syntax
    depth: int


@dataclass(frozen=True, slots=True)
class Conjunction:
    parts: tuple[Syntax, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Alternatives:
    parts: tuple[Syntax, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Braces:
    part: Syntax
    opening: Word
    depth: int


@dataclass(frozen=True, slots=True)
class Descent:
    """Braces, each about a span below the one before."""

    parts: tuple[Braces, ...]
    depth: int


Syntax = Comparison | Negation | Conjunction | Alternatives | Braces | Descent
"""Every node has `depth`, the levels of joining below it."""


def joined(kind: type[Conjunction] | type[Alternatives], parts: list[Syntax]) -> Syntax:
    """The parts joined, with those that are joined the same way taken apart, so that long chains stay flat."""
    flat: list[Syntax] = []
    for part in parts:
        if isinstance(part, kind):
            flat.extend(part.parts)
        else:
            flat.append(part)
    return kind(tuple(flat), max(part.depth for part in flat) + 1)
