"""Protocol of log forms, and the log record that they produce."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, Protocol

from msgspec import Struct

from tracetui.ingest.logs.timestamps import Moment
from tracetui.model.span import Value

Continuation = Literal["never", "timed lines", "always"]
"""Kind of record that a unit continues: none, a line of text that begins with a time, or any."""


class LogContent(Struct, gc=False):
    """Content of a record, decoded only for records of loaded traces."""

    message: str
    moment: Moment | None = None
    span_keys: tuple[int, ...] = ()
    """Possible keys of its span (see `model.ids.span_key`), the most likely first."""
    severity: int = 0
    """OpenTelemetry's severity number; 0 for none."""
    severity_text: str = ""
    """Severity as the record spells it."""
    names_severity: bool = True
    """True to show the severity before the message; False for a line of text, which contains it."""
    attributes: dict[str, Value] = {}


class LogRecord(Struct, gc=False):
    """Log record, decoded as far as is needed to find its trace."""

    content: Callable[[], LogContent]
    trace_ids: tuple[str, ...] = ()
    """Possible ids of its trace, the most likely first; () if it names none."""
    other_ids: tuple[str, ...] = ()
    """Ids that count as trace ids only if a loaded trace has them."""
    continues: Continuation = "never"
    """Kind of previous record that this unit continues instead of being a record of its own."""
    is_timed_text: bool = False
    """True for a line of text that begins with a time: the following lines without one continue it."""


def completed(inner: Callable[[], LogContent], outer: Callable[[], LogContent]) -> LogContent:
    """Complete the content of a record with that of the record around it, such as the fields of its envelope."""
    record, around = inner(), outer()
    if record.moment is None or (record.moment.missing and around.moment is not None):
        record.moment = around.moment
    record.span_keys = record.span_keys or around.span_keys
    if not record.severity:
        record.severity, record.severity_text, record.names_severity = around.severity, around.severity_text, True
    record.attributes = {**around.attributes, **record.attributes}
    return record


class LogForm(Protocol):
    """Form of log records. To add one, write a module and list it in `registry.FORMS`.

    A unit is a line without its end, a JSON object, or a protobuf message. Forms are tried in the order of the registry
    until one reads the unit.
    """

    name: str
    """Name for display: "OTLP JSON"."""

    def recognises(self, unit: bytes) -> bool:
        """Test whether a unit may be in this form. Must be cheap: it is called for every line of a file."""

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        """Read a recognised unit; None if it is not in this form after all.

        Raises ValueError for a unit that is damaged.
        """


class LineGroup(Protocol):
    """Form whose units are several lines of text."""

    def begins(self, line: bytes) -> bool:
        """Test whether a unit begins with this line. Must be cheap."""

    def continues(self, lines: list[bytes], line: bytes) -> bool:
        """Test whether a line continues a unit of these lines."""
