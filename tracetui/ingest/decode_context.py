"""Position of a decoder in the input, for its warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracetui.model.intake import Intake


@dataclass(frozen=True, slots=True)
class LineNumbers:
    """The numbers that the lines of a text have in its source, and what they count: lines or entries."""

    unit: str
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True)
class DecodeContext:
    """A position in a source: the file as the user named it and a path into it."""

    intake: Intake
    file: str
    position: str = ""
    in_log: bool = False
    """Whether it is a line of a log, where most lines are no spans and that is no fault."""
    lines: LineNumbers | None = None
    """Of a text that was put together: where its lines stand in the source."""

    def at(self, step: str) -> DecodeContext:
        """A place further in: `.at("spans[3]")`."""
        return replace(self, position=f"{self.position}.{step}" if self.position else step)

    def line(self, number: int) -> DecodeContext:
        """The place of a line of this text, counted from 1."""
        if self.lines is None:
            return self.at(f"line {number}")
        return DecodeContext(self.intake, self.file, f"{self.lines.unit} {self.lines.numbers[number - 1]}", self.in_log)

    def trace(self, trace_id: str) -> int:
        """Index of a trace; spans without a trace id get one to themselves."""
        if trace_id:
            return self.intake.trace(trace_id)
        self.warn("spans without a trace id; they are shown as a trace of their own")
        return self.intake.unnamed_trace()

    def warn(self, message: str) -> None:
        """Warn the user about this place."""
        self.intake.warn(self.file, self.position, message)

    def skip(self) -> None:
        """Count a line that holds no spans, if it is one of a log."""
        if self.in_log:
            self.intake.other_lines[self.file] = self.intake.other_lines.get(self.file, 0) + 1


class UnreadCounts:
    """Counts the spans of which something cannot be read, by what it is and what became of it."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def note(self, what: str, then: str = "cannot be read: an unknown shape", spans: int = 1) -> None:
        """Count spans; the warning is `what` of so many spans, and `then`."""
        self._counts[what, then] = self._counts.get((what, then), 0) + spans

    def warn(self, context: DecodeContext) -> None:
        """Warn once of each thing."""
        for (what, then), count in self._counts.items():
            context.warn(f"{what} of {count:,} span{'s' if count > 1 else ''} {then}")
        self._counts.clear()
