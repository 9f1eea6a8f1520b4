"""Evidence from interrupted sequences of calls: spans that stop where their operation usually makes another call.

A span that stops early may have failed on its own, so it is evidence against its service. But the call before may have
returned something unusable, and the next one may have failed without leaving a span. The services of these two calls
are therefore suspected, too, at a lower weight. The suspicion adds up if several operations stop at the same service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracetui.analysis.root_causes.aligned_trace_sets import AlignedSets, AlignedSpans
from tracetui.analysis.root_causes.code_path_evidence import StepChanges
from tracetui.analysis.root_causes.evidence import Evidence, EvidenceKind, make_evidence

_SHARE: Final = 0.25
"""Weight of an interruption as evidence against a neighbouring call, relative to that against the span's service."""
_NONE: Final = 0
"""Neighbour of the first and last step; steps are counted from 1 here."""


@dataclass(frozen=True, eq=False, slots=True)
class Interruptions:
    """Operations that stop before or after calls of a service, as columns."""

    operation: np.ndarray
    """int64[m], operation that stops."""
    service: np.ndarray
    """int64[m], service of the call before or after; never that of the operation."""
    counts: np.ndarray
    """int64[m], interrupted spans."""
    log_likelihood: np.ndarray
    """float64[m]"""
    span: np.ndarray
    """int64[k], interrupted spans; those next to two services occur twice."""
    row: np.ndarray
    """int64[k], row of each."""


def find_interruptions(sets: AlignedSets, changes: StepChanges) -> Interruptions:
    """Find the abnormal spans that stop where the baseline's usually make another call."""
    incident, services = sets.incident, len(sets.services)
    spans = np.flatnonzero(changes.is_origin)
    operation = incident.operation[spans].astype(np.int64)
    last = _last_steps(incident, changes.is_origin)[spans]
    expected = _usual_next_steps(sets.baseline, np.unique(operation), operation, last, len(sets.steps))
    targets = np.full(len(sets.steps) + 1, -1, np.int64)
    for side in (sets.baseline, sets.incident):
        targets[side.step + 1] = side.target
    is_interrupted = expected != _NONE
    span = np.concatenate((spans[is_interrupted],) * 2)
    service = targets[np.concatenate((last[is_interrupted], expected[is_interrupted]))]
    is_call = (service >= 0) & (service != incident.service[span])
    # a span may stop between two calls of one service
    distinct = np.unique(span[is_call] * services + service[is_call])
    span, service = np.divmod(distinct, max(services, 1))
    keys, row = np.unique(incident.operation[span].astype(np.int64) * services + service, return_inverse=True)
    operation, service = np.divmod(keys, max(services, 1))
    likelihood = np.bincount(row, changes.log_likelihood[span], len(keys))
    return Interruptions(operation, service, np.bincount(row, minlength=len(keys)), likelihood, span, row)


def interruption_evidence(sets: AlignedSets, found: Interruptions) -> Evidence:
    """Make evidence against the services of the neighbouring calls; `key` is the row."""
    totals = np.bincount(sets.incident.operation, minlength=len(sets.operations))[found.operation]
    effect = _SHARE * found.counts / np.maximum(totals, 1)
    return make_evidence(
        EvidenceKind.INTERRUPTED, np.arange(len(found.service)), found.service, effect, found.log_likelihood
    )


def _last_steps(side: AlignedSpans, is_chosen: np.ndarray) -> np.ndarray:
    """Find the last step of each chosen span, from 1: int64[n], `_NONE` for none."""
    child = _children(side, is_chosen)
    last = np.full(len(side), _NONE, np.int64)
    # siblings are sorted by start, and the last assignment remains
    last[side.traces.parent[child]] = side.step[child] + 1
    return last


def _usual_next_steps(
    side: AlignedSpans, operations: np.ndarray, operation: np.ndarray, step: np.ndarray, steps: int
) -> np.ndarray:
    """Find the step that most often follows a step of an operation, other than itself: int64[k], `_NONE` for the end.

    operations: int64, all that occur. operation, step: int64[k], pairs to look up; steps from 1, `_NONE` for the start.
    """
    is_parent = np.isin(side.operation, operations)
    child = _children(side, is_parent)
    parent = side.traces.parent[child].astype(np.int64)
    order = np.argsort(parent, kind="stable")
    parent, following = parent[order], side.step[child[order]].astype(np.int64) + 1
    is_first = np.ones(len(parent), bool)
    is_first[1:] = parent[1:] != parent[:-1]
    previous = np.where(is_first, _NONE, np.roll(following, 1))
    is_last = np.roll(is_first, -1) if len(parent) else is_first
    is_leaf = is_parent.copy()
    is_leaf[parent] = False
    leaves = np.flatnonzero(is_leaf)
    width = steps + 1
    parents = np.concatenate((parent, parent[is_last], leaves))
    previous = np.concatenate((previous, following[is_last], np.full(len(leaves), _NONE)))
    following = np.concatenate((following, np.full(int(is_last.sum()) + len(leaves), _NONE)))
    # a repeated call says nothing about what follows it
    changed = (previous != following) | (following == _NONE)
    pair = side.operation[parents[changed]].astype(np.int64) * width + previous[changed]
    distinct, counts = np.unique(pair * width + following[changed], return_counts=True)
    pair, following = np.divmod(distinct, width)
    order = np.lexsort((counts, pair))
    pair, following = pair[order], following[order]
    wanted = operation * width + step
    # the commonest is the last of its pair
    at = np.searchsorted(pair, wanted, side="right") - 1
    is_known = (at >= 0) & (pair[np.maximum(at, 0)] == wanted) if len(pair) else np.zeros(len(wanted), bool)
    usual: np.ndarray = np.where(is_known, following[np.maximum(at, 0)] if len(pair) else _NONE, _NONE)
    return usual


def _children(side: AlignedSpans, is_parent: np.ndarray) -> np.ndarray:
    """Select the children of the spans, in order: int64[k]."""
    child = np.flatnonzero(side.traces.parent >= 0)
    children: np.ndarray = child[is_parent[side.traces.parent[child]]]
    return children
