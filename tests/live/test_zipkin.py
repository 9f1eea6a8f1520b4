"""A real Zipkin on loopback: its traces equal those of a file with the same spans. `make test-live`"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.live_servers import post_to_zipkin, running_zipkin, tracetui
from tests.support.recordings import LAST_NS, original_traces
from tracetui import export
from tracetui.ingest.loader import load
from tracetui.model.span import Event, Span

pytestmark = pytest.mark.live

TRACES, SPANS = 82, 928
FAILED = "36b96d7a4d9eddc209420a6bc5455514"
SHORT = "1f2e3d4c5b6a7988"


@pytest.fixture(scope="module")
def zipkin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an empty server. -> its URL"""
    with running_zipkin(tmp_path_factory.mktemp("zipkin")) as url:
        yield url


@pytest.fixture(scope="module")
def posted_file(zipkin: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a file of the spans that the server has. They ended a minute ago, as Zipkin searches back from now."""
    given = tmp_path_factory.mktemp("traces") / "given.jsonl"
    given.write_text("".join(json.dumps(message) + "\n" for message in original_traces()))
    traces = load([str(given)])
    by = time.time_ns() - 60_000_000_000 - LAST_NS
    body = export.zipkin_v2(as_stored_by_zipkin(traces.span(span), by) for span in range(len(traces)))
    post_to_zipkin(zipkin, body, TRACES, SPANS)
    file = given.with_name("posted.json")
    file.write_bytes(body)
    return file


def printed(*args: str) -> str:
    return tracetui(*args)[0]


def as_stored_by_zipkin(span: Span, by_ns: int) -> Span:
    """Convert a span as Zipkin does: names in lower case, ids without a high half of zeros, and all times later."""
    events = tuple(Event(event.time_ns + by_ns, event.name, event.attributes) for event in span.events)
    return replace(
        span,
        start_ns=span.start_ns + by_ns,
        events=events,
        name=span.name.lower(),
        service=span.service.lower(),
        trace_id=span.trace_id.removeprefix("0" * 16),
    )


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
def test_spans_from_a_server_equal_those_in_a_file(options: list[str], zipkin: str, posted_file: Path) -> None:
    live, file = (json.loads(printed("analyze", source, "--json", *options)) for source in (zipkin, str(posted_file)))
    assert file["summary"]["trace_count"] > 0
    assert analysis(live) == analysis(file)


def analysis(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report without warnings, which for a server concern the server."""
    return {section: told for section, told in report.items() if section != "warnings"}


def test_limit_is_sent_to_the_server(zipkin: str, posted_file: Path) -> None:
    report = json.loads(printed("analyze", zipkin, "--json", "--limit", "5", "--time-range", "1h"))
    assert report["summary"]["trace_count"] == 5


@pytest.mark.parametrize("trace_id", [FAILED, SHORT])
def test_trace_is_drawn_as_from_a_file(trace_id: str, zipkin: str, posted_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    file.write_text(json.dumps([span for span in json.loads(posted_file.read_bytes()) if span["traceId"] == trace_id]))
    live, read = (
        printed("show", source, "--trace", trace_id, "--width", "120", "--color", "never")
        for source in (zipkin, str(file))
    )
    assert live == read


def summary(source: str, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed("analyze", source, "--json", "--time-range", "1h", *options))["summary"]
    return found


@pytest.mark.parametrize("options", [["--errors-only"], ["--latency-threshold", "400"]], ids=["failed", "slow"])
def test_traces_are_found_behind_newer_ones(options: list[str], zipkin: str, posted_file: Path) -> None:
    wanted = summary(str(posted_file), *options, "--limit", "1000")["trace_count"]
    assert 0 < wanted <= 10
    assert summary(zipkin, *options, "--limit", "10")["trace_count"] == wanted


@pytest.mark.parametrize(
    "options",
    [["--operation", "POST /Checkout"], ["--query", "service = PAYMENT"]],
    ids=["operation", "query"],
)
def test_capitals_match_names_stored_in_lower_case(options: list[str], zipkin: str, posted_file: Path) -> None:
    lowered = [option.lower() for option in options]
    wanted = summary(str(posted_file), *lowered, "--limit", "1000")["trace_count"]
    assert wanted > 0
    assert summary(zipkin, *options, "--limit", "1000")["trace_count"] == wanted
