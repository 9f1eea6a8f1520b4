"""Helpers for tests of the screen: count the bytes sent to the terminal, read the painted lines."""

from __future__ import annotations

from typing import Any

from textual._compositor import CompositorUpdate
from textual.app import App
from textual.geometry import Size


def bytes_of(app: App[Any], renderable: object) -> int:
    """Return the number of bytes that an update sends to a true-colour terminal."""
    if isinstance(renderable, CompositorUpdate):
        return len(renderable.render_segments(app.console).encode())
    with app.console.capture() as capture:
        app.console.print(renderable)
    return len(capture.get().encode())


class ByteCounter(App[Any]):
    """Last base of an app, which counts bytes for the terminal in `sent`. Reset it before a key."""

    sent = 0

    def _display(self, screen: Any, renderable: Any) -> None:
        if renderable is not None:
            self.sent += bytes_of(self, renderable)
        super()._display(screen, renderable)


def painted(app: App[Any]) -> list[str]:
    """Return the lines on the screen, without styles."""
    width, height = Size(*app.size)
    lines = app.screen._compositor.render_strips(Size(width, height))
    return ["".join(segment.text for segment in line).rstrip() for line in lines]
