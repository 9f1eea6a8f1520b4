"""Parts of Textual without public names: bindings at the focus, the keymap, scroll bars of another class, timers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual.app import App
from textual.binding import BindingsMap
from textual.dom import DOMNode
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.timer import Timer


def keymap_of(app: App[Any]) -> Mapping[str, str]:
    """Return the keymap that was set, comma-separated keys by binding id."""
    return app._keymap


def binding_chain(screen: Screen[Any]) -> list[tuple[DOMNode, BindingsMap]]:
    """Return the nodes that handle keys at the focus, innermost first, with their bindings under the keymap.

    Nodes below a modal screen, and keys that the focused widget takes as text, are left out.
    """
    return screen._modal_binding_chain


def vertical_bar(view: ScrollView, make: Callable[[], ScrollBar]) -> ScrollBar:
    """Return the vertical scroll bar of a view, created by `make` on first use."""
    if view._vertical_scrollbar is None:
        view._vertical_scrollbar = bar = make()
        bar.display = False
        view.app._start_widget(view, bar)
    return view._vertical_scrollbar


def keep_late_timers() -> None:
    """Let timers that fire once do so however late they are.

    Textual drops such a timer if its time passes between two looks at the clock while it starts, as happens on a busy
    machine. Its callback is lost then: the app would never adapt to another size of the terminal, nor poll a server.
    """
    if Timer._start is not _start_of_textual:
        return

    def start(timer: Timer) -> None:
        timer._skip = timer._skip and timer._repeat != 0
        _start_of_textual(timer)

    Timer._start = start  # type: ignore[method-assign, assignment]


_start_of_textual = Timer._start
