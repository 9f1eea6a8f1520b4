"""Against a real Zipkin on loopback: what is read from it says what the same spans in a file say. `make test-live`

The server is the jar that ZIPKIN_JAR names, else Maven fetches it into `.live`. Without Java or a jar the tests are
skipped with the reason.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.recorded import LAST_NS, truth
from tracetui.ingest.formats import encode
from tracetui.ingest.load import load
from tracetui.model.span import Event, Span

pytestmark = pytest.mark.live

VERSION = "3.5.1"
CACHE = Path(__file__).parent.parent / ".live"
JAR = CACHE / f"zipkin-server-{VERSION}-slim.jar"
TRACES, SPANS = 82, 928
FAILED = "36b96d7a4d9eddc209420a6bc5455514"
SHORT = "1f2e3d4c5b6a7988"
LOOPBACK_ONLY = [
    "-Darmeria.ports[0].ip=127.0.0.1",
    "-Darmeria.ports[0].port=0",
    "-Darmeria.ports[0].protocols[0]=http",
]


def jar() -> Path:
    if named := os.environ.get("ZIPKIN_JAR"):
        return Path(named)
    if not JAR.exists():
        if not shutil.which("mvn"):
            pytest.skip("no Zipkin: set ZIPKIN_JAR to its executable jar, or install Maven, which fetches it")
        CACHE.mkdir(exist_ok=True)
        artifact = f"io.zipkin:zipkin-server:{VERSION}:jar:slim"
        fetch = ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={CACHE}"]
        try:
            fetched = subprocess.run(fetch, cwd=CACHE, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            pytest.skip("no Zipkin: Maven did not fetch it in 5 minutes")
        if fetched.returncode:
            said = fetched.stdout.strip().splitlines() or ["it gives no reason"]
            pytest.skip(f"no Zipkin: Maven could not fetch it: {said[0]}")
    return JAR


@pytest.fixture(scope="module")
def zipkin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that holds nothing."""
    if not shutil.which("java"):
        pytest.skip("no Java to run Zipkin with")
    command = ["java", "-Xmx256m", *LOOPBACK_ONLY, "-jar", str(jar())]
    # a folder of its own: the server would take a configuration from the one it is started in
    folder = tmp_path_factory.mktemp("zipkin")
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            yield f"http://127.0.0.1:{port_of(server)}"
        finally:
            server.kill()


def port_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout
    said = []
    for line in server.stdout:
        if found := re.search(r"Serving HTTP at .*:(\d+)/?$", line):
            return found[1]
        said.append(line)
    raise AssertionError(f"Zipkin did not start: {''.join(said[-20:])}")


@pytest.fixture(scope="module")
def posted(zipkin: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the spans that the server now holds. They ended a minute ago: Zipkin searches back from now."""
    given = tmp_path_factory.mktemp("traces") / "given.jsonl"
    given.write_text("".join(json.dumps(message) + "\n" for message in truth()))
    traces = load([str(given)])
    by = time.time_ns() - 60_000_000_000 - LAST_NS
    body = encode.zipkin_v2(as_zipkin_keeps_it(traces.span(span), by) for span in range(len(traces)))
    # a client of its own that heeds no proxy: the server is on loopback
    with httpx.Client(base_url=zipkin, trust_env=False, timeout=30) as client:
        answer = client.post("/api/v2/spans", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 202
        wait_until_held(client)
    file = given.with_name("posted.json")
    file.write_bytes(body)
    return file


def as_zipkin_keeps_it(span: Span, by_ns: int) -> Span:
    """Names in lower case, ids without a high half of zeros, and all times later."""
    events = tuple(Event(event.time_ns + by_ns, event.name, event.attributes) for event in span.events)
    names = {
        "name": span.name.lower(),
        "service": span.service.lower(),
        "trace_id": span.trace_id.removeprefix("0" * 16),
    }
    return replace(span, start_ns=span.start_ns + by_ns, events=events, **names)


def wait_until_held(client: httpx.Client) -> None:
    """Spans are accepted first and stored afterwards."""
    until = time.monotonic() + 30
    while True:
        held = client.get("/api/v2/traces", params={"limit": 10 * TRACES}).json()
        if sum(map(len, held)) == SPANS:
            return
        assert time.monotonic() < until, f"Zipkin holds {len(held)} traces"


def tracetui(*args: str) -> str:
    environ = os.environ | {"NO_PROXY": "127.0.0.1", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "tracetui", *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--limit", "1000", "--time-range", "1h"],
        ["--limit", "1000", "--time-range", "1h", "--service", "payment"],
        ["--limit", "1000", "--time-range", "1h", "--service", "größe-サービス"],
        ["--limit", "1000", "--time-range", "1h", "--errors-only"],
    ],
    ids=["all", "service", "unicode", "errors"],
)
def test_a_server_says_what_its_spans_in_a_file_say(options: list[str], zipkin: str, posted: Path) -> None:
    live, file = (json.loads(tracetui("analyze", source, "--json", *options)) for source in (zipkin, str(posted)))
    assert file["summary"]["trace_count"] > 0
    assert findings(live) == findings(file)


def findings(report: dict[str, Any]) -> dict[str, Any]:
    """Without the warnings: those of a server are about the server."""
    return {section: told for section, told in report.items() if section != "warnings"}


def test_a_limit_is_the_server_s_limit(zipkin: str, posted: Path) -> None:
    report = json.loads(tracetui("analyze", zipkin, "--json", "--limit", "5", "--time-range", "1h"))
    assert report["summary"]["trace_count"] == 5


@pytest.mark.parametrize("trace_id", [FAILED, SHORT])
def test_one_trace_is_drawn_as_from_a_file(trace_id: str, zipkin: str, posted: Path, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    file.write_text(json.dumps([span for span in json.loads(posted.read_bytes()) if span["traceId"] == trace_id]))
    live, read = (
        tracetui("show", source, "--trace", trace_id, "--width", "120", "--color", "never")
        for source in (zipkin, str(file))
    )
    assert live == read


def summary(source: str, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tracetui("analyze", source, "--json", "--time-range", "1h", *options))["summary"]
    return found


@pytest.mark.parametrize("options", [["--errors-only"], ["--latency-threshold", "400"]], ids=["failed", "slow"])
def test_traces_are_found_behind_newer_ones(options: list[str], zipkin: str, posted: Path) -> None:
    wanted = summary(str(posted), *options, "--limit", "1000")["trace_count"]
    assert 0 < wanted <= 10
    assert summary(zipkin, *options, "--limit", "10")["trace_count"] == wanted


@pytest.mark.parametrize(
    "options",
    [["--operation", "POST /Checkout"], ["--query", "service = PAYMENT"]],
    ids=["operation", "query"],
)
def test_capitals_find_what_is_kept_in_lower_case(options: list[str], zipkin: str, posted: Path) -> None:
    lowered = [option.lower() for option in options]
    wanted = summary(str(posted), *lowered, "--limit", "1000")["trace_count"]
    assert wanted > 0
    assert summary(zipkin, *options, "--limit", "1000")["trace_count"] == wanted
