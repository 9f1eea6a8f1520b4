"""The list of traces in the app: filter, plot, table, and bytes sent per key."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from textual.app import App, ComposeResult

from tests.support.building import CODEC, GivenSpan, build, span
from tests.support.pilot import Driver, driven
from tests.support.screens import ByteCounter
from tracetui.analysis.analysis import Analysis
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.times import find_time
from tracetui.model.traces import TraceSet
from tracetui.query import QueryError, parse
from tracetui.query import edit as filters
from tracetui.query.attribute_values import likely_first, values_of
from tracetui.render.traces.columns import SortKey
from tracetui.session import Session
from tracetui.tui.messages import FilterTraces, Notice, OpenTrace
from tracetui.tui.state import State
from tracetui.tui.terminal.app import TerminalApp
from tracetui.tui.views.traces.time_windows import written_window
from tracetui.tui.views.traces.view import TracesView
from tracetui.tui.widgets.choice import Choice
from tracetui.tui.widgets.line_input import LineInput

SECOND = 1_000_000
HOSTILE = ("[/x]", "\x1b]0;owned\x07", "‮evil", "a\tb\nc", "[@click=app.quit]x[/]", "é" * 300, "\ud800", "日本語")


class Harness(TerminalApp, ByteCounter):
    """App with the view alone and a minimal owner."""

    AUTO_FOCUS = ""

    def __init__(self, traces: TraceSet | None, state: State | None = None) -> None:
        super().__init__()
        self.animation_level = "none"
        self.state = state or State()
        if traces is not None:
            self.state.session = Session(traces)
            self.state.shown = np.arange(traces.trace_count)
        self.opened: list[int] = []
        self.notices: list[str] = []

    def compose(self) -> ComposeResult:
        yield TracesView(self.state, self.work, id="traces")

    def on_mount(self) -> None:
        self.current_view.set_changed()
        self.current_view.take_focus()

    def select(self, trace: int | None, span: int | None) -> None:
        self.state.trace, self.state.span = trace, span

    def work(self, name: str, work: Callable[[], Any], done: Callable[[Any], Any], **_: Any) -> None:
        self.call_later(lambda: done(work()))

    @property
    def current_view(self) -> TracesView:
        return self.query_one(TracesView)

    @property
    def loaded(self) -> TraceSet:
        assert self.state.session is not None
        return self.state.session.loaded

    def on_filter_traces(self, message: FilterTraces) -> None:
        assert self.state.session is not None
        loaded = self.state.session.loaded
        text = message.query
        self.state.query = text
        self.state.shown = np.flatnonzero(parse(text).matches(loaded)) if text else np.arange(loaded.trace_count)
        self.state.analysis = Analysis(loaded.select(self.state.shown))
        self.current_view.set_changed()

    def on_open_trace(self, message: OpenTrace) -> None:
        self.opened.append(message.trace)

    def on_notice(self, message: Notice) -> None:
        self.notices.append(message.text)

    def lines(self) -> list[str]:
        """Return the lines on the screen."""
        return ["".join(segment.text for segment in strip) for strip in self.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines())


def drive(
    traces: TraceSet, steps: Callable[[Harness, Driver], Awaitable[None]], size: tuple[int, int] = (120, 40)
) -> Harness:
    app = Harness(traces)

    async def run() -> None:
        async with driven(app, size) as pilot:
            await pilot.settle()
            await steps(app, pilot)

    asyncio.run(run())
    return app


async def write(pilot: Driver, text: str) -> None:
    names = {
        " ": "space",
        ">": "greater_than_sign",
        "=": "equals_sign",
        ".": "full_stop",
        "-": "minus",
        "_": "underscore",
    }
    await pilot.press(*(names.get(character, character) for character in text))


def shop() -> TraceSet:
    """Return six traces a second apart, of 100 to 600 ms; the 2nd and 5th fail in `db`, the 6th in `mail`."""
    return build(*shop_spans())


def shop_spans() -> list[GivenSpan]:
    spans: list[GivenSpan] = []
    for number in range(6):
        begin, end = number * SECOND, number * SECOND + (number + 1) * 100_000
        failing = number in (1, 4, 5)
        below = "mail" if number == 5 else "db"
        user = {"user.id": f"u{number % 3}"}
        more: dict[str, Any] = {"trace": f"{number + 1}", "error": failing}
        spans.append(span(f"a{number}", begin, end, name="GET /cart", attributes=user, **more))
        spans.append(span(f"b{number}", begin, end - 10, parent=f"a{number}", service=below, name="query", **more))
    return spans


def many(count: int) -> TraceSet:
    """Return this many traces of one to three spans."""

    intake = Intake()
    resources = [intake.resources(name, b"", CODEC) for name in ("gateway", "user-service", "redis", "mailer")]
    number = 0
    for trace in range(count):
        index = intake.traces(f"{trace + 1:032x}")
        root = f"{number + 1:016x}"
        for child in range(1 + trace % 3):
            number += 1
            intake.add(
                trace=index,
                span_id=f"{number:016x}",
                parent_id=root if child else "",
                name=("GET /profile", "find user", "get")[child],
                resource=resources[child + (trace % 7 == 0)],
                start_ns=1_700_000_000_000_000_000 + trace * 7_000_000,
                duration_ns=1 + (trace * 7919) % 1_000_003 * (1_000 if child == 0 else 300),
                error=trace % 23 == 0,
                attributes=b'{"user.id": "user-%d"}' % (trace % 50) if child == 0 else b"",
            )
    return assemble(intake)


def test_slowest_trace_is_first_and_enter_opens_it() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        assert app.state.trace == 5
        await pilot.press("enter", "j", "enter")
        assert app.opened == [5, 4]
        assert app.state.trace == 4
        # of six traces
        assert "p50" not in app.text
        assert "too few traces for percentiles" in app.text
        assert "3 of 6 requests failed" in app.text

    drive(shop(), steps)


def test_enter_opens_the_visible_trace_while_the_list_is_rebuilt() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("j")
        assert app.state.trace is not None
        wanted = app.loaded.trace_ids[app.state.trace]
        held: list[Callable[[], Any]] = []
        app.current_view.work = lambda _, work, done, *, outlives_set=False: held.append(lambda: done(work()))
        # the same with one more before it
        more = build(span("x", -SECOND, 0, trace="9", name="GET /cart"), *shop_spans())
        app.state.session, app.state.shown = Session(more), np.arange(more.trace_count)
        app.select(None, None)
        app.current_view.set_changed()
        await pilot.press("enter", "s", "enter")
        assert [more.trace_ids[trace] for trace in app.opened] == [wanted, wanted]
        await pilot.press("k", "j")
        assert more.trace_ids.index(wanted) == app.state.trace
        for run in held:
            run()
        await pilot.press("enter")
        assert more.trace_ids[app.opened[-1]] == wanted

    drive(shop(), steps)


def test_query_is_completed_and_submitted() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("slash")
        assert app.current_view.query_bar.is_edited
        await write(pilot, "serv")
        assert "service of a span" in app.text
        await pilot.press("tab", "tab")
        assert app.current_view.query_bar.input.text == "service = "
        await write(pilot, "ma")
        await pilot.press("down", "enter")
        assert app.current_view.query_bar.input.text == "service = mail "
        await pilot.press("enter")
        assert app.state.query == "service = mail"
        assert app.state.shown.tolist() == [5]
        assert "1 of 6 traces" in app.text
        assert not app.current_view.query_bar.is_edited

    drive(shop(), steps)


def test_query_error_is_marked_and_the_text_kept() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("f")
        await write(pilot, "duration > 5")
        await pilot.press("enter")
        lines = app.lines()
        at = next(i for i, line in enumerate(lines) if "duration > 5" in line)
        assert lines[at].index("5") == lines[at + 1].index("^")
        assert "needs a unit" in lines[at + 2]
        assert app.state.query == ""
        await write(pilot, "ms")
        assert "needs a unit" not in app.text
        await pilot.press("enter")
        assert app.state.query == "duration > 5ms"

    drive(shop(), steps)


def test_query_error_is_complete_on_a_narrow_screen() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("slash")
        await write(pilot, "dur > ")
        await pilot.press("enter")
        told = " ".join(app.text.split())
        assert "expected a value, but the query ends; quote a value with blanks or special characters" in told
        assert "…" not in "".join(app.lines()[1:4])

    drive(shop(), steps, size=(80, 24))


def test_hints_follow_the_focus() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        def hints() -> list[str]:
            return [f"{key} {what}" for key, what in app.current_view.key_names.hints(app.current_view.hints)]

        assert hints()[:2] == ["/ filter", "v by entry point"]
        rows, app.current_view.listing._rows = app.current_view.listing._rows, None
        assert hints() == ["/ filter"], "there are no rows to go to"
        app.current_view.listing._rows = rows
        await pilot.press("E")
        assert "v all traces" in hints()
        await pilot.press("slash")
        assert hints() == ["Enter filter", "Tab complete", "arrows history", "Esc leave"]
        await pilot.press("escape", "z")
        assert "Enter filter" in hints()
        assert "Esc leave" in hints()

    drive(shop(), steps)


def test_hints_of_an_empty_list_offer_no_rows() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("slash", *"nowhere", "enter")
        assert "No trace matches" in app.text
        hints = [f"{key} {what}" for key, what in app.current_view.key_names.hints(app.current_view.hints)]
        assert hints == ["/ filter", "u undo", "w window"]
        # the whole message is there
        assert "u undoes the last change, / edits the filter" in app.text

    drive(shop(), steps)


def test_grouped_by_entry_point() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("v")
        assert app.current_view.crumbs() == ["by entry point"]
        assert any("entry point" in line and "p95" in line for line in app.lines())
        heads = [line for line in app.lines() if "▸" in line]
        entry_points = np.unique(app.loaded.operation[app.loaded.main_root])
        assert len(heads) == len({app.loaded.operation_label(int(operation)) for operation in entry_points})
        before = len(app.current_view.listing.view.source)
        await pilot.press("enter")
        assert len(app.current_view.listing.view.source) > before
        await pilot.press("j", "enter")
        assert len(app.opened) == 1
        await pilot.press("v")
        assert app.current_view.crumbs() == ["errors by service"]
        await pilot.press("v")
        assert app.current_view.crumbs() == []

    drive(shop(), steps)


def test_history_escape_and_clearing() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        bar = app.current_view.query_bar
        for query in ("error", "duration > 1ms"):
            await pilot.press("slash", "ctrl+u")
            await write(pilot, query)
            await pilot.press("enter")
        # the current filter is not an entry of the history
        await pilot.press("slash", "up")
        assert bar.input.text == "error"
        await pilot.press("up", "down")
        assert bar.input.text == "duration > 1ms"
        await pilot.press("ctrl+u")
        await write(pilot, "depth > ")
        await pilot.press("up", "up", "down", "down", "down")
        assert bar.input.text == "depth > "
        await pilot.press("ctrl+u")
        assert bar.input.text == ""
        await write(pilot, "what")
        await pilot.press("escape")
        assert bar.input.text == "duration > 1ms"
        assert app.current_view.listing.view.has_focus
        await pilot.press("slash", "up")
        assert bar.input.text == "what"

    drive(shop(), steps)


def test_quick_filters_edit_the_query_and_can_be_undone() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("e")
        assert app.state.query == "error"
        assert app.state.shown.tolist() == [1, 4, 5]
        await pilot.press("i")
        await write(pilot, "mail")
        await pilot.press("enter")
        assert app.state.query == "error AND service = mail"
        await pilot.press("i", "down")
        await write(pilot, "db")
        await pilot.press("enter")
        assert app.state.query == "error AND service = db"
        await pilot.press("e")
        assert app.state.query == "service = db"
        await pilot.press("u", "u", "u")
        assert app.state.query == "error"
        await pilot.press("p")
        await write(pilot, "query")
        await pilot.press("enter", "u", "u")
        assert app.state.query == ""
        await pilot.press("u")
        assert "nothing to undo" in app.notices[-1]

    drive(shop(), steps)


def test_duration_filter_steps_through_percentiles_or_is_typed() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        seen = []
        for _ in range(4):
            await pilot.press("d")
            seen.append(app.state.query)
        assert seen == ["trace.response >= 350ms", "trace.response >= 575ms", "trace.response >= 595ms", ""]
        await pilot.press("D")
        await write(pilot, "450ms")
        await pilot.press("enter")
        assert app.state.query == "trace.response >= 450ms"
        assert app.state.shown.tolist() == [4, 5]
        await pilot.press("D")
        await write(pilot, "soon")
        await pilot.press("enter")
        assert app.state.query == "trace.response >= 450ms"
        assert app.notices

    drive(shop(), steps)


def test_empty_result_names_the_most_selective_condition() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        app.current_view.filter_by("error AND duration > 9s AND service = db")
        await pilot.settle()
        assert "duration > 9s alone matches 0 of 6 traces; without it: 2" in app.text
        assert "start UTC" not in app.text
        assert app.lines()[2].strip() == "No trace matches this filter."
        await pilot.press("j", "enter", "space", "s", "E", "S", "O", "z")
        assert app.opened == []
        await pilot.resize_terminal(100, 30)
        await pilot.settle()
        assert not app.current_view.scatter.display
        await pilot.press("u")
        assert "No trace" not in app.text
        assert "services" in app.text
        assert app.current_view.scatter.display

    drive(shop(), steps)


def test_headings_align_with_columns_at_any_width() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        headings: dict[int, str] = {}
        # first at the initial width, then after wider and narrower ones
        for width in (80, 120, 80, 60, 120):
            await pilot.resize_terminal(width, 30)
            await pilot.settle()
            heading = next(line for line in app.lines() if "▼" in line)
            assert heading.rstrip() == app.current_view.listing._heading_lines()[0].text.rstrip()
            assert headings.setdefault(width, heading) == heading
        assert len(set(headings.values())) == 3

    drive(shop(), steps)


def test_click_on_a_heading_sorts_and_second_click_reverses() -> None:
    async def click(app: Harness, pilot: Driver, heading: str) -> str:
        at = next(line for line in app.lines() if "services" in line).index(heading)
        await pilot.click("#traces-header", offset=(at, 0))
        await pilot.settle()
        return next(line for line in app.lines() if "services" in line)

    async def steps(app: Harness, pilot: Driver) -> None:
        assert "start UTC ▼" in await click(app, pilot, "start")
        assert app.state.trace == 5
        rows = app.lines()
        assert "start UTC ▲" in await click(app, pilot, "start")
        assert app.lines() != rows
        assert "▲" in await click(app, pilot, "trace")
        assert app.current_view.listing.sort_key is SortKey.NAME
        assert "▼ duration" in await click(app, pilot, "duration")
        assert app.current_view.listing.view.has_focus
        assert app.opened == []

    drive(shop(), steps)


def nested() -> TraceSet:
    """Return four traces: in two, `db` fails (in one of them twice) and `api` and `web` pass the error on; one has no
    `db`.
    """
    spans: list[GivenSpan] = []
    for number, broken in enumerate((1, 2, 0)):
        failing = bool(broken)
        more: dict[str, Any] = {"trace": f"{number + 1}", "error": failing}
        spans.append(span(f"a{number}", 0, 1_000, service="web", name="GET /", **more))
        spans.append(span(f"b{number}", 1, 900, parent=f"a{number}", service="api", name="list", **more))
        for i in range(2):
            below = span(f"c{number}{i}", 10, 90, parent=f"b{number}", service="db", name="query")
            spans.append(below.but(trace=f"{number + 1}", error=i < broken))
        spans.append(span(f"d{number}", 91, 95, parent=f"b{number}", service="mail", trace=f"{number + 1}"))
    spans.append(span("e", 0, 10, trace="4", service="web", name="GET /"))
    spans.append(span("f", 1, 9, parent="e", trace="4", service="mail"))
    return build(*spans)


def test_services_to_choose_have_trace_counts_and_failing_ones_are_first() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("i")
        lines = [" ".join(line.strip(" │▌").split()) for line in app.lines()]
        listed = [line for line in lines if line.split()[:1] in (["db"], ["api"], ["web"], ["mail"])]
        assert listed[0] == "db ✖2 3 traces"
        assert sorted(listed[1:]) == ["api ✗2 3 traces", "mail 4 traces", "web ✗2 4 traces"]
        assert "✖ errors began there" in app.text
        await pilot.press("escape", "p")
        assert any("query ✖2 3 traces" in " ".join(line.split()) for line in app.lines())

    drive(nested(), steps)


def test_sorting_shows_its_arrow_and_reverses() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        assert "▼ duration" in app.text
        await pilot.press("s")
        assert app.current_view.listing.sort_key is SortKey.START
        assert "▼" in app.text
        await pilot.press("O")
        assert "▲" in app.text
        assert app.state.trace == 5
        for _ in SortKey:
            await pilot.press("s")
        assert app.current_view.listing.sort_key is SortKey.START

    drive(shop(), steps)


def test_traces_with_errors_by_service() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("E")
        rows = app.lines()
        heads = [line for line in rows if "of 3 with errors" in line]
        assert "db" in heads[0]
        assert "2 traces" in heads[0]
        assert "67 %" in heads[0]
        assert "ms–" in heads[0]
        assert "p50" not in heads[0]
        assert "mail" in heads[1]
        await pilot.press("enter")
        assert app.current_view.listing.view.source.__len__() == 3
        await pilot.press("enter", "j", "enter")
        assert app.opened == [4]
        assert app.current_view.crumbs()
        assert app.current_view.go_back()
        await pilot.settle()
        assert not app.current_view.go_back()
        assert "of 3 with errors" not in app.text

    drive(shop(), steps)


def test_value_filter_steps_through_values() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("U")
        await write(pilot, "user")
        await pilot.press("enter")
        assert isinstance(app.screen, Choice)
        assert "2 traces" in app.text
        await pilot.press("enter")
        assert app.state.query == "user.id = u0"
        assert app.state.shown.tolist() == [0, 3]
        assert app.state.trace == 0
        assert app.current_view.listing.sort_key is SortKey.START
        await pilot.press("right_square_bracket")
        assert app.state.query == "user.id = u1"
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert app.state.query == "user.id = u0"
        assert "no previous value: 3 in total" in app.notices[-1]

    drive(shop(), steps)


def test_marks_stay_with_their_traces() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("space", "space")
        assert app.state.marked == {5, 4}
        assert app.text.count("✓") == 3
        assert "✓ 2 marked" in app.text
        assert "Space" in app.notices[0]
        await pilot.press("O")
        assert app.text.count("✓") == 3
        await pilot.press("G", "space")
        assert app.state.marked == {4}
        assert "✓ 1 marked" in app.text
        await pilot.press("k", "space")
        assert "marked" not in app.text
        assert "✓" not in app.text
        assert len(app.notices) == 1

    drive(shop(), steps)


def test_region_is_moved_grown_and_applied() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        scatter = app.current_view.scatter
        await pilot.press("z")
        assert scatter.has_focus
        before = scatter.region_cells
        assert before is not None
        await pilot.press("left", "left", "shift+down", "shift+right")
        region = scatter.region_cells
        assert region is not None
        assert region.left < before.left
        assert region.right - region.left > before.right - before.left
        assert region.top == before.top - 1
        assert "Enter" in app.text
        await pilot.press("enter")
        assert app.state.query.startswith(filters.TIME_FIELD)
        assert app.current_view.listing.view.has_focus
        await pilot.press("u", "z", "escape")
        assert scatter.region_cells is None
        assert app.current_view.listing.view.has_focus
        await pilot.press("z")
        assert app.current_view.go_back()
        assert app.state.query == ""

    drive(shop(), steps)


def test_region_is_drawn_with_the_mouse() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        plot = app.current_view.scatter.plot
        assert plot is not None
        await pilot.mouse_down("#traces-scatter", offset=(plot.left, 0))
        await pilot.hover("#traces-scatter", offset=(plot.left + plot.columns - 1, 1))
        await pilot.settle()
        assert app.current_view.scatter.region_cells is not None
        await pilot.mouse_up("#traces-scatter", offset=(plot.left + plot.columns - 1, 1))
        await pilot.settle()
        assert app.state.query.startswith("trace.response >= ")
        assert 5 in app.state.shown.tolist()

    drive(shop(), steps)


def test_time_window() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("w")
        await write(pilot, "around")
        await pilot.press(*["backspace"] * 6, "enter")
        assert app.state.query.startswith(filters.TIME_FIELD)

    drive(shop(), steps)


def test_time_window_with_reversed_ends_is_rejected() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("w", *"18:31-18:27", "enter")
        assert app.notices == ["18:31-18:27: the window must end after it begins"]
        assert app.state.query == ""

    drive(shop(), steps)


@pytest.mark.parametrize(
    ("first", "last", "written", "meant"),
    [
        ("10T18:29", "10T18:45", "18:31-18:27", "10T18:31-10T18:27"),
        ("10T18:29", "10T18:45", "18:20-18:35", "10T18:20-10T18:35"),
        ("10T18:29", "10T18:45", "18:35", "10T18:35"),
        ("10T23:50", "11T00:20", "23:55-00:10", "10T23:55-11T00:10"),
        ("10T23:50", "11T00:20", "00:05-00:10", "11T00:05-11T00:10"),
        ("10T23:50", "11T00:20", "23:40-00:30", "10T23:40-11T00:30"),
        ("10T18:29", "10T18:45", "18:31:05.25", "10T18:31:05.25"),
        ("10T18:29", "10T18:45", "18:61", ""),
        ("10T18:29", "10T18:45", "ten 18:31", ""),
    ],
)
def test_typed_window_is_on_the_day_of_the_traces(first: str, last: str, written: str, meant: str) -> None:
    times = [find_time(f"2026-03-{moment}") or 0 for moment in (first, last)]
    begin, end = (find_time(f"2026-03-{moment}") for moment in [*meant.split("-"), ""][:2])
    assert written_window(written, times[0], times[1], local=False) == (begin, end)


@pytest.mark.parametrize(("size", "plot"), [((80, 24), True), ((80, 19), False), ((200, 60), True), ((30, 8), False)])
def test_sizes(size: tuple[int, int], plot: bool) -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        assert app.current_view.scatter.display is plot
        assert all(len(line) <= size[0] for line in app.lines())
        assert ("of 6 requests failed" in app.text) is plot
        await pilot.press("z", "slash", "escape", "E", "i", "escape")

    drive(shop(), steps, size)


@pytest.mark.parametrize(
    ("load_state", "notices"),
    [
        ("reading", "rows appear as they arrive; Esc stops"),
        ("failed", "r reloads the sources, q quits"),
        ("", "r reloads"),
    ],
)
def test_empty_list_gives_the_reason(load_state: str, notices: str) -> None:
    app = Harness(None, State(sources=("a/\x1b[31m.json",), load_state=load_state))

    async def run() -> None:
        async with driven(app, (80, 24)) as pilot:
            await pilot.settle()
            assert notices in app.text
            assert ("reading a/" in app.text) is (load_state == "reading")
            assert ("No traces loaded" in app.text) is (load_state != "reading")
            assert "duration" not in app.lines()[2]
            assert all(line.isprintable() for line in app.lines())
            await pilot.press("j", "enter", "space", "s", "E", "z", "i", "d", "u")
            app.state.load_state = "failed"
            app.current_view.set_changed()
            await pilot.settle()
            assert "No traces loaded" in app.text
            app.state.session = Session(shop())
            app.state.shown = np.arange(6)
            app.current_view.set_changed()
            await pilot.settle()
            assert "No traces loaded" not in app.text
            assert "start UTC ▼" in app.text
            assert "GET /cart" in app.text

    asyncio.run(run())


def test_set_without_spans_gives_a_message() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        assert "No spans" in app.text
        assert "No trace meets" not in app.text

    drive(build(), steps)


def test_hostile_names_are_shown_as_text() -> None:
    spans = [
        span(str(i), i * 10, i * 10 + 5, trace=str(i), service=name, name=name, error=True, attributes={name: name})
        for i, name in enumerate(HOSTILE)
        if name != "\ud800"
    ]

    def check(app: Harness) -> None:
        for line in app.lines():
            assert line.isprintable(), line

    async def steps(app: Harness, pilot: Driver) -> None:
        check(app)
        for keys in (["E"], ["i"], ["escape"], ["p"], ["escape"], ["U"], ["enter"], ["enter"], ["slash", "end"]):
            await pilot.press(*keys)
            check(app)
        await write(pilot, " AND service = ")
        check(app)
        await pilot.press("down", "down", "down", "enter", "enter")
        check(app)
        app.current_view.query_bar.input.put("\x1b[31m‮ [/x] \x9b" * 3)
        await pilot.settle()
        check(app)
        await pilot.press("enter")
        check(app)

    drive(build(*spans), steps)


def test_bytes_for_a_key() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("g", "j")
        for key, most in (("j", 1024), ("k", 1024), ("pagedown", 20 * 1024), ("pageup", 20 * 1024), ("G", 20 * 1024)):
            app.sent = 0
            await pilot.press(key)
            assert 0 < app.sent <= most, (key, app.sent)
        app.sent = 0
        await asyncio.sleep(0.3)
        assert app.sent == 0

    drive(many(2_000), steps, (140, 40))


def test_100_000_traces() -> None:
    async def steps(app: Harness, pilot: Driver) -> None:
        await pilot.press("G", "g", "pagedown", "s", "s", "O", "E", "S", "d", "e", "u")
        assert "of 100,000 traces" in app.text

    drive(many(100_000), steps)


def test_random_keys() -> None:
    keys = [
        *"jkgGsoSEUediDpwuvfx[]/ ",
        *("enter", "escape", "tab", "up", "down", "left", "right", "shift+up", "shift+right", "ctrl+u", "backspace"),
        *("pagedown", "pageup", "home", "end", "delete", "ctrl+w"),
    ]
    names = {" ": "space", "[": "left_square_bracket", "]": "right_square_bracket", "/": "slash"}
    rng = random.Random(4)

    async def steps(app: Harness, pilot: Driver) -> None:
        for number in range(200):
            key = rng.choice(keys)
            await pilot.send(names.get(key, key))
            if number % 40 == 0:
                await pilot.resize_terminal(rng.choice((30, 80, 140)), rng.choice((8, 24, 50)))
        await pilot.settle()
        assert app.is_running

    drive(shop(), steps)


def test_text_editing() -> None:
    class Line(App[None]):
        def compose(self) -> ComposeResult:
            yield LineInput(State().look.theme)

    async def run() -> None:
        app = Line()
        async with driven(app, (40, 3)) as pilot:
            line = app.query_one(LineInput)
            line.focus()
            line.put("one two three")
            await pilot.send("ctrl+w")
            assert line.text == "one two "
            await pilot.send("ctrl+left", "ctrl+left", "x", "delete")
            assert line.text == "xne two "
            await pilot.send("end", "home", "right", "backspace", "ctrl+right", "y")
            assert line.text == "ney two "
            line.put("日本語" * 40)
            await pilot.send("left", "left")
            assert "語" in "".join(segment.text for segment in line.render_line(0))
            await pilot.send("ctrl+u", "q", "question_mark", "colon", "1")
            assert line.text == "q?:1"

    asyncio.run(run())


# --- text of filters ------------------------------------------------------------------------------------------------


def test_replacing_conditions() -> None:
    exchanged, error = filters.replace_conditions, filters.ERRORS
    assert exchanged("", error, "error") == "error"
    assert exchanged("service = a", error, "error") == "service = a AND error"
    assert exchanged("error and service = a", error) == "service = a"
    assert exchanged("service = a OR error", error, "error") == "(service = a OR error) AND error"
    assert exchanged('service = "a AND b" AND { error AND kind = server }', error, "error") == (
        'service = "a AND b" AND { error AND kind = server } AND error'
    )
    assert exchanged("service = a", filters.SERVICE, filters.condition("service", "b c")) == 'service = "b c"'
    assert exchanged("NOT error && duration >= 5ms", filters.MIN_DURATION) == "NOT error"
    assert exchanged("service =~ a", filters.SERVICE, "service = b") == "service =~ a AND service = b"
    assert exchanged("service == a AND error", filters.SERVICE) == "error"
    assert exchanged("(service = a) AND error", filters.SERVICE) == "error"


def test_blocking_condition_excludes_the_most_traces() -> None:
    traces = shop()
    found = filters.find_blocking_condition(traces, "error AND duration > 9s")
    assert found is not None
    assert (found.part, found.passes, found.without, found.of) == ("duration > 9s", 0, 3, 6)
    assert filters.find_blocking_condition(traces, "error OR duration > 9s") is None


def test_attribute_values_are_counted_in_traces() -> None:
    traces = shop()
    found = values_of(traces, "user.id", np.arange(traces.trace_count))
    assert [(value.text, value.traces, value.failed) for value in found.found] == [
        ("u0", 2, 0),
        ("u1", 2, 2),
        ("u2", 2, 1),
    ]
    assert likely_first(["http.route", "session.id", "user.id"]) == ["user.id", "session.id", "http.route"]
    assert not values_of(traces, "nothing", np.arange(6)).found


def test_errors_in_queries_are_values() -> None:
    with pytest.raises(QueryError):
        parse("duration > 5")
