"""Evidence: what is worse than before, in one unit for every kind of it.

The weight of a piece of evidence is its effect times its certainty. The effect is the share of the time, or of the
spans, that is abnormal; the certainty grows with the log-likelihood ratio of the change against chance and against the
variation of the baseline itself. Both are between 0 and 1, so a busy service does not win by its size.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

import numpy as np

HALF_CERTAIN: Final = 20.0
"""Log-likelihood ratio of a change that counts half: e**20 to 1, as hundreds of operations are looked at."""
NO_SERVICE: Final = -1


class EvidenceKind(enum.IntEnum):
    """EvidenceKind of evidence."""

    SELF_TIME = 0
    """Spans of an operation take longer by themselves."""
    NETWORK = 1
    """Calls take longer between the caller's span and the callee's."""
    DEPENDENCY = 2
    """Calls to a target without spans of its own take longer."""
    ERRORS = 3
    """Errors began in spans of an operation."""
    MORE_CALLS = 4
    """Spans of an operation make more calls each."""
    STEPS = 5
    """Spans of an operation make calls, or write log lines, in a combination that was rare before."""


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """Pieces of evidence as columns."""

    kind: np.ndarray
    """uint8[m], `EvidenceKind`."""
    key: np.ndarray
    """int64[m], number of what is worse in the table of its kind."""
    service: np.ndarray
    """int64[m], service that it is evidence against; for `NETWORK` the callee."""
    other: np.ndarray
    """int64[m], for `NETWORK` the caller, which may be the cause as well; else -1."""
    effect: np.ndarray
    """float64[m], 0 to 1."""
    surprise: np.ndarray
    """float64[m], log-likelihood ratio."""

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def weight(self) -> np.ndarray:
        """float64[m], effect times certainty."""
        weights: np.ndarray = self.effect * certainty(self.surprise)
        return weights

    def select(self, rows: np.ndarray) -> Evidence:
        return Evidence(*(getattr(self, name)[rows] for name in Evidence.__slots__))


def certainty(surprise: np.ndarray) -> np.ndarray:
    """Map log-likelihood ratios to 0 to 1."""
    known = np.maximum(surprise, 0.0)
    certain: np.ndarray = known / (known + HALF_CERTAIN)
    return certain


def evidence(
    kind: EvidenceKind,
    key: np.ndarray,
    service: np.ndarray,
    effect: np.ndarray,
    surprise: np.ndarray,
    *,
    other: np.ndarray | None = None,
) -> Evidence:
    """Build evidence of one kind."""
    return Evidence(
        np.full(len(key), int(kind), np.uint8),
        key.astype(np.int64),
        service.astype(np.int64),
        np.full(len(key), NO_SERVICE, np.int64) if other is None else other.astype(np.int64),
        np.clip(effect, 0.0, 1.0),
        surprise,
    )


def together(parts: list[Evidence]) -> Evidence:
    """Concatenate evidence."""
    return Evidence(*(np.concatenate([getattr(part, name) for part in parts]) for name in Evidence.__slots__))
