"""Parts of Textual without public names: the bindings at the focus, the keymap, and scroll bars of another class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual.app import App
from textual.binding import BindingsMap
from textual.dom import DOMNode
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar


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
