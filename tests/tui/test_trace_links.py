"""Links of a trace in the copy menu: its web page, and the command that shows it."""

from __future__ import annotations

import shlex
import time

import pytest

from tests.support.building import build, span
from tests.support.paths import CASES, INCIDENT, SAMPLES
from tests.support.servers import LiveServer
from tests.support.trace_app import loaded, opened
from tracetui.render.report.slack_message import MAX_CHARACTERS, MAX_ROWS, WIDTH
from tracetui.session import Session
from tracetui.tui import app as app_module
from tracetui.tui.messages import CopyText
from tracetui.tui.state import Look, State
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
    state.server_pages = ("https://jaeger.example/trace/{id}",)
    assert page(state) == "https://jaeger.example/trace/ab"
    state.server_pages = ("",)
    assert page(state) == "https://traces.example/ab"


def test_page_is_unknown_if_one_of_several_servers_may_have_the_trace() -> None:
    pages = ("https://jaeger.example/trace/{id}", "https://zipkin.example/zipkin/traces/{id}")
    assert page(State(session=TRACES, server_pages=pages)) == ""


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
