"""Decode the bytes of one source."""

from __future__ import annotations

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.traces import TraceSet


def read(data: str | bytes) -> TraceSet:
    """Read all spans in a text; the name of its file is `f`."""
    intake = Intake()
    decode(data.encode() if isinstance(data, str) else data, DecodeContext(intake, "f"))
    return assemble(intake)
