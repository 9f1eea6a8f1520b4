"""Detection of new findings in traces that have just arrived."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.dependencies import find_dependencies
from tracetui.analysis.errors import find_errors
from tracetui.analysis.stats.bootstrap import level_for, limit_for, quantile_difference
from tracetui.analysis.stats.groups import FEW_SAMPLES
from tracetui.model.traces import TraceSet

JUMP = 1.5
"""Factor of a slowdown that is worth an alert."""
_P95 = 0.95


@dataclass(frozen=True, slots=True)
class NewFindings:
    """New findings; empty if there are none."""

    patterns: tuple[tuple[str, str], ...] = ()
    """Service and message template of errors that were not seen before."""
    edges: tuple[tuple[str, str], ...] = ()
    """Caller and callee that did not call before."""
    p95_ns: tuple[float, float] | None = None
    """p95 of the response times before and now, where it jumped."""

    def __bool__(self) -> bool:
        return bool(self.patterns or self.edges or self.p95_ns)


def find_new_findings(traces: TraceSet, new: np.ndarray) -> NewFindings:
    """Compare the traces of bool[traces] `new` with the others, of which there must be some."""
    if not new.any() or new.all():
        return NewFindings()
    before, after = traces.select(~new), traces.select(new)
    known = {(pattern.service, pattern.template) for pattern in find_errors(before).patterns}
    patterns = [(pattern.service, pattern.template) for pattern in find_errors(after).patterns]
    called = {(edge.caller, edge.callee) for edge in find_dependencies(before).edges}
    edges = [(edge.caller, edge.callee) for edge in find_dependencies(after).edges]
    return NewFindings(
        tuple(one for one in patterns if one not in known),
        tuple(one for one in edges if one not in called),
        _jump(before.response_time, after.response_time),
    )


def _jump(before: np.ndarray, after: np.ndarray) -> tuple[float, float] | None:
    if min(len(before), len(after)) < FEW_SAMPLES:
        return None
    was, now = (float(np.quantile(durations, _P95)) for durations in (before, after))
    limit = limit_for(level_for(1), min(len(before), len(after)))
    if now < JUMP * was or not quantile_difference(before, after, _P95).is_significant(limit):
        return None
    return was, now
