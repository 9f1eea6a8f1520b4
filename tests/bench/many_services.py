"""Large file with many services that call one another, and the cost of their graph."""

from __future__ import annotations

import random
from pathlib import Path

import orjson

from tests.bench.large_file import FOLDER, SPANS_PER_TRACE

SERVICES = 1_000
_ENTRIES = 20
_FAN_OUT = 4
_DATABASES = 40


def services_file(spans: int) -> Path:
    """Write a Jaeger response of this many spans of a thousand services, each of which calls four others and a
    database.
    """
    path = FOLDER / f"services-{spans}.json"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".part")
        chance = random.Random(2)
        with unfinished.open("wb") as file:
            file.write(b'{"data":[')
            for number in range(spans // SPANS_PER_TRACE):
                file.write((b"," if number else b"") + orjson.dumps(_trace(number, chance)))
            file.write(b"]}")
        unfinished.rename(path)
    return path


def _trace(number: int, chance: random.Random) -> dict[str, object]:
    spans: list[dict[str, object]] = []
    services: set[int] = set()
    root = chance.randrange(_ENTRIES)

    def add(service: int, parent: str, kind: str, duration: int, *tags: tuple[str, str]) -> str:
        span_id = f"{number * SPANS_PER_TRACE + len(spans) + 1:016x}"
        services.add(service)
        named = (("span.kind", kind), ("http.url", f"http://service-{service}/x/{chance.randrange(1000)}"), *tags)
        spans.append(
            {
                "traceID": f"{number + 1:032x}",
                "spanID": span_id,
                "operationName": f"operation-{service % 60}",
                "references": [{"refType": "CHILD_OF", "traceID": f"{number + 1:032x}", "spanID": parent}]
                if parent
                else [],
                "startTime": 1_700_000_000_000_000 + number * 5_000 + len(spans) * 10,
                "duration": duration,
                "tags": [{"key": key, "type": "string", "value": value} for key, value in named],
                "logs": [],
                "processID": f"p{service}",
            }
        )
        return span_id

    waiting = [(root, add(root, "", "server", 50_000))]
    while len(spans) < SPANS_PER_TRACE:
        service, span_id = waiting.pop(chance.randrange(len(waiting))) if waiting else (root, str(spans[0]["spanID"]))
        callees = _callees(service)
        for callee in chance.sample(callees, min(2, len(callees))):
            client = add(service, span_id, "client", 1_000)
            waiting.append((callee, add(callee, client, "server", 900)))
        database = ("db.system", "postgresql"), ("db.name", f"database-{service % _DATABASES}")
        add(service, span_id, "client", 300, *database)
    processes = {f"p{service}": {"serviceName": f"service-{service}", "tags": []} for service in services}
    return {"traceID": f"{number + 1:032x}", "spans": spans, "processes": processes}


def _callees(service: int) -> list[int]:
    first = service * _FAN_OUT + 1
    return list(range(first, min(first + _FAN_OUT, SERVICES)))
