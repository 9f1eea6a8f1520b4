"""The span detail, its copy menu and the pager, in an app of their own."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult

from tests.support.building import at, build, span
from tests.support.pilot import driven
from tests.support.screens import ByteCounter
from tests.support.stack_traces import STACKS
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.render.copy_formats import curl_line
from tracetui.render.text.cells import cell_width
from tracetui.render.text.clipboard import MAX_COPIED, clipboard_text
from tracetui.render.text.line import Role
from tracetui.render.text.safe_text import safe
from tracetui.session import Session
from tracetui.tui.messages import CopyText, Notice, OpenTrace, ReadText
from tracetui.tui.state import State
from tracetui.tui.terminal.app import TerminalApp
from tracetui.tui.widgets import span_detail
from tracetui.tui.widgets.pager import PagedText, Pager, PagerRows, PagerView
from tracetui.tui.widgets.span_detail import SpanDetail

STACK = "\n".join(f"  at frame {number}" for number in range(40))


def some_traces() -> TraceSet:
    return build(
        span("1", 0, 1_000, name="GET /profile", kind=Kind.SERVER, resource={"host.name": "web-1"}),
        span(
            "2",
            100,
            900,
            parent="1",
            service="db",
            name="query",
            kind=Kind.CLIENT,
            error=True,
            message="timeout",
            attributes={
                "plain": "[/red] [@click=app.quit]x[/]",
                "db.query.text": "SELECT *\nFROM users",
                "http.request.method": "POST",
                "http.request.header.cookie": ["secret"],
                "url.full": "https://me:pw@shop.example/cart?id=1",
            },
            events=[(500, "exception", {"exception.type": "TimeoutError", "exception.stacktrace": STACK})],
            links=[("2", "0000000000000009"), ("77", "1")],
        ),
        span("9", 0, 10, trace="2", name="other"),
    )


class DetailApp(TerminalApp, ByteCounter):
    """App with the detail alone; jobs run at once."""

    AUTO_FOCUS = ""

    def __init__(self, traces: TraceSet) -> None:
        super().__init__()
        self.state = State(session=Session(traces))
        self.copied: list[str] = []
        self.heard: list[Any] = []
        self.left = 0

    def compose(self) -> ComposeResult:
        yield SpanDetail(self.state, self.work, id="detail")

    def work(self, name: str, work: Callable[[], Any], done: Callable[[Any], Any], **_: Any) -> None:
        self.heard.append(name)
        done(work())

    @property
    def detail(self) -> SpanDetail:
        return self.query_one(SpanDetail)

    @property
    def lines(self) -> list[str]:
        lines = self.detail.view.lines
        assert lines is not None
        return [lines.line(row, lines.width).text.rstrip() for row in range(len(lines))]

    def row(self, part: str) -> int:
        return next(row for row, text in enumerate(self.lines) if part in text)

    def action_leave(self) -> None:
        self.left += 1

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    def on_copy_text(self, message: CopyText) -> None:
        self.copy_to_clipboard(message.text)

    def on_open_trace(self, message: OpenTrace) -> None:
        self.heard.append(message)

    def on_notice(self, message: Notice) -> None:
        self.heard.append(message)

    def on_read_text(self, message: ReadText) -> None:
        self.push_screen(Pager(self.state.look, message.title, message.text))


class Shown:
    """A detail that shows a span, and the keys to it."""

    def __init__(self, traces: TraceSet, number: int, size: tuple[int, int] = (100, 30)) -> None:
        self.app = DetailApp(traces)
        self.number = number
        self.context = driven(self.app, size)

    async def __aenter__(self) -> "Shown":
        self.pilot = await self.context.__aenter__()
        await self.show(self.number)
        self.app.detail.focus()
        await self.pilot.pause()
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self.context.__aexit__(*exception)

    async def show(self, number: int | None) -> None:
        detail = self.app.detail
        detail.show_span(number)
        await self.pilot.settle()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def to(self, part: str) -> None:
        self.app.detail.view.cursor = self.app.row(part)
        await self.pilot.pause()


async def test_detail_of_an_error_span() -> None:
    traces = some_traces()
    async with Shown(traces, at(traces, "2")) as session:
        text = "\n".join(session.app.lines)
        assert "db · query   800 µs, the only call   client ✖ error began here, handled" in text
        assert "✖ timeout" in text
        assert "[/red] [@click=app.quit]x[/]" in text
        assert "◆ +400 µs  exception  TimeoutError" in text


async def test_fold_and_unfold() -> None:
    traces = some_traces()
    async with Shown(traces, at(traces, "1")) as session:
        await session.to("resource 1")
        await session.press("enter")
        assert any(text.endswith("web-1") and "▾" not in text for text in session.app.lines)
        # unfolded parts stay unfolded for the next span
        await session.show(at(traces, "9"))
        await session.show(at(traces, "1"))
        assert "▾ resource 1" in session.app.lines
        await session.to("resource")
        await session.press("h")
        assert "▸ resource 1  host.name=web-1" in session.app.lines
        await session.press("l", "l")
        assert "▾ resource 1" in session.app.lines


async def test_short_statement_opens_in_place_and_long_one_in_the_pager() -> None:
    traces = some_traces()
    async with Shown(traces, at(traces, "2"), size=(100, 10)) as session:
        await session.to("db.query.text")
        await session.press("enter")
        row = session.app.row("FROM users")
        assert session.app.lines[row].strip() == "FROM users"
        await session.to("exception")
        await session.press("enter")
        await session.to("exception.stacktrace")
        await session.press("enter")
        assert isinstance(session.app.screen, Pager)
        await session.press("escape")
        assert not isinstance(session.app.screen, Pager)


async def test_filter() -> None:
    traces = some_traces()
    async with Shown(traces, at(traces, "2")) as session:
        before = session.app.lines
        await session.press("slash", *"query")
        assert session.app.lines[1].startswith("1 of ")
        assert [text.split() for text in session.app.lines[2:]] == [["db.query.text", "SELECT", "*"], ["FROM", "users"]]
        await session.press("enter")
        assert session.app.focused is session.app.detail.view
        assert session.app.detail.view.cursor == 2
        # the filter applies to the next span, too
        await session.show(at(traces, "1"))
        assert "0 of" in session.app.lines[1]
        await session.show(at(traces, "2"))
        await session.press("escape")
        assert session.app.lines == before
        await session.press("slash", "x", "escape")
        assert session.app.lines == before
        assert session.app.focused is session.app.detail.view


async def test_escape_leaves_the_pane_without_a_filter() -> None:
    traces = some_traces()
    async with Shown(traces, 0) as session:
        session.app.bind("escape", "leave")
        await session.press("slash", "escape")
        assert session.app.left == 0
        await session.press("escape")
        assert session.app.left == 1


async def test_rule_shows_the_number_of_hidden_rows() -> None:
    traces = some_traces()
    async with Shown(traces, at(traces, "2"), size=(100, 10)) as session:

        def screen() -> list[str]:
            strips = session.app.screen._compositor.render_strips()
            return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

        below = len(session.app.lines) - 9
        assert screen()[0].endswith(f"── detail ▾ {below} ──")
        assert [line[2:] for line in screen()[1:]] == [line.rstrip() for line in session.app.lines[:9]]
        await session.press("j", "G")
        assert screen()[0].endswith(f"── detail ▴ {below} ──")
        assert screen()[-1][2:] == session.app.lines[-1]
        session.app.detail.is_beside = True
        session.app.detail.rule_changed()
        await session.press("g")
        assert screen()[0].strip() == f"▾ {below}"


async def test_detail_is_laid_out_again_for_another_height() -> None:
    traces = build(span("1", 0, 10, attributes={"a": "word " * 60}))
    async with Shown(traces, 0, size=(60, 8)) as session:
        assert session.app.lines[session.app.row("word")].endswith("…")
        low = len(session.app.lines)
        await session.pilot.resize_terminal(60, 30)
        assert sum(line.count("word") for line in session.app.lines) == 60
        await session.pilot.resize_terminal(60, 8)
        assert len(session.app.lines) == low


async def test_links() -> None:
    traces = some_traces()
    async with Shown(traces, at(traces, "2")) as session:
        await session.to("other")
        await session.press("enter")
        assert session.app.heard[-1] == OpenTrace(int(traces.trace[at(traces, "9")]), at(traces, "9"))
        await session.to("not loaded")
        await session.press("enter")
        assert isinstance(session.app.heard[-1], Notice)


async def test_links_are_followed_back() -> None:
    traces = some_traces()
    source = at(traces, "2")
    async with Shown(traces, at(traces, "9")) as session:
        assert "▾ linked from 1" in session.app.lines
        await session.to("⇠ db query  Enter opens it  trace 1 span 2")
        await session.press("enter")
        assert session.app.heard[-1] == OpenTrace(int(traces.trace[source]), source)
        await session.show(at(traces, "1"))
        assert not any("linked from" in line for line in session.app.lines)
        assert session.app.heard.count("span links") == 1


async def test_links_of_many_spans_are_searched_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_detail, "MAX_AT_ONCE", 0)
    traces = some_traces()
    async with Shown(traces, at(traces, "9")) as session:
        assert "span links" not in session.app.heard
        await session.to("linked from  Enter searches 1 span with links")
        await session.press("enter")
        assert session.app.heard.count("span links") == 1
        row = session.app.row("▾ linked from 1")
        assert session.app.detail.view.cursor == row
        assert "⇠ db query" in session.app.lines[row + 1]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("v", "[/red] [@click=app.quit]x[/]"),
        ("k", "plain=[/red] [@click=app.quit]x[/]"),
        ("t", "1"),
        ("i", "2"),
        ("c", "curl -X POST 'https://shop.example/cart?id=1'"),
    ],
)
async def test_copy(key: str, expected: str) -> None:
    traces = some_traces()
    async with Shown(traces, at(traces, "2")) as session:
        await session.to("plain")
        await session.press("y", key)
        assert session.app.copied == [expected]


async def test_copy_of_whole_parts() -> None:
    traces = some_traces()
    async with Shown(traces, at(traces, "2")) as session:
        for key in "aswm":
            await session.press("y", key)
        attributes, whole, waterfall, markdown = session.app.copied
        assert json.loads(attributes)["db.query.text"] == "SELECT *\nFROM users"
        assert json.loads(whole)["links"][1]["trace_id"] == "77"
        assert "✖ began in db “timeout” (request did not fail)" in waterfall
        assert markdown.startswith("### `api` `GET /profile`: 1.00 ms")
        await session.press("y", "down", "enter")
        assert session.app.copied[-1] == "span=db query"
        await session.press("y", "escape")
        assert len(session.app.copied) == 5


async def test_only_the_last_of_many_spans_is_decoded() -> None:
    traces = some_traces()
    async with Shown(traces, 0) as session:
        session.app.heard.clear()
        for _ in range(50):
            for number in range(len(traces)):
                session.app.detail.show_span(number)
        await session.show(1)
        assert session.app.heard == ["span detail"]
        await session.show(1)
        assert session.app.heard == ["span detail"]


async def test_search_text_is_highlighted() -> None:
    traces = some_traces()
    async with Shown(traces, at(traces, "2")) as session:

        def set_off() -> set[str]:
            lines = session.app.detail.view.lines
            assert lines is not None
            runs = [run for row in range(len(lines)) for run in lines.line(row, 100).runs]
            return {text for text, role in runs if role == Role.ACCENT}

        assert "QUERY" not in {text.upper() for text in set_off()}
        session.app.detail.seek("QUERY")
        assert "query" in set_off()
        await session.show(0)
        await session.show(at(traces, "2"))
        assert "query" in set_off()
        session.app.detail.seek("")
        await session.press("slash", *"que")
        assert "que" in set_off()


async def test_hidden_detail_does_no_work() -> None:
    traces = some_traces()
    async with Shown(traces, 0) as session:
        assert not session.app.detail.toggle()
        session.app.heard.clear()
        await session.show(1)
        assert session.app.heard == []
        assert session.app.detail.toggle()
        await session.pilot.pause()
        assert session.app.lines[0].startswith("db · query")
        await session.show(None)
        assert session.app.detail.view.lines is None


async def test_another_span_sends_only_differences() -> None:
    attributes = {f"key.{number}": "value" for number in range(10)}
    traces = build(
        span("1", 0, 100, attributes=attributes),
        *(span(f"{i}", i, i + 5 * i, parent="1", attributes={**attributes, "key.5": str(i)}) for i in range(2, 8)),
    )
    async with Shown(traces, 2, size=(140, 12)) as session:
        session.app.sent = 0
        await session.show(3)
        assert 0 < session.app.sent < 1_000
        session.app.sent = 0
        await session.show(3)
        await session.pilot.settle()
        assert session.app.sent == 0


async def test_rows_are_laid_out_again_for_another_width() -> None:
    traces = some_traces()
    async with Shown(traces, at(traces, "2")) as session:
        for size in ((30, 10), (200, 50), (40, 3)):
            await session.pilot.resize_terminal(*size)
            lines = session.app.detail.view.lines
            assert lines is not None
            assert lines.width == session.app.detail.view.line_width <= size[0]


async def shown(text: str, *keys: str) -> tuple[str, int]:
    """Press keys in the pager. Return the row under the cursor and its number."""
    app = DetailApp(some_traces())
    async with driven(app, (40, 12)) as pilot:
        pager = Pager(app.state.look, "[/title]", text)
        app.push_screen(pager)
        for key in ("", *keys):
            await pilot.press(*filter(None, [key]))
            await pilot.settle()
        rows = pager._rows
        assert rows is not None
        cursor = pager.query_one(PagerView).cursor
        return rows.line(cursor, 36).text, cursor


LONG = "\n".join(f"line {number} {'x' * 30}needle {number}" for number in range(20_000))


@pytest.mark.parametrize("size", [200, 20_000])
async def test_pager_search(size: int) -> None:
    text = "\n".join(LONG.split("\n")[:size])
    row, _ = await shown(text, "slash", *"NEEDLE 7", "enter")
    assert row in LONG.split("\n")[7]
    row, cursor = await shown(text, "w", "slash", *"needle 7", "enter")
    assert cursor == 7
    assert "needle 7" in row
    row, cursor = await shown(text, "w", "slash", *"needle 7", "enter", "n")
    assert cursor == 70
    row, cursor = await shown(text, "w", "slash", *"needle 7", "enter", "N")
    assert cursor > 70


async def test_pager_indents_json_wraps_and_shows_no_escape() -> None:
    assert await shown('{"a": [1, 2.50, "\x1b"]}', "G") == ('{"a": [1, 2.50, "␛"]}', 0)
    assert (await shown('{"a": [1, 2.50]}', "j", "j", "j"))[0] == "    2.50"
    assert await shown("y" * 50 + "\n\nend", "G") == ("end", 3)
    assert await shown("y" * 50 + "\n\nend", "w", "G") == ("end", 2)
    assert await shown("注" * 50 + "\n\nend", "G") == ("end", 4)
    assert await shown("") == ("", 0)


async def test_pager_colours_statements_and_dims_frames_of_libraries() -> None:
    app = DetailApp(some_traces())

    async def roles(text: str, *keys: str) -> list[dict[str, str]]:
        pager = Pager(app.state.look, "t", text)
        app.push_screen(pager)
        await pilot.settle()
        await pilot.press(*keys)
        await pilot.settle()
        rows = pager._rows
        assert rows is not None
        lines = [rows.line(row, 60).runs for row in range(len(rows))]
        await pilot.press("escape")
        return [{run.text.strip(): run.role for run in runs if run.text.strip()} for runs in lines]

    async with driven(app, (80, 20)) as pilot:
        statement = await roles("SELECT name FROM users WHERE name = 'Ann'")
        assert [next(iter(row)) for row in statement] == ["SELECT", "FROM", "WHERE"]
        assert statement[2]["'Ann'"] == Role.LITERAL
        match = await roles("SELECT name FROM users WHERE name = 'Ann'", "slash", *"WHERE NAME", "enter")
        assert match[2]["WHERE name"] == Role.ACCENT
        (value,) = (await roles('{"key": 1}'))[1:2]
        assert value == {'"key":': Role.KEYWORD, "1": Role.LITERAL}
        frames = await roles(STACKS["java"])
        assert [set(row.values()) == {Role.DIM} for row in frames] == [False, False, True, True, False, False, False]


async def test_pager_has_the_usual_page_keys() -> None:
    _, there = await shown(LONG[:9_000], "space", "space")
    _, back = await shown(LONG[:9_000], "space", "space", "b")
    assert 0 < back < there


async def test_pager_copies_the_whole_text() -> None:
    app = DetailApp(some_traces())
    async with driven(app) as pilot:
        app.push_screen(Pager(app.state.look, "t", "a\x1b[2J\nb"))
        await pilot.pause()
        await pilot.press("y")
        assert app.copied == ["a\x1b[2J\nb"]


@given(
    st.lists(st.sampled_from(['"', "'", "a", " ", "FROM", "\n", "1", ":", "{", "注", "\x1b"]), max_size=40),
    st.sampled_from(["SELECT a FROM b ", "{", '{"a": 1}\n', ""]),
    st.sampled_from(["a", "FROM", "1", "' "]),
    st.integers(2, 30),
)
def test_pager_rows_lose_nothing_to_colours_and_matches(words: list[str], begin: str, word: str, width: int) -> None:
    paged = PagedText(begin + "".join(words))
    rows = PagerRows(paged, width, "…")
    rows.matches = paged.find(word)
    for row in range(len(rows)):
        at, end = int(rows.start[row]), int(rows.end[row])
        line = rows.line(row, 1_000)
        assert line.text == safe(paged.text[at:end], 1_000)
        marked = sum(len(run.text) for run in line.runs if run.role == Role.ACCENT)
        assert marked == sum(max(min(b, end) - max(a, at), 0) for a, b in zip(*rows.matches, strict=True))


@pytest.mark.parametrize(
    "text", ["a" * 95 + "\n" + "b" * 10 + "\n", "注a\u0301" * 70 + "\n\n\u202e" * 30, "x\n" * 5, ""]
)
@pytest.mark.parametrize("width", [1, 7, 40])
def test_pager_rows_contain_the_whole_text(text: str, width: int) -> None:
    paged = PagedText(text)
    begin, end = paged.rows(width)
    assert "".join(text[a:b] for a, b in zip(begin, end, strict=True)) == text.replace("\n", "")
    assert (begin <= end).all()
    if width > 1:
        assert all(cell_width(text[a:b]) <= width for a, b in zip(begin, end, strict=True))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"url.full": "http://a/b"}, "curl http://a/b"),
        ({"http.url": "https://u:p@a/b?token=1&x=2"}, "curl 'https://a/b?token=REDACTED&x=2'"),
        ({"http.method": "HEAD", "http.host": "a", "http.target": "/b?c"}, "curl --head 'http://a/b?c'"),
        ({"server.address": "a", "server.port": 81, "url.path": "/p", "url.query": "q=1"}, "curl 'http://a:81/p?q=1'"),
        ({"url.full": "http://a/'; rm -rf ~;'\n"}, "curl 'http://a/'\"'\"';%20rm%20-rf%20~;'\"'\"''"),
        ({"url.full": "file:///etc/passwd"}, None),
        ({"url.full": "-o/etc/passwd"}, None),
        ({"http.route": "/users/{id}"}, None),
        (
            {
                "url.full": "http://a/[1-9]",
                "http.request.header.authorization": ["Bearer x"],
                "http.request.header.x_api_key": "k",
                "http.request.header.accept": ["text/html", "*/*"],
                "http.request.header.x-odd": "a\r\nb",
                "http.request.header.@file": "a",
            },
            "curl --globoff -H 'accept: text/html, */*' 'http://a/[1-9]'",
        ),
        ({"http.method": "GET; reboot", "url.full": "http://a/"}, "curl http://a/"),
    ],
)
def test_curl(attributes: dict[str, Any], expected: str | None) -> None:
    assert curl_line(attributes) == expected


def test_clipboard_text_is_limited() -> None:
    assert len(clipboard_text("a" * (MAX_COPIED + 1))) == MAX_COPIED
    assert clipboard_text("a\x1b\x9b\ud800\tb\r\nc\u202e") == "a␛��\tb\nc�"
    assert clipboard_text("rm\r\n-r\tf\n", one_line=True) == "rm␤-r f␤"
