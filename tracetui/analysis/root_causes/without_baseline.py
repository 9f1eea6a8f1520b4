"""Rank causes in a few traces without a baseline: by the origins of errors, and by self time on the critical path."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

import numpy as np

from tracetui.analysis.calls import find_calls
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.root_causes.affected_instance import affected_instance
from tracetui.analysis.root_causes.confidence import NO_BASELINE
from tracetui.analysis.root_causes.error_evidence import error_origins
from tracetui.analysis.root_causes.evidence import EvidenceKind
from tracetui.analysis.root_causes.propagation_path import propagation_path
from tracetui.analysis.root_causes.results import AffectedEntryPoint, Cause, EvidenceDetail, RootCauses
from tracetui.analysis.root_causes.with_baseline import MAX_CAUSES, MAX_ENTRY_POINTS, MAX_EXAMPLES
from tracetui.model.traces import TraceSet

_ERROR_CONFIDENCE: Final = 0.8
"""Confidence in a service in which all errors originate."""
_TIME_CONFIDENCE: Final = 0.8
"""Confidence in a service that has the whole critical path, as it may always be this slow."""
_MIN_SHARE: Final = 0.001


def find_causes_without_baseline(traces: TraceSet) -> RootCauses:
    """Rank the services of a trace set that has no baseline.

    Services in which the errors of failed requests originate come first. The others follow by their share of the
    critical path.
    """
    origins = np.flatnonzero(error_origins(traces) & failed_requests(traces)[traces.trace])
    causes = _causes_by_errors(traces, origins)
    named = {cause.service for cause in causes}
    causes += [cause for cause in _causes_by_time(traces) if cause.service not in named]
    ranked = tuple(replace(cause, rank=rank) for rank, cause in enumerate(causes[:MAX_CAUSES], 1))
    return RootCauses(ranked, traces.trace_count, 0, (NO_BASELINE,))


def _causes_by_errors(traces: TraceSet, origins: np.ndarray) -> list[Cause]:
    found = []
    for service, number in Counter(traces.service[origins].tolist()).most_common():
        spans = origins[traces.service[origins] == service]
        is_same = traces.operation == traces.operation[spans[0]]
        rate, span_count = float(is_same[spans].sum() / is_same.sum()), int(is_same.sum())
        name, share = traces.services[service], number / len(origins)
        confidence = share * _ERROR_CONFIDENCE
        found.append(_cause(traces, name, spans, EvidenceKind.ERRORS, confidence, share, rate, span_count))
    return found


def _causes_by_time(traces: TraceSet) -> list[Cause]:
    critical = critical_paths(traces).critical
    calls = find_calls(traces)
    # the time of a call to an external target is the target's
    node = traces.service.astype(np.int64)
    outward = np.flatnonzero(calls.outward & ~calls.is_async)
    node[calls.span[outward]] = calls.callee[outward]
    times = np.bincount(node, critical, len(calls.nodes))
    total = float(times.sum()) or 1.0
    found = []
    for suspect in np.argsort(-times, kind="stable").tolist():
        share = float(times[suspect] / total)
        if share < _MIN_SHARE:
            break
        spans = np.flatnonzero((node == suspect) & (critical > 0))
        spans = spans[np.argsort(-critical[spans], kind="stable")]
        kind = EvidenceKind.DEPENDENCY if suspect >= calls.first_peer else EvidenceKind.SELF_TIME
        same = spans[traces.operation[spans] == traces.operation[spans[0]]]
        mean, confidence = float(critical[same].mean()), share * _TIME_CONFIDENCE
        found.append(_cause(traces, calls.nodes[suspect], spans, kind, confidence, share, mean, len(same)))
    return found


def _cause(
    traces: TraceSet,
    name: str,
    spans: np.ndarray,
    kind: EvidenceKind,
    confidence: float,
    score: float,
    figure: float,
    span_count: int,
) -> Cause:
    """Describe a cause by its spans, the most relevant first. figure, span_count: of the first span's operation."""
    first = int(spans[0])
    target = name if kind is EvidenceKind.DEPENDENCY else ""
    operation = traces.shape_name(first)
    detail = EvidenceDetail(kind, traces.service_name(first), operation, target, None, figure, span_count, score)
    roots = traces.main_root[np.unique(traces.trace[spans])]
    entry_points = Counter(traces.operation[roots].tolist()).most_common(MAX_ENTRY_POINTS)
    examples = list(dict.fromkeys(traces.trace[spans].tolist()))[:MAX_EXAMPLES]
    return Cause(
        rank=0,
        service=name,
        host="" if target else affected_instance(traces, spans),
        is_external=bool(target),
        operation=operation,
        kind=kind,
        confidence=confidence,
        score=score,
        evidence=(detail,),
        example_trace_ids=tuple(traces.trace_ids[trace] for trace in examples),
        propagation_path=propagation_path(traces, first, name),
        entry_points=tuple(
            AffectedEntryPoint(*traces.operation_label(operation), number) for operation, number in entry_points
        ),
    )
