"""Building blocks of reports: lines, wrapped texts, lists and tables for one width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracetui.model.trace_page import page_of
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import glyphs_of
from tracetui.render.text.line import Line, Role, flowed, wrapped
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import Cell, Column, table

INDENT = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """Layout of a report. `width` in cells; `verbose` lists everything."""

    width: int = 80
    ascii_only: bool = False
    verbose: bool = False
    local_time: bool = False
    filtered: str = ""
    """Description of the filters, '' for none."""
    searched: str = ""
    """Description of the traces searched on a server that has more; '' if all were searched."""
    words: str = ""
    """Description of where the words of the filters were searched; '' for none."""
    window: str = ""
    """Time range that servers were searched for: "the last 1h"; '' for files."""
    trace_page: str = ""
    """Address of a trace's web page, as in `model.trace_page`, for hyperlinks; '' for none."""


class Page:
    """Lines of a report for one width. Text arguments must be safe to show."""

    def __init__(self, options: ReportOptions) -> None:
        self.options = options
        self.width = options.width
        self.glyphs = glyphs_of(options.ascii_only)

    def line(self, *runs: tuple[str, str]) -> Line:
        """Return a line of texts with their roles, cut at the width."""
        return Line(runs).cropped(self.width, self.glyphs.ellipsis)

    def trace(self, trace_id: str, role: str = Role.PLAIN) -> tuple[str, str]:
        """Return a trace id and its role, with a hyperlink to the page of the trace."""
        return safe(trace_id), Role.link(page_of(self.options.trace_page, trace_id), role)

    def wrapped(self, text: str, role: str) -> list[Line]:
        return wrapped(Line([(text, role)]), self.width, self.glyphs.ellipsis)

    def flowed(self, *items: Line, indent: str = "", gap: int = 3, head: Line | None = None) -> Iterator[Line]:
        """Arrange short lines side by side, as many as fit, each line after `indent`, the first after `head`."""
        for line in flowed(items, self.width - len(indent), gap, self.glyphs.ellipsis):
            yield Line(head.runs if head is not None else [(indent, Role.PLAIN)]).extend(line)
            head = None

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]]) -> Iterator[Line]:
        return table(columns, rows, self.width, self.glyphs.ellipsis)

    def few(self, count: int, most: int) -> int:
        """Return the number of rows to list, at most `most` unless verbose."""
        return count if self.options.verbose else min(count, most)

    def more(self, omitted: int, noun: str = "", plural: str = "") -> Iterator[Line]:
        """Yield the number of rows that were omitted, if any."""
        if omitted > 0:
            what = (
                numbers.counted(omitted, f"more {noun}", plural and f"more {plural}") if noun else f"{omitted:,} more"
            )
            yield self.line((f"{INDENT}{what}: --verbose lists all", Role.DIM))

    def duration(self, ns: float) -> str:
        return numbers.duration(round(ns), self.glyphs.ascii_only)
