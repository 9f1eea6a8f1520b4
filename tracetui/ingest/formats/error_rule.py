"""The rule that decides whether a span is an error: one table, which every decoder follows.

`RULES` is the only place that knows which attributes decide. What decoders look for in raw bytes (`deciding_keys`,
`needles`) comes from it, so another row or key is all that it takes to change every format.

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
"""Tag with which OpenTracing and Zipkin state an error, and whose text may be the message."""


class StatusSource(enum.Enum):
    """Sources of a span's status in a format, where the attributes of OpenTelemetry do not state it."""

    FIELD = enum.auto()
    """A field of its own, as in OTLP."""
    TAGS = enum.auto()
    """The tag `error`, as in Jaeger."""
    ZIPKIN_TAGS = enum.auto()
    """The tag `error`, whatever its value."""


Decision = Callable[[Value, bool], bool | None]
"""Decides from an attribute's value, and whether its span is a SERVER, if it is an error. None: undecided,
nothing, and what follows decides.
"""


@dataclass(frozen=True, slots=True)
class ErrorAttribute:
    """A row of the table: attributes with the same meaning, the first decisive one wins.

    states: whether the attributes are the status itself where the field is unset or there is none.
    zipkin: how the row decides in Zipkin's formats, where that differs.
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
    """Test whether attributes state a status code that no version of OpenTelemetry has."""
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
    # a gRPC call that failed is an HTTP exchange that did not
    ErrorAttribute(GRPC_STATUS, _by_grpc),
    # a 4xx is no error: whether one was expected the instrumentation knew, and would have set the status
    ErrorAttribute(HTTP_STATUS, _by_http),
    ErrorAttribute(("error.type",), _by_presence),
)
"""Attributes that decide where a span's own status is unset, in this order."""


def deciding_keys() -> tuple[str, ...]:
    """The attributes that `decide_status` looks at, in the order of the table."""
    return tuple(dict.fromkeys(key for rule in RULES for key in rule.keys))


def decide_status(
    kind: int, status: Status, attributes: Mapping[str, Value], states: StatusSource = StatusSource.FIELD
) -> tuple[Status, bool]:
    """Decide whether a span is an error: by its status, and where that is unset by the first row that decides.

    -> the status, which attributes may state in place of the field, and whether the span is an error
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
    """Find few texts of which every key, in quotes, contains one: the needles for raw bytes.

    Each is a beginning or an end that many keys share, as long as can be without another needle.
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
