"""Clock anomalies: spans outside a caller that waited for them, by clock skew or later work.

A child that begins within its caller and outlasts it is work that was left running; within one service it is nothing
worth a word. What makes clocks disagree is defined in `model.clocks`.
"""

from __future__ import annotations

import numpy as np

from tracetui.analysis.self_time import detached
from tracetui.model.clocks import GRID_NS, skewed_spans
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet

SKEWED, LONGER = 1, 2
"""Began before its caller or after it had ended; began within its caller and outlasted it."""
_LONGER_SHARE = 0.01
"""Smallest excess over the caller's duration that is reported, as a share of it."""


def outside_callers(traces: TraceSet, trace: int) -> np.ndarray:
    """uint8[spans of the trace]: `SKEWED`, `LONGER`, or 0 for a span within its caller, without one, or async."""
    alone = traces.select(np.array([trace]))
    above, begin = alone.parent, alone.start[alone.parent]
    until = alone.reached_end[alone.parent]
    longer = (above >= 0) & (alone.end > until + np.maximum((until - begin) * _LONGER_SHARE, GRID_NS))
    longer &= alone.service != alone.service[above]
    longer &= (alone.marks & int(Flag.FOLLOWS_FROM)) == 0
    answer = np.where(longer & ~detached(alone), LONGER, 0).astype(np.uint8)
    answer[skewed_spans(alone)] = SKEWED
    return answer
