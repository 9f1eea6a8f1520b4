"""Dialogs that open at once, and receive their options when these are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tracetui.model.traces import TraceSet
from tracetui.tui.views.base import View
from tracetui.tui.widgets.choice import Choice

_T = TypeVar("_T")
_JOB = "traces-options"


class ChoiceFiller:
    """Computes the options of an open dialog outside the UI loop, and again when more traces are loaded.

    A key pressed while traces are loaded opens its dialog at once, so that text typed after it goes there.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self._dialog: Choice | None = None
        self._needs_all = False
        self._work: Callable[[TraceSet], None] = lambda _: None

    def open(
        self,
        dialog: Choice,
        find: Callable[[TraceSet], _T],
        fill: Callable[[_T], object],
        done: Callable[[str], object],
        *,
        needs_all: bool = False,
    ) -> None:
        """Open a dialog. `find` is called in a thread with the loaded set, then `fill` on the loop with its result.

        done: called with the option taken; needs_all: wait until everything is read.
        """
        self._dialog, self._needs_all = dialog, needs_all

        def fill_open(found: Any) -> None:
            if not dialog.is_closed:
                fill(found)

        self._work = lambda traces: self.view.work(_JOB, lambda: find(traces), fill_open)
        self.view.show_dialog(dialog, done)
        self.set_changed()

    @property
    def _open_dialog(self) -> Choice | None:
        if self._dialog is not None and self._dialog.is_closed:
            self._dialog = None
        return self._dialog

    def set_changed(self) -> None:
        """Compute the options again for another set; close the dialog if none could be loaded."""
        dialog, state = self._open_dialog, self.view.state
        if dialog is None:
            return
        is_reading = state.load_state == "reading"
        if state.session is not None and not (is_reading and self._needs_all):
            self._work(state.session.loaded)
        elif not is_reading:
            dialog.dismiss(None)

    def work_failed(self, name: str) -> None:
        """Close the dialog if its options could not be computed."""
        dialog = self._open_dialog
        if name == _JOB and dialog is not None:
            dialog.dismiss(None)
