"""One trace of an error pattern, and what explains the pattern: its waterfall, the stack trace, and the contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.contrast import Contrast
from tracetui.analysis.error_messages import error_message
from tracetui.analysis.error_table import ErrorTable
from tracetui.analysis.errors import ErrorPattern, roles
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.stack_trace import read_stack_trace
from tracetui.render.traces.contrast import caveat, contrast_bars, difference_words, ranked
from tracetui.render.waterfall.waterfall import Waterfall

_MAX_SPANS = 14
"""Largest number of rows of the waterfall; errors and the critical path are preferred."""
_MAX_FRAMES = 8
_MAX_DIFFERENCES = 6
_MAX_CHARACTERS = 300
"""Largest number of characters of a line of the stack trace."""

ExamplePart = Literal["span", "stack", "contrast"]


@dataclass(frozen=True, slots=True)
class _ExampleRow:
    """Line of the example. The waterfall and the bars are drawn for the width that they get.

    part: what the line shows, None for a heading; position: row of the waterfall or of the contrast.
    """

    part: ExamplePart | None = None
    position: int = 0
    line: Line | None = None


class ExampleLines:
    """Lines of one trace of a pattern. Row 0 is the title."""

    def __init__(
        self,
        analysis: Analysis,
        table: ErrorTable,
        pattern: ErrorPattern,
        trace: int,
        contrast: Contrast | None,
        glyphs: Glyphs,
        local_time: bool = False,
    ) -> None:
        """`trace`: one of the pattern's. `contrast`: that of the pattern's traces, None until it is computed."""
        traces = analysis.traces
        view = Waterfall(
            traces,
            trace,
            sections=analysis.paths.sections_of(trace),
            roles=roles(traces),
            glyphs=glyphs,
            message_of=lambda span: error_message(traces, span),
        )
        self.pattern, self.trace = pattern, trace
        self._view, self._glyphs = view, glyphs
        self.stack = table.stack_of(pattern, trace)
        """Stack trace of the error, '' for none."""
        self._differences = ranked(contrast)[:_MAX_DIFFERENCES] if contrast else []
        self._longest = max((cell_width(difference_words(one, glyphs)) for one in self._differences), default=0)
        view.limit(_MAX_SPANS)
        self._rows = [_ExampleRow(line=self._title(local_time)), _ExampleRow(part="span", position=-1)]
        self._rows += [_ExampleRow(part="span", position=row) for row in range(len(view.rows))]
        omitted = view.rows.omitted_count()
        if omitted:
            text = f"{glyphs.ellipsis} {numbers.counted(omitted, 'more span')}"
            self._rows.append(_ExampleRow(line=Line([(text, Role.DIM)])))
        self._rows += self._stack_rows(self.stack)
        if contrast is not None and self._differences:
            self._rows += self._contrast_rows(contrast)

    def __len__(self) -> int:
        return len(self._rows)

    def part(self, row: int) -> ExamplePart | None:
        """Return what a row shows."""
        return self._rows[row].part

    def span(self, row: int) -> int | None:
        """Return the span of a row of the waterfall; None for other rows."""
        found = self._rows[row]
        if found.part != "span" or found.position < 0:
            return None
        return self._view.rows.spans(found.position).start

    def line(self, row: int, width: int) -> Line:
        found = self._rows[row]
        if found.line is not None:
            line = found.line
        elif found.part == "contrast":
            line = contrast_bars(self._differences[found.position], self._longest, width, self._glyphs)
        elif found.part == "span":
            line = self._view.scale(width) if found.position < 0 else self._view.row(found.position, width)
        else:
            line = Line()
        return line.cropped(width, self._glyphs.ellipsis)

    def _title(self, local_time: bool) -> Line:
        view, traces = self._view, self._view.traces
        line = Line([(numbers.clock(int(traces.trace_start[view.trace]), local_time), Role.TITLE)])
        line.add(f"  {numbers.duration(int(traces.response_time[view.trace]), self._glyphs.ascii_only)}", Role.STRONG)
        return line.add(f"  {numbers.counted(len(traces.spans_of(view.trace)), 'span')}", Role.DIM)

    def _stack_rows(self, text: str) -> list[_ExampleRow]:
        """Return the frames of own code, or all frames if there are none, or the first lines of other text."""
        if not text:
            return []
        stack = read_stack_trace(text)
        if stack is None:
            lines = [line for line in text.splitlines() if line.strip()]
            total, note = len(lines), "more line"
        else:
            lines = [str(frame) for frame in stack.own or stack.frames]
            total, note = len(stack.frames), "more frame"
        shown = lines[:_MAX_FRAMES]
        rows = [_ExampleRow(), _ExampleRow(line=Line([("stack trace", Role.TITLE)]))]
        rows += [
            _ExampleRow("stack", line=Line([("  " + safe(line.strip(), _MAX_CHARACTERS), Role.PLAIN)]))
            for line in shown
        ]
        if total > len(shown):
            text = f"  {self._glyphs.ellipsis} {numbers.counted(total - len(shown), note)}"
            rows.append(_ExampleRow(part="stack", line=Line([(text, Role.DIM)])))
        return rows

    def _contrast_rows(self, found: Contrast) -> list[_ExampleRow]:
        title = Line([("over-represented", Role.TITLE)])
        title.add(f"  in {numbers.counted(found.selected, 'trace')}, {found.rest:,} others", Role.DIM)
        warning = caveat(found, self._glyphs)
        title.add(f"  {warning}" if warning else "", Role.WARNING)
        rows = [
            _ExampleRow(),
            _ExampleRow(line=title),
            *(_ExampleRow("contrast", row) for row in range(len(self._differences))),
        ]
        more = len(found.differences) - len(self._differences)
        if more:
            rows.append(_ExampleRow("contrast", line=Line([(f"{self._glyphs.ellipsis} {more} more", Role.DIM)])))
        return rows
