"""Assumptions of `tui/terminal/` about private parts of Textual: tests fail if an upgrade changes one.

One test for each assumption, on Textual alone, and one that no other module uses Textual's private names.
"""

from __future__ import annotations

import ast
import asyncio
import functools
import importlib
import inspect
import itertools
import pkgutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.color import ColorSystem
from textual import _time as textual_time
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate, LayoutUpdate
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.geometry import Region
from textual.message_pump import MessagePump
from textual.reactive import Reactive
from textual.screen import ModalScreen, Screen
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.widgets import Input, Static

import tracetui.tui
from tracetui.tui.terminal.textual_internals import binding_chain, keep_late_timers, keymap_of, vertical_bar

TUI = Path(tracetui.tui.__file__).parent


class Plain(App[None]):
    """Two widgets, and the updates that Textual displays."""

    BINDINGS: ClassVar = [
        Binding("x", "bell", "Ring", id="plain.ring"),
        Binding("f", "bell", "Again", id="plain.again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.displayed: list[object] = []

    def compose(self) -> ComposeResult:
        yield Static("one", id="one")
        yield Static("two", id="two")

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        self.displayed.append(renderable)
        super()._display(screen, renderable)


# --- bindings


async def test_keymap_is_kept_by_the_app() -> None:
    app = Plain()
    app.set_keymap({"plain.ring": "y"})
    assert keymap_of(app) == {"plain.ring": "y"}


async def test_binding_chain_is_innermost_first_and_under_the_keymap() -> None:
    app = Plain()
    app.set_keymap({"plain.ring": "y"})
    async with app.run_test():
        chain = binding_chain(app.screen)
        assert [node for node, _ in chain] == [app.screen, app]
        assert {key: binding.id for key, binding in chain[-1][1] if binding.id} == {
            "y": "plain.ring",
            "f": "plain.again",
        }


async def test_binding_chain_ends_at_a_modal_screen() -> None:
    app = Plain()
    async with app.run_test() as pilot:
        modal: ModalScreen[None] = ModalScreen()
        await app.push_screen(modal)
        await pilot.pause()
        assert [node for node, _ in binding_chain(modal)] == [modal]


async def test_binding_chain_excludes_keys_that_an_input_reads_as_text() -> None:
    app = Plain()
    async with app.run_test() as pilot:
        await app.mount(Input(id="input"))
        app.query_one(Input).focus()
        await pilot.pause()
        assert not {"x", "f"} & {key for _, bindings in binding_chain(app.screen) for key, _ in bindings}


# --- scroll bars


async def test_scroll_bar_class_can_be_replaced() -> None:
    class Bar(ScrollBar):
        pass

    class View(ScrollView):
        @property
        def vertical_scrollbar(self) -> ScrollBar:
            return vertical_bar(self, lambda: Bar(name="vertical"))

    app = Plain()
    async with app.run_test(size=(40, 10)) as pilot:
        view = View()
        await app.mount(view)
        view.styles.overflow_y = "scroll"
        await pilot.pause()
        bar = view.vertical_scrollbar
        assert isinstance(bar, Bar)
        assert bar is view.vertical_scrollbar
        assert bar.display, "the view lays it out"
        assert bar.is_running, "it receives messages"
        assert bar.parent is view


# --- how the app ends


async def test_unhandled_error_is_kept_and_ends_the_app() -> None:
    """By `_handle_exception`, which calls `_fatal_error`, which fills `_exit_renderables`."""
    called: list[object] = []

    class Failing(Plain):
        def _handle_exception(self, error: Exception) -> None:
            called.append(error)
            super()._handle_exception(error)
            called.append(list(self._exit_renderables))
            self._exit_renderables.clear()

        def _fatal_error(self) -> None:
            self._exit_renderables.append("would be printed")
            self._close_messages_no_wait()

        def action_fail(self) -> None:
            raise ValueError("on purpose")

    app = Failing()

    async def fail() -> None:
        async with app.run_test() as pilot:
            app.call_later(app.action_fail)
            await pilot.pause()

    with pytest.raises(ValueError, match="on purpose"):
        await fail()
    assert called == [app._exception, ["would be printed"]]
    assert app.return_code == 1


# --- painting


async def test_changes_are_displayed_as_chops_and_whole_screens_as_layouts() -> None:
    app = Plain()
    async with app.run_test(size=(20, 4)) as pilot:
        await pilot.pause()
        app.displayed.clear()
        app.query_one("#two", Static).update("TWO")
        await pilot.pause()
        chops = [update for update in app.displayed if isinstance(update, ChopsUpdate)]
        assert chops
        # a line for each span of it; pieces of the line by first cell and end
        y, begin, end = chops[-1].spans[-1]
        assert (y, begin) == (1, 0)
        assert end <= 20
        pieces = [strip.text for strip in chops[-1].chops[y].values() if strip is not None]
        assert pieces[0].startswith("TWO")
        assert len(chops[-1].chop_ends[y]) == len(chops[-1].chops[y])
        layout = app.screen._compositor.render_update(full=True)
        assert isinstance(layout, LayoutUpdate)
        assert (layout.region.x, layout.region.y, len(list(layout.strips))) == (0, 0, 4)
        assert isinstance(layout, CompositorUpdate)
        assert isinstance(chops[-1], CompositorUpdate)


async def test_nothing_is_displayed_in_a_batch() -> None:
    app = Plain()
    async with app.run_test():
        assert app._batch_count == 0
        with app.batch_update():
            assert app._batch_count == 1
        assert app._batch_count == 0


async def test_compositor_has_the_size_and_the_console_the_colours() -> None:
    app = Plain()
    async with app.run_test(size=(20, 4)) as pilot:
        await pilot.pause()
        assert app.screen._compositor.size == app.size
        assert app.console._color_system is None or isinstance(app.console._color_system, ColorSystem)


async def test_compositor_renders_the_given_visible_widgets() -> None:
    """In regions marked as dirty, from a `_compositor` that a screen may replace in its initialiser."""

    dirty: set[Region] = set()

    class Blind(Compositor):
        def render_partial_update(self) -> ChopsUpdate | None:
            _ = self.cuts
            visible = self.visible_widgets
            dirty.update(self._dirty_regions)
            self._visible_widgets = {w: place for w, place in visible.items() if w.id != "two"}
            try:
                return super().render_partial_update()
            finally:
                self._visible_widgets = visible

    class BlindScreen(Screen[None]):
        def __init__(self) -> None:
            super().__init__(id="_default")
            self._compositor = Blind()

    class BlindApp(Plain):
        def get_default_screen(self) -> Screen[Any]:
            return BlindScreen()

    app = BlindApp()
    async with app.run_test(size=(20, 4)) as pilot:
        await pilot.pause()
        app.displayed.clear()
        app.query_one("#two", Static).update("TWO")
        app.query_one("#one", Static).update("ONE")
        await pilot.pause()
        updates = [update for update in app.displayed if isinstance(update, ChopsUpdate)]
        texts = [strip.text for update in updates for line in update.chops for strip in line.values() if strip]
        assert {region.y for region in dirty} == {0, 1}
        assert any(text.startswith("ONE") for text in texts)
        assert not any(text.startswith("TWO") for text in texts)


def test_focus_of_a_screen_is_reactive() -> None:
    assert isinstance(vars(Screen)["focused"], Reactive)


# --- keys


async def test_parents_of_a_widget_lead_to_the_app() -> None:
    """By `_parent`, as `parent` of a screen is None once it is removed."""
    app = Plain()
    async with app.run_test():
        node: MessagePump | None = app.query_one("#one")
        passed = []
        while node is not None:
            passed.append(node)
            node = node._parent
        assert passed == [app.query_one("#one"), app.screen, app]


def test_parser_yields_keys_and_raises_parse_errors() -> None:
    assert issubclass(ParseError, Exception)
    parser = XTermParser()
    keys = [event.key for event in parser.feed("a\x1b[A") if isinstance(event, Key)]
    assert keys == ["a", "up"]
    assert [*parser.feed("\x1b")] == [], "Esc may begin a sequence"
    assert all(isinstance(event, Key) for event in parser.tick())


def test_driver_has_the_replaced_members() -> None:
    source = inspect.getsource(LinuxDriver) + inspect.getsource(LinuxDriver.__mro__[1])
    for name in ("_file", "_auto_restart", "_key_thread", "_must_signal_resume", "_debug", "_app"):
        assert f"self.{name} = " in source or f"self.{name}: " in source, name
    assert {"_sigcont_application", "_get_terminal_size", "run_input_thread"} <= vars(LinuxDriver).keys()
    assert "self.run_input_thread" in source or "run_input_thread" in inspect.getsource(LinuxDriver)


async def test_bindings_are_looked_up_once_for_a_key_that_no_widget_has_used() -> None:
    looked_up: list[tuple[str, bool, bool]] = []

    class Noting(Plain):
        BINDINGS: ClassVar = [Binding("f", "bell")]

        async def _check_bindings(self, key: str, priority: bool = False) -> bool:
            found = await super()._check_bindings(key, priority)
            looked_up.append((key, priority, found))
            return found

    app = Noting()
    async with app.run_test() as pilot:
        await pilot.press("f", "g")
        assert looked_up == [("f", True, False), ("f", False, True), ("g", True, False), ("g", False, False)]


# --- private names --------------------------------------------------------------------------------------------------


@functools.cache
def members_of(cls: type) -> set[str]:
    """Return the names of the methods of a class and of the attributes it assigns."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        return set(vars(cls))
    methods = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    return methods | {name for name, context in used_in(tree) if isinstance(context, ast.Store)}


def used_in(tree: ast.AST) -> Iterator[tuple[str, ast.expr_context]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            yield node.attr, node.ctx


def classes_below(base: type) -> Iterator[type]:
    below: list[type] = base.__subclasses__()
    for cls in below:
        yield cls
        yield from classes_below(cls)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_only_the_terminal_package_uses_private_names_of_textual() -> None:
    """Neither on purpose nor by chance, such as an attribute that happens to have the name of one of Textual's."""
    for module in pkgutil.walk_packages(tracetui.tui.__path__, "tracetui.tui."):
        importlib.import_module(module.name)
    found, seen = [], 0
    for cls in {cls for cls in classes_below(MessagePump) if cls.__module__.startswith("tracetui.tui.")}:
        if cls.__module__.startswith("tracetui.tui.terminal."):
            continue
        seen += 1
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
        used = {name for name, _ in used_in(tree)} | members_of(cls)
        for base in cls.__mro__[1:]:
            if base.__module__.startswith("textual."):
                found += [
                    f"{cls.__name__}.{name} of {base.__name__}" for name in used & members_of(base) if is_private(name)
                ]
    assert seen > 10
    assert found == []


def test_only_the_terminal_package_imports_private_modules_of_textual() -> None:
    found = {
        str(file.relative_to(TUI.parent))
        for file in TUI.parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual")
        if is_private((node.module or "").rpartition(".")[2]) or any(is_private(name.name) for name in node.names)
    }
    assert found
    assert all(name.startswith("tui/terminal/") for name in found), found


async def test_timer_that_fires_once_fires_however_late_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(App[None]):
        fired = False

        def fire(self) -> None:
            self.fired = True

    keep_late_timers()
    looks = itertools.count()
    async with Late().run_test() as pilot:
        # another process has run for a second between two looks at the clock
        monkeypatch.setattr(textual_time, "get_time", lambda: float(next(looks)))
        app = pilot.app
        assert isinstance(app, Late)
        timer = app.set_timer(0.01, app.fire)
        monkeypatch.setattr(timer, "_interval", 0.01)
        while timer._task is not None and not timer._task.done():
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.001)
        await pilot.pause()
        assert app.fired
