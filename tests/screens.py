"""What tests of the screen share: counting the bytes that go to the terminal, and reading what is painted."""

from __future__ import annotations

from typing import Any

from textual._compositor import CompositorUpdate
from textual.app import App
from textual.geometry import Size


def bytes_of(app: App[Any], renderable: object) -> int:
    """How many bytes an update sends to a terminal of true colour."""
    if isinstance(renderable, CompositorUpdate):
        return len(renderable.render_segments(app.console).encode())
    with app.console.capture() as capture:
        app.console.print(renderable)
    return len(capture.get().encode())


class ByteCounter(App[Any]):
    """A base of an app, the last one: counts in `sent` what goes to the terminal. Set `sent` to 0 before a key."""

    sent = 0

    def _display(self, screen: Any, renderable: object) -> None:
        if renderable is not None:
            self.sent += bytes_of(self, renderable)
        super()._display(screen, renderable)


def painted(app: App[Any]) -> list[str]:
    """The lines on the screen, without styles."""
    width, height = Size(*app.size)
    lines = app.screen._compositor.render_strips(Size(width, height))
    return ["".join(segment.text for segment in line).rstrip() for line in lines]
