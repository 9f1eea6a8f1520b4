"""The app over servers without traces at first: empty time windows, many services, pasted traces."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from textual import events

from tests.support import faults
from tests.support.many_traces import SECOND, server_with_services
from tests.support.paths import SAMPLES
from tests.support.servers import LiveServer
from tests.support.trace_app import LiveApp, opened_live
from tracetui.ingest.servers.resolve import parse_sources
from tracetui.model.search_offers import MAX_SEARCHED
from tracetui.tui.settings import Resume
from tracetui.tui.source_tabs import location_of

HOUR = 3600 * SECOND
BEFORE = SAMPLES / "incident" / "before.json"
NOWHERE = "4bf92f3577b34da6a3ce929d0e0e4736"


def searches(server: LiveServer) -> list[dict[str, list[str]]]:
    """Return the queries of searches, without the one that detects the kind of server."""
    requests = [one for one in server.requests if one.path.endswith(("/traces", "/trace-summaries", "/search"))]
    return [
        dict(one.query) for one in requests if "2020-01-01T00:00:00Z" not in one.query.get("query.startTimeMin", ())
    ]


async def pasted(on: LiveApp, text: str) -> None:
    await on.press("slash")
    on.app.post_message(events.Paste(text))
    await on.pilot.pause()
    await on.press("enter")


async def gone(on: LiveApp, text: str) -> None:
    for _ in range(400):
        if text not in on.text:
            return
        await on.pilot.pause(0.05)
    raise AssertionError(f"{text} did not disappear:\n{on.text}")


# empty time windows


@pytest.mark.parametrize("kind", ["jaeger-v3", "zipkin", "tempo"])
async def test_empty_search_offers_wider_windows_and_services(kind: str) -> None:
    with LiveServer(kind, ends_ns=time.time_ns() - 5 * HOUR) as server:
        async with opened_live(server.url) as on:
            await on.until("no matching traces on", "of the last 1h", "payment", "newest trace 5 h ago")
            services = len(on.app.state.server_services)
            assert re.search(r"the last 3h +no traces", on.text)
            assert re.search(rf"▌ +the last 12h +all {services} services have traces", on.text)
            assert re.search(rf"the last 30d +all {services} services have traces", on.text)
            assert len(searches(server)) == services + 1
            assert "M the last 4h" in on.text
            # the newest traces are not searched for again
            await on.press("r")
            await on.until("nothing new from")
            await on.pilot.settle()
            assert len(searches(server)) == services + 2
            # the cursor is on the first window with traces
            await on.press("enter")
            await on.until(" new   ", "searched: the last 12h")
            assert on.app.state.session is not None
            assert on.app.state.session.loaded.trace_count >= 36


async def test_offered_service_is_searched_back_to_its_newest_trace() -> None:
    with server_with_services("zipkin", 40, begun_ns=time.time_ns() - 50 * HOUR) as server:
        async with opened_live(server.url, size=(80, 24)) as on:
            await on.until("svc-023", "newest trace 2 d ago")
            assert len(searches(server)) == 1 + MAX_SEARCHED
            await on.press("down", "down", "enter")
            await on.until("service = svc-023", "1 trace")
            assert searches(server)[-1]["serviceName"] == ["svc-023"]
            assert int(searches(server)[-1]["lookback"][0]) // 3_600_000 == 7 * 24


async def test_search_for_newest_traces_can_be_stopped_and_yields_to_others() -> None:
    with LiveServer("jaeger-v3", ends_ns=time.time_ns() - 5 * HOUR) as server:

        def fault(handler: Any) -> None:
            is_of_one = "query.serviceName" in handler.request_read.query
            faults.silent(handler) if is_of_one else server.send(handler, server.respond(handler.request_read))

        server.fault, server.fault_on = fault, "/trace-summaries$"
        async with opened_live(server.url) as on:
            await on.until("the last 12h", "searching for the newest traces  Esc stops")
            await on.press("escape")
            await gone(on, "searching for the newest traces")
            assert "the last 12h" in on.text
            # other searches do not wait for it
            await on.press("r")
            await on.until("searching for the newest traces")
            await on.press("enter")
            await on.until("the last 3h, at most 100")


# many services


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_choice_among_many_services(size: tuple[int, int]) -> None:
    with server_with_services("jaeger-v1", 150, begun_ns=time.time_ns() - 60 * SECOND) as server:
        async with opened_live(server.url, size=size) as on:
            await on.until("searches by service only. Which of 150?", "150 requests, up to 1,500 traces")
            assert searches(server) == []
            await on.press(*"14", "tab", "tab")
            await on.until("2 marked", "12 requests, up to 204 traces")
            await on.press("backspace", "backspace", *"007", "tab", "enter")
            await on.until("3 traces from Jaeger (v1)")
            services = {query["service"][0] for query in searches(server)}
            assert services == {"svc-007", "svc-014", "svc-114"}
            # later searches concern these services
            await on.press("e")
            await on.until("0 of 3 traces")
            await on.pilot.settle()
            assert {query["service"][0] for query in searches(server)} == services
            # until the user chooses others
            await on.press("e", "i")
            await on.until("choose the services to search", "3 searched")
            await on.press("enter")
            await on.until("Which of 150?", "3 marked")
            await on.press("escape")
            await on.until("3 traces")


async def test_all_services_can_be_chosen() -> None:
    with server_with_services("jaeger-v1", 60, begun_ns=time.time_ns() - 60 * SECOND) as server:
        async with opened_live(server.url) as on:
            await on.until("Which of 60?")
            await on.press("up", "enter")
            await on.until("60 traces from Jaeger (v1)")
            assert len(searches(server)) == 60


async def test_cancelled_choice_of_services_can_be_made_later() -> None:
    with server_with_services("jaeger-v1", 60, begun_ns=time.time_ns() - 60 * SECOND) as server:
        async with opened_live(server.url) as on:
            await on.until("Which of 60?")
            await on.press("escape")
            await on.until("searches by service only; it has 60 services", "i chooses services")
            assert searches(server) == []
            await on.press("i")
            await on.until("Which of 60?")
            await on.press("enter")
            await on.until("1 trace from Jaeger (v1)")
            assert len(searches(server)) == 1


# pasted traces


async def test_pasted_trace_id_opens_the_trace_and_esc_returns() -> None:
    async with opened_live(str(BEFORE)) as on:
        await on.until("100 traces")
        assert on.app.state.session is not None
        wanted = on.app.state.session.loaded.trace_ids[42]
        await pasted(on, f"ERROR trace_id={wanted} failed")
        await on.until("Waterfall ›", wanted)
        await on.press("escape")
        await on.until("[1 Traces]", "1 of 100 traces")
        await pasted(on, NOWHERE)
        await on.until(f"no trace {NOWHERE} among 100 traces")
        assert "Waterfall ›" not in on.text


async def test_pasted_comparison_page_opens_the_comparison() -> None:
    with LiveServer("jaeger-v3", ends_ns=time.time_ns() - 5 * HOUR) as server:
        first, second = [one for one in server.trace_ids if not server.document(one).broken][3:5]
        async with opened_live(server.url) as on:
            await on.until("the last 12h")
            await pasted(on, f"{server.url}/trace/{first}...{second}?cohort={first}")
            await on.until("before  ", "after   ", "difference")
            await on.press("escape")
            await on.until("[1 Traces]", "2 traces")


def test_locations_of_pages() -> None:
    def opened(*sources: str) -> tuple[Resume | None, tuple[str, ...]]:
        return location_of(parse_sources(sources))

    ids = (NOWHERE, "a" * 32)
    trace = Resume([], "waterfall", trace_id=NOWHERE)
    assert opened("http://h:1/trace/" + "...".join(ids)) == (None, ids)
    assert opened(f"http://h:1/compare?cohort={ids[0]}&cohort={ids[1]}") == (None, ids)
    assert opened("http://h:1", "http://g/trace/" + "...".join(ids)) == (None, ())
    assert opened(f"http://h:1/search?traceID={ids[0]}&traceID={ids[1]}") == (None, ())
    assert opened(f"http://h:1/trace/{NOWHERE}") == (trace, ())
    assert opened("http://h:1", f"00-{NOWHERE}-00f067aa0ba902b7-01") == (trace, ())
    assert opened(str(BEFORE), NOWHERE) == (trace, ())
    for page in ("dependencies", "zipkin/dependency?startTime=1", "system-architecture"):
        assert opened(f"http://h:1/{page}") == (Resume([], "services"), ())
    assert opened("http://h:1/search?service=cart") == (None, ())
