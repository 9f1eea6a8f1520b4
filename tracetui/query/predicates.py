"""Predicates: tree of a resolved query, in the best order of evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.query.fields import Attribute, Field, Scope, Type
from tracetui.query.literals import Literal


@dataclass(frozen=True, slots=True)
class Test:
    """Comparison, or presence if there is no value. Fields of traces are tested on traces, others on spans."""

    field: Field | Attribute
    operation: str
    value: Literal | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """Text that a span contains anywhere; see `analysis.span_search`. Of a trace also the beginning of its id."""

    text: str


@dataclass(frozen=True, slots=True)
class AnySpan:
    """Trace has a span that meets the part."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class Descendants:
    """Trace has a chain of spans that meet the parts, each below the span of the previous part."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Predicate


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Predicate, ...]


_DECODING = 4

Predicate = Test | Word | AnySpan | Descendants | Not | And | Or


def words_in(node: Predicate) -> list[str]:
    """List the words that are searched."""
    match node:
        case Word(text=text):
            return [text]
        case AnySpan(part=part) | Not(part=part):
            return words_in(part)
        case And(parts=parts) | Or(parts=parts) | Descendants(parts=parts):
            return [word for part in parts for word in words_in(part)]
        case _:
            return []


def negated(node: Predicate) -> Predicate:
    """Negate a predicate; a double negation is removed."""
    return node.part if isinstance(node, Not) else Not(node)


def cheapest_first(parts: list[Predicate]) -> tuple[Predicate, ...]:
    """Order parts so that those that decode attributes come last, when few spans are left."""
    return tuple(sorted(parts, key=_cost))


def decodes(node: Predicate) -> bool:
    """Test whether a condition decodes the attributes of spans."""
    return _cost(node) >= _DECODING


def _cost(node: Predicate) -> int:
    match node:
        case Word():
            return _DECODING + 1
        case Test(field=Attribute(scope=scope)):
            return 2 if scope is Scope.RESOURCE else _DECODING
        case Test(field=Field(decodes=True)):
            return _DECODING
        case Test(field=Field(type=Type.ID)):
            return 3
        case Test(field=Field(of_traces=of_traces)):
            return 0 if of_traces else 1
        case AnySpan(part=part) | Not(part=part):
            return _cost(part)
        case And(parts=parts) | Or(parts=parts) | Descendants(parts=parts):
            return max(map(_cost, parts))
        case _:
            raise TypeError(node)
