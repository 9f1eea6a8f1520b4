"""Links of a trace in the copy menu: its web page, and the command that shows it."""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip

from tests.support.building import build, span
from tests.support.paths import CASES, INCIDENT, SAMPLES
from tests.support.pilot import Driver
from tests.support.servers import LiveServer
from tests.support.trace_app import loaded, opened
from tracetui.cli.main import run
from tracetui.config import config_path
from tracetui.export.save import save
from tracetui.model.trace_page import common_template
from tracetui.render.report.slack_message import MAX_CHARACTERS, MAX_ROWS, WIDTH
from tracetui.session import Session
from tracetui.tui import app as app_module
from tracetui.tui.messages import CopyText
from tracetui.tui.state import Look, State
from tracetui.tui.terminal.cell_diff import _MAX_LOOKS, ShownCells
from tracetui.tui.widgets.copy_menu import CopyMenu, CopySource, trace_items
from tracetui.tui.widgets.span_detail import SpanDetail

TRACES = Session(build(span("a", 0, 10)))


def page(state: State) -> str:
    source = CopySource.of_state(state)
    assert source is not None
    return source.links("ab").page


def test_configured_page_is_for_sources_without_pages_of_their_own() -> None:
    state = State(session=TRACES, configured_page="https://traces.example/{id}")
    assert page(state) == "https://traces.example/ab"
    state.server_page = "https://jaeger.example/trace/{id}"
    assert page(state) == "https://jaeger.example/trace/ab"
    state.server_page = ""
    assert page(state) == "https://traces.example/ab"


def test_page_is_unknown_if_one_of_several_servers_may_have_the_trace() -> None:
    pages = ("https://jaeger.example/trace/{id}", "https://zipkin.example/zipkin/traces/{id}")
    assert common_template(pages, 2) == ""
    assert common_template(pages[:1], 2) == "", "one source is a file"
    assert common_template(pages[:1], 1) == pages[0]


async def test_page_is_unknown_for_traces_of_a_server_and_a_file() -> None:
    with LiveServer("jaeger-v1", ends_ns=time.time_ns()) as server:
        app = app_module.TraceApp(State(sources=(server.url, INCIDENT)))
        async with loaded(app):
            assert app.state.session is not None
            assert app.state.session.loaded.trace_count > 100
            assert app.state.trace_page == ""


def test_command_names_the_sources() -> None:
    command = CopySource(TRACES.loaded, TRACES.trace_json, Look(), sources=("a b.json",)).links("ab").command
    assert shlex.split(command) == ["tracetui", "show", "a b.json", "--trace", "ab"]
    assert CopySource(TRACES.loaded, TRACES.trace_json, Look()).links("ab").command == ""


@pytest.mark.parametrize(
    ("kind", "path"),
    [("jaeger-v1", "/trace/"), ("jaeger-v3", "/trace/"), ("zipkin", "/zipkin/traces/")],
)
async def test_page_on_the_server(kind: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses: list[str] = []

    def open_in_browser(address: str) -> bool:
        addresses.append(address)
        return len(addresses) == 1

    monkeypatch.setattr(app_module, "open_in_browser", open_in_browser)
    with LiveServer(kind, ends_ns=time.time_ns()) as server:
        async with opened(server.url) as (app, pilot):
            await pilot.press("y", "t")
            expected = f"{server.url}{path}{app.clipboard}"
            await pilot.press("y", "u")
            assert app.clipboard == expected
            assert f"{expected}: copied" in pilot.text
            await pilot.press("enter", "y", "o")
            assert addresses == [expected]
            assert f"{expected}: opened in the browser" in pilot.text
            await pilot.press("y", "t", "y", "o")
            assert app.clipboard == expected
            assert f"{expected}: copied, as this machine has no web browser" in " ".join(pilot.text.split())
            await pilot.press("y", "m")
            assert f"](<{expected}>)" in app.clipboard
            assert app.clipboard.rstrip().endswith(
                f"`tracetui show {server.url} --trace {expected.rpartition('/')[2]}`"
            )


@pytest.mark.parametrize("key", ["o", "u"])
async def test_page_of_a_file_is_unknown(key: str) -> None:
    async with opened(INCIDENT, size=(80, 24)) as (app, pilot):
        await pilot.press("y")
        assert isinstance(app.screen, CopyMenu)
        assert "no web page known: set ui in config.toml" in pilot.text
        await pilot.press(key)
        assert len(app.screen_stack) == 1
        assert "no web page known: set ui in config.toml" in pilot.lines[-1]
        assert not app.clipboard


async def test_key_that_is_not_in_the_copy_menu_is_reported() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("y", "f")
        await pilot.until("there is no filter; Esc closes the menu")
        await pilot.press("4")
        await pilot.until("4 is not in this menu")
        assert isinstance(app.screen, CopyMenu)
        await pilot.press("escape")
        assert app.view == "traces"


async def test_long_address_is_shown_whole() -> None:
    address = f"https://traces.example/{'path/' * 20}trace/abcdef"
    async with opened(INCIDENT, size=(80, 24)) as (app, pilot):
        app.on_copy_text(CopyText(address, "address", one_line=True, is_shown=True))
        await pilot.settle()
        shown = "".join(line[:74].strip() for line in pilot.lines[-3:])
        assert address in shown
        await pilot.press("j")
        assert "abcdef" not in pilot.text


@pytest.mark.parametrize("count", [1, 15, 200])
def test_links_are_whole_or_omitted(count: int) -> None:
    page = f"https://jaeger.example/{'a/' * count * 10}{{id}}"
    files = tuple(f"/var/incidents/{number}/traces.json" for number in range(count))
    source = CopySource(TRACES.loaded, TRACES.trace_json, Look(), page, files)
    links, texts = source.links(TRACES.loaded.trace_ids[0]), {item.key: item.make() for item in trace_items(source, 0)}
    assert (links.page in texts["l"], links.command in texts["l"]) == (count < 200, count < 200)
    assert (links.command in texts["m"]) == (count < 200)
    assert texts["l"].count("tracetui show") + texts["m"].count("tracetui show") == (2 if count < 200 else 0)
    assert len(texts["l"]) <= MAX_CHARACTERS


async def test_message_for_slack() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("e", "y", "l")
        head, block, end = app.clipboard.split("```")
        assert end == "\n"
        assert head.startswith("api-gateway GET /")
        assert "✖ began in 1 span" in head
        assert head.splitlines()[-1].startswith("tracetui show ")
        lines = block.strip("\n").splitlines()
        assert max(map(len, lines)) <= WIDTH
        assert any("recommendation-service" in line for line in lines)


@pytest.mark.parametrize("source", [str(CASES / "fuzz-clipboard.json"), INCIDENT])
async def test_message_for_slack_is_small_and_harmless(source: str) -> None:
    async with opened(source) as (app, pilot):
        for _ in range(5):
            await pilot.press("y", "l", "j")
            assert len(app.clipboard) <= MAX_CHARACTERS
            assert app.clipboard.count("```") == 2
            assert not set(app.clipboard) & set("<>")
            assert len(app.clipboard.splitlines()) <= MAX_ROWS + 20


async def test_a_message_is_followed_from_consumer_to_producer_and_back() -> None:
    async with opened(str(SAMPLES / "async"), size=(140, 40)) as (app, pilot):
        await pilot.press("slash", *"invoices process", "enter", "enter")
        consumer = app.state.trace
        detail = app.query_one(SpanDetail)

        async def open_entry(path: str) -> None:
            lines = detail.view.lines
            assert lines is not None
            await pilot.press("tab")
            row = lines.row_of(path)
            assert row is not None
            await pilot.press(*["j"] * row, "enter")

        await open_entry("link:0")
        assert app.state.trace != consumer
        assert "invoices publish" in pilot.text
        assert "linked from 1" in pilot.text
        await open_entry("linked:0")
        assert app.state.trace == consumer
        assert "links 3" in pilot.text


ADDRESS = "https://shop.example/orders/17?page=2"


class Recorder(App[Any]):
    """Last base class of an app that keeps what it sends to the terminal."""

    output = ""

    def _display(self, screen: Any, renderable: Any) -> None:
        if isinstance(renderable, CompositorUpdate):
            self.output += renderable.render_segments(self.console)
        super()._display(screen, renderable)


class RecordingApp(app_module.TraceApp, Recorder):
    pass


def linked(output: str) -> list[tuple[str, str]]:
    """Return the addresses and texts of hyperlinks in the output for a terminal, without styles."""
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", output)
    return re.findall(r"\x1b\]8;[^;]*;([!-~]+)\x1b\\([^\x1b]*)(?=\x1b\]8;)", plain)


@asynccontextmanager
async def recorded(
    tmp_path: Path, *, has_links: bool = True, page: str = ""
) -> AsyncIterator[tuple[RecordingApp, Driver]]:
    """Open a trace whose span has addresses, one of them not that of a web page."""
    path = tmp_path / "trace.json"
    attributes = {"url.full": ADDRESS, "db.url": "postgres://db/orders", "note": f"see {ADDRESS}"}
    save(build(span("a", 0, 10, attributes=attributes)), path)
    state = State(sources=(str(path),), look=Look(has_links=has_links), configured_page=page)
    app = RecordingApp(state)
    async with loaded(app, (120, 40)) as pilot:
        await pilot.press("enter")
        yield app, pilot


async def test_ids_and_addresses_are_hyperlinks(tmp_path: Path) -> None:
    async with recorded(tmp_path, page="https://traces.example/{id}") as (app, pilot):
        assert app.state.session is not None
        trace_id = app.state.session.loaded.trace_ids[0]
        page = f"https://traces.example/{trace_id}"
        assert set(linked(app.output)) == {(page, trace_id), (ADDRESS, ADDRESS)}
        # the id of the detail, too, and the cursor on it keeps the link
        app.output = ""
        await pilot.press("tab", "G", "enter", "j")
        assert (page, trace_id) in linked(app.output)
        assert app.output.count("\x1b]8;;\x1b\\") >= len(linked(app.output)) > 0, "each link ends"


async def test_ids_are_no_hyperlinks_without_a_page(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (app, _):
        assert set(linked(app.output)) == {(ADDRESS, ADDRESS)}


async def test_a_terminal_without_hyperlinks_receives_none(tmp_path: Path) -> None:
    async with recorded(tmp_path, has_links=False, page="https://traces.example/{id}") as (app, pilot):
        await pilot.press("tab", "G", "enter", "j")
        assert "\x1b]8" not in app.output


async def test_hyperlinks_are_sent_once(tmp_path: Path) -> None:
    async with recorded(tmp_path, page="https://traces.example/{id}") as (app, pilot):
        app.output = ""
        await pilot.press("equals_sign", "tab")
        assert not linked(app.output), "unchanged cells are not sent"


def test_looks_of_many_hyperlinks_are_forgotten() -> None:
    shown = ShownCells()
    for number in range(_MAX_LOOKS + 10):
        style = Style(link=f"https://traces.example/{number}")
        update = LayoutUpdate([[Strip([Segment("id", style)])]], Region(0, 0, 2, 1))
        output = shown.changes(update, 80, ColorSystem.TRUECOLOR)
        assert linked(output) == [(f"https://traces.example/{number}", "id")]
    assert len(shown._looks) <= _MAX_LOOKS


@pytest.mark.parametrize(
    ("settings", "environ", "expected"),
    [
        ("", {"TERM": "xterm-kitty"}, True),
        ("", {"TERM": "xterm"}, False),
        ("", {"TERM": "xterm-kitty", "NO_COLOR": "1"}, False),
        ('hyperlinks = "never"', {"TERM": "xterm-kitty"}, False),
        ('hyperlinks = "always"', {"TERM": "xterm"}, True),
        ("hyperlinks = 7", {"TERM": "xterm-kitty"}, True),
    ],
)
def test_text_on_a_terminal_has_hyperlinks(
    settings: str,
    environ: dict[str, str],
    expected: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("TERM", "NO_COLOR", "TERM_PROGRAM", "VTE_VERSION", "WT_SESSION", "FORCE_HYPERLINK", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = config_path()
    assert path.is_relative_to(tmp_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'ui = "https://traces.example/{{id}}"\n{settings}\n', "utf-8")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    commands = (["show", INCIDENT], ["analyze", INCIDENT], ["compare", INCIDENT, "--trace", "slowest"])
    for command in commands:
        assert run([*command, "--width", "160"]) == 0
        found = linked(capsys.readouterr().out)
        # a faulty config file names no page
        assert bool(found) == (expected and "7" not in settings)
        assert all(address == f"https://traces.example/{text}" for address, text in found)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert run(["show", INCIDENT]) == 0
    assert "\x1b" not in capsys.readouterr().out
