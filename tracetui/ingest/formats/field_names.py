"""Names of fields, kinds and status codes in any spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from tracetui.ingest.formats.numbers import whole_number
from tracetui.model.conventions import GRPC_NAMES
from tracetui.model.span import Kind, Status

_OTHER: Final = re.compile(r"[^a-z0-9]")
_KIND_PREFIX: Final = re.compile(r"^(?:span)?(?:spankind|kind|rpc)")
_STATUS_PREFIX: Final = re.compile(r"^(?:status)?(?:statuscode|code)|^status")
_REFERENCE_PREFIX: Final = re.compile(r"^(?:span)?reftype")
_OLD_CODES: Final = frozenset(name.replace("_", "").lower() for name in (*GRPC_NAMES[1:], "UNKNOWN_ERROR"))
"""Status codes of OTLP until 2020, those of gRPC; all except OK meant a failure."""
_KINDS: Final[dict[int | None, Kind]] = {int(kind): kind for kind in Kind}
_STATUSES: Final[dict[int | None, Status]] = {int(status): status for status in Status}
_REFERENCES: Final = {"childof": "CHILD_OF", "0": "CHILD_OF", "followsfrom": "FOLLOWS_FROM", "1": "FOLLOWS_FROM"}


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Normalize a name: `traceId`, `trace_id` and `TraceID` are all `traceid`."""
    return _OTHER.sub("", name.lower())


def field(item: Mapping[str, Any], name: str, *others: str) -> Any:
    """Get a field of an object by its name in any spelling, else by one of the other names; None if missing."""
    value = item.get(name)
    if value is not None:
        return value
    found = {plain(key): value for key, value in item.items() if value is not None}
    return next((found[other] for other in map(plain, (name, *others)) if other in found), None)


def read_kind(value: Any) -> Kind | None:
    """Read a span kind from OTLP's number (also in quotes) or its name in any spelling; None for no known kind."""
    if value is None or value == "":
        return Kind.UNSPECIFIED
    return _read_kind_word(value) if isinstance(value, str) else _KINDS.get(_exact(value))


@lru_cache(maxsize=256)
def _read_kind_word(text: str) -> Kind | None:
    word = _KIND_PREFIX.sub("", plain(text)).upper()
    known = Kind.__members__.get(word)
    return _KINDS.get(_exact(text)) if known is None else known


def read_status(value: Any) -> Status | None:
    """Read a status code from OTLP's number (also in quotes) or its name in any spelling; None for no known code."""
    if value is None or value == "":
        return Status.UNSET
    return _read_status_word(value) if isinstance(value, str) else _STATUSES.get(_exact(value))


@lru_cache(maxsize=256)
def _read_status_word(text: str) -> Status | None:
    word = _STATUS_PREFIX.sub("", plain(text))
    if word in _OLD_CODES:
        return Status.ERROR
    known = Status.__members__.get(word.upper())
    return _STATUSES.get(_exact(text)) if known is None else known


def read_reference_type(value: Any) -> str | None:
    """Read the type of a Jaeger reference, in any spelling or as Jaeger's number; None for no known type."""
    if value is None or value == "":
        return "CHILD_OF"
    return None if isinstance(value, bool) else _REFERENCES.get(_REFERENCE_PREFIX.sub("", plain(str(value))))


def _exact(value: Any) -> int | None:
    """Read an integer without a fraction."""
    number = whole_number(value)
    if isinstance(value, str) and number is not None:
        value = float(value)
    return None if number is None or (isinstance(value, float) and value != number) else number
