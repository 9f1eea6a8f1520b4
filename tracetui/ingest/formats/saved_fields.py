"""Fields of a saved file beyond OTLP: facts found when the span was first read.

OTLP's JSON has readers pass over fields that they do not know, so a span of which there is more to say has a field of
this program's own, and its times are then literally its times: 0 is a start like any other.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Final

import msgspec
from msgspec import Raw, Struct

from tracetui.model.decoding import MALFORMED
from tracetui.model.span import Flag

FIELD: Final = "tracetui"
"""The name of the field, as `formats.otlp_wire` reads it."""

INTEGER: Final = "int"
"""The content of the field beside a text that is an integer, one for which OTLP has not enough bits."""

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
"""The marks that a reader of the file could not find again by itself."""


class SavedFields(Struct, gc=False, omit_defaults=True):
    """Content of the field. An id is included where its spelling in OTLP differs."""

    marks: list[str] = []
    warnings: list[str] = []
    """Warnings that the span's source gave."""
    traceWarnings: list[str] = []  # noqa: N815 - as the fields of OTLP, and below
    """Warnings that the source gave for the trace; stored at its first span."""
    error: bool | None = None
    """Error state where the written fields say otherwise: the records of the span disagreed."""
    traceId: str | None = None  # noqa: N815
    spanId: str | None = None  # noqa: N815
    parentSpanId: str | None = None  # noqa: N815

    @property
    def mark(self) -> Flag:
        """Flags as bits; unknown names are ignored."""
        known = (Flag.__members__.get(name, Flag.NONE) for name in self.marks)
        return reduce(or_, known, Flag.NONE) & CARRIED


def mark_names(marks: Flag) -> list[str]:
    """The names of the marks that are carried."""
    return [mark.name for mark in Flag if mark.name and mark & marks & CARRIED]


_SAVED = msgspec.json.Decoder(SavedFields)


def saved_of(raw: Raw | bytes) -> SavedFields | None:
    """Read the field; None if this program did not write it."""
    try:
        return _SAVED.decode(raw)
    except MALFORMED:
        return None
