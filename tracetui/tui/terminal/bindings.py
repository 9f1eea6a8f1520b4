"""Bindings at the focus and the keymap, for which Textual has no public names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import App
from textual.binding import BindingsMap
from textual.dom import DOMNode
from textual.screen import Screen


def keymap_of(app: App[Any]) -> Mapping[str, str]:
    """Return the keymap that was set, comma-separated keys by binding id."""
    return app._keymap


def binding_chain(screen: Screen[Any]) -> list[tuple[DOMNode, BindingsMap]]:
    """Return the nodes that handle keys at the focus, innermost first, with their bindings under the keymap.

    Nodes below a modal screen, and keys that the focused widget takes as text, are left out.
    """
    return screen._modal_binding_chain
