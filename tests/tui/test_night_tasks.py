"""Questions of an engineer on call, each answered by a few keys beside the names that are typed."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.support.building import build, span
from tests.support.paths import INCIDENT, SAMPLES, SHOP
from tests.support.pilot import Driver
from tests.support.servers import LiveServer
from tests.support.trace_app import opened
from tracetui.export.save import save
from tracetui.tui import app as app_module
from tracetui.tui.messages import FilterTraces
from tracetui.tui.views.traces.view import TracesView

MINUTE_US = 60_000_000
MAX_KEYS = 8
MAX_KEYS_OF_A_TRACE = 3
"""Keys of a question about one trace."""


class Hands:
    """Presses keys and types names, and counts the keys."""

    def __init__(self, pilot: Driver) -> None:
        self.keys = 0
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        self.keys += len(keys)
        await self._pilot.press(*keys)

    async def write(self, name: str) -> None:
        await self._pilot.press(*name)


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Twenty minutes of requests, one a minute, by three users; version 2.5 from the tenth on, which is slower.

    The eighth request has an event that nothing else has.
    """
    path = tmp_path / "checkout.json"
    spans = []
    for i in range(60):
        version, begin = ("2.4" if i < 30 else "2.5"), i * MINUTE_US // 3
        spans.append(
            span(
                f"{i + 1:x}",
                begin,
                begin + (90_000 if version == "2.4" else 400_000) + 1_000 * (i % 7),
                trace=f"{i + 1:x}",
                service="checkout",
                name="POST /orders",
                attributes={"user.id": f"u-{40 + i % 3}"},
                resource={"service.version": version},
                events=((begin, "card declined by issuer 17"),) if i == 8 else (),
            )
        )
    save(build(*spans), path)
    return str(path)


async def test_a_user_at_a_time(source: str) -> None:
    """User 42 complains about about 22:18."""
    async with opened(source) as (app, pilot):
        hands = Hands(pilot)
        await hands.press("U")
        await hands.write("user")
        await hands.press("enter")
        await hands.write("u-42")
        await hands.press("enter", "w")
        await hands.write("22:18-22:19")
        await hands.press("enter")
        assert app.state.query.startswith("user.id = u-42 AND trace.start >= ")
        assert app.state.shown.tolist() == [14]
        assert hands.keys <= MAX_KEYS


async def test_a_user_among_the_traces_of_the_filter(source: str) -> None:
    """The count of a user is what one gets; undo lists the traces as before."""
    async with opened(source) as (app, pilot):
        app.post_message(FilterTraces("trace.response >= 400ms"))
        await pilot.settle()
        order = app.query_one(TracesView).listing
        assert order.sort_key == "duration"
        await pilot.press("U", *"user", "enter")
        assert "among those of the filter" in pilot.text
        await pilot.press(*"u-42")
        assert re.search(r"u-42 +10 traces", pilot.text)
        await pilot.press("enter")
        assert len(app.state.shown) == 10
        assert order.sort_key == "start"
        await pilot.press("u")
        assert app.state.query == "trace.response >= 400ms"
        assert (order.sort_key, order.descending) == ("duration", True)


async def test_a_service_among_the_traces_of_the_filter() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("e", "i", *"rec")
        assert re.search(r"recommendation-service +✖6  8 traces", pilot.text)
        await pilot.press("enter")
        assert len(app.state.shown) == 8


async def test_what_happened_at_a_time() -> None:
    """Something happened at 10:05: the list has the traces around it, although that of the cursor is of 10:05, too."""
    async with opened(INCIDENT) as (app, pilot):
        hands = Hands(pilot)
        await hands.press("w")
        await hands.write("10:05")
        assert re.search(r"a minute before and after 10:05 +13 traces", pilot.text)
        assert "from 10:05 on" in pilot.text
        assert "a minute before and after the trace under the cursor" in pilot.text
        await hands.press("enter")
        assert app.state.query == "trace.start >= 2026-03-10T10:04:00Z AND trace.start < 2026-03-10T10:06:00Z"
        assert hands.keys <= MAX_KEYS


async def test_who_depends_on_a_service_that_the_filter_excludes() -> None:
    """The filter of an earlier question hides it."""
    async with opened(SHOP, size=(80, 24)) as (_, pilot):
        await pilot.press("slash", *"service = checkout-api", "enter", "3", "slash", *"leg", "enter")
        text = " ".join(pilot.text.split())
        assert "No service matches leg among the 50 of 304 traces of the filter." in text


async def test_whether_a_deployment_is_guilty(source: str) -> None:
    """Version 2.5 was deployed: what became worse?"""
    async with opened(source, size=(120, 40)) as (_, pilot):
        assert "version 2.4 → 2.5" in pilot.text
        hands = Hands(pilot)
        await hands.press("B")
        await hands.write("2.5")
        await hands.press("enter")
        assert "became worse" in pilot.text
        assert "service.version=2.4  30 traces" in pilot.text
        assert "service.version=2.5  30 traces" in pilot.text
        assert hands.keys <= MAX_KEYS


async def test_whether_there_is_an_n_plus_1_query() -> None:
    async with opened(str(SAMPLES / "n-plus-one"), size=(80, 24)) as (_, pilot):
        hands = Hands(pilot)
        await hands.press("5", "v")
        assert "1 suggestion:  1 N+1  v: operations" in pilot.text
        assert re.search(r"saves +in all +traces", pilot.text)
        assert "orders-db SELECT order_items" in pilot.text
        assert hands.keys <= MAX_KEYS


async def test_who_loses_context() -> None:
    """Traces break off: where?"""
    async with opened(str(SAMPLES / "broken" / "lost-context.json"), size=(120, 40)) as (app, pilot):
        hands = Hands(pilot)
        await hands.press("W")
        assert "such as price-service POST /batch" in pilot.text
        await hands.write("orphan")
        await hands.press("enter", "enter")
        assert app.view == "waterfall"
        assert "orphan" in pilot.text
        assert hands.keys <= MAX_KEYS


async def test_a_text_of_an_event_over_all_traces(source: str) -> None:
    """A log says "declined by issuer 17": in which request?"""
    async with opened(source, size=(120, 40)) as (app, pilot):
        hands = Hands(pilot)
        await hands.press("slash")
        await hands.write('"declined by issuer 17"')
        await hands.press("enter")
        assert app.state.shown.tolist() == [8]
        await hands.press("enter")
        assert app.view == "waterfall"
        assert "card declined by issuer 17" in pilot.text
        assert hands.keys <= MAX_KEYS


async def test_why_a_trace_is_slower_than_normal() -> None:
    """The slowest trace is at the top of the list: what took the time?"""
    async with opened(str(SAMPLES / "network"), size=(80, 24)) as (_, pilot):
        hands = Hands(pilot)
        await hands.press("enter", "equals_sign")
        assert "slowest of 60" in pilot.text
        assert "mostly network time to stock-service: 242 ms, normally 800 µs" in pilot.text
        assert hands.keys <= MAX_KEYS_OF_A_TRACE


async def test_the_page_of_a_trace_in_its_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A colleague wants to see this trace in Jaeger."""
    addresses: list[str] = []

    def open_in_browser(address: str) -> bool:
        addresses.append(address)
        return True

    monkeypatch.setattr(app_module, "open_in_browser", open_in_browser)
    with LiveServer("jaeger-v1", ends_ns=time.time_ns()) as server:
        async with opened(server.url) as (app, pilot):
            hands = Hands(pilot)
            await hands.press("enter", "y", "o")
            assert hands.keys <= MAX_KEYS_OF_A_TRACE
            assert app.view == "waterfall"
            await pilot.press("y", "t")
            assert addresses == [f"{server.url}/trace/{app.clipboard}"]
