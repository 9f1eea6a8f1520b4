"""Text typed while traces are read or before a dialog has its options: it goes to the widget it was meant for."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from tests.support.building import build, span
from tests.support.gates import gated
from tests.support.pilot import driven
from tests.support.trace_app import CountingApp, opened
from tracetui.export.save import save
from tracetui.ingest.processes.background_load import BackgroundLoad
from tracetui.model.traces import TraceSet
from tracetui.query import complete
from tracetui.tui.state import Look, State
from tracetui.tui.terminal.app import TerminalApp
from tracetui.tui.views.traces import quick_filters
from tracetui.tui.views.traces.quick_filters import at_least
from tracetui.tui.widgets.choice import Choice, Option


def users() -> TraceSet:
    """Return three traces of user u-400, two of u-46, and one of u-4."""
    names = ["u-400"] * 3 + ["u-46"] * 2 + ["u-4"]
    return build(
        *(
            span(f"a{i}", i * 1_000, i * 1_000 + 100 + i, trace=str(i + 1), attributes={"user.id": name})
            for i, name in enumerate(names)
        )
    )


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "users.json"
    save(users(), path)
    return str(path)


@pytest.fixture
def may_find(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Delay the values of a dialog until the event is set."""
    return gated(monkeypatch, quick_filters, "values_of")


class Field(Static, can_focus=True):
    """Receives keys; with a gate it gives the focus to the next widget once the gate is open."""

    def __init__(self, gate: asyncio.Event | None = None) -> None:
        super().__init__()
        self.gate = gate
        self.received: list[str] = []

    async def on_key(self, event: events.Key) -> None:
        self.received.append(event.key)
        if self.gate is not None:
            await self.gate.wait()
            self.screen.focus_next()


class Fields(TerminalApp):
    def __init__(self, *fields: Field) -> None:
        super().__init__()
        self.fields = fields

    def compose(self) -> ComposeResult:
        yield from self.fields


async def test_key_waits_for_the_previous_one_however_long_that_takes() -> None:
    first, second = Field(asyncio.Event()), Field()
    async with driven(Fields(first, second)) as pilot:
        first.focus()
        await pilot.settle()
        pilot.post("a")
        while not first.received:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        pilot.post("b")
        await asyncio.sleep(0.5)
        assert first.gate is not None
        first.gate.set()
        await pilot.settle()
        assert (first.received, second.received) == (["a"], ["b"])


async def test_exact_value_comes_before_commoner_prefixes(source: str) -> None:
    async with opened(source) as (app, pilot):
        await pilot.press("U", *"user", "enter", *"u-4", "enter")
        assert app.state.query == "user.id = u-4"


async def test_prefixes_come_before_other_matches(source: str) -> None:
    options = [Option(name, name) for name in ("xu-4", "u-400", "u-46")]
    async with opened(source) as (app, pilot):
        app.push_screen(Choice(Look(), "Pick", options))
        await pilot.settle()
        await pilot.press(*"u-4")
        rows = [line for line in pilot.lines if "u-4" in line and "> " not in line]
        assert [name for row in rows for name in ("xu-4", "u-400", "u-46") if f" {name} " in row] == [
            "u-400",
            "u-46",
            "xu-4",
        ]


@pytest.mark.parametrize("keys", ["U", "i", "w", "A", "B", "c", "x"])
async def test_text_typed_while_traces_are_read_goes_to_the_dialog(
    keys: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_load = gated(monkeypatch, BackgroundLoad, "run")
    app = CountingApp(State(sources=(source,)))
    async with driven(app, (120, 40)) as pilot:
        await pilot.until("reading")
        await pilot.send(keys)
        dialog = app.screen
        assert isinstance(dialog, Choice)
        await pilot.send(*"user")
        assert "> user" in pilot.text
        may_load.set()
        await pilot.settle()
        # the dialog is still open, with the typed text and its values
        assert app.screen is dialog
        assert "> user" in pilot.text
        assert "searching" not in pilot.text
        assert app.state.session is not None
        assert app.view == "traces"


async def test_keys_wait_for_options(source: str, may_find: threading.Event) -> None:
    async with opened(source) as (app, pilot):
        await pilot.press("U", *"user")
        await pilot.send("enter")
        await pilot.send(*"u-4", "enter", "j")
        assert isinstance(app.screen, Choice)
        assert app.state.query == ""
        may_find.set()
        await pilot.settle()
        await pilot.settle()
        assert app.state.query == "user.id = u-4"
        assert len(app.screen_stack) == 1


async def test_dialog_without_options_can_be_left(source: str, may_find: threading.Event) -> None:
    async with opened(source) as (app, pilot):
        await pilot.press("U", *"user")
        await pilot.send("enter")
        await pilot.send(*"u-4", "enter", "escape")
        assert len(app.screen_stack) == 1
        may_find.set()
        await pilot.settle()
        assert app.state.query == ""


def test_counts_of_a_sample_are_lower_limits() -> None:
    assert at_least(153, "value", is_sample=True) == "at least 153 values"
    assert at_least(153, "value", is_sample=False) == "153 values"


async def test_dialog_shows_counts_of_a_sample_as_lower_limits(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complete, "_SAMPLED_SPANS", 3)
    monkeypatch.setattr(complete.sample, "__defaults__", (3,))
    async with opened(source) as (_, pilot):
        await pilot.press("U")
        assert "at least 2 values" in pilot.text
        await pilot.press("enter")
        # all values are complete
        assert "u-4 " in pilot.text
        assert "3 traces" in pilot.text
