"""Confidence in a cause, and the data that would raise it.

The confidence is high if the cause accounts for most of the evidence and the evidence is strong. The first alone does
not suffice: a single weak deviation is always accounted for by the service that shows it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tracetui.analysis.root_causes.evidence import EvidenceKind
from tracetui.analysis.root_causes.results import CONFIDENT, Cause, RootCauses
from tracetui.analysis.root_causes.symptoms import Symptoms
from tracetui.model.traces import TraceSet

_WEIGHT_SCALE: Final = 0.3
"""Weight at which strength alone gives a confidence of 1 - 1/e: 30 % of an operation's spans are certainly abnormal."""
_FEW_TRACES: Final = 50
_REDUCED: Final = 0.5
"""Factor if the slowest requests are compared with the others, as these differ in any system."""
_NO_PROBLEM: Final = 0.5
"""Factor if requests became faster and nothing became worse, as there is nothing to explain."""
NO_BASELINE: Final = "a baseline (--baseline, --at, --by)"


def confidence(score: float, weight: float) -> float:
    """Compute the confidence in a cause, 0 to 1. score: its share of all evidence; weight: of its own evidence."""
    return score * (1.0 - math.exp(-weight / _WEIGHT_SCALE))


def without_problem(causes: Sequence[Cause], symptoms: Symptoms | None) -> tuple[Cause, ...]:
    """Reduce the confidence in causes of a problem that does not exist: of slowness and errors, if requests became
    faster. Unusual steps keep theirs: code that returns early is fast.
    """
    if symptoms is None or not symptoms.is_better:
        return tuple(causes)
    return tuple(
        cause if cause.kind is EvidenceKind.STEPS else replace(cause, confidence=_NO_PROBLEM * cause.confidence)
        for cause in causes
    )


def missing_data(baseline: TraceSet, incident: TraceSet, causes: Sequence[Cause], *, has_logs: bool) -> tuple[str, ...]:
    """List the data that would raise a low confidence."""
    if causes and causes[0].confidence >= CONFIDENT:
        return ()
    found = []
    if not causes:
        found.append("a significant deviation from the baseline")
    if incident.trace_count < _FEW_TRACES:
        found.append(f"more traces than {incident.trace_count:,}")
    if baseline.trace_count < _FEW_TRACES:
        found.append(f"a longer baseline than {baseline.trace_count:,} traces (--baseline)")
    if not incident.error.any() and not (incident.kind > 0).any():
        found.append("span statuses and kinds")
    if not has_logs:
        found.append("log lines of both sets (--logs)")
    return tuple(found)


def halve_confidence(found: RootCauses) -> RootCauses:
    """Reduce the confidence in causes that were found without a baseline known to be good."""
    causes = tuple(replace(cause, confidence=_REDUCED * cause.confidence) for cause in found.causes)
    return replace(found, causes=causes, missing_data=(NO_BASELINE, *found.missing_data))
