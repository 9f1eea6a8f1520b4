"""Predicates: tree of a resolved query, in the best order of evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.query.fields import Attribute, Field, Type
from tracetui.query.values import Literal


@dataclass(frozen=True, slots=True)
class Test:
    """Comparison, or presence if there is no value. Fields of traces are tested on traces, others on spans."""

    field: Field | Attribute
    operation: str
    value: Literal | None = None


@dataclass(frozen=True, slots=True)
class AnySpan:
    """Trace has a span that meets the part."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class Below:
    """Trace has spans that meet the parts, each below the one that meets the previous part."""

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

Predicate = Test | AnySpan | Below | Not | And | Or


def negated(node: Predicate) -> Predicate:
    return node.part if isinstance(node, Not) else Not(node)


def cheapest_first(parts: list[Predicate]) -> tuple[Predicate, ...]:
    """Order parts so that those that decode attributes come last, when few spans are left."""
    return tuple(sorted(parts, key=_cost))


def decodes(node: Predicate) -> bool:
    """Test whether a condition decodes the attributes of spans."""
    return _cost(node) >= _DECODING


def _cost(node: Predicate) -> int:
    match node:
        case Test(field=Attribute(of_resource=of_resource)):
            return 2 if of_resource else _DECODING
        case Test(field=Field(type=Type.ID)):
            return 3
        case Test(field=Field(of_traces=of_traces)):
            return 0 if of_traces else 1
        case AnySpan(part=part) | Not(part=part):
            return _cost(part)
        case And(parts=parts) | Or(parts=parts) | Below(parts=parts):
            return max(map(_cost, parts))
        case _:
            raise TypeError(node)
