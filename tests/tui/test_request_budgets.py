"""Number of requests per action on a server: at most those of a live check, fewer if traces are loaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.support.many_traces import MS, SECOND, trace
from tests.support.program import Program
from tests.support.recordings import FIRST_NS, LAST_NS
from tests.support.servers import LiveServer
from tests.support.trace_app import LiveApp, opened_live, poll_often
from tracetui.ingest.loader import Loader
from tracetui.ingest.servers import registry
from tracetui.model.search import Search

KINDS = ("jaeger-v3", "zipkin", "tempo")
ALL = Search(start_ns=FIRST_NS, end_ns=LAST_NS + SECOND, limit=1000)
changed = msgspec.structs.replace
POLLS = 3
PATIENCE = 2_400
"""Number of pauses before a test fails."""
BY_SUMMARIES = 2 + 82
"""One request for matching spans, one for summaries, and one for each trace that only its summary matches."""


def on_the_default_port(server: LiveServer, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server listen where one of its kind is expected."""
    port, name = urlsplit(server.url).port, kind.partition("-")[0]
    assert port is not None
    kinds = [replace(one, port=port) if one.name == name else one for one in registry.KINDS]
    monkeypatch.setattr(registry, "KINDS", tuple(kinds))


def assert_all_ask_for_gzip(server: LiveServer) -> None:
    assert server.requests
    assert all("gzip" in request.headers["accept-encoding"] for request in server.requests)


@pytest.mark.parametrize(
    ("kind", "most", "off_its_port"),
    [
        ("jaeger-v3", lambda traces: 4, 0),
        ("zipkin", lambda traces: 2, 2),
        ("tempo", lambda traces: 2 + traces, 4),
    ],
    ids=KINDS,
)
def test_opening(
    kind: str, most: Callable[[int], int], off_its_port: int, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    for more in (off_its_port, 0):
        with LiveServer(kind, ends_ns=time.time_ns()) as server:
            if not more:
                on_the_default_port(server, kind, monkeypatch)
            report = program("analyze", server.url)
            assert report.code == 0, report.err
            assert len(server.requests) <= most(len(server.trace_ids)) + more
            assert_all_ask_for_gzip(server)


@pytest.mark.parametrize(
    ("wanted", "most"),
    [
        (Search(service="payment"), {"jaeger-v3": 1, "zipkin": 1, "tempo": 1}),
        (Search(attributes={"customer.tier": "gold"}), {"jaeger-v3": 1, "zipkin": 1, "tempo": 1}),
        (Search(errors=True), {"jaeger-v3": 1, "zipkin": 1, "tempo": 1}),
        (Search(failed=True), {"jaeger-v3": 2, "zipkin": 2, "tempo": 1}),
        (Search(slower_ns=400 * MS), {"jaeger-v3": BY_SUMMARIES, "zipkin": 2, "tempo": 2}),
        (Search(service="payment", failed=True), {"jaeger-v3": BY_SUMMARIES, "zipkin": 3, "tempo": 1}),
        (Search(), {"jaeger-v3": 1, "zipkin": 1, "tempo": 1}),
    ],
    ids=["service", "attribute", "errors", "failed", "slow", "failed of a service", "again"],
)
@pytest.mark.parametrize("kind", KINDS)
def test_searches_with_loaded_traces(kind: str, wanted: Search, most: dict[str, int]) -> None:
    with LiveServer(kind) as server:
        loading = Loader([server.url])
        loading.read(search=ALL)
        before = len(server.requests)
        loading.search_again(changed(wanted, start_ns=ALL.start_ns, end_ns=ALL.end_ns, limit=1000), lambda _: None)
        loading.servers.close()
        assert len(server.requests) - before <= most[kind]
        assert_all_ask_for_gzip(server)


async def counted(on: LiveApp, server: LiveServer, most: int, texts: tuple[str, ...], *keys: str) -> None:
    """Press keys, wait for texts, and check the number of the server's requests."""
    before = len(server.requests)
    await on.press(*keys)
    await on.until(*texts)
    assert len(server.requests) - before <= most, keys


@pytest.mark.parametrize("kind", KINDS)
async def test_screen_actions(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    poll_often(monkeypatch)
    with LiveServer(kind, ends_ns=time.time_ns()) as server:
        count = len(server.trace_ids)
        held = f"{count} traces"
        async with opened_live(server.url) as on:
            await on.until(held)
            # the services are listed after the traces are shown
            await on.pilot.settle()
            assert len(server.requests) <= (7 + count if kind == "tempo" else 5)
            await counted(on, server, 1, ("nothing new from", f"of {held}"), "slash", *"service = payment", "enter")
            await filter_undone(on, server)
            await counted(
                on, server, 0, ("filter  service = payment", f"of {held}"), "slash", *"service = payment", "enter"
            )
            await filter_undone(on, server)
            await counted(on, server, 1, ("nothing new from", "the last 1h"), "r")
            await counted(on, server, 1, ("nothing new from", "the last 4h"), "M")
            await counted(on, server, 1, ("nothing new from", "the last 9h"), "w", *"9h", "enter")
            before = len(server.requests)
            await on.press("F")
            await on.until("following ")
            await wait_for_polls(on, server, before)
            new_requests = server.requests[before:]
            # each poll is one search, and fetches no loaded trace that is unchanged
            assert {request.path for request in new_requests} <= {"/api/v3/traces", "/api/v2/traces", "/api/search"}
            server.add(trace(kind, 1, time.time_ns() - SECOND))
            before = len(server.requests)
            await on.until(f"{count + 1} traces")
            fetched = [request for request in server.requests[before:] if "/traces/" in request.path]
            assert len(fetched) <= 1
        assert_all_ask_for_gzip(server)


@pytest.mark.parametrize("orders_by_arrival", [False, True])
@pytest.mark.parametrize("kind", ["jaeger-v3", "zipkin"])
def test_poll_of_a_busy_server_is_one_request(kind: str, orders_by_arrival: bool) -> None:
    """More traces than the limit began within the window of each poll; the limit is raised only if many are new."""
    now = time.time_ns()
    server = LiveServer(kind, empty=True, orders_by_arrival=orders_by_arrival)
    count = 0

    def arrive(traces: int) -> None:
        nonlocal count
        server.add_all(trace(kind, count + at + 1, now + (count + at) * MS) for at in range(traces))
        count += traces

    arrive(150)
    with server:
        loading = Loader([server.url])
        loading.read(search=changed(ALL, start_ns=now, end_ns=now + SECOND, limit=100))
        for new, most in ((10, 1), (0, 1), (90, 1), (250, 2), (10, 1)):
            arrive(new)
            before = len(server.requests)
            wanted = changed(ALL, start_ns=now, end_ns=now + SECOND, limit=100)
            found = loading.search_again(wanted, lambda _: None, known_ns=now + (count - new - 1) * MS)
            assert len(server.requests) - before == most
            if new:
                assert found is not None
                # the load has left out 50, which the raised limit may find
                assert found.trace_count >= count - 50
        loading.servers.close()


async def filter_undone(on: LiveApp, server: LiveServer) -> None:
    """Undo the filter, which sends no request."""
    before = len(server.requests)
    await on.press("u")
    for _ in range(PATIENCE):
        if "filter  service = payment" not in on.text:
            assert len(server.requests) == before
            return
        await on.pilot.pause(0.05)
    raise AssertionError(on.text)


async def wait_for_polls(on: LiveApp, server: LiveServer, before: int) -> None:
    """Wait until the server was polled this many times."""
    for _ in range(PATIENCE):
        if len(server.requests) - before >= POLLS:
            return
        await on.pilot.pause(0.05)
    raise AssertionError("the server was not polled")
