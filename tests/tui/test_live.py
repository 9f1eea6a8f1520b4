"""The app with servers: loading, following and faults, none of which delay a key."""

from __future__ import annotations

import gc
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from textual import events
from textual.message import Message

from tests.support import audit, faults
from tests.support.faults import faulty
from tests.support.many_traces import server_with_newer_traces, trace
from tests.support.paths import SAMPLES
from tests.support.program import Program
from tests.support.screens import painted
from tests.support.servers import LiveServer
from tests.support.trace_app import opened_live, poll_often
from tracetui.ingest.processes import background_load, shared_memory
from tracetui.model.search import Search
from tracetui.model.traces import TraceSet
from tracetui.session import BackgroundSessions, FilteredSession
from tracetui.tui.loading.jobs import JobDone, Jobs

FAULTS = {
    "reset": "cut off",
    "cut": "cut off",
    "cut_chunked": "cut off",
    "bad_json": "not with the API of",
    "json_of_something_else": "not with the API of",
    "wrong_encoding": "marked as compressed but cannot be",
    "login_page": "a web page, perhaps a login page",
    "401": "credentials required",
    "403": "access denied",
    "404": "not with the API of",
    "500": "server error (500)",
}
"""Texts in the banner, by fault."""
ENDLESS = {"silent": "no response within 3 s", "drip": "has stalled"}
PATIENCE = "3s"
"""Request timeout in seconds: enough for a working server on a busy machine."""
KINDS = ("jaeger-v1", "jaeger-v3", "zipkin", "tempo")


@contextmanager
def watched(patch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bool]]]:
    """Record what this process waits for, in any thread, and whether in the event loop's thread."""
    work: list[tuple[str, bool]] = []
    loop = threading.get_ident()

    def received(sets: socket.socket) -> object:
        work.append(("receive", threading.get_ident() == loop))
        return shared_memory.receive(sets)

    patch.setattr(background_load, "receive", received)
    with audit.audited(lambda event: work.append((event, threading.get_ident() == loop))):
        yield work


def assert_nothing_waits_on_the_loop(work: list[tuple[str, bool]]) -> None:
    """Assert that only another thread waits for the loading process, which does all network I/O."""
    assert {event for event, _ in work} == {"subprocess.Popen", "receive"}
    assert not any(on_loop for _, on_loop in work)


async def test_server_without_a_response_so_far_is_searched_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searches: list[Search] = []
    search_again = BackgroundSessions.search

    def audited(sessions: BackgroundSessions, search: Search, *args: Any, **options: Any) -> FilteredSession | None:
        searches.append(search)
        return search_again(sessions, search, *args, **options)

    monkeypatch.setattr(BackgroundSessions, "search", audited)
    async with opened_live(str(SAMPLES / "first-look" / "checkout.json"), "http://127.0.0.1:1") as on:
        await on.until("connection refused")
        await on.press("escape", "F")
        await on.until("no response yet")
        await on.pilot.until_true(lambda: bool(searches))
        assert searches == [Search()]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_view_works_over_a_server(kind: str) -> None:
    with LiveServer(kind, ends_ns=time.time_ns()) as server:
        last = server.trace_ids[-3:]
        server.hide(last)
        async with opened_live(server.url) as on:
            await on.until("/checkout", "traces from")
            assert on.app.state.session is not None
            count = on.app.state.session.loaded.trace_count
            # Jaeger v1 sends the newest traces of each service, and fails to send one of them
            assert count == len(server.trace_ids) - 3 or kind == "jaeger-v1"
            await on.press("4")
            await on.until("payment", "failed")
            await on.press("enter")
            await on.until("Waterfall ›", "payment")
            await on.press("3")
            await on.until("web-frontend", "calls")
            await on.press("1", "r")
            await on.until("nothing new from")
            server.show(last)
            await on.press("r")
            await on.until(" new ")
            assert on.app.state.session.loaded.trace_count == count + len(on.app.state.new)


@pytest.mark.parametrize("kind", KINDS)
async def test_following_marks_new_traces_and_reports_new_findings(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    poll_often(monkeypatch)
    with LiveServer(kind, ends_ns=time.time_ns()) as server:
        # the newest traces are of services that are not loaded yet
        last = [trace for trace in server.trace_ids if not server.document(trace).broken][-2:]
        server.hide(last)
        async with opened_live(server.url) as on:
            await on.until("traces from")
            assert on.app.state.session is not None
            count = on.app.state.session.loaded.trace_count
            await on.press("F")
            await on.until("following ")
            server.show(last)
            await on.until(f"{count + 2} traces", "2 new", "new call: ")
            # not while a trace is open
            await on.press("escape", "enter")
            await on.until("Waterfall ›")
            server.add(server.document(last[-1]).copy_with("f" * 32, by_ns=1_000_000_000))
            await on.until("1 new trace: shown when you leave this trace")
            assert on.app.state.session.loaded.trace_count == count + 2
            await on.press("1")
            await on.until(f"{count + 3} traces", "1 new")
            await on.press("F")
            await on.until("following stopped")


async def test_replaced_trace_set_is_freed() -> None:
    """Following for hours must keep one set in memory, not one per poll."""
    with LiveServer("zipkin", ends_ns=time.time_ns()) as server:
        first = server.document(server.trace_ids[0])
        async with opened_live(server.url) as on:
            await on.until("36 traces from")
            former: list[weakref.ref[TraceSet]] = []
            for number in range(1, 4):
                await on.pilot.settle()
                assert on.app.state.session is not None
                former.append(weakref.ref(on.app.state.session.loaded))
                server.add(first.copy_with(f"f{number}" * 16, by_ns=number * 1_000_000_000))
                await on.press("r")
                await on.until(f"{36 + number} traces from")
            await on.pilot.settle()
            gc.collect()
            assert [found() for found in former] == [None] * 3


def test_finished_work_keeps_no_reference() -> None:
    class Host:
        """Keeps finished work, as workers do that are in a reference cycle with their tasks."""

        def __init__(self) -> None:
            self.run: list[Callable[[], None]] = []
            self.done: list[Message] = []

        def run_worker(self, work: Callable[[], None], **_: object) -> None:
            self.run.append(work)
            work()

        def post_message(self, message: Message) -> bool:
            self.done.append(message)
            return True

    host = Host()
    work = Jobs(host)
    held = np.arange(3)
    gone = weakref.ref(held)
    work.work("sum", held.sum, print)
    assert [message.result for message in host.done if isinstance(message, JobDone)] == [3]
    host.done.clear()
    del held
    assert gone() is None


async def test_filter_sends_the_conditions_that_the_server_supports() -> None:
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        async with opened_live(server.url) as on:
            await on.until("82 traces")
            count_before = len(server.requests)
            await on.press("slash", *"service = cart AND duration > 1s", "enter")
            await on.until("nothing new from", "6 of 82 traces")
            searches = [one for one in server.requests[count_before:] if "query.serviceName" in one.query]
            assert [one.query["query.serviceName"] for one in searches] == [["cart"], ["cart"]]
            # traces with such a span first, then others by their summaries
            assert [one.path.rpartition("/")[2] for one in searches] == ["traces", "trace-summaries"]
            assert "query.durationMin" in searches[0].query
            # undo sends no request
            before = len(server.requests)
            await on.press("u")
            await on.until("82 traces")
            assert len(server.requests) == before
            # later requests do not contain the condition
            for key in ("r", "M"):
                await on.press(key)
                await on.until("nothing new from 82 traces")
                await on.press("escape")
            queries = [one.query for one in server.requests[before:] if one.path == "/api/v3/traces"]
            assert len(queries) >= 2
            assert not any("query.serviceName" in query for query in queries)


async def test_listed_service_is_not_searched_and_a_filter_during_a_reload_is_searched_after_it() -> None:
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        async with opened_live(server.url) as on:
            await on.until("82 traces")
            await on.press("3", "enter")
            await on.until("Traces", "60 of 82 traces")
            before = len(server.requests)
            await on.press("escape", "1", "r", "e")
            await on.until("8 of 82 traces", "nothing new from 8 traces")
            queries = [one.query for one in server.requests[before:] if one.path == "/api/v3/traces"]
            assert [set(query) & {"query.attributes", "query.serviceName"} for query in queries] == [
                set(),
                {"query.attributes"},
            ]


async def test_following_continues_after_a_server_was_down(monkeypatch: pytest.MonkeyPatch) -> None:
    poll_often(monkeypatch)
    with LiveServer("zipkin", ends_ns=time.time_ns()) as server:
        async with opened_live(server.url) as on:
            await on.until("36 traces")
            await on.press("F")
            await on.until("following ")
            server.down()
            await on.until("connection refused", "loaded traces stay", "no response since ")
            server.up()
            await on.until("the server responds again", "following ")
            assert "connection refused" not in on.text


@pytest.mark.parametrize("kind", KINDS)
async def test_following_finds_a_trace_that_arrives_long_after_its_start(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_often(monkeypatch)
    now = time.time_ns()
    with LiveServer(kind, ends_ns=now) as server:
        async with opened_live(server.url) as on:
            await on.until("traces from")
            await on.press("F")
            await on.until("following ")
            server.add(trace(kind, 1, now - 600_000_000_000))
            await on.until("1 new")


async def test_banner_of_a_partly_failed_search_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    poll_often(monkeypatch)
    now = time.time_ns()
    with LiveServer("zipkin", ends_ns=now) as server, LiveServer("zipkin", empty=True) as other:
        async with opened_live(server.url, other.url) as on:
            await on.until("36 traces")
            await on.press("F")
            await on.until("following ")
            for number in range(2):
                other.down()
                # a failure that occurs again is shown again
                await on.until("connection refused", "hides it")
                other.up()
                # the next poll finds all that the server now has
                other.add(trace("zipkin", number + 1, now + number * 1_000_000))
                await on.until(f"{37 + number} traces")
                assert "connection refused" not in on.text
                assert "hides it" not in on.text


async def test_following_the_search_of_a_page_continues_after_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    poll_often(monkeypatch)
    ends = time.time_ns() - 600_000_000_000
    with LiveServer("jaeger-v3", ends_ns=ends) as server:
        last = server.trace_ids[-1]
        ahead = server.document(server.trace_ids[0])
        # from a clock that is an hour ahead
        server.add(ahead.copy_with("e" * 32, by_ns=time.time_ns() + 3_600_000_000_000 - ahead.start_ns))
        window = f"/search?start={ends // 1000 - 3_600_000_000}&end={ends // 1000 + 7_200_000_000}"
        async with opened_live(server.url + window) as on:
            await on.until("83 traces")
            await on.press("M")
            await on.until("no more traces in this time window")
            await on.press("F")
            await on.until("following ")
            now = server.document(last)
            server.add(now.copy_with("f" * 32, by_ns=time.time_ns() - now.start_ns))
            await on.until("84 traces", "1 new")
            queries = [one.query for one in server.requests if "query.startTimeMin" in one.query]
            assert all(one["query.startTimeMin"] < one["query.startTimeMax"] for one in queries)
            # from a host whose clock is ahead
            server.add(now.copy_with("d" * 32, by_ns=time.time_ns() + 1_800_000_000_000 - now.start_ns))
            await on.until("85 traces", "1 new")


async def test_request_of_the_user_does_not_wait_for_a_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    poll_often(monkeypatch)
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        async with opened_live(server.url) as on:
            await on.until("82 traces")
            server.fault = faults.silent
            await on.press("F")
            while "/api/v3/traces" not in server.paths()[-1] or len(server.paths()) < 5:
                await on.pilot.pause(0.01)
            # Esc does not stop automatic polls
            await on.press("escape", "escape")
            assert "stop" not in on.text
            server.fault = None
            await on.press("r")
            await on.until("nothing new from")
            server.fault = faults.silent
            await on.until("following ")
            count_before = len(server.paths())
            while len(server.paths()) == count_before:
                await on.pilot.pause(0.01)
            server.fault = None
            await on.press("3", "S")
            await on.until("Server statistics")


async def test_refused_search_is_not_repeated() -> None:
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        async with opened_live(server.url) as on:
            await on.until("82 traces")
            server.fault = faults.status(500, body=b"search depth must be less than max traces")
            await on.press("M")
            await on.until("less than max traces", "loaded traces stay")
            server.fault = None
            await on.press("escape", "r")
            await on.until("nothing new from", "the last 1h")


async def test_more_extends_the_last_successful_search(program: Program) -> None:
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        async with opened_live(program.profile(server.url, limit=20)) as on:
            await on.until("20 traces")
            server.down()
            await on.press("M")
            await on.until("connection refused", "loaded traces stay")
            server.up()
            await on.press("escape", "M")
            await on.until("at most 80")


async def test_request_during_a_statistics_query_runs_after_it(program: Program) -> None:
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        async with opened_live(program.profile(server.url, timeout=PATIENCE)) as on:
            await on.until("82 traces")
            server.fault, server.fault_on = faults.silent, "/dependencies"
            count_before = server.paths().count("/api/v3/traces")
            await on.press("3", "S", "M")
            await on.until("Server statistics")
            await on.app.workers.wait_for_complete()
            assert server.paths().count("/api/v3/traces") == count_before + 1


async def test_faults_lose_no_loaded_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, of one server; each is shown only after keys were answered, which do not wait for it."""
    with watched(monkeypatch) as work, LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        async with opened_live(server.url) as on:
            await on.until("82 traces")
            for fault, message in FAULTS.items():
                shown = faults.HeldFault(getattr(faults, fault, None) or faults.status(int(fault)))
                server.fault = shown
                await on.press("r")
                while not shown.is_reached:
                    await on.pilot.pause(0.01)
                await on.press("3")
                await on.until("[3 Services]", "searching")
                await on.press("1")
                await on.until("[1 Traces]", "searching")
                shown.go_on()
                await on.until(message, "loaded traces stay", "82 traces")
                await on.press("escape")
            # while traces are sent
            server.fault, server.fault_on = faults.cut, "/api/v3/traces$"
            await on.press("r")
            await on.until("the response was cut off", "82 traces  928 spans")
            await on.press("escape")
            server.fault = None
            await on.press("r")
            await on.until("82 traces from")
            server.down()
            await on.press("r")
            await on.until("connection refused", "82 traces")
            server.up()
            await on.press("r")
            await on.until("nothing new from")
            assert "connection refused" not in on.text
    assert_nothing_waits_on_the_loop(work)


async def test_endless_responses_lose_no_loaded_traces(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(monkeypatch) as work, LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        async with opened_live(program.profile(server.url, timeout=PATIENCE)) as on:
            await on.until("82 traces")
            for fault, message in ENDLESS.items():
                server.fault = getattr(faults, fault)
                await on.press("r", "3", "1")
                await on.until(message, "loaded traces stay", "82 traces")
                await on.press("escape")
    assert_nothing_waits_on_the_loop(work)


async def test_more_searches_further_back() -> None:
    with LiveServer("zipkin", ends_ns=time.time_ns() - 2 * 3_600_000_000_000) as server:
        async with opened_live(server.url) as on:
            await on.until("no matching traces on", "w other times")
            await on.press("w", *"3h", "enter")
            await on.until("36 traces")
            await on.press("M")
            await on.until("the last 12h")


async def test_more_after_undoing_a_filter_extends_the_unfiltered_search() -> None:
    """The filter found fewer than the limit, the search before it did not."""
    with server_with_newer_traces("zipkin", ends_ns=time.time_ns() - 60_000_000_000) as server:
        async with opened_live(server.url) as on:
            await on.until("100 traces from")
            await on.press("slash", *"service = payment", "enter")
            await on.until("filter  service = payment", "28 of 128 traces")
            await on.press("u")
            # newly loaded traces do not discard the previous filter
            await on.until("7 of 128 requests failed")
            await on.press("M")
            await on.until("the last 1h, at most 400")


async def test_server_that_restarts_loses_no_loaded_traces() -> None:
    with LiveServer("tempo", ends_ns=time.time_ns()) as server:
        async with opened_live(server.url) as on:
            await on.until("82 traces")
            server.down()
            await on.press("r")
            await on.until("connection refused", "loaded traces stay", "82 traces")
            await on.press("escape", "enter")
            await on.until("Waterfall ›")
            server.up()
            await on.press("1", "r")
            await on.until("nothing new from")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("login_page", "web page"),
        ("cut", "cut off"),
        ("bad_json", "not with the API of"),
        ("reset", "cut off"),
    ],
)
async def test_banner_of_a_fault(fault: str, message: str) -> None:
    with faulty(getattr(faults, fault), times=40, then="jaeger-v3") as server:
        async with opened_live(server.url) as on:
            await on.until(message, "r tries again")
            server.fault = None
            await on.press("escape", "r")
            await on.until("no matching traces on")


async def test_esc_stops_the_last_request_or_goes_back_after_navigation() -> None:
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        async with opened_live(server.url) as on:
            await on.until("82 traces")
            server.fault = faults.silent
            await on.press("3", "4", "r")
            await on.until("searching", "Esc stops")
            await on.press("5")
            assert "Esc stops" not in on.text
            await on.press("escape")
            await on.until("[4 Errors]", "searching  Esc stops")
            await on.press("escape")
            await on.until("[4 Errors]", "search stopped; loaded traces stay")
            await on.press("escape")
            await on.until("[3 Services]")


@pytest.mark.parametrize("fault", ENDLESS)
async def test_waiting_for_a_server_can_be_stopped_and_delays_no_key(fault: str) -> None:
    with faulty(getattr(faults, fault)) as server:
        async with opened_live(server.url) as on:
            await on.until("searching", "Esc stops")
            await on.press("3", "4", "5", "1", "question_mark")
            await on.until("lines below", "reading")
            await on.press("escape", "escape", "escape", "escape", "escape", "escape")
            await on.until("loading stopped")
            assert painted(on.app)[-1]


async def following_a_burst(
    kind: str, count: int, monkeypatch: pytest.MonkeyPatch, *, orders_by_arrival: bool = False
) -> tuple[int, str, int]:
    """Follow a server that gets this many traces at once, the oldest with an error. Return the number of new traces,
    the text on the screen, and the number of new traces with errors.

    orders_by_arrival: the server sends those that arrived last, which are the oldest but for the one with an error.
    """
    poll_often(monkeypatch)
    now = time.time_ns()
    with LiveServer(kind, ends_ns=now - 100_000_000_000, orders_by_arrival=orders_by_arrival) as server:
        async with opened_live(server.url, size=(160, 40)) as on:
            await on.until("traces from")
            assert on.app.state.session is not None
            before = on.app.state.session.loaded.trace_count
            errors = int((on.app.state.session.loaded.trace_errors > 0).sum())
            await on.press("F")
            await on.until("following ")
            # all in one step, with the error first, so that no poll sees a part
            bodies = [
                trace(kind, number + 1, now - 90_000_000_000 + number * 40_000_000, tags={} if number else ERROR_TAGS)
                for number in range(count)
            ]
            # an old trace with a new span is among the newest
            later = 85_000_000_000 + count * 40_000_000
            long = trace(kind, count + 1, now - 95_000_000_000, later=later)
            server.add_all([bodies[0], long, *bodies[:0:-1]] if orders_by_arrival else [*bodies, long])
            await on.until(" new ")
            await on.pilot.settle()
            loaded = on.app.state.session.loaded
            return loaded.trace_count - 1 - before, on.text, int((loaded.trace_errors > 0).sum()) - errors


ERROR_TAGS = {"error": "true"}


@pytest.mark.parametrize("kind", ["zipkin", "jaeger-v3", "jaeger-v1", "tempo"])
async def test_following_reads_a_whole_burst(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    came, text, failed = await following_a_burst(kind, 400, monkeypatch)
    assert (came, failed) == (400, 1)
    assert "was not read" not in text


@pytest.mark.parametrize("kind", ["jaeger-v3", "jaeger-v1"])
async def test_following_reads_a_whole_burst_in_any_order(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traces sent as the newest began before those that are missing."""
    came, text, failed = await following_a_burst(kind, 400, monkeypatch, orders_by_arrival=True)
    assert (came, failed) == (400, 1)
    assert "was not read" not in text


@pytest.mark.parametrize(
    ("kind", "orders_by_arrival"),
    [("zipkin", False), ("jaeger-v3", False), ("jaeger-v1", False), ("jaeger-v3", True), ("jaeger-v1", True)],
)
async def test_following_reports_unread_traces_and_reads_all_errors(
    kind: str, orders_by_arrival: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    came, text, failed = await following_a_burst(kind, 1_500, monkeypatch, orders_by_arrival=orders_by_arrival)
    assert failed == 1
    assert 900 < came < 1_100
    assert "more than 1,0" in text


async def test_open_trace_with_late_spans_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its spans may arrive long after newer traces, so a search for new traces does not find them."""
    poll_often(monkeypatch)
    now = time.time_ns()
    with LiveServer("zipkin", ends_ns=now - 900_000_000_000) as server:
        begun = now - 800_000_000_000
        server.add(trace("zipkin", 1, begun, [5_000_000], ["front"]))
        server.add(trace("zipkin", 2, now - 10_000_000_000))
        async with opened_live(server.url) as on:
            await on.until("38 traces from")
            assert on.app.state.session is not None
            spans = len(on.app.state.session.loaded)
            # the filter does not match the trace's own attributes, as each poll would find it otherwise
            await on.press("slash", *"trace.spans = 1 AND service = front", "enter")
            await on.until("1 of 38")
            await on.press("enter", "F")
            await on.until("Waterfall ›", "following ")
            server.add(trace("zipkin", 1, begun))
            await on.until("late spans: shown when you leave this trace")
            await on.press("1")
            await on.pilot.settle()
            assert len(on.app.state.session.loaded) == spans + 1


async def test_trace_pasted_as_a_filter_is_fetched() -> None:
    with server_with_newer_traces("zipkin", ends_ns=time.time_ns() - 60_000_000_000) as server:
        old = server.trace_ids[0]
        async with opened_live(server.url) as on:
            await on.until("100 traces from")
            await on.press("slash")
            on.app.post_message(events.Paste(f"00-{old}-00f067aa0ba902b7-01"))
            await on.until(old)
            await on.press("enter")
            await on.until("Waterfall ›", f"trace {old}")
            await on.press("escape")
            await on.until("1 of 101 traces")
