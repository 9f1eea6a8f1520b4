"""Position of a decoder in the input, and its warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracetui.model.intake import Intake, WithoutSpans


@dataclass(frozen=True, slots=True)
class LineNumbers:
    """Numbers of the lines of a text in its source, and their unit: lines or entries."""

    unit: str
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True)
class DecodeContext:
    """A position in a source: the file as the user named it and a path into it."""

    intake: Intake
    file: str
    position: str = ""
    in_log: bool = False
    """True for a line of a log, where lines without spans are normal."""
    lines: LineNumbers | None = None
    """Positions of the lines in the source, for a text that was assembled from several entries."""

    def at(self, step: str) -> DecodeContext:
        """Return the context of an inner position: `.at("spans[3]")`."""
        # as `replace`, which takes several times as long
        position = f"{self.position}.{step}" if self.position else step
        return DecodeContext(self.intake, self.file, position, self.in_log, self.lines)

    def line(self, number: int) -> DecodeContext:
        """Return the context of a line of this text, counted from 1."""
        if self.lines is None:
            return self.at(f"line {number}")
        return DecodeContext(self.intake, self.file, f"{self.lines.unit} {self.lines.numbers[number - 1]}", self.in_log)

    def trace(self, trace_id: str) -> int:
        """Return the index of a trace; spans without a trace id get a trace of their own."""
        if trace_id:
            return self.intake.traces(trace_id)
        self.warn("spans without a trace id; shown together as one trace")
        return self.intake.traces.add_unnamed()

    def warn(self, message: str) -> None:
        """Warn about this position."""
        self.intake.warnings.add(self.file, self.position, message)

    @property
    def without_spans(self) -> WithoutSpans:
        """Content of this source that holds no spans."""
        return self.intake.without_spans.setdefault(self.file, WithoutSpans())

    def skip_line(self) -> None:
        """Count a line of text without spans."""
        if self.in_log:
            self.without_spans.log_lines += 1
        else:
            self.without_spans.texts += 1

    def skip_value(self, description: str, *, is_log_record: bool) -> None:
        """Count a JSON value of an unknown kind: normal in a log, the diagnosis of a source without spans."""
        if self.in_log or is_log_record:
            self.skip_line()
        if not self.in_log:
            self.without_spans.add(WithoutSpans(values=1, first=(self.position, description)))


class UnreadCounts:
    """Counts spans with unreadable parts, by part and consequence: one bad field often recurs in many spans."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def note(self, part: str, consequence: str = "cannot be read: unknown structure", spans: int = 1) -> None:
        """Count spans; the warning is "`part` of N spans `consequence`"."""
        self._counts[part, consequence] = self._counts.get((part, consequence), 0) + spans

    def warn(self, context: DecodeContext) -> None:
        """Warn once about each part."""
        for (part, consequence), count in self._counts.items():
            context.warn(f"{part} of {count:,} span{'s' if count > 1 else ''} {consequence}")
        self._counts.clear()
