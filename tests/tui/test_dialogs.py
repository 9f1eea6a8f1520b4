"""Dialogs over a view: help, choices, palette."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.containers import Vertical

from tests.support.building import build, span
from tests.support.paths import INCIDENT, SAMPLES
from tests.support.pilot import driven
from tests.support.trace_app import opened
from tracetui.analysis.suggestions.registry import KINDS
from tracetui.export.save import save
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import ASCII, in_glyphs
from tracetui.tui.help import HelpScreen, KeyLines
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.keys.registry import TABLES
from tracetui.tui.name_index import NameIndex
from tracetui.tui.palette import PaletteEntries, open_palette, word_parts
from tracetui.tui.themes import THEMES
from tracetui.tui.views.errors import ErrorsView
from tracetui.tui.widgets.choice import Choice
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.result_screen import ResultScreen

pytestmark = pytest.mark.usefixtures("own_state")

WORDS = st.text(st.sampled_from("abcdefg ,;"), max_size=90)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=8), st.integers(12, 120))
def test_key_help_is_wrapped_without_loss(keys: list[tuple[str, str]], width: int) -> None:
    lines = KeyLines([("Title", keys), ("None", ())], width)
    shown = [lines.line(row, width).text for row in range(len(lines))]
    assert all(line == lines._rows[row].text for row, line in enumerate(shown) if line.strip())
    letters = "".join(shown).replace(" ", "").removeprefix("Title")
    assert sorted(letters) == sorted("".join(key + what for key, what in keys).replace(" ", ""))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("view", [1, 2, 3, 4, 5])
async def test_help_can_be_scrolled_to_every_key(size: tuple[int, int], view: int) -> None:
    async with opened(INCIDENT, size=size) as (app, pilot):
        await pilot.press(str(view))
        behind = pilot.lines
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        seen, shown = "", ""
        # at the end nothing moves
        while pilot.text != shown:
            shown = pilot.text
            seen += shown
            await pilot.send("j")
        rows = [row for table in app.current_view.KEYS for row in (*table.glyphs, *table.words, *table.help)]
        for _, what in KeyNames(app.screen_stack[0]).rows(rows):
            assert all(word in seen for word in what.split())
        assert "quit" in seen
        lines = pilot.lines
        # the view stays visible around the box
        assert [line[:2] for line in lines] == [f"{line:2}"[:2] for line in behind] or lines[0] == behind[0]
        await pilot.press("g")
        assert "switch views" not in pilot.lines[2]
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpScreen)


async def test_help_shows_how_to_close_and_scroll_it() -> None:
    async with opened(INCIDENT, size=(80, 24)) as (_, pilot):
        await pilot.press("question_mark")
        assert "Esc closes  j k scroll" in next(line for line in pilot.lines if "╭" in line)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_help_is_searched_by_key_by_glyph_and_by_words(size: tuple[int, int]) -> None:
    async with opened(INCIDENT, size=size) as (app, pilot):
        await pilot.press("question_mark", "slash", "c")
        # a letter that is a key finds this key alone, not every word with the letter
        assert "contrast" in pilot.text
        assert "edit the filter" not in pilot.text
        await pilot.press("ctrl+u", *"skew parent")
        assert "⚠" in pilot.text
        assert "edit the filter" not in pilot.text
        await pilot.press("ctrl+u", *"qui")
        # `q` is text in the search
        assert "quit" in pilot.text
        assert "Legend" not in pilot.text
        await pilot.press("enter")
        assert "/ qui" in pilot.text
        await pilot.press("slash", *"xx")
        assert "no match; : searches the actions of all views" in pilot.text
        await pilot.press("escape")
        assert "Legend" in pilot.text
        assert "/ qui" not in pilot.text
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpScreen)


async def test_searching_the_help_keeps_its_box() -> None:
    async with opened(INCIDENT, size=(120, 40)) as (_, pilot):
        await pilot.press("question_mark")
        edges = [row for row, line in enumerate(pilot.lines) if "╭" in line or "╯" in line]
        await pilot.press("slash", *"contrast")
        assert [row for row, line in enumerate(pilot.lines) if "╭" in line or "╯" in line] == edges


async def test_help_shows_the_number_of_lines_below() -> None:
    async with opened(INCIDENT, size=(80, 24)) as (_, pilot):
        await pilot.press("question_mark")
        (count,) = re.findall(r"▾ (\d+) more lines below", pilot.text)
        first = int(count)
        assert first > 10
        await pilot.press("j")
        assert f"▾ {first - 1} more lines below" in pilot.text
        await pilot.press("G")
        assert "more line" not in pilot.text
    async with opened(INCIDENT, size=(100, 100)) as (_, pilot):
        await pilot.press("question_mark")
        assert "more line" not in pilot.text


async def test_dismissing_a_dialog_twice_keeps_the_screen_below() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("S", "space", "j", "space", "equals_sign")
        answer = app.screen
        assert isinstance(answer, ResultScreen)
        app.action_keys()
        await pilot.settle()
        keys = app.screen
        for _ in range(3):
            keys.dismiss(None)
        await pilot.settle()
        assert app.screen is answer
        view = answer.query_one(LineView)
        for _ in range(3):
            view.post_message(LineView.Chosen(view, 0))
        await pilot.settle()
        assert len(app.screen_stack) == 1
        assert app.is_running


class _ClosedEarly(Dialog[None]):
    """Dialog closed while it is composed, as by a key at that moment."""

    was_set_up = False

    def compose(self) -> ComposeResult:
        self.dismiss()
        yield Vertical()

    def composed(self) -> None:
        self.was_set_up = True


async def test_dialog_closed_while_composing_is_not_set_up() -> None:
    app: App[None] = App()
    async with driven(app) as pilot:
        dialog = _ClosedEarly()
        app.push_screen(dialog)
        await pilot.pause()
        assert dialog.is_closed
        assert not dialog.was_set_up


async def test_dialogs_are_pure_ascii_in_ascii_mode() -> None:
    async with opened(INCIDENT, size=(80, 24), glyphs=ASCII) as (app, pilot):
        await pilot.press("question_mark")
        for _ in range(30):
            assert pilot.text.isascii()
            await pilot.send("j")
        await pilot.send("escape")
        open_palette(app, app.main)
        await pilot.settle()
        assert pilot.text.isascii()
        await pilot.press(*"e")
        assert pilot.text.isascii()


def test_help_shows_glyphs_of_the_current_set() -> None:
    texts = [text for table in TABLES for row in (*table.glyphs, *table.words, *table.help) for text in row]
    assert any("✖" in text for text in texts)
    assert all(in_glyphs(text, ASCII).isascii() for text in texts)
    assert in_glyphs("█ ─ ✖ ⇝ ×3 ●ag", ASCII) == "# - X ~ x3 ag"


async def test_palette_finds_trace_ids_by_prefix_only() -> None:
    async with opened(INCIDENT) as (app, _):
        entries = PaletteEntries(app, app.main)
        assert app.state.session is not None
        loaded = app.state.session.loaded
        first = loaded.trace_ids[3]
        assert [entry.label for entry in entries.matches(["data"])] == ["Operation database_query"]
        assert not [entry for entry in entries.matches([first[:3]]) if entry.label.startswith("Trace ")]
        assert not entries.matches([first[1:9]])
        for words in ([first[:4].upper().lower()], ["trace", first[:8]]):
            found = entries.matches(words)
            assert f"Trace {first}  {loaded.trace_name(3)}" in [entry.label for entry in found]
        note = entries.matches([first])[0].note
        assert note.startswith("2026-03-10 10:")
        assert note.endswith(numbers.duration(int(loaded.trace_duration[3])))


async def test_palette_ranks_word_starts_first() -> None:
    async with opened(INCIDENT) as (app, _):
        labels = [entry.label for entry in PaletteEntries(app, app.main).matches(["er"])]
        is_start = [f" {label}".lower().find(" er") >= 0 for label in labels]
        assert is_start == sorted(is_start, reverse=True)
        assert set(is_start) == {True, False}


async def test_palette_finds_suggestions_by_the_words_of_every_kind() -> None:
    async with opened(INCIDENT) as (app, _):
        entries = PaletteEntries(app, app.main)
        for kind in KINDS:
            for word in [kind.label.lower(), *kind.words.split()]:
                assert "Suggestions" in [entry.label for entry in entries.matches([word])], word


async def test_palette_shows_keys_of_actions_over_the_view() -> None:
    async with opened(INCIDENT, size=(120, 40)) as (app, pilot):
        behind = pilot.lines
        open_palette(app, app.main)
        await pilot.settle()
        assert isinstance(app.screen, Choice)
        lines = pilot.lines
        row = next(line for line in lines if "Reload the sources" in line)
        assert re.search(r"Reload the sources +r\b", row)
        assert [line[:18] for line in lines] == [line[:18] for line in behind]
        assert sum("View Waterfall" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("view hot", "of total"), ("service user-service", "service = "), ("keys of this", "edit the filter;")],
)
async def test_palette_runs_the_chosen_entry(text: str, expected: str) -> None:
    async with opened(INCIDENT) as (app, pilot):
        open_palette(app, app.main)
        await pilot.settle()
        await pilot.press(*text)
        await pilot.press("enter")
        assert expected in pilot.text


@pytest.mark.parametrize(
    ("letters", "label"),
    [
        ("vw", "View Waterfall"),
        ("thhico", "Theme high-contrast"),
        ("opdaqu", "Operation database_query"),
        ("xqz", None),
    ],
)
async def test_palette_finds_initials(letters: str, label: str | None) -> None:
    async with opened(INCIDENT) as (app, _):
        labels = [entry.label for entry in PaletteEntries(app, app.main).matches([letters])]
        assert labels[:1] == ([label] if label else [])


@pytest.mark.parametrize(
    ("letters", "label", "parts"),
    [("brad", "blast radius", 2), ("br", "blast radius", 2), ("bl", "blast radius", 1), ("la", "blast radius", 0)],
)
def test_word_parts(letters: str, label: str, parts: int) -> None:
    assert word_parts(letters, label) == parts


async def test_palette_shows_the_errors_of_a_service() -> None:
    async with opened(INCIDENT, size=(120, 40)) as (app, pilot):
        await pilot.press("colon", *"errors user")
        assert "Errors in user-service" in pilot.text
        await pilot.press("enter")
        assert app.view == "errors"
        await pilot.until("Database query timeout")
        # the other pattern began elsewhere
        assert "Connection timeout" not in pilot.text
        assert "only 1 pattern in user-service  Esc shows all" in pilot.text
        assert app.state.query == ""
        await pilot.press("escape")
        assert "Connection timeout" in pilot.text
        assert app.view == "errors"


async def test_palette_shows_errors_that_propagated_to_a_service() -> None:
    async with opened(INCIDENT, size=(120, 40)) as (_, pilot):
        await pilot.press("4", "colon", *"errors api-gateway", "enter")
        assert "only 2 patterns propagated to api-gateway" in pilot.text


async def test_palette_says_that_a_service_has_no_errors() -> None:
    async with opened(str(SAMPLES / "shop"), size=(120, 40)) as (app, pilot):
        await pilot.press("4")
        before = pilot.lines[:-1]
        analysis = app.state.analysis
        assert analysis is not None
        touched = {name for one in analysis.errors.patterns for name in (one.service, *dict(one.propagated_to))}
        name = next(name for name in analysis.traces.services if name not in touched)
        await pilot.press("colon", *f"errors {name}", "enter")
        assert f"no errors in {name}" in pilot.lines[-1]
        assert pilot.lines[:-1] == before


async def test_errors_of_a_service_without_errors_are_reported_once_they_are_known() -> None:
    async with opened(str(SAMPLES / "shop"), size=(120, 40)) as (app, pilot):
        app.query_one(ErrorsView).show_service("nothere")
        await pilot.press("4")
        assert "no errors in nothere" in pilot.lines[-1]
        assert "shows all" not in pilot.text


async def test_errors_of_a_service_are_those_of_its_sources() -> None:
    async with opened(INCIDENT, size=(120, 40)) as (app, pilot):
        await pilot.press("4", "colon", *"errors user-service", "enter")
        assert "shows all" in pilot.text
        app.main.tabs.open(str(SAMPLES / "incident"))
        await pilot.settle()
        await pilot.press("4")
        assert "user-service" in pilot.text
        assert "shows all" not in pilot.text


NAMES = st.lists(st.text(st.sampled_from("ab- \nÄß\u0130"), max_size=6), max_size=12)


@given(NAMES, st.lists(st.text(st.sampled_from("ab-ä"), min_size=1, max_size=2), max_size=2), st.integers(0, 12))
def test_name_index_finds_what_a_loop_finds(names: list[str], words: list[str], most: int) -> None:
    found = NameIndex(names).find(words, most)
    expected = [row for row, name in enumerate(names) if all(word in name.lower() for word in words)]
    assert len(found) == len(set(found)) == min(most, len(expected))
    assert set(found) <= set(expected)
    if len(words) == 1:
        begins = [names[row].lower().startswith(words[0]) for row in found]
        assert begins == sorted(begins, reverse=True)


def test_name_index_looks_at_few_names_however_common_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{'cart' if i % 7 else 'shop'}-get-{i} v{i % 3}" for i in range(30_000)] + ["shop cart get last"]
    index, looked_at = NameIndex(names), list[int]()
    lowered = index.lowered

    def counted(row: int) -> str:
        looked_at.append(row)
        return lowered(row)

    monkeypatch.setattr(index, "lowered", counted)
    for words, count in ((["cart", "shop"], 1), (["get", "cart", "v1"], 8_571), (["shop", "get"], 4_287)):
        expected = [row for row, name in enumerate(names) if all(word in name for word in words)]
        assert len(expected) == count
        looked_at.clear()
        assert sorted(index.find(words, len(names))) == expected
        assert len(looked_at) <= 4_000


async def test_palette_has_its_indexes_before_it_opens() -> None:
    async with opened(INCIDENT) as (app, _):
        session = app.state.session
        assert session is not None
        results: dict[object, object] = session.loaded.results
        assert {(NameIndex, "services"), (NameIndex, "operations")} <= {*results}


async def test_palette_finds_the_last_of_many_services(tmp_path: Path) -> None:
    path = tmp_path / "many.json"
    save(build(*(span("1", 0, 9, trace=f"{i + 1:x}", service=f"service-{i:05}") for i in range(6_000))), path)
    async with opened(str(path)) as (app, _):
        labels = [entry.label for entry in PaletteEntries(app, app.main).matches(["service-05999"])]
        assert labels == ["Service service-05999"]


async def test_palette_explores_a_service_before_the_services_are_known() -> None:
    async with opened(str(SAMPLES / "shop"), size=(120, 40)) as (app, pilot):
        # a span of another service is selected
        await pilot.press("enter")
        await pilot.press("colon", *"svc legacy", "enter")
        assert app.view == "services"
        assert app.current_view.crumbs() == ["legacy-auth"]
        await pilot.press("colon", *"svc inventory-s", "enter")
        assert app.current_view.crumbs() == ["inventory-service"]


async def test_palette_sets_every_theme() -> None:
    async with opened(INCIDENT) as (app, pilot):
        for theme in THEMES[::-1]:
            open_palette(app, app.main)
            await pilot.settle()
            await pilot.press(*f"theme {theme}")
            await pilot.press("enter")
            assert app.theme == theme
            open_palette(app, app.main)
            await pilot.settle()
            await pilot.press(*"theme")
            assert next(line for line in pilot.lines if f"Theme {theme}" in line).rstrip(" │▐").find("in use") > 0
            await pilot.send("escape")


async def test_palette_does_not_interpret_markup() -> None:
    async with opened(str(SAMPLES / "hostile" / "markup.json")) as (app, pilot):
        for word in ("service", "operation"):
            open_palette(app, app.main)
            await pilot.settle()
            await pilot.press(*word)
            assert any("[/x]" in line[20:100] for line in pilot.lines)
            await pilot.press("escape")


async def test_palette_filters_by_a_text_that_it_does_not_find() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("colon", *"connection time")
        assert 'Filter by "connection time"' in pilot.text
        await pilot.press("enter")
        assert app.state.query == '"connection time"'
        assert len(app.state.shown) == 6
