"""Detection of servers with Jaeger's API: its versions, and the dialects of other servers."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from tracetui.ingest.servers.back_end import BackEnd, ServerKind
from tracetui.ingest.servers.jaeger import Jaeger
from tracetui.ingest.servers.jaeger_dialects import PATHS, dialect_of
from tracetui.ingest.servers.probe import Probe

_OK, _BAD_REQUEST = 200, 400


def _detect(probe: Probe) -> BackEnd | None:
    address = urlsplit(probe.connection.address.base)
    usual = "" if address.path else PATHS.get(address.port or 0, "")
    for root in dict.fromkeys((usual, "")):
        v3 = probe.get_fields(f"{root}/api/v3/services", "services") is not None
        names = probe.get_fields(f"{root}/api/services", "data")
        if v3 or names is not None:
            return Jaeger(
                probe.connection,
                probe.warn,
                v1=names is not None,
                v3=v3,
                summaries=v3 and _has_summaries(probe, root),
                root=root,
                dialect=dialect_of(address.path + root, names),
            )
    return None


def _has_summaries(probe: Probe, root: str) -> bool:
    window = {
        "query.startTimeMin": "2020-01-01T00:00:00Z",
        "query.startTimeMax": "2020-01-01T00:00:01Z",
        "query.searchDepth": "1",
    }
    response = probe.connection.get(f"{root}/api/v3/trace-summaries", window)
    # a store that requires a service rejects the request in JSON
    return response.status in (_OK, _BAD_REQUEST) and response.body.lstrip()[:1] == b"{"


KIND: Final = ServerKind(
    name="jaeger",
    title="Jaeger",
    port=16686,
    detect=_detect,
    base_paths="VictoriaTraces /select/jaeger, GreptimeDB /v1/jaeger, Quickwit /api/v1/INDEX/jaeger",
)
