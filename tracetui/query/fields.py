"""Fields of spans and traces for queries, and their columns."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.calls import is_named, linked_calls, named_above, owners
from tracetui.analysis.span_warnings import WARNING_KINDS, warning_masks
from tracetui.model.span import Kind, Status
from tracetui.model.traces import TraceSet
from tracetui.query.lexer import unquoted


class Type(enum.Enum):
    """Types of fields, which determine the allowed comparisons."""

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    DURATION = "duration"
    TIME = "time"
    FLAG = "flag"
    ID = "id"


@dataclass(frozen=True, slots=True)
class TextColumn:
    """Text column: int[n] into `texts`. `absent` is the code for no text."""

    codes: np.ndarray
    texts: list[str]
    absent: int | None = None


@dataclass(frozen=True, slots=True)
class SpanValues:
    """Any number of texts per span, read on demand."""

    present: np.ndarray
    """bool[n], true for spans that may have some."""
    texts: Callable[[int], Sequence[str]]
    """Returns the texts of a span."""


FieldColumn = TextColumn | SpanValues | np.ndarray
"""Texts or SpanValues for TEXT and CHOICE; int64[n] for NUMBER, DURATION and TIME (ns); bool[n] for FLAG."""


@dataclass(frozen=True, slots=True)
class Field:
    """Field of a query. `read` returns its column, one value per span, or per trace if `of_traces`; ids have none."""

    name: str
    type: Type
    of_traces: bool
    help: str
    read: Callable[[TraceSet], FieldColumn] | None = None
    choices: tuple[str, ...] = ()
    can_lack: bool = False
    """True if spans can lack the field, so that the field alone is a condition."""
    read_also: Callable[[TraceSet], TextColumn] | None = None
    """Another column of the field: a value matches if either column does."""
    decodes: bool = False
    """True if each span has to be decoded."""


OF_EXCEPTIONS: Final = "exception."
"""Prefix of the attributes that, by convention, are on the event of an exception."""


class Scope(enum.Enum):
    """Places in which an attribute is searched for."""

    ANY = "attr"
    """The span or else its resource, and the events of the span."""
    SPAN = "span"
    RESOURCE = "resource"
    EVENT = "event"


SCOPES: Final = {f"{scope.value}.": scope for scope in Scope}
"""Prefixes of attribute names in queries."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """Attribute in a query."""

    key: str
    scope: Scope = Scope.ANY


def _status(traces: TraceSet) -> TextColumn:
    return TextColumn(
        np.where(traces.error, 2, np.where(traces.status == Status.OK, 1, 0)), ["unset", "ok", "error"], 0
    )


def _trace_service_count(traces: TraceSet) -> np.ndarray:
    pairs = np.unique(traces.trace.astype(np.int64) * len(traces.services) + traces.service)
    counts: np.ndarray = np.bincount(pairs // max(len(traces.services), 1), minlength=traces.trace_count)
    return counts


def _trace_name(traces: TraceSet) -> TextColumn:
    operations, codes = np.unique(traces.operation[traces.main_root], return_inverse=True)
    return TextColumn(codes, [" ".join(traces.operation_label(number)) for number in operations.tolist()])


def _exact_trace_name(traces: TraceSet) -> TextColumn:
    operations, codes = np.unique(traces.exact_operation[traces.main_root], return_inverse=True)
    pairs = [divmod(number, len(traces.names)) for number in operations.tolist()]
    return TextColumn(codes, [f"{traces.services[service]} {traces.names[name]}" for service, name in pairs])


def _caller(traces: TraceSet) -> TextColumn:
    service, none = traces.service, len(traces.services)
    above = named_above(traces)
    caller = np.where(above >= 0, service[above], none)
    caller = np.where((caller == service) | ~is_named(traces), none, caller)
    linked, linking = linked_calls(traces)
    # a batch may have several producers: use the first
    linked, linking = linked[::-1], linking[::-1]
    linked, linking = linked[caller[linking] == none], linking[caller[linking] == none]
    caller[linking] = owners(traces)[linked]
    return TextColumn(caller, [*traces.services, ""], none)


def _events(traces: TraceSet) -> SpanValues:
    return SpanValues(traces.event_bytes > 0, lambda span: [event.name for event in traces.own_events(span)])


def _log_records(traces: TraceSet) -> SpanValues:
    present = np.zeros(len(traces), bool)
    present[traces.log_lines.span] = True
    return SpanValues(present, lambda span: [event.name for event in traces.log_events(span)])


def _links(traces: TraceSet) -> SpanValues:
    return SpanValues(
        traces.link_bytes > 0,
        lambda span: [text for link in traces.links(span) for text in (link.trace_id, link.span_id)],
    )


def _warnings(traces: TraceSet) -> SpanValues:
    masks = warning_masks(traces)
    present = np.logical_or.reduce(list(masks.values()))
    return SpanValues(present, lambda span: [name for name, mask in masks.items() if mask[span]])


_KINDS: Final = tuple(kind.name.lower() for kind in Kind)

_OF_SPANS: Final = (
    Field("service", Type.TEXT, False, "service of a span", lambda t: TextColumn(t.service, t.services)),
    Field(
        "operation",
        Type.TEXT,
        False,
        "operation of a span: its exact name, or with {id} for ids",
        lambda t: TextColumn(t.shape, t.shapes),
        read_also=lambda t: TextColumn(t.name, t.names),
    ),
    Field(
        "caller",
        Type.TEXT,
        False,
        "service that called the span's service",
        _caller,
        can_lack=True,
    ),
    Field("error", Type.FLAG, False, "a span counts as an error", lambda t: t.error, can_lack=True),
    Field(
        "status",
        Type.CHOICE,
        False,
        "ok, error or unset; error includes every span that counts as one",
        _status,
        ("ok", "error", "unset"),
        can_lack=True,
    ),
    Field(
        "message",
        Type.TEXT,
        False,
        "status message of a span",
        lambda t: TextColumn(t.message, t.messages, 0),
        can_lack=True,
    ),
    Field(
        "kind",
        Type.CHOICE,
        False,
        "server, client, producer, consumer or internal (also if none is stated)",
        lambda t: TextColumn(np.where(t.kind == Kind.UNSPECIFIED, Kind.INTERNAL, t.kind), list(_KINDS)),
        _KINDS,
        can_lack=True,
    ),
    Field("event", Type.TEXT, False, "name of an event of a span", _events, can_lack=True, decodes=True),
    Field("log", Type.TEXT, False, "message of a log record of a span", _log_records, can_lack=True, decodes=True),
    Field("link", Type.TEXT, False, "trace id or span id that a span links to", _links, can_lack=True, decodes=True),
    Field(
        "warning",
        Type.CHOICE,
        False,
        f"warning about a span: {', '.join(kind.name for kind in WARNING_KINDS)}",
        _warnings,
        tuple(kind.name for kind in WARNING_KINDS),
        can_lack=True,
    ),
    Field("depth", Type.NUMBER, False, "levels below the root, 0 for a root", lambda t: t.depth),
    Field("span.duration", Type.DURATION, False, "duration of a span, also outside braces", lambda t: t.duration),
    Field("span.id", Type.ID, False, "id of a span"),
)
_OF_TRACES: Final = (
    Field(
        "trace.duration", Type.DURATION, True, "duration of the trace, also inside braces", lambda t: t.trace_duration
    ),
    Field("trace.response", Type.DURATION, True, "response time: duration of the main root", lambda t: t.response_time),
    Field(
        "trace.start",
        Type.TIME,
        True,
        "when the trace started, such as 2024-05-01T10:03Z",
        lambda t: t.trace_start,
    ),
    Field(
        "trace.age",
        Type.DURATION,
        True,
        "how long before the newest trace of the set it started",
        lambda t: t.trace_start.max(initial=0) - t.trace_start,
    ),
    Field("trace.id", Type.ID, True, "id of the trace, in any spelling"),
    Field(
        "trace.name",
        Type.TEXT,
        True,
        "service and operation of the main root",
        _trace_name,
        read_also=_exact_trace_name,
    ),
    Field("trace.spans", Type.NUMBER, True, "number of spans in the trace", lambda t: np.diff(t.first)),
    Field("trace.errors", Type.NUMBER, True, "number of error spans in the trace", lambda t: t.trace_errors),
    Field("trace.services", Type.NUMBER, True, "number of services in the trace", _trace_service_count),
    Field(
        "root.service",
        Type.TEXT,
        True,
        "service of the main root",
        lambda t: TextColumn(t.service[t.main_root], t.services),
    ),
    Field(
        "root.operation",
        Type.TEXT,
        True,
        "operation of the main root",
        lambda t: TextColumn(t.shape[t.main_root], t.shapes),
        read_also=lambda t: TextColumn(t.name[t.main_root], t.names),
    ),
)
_DURATION: Final = Field("duration", Type.DURATION, True, "duration of the trace; inside braces that of the span")

FIELDS: Final[dict[str, Field]] = {field.name: field for field in (_DURATION, *_OF_SPANS, *_OF_TRACES)}
"""Fields by name, the most useful ones first."""

KEYWORDS: Final[dict[str, str]] = {
    "AND": "both conditions (also &&)",
    "OR": "either condition (also ||)",
    "NOT": "not the following condition (also !)",
    "EXISTS": "the following field is present",
    "{": "conditions that one span meets together",
    "(": "opens a group",
    ">>": "a span below one that meets the braces before",
    "=": "equals",
    "!=": "is not; outside braces, no span has the value",
    "=~": "matches a regular expression",
    "!~": "does not match a regular expression; outside braces, no span does",
    ">": "is more than",
    ">=": "is at least",
    "<": "is less than",
    "<=": "is at most",
}
"""Keywords and operators of the language, each with an explanation."""

ALIASES: Final = {
    "name": "operation",
    "span.name": "operation",
    "span.operation": "operation",
    "span.service": "service",
    "span.kind": "kind",
    "span.status": "status",
    "span.error": "error",
    "span.depth": "depth",
    "service.name": "service",
    "resource.service.name": "service",
    "status.message": "message",
}
RESERVED: Final = ("trace.", "root.")
"""Prefixes reserved for fields, so that a typing error is not taken as an unknown attribute."""


def field_named(name: str, in_braces: bool) -> Field | None:
    """Find a field by name or alias. `duration` is that of the span inside braces, else that of the trace."""
    if name == "duration":
        name = "span.duration" if in_braces else "trace.duration"
    return FIELDS.get(ALIASES.get(name, name))


def attribute_named(name: str) -> Attribute | None:
    """Find the attribute with a name that is not a field; None for none."""
    for prefix, scope in (*SCOPES.items(), (".", Scope.ANY), ("", Scope.ANY)):
        key = name.removeprefix(prefix)
        if name.startswith(prefix) and key:
            is_one = prefix or key[0] in "\"'`" or ("." in key.strip(".") and not key.startswith(RESERVED))
            return Attribute(unquoted(key), scope) if is_one else None
    return None
