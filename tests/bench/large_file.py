"""Large files of generated traces, written once and stored in `.bench/`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import orjson

from tests.support.paths import ROOT

FOLDER = ROOT / ".bench"
SPANS_PER_TRACE = 50
SERVICES = 12
OPERATIONS = 60


def jaeger_file(spans: int, per_trace: int = SPANS_PER_TRACE) -> Path:
    """Write a Jaeger response with this many spans of about 615 bytes and five attributes each. -> the file"""
    path = FOLDER / (f"jaeger-{spans}.json" if per_trace == SPANS_PER_TRACE else f"jaeger-{spans}-{per_trace}.json")
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            file.write(b'{"data":[')
            for number, trace in enumerate(_traces(spans // per_trace, per_trace, random.Random(1))):
                file.write((b"," if number else b"") + orjson.dumps(trace))
            file.write(b'],"total":0,"limit":0,"offset":0,"errors":null}')
        unfinished.rename(path)
    return path


def one_trace_file(spans: int) -> Path:
    """Write a Jaeger trace of this many spans, with four children each. -> the file"""
    path = FOLDER / f"one-trace-{spans}.json"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        parents = [None, *(f"{(i - 1) // 4 + 1:016x}" for i in range(1, spans))]
        trace = [
            {
                "traceID": "1",
                "spanID": f"{i + 1:016x}",
                "operationName": f"operation-{i % 7}",
                "references": [{"refType": "CHILD_OF", "traceID": "1", "spanID": f"{(i - 1) // 4 + 1:016x}"}]
                if i
                else [],
                "startTime": 1_700_000_000_000_000 + i,
                "duration": max(2 * spans // (i + 1), 5),
                "tags": [],
                "logs": [],
                "processID": f"p{i % 3}",
            }
            for i, parent in enumerate(parents)
        ]
        processes = {f"p{i}": {"serviceName": f"service-{i}", "tags": []} for i in range(3)}
        path.write_bytes(orjson.dumps({"data": [{"traceID": "1", "spans": trace, "processes": processes}]}))
    return path


def _traces(count: int, spans_each: int, chance: random.Random) -> Iterator[dict[str, object]]:
    kinds = [chance.choice(["client", "server", "internal"]) for _ in range(OPERATIONS)]
    for number in range(count):
        trace_id = f"{chance.getrandbits(128):032x}"
        begin = 1_700_000_000_000_000 + number * 5_000
        ids: list[str] = []
        processes: dict[str, object] = {}
        spans = []
        for position in range(spans_each):
            operation = (number * 7 + position * 3) % OPERATIONS
            service = f"service-{operation % SERVICES}"
            ids.append(f"{chance.getrandbits(64):016x}")
            parent = ids[chance.randrange(max(0, position - 8), position)] if position else None
            failed = chance.random() < 0.01
            processes[f"p{operation % SERVICES}"] = {
                "serviceName": service,
                "tags": [{"key": "hostname", "type": "string", "value": f"host-{service}"}],
            }
            tags: list[dict[str, object]] = [
                {"key": "span.kind", "type": "string", "value": kinds[operation]},
                {"key": "http.method", "type": "string", "value": "GET"},
                {"key": "http.status_code", "type": "int64", "value": 500 if failed else 200},
                {"key": "http.url", "type": "string", "value": f"http://{service}/{chance.randrange(10**6)}/items"},
                {"key": "user.id", "type": "string", "value": str(chance.randrange(1000))},
            ]
            if failed:
                tags.append({"key": "error", "type": "bool", "value": True})
            start = begin + position * 100
            event = {"timestamp": start + 5, "fields": [{"key": "event", "type": "string", "value": "cache.miss"}]}
            spans.append(
                {
                    "traceID": trace_id,
                    "spanID": ids[-1],
                    "flags": 1,
                    "operationName": f"operation-{operation}",
                    "references": [{"refType": "CHILD_OF", "traceID": trace_id, "spanID": parent}] if parent else [],
                    "startTime": start,
                    "duration": max(10, 5_000 - position * 90),
                    "tags": tags,
                    "logs": [] if position % 10 else [event],
                    "processID": f"p{operation % SERVICES}",
                    "warnings": None,
                }
            )
        yield {"traceID": trace_id, "spans": spans, "processes": processes, "warnings": None}
