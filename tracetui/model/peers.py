"""Inferred peers: call targets without spans of their own, such as a database or a queue.

Names follow common practice: first `peer.service` and its successor, then the kind of system, as in Grafana Tempo's
service graphs and Zipkin's dependency links. Databases are named `system:database`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from tracetui.model.span import Kind, Value

PEER_ATTRIBUTES = ("service.peer.name", "peer.service")
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
_REMOTE = ("network.peer.address", "peer.hostname", "peer.address")
"""Attributes that name the remote endpoint of a span, on either side of the call."""
_DESTINATION = (
    "messaging.destination.name",
    "messaging.destination.template",
    "messaging.destination",
    "message_bus.destination",
)
_MESSAGING = ("messaging.system", *_DESTINATION)
_RPC = ("rpc.system", "rpc.system.name", "rpc.service")
_OPERATION = ("messaging.operation.type", "messaging.operation", "messaging.operation.name")
_RECEIVING = frozenset(("receive", "process", "deliver"))
"""`deliver` was the name of `process` in versions 1.24 and 1.25 of the conventions."""
_CACHES = frozenset(
    "redis valkey memcached keydb dragonfly garnet hazelcast infinispan ehcache coherence elasticache"
    " aws.elasticache momento".split()
)

_CALL_ATTRIBUTES = frozenset((*PEER_ATTRIBUTES, *_DB_SYSTEM, *_MESSAGING, *_RPC, "sql.query"))
"""Attributes that state more about a call than its destination."""
_READ_ATTRIBUTES = _CALL_ATTRIBUTES.union(_HOST)
_PRODUCER = int(Kind.PRODUCER)
_OUTGOING = frozenset((int(Kind.CLIENT), _PRODUCER))
_NOTED_NAMES = frozenset((*PEER_ATTRIBUTES, *_DB_SYSTEM, *_DB_NAME))
NOTED = _NOTED_NAMES.union(_OPERATION)
"""Attributes that decoders read for `noted_peer`: they name most call targets and show which spans receive messages."""
_URL_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9._-]+)(?::[0-9]*)?(?:[/?#]|$)")
_SERVICE_SUFFIXES = (".svc", ".svc.cluster.local", ".local", ".internal", ".consul")
"""Suffixes that clusters add to the host names of services."""
_HOST_SEPARATOR, _NAME_SEPARATOR = "\1", "\0"
"""Separators after the type in a note: before the name of a peer that may be a service, or before a database."""
_NOTHING, _RECEIVES = "\2", "\3"


class Note(enum.IntEnum):
    """Notes that name no call target, by number. Higher numbers name one."""

    UNREAD = 0
    """The attributes must be read."""
    NOTHING = 1
    """The span receives no message and has none of the other attributes in `NOTED`."""
    RECEIVES = 2
    """The span receives a message; for anything else, the attributes must be read."""


NOTES = ("", _NOTHING, _RECEIVES)
"""Texts of the notes in `Note`."""


class PeerType(enum.StrEnum):
    """Types of inferred peers; of equally frequent ones the first here wins."""

    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Peer:
    """Call target named by a span."""

    name: str
    type: PeerType
    is_host: bool = False
    """True if only an address names it, so that the name of a span around it is better."""
    host: str = ""
    """Host that may be a service of the set; '' if the name is that of a database or a queue."""


def called_peer(kind: int, attributes: Mapping[str, Value]) -> Peer | None:
    """Name the target of an unanswered CLIENT or PRODUCER span, or of any other span that names a database.

    A span without a kind also calls its remote endpoint. None if nothing names it.
    """
    # called for every unanswered span, whose attributes are mostly irrelevant
    is_outgoing = kind in _OUTGOING
    if is_outgoing and _CALL_ATTRIBUTES.isdisjoint(attributes):
        return _peer_of_host(_host(attributes), kind == _PRODUCER)
    if _READ_ATTRIBUTES.isdisjoint(attributes):
        return None
    system = _first(attributes, _DB_SYSTEM) or ("sql" if is_outgoing and "sql.query" in attributes else None)
    has_messaging = not _NO_MESSAGING(attributes)
    type_ = _type(kind, system, has_messaging)
    named = _first(attributes, PEER_ATTRIBUTES)
    if named:
        may_name = is_outgoing or kind == Kind.UNSPECIFIED or system
        return Peer(named, type_, host=named) if may_name else None
    if system:
        return Peer(_database(system, attributes), type_)
    if kind == Kind.UNSPECIFIED:
        remote = _first(attributes, _REMOTE)
        return Peer(remote, PeerType.EXTERNAL, True, remote) if remote else None
    if not is_outgoing:
        return None
    if has_messaging:
        queue = _first(attributes, _DESTINATION) or _first(attributes, ("messaging.system",))
        if queue:
            return Peer(queue, type_)
    host = _host(attributes)
    if "rpc.system" in attributes or "rpc.system.name" in attributes:
        service = _first(attributes, ("rpc.service",))
        method = _first(attributes, ("rpc.method",))
        name = service or (method.rpartition("/")[0].strip("/") if method else None) or host
        return Peer(name, type_, host=host or "") if name else None
    return _peer_of_host(host, kind == Kind.PRODUCER)


@lru_cache(10_000)
def _peer_of_host(host: str | None, is_message: bool) -> Peer | None:
    return Peer(host, PeerType.QUEUE if is_message else PeerType.EXTERNAL, True, host) if host else None


_NO_MESSAGING = frozenset(_MESSAGING).isdisjoint


def _type(kind: int, system: str | None, has_messaging: bool) -> PeerType:
    if system:
        return PeerType.CACHE if system.lower() in _CACHES else PeerType.DATABASE
    return PeerType.QUEUE if has_messaging or kind == Kind.PRODUCER else PeerType.EXTERNAL


def noted_peer(attributes: Mapping[str, Value]) -> str:
    """Name the target of an outgoing span by `NOTED` attributes only; '' if others are needed.

    `read_note` decodes the result, except the texts in `NOTES`.
    """
    if receives(attributes):
        return _RECEIVES
    named = _first(attributes, PEER_ATTRIBUTES)
    system = _first(attributes, _DB_SYSTEM)
    if named:
        return f"{_type(Kind.CLIENT, system, False)}{_HOST_SEPARATOR}{named}" if system else named
    database = _first(attributes, _DB_NAME)
    if system and database:
        return f"{_type(Kind.CLIENT, system, False)}{_NAME_SEPARATOR}{system}:{database}"
    return _NOTHING if _NOTED_NAMES.isdisjoint(attributes) else ""


def read_note(note: str) -> tuple[str, PeerType | None, str]:
    """Decode a `noted_peer`. -> name, type if known, host as in `Peer`"""
    for separator in (_HOST_SEPARATOR, _NAME_SEPARATOR):
        type_, found, name = note.partition(separator)
        if found and type_ in _TYPES:
            return name, PeerType(type_), name if separator == _HOST_SEPARATOR else ""
    return note, None, note


_TYPES = frozenset(PeerType)


def remote_endpoint(attributes: Mapping[str, Value]) -> str | None:
    """Return the name of the service at the remote end of a span's call."""
    return _first(attributes, PEER_ATTRIBUTES)


def receives(attributes: Mapping[str, Value]) -> bool:
    """Test whether a messaging operation receives or processes, by current or former attributes."""
    operation = _first(attributes, _OPERATION)
    return operation is not None and operation.lower() in _RECEIVING


def service_of_host(host: str, services: Mapping[str, int]) -> int | None:
    """Find the service of a host name, which may have cluster suffixes.

    services: numbers by lower-case name.
    """
    bare = host.strip().lower().rstrip(".")
    name, colon, port = bare.rpartition(":")
    if colon and port.isdigit() and ":" not in name:
        bare = name
    found = services.get(bare)
    if found is not None or not bare.endswith(_SERVICE_SUFFIXES):
        return found
    # service names may contain dots: use the longest match
    labels = bare.split(".")
    return next(
        (services[name] for n in range(len(labels) - 1, 0, -1) if (name := ".".join(labels[:n])) in services), None
    )


def _database(system: str, attributes: Mapping[str, Value]) -> str:
    database = _first(attributes, _DB_NAME)
    if database:
        return f"{system}:{database}"
    host = _host(attributes)
    return f"{system}@{host}" if host else system


def _host(attributes: Mapping[str, Value]) -> str | None:
    for key in filter(attributes.__contains__, _HOST):
        value = attributes[key]
        if not isinstance(value, str):
            continue
        text: str | None = value.strip()
        if text and key in ("url.full", "http.url"):
            try:
                text = _host_of_url(text)
            except ValueError:
                continue
        if text:
            return text
    return None


def _host_of_url(url: str) -> str | None:
    """Return the host of a URL. Raises ValueError for an invalid one."""
    # the standard library takes ten times as long, and is only needed for unusual URLs
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
