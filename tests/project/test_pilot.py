"""The pilot of the tests waits for all effects of a key, and for nothing else."""

from __future__ import annotations

import asyncio
import threading

from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.support.pilot import driven


class _Slow(App[None]):
    """App that shows the effects of a key one after the other: of a message, a worker, a timer."""

    BINDINGS = [("w", "work", ""), ("t", "rest", ""), ("n", "notice", "")]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.may_go = threading.Event()

    def compose(self) -> ComposeResult:
        yield Static("nothing")

    def show(self, text: str) -> None:
        self.query_one(Static).update(text)

    def action_work(self) -> None:
        def work() -> None:
            self.may_go.wait()
            self.call_from_thread(self.show, "worked")

        self.run_worker(work, thread=True)

    def action_rest(self) -> None:
        self.query_one(Static).set_timer(0.1, lambda: self.show("rested"))

    def action_notice(self) -> None:
        def again() -> None:
            self.set_timer(0.001, again)

        again()
        self.query_one(Static).set_timer(3600, again)
        self.show("noticed")


async def test_press_waits_for_workers() -> None:
    app = _Slow()
    async with driven(app) as pilot:
        asyncio.get_running_loop().call_later(0.05, app.may_go.set)
        await pilot.press("w")
        assert "worked" in pilot.text


async def test_send_does_not_wait_for_workers() -> None:
    app = _Slow()
    async with driven(app) as pilot:
        await pilot.send("w")
        assert "nothing" in pilot.text
        app.may_go.set()
        await pilot.settle()
        assert "worked" in pilot.text


async def test_press_waits_for_short_timers_of_widgets_only() -> None:
    async with driven(_Slow()) as pilot:
        await pilot.press("t")
        assert "rested" in pilot.text
        await pilot.press("n")
        assert "noticed" in pilot.text


async def test_until_waits_for_a_text() -> None:
    app = _Slow()
    async with driven(app) as pilot:
        await pilot.send("w")
        asyncio.get_running_loop().call_later(0.05, app.may_go.set)
        await pilot.until("worked")


async def test_resize_is_painted() -> None:
    async with driven(_Slow()) as pilot:
        await pilot.resize_terminal(30, 7)
        assert len(pilot.lines) == 7
        assert pilot.app.query_one(Static).size.width == 30
