"""Push-down: the part of a query that a server can evaluate (conditions on one span, a time range, and trace ids)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import time_ns
from typing import Any, Final

from tracetui.model.operation_shape import may_be_shape
from tracetui.model.search import Search, search_from
from tracetui.model.times import UNITS, find_clock, find_duration, find_time, latest_at_clock
from tracetui.query.fields import OF_EXCEPTIONS, Attribute, Scope
from tracetui.query.lexer import tokens
from tracetui.query.literals import Literal
from tracetui.query.parser import parse
from tracetui.query.predicates import And, AnySpan, Descendants, Or, Predicate, Test

_ABOVE: Final = (">", ">=")
_BELOW: Final = ("<", "<=")


def conjuncts(text: str) -> list[str] | None:
    """Split a query into the parts that it joins with AND; None if it joins with OR."""
    parts: list[str] = []
    begin, depth = 0, 0
    for token in tokens(text):
        if token.kind in ("LEFT", "OPEN"):
            depth += 1
        elif token.kind in ("RIGHT", "CLOSE"):
            depth -= 1
        elif depth:
            continue
        elif token.kind == "OR":
            return None
        elif token.kind == "AND":
            parts.append(text[begin : token.start].strip())
            begin = token.stop
    parts.append(text[begin:].strip())
    return [part for part in parts if part]


@dataclass(frozen=True, slots=True)
class SpanConditions:
    """Conditions on a single span."""

    text: str
    """The conditions as text."""
    conditions: dict[str, Any]
    """Conditions for a server, as fields of Search."""
    exact: bool = True
    """True if `conditions` express the whole query."""


def pushdown(
    text: str, span_conditions: Sequence[SpanConditions] = (), *, exact_names: bool = False
) -> tuple[Search, list[str]]:
    """Split a query into the search that a server can do, and the parts that remain, also of `span_conditions`.

    The search finds all matching traces and maybe others. A server applies all conditions to one span, so of
    conditions on different spans only those on one of them are sent. Some servers do not find numbers in a different
    spelling (500.0 for 500), nor elements of lists. Servers know names of spans, not their shapes, so that
    `operation = "GET /orders/{id}"` is evaluated here unless `exact_names` is set. Raises QueryError as `parse` does.
    """
    conditions: dict[str, Any] = {}
    groups = list(span_conditions)
    rest = []
    if text.strip():
        # check the whole query: an invalid one may have valid parts
        parse(text)
    for part in conjuncts(text) or ([text] if text.strip() else []):
        root = parse(part).root
        found = _trace_condition(root)
        if found is not None:
            conditions |= found
            # a trace lasts at least as long as its response time, so the server may find some that are too short
            rest += [part] if _is_response(root) else []
        elif services := _alternative_services(root):
            groups.append(SpanConditions(part, {"services": services}))
        elif isinstance(root, AnySpan):
            groups.append(SpanConditions(part, *_span_condition(root.part, exact_names)))
        elif isinstance(root, Descendants):
            # each of its spans is in the trace
            above_and_below = [_span_condition(one, exact_names)[0] for one in root.parts]
            groups.append(SpanConditions(part, max(reversed(above_and_below), key=_rank), exact=False))
        elif service := _root_service(root):
            # the root is also a span
            groups.append(SpanConditions(part, {"service": service}, exact=False))
        else:
            rest.append(part)
    failing = [group for group in groups if group.conditions == {"errors": True} and group.exact]
    others = [group for group in groups if group not in failing]
    # all servers can search by service, and some require it
    best = max(others, key=lambda group: _rank(group.conditions), default=None)
    if best is not None and best.conditions:
        conditions |= best.conditions
        conditions |= {"failed": True} if failing and not best.conditions.get("errors") else {}
    elif failing:
        conditions["errors"] = True
    rest += [group.text for group in others if group is not best or not group.exact]
    return search_from(conditions), rest


def _rank(conditions: dict[str, Any]) -> tuple[bool, int]:
    """Rank conditions by their use to a server: those with a service first, then by number."""
    return "service" in conditions or "services" in conditions, len(conditions)


def _alternative_services(node: Predicate) -> tuple[str, ...]:
    """List the services of which a condition requires one; () for any other condition."""
    if isinstance(node, AnySpan):
        return _alternative_services(node.part) if isinstance(node.part, Or) else ()
    if not isinstance(node, Or):
        return ()
    tests = [part.part if isinstance(part, AnySpan) else part for part in node.parts]
    found = [(_test_condition(test, True) or {}) if isinstance(test, Test) else {} for test in tests]
    return tuple(dict.fromkeys(one["service"] for one in found)) if all("service" in one for one in found) else ()


def _root_service(node: Predicate) -> str:
    """Return the service that a condition requires of the root; '' for other conditions."""
    if isinstance(node, Test) and not isinstance(node.field, Attribute) and node.field.name == "root.service":
        return node.value.text if node.value is not None and node.operation == "=" else ""
    return ""


def _is_response(node: Predicate) -> bool:
    return isinstance(node, Test) and not isinstance(node.field, Attribute) and node.field.name == "trace.response"


def _trace_condition(node: Predicate) -> dict[str, Any] | None:
    """Convert a condition on the trace itself to one for a server; None if there is no equivalent."""
    if isinstance(node, Or):
        ids: list[list[str]] = [(_trace_condition(part) or {}).get("trace_ids", []) for part in node.parts]
        return {"trace_ids": [one for some in ids for one in some]} if all(ids) else None
    if not isinstance(node, Test) or node.value is None or isinstance(node.field, Attribute):
        return None
    name, value = node.field.name, node.value.text
    if name == "trace.start" and node.operation in (*_ABOVE, *_BELOW):
        moment = find_time(value)
        if moment is None:
            now = time_ns()
            # the parser has checked that it is a time or a time of day
            moment = latest_at_clock(find_clock(value) or 0, now - UNITS["d"], now)
        return {"start_ns" if node.operation in _ABOVE else "end_ns": moment}
    if name in ("trace.duration", "trace.response") and node.operation in _ABOVE:
        duration = find_duration(value) or 0
        # the server compares with >
        slower_ns = duration if node.operation == ">" else duration - 1
        return {"slower_ns": slower_ns} if slower_ns >= 0 else {}
    if name == "trace.id" and node.operation == "=":
        return {"trace_ids": [value]}
    return None


def _span_condition(node: Predicate, exact_names: bool) -> tuple[dict[str, Any], bool]:
    """Convert conditions on one span to server conditions. -> these; True if they are equivalent"""
    if isinstance(node, And):
        merged: dict[str, Any] = {}
        exact = True
        for part in node.parts:
            one, is_exact = _span_condition(part, exact_names)
            attributes = {**merged.get("attributes", {}), **one.get("attributes", {})}
            merged |= one | ({"attributes": attributes} if attributes else {})
            exact &= is_exact
        return merged, exact
    found = _test_condition(node, exact_names) if isinstance(node, Test) else None
    return found or {}, found is not None


def _test_condition(node: Test, exact_names: bool) -> dict[str, Any] | None:
    """Convert one comparison to a server condition; None if there is no equivalent."""
    if isinstance(node.field, Attribute):
        if node.operation != "=" or node.value is None or not _is_as_written(node.value):
            return None
        if node.field.scope is Scope.EVENT or node.field.key.startswith(OF_EXCEPTIONS):
            # most servers search only the attributes of spans, not those of events
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
    """Test whether a server, which compares text, finds the value: numbers have several spellings."""
    if value.is_truth:
        return value.text in ("true", "false")
    number = value.number
    whole = isinstance(number, float) and number.is_integer()
    return number is None or (str(number) == value.text and not whole)
