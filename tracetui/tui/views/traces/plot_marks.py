"""Times that are marked in the plot: changes of attributes, and the last comparison before and after."""

from __future__ import annotations

from tracetui.analysis.analysis import Analysis
from tracetui.render.traces.scatter import MarkedTime
from tracetui.tui.background_work import Work
from tracetui.tui.state import Look
from tracetui.tui.views.traces.before_after import change_moments
from tracetui.tui.widgets.scatter import Scatter


class PlotMarks:
    """Finds the times, and marks them."""

    def __init__(self, scatter: Scatter, look: Look, work: Work) -> None:
        self._scatter, self._look, self._work = scatter, look, work
        self._changes: list[MarkedTime] = []
        self._compared: MarkedTime | None = None

    def find(self, analysis: Analysis) -> None:
        """Mark the changes among the traces of an analysis, once they are found."""
        self._work("traces-moments", lambda: change_moments(analysis.traces, self._look), self._show_changes)

    def _show_changes(self, changes: list[MarkedTime]) -> None:
        self._changes = changes
        self._show()

    def mark_comparison(self, moment_ns: int) -> None:
        """Mark the time of a comparison before and after."""
        self._compared = MarkedTime(moment_ns, "before and after")
        self._show()

    def clear(self) -> None:
        """Mark nothing."""
        self._changes, self._compared = [], None
        self._show()

    def _show(self) -> None:
        self._scatter.mark([*self._changes, *([self._compared] if self._compared is not None else [])])
