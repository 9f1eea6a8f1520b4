"""OTLP lines as they are and in envelopes, written once and kept in `.bench/`, and how long each takes to load."""

from __future__ import annotations

import random
from pathlib import Path

import orjson

from tests.bench.large_file import FOLDER
from tests.bench.measure import cost, report
from tests.support.envelope_writers import WRITERS

_SPANS_PER_LINE = 10
_LINES_AT_A_TIME = 1_000
_MEASURED = (
    "docker",
    "cri",
    "logcli jsonl",
    "grafana json",
    "grafana csv",
    "gcloud list",
    "syslog 5424",
    "docker compose",
)
_LOAD = "from tracetui.ingest.loader import load; traces = load([{path!r}]); assert len(traces) == {spans}"


def measure_envelopes(spans: int) -> None:
    """Load the same lines bare and in envelopes."""
    spans -= spans % _SPANS_PER_LINE
    bare = cost(_LOAD.format(path=str(_file("bare", spans)), spans=spans))
    for name in _MEASURED:
        wrapped = cost(_LOAD.format(path=str(_file(name, spans)), spans=spans))
        detail = f"{wrapped.seconds:.2f} s against {bare.seconds:.2f} s"
        report(f"load, OTLP lines in {name}", wrapped.seconds / bare.seconds, 1.5, "x bare lines", detail)


def _file(name: str, spans: int) -> Path:
    """The lines in an envelope, or bare: some 500 bytes a span."""
    path = FOLDER / f"otlp-{name.replace(' ', '-')}-{spans}.log"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".part")
        chance = random.Random(1)
        with unfinished.open("w") as file:
            for begin in range(0, spans // _SPANS_PER_LINE, _LINES_AT_A_TIME):
                numbers = range(begin, min(begin + _LINES_AT_A_TIME, spans // _SPANS_PER_LINE))
                lines = [_line(number, chance) for number in numbers]
                whole = "".join(f"{line}\n" for line in lines)
                file.write(whole if name == "bare" else WRITERS[name].write([("web-1", line) for line in lines]))
        unfinished.rename(path)
    return path


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
