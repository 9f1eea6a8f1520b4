"""Span as an object, and the types of its columns."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | bool | int | float | bytes | None | list["Value"] | dict[str, "Value"]
"""Attribute value: OTLP's AnyValue."""

Attributes = Mapping[str, Value]

WARN_SEVERITY = 13
ERROR_SEVERITY = 17
"""Lowest severity numbers of OpenTelemetry for a warning and for an error."""

UNKNOWN_SERVICE = "unknown_service"
"""Service name if the source gives none, as in OpenTelemetry."""


class Kind(enum.IntEnum):
    """Span kinds, with OTLP's numbers."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class Status(enum.IntEnum):
    """Status in the source, with OTLP's numbers. `Span.error` is whether the span counts as an error."""

    UNSET = 0
    OK = 1
    ERROR = 2


class Flag(enum.IntFlag):
    """Flags of unusual spans, stored as bits of one column."""

    NONE = 0
    ORPHAN = 1
    """Its parent is not in the trace."""
    SAME_ID = 2
    """A different span of the trace has the same id."""
    CYCLE_CUT = 4
    """It is the earliest span of a parent cycle, which was cut here."""
    START_REPAIRED = 8
    """Its start is missing and was set to that of its parent. Decoders set this flag if the source gives no start."""
    NEGATIVE_DURATION = 16
    """Its duration was negative and was set to 0."""
    SOURCE_WARNING = 32
    """The source has a warning about it."""
    NO_DURATION = 64
    """Its duration and end are missing (a span that was never finished); the duration was set to 0."""
    SKEW_ADJUSTED = 128
    """Its times were moved to correct clock skew between its host and that of its caller."""
    FOLLOWS_FROM = 256
    """The source states that its parent did not wait for it (OpenTracing's FOLLOWS_FROM). Not a warning."""
    SHARED = 512
    """Server half of a Zipkin RPC whose halves share one id. Not a warning."""
    SHORTENED = 1024
    """Attributes, events or links over the size limit were skipped."""
    OUT_OF_RANGE = 2048
    """Its start or duration exceeded 64 bits of nanoseconds and was cut to the limit."""
    END_KNOWN = 4096
    """Its start is missing, and the start column contains its end. Only used between decoding and assembly."""

    @classmethod
    def warnings(cls) -> Flag:
        """Return the flags that count as warnings."""
        return ~(cls.FOLLOWS_FROM | cls.SHARED | cls.END_KNOWN)


STATUS_SHIFT = 3
ERROR_SHIFT = 5
FLAG_SHIFT = 6
NO_START = Flag.START_REPAIRED << FLAG_SHIFT
"""Packed state of a span without a start."""
NO_DURATION = Flag.NO_DURATION << FLAG_SHIFT
"""Packed state of a span without a duration."""


def pack_state(kind: int, status: int, error: bool, flags: int = 0) -> int:
    """Pack kind, status, error and flags into one integer, for a column of decoded spans."""
    return kind | status << STATUS_SHIFT | error << ERROR_SHIFT | flags << FLAG_SHIFT


@dataclass(frozen=True, slots=True)
class Event:
    """Event at one moment of a span (a log in Jaeger, an annotation in Zipkin)."""

    time_ns: int
    name: str
    attributes: Attributes = field(default_factory=dict)
    is_log: bool = False
    """True for a log record from a file, not an event of the span itself."""
    by_time: bool = False
    """True if the log record names no loaded span and was matched by time."""
    no_time: bool = False
    """True if the log record has no time, and `time_ns` is the start of its span."""
    severity: int = 0
    """OpenTelemetry severity number of the log record; 0 for none."""


@dataclass(frozen=True, slots=True)
class Link:
    """Link to another span, of this trace or another, that is not the parent."""

    trace_id: str
    span_id: str
    kind: str = ""
    """'CHILD_OF' or 'FOLLOWS_FROM' from Jaeger, else ''."""
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """Complete span, built only for display or export.

    Times are integer nanoseconds, `start_ns` since the Unix epoch. Ids are in the spelling of the source.
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
    """True if the span counts as an error, by the table of `ingest.formats.error_rule`."""
    attributes: Attributes = field(default_factory=dict)
    resource: Attributes = field(default_factory=dict)
    """Resource attributes (process tags in Jaeger), without the service name."""
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
