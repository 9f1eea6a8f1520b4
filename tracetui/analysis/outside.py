"""Spans that ran outside their caller although it is said to have waited for them: skewed clocks, or work it left.

A child that begins within its caller and outlasts it is work that was left running; within one service it is nothing
worth a word. What makes clocks disagree is defined in `model.clocks`.
"""

from __future__ import annotations

import numpy as np

from tracetui.analysis.self_time import detached
from tracetui.model.clocks import GRID_NS, skewed_spans
from tracetui.model.span import Mark
from tracetui.model.traces import TraceSet

SKEWED, LONGER = 1, 2
"""It began before its caller did or after that had ended; it began within its caller and outlasted it."""
_LONGER_SHARE = 0.01
"""Of its caller's duration, by how much a span must outlast it to be worth a word."""


def outside_callers(traces: TraceSet, trace: int) -> np.ndarray:
    """uint8[spans of the trace]: `SKEWED`, `LONGER`, or 0 for a span within its caller, without one, or async."""
    alone = traces.select(np.array([trace]))
    above, begin = alone.parent, alone.start[alone.parent]
    until = alone.reached_end[alone.parent]
    longer = (above >= 0) & (alone.end > until + np.maximum((until - begin) * _LONGER_SHARE, GRID_NS))
    longer &= alone.service != alone.service[above]
    longer &= (alone.marks & int(Mark.FOLLOWS_FROM)) == 0
    answer = np.where(longer & ~detached(alone), LONGER, 0).astype(np.uint8)
    answer[skewed_spans(alone)] = SKEWED
    return answer
