"""Rule that decides whether a span is an error: one table for all decoders.

`RULES` is the only definition of the deciding attributes. The keys that decoders search in raw bytes (`deciding_keys`,
`needles`) are derived from it, so a new row or key changes every format.

The rows follow OpenTelemetry's semantic conventions for span status, HTTP and RPC spans and for recording errors, and
OpenTracing's for the tag `error`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tracetui.ingest.formats.field_names import read_status
from tracetui.model.conventions import GRPC_STATUS, HTTP_STATUS, grpc_code, status_number
from tracetui.model.span import Kind, Status, Value

STATUS_CODE: Final = "otel.status_code"
"""Attribute that holds OpenTelemetry's status code in formats without a field for it."""

ERROR_TAG: Final = "error"
"""Tag for errors in OpenTracing and Zipkin; its text may be the message."""


class StatusSource(enum.Enum):
    """Source of the status in a format, used when OpenTelemetry attributes do not state it."""

    FIELD = enum.auto()
    """Dedicated field, as in OTLP."""
    TAGS = enum.auto()
    """Tag `error`, as in Jaeger."""
    ZIPKIN_TAGS = enum.auto()
    """Tag `error` with any value, as in Zipkin."""


Decision = Callable[[Value, bool], bool | None]
"""Decides by the value of an attribute and whether the span is a SERVER; None leaves it to the next row."""


@dataclass(frozen=True, slots=True)
class ErrorAttribute:
    """Row of the table: attributes with the same meaning; the first decisive one wins.

    states: true if the attributes replace an unset or missing status field.
    zipkin: a different decision for Zipkin's formats.
    """

    keys: tuple[str, ...]
    decide: Decision
    states: bool = False
    zipkin: Decision | None = None

    def decision(self, attributes: Mapping[str, Value], serving: bool, states: StatusSource) -> bool | None:
        """Decide by the first decisive attribute; None if there is none."""
        zipkin = self.zipkin if states == StatusSource.ZIPKIN_TAGS else None
        for key in self.keys:
            value = attributes.get(key)
            if zipkin is not None and key in attributes:
                return zipkin(value, serving)
            decision = None if value is None else self.decide(value, serving)
            if decision is not None:
                return decision
        return None


_SHORTEST_NEEDLE: Final = 5
_GRPC_SERVER_ERRORS: Final = frozenset({2, 4, 12, 13, 14, 15})
_UNSET: Final = "unset"
"""The tag `error` as VictoriaTraces writes it for a span without a status."""
_NO_ERROR_TEXTS: Final = frozenset({"", "false", "0"})


def has_unknown_code(attributes: Mapping[str, Value]) -> bool:
    """Test whether attributes state a status code unknown to every version of OpenTelemetry."""
    return read_status(attributes.get(STATUS_CODE)) is None


def _by_status(value: Value, _serving: bool) -> bool | None:
    status = read_status(value)
    return None if status is None or status == Status.UNSET else status == Status.ERROR


def _by_tag(value: Value, _serving: bool) -> bool | None:
    if value == _UNSET:
        return None
    return value.strip().lower() not in _NO_ERROR_TEXTS if isinstance(value, str) else bool(value)


def _by_grpc(value: Value, serving: bool) -> bool | None:
    code = grpc_code(value)
    if code is None:
        return None
    return code in _GRPC_SERVER_ERRORS if serving else code != 0


def _by_http(value: Value, _serving: bool) -> bool | None:
    code = status_number(value)
    return None if code is None else code >= 500


def _by_presence(value: Value, _serving: bool) -> bool | None:
    return None if value == "" else True


def _always(_value: Value, _serving: bool) -> bool:
    return True


RULES: tuple[ErrorAttribute, ...] = (
    ErrorAttribute((STATUS_CODE,), _by_status, states=True),
    ErrorAttribute((ERROR_TAG,), _by_tag, zipkin=_always),
    # a failed gRPC call is a successful HTTP exchange
    ErrorAttribute(GRPC_STATUS, _by_grpc),
    # a 4xx is not an error: instrumentation that did not expect it would have set the status
    ErrorAttribute(HTTP_STATUS, _by_http),
    ErrorAttribute(("error.type",), _by_presence),
)
"""Deciding attributes for spans with an unset status, in order of precedence."""


def deciding_keys() -> tuple[str, ...]:
    """List the attributes that `decide_status` uses, in the order of the table."""
    return tuple(dict.fromkeys(key for rule in RULES for key in rule.keys))


def decide_status(
    kind: int, status: Status, attributes: Mapping[str, Value], states: StatusSource = StatusSource.FIELD
) -> tuple[Status, bool]:
    """Decide whether a span is an error: by its status, or, if that is unset, by the first decisive row.

    -> the status, from attributes if the field is unset; True if the span is an error
    """
    if status != Status.UNSET:
        return status, status == Status.ERROR
    serving = kind == Kind.SERVER
    for rule in RULES:
        error = rule.decision(attributes, serving, states)
        if error is not None:
            stated = rule.states or (error and ERROR_TAG in rule.keys and states != StatusSource.FIELD)
            return (Status.ERROR if error else Status.OK) if stated else status, error
    return status, False


def needles(keys: Iterable[str], quote: str = "") -> tuple[bytes, ...]:
    """Find a small set of texts such that every key, in quotes, contains one: search terms for raw bytes.

    Each is a common prefix or suffix of many keys, as long as possible.
    """
    left = {f"{quote}{key}{quote}" for key in keys}
    found = []
    while left:
        ends = {part for key in left for at in range(len(key)) for part in (key[at:], key[: at + 1])}
        ends = {part for part in ends if len(part) >= _SHORTEST_NEEDLE} or left
        best = max(ends, key=lambda part: (sum(part in key for key in left), len(part), part))
        found.append(best.encode())
        left = {key for key in left if best not in key}
    return tuple(found)
