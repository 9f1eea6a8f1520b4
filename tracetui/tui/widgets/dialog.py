"""Base of dialogs; a key may close one before it is composed."""

from __future__ import annotations

from typing import ClassVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType


class Dialog(ModalScreen[ScreenResultType]):
    """Base of dialogs, which set up their content in `composed`."""

    IS_PAGE: ClassVar[bool] = False
    """True for a dialog in place of a view: keys of views leave it."""

    @property
    def is_closed(self) -> bool:
        """True once it is closed; its widgets may not exist yet or no longer."""
        return self not in self.app.screen_stack

    def on_mount(self) -> None:
        if not self.is_closed:
            self.composed()

    def composed(self) -> None:
        """Set up the content; all widgets are mounted. Not called for a dialog that was closed before."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close the dialog once, as further keys must not close the screen below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
