"""Common searches on real servers with a known set: every existing trace is found.

`make test-live`. Zipkin runs from the jar that ZIPKIN_JAR names, otherwise Maven fetches it; Jaeger from JAEGER_BIN.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import known_traces as known
from tests.support.live_servers import post_to_jaeger, post_to_zipkin, running_jaeger, running_zipkin, tracetui
from tests.support.many_traces import MS
from tests.support.paths import CASES

pytestmark = pytest.mark.live

EVENTS = CASES / "zipkin-python-events.json"
WINDOW = ("--time-range", "2h")
IGNORES_ERRORS = "memory storage of some Jaeger versions"
"""Warning about a store that cannot search for errors; they are found among the newest traces, if those are enough."""
DEEPER = ("--limit", "5000")


@pytest.fixture(scope="module", params=["zipkin", "jaeger-memory", "jaeger-badger"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a server with the known set, whose last trace began a minute ago. -> its URL"""
    folder = tmp_path_factory.mktemp(request.param)
    traces = list(known.known_traces(time.time_ns() - 60_000 * MS))
    if request.param == "zipkin":
        with running_zipkin(folder) as url:
            spans = [span for one in traces for span in one.to_json("zipkin")]
            post_to_zipkin(url, json.dumps(spans).encode(), len(traces), len(spans))
            yield url
    else:
        with running_jaeger(folder, request.param.removeprefix("jaeger-")) as (url, otlp):
            post_to_jaeger(url, otlp, (one.to_json("jaeger-v3") for one in traces), len(traces))
            yield url


def count(server: str, *options: str) -> tuple[int, str]:
    """Return the number of traces found, and the messages."""
    report, messages = tracetui("analyze", server, "--json", *WINDOW, *options)
    return json.loads(report)["summary"]["trace_count"], messages


def test_server_has_all_traces(server: str) -> None:
    summary = json.loads(tracetui("analyze", server, "--json", *WINDOW, "--limit", "5000")[0])["summary"]
    assert (summary["trace_count"], summary["service_count"]) == (known.COUNT, known.SERVICES)
    assert summary["error_trace_count"] == known.FAILED + known.FAILED_OTHERWISE


@pytest.mark.parametrize(
    ("options", "wanted"),
    known.QUESTIONS,
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_existing_traces_are_found(options: tuple[str, ...], wanted: int, server: str) -> None:
    found, messages = count(server, *options)
    if IGNORES_ERRORS in messages:
        found, _ = count(server, *options, *DEEPER)
    assert wanted <= found <= wanted + known.NOT_SEARCHABLE or (found > wanted and IGNORES_ERRORS in messages)


def test_slowest_and_failed_traces_are_shown(server: str) -> None:
    shown, _ = tracetui("show", server, "--trace", "slowest", *WINDOW, "--limit", "20", "--width", "120")
    assert "1.30 s" in shown or "1.21 s" in shown
    deeper = DEEPER if IGNORES_ERRORS in count(server, "--errors-only")[1] else ("--limit", "20")
    tracetui("show", server, "--trace", "failed", *WINDOW, *deeper, "--width", "120")


def exceptions(source: str, *options: str) -> set[str]:
    report: dict[str, Any] = json.loads(tracetui("analyze", source, "--json", "--errors", *options)[0])
    return {pattern["message"] for pattern in report["errors"]["patterns"]}


@pytest.mark.parametrize("server", ["zipkin"], indirect=True)
def test_events_of_the_python_exporter_are_read(server: str, tmp_path: Path) -> None:
    spans = json.loads(EVENTS.read_bytes())
    by = time.time_ns() // 1_000 - 30_000_000 - max(span["timestamp"] for trace in spans for span in trace)
    moved = json.loads(EVENTS.read_bytes(), parse_int=lambda text: int(text) + by if len(text) == 16 else int(text))
    flat = [span for trace in moved for span in trace]
    post_to_zipkin(server, json.dumps(flat).encode(), 2 * known.COUNT, 2 * known.COUNT + len(flat))
    service = flat[0]["localEndpoint"]["serviceName"]
    file = tmp_path / "posted.json"
    file.write_text(json.dumps(moved))
    live = exceptions(server, "--service", service, *WINDOW)
    assert live == exceptions(str(file))
    assert live
