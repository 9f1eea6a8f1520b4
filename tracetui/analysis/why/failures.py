"""Evidence from errors: operations in which errors begin more often than before."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracetui.analysis.errors import ErrorRole, roles
from tracetui.analysis.why.evidence import NO_SERVICE, Evidence, EvidenceKind, evidence
from tracetui.analysis.why.observations import Observations, ObservedSpans
from tracetui.model.traces import TraceSet

_LEAST_RISE: Final = 0.005
_LEAST_Z: Final = 3.0


def error_origins(traces: TraceSet) -> np.ndarray:
    """bool[n], errors that began in their span."""
    origins: np.ndarray = roles(traces) == ErrorRole.ORIGIN
    return origins


def of_failures(both: Observations, before: np.ndarray, after: np.ndarray) -> Evidence:
    """Compare the rates of errors that begin in each operation; `key` is the operation.

    before, after: bool[n], the origins. The error of a call that no span answers is evidence against its target.
    """
    operations = len(both.operations)
    old, old_of, _ = _rates(both.before, before, operations)
    new, new_of, target = _rates(both.after, after, operations)
    rate_before = (old + 0.5) / (old_of + 1)
    rate_after = new / np.maximum(new_of, 1)
    deviation = np.sqrt(rate_before * (1 - rate_before) / np.maximum(new_of, 1)) + 1e-12
    worse = (new > 0) & (rate_after - rate_before > _LEAST_RISE) & ((rate_after - rate_before) / deviation > _LEAST_Z)
    keys = np.flatnonzero(worse)
    surprise = new[keys] * np.log(rate_after[keys] / rate_before[keys]) - (new[keys] - rate_before[keys] * new_of[keys])
    services = np.zeros(operations, np.int64)
    services[both.after.operation] = both.after.service
    against = np.where(target[keys] >= 0, target[keys], services[keys])
    other = np.where(target[keys] >= 0, services[keys], NO_SERVICE)
    return evidence(EvidenceKind.ERRORS, keys, against, rate_after[keys] - rate_before[keys], surprise, other=other)


def _rates(side: ObservedSpans, origins: np.ndarray, operations: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count origins and spans of each operation, and find the target that all its origins call; -1 for none."""
    spans = np.flatnonzero(origins)
    of = side.operation[spans]
    target = np.full(operations, -1, np.int64)
    target[of] = side.target[spans]
    inside = side.target[spans] < 0
    target[of[inside]] = -1
    return (
        np.bincount(of, minlength=operations),
        np.bincount(side.operation, minlength=operations),
        target,
    )
