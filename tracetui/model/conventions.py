"""Attribute names of OpenTelemetry's semantic conventions, old and new, and their values."""

from __future__ import annotations

from typing import Final

from tracetui.model.span import Value

HTTP_STATUS: Final = ("http.response.status_code", "http.status_code")
GRPC_STATUS: Final = (
    "rpc.status_code",
    "rpc.response.status_code",
    "rpc.grpc.status_code",
    "grpc.status_code",
    "grpc-status",
)
"""Attributes for the gRPC status: OpenTelemetry's, newest first; then Envoy's, and captured headers."""

GRPC_NAMES: Final = tuple(
    (
        "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED"
        " RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS"
        " UNAUTHENTICATED"
    ).split()
)
"""Names of the gRPC status codes, by code."""

_GRPC_CODES: Final = {name.replace("_", ""): code for code, name in enumerate(GRPC_NAMES)} | {"CANCELED": 1}


def status_number(value: Value) -> int | None:
    """Read the integer in a status attribute, given as a number or digits; None for others."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return int(value) if value == value and abs(value) < 1e9 else None
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isdecimal() and len(text) < 10 else None
    return None


def grpc_code(value: Value) -> int | None:
    """Read a gRPC status from a number, digits or a name (`NOT_FOUND`, Go's `NotFound`, Python's
    `StatusCode.NOT_FOUND`). -> its number
    """
    if isinstance(value, str):
        code = _GRPC_CODES.get(value.strip().removeprefix("StatusCode.").replace("_", "").upper())
        if code is not None:
            return code
    return status_number(value)
