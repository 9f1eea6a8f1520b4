"""A screen over a view that a key may leave as soon as it is asked for, before there is anything on it."""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType


class Dialog(ModalScreen[ScreenResultType]):
    """Asks or shows something; `composed` is where what it consists of is set up."""

    @property
    def is_left(self) -> bool:
        """Whether it is on its way out: of what it consists of some may not be there, or not any more."""
        return self not in self.app.screen_stack

    def on_mount(self) -> None:
        if not self.is_left:
            self.composed()

    def composed(self) -> None:
        """Everything on it is there."""
        raise NotImplementedError

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Leave it, once: keys that were pressed before it went and come to it after would close what is below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
