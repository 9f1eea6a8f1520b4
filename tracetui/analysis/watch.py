"""Whether traces that have just come tell something that those before did not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.chance import level_for, limit_for, quantile_difference
from tracetui.analysis.dependencies import find_dependencies
from tracetui.analysis.errors import find_errors
from tracetui.analysis.judge import FEW
from tracetui.model.traces import TraceSet

JUMP = 1.5
"""Times as slow as before is worth interrupting somebody for."""
_P95 = 0.95


@dataclass(frozen=True, slots=True)
class News:
    """What is new; nothing of it is no news."""

    patterns: tuple[tuple[str, str], ...] = ()
    """Service and message template of errors that were not seen before."""
    edges: tuple[tuple[str, str], ...] = ()
    """Caller and callee that did not call before."""
    p95_ns: tuple[float, float] | None = None
    """Of the response times before and now, where it jumped."""

    def __bool__(self) -> bool:
        return bool(self.patterns or self.edges or self.p95_ns)


def news(traces: TraceSet, new: np.ndarray) -> News:
    """What the traces of bool[traces] `new` tell beside the others, which must be some."""
    if not new.any() or new.all():
        return News()
    before, after = traces.select(~new), traces.select(new)
    known = {(pattern.service, pattern.template) for pattern in find_errors(before).patterns}
    patterns = [(pattern.service, pattern.template) for pattern in find_errors(after).patterns]
    called = {(edge.caller, edge.callee) for edge in find_dependencies(before).edges}
    edges = [(edge.caller, edge.callee) for edge in find_dependencies(after).edges]
    return News(
        tuple(one for one in patterns if one not in known),
        tuple(one for one in edges if one not in called),
        _jump(before.response_time, after.response_time),
    )


def _jump(before: np.ndarray, after: np.ndarray) -> tuple[float, float] | None:
    if min(len(before), len(after)) < FEW:
        return None
    was, now = (float(np.quantile(durations, _P95)) for durations in (before, after))
    limit = limit_for(level_for(1), min(len(before), len(after)))
    if now < JUMP * was or not quantile_difference(before, after, _P95).is_beyond_chance(limit):
        return None
    return was, now
