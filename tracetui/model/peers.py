"""Inferred peers: what a span called that has no spans of its own, such as a database or a queue.

The names follow formats of the field: `peer.service` and its successor first, then the kind of system, as Grafana
Tempo's service graphs and Zipkin's dependency links do; databases are named `system:database`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from tracetui.model.span import Kind, Value

_NAMED = ("service.peer.name", "peer.service")
_DB_SYSTEM = ("db.system.name", "db.system")
_DB_NAME = ("db.namespace", "db.name")
_HOST = (
    "server.address",
    "net.peer.name",
    "http.host",
    "url.full",
    "http.url",
    "network.peer.address",
    "net.sock.peer.name",
    "net.sock.peer.addr",
    "net.peer.ip",
    "peer.hostname",
    "peer.address",
)
_DESTINATION = (
    "messaging.destination.name",
    "messaging.destination.template",
    "messaging.destination",
    "message_bus.destination",
)


_USED = frozenset(
    (
        *_NAMED,
        *_DB_SYSTEM,
        *_HOST,
        *_DESTINATION,
        "sql.query",
        "messaging.system",
        "rpc.system",
        "rpc.system.name",
    )
)
NOTED = frozenset((*_NAMED, *_DB_SYSTEM, *_DB_NAME))
"""The attributes that decoders read for `noted_peer`, as they name most of what is called."""
_URL_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9._-]+)(?::[0-9]*)?(?:[/?#]|$)")


def peer_name(kind: int, attributes: Mapping[str, Value]) -> str | None:
    """What an unanswered CLIENT or PRODUCER span called, or a database that any other span names; None if unknown."""
    # asked of every span that nothing answers: most attributes have nothing to do with it
    if _USED.isdisjoint(attributes):
        return None
    named = _first(attributes, _NAMED)
    if named:
        return named
    system = _first(attributes, _DB_SYSTEM)
    if system or "sql.query" in attributes:
        return _database(system or "sql", attributes)
    if kind not in (Kind.CLIENT, Kind.PRODUCER):
        return None
    messaging = _first(attributes, ("messaging.system",))
    if messaging or kind == Kind.PRODUCER:
        return _first(attributes, _DESTINATION) or messaging
    if "rpc.system" in attributes or "rpc.system.name" in attributes:
        service = _first(attributes, ("rpc.service",))
        method = _first(attributes, ("rpc.method",))
        return service or (method.rpartition("/")[0].strip("/") if method else None) or _host(attributes)
    return _host(attributes)


def noted_peer(attributes: Mapping[str, Value]) -> str:
    """What `peer_name` says of an outgoing span, by `NOTED` attributes alone; '' where it takes others to tell."""
    named = _first(attributes, _NAMED)
    if named:
        return named
    system, database = _first(attributes, _DB_SYSTEM), _first(attributes, _DB_NAME)
    return f"{system}:{database}" if system and database else ""


def _database(system: str, attributes: Mapping[str, Value]) -> str:
    database = _first(attributes, _DB_NAME)
    if database:
        return f"{system}:{database}"
    host = _host(attributes)
    return f"{system}@{host}" if host else system


def _host(attributes: Mapping[str, Value]) -> str | None:
    for key in _HOST:
        if key not in attributes:
            continue
        text = _first(attributes, (key,))
        if text and key in ("url.full", "http.url"):
            try:
                text = _host_of_url(text)
            except ValueError:
                continue
        if text:
            return text
    return None


def _host_of_url(url: str) -> str | None:
    """Raises ValueError for a URL that is none."""
    # the standard library's way takes ten times as long, and is needed for the odd ones alone
    plain = _URL_HOST.match(url)
    return plain[1].lower() if plain else urlsplit(url).hostname


def _first(attributes: Mapping[str, Value], keys: Iterable[str]) -> str | None:
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, str):
            text = value.strip()
            if text:
                return text
    return None
