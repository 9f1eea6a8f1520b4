"""A query as a tree: what it says, and in which order its parts are best looked at."""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.analysis.query.fields import Attribute, Field, Type
from tracetui.analysis.query.values import Literal


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison. Of a field of traces it holds for traces, else for spans. Without a value: the field is there."""

    field: Field | Attribute
    operation: str
    value: Literal | None = None


@dataclass(frozen=True, slots=True)
class AnySpan:
    """Holds for a trace one span of which meets the part."""

    part: Node


@dataclass(frozen=True, slots=True)
class Below:
    """Holds for a trace in which spans meet the parts, each below the one that meets the part before."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


_DECODING = 4

Node = Test | AnySpan | Below | Not | And | Or


def negated(node: Node) -> Node:
    return node.part if isinstance(node, Not) else Not(node)


def cheapest_first(parts: list[Node]) -> tuple[Node, ...]:
    """The parts with those that decode attributes last, so that few spans are left for them."""
    return tuple(sorted(parts, key=_cost))


def decodes(node: Node) -> bool:
    """Whether a condition looks into the attributes of spans."""
    return _cost(node) >= _DECODING


def _cost(node: Node) -> int:
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
