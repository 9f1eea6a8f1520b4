"""The part of a query that a server can answer: conditions on one span, a window of time, ids."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tracetui.analysis.query.complete import tokens
from tracetui.analysis.query.fields import Attribute
from tracetui.analysis.query.nodes import And, AnySpan, Node, Test
from tracetui.analysis.query.parsing import parse
from tracetui.model.search import Search
from tracetui.model.times import find_duration, find_time

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


def pushed(text: str) -> tuple[Search, list[str]]:
    """-> what a server can be asked for, and the parts of the query that are left to be done here.

    What is asked finds all traces that the query means, and others: a server's conditions are all about one span, so
    of conditions on different spans only those on one of them are asked. Raises QueryError as `parse`.
    """
    asked: dict[str, Any] = {}
    groups: list[tuple[str, dict[str, Any]]] = []
    rest = []
    for part in conjuncts(text) or ([text] if text.strip() else []):
        root = parse(part).root
        found = _of_trace(root)
        if found is not None:
            asked |= found
        elif isinstance(root, AnySpan) and (conditions := _of_span(root.part)) is not None:
            groups.append((part, conditions))
        else:
            rest.append(part)
    failing = [part for part, conditions in groups if conditions == {"errors": True}]
    others = [group for group in groups if group[0] not in failing]
    if others:
        # servers are best at services, and some want one
        best = max(others, key=lambda group: ("service" in group[1], len(group[1])))
        asked |= best[1]
        rest += [part for part, _ in others if part != best[0]]
        asked |= {"failed": True} if failing and not best[1].get("errors") else {}
    elif failing:
        asked["errors"] = True
    return msgspec.convert(asked, Search), rest


def _of_trace(node: Node) -> dict[str, Any] | None:
    """What a condition on the trace itself asks of a server, None for nothing that it knows."""
    if not isinstance(node, Test) or node.value is None or isinstance(node.field, Attribute):
        return None
    name, value = node.field.name, node.value.text
    if name == "trace.start" and node.operation in (*_ABOVE, *_BELOW):
        # a moment that was read once can be read again
        moment = find_time(value) or 0
        return {"start_ns" if node.operation in _ABOVE else "end_ns": moment}
    if name == "trace.duration" and node.operation in _ABOVE:
        return {"slower_ns": find_duration(value)}
    if name == "trace.id" and node.operation == "=":
        return {"trace_ids": [value]}
    return {"service": value} if name == "root.service" and node.operation == "=" else None


def _of_span(node: Node) -> dict[str, Any] | None:
    """What conditions on one span ask of a server; None where one of them is nothing that it knows."""
    if isinstance(node, And):
        every = [_of_span(part) for part in node.parts]
        together: dict[str, Any] = {"attributes": {}}
        for one in every:
            if one is None:
                return None
            attributes = together["attributes"] | one.get("attributes", {})
            together |= one | {"attributes": attributes}
        return together if together["attributes"] else {k: v for k, v in together.items() if k != "attributes"}
    if not isinstance(node, Test):
        return None
    if isinstance(node.field, Attribute):
        equal = node.operation == "=" and node.value is not None
        return {"attributes": {node.field.key: node.value.text}} if equal and node.value else None
    name = node.field.name
    if name == "error":
        return {"errors": True}
    if node.value is None:
        return None
    value = node.value.text
    if name in ("service", "operation") and node.operation == "=":
        return {name: value}
    if name == "status" and node.operation == "=" and value == "error":
        return {"errors": True}
    if name == "span.duration" and node.operation in (*_ABOVE, *_BELOW):
        return {"least_ns" if node.operation in _ABOVE else "most_ns": find_duration(value)}
    return None
