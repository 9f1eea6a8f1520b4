"""The whole app with files: navigation to a result and back, unreadable files, hostile traces, random keys."""

from __future__ import annotations

import ast
import os
import random
import re
import string
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from textual.events import AppBlur, Key
from textual.keys import _character_to_key, key_to_character

from tests.support.paths import INCIDENT, SAMPLES
from tests.support.pilot import Driver, driven
from tests.support.trace_app import CountingApp, opened
from tracetui.analysis.analysis import Analysis
from tracetui.ingest.loader import load
from tracetui.model.errors import UsageError
from tracetui.render.errors.detail import ErrorDetail
from tracetui.render.text.glyphs import ASCII
from tracetui.session import FilteredSession, Session
from tracetui.tui import settings
from tracetui.tui.app import TraceApp
from tracetui.tui.bookmark import bookmark_of
from tracetui.tui.keys.keymap import __file__ as keymap_file
from tracetui.tui.keys.keymap import check_keymap
from tracetui.tui.keys.registry import KEYS as ACTIONS
from tracetui.tui.loading.controller import LoadController
from tracetui.tui.loading.phase import LoadEvent
from tracetui.tui.loading.updates import LoadUpdate, TraceSetArrived
from tracetui.tui.main_screen import MainScreen
from tracetui.tui.messages import OpenTrace
from tracetui.tui.settings import Resume
from tracetui.tui.state import State
from tracetui.tui.views.errors import ErrorsView
from tracetui.tui.views.hot_spots import HotSpotsView
from tracetui.tui.views.registry import VIEWS
from tracetui.tui.views.services.view import ServicesView
from tracetui.tui.views.traces.view import TracesView
from tracetui.tui.views.waterfall import prepare
from tracetui.tui.views.waterfall.prepare import open_trace
from tracetui.tui.widgets.detail_view import DetailView
from tracetui.tui.widgets.pager import Pager
from tracetui.tui.widgets.span_detail import SpanDetail

pytestmark = pytest.mark.usefixtures("own_state")

HOSTILE = sorted(str(path) for path in (SAMPLES / "hostile").glob("*.json"))
FORBIDDEN = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e"}
FORBIDDEN |= set("\u2066\u2067\u2068\u2069\ufeff\u2028\u2029")


def selected(app: TraceApp) -> str:
    """Return the operation of the selected span."""
    assert app.state.session is not None
    assert app.state.span is not None
    return app.state.session.loaded.operation_name(app.state.span)


async def test_slow_query_is_found_with_three_keys() -> None:
    async with opened(INCIDENT) as (app, pilot):
        assert "100 traces" in pilot.text
        assert "8 requests failed" in pilot.text
        await pilot.press("enter", "w")
        assert selected(app) == "database_query"
        assert "SELECT u.*, o.*" in pilot.text


async def test_error_pattern_opens_its_origin_span() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("4", "j", "enter")
        assert selected(app) == "database_query"
        assert "Database query timeout" in pilot.text
        await pilot.press("escape")
        assert "Errors ›" in pilot.lines[-1]


async def test_keys_wait_until_views_are_built() -> None:
    app = CountingApp(State(sources=(INCIDENT,)))
    async with driven(app, (120, 40)) as pilot:
        await pilot.press("4")
        assert pilot.lines[-1].startswith("Errors › Connection timeout")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_view_fills_the_screen(size: tuple[int, int]) -> None:
    async with opened(INCIDENT, size=size) as (_, pilot):
        for number, (_, title) in enumerate(VIEWS, 1):
            await pilot.press(str(number))
            lines = pilot.lines
            assert lines[-1].startswith(title)
            assert "api-gateway" in pilot.text


async def test_ascii_mode_paints_only_ascii() -> None:
    async with opened(INCIDENT, glyphs=ASCII) as (_, pilot):
        for number, _ in enumerate(VIEWS, 1):
            await pilot.press(str(number))
            assert pilot.text.isascii()


async def test_resume_returns_to_the_same_span() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("j", "j", "enter", "w")
        span, trace = app.state.span, app.state.trace
        assert span is not None
        await pilot.send("q")
    saved = settings.load_resume()
    assert saved.sources == [INCIDENT]
    async with opened(INCIDENT, resume=saved) as (app, pilot):
        assert (app.state.trace, app.state.span) == (trace, span)
        assert pilot.lines[-1].startswith("Waterfall › api-gateway GET /profile › database_query")


async def test_resume_restores_the_filter() -> None:
    resume = Resume([INCIDENT], "traces", "error")
    async with opened(INCIDENT, resume=resume) as (_, pilot):
        assert "8 of 100 traces" in pilot.lines[0]


async def views_built(app: TraceApp, pilot: Driver) -> None:
    """Wait until the views are built. The load must not start by itself."""
    for _ in range(10_000):
        if app.main.has_views:
            return
        await pilot.pause()
    raise AssertionError("the views were not built")


def arrived(query: str, *, whole: bool = True) -> LoadUpdate:
    session = Session(load([INCIDENT]))
    return LoadUpdate(TraceSetArrived(FilteredSession(session, query, *session.select(query)), whole=whole))


def loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a load begin, but read nothing."""
    monkeypatch.setattr(LoadController, "start", lambda controller: controller._runner._machine.send(LoadEvent.LOAD))


async def test_quitting_while_loading_keeps_the_saved_location(monkeypatch: pytest.MonkeyPatch) -> None:
    location = Resume([INCIDENT], "waterfall", "error", "ab", "cd", rows={"services": "user-service"})
    loads_nothing(monkeypatch)
    app = CountingApp(State(sources=(INCIDENT,)), location)
    async with driven(app) as pilot:
        await views_built(app, pilot)
        app.post_message(arrived("error", whole=False))
        await pilot.settle()
        assert app.state.session is not None
        await pilot.send("q")
    assert settings.load_resume() == location
    other = CountingApp(State(sources=("unread.json",)))
    async with driven(other) as pilot:
        await views_built(other, pilot)
        await pilot.send("4", "q")
    assert settings.load_resume().sources == ["unread.json"]
    assert settings.load_resume().view == "errors"


async def test_filter_and_view_set_while_loading_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    loads_nothing(monkeypatch)
    app = CountingApp(State(sources=(INCIDENT,)), Resume([INCIDENT], "waterfall"))
    async with driven(app, (120, 40)) as pilot:
        await views_built(app, pilot)
        # while no traces are loaded
        await pilot.press("slash", *"error", "enter", "3")
        app.post_message(arrived(""))
        await pilot.settle()
        assert pilot.lines[-1].startswith("Services")
        assert app.state.query == "error"
        await pilot.press("1", "j", "enter", "r")
        await pilot.press("escape", "e", "j", "j", "4")
        trace = app.state.trace
        app.post_message(arrived("error"))
        await pilot.settle()
        assert pilot.lines[-1].startswith("Errors")
        assert (app.state.query, app.state.trace) == ("", trace)


async def test_saved_sources_are_valid_in_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "a[b]"
    directory.mkdir()
    (directory / "c.json").write_bytes(Path(INCIDENT).read_bytes())
    monkeypatch.chdir(directory)
    settings.save_resume(Resume(["c.json", "*.json", "-", "http://jaeger:16686", "prod", "~nobody-at-all/x"]))
    file, glob, *others = settings.load_resume().sources
    assert others == ["-", "http://jaeger:16686", "prod", "~nobody-at-all/x"]
    monkeypatch.chdir("/")
    assert load([file]).trace_count == load([glob]).trace_count == 100


async def test_missing_file_is_reported() -> None:
    async with opened(str(SAMPLES / "nothing-here.json")) as (app, pilot):
        assert "no such file" in pilot.text
        await pilot.press("escape", "2", "3", "4", "5", "1", "j", "enter")
        assert app.is_running


async def test_load_warnings_are_shown_until_esc() -> None:
    async with opened(str(SAMPLES / "broken" / "cut.json")) as (_, pilot):
        assert "skipped" in pilot.text
        await pilot.press("escape")
        assert "skipped" not in pilot.text


async def test_failed_analysis_is_reported_and_other_views_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("oops\x1b")

    monkeypatch.setattr(HotSpotsView, "analyse", fail)
    async with opened(INCIDENT) as (app, pilot):
        app.action_view("hot-spots")
        await pilot.settle()
        assert "The analysis failed because of a bug" in pilot.text
        assert "analysing" not in pilot.text
        assert "KeyError: 'oops" in pilot.lines[-1]
        await pilot.press("4")
        assert "Connection timeout" in pilot.text


@pytest.mark.parametrize("fails", [False, True])
async def test_hot_spots_show_that_suggestions_are_computed(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    may_go = threading.Event()

    def wait(analysis: Analysis) -> Any:
        may_go.wait()
        if fails:
            raise KeyError("oops")
        return []

    monkeypatch.setattr(Analysis, "suggestions", property(wait))
    async with opened(INCIDENT) as (_, pilot):
        await pilot.send("5")
        await pilot.until("database_query")
        assert "computing suggestions…" in pilot.text
        may_go.set()
        await pilot.settle()
        assert "computing" not in pilot.text


async def test_missing_source_does_not_prevent_loading_others() -> None:
    async with opened(str(SAMPLES / "nothing-here.json"), INCIDENT) as (_, pilot):
        assert "100 traces" in pilot.lines[0]
        assert "nothing-here.json: skipped: no such file" in pilot.text


async def test_log_lines_are_shown_with_spans_and_missing_logs_reported(tmp_path: Path) -> None:
    file = tmp_path / "app.jsonl"
    async with opened(INCIDENT) as (app, pilot):
        assert app.state.session is not None
        loaded = app.state.session.loaded
    trace = int(loaded.trace_duration.argmax())
    span = next(span for span in loaded.spans_of(trace) if loaded.operation_name(span) == "database_query")
    line = {"trace_id": loaded.trace_ids[trace], "span_id": loaded.span_id(span), "ts": int(loaded.start[span]) + 9}
    file.write_bytes(orjson.dumps({**line, "level": "warn", "msg": "pool is \x1b[31mempty"}))
    async with opened(INCIDENT, logs=(str(file),)) as (_, pilot):
        await pilot.press("enter", "w")
        assert "1 log record" in pilot.text
        assert "WARN pool is ␛[31mempty" in pilot.text
    async with opened(INCIDENT, logs=(str(tmp_path / "none.jsonl"),)) as (_, pilot):
        assert "100 traces" in pilot.text
        assert "none.jsonl" in pilot.text


async def test_all_warnings_are_listed_with_file_and_position() -> None:
    async with opened(str(SAMPLES / "hostile")) as (app, pilot):
        assert app.state.session is not None
        warnings = app.state.session.loaded.load_warnings
        assert f"{len(warnings) - 3} more: W shows all" in pilot.text
        # last in the list of warnings by kind
        await pilot.press("W", *"load warn", "enter")
        assert isinstance(app.screen, Pager)
        assert "structure.json: data[" in pilot.text


@pytest.mark.parametrize("keys", [("question_mark",), ("colon",), ("i",), ("enter", "y"), ("slash",)])
async def test_ctrl_c_quits_everywhere(keys: tuple[str, ...]) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press(*keys)
        await pilot.send("ctrl+c")
        assert app._exit


async def test_esc_returns_from_a_followed_link() -> None:
    async with opened(str(SAMPLES / "async" / "links.jsonl")) as (app, pilot):
        await pilot.press("enter")
        before = (app.state.trace, app.state.span)
        assert before[0] is not None
        app.post_message(OpenTrace(1 - before[0]))
        await pilot.settle()
        assert app.state.trace == 1 - before[0]
        await pilot.press("escape")
        assert (app.state.trace, app.state.span) == before
        assert pilot.lines[-1].startswith("Waterfall")
        await pilot.press("escape")
        assert pilot.lines[-1].startswith("Traces")


async def test_esc_from_traces_of_a_service_restores_view_and_filter() -> None:
    async with opened(str(SAMPLES / "shop" / "shop.json")) as (_, pilot):
        await pilot.press("3", "j", "j", "j", "tab", "tab", "enter")
        assert "of 304 traces" in pilot.lines[0]
        before = pilot.lines[-1]
        assert before.startswith("Traces")
        await pilot.press("escape")
        assert "of 304 traces" not in pilot.lines[0]
        assert pilot.lines[-1].startswith("Services › preferences-db")


async def test_esc_from_traces_restores_the_blast_radius() -> None:
    async with opened(str(SAMPLES / "shop")) as (_, pilot):
        await pilot.press("3", *"jjjjj", "b", "tab", "tab", "enter")
        assert "filter  { service = " in pilot.text
        assert pilot.lines[-1].startswith("Traces")
        await pilot.press("escape")
        assert "notification-service  if it is SLOW" in pilot.text
        await pilot.press("1")
        assert any("start" in line and ("response" in line or "duration" in line) for line in pilot.lines)


async def test_what_if_of_a_span_shows_the_new_duration() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("enter", "w", "X")
        assert "What if this user-service database_query had" in pilot.text
        await pilot.press("enter")
        # 2.57 s of it in a trace of 3.87 s
        assert "at 50 % duration: 3.87 s → 2.58 s" in pilot.text
        assert re.search(r"next bottleneck \d+ %: recommendation-service fetch_recommendations", pilot.text)


@pytest.mark.parametrize("keys", [["equals_sign"], ["space", "k", "equals_sign"]])
async def test_trace_under_the_cursor_is_compared_with_a_normal_one(keys: list[str]) -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press(*keys)
        assert re.search(r"this +10:05:42\.528 +3\.87 s", pilot.text)
        assert re.search(r"normal +10:03:25\.567 +1\.14 s", pilot.text)
        await pilot.press("escape")
        assert pilot.lines[-1].startswith("Traces")


async def test_reason_of_a_match_is_shown_for_the_row_under_the_cursor() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("slash", *"timeout", "enter")
        assert "Traces › match: otel.status_description = Database query timeout (database_query)" in pilot.lines[-1]
        await pilot.press("G")
        assert "= Connection timeout (fetch_recommendations)" in pilot.lines[-1]
        await pilot.press("slash", "ctrl+u", "enter")
        assert "match" not in pilot.lines[-1]
        await pilot.press("slash", *"NOT nowhere AND timeout", "enter")
        assert "match: otel.status_description = Connection timeout" in pilot.lines[-1]


@pytest.mark.parametrize("view", [ServicesView, ErrorsView, HotSpotsView])
async def test_heading_follows_the_width_of_the_list(
    view: type[ServicesView | ErrorsView | HotSpotsView],
) -> None:
    """A heading made before the list had its width was blank until the next change."""
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press(str(3 + [ServicesView, ErrorsView, HotSpotsView].index(view)))
        page = app.query_one(view).page
        before = next(line for line in pilot.lines if line.startswith("▌"))
        page.list.styles.margin = (0, 60, 0, 0)
        await pilot.settle()
        row = next(line for line in pilot.lines if line.startswith("▌"))
        heading = pilot.lines[pilot.lines.index(row) - 1]
        assert len(row.rstrip()) < len(before.rstrip())
        assert len(heading.rstrip()) <= page.list.size.width


async def test_escape_says_what_it_closes_first() -> None:
    async with opened(INCIDENT) as (app, pilot):
        app.main.show_banner(["the server is slow"])
        app.main.update_frame()
        await pilot.settle()
        assert "Esc closes the message" in pilot.lines[-1]
        await pilot.press("escape")
        assert "the server is slow" not in pilot.text
        assert "Esc closes" not in pilot.lines[-1]


async def test_filter_can_be_cleared_in_the_palette_only_if_there_is_one() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("colon", *"clear the")
        assert "Clear the filter" not in pilot.text
        await pilot.press("escape", "e", "colon", *"clear the")
        assert "Clear the filter" in pilot.text
        await pilot.press("enter")
        assert "press / to enter one" in pilot.text


async def test_slowest_trace_is_named_even_if_the_cursor_is_on_it() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("exclamation_mark")
        assert "this is the slowest of 100 traces" in pilot.lines[-1]
        await pilot.press("j", "j", "exclamation_mark")
        assert "│ the slowest of 100 traces" in pilot.lines[-1]


async def test_ranking_opens_on_its_first_row_whatever_is_selected() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("4", "enter", "5")
        row = next(line for line in pilot.lines if line.startswith("▌"))
        assert " 1  ●user-service database_query" in row


async def test_two_traces_of_different_entry_points_are_compared_with_a_remark() -> None:
    async with opened(str(SAMPLES / "shop")) as (_, pilot):
        await pilot.press("space", "space", "equals_sign")
        assert "different entry points" in pilot.text
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("space", "space", "equals_sign")
        assert "call path" in pilot.text
        assert "different entry points" not in pilot.text


async def test_three_marked_traces_are_not_compared() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("space", "space", "space", "equals_sign")
        assert "3 traces are marked; = compares two" in pilot.lines[-1]


async def test_trace_is_copied_as_json_that_opens_again(tmp_path: Path) -> None:
    for keys in (["y", "j"], ["enter", "y", "j"]):
        async with opened(INCIDENT) as (app, pilot):
            await pilot.press(*keys)
            assert "copied trace as JSON" in pilot.text
            file = tmp_path / "copied.json"
            file.write_text(app.clipboard)
        traces = load([str(file)], lambda _: None)
        assert traces.trace_count == 1
        assert len(traces) == 9


async def test_comparison_of_two_marked_traces_opens_a_span() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("space", "j", "j", "j", "equals_sign")
        assert "call path" in pilot.text
        assert re.search(r"database_query +░+·+ +2\.57 s +1\.75 s +-827 ms +59 %", pilot.text)
        assert re.search(r"after .* 2\.48 s +1\.39 s shorter \(-36 %\)", pilot.text)
        # the cursor is at the largest difference
        await pilot.press("enter")
        assert selected(app) == "database_query"
        assert app.state.trace is not None
        assert app.state.session is not None
        # of the later trace
        assert int(app.state.session.loaded.trace_duration[app.state.trace]) // 10**7 == 248
        await pilot.press("escape")
        # at the same row
        row = next(line for line in pilot.lines if line.startswith(app.state.look.glyphs.cursor))
        assert "database_query" in row
        await pilot.press("question_mark")
        assert "This screen" in pilot.text
        await pilot.press("escape", "escape")
        assert pilot.lines[-1].startswith("Traces")


async def test_traces_are_compared_with_a_baseline_file() -> None:
    async with opened(str(SAMPLES / "incident" / "after.json")) as (_, pilot):
        await pilot.press("B", *INCIDENT, "enter")
        assert "no significant regression" in pilot.text
        assert re.search(r"p95 +2\.10 s +380 ms +-1\.72 s +-82 % +better", pilot.text)
        await pilot.press("G", "escape", "B", *"none.json", "enter")
        assert pilot.lines[-1].startswith("Traces │ none.json: no such file")


async def test_contrast_filters_by_the_chosen_attribute() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("c")
        assert "traces with errors" in pilot.text
        assert "the marked traces" not in pilot.text
        await pilot.press("enter")
        assert "Over-represented in 8 traces with errors, compared with 92 other traces" in pilot.text
        await pilot.press("j", "enter")
        assert app.state.query == "attr.region = eu"
        assert len(app.state.shown) == 37
        await pilot.press("u", "space", "c")
        assert "the marked traces" in pilot.text
        await pilot.press("escape", "5", "c")
        # the duration is not a difference: the traces were chosen by it
        assert "nothing is over-represented" in pilot.lines[-1]
        await pilot.press("j", "c")
        assert "Over-represented in 7 slow traces, compared with 78 other traces with it" in pilot.text
        assert "takes" not in pilot.text
        await pilot.press("enter")
        assert pilot.lines[-1].startswith("Traces")
        assert app.state.query == "attr.region = eu"
        await pilot.press("escape", "4", "c")
        assert "Over-represented in 6 traces with this error, compared with 94 other traces" in pilot.text


async def test_esc_returns_to_the_opened_example() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("4", "tab", "j", "j", "enter")
        assert pilot.lines[-1].startswith("Waterfall")
        await pilot.press("escape", "j", "enter")
        # the examples still have the focus, now on the fourth
        pane = app.query_one(ErrorsView)
        assert isinstance(pane.page.detail.source, ErrorDetail)
        assert app.state.trace == pane.page.detail.source.pattern.example_traces[3]
        await pilot.press("escape", "escape", "j")
        assert pilot.lines[-1].startswith("Errors › Database query timeout")


async def test_resume_returns_to_the_row_of_a_list() -> None:
    async with opened(str(SAMPLES / "shop")) as (app, pilot):
        await pilot.press("3", "j", "j", "j")
        service = app.state.rows["services"]
        location = bookmark_of(app.state, "services")
    async with opened(str(SAMPLES / "shop"), resume=location) as (app, pilot):
        assert pilot.lines[-1].startswith(f"Services › {service}")


async def test_notice_disappears_with_the_next_key() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("E", "j", "enter", "e")
        assert "│ error 1 of 1 " in pilot.lines[-1]
        await pilot.press("j")
        assert pilot.lines[-1].startswith("Waterfall ›")
        assert "│" not in pilot.lines[-1]


async def test_cursor_stays_visible_when_the_terminal_loses_focus() -> None:
    async with opened(INCIDENT) as (app, pilot):
        app.sent = 0
        app.post_message(AppBlur())
        await pilot.settle()
        assert app.focused is app.query_one(TracesView).listing.view
        assert app.sent == 0


async def test_a_click_on_a_tab_opens_its_view() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.click("#tabs", offset=(pilot.lines[1].index("Errors"), 0))
        await pilot.settle()
        assert pilot.lines[-1].startswith("Errors")


async def test_rebound_keys_work_and_are_in_the_help() -> None:
    async with opened(INCIDENT, keymap={"view.errors": "f5"}) as (_, pilot):
        await pilot.press("f5", "question_mark")
        assert "Set in the config file" in pilot.text
        await pilot.press("escape")
        assert pilot.lines[-1].startswith("Errors")


async def test_texts_name_rebound_keys() -> None:
    # actions that lost their keys to others are not named
    keymap = {"traces.filter": "f7", "traces.slowest": "v", "app.keys": "f1", "list.down": "j", "app.reload": "ctrl+r"}
    keymap |= {"waterfall.find": "f7", "waterfall.next-error": "x", "detail.filter": "f8", "view.errors": "f5"}
    keymap |= {"errors.apart": "f6"}
    async with opened(INCIDENT, size=(140, 60), keymap=keymap) as (_, pilot):
        assert pilot.lines[-1].endswith("F7 filter  v slowest  Enter open  F1 keys")
        assert "press F7 to enter one" in pilot.text
        await pilot.resize_terminal(80, 60)
        await pilot.press("f5")
        assert "F6 shows all" in pilot.text
        await pilot.resize_terminal(140, 95)
        await pilot.press("escape")
        await pilot.press("f1")
        shown = pilot.text
        assert "F7               edit the filter; Tab completes, arrows" in shown
        assert "group by entry point" not in shown
        assert "Ctrl+r           reload files" in shown
        assert "1 2 3 F5 5" in shown
        # list.down has no arrow key now
        assert "  j k              down, up" in shown
        await pilot.press("escape", "enter")
        assert "F7 find" in pilot.lines[-1]
        await pilot.press("f1")
        assert "h l, arrows      fold, or go to the parent" in pilot.text
        await pilot.press("escape")
        await pilot.press("f7", *"query")
        assert "n N next" in pilot.text
        await pilot.press("enter", "f1")
        # keys of a widget without the focus
        assert "F8               filter attributes" in pilot.text


def test_texts_name_keys_by_action() -> None:
    """Keys in texts must follow the user's keymap."""
    named = re.compile(r"\b(?:Enter|Esc|Space|PgUp|PgDn)\b|[Pp]ress (?!\{)\w|(?:^|[ (])(?!a )[A-Za-z?/] [a-z]+s\b")
    for file in {*(SAMPLES.parent / "tracetui" / "tui").rglob("*.py")} - {Path(keymap_file)}:
        tree = ast.parse(file.read_text("utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in docstrings:
                continue
            for actions in re.findall(r"\{([a-z-]+\.[a-z .-]+)\}", node.value):
                assert set(actions.split()) <= set(ACTIONS), f"{file}: {node.value}"
            assert not named.search(node.value), f"{file}: {node.value}"


async def test_palette_and_dialogs_name_rebound_keys() -> None:
    keymap = {"app.theme": "f9", "answer.leave": "f2", "map.leave": "f3"}
    async with opened(INCIDENT, size=(140, 60), keymap=keymap) as (_, pilot):
        await pilot.press("colon")
        assert re.search(r"Next theme +F9", pilot.text)
        await pilot.press("escape", "c", "enter")
        assert "F2 back" in pilot.lines[-1]
        await pilot.press("f2", "3", "m")
        assert pilot.lines[-1].strip() == "h j k l move  z Z zoom  / find  Enter explore  F3 back  ? keys"


@pytest.mark.parametrize(
    ("keymap", "reason"),
    [
        ({"app.quitt": "x"}, "unknown action app.quitt; did you mean app.quit"),
        ({"waterfall.find": "notakey!!"}, "waterfall.find: unknown key 'notakey!!'"),
        ({"app.quit": "ctrl+f13x"}, "unknown key"),
    ],
)
def test_invalid_keymap_is_rejected(keymap: dict[str, str], reason: str) -> None:
    with pytest.raises(UsageError, match=re.escape(reason)):
        check_keymap(keymap)


async def test_keys_of_a_valid_keymap_act() -> None:
    keymap = {"app.quit": "x,f10,ctrl+x", "waterfall.find": "slash", "list.down": "n,down", "app.keys": "shift+f1"}
    check_keymap(keymap)
    async with opened(INCIDENT, keymap=keymap) as (app, pilot):
        first = app.state.trace
        await pilot.press("n")
        assert app.state.trace != first
        await pilot.press("f10")
        assert not app.is_running


@asynccontextmanager
async def reading(tmp_path: Path, *sources: str) -> AsyncIterator[tuple[CountingApp, Driver]]:
    """Run the app while it reads a pipe after other sources."""
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)
    app = CountingApp(State(sources=(*sources, str(pipe))))
    async with driven(app, (120, 40)) as pilot:
        await pilot.until("Esc stops")
        yield app, pilot
    os.close(descriptor)


async def test_seconds_of_a_load_go_on_without_progress(tmp_path: Path) -> None:
    async with reading(tmp_path) as (app, pilot):
        assert app.main._clock is not None
        await pilot.until(" s  Esc stops")
        await pilot.send("escape")
        await pilot.until("loading stopped")
        assert app.main._clock is None


async def test_first_screen_is_not_empty_in_any_view(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(screen: MainScreen) -> None:
        """The views take long to create."""

    monkeypatch.setattr(MainScreen, "build_views", never)
    async with driven(CountingApp(State()), (80, 24)) as pilot:
        await pilot.press("2")
        assert "Starting" in pilot.text


async def test_a_load_can_be_stopped(tmp_path: Path) -> None:
    async with reading(tmp_path) as (app, pilot):
        await pilot.send("escape")
        await pilot.until("loading stopped")
        assert app.state.session is None


async def test_partial_set_is_shown_while_loading(tmp_path: Path) -> None:
    async with reading(tmp_path, INCIDENT) as (app, pilot):
        await pilot.until("8 of 100 requests failed")
        assert "reading" in pilot.lines[0]
        await pilot.send("j", "j", "enter")
        await pilot.until("database_query")
        trace = app.state.trace
        # back to the list first, then the load
        await pilot.send("escape", "escape")
        await pilot.until("reading stopped")
        assert app.state.trace == trace
        assert pilot.lines[-1].startswith("Traces")
        assert "100 traces" in pilot.lines[0]


async def test_keys_send_few_bytes() -> None:
    async with opened(INCIDENT, size=(140, 40)) as (app, pilot):

        async def cost(key: str) -> int:
            app.sent = 0
            await pilot.press(key)
            return app.sent

        for number, (view, _) in enumerate(VIEWS, 1):
            assert await cost(str(number)) <= 12 * 1024
            app.sent = 0
            await pilot.settle()
            assert app.sent == 0
            assert await cost("pagedown") <= 8 * 1024
            # includes the detail, which is painted once the cursor rests; that of errors draws a trace
            assert await cost("k") <= (4 if view == "errors" else 2) * 1024


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: Path(path).stem)
async def test_hostile_traces_in_every_view(path: str) -> None:
    async with opened(path, size=(100, 30)) as (_, pilot):
        for keys in (["1"], ["j", "enter"], ["e", "w", "l", "tab"], ["3"], ["j"], ["4"], ["5"], ["question_mark"]):
            await pilot.press(*keys)
            assert not FORBIDDEN & set(pilot.text.replace("\n", ""))


async def test_palette_shows_markup_as_text() -> None:
    async with opened(str(SAMPLES / "hostile" / "markup.json")) as (_, pilot):
        for typed in ("Service", "Operation"):
            await pilot.press("colon", *typed)
            assert typed in pilot.text
            assert "[/x]" in pilot.text
            await pilot.press("escape")


STEPS = int(os.environ.get("FUZZ_STEPS", "150"))
"""Number of random keys, per seed."""
KEYS = [*string.ascii_letters, *string.digits, *"/?:<>[]+-=\\ ", "enter", "escape", "tab", "shift+tab", "up", "down"]
KEYS += ["left", "right", "pageup", "pagedown", "home", "end", "ctrl+d", "ctrl+u", "backspace", "delete", "space"]
KEYS = [key for key in KEYS if key not in ("q", "Q", " ")]


def at_once(app: CountingApp, keys: Iterable[str]) -> None:
    """Press keys before the first of them is handled."""
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 else key
        app.post_message(Key(name, key if len(key) == 1 else key_to_character(name)))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("/quit", "filter  quit "),
        (["/", *"abx", "backspace", *"cd", "left", "y"], "filter  abcyd "),
        (["/", *"error", "ctrl+u", *"duration > 2s", "enter", "j", "enter", "3"], "[3 Services]"),
        (["x", *"/nowhere/q.json"], "> /nowhere/q.json "),
        ([":", *"hot spots", "enter"], "[5 Hot spots]"),
        (["enter", "/", *"query", "enter"], "match 1 of 1"),
    ],
)
async def test_keys_in_one_packet_act_one_by_one(keys: Sequence[str], expected: str) -> None:
    async with opened(INCIDENT) as (app, pilot):
        at_once(app, keys)
        await pilot.settle()
        assert expected in pilot.text


@asynccontextmanager
async def slow_to_open(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[CountingApp, Driver, threading.Event]]:
    """Run the app so that traces open only once an event is set."""
    may_go = threading.Event()

    def wait(*args: Any) -> Any:
        may_go.wait()
        return open_trace(*args)

    monkeypatch.setattr(prepare, "AT_ONCE", 0)
    monkeypatch.setattr(prepare, "open_trace", wait)
    async with opened(INCIDENT) as (app, pilot):
        try:
            yield app, pilot, may_go
        finally:
            may_go.set()


@pytest.mark.parametrize("is_slow_line", [False, True])
async def test_keys_wait_until_a_trace_is_open(monkeypatch: pytest.MonkeyPatch, is_slow_line: bool) -> None:
    async with slow_to_open(monkeypatch) as (app, pilot, may_go):
        if is_slow_line:
            at_once(app, ["enter", "/", *"query", "enter"])
            await pilot.pause()
        else:
            for key in ("enter", "slash", *"query", "enter"):
                await pilot.send(key)
        assert pilot.lines[-1].startswith("Waterfall")
        may_go.set()
        await pilot.settle()
        assert "match 1 of 1" in pilot.text
        assert app.is_running


async def test_keys_wait_until_a_subtree_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async with slow_to_open(monkeypatch) as (app, pilot, may_go):
        may_go.set()
        await pilot.press("enter", "w", "P")
        may_go.clear()
        at_once(app, ["R", "j"])
        await pilot.pause()
        may_go.set()
        await pilot.settle()
        assert "from get_user" in pilot.lines[-1]
        assert selected(app) == "database_query"


async def test_esc_cancels_opening_a_trace_and_drops_waiting_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    async with slow_to_open(monkeypatch) as (app, pilot, may_go):
        # keys for the trace must not act on the list
        for key in ("enter", "e", "q", "escape", "j"):
            await pilot.send(key)
        await pilot.pause()
        assert pilot.lines[-1].startswith("Traces")
        assert app.is_running
        may_go.set()
        await pilot.settle()
        assert app.state.query == ""
        assert (app.state.trace, app.state.span) == (app.query_one(TracesView).trace_under_cursor, None)


async def test_view_keys_do_not_wait_for_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    async with slow_to_open(monkeypatch) as (_, pilot, _):
        await pilot.send("enter", "4")
        assert pilot.lines[-1].startswith("Errors")
        await pilot.send("2", "1")
        assert pilot.lines[-1].startswith("Traces")


async def test_keys_are_released_when_opening_a_trace_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("oops")

    monkeypatch.setattr(prepare, "AT_ONCE", 0)
    monkeypatch.setattr(prepare, "open_trace", fail)
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("enter", "j", "4")
        assert pilot.lines[-1].startswith("Errors")


@pytest.mark.parametrize("seed", range(4))
async def test_random_keys_do_not_end_the_app(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # random keys may also save files
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    sources = [(INCIDENT,), (str(SAMPLES / "shop" / "shop.json"),), tuple(HOSTILE), (str(SAMPLES / "first-look"),)]
    async with opened(*sources[seed]) as (app, pilot):
        for step in range(STEPS):
            if not chance.randrange(40):
                await pilot.resize_terminal(chance.randrange(20, 200), chance.randrange(5, 60))
            key = chance.choice(KEYS)
            if chance.randrange(10):
                await pilot.send({"?": "question_mark", "/": "slash", ":": "colon"}.get(key, key))
            else:
                # faster than they are handled, as over a slow line
                at_once(app, chance.choices([*KEYS, "enter", "escape"], k=8))
            if not step % 25:
                await pilot.settle()
                assert not FORBIDDEN & set(pilot.text.replace("\n", ""))
            assert app.is_running, f"ended by {key} at step {step}: {app.failure!r}"


async def test_late_results_for_a_changed_list_are_accepted() -> None:
    async with opened(str(SAMPLES / "shop" / "shop.json")) as (app, pilot):
        await pilot.press("5", "G")
        pane = app.query_one(HotSpotsView)
        held: list[Any] = []
        at_once = pane.patterns.work
        pane.patterns.work = lambda _, work, done, *, outlives_set=False: held.append((work, done))
        pane.patterns.known.clear()
        pane.patterns.read()
        rows = len(pane.page.list.source)
        pane.action_reverse()
        assert len(pane.page.list.source) == rows - 1, "the row between is gone"
        pane.patterns.work = at_once
        for work, done in held:
            done(work())
        assert pane.patterns.known
        # a choice on the map while another set is analysed
        services = app.query_one(ServicesView)
        await pilot.press("3")
        services.page.analysed = None
        services.page.show_list(None)
        services.explore("web-app")
        assert not services.page.has_rows


async def test_focused_detail_gets_more_rows() -> None:
    async with opened(str(SAMPLES / "first-look" / "timeout.json"), size=(80, 24)) as (app, pilot):
        await pilot.press("enter", "w")
        detail = app.query_one(SpanDetail)
        low = detail.size.height
        await pilot.press("tab")
        assert detail.size.height > low + 3
        assert "▌  │ └╴ ● load_customer_histo…" in pilot.text, "the span stays in sight"
        await pilot.press("escape")
        assert detail.size.height == low
        # a click must not move what it hits
        await pilot.click(DetailView, offset=(4, 2))
        await pilot.settle()
        assert detail.has_focus_within
        assert detail.size.height == low


async def test_copy_menu_of_the_trace_list() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("e", "j", "y", "t")
        assert app.state.session is not None
        assert app.state.trace is not None
        assert app.clipboard == app.state.session.loaded.trace_ids[app.state.trace]
        await pilot.press("y", "m")
        assert app.clipboard.startswith("### `api-gateway` `GET /profile`")
        await pilot.press("y", "f")
        assert app.clipboard == "error"


async def test_banner_is_limited_to_a_share_of_the_screen() -> None:
    broken = [str(SAMPLES / "README.md"), str(SAMPLES / "broken"), INCIDENT]
    async with opened(*broken, size=(120, 40)) as (_, pilot):

        def banner() -> list[str]:
            lines = pilot.lines
            return lines[2 : next(row for row, line in enumerate(lines) if line.startswith("filter"))]

        assert banner()[0].startswith(" ⚠ ")
        assert "process 'p1' is not listed" in "".join(banner())
        for size in ((80, 24), (20, 5), (60, 24)):
            await pilot.resize_terminal(*size)
            await pilot.settle()
        assert len(banner()) == 4
        assert banner()[-2].endswith("…")
        assert banner()[-1].strip() == "W shows this again, Esc hides it"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Hot spots", "of total"),
        ("Service user-service", "service = "),
        ("help", "edit the filter;"),
        ("warnings", "no warnings"),
        ("above p50", "trace.response >"),
    ],
)
async def test_palette_entries_lead_to_their_views(typed: str, expected: str) -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("colon", *("space" if key == " " else key for key in typed), "enter")
        assert expected in pilot.text


async def test_escape_removes_a_notice_before_it_goes_back() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("4", "1", "W")
        await pilot.until("no warnings")
        await pilot.press("escape")
        assert "no warnings" not in pilot.text
        assert app.view == "traces"
        await pilot.press("escape")
        assert app.view == "errors"
