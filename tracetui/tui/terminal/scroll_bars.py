"""Scroll bars of another class, for which Textual has no public names."""

from __future__ import annotations

from collections.abc import Callable

from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar


def vertical_bar(view: ScrollView, make: Callable[[], ScrollBar]) -> ScrollBar:
    """Return the vertical scroll bar of a view, created by `make` on first use."""
    if view._vertical_scrollbar is None:
        view._vertical_scrollbar = bar = make()
        bar.display = False
        view.app._start_widget(view, bar)
    return view._vertical_scrollbar
