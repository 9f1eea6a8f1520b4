"""Comparisons over servers with more traces than one response: both sides are searched for, or named as missing."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.many_traces import MS, SECOND, trace
from tests.support.program import Program
from tests.support.servers import KINDS, LiveServer
from tracetui.model.search import LOOKBACK_NS, Search
from tracetui.query.trace_set_split import search_before

NEWER = 150
OLD, OLD_ID = 9_000, f"{9_000:032x}"
LIMIT = ("--limit", "20")


def server_with_an_old_trace(kind: str, old_seconds: int, *, is_error: bool = False) -> LiveServer:
    """Serve 150 traces of the last minutes, behind them a slow one, and five of its entry point around it."""
    now = time.time_ns()
    server = LiveServer(kind, empty=True)
    for number in range(NEWER):
        server.add(trace(kind, number + 1, now - (NEWER - number) * SECOND, tags={"app.release": "two"}))
    then = now - old_seconds * SECOND
    server.add(trace(kind, OLD, then, (900 * MS, 4 * MS), ("rare", "back"), {"app.release": "one"}, is_error=is_error))
    for number in range(5):
        peer = trace(kind, OLD + 1 + number, then + (number - 2) * SECOND, (9 * MS, 4 * MS), ("rare", "back"))
        server.add(peer)
    return server


def clock(seconds_ago: int) -> str:
    return f"{datetime.fromtimestamp(time.time() - seconds_ago, UTC):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_of_last_week_is_compared_with_its_peers_of_then(kind: str, program: Program) -> None:
    with server_with_an_old_trace(kind, 6 * 86_400) as server:
        found = program("compare", server.url, "--trace", OLD_ID, "--json", *LIMIT)
    assert found.code == 0, found.err
    assert json.loads(found.out)["trace"].zfill(32) == OLD_ID
    assert json.loads(found.out)["population"] == 6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wanted", ["slowest", "failed"])
def test_the_compared_trace_is_searched_for(kind: str, wanted: str, program: Program) -> None:
    with server_with_an_old_trace(kind, 1_800, is_error=True) as server:
        found = program("compare", server.url, "--trace", wanted, "--json", *LIMIT)
    assert found.code == 0, found.err
    assert json.loads(found.out)["trace"].zfill(32) == OLD_ID


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", ["compare", "why"])
def test_traces_before_a_time_are_searched_for(kind: str, command: str, program: Program) -> None:
    with server_with_an_old_trace(kind, 1_800) as server:
        found = program(command, server.url, "--at", clock(900), *LIMIT)
        one_window = program(command, server.url, "--at", clock(900), "--time-range", "10m", *LIMIT)
    assert found.code == 0, found.err
    assert "6 traces" in found.out
    # none can be before the time range
    assert one_window.code == 2
    assert "started after" in one_window.err


@pytest.mark.parametrize("kind", ["zipkin", "jaeger-v3"])
def test_single_value_among_the_newest_says_so(kind: str, program: Program) -> None:
    with server_with_an_old_trace(kind, 1_800) as server:
        found = program("compare", server.url, "--by", "app.release", *LIMIT)
        all_of_them = program("compare", server.url, "--by", "app.release", "--limit", "1000")
    assert found.code == 2
    assert "only one value" in found.err
    assert "searched the newest 20" in found.err
    assert all_of_them.code == 0, all_of_them.err


@pytest.mark.parametrize("kind", KINDS)
def test_graph_of_a_service_that_was_not_loaded_is_no_typo(kind: str, program: Program) -> None:
    with server_with_an_old_trace(kind, 7_200) as server:
        known = program("graph", server.url, "overview", "rare", *LIMIT)
        unknown = program("graph", server.url, "overview", "raer", *LIMIT)
        found = program("graph", server.url, "overview", "rare", "--service", "rare", "--time-range", "3h")
    assert known.code == unknown.code == 2
    assert "the server has rare, but not among the newest" in known.err
    assert "no service named 'raer'" in unknown.err
    assert found.code == 0, found.err


@pytest.mark.parametrize("kind", ["zipkin", "tempo", "jaeger-v3"])
def test_contrast_says_if_the_others_are_of_another_time(kind: str, program: Program) -> None:
    with server_with_an_old_trace(kind, 1_800, is_error=True) as server:
        found = program("contrast", server.url, *LIMIT)
        recent = program("contrast", server.url, "--limit", "1000")
    assert "the others started later" in found.err
    assert "the others started later" not in recent.err


def test_search_before_a_time() -> None:
    now = time.time_ns()
    wide = Search(lookback_ns=4 * LOOKBACK_NS, limit=7)
    before = search_before(wide, clock(7_200))
    assert before is not None
    start, end = before.window()
    assert abs(end - (now - 7_200 * SECOND)) < 2 * SECOND
    assert abs(start - (now - 4 * LOOKBACK_NS)) < 2 * SECOND
    assert before.limit == 7
    # a search without a time range reaches back from the time
    default = search_before(Search(), clock(7_200))
    assert default is not None
    assert default.end_ns is not None
    assert default.window() == (default.end_ns - LOOKBACK_NS, default.end_ns)
    assert search_before(Search(lookback_ns=LOOKBACK_NS), clock(7_200)) is None
    assert search_before(Search(), clock(-60)) is None
    assert search_before(Search(), "no time") is None


def test_names_of_a_file_and_of_zipkin_differ_in_capitals_only(program: Program, tmp_path: Path) -> None:
    file, server, now = tmp_path / "before.jsonl", LiveServer("zipkin", empty=True), time.time_ns()
    services, names = ("Shop", "Cart-API"), ("GET /Bag", "POST /Checkout")
    bodies = [
        [trace(kind, first + at, now - (60 + at) * SECOND, services=services, names=names) for at in range(60)]
        for kind, first in (("jaeger-v3", 1), ("zipkin", 1_000))
    ]
    file.write_text("".join(json.dumps(body) + "\n" for body in bodies[0]))
    server.add_all(bodies[1])
    with server:
        report = program("compare", str(file), server.url)
    assert "Operations, 0 of 2 changed" in report.out, report.err
    assert "Calls between services, 0 of 1 changed" in report.out
