"""Confidence in a cause, and what would raise it.

A cause is certain if it explains most of the evidence, and if there is enough evidence: a single weak sign is fully
explained by anything that shows it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tracetui.analysis.why.cause import ENOUGH, Cause, Why
from tracetui.model.traces import TraceSet

_ENOUGH_WEIGHT: Final = 0.3
"""Weight of evidence that is about two thirds sure: a third of an operation's spans are abnormal without doubt."""
_FEW_TRACES: Final = 50
_WEAK: Final = 0.5
"""Factor of the confidence if the slowest requests are compared with the others, which differ in any system."""
NO_BASELINE: Final = "a baseline: what is slow may always be (--baseline, --at, --by)"


def confidence(score: float, weight: float) -> float:
    """Compute the confidence in a cause: 0 to 1. score: its part of all evidence; weight: the weight of its own."""
    return score * (1.0 - math.exp(-weight / _ENOUGH_WEIGHT))


def what_is_missing(before: TraceSet, after: TraceSet, causes: Sequence[Cause], *, has_lines: bool) -> tuple[str, ...]:
    """List the data that would make an uncertain result more certain."""
    if causes and causes[0].confidence >= ENOUGH:
        return ()
    found = []
    if not causes:
        found.append("a difference: nothing is worse than in the baseline beyond its own variation")
    if after.trace_count < _FEW_TRACES:
        found.append(f"more traces than {after.trace_count:,}")
    if before.trace_count < _FEW_TRACES:
        found.append(f"a longer baseline than {before.trace_count:,} traces (--baseline)")
    if not after.error.any() and not (after.kind > 0).any():
        found.append("statuses and kinds of spans")
    if not has_lines:
        found.append("log lines of both sets (--logs)")
    return tuple(found)


def without_baseline(found: Why) -> Why:
    """Reduce the confidence in causes that were found without traces known to be good."""
    causes = tuple(replace(cause, confidence=_WEAK * cause.confidence) for cause in found.causes)
    return replace(found, causes=causes, missing=(NO_BASELINE, *found.missing))
