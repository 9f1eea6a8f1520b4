"""Base of every view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from textual.containers import Vertical
from textual.screen import Screen

from tracetui.tui.background_work import Work
from tracetui.tui.keys.key_table import KeyTable
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.messages import FilterTraces, Notice
from tracetui.tui.state import State

EVERY_COLUMN = 400
"""Width at which a list has all its columns."""
_DialogResult = TypeVar("_DialogResult")
_MAX_STEPS = 100
"""Largest number of steps that are undone at once."""


class ViewPart(Protocol):
    """Part of a view to which the view passes its notifications, as described there."""

    def set_changed(self) -> None: ...
    def selection_changed(self) -> None: ...
    def look_changed(self) -> None: ...
    def work_failed(self, name: str) -> None: ...
    def crumbs(self) -> list[str]: ...
    def go_back(self) -> bool: ...
    def take_focus(self) -> None: ...
    @property
    def is_opening(self) -> bool: ...


@runtime_checkable
class HasFigures(Protocol):
    """Part of a view with columns of figures."""

    @property
    def figures(self) -> tuple[str, str, str]:
        """Heading of the columns, and the row under the cursor with its name."""
        ...


class View(Vertical):
    """View. It is notified of changes, and sends messages for everything outside itself."""

    KEYS: Sequence[KeyTable] = ()
    """Tables of keys for the help, that of the view first."""

    parts: tuple[ViewPart, ...] = ()
    """Parts that are notified of changes; the first takes the focus."""

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.state = state
        self.work = work

    def set_changed(self) -> None:
        """Show another set or filter. Called on the UI loop, so heavy work must use `self.work`."""
        for part in self.parts:
            part.set_changed()

    def sources_changed(self) -> None:
        """Forget what belongs to the previous sources, whose traces have nothing to do with those that follow."""

    def selection_changed(self) -> None:
        """Show another trace or span. Also called when the view is shown."""
        for part in self.parts:
            part.selection_changed()

    def look_changed(self) -> None:
        """Repaint after a change of theme, glyphs or zone."""
        for part in self.parts:
            part.look_changed()

    def work_failed(self, name: str) -> None:
        """Handle the failure of a job, of this or another view, which will not return a result."""
        for part in self.parts:
            part.work_failed(name)

    @property
    def hints(self) -> Sequence[tuple[str, str]]:
        """Key hints, keys named by action, most useful ones first; the last line shows four."""
        return ()

    @property
    def key_names(self) -> KeyNames:
        """Display names of the keys that are active here."""
        return KeyNames(self.screen)

    @property
    def is_opening(self) -> bool:
        """True while the target of its keys is being created, so that they must wait."""
        return any(part.is_opening for part in self.parts)

    @property
    def is_placed(self) -> bool:
        """True if the user has chosen the selection, so that it is kept when more traces arrive."""
        return True

    @property
    def figures(self) -> tuple[str, str, str]:
        """Heading of its columns, and the row under the cursor with its name, '' for none."""
        return next((part.figures for part in self.parts if isinstance(part, HasFigures)), ("", "", ""))

    def crumbs(self) -> list[str]:
        """Location within the view, for the breadcrumbs; may contain untrusted text."""
        return [crumb for part in self.parts for crumb in part.crumbs()]

    def go_back(self) -> bool:
        """Undo one step within the view (leave a search, close a detail). -> whether there was one"""
        return any(part.go_back() for part in self.parts)

    def go_back_to(self, crumb: int) -> None:
        """Undo the steps within the view that this breadcrumb does not include: 0 is the view itself, then `crumbs`.

        Never called with the last one. A view with several breadcrumbs overrides it.
        """
        for _ in range(_MAX_STEPS):
            if crumb or not self.go_back():
                break

    def take_focus(self) -> None:
        """Focus the widget that handles the view's keys."""
        for part in self.parts[:1]:
            part.take_focus()

    def post_notice(self, text: str) -> None:
        """Show a notice."""
        self.post_message(Notice(text))

    def post_key_notices(self, text: str) -> None:
        """Show a notice that names keys by their actions; the text must be trusted."""
        self.post_notice(self.key_names.short(text))

    def show_dialog(
        self,
        dialog: Screen[_DialogResult | None],
        done: Callable[[_DialogResult], object],
        left: Callable[[], object] = lambda: None,
    ) -> None:
        """Show a dialog, then take the focus back; `done` gets its result, `left` is called if it was left."""

        def closed(result: _DialogResult | None) -> None:
            self.take_focus()
            if result is not None:
                done(result)
            else:
                left()

        self.app.push_screen(dialog, closed)

    def filter_by(self, query: str, opens: tuple[str, ...] = ()) -> None:
        """Apply a filter, unless it is applied already to all traces. `opens`: ids of traces to open."""
        if query.strip() != self.state.query or opens or self.state.searched_share < 1:
            self.post_message(FilterTraces(query.strip(), opens=opens))
