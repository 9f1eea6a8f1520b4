"""`make bench`: measure every budget, one line each.

`python -m tests.bench 100000` measures a smaller set, `python -m tests.bench --quick` (`make bench-quick`) a set of
50,000 spans, each figure once and a few envelopes only.
"""

from __future__ import annotations

import argparse
import os
from functools import partial

from tests.bench.envelopes import QUICK_ENVELOPES, measure_envelopes
from tests.bench.formats import measure_formats
from tests.bench.large_file import jaeger_file, one_trace_file
from tests.bench.many_names import many_names_file
from tests.bench.many_services import services_file
from tests.bench.measure import Cost, cost, printed_median, report
from tests.bench.screen import measure_screen
from tests.bench.server import serving
from tests.support.envelope_writers import WRITERS

# the collector would search the growing result again and again, and flatter the figures
_NO_COLLECTION = "import gc, orjson; gc.disable()"
_YARDSTICK = "value = orjson.loads(open({path!r}, 'rb').read())"
_LOAD = "from tracetui.ingest.loader import load; traces = load([{path!r}])"
_ANALYZE = """
import os, tracetui.cli.main as cli
sys.stdout = open(os.devnull, 'w')
cli.run(['analyze', {path!r}, '--json', '--output', os.devnull])
"""
_GRAPH = """
from tracetui.analysis.analysis import Analysis
from tracetui.ingest.loader import load
import networkx
analysis = Analysis(load([{path!r}]))
"""
_LAYOUT = """
import random
from tracetui.render.graph.layers import LayoutEdge
from tracetui.render.graph.layout import order_layers
chance, names = random.Random(1), [f"service-{number}" for number in range(1_000)]
edges = {LayoutEdge(*chance.sample(names, 2)) for _ in range(5_000)}
"""
_TABLES = {
    "Errors": ("error_table import ErrorTable", "errors.table import ErrorListColumns"),
    "Hot spots": ("operation_table import OperationTable", "hot_spots.table import HotSpotListColumns"),
}
_TABLE = """
from tracetui.analysis.analysis import Analysis
from tracetui.ingest.loader import load
from tracetui.analysis.{table} as Table
from tracetui.render.{columns} as Columns
analysis = Analysis(load([{path!r}]))
"""
_WHY = """
from tracetui.analysis.root_causes import find_causes_within
from tracetui.ingest.loader import load
traces = load([{path!r}])
"""
_WORDS = """
import gc, sys, time
from tracetui.analysis.analysis import Analysis
from tracetui.ingest.loader import load
from tracetui.query import parse
from tracetui.render.report.json import report_json
traces = load([{path!r}])
gc.disable()
parse("word")  # builds the grammar
begin = time.process_time()
b"".join(report_json(Analysis(traces), ["errors"]))
errors = time.process_time() - begin
longest = 0.0
for word in ("cache.miss", "items", "operation-7"):
    begin = time.process_time()
    next(found for _, found in parse(word).matches_in_parts(traces) if len(found))
    longest = max(longest, time.process_time() - begin)
print(longest / errors, file=sys.stderr)
"""
_SEARCH = "/search?service=service-0&limit=1500&start=1600000000000000&end=1800000000000000"
_FETCH = """
import httpx, sys, time
from tracetui.ingest.loader import load
first = 0.0
def arrived(make):
    global first
    first = first or (make(), time.monotonic())[1]
begin = time.monotonic()
traces = load([{url!r}], on_part=arrived)
assert len(traces) == {spans}, len(traces)
"""
_FIRST_ROWS = """
last = httpx.get({origin!r} + "/sent", trust_env=False).json()
print(100 * (first - begin) / (last - begin), file=sys.stderr)
"""
_SHAPES = {
    "chain": "lambda i: i - 1",
    "flat": "lambda i: 0 if i else -1",
    "tree": "lambda i: (i - 1) // 3 if i else -1",
}
_ONE_TRACE = """
from tests.bench.one_trace import one_trace
from tracetui.analysis.critical_path import critical_paths
traces = one_trace({spans}, {shape})
"""
_OPEN = "from tests.bench.open_trace import processor_seconds; print(processor_seconds({spans}), file=sys.stderr)"
_FEW_OPENED = 20_000
"""Number of spans of the trace that opening one of all spans is compared with."""
_RUNS = 3
"""Runs of each measurement, whose median counts."""
_QUICK_SPANS = 50_000
_CRITICAL_SPANS = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("spans", nargs="?", type=int)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    spans = arguments.spans or (_QUICK_SPANS if arguments.quick else 1_000_000)
    runs = 1 if arguments.quick else _RUNS
    path = str(jaeger_file(spans))
    services = str(services_file(spans))
    print(f"{spans:,} spans; load average {', '.join(f'{load:.1f}' for load in os.getloadavg())}", flush=True)
    load = measure_formats(spans, runs)
    measure_report(path, runs)
    measure_analysis(path, services, spans, load, runs)
    measure_start(runs)
    measure_envelopes(spans // 5, runs, QUICK_ENVELOPES if arguments.quick else tuple(WRITERS))
    measure_server(spans * 3 // 10, 1 if arguments.quick else 5)
    measure_screen(path, str(one_trace_file(spans)), services, spans, runs)


def measure_report(path: str, runs: int) -> None:
    """Measure the report against parsing the JSON."""
    yardstick = cost(_YARDSTICK.format(path=path), _NO_COLLECTION, runs)
    whole = cost(_ANALYZE.format(path=path), runs=runs)
    detail = (
        f"{whole.seconds:.2f} s against {yardstick.seconds:.2f} s; "
        f"processor time {whole.processor_seconds:.2f} s against {yardstick.processor_seconds:.2f} s"
    )
    report("analyze, all sections, JSON", whole.seconds / yardstick.seconds, 0.7, "x orjson", detail)


def measure_analysis(path: str, services: str, spans: int, load: Cost, runs: int) -> None:
    """Measure parts of the analysis, against loading or in seconds."""
    timed = partial(cost, runs=runs)
    for name, shape in _SHAPES.items():
        found = timed("critical_paths(traces)", _ONE_TRACE.format(spans=_CRITICAL_SPANS, shape=shape))
        report(f"critical path of {_CRITICAL_SPANS:,} spans, {name}", found.seconds, 0.3, "s", "")
    small, large = (printed_median(f"import sys; {_OPEN.format(spans=count)}", runs) for count in (_FEW_OPENED, spans))
    each = f"{large * 1e3:.0f} ms of processor time for {spans:,} spans, {small * 1e3:.0f} ms for {_FEW_OPENED:,}"
    report("open a trace, per span", (large / spans) / (small / _FEW_OPENED), 1.2, "x", each)
    load_many = timed(_LOAD.format(path=services))
    graph = timed("analysis.graph", _GRAPH.format(path=services))
    share = 100 * graph.seconds / load_many.seconds
    report("graph of 1,000 services", share, 10, "% of load", f"{graph.seconds:.2f} s of {load_many.seconds:.2f} s")
    layout = timed("order_layers(names, edges).place()", _LAYOUT)
    report("layout of 1,000 services and 5,000 calls", layout.seconds, 1.0, "s", "outside the UI loop")
    for view, (table, columns) in _TABLES.items():
        made = timed("Columns(Table(analysis))", _TABLE.format(path=path, table=table, columns=columns))
        share = 100 * made.seconds / load.seconds
        report(f"first figures of the {view} view", share, 20, "% of load", f"{made.seconds:.2f} s")
    why = timed("find_causes_within(traces)", _WHY.format(path=path))
    report("root causes, without loading", why.seconds / load.seconds, 0.4, "x load", f"{why.seconds:.2f} s")
    first = printed_median(_WORDS.format(path=path), runs)
    report("first match of a word", first, 0.3, "x errors", "processor time, the slowest of three words")
    measure_many_names(spans, runs)


def measure_many_names(spans: int, runs: int) -> None:
    """Measure the report on a set with many names against the same set with few, by processor time."""
    paths = [str(many_names_file(spans, names)) for names in (400, spans // 5)]
    for form, code in (("JSON", _ANALYZE), ("text", _ANALYZE.replace("'--json', ", ""))):
        # one after the other, so that other load on the machine affects both
        costs = [[cost(code.format(path=path), runs=1).processor_seconds for path in paths] for _ in range(runs)]
        few, most = (min(column) for column in zip(*costs, strict=True))
        detail = f"{most:.2f} s against {few:.2f} s of processor time"
        report(f"analyze, {form}, {spans // 5:,} names against 400", most / few, 1.2, "x", detail)


def measure_start(runs: int) -> None:
    timed = partial(cost, setup="import subprocess", runs=runs)
    bare = timed("subprocess.run([sys.executable, '-c', ''])")
    version = timed("subprocess.run([sys.executable, '-m', 'tracetui', '--version'], stdout=-3)")
    report(
        "tracetui --version", version.seconds * 1000, 100, "ms", f"python -c '' takes {bare.seconds * 1000:.0f} ms here"
    )


def measure_server(spans: int, pairs: int) -> None:
    """Measure a load from a server against one of the same bytes from a file."""
    file = jaeger_file(spans, 200)
    with serving(file) as origin:
        fetch = _FETCH.format(url=origin + _SEARCH, spans=spans)
        # one after the other, so that other load on the machine affects both
        runs = [(cost(fetch, runs=1), cost(_LOAD.format(path=str(file)), runs=1)) for _ in range(pairs)]
        whole, read = sorted(runs, key=lambda run: run[0].seconds / run[1].seconds)[len(runs) // 2]
        name = f"{spans // 200:,} traces of 200 spans from a server"
        report(name, whole.seconds / read.seconds, 1.3, "x file", f"{whole.seconds:.2f} s against {read.seconds:.2f} s")
        memory = f"{whole.peak_bytes / 1e6:,.0f} MB"
        report("the same, peak memory", whole.peak_bytes / read.peak_bytes, 1.3, "x file", memory)
        share = printed_median(fetch + _FIRST_ROWS.format(origin=origin), min(pairs, _RUNS))
        report("the same, first rows", share, 100, "% of bytes' time", "")


if __name__ == "__main__":
    main()
