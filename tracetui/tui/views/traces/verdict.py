"""Verdict on the traces shown: what fails and what takes the time, then the first cause, which takes longer to find."""

from __future__ import annotations

from collections.abc import Callable

from tracetui.analysis.analysis import Analysis
from tracetui.render.verdict import Statement, verdict_statements
from tracetui.tui.views.base import View
from tracetui.tui.views.traces.causes import CauseFinder
from tracetui.tui.views.traces.verdict_bar import VerdictBar


class VerdictFinder:
    """Finds the verdict outside the UI loop and shows it in a bar."""

    def __init__(self, view: View, bar: VerdictBar, causes: CauseFinder, resized: Callable[[], None]) -> None:
        """`resized` is called when the bar has another height."""
        self._view, self._bar, self._causes, self._resized = view, bar, causes, resized
        self._statements: list[Statement] = []

    def clear(self) -> None:
        self._show([])

    def find(self, analysis: Analysis) -> None:
        local = self._view.state.look.local_time

        def done(statements: list[Statement]) -> None:
            self._statements = statements
            self._show(statements)
            self._causes.find(analysis, self._add_cause)

        self._view.work("traces-verdict", lambda: verdict_statements(analysis.verdict, local=local), done)

    def _add_cause(self, statement: Statement) -> None:
        self._show([statement, *self._statements])

    def _show(self, statements: list[Statement]) -> None:
        self._bar.show_statements(statements, self._view.key_names)
        self._resized()
