"""The queries that list the traces of a service, of an inferred peer, or of the calls between two."""

from __future__ import annotations

import re

from tracetui.analysis.query import FIELDS
from tracetui.analysis.query.fields import ALIASES, RESERVED
from tracetui.model.span import Value


def service_query(service: str) -> str:
    """The query for the traces in which a service takes part."""
    return f"service = {_quoted(service)}"


def peer_query(peer: str, attributes: dict[str, Value]) -> str:
    """The query for the traces with a call like this one to an inferred peer; '' where no attribute names it.

    A peer's name is the value of one attribute, or those of two, as in `redis:0`.
    """
    parts = {peer, *re.split("[:@]", peer, maxsplit=1)}
    named = {key: value for key, value in attributes.items() if isinstance(value, str) and value.strip() in parts}
    exact = [key for key, value in named.items() if value.strip() == peer]
    conditions = [f"{_attribute(key)} = {_quoted(str(named[key]))}" for key in exact[:1] or named]
    return f"{{ {' AND '.join(conditions)} }}" if conditions else ""


def calls_query(caller: str, callee: str) -> str:
    """The query for the traces in which one service calls another that has spans of its own."""
    return f"{{ service = {_quoted(callee)} AND caller = {_quoted(caller)} }}"


def within_service(service: str, query: str) -> str:
    """A query about one span in braces, asked of a service's spans alone."""
    return query.replace("{ ", f"{{ service = {_quoted(service)} AND ", 1)


def operation_query(service: str, operation: str) -> str:
    """The query for the traces with an operation of a service."""
    return f"{{ service = {_quoted(service)} AND operation = {_quoted(operation)} }}"


def failing(query: str) -> str:
    """A query, and that the trace failed."""
    return f"{query} AND error"


def _attribute(key: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][\w.-]*", key)
    if plain and "." in key and key not in FIELDS and key not in ALIASES and not key.startswith(RESERVED):
        return key
    return f"attr.{key}" if plain else f"attr.{_quoted(key)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
