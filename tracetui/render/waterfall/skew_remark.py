"""Remark on clock skew for the top of a view."""

from __future__ import annotations

from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs


def skew_remark(traces: int, glyphs: Glyphs, room: int = 1_000) -> str:
    """Return `⚠ clock skew in 3 traces: --adjust-skew`, without the option if that needs more than `room` cells."""
    remark = f"{glyphs.warning} clock skew in {numbers.counted(traces, 'trace')}"
    whole = f"{remark}: --adjust-skew"
    return whole if len(whole) <= room else remark
