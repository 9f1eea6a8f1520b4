"""Base of every view."""

from __future__ import annotations

from textual.containers import Vertical

from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import State
from tracetui.tui.work import Work


class View(Vertical):
    """View. It is notified of changes, and sends messages for everything outside itself."""

    TITLE = ""
    HINTS: tuple[tuple[str, str], ...] = ()
    """Key hints, keys named by action, most useful ones first; the last line shows four."""
    KEYS: tuple[tuple[str, str], ...] = ()
    """All keys of this view in the same form, with explanations for the help."""

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.state = state
        self.work = work

    def set_changed(self) -> None:
        """Show another set or filter. Called on the UI loop, so heavy work must use `self.work`."""

    def selection_changed(self) -> None:
        """Show another trace or span. Also called when the view is shown."""

    def look_changed(self) -> None:
        """Repaint after a change of theme, glyphs or zone."""

    def work_failed(self, name: str) -> None:
        """Handle the failure of a job, of this or another view, which will not return a result."""

    @property
    def key_names(self) -> KeyNames:
        """Display names of the keys that are active here."""
        return KeyNames(self.screen)

    @property
    def is_opening(self) -> bool:
        """True while the target of its keys is being created, so that they must wait."""
        return False

    @property
    def is_placed(self) -> bool:
        """True if the user has chosen the selection, so that it is kept when more traces arrive."""
        return True

    def crumbs(self) -> list[str]:
        """Location within the view, for the breadcrumbs; may contain untrusted text."""
        return []

    def go_back(self) -> bool:
        """Undo one step within the view (leave a search, close a detail). -> whether there was one"""
        return False

    def focus_pane(self) -> None:
        """Focus the widget that handles the view's keys."""
