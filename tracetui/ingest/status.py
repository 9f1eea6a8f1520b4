"""Whether a span counts as an error: one decision list for every format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tracetui.model.conventions import GRPC_NAMES, GRPC_STATUS, HTTP_STATUS
from tracetui.model.span import Kind, Status, Value

DECIDING_KEYS: Final = frozenset({"error", "otel.status_code", "error.type", *HTTP_STATUS, *GRPC_STATUS})
"""The attributes that `counts_as_error` looks at."""

_GRPC_CODES: Final = {name: code for code, name in enumerate(GRPC_NAMES)}
_GRPC_SERVER_ERRORS: Final = frozenset({2, 4, 12, 13, 14, 15})


def counts_as_error(kind: int, status: Status, attributes: Mapping[str, Value]) -> bool:
    """Apply the decision list; the first rule that applies decides.

    1. a native status ERROR; 2. the tag `error` (any text but false, 0 and '' is an error); 3. `otel.status_code`
    (and a native OK); 4. the HTTP status: 500 and above, for callers 400 and above; 5. the gRPC status: for callers
    any but OK, for servers those that mean their own failure; 6. `error.type` is there.

    Rules 1 to 3 follow Jaeger's reading of its own spans; 4 to 6 OpenTelemetry's semantic conventions for HTTP and
    RPC spans and for recording errors.
    """
    if status == Status.ERROR:
        return True
    if "error" in attributes:
        return _is_error_tag(attributes["error"])
    if status == Status.OK:
        return False
    native = attributes.get("otel.status_code")
    if isinstance(native, str) and native.upper() in ("OK", "ERROR"):
        return native.upper() == "ERROR"
    serving = kind in (Kind.SERVER, Kind.CONSUMER)
    for key in HTTP_STATUS:
        code = _number(attributes.get(key))
        if code is not None:
            return code >= 500 or (code >= 400 and not serving)
    for key in GRPC_STATUS:
        code = grpc_code(attributes.get(key))
        if code is not None:
            return code in _GRPC_SERVER_ERRORS if serving else code != 0
    return attributes.get("error.type") not in (None, "")


def native_status(attributes: Mapping[str, Value]) -> Status:
    """The status that a Jaeger span's tags state: `otel.status_code`, or the tag `error`."""
    code = attributes.get("otel.status_code")
    if isinstance(code, str) and code.upper() in ("OK", "ERROR"):
        return Status[code.upper()]
    if "error" in attributes and _is_error_tag(attributes["error"]):
        return Status.ERROR
    return Status.UNSET


def kind_named(text: object) -> Kind:
    """A kind by its name in any case (`server`, `SPAN_KIND_SERVER`) or OTLP number; UNSPECIFIED if unknown."""
    if isinstance(text, int):
        return Kind(text) if 0 <= text <= 5 else Kind.UNSPECIFIED
    if isinstance(text, str):
        return Kind.__members__.get(text.upper().removeprefix("SPAN_KIND_"), Kind.UNSPECIFIED)
    return Kind.UNSPECIFIED


def status_named(text: object) -> Status:
    """A status by its name in any case (`error`, `STATUS_CODE_ERROR`) or OTLP number; UNSET if unknown."""
    if isinstance(text, int):
        return Status(text) if 0 <= text <= 2 else Status.UNSET
    if isinstance(text, str):
        return Status.__members__.get(text.upper().removeprefix("STATUS_CODE_"), Status.UNSET)
    return Status.UNSET


def grpc_code(value: Value) -> int | None:
    """A gRPC status as its number, from a number, digits or the code's name."""
    if isinstance(value, str) and value.upper() in _GRPC_CODES:
        return _GRPC_CODES[value.upper()]
    return _number(value)


def _is_error_tag(value: Value) -> bool:
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false", "0")
    return bool(value)


def _number(value: Value) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return int(value) if value == value and abs(value) < 1e9 else None
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value) if len(value) < 10 else None
    return None
