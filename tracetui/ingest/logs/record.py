"""The contract of log forms: what a form tells of a log record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, Protocol

from msgspec import Struct

from tracetui.ingest.logs.timestamps import Moment
from tracetui.model.span import Value

Continues = Literal["never", "timed text", "always"]
"""Records that a unit continues: none, a line of text that begins with a time, or any."""


class LogContent(Struct, gc=False):
    """Content of a record, read only for records of loaded traces."""

    message: str
    moment: Moment | None = None
    span_keys: tuple[int, ...] = ()
    """Readings of the span's id (see `model.ids.span_key`), the most likely first."""
    severity: int = 0
    """OpenTelemetry's severity number; 0 for none."""
    severity_text: str = ""
    """The severity as the record has it."""
    names_severity: bool = True
    """True to show the severity before the message: a line of text already contains it."""
    attributes: dict[str, Value] = {}


class LogRecord(Struct, gc=False):
    """A log record, as far as it takes to find its trace."""

    content: Callable[[], LogContent]
    trace_ids: tuple[str, ...] = ()
    """Readings of the trace's id, the most likely first; () for a record that names no trace."""
    other_ids: tuple[str, ...] = ()
    """Possible trace id; it is one if a loaded trace has it."""
    continues: Continues = "never"
    """True if the unit belongs to the previous record."""
    is_timed_text: bool = False
    """True for a line of text that begins with a time: following lines without one belong to it."""


class LogForm(Protocol):
    """A form of log records: one file, and one line in `registry.FORMS`.

    A unit is a line without its end, one JSON object, or one protobuf message. Forms are asked in the order of the
    registry, and the first that reads a unit has it.
    """

    name: str
    """As people call it: "OTLP JSON"."""

    def recognises(self, unit: bytes) -> bool:
        """Tell cheaply whether a unit may be of this form: every line of a file is asked about."""

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        """Read a unit that is recognised; None if it is not of this form.

        Raises ValueError for a unit that is damaged.
        """
