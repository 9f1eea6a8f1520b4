"""View states of a trace and of subtrees of it that the user looks at."""

from __future__ import annotations

from collections.abc import Iterator

from tracetui.tui.views.waterfall.view_state import ViewState


class ViewStates:
    """The view state on the screen, and those around it, to return to."""

    def __init__(self) -> None:
        self.shown: ViewState | None = None
        self._outer: list[ViewState] = []
        """View states around a subtree; the last is the innermost."""

    def __iter__(self) -> Iterator[ViewState]:
        yield from self._outer
        if self.shown is not None:
            yield self.shown

    @property
    def is_subtree(self) -> bool:
        """True if there is something around what is shown."""
        return bool(self._outer)

    def show(self, shown: ViewState | None) -> None:
        """Show a whole trace, or nothing."""
        self.shown = shown
        self._outer.clear()

    def enter(self, subtree: ViewState) -> None:
        """Show a subtree of what is shown."""
        if self.shown is not None:
            self._outer.append(self.shown)
        self.shown = subtree

    def leave(self) -> ViewState:
        """Return to what is around the subtree."""
        self.shown = shown = self._outer.pop()
        return shown

    def leave_until(self, span: int) -> bool:
        """Return to the innermost view state that has a span. -> whether it is another one"""
        shown = self.shown
        while self.shown is not None and not self.shown.has(span) and self._outer:
            self.leave()
        return self.shown is not shown
