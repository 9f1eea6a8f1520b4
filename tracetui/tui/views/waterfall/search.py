"""Search in the shown trace: the search line, and navigation between matches."""

from __future__ import annotations

import numpy as np
from textual.timer import Timer

from tracetui.analysis.span_search import find_spans
from tracetui.render.text.safe_text import safe
from tracetui.tui.state import State
from tracetui.tui.views.waterfall.painting import WaterfallPainting
from tracetui.tui.views.waterfall.rows import FindLine
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.work import Work

_TYPING = 0.12
"""Seconds without a key until the search begins."""
_SOON = 0.3
"""Seconds after which a running search is indicated."""


class WaterfallSearch(WaterfallPainting):
    """Shows the selected trace, and searches it."""

    def __init__(self, state: State, work: Work, *, id: str = "waterfall") -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self._search = 0
        """Number of the search; results of older ones are dropped."""
        self._is_searching = False
        """True if the matches are those of an older search word."""
        self._then_go = False
        """True to go to the first match once it is found."""
        self._then_steps = 0
        """Number of further matches to skip, backwards if negative."""
        self._typing: Timer | None = None

    def set_changed(self) -> None:
        super().set_changed()
        self._is_searching = False
        if self._word and self._view_state is not None and self._view_state.found is None:
            self._begin_search()

    def action_find(self) -> None:
        if self._view_state is not None:
            self.set_class(True, "-finding")
            self._fit_rows()
            self.find_line.focus()
            self._show_scale()

    def on_line_input_changed(self, message: LineInput.Changed) -> None:
        if message.input is not self.find_line:
            return
        message.stop()
        word = message.text.strip()
        if word == self._word:
            return
        self._word = word
        self._search += 1
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(_TYPING, self._begin_search)

    def _begin_search(self) -> None:
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        view_state, word = self._view_state, self._word
        if view_state is None:
            return
        self._search += 1
        number, base = self._search, view_state.base
        self._is_searching = bool(word)
        self.detail.seek(word)
        if not word:
            view_state.found, view_state.only_found = None, False
            self._applied()
            return

        def done(found: np.ndarray | None) -> None:
            if found is None or self._search != number or self._view_state is not view_state:
                return
            self._is_searching = False
            view_state.found = found
            view_state.only_found = view_state.only_found and bool(found.any())
            self._applied()
            if self._then_go:
                self._then_go = False
                self.action_match(1, True)
                steps, self._then_steps = self._then_steps, 0
                for _ in range(abs(steps)):
                    self.action_match(1 if steps > 0 else -1)

        def show_waiting() -> None:
            if self._search == number and self._is_searching:
                self.find_line.show_found(word, None)

        self.set_timer(_SOON, show_waiting)
        self.work(
            "waterfall-find",
            lambda: find_spans(base.traces, base.first, base.stop, word, lambda: self._search != number),
            done,
        )

    def on_find_line_submitted(self, message: FindLine.Submitted) -> None:
        message.stop()
        if not self._word:
            self.rows.focus()
            self.go_back()
        elif (
            self._typing is not None or self._is_searching or self._view_state is None or self._view_state.found is None
        ):
            self._then_go, self._then_steps = True, 0
            # keys pressed during the search must not edit the search word
            self.rows.focus()
            if self._typing is not None or not self._is_searching:
                self._begin_search()
        else:
            self.action_match(1, True)

    def action_match(self, step: int, or_here: bool = False) -> None:
        """Go to the next or previous match."""
        view_state = self._view_state
        if view_state is None or view_state.found is None or self._is_searching:
            if self._then_go:
                self._then_steps += step
            else:
                self._post_key_notice("search with {waterfall.find} first")
            return
        stop = view_state.match(self.rows.cursor, step, or_here) if len(view_state) else None
        if stop is not None:
            if self.find_line.has_focus:
                self.rows.focus()
            self._jump(stop, f"match {stop}")
        elif view_state.found.any():
            self._post_key_notice("all matches are hidden; {waterfall.show-all} shows them")
        else:
            self._post_notice(f"no match for {self.state.look.glyphs.quoted(safe(self._word, 60))}")
            # let the user enter another word
            self.find_line.focus()

    def action_only_found(self) -> None:
        """Show only matches, or everything again."""
        view_state = self._view_state
        if self._is_searching:
            self._post_notice("still searching")
            return
        if view_state is None or view_state.found is None or not view_state.found.any():
            self._post_notice("no match")
            return
        view_state.only_found = not view_state.only_found
        self._applied()

    def _leave_search(self) -> None:
        self._search += 1
        self._then_go = self._is_searching = False
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        self.detail.seek("")
        super()._leave_search()
