"""Verdict on the traces shown: the first cause, what fails and what takes the time."""

from __future__ import annotations

from collections.abc import Callable

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.root_causes.within_set import CausesAndBaseline
from tracetui.render.causes.statement import no_cause_statement
from tracetui.render.verdict import Statement, verdict_statements
from tracetui.tui.views.base import View
from tracetui.tui.views.traces.causes import CauseFinder
from tracetui.tui.views.traces.verdict_bar import VerdictBar

_MAX_QUICK_SPANS = 100_000
"""Largest set whose causes are found before the verdict is shown, in less than half a second. In larger ones a line
holds their place, as the list must not move under the cursor."""
_MAX_SPANS = 1_000_000
"""Largest set whose causes are found without a request: a baseline and an incident are copies of its columns."""


class VerdictFinder:
    """Finds the verdict outside the UI loop and shows it in a bar."""

    def __init__(self, view: View, bar: VerdictBar, causes: CauseFinder, resized: Callable[[], None]) -> None:
        """`resized` is called when the bar has another height."""
        self._view, self._bar, self._causes, self._resized = view, bar, causes, resized
        self._cause: Statement | None = None
        """Statement of the first cause of the previous set; while following, shown until that of the next is found."""
        self._found: tuple[Analysis, bool] | None = None
        """Analysis and zone of the last verdict, True for local time."""

    def clear(self) -> None:
        """Hide the verdict, as other sources are shown."""
        self._cause = self._found = None
        self._show([])

    def look_changed(self) -> None:
        """Make the statements again if they name times in another zone."""
        if self._found is not None and self._found[1] != self._view.state.look.local_time:
            self.find(self._found[0])

    def find(self, analysis: Analysis) -> None:
        """Find the verdict on these traces, and show it."""
        local = self._view.state.look.local_time
        self._found = analysis, local
        count = len(analysis.traces)

        def work() -> tuple[list[Statement], CausesAndBaseline | None]:
            statements = verdict_statements(analysis.verdict, local=local)
            return statements, analysis.causes if count <= _MAX_QUICK_SPANS else None

        def done(found: tuple[list[Statement], CausesAndBaseline | None]) -> None:
            statements, causes = found
            if causes is not None:
                self._cause = self._causes.found(causes)
                self._show([self._cause, *statements] if self._cause else statements)
            elif count > _MAX_SPANS:
                self._show(statements)
            else:
                known = self._cause if self._view.state.is_following else None
                self._show([known or no_cause_statement(is_running=True), *statements])
                self._causes.find(analysis, lambda cause: self._show_cause(cause, statements))

        self._view.work("traces-verdict", work, done)

    def _show_cause(self, cause: Statement | None, statements: list[Statement]) -> None:
        self._cause = cause or no_cause_statement(is_running=False)
        self._show([self._cause, *statements])

    def _show(self, statements: list[Statement]) -> None:
        self._bar.show_statements(statements, self._view.key_names)
        self._resized()
