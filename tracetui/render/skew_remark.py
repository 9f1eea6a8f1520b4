"""That clocks disagree, in a few words for the top of a view."""

from __future__ import annotations

from tracetui.render import numbers
from tracetui.render.marks import Marks


def skew_remark(traces: int, marks: Marks) -> str:
    """`⚠ clock skew in 3 traces: --adjust-skew`"""
    return f"{marks.warning} clock skew in {numbers.counted(traces, 'trace')}: --adjust-skew"
