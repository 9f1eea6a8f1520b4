"""The waterfall view: keys, zoom, folding, search, and bytes sent per key."""

import asyncio
import random
import re
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from textual.app import ComposeResult
from textual.binding import Binding

from tests.bench.one_trace import one_trace
from tests.support.building import at, build, span
from tests.support.paths import CHECKOUT, INCIDENT, SAMPLES
from tests.support.pilot import driven
from tests.support.screens import ByteCounter
from tests.support.trace_app import opened
from tracetui.analysis.analysis import Analysis
from tracetui.export.save import save
from tracetui.model.traces import TraceSet
from tracetui.render.text.glyphs import ASCII, UNICODE
from tracetui.session import Session
from tracetui.tui.keys.waterfall import WATERFALL
from tracetui.tui.messages import Notice
from tracetui.tui.state import State
from tracetui.tui.terminal.app import TerminalApp
from tracetui.tui.views.waterfall import prepare, search
from tracetui.tui.views.waterfall.view import WaterfallView
from tracetui.tui.views.waterfall.view_state import ViewState, zoom_factor
from tracetui.tui.widgets.prompt_line import PromptLine

SHOP = build(
    span("root", 0, 1_000, service="gateway", name="GET /cart", error=True),
    span("auth", 0, 50, parent="root", service="gateway", name="authorize"),
    span("user", 50, 700, parent="root", service="users", name="get_user", error=True),
    span("db", 60, 690, parent="user", service="users", name="query", error=True, message="timed out",
         attributes={"db.statement": "SELECT [/red] 1"}),
    *(span(f"r{i}", 700 + 20 * i, 715 + 20 * i, parent="root", service="redis", name="GET item") for i in range(8)),
    span("tail", 900, 990, parent="root", service="mail", name="send"),
    span("lone", 0, 10, trace="2", service="cron", name="tick"),
)  # fmt: skip


@dataclass
class HeldWork:
    """Work that waits until the test lets it run."""

    waiting: list[Callable[[], None]] = field(default_factory=list)
    holds: bool = False


class PaneApp(TerminalApp, ByteCounter):
    """App with the pane alone and a minimal owner."""

    CSS = "Screen { background: $background; color: $foreground; }"
    BINDINGS: ClassVar = [Binding("escape", "back", "Back", id="app.back")]
    AUTO_FOCUS = ""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.animation_level = "none"
        self.state = state
        self.notices: list[str] = []
        self.left = 0
        self.held = HeldWork()
        self.resize: Any = None
        self.post_key: Any = None

    def compose(self) -> ComposeResult:
        yield WaterfallView(self.state, self.work)

    def on_mount(self) -> None:
        self.current_view.take_focus()

    @property
    def current_view(self) -> WaterfallView:
        return self.screen_stack[0].query_one(WaterfallView)

    @property
    def shown(self) -> ViewState:
        assert self.current_view.shown is not None
        return self.current_view.shown

    def work(self, name: str, work: Callable[[], Any], done: Callable[[Any], Any], **_: Any) -> None:
        def run() -> None:
            result = work()
            self.call_from_thread(done, result)

        if self.held.holds:
            self.held.waiting.append(lambda: done(work()))
        else:
            self.run_worker(run, thread=True, exclusive=True, group=name)

    async def action_back(self) -> None:
        self.left += not self.current_view.go_back()

    def on_notice(self, message: Notice) -> None:
        self.notices.append(message.text)

    @property
    def hints(self) -> list[tuple[str, str]]:
        return self.current_view.key_names.hints(self.current_view.hints)

    @property
    def lines(self) -> list[str]:
        return ["".join(s.text for s in strip) for strip in self.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def name_here(self) -> str:
        assert self.state.session is not None
        assert self.state.span is not None
        return self.state.session.loaded.span_id(self.state.span)


Walk = Callable[[PaneApp, Callable[..., Awaitable[None]]], Awaitable[None]]


def walk(
    steps: Walk,
    traces: TraceSet = SHOP,
    trace: int | None = 0,
    *,
    size: tuple[int, int] = (140, 40),
    state: State | None = None,
) -> None:
    """Run the pane over a trace; `steps` gets the app and a function that presses keys."""
    state = state or State(session=Session(traces), trace=trace)

    async def run() -> None:
        app = PaneApp(state)
        async with driven(app, size) as pilot:
            await pilot.settle()

            async def press(*keys: str) -> None:
                await pilot.press(*keys)
                await pilot.settle()

            app.resize, app.post_key = pilot.resize_terminal, pilot.post
            await steps(app, press)

    asyncio.run(run())


def rows(app: PaneApp) -> int:
    return len(app.current_view.rows.source)


def test_opening_a_trace() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        assert "GET /cart" in app.lines[0]
        assert "began in users “timed out”, ✗ propagated to 2" in app.text
        assert "✖" in next(line for line in app.lines if "▕" in line)
        assert "0 ms" in app.text
        assert "GET item ×8" in app.text
        assert app.current_view.crumbs() == ["gateway GET /cart", "GET /cart"]
        assert app.name_here == "root"
        app.state.trace, app.state.span = 1, None
        app.current_view.selection_changed()
        await press("j")
        assert app.name_here == "lone"
        assert "cron" in app.text

    walk(steps)


def test_no_selection() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        assert "No trace selected." in app.text
        await press(*(key.keys.split(",")[0] for key in WATERFALL.keys if key.keys))
        assert "No trace selected." in app.text
        assert app.current_view.crumbs() == []
        app.state.trace = 0
        app.current_view.selection_changed()
        await press("j")
        assert "GET /cart" in app.lines[0]
        app.state.session = None
        for state, notices in (
            ("reading", "Loading the traces."),
            ("failed", "No traces loaded"),
            ("", "No traces loaded."),
        ):
            app.state.load_state = state
            app.current_view.set_changed()
            await press("j")
            assert notices in app.text
            assert "▌" not in app.text, "there is no row for a cursor"

    walk(steps, trace=None)


def test_selected_span_is_shown() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        assert app.name_here == "r5"
        app.state.span = at(SHOP, "db")
        app.current_view.selection_changed()
        await press()
        assert app.current_view.crumbs()[-1] == "query"

    walk(steps, state=State(session=Session(SHOP), trace=0, span=at(SHOP, "r5")))


def test_tree_navigation_and_folding() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        assert rows(app) == 6
        await press("j", "J")
        assert app.name_here == "user"
        await press("l")
        assert app.name_here == "db"
        await press("h")
        assert app.name_here == "user"
        await press("h")
        assert (app.name_here, rows(app)) == ("user", 5)
        await press("space", "K", "K")
        assert (app.name_here, rows(app)) == ("auth", 6)
        await press("P", "H")
        assert (app.name_here, rows(app)) == ("root", 1)
        await press("right_square_bracket")
        assert rows(app) == 5
        await press("right_square_bracket", "left_square_bracket")
        assert rows(app) == 5
        await press("L")
        assert rows(app) == 6
        await press("L")
        assert rows(app) == 13
        await press("G", "k", "h")
        assert (app.name_here, rows(app)) == ("r0", 6)
        await press("l", "j", "j", "f", "f")
        assert (app.name_here, rows(app)) == ("r2", 13)
        await press("g", "f", "f")
        assert (app.name_here, rows(app)) == ("root", 1)
        await press("f", "f")
        assert rows(app) == 13

    walk(steps)


def test_cursor_stays_on_its_span() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("e", "e")
        assert app.name_here == "db"
        for key in ("x", "x", "v", "v", "v", "m", "z", "left_curly_bracket", "L", "L", "S"):
            await press(key)
            assert app.name_here == "db", key
        await press("s")
        assert app.name_here == "auth"

    walk(steps)


def test_jumps_to_errors_critical_path_and_self_time() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("e")
        assert (app.name_here, app.notices[-1]) == ("db", "error 1 of 1")
        assert app.current_view.crumbs()[-1] == "query"
        await press("e", "E")
        assert app.name_here == "db"
        await press("g", "c", "c")
        assert app.name_here == "user"
        assert app.notices[-1].startswith("critical path 2 of ")
        await press("C")
        assert app.name_here == "auth"
        await press("w")
        assert (app.name_here, app.notices[-1]) == ("db", "self time 630 µs, rank 1")
        await press("w", "e")
        assert app.notices[-1].startswith("error ")
        await press("w", "H", "w")
        assert app.name_here == "db"
        app.state.trace = 1
        app.current_view.selection_changed()
        await press("e")
        assert app.notices[-1] == "no errors in this trace"

    walk(steps)


@pytest.mark.parametrize(
    ("times", "text"), [(1.000001, "1.01"), (1.03, "1.03"), (1.15, "1.1"), (1.6, "1.6"), (4.0, "4"), (38_200, "38k")]
)
def test_a_zoom_never_looks_like_none(times: float, text: str) -> None:
    assert zoom_factor(times) == text


def test_zoom() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        view = app.shown.base
        whole = view.window
        await press("e", "e", "z")
        assert view.window == (int(SHOP.start[at(SHOP, "db")]), 630_000)
        assert "zoom ×1.6" in app.text
        assert "60 µs" in next(line for line in app.lines if "duration" in line)
        assert "[" in next(line for line in app.lines if "▕" in line)
        await press("right_curly_bracket", "greater_than_sign", "less_than_sign", "left_curly_bracket")
        assert view.window[1] == 630_000
        await press("Z")
        assert view.window[1] == 315_000
        await press("escape")
        assert view.window == whole
        await press("left_curly_bracket", "less_than_sign", "Z")
        assert view.window == whole
        assert app.left == 0

    walk(steps)


def test_subtree_and_back() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("e", "P", "R")
        assert (rows(app), app.name_here) == (2, "user")
        assert "from get_user" in app.current_view.crumbs()
        await press("R")
        assert (rows(app), app.name_here) == (6, "user")
        await press("R", "j", "escape")
        assert (rows(app), app.name_here) == (6, "db")
        await press("R")
        app.state.span = at(SHOP, "tail")
        app.current_view.selection_changed()
        await press()
        assert (rows(app), app.name_here) == (6, "tail")
        await press("escape")
        assert app.left == 1

    walk(steps)


def test_hiding_spans() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("L", "L", "x")
        assert rows(app) == 13
        assert " hidden" in app.text
        await press("x")
        assert rows(app) == 13, "equal siblings are as long as they are together"
        await press("H", "L")
        assert rows(app) == 6
        await press("G", "s")
        assert "mail" not in app.text.split("hidden", 1)[1].split("\n", 1)[1]
        await press("S", "e", "e", "s")
        assert "error" not in app.notices[-1] or rows(app)
        await press("g", "s", "s", "s", "s", "s")
        assert "this would hide everything" in app.notices
        assert rows(app)
        await press("S")
        assert rows(app) == 6

    walk(steps)


def test_flat_and_flame_rows() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("v")
        assert (rows(app), app.notices[-1]) == (13, "rows: flat, by start")
        await press("G")
        assert app.name_here == "tail"
        await press("h", "l", "J", "P", "H", "E")
        assert app.name_here == "db"
        await press("v")
        assert rows(app) == 6
        assert "×8" in app.text
        assert "total" in app.text
        await press("H", "e", "c", "w", "z", "m")
        assert "self" in app.text
        await press("v")
        assert rows(app) == 6

    walk(steps)


def test_search() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("n")
        assert app.notices == ["search with / first"]
        await press("slash", *"get", "enter")
        assert "10 spans" in app.text
        assert (app.name_here, app.notices[-1]) == ("root", "match 1 of 10")
        await press("n", "n")
        assert (app.name_here, app.notices[-1]) == ("r0", "match 3 of 10")
        await press("N", "backslash")
        assert app.name_here == "user"
        assert rows(app) == 3
        assert "3 rows; 3 hidden" in app.text
        await press("backslash")
        assert rows(app) == 6
        await press("slash", "ctrl+u", *"select", "space", *"[/red]", "enter")
        assert app.name_here == "db"
        assert "1 span " in app.text
        assert app.current_view.detail.highlighted == "select [/red]"
        await press("escape")
        assert app.current_view.detail.highlighted == ""
        assert not app.current_view.search.is_open
        await press("slash", *"[/b]", "enter")
        assert app.notices[-1] == "no match for “[/b]”"
        assert app.current_view.search.line.has_focus, "for another word"
        await press("ctrl+u", *"nowhere", "tab", "escape", "backslash")
        assert app.notices[-1] == "no match"
        await press("slash", "escape", "escape")
        assert app.left == 1

    walk(steps)


def test_keys_pressed_during_a_search_do_not_edit_the_word() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("slash")
        app.held.holds = True
        await press(*"get", "enter", "n", "n", "n", "N")
        assert app.current_view.search.line.text == "get"
        for run in app.held.waiting:
            run()
        await press()
        assert (app.name_here, app.notices[-1]) == ("r0", "match 3 of 10")

    walk(steps)


def test_matches_of_an_older_word_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_SOON", 0.01)

    async def steps(app: PaneApp, press: Any) -> None:
        await press("slash", *"nowhere")
        app.current_view.search.begin()
        await press()
        assert "no match" in app.text
        app.held.holds = True
        await press("ctrl+u", *"get")
        app.current_view.search.begin()
        await press("enter", "n", "backslash")
        for _ in range(1_000):
            if "searching" in app.text:
                break
            await press()
        assert "no match" not in app.text
        assert app.notices[-1] == "still searching"
        for run in app.held.waiting:
            run()
        await press()
        assert app.notices[-1] == "match 2 of 10"

    walk(steps)


def test_minimap_is_above_the_axis() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        for keys in ((), ("e", "e"), ("z",), ("Z", "H"), ("L", "G")):
            await press(*keys)
            scale = next(row for row, line in enumerate(app.lines) if "duration" in line)
            axis, drawn = app.lines[scale], app.lines[scale - 1]
            start = next(cell for cell in range(30, len(axis)) if axis[cell] != " ")
            assert drawn[start - 1] == "▕", keys
            assert drawn.index("▏", start) == start + app.shown.view.layout(app.current_view.rows.line_width).bar
            assert "sequential" in drawn
            assert drawn[: drawn.index("▏", start)].count("✖") == 1, keys
        await press("Z", "g")
        assert "▕{" in app.text
        assert "}▏" in app.text
        await press("G")
        ends = app.lines[scale - 1]
        # the last span ran from 900 to 990 of 1,000
        bar = app.shown.view.layout(app.current_view.rows.line_width).bar
        assert abs(ends.index("{") - start - 0.9 * bar) <= 1
        assert abs(ends.index("}") - start - 0.99 * bar) <= 1

    walk(steps)


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (160, 30)])
async def test_many_errors_hide_nothing_in_the_minimap(size: tuple[int, int], tmp_path: Path) -> None:
    failed = [span(f"{i + 2:x}", 100 * i, 100 * i + 50, parent="1", name=f"op{i}", error=True) for i in range(10)]
    save(build(span("1", 0, 1_000), *failed), tmp_path / "errors.json")
    async with opened(str(tmp_path / "errors.json"), size=size) as (_, pilot):
        await pilot.press("enter")
        scale = next(row for row, line in enumerate(pilot.lines) if "duration critical" in line)
        errors, drawn, axis = pilot.lines[scale - 2 : scale + 1]
        assert errors.count("✖") == 10
        left, right = drawn.index("▕"), drawn.rindex("▏")
        assert "✖" not in drawn[left:right]
        assert not errors[left].strip()
        assert axis.index("0 ") == left + 1


@pytest.mark.parametrize("trace", [0, 1])
def test_critical_shares_of_a_trace_with_orphans_are_at_most_100_percent(trace: int) -> None:
    traces = Session.open([str(SAMPLES / "broken" / "lost-context.json")]).loaded
    facts = prepare.SetFacts(traces, Analysis(traces))
    view = prepare.open_trace(facts, trace, None, UNICODE, prepare.HeaderOptions(140, 5), 30).view
    assert view.critical.sum() == traces.response_time[trace]
    assert len(np.unique(view.sections[1])) == len(view.sections[1])


def test_rows_take_the_height_they_need() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        def top() -> int:
            return next(row for row, line in enumerate(app.lines) if line.startswith("──"))

        first = app.lines.index(next(line for line in app.lines if "duration" in line)) + 1
        assert top() == first + 6
        await press("H")
        assert top() == first + 6, "nothing jumps while one folds"
        await press("L", "L")
        assert top() == first + 13
        await press("slash")
        assert top() == first + 14
        await press("escape", "d")
        assert not any(line.startswith("──") for line in app.lines)
        await press("d")
        assert top() == first + 13
        await app.resize(100, 16)
        await press()
        assert top() <= 2 + 2 * 14 // 3, "two thirds at most"

    walk(steps, size=(120, 40))


def test_rows_give_up_height_if_much_of_it_is_blank() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        def top() -> int:
            return next(row for row, line in enumerate(app.lines) if line.startswith("──"))

        await press("L", "L")
        before = top()
        await press("H")
        assert top() == before - 8, "all of 9 rows but one"
        await press("L")
        assert top() == before - 3, "6 rows"

    walk(steps, size=(80, 20))


def test_hints_in_a_subtree_name_the_way_back() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("j", "R")
        assert app.hints[0] == ("Esc", "whole trace")
        await press("escape")
        assert ("Esc", "whole trace") not in app.hints

    walk(steps, size=(120, 40))


def test_hints_of_the_waterfall_follow_the_focus() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        assert [key for key, _ in app.hints] == ["e", ".", "/", "z", "Tab"]
        await press("slash")
        assert app.hints[:2] == [("Enter", "first match"), ("Esc", "close the search")]
        await press(*"db", "enter")
        assert ("n", "next match") in app.hints
        await press("tab")
        assert ("/", "filter attributes") in app.hints
        assert ("Tab", "back") in app.hints
        await press("slash")
        assert app.hints[-1][0] == "Esc"
        await press("escape", "escape", "escape", "z")
        assert ("Z", "zoom out") in app.hints
        app.state.trace = 1
        app.current_view.selection_changed()
        await press("j")
        assert "e" not in dict(app.hints), "there is no error to go to"
        app.state.trace = None
        app.current_view.selection_changed()
        assert app.hints == []

    walk(steps)


def test_filter_key_works_before_the_detail_is_ready() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        app.held.holds = True
        await press("j", "tab", "slash", *"db")
        assert app.current_view.detail.query_one(PromptLine).has_focus
        app.held.holds = False
        app.current_view.detail.prompt_filter()
        await press("enter")
        lines = app.current_view.detail.view.lines
        assert lines is not None
        assert lines.word == "db"

    walk(steps)


def test_subtree_header_has_its_duration() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("e", "P", "R")
        assert "users get_user   650 µs, 65 % of GET /cart 1.00 ms" in app.lines[0]
        assert "2 spans  1 service  depth 2" in app.lines[0]
        assert "97 % of this subtree: users query" in app.text
        assert "duration  subtree" in app.text, "the base of the shares is named"

    walk(steps)


def test_short_header_keeps_the_start_time() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        assert "22:13:20.000 UTC" in "".join(app.lines[:3])
        await app.resize(120, 40)
        await press()
        assert "2023-11-14 22:13:20.000 UTC" in "".join(app.lines[:3])
        assert "trace 1" in "".join(app.lines[:3])

    walk(steps, size=(80, 24))


def test_late_results_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "AT_ONCE", 0)

    async def steps(app: PaneApp, press: Any) -> None:
        app.held.holds = True
        await press("slash", *"get", "enter")
        await press("escape", "R", "e", "R")
        app.state.trace = 1
        app.current_view.selection_changed()
        app.state.trace = 0
        app.current_view.selection_changed()
        await press("v")
        for run in app.held.waiting:
            run()
        await press("j")
        shown = app.current_view.shown
        assert shown is not None
        assert shown.found is None
        assert shown.opened.trace == 0

    walk(steps)


def test_change_of_the_set() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("e", "e", "slash", *"get", "enter", "R")
        app.state.session = Session(build(span("x", 0, 10, name="other"), span("y", 1, 2, parent="x")))
        app.state.trace, app.state.span = 0, None
        app.current_view.set_changed()
        await press("j")
        assert app.current_view.crumbs() == ["api other", "work"]
        assert rows(app) == 2

    walk(steps)


def test_detail_takes_and_returns_the_focus() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("e", "e", "enter")
        assert app.current_view.detail.has_focus_within
        await press("escape")
        assert app.current_view.rows.has_focus
        await press("tab", "d")
        assert app.current_view.rows.has_focus
        assert not app.current_view.detail.display
        await press("enter")
        assert app.current_view.detail.has_focus_within
        assert app.left == 0

    walk(steps)


@pytest.mark.parametrize("size", [(80, 24), (129, 30), (130, 30), (250, 70), (20, 8)])
def test_terminal_sizes(size: tuple[int, int]) -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("e", "slash", *"get", "enter")
        assert app.current_view.has_class("-wide") == (size[0] >= 130)
        if size[0] >= 80:
            assert "get_user" in app.text
        await app.resize(100, 30)
        await press("j")
        assert "GET /cart" in app.lines[0]

    walk(steps, size=size)


def test_ascii_glyphs() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("R", "v")
        app.state.look.glyphs = ASCII
        app.current_view.look_changed()
        await press("j", "v", "v")
        assert "●" not in app.text
        assert "v api-gateway" not in app.text
        assert "v gateway GET /cart" in app.text

    walk(steps)


def deep(count: int) -> TraceSet:
    return one_trace(count, lambda i: i - 1)


def wide(count: int) -> TraceSet:
    return one_trace(count, lambda i: 0 if i else -1)


@pytest.mark.parametrize("shape", [deep, wide])
def test_large_traces(shape: Callable[[int], TraceSet]) -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        await press("L")
        assert rows(app) > 99_000
        keys = "ctrl+d G K P J g l H L w z Z x x S f f v G v G R R v c C e s m slash"
        await press(*keys.split(), *"operation", "enter", "n", "N", "backslash", "G", "h", "escape", "ctrl+d", "R", "j")
        assert app.current_view.crumbs()[0] == "service operation-0"

    walk(steps, shape(100_000))


def test_bytes_of_a_key() -> None:
    """Without the detail, whose bytes are counted in its own test."""

    async def steps(app: PaneApp, press: Any) -> None:
        await press("d")
        for key, most in (("j", 1_024), ("k", 1_024), ("ctrl+d", 20_480), ("G", 20_480), ("j", 1_024), ("h", 20_480)):
            await press("j")
            app.sent = 0
            await press(key)
            assert app.sent <= most, key
        app.sent = 0
        await asyncio.sleep(0.3)
        assert app.sent == 0

    r = random.Random(1)
    walk(steps, one_trace(5_000, lambda i: r.randrange(i) if i else -1))


KEYS = [key for one in WATERFALL.keys for key in one.binding.key.split(",")] + (
    "j k j k g G ctrl+d ctrl+u enter escape escape o n a".split()
)
SIZES = [(80, 24), (140, 40), (40, 10), (200, 60), (10, 4)]


@pytest.mark.parametrize(
    ("sources", "seed"),
    [("incident/before.json", 1), ("hostile", 2), ("shop/shop.json", 3), ("async", 4), ("broken", 5)],
)
def test_random_keys(sources: str, seed: int) -> None:
    r = random.Random(seed)

    async def steps(app: PaneApp, press: Any) -> None:
        session = app.state.session
        assert session is not None
        for number in range(0, 240, 4):
            if number % 28 == 24:
                app.state.trace, app.state.span = r.randrange(session.loaded.trace_count), None
                app.current_view.selection_changed()
            if number % 40 == 36:
                await app.resize(*r.choice(SIZES))
            # some keys do not wait for the work of the previous key
            for key in (r.choice(KEYS) for _ in range(4)):
                app.post_key(key)
                await asyncio.sleep(0.002)
            await press()
            if len(app.screen_stack) > 1:
                await press("escape")
            for line in app.lines:
                assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in line), (number, line)
            assert np.all(app.current_view.rows.cursor < max(rows(app), 1))

    session = Session.open([f"sample_traces/{sources}"])
    walk(steps, state=State(session=session, trace=0), size=(120, 30))


def step_name(number: int) -> str:
    """Name steps so that digits do not make them repeated siblings."""
    return f"step {''.join(chr(97 + int(digit)) for digit in str(number))}"


def calls_in_sequence(
    parent_of: Callable[[int], int], slow: int, failed: Sequence[int], count: int = 1_500
) -> TraceSet:
    """Build a trace of calls that run one after another, of which one is the longest and some fail."""
    parents = [-1, *map(parent_of, range(1, count))]
    lengths = [8_000_000 if i == slow else 1 for i in range(count)]
    for i in range(count - 1, 0, -1):
        lengths[parents[i]] += lengths[i]
    begins, taken = [0] * count, [0] * count
    for i in range(1, count):
        begins[i] = begins[parents[i]] + taken[parents[i]]
        taken[parents[i]] += lengths[i]
    return build(
        *(
            span(
                f"s{i}",
                begins[i],
                begins[i] + lengths[i],
                parent=f"s{parents[i]}" if i else "",
                service=f"s-{i % 5}",
                name="slow" if i == slow else "fail" if i in failed[:1] else step_name(i),
                error=i in failed,
                message=f"failure {chr(97 + i % 26)}" if i in failed else "",
            )
            for i in range(count)
        )
    )


OPENINGS: dict[str, tuple[TraceSet, bool]] = {
    "fan": (calls_in_sequence(lambda _: 0, 700, [1_400]), True),
    "fan, error first": (calls_in_sequence(lambda _: 0, 1_400, [3]), True),
    "fan, many errors": (calls_in_sequence(lambda _: 0, 700, [*range(5, 1_500, 7)]), True),
    "fan, no errors": (calls_in_sequence(lambda _: 0, 700, []), True),
    "fans of fans": (calls_in_sequence(lambda i: (i - 1) // 40, 1_300, [1_200]), False),
    "tree": (calls_in_sequence(lambda i: (i - 1) // 3, 1_300, [1_200]), False),
    "chain": (calls_in_sequence(lambda i: i - 1, 1_499, [1_495]), True),
    "chain, error far away": (calls_in_sequence(lambda i: i - 1, 1_499, [700]), False),
}
"""Large traces, and whether the slowest span and the first error fit on a small screen together."""


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("shape", OPENINGS)
def test_large_trace_opens_on_its_slowest_span_and_first_error(shape: str, size: tuple[int, int]) -> None:
    """The error is visible as well, or the header names the key that leads to it."""
    traces, fits = OPENINGS[shape]

    async def steps(app: PaneApp, press: Any) -> None:
        begin = next(i for i, line in enumerate(app.lines) if " rows " in line)
        painted = "\n".join(app.lines[begin : begin + app.current_view.rows.size.height + 1])
        assert re.search(r"\bslow\b", painted)
        has_error, is_named = bool((app.shown.base.roles > 0).any()), "e goes there" in app.text
        if not has_error:
            assert not is_named
            return
        is_visible = re.search(r"\bfail\b", painted) is not None
        assert is_visible or is_named
        assert not (is_visible and is_named)
        assert is_visible or not fits
        await press("g", "e")
        assert app.current_view.crumbs()[1] == "fail"
        await press("L", "L")
        assert rows(app) == len(traces)

    walk(steps, traces, size=size)


def test_unfolded_trace_names_the_key_of_an_error_below_the_visible_rows() -> None:
    traces = calls_in_sequence(lambda _: 0, 2, [90], count=100)

    async def steps(app: PaneApp, press: Any) -> None:
        assert rows(app) == 100
        assert "s-0 “failure m” (request did not fail)  e goes there" in app.text
        assert app.current_view.rows.cursor == 0
        await app.resize(80, 200)
        await press("j")
        assert rows(app) == 100

    walk(steps, traces, size=(80, 24))


async def test_rule_counts_the_rows_of_the_tree_and_of_the_detail_that_are_out_of_view() -> None:
    def rule(lines: Sequence[str]) -> str:
        return next(line for line in lines if line.startswith("──"))

    async with opened(CHECKOUT, size=(80, 24)) as (_, pilot):
        await pilot.press("2")
        assert re.match(r"── ▾ 8 rows ─+ detail ▾ \d+ ──", rule(pilot.lines))
        await pilot.press("G")
        assert rule(pilot.lines).startswith("── ▴ 8 rows ──")
        await pilot.press("g", "tab", "end", "escape")
        assert re.search(r"── detail ▴ \d+ ──", rule(pilot.lines)), "the first lines of the detail are not lost"
    async with opened(INCIDENT, size=(80, 24)) as (_, pilot):
        await pilot.press("enter")
        assert "rows" not in rule(pilot.lines), "all are in view"


async def test_span_without_a_name_is_named_in_header_and_path() -> None:
    async with opened(str(SAMPLES / "hostile" / "deep.json"), size=(80, 24)) as (_, pilot):
        await pilot.press("enter")
        assert pilot.lines[2].startswith("  hostile (no name)   6.00 ms")
        assert pilot.lines[-1].startswith("Waterfall › … › (no name) ")
        assert "waited for (no name) 6.00 ms (>99.9 %)" in pilot.text
        assert re.search(r"6\.00 ms +>99 %", pilot.text)


async def test_caption_says_what_is_hidden_and_why() -> None:
    async with opened(str(SAMPLES / "first-look" / "timeout.json"), size=(80, 24)) as (_, pilot):
        await pilot.press("2", "f", "x")
        assert "8 rows; 2 hidden: <1 % of the…" not in pilot.text
        assert "  8 rows; 2 hidden  " in pilot.text
        await pilot.press("a")
        assert "8 rows; 2 hidden: <1 % of the trace" in pilot.text


async def test_bottleneck_out_of_sight_names_the_key_that_goes_there() -> None:
    async with opened(CHECKOUT, size=(80, 24)) as (app, pilot):
        await pilot.press("2")
        assert "lock_stock_row  ! goes there" in pilot.text
        await pilot.press("!")
        assert app.current_view.crumbs()[1] == "lock_stock_row"
    async with opened(CHECKOUT, size=(80, 60)) as (_, pilot):
        await pilot.press("2")
        assert "goes there" not in pilot.text, "it is in sight"


def test_selected_span_gets_its_own_row_in_a_large_trace() -> None:
    traces, _ = OPENINGS["fan"]

    async def steps(app: PaneApp, press: Any) -> None:
        assert app.name_here == "s1000"
        assert app.current_view.crumbs()[-1] == step_name(1_000)
        assert sorted(len(app.shown.view.rows.spans(row)) for row in range(rows(app)))[-3:] == [299, 399, 692]
        await press("k")
        assert "299 calls" in app.text
        await press("l")
        assert rows(app) > 299

    walk(steps, state=State(session=Session(traces), trace=0, span=at(traces, "s1000")), size=(120, 40))


def test_siblings_that_share_a_row_are_one_row_for_keys() -> None:
    traces, _ = OPENINGS["fan, many errors"]

    async def steps(app: PaneApp, press: Any) -> None:
        line = next(line for line in app.lines if " calls " in line and "✖9" in line)
        assert "▸  " in line
        assert "●" not in line
        number = rows(app)
        await press("j", "j", "j")
        while app.shown.view.rows.group(app.current_view.rows.cursor) is None:
            await press("j")
        cursor = app.current_view.rows.cursor
        await press("#", "#", "h")
        assert app.current_view.rows.cursor == 0
        await press("slash", *"step", "enter", "escape")
        app.current_view.rows.cursor = cursor
        await press("z")
        assert "zoom ×" in app.text
        await press("Z", "space")
        assert rows(app) > number

    walk(steps, traces, size=(120, 40))


def test_large_subtree_opens_folded() -> None:
    traces, _ = OPENINGS["fans of fans"]

    async def steps(app: PaneApp, press: Any) -> None:
        await press("g", "j", "R")
        assert app.shown.opened.root is not None
        assert rows(app) < 60

    walk(steps, traces, size=(120, 40))


def test_search_without_a_match_dims_no_row() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        before = app.shown.line(0, 100)
        await press("slash", *"query", "enter")
        assert app.shown.line(0, 100) != before
        assert app.notices[-1] == "match 1 of 1"
        await press("slash", *"zzz", "enter")
        assert "no match" in app.text
        assert app.shown.line(0, 100) == before

    walk(steps)


def test_hidden_spans_are_announced_with_the_keys_that_show_them() -> None:
    async def steps(app: PaneApp, press: Any) -> None:
        assert ("f a", "show all spans") not in app.hints
        await press("j", "f", "s")
        assert app.hints[0] == ("f a", "show all spans")
        await press("f", "a")
        assert ("f a", "show all spans") not in app.hints

    walk(steps)


async def test_names_are_widened_and_narrowed_by_a_key_in_all_traces() -> None:
    async with opened(str(SAMPLES / "shop"), size=(100, 30)) as (_, pilot):

        def cells_of_names() -> int:
            axis = next(line for line in pilot.lines if line.rstrip().endswith("duration critical"))
            return axis.index(" 0 ms") + 1

        await pilot.press("enter", "v", "v", "v")
        half = cells_of_names()
        await pilot.press("a")
        assert "names: as wide as needed" in pilot.lines[-1]
        wide = cells_of_names()
        assert "subscription-service renew subscriptions" in pilot.text
        await pilot.press("a")
        narrow = cells_of_names()
        assert narrow < half < wide
        await pilot.press("escape", "j", "enter")
        assert cells_of_names() <= narrow
        await pilot.press("a")
        assert "names: up to half of the width" in pilot.lines[-1]
