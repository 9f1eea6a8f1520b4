"""Servers with a store that does not support every search."""

from __future__ import annotations

from typing import Any

from tests.support.loopback import Request
from tests.support.recordings import recorded
from tests.support.servers import LiveServer, StandIn

WANTS_SERVICE = "jaeger-2.20-badger-search-attributes-no-service"


def store_by_service(everything: bool, ends_ns: int | None = None) -> StandIn:
    """Serve a Jaeger whose store keeps traces by service: badger, or one like Cassandra, which always requires a
    service.
    """
    server = LiveServer("jaeger-v3", ends_ns=ends_ns)

    def fault(handler: Any) -> None:
        request: Request = handler.request_read
        of_none = "query.serviceName" not in request.query and "query.startTimeMax" in request.query
        probing = request.query.get("query.searchDepth") == ["1"]
        refused = of_none and not probing and (everything or "query.attributes" in request.query)
        server.send(handler, recorded("faults")[WANTS_SERVICE] if refused else server.respond(request))

    server.fault, server.fault_on = fault, "/(traces|trace-summaries)$"
    return server
