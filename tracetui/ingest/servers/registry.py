"""Registry of the kinds of servers, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from tracetui.ingest.servers import jaeger_detection, tempo, zipkin
from tracetui.ingest.servers.back_end import BackEnd, ServerKind, Warn
from tracetui.ingest.servers.connection import Connection
from tracetui.ingest.servers.probe import Probe
from tracetui.model.errors import UsageError

KINDS: Final[tuple[ServerKind, ...]] = (jaeger_detection.KIND, zipkin.KIND, tempo.KIND)


def check_kind(name: str) -> None:
    """Raise UsageError, with the known names, for a kind in the config file that is not registered."""
    if name and all(kind.name != name for kind in KINDS):
        raise UsageError(f"unknown kind {name!r} of server; kinds: {', '.join(kind.name for kind in KINDS)}")


def kind_titles(kinds: Sequence[ServerKind] = KINDS) -> str:
    """List kinds for users, as `Jaeger, Zipkin or Tempo`."""
    *others, last = [kind.title for kind in kinds]
    return f"{', '.join(others)} or {last}" if others else last


def back_end_at(connection: Connection, name: str, warn: Warn) -> BackEnd:
    """Return the back end at an address, of the kind of this name or ('') of the kind detected.

    Raises BackEndError for an unreachable server and for one of another kind, and UsageError for an unknown name.
    """
    check_kind(name)
    probe = Probe(connection, warn)
    port = urlsplit(connection.address.base).port
    # the usual port first
    kinds = sorted(
        (kind for kind in KINDS if not name or kind.name == name),
        key=lambda kind: (kind.port != port, KINDS.index(kind)),
    )
    for kind in kinds:
        found = kind.detect(probe)
        if found is not None:
            return found
    ports = ", ".join(f"{kind.title} {kind.port}" for kind in KINDS)
    paths = ", ".join(kind.base_paths for kind in KINDS if kind.base_paths)
    raise probe.failure(kind_titles(kinds), f"the port ({ports}) and the base path ({paths})")
