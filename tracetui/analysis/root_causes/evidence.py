"""Evidence: significant deviations from the baseline, weighted on one scale for all kinds.

The weight of a piece of evidence is its effect size times its certainty. The effect size is the share of the time, or
of the spans, that is abnormal. The certainty grows with the log-likelihood ratio of a change against chance and against
the variation of the baseline itself. Both are between 0 and 1, so that a service does not rank higher for being busy.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

import numpy as np

HALF_CERTAIN: Final = 20.0
"""Log-likelihood ratio with a certainty of one half; it is high because hundreds of operations are tested."""
NO_SERVICE: Final = -1


class EvidenceKind(enum.IntEnum):
    """Figure that deviates from the baseline."""

    SELF_TIME = 0
    """Self time of an operation is longer."""
    NETWORK = 1
    """Time between the caller's span and the callee's span of a call is longer."""
    DEPENDENCY = 2
    """Calls of an external target, which has no spans, take longer."""
    ERRORS = 3
    """More errors originate in spans of an operation."""
    MORE_CALLS = 4
    """Spans of an operation make more calls each."""
    STEPS = 5
    """Spans of an operation make calls, or write log lines, in a combination that is rare in the baseline."""
    INTERRUPTED = 6
    """Spans of another service stop before or after a call of the service, where they usually make another call."""


LATENCY_KINDS: Final = (EvidenceKind.SELF_TIME, EvidenceKind.NETWORK, EvidenceKind.DEPENDENCY)
"""Kinds whose figures are times."""


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """Pieces of evidence as columns."""

    kind: np.ndarray
    """uint8[m], `EvidenceKind`."""
    key: np.ndarray
    """int64[m], what deviates: an operation, or a row of the table of its kind."""
    service: np.ndarray
    """int64[m], service that is suspected; for `NETWORK` the callee."""
    caller: np.ndarray
    """int64[m], for a call the caller, which may be the cause as well; else `NO_SERVICE`."""
    effect: np.ndarray
    """float64[m], effect size, 0 to 1."""
    log_likelihood: np.ndarray
    """float64[m], log-likelihood ratio of a change against chance."""

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def weight(self) -> np.ndarray:
        """float64[m], effect size times certainty."""
        weights: np.ndarray = self.effect * certainty(self.log_likelihood)
        return weights


def certainty(log_likelihood: np.ndarray) -> np.ndarray:
    """Map log-likelihood ratios to 0 to 1."""
    positive = np.maximum(log_likelihood, 0.0)
    certain: np.ndarray = positive / (positive + HALF_CERTAIN)
    return certain


def make_evidence(
    kind: EvidenceKind,
    key: np.ndarray,
    service: np.ndarray,
    effect: np.ndarray,
    log_likelihood: np.ndarray,
    *,
    caller: np.ndarray | None = None,
) -> Evidence:
    """Build evidence of one kind."""
    return Evidence(
        np.full(len(key), int(kind), np.uint8),
        key.astype(np.int64),
        service.astype(np.int64),
        np.full(len(key), NO_SERVICE, np.int64) if caller is None else caller.astype(np.int64),
        np.clip(effect, 0.0, 1.0),
        log_likelihood,
    )


def concatenate(parts: list[Evidence]) -> Evidence:
    """Join evidence of several kinds."""
    return Evidence(*(np.concatenate([getattr(part, name) for part in parts]) for name in Evidence.__slots__))
