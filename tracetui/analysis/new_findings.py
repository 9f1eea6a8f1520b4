"""Detection of new findings in newly arrived traces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.dependencies import find_dependencies
from tracetui.analysis.errors import find_errors
from tracetui.analysis.stats.bootstrap import level_for, limit_for, quantile_difference
from tracetui.analysis.stats.groups import FEW_SAMPLES
from tracetui.model.traces import TraceSet

JUMP = 1.5
"""Slowdown factor that counts as a finding."""
_P95 = 0.95


@dataclass(frozen=True, slots=True)
class NewFindings:
    """New findings."""

    patterns: tuple[tuple[str, str], ...] = ()
    """Service and message template of errors that did not occur before."""
    edges: tuple[tuple[str, str], ...] = ()
    """Caller and callee of calls that did not occur before."""
    p95_ns: tuple[float, float] | None = None
    """p95 of the response times before and now; None unless it jumped."""

    def __bool__(self) -> bool:
        return bool(self.patterns or self.edges or self.p95_ns)


def find_new_findings(traces: TraceSet, new: np.ndarray) -> NewFindings:
    """Compare the new traces with the others, of which there must be some. new: bool[traces]."""
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
