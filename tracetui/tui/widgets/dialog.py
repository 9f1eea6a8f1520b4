"""A screen over a view that a key may leave as soon as it is asked for, before there is anything on it."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import ModalScreen

_Answer = TypeVar("_Answer")


class Dialog(ModalScreen[_Answer]):
    """Asks or shows something; `composed` is where what it consists of is set up."""

    def on_mount(self) -> None:
        # one that was left already is mounted, and stays empty
        if self.children:
            self.composed()

    def composed(self) -> None:
        """Everything on it is there."""
        raise NotImplementedError
