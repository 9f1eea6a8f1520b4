"""Rank services as root causes by the evidence that each accounts for.

Evidence about a single service is attributed to it alone. A slow call may be caused at either end, so it is shared
between caller and callee in proportion to the share of slow calls of each. If the network of a service is slow, or the
service is slow to accept calls, all its calls are slow; its callers and callees have fast calls to others.

The score of a service is its share of the weight of all evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.root_causes.evidence import NO_SERVICE, Evidence

_SHARPNESS: Final = 2.0
"""Power of the shares of slow calls at the two ends of a call."""


@dataclass(frozen=True, eq=False, slots=True)
class ServiceRanking:
    """Services by score, highest first."""

    services: np.ndarray
    """int64[k]"""
    scores: np.ndarray
    """float64[k], share of the total weight; the sum is 1."""
    weights: np.ndarray
    """float64[k], weight attributed to each service."""
    attributed: np.ndarray
    """float64[m, 2], weight of each piece of evidence attributed to its service, and to the caller."""


def rank_services(found: Evidence, slow_call_share: np.ndarray) -> ServiceRanking:
    """Rank the services. slow_call_share: float64[services]."""
    count = len(slow_call_share)
    weight = found.weight
    is_shared = found.caller != NO_SERVICE
    ends = [np.where(is_shared, found.service, 0), np.where(is_shared, found.caller, 0)]
    parts = [slow_call_share[end] ** _SHARPNESS + 1e-9 for end in ends]
    part = np.where(is_shared, parts[0] / (parts[0] + parts[1]), 1.0)
    attributed = np.stack((weight * part, weight * (1.0 - part)), axis=1)
    weights = np.bincount(found.service, attributed[:, 0], count)
    weights += np.bincount(ends[1], np.where(is_shared, attributed[:, 1], 0.0), count)
    order = np.argsort(-weights, kind="stable")
    order = order[weights[order] > 1e-6]
    total = float(weights.sum()) or 1.0
    return ServiceRanking(order, weights[order] / total, weights[order], attributed)
