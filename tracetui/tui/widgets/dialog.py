"""Screen over a view that a key may close before anything is on it."""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType


class Dialog(ModalScreen[ScreenResultType]):
    """Base of dialogs; `composed` sets up their content."""

    @property
    def is_left(self) -> bool:
        """True while it is closing: some of its parts may not be there yet, or any more."""
        return self not in self.app.screen_stack

    def on_mount(self) -> None:
        if not self.is_left:
            self.composed()

    def composed(self) -> None:
        """Everything on it is there."""
        raise NotImplementedError

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close it, once: keys pressed before it was gone must not close the screen below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
