from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding

from tests.support.building import build, span
from tests.support.paths import SAMPLES
from tests.support.pilot import Driver, driven
from tests.support.texts import is_harmless
from tests.support.trace_app import opened
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.errors import find_errors
from tracetui.analysis.operation_table import OperationRow, OperationTable
from tracetui.model.span import Kind
from tracetui.query import parse
from tracetui.render.errors.detail import ErrorDetail
from tracetui.render.hot_spots.table import HotSpotList
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Role
from tracetui.session import Session
from tracetui.tui.messages import CopyText, ListTraces, Notice, OpenTrace, ReadText
from tracetui.tui.state import Look, State
from tracetui.tui.views.base import View
from tracetui.tui.views.errors import ErrorsView
from tracetui.tui.views.hot_spots import HotSpotsView
from tracetui.tui.views.list_detail import ListDetail
from tracetui.tui.views.registry import view_classes
from tracetui.tui.views.services.view import ServicesView
from tracetui.tui.views.traces.dialogs import DIALOGS
from tracetui.tui.views.traces.quick_filters import QUICK_FILTERS
from tracetui.tui.views.waterfall.view_state import FOLDING
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView

PANES: dict[str, type[Any]] = {
    "services": ServicesView,
    "errors": ErrorsView,
    "hot-spots": HotSpotsView,
}


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ListDetail, "DETAIL_DELAY", 0.001)


class Harness(App[None]):
    """App with one view, which collects its messages."""

    AUTO_FOCUS = ""

    def __init__(self, state: State, pane: str) -> None:
        super().__init__()
        self.animation_level = "none"
        self.state = state
        self.current_view = PANES[pane](state, self.work, id=pane)
        self.posted: list[Any] = []
        self.works: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.current_view

    def work(self, name: str, work: Callable[[], Any], done: Callable[[Any], Any], **_: Any) -> None:
        self.works.append(name)

        def run() -> None:
            self.call_from_thread(done, work())

        self.run_worker(run, thread=True, group=name)

    def on_open_trace(self, message: OpenTrace) -> None:
        self.posted.append(message)

    on_filter_traces = on_open_view = on_copy_text = on_read_text = on_notice = on_list_traces = on_open_trace

    def lines(self) -> list[str]:
        """Return the lines on the screen."""
        width, height = self.size
        strips = self.screen._compositor.render_strips()
        assert len(strips) == height
        return ["".join(segment.text for segment in strip)[:width].rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines())


def state_of(source: str | Session, query: str = "", glyphs: Glyphs = UNICODE) -> State:
    session = source if isinstance(source, Session) else Session.open([str(SAMPLES / source)])
    loaded = session.loaded
    shown = np.flatnonzero(parse(query).matches(loaded)) if query else np.arange(loaded.trace_count)
    return State(
        look=Look(glyphs=glyphs), session=session, query=query, shown=shown, analysis=Analysis(loaded.select(shown))
    )


@asynccontextmanager
async def running(state: State, pane: str, size: tuple[int, int] = (100, 30)) -> AsyncIterator[tuple[Harness, Driver]]:
    app = Harness(state, pane)
    async with driven(app, size) as pilot:
        app.current_view.set_changed()
        await pilot.settle()
        app.current_view.take_focus()
        yield app, pilot


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ("incident/before.json", (80, 24)),
        ("shop/shop.json", (140, 40)),
        ("hostile", (140, 40)),
        ("hostile", (200, 60)),
        ("hostile", (30, 8)),
    ],
)
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("pane", PANES)
async def test_every_line_is_safe_and_as_wide_as_the_screen(
    pane: str, source: str, glyphs: Glyphs, size: tuple[int, int], sessions: dict[str, Session]
) -> None:
    async with running(state_of(sessions[source], glyphs=glyphs), pane, size) as (app, pilot):
        await pilot.press("G", "ctrl+u", "tab", "G")
        for line in app.lines():
            assert is_harmless(line)
            assert cell_width(line) <= size[0]
        assert app.current_view.page.has_rows


@pytest.fixture(scope="module")
def sessions() -> dict[str, Session]:
    return {name: Session.open([str(SAMPLES / name)]) for name in ("incident/before.json", "shop/shop.json", "hostile")}


@pytest.mark.parametrize("size", [(80, 12), (80, 70), (150, 12), (150, 70)])
async def test_headings_align_with_columns(size: tuple[int, int], sessions: dict[str, Session]) -> None:
    async with running(state_of(sessions["hostile"]), "services", size) as (app, pilot):
        for resized in (size, (81, 40), size):
            await pilot.resize_terminal(*resized)
            await pilot.settle()
            heading = next(line for line in app.lines() if "▼ traces" in line)
            row = next(line for line in app.lines() if line.startswith("  ●unknown_service"))
            assert row.index(" %") + len(" %") == heading.index("traces") + len("traces")
            assert row.rindex("≤10.0 ms") + len("≤10.0 ms") == heading.index("p95") + len("p95")


@pytest.mark.parametrize("pane", PANES)
async def test_ascii_mode_paints_only_ascii(pane: str) -> None:
    async with running(state_of("incident/before.json", glyphs=ASCII), pane, (120, 30)) as (app, _):
        assert app.text.isascii()


@pytest.mark.parametrize("pane", PANES)
async def test_empty_views_give_the_reason_and_the_next_step(pane: str) -> None:
    async with running(State(), pane) as (app, pilot):
        assert "No traces loaded." in app.text
        for load_state, message in (("reading", "once the sources are read"), ("failed", "r reloads the sources")):
            app.current_view.state.load_state = load_state
            app.current_view.set_changed()
            await pilot.settle()
            assert message in app.text
        state = state_of("incident/before.json", "duration > 9h")
        app.current_view.state.session, app.current_view.state.analysis = state.session, state.analysis
        app.current_view.set_changed()
        await pilot.settle()
        assert "No trace matches the filter." in app.text
        assert "Press 1 to change or clear the filter" in app.text
        assert app.current_view.crumbs() == []
        await pilot.press("enter", "j", "y")
        assert app.posted == []


@pytest.mark.parametrize("pane", PANES)
async def test_analysis_starts_when_the_pane_is_visible(pane: str) -> None:
    state = state_of("incident/before.json")
    app = Harness(state, pane)
    app.current_view.display = False
    async with driven(app, (100, 30)) as pilot:
        app.current_view.set_changed()
        await pilot.settle()
        assert app.works == []
        app.current_view.display = True
        app.current_view.selection_changed()
        assert app.works == [pane]
        assert "analysing 849 spans" in app.current_view.page._summary_lines(80)[0].text
        await pilot.settle()
        assert app.current_view.page.has_rows
        assert app.works.count(pane) == 1


@pytest.mark.parametrize("pane", PANES)
async def test_result_for_another_set_is_dropped(pane: str) -> None:
    state = state_of("incident/before.json")
    app = Harness(state, pane)
    async with driven(app, (100, 30)) as pilot:
        await pilot.settle()
        late: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = []
        app.current_view.page._work = lambda name, work, done: late.append((work, done))
        app.current_view.set_changed()
        assert state.analysis is not None
        state.analysis = Analysis(state.analysis.traces.select(np.arange(9)))
        state.shown = np.arange(9)
        app.current_view.set_changed()
        (early, early_done), (work, done) = late
        early_done(early())
        kept: object = app.current_view.page.analysed
        assert kept is None
        done(work())
        assert app.current_view.page.analysed is not None
        assert len(app.current_view.page.analysed.traces) == 9


@pytest.mark.parametrize("pane", PANES)
async def test_detail_follows_the_cursor_and_escape_leads_back(pane: str) -> None:
    async with running(state_of("shop/shop.json"), pane) as (app, pilot):
        first = app.current_view.crumbs()
        before = app.text
        await pilot.press("j")
        assert app.current_view.crumbs() != first
        assert app.text.split("──")[1] != before.split("──")[1]
        await tab_to(pilot, app.current_view.page.detail)
        assert app.current_view.go_back()
        await pilot.settle()
        assert app.current_view.page.list.has_focus
        assert not app.current_view.go_back()
        is_menu = pane == "services"
        await pilot.press(*("yn" if is_menu else "y"))
        title = "name" if is_menu else "the name"
        assert app.posted == [CopyText(app.current_view.crumbs()[0], title, one_line=True)]


@pytest.mark.parametrize("pane", PANES)
async def test_bindings_have_ids_and_no_keys_of_the_app(pane: str) -> None:
    reserved = {*"12345qr:?", "escape", "ctrl+p", "colon", "question_mark"}
    for cls in (PANES[pane], ListDetail):
        for binding in cls.BINDINGS:
            assert isinstance(binding, Binding)
            assert binding.id
            assert not reserved & set(binding.key.split(","))


async def test_cursor_follows_the_selected_span() -> None:
    state = state_of("incident/before.json", "error")
    assert state.session is not None
    loaded = state.session.loaded
    wanted = next(
        i
        for i in np.flatnonzero(loaded.error).tolist()
        if loaded.operation_name(i) == "database_query" and loaded.service_name(i) == "user-service"
    )
    state.trace, state.span = int(loaded.trace[wanted]), int(wanted)
    for pane, name in (
        ("services", "user-service"),
        ("errors", "Database query timeout"),
        ("hot-spots", "user-service database_query"),
    ):
        async with running(state, pane) as (app, _):
            state.span = 0
            app.current_view.selection_changed()
            state.span = int(wanted)
            app.current_view.selection_changed()
            assert app.current_view.crumbs() == [name]
    state.span = 0
    async with running(state_of("incident/before.json"), "errors") as (app, _):
        assert app.current_view.crumbs() == ["Connection timeout"]


async def tab_to(pilot: Driver, view: LineView) -> None:
    """Go through the panes to one of them."""
    while not view.has_focus:
        await pilot.press("tab")


async def test_services_open_their_traces() -> None:
    async with running(state_of("incident/before.json"), "services") as (app, pilot):
        await pilot.press("slash", *"gateway", "enter", "enter")
        assert app.posted == [ListTraces('service = "api-gateway"')]
        app.posted.clear()
        await pilot.press("slash", *["backspace"] * 7, *"database", "enter", "enter")
        (query,) = app.posted
        assert "database" in query.query
        assert query.view == "traces"
        session = app.state.session
        assert session is not None
        assert parse(query.query).matches(session.loaded).sum() == 100


async def test_services_are_sorted_by_every_column_and_keep_the_cursor() -> None:
    async with running(state_of("shop/shop.json"), "services", (130, 30)) as (app, pilot):
        pane = app.current_view
        assert isinstance(pane, ServicesView)
        await pilot.press("j")
        name = pane.crumbs()
        headings = (
            "callers",
            "callees",
            "reached from",
            "between",
            "calls",
            "errors",
            "p50",
            "p95",
            "service",
            "traces",
        )
        for heading in headings:
            await pilot.press("o")
            assert pane.crumbs() == name
            assert ("▲" if heading == "service" else "▼") + " " + heading in app.text
        top = pane.services.service(0).service
        await pilot.press("O")
        assert "▲ traces" in app.text
        assert pane.services.service(0).service != top


async def test_only_the_focused_list_shows_a_cursor() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        views = (app.current_view.page.list, app.current_view.page.detail)

        def cursors() -> list[object]:
            rows = [view.render_line(view.cursor - view.scroll_offset.y) for view in views]
            return [next(iter(row)).style for row in rows]

        in_list = cursors()
        await tab_to(pilot, views[1])
        in_detail = cursors()
        assert in_list[0] == in_detail[1] != in_list[1]
        assert in_list[1] == in_detail[0]


async def test_services_are_found_by_name() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        pane = app.current_view
        assert isinstance(pane, ServicesView)
        await pilot.press("slash", *"Redis", "enter")
        assert pane.page.list.has_focus
        found = [pane.services.service(row).service for row in range(len(pane.services))]
        assert found[0] == "redis-cache"
        # attribute matches come last and show their attribute
        assert sorted(found[1:]) == ["api-gateway", "checkout-api", "order-service", "user-service"]
        await pilot.press("j")
        assert "db.system.name=redis" in app.text
        await pilot.press("slash", "backspace")
        assert len(pane.services) == 1
        await pilot.press(*"sxyz", "enter")
        assert "No service matches Redisxyz by name, operation or attribute." in app.text
        assert pane.go_back()
        await pilot.settle()
        assert len(pane.services) == 47
        assert pane.page.list.has_focus


async def test_escape_leaves_a_search_without_matches() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        pane = app.current_view
        assert isinstance(pane, ServicesView)
        await pilot.press("b", "slash", *"xyz", "enter", "b", "plus")
        assert "No service matches xyz" in app.text
        assert pane.go_back()
        await pilot.settle()
        assert len(pane.services) == 47
        assert "if it is SLOW" in app.text


async def test_focus_moves_to_a_neighbour() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        pane = app.current_view
        assert isinstance(pane, ServicesView)
        assert pane.crumbs() == ["redis-cache"]
        assert "4 callers" in app.text
        await tab_to(pilot, pane.page.detail)
        await pilot.press("j", "f")
        assert pane.crumbs() == ["order-service"]
        assert pane.page.list.has_focus
        await tab_to(pilot, pane.right)
        await pilot.press("enter")
        assert app.posted == [ListTraces('{ service = "order-service" AND peer.service = "postgres-main" }')]


async def test_calls_between_two_services_open_their_traces_and_errors() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        await pilot.press("slash", *"checkout-api", "enter")
        await tab_to(pilot, app.current_view.page.detail)
        await pilot.press("enter")
        assert app.posted == [ListTraces('{ service = "checkout-api" AND caller = "api-gateway" }')]
        app.posted.clear()
        await pilot.press("e")
        assert app.posted == [ListTraces('{ service = "checkout-api" AND caller = "api-gateway" } AND error', "errors")]


async def test_blast_radius_follows_the_cursor() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        pane = app.current_view
        await pilot.press("b")
        assert "if it is SLOW" in app.text
        assert "8 services affected" in app.text
        await pilot.press("slash", *"inventory-service", "enter")
        assert "5 services affected" in app.text
        assert ("{services.blast}", "if it FAILS") in pane.hints
        await pilot.press("b")
        assert "if it FAILS" in app.text
        assert ("{services.blast app.back}", "off") in pane.hints
        await tab_to(pilot, pane.right)
        await pilot.press("enter")
        place_order = '{ service = "web-app" AND operation = "place order" }'
        assert app.posted == [ListTraces(f'{place_order} >> {{ service = "inventory-service" }}')]
        assert pane.go_back()
        await pilot.settle()
        assert pane.page.list.has_focus
        assert pane.go_back()
        await pilot.settle()
        assert "if it" not in app.text
        assert "3 callers" in app.text


async def test_hints_name_the_key_that_ends_a_blast_radius_once() -> None:
    async with running(state_of("shop/shop.json"), "services", size=(80, 24)) as (app, pilot):
        assert "≤ longest of under 20 calls" in pilot.text
        await pilot.press("b")
        assert [text for _, text in app.current_view.hints][:2] == ["off", "if it FAILS"]
        await pilot.press("b")
        assert app.current_view.hints[0] == ("{services.blast app.back}", "off")
        assert [text for _, text in app.current_view.hints].count("off") == 1


async def test_ranking_shows_the_severity_of_a_blast_radius() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        pane = app.current_view
        assert isinstance(pane, ServicesView)

        def marked() -> dict[str, str]:
            lines = [pane.services.line(row, 90).text for row in range(len(pane.services))]
            return {line[2:].split()[0]: line[0] for line in lines if line[0] in UNICODE.trend}

        assert not marked()
        pane.page.list.cursor = pane.services.row_of("inventory-service") or 0
        await pilot.press("b")
        affected = ("checkout-api", "inventory-sync-job", "order-confirmation", "api-gateway", "web-app")
        assert set(marked()) == {f"●{name}" for name in affected}
        assert marked()["●order-confirmation"] == "█" > marked()["●web-app"]
        await pilot.press("o")
        assert set(marked()) == {f"●{name}" for name in affected}
        await pilot.press("b", "b")
        assert not marked()


async def test_explorer_of_one_operation() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        pane = app.current_view
        assert isinstance(pane, ServicesView)
        await pilot.press("slash", *"user-service", "enter", "i")
        assert "One operation of user-service" in app.text
        await pilot.press(*"profile", "enter")
        await tab_to(pilot, pane.right)
        assert "●user-service GET /users/{id}/profile  in" in app.text
        source = pane.right.source
        needed = {source.line(row, 60).text.split()[1] for row in range(1, len(source))}
        assert needed == {"●user-db", "●profile-db", "●redis-cache"}
        await pilot.press("enter")
        profile = '{ service = "user-service" AND operation = "GET /users/{id}/profile" }'
        assert app.posted[0].query.startswith(f"{profile} >> ")
        assert pane.go_back()
        await pilot.press("enter")
        assert app.posted[1] == ListTraces(profile)
        await pilot.press("b")
        assert "GET /users/{id}/profile  if it is SLOW" in app.text
        for left in ("●user-service GET /users/{id}/profile  in", "●user-service  in"):
            assert pane.go_back()
            await pilot.settle()
            assert left in app.text


async def test_operation_is_reset_with_another_service() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        pane = app.current_view
        assert isinstance(pane, ServicesView)
        pane.page.list.cursor = pane.services.row_of("user-service") or 0
        await pilot.press("i", *"profile", "enter")
        assert "profile  in" in app.text
        await pilot.press("j")
        assert "profile  in" not in app.text
        pane.page.list.cursor = pane.services.row_of("order-db") or 0
        await pilot.press("i")
        assert app.posted == [Notice("an inferred peer has no operations, as it sends no spans")]


async def test_queries_with_another_service() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        await pilot.press("slash", *"mobile-app", "enter", "p", *"order-db", "enter")
        assert "mobile-app → mobile-bff → api-gateway → order-history-service → order-db" in app.text
        assert app.current_view.go_back()
        await pilot.press("escape", "slash", *["backspace"] * 10, *"api-gateway", "enter", "s")
        await pilot.press(*"user-service", "enter")
        assert "api-gateway and user-service" in app.text
        await pilot.press("s", *"order-service", "enter")
        assert "api-gateway and user-service, order-service" in app.text
        assert "redis-cache" in app.text
        await pilot.press("D", *"checkout-api", "enter")
        assert "2 call api-gateway only" in app.text


async def test_map_opens_a_service() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        await pilot.press("slash", *"checkout-api", "enter", "m")
        assert "█●checkout-api█" in app.text
        await pilot.press("minus", "plus", "h", "escape")
        assert app.current_view.crumbs() == ["checkout-api"]
        await pilot.press("m", "l", "enter")
        assert app.current_view.crumbs() != ["checkout-api"]
        assert app.current_view.page.list.has_focus


async def test_map_has_its_own_help_and_begins_with_whole_names() -> None:
    async with running(state_of("shop/shop.json"), "services", size=(80, 24)) as (_, pilot):
        await pilot.press("m")
        cut = [line for line in pilot.lines[2:-1] if line[2:3].isalpha()]
        assert not cut
        await pilot.press("question_mark")
        assert "asynchronous calls" in pilot.text
        await pilot.press("escape")
        assert "asynchronous calls" not in pilot.text
        assert "Esc back" in pilot.text


async def test_path_opens_its_traces() -> None:
    state = state_of("shop/shop.json")
    async with running(state, "services") as (app, pilot):
        await pilot.press("slash", *"api-gateway", "enter", "p", *"postgres", "enter", "enter")
        (wanted,) = app.posted
        assert state.session is not None
        # the first of two chains, through checkout-api
        assert len(state.session.select(wanted.query)[0]) == 50


async def test_listed_traces_keep_the_current_filter() -> None:
    state = state_of("shop/shop.json", "duration > 100ms")
    async with running(state, "services") as (app, pilot):
        await pilot.press("slash", *"user-preferences-api", "enter", "enter")
        assert app.posted == [ListTraces('(duration > 100ms) AND service = "user-preferences-api"')]
        app.posted.clear()
        await pilot.press("e")
        assert app.posted == [Notice("none of its traces have errors")]


async def test_number_of_hops() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        await pilot.press("slash", *"inventory-service", "enter", "plus")
        assert "2 hops away" in app.text
        assert "to 2 hops" in app.text
        await pilot.press("minus")
        assert "2 hops away" not in app.text


async def test_errors_open_examples_at_their_origin() -> None:
    state = state_of("incident/before.json", "error")
    session = state.session
    assert session is not None
    async with running(state, "errors") as (app, pilot):
        await pilot.press("enter", "n", "enter", "p", "p", "enter", "j", "enter", "tab", "enter")
        opened = [(message.trace, message.span) for message in app.posted]
        assert opened[0] == opened[2] != opened[1]
        assert opened[3] == opened[4]
        for trace, origin in opened:
            assert session.loaded.error[origin]
            assert session.loaded.trace[origin] == trace
        names = [session.loaded.operation_name(origin) for _, origin in opened]
        assert names == ["fetch_recommendations"] * 3 + ["database_query"] * 2
        await pilot.press("g", "enter")
        assert app.posted[-1] == ReadText("Error", "Database query timeout")
        await pilot.press("j", "j", "enter")
        assert app.posted[-1] == ReadText("Error", "propagated ✖2 ●user-service → ✗2 ●user-service  ✗4 ●api-gateway")


async def test_empty_error_list_names_other_views() -> None:
    async with running(state_of("incident/before.json", "NOT error"), "errors") as (app, _):
        assert "No errors in these traces." in app.text
        assert "0 of 92 requests failed" in app.text
        # no keys for rows that do not exist
        assert list(app.current_view.hints) == []


async def test_hot_spots_skip_the_divider_and_open_the_worst_trace() -> None:
    state = state_of("incident/before.json", "duration > 1s")
    session = state.session
    assert session is not None
    loaded = session.loaded
    async with running(state, "hot-spots") as (app, pilot):
        assert "SELECT u.*, o.* FROM users u" in app.text
        await pilot.press("enter", "tab", "enter", *"kkkk", "enter")
        first, again, pattern = app.posted
        assert first == again
        assert isinstance(first, OpenTrace)
        assert isinstance(pattern, ReadText)
        assert first.span is not None
        assert loaded.trace[first.span] == first.trace
        same = np.flatnonzero((loaded.trace == first.trace) & (loaded.operation == loaded.operation[first.span]))
        assert loaded.duration[first.span] == loaded.duration[same].max()
        assert loaded.operation_name(first.span) == "database_query"
        assert app.current_view.go_back()
        await pilot.press("j", "j")
        assert app.current_view.page.list.cursor == 3
        await pilot.press("k")
        assert app.current_view.page.list.cursor == 1


async def test_hot_spots_read_patterns_of_visible_rows_only() -> None:
    async with running(state_of("shop/shop.json"), "hot-spots", (160, 24)) as (app, pilot):
        pane = app.current_view
        assert isinstance(pane, HotSpotsView)
        few = len(pane.patterns.known)
        assert 0 < few < 30
        await pilot.press("G")
        assert few < len(pane.patterns.known) < 60


async def test_peer_without_a_naming_attribute_opens_its_slowest_call() -> None:
    call = span("1", 0, 90, trace="1", kind=Kind.CLIENT, attributes={"url.full": "http://example.org/x"})
    traces = build(call, call.but(id="2", trace="2", duration=99_000))
    async with running(state_of(Session(traces)), "services") as (app, pilot):
        await pilot.press("slash", *"example", "enter", "enter")
        assert app.posted[0] == OpenTrace(1, 1)
        assert isinstance(app.posted[1], Notice)


async def test_suggestions_are_listed_and_open_an_example() -> None:
    async with running(state_of("incident/before.json"), "hot-spots", (140, 30)) as (app, pilot):
        assert "3 suggestions" in app.text
        await pilot.press("a")
        assert "sequential  2 calls in api-gateway GET /profile  user-service get_user, recommendation" in app.text
        assert "85 / 100" in app.text
        await pilot.press("enter")
        (wanted,) = app.posted
        assert isinstance(wanted, OpenTrace)
        session = app.state.session
        assert session is not None
        assert wanted.span is not None
        assert session.loaded.operation_name(wanted.span) == "GET user-service"
        assert app.current_view.go_back()
        await pilot.settle()
        assert "of total" in app.text


async def test_what_if_replays_traces_with_another_duration() -> None:
    async with running(state_of("incident/before.json"), "hot-spots", (140, 30)) as (app, pilot):
        await pilot.press("X")
        assert "What if user-service database_query had" in app.text
        assert "or any percentage, such as 75" in app.text
        await pilot.press("enter")
        assert "at 50 % duration: p50 1.22 s → 753 ms  p95 2.10 s → 1.52 s" in app.text
        assert "next bottleneck 41 %: recommendation-service fetch_recommendations" in app.text
        bars = [line for line in pilot.lines if "before █" in line or "after  █" in line]
        assert [line.rstrip().rpartition("█")[2].lstrip("▏▎▍▌▋▊▉ ") for line in bars] == ["", "-38 %", "", "-28 %"]
        assert [line.count("█") for line in bars] == [18, 11, 32, 23]
        await pilot.press("X", *"0%", "enter")
        assert "at 0 % duration: p50 1.22 s → 282 ms" in app.text
        assert "at 50 % duration" not in app.text
        await pilot.press("X", *"lots", "enter")
        assert app.posted == [Notice("enter a percentage from 0 to 1,000, such as 75 or 12.5")]
        await pilot.press("X", "escape", "j")
        assert "% duration" not in app.text


async def test_what_if_is_the_first_line_of_the_detail_on_a_small_screen() -> None:
    async with running(state_of("incident/before.json"), "hot-spots", (80, 24)) as (_, pilot):
        await pilot.press("X", "0")
        assert "Enter uses “0”" in pilot.text
        assert "no match" not in pilot.text
        await pilot.press("enter")
        title = next(at for at, line in enumerate(pilot.lines) if line.startswith("── ●user-service"))
        assert "what if   at 0 % duration: p50 1.22 s → 282 ms  p95 2.10 s → 1.00 s" in pilot.lines[title + 1]
        assert "next bottleneck 99 %: recommendation-service" in pilot.lines[title + 2]


async def test_suggestions_count_their_kinds_and_are_told_apart() -> None:
    async with running(state_of("shop/shop.json"), "hot-spots", (80, 24)) as (_, pilot):
        await pilot.press("v")
        assert "30 suggestions:  29 sequential  1 gap  v: operations" in pilot.lines[0]
        rows = [line[2:50] for line in pilot.lines if line[2:].startswith("sequential")]
        assert len(rows) > 5
        assert len(set(rows)) == len(rows)


async def test_small_suggestions_share_a_row_until_it_is_opened() -> None:
    async with running(state_of("shop/shop.json"), "hot-spots", (120, 60)) as (app, pilot):
        await pilot.press("v", "G")
        assert "▸ 11 more save less than 5 % of their traces' critical path" in pilot.text
        rows = pilot.text.count("/ 304")
        await pilot.press("enter")
        assert app.posted == []
        assert "more save less" not in pilot.text
        assert pilot.text.count("/ 304") == rows + 11
        await pilot.press("enter")
        assert isinstance(app.posted[-1], OpenTrace)


async def test_operations_off_the_critical_path_share_a_row_until_it_is_opened() -> None:
    spans = [span("1", 0, 100, service="web", name="GET /")]
    spans += [span(str(2 + i), 10, 20 + i, parent="1", service="db", name=f"read {'abc'[i]}") for i in range(3)]
    spans.append(span("9", 10, 90, parent="1", service="db", name="write"))
    async with running(state_of(Session(build(*spans))), "hot-spots", (100, 30)) as (app, pilot):
        assert "▸ 3 operations never on the critical path" in pilot.text
        assert "read a" not in pilot.text
        await pilot.press("G")
        # no action takes the first of the hidden operations
        assert app.current_view.crumbs() == ["operations never on the critical path"]
        assert "Enter lists them" in pilot.text
        await pilot.press("X", "c", "y")
        assert app.posted == [
            Notice("what-if needs an operation: Enter lists these"),
            Notice("contrast needs an operation: Enter lists these"),
            CopyText("operations never on the critical path", "the name", one_line=True),
        ]
        app.posted.clear()
        await pilot.press("tab", "enter")
        assert app.posted == []
        assert all(f"read {letter}" in pilot.text for letter in "abc")
        await pilot.press("enter")
        assert isinstance(app.posted[-1], OpenTrace)


async def test_percentiles_of_few_calls_are_not_shown_as_exact() -> None:
    calls = [span("2", 0, 10 + 5 * i, trace=f"a{i}", parent="1", service="db", name="get") for i in range(3)]
    roots = [span("1", 0, 100, trace=f"a{i}", service="web", name="GET /") for i in range(3)]
    async with running(state_of(Session(build(*roots, *calls))), "hot-spots", (140, 30)) as (app, pilot):
        for _ in range(10):
            if "by p95" in app.text:
                break
            await pilot.press("o")
        # the longest of three calls
        assert "≤20.0 µs" in app.text
        await pilot.press("X", "enter")
        assert "duration: mean " in app.text
        assert "p95" not in app.text.partition("what if")[2].partition("critical")[0]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("network", "network   102 ms mean per trace, 100 % of its critical time; most of it to stock-service"),
        ("async", "queue     min 283 ms  max 283 ms  of 2 messages, until processing began"),
    ],
)
async def test_detail_of_a_hot_spot_names_network_and_queue_time(source: str, text: str) -> None:
    async with running(state_of(source), "hot-spots", (140, 40)) as (app, pilot):
        seen = pilot.text
        for _ in range(30):
            if text in seen:
                break
            await pilot.press("j")
            seen = pilot.text
        assert text in seen
        assert isinstance(app.current_view, HotSpotsView)


async def test_no_suggestions_are_reported() -> None:
    one = Session(build(span("1", 0, 9)))
    async with running(state_of(one), "hot-spots") as (app, pilot):
        await pilot.press("a")
        kinds = "no N+1, no sequential, no gap, no retries, no identical, no timeouts"
        assert app.posted == [Notice(f"no suggestion saves 1 % or more: {kinds}")]
        assert "no suggestions" in pilot.lines[0]


async def test_sorting_hot_spots_moves_the_cursor_to_the_first_row() -> None:
    async with running(state_of("incident/before.json"), "hot-spots", (120, 34)) as (app, pilot):
        pane = app.current_view
        assert isinstance(pane, HotSpotsView)
        assert pane.page.analysed is not None
        table = pane.page.analysed.columns.table
        assert "2 bottlenecks of 9 operations  (over 20 % of their traces' critical path)  3 suggestions" in app.text
        await pilot.press("j", "o")
        assert "by calls, most first" in app.text
        assert pane.page.list.cursor == 0
        by: dict[str, Callable[[OperationRow], float | None]] = {
            "p99": lambda spot: spot.latency.p99_ns,
            "self time of a call": lambda spot: spot.self_ns,
        }
        for sorting, figure in by.items():
            for _ in range(20):
                if f"by {sorting}, most first" in app.text:
                    break
                await pilot.press("o")
            assert f"by {sorting}, most first" in app.text
            source = pane.page.list.source
            assert isinstance(source, HotSpotList)
            rows = [source.position(row) for row in range(len(source))]
            figures = [figure(table.hot_spot(row)) or 0 for row in rows if row is not None]
            assert len(figures) == len(source)
            assert figures == sorted(figures, reverse=True)
        await pilot.press("O")
        assert "least first" in app.text


def test_histogram_and_trend_count_every_call() -> None:
    table = OperationTable(Session.open([str(SAMPLES / "incident" / "before.json")]).analysis)
    for row in range(len(table)):
        spot = table.hot_spot(row)
        counts, least, most = table.histogram(spot.number, 24)
        durations = table.traces.duration[table.traces.operation == spot.number]
        assert (int(counts.sum()), least, most) == (spot.calls, int(durations.min()), int(durations.max()))
        assert spot.total_ns == durations.sum()
        means = table.over_time(spot.number, 24)
        assert (means <= most).all()
        assert (means > 0).any()


async def test_errors_grouped_by_service_and_their_stack() -> None:
    stack = "Traceback:\n  File a.py, line 3\nTimeoutError: too late"
    event = (5, "exception", {"exception.stacktrace": stack})
    spans = [
        span("1", 0, 9, trace="1", service="b", error=True, message="lost", events=[event]),
        span("1", 0, 9, trace="2", service="a", error=True, message="late"),
        span("1", 0, 9, trace="3", service="a", error=True, message="broken"),
    ]
    async with running(state_of(Session(build(*spans))), "errors", (100, 24)) as (app, pilot):
        pane = app.current_view
        assert isinstance(pane, ErrorsView)
        assert [pane.name_of(row) for row in range(3)] == ["broken", "late", "lost"]
        pane.page.list.cursor = 2
        await pilot.settle()
        assert "stack      TimeoutError: too late" in app.text
        assert "contrast   needs more than one trace" in app.text
        await pilot.press("tab", *"kkkkkk")
        detail = pane.page.detail.source
        assert isinstance(detail, ErrorDetail)
        while pane.page.detail.cursor != detail.stack_row:
            await pilot.press("j")
        await pilot.press("enter")
        assert app.posted == [ReadText("Stack", stack)]
        await pilot.press("o")
        assert "by service" in app.text
        assert pane.crumbs() == ["lost"]
        await pilot.press("v")
        assert "by entry point" in app.text
        assert pane.crumbs() == ["lost"]


async def test_rows_of_the_previous_example_open_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    state = state_of("incident/before.json")
    session = state.session
    assert session is not None
    async with running(state, "errors", (140, 40)) as (app, pilot):
        await pilot.until("over-represented")
        worst = int(find_errors(session.loaded).patterns[0].traces[0])
        example = app.current_view._example
        # as if the next one took long
        monkeypatch.setattr(example, "_work", lambda *_: None)
        await pilot.press("j")
        example.view.post_message(LineView.Chosen(example.view, 0))
        await pilot.settle()
        opened = app.posted[-1]
        assert isinstance(opened, OpenTrace)
        assert opened.trace == worst
        assert session.loaded.trace[opened.span] == worst


async def test_errors_show_the_selected_trace_where_there_is_room() -> None:
    state = state_of("incident/before.json")
    session = state.session
    assert session is not None
    async with running(state, "errors", (140, 40)) as (app, pilot):
        await pilot.until("over-represented")
        worst = find_errors(session.loaded).patterns[0].traces
        assert "6 traces, worst first" in app.text
        # the trace follows the cursor of the examples

        def shows(trace: int) -> bool:
            title = numbers.clock(int(session.loaded.trace_start[trace]))
            return app.text.count(f"▌ {title}") == 2

        for trace in worst[:3].tolist():
            await pilot.until_true(partial(shows, trace))
            await pilot.press("n")
        await pilot.until_true(partial(shows, int(worst[3])))
        await pilot.press("tab", "tab", *"jjj", "enter")
        opened = app.posted[-1]
        assert isinstance(opened, OpenTrace)
        assert session.loaded.trace[opened.span] == opened.trace == worst[3]
        await pilot.resize_terminal(80, 24)
        assert "over-represented" not in app.text
        assert "contrast" in app.text


@pytest.mark.parametrize("pane", view_classes(), ids=lambda pane: pane.__name__)
def test_every_key_calls_an_existing_action(pane: type[View]) -> None:
    names = {"answer": DIALOGS, "filter": QUICK_FILTERS, "shape": FOLDING}
    for binding in pane.BINDINGS:
        assert isinstance(binding, Binding)
        name, _, argument = binding.action.rstrip(")").partition("(")
        assert callable(getattr(pane, f"action_{name}", None)), binding.action
        assert not argument or name not in names or argument.strip("'") in names[name], binding.action


async def test_mouse_chooses_a_service_on_the_map() -> None:
    async with running(state_of("shop/shop.json"), "services") as (app, pilot):
        await pilot.press("slash", *"checkout-api", "enter", "m")
        found = re.search(r"▐●([\w-]+)▌", app.text)
        assert found is not None
        row = app.text.count("\n", 0, found.start())
        column = found.start() - (app.text.rfind("\n", 0, found.start()) + 1)
        for _ in range(2):
            await pilot.click(offset=(column + 3, row))
            await pilot.settle()
        # the name may go on in the next row
        assert app.current_view.crumbs()[0].startswith(found[1])


@pytest.mark.parametrize("keys", [("enter", "tab"), ("4", "tab"), ("5", "tab")])
async def test_rule_above_the_focused_pane_is_accented(keys: tuple[str, ...]) -> None:
    async with opened(str(SAMPLES / "incident" / "before.json"), size=(100, 40)) as (app, pilot):

        def accented() -> int:
            accent = app.state.look.theme.style(Role.ACCENT)
            bars = [bar for bar in app.query(LineBar) if bar.is_on_screen and bar.region.height == 1]
            styles = [segment.style for bar in bars for segment in bar.render_line(0) if "──" in segment.text]
            return sum(style is not None and style.color == accent.color for style in styles)

        await pilot.press(*keys[:-1])
        assert accented() == 0
        await pilot.press(keys[-1])
        assert accented() > 0
        await pilot.press("escape")
        assert accented() == 0
