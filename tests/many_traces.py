"""Servers that hold many traces: what is wanted lies behind more, newer traces than are asked for."""

from __future__ import annotations

from collections.abc import Iterable

from tests.documents import Json
from tests.recorded import LAST_NS
from tests.servers import LiveServer

MS, SECOND = 1_000_000, 1_000_000_000
NEWER = 150
"""Traces without an error, each of two spans of 5 and 4 ms, a second apart and newer than all that were recorded."""


def server_with_newer_traces(kind: str, newer: int = NEWER, *, ends_ns: int | None = None) -> LiveServer:
    """The recorded traces, and so many newer ones of the services front and back; the last one begins at `ends_ns`."""
    last = LAST_NS if ends_ns is None else ends_ns - newer * SECOND
    server = LiveServer(kind, ends_ns=None if ends_ns is None else last)
    for number in range(newer):
        server.add(trace(kind, number + 1, last + (number + 1) * SECOND))
    return server


def trace(
    kind: str,
    number: int,
    start_ns: int,
    durations: Iterable[int] = (5 * MS, 4 * MS),
    services: Iterable[str] = ("front", "back"),
    tags: dict[str, str] | None = None,
) -> Json:
    """A trace in a server's JSON: a span of each service, each the parent of the next; the tags are the last one's."""
    trace_id = f"{number:032x}"
    spans = [
        (f"{number * 16 + at:016x}", f"{number * 16 + at - 1:016x}" if at else "", service, duration)
        for at, (service, duration) in enumerate(zip(services, durations, strict=True))
    ]
    last = len(spans) - 1
    told = [(tags or {}) if at == last else {} for at in range(len(spans))]
    if kind == "zipkin":
        return [
            {
                "traceId": trace_id,
                "id": span_id,
                **({"parentId": parent} if parent else {}),
                "name": f"get /{service}",
                "timestamp": start_ns // 1000,
                "duration": duration // 1000,
                "localEndpoint": {"serviceName": service},
                "tags": tags_of,
            }
            for (span_id, parent, service, duration), tags_of in zip(spans, told, strict=True)
        ]
    if kind == "jaeger-v1":
        return {
            "traceID": trace_id,
            "spans": [
                {
                    "traceID": trace_id,
                    "spanID": span_id,
                    "operationName": f"GET /{service}",
                    "references": [{"refType": "CHILD_OF", "traceID": trace_id, "spanID": parent}] if parent else [],
                    "startTime": start_ns // 1000,
                    "duration": duration // 1000,
                    "tags": [{"key": key, "type": "string", "value": value} for key, value in tags_of.items()],
                    "logs": [],
                    "processID": service,
                    "warnings": None,
                }
                for (span_id, parent, service, duration), tags_of in zip(spans, told, strict=True)
            ],
            "processes": {service: {"serviceName": service, "tags": []} for _, _, service, _ in spans},
            "warnings": None,
        }
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [
                    {
                        "scope": {},
                        "spans": [
                            {
                                "traceId": trace_id,
                                "spanId": span_id,
                                **({"parentSpanId": parent} if parent else {}),
                                "name": f"GET /{service}",
                                "kind": 2,
                                "startTimeUnixNano": str(start_ns),
                                "endTimeUnixNano": str(start_ns + duration),
                                "attributes": [
                                    {"key": key, "value": {"stringValue": value}} for key, value in tags_of.items()
                                ],
                                "status": {},
                            }
                        ],
                    }
                ],
            }
            for (span_id, parent, service, duration), tags_of in zip(spans, told, strict=True)
        ]
    }
