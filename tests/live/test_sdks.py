"""Output of the console exporters of real SDKs is read completely. `make test-live`

Each program prints its spans between other output, and writes the SDK's own values to a file. The SDKs are those of the
interpreter that OTEL_PYTHON names and of the folder `node_modules` that OTEL_NODE_MODULES names; otherwise pip and npm
install them into `.live`. Without them the tests are skipped with the reason.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from tracetui.ingest.loader import load
from tracetui.model.span import Span
from tracetui.model.traces import TraceSet

pytestmark = pytest.mark.live

CACHE = ROOT / ".live"
SECONDS = 300
PACKAGES = ["@opentelemetry/api", "@opentelemetry/resources", "@opentelemetry/sdk-trace-node"]

PYTHON_PROGRAM = r"""
import json, sys
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

style, truth = sys.argv[1:]
line = ConsoleSpanExporter(formatter=lambda span: span.to_json(indent=None) + "\n")
provider = TracerProvider(resource=Resource.create({"service.name": "billing", "zones": ["a", "b"]}))
provider.add_span_processor(SimpleSpanProcessor(line if style == "lines" else ConsoleSpanExporter()))
tracer = provider.get_tracer("lib", "1.0")
print("2026-03-20 INFO starting {not json} [x]")
spans = []
attributes = {"http.request.method": "GET", "n": 3, "ok": True, "share": 0.5, "list": [1, 2], "text": "it's \"é\"\n\\"}
with tracer.start_as_current_span("run", kind=trace.SpanKind.SERVER, attributes=attributes) as root:
    spans.append(root)
    print('{"level": "info", "message": "asked"}')
    links = [trace.Link(root.get_span_context(), {"why": "because"})]
    for i, kind in enumerate((trace.SpanKind.CLIENT, trace.SpanKind.PRODUCER, trace.SpanKind.INTERNAL)):
        more = {"links": links, "attributes": {"server.address": "bank"}}
        with tracer.start_as_current_span(f"step {i}", kind=kind, **more) as span:
            spans.append(span)
            span.add_event("retry", {"attempt": i, "codes": [1, 2]})
            if i == 0:
                span.set_status(trace.StatusCode.ERROR, "declined")
            if i == 1:
                span.set_status(trace.StatusCode.OK)
        print("    between the spans")
print("done")
facts = [
    {
        "name": span.name, "id": f"{span.context.span_id:016x}", "trace": f"{span.context.trace_id:032x}",
        "parent": f"{span.parent.span_id:016x}" if span.parent else None, "kind": span.kind.name,
        "start": span.start_time, "end": span.end_time, "status": span.status.status_code.name,
        "message": span.status.description or "", "attributes": dict(span.attributes),
        "events": [[event.name, event.timestamp, dict(event.attributes)] for event in span.events],
        "links": [
            [f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}", dict(link.attributes)]
            for link in span.links
        ],
    }
    for span in spans
]
open(truth, "w").write(json.dumps(facts))
"""

NODE_PROGRAM = r"""
const { context, SpanKind, SpanStatusCode } = require('@opentelemetry/api');
const { NodeTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node');
const { resourceFromAttributes } = require('@opentelemetry/resources');

const ns = ([seconds, nanos]) => (BigInt(seconds) * 1000000000n + BigInt(nanos)).toString();
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'billing' }),
  spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())],
});
provider.register();
const tracer = provider.getTracer('lib', '1.0');
const spans = [];
const attributes = {
  'http.request.method': 'GET', n: 3, ok: true, share: 0.5, list: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  quoted: "it's", both: `"it's"`, tick: '`"\'', escaped: 'a\\b\n\u001b\u00e9',
  'db.statement': 'SELECT a, b, c FROM a_table_with_a_long_name WHERE a = 1\n AND b = 2\n -- ' + 'x'.repeat(200),
};
console.log('2026-03-20 INFO starting {not json} [x]');
tracer.startActiveSpan('run', { kind: SpanKind.SERVER, attributes }, (root) => {
  spans.push(root);
  const links = [{ context: root.spanContext(), attributes: { why: 'because' } }];
  [SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.INTERNAL].forEach((kind, i) => {
    tracer.startActiveSpan(`step ${i}`, { kind, links, attributes: { 'server.address': 'bank' } }, (span) => {
      spans.push(span);
      span.addEvent('retry', { attempt: i });
      if (i === 0) span.setStatus({ code: SpanStatusCode.ERROR, message: 'declined' });
      if (i === 1) span.setStatus({ code: SpanStatusCode.OK });
      span.end();
    });
    console.log('    between the spans');
    console.log({ level: 'info', message: 'asked' });
  });
  root.end();
});
console.log('done');
require('fs').writeFileSync(process.argv[2], JSON.stringify(spans.map((span) => ({
  name: span.name, id: span.spanContext().spanId, trace: span.spanContext().traceId,
  parent: span.parentSpanContext ? span.parentSpanContext.spanId : null,
  kind: SpanKind[span.kind], start: ns(span.startTime), duration: ns(span.duration),
  status: SpanStatusCode[span.status.code], message: span.status.message || '', attributes: span.attributes,
  events: span.events.map((event) => [event.name, ns(event.time), event.attributes]),
  links: span.links.map((link) => [link.context.traceId, link.context.spanId, link.attributes]),
}))));
"""


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, **options)


def require(done: subprocess.CompletedProcess[str], what: str) -> None:
    if done.returncode:
        output = (done.stderr or done.stdout).strip().splitlines() or ["it gives no reason"]
        pytest.skip(f"no SDK: {what} failed: {output[-1]}")


@pytest.fixture(scope="module")
def python() -> str:
    """Find an interpreter with OpenTelemetry's SDK."""
    if named := os.environ.get("OTEL_PYTHON"):
        return named
    folder = CACHE / "sdk-python"
    interpreter = folder / "bin/python"
    if not (folder / "whole").exists():
        require(run([sys.executable, "-m", "venv", str(folder)]), "making a virtual environment")
        require(run([str(interpreter), "-m", "pip", "install", "-q", "opentelemetry-sdk"]), "pip install")
        (folder / "whole").touch()
    return str(interpreter)


@pytest.fixture(scope="module")
def node_modules() -> str:
    """Find a folder of packages with OpenTelemetry's SDK for Node."""
    if not shutil.which("node"):
        pytest.skip("no Node to run the SDK with")
    if named := os.environ.get("OTEL_NODE_MODULES"):
        return named
    folder = CACHE / "sdk-node"
    if not (folder / "whole").exists():
        if not shutil.which("npm"):
            pytest.skip("no SDK: set OTEL_NODE_MODULES to a folder that has it, or install npm, which fetches it")
        folder.mkdir(parents=True, exist_ok=True)
        require(run(["npm", "install", "--silent", "--prefix", str(folder), *PACKAGES]), "npm install")
        (folder / "whole").touch()
    return str(folder / "node_modules")


def printed(command: list[str], tmp_path: Path, **environment: str) -> tuple[TraceSet, list[dict[str, Any]]]:
    """Run a program. -> the traces read from its output, and the SDK's values"""
    original_traces = tmp_path / "truth.json"
    done = run([*command, str(original_traces)], env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    output = tmp_path / "output.txt"
    output.write_text(done.stdout)
    facts: list[dict[str, Any]] = json.loads(original_traces.read_text())
    return load([str(output)]), facts


def by_id(traces: TraceSet) -> dict[str, Span]:
    return {span.span_id: span for span in map(traces.span, range(len(traces)))}


def assert_equal_to_sdk(traces: TraceSet, facts: list[dict[str, Any]], unit_ns: int) -> None:
    """Compare each span with the SDK's values; printed times have units of this many nanoseconds."""
    assert traces.load_warnings == []
    found = by_id(traces)
    assert len(found) == len(traces) == len(facts) == 4
    for fact in facts:
        span = found[fact["id"]]
        assert (span.trace_id, span.parent_id, span.name) == (fact["trace"], fact["parent"], fact["name"])
        assert (span.service, span.kind.name, span.status.name) == ("billing", fact["kind"], fact["status"])
        assert (span.status_message, span.error) == (fact["message"], fact["status"] == "ERROR")
        assert abs(span.start_ns - int(fact["start"])) <= unit_ns
        length = int(fact["duration"]) if "duration" in fact else int(fact["end"]) - int(fact["start"])
        assert abs(span.duration_ns - length) <= unit_ns
        assert dict(span.attributes) == fact["attributes"]
        assert [[event.name, dict(event.attributes)] for event in span.events] == [
            [name, attributes] for name, _, attributes in fact["events"]
        ]
        for event, (_, time_ns, _) in zip(span.events, fact["events"], strict=True):
            assert abs(event.time_ns - int(time_ns)) <= unit_ns
        assert [[link.trace_id, link.span_id, dict(link.attributes)] for link in span.links] == fact["links"]


@pytest.mark.parametrize("style", ["pretty", "lines"])
def test_the_python_sdk(python: str, style: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PYTHON_PROGRAM)
    traces, facts = printed([python, str(program), style], tmp_path, PYTHONPATH="")
    assert_equal_to_sdk(traces, facts, 1_000)
    assert by_id(traces)[facts[0]["id"]].resource["zones"] == ["a", "b"]


@pytest.mark.parametrize("colour", ["0", "1"])
def test_the_node_sdk(node_modules: str, colour: str, tmp_path: Path) -> None:
    program = tmp_path / "program.js"
    program.write_text(NODE_PROGRAM)
    traces, facts = printed(["node", str(program)], tmp_path, NODE_PATH=node_modules, FORCE_COLOR=colour)
    assert_equal_to_sdk(traces, facts, 1_000)
    span = by_id(traces)[facts[0]["id"]]
    assert (span.scope_name, span.scope_version) == ("lib", "1.0")
