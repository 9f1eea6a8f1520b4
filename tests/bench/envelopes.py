"""OTLP lines of about 430 bytes per span, bare and in envelopes, and the time to load them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import orjson

from tests.bench.large_file import FOLDER
from tests.bench.measure import Cost, cost, report
from tests.support.envelope_writers import WRITERS

_SPANS_PER_LINE = 10
_NOT_MEASURED = ("docker, split", "cri, split")
"""Writers whose pieces are far shorter than those of any runtime."""
QUICK_ENVELOPES = ("docker", "loki answer", "cloudwatch csv", "journalctl export", "syslog 5424")
"""One of each kind: JSON lines, a document, a table, blocks and text."""
_LOAD = "from tracetui.ingest.loader import load; traces = load([{path!r}]); assert len(traces) == {spans}"


def measure_envelopes(spans: int, runs: int, names: Sequence[str]) -> None:
    """Load the same lines bare and in each of these envelopes, as a single document if the envelope is one."""
    chance = random.Random(1)
    lines = [_line(number, chance) for number in range(spans // _SPANS_PER_LINE)]
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "envelope.log"
    try:
        path.write_text("".join(f"{line}\n" for line in lines))
        bare = _load(path, len(lines), runs)
        for name in names:
            if name in _NOT_MEASURED:
                continue
            path.write_text(WRITERS[name].write([("web-1", line) for line in lines]))
            wrapped = _load(path, len(lines), runs)
            detail = f"{wrapped.seconds:.2f} s against {bare.seconds:.2f} s"
            report(f"load, OTLP lines in {name}", wrapped.seconds / bare.seconds, 1.5, "x bare lines", detail)
    finally:
        path.unlink(missing_ok=True)


def _load(path: Path, lines: int, runs: int) -> Cost:
    return cost(_LOAD.format(path=str(path), spans=lines * _SPANS_PER_LINE), runs=runs)


def _line(number: int, chance: random.Random) -> str:
    ids = [f"{chance.getrandbits(64):016x}" for _ in range(_SPANS_PER_LINE)]
    trace_id = f"{chance.getrandbits(128):032x}"
    begin = 1_700_000_000_000_000_000 + number * 5_000_000
    spans = [
        {
            "traceId": trace_id,
            "spanId": span_id,
            "parentSpanId": ids[i - 1] if i else "",
            "name": f"operation-{i}",
            "kind": 2,
            "startTimeUnixNano": str(begin + i * 100_000),
            "endTimeUnixNano": str(begin + 5_000_000 - i * 100_000),
            "attributes": [
                {"key": "http.request.method", "value": {"stringValue": "GET"}},
                {"key": "http.response.status_code", "value": {"intValue": "200"}},
                {"key": "user.id", "value": {"stringValue": str(chance.randrange(1_000))}},
            ],
            "status": {},
        }
        for i, span_id in enumerate(ids)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": f"service-{number % 12}"}}]}
    scope_spans = [{"scope": {"name": "lib"}, "spans": spans}]
    return orjson.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}).decode()
