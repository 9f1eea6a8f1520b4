"""The part of a query that a server can answer: conditions on one span, a window of time, ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tracetui.model.operation_shape import may_be_shape
from tracetui.model.search import Search
from tracetui.model.times import find_duration, find_time
from tracetui.query.complete import tokens
from tracetui.query.fields import OF_EXCEPTIONS, Attribute
from tracetui.query.parser import parse
from tracetui.query.predicates import And, AnySpan, Or, Predicate, Test
from tracetui.query.values import Literal

_ABOVE: Final = (">", ">=")
_BELOW: Final = ("<", "<=")


def conjuncts(text: str) -> list[str] | None:
    """The parts that a query joins with AND, or None where it joins with OR."""
    parts: list[str] = []
    begin, depth = 0, 0
    for token in tokens(text):
        if token.text in ("(", "{"):
            depth += 1
        elif token.text in (")", "}"):
            depth -= 1
        elif depth:
            continue
        elif token.text.lower() == "or" or token.text == "||":
            return None
        elif token.text.lower() == "and" or token.text == "&&":
            parts.append(text[begin : token.start].strip())
            begin = token.stop
    parts.append(text[begin:].strip())
    return [part for part in parts if part]


@dataclass(frozen=True, slots=True)
class SpanConditions:
    """Conditions on one and the same span."""

    words: str
    """The conditions as text."""
    conditions: dict[str, Any]
    """The conditions as a server understands them, by the fields of Search."""
    exact: bool = True
    """True if `conditions` express the whole query."""


def pushdown(text: str, more: Sequence[SpanConditions] = (), *, exact_names: bool = False) -> tuple[Search, list[str]]:
    """-> the search that a server can do, and the parts of the query and of `more` that remain.

    What is asked finds all traces that the query means, and others: a server's conditions are all about one span, so
    of conditions on different spans only those on one of them are asked. Text of an attribute that is a number written
    otherwise (500.0 where 500 is asked for) and elements of its lists are what some servers do not find. Servers know
    names of spans, not their shapes: `operation = "GET /orders/{id}"` is done here unless `exact_names` is set.
    Raises QueryError as `parse`.
    """
    conditions: dict[str, Any] = {}
    groups = list(more)
    rest = []
    if text.strip():
        # half a query may have whole parts
        parse(text)
    for part in conjuncts(text) or ([text] if text.strip() else []):
        root = parse(part).root
        found = _of_trace(root)
        if found is not None:
            conditions |= found
            # a trace lasts at least as long as its response takes: some that a server finds answered sooner
            rest += [part] if _is_response(root) else []
        elif isinstance(root, AnySpan):
            groups.append(SpanConditions(part, *_of_span(root.part, exact_names)))
        elif service := _root_service(root):
            # the root is a span too
            groups.append(SpanConditions(part, {"service": service}, exact=False))
        else:
            rest.append(part)
    failing = [group for group in groups if group.conditions == {"errors": True} and group.exact]
    others = [group for group in groups if group not in failing]
    # servers are best at services, and some want one
    best = max(others, key=lambda group: ("service" in group.conditions, len(group.conditions)), default=None)
    if best is not None and best.conditions:
        conditions |= best.conditions
        conditions |= {"failed": True} if failing and not best.conditions.get("errors") else {}
    elif failing:
        conditions["errors"] = True
    rest += [group.words for group in others if group is not best or not group.exact]
    return msgspec.convert(conditions, Search), rest


def _root_service(node: Predicate) -> str:
    """Service that a condition requires of the root, '' for any other condition."""
    if isinstance(node, Test) and not isinstance(node.field, Attribute) and node.field.name == "root.service":
        return node.value.text if node.value is not None and node.operation == "=" else ""
    return ""


def _is_response(node: Predicate) -> bool:
    return isinstance(node, Test) and not isinstance(node.field, Attribute) and node.field.name == "trace.response"


def _of_trace(node: Predicate) -> dict[str, Any] | None:
    """Server condition for a condition on the trace itself, None if the server has none."""
    if isinstance(node, Or):
        ids: list[list[str]] = [(_of_trace(part) or {}).get("trace_ids", []) for part in node.parts]
        return {"trace_ids": [one for some in ids for one in some]} if all(ids) else None
    if not isinstance(node, Test) or node.value is None or isinstance(node.field, Attribute):
        return None
    name, value = node.field.name, node.value.text
    if name == "trace.start" and node.operation in (*_ABOVE, *_BELOW):
        # a moment that was read once can be read again
        moment = find_time(value) or 0
        return {"start_ns" if node.operation in _ABOVE else "end_ns": moment}
    if name in ("trace.duration", "trace.response") and node.operation in _ABOVE:
        duration = find_duration(value) or 0
        # a server is asked for what takes longer
        least = duration if node.operation == ">" else duration - 1
        return {"slower_ns": least} if least >= 0 else {}
    if name == "trace.id" and node.operation == "=":
        return {"trace_ids": [value]}
    return None


def _of_span(node: Predicate, exact_names: bool) -> tuple[dict[str, Any], bool]:
    """-> server conditions for conditions on one span, and whether they are equivalent"""
    if isinstance(node, And):
        together: dict[str, Any] = {}
        exact = True
        for part in node.parts:
            one, all_of_it = _of_span(part, exact_names)
            attributes = {**together.get("attributes", {}), **one.get("attributes", {})}
            together |= one | ({"attributes": attributes} if attributes else {})
            exact &= all_of_it
        return together, exact
    found = _of_test(node, exact_names) if isinstance(node, Test) else None
    return found or {}, found is not None


def _of_test(node: Test, exact_names: bool) -> dict[str, Any] | None:
    """Server condition for one comparison, None if the server has none."""
    if isinstance(node.field, Attribute):
        if node.operation != "=" or node.value is None or not _is_as_written(node.value):
            return None
        if node.field.key.startswith(OF_EXCEPTIONS):
            # most servers look at a span's own attributes only, not at those of its events
            return None
        return {"attributes": {node.field.key: node.value.text}}
    name = node.field.name
    if name == "error":
        return {"errors": True}
    if node.value is None:
        return None
    value = node.value.text
    if name == "operation" and not exact_names and may_be_shape(value):
        return None
    if name in ("service", "operation") and node.operation == "=":
        return {name: value}
    if name == "status" and node.operation == "=" and value == "error":
        return {"errors": True}
    if name == "span.duration" and node.operation in (*_ABOVE, *_BELOW):
        return {"least_ns" if node.operation in _ABOVE else "most_ns": find_duration(value)}
    return None


def _is_as_written(value: Literal) -> bool:
    """Test whether a server, which compares text, finds the value: a number can be written in many ways."""
    if value.is_truth:
        return value.text in ("true", "false")
    number = value.number
    whole = isinstance(number, float) and number.is_integer()
    return number is None or (str(number) == value.text and not whole)
