"""Content of a list with a detail: findings, and the set that they are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.model.traces import TraceSet
from tracetui.render.text.line import Line
from tracetui.tui.messages import OpenTrace
from tracetui.tui.widgets.line_view import HeadedSource

Columns = TypeVar("Columns")

AFTER_FAILURE = "{app.reload} reloads the sources, {view.traces} selects fewer traces. The other views still work."
NOT_LOADED = {
    "": ("No traces loaded.", "Start with a file, a directory, a server or - for standard input."),
    "reading": ("Loading the traces.", "This view appears once the sources are read."),
    "failed": ("No traces loaded.", "{app.reload} reloads the sources, {app.quit} quits."),
}
"""Reasons for an empty view by state of the load, with the next step. Keys are named by their actions."""


@dataclass(frozen=True, slots=True)
class AnalysisOfSet(Generic[Columns]):
    """Analysis results and their set: `traces` are those of the loaded set to which `analysis` applies."""

    analysis: Analysis
    loaded: TraceSet
    traces: np.ndarray
    columns: Columns

    def open_trace(self, trace: int, span: int) -> OpenTrace:
        """Build a request to open a trace of the findings at one of its spans."""
        loaded = int(self.traces[trace])
        return OpenTrace(loaded, int(self.loaded.first[loaded]) + span - int(self.analysis.traces.first[trace]))

    def found_span(self, span: int) -> int | None:
        """Convert a span of the loaded set to a position in the findings; None if its trace is not shown."""
        trace = int(self.loaded.trace[span])
        at = int(np.searchsorted(self.traces, trace))
        if at == len(self.traces) or self.traces[at] != trace:
            return None
        return int(self.analysis.traces.first[at]) + span - int(self.loaded.first[trace])


class Findings(Protocol[Columns]):
    """Content of a list with a detail. Rows are those of the list as it is now."""

    def analyse(self, analysis: Analysis) -> Columns:
        """Compute the content of the list. Runs outside the UI loop."""
        ...

    def list_source(self, columns: Columns) -> HeadedSource: ...

    def show_detail(self, row: int) -> None:
        """Show a row in the detail."""
        ...

    def summary_line(self, columns: Columns) -> Line: ...

    def title_line(self, row: int, width: int) -> Line:
        """Return the title of the detail."""
        ...

    def empty_message(self) -> tuple[str, str]:
        """Return the reason for an empty list, and the next step; keys are named by their actions."""
        ...

    def name_of(self, row: int) -> str:
        """Return the name of the row, as in the data."""
        ...

    def row_of_name(self, name: str) -> int | None:
        """Return the row of a name, such as the one before the set changed; None if there is none."""
        ...

    def row_of_span(self, span: int) -> int | None:
        """Return the row of a span of the findings."""
        ...
