"""Evidence from errors: operations in which more errors originate than in the baseline."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracetui.analysis.errors import ErrorRole, roles
from tracetui.analysis.root_causes.aligned_trace_sets import AlignedSets, AlignedSpans
from tracetui.analysis.root_causes.evidence import NO_SERVICE, Evidence, EvidenceKind, make_evidence
from tracetui.model.traces import TraceSet

_MIN_RISE: Final = 0.005
"""Smallest rise of the error rate, from 0 to 1."""
_MIN_Z: Final = 3.0


def error_origins(traces: TraceSet) -> np.ndarray:
    """Find the spans in which an error originates: bool[n]."""
    origins: np.ndarray = roles(traces) == ErrorRole.ORIGIN
    return origins


def error_evidence(sets: AlignedSets, baseline: np.ndarray, incident: np.ndarray) -> Evidence:
    """Compare the rate of errors that originate in each operation; `key` is the operation.

    baseline, incident: bool[n], error origins. The error of a call to an external target is evidence against that one.
    """
    operations = len(sets.operations)
    old_errors, old_spans, _ = _error_counts(sets.baseline, baseline, operations)
    errors, spans, target = _error_counts(sets.incident, incident, operations)
    rate_before = (old_errors + 0.5) / (old_spans + 1)
    rate_after = errors / np.maximum(spans, 1)
    rise = rate_after - rate_before
    deviation = np.sqrt(rate_before * (1 - rate_before) / np.maximum(spans, 1)) + 1e-12
    keys = np.flatnonzero((errors > 0) & (rise > _MIN_RISE) & (rise / deviation > _MIN_Z))
    # of a Poisson distribution
    log_likelihood = errors[keys] * np.log(rate_after[keys] / rate_before[keys])
    log_likelihood -= errors[keys] - rate_before[keys] * spans[keys]
    own, target = sets.services_of(keys), target[keys]
    suspect = np.where(target >= 0, target, own)
    caller = np.where(target >= 0, own, NO_SERVICE)
    return make_evidence(EvidenceKind.ERRORS, keys, suspect, rise[keys], log_likelihood, caller=caller)


def _error_counts(
    side: AlignedSpans, origins: np.ndarray, operations: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count error origins and spans by operation, and find the target if all origins call one; -1 for none."""
    spans = np.flatnonzero(origins)
    operation = side.operation[spans]
    target = np.full(operations, -1, np.int64)
    target[operation] = side.target[spans]
    calls_none = side.target[spans] < 0
    target[operation[calls_none]] = -1
    return (
        np.bincount(operation, minlength=operations),
        np.bincount(side.operation, minlength=operations),
        target,
    )
