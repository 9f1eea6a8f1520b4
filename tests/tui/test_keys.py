"""Keys of the screen: bindings, help, hints, palette and documentation are made from one set of tables."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import tracetui.tui
from tests.support.paths import GOLDEN, INCIDENT, ROOT
from tests.support.trace_app import opened
from tracetui.render.text.line import Line
from tracetui.tui.help import KeyLines
from tracetui.tui.keys.dialogs import CHOICE, CHOICES, COPY, HELP, NORMAL_TRACE, PAGER, PAGES, RESULT
from tracetui.tui.keys.document import document
from tracetui.tui.keys.everywhere import APP, ASK, EDIT, FINDINGS, LISTS, PANES
from tracetui.tui.keys.key_table import ABOVE, KeyTable, Shortcut
from tracetui.tui.keys.keymap import KeyNames, key_name
from tracetui.tui.keys.registry import KEYS, TABLES
from tracetui.tui.keys.services import GRAPH, MAP, MAP_SEARCH, SERVICE_SEARCH
from tracetui.tui.keys.traces import QUERY, REGION
from tracetui.tui.keys.view_key_tables import VIEW_KEYS
from tracetui.tui.keys.waterfall import DETAIL, FIND, SPAN_FILTER, WATERFALL
from tracetui.tui.palette import PaletteEntries
from tracetui.tui.terminal.textual_internals import binding_chain
from tracetui.tui.views.registry import VIEWS
from tracetui.tui.widgets.line_view import LineView

REACHED = {
    "traces": (VIEW_KEYS["traces"], LISTS, PANES, APP),
    # views have their own keys for panes
    "waterfall": (WATERFALL, LISTS, APP),
    **{view: (VIEW_KEYS[view], FINDINGS, LISTS, PANES, APP) for view in ("services", "errors", "hot-spots")},
    "the query": (QUERY, EDIT),
    "the region": (REGION,),
    "the detail": (DETAIL, LISTS),
    "the search": (FIND, EDIT),
    "a search line": (ASK, EDIT),
    "names of services": (SERVICE_SEARCH, EDIT),
    "filter of spans": (SPAN_FILTER,),
    "the graph of a service": (GRAPH,),
    "the map": (MAP,),
    "the search of the map": (MAP_SEARCH, EDIT),
    "the pager": (PAGER, PAGES, LISTS),
    "help": (HELP, LISTS),
    "a choice": (CHOICE, EDIT),
    "choices": (CHOICES, EDIT),
    "a result": (RESULT, NORMAL_TRACE, LISTS),
    "copy menu": (COPY,),
}
"""Tables whose keys are active at the same time."""

MEANINGS = {
    "o": "sort",
    "O": "reverse",
    "slash": "filter find",
    "n": "next next-match",
    "N": "previous previous-match",
    "v": "mode advice group wrap",
    "space": "mark toggle page-down",
    "equals_sign": "compare normal",
    "B": "compare-sets",
    "c": "contrast apart",
    "greater_than_sign": "next-value",
    "less_than_sign": "previous-value",
    "e": "errors next-error",
    "E": "previous-error failing",
    "full_stop": "next-critical",
    "comma": "previous-critical",
    "exclamation_mark": "slowest longest",
    "i": "service",
    "I": "operation",
    "U": "values",
    "d": "duration",
    "w": "window",
    "y": "copy",
    "x": "save",
    "b": "blast page-up",
    "m": "map leave",
    "p": "path",
    "s": "shared",
    "D": "difference",
    "X": "what-if",
    "z": "zoom zoom-in region leave",
    "Z": "zoom-out",
    "plus": "deeper more-hops",
    "minus": "shallower fewer-hops",
    "R": "root focus",
    "f": "filter",
    "r": "reload",
    "F": "follow",
    "M": "more",
    "W": "warnings",
    "at": "adjust-skew",
    "S": "opinion",
    "C": "columns",
    "Y": "why",
    "a": "names",
    "t": "zone",
    "T": "theme",
    "semicolon": "figures",
}
"""Meaning of each key in all views: the last parts of the ids of its actions."""
MOVES = {
    *("escape", "question_mark", "q", "enter", "tab", "shift+tab", "backspace", "ctrl+u"),
    *("up", "down", "left", "right", "home", "end", *"hlHJKL"),
}
"""Keys that move within what is shown, go in or leave, by other actions in each view."""


def keys_of(key: Shortcut, *, former: bool = True) -> list[str]:
    return [one for one in f"{key.keys},{key.former if former else ''}".split(",") if one]


@pytest.mark.parametrize("place", REACHED)
def test_no_key_has_two_actions(place: str) -> None:
    """Current and former keys."""
    counts = Counter(one for table in REACHED[place] for key in table.keys for one in keys_of(key))
    assert {key: count for key, count in counts.items() if count > 1} == {}
    assert counts


def test_every_table_is_tested_for_conflicts() -> None:
    assert {id(table) for tables in REACHED.values() for table in tables} == set(map(id, TABLES))


def test_keys_mean_the_same_in_every_view() -> None:
    menus = (COPY, SPAN_FILTER)
    actions = defaultdict(set)
    for table in TABLES:
        for key in table.keys if table not in menus else ():
            for one in keys_of(key, former=False):
                actions[one].add(key.id.partition(".")[2])
    assert actions.keys() >= MEANINGS.keys()
    for one, found in actions.items():
        # a key with a single action anywhere needs no entry
        assert len(found) == 1 or one in MOVES or found <= set(MEANINGS.get(one, "").split()), f"{one}: {found}"
    assert all(actions[one] <= set(meaning.split()) for one, meaning in MEANINGS.items())


def test_ids_and_texts_are_valid() -> None:
    ids = [key.id for table in TABLES for key in table.keys]
    assert len(ids) == len(set(ids))
    for table in TABLES:
        for row in table.rows:
            texts = (row.keys, row.help) if not isinstance(row, Shortcut) else (row.help,)
            named = [name for text in texts for name in re.findall(r"[a-z-]+\.[a-z-]+", text)]
            assert all(name in KEYS for name in named if "." in name), row
        assert isinstance(table.rows[0], Shortcut) is False or table.rows[0].help != ABOVE


def bound() -> Iterator[tuple[type, Binding]]:
    """Bindings of all own classes, and the classes."""
    for module in pkgutil.walk_packages(tracetui.tui.__path__, "tracetui.tui."):
        importlib.import_module(module.name)
    classes = [DOMNode]
    for cls in classes:
        classes += [one for one in cls.__subclasses__() if one not in classes]
        if cls.__module__.startswith("tracetui."):
            yield from ((cls, binding) for binding in cls.__dict__.get("BINDINGS", ()))


def test_every_binding_is_in_a_table_and_every_key_is_bound_once() -> None:
    found = list(bound())
    assert all(binding == KEYS[binding.id or ""].binding for _, binding in found)
    assert Counter(binding.id for _, binding in found) == Counter(KEYS.keys())


@pytest.mark.parametrize("view", VIEW_KEYS)
async def test_current_and_former_keys_run_the_action(view: str) -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("enter", KEYS[f"view.{view}"].keys)
        active = app.screen.active_bindings
        for key in VIEW_KEYS[view].keys:
            for one in keys_of(key):
                found = active[one].binding
                # views keep the arrow keys that Textual uses for scrolling, as lists have no second dimension
                assert found.id == key.id or (found.id is None and found.action == f"scroll_{one}"), one


@pytest.mark.parametrize("view", VIEW_KEYS)
async def test_keys_of_other_views_report_where_they_work(view: str) -> None:
    """All keys that only other views have, with the exact text of one."""
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("enter", KEYS[f"view.{view}"].keys)
        used = {key for _, bindings in binding_chain(app.screen) for key, _ in bindings}
        unused = [
            (keys_of(key)[0], table.title)
            for table in VIEW_KEYS.values()
            for key in table.keys
            if key.keys and keys_of(key)[0] not in used
        ]
        assert len(unused) > 10
        before = pilot.lines[:-1]
        for key, title in unused:
            await pilot.press(key)
            notice = " ".join(pilot.lines[-3:])
            assert f"{key_name(key)} works in " in notice, key
            assert title in notice, key
            await pilot.press("escape" if app.main.bottom.has_notice and view == "traces" else "ctrl+l")
        assert pilot.lines[:-1] == before


async def test_key_of_another_view_is_named_under_the_keymap() -> None:
    keymap = {"services.blast": "f6", "view.services": "f3", "services.map": "M,m", "app.more": "f7"}
    async with opened(INCIDENT, keymap=keymap) as (_, pilot):
        await pilot.press("f6")
        assert "F6 works in Services (F3): blast radius" in pilot.lines[-1]
        await pilot.press("b")
        assert "works" not in pilot.lines[-1]
        await pilot.press("R")
        assert "R works in Waterfall (2): only this subtree; in Services (F3): focus this service" in pilot.lines[-1]
        await pilot.press("?", "b")
        assert "works" not in pilot.text


async def test_keys_of_this_view_are_not_reported_without_a_trace() -> None:
    async with opened() as (_, pilot):
        await pilot.press("2", "z")
        assert "No traces loaded." in pilot.text
        assert "works" not in pilot.lines[-1]


@pytest.mark.parametrize(
    ("view", "present", "former"),
    [
        ("traces", "o", "s"),
        ("traces", "exclamation_mark", "S"),
        ("waterfall", "full_stop", "c"),
        ("waterfall", "exclamation_mark", "w"),
        ("waterfall", "minus", "left_square_bracket"),
        ("waterfall", "number_sign", "m"),
        ("services", "I", "i"),
        ("errors", "v", "o"),
        ("hot-spots", "v", "a"),
    ],
)
async def test_former_key_has_the_same_effect(view: str, present: str, former: str) -> None:
    screens = []
    for key in (present, former):
        async with opened(INCIDENT) as (_, pilot):
            await pilot.press("enter", KEYS[f"view.{view}"].keys, "j")
            before = pilot.lines[2:]
            await pilot.press(key)
            screens.append(pilot.lines[2:])
            assert screens[-1] != before
    assert screens[0] == screens[1]


async def test_menu_filters_spans() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("enter", "x")
        short = pilot.lines
        assert any(" hidden" in line for line in short)
        await pilot.press("f", "a")
        assert not any("hidden" in line for line in pilot.lines)
        await pilot.press("f")
        assert "Hide this service" in pilot.text
        await pilot.press("j", "enter")
        assert pilot.lines == short
        await pilot.press("f", "escape")
        assert pilot.lines == short


async def test_keymap_binds_actions_that_have_no_key() -> None:
    keymap = {"waterfall.hide-short": "f6", "waterfall.show-all": "f7"}
    async with opened(INCIDENT, keymap=keymap) as (_, pilot):
        await pilot.press("enter", "f6")
        assert " hidden" in pilot.text
        await pilot.press("f7")
        assert " hidden" not in pilot.text


async def test_palette_finds_actions_of_every_view() -> None:
    async with opened(INCIDENT) as (app, pilot):
        entries = PaletteEntries(app, app.main)
        for words, label in (
            ("blast", "Blast radius"),
            ("impact", "Blast radius"),
            ("n+1", "Suggestions"),
            ("export", "Save the traces shown"),
            ("slow", "Slowest first"),
            ("hottest", "Longest self time"),
            ("graph", "Map of the whole system"),
            ("services path", "Path to another service"),
        ):
            assert label in [entry.label for entry in entries.matches(words.split())], words
        assert not [entry for entry in entries.matches(["down"]) if entry.label in ("Down", "Page down")]
        await pilot.press("colon", *"impact", "enter")
        assert app.view == "services"
        assert "if it is SLOW" in pilot.text


def test_documentation_is_up_to_date() -> None:
    """`make keys` writes it."""
    assert (ROOT / "docs" / "keys.md").read_text("utf-8") == document()


def test_changelog_lists_former_keys() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    for key in (key for key in KEYS.values() if key.former):
        for one in key.former.split(","):
            assert f"`{key_name(one)}`" in text, key.id


def golden(name: str, text: str) -> None:
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8"), f"{file} differs; UPDATE_GOLDEN=1 renews it"


@pytest.mark.parametrize("view", VIEW_KEYS)
async def test_help_and_hints_are_golden(view: str) -> None:
    async with opened(INCIDENT, size=(80, 24)) as (app, pilot):
        await pilot.press("enter", KEYS[f"view.{view}"].keys)
        hints = KeyNames(app.screen).line(app.current_view.hints).text.strip()
        await pilot.press("question_mark")
        page = app.screen.query_one(LineView).source
        assert isinstance(page, KeyLines)
        lines: list[Line] = [page.line(row, 80) for row in range(len(page))]
        golden(f"keys-{view}.txt", "\n".join([hints, "", *(line.text.rstrip() for line in lines)]) + "\n")


def test_no_text_names_a_key() -> None:
    """Texts, docstrings included, name actions, as users can rebind keys. Terminal code handles raw keys."""
    named = re.compile(r"\b(?:Enter|Esc|Space|Tab|PgUp|PgDn|Backspace)\b|\b(?:Ctrl|Shift)\+|\b[Pp]ress (?!\{)\w")
    exempt = {"terminal", "keys"}
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {node.value[:60]}"
        for folder in (ROOT / "tracetui" / "tui", ROOT / "tracetui" / "render")
        for file in folder.rglob("*.py")
        if not exempt & set(file.relative_to(folder).parts[:-1])
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and named.search(node.value)
    ]
    assert found == []


def test_views_have_a_table_each() -> None:
    assert [*VIEW_KEYS] == [view for view, _ in VIEWS]
    assert all(isinstance(table, KeyTable) for table in TABLES)
