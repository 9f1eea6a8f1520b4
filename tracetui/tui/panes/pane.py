"""What every view is: a pane over the app's state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from textual.containers import Vertical

from tracetui.tui.keymap import KeyNames
from tracetui.tui.state import State

_T = TypeVar("_T")


class Work(Protocol):
    """Runs a function outside the UI loop and hands its result back on it, unless the set has changed meanwhile."""

    def __call__(self, name: str, work: Callable[[], _T], done: Callable[[_T], Any]) -> None: ...


class Pane(Vertical):
    """One of the views. It is told when what it shows has changed, and asks the app for all else by messages."""

    TITLE = ""
    HINTS: tuple[tuple[str, str], ...] = ()
    """Keys, named by what they do, and words for that, the most useful now first; the last line shows four."""
    KEYS: tuple[tuple[str, str], ...] = ()
    """All keys of this view in the same way, and what else needs words, for its help."""

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.state = state
        self.work = work

    def set_changed(self) -> None:
        """Another set is loaded or filtered: show it anew. Called on the UI loop; heavy work goes to `self.work`."""

    def selection_changed(self) -> None:
        """The selected trace or span is another. Called when the pane comes into view, too."""

    def look_changed(self) -> None:
        """Theme, marks or zone changed: paint anew."""

    def work_failed(self, name: str) -> None:
        """Work of this name, which this or another view gave away, has ended with an error and hands nothing back."""

    @property
    def key_names(self) -> KeyNames:
        """What to call the keys that do something here."""
        return KeyNames(self.screen)

    @property
    def is_opening(self) -> bool:
        """Whether what its keys are for is still being made, so that they wait for it."""
        return False

    @property
    def is_placed(self) -> bool:
        """Whether the user has chosen what is selected, so that it should be kept when more arrives."""
        return True

    def crumbs(self) -> list[str]:
        """Where in the view one is, for the breadcrumb; text from outside may be in it."""
        return []

    def go_back(self) -> bool:
        """Undo one step within the pane (leave a search, close a detail). -> whether there was one."""
        return False

    def focus_pane(self) -> None:
        """Put the focus where keys are expected."""
