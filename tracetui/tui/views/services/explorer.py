"""The explorer of the services view: columns about the service in focus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tracetui.analysis.analysis import Analysis
from tracetui.render.services.explorer import ExplorerColumn, Subject
from tracetui.render.services.table import ServiceListColumns
from tracetui.render.text.line import Line
from tracetui.tui.background_work import Work
from tracetui.tui.state import State
from tracetui.tui.views.services.modes import AROUND, Mode, ModeColumns, ShownChanges, mode_columns, title
from tracetui.tui.widgets.line_view import LineView, NoLines


class ServiceExplorer:
    """Neighbours of the service in focus, or the answer to a query about it, in one or two columns."""

    def __init__(
        self, state: State, work: Work, left: LineView, right: LineView, shown: Callable[[ModeColumns], None]
    ) -> None:
        """`shown` is called once the columns are shown."""
        self._state, self._work = state, work
        self._left, self._right, self._shown = left, right, shown
        self.mode = Mode()
        self.changes: ShownChanges | None = None
        """Changes since another set; None for none."""
        self.service = ""
        self._columns: ModeColumns | None = None
        """None until the answer is computed."""

    def forget(self) -> None:
        """Drop the answer, which is about another set or query."""
        self._columns = None

    def show(self, columns: ServiceListColumns, analysis: Analysis, service: str) -> None:
        """Show a service; what takes long is computed outside the UI loop."""
        if not set(self.mode.others) <= set(columns.table.number):
            self.mode = Mode()
        if service != self.service:
            # an operation belongs to the previous service
            self.mode, self.service = replace(self.mode, operation=""), service
        glyphs, mode, changes = self._state.look.glyphs, self.mode, self.changes

        def done(found: ModeColumns) -> None:
            if (mode, service, changes) == (self.mode, self.service, self.changes):
                self._show(found)

        def make() -> ModeColumns:
            return mode_columns(columns, analysis, mode, service, glyphs, changes)

        if mode.what == AROUND and not mode.operation:
            done(make())
        else:
            self._work("services-mode", make, done)

    def _show(self, found: ModeColumns) -> None:
        self._columns = found
        self._left.show(found.left, found.left.first)
        self._right.display = found.right is not None
        self._right.show(found.right or NoLines(), found.right.first if found.right else 0)
        self._shown(found)

    def title(self, columns: ServiceListColumns, service: str, width: int) -> Line:
        """Title of the columns for the service under the cursor, which the explorer may not have followed yet."""
        mode = self.mode if service == self.service else replace(self.mode, operation="")
        return title(columns, mode, service, self._columns, width, self._state.look.glyphs)

    def subject(self, service: str) -> Subject:
        """Subject of a row of the ranking: a service, or its operation in focus."""
        return Subject(service, operation=self.mode.operation if service == self.service else "")

    @staticmethod
    def subject_in(view: LineView, row: int) -> Subject | None:
        """Subject of a row of one of the columns."""
        return view.source.subject(row) if isinstance(view.source, ExplorerColumn) else None
