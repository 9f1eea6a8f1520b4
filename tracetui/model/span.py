"""One span in full, and the types of its columns."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | bool | int | float | bytes | None | list["Value"] | dict[str, "Value"]
"""Values of an attribute: the AnyValue of OTLP."""

Attributes = Mapping[str, Value]

WARN_SEVERITY = 13
ERROR_SEVERITY = 17
"""The least severity numbers of OpenTelemetry that stand for a warning and for an error."""

UNKNOWN_SERVICE = "unknown_service"
"""The name of a span's service where its source gives none (OpenTelemetry's word for it)."""


class Kind(enum.IntEnum):
    """The span kinds, with OTLP's numbers."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class Status(enum.IntEnum):
    """The status a source wrote, with OTLP's numbers. Whether a span *counts* as an error is `Span.error`."""

    UNSET = 0
    OK = 1
    ERROR = 2


class Flag(enum.IntFlag):
    """Flags for unusual spans; a trace set holds them as one column of bits."""

    NONE = 0
    ORPHAN = 1
    """Its parent id is not in its trace."""
    SAME_ID = 2
    """Another, different span of its trace has the same id."""
    CYCLE_CUT = 4
    """The span was the earliest of a parent cycle, which was cut here."""
    START_REPAIRED = 8
    """Its start is missing; it has its parent's. A decoder sets it where the source gives no start."""
    NEGATIVE_DURATION = 16
    """Its duration was negative; it has 0."""
    SOURCE_WARNING = 32
    """Its source warned about it."""
    NO_DURATION = 64
    """Its source gave no duration or end (a span that was never finished); it has 0."""
    SKEW_ADJUSTED = 128
    """Its times were moved because its host's clock disagrees with its caller's."""
    FOLLOWS_FROM = 256
    """Its parent did not wait for it by the source's own word (an OpenTracing FOLLOWS_FROM). No warning."""
    SHARED = 512
    """The server half of a Zipkin RPC whose two halves have one id. No warning."""
    SHORTENED = 1024
    """Attributes, events or links over the size limit were skipped."""
    OUT_OF_RANGE = 2048
    """Its start or duration was beyond what 64 bits of nanoseconds hold; it was cut to the limit."""
    END_KNOWN = 4096
    """Its start is missing, and the column of starts holds its end instead. Between decoder and assembly only."""

    @classmethod
    def warnings(cls) -> Flag:
        """Flags that count as warnings."""
        return ~(cls.FOLLOWS_FROM | cls.SHARED | cls.END_KNOWN)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one moment within a span (a log in Jaeger, an annotation in Zipkin)."""

    time_ns: int
    name: str
    attributes: Attributes = field(default_factory=dict)
    is_log: bool = False
    """True for a line of a log file, not an event of the span itself."""
    by_time: bool = False
    """True if such a line names no loaded span, and was matched by time."""
    no_time: bool = False
    """True if such a line has no time, and `time_ns` is the start of its span."""
    severity: int = 0
    """Severity number of such a line, as in OpenTelemetry; 0 for none."""

    @property
    def is_error_log(self) -> bool:
        """True for a line of a log with the severity of an error."""
        return self.is_log and self.severity >= ERROR_SEVERITY


@dataclass(frozen=True, slots=True)
class Link:
    """A pointer to another span, of this trace or another, that is not the parent."""

    trace_id: str
    span_id: str
    kind: str = ""
    """'CHILD_OF' or 'FOLLOWS_FROM' where Jaeger wrote it, else ''."""
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """One span in full, built only for display or export.

    Times are integer nanoseconds, `start_ns` since the Unix epoch. Ids are text as the source wrote them.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    start_ns: int
    duration_ns: int
    kind: Kind = Kind.UNSPECIFIED
    status: Status = Status.UNSET
    status_message: str = ""
    error: bool = False
    """True if the span counts as an error, by the table of `ingest.error_rule`."""
    attributes: Attributes = field(default_factory=dict)
    resource: Attributes = field(default_factory=dict)
    """Attributes of what made the span (the Jaeger process tags), without the service name."""
    scope_name: str = ""
    scope_version: str = ""
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    flags: Flag = Flag.NONE
    warnings: tuple[str, ...] = ()
    """Descriptions of the flags, then warnings of the source."""

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.duration_ns
