"""Search in the shown trace: the search line, and navigation between matches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from textual.timer import Timer

from tracetui.analysis.span_search import find_spans
from tracetui.render.text.safe_text import safe
from tracetui.render.text.theme import Theme
from tracetui.tui.background_work import Work
from tracetui.tui.views.waterfall.jumps import Jump
from tracetui.tui.views.waterfall.rows import FindLine, WaterfallRows
from tracetui.tui.views.waterfall.view_state import ViewState
from tracetui.tui.widgets.span_detail import SpanDetail

_TYPING = 0.12
"""Seconds without a key until the search begins."""
_SOON = 0.3
"""Seconds after which a running search is indicated."""


class SearchHost(Protocol):
    """The part of the view that a search uses."""

    rows: WaterfallRows
    detail: SpanDetail
    work: Work

    @property
    def shown(self) -> ViewState | None: ...

    def set_timer(self, delay: float, callback: Callable[[], Any]) -> Timer: ...

    def apply(self) -> None:
        """Hide and dim spans as the view state says."""
        ...

    def fit_rows(self) -> None:
        """Make room for the search line, or take it back."""
        ...

    def jump(self, target: Jump, what: str) -> None: ...

    def post_notice(self, text: str) -> None: ...

    def post_key_notices(self, text: str) -> None:
        """Show a notice that names keys by their actions; the text must be trusted."""
        ...


class SpanSearch:
    """The search in the trace."""

    def __init__(self, host: SearchHost, theme: Theme) -> None:
        self._host = host
        self.line = FindLine(theme, prompt="  /", hint="text in any span", id="waterfall-find")
        self.line.display = False
        self._word = ""
        self._number = 0
        """Number of the search; results of older ones are dropped."""
        self._is_searching = False
        """True if the matches are those of an older search word."""
        self._jumps_when_found = False
        """True to go to the first match once it is found."""
        self._steps_when_found = 0
        """Matches to go on from the first one once it is found; backwards if negative."""
        self._typing: Timer | None = None

    @property
    def is_open(self) -> bool:
        return self.line.display

    def open(self) -> None:
        self.line.display = True
        self._host.fit_rows()
        self.line.focus()
        self.show_count()

    def close(self) -> None:
        """Clear and hide the search, and return to the rows."""
        self.leave()
        self._host.apply()
        self._host.rows.focus()

    def leave(self) -> None:
        """Clear and hide the search."""
        self._number += 1
        self._jumps_when_found = self._is_searching = False
        self._stop_timer()
        self._word = ""
        self.line.put("")
        self.line.display = False
        self._host.detail.seek("")
        self._host.fit_rows()
        if self._host.shown is not None:
            self._host.shown.found, self._host.shown.only_found = None, False

    def set_changed(self) -> None:
        """Search again for what jobs of the previous set have not found."""
        self._is_searching = False
        if self._word and self._host.shown is not None and self._host.shown.found is None:
            self.begin()

    def type(self, text: str) -> None:
        """Search for another text once the typing pauses."""
        word = text.strip()
        if word != self._word:
            self._word = word
            self._number += 1
            self._stop_timer()
            self._typing = self._host.set_timer(_TYPING, self.begin)

    def _stop_timer(self) -> None:
        if self._typing is not None:
            self._typing.stop()
            self._typing = None

    def begin(self) -> None:
        """Search for the word, outside the UI loop."""
        self._stop_timer()
        shown, word = self._host.shown, self._word
        if shown is None:
            return
        self._number += 1
        number, base = self._number, shown.base
        self._is_searching = bool(word)
        self._host.detail.seek(word)
        if not word:
            shown.found, shown.only_found = None, False
            self._host.apply()
            return

        def done(found: np.ndarray | None) -> None:
            if found is None or self._number != number or self._host.shown is not shown:
                return
            self._is_searching = False
            shown.found = found
            shown.only_found = shown.only_found and bool(found.any())
            self._host.apply()
            if self._jumps_when_found:
                self._jumps_when_found = False
                self.step(1, or_current=True)
                steps, self._steps_when_found = self._steps_when_found, 0
                for _ in range(abs(steps)):
                    self.step(1 if steps > 0 else -1)

        def show_waiting() -> None:
            if self._number == number and self._is_searching:
                self.line.show_found(word, None)

        self._host.set_timer(_SOON, show_waiting)
        self._host.work(
            "waterfall-find",
            lambda: find_spans(base.traces, base.first, base.stop, word, lambda: self._number != number),
            done,
        )

    def submit(self) -> None:
        """Go to the first match, once it is found."""
        shown = self._host.shown
        if not self._word:
            self.close()
        elif self._typing is not None or self._is_searching or shown is None or shown.found is None:
            self._jumps_when_found, self._steps_when_found = True, 0
            # keys pressed during the search must not edit the search word
            self._host.rows.focus()
            if self._typing is not None or not self._is_searching:
                self.begin()
        else:
            self.step(1, or_current=True)

    def step(self, step: int, or_current: bool = False) -> None:
        """Go to the next or previous match; `or_current`: or stay on one."""
        shown = self._host.shown
        if shown is None or shown.found is None or self._is_searching:
            if self._jumps_when_found:
                self._steps_when_found += step
            else:
                self._host.post_key_notices("search with {waterfall.find} first")
            return
        target = shown.jumps.match(self._host.rows.cursor, step, or_current) if len(shown) else None
        if target is not None:
            if self.line.has_focus:
                self._host.rows.focus()
            self._host.jump(target, f"match {target}")
        elif shown.found.any():
            self._host.post_key_notices("all matches are hidden; {waterfall.filter} {spans.show-all} shows them")
        else:
            self._host.post_notice(f"no match for {shown.base.glyphs.quoted(safe(self._word, 60))}")
            # let the user enter another word
            self.line.focus()

    def toggle_only_found(self) -> None:
        """Show only matches, or everything again."""
        shown = self._host.shown
        if self._is_searching:
            self._host.post_notice("still searching")
        elif shown is None or shown.found is None or not shown.found.any():
            self._host.post_notice("no match")
        else:
            shown.only_found = not shown.only_found
            self._host.apply()

    def show_count(self) -> None:
        """Show the number of matches."""
        if self.is_open and self._host.shown is not None:
            self.line.show_found(self._word, self._host.shown.found)
