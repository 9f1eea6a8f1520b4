"""Real servers on loopback for tests marked live: Zipkin, and the Jaeger that JAEGER_BIN names."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.paths import ROOT

VERSION = "3.5.1"
CACHE = ROOT / ".live"
JAR = CACHE / f"zipkin-server-{VERSION}-slim.jar"
PATIENCE_SECONDS = 60
LOOPBACK_ONLY = [
    "-Darmeria.ports[0].ip=127.0.0.1",
    "-Darmeria.ports[0].port=0",
    "-Darmeria.ports[0].protocols[0]=http",
]
STORES = {"memory": "memory: {max_traces: 100000}", "badger": "badger: {ephemeral: true}"}
"""Stores of Jaeger. Badger stores traces by service, and requires one for searches by attributes."""
JAEGER_CONFIG = """
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}
  telemetry: {{metrics: {{level: none}}}}
extensions:
  jaeger_storage: {{backends: {{held: {{{store}}}}}}}
  jaeger_query:
    storage: {{traces: held}}
    http: {{endpoint: "127.0.0.1:{http}"}}
    grpc: {{endpoint: "127.0.0.1:{grpc}"}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{otlp}"}}}}}}
exporters:
  jaeger_storage_exporter: {{trace_storage: held}}
"""


def jar() -> Path:
    """Find the executable Zipkin; skips the test without one."""
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
            output = fetched.stdout.strip().splitlines() or ["it gives no reason"]
            pytest.skip(f"no Zipkin: Maven could not fetch it: {output[0]}")
    return JAR


@contextmanager
def running_zipkin(folder: Path) -> Iterator[str]:
    """Run an empty Zipkin in `folder`, without any configuration. -> its URL"""
    if not shutil.which("java"):
        pytest.skip("no Java to run Zipkin with")
    command = ["java", "-Xmx256m", *LOOPBACK_ONLY, "-jar", str(jar())]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            yield f"http://127.0.0.1:{_port_of(server)}"
        finally:
            server.kill()


def _port_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout
    output = []
    for line in server.stdout:
        if found := re.search(r"Serving HTTP at .*:(\d+)/?$", line):
            return found[1]
        output.append(line)
    raise AssertionError(f"Zipkin did not start: {''.join(output[-20:])}")


@contextmanager
def running_jaeger(
    folder: Path, store: str = "memory", ports: Sequence[int] | None = None
) -> Iterator[tuple[str, str]]:
    """Run an empty Jaeger v2. -> its query URL, and the URL for OTLP

    store: one of `STORES`; ports: of `free_ports`, to run it at the same address again.
    """
    program = os.environ.get("JAEGER_BIN")
    if not program:
        pytest.skip("no Jaeger: set JAEGER_BIN to its executable (version 2)")
    http, grpc, otlp = ports or free_ports()
    config, log = folder / "jaeger.yaml", folder / "jaeger.log"
    config.write_text(JAEGER_CONFIG.format(store=STORES[store], http=http, grpc=grpc, otlp=otlp))
    command = [program, "--config", str(config)]
    with log.open("w") as out, subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT) as server:
        try:
            url = f"http://127.0.0.1:{http}"
            with client_of(url) as client:
                wait_for(lambda: _answers(client, server, log), "Jaeger to answer")
            yield url, f"http://127.0.0.1:{otlp}"
        finally:
            server.kill()
            server.wait()


def _answers(client: httpx.Client, server: subprocess.Popen[bytes], log: Path) -> bool:
    assert server.poll() is None, f"Jaeger ended: {log.read_text()[-2000:]}"
    try:
        return client.get("/api/v3/services").status_code == 200
    except httpx.TransportError:
        return False


def free_ports() -> list[int]:
    """Find three free ports for a Jaeger."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def client_of(url: str) -> httpx.Client:
    """Make a client without a proxy, as the server is on loopback."""
    return httpx.Client(base_url=url, trust_env=False, timeout=30)


def wait_for(is_so: Callable[[], bool], what: str) -> None:
    """Poll until a condition holds; fails with a message after a minute."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, f"waited a minute for {what}"
        time.sleep(0.1)


def post_to_zipkin(url: str, spans: bytes, traces: int, count: int) -> None:
    """Post spans, and wait until the server has as many: it stores them after accepting them."""
    with client_of(url) as client:
        answer = client.post("/api/v2/spans", content=spans, headers={"content-type": "application/json"})
        assert answer.status_code == 202

        def are_held() -> bool:
            held = client.get("/api/v2/traces", params={"limit": 10 * traces}).json()
            return sum(map(len, held)) >= count

        wait_for(are_held, f"Zipkin to hold {count} spans")


def post_to_jaeger(url: str, otlp: str, messages: Iterable[Any], traces: int) -> None:
    """Post OTLP messages as one, and wait until the server has as many traces."""
    together = {"resourceSpans": [group for message in messages for group in message["resourceSpans"]]}
    with client_of(otlp) as client:
        answer = client.post("/v1/traces", content=json.dumps(together), headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text
    with client_of(url) as client:
        wait_for(lambda: len(_ids_held(client)) >= traces, f"Jaeger to hold {traces} traces")


def _ids_held(client: httpx.Client) -> set[str]:
    """The ids of all traces of a Jaeger: by their summaries, before 2.19 service by service by the v1 API."""
    window = {"query.startTimeMin": "2020-01-01T00:00:00Z", "query.startTimeMax": "2100-01-01T00:00:00Z"}
    summaries = client.get("/api/v3/trace-summaries", params={**window, "query.searchDepth": "50000"})
    if summaries.headers["content-type"].startswith("application/json"):
        return {str(summary["traceId"]) for summary in summaries.json().get("summaries") or ()}
    ids = set()
    for service in client.get("/api/services").json()["data"] or ():
        wanted = {"service": service, "start": "1577836800000000", "end": "4102444800000000", "limit": "50000"}
        ids |= {str(trace["traceID"]) for trace in client.get("/api/traces", params=wanted).json()["data"]}
    return ids


def tracetui(*args: str, code: int = 0) -> tuple[str, str]:
    """Run the program as users do. -> stdout and stderr"""
    environ = os.environ | {"NO_PROXY": "127.0.0.1", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "tracetui", *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr
