"""Rank services as causes by the evidence that each explains.

Evidence against one service counts whole. A slow call may be the fault of either end: it is shared between caller and
callee by how many of each one's calls are slow. A service with a slow network, or with no time for its calls, has them
all slow; its callers and callees have only those with it.

The score of a service is its part of the weight of all evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.why.evidence import NO_SERVICE, Evidence

_SHARPNESS: Final = 2.0
"""Power of the shares of slow calls between the two ends of a call."""


@dataclass(frozen=True, eq=False, slots=True)
class Ranked:
    """Services by score."""

    services: np.ndarray
    """int64[k], highest score first."""
    scores: np.ndarray
    """float64[k], parts of all weight; they sum to 1."""
    weights: np.ndarray
    """float64[k], weight of the evidence of each."""
    charged: np.ndarray
    """float64[m, 2], weight of each piece of evidence that is charged to its service, and to the other one."""


def rank(found: Evidence, slow_share: np.ndarray) -> Ranked:
    """Rank the services. slow_share: float64[services], share of slow calls of each."""
    count = len(slow_share)
    weight = found.weight
    shared = found.other != NO_SERVICE
    ends = [np.where(shared, found.service, 0), np.where(shared, found.other, 0)]
    parts = [slow_share[end] ** _SHARPNESS + 1e-9 for end in ends]
    first = np.where(shared, parts[0] / (parts[0] + parts[1]), 1.0)
    charged = np.stack((weight * first, weight * (1.0 - first)), axis=1)
    weights = np.bincount(found.service, charged[:, 0], count)
    weights += np.bincount(ends[1], np.where(shared, charged[:, 1], 0.0), count)
    order = np.argsort(-weights, kind="stable")
    order = order[weights[order] > 1e-6]
    total = float(weights.sum()) or 1.0
    return Ranked(order, weights[order] / total, weights[order], charged)
