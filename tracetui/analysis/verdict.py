"""Verdict on a trace set: its most harmful error pattern and its largest bottleneck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.bottlenecks import Bottleneck, BottleneckColumns
from tracetui.analysis.contrast import OverRepresented, contrast
from tracetui.analysis.errors import ErrorPattern, Errors
from tracetui.model.traces import TraceSet

_CONTRASTED_SPANS: Final = 4_000
"""Largest number of spans per side that are read to find a common attribute."""
_COMMON_PERCENT: Final = 80.0
"""Smallest share of the failing traces that have an attribute in common, in percent."""
_CHANCE: Final = 0.01
"""Largest probability that the traces before the first failure succeeded only by chance."""


@dataclass(frozen=True, slots=True)
class FailingVerdict:
    """The error pattern that fails the most requests; without failed requests, the commonest one."""

    errors: Errors
    pattern: ErrorPattern
    since_ns: int | None
    """Start of the first trace with the pattern, in ns since the epoch; None if it may have occurred all the time."""
    common: OverRepresented | None
    """Attribute that most of its traces have, and significantly fewer of the others; None for none."""


@dataclass(frozen=True, slots=True)
class SetVerdict:
    """Verdict: the most harmful error pattern, and the operation with the largest share of the critical path."""

    failing: FailingVerdict | None
    slow: Bottleneck | None


def failing_verdict(traces: TraceSet, errors: Errors) -> FailingVerdict | None:
    """Select the most harmful error pattern; find its first trace, and an attribute that its traces have in common."""
    if not errors.patterns:
        return None
    pattern = max(errors.patterns, key=lambda one: (one.failed_request_count, one.count))
    failing = np.zeros(traces.trace_count, bool)
    failing[traces.trace[pattern.spans]] = True
    found = contrast(traces, failing, durations=False, most_spans=_CONTRASTED_SPANS)
    common = next(
        (
            one
            for one in found.differences
            if one.what == "attribute" and not one.is_hint and one.selected_percent >= _COMMON_PERCENT
        ),
        None,
    )
    return FailingVerdict(errors, pattern, _since(traces.trace_start, failing), common)


def slow_verdict(found: BottleneckColumns) -> Bottleneck | None:
    """Select the bottleneck with the largest share of all critical path time, the first."""
    return next(iter(found.bottlenecks(np.arange(min(1, len(found))))), None)


def _since(starts: np.ndarray, failing: np.ndarray) -> int | None:
    """Find the start of the first failing trace; None if those before it may have succeeded only by chance.

    The probability is hypergeometric: failing traces are drawn from all traces, and none is an earlier one.
    starts: int64[traces] ns; failing: bool[traces], at least one true.
    """
    first = int(starts[failing].min())
    count, failed, later = len(starts), int(failing.sum()), int((starts >= first).sum())
    log_chance = _log_choose(later, failed) - _log_choose(count, failed)
    return first if log_chance < math.log(_CHANCE) else None


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
