"""Common searches on servers with a known set, in which the wanted traces are older than 1,500 others."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import msgspec
import pytest

from tests.support import known_traces as known
from tests.support.backends import JaegerV1
from tests.support.many_traces import MS, SECOND
from tests.support.program import Program
from tests.support.servers import KINDS, LiveServer
from tracetui.ingest.loader import load
from tracetui.model.search import Search


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    held = LiveServer(request.param, empty=True)
    held.add_all(one.to_json(request.param) for one in known.known_traces(time.time_ns() - 60 * SECOND))
    with held:
        yield held


@pytest.mark.parametrize(
    ("options", "wanted"),
    known.QUESTIONS,
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_existing_traces_are_found(options: tuple[str, ...], wanted: int, server: LiveServer, program: Program) -> None:
    report = program.analyze(server.url, "--time-range", "2h", *options)
    if options[:1] == ("--service",) and "--errors-only" in options and isinstance(server.backends[0], JaegerV1):
        # v1 searches spans of one service only, and here the spans in error are of another one
        assert "no match among the newest 100" in report.err
        return
    assert wanted <= json.loads(report.out)["summary"]["trace_count"] <= wanted + known.NOT_SEARCHABLE, report.err


def test_slowest_and_failed_traces_are_shown(server: LiveServer, program: Program) -> None:
    shown = program("show", server.url, "--trace", "slowest", "--time-range", "2h", "--limit", "20", "--width", "120")
    assert "1.30 s" in shown.out or "1.21 s" in shown.out, shown.err
    failed = program("show", server.url, "--trace", "failed", "--time-range", "2h", "--limit", "20")
    assert failed.code == 0, failed.err


def test_slowest_trace_of_a_service_that_is_fast_itself_is_shown(server: LiveServer, program: Program) -> None:
    shown = program(
        *("show", server.url, "--trace", "slowest", "--service", "back", "--time-range", "2h", "--limit", "100")
    )
    assert "1.21 s" in shown.out or "1.30 s" in shown.out or isinstance(server.backends[0], JaegerV1), shown.err
    assert "no service" not in shown.err


@pytest.mark.parametrize(
    ("search", "most"),
    [
        (Search(), 60),
        (Search(failed=True, limit=20), 360),
        (Search(attributes={"customer.tier": "gold"}), 350),
        (Search(slower_ns=1_000 * MS, limit=20), 350),
        (Search(service="front", failed=True, limit=20), 40),
    ],
    ids=["all", "failed", "attribute", "slow", "failed of a service"],
)
@pytest.mark.parametrize("server", ["jaeger-v1"], indirect=True)
def test_requests_to_a_server_that_searches_by_service(search: Search, most: int, server: LiveServer) -> None:
    before = len(server.requests)
    load([server.url], search=msgspec.structs.replace(search, lookback_ns=7_200 * SECOND))
    assert len(server.requests) - before <= most


def test_all_services_are_listed(server: LiveServer, program: Program) -> None:
    result = program("server", server.url, "--json")
    assert len(json.loads(result.out)["services"]) == known.SERVICES, result.err
