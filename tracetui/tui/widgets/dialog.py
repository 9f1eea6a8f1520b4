"""A screen over a view that a key may leave as soon as it is asked for, before there is anything on it."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import ModalScreen

_Answer = TypeVar("_Answer")


class Dialog(ModalScreen[_Answer]):
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
