"""Second column of the errors view: the trace under the cursor, with stack trace and contrast."""

from __future__ import annotations

from typing import NamedTuple

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.contrast import Contrast
from tracetui.analysis.error_table import ErrorTable
from tracetui.analysis.errors import ErrorPattern
from tracetui.render.errors.example import ExampleLines
from tracetui.tui.background_work import Work
from tracetui.tui.state import Look
from tracetui.tui.widgets.line_view import LineView, NoLines


class _Subject(NamedTuple):
    """Content of the column."""

    table: ErrorTable
    pattern: ErrorPattern
    trace: int
    contrast: Contrast | None
    """That of the pattern's traces, None until it is computed."""
    local_time: bool

    def is_like(self, other: _Subject) -> bool:
        """Compare by identity, as patterns hold arrays."""
        return (self.trace, self.local_time) == (other.trace, other.local_time) and all(
            mine is others for mine, others in zip(self, other, strict=True) if not isinstance(mine, int)
        )


class ErrorExample:
    """Shows one trace of a pattern at a time. It is prepared outside the UI loop."""

    def __init__(self, look: Look, work: Work) -> None:
        self._look, self._work = look, work
        self.view = LineView(look.theme, look.glyphs.cursor)
        self.view.display = False
        self._subject: _Subject | None = None

    @property
    def lines(self) -> ExampleLines | None:
        """The shown lines; None before the first."""
        return self.view.source if isinstance(self.view.source, ExampleLines) else None

    def clear(self) -> None:
        self._subject = None
        self.view.show(NoLines(), 0)

    def show(
        self, analysis: Analysis, table: ErrorTable, pattern: ErrorPattern, trace: int, contrast: Contrast | None
    ) -> None:
        """Show a trace of the pattern, and the contrast once there is one."""
        subject, before = _Subject(table, pattern, trace, contrast, self._look.local_time), self._subject
        if before is not None and subject.is_like(before):
            return
        self._subject = subject
        glyphs = self._look.glyphs

        def prepare() -> ExampleLines:
            return ExampleLines(analysis, table, pattern, trace, contrast, glyphs, subject.local_time)

        def done(lines: ExampleLines) -> None:
            if self._subject is subject:
                same_trace = self.lines is not None and self.lines.trace == trace
                self.view.show(lines, self.view.cursor if same_trace else 0)

        self._work("errors.example", prepare, done)
