"""Queries for the traces of a service, of an inferred peer, or of the calls between two services."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tracetui.analysis.service_table import ServiceTable
from tracetui.model.span import Value
from tracetui.query.complete import attribute_field
from tracetui.query.lexer import in_quotes
from tracetui.render.services.explorer import Subject

_EXAMINED = 100
"""Largest number of calls to a peer that are read to find the attributes that name it."""


def service_query(service: str) -> str:
    """Query for the traces in which a service takes part."""
    return f"service = {in_quotes(service)}"


def in_service(service: str) -> str:
    """Braces for a span of a service."""
    return f"{{ {service_query(service)} }}"


def _as_one_span(*braces: str) -> str:
    """Join several braces into one, for a span that meets all of them."""
    return f"{{ {' AND '.join(one[2:-2] for one in braces)} }}"


def peer_query(peer: str, attributes: dict[str, Value]) -> str:
    """Query for the traces with a call like this one to an inferred peer; '' if no attribute names it.

    The name of a peer is the value of one attribute or of two, as in `redis:0`.
    """
    parts = {peer, *re.split("[:@]", peer, maxsplit=1)}
    named = {key: value for key, value in attributes.items() if isinstance(value, str) and value.strip() in parts}
    exact = [key for key, value in named.items() if value.strip() == peer]
    conditions = [f"{attribute_field(key)} = {in_quotes(str(named[key]))}" for key in exact[:1] or named]
    return f"{{ {' AND '.join(conditions)} }}" if conditions else ""


def calls_query(caller: str, callee: str) -> str:
    """Query for the traces in which one service calls another that has spans."""
    return f"{{ service = {in_quotes(callee)} AND caller = {in_quotes(caller)} }}"


def any_of(queries: Sequence[str]) -> str:
    """Query for the traces that any of these selects; '' for none."""
    return queries[0] if len(queries) == 1 else f"({' OR '.join(queries)})" if queries else ""


def within_service(service: str, query: str) -> str:
    """Limit a query for one span, in braces, to the spans of a service."""
    return query.replace("{ ", f"{{ service = {in_quotes(service)} AND ", 1)


def operation_query(service: str, operation: str, caller: str = "") -> str:
    """Query for the traces with an operation of a service, called by `caller` unless that is ''."""
    called = f" AND caller = {in_quotes(caller)}" if caller else ""
    return f"{{ service = {in_quotes(service)} AND operation = {in_quotes(operation)}{called} }}"


def with_errors(query: str) -> str:
    """Restrict a query to traces with errors."""
    return f"{query} AND error"


class Queries:
    """Builds queries for the traces of the explorer's rows."""

    def __init__(self, table: ServiceTable) -> None:
        self._table = table

    def of(self, subject: Subject) -> str:
        """Return the query for a subject; '' for a peer that no attribute names."""
        if subject.chain:
            return " AND ".join(any_of(calls) for calls in map(self._calls, subject.chain, subject.chain[1:]) if calls)
        if subject.operation:
            spans = [operation_query(subject.service, subject.operation, subject.caller)]
        elif (subject.caller, subject.service) in self._table.graph.edges:
            spans = self._calls(subject.caller, subject.service)
        else:
            spans = self._spans(subject.service)
        if subject.above[0]:
            above = self._spans(*subject.above)
            return any_of(self._each_below(above, spans, subject.above[0], subject.service))
        if subject.below[0]:
            below = self._spans(*subject.below)
            return any_of(self._each_below(spans, below, subject.service, subject.below[0]))
        if spans == [in_service(subject.service)]:
            return service_query(subject.service)
        return any_of(spans)

    def _each_below(self, above: Sequence[str], below: Sequence[str], caller: str, callee: str) -> list[str]:
        found = [f"{one} >> {other}" for one in above for other in below]
        if self._is_inferred(callee) and not self._is_inferred(caller):
            traces = self._table.traces
            spans = self._table.calls_of_peer(callee, caller, _EXAMINED)
            # the call to a peer may be the only span of its caller
            if any(traces.parent[i] < 0 or traces.service[traces.parent[i]] != traces.service[i] for i in spans):
                found = [*(_as_one_span(one, other) for one in above for other in below), *found]
        return found

    def _spans(self, name: str, operation: str = "") -> list[str]:
        """List braces that together match all spans of a service or operation, or all calls to a peer."""
        if operation:
            return [operation_query(name, operation)]
        own = [] if self._is_inferred(name) else [in_service(name)]
        return [*own, *self._of_peer(name)]

    def _calls(self, caller: str, callee: str) -> list[str]:
        own = [] if self._is_inferred(callee) else [calls_query(caller, callee)]
        return [*own, *(within_service(caller, query) for query in self._of_peer(callee, caller))]

    def _is_inferred(self, name: str) -> bool:
        return self._table.services[self._table.number[name]].inferred

    def _of_peer(self, peer: str, caller: str = "") -> list[str]:
        """List queries by the attributes that name the peer in unanswered calls."""
        traces = self._table.traces
        spans = self._table.calls_of_peer(peer, caller, _EXAMINED)
        return list(dict.fromkeys(filter(None, (peer_query(peer, traces.attributes(span)) for span in spans))))
