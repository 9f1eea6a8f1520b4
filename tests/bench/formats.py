"""The same spans as files of several formats, and the time and memory to load each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.bench.large_file import FOLDER, jaeger_file
from tests.bench.measure import Cost, cost, peak_of_pages, report
from tracetui.export.registry import exporter_named
from tracetui.ingest.loader import load

_LOAD = "from tracetui.ingest.loader import load; traces = load([{path!r}]); assert len(traces) == {spans}"
# a collector would be measured otherwise: it searches the growing result again and again
_NO_COLLECTION = "import gc, orjson; gc.disable()"
_PARSE = "value = orjson.loads(open({path!r}, 'rb').read())"
_PARSE_LINES = "values = [orjson.loads(line) for line in open({path!r}, 'rb')]"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """Format of a large file.

    write: writes the spans of a Jaeger response. time_budget: of the yardstick: the time to parse the JSON, or, for a
    binary format, to load the same spans from Jaeger JSON. memory_budget: of the size of the file.
    """

    name: str
    suffix: str
    write: Callable[[Path], Iterator[bytes]]
    time_budget: float
    memory_budget: float
    yardstick: str = _PARSE


def measure_formats(spans: int, runs: int) -> Cost:
    """Measure loading of every format. -> the cost to load Jaeger JSON"""
    jaeger = Cost(0, 0, 0)
    for one in FORMATS:
        path = _file(one, spans)
        work = _LOAD.format(path=str(path), spans=spans)
        yardstick = cost(one.yardstick.format(path=str(path)), _NO_COLLECTION, runs) if one.yardstick else jaeger
        loaded = cost(work, runs=runs)
        if one.name == "Jaeger JSON":
            jaeger = loaded
        unit = "x orjson" if one.yardstick else "x Jaeger"
        detail = (
            f"{loaded.seconds:.2f} s against {yardstick.seconds:.2f} s; "
            f"processor time {loaded.processor_seconds:.2f} s against {yardstick.processor_seconds:.2f} s"
        )
        report(f"load, {one.name}", loaded.seconds / yardstick.seconds, one.time_budget, unit, detail)
        size = path.stat().st_size
        pages = peak_of_pages(work) or loaded.peak_bytes
        report(f"peak memory, {one.name}", pages / size, one.memory_budget, "x file", f"{pages / 1e6:,.0f} MB")
    return jaeger


def _file(one: FileFormat, spans: int) -> Path:
    """Write the file of a format once. -> its path"""
    source = jaeger_file(spans)
    if one.name == "Jaeger JSON":
        return source
    path = FOLDER / f"{spans}{one.suffix}"
    if not path.exists():
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            file.writelines(one.write(source))
        unfinished.rename(path)
    return path


def _exported(name: str) -> Callable[[Path], Iterator[bytes]]:
    return lambda source: exporter_named(name).encode(load([str(source)]), Counter())


def _documents(source: Path) -> Iterator[bytes]:
    """Write documents of Jaeger's Elasticsearch storage, as `elasticdump` does."""
    for trace in orjson.loads(source.read_bytes())["data"]:
        for span in trace["spans"]:
            document: dict[str, Any] = {
                **span,
                "process": trace["processes"][span["processID"]],
                "startTimeMillis": span["startTime"] // 1000,
                "tags": [{**tag, "value": orjson.dumps(tag["value"]).decode().strip('"')} for tag in span["tags"]],
            }
            del document["processID"], document["warnings"]
            yield orjson.dumps({"_index": "jaeger-span", "_id": span["spanID"], "_source": document}) + b"\n"


FORMATS = (
    FileFormat("Jaeger JSON", ".jaeger.json", lambda source: iter(()), 0.4, 1.6),
    FileFormat("OTLP JSON lines", ".otlp.jsonl", _exported("otlp-json"), 0.5, 1.6, _PARSE_LINES),
    FileFormat("OTLP protobuf", ".pb", _exported("otlp-protobuf"), 1.0, 2.5, ""),
    FileFormat("Zipkin v2", ".zipkin.json", _exported("zipkin"), 0.8, 2.0),
    FileFormat("Zipkin v1", ".zipkin-v1.json", _exported("zipkin-v1"), 2.0, 2.0),
    FileFormat("Elasticsearch documents", ".documents.jsonl", _documents, 1.5, 1.6, _PARSE_LINES),
)
