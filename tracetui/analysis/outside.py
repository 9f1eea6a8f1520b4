"""Spans that ran outside their caller although it is said to have waited for them: skewed clocks, or work it left.

Only a caller and a callee of different services are compared: within one service there is one clock, and a child that
outlasts its parent is work that was left running.
"""

from __future__ import annotations

import numpy as np

from tracetui.analysis.self_time import detached
from tracetui.analysis.skew import without_skew
from tracetui.model.span import Mark
from tracetui.model.traces import TraceSet

SKEWED, LONGER = 1, 2
"""It began before its caller did or after that had ended; it began within its caller and outlasted it."""
_GRID_NS = 1_000
"""Sources write microseconds: less than one is rounding."""
_LONGER_SHARE = 0.01
"""Of its caller's duration, by how much a span must outlast it to be worth a word."""


def outside_callers(traces: TraceSet, trace: int) -> np.ndarray:
    """uint8[spans of the trace]: `SKEWED`, `LONGER`, or 0 for a span within its caller, without one, or async."""
    spans = traces.spans_of(trace)
    within = slice(spans.start, spans.stop)
    answer = np.zeros(len(spans), np.uint8)
    above = traces.parent[within]
    start, end = traces.start[within], traces.end[within]
    begin, until = traces.start[above], traces.end[above]
    skewed = (start < begin - _GRID_NS) | (start > until + _GRID_NS)
    longer = end > until + np.maximum((until - begin) * _LONGER_SHARE, _GRID_NS)
    waited = (above >= 0) & (traces.service[within] != traces.service[above])
    waited &= (traces.marks[within] & int(Mark.FOLLOWS_FROM)) == 0
    found = np.flatnonzero(waited & (skewed | longer))
    if not len(found):
        return answer
    alone = traces.select(np.array([trace]))
    found = found[~detached(alone)[found]]
    # two services of one host share its clock: what would be moved is decided in one place
    moved = np.fromiter(without_skew(alone).skew, np.int64)
    answer[found] = np.where(skewed[found] & np.isin(found, moved), SKEWED, np.where(longer[found], LONGER, 0))
    return answer
