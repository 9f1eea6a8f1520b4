"""Fields of a saved file beyond OTLP: facts found when the span was first read.

OTLP readers ignore unknown JSON fields, so a span may have an extra field of this program. The times of such a span are
literal: 0 is a valid start.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Final

import msgspec
from msgspec import Raw, Struct

from tracetui.model.json_decoding import MALFORMED
from tracetui.model.span import Flag

FIELD: Final = "tracetui"
"""Name of the field, as in `formats.otlp_json_fields`."""

INTEGER: Final = "int"
"""Content of the field next to a text that is an integer beyond 64 bits."""

CARRIED: Final = (
    Flag.CYCLE_CUT
    | Flag.START_REPAIRED
    | Flag.NEGATIVE_DURATION
    | Flag.NO_DURATION
    | Flag.SKEW_ADJUSTED
    | Flag.FOLLOWS_FROM
    | Flag.SHARED
    | Flag.SHORTENED
    | Flag.OUT_OF_RANGE
)
"""Flags that a reader of the file cannot derive again."""


class SavedFields(Struct, gc=False, omit_defaults=True, rename={"flag_names": "marks"}):
    """Content of the field. An id is included if its spelling in OTLP differs."""

    flag_names: list[str] = []
    warnings: list[str] = []
    """Warnings from the source of the span."""
    traceWarnings: list[str] = []  # noqa: N815 - as the fields of OTLP, and below
    """Warnings from the source for the trace; stored with its first span."""
    error: bool | None = None
    """Error state if it differs from that of the written fields, because the records of the span disagreed."""
    traceId: str | None = None  # noqa: N815
    spanId: str | None = None  # noqa: N815
    parentSpanId: str | None = None  # noqa: N815

    @property
    def flags(self) -> Flag:
        """Flags as bits; unknown names are ignored."""
        known = (Flag.__members__.get(name, Flag.NONE) for name in self.flag_names)
        return reduce(or_, known, Flag.NONE) & CARRIED


def flag_names(flags: Flag) -> list[str]:
    """List the names of the saved flags."""
    return [flag.name for flag in Flag if flag.name and flag & flags & CARRIED]


_SAVED = msgspec.json.Decoder(SavedFields)


def saved_of(raw: Raw | bytes) -> SavedFields | None:
    """Read the field; None if it is not from this program."""
    try:
        return _SAVED.decode(raw)
    except MALFORMED:
        return None
