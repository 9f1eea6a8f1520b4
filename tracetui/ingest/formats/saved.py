"""What a saved file says of a span beyond OTLP: what was found out about it when it was first read.

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
from tracetui.model.span import Mark

FIELD: Final = "tracetui"
"""The name of the field, as `formats.otlp_wire` reads it."""

INTEGER: Final = "int"
"""The content of the field beside a text that is an integer, one for which OTLP has not enough bits."""

CARRIED: Final = (
    Mark.CYCLE_CUT
    | Mark.START_REPAIRED
    | Mark.NEGATIVE_DURATION
    | Mark.NO_DURATION
    | Mark.SKEW_ADJUSTED
    | Mark.FOLLOWS_FROM
    | Mark.SHARED
    | Mark.SHORTENED
    | Mark.OUT_OF_RANGE
)
"""The marks that a reader of the file could not find again by itself."""


class Saved(Struct, gc=False, omit_defaults=True):
    """The content of the field. An id is here where its spelling in OTLP differs."""

    marks: list[str] = []
    warnings: list[str] = []
    """What the span's source warned of it."""
    traceWarnings: list[str] = []  # noqa: N815 - as the fields of OTLP, and below
    """What the source warned of the trace; at its first span."""
    error: bool | None = None
    """Whether it is an error, where what is written of it says otherwise: it came in records that disagree."""
    traceId: str | None = None  # noqa: N815
    spanId: str | None = None  # noqa: N815
    parentSpanId: str | None = None  # noqa: N815

    @property
    def mark(self) -> Mark:
        """The marks as bits; names that nobody knows are passed over."""
        known = (Mark.__members__.get(name, Mark.NONE) for name in self.marks)
        return reduce(or_, known, Mark.NONE) & CARRIED


def mark_names(marks: Mark) -> list[str]:
    """The names of the marks that are carried."""
    return [mark.name for mark in Mark if mark.name and mark & marks & CARRIED]


_SAVED = msgspec.json.Decoder(Saved)


def saved_of(raw: Raw | bytes) -> Saved | None:
    """Read the field; None where it is not what this program writes."""
    try:
        return _SAVED.decode(raw)
    except MALFORMED:
        return None
