"""Rank of a trace by response time among the traces with the same entry point."""

from __future__ import annotations

import numpy as np

from tracetui.analysis.rank import Rank
from tracetui.analysis.stats.groups import quantiles
from tracetui.model.traces import TraceSet


def kind_rank(traces: TraceSet, trace: int) -> Rank:
    """The rank of a trace among the set's traces with its root service and operation, of which it is one."""
    operation = traces.operation[traces.main_root]
    alike = traces.response_time[operation == operation[trace]]
    own = traces.response_time[trace]
    p50, p95 = quantiles(alike, (0.5, 0.95))
    return Rank(len(alike), int(np.sum(alike < own)), int(np.sum(alike > own)), p50, p95)
