"""Attribute names of OpenTelemetry's semantic conventions, old and new, and the values they take."""

from __future__ import annotations

from typing import Final

HTTP_STATUS: Final = ("http.response.status_code", "http.status_code")
GRPC_STATUS: Final = ("rpc.status_code", "rpc.response.status_code", "rpc.grpc.status_code")

GRPC_NAMES: Final = tuple(
    (
        "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED"
        " RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS"
        " UNAUTHENTICATED"
    ).split()
)
"""The names of the gRPC status codes; a code is its position."""
