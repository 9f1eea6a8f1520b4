"""Servers with many traces: the wanted ones are older than more traces than a search returns."""

from __future__ import annotations

from collections.abc import Iterable

from tests.support.building import collect, span
from tests.support.documents import Json
from tests.support.recordings import LAST_NS
from tests.support.servers import LiveServer
from tracetui.model.intake import Intake

MS, SECOND = 1_000_000, 1_000_000_000
NEWER = 150
"""Number of traces without an error, each of two spans of 5 and 4 ms, one second apart and newer than all recorded
ones.
"""


def server_with_newer_traces(kind: str, newer: int = NEWER, *, ends_ns: int | None = None) -> LiveServer:
    """Serve the recorded traces and `newer` newer ones of the services front and back; the last begins at `ends_ns`."""
    last = LAST_NS if ends_ns is None else ends_ns - newer * SECOND
    server = LiveServer(kind, ends_ns=None if ends_ns is None else last)
    for number in range(newer):
        server.add(trace(kind, number + 1, last + (number + 1) * SECOND))
    return server


def server_with_services(kind: str, count: int, *, begun_ns: int) -> LiveServer:
    """Serve a trace of each of this many services, svc-000 and on, which begin at about the same time."""
    server = LiveServer(kind, empty=True)
    for number in range(count):
        server.add(trace(kind, number + 1, begun_ns + number * MS, [MS], [f"svc-{number:03}"]))
    return server


def trace(
    kind: str,
    number: int,
    start_ns: int,
    durations: Iterable[int] = (5 * MS, 4 * MS),
    services: Iterable[str] = ("front", "back"),
    tags: dict[str, str] | None = None,
    *,
    names: Iterable[str] = (),
    is_error: bool = False,
    is_orphan: bool = False,
    later: int = 0,
) -> Json:
    """Make a trace in a server's JSON: a span per service, each the parent of the next; the last one has the tags.

    names: of the first spans; the others are named after their services.
    is_error: True if the last span has the status error.
    is_orphan: True if the parent of the first span is missing.
    later: nanoseconds by which each span begins later than the one before.
    """
    services = tuple(services)
    named = dict(enumerate(names))
    trace_id = f"{number:032x}"
    first_parent = f"{number:08x}deadbeef" if is_orphan else ""
    spans = [
        (
            f"{number * 16 + at:016x}",
            f"{number * 16 + at - 1:016x}" if at else first_parent,
            service,
            start_ns + at * later,
            duration,
        )
        for at, (service, duration) in enumerate(zip(services, durations, strict=True))
    ]
    last = len(spans) - 1
    span_tags = [(tags or {}) if at == last else {} for at in range(len(spans))]
    labels = [named.get(at, f"GET /{service}") for at, service in enumerate(services)]
    if is_error and kind in ("zipkin", "jaeger-v1"):
        span_tags[last] = {**span_tags[last], "error": "true"}
    if kind == "zipkin":
        return [
            {
                "traceId": trace_id,
                "id": span_id,
                **({"parentId": parent} if parent else {}),
                "name": name.lower(),
                "timestamp": start // 1000,
                "duration": duration // 1000,
                "localEndpoint": {"serviceName": service.lower()},
                "tags": tags_of,
            }
            for (span_id, parent, service, start, duration), tags_of, name in zip(spans, span_tags, labels, strict=True)
        ]
    if kind == "jaeger-v1":
        return {
            "traceID": trace_id,
            "spans": [
                {
                    "traceID": trace_id,
                    "spanID": span_id,
                    "operationName": name,
                    "references": [{"refType": "CHILD_OF", "traceID": trace_id, "spanID": parent}] if parent else [],
                    "startTime": start // 1000,
                    "duration": duration // 1000,
                    "tags": [{"key": key, "type": "string", "value": value} for key, value in tags_of.items()],
                    "logs": [],
                    "processID": service,
                    "warnings": None,
                }
                for (span_id, parent, service, start, duration), tags_of, name in zip(
                    spans, span_tags, labels, strict=True
                )
            ],
            "processes": {service: {"serviceName": service, "tags": []} for _, _, service, _, _ in spans},
            "warnings": None,
        }
    if kind not in ("jaeger-v3", "tempo"):
        raise ValueError(f"traces of {kind} cannot be made yet")
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
                                "name": name,
                                "kind": 2,
                                "startTimeUnixNano": str(start),
                                "endTimeUnixNano": str(start + duration),
                                "attributes": [
                                    {"key": key, "value": {"stringValue": value}} for key, value in tags_of.items()
                                ],
                                "status": {"code": 2} if is_error and span_id == spans[last][0] else {},
                            }
                        ],
                    }
                ],
            }
            for (span_id, parent, service, start, duration), tags_of, name in zip(spans, span_tags, labels, strict=True)
        ]
    }


def poll(number: int, traces: int = 50) -> Intake:
    """Make a response of new traces with unique names."""
    new = Intake()
    for trace in range(traces):
        own = f"{number}-{trace}"
        start = 1_000 * number + trace
        given = span("1", start, start + 5, trace=own, service=f"s-{own}", name=f"n-{own}", resource={"pod": own})
        collect([given], new)
        new.traces.warn(new.traces(own), ["late"])
        collect([given.but(trace=f"{own}-b", name="the same", attributes={"at": own})], new)
    return new
