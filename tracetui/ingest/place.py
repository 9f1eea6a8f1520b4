"""Where in the input a decoder is, so that its warnings can say so."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tracetui.model.intake import Intake


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a source: the file as the user named it and a path into it."""

    intake: Intake
    file: str
    position: str = ""

    def at(self, step: str) -> Place:
        """A place further in: `.at("spans[3]")`."""
        return replace(self, position=f"{self.position}.{step}" if self.position else step)

    def trace(self, trace_id: str) -> int:
        """The index of a trace; what is here without a trace id gets one to itself."""
        if trace_id:
            return self.intake.trace(trace_id)
        self.warn("spans without a trace id; they are shown as a trace of their own")
        return self.intake.unnamed_trace()

    def warn(self, message: str) -> None:
        """Warn the user about this place."""
        self.intake.warn(self.file, self.position, message)
